//! sockudo-ws: its protocol core, `Protocol`, on a `BytesMut`, without its streams. It reports Pings; the loop answers.

use bytes::{Bytes, BytesMut};
use sockudo_ws::protocol::{Message, Protocol, Role as TheirRole};

use crate::consumer::Consumer;
use crate::contender::{Can, Contender, Role};
use crate::wire::Wire;

const LIMIT: usize = 64 << 20;

struct Sockudo {
    protocol: Protocol,
    wire: Wire,
    input: BytesMut,
    messages: Vec<Message>,
    out: BytesMut,
}

pub fn open(role: Role, wire: Wire) -> Option<Box<dyn Contender>> {
    let role = match role {
        Role::Client => TheirRole::Client,
        Role::Server => TheirRole::Server,
    };
    let protocol = Protocol::new(role, LIMIT, LIMIT);
    let (input, out) = (BytesMut::new(), BytesMut::new());
    Some(Box::new(Sockudo { protocol, wire, input, messages: Vec::new(), out }))
}

impl Sockudo {
    fn write(&mut self) {
        if !self.out.is_empty() {
            self.wire.write(&self.out);
            self.out.clear();
        }
    }
}

impl Contender for Sockudo {
    fn wire(&mut self) -> &mut Wire {
        &mut self.wire
    }

    fn receive(&mut self, consumer: &mut Consumer) -> Can {
        while self.wire.read_into(&mut self.input) != 0 {
            self.protocol.process_into(&mut self.input, &mut self.messages).expect("good frames");
            // Drained, so that no message holds on to the buffer at the next read.
            for message in self.messages.drain(..) {
                match message {
                    Message::Binary(data) | Message::Text(data) => consumer.message(&data),
                    Message::Ping(data) => self.protocol.encode_pong(&data, &mut self.out),
                    Message::Pong(_) | Message::Close(_) => {}
                }
            }
            self.write();
        }
        Can::Done
    }

    fn send(&mut self, messages: &[Bytes]) -> Can {
        for data in messages {
            let message = Message::Binary(data.clone());
            self.protocol.encode_message(&message, &mut self.out).expect("room");
        }
        self.write();
        Can::Done
    }

    fn echo(&mut self, consumer: &mut Consumer) -> Can {
        while self.wire.read_into(&mut self.input) != 0 {
            self.protocol.process_into(&mut self.input, &mut self.messages).expect("good frames");
            for message in self.messages.drain(..) {
                consumer.message(message.as_bytes());
                self.protocol.encode_message(&message, &mut self.out).expect("room");
            }
            self.write();
        }
        Can::Done
    }
}
