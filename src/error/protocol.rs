//! What a peer can do wrong once frames flow (RFC 6455 §5, §7, §8, §10.4).

use core::fmt;

/// A peer's breach of the framing rules; it fails the connection (RFC 6455 §7.1.7).
///
/// [`Failure::close_code`](crate::Failure::close_code) gives the close code that goes with each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProtocolError {
    /// A reserved bit is set that no agreed extension gives a meaning (§5.2).
    ReservedBits,
    /// The opcode is reserved (§5.2).
    ReservedOpcode(u8),
    /// A client's frame is not masked (§5.1).
    UnmaskedFrame,
    /// A server's frame is masked (§5.1).
    MaskedFrame,
    /// The payload length is not encoded in the least number of bytes (§5.2).
    NonMinimalLength,
    /// The most significant bit of a 64-bit payload length is set (§5.2).
    LengthOverflow,
    /// A control frame declares more than 125 bytes (§5.5).
    ControlTooLong,
    /// A control frame is fragmented (§5.5).
    FragmentedControl,
    /// A continuation frame, with no message to continue (§5.4).
    UnexpectedContinuation,
    /// A new message starts inside an unfinished one (§5.4).
    InterleavedMessage,
    /// A text message is not UTF-8 (§8.1).
    InvalidUtf8,
    /// A compressed message is not DEFLATE, or not all of it (RFC 7692 §7.2.2).
    InvalidCompression,
    /// The body of a Close frame is a single byte (§5.5.1).
    TruncatedCloseCode,
    /// A Close frame carries a code that must not be sent (§7.4).
    InvalidCloseCode(u16),
    /// The reason in a Close frame is not UTF-8 (§5.5.1).
    InvalidCloseReason,
    /// A message exceeds [`Config::message_limit`](crate::Config::message_limit) (§10.4).
    MessageTooLong,
    /// A message comes in more frames than [`Config::fragment_limit`](crate::Config::fragment_limit) (§10.4).
    TooManyFragments,
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReservedBits => f.write_str("a reserved bit is set (§5.2)"),
            Self::ReservedOpcode(opcode) => write!(f, "the opcode {opcode} is reserved (§5.2)"),
            Self::UnmaskedFrame => f.write_str("a client's frame is not masked (§5.1)"),
            Self::MaskedFrame => f.write_str("a server's frame is masked (§5.1)"),
            Self::NonMinimalLength => f.write_str("the payload length is not minimal (§5.2)"),
            Self::LengthOverflow => f.write_str("the payload length exceeds 63 bits (§5.2)"),
            Self::ControlTooLong => f.write_str("a control frame exceeds 125 bytes (§5.5)"),
            Self::FragmentedControl => f.write_str("a control frame is fragmented (§5.5)"),
            Self::UnexpectedContinuation => {
                f.write_str("a continuation frame without a message to continue (§5.4)")
            }
            Self::InterleavedMessage => {
                f.write_str("a new message starts inside an unfinished one (§5.4)")
            }
            Self::InvalidUtf8 => f.write_str("a text message is not UTF-8 (§8.1)"),
            Self::InvalidCompression => {
                f.write_str("a compressed message cannot be inflated (RFC 7692 §7.2.2)")
            }
            Self::TruncatedCloseCode => f.write_str("the close code is one byte (§5.5.1)"),
            Self::InvalidCloseCode(code) => {
                write!(f, "the close code {code} must not be sent (§7.4)")
            }
            Self::InvalidCloseReason => f.write_str("the close reason is not UTF-8 (§5.5.1)"),
            Self::MessageTooLong => f.write_str("a message exceeds the limit in bytes (§10.4)"),
            Self::TooManyFragments => f.write_str("a message exceeds the limit in frames (§10.4)"),
        }
    }
}

impl core::error::Error for ProtocolError {}
