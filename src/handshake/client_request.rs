//! What a client asks for: a `ws` or `wss` URI (RFC 6455 §3), subprotocols, and fields of the caller's (§4.1).

#[cfg(feature = "deflate")]
use crate::deflate::DeflateConfig;
use crate::error::UsageError;
use crate::output::Output;

use super::extensions::Wanted;
use super::key::Key;
use super::list::token;
use super::uri::WsUri;
use super::write::{CallerFields, check_fields, decimal, put_field, put_fields, write_whole};

/// A request for an upgrade, as a client is going to send it.
///
/// The parts of it that are not a URI are checked when the [`ClientHandshake`](crate::ClientHandshake) is made.
///
/// # Examples
///
/// ```
/// use websocket_proto::ClientRequest;
///
/// let request = ClientRequest::new("wss://example.com/chat")?
///     .subprotocol("chat")
///     .fields(&[("Origin", "https://example.com")]);
/// assert_eq!((request.host(), request.port(), request.is_secure()), ("example.com", 443, true));
/// # Ok::<(), websocket_proto::UsageError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ClientRequest<'a> {
    uri: WsUri<'a>,
    first_subprotocol: Option<&'a str>,
    subprotocols: &'a [&'a str],
    fields: CallerFields<'a>,
    pub(super) wanted: Wanted,
}

impl<'a> ClientRequest<'a> {
    /// Asks for what a URI names, such as `ws://example.com/chat`.
    ///
    /// A `wss` URI opens no TLS here: see to it where [`is_secure`](Self::is_secure) says so.
    ///
    /// # Errors
    ///
    /// [`UsageError::InvalidUri`]: the scheme is neither `ws` nor `wss`, the URI has userinfo or a fragment, no host or
    /// port 0, or it does not keep to RFC 3986; what is not ASCII has to be encoded.
    pub fn new(uri: &'a str) -> Result<Self, UsageError> {
        WsUri::parse(uri).map(Self::from_uri)
    }

    /// Asks for what the parts of a URI name: the host with the port if there is one, such as `example.com:8080`; the
    /// path with the query if there is one, such as `/chat`; and whether the transport is secure.
    ///
    /// # Errors
    ///
    /// [`UsageError::InvalidUri`]: see [`new`](Self::new).
    ///
    /// # Examples
    ///
    /// ```
    /// use websocket_proto::ClientRequest;
    ///
    /// let request = ClientRequest::from_parts("[::1]:8080", "/chat?room=5", true)?;
    /// assert_eq!((request.host(), request.port(), request.is_secure()), ("::1", 8080, true));
    /// # Ok::<(), websocket_proto::UsageError>(())
    /// ```
    pub fn from_parts(host: &'a str, target: &'a str, is_secure: bool) -> Result<Self, UsageError> {
        WsUri::from_parts(is_secure, host, target).map(Self::from_uri)
    }

    /// Offers a subprotocol, in front of the [`subprotocols`](Self::subprotocols); it takes the place of an earlier one.
    #[must_use]
    pub const fn subprotocol(mut self, subprotocol: &'a str) -> Self {
        self.first_subprotocol = Some(subprotocol);
        self
    }

    /// Offers subprotocols, the preferred ones first (RFC 6455 §1.9). At most 16 can be offered in all.
    #[must_use]
    pub const fn subprotocols(mut self, subprotocols: &'a [&'a str]) -> Self {
        self.subprotocols = subprotocols;
        self
    }

    /// Adds fields, such as `Origin`, `Cookie` or `Authorization`.
    #[must_use]
    pub const fn fields(mut self, fields: &'a [(&'a str, &'a str)]) -> Self {
        self.fields = fields;
        self
    }

    /// Offers to compress messages (RFC 7692 §7), or does not. Default: it does not.
    ///
    /// The connection is then for a [`WebSocket`](crate::WebSocket), not for a [`Connection`](crate::Connection), which
    /// does not decompress.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(mut self, config: impl Into<Option<DeflateConfig>>) -> Self {
        self.wanted.deflate = config.into();
        self
    }

    /// Returns the host to connect to: a name or an IP address, an IPv6 address without its brackets.
    #[must_use]
    pub fn host(&self) -> &'a str {
        let host = self.uri.authority.host;
        let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        address.unwrap_or(host)
    }

    /// Returns the port to connect to: 80, or 443 with `wss`, where the URI has none (RFC 6455 §3).
    #[must_use]
    pub fn port(&self) -> u16 {
        self.uri.authority.port.unwrap_or(self.default_port())
    }

    /// Says whether the transport has to be secured by TLS (RFC 6455 §3).
    #[must_use]
    pub const fn is_secure(&self) -> bool {
        self.uri.is_secure
    }

    /// Returns the authority of the URI, without userinfo, which it does not have.
    pub(super) const fn authority(&self) -> &'a str {
        self.uri.authority.text
    }

    /// Returns the path and the query: empty, or with `/` or `?` in front.
    pub(super) const fn target(&self) -> &'a str {
        self.uri.target
    }

    /// Returns the fields that the caller has added.
    pub(super) const fn added(&self) -> CallerFields<'a> {
        self.fields
    }

    /// Returns the subprotocols in order.
    pub(super) fn offered(&self) -> impl Iterator<Item = &'a str> + Clone + use<'a> {
        self.first_subprotocol.into_iter().chain(self.subprotocols.iter().copied())
    }

    /// Checks what the caller has added.
    pub(super) fn check(&self) -> Result<(), UsageError> {
        self.check_subprotocols()?;
        check_fields(self.fields)
    }

    /// Checks what the caller has added, then appends the request.
    pub(super) fn write(
        &self,
        key: &Key,
        out: &mut (impl Output + ?Sized),
    ) -> Result<(), UsageError> {
        self.check()?;
        let extensions = self.wanted.offer();
        let mut digits = [0; 20];
        let port =
            (self.port() != self.default_port()).then(|| decimal(self.port().into(), &mut digits));
        write_whole(out, |put| {
            put(b"GET ");
            // §3: "The path [...] if empty is "/"".
            if !self.uri.target.starts_with('/') {
                put(b"/");
            }
            put(self.uri.target.as_bytes());
            put(b" HTTP/1.1\r\nHost: ");
            put(self.uri.authority.host.as_bytes());
            // §4.1: "The request MUST contain a |Host| header field whose value contains /host/ plus optionally ":"
            // followed by /port/ (when not using the default port)."
            if let Some(port) = port {
                put(b":");
                put(port);
            }
            put(b"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ");
            put(key.as_bytes());
            let mut before: &[u8] = b"\r\nSec-WebSocket-Protocol: ";
            for subprotocol in self.offered() {
                put(before);
                put(subprotocol.as_bytes());
                before = b", ";
            }
            put(b"\r\n");
            if let Some(value) = extensions.as_str() {
                put_field("Sec-WebSocket-Extensions", value.as_bytes(), put);
            }
            put_fields(self.fields, put);
            put(b"\r\n");
        })
    }

    fn check_subprotocols(&self) -> Result<(), UsageError> {
        if self.offered().count() > MAX_OFFERED {
            return Err(UsageError::TooManySubprotocols);
        }
        for (at, subprotocol) in self.offered().enumerate() {
            // §4.1: "The elements that comprise this value MUST be non-empty strings [...] and MUST all be unique
            // strings."
            let is_repeated = self.offered().take(at).any(|earlier| earlier == subprotocol);
            if is_repeated || token(subprotocol.as_bytes()).is_none() {
                return Err(UsageError::InvalidSubprotocol);
            }
        }
        Ok(())
    }

    const fn from_uri(uri: WsUri<'a>) -> Self {
        Self {
            uri,
            first_subprotocol: None,
            subprotocols: &[],
            fields: &[],
            wanted: Wanted::NOTHING,
        }
    }

    const fn default_port(&self) -> u16 {
        if self.uri.is_secure { 443 } else { 80 }
    }
}

/// As many as a client handshake keeps track of.
pub(super) const MAX_OFFERED: usize = 16;
