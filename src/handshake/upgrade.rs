//! The fields that make a message an upgrade to WebSocket (RFC 6455 §4.1, §4.2): noted as they come, judged at the end
//! of the head. Every handshake is judged here, in either role, whoever parsed it.

use crate::error::HandshakeError;

use super::extensions::{Agreed, Wanted, listed};
use super::field::{FieldName, values};
use super::head::{Line, Lines, parse_decimal};
use super::key::Key;
use super::list::{count_extensions, elements, token};
use super::uri;

/// What a handshake has to know of the fields of a message.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct UpgradeFields {
    /// The field lines so far.
    count: usize,
    /// `Connection` holds `upgrade`.
    connection: bool,
    /// `Upgrade` holds `websocket`.
    upgrade: bool,
    host: Single<()>,
    /// Whether it is the one version there is.
    version: Single<bool>,
    key: Single<Key>,
    accept: Single<[u8; 28]>,
    pub(super) content_length: Single<u64>,
    pub(super) transfer_encoding: TransferEncoding,
    protocol: Places,
    extensions: Extensions,
}

/// A field that must not be repeated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Single<T> {
    #[default]
    Absent,
    Valid(T),
    /// Repeated, or of no valid value.
    Invalid,
}

/// The lines of a field that is a list: the place of the first, which is whatever the owner finds it again by.
#[derive(Clone, Copy, Debug, Default)]
enum Places {
    #[default]
    None,
    One(usize),
    More(usize),
}

/// The extensions listed so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Extensions {
    #[default]
    Absent,
    /// There are such fields, with nothing in them.
    Empty,
    /// The place of the first such field with anything in it.
    Listed(usize),
    Malformed,
}

/// The codings that a message declares for its transfer; what counts is the last one (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum TransferEncoding {
    #[default]
    Absent,
    Chunked,
    Other,
}

impl UpgradeFields {
    /// Notes fields, each by its number.
    pub(super) fn note_all<'b>(fields: impl Iterator<Item = (&'b str, &'b [u8])>) -> Self {
        let mut noted = Self::default();
        for (place, (name, value)) in fields.enumerate() {
            noted.note(name.as_bytes(), value, place);
        }
        noted
    }

    /// Takes the field lines of `head` from `start` on that are complete, and the empty line behind them.
    pub(super) fn take_lines(
        &mut self,
        head: &[u8],
        start: usize,
        limit: usize,
    ) -> Result<Lines, HandshakeError> {
        let mut lines = head.get(start..).unwrap_or_default();
        loop {
            let place = head.len().wrapping_sub(lines.len());
            match Line::parse(lines)? {
                Line::Incomplete => return Ok(Lines { end: place, are_all: false }),
                Line::Empty => return Ok(Lines { end: place.saturating_add(2), are_all: true }),
                Line::Field { .. } if self.count >= limit => {
                    return Err(HandshakeError::TooManyFields);
                }
                Line::Field { name, value, rest } => {
                    self.count = self.count.saturating_add(1);
                    self.note(name, value, place);
                    lines = rest;
                }
            }
        }
    }

    /// Notes a field and where it stands.
    pub(super) fn note(&mut self, name: &[u8], value: &[u8], place: usize) {
        match FieldName::parse(name) {
            None => {}
            Some(FieldName::Connection) => {
                self.connection |= elements(value).any(|it| it.eq_ignore_ascii_case(b"upgrade"));
            }
            Some(FieldName::Upgrade) => {
                self.upgrade |= elements(value).any(|it| it.eq_ignore_ascii_case(b"websocket"));
            }
            Some(FieldName::Host) => self.host.add(uri::is_authority(value).then_some(())),
            Some(FieldName::Version) => self.version.add(Some(value == b"13")),
            Some(FieldName::Key) => self.key.add(Key::parse(value)),
            Some(FieldName::Accept) => self.accept.add(value.try_into().ok()),
            // RFC 9110 §8.6: "Content-Length = 1*DIGIT".
            Some(FieldName::ContentLength) => self.content_length.add(parse_decimal(value)),
            Some(FieldName::Protocol) => self.protocol.add(place),
            Some(FieldName::Extensions) => self.extensions.add(value, place),
            Some(FieldName::TransferEncoding) => {
                self.transfer_encoding = match elements(value).last() {
                    Some(last) if last.eq_ignore_ascii_case(b"chunked") => {
                        TransferEncoding::Chunked
                    }
                    _ => TransferEncoding::Other,
                };
            }
        }
    }

    /// Checks what every request must keep to, an upgrade or not.
    pub(super) fn check_request(&self, is_http_1_0: bool) -> Result<(), HandshakeError> {
        // RFC 9112 §3.2: "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message
        // that lacks a Host header field and to any request message that contains more than one Host header field line
        // or a Host header field with an invalid field value."
        match self.host {
            Single::Valid(()) => {}
            Single::Absent if is_http_1_0 => {}
            Single::Absent | Single::Invalid => return Err(HandshakeError::InvalidHost),
        }
        if self.transfer_encoding != TransferEncoding::Absent {
            return Err(HandshakeError::TransferEncoding);
        }
        if self.content_length == Single::Invalid {
            return Err(HandshakeError::InvalidContentLength);
        }
        Ok(())
    }

    /// Checks that the message asks for, or agrees to, an upgrade to WebSocket.
    pub(super) fn check_tokens(&self) -> Result<(), HandshakeError> {
        // §4.2.1: "An |Upgrade| header field containing the value "websocket", treated as an ASCII case-insensitive
        // value." "A |Connection| header field that includes the token "Upgrade", treated as an ASCII case-insensitive
        // value."
        if !self.upgrade {
            return Err(HandshakeError::NoUpgrade);
        }
        if !self.connection {
            return Err(HandshakeError::NoConnectionUpgrade);
        }
        Ok(())
    }

    /// Checks the rest of a request for an upgrade, and returns its key. `at` gives the fields from a place on.
    pub(super) fn check_upgrade<'b, I>(
        &self,
        at: impl Fn(usize) -> I,
    ) -> Result<Key, HandshakeError>
    where
        I: Iterator<Item = (&'b str, &'b [u8])>,
    {
        // First, for another version may ask for something else below.
        self.check_version()?;
        // §4.2.1: "A |Sec-WebSocket-Key| header field with a base64-encoded [...] value that, when decoded, is 16 bytes
        // in length."
        let Single::Valid(key) = self.key else {
            return Err(HandshakeError::InvalidKey);
        };
        self.check_offers(at)?;
        Ok(key)
    }

    /// Checks which version of the protocol a request asks for, and that it has no content.
    pub(super) fn check_version(&self) -> Result<(), HandshakeError> {
        // §4.4: "If the server doesn't support the requested version, it MUST respond with a |Sec-WebSocket-Version|
        // header field [...] containing all versions it is willing to use."
        match self.version {
            Single::Valid(true) => {}
            Single::Valid(false) => return Err(HandshakeError::UnsupportedVersion),
            Single::Absent | Single::Invalid => return Err(HandshakeError::InvalidVersion),
        }
        // What follows the head are frames; content would have to be told from them.
        if !matches!(self.content_length, Single::Absent | Single::Valid(0)) {
            return Err(HandshakeError::UnexpectedContent);
        }
        Ok(())
    }

    /// Checks the subprotocols and extensions that a request offers. `at` gives the fields from a place on.
    pub(super) fn check_offers<'b, I>(&self, at: impl Fn(usize) -> I) -> Result<(), HandshakeError>
    where
        I: Iterator<Item = (&'b str, &'b [u8])>,
    {
        if let Some((place, count)) = self.protocol.range() {
            check_subprotocols(values(at(place), FieldName::Protocol).take(count))?;
        }
        self.extensions.first()?;
        Ok(())
    }

    /// Checks a response that switches protocols, and returns the extensions and the subprotocol that the server
    /// selected.
    pub(super) fn check_response<'b, I>(
        &self,
        accept: &[u8; 28],
        wanted: Wanted,
        is_offered: impl Fn(&str) -> bool,
        at: impl Fn(usize) -> I,
    ) -> Result<(Agreed, Option<&'b str>), HandshakeError>
    where
        I: Iterator<Item = (&'b str, &'b [u8])>,
    {
        self.check_tokens()?;
        // §4.1: "If the response lacks a |Sec-WebSocket-Accept| header field or the |Sec-WebSocket-Accept| contains a
        // value other than the base64-encoded SHA-1 of the concatenation [...] the client MUST _Fail the WebSocket
        // Connection_."
        if self.accept != Single::Valid(*accept) {
            return Err(HandshakeError::InvalidAccept);
        }
        self.check_choices(wanted, is_offered, at)
    }

    /// Checks what a server has selected of what was offered, and returns it.
    pub(super) fn check_choices<'b, I>(
        &self,
        wanted: Wanted,
        is_offered: impl Fn(&str) -> bool,
        at: impl Fn(usize) -> I,
    ) -> Result<(Agreed, Option<&'b str>), HandshakeError>
    where
        I: Iterator<Item = (&'b str, &'b [u8])>,
    {
        let agreed = self.check_selected(wanted, &at)?;
        let subprotocol = match self.protocol {
            Places::None => None,
            // §4.1: "If the response includes a |Sec-WebSocket-Protocol| header field and this header field indicates
            // the use of a subprotocol that was not present in the client's handshake [...], the client MUST _Fail the
            // WebSocket Connection_."
            Places::One(place) => at(place)
                .next()
                .and_then(|(_, value)| token(value))
                .filter(|selected| is_offered(selected))
                .ok_or(HandshakeError::SubprotocolNotOffered)
                .map(Some)?,
            // §11.3.4: the field "MUST NOT appear more than once in an HTTP response".
            Places::More(_) => return Err(HandshakeError::InvalidSubprotocols),
        };
        Ok((agreed, subprotocol))
    }

    /// Checks the extensions that the server selected against those that were offered, and returns them.
    pub(super) fn check_selected<'b, I>(
        &self,
        wanted: Wanted,
        at: impl Fn(usize) -> I,
    ) -> Result<Agreed, HandshakeError>
    where
        I: Iterator<Item = (&'b str, &'b [u8])>,
    {
        match self.extensions.first()? {
            None => Ok(Agreed::NOTHING),
            Some(place) => wanted.check_selected(listed(at(place))),
        }
    }
}

impl<T> Single<T> {
    /// Takes note of a field, and of its value if that is valid.
    fn add(&mut self, value: Option<T>) {
        *self = match (&self, value) {
            (Self::Absent, Some(value)) => Self::Valid(value),
            _ => Self::Invalid,
        };
    }
}

impl Extensions {
    /// Takes note of the value of a field.
    fn add(&mut self, value: &[u8], place: usize) {
        *self = match (*self, count_extensions(value)) {
            (Self::Malformed, _) | (_, Err(_)) => Self::Malformed,
            (Self::Absent | Self::Empty, Ok(0)) => Self::Empty,
            (Self::Absent | Self::Empty, Ok(_)) => Self::Listed(place),
            (Self::Listed(first), Ok(_)) => Self::Listed(first),
        };
    }

    /// Returns the place of the first line with any, if there are some.
    const fn first(self) -> Result<Option<usize>, HandshakeError> {
        match self {
            Self::Absent => Ok(None),
            Self::Listed(place) => Ok(Some(place)),
            // §9.1: "extension-list = 1#extension".
            Self::Empty | Self::Malformed => Err(HandshakeError::InvalidExtensions),
        }
    }
}

impl Places {
    fn add(&mut self, place: usize) {
        *self = match *self {
            Self::None => Self::One(place),
            Self::One(first) | Self::More(first) => Self::More(first),
        };
    }

    /// Returns the place of the first, and how many there are at most.
    const fn range(self) -> Option<(usize, usize)> {
        match self {
            Self::None => None,
            Self::One(place) => Some((place, 1)),
            Self::More(place) => Some((place, usize::MAX)),
        }
    }
}

/// Returns the subprotocols that a request offers, in order.
pub(super) fn subprotocols<'b>(
    fields: impl Iterator<Item = (&'b str, &'b [u8])>,
) -> impl Iterator<Item = &'b str> {
    values(fields, FieldName::Protocol).flat_map(elements).filter_map(token)
}

fn check_subprotocols<'b>(lines: impl Iterator<Item = &'b [u8]>) -> Result<(), HandshakeError> {
    let mut seen: [&str; MAX_LISTED] = [""; MAX_LISTED];
    let mut count: usize = 0;
    for element in lines.flat_map(elements) {
        // §4.1: "The elements that comprise this value MUST be non-empty strings with characters in the range U+0021 to
        // U+007E not including separator characters [...] and MUST all be unique strings."
        let element = token(element).ok_or(HandshakeError::InvalidSubprotocols)?;
        if seen.iter().take(count).any(|earlier| *earlier == element) {
            return Err(HandshakeError::InvalidSubprotocols);
        }
        *seen.get_mut(count).ok_or(HandshakeError::TooManySubprotocols)? = element;
        count = count.saturating_add(1);
    }
    if count == 0 { Err(HandshakeError::InvalidSubprotocols) } else { Ok(()) }
}

/// What is compared with each other stays within bounds, so that the work is linear. Clients offer a handful.
const MAX_LISTED: usize = 32;
