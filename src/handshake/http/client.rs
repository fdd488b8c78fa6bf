//! A client's end: a request out, a response in.

use alloc::string::String;
use alloc::vec::Vec;

use http::{Method, StatusCode, Uri, Version};

use crate::error::{HandshakeError, UsageError};
use crate::handshake::client_request::ClientRequest;
use crate::handshake::connect::ConnectRequest;
use crate::handshake::head::Fields;
use crate::handshake::key::Key;
use crate::handshake::negotiated::Negotiated;
use crate::handshake::response::Response;
use crate::handshake::upgrade::UpgradeFields;
use crate::handshake::uri::is_secure;
use crate::seed::{HandshakeSecret, MaskingKeys};

use super::{check_version, header_fields, header_map};

impl<'a> TryFrom<&'a Uri> for ClientRequest<'a> {
    type Error = UsageError;

    /// Asks for what a URI names (feature `http`), as [`ClientRequest::new`] does.
    ///
    /// # Errors
    ///
    /// [`UsageError::InvalidUri`]: see [`ClientRequest::new`].
    ///
    /// # Examples
    ///
    /// A request that somebody prepared, with what they want to be in it, sent by a
    /// [`ClientHandshake`](crate::ClientHandshake).
    ///
    /// ```
    /// use websocket_proto::{ClientHandshake, ClientRequest};
    ///
    /// let request = http::Request::get("ws://example.com/chat")
    ///     .header("authorization", "Bearer mF_9.B5f-4.1JqM")
    ///     .body(())?;
    /// let fields: Vec<_> = request
    ///     .headers()
    ///     .iter()
    ///     .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
    ///     .collect();
    /// let seed = [7; 32]; // From the operating system's source of randomness, new for each connection.
    /// let mut out = Vec::new();
    /// let request = ClientRequest::try_from(request.uri())?.fields(&fields);
    /// let handshake = ClientHandshake::new(request, seed, &mut out)?;
    /// assert!(out.ends_with(b"\r\nauthorization: Bearer mF_9.B5f-4.1JqM\r\n\r\n"));
    /// # drop(handshake);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn try_from(uri: &'a Uri) -> Result<Self, UsageError> {
        let is_secure = is_secure(uri.scheme_str().unwrap_or_default())?;
        let host = uri.authority().map_or("", |authority| authority.as_str());
        let target = uri.path_and_query().map_or("", |target| target.as_str());
        Self::from_parts(host, target, is_secure)
    }
}

impl ClientRequest<'_> {
    /// Returns the request for another HTTP/1.1 implementation to send (feature `http`), where a
    /// [`ClientHandshake`](crate::ClientHandshake) does not.
    ///
    /// The nonce is made of the seed, which is to come from a strong source of randomness and to be used for one
    /// connection only. Give [`accept_http`](Self::accept_http) the same.
    ///
    /// The URI is the path with the query, as it goes over the wire. Clients that look for the server by themselves want
    /// one with `http` or `https` and the host: put that into `uri_mut`.
    ///
    /// # Errors
    ///
    /// [`UsageError::InvalidSubprotocol`], [`UsageError::TooManySubprotocols`]; [`UsageError::InvalidFieldName`],
    /// [`UsageError::InvalidFieldValue`]. Of what the crate `http` has no room for, [`UsageError::InvalidUri`], or
    /// `InvalidFieldName` where it is a name of 64 KiB or the number of fields. [`UsageError::OutputFull`]: no memory.
    ///
    /// # Examples
    ///
    /// ```
    /// use websocket_proto::{ClientRequest, Config, WebSocket};
    ///
    /// let seed = [7; 32]; // From the operating system's source of randomness, new for each connection.
    /// let client = ClientRequest::new("ws://example.com/chat")?.subprotocol("chat");
    /// let request = client.to_http(seed)?;
    /// assert_eq!((request.uri().path(), &request.headers()["host"]), ("/chat", &"example.com".parse()?));
    ///
    /// // It is sent, and the server answers.
    /// # let (_, response) = websocket_proto::negotiate_http(&request, &["chat"])?;
    /// let ws = WebSocket::open(client.accept_http(&response, seed)?, Config::default());
    /// # drop(ws);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_http(&self, seed: [u8; 32]) -> Result<http::Request<()>, UsageError> {
        let mut head = Vec::new();
        self.write(&key(&seed), &mut head)?;
        let target = head.split(|&byte| byte == b' ').nth(1).unwrap_or_default();
        let line_end = head.iter().position(|&byte| byte == b'\n').unwrap_or_default();
        let fields = Fields::new(head.get(line_end.saturating_add(1)..).unwrap_or_default());
        let mut request = http::Request::new(());
        // RFC 9112 §3.2.1: "a client MUST send only the absolute path and query components of the target URI as the
        // request-target".
        *request.uri_mut() = Uri::try_from(target).map_err(|_| UsageError::InvalidUri)?;
        *request.headers_mut() = header_map(fields).map_err(|_| UsageError::InvalidFieldName)?;
        Ok(request)
    }

    /// Judges the response to what [`to_http`](Self::to_http) made with the same seed (feature `http`), and opens the
    /// connection where it accepts.
    ///
    /// # Errors
    ///
    /// [`UnexpectedStatus`](HandshakeError::UnexpectedStatus): it is not 101. Of a 101:
    /// [`NoUpgrade`](HandshakeError::NoUpgrade), [`NoConnectionUpgrade`](HandshakeError::NoConnectionUpgrade),
    /// [`InvalidAccept`](HandshakeError::InvalidAccept), [`InvalidSubprotocols`](HandshakeError::InvalidSubprotocols),
    /// [`SubprotocolNotOffered`](HandshakeError::SubprotocolNotOffered),
    /// [`InvalidExtensions`](HandshakeError::InvalidExtensions),
    /// [`ExtensionNotOffered`](HandshakeError::ExtensionNotOffered),
    /// [`ExtensionRepeated`](HandshakeError::ExtensionRepeated),
    /// [`InvalidExtensionParams`](HandshakeError::InvalidExtensionParams),
    /// [`ExtensionParamsNotOffered`](HandshakeError::ExtensionParamsNotOffered). After each, let go of the transport.
    ///
    /// # Examples
    ///
    /// See [`to_http`](Self::to_http).
    pub fn accept_http<'b, B>(
        &self,
        response: &'b http::Response<B>,
        seed: [u8; 32],
    ) -> Result<Negotiated<'b>, HandshakeError> {
        // §4.1: "If the status code received from the server is not 101, the client handles the response per HTTP
        // procedures."
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(HandshakeError::UnexpectedStatus(response.status().as_u16()));
        }
        check_version(response.version())?;
        let noted = UpgradeFields::note_all(header_fields(response.headers()));
        let is_offered = |selected: &str| self.offered().any(|it| it == selected);
        let at = |place| header_fields(response.headers()).skip(place);
        let (agreed, subprotocol) =
            noted.check_response(&key(&seed).accept(), self.wanted, is_offered, at)?;
        Ok(Negotiated::client_with(MaskingKeys::new(&seed), agreed, subprotocol))
    }
}

impl ConnectRequest<'_> {
    /// Returns the request for an implementation of HTTP/2 or HTTP/3 to send (feature `http`).
    ///
    /// `:protocol` has no place in a [`http::Request`]. Implementations take it as an extension of their own, such as
    /// `hyper::ext::Protocol` or `h2::ext::Protocol`: insert that, with what [`protocol`](Self::protocol) returns.
    ///
    /// # Errors
    ///
    /// Of what the crate `http` does not take: [`UsageError::InvalidUri`] where the URI has more than 65,534 bytes or a
    /// host with percent-encodings; [`UsageError::InvalidFieldName`] where a name has 64 KiB, or there are too many fields.
    ///
    /// # Examples
    ///
    /// ```
    /// use websocket_proto::{ClientRequest, Config, ConnectRequest, WebSocket};
    ///
    /// let connect = ConnectRequest::new(ClientRequest::new("wss://example.com/chat")?)?;
    /// let request = connect.to_http()?; // add `request.extensions_mut().insert(Protocol::from_static("websocket"))`
    /// assert_eq!((request.method(), request.uri()), (&http::Method::CONNECT, &"https://example.com/chat".parse()?));
    ///
    /// // It is sent, and the server answers.
    /// let response = http::Response::new(());
    /// let seed = [7; 32]; // From the operating system's source of randomness, new for each connection.
    /// let ws = WebSocket::open(connect.accept_http(&response, seed)?, Config::default());
    /// # drop(ws);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_http(&self) -> Result<http::Request<()>, UsageError> {
        let mut uri = String::from(self.scheme());
        for part in ["://", self.authority(), self.path()] {
            uri.push_str(part);
        }
        let fields = self.fields().map(|(name, value)| (name, value.as_bytes()));
        let mut request = http::Request::new(());
        *request.method_mut() = Method::CONNECT;
        *request.version_mut() = Version::HTTP_2;
        *request.uri_mut() = Uri::try_from(uri).map_err(|_| UsageError::InvalidUri)?;
        *request.headers_mut() = header_map(fields).map_err(|_| UsageError::InvalidFieldName)?;
        Ok(request)
    }

    /// Judges the response (feature `http`), as [`accept`](Self::accept) does, and opens the connection where it accepts.
    ///
    /// # Errors
    ///
    /// Those of [`accept`](Self::accept).
    ///
    /// # Examples
    ///
    /// See [`to_http`](Self::to_http).
    pub fn accept_http<'b, B>(
        &self,
        response: &'b http::Response<B>,
        seed: [u8; 32],
    ) -> Result<Negotiated<'b>, HandshakeError> {
        self.accept(response.status().as_u16(), || header_fields(response.headers()), seed)
    }
}

impl<'b> Response<'b> {
    /// Returns the response that a [`ClientHandshake`](crate::ClientHandshake) received, with its body, for what takes
    /// one of the crate `http` (feature `http`).
    ///
    /// # Errors
    ///
    /// [`http::Error`]: a field is one that the crate `http` does not take, or there are too many.
    ///
    /// # Examples
    ///
    /// ```
    /// use websocket_proto::{ClientHandshake, ClientRequest};
    ///
    /// let (seed, mut head, mut out) = ([7; 32], Vec::new(), Vec::new());
    /// let request = ClientRequest::new("ws://example.com/chat")?;
    /// let mut handshake = ClientHandshake::new(request, seed, &mut out)?;
    /// let mut bytes = *b"HTTP/1.1 302 Found\r\nLocation: /new\r\nContent-Length: 5\r\n\r\nmoved";
    /// let mut input = &mut bytes[..];
    /// let response = handshake.receive(&mut input, &mut head)?.ok_or("more bytes are needed")?;
    /// let response = response.to_http()?;
    /// assert!(response.status().is_redirection());
    /// assert_eq!((&response.headers()["location"], *response.body()), (&"/new".parse()?, &b"moved"[..]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_http(&self) -> Result<http::Response<&'b [u8]>, http::Error> {
        let mut response = http::Response::new(self.body());
        *response.status_mut() = StatusCode::from_u16(self.status())?;
        *response.headers_mut() = header_map(self.fields())?;
        Ok(response)
    }
}

/// Returns the key that a client with this seed sends.
fn key(seed: &[u8; 32]) -> Key {
    Key::new(&HandshakeSecret::new(seed).nonce())
}
