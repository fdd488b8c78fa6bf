//! What two ends agree to (RFC 7692 §7.1): an offer accepted by a server, a response judged by a client.

use crate::error::HandshakeError;
use crate::role::Role;

use super::config::DeflateConfig;
use super::listed::{ExtensionValue, Listed, MAX_WINDOW_BITS};

/// The parameters of permessage-deflate that both ends of a connection keep to (RFC 7692 §7.1).
///
/// A client's are at times stricter than the server's word: what it said in its offer of its own messages it keeps,
/// whether or not the server repeats it.
///
/// The default is what holds where the response has no parameters: context takeover, and windows of 32 KiB.
///
/// # Examples
///
/// ```
/// use websocket_proto::DeflateParams;
///
/// let params = DeflateParams::default();
/// assert!(!params.server_no_context_takeover() && !params.client_no_context_takeover());
/// assert_eq!((params.server_max_window_bits(), params.client_max_window_bits()), (15, 15));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DeflateParams {
    pub(super) server_no_context_takeover: bool,
    pub(super) client_no_context_takeover: bool,
    /// From 8 to 15.
    pub(super) server_max_window_bits: u8,
    /// From 8 to 15.
    pub(super) client_max_window_bits: u8,
}

/// How the messages of one direction are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Direction {
    /// From 8 to 15: a message refers back by at most 2^bits bytes.
    pub(crate) window_bits: u8,
    /// A message may refer to those before it.
    pub(crate) takes_over_context: bool,
}

impl DeflateParams {
    /// Says whether each of the server's messages is compressed by itself (RFC 7692 §7.1.1.1).
    #[must_use]
    pub const fn server_no_context_takeover(&self) -> bool {
        self.server_no_context_takeover
    }

    /// Says whether each of the client's messages is compressed by itself (RFC 7692 §7.1.1.2).
    #[must_use]
    pub const fn client_no_context_takeover(&self) -> bool {
        self.client_no_context_takeover
    }

    /// Returns how many bits the window of the server's messages has, from 8 to 15: it is of 2^bits bytes
    /// (RFC 7692 §7.1.2.1).
    #[must_use]
    pub const fn server_max_window_bits(&self) -> u8 {
        self.server_max_window_bits
    }

    /// Returns how many bits the window of the client's messages has, from 8 to 15: it is of 2^bits bytes
    /// (RFC 7692 §7.1.2.2).
    #[must_use]
    pub const fn client_max_window_bits(&self) -> u8 {
        self.client_max_window_bits
    }

    /// Returns how the messages are compressed that an end sends.
    pub(crate) const fn sent_by(self, role: Role) -> Direction {
        match role {
            Role::Server => Direction {
                window_bits: self.server_max_window_bits,
                takes_over_context: !self.server_no_context_takeover,
            },
            Role::Client => Direction {
                window_bits: self.client_max_window_bits,
                takes_over_context: !self.client_no_context_takeover,
            },
        }
    }
}

impl Default for DeflateParams {
    fn default() -> Self {
        Self {
            server_no_context_takeover: false,
            client_no_context_takeover: false,
            server_max_window_bits: MAX_WINDOW_BITS,
            client_max_window_bits: MAX_WINDOW_BITS,
        }
    }
}

impl DeflateConfig {
    /// Accepts the parameters of a client's offer: returns what is agreed to, and the response that says so; or declines.
    pub(crate) fn accept_offer<'b>(
        &self,
        offered: impl Iterator<Item = (&'b str, Option<&'b str>)>,
    ) -> Option<(DeflateParams, ExtensionValue)> {
        // §7.1.2.2: "no value or a decimal integer value"; both tell that the client knows the parameter.
        let offer = Listed::parse(offered, Some(MAX_WINDOW_BITS))?;
        let ours = self.params;
        let server_window = offer.server_max_window_bits.unwrap_or(MAX_WINDOW_BITS);
        let client_window = match offer.client_max_window_bits {
            Some(bits) => bits.min(ours.client_max_window_bits),
            // §7.1.2.2: "If a received extension negotiation offer doesn't have the "client_max_window_bits" extension
            // parameter, the corresponding extension negotiation response to the offer MUST NOT include the
            // "client_max_window_bits" extension parameter." Such a client uses what window it likes.
            None if ours.client_max_window_bits < MAX_WINDOW_BITS => return None,
            None => MAX_WINDOW_BITS,
        };
        let agreed = DeflateParams {
            // §7.1.1.1: "A server accepts an extension negotiation offer that includes the "server_no_context_takeover"
            // extension parameter by including the "server_no_context_takeover" extension parameter in the corresponding
            // extension negotiation response".
            server_no_context_takeover: offer.server_no_context_takeover
                || ours.server_no_context_takeover,
            // §7.1.1.2: "the server may either ignore the parameter or use the parameter to avoid taking over the LZ77
            // sliding window unnecessarily by including the "client_no_context_takeover" extension parameter".
            client_no_context_takeover: offer.client_no_context_takeover
                || ours.client_no_context_takeover,
            server_max_window_bits: server_window.min(ours.server_max_window_bits),
            client_max_window_bits: client_window,
        };
        let is_said = |bits: &u8| *bits < MAX_WINDOW_BITS;
        let response = Listed {
            server_no_context_takeover: agreed.server_no_context_takeover,
            client_no_context_takeover: agreed.client_no_context_takeover,
            // §7.1.2.1: "A server accepts an extension negotiation offer with this parameter by including the
            // "server_max_window_bits" extension parameter in the extension negotiation response to send back to the
            // client with the same or smaller value as the offer."
            server_max_window_bits: Some(agreed.server_max_window_bits)
                .filter(|bits| offer.server_max_window_bits.is_some() || is_said(bits)),
            client_max_window_bits: Some(agreed.client_max_window_bits).filter(is_said),
        };
        Some((agreed, response.value()))
    }

    /// Judges the parameters with which a server accepted our offer, and returns what is agreed to.
    pub(crate) fn accept_response<'b>(
        &self,
        answered: impl Iterator<Item = (&'b str, Option<&'b str>)>,
    ) -> Result<DeflateParams, HandshakeError> {
        // §7: "A client MUST _Fail the WebSocket Connection_ if the peer server accepted an extension negotiation offer
        // for this extension with an extension negotiation response meeting any of the following conditions".
        let response =
            Listed::parse(answered, None).ok_or(HandshakeError::InvalidExtensionParams)?;
        let ours = self.params;
        let agreed = DeflateParams {
            server_no_context_takeover: response.server_no_context_takeover,
            // §7.1.1.2: "even if the server doesn't include the "client_no_context_takeover" extension parameter in the
            // corresponding extension negotiation response to the offer, the client is not going to use context takeover."
            client_no_context_takeover: response.client_no_context_takeover
                || ours.client_no_context_takeover,
            server_max_window_bits: response.server_max_window_bits.unwrap_or(MAX_WINDOW_BITS),
            // §7.1.2.2: the same of the window.
            client_max_window_bits: response
                .client_max_window_bits
                .unwrap_or(ours.client_max_window_bits),
        };
        // The last of those conditions is a configuration that we do not support: what is not within our offer.
        let is_within_offer = (agreed.server_no_context_takeover
            || !ours.server_no_context_takeover)
            && agreed.server_max_window_bits <= ours.server_max_window_bits
            && agreed.client_max_window_bits <= ours.client_max_window_bits;
        is_within_offer.then_some(agreed).ok_or(HandshakeError::ExtensionParamsNotOffered)
    }
}

#[cfg(test)]
mod tests {
    use super::{DeflateConfig, Direction};
    use crate::role::Role;

    #[test]
    fn each_direction_has_its_own_parameters() {
        let config = DeflateConfig::default().server_no_context_takeover(true);
        let config = config.server_max_window_bits(9).unwrap();
        let params = config.client_max_window_bits(12).unwrap().params();
        let server = Direction { window_bits: 9, takes_over_context: false };
        let client = Direction { window_bits: 12, takes_over_context: true };
        assert_eq!((params.sent_by(Role::Server), params.sent_by(Role::Client)), (server, client));
    }
}
