//! Frame opcodes and message kinds (RFC 6455 §5.2, §5.6, §11.8).

/// The opcode of a frame, without the reserved ones.
///
/// # Examples
///
/// ```
/// use websocket_proto::Opcode;
///
/// assert_eq!(Opcode::from_bits(0x89), Some(Opcode::Ping)); // The first byte of a frame.
/// assert_eq!(Opcode::from_bits(0x83), None);
/// assert_eq!(Opcode::Ping.bits(), 0x9);
/// assert!(Opcode::Ping.is_control());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "other opcodes are reserved and refused")]
pub enum Opcode {
    /// Continues a fragmented message (`0x0`).
    Continuation,
    /// Starts a text message (`0x1`).
    Text,
    /// Starts a binary message (`0x2`).
    Binary,
    /// Starts or answers the closing handshake (`0x8`).
    Close,
    /// Asks for a Pong (`0x9`).
    Ping,
    /// Answers a Ping, or is sent unasked (`0xA`).
    Pong,
}

impl Opcode {
    /// Returns the opcode in the low four bits of `byte`, or `None` where it is reserved.
    #[must_use]
    pub const fn from_bits(byte: u8) -> Option<Self> {
        match byte & 0x0F {
            0x0 => Some(Self::Continuation),
            0x1 => Some(Self::Text),
            0x2 => Some(Self::Binary),
            0x8 => Some(Self::Close),
            0x9 => Some(Self::Ping),
            0xA => Some(Self::Pong),
            _ => None,
        }
    }

    /// Returns the four bits that stand for it on the wire.
    #[must_use]
    pub const fn bits(self) -> u8 {
        match self {
            Self::Continuation => 0x0,
            Self::Text => 0x1,
            Self::Binary => 0x2,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xA,
        }
    }

    /// Tells Close, Ping and Pong from the data frames.
    #[must_use]
    pub const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// The kind of a message, as told by the opcode of its first frame (RFC 6455 §5.6).
///
/// # Examples
///
/// ```
/// use websocket_proto::{Config, Connection, MessageKind, Negotiated, SliceOutput};
///
/// let mut server = Connection::open(Negotiated::server(), Config::default());
/// let mut storage = [0; 64];
/// let mut out = SliceOutput::new(&mut storage);
/// server.send_fragment(MessageKind::Text, b"Hel", false, &mut out)?;
/// server.send_fragment(MessageKind::Text, b"lo", true, &mut out)?;
/// assert_eq!(out.written(), b"\x01\x03Hel\x80\x02lo"); // As in RFC 6455 §5.7.
/// # Ok::<(), websocket_proto::UsageError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "other kinds are reserved and refused")]
pub enum MessageKind {
    /// UTF-8 text.
    Text,
    /// Bytes whose meaning is the application's.
    Binary,
}

impl MessageKind {
    pub(crate) const fn opcode(self) -> Opcode {
        match self {
            Self::Text => Opcode::Text,
            Self::Binary => Opcode::Binary,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Opcode;

    #[test]
    fn every_low_nibble_is_an_opcode_or_reserved() {
        for byte in 0..=u8::MAX {
            match Opcode::from_bits(byte) {
                Some(opcode) => {
                    assert_eq!(opcode.bits(), byte & 0x0F);
                    // §5.5: "Control frames are identified by opcodes where the most significant bit of the opcode
                    // is 1."
                    assert_eq!(opcode.is_control(), byte & 0x08 != 0);
                }
                None => assert!(matches!(byte & 0x0F, 0x3..=0x7 | 0xB..=0xF)),
            }
        }
    }
}
