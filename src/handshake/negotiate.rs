//! The handshake for requests that somebody else parsed (RFC 6455 §4.2).

#[cfg(feature = "deflate")]
use crate::deflate::DeflateConfig;
use crate::error::HandshakeError;

use super::extensions::{ListedText, Wanted, listed};
use super::negotiated::Negotiated;
use super::upgrade::{UpgradeFields, subprotocols};

/// Accepts a request for an upgrade that another HTTP/1.1 implementation has received, by its fields.
///
/// `fields` starts an iteration over the fields of the request, each a name and a value. `supported` is a list of
/// subprotocols, or a [`Supported`]; the first of them that the client offers is selected. The response has the status
/// 101 and the fields returned; frames follow it.
///
/// Everything that RFC 6455 §4.2.1 asks of the fields is checked; that the request is a GET of HTTP/1.1 is for the
/// caller to see to, and so is its `Origin` (§10.2).
///
/// # Errors
///
/// [`NoUpgrade`](HandshakeError::NoUpgrade), [`NoConnectionUpgrade`](HandshakeError::NoConnectionUpgrade),
/// [`InvalidHost`](HandshakeError::InvalidHost), [`TransferEncoding`](HandshakeError::TransferEncoding),
/// [`InvalidContentLength`](HandshakeError::InvalidContentLength),
/// [`UnexpectedContent`](HandshakeError::UnexpectedContent), [`InvalidVersion`](HandshakeError::InvalidVersion),
/// [`UnsupportedVersion`](HandshakeError::UnsupportedVersion), [`InvalidKey`](HandshakeError::InvalidKey),
/// [`InvalidSubprotocols`](HandshakeError::InvalidSubprotocols),
/// [`TooManySubprotocols`](HandshakeError::TooManySubprotocols),
/// [`InvalidExtensions`](HandshakeError::InvalidExtensions).
///
/// Answer with [`HandshakeError::status`], and where that is 426 with `Upgrade: websocket` and
/// `Sec-WebSocket-Version: 13`.
///
/// # Examples
///
/// The feature `http` has [`negotiate_http`](crate::negotiate_http) for a whole request of the crate `http`, and
/// [`header_fields`](crate::header_fields) for a `HeaderMap`.
///
/// ```
/// use websocket_proto::negotiate;
///
/// let headers: [(&str, &[u8]); 6] = [
///     ("host", b"example.com"),
///     ("upgrade", b"websocket"),
///     ("connection", b"Upgrade"),
///     ("sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="),
///     ("sec-websocket-version", b"13"),
///     ("sec-websocket-protocol", b"soap, chat"),
/// ];
/// let (negotiated, response) = negotiate(|| headers.iter().copied(), &["chat"])?;
/// assert_eq!(negotiated.subprotocol(), Some("chat"));
/// for (name, value) in response.fields() {
///     println!("{name}: {value}");
/// }
/// # Ok::<(), websocket_proto::HandshakeError>(())
/// ```
pub fn negotiate<'b, 's, I>(
    fields: impl Fn() -> I,
    supported: impl Into<Supported<'s>>,
) -> Result<(Negotiated<'b>, SwitchingResponse<'b>), HandshakeError>
where
    I: Iterator<Item = (&'b str, &'b [u8])>,
{
    let supported = supported.into();
    let noted = UpgradeFields::note_all(fields());
    noted.check_request(false)?;
    noted.check_tokens()?;
    let key = noted.check_upgrade(|place| fields().skip(place))?;
    let (negotiated, selected) = supported.select(fields);
    Ok((negotiated, SwitchingResponse { accept: key.accept(), selected }))
}

/// What a server can agree to, for [`negotiate`]. A list of subprotocols makes one.
///
/// # Examples
///
/// ```
/// use websocket_proto::{Supported, negotiate_connect};
///
/// let supported = Supported::new().subprotocols(&["chat.v2", "chat"]);
/// let headers: [(&str, &[u8]); 2] =
///     [("sec-websocket-version", b"13"), ("sec-websocket-protocol", b"chat, chat.v2")];
/// let (negotiated, _) = negotiate_connect("websocket", || headers.iter().copied(), supported)?;
/// assert_eq!(negotiated.subprotocol(), Some("chat.v2"));
/// # Ok::<(), websocket_proto::HandshakeError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Supported<'a> {
    subprotocols: &'a [&'a str],
    wanted: Wanted,
}

impl<'a> Supported<'a> {
    /// Supports nothing but the protocol itself.
    #[must_use]
    pub const fn new() -> Self {
        Self { subprotocols: &[], wanted: Wanted::NOTHING }
    }

    /// Supports subprotocols, the preferred ones first.
    #[must_use]
    pub const fn subprotocols(mut self, subprotocols: &'a [&'a str]) -> Self {
        self.subprotocols = subprotocols;
        self
    }

    /// Supports the compression of messages, or does not; see [`Accept::deflate`](crate::Accept::deflate).
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(mut self, config: impl Into<Option<DeflateConfig>>) -> Self {
        self.wanted.deflate = config.into();
        self
    }

    /// Selects of what the fields of a request offer, which were checked.
    pub(super) fn select<'b, I>(self, fields: impl Fn() -> I) -> (Negotiated<'b>, Selected<'b>)
    where
        I: Iterator<Item = (&'b str, &'b [u8])>,
    {
        let subprotocol = self
            .subprotocols
            .iter()
            .find_map(|wanted| subprotocols(fields()).find(|offered| offered == wanted));
        let (agreed, extensions) = self.wanted.answer(listed(fields()));
        (Negotiated::server_with(agreed, subprotocol), Selected { subprotocol, extensions })
    }
}

impl<'a> From<&'a [&'a str]> for Supported<'a> {
    fn from(subprotocols: &'a [&'a str]) -> Self {
        Self::new().subprotocols(subprotocols)
    }
}

impl<'a, const COUNT: usize> From<&'a [&'a str; COUNT]> for Supported<'a> {
    fn from(subprotocols: &'a [&'a str; COUNT]) -> Self {
        Self::new().subprotocols(subprotocols)
    }
}

/// The response that switches protocols.
#[derive(Clone, Copy, Debug)]
pub struct SwitchingResponse<'b> {
    /// ASCII.
    accept: [u8; 28],
    selected: Selected<'b>,
}

impl SwitchingResponse<'_> {
    /// Returns the fields, each a name in lower case and a value.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let accept = core::str::from_utf8(&self.accept).unwrap_or_default();
        let fixed =
            [("upgrade", "websocket"), ("connection", "Upgrade"), ("sec-websocket-accept", accept)];
        fixed.into_iter().chain(self.selected.fields())
    }
}

/// What a server has selected of what a client offers, and has to say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Selected<'b> {
    subprotocol: Option<&'b str>,
    extensions: ListedText,
}

impl Selected<'_> {
    pub(super) fn fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let subprotocol = self.subprotocol.map(|it| ("sec-websocket-protocol", it));
        let extensions = self.extensions.as_str().map(|it| ("sec-websocket-extensions", it));
        subprotocol.into_iter().chain(extensions)
    }
}
