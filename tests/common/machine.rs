//! `Connection` and `WebSocket` behind one trait, what they tell in one form, and an output of bounded size.

use core::time::Duration;

use websocket_proto::{
    Chunk, ChunkEvent, Close, CloseCode, Config, Connection, MessageKind, Negotiated, Next, Output,
    Role, UsageError,
};
#[cfg(feature = "alloc")]
use websocket_proto::{Event, WebSocket};

use super::{SEED, To};

/// An event, with the chunks of a message joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(u16, String),
}

impl Seen {
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    pub(crate) fn binary(data: &[u8]) -> Self {
        Self::Binary(data.to_vec())
    }

    pub(crate) fn ping(payload: &[u8]) -> Self {
        Self::Ping(payload.to_vec())
    }

    pub(crate) fn pong(payload: &[u8]) -> Self {
        Self::Pong(payload.to_vec())
    }

    pub(crate) fn close(code: u16, reason: &str) -> Self {
        Self::Close(code, reason.to_owned())
    }

    fn of_close(close: &Close) -> Self {
        Self::close(close.code().into(), close.reason())
    }
}

/// What a machine has told so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Log {
    pub(crate) events: Vec<Seen>,
    /// The chunks of the message in progress, joined; only a `Connection` tells of them.
    pub(crate) partial: Option<(MessageKind, Vec<u8>)>,
    /// The bytes of the frame in progress that are to come, as the last chunk told.
    frame_remaining: u64,
    /// How many calls of `receive` were made.
    pub(crate) calls: usize,
}

impl Log {
    fn chunk(&mut self, chunk: &Chunk<'_>) {
        assert_eq!(chunk.first, self.partial.is_none(), "the first chunk");
        assert!(chunk.last || !chunk.payload.is_empty(), "an empty chunk");
        assert!(!chunk.last || chunk.frame_remaining == 0, "more to come");
        if self.frame_remaining > 0 {
            let len = chunk.payload.len() as u64;
            assert_eq!(self.frame_remaining, len + chunk.frame_remaining);
        }
        self.frame_remaining = chunk.frame_remaining;
        let (kind, data) = self.partial.get_or_insert((chunk.kind, Vec::new()));
        assert_eq!(*kind, chunk.kind, "the kind of a message");
        if chunk.kind == MessageKind::Text {
            check_piece(data, chunk.payload);
        }
        data.extend_from_slice(chunk.payload);
        if chunk.last {
            let (kind, data) = self.partial.take().unwrap();
            self.events.push(match kind {
                MessageKind::Text => Seen::Text(String::from_utf8(data).unwrap()),
                MessageKind::Binary => Seen::Binary(data),
            });
        }
    }
}

/// Text handed out in chunks is good up to where it has come.
fn check_piece(before: &[u8], piece: &[u8]) {
    let start = before.len().saturating_sub(3);
    // Where the last three bytes begin within a code point, leave its continuation bytes out.
    let mut tail: Vec<u8> = match core::str::from_utf8(before.get(start..).unwrap()) {
        Ok(_) => Vec::new(),
        Err(_) => before[start..].iter().copied().skip_while(|byte| byte & 0xC0 == 0x80).collect(),
    };
    tail.extend_from_slice(piece);
    if let Err(error) = core::str::from_utf8(&tail) {
        assert_eq!(error.error_len(), None, "{tail:02x?}");
    }
}

/// What the tests do with a machine of either type.
pub(crate) trait Machine {
    fn open(negotiated: Negotiated<'_>, config: Config) -> Self
    where
        Self: Sized;

    /// Makes one call of `receive`; says whether there was an event.
    fn receive(&mut self, input: &mut &mut [u8], out: &mut dyn Output, log: &mut Log) -> bool;

    fn receive_eof(&mut self);
    fn poll(&mut self, now: Duration, out: &mut dyn Output) -> Next;
    fn send_text(&mut self, text: &str, out: &mut dyn Output) -> Result<(), UsageError>;
    fn send_binary(&mut self, data: &[u8], out: &mut dyn Output) -> Result<(), UsageError>;
    fn send_fragment(
        &mut self,
        kind: MessageKind,
        part: &[u8],
        last: bool,
        out: &mut dyn Output,
    ) -> Result<(), UsageError>;
    fn send_ping(&mut self, payload: &[u8], out: &mut dyn Output) -> Result<(), UsageError>;
    fn send_pong(&mut self, payload: &[u8], out: &mut dyn Output) -> Result<(), UsageError>;
    fn close(
        &mut self,
        code: Option<u16>,
        reason: &str,
        out: &mut dyn Output,
    ) -> Result<(), UsageError>;
    /// Starts a message whose payload is the caller's, masks the payload and returns both.
    fn start_message(&mut self, kind: MessageKind, payload: &[u8]) -> Result<Vec<u8>, UsageError>;
    fn start_fragment(
        &mut self,
        kind: MessageKind,
        payload: &[u8],
        last: bool,
    ) -> Result<Vec<u8>, UsageError>;
    fn role(&self) -> Role;
    fn may_send(&self) -> bool;

    /// Gives a piece of input to `receive` until all of it is taken.
    fn feed(&mut self, mut input: &mut [u8], out: &mut dyn Output, log: &mut Log) {
        loop {
            let before = input.len();
            log.calls += 1;
            if !self.receive(&mut input, out, log) {
                assert!(input.is_empty(), "input is left");
                return;
            }
            assert!(input.len() < before, "an event without progress");
        }
    }

    /// The same, from bytes that are copied first.
    fn take(&mut self, input: &[u8], out: &mut dyn Output, log: &mut Log) {
        self.feed(&mut input.to_vec(), out, log);
    }
}

macro_rules! machine {
    ($type:ident, |$event:ident, $log:ident| $tell:expr) => {
        impl Machine for $type {
            fn open(negotiated: Negotiated<'_>, config: Config) -> Self {
                $type::open(negotiated, config)
            }

            fn receive(
                &mut self,
                input: &mut &mut [u8],
                out: &mut dyn Output,
                $log: &mut Log,
            ) -> bool {
                match $type::receive(self, input, out) {
                    Some($event) => {
                        $tell;
                        true
                    }
                    None => false,
                }
            }

            fn receive_eof(&mut self) {
                $type::receive_eof(self);
            }

            fn poll(&mut self, now: Duration, out: &mut dyn Output) -> Next {
                $type::poll(self, now, out)
            }

            fn send_text(&mut self, text: &str, out: &mut dyn Output) -> Result<(), UsageError> {
                $type::send_text(self, text, out)
            }

            fn send_binary(&mut self, data: &[u8], out: &mut dyn Output) -> Result<(), UsageError> {
                $type::send_binary(self, data, out)
            }

            fn send_fragment(
                &mut self,
                kind: MessageKind,
                part: &[u8],
                last: bool,
                out: &mut dyn Output,
            ) -> Result<(), UsageError> {
                $type::send_fragment(self, kind, part, last, out)
            }

            fn send_ping(
                &mut self,
                payload: &[u8],
                out: &mut dyn Output,
            ) -> Result<(), UsageError> {
                $type::send_ping(self, payload, out)
            }

            fn send_pong(
                &mut self,
                payload: &[u8],
                out: &mut dyn Output,
            ) -> Result<(), UsageError> {
                $type::send_pong(self, payload, out)
            }

            fn close(
                &mut self,
                code: Option<u16>,
                reason: &str,
                out: &mut dyn Output,
            ) -> Result<(), UsageError> {
                $type::close(self, code.map(CloseCode::from), reason, out)
            }

            fn start_message(
                &mut self,
                kind: MessageKind,
                payload: &[u8],
            ) -> Result<Vec<u8>, UsageError> {
                let len = payload.len() as u64;
                let mut start = match kind {
                    MessageKind::Text => $type::start_text(self, len)?,
                    MessageKind::Binary => $type::start_binary(self, len)?,
                };
                let mut masked = payload.to_vec();
                // In two pieces, because that is what the value is for.
                let (one, two) = masked.split_at_mut(payload.len() / 2);
                start.mask(one);
                start.mask(two);
                Ok([start.header(), &masked].concat())
            }

            fn start_fragment(
                &mut self,
                kind: MessageKind,
                payload: &[u8],
                last: bool,
            ) -> Result<Vec<u8>, UsageError> {
                let mut start = $type::start_fragment(self, kind, payload.len() as u64, last)?;
                let mut masked = payload.to_vec();
                start.mask(&mut masked);
                Ok([start.header(), &masked].concat())
            }

            fn role(&self) -> Role {
                $type::role(self)
            }

            fn may_send(&self) -> bool {
                $type::may_send(self)
            }
        }
    };
}

machine!(Connection, |event, log| match event {
    ChunkEvent::Data(chunk) => log.chunk(&chunk),
    ChunkEvent::Ping(payload) => log.events.push(Seen::ping(&payload)),
    ChunkEvent::Pong(payload) => log.events.push(Seen::pong(&payload)),
    ChunkEvent::Close(close) => log.events.push(Seen::of_close(&close)),
});

#[cfg(feature = "alloc")]
machine!(WebSocket, |event, log| log.events.push(match event {
    Event::Text(text) => Seen::Text(text.into_owned()),
    Event::Binary(data) => Seen::Binary(data.into_owned()),
    Event::Ping(payload) => Seen::ping(&payload),
    Event::Pong(payload) => Seen::pong(&payload),
    Event::Close(close) => Seen::of_close(&close),
}));

/// What opens a machine of this role.
pub(crate) fn opened(role: Role) -> Negotiated<'static> {
    match role {
        Role::Client => Negotiated::client(SEED),
        Role::Server => Negotiated::server(),
    }
}

/// One machine of each type there is.
pub(crate) fn ends(role: Role, config: Config) -> Vec<Box<dyn Machine>> {
    vec![
        Box::new(<Connection as Machine>::open(opened(role), config)),
        #[cfg(feature = "alloc")]
        Box::new(<WebSocket as Machine>::open(opened(role), config)),
    ]
}

/// An output that holds up to `room` bytes, and checks how it is used: room is asked for first, and no more is put
/// than was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    pub(crate) bytes: Vec<u8>,
    pub(crate) room: usize,
    granted: usize,
}

impl Wire {
    pub(crate) fn new() -> Self {
        Self::with_room(usize::MAX)
    }

    pub(crate) fn with_room(room: usize) -> Self {
        Self { bytes: Vec::new(), room, granted: 0 }
    }

    /// Takes all of it away.
    pub(crate) fn drain(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.bytes)
    }
}

impl Output for Wire {
    fn make_room(&mut self, bytes: usize) -> bool {
        let free = self.room - self.bytes.len();
        if bytes > free {
            return false;
        }
        self.granted = self.granted.max(bytes);
        true
    }

    fn put(&mut self, bytes: &[u8]) {
        assert!(bytes.len() <= self.granted, "more was put than asked for");
        self.granted -= bytes.len();
        self.bytes.extend_from_slice(bytes);
    }

    fn waiting(&self) -> usize {
        self.bytes.len()
    }
}

/// Gives input to a machine in place, drops its events and says how many messages there were.
#[cfg(feature = "alloc")]
pub(crate) fn give(ws: &mut WebSocket, mut input: &mut [u8], out: &mut Vec<u8>) -> usize {
    let mut messages = 0;
    while let Some(event) = ws.receive(&mut input, out) {
        messages += usize::from(matches!(event, Event::Text(_) | Event::Binary(_)));
    }
    messages
}
