//! The body of a response that refuses the upgrade (RFC 9112 §6, §7.1): where it ends, and its chunks put together.

use super::upgrade::{Single, TransferEncoding};

/// What is still to come of a body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Body {
    part: Part,
    /// How many bytes of content may still be kept.
    room: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Content up to the end of the transport.
    UntilEof,
    /// This many bytes of content.
    Content(u64),
    /// The size of a chunk.
    ChunkSize { size: u64, digits: u8 },
    /// What stands behind the size: blanks and chunk extensions.
    ChunkExtension { size: u64, len: u8 },
    /// The LF behind the CR behind the size.
    ChunkSizeEnd { size: u64 },
    /// This many bytes of content of a chunk.
    ChunkData(u64),
    /// The CR behind the content of a chunk.
    ChunkDataCr,
    /// The LF behind the content of a chunk.
    ChunkDataLf,
    /// Nothing: all of it has come.
    Complete,
    /// Nothing that would be kept or could be understood.
    Truncated,
}

/// How many bytes were taken, and how many bytes of content are now in front.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Decoded {
    pub(super) taken: usize,
    pub(super) content: usize,
}

impl Body {
    /// Determines how the body ends (RFC 9112 §6.3); `None` where `Content-Length` does not say it.
    pub(super) const fn new(
        status: u16,
        length: Single<u64>,
        encoding: TransferEncoding,
        room: usize,
    ) -> Option<Self> {
        let part = match (status, encoding, length) {
            (204 | 304, _, _) => Part::Complete,
            (_, TransferEncoding::Chunked, _) => Part::ChunkSize { size: 0, digits: 0 },
            (_, TransferEncoding::Other, _) | (_, TransferEncoding::Absent, Single::Absent) => {
                Part::UntilEof
            }
            (_, TransferEncoding::Absent, Single::Valid(bytes)) => Part::Content(bytes),
            (_, TransferEncoding::Absent, Single::Invalid) => return None,
        };
        Some(Self { part, room })
    }

    /// Takes bytes, and moves the content among them to the front.
    ///
    /// It ends early where the body does: at its end, at the first byte for which there is no room, or at a fault in
    /// the chunks. The trailer section is not waited for.
    pub(super) fn decode(&mut self, bytes: &mut [u8]) -> Decoded {
        let mut done = Decoded::default();
        loop {
            let left = match self.part {
                Part::UntilEof => u64::MAX,
                Part::Content(0) => {
                    self.part = Part::Complete;
                    return done;
                }
                Part::ChunkData(0) => {
                    self.part = Part::ChunkDataCr;
                    continue;
                }
                Part::Content(left) | Part::ChunkData(left) => left,
                Part::Complete | Part::Truncated => return done,
                part => {
                    let Some(&byte) = bytes.get(done.taken) else {
                        return done;
                    };
                    self.part = part.step(byte);
                    done.taken = done.taken.saturating_add(1);
                    continue;
                }
            };
            let there = bytes.len().saturating_sub(done.taken);
            if there == 0 {
                return done;
            }
            let content = usize::try_from(left).unwrap_or(usize::MAX).min(there);
            let kept = content.min(self.room);
            let end = done.taken.saturating_add(kept);
            if let Some(gap_and_content) = bytes.get_mut(done.content..end) {
                let gap = done.taken.saturating_sub(done.content).min(gap_and_content.len());
                gap_and_content.copy_within(gap.., 0);
            }
            done.taken = end;
            done.content = done.content.saturating_add(kept);
            self.room = self.room.saturating_sub(kept);
            let left = left.saturating_sub(u64::try_from(kept).unwrap_or(u64::MAX));
            self.part = match self.part {
                _ if kept < content => Part::Truncated,
                Part::Content(_) => Part::Content(left),
                Part::ChunkData(_) => Part::ChunkData(left),
                part => part,
            };
        }
    }

    /// Takes note of the end of the transport, which is the end of the body as well.
    pub(super) fn receive_eof(&mut self) {
        self.part = match self.part {
            Part::UntilEof | Part::Complete | Part::Content(0) => Part::Complete,
            _ => Part::Truncated,
        };
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.part, Part::Complete | Part::Truncated)
    }

    pub(super) fn is_complete(&self) -> bool {
        self.part == Part::Complete
    }
}

impl Part {
    /// Takes one byte of what stands between the chunks' contents (RFC 9112 §7.1).
    fn step(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::ChunkSize { size, digits: 1.. } | Self::ChunkExtension { size, .. }, b'\r') => {
                Self::ChunkSizeEnd { size }
            }
            (Self::ChunkSize { size, digits: 1.. }, b';' | b' ' | b'\t') => {
                Self::ChunkExtension { size, len: 0 }
            }
            (Self::ChunkSize { size, digits: digits @ ..16 }, byte) => {
                match char::from(byte).to_digit(16) {
                    Some(digit) => Self::ChunkSize {
                        size: (size << 4) | u64::from(digit),
                        digits: digits.saturating_add(1),
                    },
                    None => Self::Truncated,
                }
            }
            // Nothing is done with extensions, so no more is read of one than anybody would write.
            (Self::ChunkExtension { size, len: len @ ..=254 }, byte) if byte != b'\n' => {
                Self::ChunkExtension { size, len: len.saturating_add(1) }
            }
            (Self::ChunkSizeEnd { size: 0 }, b'\n') => Self::Complete,
            (Self::ChunkSizeEnd { size }, b'\n') => Self::ChunkData(size),
            (Self::ChunkDataCr, b'\r') => Self::ChunkDataLf,
            (Self::ChunkDataLf, b'\n') => Self::ChunkSize { size: 0, digits: 0 },
            _ => Self::Truncated,
        }
    }
}
