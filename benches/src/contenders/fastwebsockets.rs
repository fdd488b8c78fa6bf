//! fastwebsockets over `AsyncRead` and `AsyncWrite`, with its `FragmentCollector` and its default settings (SIMD for
//! UTF-8, masks applied, vectored writes above 1 KiB). It writes every message at once; there is no batch.

use bytes::Bytes;
use fastwebsockets::{FragmentCollector, Frame, OpCode, Payload, Role as TheirRole, WebSocket};

use crate::consumer::Consumer;
use crate::contender::{Can, Contender, Entry, Role, drive};
use crate::wire::Wire;

pub const ENTRY: Entry = Entry {
    name: "fastwebsockets",
    open: |role, wire| Box::new(Fast::new(role, wire)),
    idle: Some(|wire| {
        let mut connection = Fast::new(Role::Server, wire);
        connection.receive(&mut Consumer::default());
        Box::new(connection.connection)
    }),
};

struct Fast {
    role: Role,
    connection: FragmentCollector<Wire>,
    /// A client's payload, which is masked in place.
    scratch: Vec<u8>,
}

impl Fast {
    fn new(role: Role, wire: Wire) -> Self {
        let their_role = match role {
            Role::Client => TheirRole::Client,
            Role::Server => TheirRole::Server,
        };
        let connection = FragmentCollector::new(WebSocket::after_handshake(wire, their_role));
        Self { role, connection, scratch: Vec::new() }
    }
}

impl Contender for Fast {
    fn receive(&mut self, consumer: &mut Consumer) -> Can {
        let _ = drive(async {
            loop {
                let frame = self.connection.read_frame().await.expect("good frames");
                if matches!(frame.opcode, OpCode::Binary | OpCode::Text) {
                    consumer.message(&frame.payload);
                }
            }
        });
        Can::Done
    }

    fn send(&mut self, messages: &[Bytes]) -> Can {
        let sent = drive(async {
            for data in messages {
                let payload = match self.role {
                    Role::Server => Payload::Borrowed(data),
                    Role::Client => {
                        self.scratch.clear();
                        self.scratch.extend_from_slice(data);
                        Payload::BorrowedMut(&mut self.scratch)
                    }
                };
                self.connection.write_frame(Frame::binary(payload)).await.expect("a sink");
            }
        });
        assert!(sent.is_ready());
        Can::Done
    }

    fn echo(&mut self, consumer: &mut Consumer) -> Can {
        let _ = drive(async {
            loop {
                let frame = self.connection.read_frame().await.expect("good frames");
                consumer.message(&frame.payload);
                let echo = Frame::binary(frame.payload);
                self.connection.write_frame(echo).await.expect("a sink");
            }
        });
        Can::Done
    }
}
