//! A server's message, encoded once for many receivers.

use alloc::vec::Vec;

#[cfg(feature = "deflate")]
use crate::deflate::{DeflateConfig, Deflater, OutOfMemory};
use crate::error::UsageError;
use crate::frame::FrameHeader;
use crate::opcode::Opcode;
use crate::output::Output;

/// A message as a frame that is the same for every client: encoded once, appended to each output.
///
/// # Examples
///
/// ```
/// use websocket_proto::{Config, Negotiated, Prepared, WebSocket};
///
/// let news = Prepared::text("to all")?;
/// for _ in 0..3 {
///     let mut out = Vec::new();
///     let mut ws = WebSocket::open(Negotiated::server(), Config::default());
///     ws.send_prepared(&news, &mut out)?;
///     assert_eq!(out, b"\x81\x06to all");
/// }
/// assert_eq!(Prepared::binary(&[1, 2])?.frame(), [0x82, 2, 1, 2]);
/// # Ok::<(), websocket_proto::UsageError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// A whole frame, not masked.
    frame: Vec<u8>,
    #[cfg(feature = "deflate")]
    compressed: Option<Compressed>,
}

/// The message as a frame that refers to none before it.
#[cfg(feature = "deflate")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Compressed {
    pub(super) frame: Vec<u8>,
    pub(super) window_bits: u8,
}

impl Prepared {
    /// Encodes a text message.
    ///
    /// # Errors
    ///
    /// [`UsageError::OutputFull`]: the allocator refused the memory.
    pub fn text(text: &str) -> Result<Self, UsageError> {
        Self::new(Opcode::Text, text.as_bytes())
    }

    /// Encodes a binary message.
    ///
    /// # Errors
    ///
    /// [`UsageError::OutputFull`]: the allocator refused the memory.
    pub fn binary(data: &[u8]) -> Result<Self, UsageError> {
        Self::new(Opcode::Binary, data)
    }

    /// Adds a compressed form, made once, with the level of `config` and the window that it allows a server.
    ///
    /// It goes to those who agreed to compression with a window of this size at least, the plain form to all others, and
    /// to all where compression would save nothing. Messages behind it are compressed without what was sent before it:
    /// where many alike go to one receiver, sending each of them by itself may take fewer bytes.
    ///
    /// # Errors
    ///
    /// [`UsageError::OutputFull`]: the allocator refused the memory.
    #[cfg(feature = "deflate")]
    pub fn compress(mut self, config: &DeflateConfig) -> Result<Self, UsageError> {
        let window_bits = config.params().server_max_window_bits();
        let Ok(Some((header, header_len))) = FrameHeader::parse(&self.frame) else {
            return Ok(self);
        };
        let payload = self.frame.get(header_len..).unwrap_or_default();
        let mut compressed = Vec::new();
        Deflater::new(window_bits, false, config.level)
            .deflate(payload, true, &mut compressed)
            .map_err(|OutOfMemory| UsageError::OutputFull { needed: payload.len() })?;
        if compressed.len() < payload.len() {
            // RFC 7692 §6: the bit "is set on the first fragment of a message"
            let frame = encode(header.opcode, FrameHeader::RSV1, &compressed)?;
            self.compressed = Some(Compressed { frame, window_bits });
        }
        Ok(self)
    }

    /// Returns the bytes of the frame that is not compressed, for those who write it beside the output rather than
    /// through it.
    #[must_use]
    pub fn frame(&self) -> &[u8] {
        &self.frame
    }

    #[cfg(feature = "deflate")]
    pub(super) const fn compressed(&self) -> Option<&Compressed> {
        self.compressed.as_ref()
    }

    fn new(opcode: Opcode, payload: &[u8]) -> Result<Self, UsageError> {
        Ok(Self {
            frame: encode(opcode, 0, payload)?,
            #[cfg(feature = "deflate")]
            compressed: None,
        })
    }
}

fn encode(opcode: Opcode, rsv: u8, payload: &[u8]) -> Result<Vec<u8>, UsageError> {
    let payload_len = u64::try_from(payload.len()).map_err(|_| UsageError::LengthOverflow)?;
    let header = FrameHeader { rsv, ..FrameHeader::new(opcode, payload_len) }.encode()?;
    let needed = header.len().saturating_add(payload.len());
    let mut frame = Vec::new();
    if frame.try_reserve_exact(needed).is_err() {
        return Err(UsageError::OutputFull { needed });
    }
    frame.put(&header);
    frame.put(payload);
    Ok(frame)
}
