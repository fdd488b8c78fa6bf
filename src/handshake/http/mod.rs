//! The opening handshake in the types of the crate `http`, for those who have an HTTP implementation that uses them, such
//! as hyper, axum or h2: requests and responses that others have received or will send (RFC 6455 §4, RFC 8441 §5).
//!
//! Nothing is judged here but the method, the version and the status, which the other functions leave to their callers.

use http::{HeaderMap, HeaderName, HeaderValue, Version};

use crate::error::HandshakeError;

mod client;
mod server;

pub use server::negotiate_http;

/// Returns the fields of a [`HeaderMap`] as [`negotiate`](crate::negotiate),
/// [`negotiate_connect`](crate::negotiate_connect) and their like take them (feature `http`).
///
/// # Examples
///
/// An extended CONNECT; hyper and h2 tell its `:protocol` by an extension of the request.
///
/// ```
/// use websocket_proto::{header_fields, negotiate_connect};
///
/// let request = http::Request::connect("https://example.com/chat")
///     .header("sec-websocket-version", "13")
///     .header("sec-websocket-protocol", "soap, chat")
///     .body(())?;
/// let (negotiated, response) =
///     negotiate_connect("websocket", || header_fields(request.headers()), &["chat"])?;
/// assert_eq!(negotiated.subprotocol(), Some("chat"));
/// let response = response.to_http();
/// assert_eq!(response.status(), 200);
/// assert_eq!(response.headers()["sec-websocket-protocol"], "chat");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn header_fields(headers: &HeaderMap) -> impl Iterator<Item = (&str, &[u8])> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))
}

/// Checks the version of a message that is to switch protocols.
fn check_version(version: Version) -> Result<(), HandshakeError> {
    // RFC 9110 §7.8: "A server MUST ignore an Upgrade header field that is received in an HTTP/1.0 request." RFC 9113
    // §8.6: "HTTP/2 removes support for the 101 (Switching Protocols) informational status code".
    if version == Version::HTTP_11 { Ok(()) } else { Err(HandshakeError::NoUpgrade) }
}

fn header_map<'f>(
    fields: impl Iterator<Item = (&'f str, &'f [u8])>,
) -> Result<HeaderMap, http::Error> {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        let name = HeaderName::from_bytes(name.as_bytes())?;
        headers.try_append(name, HeaderValue::from_bytes(value)?)?;
    }
    Ok(headers)
}
