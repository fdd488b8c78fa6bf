//! The fields of which the handshake takes notice (RFC 6455 §11.3, RFC 9110, RFC 9112).

/// The names of the fields that the handshake itself reads and sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldName {
    Host,
    Upgrade,
    Connection,
    ContentLength,
    TransferEncoding,
    Key,
    Accept,
    Version,
    Protocol,
    Extensions,
}

impl FieldName {
    pub(super) fn parse(name: &[u8]) -> Option<Self> {
        // The length tells most names apart; at most two comparisons are left.
        match name.len() {
            4 if is(name, b"host") => Some(Self::Host),
            7 if is(name, b"upgrade") => Some(Self::Upgrade),
            10 if is(name, b"connection") => Some(Self::Connection),
            14 if is(name, b"content-length") => Some(Self::ContentLength),
            17 if is(name, b"sec-websocket-key") => Some(Self::Key),
            17 if is(name, b"transfer-encoding") => Some(Self::TransferEncoding),
            20 if is(name, b"sec-websocket-accept") => Some(Self::Accept),
            21 if is(name, b"sec-websocket-version") => Some(Self::Version),
            22 if is(name, b"sec-websocket-protocol") => Some(Self::Protocol),
            24 if is(name, b"sec-websocket-extensions") => Some(Self::Extensions),
            _ => None,
        }
    }
}

/// Says whether a name is the expected one, which is in lower case. Of known length, it is compared as a whole.
fn is<const LEN: usize>(name: &[u8], expected: &[u8; LEN]) -> bool {
    // Letters, which have the bit 0x40, come in either case: with or without 0x20.
    let same = |name: &[u8; LEN]| {
        let pairs = name.iter().zip(expected);
        pairs.fold(true, |same, (byte, it)| same && (byte | (it & 0x40) >> 1) == *it)
    };
    name.try_into().is_ok_and(same)
}

/// Returns the values of the fields of one name.
pub(super) fn values<'b>(
    fields: impl Iterator<Item = (&'b str, &'b [u8])>,
    name: FieldName,
) -> impl Iterator<Item = &'b [u8]> {
    fields.filter_map(move |(it, value)| {
        (FieldName::parse(it.as_bytes()) == Some(name)).then_some(value)
    })
}
