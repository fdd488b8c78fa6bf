//! Errors, sorted by whose fault they are: [`ProtocolError`] and [`HandshakeError`] the peer's, [`UsageError`] the
//! caller's. [`Failure`] is why a connection ended; its close code is mapped here and nowhere else (RFC 6455 §7.4.1).

use core::fmt;

use crate::close_code::CloseCode;

mod handshake;
mod protocol;
mod usage;

pub use handshake::HandshakeError;
pub use protocol::ProtocolError;
pub use usage::UsageError;

/// Why a connection, or an opening handshake, ended otherwise than cleanly.
///
/// # Examples
///
/// ```
/// use core::time::Duration;
/// use websocket_proto::*;
///
/// let mut server = Connection::open(Negotiated::server(), Config::default());
/// let mut storage = [0; 131];
/// let mut out = SliceOutput::new(&mut storage);
/// let mut input = *b"\x81\x05Hello"; // No client may send this: it is not masked.
/// assert_eq!(server.receive(&mut &mut input[..], &mut out), None);
/// assert_eq!(out.written(), b"\x88\x02\x03\xea"); // A Close frame with 1002.
///
/// let Next::End(Err(failure)) = server.poll(Duration::ZERO, &mut out) else { panic!() };
/// assert_eq!(failure, Failure::Protocol(ProtocolError::UnmaskedFrame));
/// assert_eq!(failure.close_code(), CloseCode::PROTOCOL_ERROR);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The peer broke the protocol after the opening handshake.
    Protocol(ProtocolError),
    /// The peer broke the opening handshake.
    Handshake(HandshakeError),
    /// The peer kept the connection waiting for too long.
    TimedOut(Timeout),
    /// The transport ended before the closing handshake, or before the opening one, was complete.
    Eof,
    /// The allocator refused the memory for a message within the limit.
    OutOfMemory,
}

impl Failure {
    /// Returns the close code that says why the connection failed (RFC 6455 §7.1.5, §7.4.1).
    ///
    /// 1006 stands for a transport that ended, or never became a WebSocket connection; it is told, not sent.
    #[must_use]
    pub const fn close_code(self) -> CloseCode {
        match self {
            Self::Protocol(error) => match error {
                ProtocolError::InvalidUtf8
                | ProtocolError::InvalidCompression
                | ProtocolError::InvalidCloseReason => CloseCode::INVALID_DATA,
                ProtocolError::MessageTooLong => CloseCode::MESSAGE_TOO_BIG,
                ProtocolError::TooManyFragments => CloseCode::POLICY_VIOLATION,
                _ => CloseCode::PROTOCOL_ERROR,
            },
            Self::TimedOut(_) | Self::OutOfMemory => CloseCode::INTERNAL_ERROR,
            Self::Handshake(_) | Self::Eof => CloseCode::ABNORMAL,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protocol(error) => error.fmt(f),
            Self::Handshake(error) => error.fmt(f),
            Self::TimedOut(timeout) => timeout.fmt(f),
            Self::Eof => f.write_str("the transport ended too early"),
            Self::OutOfMemory => f.write_str("no memory for the message"),
        }
    }
}

impl core::error::Error for Failure {}

impl From<ProtocolError> for Failure {
    fn from(error: ProtocolError) -> Self {
        Self::Protocol(error)
    }
}

impl From<HandshakeError> for Failure {
    fn from(error: HandshakeError) -> Self {
        Self::Handshake(error)
    }
}

/// What the peer did not do in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Timeout {
    /// Complete the opening handshake.
    Opening,
    /// Send anything at all within the idle timeout.
    Idle,
    /// Answer a keepalive Ping, or send anything else.
    Keepalive,
    /// Answer our Close frame (RFC 6455 §7.1.1).
    Closing,
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Opening => "the opening handshake took too long",
            Self::Idle => "nothing was received within the idle timeout",
            Self::Keepalive => "a keepalive ping was not answered",
            Self::Closing => "the closing handshake took too long",
        })
    }
}
