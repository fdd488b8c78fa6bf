//! What a peer can do wrong in the opening handshake (RFC 6455 §4, RFC 9112, RFC 9110), and the status that answers it.

use core::fmt;

/// A peer's breach of the opening handshake.
///
/// [`status`](Self::status) is what a server answers with, and `respond` writes that answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The start line is not that of an HTTP/1.1 message (RFC 9112 §3, §4).
    InvalidStartLine,
    /// The message is of another major version of HTTP (RFC 9110 §2.5).
    UnsupportedHttpVersion,
    /// The target of the request is in neither origin form nor absolute form (RFC 9112 §3.2).
    InvalidTarget,
    /// A line does not end with CR and LF (RFC 9112 §2.2).
    InvalidLineEnd,
    /// A field line does not begin with a name and a colon behind it (RFC 9112 §5.1).
    InvalidFieldName,
    /// The value of a field holds a control character (RFC 9110 §5.5).
    InvalidFieldValue,
    /// A field line begins with a blank: obsolete line folding (RFC 9112 §5.2).
    FoldedLine,
    /// The request has no `Host`, more than one, or one that is not a host and a port (RFC 9112 §3.2).
    InvalidHost,
    /// `Content-Length` is not one decimal number, or there is more than one (RFC 9112 §6.3).
    InvalidContentLength,
    /// The request has a `Transfer-Encoding`.
    TransferEncoding,
    /// The request for an upgrade announces content.
    UnexpectedContent,
    /// The line of the request exceeds [`HandshakeConfig::head_limit`](crate::HandshakeConfig::head_limit).
    TargetTooLong,
    /// The head exceeds [`HandshakeConfig::head_limit`](crate::HandshakeConfig::head_limit).
    HeadTooLong,
    /// The storage that the head was to be kept in has no room for it.
    StorageFull,
    /// The head has more fields than [`HandshakeConfig::field_limit`](crate::HandshakeConfig::field_limit).
    TooManyFields,
    /// The method is not GET (§4.2.1).
    MethodNotAllowed,
    /// `Upgrade` does not name `websocket`, or the message is of HTTP/1.0 (§4.1, §4.2.1).
    NoUpgrade,
    /// `Connection` does not hold the token `upgrade` (§4.1, §4.2.1).
    NoConnectionUpgrade,
    /// `:protocol` of an extended CONNECT is not `websocket` (RFC 8441 §5, RFC 9220 §3).
    UnsupportedProtocol,
    /// `Sec-WebSocket-Version` is missing, or there is more than one (§4.2.1).
    InvalidVersion,
    /// `Sec-WebSocket-Version` is not 13 (§4.4).
    UnsupportedVersion,
    /// `Sec-WebSocket-Key` is missing, there is more than one, or it is not 16 bytes in base64 (§4.2.1).
    InvalidKey,
    /// `Sec-WebSocket-Protocol` is not a list of distinct tokens (§4.1), or appears twice in a response (§11.3.4).
    InvalidSubprotocols,
    /// The client offers more than 32 subprotocols, which are compared with each other.
    TooManySubprotocols,
    /// `Sec-WebSocket-Extensions` does not keep to its grammar (§9.1).
    InvalidExtensions,
    /// The server answered with another status than 101 (§4.1).
    UnexpectedStatus(u16),
    /// `Sec-WebSocket-Accept` is missing, there is more than one, or it does not fit the key (§4.1).
    InvalidAccept,
    /// The server selected a subprotocol that was not offered (§4.1).
    SubprotocolNotOffered,
    /// The server selected an extension that was not offered (§4.1).
    ExtensionNotOffered,
    /// The server selected an extension twice, which would be applied twice (§9.1).
    ExtensionRepeated,
    /// The server selected an extension with a parameter that is unknown, repeated or of no valid value (RFC 7692 §7).
    InvalidExtensionParams,
    /// The server selected an extension with parameters that are not within the offer (RFC 7692 §7.1).
    ExtensionParamsNotOffered,
}

impl HandshakeError {
    /// Returns the status code that a server answers with, or `None` for what only a server can do wrong.
    #[must_use]
    pub const fn status(self) -> Option<u16> {
        Some(match self {
            Self::InvalidStartLine
            | Self::InvalidTarget
            | Self::InvalidLineEnd
            | Self::InvalidFieldName
            | Self::InvalidFieldValue
            | Self::FoldedLine
            | Self::InvalidHost
            | Self::InvalidContentLength
            | Self::TransferEncoding
            | Self::UnexpectedContent
            | Self::NoConnectionUpgrade
            | Self::InvalidVersion
            | Self::InvalidKey
            | Self::InvalidSubprotocols
            | Self::InvalidExtensions => 400,
            Self::MethodNotAllowed => 405,
            Self::TargetTooLong => 414,
            Self::NoUpgrade | Self::UnsupportedVersion => 426,
            Self::HeadTooLong
            | Self::StorageFull
            | Self::TooManyFields
            | Self::TooManySubprotocols => 431,
            // RFC 9220 §3: "the server SHOULD respond to the request with a 501 (Not Implemented) status code"
            Self::UnsupportedProtocol => 501,
            Self::UnsupportedHttpVersion => 505,
            Self::UnexpectedStatus(_)
            | Self::InvalidAccept
            | Self::SubprotocolNotOffered
            | Self::ExtensionNotOffered
            | Self::ExtensionRepeated
            | Self::InvalidExtensionParams
            | Self::ExtensionParamsNotOffered => return None,
        })
    }

    /// Says whether only a request with the method GET is looked at for this fault.
    pub(crate) const fn is_found_in_get(self) -> bool {
        matches!(
            self,
            Self::UnexpectedContent
                | Self::NoUpgrade
                | Self::NoConnectionUpgrade
                | Self::InvalidVersion
                | Self::UnsupportedVersion
                | Self::InvalidKey
                | Self::InvalidSubprotocols
                | Self::InvalidExtensions
                | Self::TooManySubprotocols
        )
    }

    /// Returns the error in words, in lower case and ASCII, without the values and without anything of the peer's.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidStartLine => "the start line is not that of an HTTP/1.1 message",
            Self::UnsupportedHttpVersion => "the version of HTTP is not 1.1",
            Self::InvalidTarget => "the request target is neither a path nor an absolute URI",
            Self::InvalidLineEnd => "a line does not end with CR LF",
            Self::InvalidFieldName => "a field line does not begin with a name and a colon",
            Self::InvalidFieldValue => "the value of a field holds a control character",
            Self::FoldedLine => "a field line is folded",
            Self::InvalidHost => "there is not one valid Host",
            Self::InvalidContentLength => "Content-Length is not one decimal number",
            Self::TransferEncoding => "Transfer-Encoding is not supported",
            Self::UnexpectedContent => "an upgrade request must have no content",
            Self::TargetTooLong => "the request line is too long",
            Self::HeadTooLong => "the head is too long",
            Self::StorageFull => "there is no room for the head",
            Self::TooManyFields => "the head has too many fields",
            Self::MethodNotAllowed => "the method is not GET",
            Self::NoUpgrade => "there is no upgrade to websocket",
            Self::NoConnectionUpgrade => "Connection does not hold upgrade",
            Self::InvalidVersion => "there is not one Sec-WebSocket-Version",
            Self::UnsupportedProtocol => "the CONNECT is not for a WebSocket",
            Self::UnsupportedVersion => "Sec-WebSocket-Version is not 13",
            Self::InvalidKey => "there is not one Sec-WebSocket-Key of 16 bytes in base64",
            Self::InvalidSubprotocols => "Sec-WebSocket-Protocol is not a list of distinct tokens",
            Self::TooManySubprotocols => "too many subprotocols are offered",
            Self::InvalidExtensions => "Sec-WebSocket-Extensions is not well-formed",
            Self::UnexpectedStatus(_) => "the server did not accept",
            Self::InvalidAccept => "Sec-WebSocket-Accept does not fit the key",
            Self::SubprotocolNotOffered => "the server selected a subprotocol that was not offered",
            Self::ExtensionNotOffered => "the server selected an extension that was not offered",
            Self::ExtensionRepeated => "the server selected an extension twice",
            Self::InvalidExtensionParams => {
                "the server selected an extension with invalid parameters"
            }
            Self::ExtensionParamsNotOffered => {
                "the server selected an extension with parameters that were not offered"
            }
        }
    }
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnexpectedStatus(status) => write!(f, "{} (status {status})", self.as_str()),
            _ => f.write_str(self.as_str()),
        }
    }
}

impl core::error::Error for HandshakeError {}
