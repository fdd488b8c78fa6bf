//! The extensions of an opening handshake (RFC 6455 §9.1): permessage-deflate (RFC 7692), and no other. Without the
//! feature `deflate` there is none: none is offered, and all are declined.

#[cfg(feature = "deflate")]
use crate::deflate::{self, DeflateConfig, DeflateParams, ExtensionValue};
use crate::error::HandshakeError;

use super::field::{FieldName, values};
use super::list::{Extension, extensions};
#[cfg(feature = "deflate")]
use super::upgrade::UpgradeFields;

/// What the caller wants to be agreed to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wanted {
    #[cfg(feature = "deflate")]
    pub(super) deflate: Option<DeflateConfig>,
}

/// What both ends have agreed to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Agreed {
    #[cfg(feature = "deflate")]
    pub(crate) deflate: Option<(DeflateParams, DeflateConfig)>,
}

/// What `Sec-WebSocket-Extensions` has to say, if anything.
#[derive(Clone, Copy, Debug)]
pub(super) struct ListedText {
    #[cfg(feature = "deflate")]
    value: Option<ExtensionValue>,
}

#[cfg_attr(not(feature = "deflate"), expect(clippy::unused_self, reason = "nothing is wanted"))]
impl Wanted {
    pub(super) const NOTHING: Self = Self {
        #[cfg(feature = "deflate")]
        deflate: None,
    };

    /// Returns what a client offers.
    pub(super) fn offer(self) -> ListedText {
        ListedText {
            #[cfg(feature = "deflate")]
            value: self.deflate.map(|config| config.offer()),
        }
    }

    /// Chooses, as a server, of what a client offers, and returns what to say to it.
    pub(super) fn answer<'b>(
        self,
        offered: impl Iterator<Item = Extension<'b>>,
    ) -> (Agreed, ListedText) {
        #[cfg(feature = "deflate")]
        {
            let chosen = self.deflate.and_then(|config| {
                // RFC 7692 §5: "It is recommended that a server accepts PMCEs with higher preference if the server
                // supports them", and what comes first is preferred.
                let mut offers = offered.filter(|offer| offer.name() == deflate::NAME);
                let (params, value) =
                    offers.find_map(|offer| config.accept_offer(offer.params()))?;
                Some(((params, config), value))
            });
            let (deflate, value) = chosen.unzip();
            (Agreed { deflate }, ListedText { value })
        }
        #[cfg(not(feature = "deflate"))]
        {
            drop(offered);
            (Agreed {}, ListedText {})
        }
    }

    /// Checks, as a client, what a server has selected.
    pub(super) fn check_selected<'b>(
        self,
        mut selected: impl Iterator<Item = Extension<'b>>,
    ) -> Result<Agreed, HandshakeError> {
        selected.try_fold(Agreed::NOTHING, |agreed, extension| self.agree(agreed, extension))
    }

    #[cfg_attr(
        not(feature = "deflate"),
        expect(unused_variables, reason = "whatever it is, it was not offered")
    )]
    fn agree(self, agreed: Agreed, extension: Extension<'_>) -> Result<Agreed, HandshakeError> {
        #[cfg(feature = "deflate")]
        if let (Some(config), deflate::NAME) = (self.deflate, extension.name()) {
            // RFC 7692 §7.1.3 has a server pick one of the offers: two of the kind could not share the bit RSV1 (§6).
            if agreed.deflate.is_some() {
                return Err(HandshakeError::ExtensionRepeated);
            }
            let params = config.accept_response(extension.params())?;
            return Ok(Agreed { deflate: Some((params, config)) });
        }
        // §4.1: "If the response includes a |Sec-WebSocket-Extensions| header field and this header field indicates the
        // use of an extension that was not present in the client's handshake [...], the client MUST _Fail the WebSocket
        // Connection_."
        Err(HandshakeError::ExtensionNotOffered)
    }
}

impl Agreed {
    pub(super) const NOTHING: Self = Self {
        #[cfg(feature = "deflate")]
        deflate: None,
    };
}

#[cfg_attr(not(feature = "deflate"), expect(clippy::unused_self, reason = "nothing is said"))]
impl ListedText {
    pub(super) fn as_str(&self) -> Option<&str> {
        #[cfg(feature = "deflate")]
        {
            self.value.as_deref()
        }
        #[cfg(not(feature = "deflate"))]
        {
            None
        }
    }
}

#[cfg(feature = "deflate")]
impl DeflateConfig {
    /// Judges, by its fields, the response that somebody else received to a request with our [`offer`](Self::offer).
    ///
    /// `fields` starts an iteration over the fields of the response, each a name and a value. Returns what was agreed
    /// to, for [`Negotiated::with_deflate`](crate::Negotiated::with_deflate); `None`: the server has declined, and
    /// messages are not compressed. After an error, let go of the transport.
    ///
    /// # Errors
    ///
    /// [`InvalidExtensions`](HandshakeError::InvalidExtensions),
    /// [`ExtensionNotOffered`](HandshakeError::ExtensionNotOffered),
    /// [`ExtensionRepeated`](HandshakeError::ExtensionRepeated),
    /// [`InvalidExtensionParams`](HandshakeError::InvalidExtensionParams),
    /// [`ExtensionParamsNotOffered`](HandshakeError::ExtensionParamsNotOffered).
    ///
    /// # Examples
    ///
    /// ```
    /// use websocket_proto::{DeflateConfig, Negotiated};
    ///
    /// let config = DeflateConfig::default();
    /// assert_eq!(config.offer().as_str(), "permessage-deflate; client_max_window_bits");
    /// // The request was sent, and this came.
    /// let headers: [(&str, &[u8]); 1] =
    ///     [("sec-websocket-extensions", b"permessage-deflate; client_max_window_bits=12")];
    /// let agreed = config.check_response(|| headers.iter().copied())?;
    /// let seed = [7; 32]; // From the operating system's source of randomness, new for each connection.
    /// let mut negotiated = Negotiated::client(seed);
    /// if let Some(params) = agreed {
    ///     assert_eq!(params.client_max_window_bits(), 12);
    ///     negotiated = negotiated.with_deflate(params, config);
    /// }
    /// # drop(negotiated);
    /// # Ok::<(), websocket_proto::HandshakeError>(())
    /// ```
    pub fn check_response<'b, I>(
        &self,
        fields: impl Fn() -> I,
    ) -> Result<Option<DeflateParams>, HandshakeError>
    where
        I: Iterator<Item = (&'b str, &'b [u8])>,
    {
        let noted = UpgradeFields::note_all(fields());
        let wanted = Wanted { deflate: Some(*self) };
        let agreed = noted.check_selected(wanted, |place| fields().skip(place))?;
        Ok(agreed.deflate.map(|(params, _)| params))
    }
}

/// Returns the extensions that a message lists, in order, up to the first fault.
pub(super) fn listed<'b, I>(fields: I) -> impl Iterator<Item = Extension<'b>> + use<'b, I>
where
    I: Iterator<Item = (&'b str, &'b [u8])>,
{
    values(fields, FieldName::Extensions).flat_map(extensions).map_while(Result::ok)
}
