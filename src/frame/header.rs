//! The header of a frame (RFC 6455 §5.2): parsed strictly, encoded minimally.

use core::fmt;
use core::ops::Deref;

use crate::error::{ProtocolError, UsageError};
use crate::opcode::Opcode;

/// The header of a frame.
///
/// # Examples
///
/// The header of the masked "Hello" of RFC 6455 §5.7:
///
/// ```
/// use websocket_proto::{FrameHeader, Opcode};
///
/// let header = FrameHeader {
///     mask: Some([0x37, 0xfa, 0x21, 0x3d]),
///     ..FrameHeader::new(Opcode::Text, 5)
/// };
/// let bytes = header.encode()?;
/// assert_eq!(*bytes, [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d]);
/// assert_eq!(FrameHeader::parse(&bytes), Ok(Some((header, 6))));
/// assert_eq!(FrameHeader::parse(&bytes[..5]), Ok(None));
/// # Ok::<(), websocket_proto::UsageError>(())
/// ```
///
/// A compressed frame begun, as RFC 7692 §7.2.3.1 has it:
///
/// ```
/// # use websocket_proto::{FrameHeader, HeaderBytes, Opcode};
/// let first = FrameHeader {
///     fin: false,
///     rsv: FrameHeader::RSV1,
///     ..FrameHeader::new(Opcode::Text, 3)
/// };
/// let bytes: HeaderBytes = first.encode()?;
/// assert_eq!(*bytes, [0x41, 0x03]);
/// assert!(bytes.len() <= FrameHeader::MAX);
///
/// // What is reserved is told apart, and left to the caller to judge.
/// let (header, _) = FrameHeader::parse(&[0x20 | 0x10 | 0x81, 0])?.ok_or("more bytes")?;
/// assert_eq!(header.rsv, FrameHeader::RSV2 | FrameHeader::RSV3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "these are the fields of the wire format")]
pub struct FrameHeader {
    /// Whether this is the last frame of its message.
    pub fin: bool,
    /// The reserved bits, where they stand in the first byte: [`Self::RSV1`], [`Self::RSV2`], [`Self::RSV3`].
    pub rsv: u8,
    /// What the frame is.
    pub opcode: Opcode,
    /// The masking key, where the payload is masked.
    pub mask: Option<[u8; 4]>,
    /// The length of the payload in bytes, at most 2^63 - 1.
    pub payload_len: u64,
}

impl FrameHeader {
    /// The first reserved bit.
    pub const RSV1: u8 = 0x40;
    /// The second reserved bit.
    pub const RSV2: u8 = 0x20;
    /// The third reserved bit.
    pub const RSV3: u8 = 0x10;
    /// The greatest number of bytes in a header.
    pub const MAX: usize = 14;

    const FIN: u8 = 0x80;
    const MASK: u8 = 0x80;
    const RSV: u8 = Self::RSV1 | Self::RSV2 | Self::RSV3;

    /// Makes the header of a frame that is not masked, not followed by another of its message, and without reserved
    /// bits.
    #[must_use]
    pub const fn new(opcode: Opcode, payload_len: u64) -> Self {
        Self { fin: true, rsv: 0, opcode, mask: None, payload_len }
    }

    /// Parses the header at the start of `bytes`; gives it with its length in bytes, or `None` where more are needed.
    ///
    /// Reserved bits, and whether the frame is masked, are for the caller to judge.
    ///
    /// # Errors
    ///
    /// As soon as the bytes tell: [`ProtocolError::ReservedOpcode`], [`ProtocolError::FragmentedControl`],
    /// [`ProtocolError::ControlTooLong`], [`ProtocolError::NonMinimalLength`], [`ProtocolError::LengthOverflow`].
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, ProtocolError> {
        let Some((&[first, second], rest)) = bytes.split_first_chunk() else {
            return Ok(None);
        };
        let opcode = Opcode::from_bits(first).ok_or(ProtocolError::ReservedOpcode(first & 0x0F))?;
        let fin = first & Self::FIN != 0;
        let short_len = second & !Self::MASK;
        if opcode.is_control() {
            // §5.5: "All control frames MUST have a payload length of 125 bytes or less and MUST NOT be fragmented."
            if !fin {
                return Err(ProtocolError::FragmentedControl);
            }
            if short_len > 125 {
                return Err(ProtocolError::ControlTooLong);
            }
        }
        let Some((payload_len, rest)) = parse_length(short_len, rest)? else {
            return Ok(None);
        };
        let (mask, rest) = if second & Self::MASK == 0 {
            (None, rest)
        } else {
            let Some((key, rest)) = rest.split_first_chunk() else {
                return Ok(None);
            };
            (Some(*key), rest)
        };
        let header = Self { fin, rsv: first & Self::RSV, opcode, mask, payload_len };
        Ok(Some((header, bytes.len().saturating_sub(rest.len()))))
    }

    /// Encodes the header, with the length in the least number of bytes.
    ///
    /// # Errors
    ///
    /// [`UsageError::LengthOverflow`]: the payload length exceeds 2^63 - 1. [`UsageError::ControlTooLong`]: that of a
    /// control frame exceeds 125. [`UsageError::FragmentedControl`]: a control frame is marked as a fragment.
    #[inline]
    pub fn encode(&self) -> Result<HeaderBytes, UsageError> {
        self.check()?;
        Ok(self.encode_checked())
    }

    /// Encodes a header that [`encode`](Self::encode) would not refuse.
    #[inline]
    pub(crate) fn encode_checked(&self) -> HeaderBytes {
        let (mask_bit, key, key_len) = match self.mask {
            Some(key) => (Self::MASK, u64::from(u32::from_le_bytes(key)), 4_u64),
            None => (0, 0, 0),
        };
        let start =
            |short_len| u64::from(u16::from_le_bytes([self.first_byte(), mask_bit | short_len]));
        let len = self.payload_len.swap_bytes();
        // §5.2: "the minimal number of bytes MUST be used to encode the length"
        let (front, back, header_len) = match self.payload_len {
            0..=125 => (start(0) | len >> 48 | key << 16, 0, 2),
            126..=0xFFFF => (start(0x7E) | len >> 48 << 16 | key << 32, 0, 4),
            _ => (start(0x7F) | len << 16, len >> 48 | key << 16, 10),
        };
        let back = back | key_len.wrapping_add(header_len) << 56;
        HeaderBytes { words: [front.to_le_bytes(), back.to_le_bytes()] }
    }

    /// Encodes a header in which the first two bytes tell the length; what follows is the masking key, if any.
    #[inline]
    pub(crate) fn encode_short(&self, is_masked: bool) -> Option<[u8; 2]> {
        let mask_bit = if is_masked { Self::MASK } else { 0 };
        match u8::try_from(self.payload_len) {
            Ok(len @ ..=125) => Some([self.first_byte(), mask_bit | len]),
            _ => None,
        }
    }

    #[inline]
    const fn first_byte(&self) -> u8 {
        let fin = if self.fin { Self::FIN } else { 0 };
        fin | (self.rsv & Self::RSV) | self.opcode.bits()
    }

    /// Returns the number of bytes of the header and the payload together.
    ///
    /// The errors are those of [`encode`](Self::encode), and `LengthOverflow` also where it exceeds `usize::MAX`.
    #[inline]
    pub(crate) fn frame_len(&self, is_masked: bool) -> Result<usize, UsageError> {
        self.check()?;
        let length_len = match self.payload_len {
            0..=125 => 0,
            126..=0xFFFF => 2,
            _ => 8,
        };
        let header_len: usize = if is_masked { 6 } else { 2 };
        usize::try_from(self.payload_len)
            .ok()
            .and_then(|len| len.checked_add(header_len.saturating_add(length_len)))
            .ok_or(UsageError::LengthOverflow)
    }

    #[inline]
    const fn check(&self) -> Result<(), UsageError> {
        if self.opcode.is_control() && self.payload_len > 125 {
            return Err(UsageError::ControlTooLong);
        }
        if self.opcode.is_control() && !self.fin {
            return Err(UsageError::FragmentedControl);
        }
        if self.payload_len >> 63 != 0 {
            return Err(UsageError::LengthOverflow);
        }
        Ok(())
    }
}

/// Reads what follows the 7 bits of length; `None` where more bytes are needed.
#[inline]
pub(crate) fn parse_length(
    short_len: u8,
    rest: &[u8],
) -> Result<Option<(u64, &[u8])>, ProtocolError> {
    let (payload_len, least, rest) = match short_len {
        126 => match rest.split_first_chunk() {
            Some((len, rest)) => (u64::from(u16::from_be_bytes(*len)), 126, rest),
            None => return Ok(None),
        },
        127 => match rest.split_first_chunk() {
            Some((len, rest)) => (u64::from_be_bytes(*len), 0x1_0000, rest),
            None => return Ok(None),
        },
        _ => (u64::from(short_len), 0, rest),
    };
    // §5.2: "the minimal number of bytes MUST be used to encode the length"
    if payload_len < least {
        return Err(ProtocolError::NonMinimalLength);
    }
    // §5.2: "the most significant bit MUST be 0"
    if payload_len >> 63 != 0 {
        return Err(ProtocolError::LengthOverflow);
    }
    Ok(Some((payload_len, rest)))
}

/// An encoded frame header: at most 14 bytes, held inline.
#[derive(Clone, Copy)]
pub struct HeaderBytes {
    /// The last of the bytes is the length of the header.
    words: [[u8; 8]; 2],
}

impl Deref for HeaderBytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        let [.., [.., len]] = self.words;
        self.words.as_flattened().get(..usize::from(len)).unwrap_or_default()
    }
}

impl AsRef<[u8]> for HeaderBytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for HeaderBytes {
    /// Writes the bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&**self).finish()
    }
}
