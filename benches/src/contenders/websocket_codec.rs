//! websocket-codec: `MessageCodec` on a `BytesMut`, as a `Framed` would drive it. It checks neither the mask bit nor
//! the shortest length, and answers no Pings: the loop does.

use bytes::{Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder};
use websocket_codec::{Message, MessageCodec, Opcode};

use crate::consumer::Consumer;
use crate::contender::{Can, Contender, Role};
use crate::wire::Wire;

struct Codec {
    codec: MessageCodec,
    wire: Wire,
    input: BytesMut,
    out: BytesMut,
}

pub fn open(role: Role, wire: Wire) -> Option<Box<dyn Contender>> {
    let codec = MessageCodec::with_masked_encode(role == Role::Client);
    Some(Box::new(Codec { codec, wire, input: BytesMut::new(), out: BytesMut::new() }))
}

impl Codec {
    fn write(&mut self) {
        if !self.out.is_empty() {
            self.wire.write(&self.out);
            self.out.clear();
        }
    }
}

impl Contender for Codec {
    fn wire(&mut self) -> &mut Wire {
        &mut self.wire
    }

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
