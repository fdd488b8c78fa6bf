//! What an opening handshake came to (RFC 6455 §4.1, §4.2.2): all that the connection after it has to know.

#[cfg(feature = "deflate")]
use crate::deflate::{DeflateConfig, DeflateParams};
use crate::role::Role;
use crate::seed::MaskingKeys;

use super::extensions::Agreed;

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
    agreed: Agreed,
}

impl Negotiated<'static> {
    /// Stands for a connection that somebody else has accepted, as its server.
    pub const fn server() -> Self {
        Negotiated::server_with(Agreed::NOTHING, None)
    }

    /// Stands for a connection that somebody else has opened, as its client.
    ///
    /// The seed is to come from a strong source of randomness, and to be used for one connection only: the masking
    /// keys are made of it (RFC 6455 §10.3).
    pub fn client(seed: [u8; 32]) -> Self {
        Negotiated::client_with(MaskingKeys::new(&seed), Agreed::NOTHING, None)
    }
}

impl<'b> Negotiated<'b> {
    pub(super) const fn server_with(agreed: Agreed, subprotocol: Option<&'b str>) -> Self {
        Self { subprotocol, keys: None, agreed }
    }

    pub(super) const fn client_with(
        keys: MaskingKeys,
        agreed: Agreed,
        subprotocol: Option<&'b str>,
    ) -> Self {
        Self { subprotocol, keys: Some(keys), agreed }
    }

    /// Says that messages are compressed, on a connection for which somebody else agreed to it.
    ///
    /// `params` is what was agreed to. Of `config` counts which messages are compressed, and how hard.
    #[cfg(feature = "deflate")]
    pub const fn with_deflate(mut self, params: DeflateParams, config: DeflateConfig) -> Self {
        self.agreed.deflate = Some((params, config));
        self
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

    /// Returns what was agreed to for the compression of messages, if it was (RFC 7692 §7).
    #[cfg(feature = "deflate")]
    #[must_use]
    pub const fn deflate(&self) -> Option<DeflateParams> {
        match self.agreed.deflate {
            Some((params, _)) => Some(params),
            None => None,
        }
    }

    /// Makes of what was agreed to for compression what undoes it.
    #[cfg(feature = "deflate")]
    pub(crate) fn compression<T>(
        &self,
        make: impl FnOnce(Role, DeflateParams, DeflateConfig) -> T,
    ) -> Option<T> {
        self.agreed.deflate.map(|(params, config)| make(self.role(), params, config))
    }

    /// Takes it apart: the role, a client's source of masking keys, and the extensions.
    pub(crate) fn into_parts(self) -> (Role, Option<MaskingKeys>, Agreed) {
        (self.role(), self.keys, self.agreed)
    }
}
