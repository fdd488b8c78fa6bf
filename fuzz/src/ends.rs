//! What the oracles have in common: an end of either role, whole messages or chunks, driven by the same calls.

use core::time::Duration;
use std::borrow::Cow;

use websocket_proto::{
    ChunkEvent, CloseCode, Config, Connection, Event, Failure, FrameStart, MessageKind, Negotiated,
    Next, Output, UsageError, WebSocket,
};

use crate::checker::{Item, Side};

pub const NOW: Duration = Duration::ZERO;

pub fn negotiated(side: Side, seed: u8) -> Negotiated<'static> {
    match side {
        Side::Client => Negotiated::client([seed; 32]),
        Side::Server => Negotiated::server(),
    }
}

pub fn peer(side: Side) -> Side {
    match side {
        Side::Client => Side::Server,
        Side::Server => Side::Client,
    }
}

pub fn side(flag: bool) -> Side {
    if flag { Side::Client } else { Side::Server }
}

/// Either kind of machine.
#[allow(clippy::large_enum_variant, reason = "there is one")]
pub enum End {
    Messages(WebSocket),
    Chunks(Connection),
}

/// What an end has told so far; chunks are joined.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub items: Vec<Item>,
    /// What has come of a message, for an end that tells of chunks.
    pub open: Option<(MessageKind, Vec<u8>)>,
}

macro_rules! either {
    ($end:expr, $machine:ident => $call:expr) => {
        match $end {
            End::Messages($machine) => $call,
            End::Chunks($machine) => $call,
        }
    };
}

impl End {
    pub fn new(messages: bool, negotiated: Negotiated<'_>, config: Config) -> Self {
        if messages {
            End::Messages(WebSocket::open(negotiated, config))
        } else {
            End::Chunks(Connection::open(negotiated, config))
        }
    }

    /// Calls `receive` once; says whether there was an event.
    pub fn receive(
        &mut self,
        input: &mut &mut [u8],
        out: &mut impl Output,
        told: &mut Told,
    ) -> bool {
        let before = input.len();
        let got_event = match self {
            End::Messages(ws) => match ws.receive(input, out) {
                Some(event) => {
                    let item = match event {
                        Event::Text(text) => Item::Text(text.into_owned()),
                        Event::Binary(data) => {
                            let item = Item::Binary(data.to_vec());
                            if let Cow::Owned(buffer) = data {
                                ws.recycle(buffer);
                            }
                            item
                        }
                        Event::Ping(payload) => Item::Ping(payload.to_vec()),
                        Event::Pong(payload) => Item::Pong(payload.to_vec()),
                        Event::Close(close) => Item::Close(close_item(&close)),
                    };
                    told.items.push(item);
                    true
                }
                None => false,
            },
            End::Chunks(connection) => match connection.receive(input, out) {
                Some(event) => {
                    told.add(event);
                    true
                }
                None => false,
            },
        };
        if got_event {
            assert!(input.len() < before, "an event without progress");
        } else {
            assert!(input.is_empty(), "`None` means that all of the input was taken");
        }
        got_event
    }

    /// Calls `receive` until there is nothing more to tell of this piece.
    pub fn receive_all(&mut self, mut piece: &mut [u8], out: &mut impl Output, told: &mut Told) {
        while self.receive(&mut piece, out, told) {}
    }

    pub fn receive_eof(&mut self) {
        either!(self, it => it.receive_eof())
    }

    pub fn poll(&mut self, now: Duration, out: &mut impl Output) -> Next {
        either!(self, it => it.poll(now, out))
    }

    pub fn send_text(&mut self, text: &str, out: &mut impl Output) -> Result<(), UsageError> {
        either!(self, it => it.send_text(text, out))
    }

    pub fn send_binary(&mut self, data: &[u8], out: &mut impl Output) -> Result<(), UsageError> {
        either!(self, it => it.send_binary(data, out))
    }

    pub fn send_fragment(
        &mut self,
        kind: MessageKind,
        part: &[u8],
        last: bool,
        out: &mut impl Output,
    ) -> Result<(), UsageError> {
        either!(self, it => it.send_fragment(kind, part, last, out))
    }

    pub fn start_message(&mut self, kind: MessageKind, len: u64) -> Result<FrameStart, UsageError> {
        match kind {
            MessageKind::Text => either!(self, it => it.start_text(len)),
            MessageKind::Binary => either!(self, it => it.start_binary(len)),
        }
    }

    pub fn start_fragment(
        &mut self,
        kind: MessageKind,
        len: u64,
        last: bool,
    ) -> Result<FrameStart, UsageError> {
        either!(self, it => it.start_fragment(kind, len, last))
    }

    pub fn send_ping(&mut self, payload: &[u8], out: &mut impl Output) -> Result<(), UsageError> {
        either!(self, it => it.send_ping(payload, out))
    }

    pub fn send_pong(&mut self, payload: &[u8], out: &mut impl Output) -> Result<(), UsageError> {
        either!(self, it => it.send_pong(payload, out))
    }

    pub fn close(
        &mut self,
        code: Option<u16>,
        reason: &str,
        out: &mut impl Output,
    ) -> Result<(), UsageError> {
        either!(self, it => it.close(code.map(CloseCode::from), reason, out))
    }

    pub fn may_send(&self) -> bool {
        either!(self, it => it.may_send())
    }
}

impl Told {
    pub fn add(&mut self, event: ChunkEvent<'_>) {
        let chunk = match event {
            ChunkEvent::Data(chunk) => chunk,
            ChunkEvent::Ping(payload) => return self.items.push(Item::Ping(payload.to_vec())),
            ChunkEvent::Pong(payload) => return self.items.push(Item::Pong(payload.to_vec())),
            ChunkEvent::Close(close) => return self.items.push(Item::Close(close_item(&close))),
        };
        assert_eq!(chunk.first, self.open.is_none(), "the first chunk of a message begins it");
        assert!(chunk.last || !chunk.payload.is_empty(), "only the last chunk may be empty");
        assert!(!chunk.last || chunk.frame_remaining == 0);
        let (kind, mut data) = self.open.take().unwrap_or((chunk.kind, Vec::new()));
        assert_eq!(chunk.kind, kind);
        data.extend_from_slice(chunk.payload);
        if !chunk.last {
            self.open = Some((kind, data));
        } else if kind == MessageKind::Text {
            let text = String::from_utf8(data).expect("§8.1 a text is UTF-8");
            self.items.push(Item::Text(text));
        } else {
            self.items.push(Item::Binary(data));
        }
    }

    pub fn has_close(&self) -> bool {
        self.items.iter().any(|item| matches!(item, Item::Close(_)))
    }
}

fn close_item(close: &websocket_proto::Close) -> Option<(u16, String)> {
    let code = u16::from(close.code());
    if code == 1005 {
        assert_eq!(close.reason(), "");
        return None;
    }
    Some((code, close.reason().to_owned()))
}

/// Returns the close code of a verdict that blames the peer.
pub fn fault_code(next: Next) -> Option<u16> {
    match next {
        Next::End(Err(failure @ Failure::Protocol(_))) => Some(failure.close_code().into()),
        _ => None,
    }
}

/// Asserts that nothing more can be had of an end that is over: whatever is asked, the answer is the same.
pub fn assert_over(end: &mut End, verdict: Next) {
    let mut out = Vec::new();
    let mut told = Told::default();
    assert!(!end.may_send());
    assert_eq!(end.send_text("late", &mut out), Err(UsageError::Closed));
    assert_eq!(end.send_ping(b"", &mut out), Err(UsageError::Closed));
    assert_eq!(end.close(Some(1000), "", &mut out), Err(UsageError::Closed));
    assert_eq!(end.start_message(MessageKind::Binary, 1).err(), Some(UsageError::Closed));
    for garbage in [&b"\x89\x00"[..], b"\x89\x80abcd", b"\xff\xff\xff", b""] {
        end.receive_all(&mut garbage.to_vec(), &mut out, &mut told);
        assert_eq!(end.poll(NOW, &mut out), verdict);
    }
    end.receive_eof();
    end.receive_eof();
    assert_eq!(end.poll(NOW, &mut out), verdict);
    assert_eq!((told, out), (Told::default(), Vec::new()));
}
