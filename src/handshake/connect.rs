//! The opening handshake over HTTP/2 and HTTP/3, which others speak: an extended CONNECT, by its fields (RFC 8441 §5,
//! RFC 9220 §3).

use crate::error::{HandshakeError, UsageError};
use crate::seed::MaskingKeys;

use super::client_request::ClientRequest;
use super::extensions::ListedText;
use super::negotiate::{Selected, Supported};
use super::negotiated::Negotiated;
use super::upgrade::UpgradeFields;

/// Accepts an extended CONNECT that an implementation of HTTP/2 or HTTP/3 has received, by its fields (RFC 8441 §5,
/// RFC 9220 §3).
///
/// `protocol` is the value of `:protocol`. `fields` starts an iteration over the fields of the request, each a name and a
/// value; pseudo-header fields may be among them. `supported` is a list of subprotocols, or a [`Supported`]; the first of
/// them that the client offers is selected. The response has the status 200 and the fields returned; frames follow it,
/// in DATA frames.
///
/// That the method is CONNECT, and the rest of the pseudo-header fields, is for the caller to see to, and so is the
/// `Origin` (§10.2 of RFC 6455). The peer's `END_STREAM` is the end of stream that
/// [`receive_eof`](crate::Connection::receive_eof) is told of; at [`Next::End`](crate::Next::End) send it yourself, and
/// where the peer's does not come within a few seconds, reset the stream with `CANCEL`.
///
/// # Errors
///
/// [`UnsupportedProtocol`](HandshakeError::UnsupportedProtocol), [`InvalidVersion`](HandshakeError::InvalidVersion),
/// [`UnsupportedVersion`](HandshakeError::UnsupportedVersion),
/// [`UnexpectedContent`](HandshakeError::UnexpectedContent),
/// [`InvalidSubprotocols`](HandshakeError::InvalidSubprotocols),
/// [`TooManySubprotocols`](HandshakeError::TooManySubprotocols),
/// [`InvalidExtensions`](HandshakeError::InvalidExtensions).
///
/// Answer with [`HandshakeError::status`], but with 400 and `sec-websocket-version: 13` where that is 426, for which
/// HTTP/2 and HTTP/3 have no use.
///
/// # Examples
///
/// ```
/// use websocket_proto::negotiate_connect;
///
/// let headers: [(&str, &[u8]); 2] =
///     [("sec-websocket-version", b"13"), ("sec-websocket-protocol", b"soap, chat")];
/// let (negotiated, response) =
///     negotiate_connect("websocket", || headers.iter().copied(), &["chat"])?;
/// assert_eq!(negotiated.subprotocol(), Some("chat"));
/// assert!(response.fields().eq([("sec-websocket-protocol", "chat")]));
/// # Ok::<(), websocket_proto::HandshakeError>(())
/// ```
pub fn negotiate_connect<'b, 's, I>(
    protocol: &str,
    fields: impl Fn() -> I,
    supported: impl Into<Supported<'s>>,
) -> Result<(Negotiated<'b>, ConnectResponse<'b>), HandshakeError>
where
    I: Iterator<Item = (&'b str, &'b [u8])>,
{
    // RFC 8441 §5: "The :protocol pseudo-header field MUST be included in the CONNECT request, and it MUST have a value
    // of "websocket" to initiate a WebSocket connection".
    if protocol != PROTOCOL {
        return Err(HandshakeError::UnsupportedProtocol);
    }
    let noted = UpgradeFields::note_all(fields());
    noted.check_version()?;
    noted.check_offers(|place| fields().skip(place))?;
    let (negotiated, selected) = supported.into().select(fields);
    Ok((negotiated, ConnectResponse { selected }))
}

/// The response that accepts an extended CONNECT: its status is 200.
#[derive(Clone, Copy, Debug)]
pub struct ConnectResponse<'b> {
    selected: Selected<'b>,
}

impl ConnectResponse<'_> {
    /// Returns the fields, each a name in lower case and a value; there may be none.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.selected.fields()
    }
}

/// An extended CONNECT, as a client is going to send it over HTTP/2 or HTTP/3 (RFC 8441 §5, RFC 9220 §3).
///
/// The server must have said that it takes one: by `SETTINGS_ENABLE_CONNECT_PROTOCOL`.
///
/// # Examples
///
/// ```
/// use websocket_proto::{ClientRequest, ConnectRequest};
///
/// let request = ClientRequest::new("wss://example.com/chat")?.subprotocol("chat");
/// let connect = ConnectRequest::new(request)?;
/// assert_eq!(connect.protocol(), "websocket");
/// assert_eq!((connect.scheme(), connect.authority()), ("https", "example.com"));
/// assert_eq!(connect.path(), "/chat");
/// for (name, value) in connect.fields() {
///     println!("{name}: {value}");
/// }
///
/// // The server answers.
/// let headers: [(&str, &[u8]); 1] = [("sec-websocket-protocol", b"chat")];
/// let seed = [7; 32]; // From the operating system's source of randomness, new for each connection.
/// let negotiated = connect.accept(200, || headers.iter().copied(), seed)?;
/// assert_eq!(negotiated.subprotocol(), Some("chat"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ConnectRequest<'a> {
    request: ClientRequest<'a>,
    extensions: ListedText,
}

impl<'a> ConnectRequest<'a> {
    /// Makes the request.
    ///
    /// # Errors
    ///
    /// [`UsageError::InvalidUri`]: the URI has a query and no path; write `/` in front of the `?`.
    /// [`UsageError::InvalidSubprotocol`], [`UsageError::TooManySubprotocols`]; [`UsageError::InvalidFieldName`], also of
    /// a field that is about a connection of HTTP/1.1; [`UsageError::InvalidFieldValue`].
    pub fn new(request: ClientRequest<'a>) -> Result<Self, UsageError> {
        request.check()?;
        if request.target().starts_with('?') {
            return Err(UsageError::InvalidUri);
        }
        // RFC 9113 §8.2.2: "An endpoint MUST NOT generate an HTTP/2 message containing connection-specific header
        // fields." Others of these are refused in any request.
        let is_specific = |name: &str| {
            ["keep-alive", "proxy-connection", "te"].iter().any(|it| name.eq_ignore_ascii_case(it))
        };
        if request.added().iter().any(|(name, _)| is_specific(name)) {
            return Err(UsageError::InvalidFieldName);
        }
        Ok(Self { request, extensions: request.wanted.offer() })
    }

    /// Returns the value of `:protocol`; that of `:method` is `CONNECT`.
    #[must_use]
    pub const fn protocol(&self) -> &'static str {
        PROTOCOL
    }

    /// Returns the value of `:scheme`.
    #[must_use]
    pub const fn scheme(&self) -> &'static str {
        // RFC 8441 §5: "The scheme of the target URI MUST be "https" for "wss"-schemed WebSockets and "http" for
        // "ws"-schemed WebSockets."
        if self.request.is_secure() { "https" } else { "http" }
    }

    /// Returns the value of `:authority`: the host, and the port where the URI has one.
    #[must_use]
    pub const fn authority(&self) -> &'a str {
        self.request.authority()
    }

    /// Returns the value of `:path`: the path and the query.
    #[must_use]
    pub fn path(&self) -> &'a str {
        match self.request.target() {
            "" => "/",
            target => target,
        }
    }

    /// Returns the other fields, each a name and a value: those of the handshake in lower case, those of the caller as
    /// they are. `sec-websocket-protocol` comes once for each subprotocol.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let version = [("sec-websocket-version", "13")];
        let subprotocols = self.request.offered().map(|it| ("sec-websocket-protocol", it));
        let extensions = self.extensions.as_str().map(|it| ("sec-websocket-extensions", it));
        let others = self.request.added().iter().copied();
        version.into_iter().chain(subprotocols).chain(extensions).chain(others)
    }

    /// Judges the response, by its status and its fields, and opens the connection where it accepts.
    ///
    /// The seed is to come from a strong source of randomness, and to be used for one connection only: the masking
    /// keys are made of it (RFC 6455 §10.3). Over HTTP/2 and HTTP/3, too, a client masks (RFC 8441 §5).
    ///
    /// # Errors
    ///
    /// [`UnexpectedStatus`](HandshakeError::UnexpectedStatus): it is not of the 2xx;
    /// [`SubprotocolNotOffered`](HandshakeError::SubprotocolNotOffered),
    /// [`InvalidSubprotocols`](HandshakeError::InvalidSubprotocols),
    /// [`InvalidExtensions`](HandshakeError::InvalidExtensions),
    /// [`ExtensionNotOffered`](HandshakeError::ExtensionNotOffered),
    /// [`ExtensionRepeated`](HandshakeError::ExtensionRepeated),
    /// [`InvalidExtensionParams`](HandshakeError::InvalidExtensionParams),
    /// [`ExtensionParamsNotOffered`](HandshakeError::ExtensionParamsNotOffered). After each, reset the stream.
    pub fn accept<'b, I>(
        &self,
        status: u16,
        fields: impl Fn() -> I,
        seed: [u8; 32],
    ) -> Result<Negotiated<'b>, HandshakeError>
    where
        I: Iterator<Item = (&'b str, &'b [u8])>,
    {
        if !matches!(status, 200..=299) {
            return Err(HandshakeError::UnexpectedStatus(status));
        }
        let noted = UpgradeFields::note_all(fields());
        let is_offered = |selected: &str| self.request.offered().any(|it| it == selected);
        let at = |place| fields().skip(place);
        let (agreed, subprotocol) = noted.check_choices(self.request.wanted, is_offered, at)?;
        Ok(Negotiated::client_with(MaskingKeys::new(&seed), agreed, subprotocol))
    }
}

const PROTOCOL: &str = "websocket";
