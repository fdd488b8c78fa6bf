//! Status codes of Close frames, called close codes here (RFC 6455 §7.4, and the IANA registry it founds).

use core::fmt;

/// A close code: why an endpoint closes the connection.
///
/// The set is open (§7.4.2), so this is a number with names for the registered values.
///
/// # Examples
///
/// ```
/// use websocket_proto::CloseCode;
///
/// assert_eq!(u16::from(CloseCode::NORMAL), 1000);
/// assert!(CloseCode::from(3001).is_sendable());
/// assert!(!CloseCode::ABNORMAL.is_sendable());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(u16);

macro_rules! close_codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal;)+) => {
        impl CloseCode {
            $($(#[doc = $doc])+ pub const $name: Self = Self($code);)+

            /// Returns the name of a registered code, as its constant is called.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($code => Some(stringify!($name)),)+
                    _ => None,
                }
            }
        }
    };
}

close_codes! {
    /// 1000: the purpose of the connection is fulfilled.
    NORMAL = 1000;
    /// 1001: the server goes down, or the page is left.
    GOING_AWAY = 1001;
    /// 1002: the peer broke the protocol.
    PROTOCOL_ERROR = 1002;
    /// 1003: a kind of data that the endpoint cannot accept.
    UNSUPPORTED_DATA = 1003;
    /// 1005: a Close frame without a code. Never sent.
    NO_STATUS = 1005;
    /// 1006: the transport ended without a Close frame. Never sent.
    ABNORMAL = 1006;
    /// 1007: data that does not fit the message's kind, such as text that is not UTF-8.
    INVALID_DATA = 1007;
    /// 1008: a message that offends the endpoint's policy.
    POLICY_VIOLATION = 1008;
    /// 1009: a message too big to process.
    MESSAGE_TOO_BIG = 1009;
    /// 1010: the server did not agree to an extension that the client needs.
    MANDATORY_EXTENSION = 1010;
    /// 1011: a condition that the endpoint did not expect.
    INTERNAL_ERROR = 1011;
    /// 1012: the service restarts.
    SERVICE_RESTART = 1012;
    /// 1013: the service is overloaded; try again later.
    TRY_AGAIN_LATER = 1013;
    /// 1014: a gateway got no good answer from the server behind it.
    BAD_GATEWAY = 1014;
    /// 1015: the TLS handshake failed. Never sent.
    TLS_HANDSHAKE = 1015;
}

impl CloseCode {
    /// Tells whether a Close frame may carry this code: 1000 to 1003, 1007 to 1014, 3000 to 4999.
    ///
    /// The others are reserved for what is never sent, are not assigned, or are out of range (§7.4).
    #[must_use]
    pub const fn is_sendable(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

impl From<u16> for CloseCode {
    fn from(code: u16) -> Self {
        Self(code)
    }
}

impl From<CloseCode> for u16 {
    fn from(code: CloseCode) -> Self {
        code.0
    }
}

impl fmt::Debug for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "CloseCode({} {name})", self.0),
            None => write!(f, "CloseCode({})", self.0),
        }
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::CloseCode;

    #[test]
    fn sendable_codes_are_those_of_the_registry_and_the_private_ranges() {
        for code in 0..=u16::MAX {
            let registered =
                [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014];
            let expected = registered.contains(&code) || (code / 1000 == 3 || code / 1000 == 4);
            assert_eq!(CloseCode::from(code).is_sendable(), expected, "{code}");
        }
    }
}
