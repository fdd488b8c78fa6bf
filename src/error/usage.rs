//! What a caller can do wrong. A call that returns one of these has changed nothing.

use core::fmt;

use super::HandshakeError;

/// A call that was refused. The state and the output are as they were before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UsageError {
    /// The output has no room for all that the call would append; drain it and call again.
    OutputFull {
        /// The bytes of room that the call needs.
        needed: usize,
    },
    /// A Close frame was sent, or the connection failed: nothing more may be sent (§5.5.1, §7.1.7).
    Closed,
    /// A message is being sent in parts; only its next part and control frames may be sent (§5.4).
    MessageInProgress,
    /// The payload of a control frame exceeds 125 bytes, or a close reason 123 (§5.5).
    ControlTooLong,
    /// A control frame is marked as a fragment (§5.5).
    FragmentedControl,
    /// The payload length exceeds 63 bits (§5.2).
    LengthOverflow,
    /// The text, or with its last part the text message, is not UTF-8 (§5.6).
    InvalidUtf8,
    /// The close code must not be sent, or a reason was given without a code (§5.5.1, §7.4).
    InvalidCloseCode,
    /// A prepared frame is not masked, and so is not for a client to send (§5.1).
    UnmaskedFrame,
    /// A configured value is out of its documented range.
    InvalidConfig,
    /// The URI is not of the `ws` or `wss` scheme, or has a fragment, user information, no host, a port that is zero or
    /// over 65535, or a character that must be percent-encoded (§3).
    InvalidUri,
    /// The name of a field is not a token, or is one that the handshake itself sets.
    InvalidFieldName,
    /// The value of a field holds a control character, or blanks at an end.
    InvalidFieldValue,
    /// A subprotocol is not a token, or is offered twice (§4.1).
    InvalidSubprotocol,
    /// The subprotocol was not offered by the client (§4.2.2).
    SubprotocolNotOffered,
    /// The client offers more subprotocols than can be kept track of.
    TooManySubprotocols,
    /// The status code is out of the range 200 to 599, or allows no body.
    InvalidStatus,
    /// The request, or the response, was answered before.
    AlreadyAnswered,
    /// What is to be accepted is not an upgrade to a WebSocket. Alone among these it is the peer's doing, so expect it at
    /// run time; a server answers by [`HandshakeError::respond`].
    NotAnUpgrade(HandshakeError),
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutputFull { needed } => {
                return write!(f, "the output has no room for {needed} bytes");
            }
            Self::Closed => "the connection is closed for sending",
            Self::MessageInProgress => "another message is being sent",
            Self::ControlTooLong => "the payload of a control frame exceeds its limit",
            Self::FragmentedControl => "a control frame cannot be a fragment",
            Self::LengthOverflow => "the payload length exceeds 63 bits",
            Self::InvalidUtf8 => "the text is not UTF-8",
            Self::InvalidCloseCode => "the close code must not be sent",
            Self::UnmaskedFrame => "a client must mask its frames",
            Self::InvalidConfig => "a configured value is out of range",
            Self::InvalidUri => "not a ws or wss URI, or one with a part that is not allowed",
            Self::InvalidFieldName => "the name of a field is not allowed",
            Self::InvalidFieldValue => "the value of a field is not allowed",
            Self::InvalidSubprotocol => "a subprotocol is not a token or is offered twice",
            Self::SubprotocolNotOffered => "the subprotocol was not offered",
            Self::TooManySubprotocols => "too many subprotocols are offered",
            Self::InvalidStatus => "the status code is not allowed",
            Self::AlreadyAnswered => "the handshake was answered before",
            Self::NotAnUpgrade(error) => return error.fmt(f),
        })
    }
}

impl core::error::Error for UsageError {}
