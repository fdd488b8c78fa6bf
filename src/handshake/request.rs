//! A request, as a server hands it to its caller, and the answers to it (RFC 6455 §4.2.2).

#[cfg(feature = "deflate")]
use crate::deflate::DeflateConfig;
use crate::error::{HandshakeError, UsageError};
use crate::output::Output;

use super::extensions::{Wanted, listed};
use super::head::Fields;
use super::key::Key;
use super::list::Extension;
use super::negotiated::Negotiated;
use super::upgrade::subprotocols;
use super::write::{CallerFields, check_fields, put_field, put_fields, write_refusal, write_whole};

/// A request that a [`ServerHandshake`](crate::ServerHandshake) received: for an upgrade, or any other.
///
/// It is answered once, by [`accept`](Self::accept) or [`reject`](Self::reject). It borrows the head from where that
/// lies, and not the handshake, which is over.
///
/// §10.2 of RFC 6455 leaves it to the server which origins it serves: look at the field `Origin` before accepting, and
/// answer 403 to the others.
///
/// # Examples
///
/// ```
/// use websocket_proto::{Accept, HandshakeConfig, ServerHandshake, SliceOutput};
///
/// let (mut head, mut out) = ([0; 512], [0; 256]);
/// let (mut head, mut out) = (SliceOutput::new(&mut head), SliceOutput::new(&mut out));
/// let mut bytes = *b"GET /feed?from=7 HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\n\
///     Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Extensions: x; y=1\r\n\
///     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
/// let mut input = &mut bytes[..];
/// let mut handshake = ServerHandshake::new(HandshakeConfig::default());
/// let mut request = handshake.receive(&mut input, &mut head)?.ok_or("more bytes are needed")?;
/// assert_eq!((request.method(), request.target()), ("GET", "/feed?from=7"));
/// assert_eq!((request.path(), request.query()), ("/feed", Some("from=7")));
/// assert_eq!(request.extensions().next().map(|it| it.name()), Some("x"));
/// match (request.path(), request.is_upgrade()) {
///     ("/feed", true) => drop(request.accept(Accept::new(), &mut out)?),
///     // 426 and 405 name what would do.
///     ("/feed", false) => request.check_upgrade().map_or_else(|it| it.respond(&mut out), Ok)?,
///     _ => request.reject(404, &[], b"not here\n", &mut out)?,
/// }
/// assert!(out.written().starts_with(b"HTTP/1.1 101 "));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Request<'b> {
    pub(super) method: &'b str,
    pub(super) target: &'b str,
    pub(super) path: &'b str,
    pub(super) query: Option<&'b str>,
    pub(super) fields: Fields<'b>,
    /// The key of a request for an upgrade, which was checked; or why it is not one.
    pub(super) upgrade: Result<Key, HandshakeError>,
    pub(super) is_answered: bool,
}

impl<'b> Request<'b> {
    /// Accepts the upgrade: appends the response 101 to `out`.
    ///
    /// # Errors
    ///
    /// Nothing was appended, and the call may be repeated: [`UsageError::OutputFull`];
    /// [`UsageError::SubprotocolNotOffered`]; [`UsageError::InvalidFieldName`] and [`UsageError::InvalidFieldValue`].
    /// [`UsageError::NotAnUpgrade`]: the request is not for an upgrade; the error in it writes the answer.
    /// [`UsageError::AlreadyAnswered`].
    pub fn accept(
        &mut self,
        accept: Accept<'_>,
        out: &mut (impl Output + ?Sized),
    ) -> Result<Negotiated<'b>, UsageError> {
        self.check_unanswered()?;
        let key = self.upgrade.map_err(UsageError::NotAnUpgrade)?;
        // §4.2.2: "The value chosen MUST be derived from the client's handshake, specifically by selecting one of the
        // values from the |Sec-WebSocket-Protocol| field that the server is willing to use for this connection".
        let selected = match accept.subprotocol {
            None => None,
            Some(wanted) => Some(
                self.subprotocols()
                    .find(|offered| *offered == wanted)
                    .ok_or(UsageError::SubprotocolNotOffered)?,
            ),
        };
        check_fields(accept.fields)?;
        let (agreed, extensions) = accept.wanted.answer(self.extensions());
        let accept_key = key.accept();
        write_whole(out, |put| {
            put(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                Sec-WebSocket-Accept: ");
            put(&accept_key);
            put(b"\r\n");
            if let Some(subprotocol) = selected {
                put_field("Sec-WebSocket-Protocol", subprotocol.as_bytes(), put);
            }
            if let Some(value) = extensions.as_str() {
                put_field("Sec-WebSocket-Extensions", value.as_bytes(), put);
            }
            put_fields(accept.fields, put);
            put(b"\r\n");
        })?;
        self.is_answered = true;
        Ok(Negotiated::server_with(agreed, selected))
    }

    /// Answers otherwise: appends a response with this status, fields and body to `out`, an error or a page.
    ///
    /// `Connection: close` and `Content-Length` are added, and what a 405 or a 426 must have. After it, write the
    /// output and let go of the transport. The body is left out of the answer to HEAD.
    ///
    /// # Errors
    ///
    /// Nothing was appended, and the call may be repeated: [`UsageError::OutputFull`]; [`UsageError::InvalidStatus`]:
    /// it is not in 200 to 599, or forbids a body; [`UsageError::InvalidFieldName`] and
    /// [`UsageError::InvalidFieldValue`]. [`UsageError::AlreadyAnswered`].
    pub fn reject(
        &mut self,
        status: u16,
        fields: &[(&str, &str)],
        body: &[u8],
        out: &mut (impl Output + ?Sized),
    ) -> Result<(), UsageError> {
        self.check_unanswered()?;
        write_refusal(status, fields, body, self.method != "HEAD", out)?;
        self.is_answered = true;
        Ok(())
    }

    /// Returns the method: `GET` for an upgrade.
    #[must_use]
    pub const fn method(&self) -> &'b str {
        self.method
    }

    /// Returns the target as it came: a path with or without a query, or an absolute URI.
    #[must_use]
    pub const fn target(&self) -> &'b str {
        self.target
    }

    /// Returns the path of the target, with its percent-encodings; at least `/`.
    #[must_use]
    pub const fn path(&self) -> &'b str {
        self.path
    }

    /// Returns the query of the target, without the `?`, where there is one.
    #[must_use]
    pub const fn query(&self) -> Option<&'b str> {
        self.query
    }

    /// Returns the value of the first field of that name, in any case.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'b [u8]> {
        self.fields().find(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Returns the fields in order, each a name and a value.
    pub fn fields(&self) -> impl Iterator<Item = (&'b str, &'b [u8])> + Clone + use<'b> {
        self.fields.clone()
    }

    /// Returns the subprotocols that the client offers, in its order of preference (RFC 6455 §1.9).
    pub fn subprotocols(&self) -> impl Iterator<Item = &'b str> + use<'b> {
        subprotocols(self.fields())
    }

    /// Returns the extensions that the client offers, in its order of preference (RFC 6455 §9.1).
    ///
    /// The list of a request that is not for an upgrade was not checked, and ends at its first fault.
    pub fn extensions(&self) -> impl Iterator<Item = Extension<'b>> + use<'b> {
        listed(self.fields())
    }

    /// Says whether the request is for an upgrade to WebSocket, and so may be accepted.
    #[must_use]
    pub const fn is_upgrade(&self) -> bool {
        self.upgrade.is_ok()
    }

    /// Says what keeps the request from being accepted: its method (405), no upgrade to WebSocket (426), or no token for
    /// that in `Connection` (400), in this order.
    ///
    /// # Errors
    ///
    /// [`HandshakeError::MethodNotAllowed`], [`HandshakeError::NoUpgrade`], [`HandshakeError::NoConnectionUpgrade`].
    pub fn check_upgrade(&self) -> Result<(), HandshakeError> {
        self.upgrade.map(|_| ())
    }

    const fn check_unanswered(&self) -> Result<(), UsageError> {
        if self.is_answered { Err(UsageError::AlreadyAnswered) } else { Ok(()) }
    }
}

/// What a server adds to the response that accepts an upgrade.
#[derive(Clone, Copy, Debug, Default)]
pub struct Accept<'a> {
    subprotocol: Option<&'a str>,
    fields: CallerFields<'a>,
    wanted: Wanted,
}

impl<'a> Accept<'a> {
    /// Adds nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { subprotocol: None, fields: &[], wanted: Wanted::NOTHING }
    }

    /// Selects a subprotocol: one of those that the client offers, in the same case; or `None`.
    #[must_use]
    pub fn subprotocol(mut self, subprotocol: impl Into<Option<&'a str>>) -> Self {
        self.subprotocol = subprotocol.into();
        self
    }

    /// Adds fields, such as `Set-Cookie`.
    #[must_use]
    pub const fn fields(mut self, fields: &'a [(&'a str, &'a str)]) -> Self {
        self.fields = fields;
        self
    }

    /// Agrees to compress messages where the client offers it (RFC 7692 §7), or does not. Default: it does not.
    ///
    /// The first offer of the client's that can be accepted is. The connection is then for a
    /// [`WebSocket`](crate::WebSocket), not for a [`Connection`](crate::Connection), which does not decompress.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(mut self, config: impl Into<Option<DeflateConfig>>) -> Self {
        self.wanted.deflate = config.into();
        self
    }
}
