//! The parameters of an offer or a response as they are written (RFC 7692 §7.1).

use core::fmt;
use core::ops::Deref;

/// The name of the extension (RFC 7692 §7), to be compared as it is: RFC 6455 says of what it compares without regard to
/// case, and of the tokens in §9.1 it does not. A peer that writes it otherwise offers some other extension.
pub(crate) const NAME: &str = "permessage-deflate";

/// The bits of the greatest window, and of one that nothing is said about.
pub(super) const MAX_WINDOW_BITS: u8 = 15;

/// Says whether there is a window of so many bits.
pub(super) const fn is_window_bits(bits: u8) -> bool {
    matches!(bits, 8..=MAX_WINDOW_BITS)
}

/// The parameters that an offer or a response lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) server_no_context_takeover: bool,
    pub(super) client_no_context_takeover: bool,
    pub(super) server_max_window_bits: Option<u8>,
    pub(super) client_max_window_bits: Option<u8>,
}

impl Listed {
    /// Takes parameters, each a name and its value if it has one; `None` where one of them must not be there.
    ///
    /// `without_value` is what `client_max_window_bits` stands for without a value, if it may be without.
    pub(super) fn parse<'b>(
        params: impl Iterator<Item = (&'b str, Option<&'b str>)>,
        without_value: Option<u8>,
    ) -> Option<Self> {
        let mut listed = Self::default();
        for (name, value) in params {
            match (name, value) {
                ("server_no_context_takeover", None) if !listed.server_no_context_takeover => {
                    listed.server_no_context_takeover = true;
                }
                ("client_no_context_takeover", None) if !listed.client_no_context_takeover => {
                    listed.client_no_context_takeover = true;
                }
                ("server_max_window_bits", Some(value))
                    if listed.server_max_window_bits.is_none() =>
                {
                    listed.server_max_window_bits = Some(parse_window_bits(value)?);
                }
                ("client_max_window_bits", value) if listed.client_max_window_bits.is_none() => {
                    let bits = value.map_or(without_value, parse_window_bits);
                    listed.client_max_window_bits = Some(bits?);
                }
                // §7: "an extension parameter not defined for use in an offer", "an extension parameter with an invalid
                // value", "multiple extension parameters with the same name"; and the same of a response.
                _ => return None,
            }
        }
        Some(listed)
    }

    /// Writes the extension with these parameters.
    ///
    /// `client_max_window_bits` goes without a value where that would be 15 and so say nothing: in an offer it may.
    pub(super) fn value(self) -> ExtensionValue {
        let server_bits = self.server_max_window_bits;
        let client_bits = self.client_max_window_bits;
        let pieces = [
            Some(NAME),
            self.server_no_context_takeover.then_some("; server_no_context_takeover"),
            self.client_no_context_takeover.then_some("; client_no_context_takeover"),
            server_bits.map(|_| "; server_max_window_bits"),
            server_bits.map(equals),
            client_bits.map(|_| "; client_max_window_bits"),
            client_bits.filter(|bits| *bits < MAX_WINDOW_BITS).map(equals),
        ];
        let mut value = ExtensionValue { bytes: [0; MAX_LEN], len: 0 };
        let text = pieces.into_iter().flatten().flat_map(str::bytes);
        for (place, byte) in value.bytes.iter_mut().zip(text) {
            *place = byte;
            value.len = value.len.saturating_add(1);
        }
        value
    }
}

/// A value of the field `Sec-WebSocket-Extensions`: permessage-deflate and its parameters. It is a string.
#[derive(Clone, Copy)]
pub struct ExtensionValue {
    /// ASCII.
    bytes: [u8; MAX_LEN],
    len: usize,
}

impl ExtensionValue {
    /// Returns it as a string.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let text = self.bytes.get(..self.len).and_then(|text| core::str::from_utf8(text).ok());
        text.unwrap_or_default()
    }
}

impl Deref for ExtensionValue {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for ExtensionValue {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Debug for ExtensionValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Display for ExtensionValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

/// The length of the name with all the parameters.
const MAX_LEN: usize = 128;

/// Parses the value of a parameter that limits a window.
///
/// §7.1.2.1: "a decimal integer value without leading zeroes between 8 to 15, inclusive".
fn parse_window_bits(value: &str) -> Option<u8> {
    // RFC 6455 §9.1 has the value be a token "after quoted-string unescaping", and no token holds a backslash.
    let mut digits = value.bytes().filter(|byte| *byte != b'\\');
    match (digits.next()?, digits.next(), digits.next()) {
        (b'8', None, None) => Some(8),
        (b'9', None, None) => Some(9),
        (b'1', Some(ones @ b'0'..=b'5'), None) => {
            Some(ones.saturating_sub(b'0').saturating_add(10))
        }
        _ => None,
    }
}

/// Writes the value of a parameter that limits a window.
const fn equals(bits: u8) -> &'static str {
    match bits {
        8 => "=8",
        9 => "=9",
        10 => "=10",
        11 => "=11",
        12 => "=12",
        13 => "=13",
        14 => "=14",
        _ => "=15",
    }
}

#[cfg(test)]
mod tests {
    use super::{Listed, MAX_LEN};

    #[test]
    fn the_longest_value_has_its_room() {
        let listed = Listed {
            server_no_context_takeover: true,
            client_no_context_takeover: true,
            server_max_window_bits: Some(15),
            client_max_window_bits: Some(14),
        };
        let longest = "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
            server_max_window_bits=15; client_max_window_bits=14";
        assert_eq!(longest.len(), MAX_LEN);
        assert_eq!(listed.value().as_str(), longest);
        assert_eq!(Listed::default().value().as_str(), "permessage-deflate");
    }
}
