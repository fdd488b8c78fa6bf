//! tungstenite over `Read` and `Write`. The default configuration, whose read buffer of 128 KiB its documentation names
//! for high load.

use std::hint::black_box;
use std::io::ErrorKind;

use bytes::Bytes;
use tungstenite::client::IntoClientRequest;
use tungstenite::handshake::HandshakeError;
use tungstenite::http::HeaderValue;
use tungstenite::protocol::Role as TheirRole;
use tungstenite::{Error, Message, WebSocket};

use super::URL;
use crate::consumer::Consumer;
use crate::contender::{Can, Contender, Entry, Role};
use crate::wire::Wire;

pub const ENTRY: Entry = Entry {
    name: "tungstenite",
    open: |role, wire| Box::new(Tungstenite::new(role, wire)),
    idle: Some(|wire| {
        let mut connection = Tungstenite::new(Role::Server, wire);
        connection.receive(&mut Consumer::default());
        Box::new(connection.0)
    }),
};

struct Tungstenite(WebSocket<Wire>);

impl Tungstenite {
    fn new(role: Role, wire: Wire) -> Self {
        let role = match role {
            Role::Client => TheirRole::Client,
            Role::Server => TheirRole::Server,
        };
        Self(WebSocket::from_raw_socket(wire, role, None))
    }

    /// The next message; `None` at the end of the stream.
    fn next(&mut self) -> Option<Message> {
        match self.0.read() {
            Ok(message) => Some(message),
            Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => None,
            Err(error) => panic!("{error}"),
        }
    }
}

impl Contender for Tungstenite {
    fn receive(&mut self, consumer: &mut Consumer) -> Can {
        // A Pong is flushed by the next read.
        while let Some(message) = self.next() {
            match message {
                Message::Binary(data) => consumer.message(&data),
                Message::Text(text) => consumer.message(text.as_bytes()),
                _ => {}
            }
        }
        Can::Done
    }

    fn send(&mut self, messages: &[Bytes]) -> Can {
        for data in messages {
            self.0.write(Message::Binary(data.clone())).expect("the connection is open");
        }
        self.0.flush().expect("a sink");
        Can::Done
    }

    fn echo(&mut self, consumer: &mut Consumer) -> Can {
        while let Some(message) = self.next() {
            if let Message::Binary(data) = &message {
                consumer.message(data);
            }
            self.0.write(message).expect("the connection is open");
        }
        self.0.flush().expect("a sink");
        Can::Done
    }

    fn accept(&mut self) -> Can {
        black_box(tungstenite::accept(self.0.get_ref().clone()).expect("a good request"));
        Can::Done
    }

    fn connect(&mut self) -> Can {
        // Its key is random; one that is known takes its place, for the response is made beforehand.
        let mut request = URL.into_client_request().expect("a good URL");
        let key = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");
        request.headers_mut().insert("Sec-WebSocket-Key", key);
        match tungstenite::client(request, self.0.get_ref().clone()) {
            Ok(opened) => drop(black_box(opened)),
            Err(HandshakeError::Interrupted(_)) => {} // no response yet
            Err(HandshakeError::Failure(error)) => panic!("{error}"),
        }
        Can::Done
    }
}
