//! Messages compressed and inflated as the opening handshake agreed (RFC 7692 §7.2).

use alloc::vec::Vec;
use core::fmt;

use crate::deflate::{
    DeflateConfig, DeflateParams, Deflater, Fault, Inflater, OutOfMemory, Progress,
};
use crate::error::{Failure, ProtocolError};
use crate::role::Role;

/// Which messages are compressed (RFC 7692 §6).
///
/// # Examples
///
/// ```
/// use websocket_proto::{Compress, Config, DeflateConfig, Negotiated, Prepared, WebSocket};
///
/// let deflate = DeflateConfig::default();
/// let negotiated = Negotiated::server().with_deflate(deflate.params(), deflate);
/// let mut ws = WebSocket::open(negotiated, Config::default());
/// let mut out = Vec::new();
/// ws.compress(Compress::Never);
/// ws.send_text("a secret, with what anybody may choose in it", &mut out)?;
/// assert_eq!(out[0], 0x81);
/// ws.compress(Compress::Worthwhile); // From `DeflateConfig::threshold` bytes on, as by default.
/// out.clear();
/// ws.send_prepared(&Prepared::text(&"news ".repeat(100))?.compress(&deflate)?, &mut out)?;
/// assert_eq!(out[0], 0xC1); // RSV1: compressed.
/// # Ok::<(), websocket_proto::UsageError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compress {
    /// None.
    Never,
    /// Those of at least [`DeflateConfig::threshold`] bytes; of a message in parts, the first part decides.
    #[default]
    Worthwhile,
    /// Every one.
    Always,
}

/// The codecs of a connection, one for each direction.
pub(super) struct Compression {
    pub(super) inflater: Inflater,
    deflater: Deflater,
    pub(super) which: Compress,
    threshold: usize,
    /// The window agreed to for what is sent.
    window_bits: u8,
    /// Whether the message that is being sent is compressed.
    is_on: bool,
    /// For what is compressed, and for text that is to be checked. Kept where a context is, so that no message asks the
    /// allocator for it.
    pub(super) scratch: Vec<u8>,
    keeps: bool,
}

impl Compression {
    pub(super) fn new(role: Role, params: DeflateParams, config: DeflateConfig) -> Self {
        let (sent, received) = (params.sent_by(role), params.sent_by(role.peer()));
        Self {
            inflater: Inflater::new(received.takes_over_context),
            deflater: Deflater::new(sent.window_bits, sent.takes_over_context, config.level),
            which: Compress::Worthwhile,
            threshold: config.threshold,
            window_bits: sent.window_bits,
            is_on: false,
            scratch: Vec::new(),
            keeps: sent.takes_over_context || received.takes_over_context,
        }
    }

    /// Decides whether a message is compressed, by the first part that comes of it.
    pub(super) fn begin(&mut self, part: &[u8]) -> bool {
        self.is_on = match self.which {
            Compress::Never => false,
            Compress::Worthwhile => part.len() >= self.threshold,
            Compress::Always => true,
        };
        self.is_on
    }

    /// Begins a message that is not compressed.
    pub(super) fn begin_plain(&mut self) {
        self.is_on = false;
    }

    /// Tells whether the message that is being sent is compressed.
    pub(super) const fn is_on(&self) -> bool {
        self.is_on
    }

    /// Tells whether what is compressed next may refer to something before it.
    pub(super) const fn refers_back(&self) -> bool {
        self.deflater.is_held()
    }

    /// Compresses a message or a part of one.
    pub(super) fn deflate(&mut self, part: &[u8], last: bool) -> Result<&[u8], OutOfMemory> {
        self.scratch.clear();
        self.deflater.deflate(part, last, &mut self.scratch)?;
        Ok(&self.scratch)
    }

    /// Takes note of what became of what was compressed.
    pub(super) fn settle(&mut self, was_sent: bool) {
        if !was_sent {
            // The peer's window does not have it, and so nothing may refer to it.
            self.deflater.forget();
        }
        self.tidy();
    }

    /// Drops what is not to be kept between two messages.
    pub(super) fn tidy(&mut self) {
        if !self.keeps || self.scratch.capacity() > KEPT {
            self.scratch = Vec::new();
        }
    }

    /// Tells whether a message may be sent that was compressed by itself with such a window.
    pub(super) fn may_send(&self, window_bits: u8) -> bool {
        self.which != Compress::Never && window_bits <= self.window_bits
    }

    /// Takes note of a message that others compressed: the peer's window has it, ours has not.
    pub(super) fn skip(&mut self) {
        self.deflater.forget();
    }

    /// Forgets everything: the connection has ended.
    pub(super) fn discard(&mut self) {
        self.inflater.forget();
        self.deflater.forget();
        self.scratch = Vec::new();
    }
}

impl fmt::Debug for Compression {
    /// Leaves out what was said last.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compression")
            .field("inflater", &self.inflater)
            .field("deflater", &self.deflater)
            .field("which", &self.which)
            .field("threshold", &self.threshold)
            .field("is_on", &self.is_on)
            .finish_non_exhaustive()
    }
}

/// Inflates, and ends the message with the last of it.
pub(super) fn inflate(
    inflater: &mut Inflater,
    input: &mut &[u8],
    last: bool,
    out: &mut Vec<u8>,
    room: usize,
) -> Result<Progress, Failure> {
    let limit = out.len().saturating_add(room);
    let mut progress = inflater.inflate(input, out, room);
    if last && progress == Ok(Progress::Taken) {
        progress = inflater.finish(out, limit.saturating_sub(out.len()));
    }
    progress.map_err(|fault| match fault {
        // §8.1 of RFC 6455 fails what is not of its type; so this is failed.
        Fault::Invalid => ProtocolError::InvalidCompression.into(),
        Fault::OutOfMemory => Failure::OutOfMemory,
    })
}

/// The most bytes that are kept for the next message.
const KEPT: usize = 64 * 1024;
