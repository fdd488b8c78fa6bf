//! A server's end: a request in, a response out.

use http::{Method, StatusCode, Uri, Version};

use crate::error::HandshakeError;
use crate::handshake::connect::ConnectResponse;
use crate::handshake::negotiate::{Supported, SwitchingResponse, negotiate};
use crate::handshake::negotiated::Negotiated;
use crate::handshake::request::Request;

use super::{check_version, header_fields, header_map};

/// Accepts a request for an upgrade that another HTTP implementation has received (feature `http`).
///
/// `supported` is a list of subprotocols, or a [`Supported`]; the first of them that the client offers is selected. Send
/// the response, with an empty body and whatever fields you add; frames follow it. It borrows nothing from the request,
/// and neither does the connection that is opened with the [`Negotiated`].
///
/// All that RFC 6455 §4.2.1 asks of a request is checked; its `Origin` is for the caller to see to (§10.2). An extended
/// CONNECT, as HTTP/2 and HTTP/3 have it, is for [`negotiate_connect`](crate::negotiate_connect).
///
/// # Errors
///
/// [`MethodNotAllowed`](HandshakeError::MethodNotAllowed); [`NoUpgrade`](HandshakeError::NoUpgrade): there is none, or the
/// version is not HTTP/1.1; and the others of [`negotiate`]. Answer with what [`HandshakeError::to_http`] makes of it.
///
/// # Examples
///
/// A handler over hyper, but for the bodies; `hyper::upgrade::on` then gives what to read and to write.
///
/// ```
/// use websocket_proto::{Config, WebSocket, negotiate_http};
///
/// fn handle<B>(request: &http::Request<B>) -> (http::Response<&'static str>, Option<WebSocket>) {
///     match negotiate_http(request, &["chat"]) {
///         Ok((negotiated, response)) => {
///             let ws = WebSocket::open(negotiated, Config::default());
///             (response.map(|()| ""), Some(ws))
///         }
///         Err(error) => (error.to_http(request.version()), None),
///     }
/// }
///
/// let request = http::Request::get("/chat")
///     .header("host", "example.com")
///     .header("upgrade", "websocket")
///     .header("connection", "Upgrade")
///     .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
///     .header("sec-websocket-version", "13")
///     .body(())?;
/// let (response, ws) = handle(&request);
/// assert_eq!(response.status(), 101);
/// assert_eq!(response.headers()["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// assert!(ws.is_some());
///
/// let (response, ws) = handle(&http::Request::get("/").header("host", "example.com").body(())?);
/// assert_eq!(response.status(), 426);
/// assert!(ws.is_none());
/// # Ok::<(), http::Error>(())
/// ```
pub fn negotiate_http<'b, 's, B>(
    request: &'b http::Request<B>,
    supported: impl Into<Supported<'s>>,
) -> Result<(Negotiated<'b>, http::Response<()>), HandshakeError> {
    // §4.2.1: "An HTTP/1.1 or higher GET request".
    if request.method() != Method::GET {
        return Err(HandshakeError::MethodNotAllowed);
    }
    check_version(request.version())?;
    let (negotiated, response) = negotiate(|| header_fields(request.headers()), supported)?;
    Ok((negotiated, response.to_http()))
}

impl SwitchingResponse<'_> {
    /// Returns the whole response (feature `http`): the status 101 and the fields.
    ///
    /// # Examples
    ///
    /// Where there is no whole request, as in an extractor of axum's, but its fields:
    ///
    /// ```
    /// use websocket_proto::{HandshakeError, Negotiated, header_fields, negotiate};
    ///
    /// // Call it for a GET of HTTP/1.1.
    /// fn upgrade(
    ///     headers: &http::HeaderMap,
    /// ) -> Result<(Negotiated<'_>, http::Response<()>), HandshakeError> {
    ///     let (negotiated, response) = negotiate(|| header_fields(headers), &["chat"])?;
    ///     Ok((negotiated, response.to_http()))
    /// }
    /// # assert!(upgrade(&http::HeaderMap::new()).is_err());
    /// ```
    #[must_use]
    pub fn to_http(&self) -> http::Response<()> {
        response(StatusCode::SWITCHING_PROTOCOLS, self.fields(), ())
    }
}

impl ConnectResponse<'_> {
    /// Returns the whole response (feature `http`): the status 200 and the fields.
    ///
    /// # Examples
    ///
    /// See [`header_fields`].
    #[must_use]
    pub fn to_http(&self) -> http::Response<()> {
        response(StatusCode::OK, self.fields(), ())
    }
}

impl HandshakeError {
    /// Returns the response that a server answers with (feature `http`): the status, the fields that go with it, and the
    /// error in words.
    ///
    /// `version` is that of the request. What only a server can do wrong is answered as a gateway does, with 502.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::Version;
    /// use websocket_proto::HandshakeError;
    ///
    /// let response = HandshakeError::UnsupportedVersion.to_http(Version::HTTP_11);
    /// assert_eq!(response.status(), 426);
    /// assert_eq!(response.headers()["sec-websocket-version"], "13");
    /// let response = HandshakeError::UnsupportedVersion.to_http(Version::HTTP_2);
    /// assert_eq!(response.status(), 400);
    /// assert_eq!(response.headers()["sec-websocket-version"], "13");
    /// ```
    #[must_use]
    pub fn to_http(self, version: Version) -> http::Response<&'static str> {
        let status = self.status().and_then(|status| StatusCode::from_u16(status).ok());
        // RFC 9110 §15.6.3: the server, "while acting as a gateway or proxy, received an invalid response".
        let status = status.unwrap_or(StatusCode::BAD_GATEWAY);
        let (status, fields): (_, &[_]) = match status {
            // RFC 9113 §8.2.2: "An endpoint MUST NOT generate an HTTP/2 message containing connection-specific header
            // fields. This includes the Connection header field and [...] Upgrade".
            StatusCode::UPGRADE_REQUIRED if version > Version::HTTP_11 => {
                (StatusCode::BAD_REQUEST, &[("sec-websocket-version", "13")])
            }
            // RFC 9110 §15.5.22: "The server MUST send an Upgrade header field in a 426 response"; §7.8: "A sender of
            // Upgrade MUST also send an "Upgrade" connection option". §4.4 of RFC 6455 has it name the version.
            StatusCode::UPGRADE_REQUIRED => (
                status,
                &[
                    ("upgrade", "websocket"),
                    ("connection", "Upgrade"),
                    ("sec-websocket-version", "13"),
                ],
            ),
            // RFC 9110 §15.5.6: "The origin server MUST generate an Allow header field in a 405 response".
            StatusCode::METHOD_NOT_ALLOWED => (status, &[("allow", "GET")]),
            _ => (status, &[]),
        };
        let fields = fields.iter().copied().chain([("content-type", "text/plain")]);
        response(status, fields, self.as_str())
    }
}

impl Request<'_> {
    /// Returns the request that a [`ServerHandshake`](crate::ServerHandshake) received, for what takes one of the crate
    /// `http` (feature `http`), such as a router. The answer is still given here.
    ///
    /// The version is told as HTTP/1.1, in which it is answered.
    ///
    /// # Errors
    ///
    /// [`http::Error`]: the method, the target or a field is one that the crate `http` does not take, or there are too
    /// many fields. A [`Uri`] has at most 65,534 bytes, and not all characters that browsers send.
    ///
    /// # Examples
    ///
    /// ```
    /// use websocket_proto::{HandshakeConfig, ServerHandshake};
    ///
    /// let mut bytes = *b"GET /page?id=5 HTTP/1.1\r\nHost: example.com\r\n\r\n";
    /// let (mut input, mut head) = (&mut bytes[..], Vec::new());
    /// let mut handshake = ServerHandshake::new(HandshakeConfig::default());
    /// let request = handshake.receive(&mut input, &mut head)?.ok_or("more bytes are needed")?;
    /// let request = request.to_http()?;
    /// assert_eq!((request.uri().path(), request.uri().query()), ("/page", Some("id=5")));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_http(&self) -> Result<http::Request<()>, http::Error> {
        let mut request = http::Request::new(());
        *request.method_mut() = Method::from_bytes(self.method().as_bytes())?;
        *request.uri_mut() = Uri::try_from(self.target())?;
        *request.headers_mut() = header_map(self.fields())?;
        Ok(request)
    }
}

/// Makes a response with fields of ours. They are few, and tokens or the like, so none is left out.
fn response<'f, B>(
    status: StatusCode,
    fields: impl Iterator<Item = (&'static str, &'f str)>,
    body: B,
) -> http::Response<B> {
    let mut response = http::Response::new(body);
    *response.status_mut() = status;
    let fields = fields.map(|(name, value)| (name, value.as_bytes()));
    *response.headers_mut() = header_map(fields).unwrap_or_default();
    response
}
