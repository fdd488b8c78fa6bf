//! The two roles of RFC 6455 §1.2. What differs between them is who masks (§5.1) and who closes the transport (§7.1.1).

/// The end of the connection that the machine plays.
///
/// # Examples
///
/// ```
/// use websocket_proto::{Negotiated, Role};
///
/// assert_eq!(Negotiated::server().role(), Role::Server);
/// assert_eq!(Role::Server.peer(), Role::Client);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the protocol has two roles")]
pub enum Role {
    /// Opened the connection; masks what it sends.
    Client,
    /// Accepted the connection; refuses what is not masked.
    Server,
}

impl Role {
    /// Returns the role of the other end.
    #[must_use]
    pub const fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}
