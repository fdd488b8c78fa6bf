//! websocket-codec: `MessageCodec` on a `BytesMut`, as a `Framed` drives it. It answers no Pings: the loop does.

use bytes::{Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder, Framed};
use websocket_codec::{Message, MessageCodec, Opcode};

use crate::consumer::Consumer;
use crate::contender::{Can, Contender, Entry, Role, drain};
use crate::wire::Wire;

pub const ENTRY: Entry = Entry {
    name: "websocket-codec",
    open: |role, wire| Box::new(Codec::new(role, wire)),
    idle: Some(|wire| {
        let mut connection = Framed::new(wire, MessageCodec::server());
        drain(&mut connection);
        Box::new(connection)
    }),
};

struct Codec {
    codec: MessageCodec,
    wire: Wire,
    input: BytesMut,
    out: BytesMut,
}

impl Codec {
    fn new(role: Role, wire: Wire) -> Self {
        let codec = MessageCodec::with_masked_encode(role == Role::Client);
        Self { codec, wire, input: BytesMut::new(), out: BytesMut::new() }
    }

    fn write(&mut self) {
        if !self.out.is_empty() {
            self.wire.write(&self.out);
            self.out.clear();
        }
    }
}

impl Contender for Codec {
    fn receive(&mut self, consumer: &mut Consumer) -> Can {
        while self.wire.read_into(&mut self.input) != 0 {
            while let Some(message) = self.codec.decode(&mut self.input).expect("good frames") {
                match message.opcode() {
                    Opcode::Text | Opcode::Binary => consumer.message(message.data()),
                    Opcode::Ping => {
                        let pong = Message::pong(message.into_data());
                        self.codec.encode(&pong, &mut self.out).expect("room");
                    }
                    Opcode::Pong | Opcode::Close => {}
                }
            }
            self.write();
        }
        Can::Done
    }

    fn send(&mut self, messages: &[Bytes]) -> Can {
        for data in messages {
            self.codec.encode(&Message::binary(data.clone()), &mut self.out).expect("room");
        }
        self.write();
        Can::Done
    }

    fn echo(&mut self, consumer: &mut Consumer) -> Can {
        while self.wire.read_into(&mut self.input) != 0 {
            while let Some(message) = self.codec.decode(&mut self.input).expect("good frames") {
                consumer.message(message.data());
                self.codec.encode(&message, &mut self.out).expect("room");
            }
            self.write();
        }
        Can::Done
    }
}
