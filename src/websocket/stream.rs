//! A message that is handed out in chunks as it arrives, inflated where it came compressed (RFC 7692 §7.2.2).

use alloc::vec::Vec;
use core::{fmt, mem};

use crate::connection::{Chunk, Masked};
use crate::deflate::{Inflater, Progress};
use crate::error::{Failure, ProtocolError};
use crate::opcode::MessageKind;
use crate::output::Output;
use crate::utf8::Utf8;
use crate::websocket::compression::inflate;

/// A message of which not all was handed out.
pub(super) struct Stream {
    utf8: Option<Utf8>,
    /// Whether something was handed out.
    is_begun: bool,
    /// How many bytes may still be inflated.
    room: u64,
    next: Next,
    /// What came compressed last, unmasked, and how much of it was inflated.
    came: Vec<u8>,
    taken: usize,
}

/// What is to be done before more input is taken.
#[derive(Clone, Copy, Debug)]
enum Next {
    Receive,
    /// To inflate the rest of what came, which lies so in the message.
    Inflate(Chunk<'static>),
    /// To fail: what was handed out last is all that is good.
    Fail(Failure),
}

impl Stream {
    pub(super) const fn new(kind: MessageKind, message_limit: u64) -> Self {
        Self {
            utf8: match kind {
                MessageKind::Text => Some(Utf8::Complete),
                MessageKind::Binary => None,
            },
            is_begun: false,
            room: message_limit,
            next: Next::Receive,
            came: Vec::new(),
            taken: 0,
        }
    }

    /// Adds a chunk that is not compressed; gives it to be handed out.
    pub(super) fn add<'b>(&mut self, chunk: Chunk<'b>) -> Result<Option<Chunk<'b>>, Failure> {
        let good = self.check(chunk.payload, chunk.last)?;
        let payload = chunk.payload.get(..good).unwrap_or_default();
        Ok(self.hand_out(Chunk { payload, ..chunk }, payload.is_empty()))
    }

    /// Adds a compressed chunk.
    pub(super) fn add_compressed(&mut self, chunk: Masked<'_>) -> Result<(), Failure> {
        let chunk = chunk.unmasked();
        self.came.clear();
        self.taken = 0;
        self.came.try_reserve_exact(chunk.payload.len()).map_err(|_| Failure::OutOfMemory)?;
        self.came.put(chunk.payload);
        self.next = Next::Inflate(Chunk { payload: &[], ..chunk });
        Ok(())
    }

    /// Goes on with what came; gives what is to be handed out with the scratch buffer as its payload.
    pub(super) fn resume(
        &mut self,
        inflater: Option<&mut Inflater>,
        scratch: &mut Vec<u8>,
    ) -> Result<Option<Chunk<'static>>, Failure> {
        let (chunk, inflater) = match (mem::replace(&mut self.next, Next::Receive), inflater) {
            (Next::Inflate(chunk), Some(inflater)) => (chunk, inflater),
            (Next::Fail(failure), _) => return Err(failure),
            (Next::Receive | Next::Inflate(_), _) => return Ok(None),
        };
        let room = usize::try_from(self.room).unwrap_or(usize::MAX).min(PIECE);
        let mut input = self.came.get(self.taken..).unwrap_or_default();
        let progress = inflate(inflater, &mut input, chunk.last, scratch, room);
        self.taken = self.came.len().saturating_sub(input.len());
        self.room = self.room.saturating_sub(u64::try_from(scratch.len()).unwrap_or(u64::MAX));
        let last = chunk.last && progress == Ok(Progress::Taken);
        match progress {
            Ok(Progress::Taken) => {}
            Ok(Progress::Full) if room == 0 => return Err(ProtocolError::MessageTooLong.into()),
            Ok(Progress::Full) => self.next = Next::Inflate(chunk),
            Err(failure) if scratch.is_empty() => return Err(failure),
            Err(failure) => self.next = Next::Fail(failure),
        }
        let good = self.check(scratch, last)?;
        scratch.truncate(good);
        Ok(self.hand_out(Chunk { last, ..chunk }, scratch.is_empty()))
    }

    /// Checks what is to be handed out, if it is text; returns how many bytes of it are good.
    fn check(&mut self, payload: &[u8], last: bool) -> Result<usize, Failure> {
        let Some(utf8) = &mut self.utf8 else { return Ok(payload.len()) };
        let good = match utf8.check(payload) {
            Ok(()) if !last || utf8.is_complete() => return Ok(payload.len()),
            Ok(()) => payload.len(),
            Err(good) => good,
        };
        // §8.1 of RFC 6455: "that endpoint MUST _Fail the WebSocket Connection_"; what is good is handed out first.
        if good == 0 {
            return Err(ProtocolError::InvalidUtf8.into());
        }
        self.next = Next::Fail(ProtocolError::InvalidUtf8.into());
        Ok(good)
    }

    fn hand_out<'b>(&mut self, chunk: Chunk<'b>, is_empty: bool) -> Option<Chunk<'b>> {
        let last = chunk.last && !matches!(self.next, Next::Fail(_));
        if is_empty && !last {
            return None;
        }
        let first = !mem::replace(&mut self.is_begun, true);
        Some(Chunk { first, last, ..chunk })
    }
}

impl fmt::Debug for Stream {
    /// Leaves out what came.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("utf8", &self.utf8)
            .field("is_begun", &self.is_begun)
            .field("room", &self.room)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

/// The most bytes that are inflated at a time.
const PIECE: usize = 16 * 1024;
