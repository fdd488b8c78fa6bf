//! What a peer can do wrong in the opening handshake (RFC 6455 §4, RFC 9112, RFC 9110).

use core::fmt;

/// A peer's breach of the opening handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The start line is not that of an HTTP/1.1 message (RFC 9112 §3, §4).
    InvalidStartLine,
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidStartLine => "the start line is not that of an HTTP/1.1 message",
        })
    }
}

impl core::error::Error for HandshakeError {}
