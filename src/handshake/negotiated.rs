//! What an opening handshake came to (RFC 6455 §4.1, §4.2.2): all that the connection after it has to know.

use crate::role::Role;
use crate::seed::MaskingKeys;

/// The outcome of an opening handshake; a connection is opened with it.
///
/// It comes from [`Request::accept`](crate::Request::accept), [`Response::accept`](crate::Response::accept) and
/// [`negotiate`](crate::negotiate). Where somebody else did the handshake, [`server`](Self::server) and
/// [`client`](Self::client) make one.
#[derive(Debug)]
#[must_use = "the connection is opened with it"]
pub struct Negotiated<'b> {
    subprotocol: Option<&'b str>,
    /// `Some` for a client: §5.1 has it mask what it sends, and a server never.
    keys: Option<MaskingKeys>,
}

impl Negotiated<'static> {
    /// Stands for a connection that somebody else has accepted, as its server.
    pub const fn server() -> Self {
        Negotiated::server_with(None)
    }

    /// Stands for a connection that somebody else has opened, as its client.
    ///
    /// The seed is to come from a strong source of randomness, and to be used for one connection only: the masking
    /// keys are made of it (RFC 6455 §10.3).
    pub fn client(seed: [u8; 32]) -> Self {
        Negotiated::client_with(MaskingKeys::new(&seed), None)
    }
}

impl<'b> Negotiated<'b> {
    pub(super) const fn server_with(subprotocol: Option<&'b str>) -> Self {
        Self { subprotocol, keys: None }
    }

    pub(super) const fn client_with(keys: MaskingKeys, subprotocol: Option<&'b str>) -> Self {
        Self { subprotocol, keys: Some(keys) }
    }

    /// Returns the end of the connection that this side is.
    #[must_use]
    pub const fn role(&self) -> Role {
        match self.keys {
            Some(_) => Role::Client,
            None => Role::Server,
        }
    }

    /// Returns the subprotocol in use, if one is (RFC 6455 §1.9).
    #[must_use]
    pub const fn subprotocol(&self) -> Option<&'b str> {
        self.subprotocol
    }

    /// Takes it apart: the role, and a client's source of masking keys.
    pub(crate) fn into_parts(self) -> (Role, Option<MaskingKeys>) {
        (self.role(), self.keys)
    }
}
