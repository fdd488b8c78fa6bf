//! A piece of a message, masked as it came, and as it is handed out.

use crate::mask::Mask;
use crate::opcode::MessageKind;

/// A piece of a message, as long as one input had it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Chunk<'b> {
    /// What the message is.
    pub kind: MessageKind,
    /// The bytes, unmasked; empty only in the last chunk of a message.
    ///
    /// Text was checked up to here, but a chunk may end within a code point.
    pub payload: &'b [u8],
    /// Whether the message begins here.
    pub first: bool,
    /// Whether the message ends here.
    pub last: bool,
    /// The number of bytes of its frame that are still to come.
    pub frame_remaining: u64,
    /// Whether its frame is the last of the message. With `frame_remaining` it tells a relay what frame to start.
    pub fin: bool,
}

impl<'b> Chunk<'b> {
    /// A message in one piece.
    #[inline]
    pub(super) const fn whole(kind: MessageKind, payload: &'b [u8]) -> Self {
        Self { kind, payload, first: true, last: true, frame_remaining: 0, fin: true }
    }
}

/// A chunk as it came: still masked.
#[cfg_attr(
    feature = "deflate",
    expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")
)]
pub(crate) struct Masked<'b> {
    pub(crate) mask: Mask,
    pub(crate) payload: &'b mut [u8],
    pub(crate) kind: MessageKind,
    pub(crate) first: bool,
    pub(crate) last: bool,
    #[cfg(feature = "deflate")]
    pub(crate) is_compressed: bool,
    pub(crate) frame_remaining: u64,
    pub(crate) fin: bool,
}

impl<'b> Masked<'b> {
    pub(crate) fn unmasked(mut self) -> Chunk<'b> {
        self.mask.apply(self.payload);
        Chunk {
            kind: self.kind,
            payload: self.payload,
            first: self.first,
            last: self.last,
            frame_remaining: self.frame_remaining,
            fin: self.fin,
        }
    }
}
