//! Chunks become whole messages: borrowed where a chunk is a whole message, else one growing buffer.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use crate::config::Config;
use crate::connection::Masked;
#[cfg(feature = "deflate")]
use crate::deflate::{Inflater, Progress};
use crate::error::{Failure, ProtocolError};
use crate::opcode::MessageKind;
use crate::output::Output;
use crate::utf8::{self, Utf8};
use crate::websocket::Event;
#[cfg(feature = "deflate")]
use crate::websocket::compression::inflate;
#[cfg(feature = "deflate")]
use crate::websocket::stream::Stream;

#[derive(Debug)]
pub(super) struct Assembler {
    message_limit: u64,
    recycle_limit: usize,
    message: Message,
}

/// The message in progress, or the buffer that waits for one.
#[derive(Debug)]
enum Message {
    None {
        recycled: Vec<u8>,
    },
    Text(Text),
    Binary(Vec<u8>),
    #[cfg(feature = "deflate")]
    Streamed(Stream),
}

impl Assembler {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            message_limit: config.message_limit,
            recycle_limit: config.recycle_limit,
            message: Message::NONE,
        }
    }

    /// Adds a chunk; gives the message that it completes.
    pub(super) fn add<'b>(&mut self, mut chunk: Masked<'b>) -> Result<Option<Event<'b>>, Failure> {
        if chunk.first {
            if chunk.last {
                chunk.mask.apply(chunk.payload);
                return Ok(Some(Event::whole(chunk.kind, chunk.payload)?));
            }
            self.begin(chunk.kind);
        }
        let capacity = self.capacity_for(&chunk);
        match &mut self.message {
            Message::Text(text) => {
                chunk.mask.apply(chunk.payload);
                text.push(chunk.payload, capacity)?;
            }
            Message::Binary(data) => {
                if data.capacity().saturating_sub(data.len()) < chunk.payload.len() {
                    data.try_reserve_exact(capacity.saturating_sub(data.len()))
                        .map_err(|_| Failure::OutOfMemory)?;
                }
                data.put_masked(chunk.payload, &mut chunk.mask);
            }
            Message::None { .. } => return Ok(None),
            #[cfg(feature = "deflate")]
            Message::Streamed(_) => return Ok(None),
        }
        if chunk.last { self.finish() } else { Ok(None) }
    }

    /// Gives the message in progress, which is complete.
    fn finish(&mut self) -> Result<Option<Event<'static>>, Failure> {
        Ok(match mem::replace(&mut self.message, Message::NONE) {
            Message::None { .. } => None,
            Message::Text(text) => Some(Event::Text(Cow::Owned(text.finish()?))),
            Message::Binary(data) => Some(Event::Binary(Cow::Owned(data))),
            #[cfg(feature = "deflate")]
            Message::Streamed(_) => None,
        })
    }

    /// Adds what a chunk of a compressed message makes; gives the message that it completes.
    #[cfg(feature = "deflate")]
    pub(super) fn add_compressed(
        &mut self,
        mut chunk: Masked<'_>,
        inflater: &mut Inflater,
        scratch: &mut Vec<u8>,
    ) -> Result<Option<Event<'static>>, Failure> {
        if chunk.first {
            self.begin(chunk.kind);
        }
        chunk.mask.apply(chunk.payload);
        let message_limit = self.message_limit();
        let mut input = &*chunk.payload;
        loop {
            let len = self.message.len();
            // The buffer grows beyond what can be recycled only if it must.
            let is_small = len < self.recycle_limit;
            let most = if is_small { message_limit.min(self.recycle_limit) } else { message_limit };
            let room = most.saturating_sub(len);
            let progress = match &mut self.message {
                Message::None { .. } | Message::Streamed(_) => return Ok(None),
                Message::Binary(data) => inflate(inflater, &mut input, chunk.last, data, room)?,
                Message::Text(text) => {
                    scratch.clear();
                    let room = room.min(PIECE);
                    let progress = inflate(inflater, &mut input, chunk.last, scratch, room);
                    let needed = text.len().saturating_add(scratch.len());
                    // What was made before a fault may be one itself.
                    text.push(scratch, needed.saturating_mul(2).min(most))?;
                    progress?
                }
            };
            match progress {
                Progress::Taken => break,
                Progress::Full if self.message.len() >= message_limit => {
                    return Err(ProtocolError::MessageTooLong.into());
                }
                Progress::Full => {}
            }
        }
        if chunk.last { self.finish() } else { Ok(None) }
    }

    /// Returns the message that is handed out in chunks; a chunk begins it if it is the first one.
    #[cfg(feature = "deflate")]
    pub(super) fn stream(&mut self, first: Option<MessageKind>) -> Option<&mut Stream> {
        if let Some(kind) = first {
            self.message = Message::Streamed(Stream::new(kind, self.message_limit));
        }
        match &mut self.message {
            Message::Streamed(stream) => Some(stream),
            Message::None { .. } | Message::Text(_) | Message::Binary(_) => None,
        }
    }

    /// Tells whether a message is handed out in chunks.
    #[cfg(feature = "deflate")]
    pub(super) const fn is_streaming(&self) -> bool {
        matches!(self.message, Message::Streamed(_))
    }

    /// Returns the capacity in bytes to which a buffer with too little room for the chunk grows: up to twice of what has
    /// come, never by a declared length alone, no more than can come, and beyond what can be recycled only if it must.
    fn capacity_for(&self, chunk: &Masked<'_>) -> usize {
        let needed = self.message.len().saturating_add(chunk.payload.len());
        let most = if chunk.fin {
            usize::try_from(chunk.frame_remaining)
                .map_or(usize::MAX, |it| it.saturating_add(needed))
        } else {
            self.message_limit()
        };
        let most = if needed > self.recycle_limit { most } else { most.min(self.recycle_limit) };
        needed.saturating_mul(2).min(most).max(needed)
    }

    /// Returns the most bytes that a message may have in memory.
    fn message_limit(&self) -> usize {
        usize::try_from(self.message_limit).unwrap_or(usize::MAX)
    }

    /// Forgets the message in progress, or the buffer that waits for one.
    pub(super) fn discard(&mut self) {
        self.message = Message::NONE;
    }

    pub(super) fn recycle(&mut self, mut buffer: Vec<u8>) {
        if let Message::None { recycled } = &mut self.message {
            if buffer.capacity() <= self.recycle_limit {
                buffer.clear();
                *recycled = buffer;
            }
        }
    }

    fn begin(&mut self, kind: MessageKind) {
        let buffer = match mem::replace(&mut self.message, Message::NONE) {
            Message::None { recycled } => recycled,
            Message::Text(_) | Message::Binary(_) => Vec::new(),
            #[cfg(feature = "deflate")]
            Message::Streamed(_) => Vec::new(),
        };
        self.message = match kind {
            MessageKind::Text => Message::Text(Text::new(buffer)),
            MessageKind::Binary => Message::Binary(buffer),
        };
    }
}

impl Message {
    const NONE: Self = Self::None { recycled: Vec::new() };

    /// Returns the number of bytes that have come.
    fn len(&self) -> usize {
        match self {
            Self::None { .. } => 0,
            Self::Text(text) => text.len(),
            Self::Binary(data) => data.len(),
            #[cfg(feature = "deflate")]
            Self::Streamed(_) => 0,
        }
    }
}

/// A text in progress: checked piece by piece, so that it is not gone over again at its end.
#[derive(Debug)]
struct Text {
    /// Whole code points.
    whole: String,
    /// What has come of the code point after them.
    begun: [u8; 4],
    begun_len: usize,
    utf8: Utf8,
}

impl Text {
    fn new(buffer: Vec<u8>) -> Self {
        Self {
            // It is empty, and so it is UTF-8.
            whole: String::from_utf8(buffer).unwrap_or_default(),
            begun: [0; 4],
            begun_len: 0,
            utf8: Utf8::Complete,
        }
    }

    /// Returns the number of bytes that have come.
    fn len(&self) -> usize {
        self.whole.len().saturating_add(self.begun_len)
    }

    fn push(&mut self, piece: &[u8], capacity: usize) -> Result<(), Failure> {
        let finished = self.utf8.finish_code_point(piece).map_err(|_| INVALID)?;
        let (finish, rest) = piece.split_at_checked(finished).unwrap_or_default();
        let (whole, begun) =
            rest.split_at_checked(utf8::whole_code_points(rest)).unwrap_or_default();
        self.begin(finish);
        if self.utf8.is_complete() {
            let code_point =
                self.begun.get(..self.begun_len).and_then(utf8::as_str).ok_or(INVALID)?;
            append(&mut self.whole, code_point, capacity)?;
            self.begun_len = 0;
        }
        append(&mut self.whole, utf8::as_str(whole).ok_or(INVALID)?, capacity)?;
        self.utf8.step_over(begun).map_err(|_| INVALID)?;
        self.begin(begun);
        Ok(())
    }

    /// §8.1: a text that ends within a code point is not UTF-8.
    fn finish(self) -> Result<String, Failure> {
        if self.utf8.is_complete() { Ok(self.whole) } else { Err(INVALID) }
    }

    fn begin(&mut self, bytes: &[u8]) {
        let free = self.begun.get_mut(self.begun_len..).unwrap_or_default();
        if let Some(place) = free.get_mut(..bytes.len()) {
            place.copy_from_slice(bytes);
            self.begun_len = self.begun_len.saturating_add(bytes.len());
        }
    }
}

fn append(text: &mut String, piece: &str, capacity: usize) -> Result<(), Failure> {
    let free = |text: &String| text.capacity().wrapping_sub(text.len());
    if free(text) < piece.len() {
        text.try_reserve_exact(capacity.saturating_sub(text.len()))
            .map_err(|_| Failure::OutOfMemory)?;
    }
    // There is room now, but the compiler cannot know and would add a growth that panics.
    if free(text) < piece.len() {
        return Err(Failure::OutOfMemory);
    }
    text.push_str(piece);
    Ok(())
}

/// The most bytes of a text that are inflated before they are checked.
#[cfg(feature = "deflate")]
const PIECE: usize = 4096;

const INVALID: Failure = Failure::Protocol(ProtocolError::InvalidUtf8);
