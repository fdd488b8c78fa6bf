//! A server's message, encoded once for many receivers.

use alloc::vec::Vec;

use crate::error::UsageError;
use crate::frame::FrameHeader;
use crate::opcode::MessageKind;
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
/// # Ok::<(), websocket_proto::UsageError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// A whole frame, not masked.
    frame: Vec<u8>,
}

impl Prepared {
    /// Encodes a text message.
    ///
    /// # Errors
    ///
    /// [`UsageError::OutputFull`]: the allocator refused the memory.
    pub fn text(text: &str) -> Result<Self, UsageError> {
        Self::new(MessageKind::Text, text.as_bytes())
    }

    /// Encodes a binary message.
    ///
    /// # Errors
    ///
    /// [`UsageError::OutputFull`]: the allocator refused the memory.
    pub fn binary(data: &[u8]) -> Result<Self, UsageError> {
        Self::new(MessageKind::Binary, data)
    }

    /// Returns the bytes of the frame, for those who write it beside the output rather than through it.
    #[must_use]
    pub fn frame(&self) -> &[u8] {
        &self.frame
    }

    fn new(kind: MessageKind, payload: &[u8]) -> Result<Self, UsageError> {
        let payload_len = u64::try_from(payload.len()).map_err(|_| UsageError::LengthOverflow)?;
        let header = FrameHeader::new(kind.opcode(), payload_len).encode()?;
        let needed = header.len().saturating_add(payload.len());
        let mut frame = Vec::new();
        if frame.try_reserve_exact(needed).is_err() {
            return Err(UsageError::OutputFull { needed });
        }
        frame.put(&header);
        frame.put(payload);
        Ok(Self { frame })
    }
}
