//! sockudo-ws: its protocol core, `Protocol`, on a `BytesMut`; keys by `fastrand`, its default. It reports Pings; the
//! loop answers them. Its streams are opened, for what an idle one holds, but not driven: they want a runtime, and where
//! they are in the same program the compiler inlines less of the core, which then takes twice as long for short messages.

use std::hint::black_box;

use bytes::{Bytes, BytesMut};
use sockudo_ws::protocol::{Message, Protocol, Role as TheirRole};
use sockudo_ws::{Config, WebSocketStream, handshake};

use super::{HOST, PATH};
use crate::consumer::Consumer;
use crate::contender::{Can, Contender, Entry, Role};
use crate::wire::Wire;

pub const ENTRY: Entry = Entry {
    name: "sockudo-ws",
    open: |role, wire| Box::new(Sockudo::new(role, wire)),
    idle: Some(|wire| Box::new(WebSocketStream::server(wire, Config::default()))),
};

const LIMIT: usize = 64 << 20;

struct Sockudo {
    protocol: Protocol,
    wire: Wire,
    input: BytesMut,
    messages: Vec<Message>,
    out: BytesMut,
}

impl Sockudo {
    fn new(role: Role, wire: Wire) -> Self {
        let role = match role {
            Role::Client => TheirRole::Client,
            Role::Server => TheirRole::Server,
        };
        let protocol = Protocol::new(role, LIMIT, LIMIT);
        let (input, out) = (BytesMut::new(), BytesMut::new());
        Self { protocol, wire, input, messages: Vec::new(), out }
    }

    fn write(&mut self) {
        if !self.out.is_empty() {
            self.wire.write(&self.out);
            self.out.clear();
        }
    }
}

impl Contender for Sockudo {
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

    fn accept(&mut self) -> Can {
        // `server_handshake` in parts, as for `connect`.
        let mut input = BytesMut::with_capacity(4096);
        self.wire.read_into(&mut input);
        let request = handshake::parse_request(&input).expect("a good request");
        let (request, _) = request.expect("a whole request");
        let accept = handshake::generate_accept_key(request.key);
        self.wire.write(&handshake::build_response(&accept, None, None));
        black_box(Protocol::new(TheirRole::Server, LIMIT, LIMIT));
        Can::Done
    }

    fn connect(&mut self) -> Can {
        // `client_handshake` in parts: its key is random, and one that is known takes its place, for the response is
        // made beforehand.
        black_box(handshake::generate_key());
        let key = "dGhlIHNhbXBsZSBub25jZQ==";
        let request = handshake::build_request_with_headers(HOST, PATH, key, None, None, None);
        self.wire.write(&request.expect("good parts"));
        let mut input = BytesMut::with_capacity(4096);
        if self.wire.read_into(&mut input) == 0 {
            return Can::Done; // no response yet
        }
        let response = handshake::parse_response(&input).expect("a good response");
        let (response, _) = response.expect("a whole response");
        let accept = response.accept.expect("an accept value");
        assert!(handshake::validate_accept_key(key, accept));
        black_box(Protocol::new(TheirRole::Client, LIMIT, LIMIT));
        Can::Done
    }
}
