//! The opening handshake over HTTP/2 and HTTP/3 (RFC 8441, RFC 9220), by its fields.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use websocket_proto::{
    ClientRequest, ConnectRequest, HandshakeError, Role, UsageError, negotiate_connect,
};

type Fields<'a> = &'a [(&'a str, &'a str)];

/// The subprotocol that a server selects, and the fields of its response.
type Served = (Option<String>, Vec<(String, String)>);

type Judged<'a> = Result<Option<&'a str>, HandshakeError>;

fn bytes(fields: Fields<'_>) -> impl Iterator<Item = (&str, &[u8])> + Clone {
    fields.iter().map(|(name, value)| (*name, value.as_bytes()))
}

fn serve(protocol: &str, fields: Fields<'_>, supported: &[&str]) -> Result<Served, HandshakeError> {
    let (negotiated, response) = negotiate_connect(protocol, || bytes(fields), supported)?;
    assert_eq!(negotiated.role(), Role::Server);
    let said = response.fields().map(|(name, value)| (name.into(), value.into()));
    Ok((negotiated.subprotocol().map(String::from), said.collect()))
}

const VERSION: (&str, &str) = ("sec-websocket-version", "13");

#[test]
fn server_accepts_a_connect() {
    // RFC 8441 §5.1, with what the answer there leaves out.
    let fields = [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "https"),
        (":path", "/chat"),
        (":authority", "server.example.com"),
        ("sec-websocket-protocol", "chat, superchat"),
        ("sec-websocket-extensions", "bbf-usp-protocol"),
        VERSION,
        ("origin", "http://www.example.com"),
    ];
    let chat = vec![("sec-websocket-protocol".into(), "chat".into())];
    assert_eq!(serve("websocket", &fields, &["chat"]), Ok((Some("chat".into()), chat)));
    assert_eq!(serve("websocket", &fields, &["soap"]), Ok((None, Vec::new())));
    // RFC 8441 §5: the key is not processed, whatever it is; neither are the fields that HTTP/2 does not have.
    let needless = [VERSION, ("sec-websocket-key", "no key"), ("upgrade", "other")];
    assert_eq!(serve("websocket", &needless, &[]), Ok((None, Vec::new())));
}

#[test]
fn server_refuses_a_connect() {
    let cases: [(&str, Fields<'_>, HandshakeError, u16); 8] = [
        ("webtransport", &[VERSION], HandshakeError::UnsupportedProtocol, 501),
        ("WebSocket", &[VERSION], HandshakeError::UnsupportedProtocol, 501),
        ("websocket", &[], HandshakeError::InvalidVersion, 400),
        ("websocket", &[VERSION, VERSION], HandshakeError::InvalidVersion, 400),
        ("websocket", &[("sec-websocket-version", "8")], HandshakeError::UnsupportedVersion, 426),
        ("websocket", &[VERSION, ("content-length", "5")], HandshakeError::UnexpectedContent, 400),
        (
            "websocket",
            &[VERSION, ("sec-websocket-protocol", "a, a")],
            HandshakeError::InvalidSubprotocols,
            400,
        ),
        (
            "websocket",
            &[VERSION, ("sec-websocket-extensions", "a;")],
            HandshakeError::InvalidExtensions,
            400,
        ),
    ];
    for (protocol, fields, error, status) in cases {
        assert_eq!(serve(protocol, fields, &["a"]), Err(error), "{fields:?}");
        assert_eq!(error.status(), Some(status));
    }
}

#[test]
fn client_asks_by_connect() {
    let request = ClientRequest::new("wss://example.com:8443/chat?room=1")
        .unwrap()
        .subprotocols(&["chat", "superchat"])
        .fields(&[("origin", "https://example.com")]);
    let connect = ConnectRequest::new(request).unwrap();
    assert_eq!((connect.protocol(), connect.scheme()), ("websocket", "https"));
    assert_eq!((connect.authority(), connect.path()), ("example.com:8443", "/chat?room=1"));
    assert!(connect.fields().eq([
        VERSION,
        ("sec-websocket-protocol", "chat"),
        ("sec-websocket-protocol", "superchat"),
        ("origin", "https://example.com"),
    ]));
    for (uri, scheme, authority, path) in [
        ("ws://example.com", "http", "example.com", "/"),
        ("ws://example.com:/", "http", "example.com", "/"),
        ("wss://[::1]:9", "https", "[::1]:9", "/"),
        ("ws://a/?b", "http", "a", "/?b"),
    ] {
        let connect = ConnectRequest::new(ClientRequest::new(uri).unwrap()).unwrap();
        assert_eq!(
            (connect.scheme(), connect.authority(), connect.path()),
            (scheme, authority, path)
        );
    }
}

#[test]
fn client_refuses_to_ask_for_nonsense() {
    let request = ClientRequest::new("ws://example.com/").unwrap();
    for (request, error) in [
        (ClientRequest::new("ws://example.com?query").unwrap(), UsageError::InvalidUri),
        (request.subprotocols(&["a", "a"]), UsageError::InvalidSubprotocol),
        (request.fields(&[("upgrade", "websocket")]), UsageError::InvalidFieldName),
        (request.fields(&[("Connection", "close")]), UsageError::InvalidFieldName),
        (request.fields(&[("transfer-encoding", "chunked")]), UsageError::InvalidFieldName),
        (request.fields(&[("Keep-Alive", "5")]), UsageError::InvalidFieldName),
        (request.fields(&[("proxy-connection", "close")]), UsageError::InvalidFieldName),
        (request.fields(&[("x", "y"), ("TE", "trailers")]), UsageError::InvalidFieldName),
        (request.fields(&[("origin", "a\r\nb")]), UsageError::InvalidFieldValue),
    ] {
        assert_eq!(ConnectRequest::new(request).unwrap_err(), error);
    }
}

#[test]
fn client_judges_the_answer_to_a_connect() {
    let request = ClientRequest::new("ws://example.com/").unwrap().subprotocols(&["a", "b"]);
    let connect = ConnectRequest::new(request).unwrap();
    let cases: [(u16, Fields<'_>, Judged<'_>); 9] = [
        (200, &[], Ok(None)),
        (204, &[("sec-websocket-protocol", "b")], Ok(Some("b"))),
        // RFC 8441 §5: `Sec-WebSocket-Accept` is not processed.
        (200, &[("sec-websocket-accept", "no")], Ok(None)),
        (101, &[], Err(HandshakeError::UnexpectedStatus(101))),
        (300, &[], Err(HandshakeError::UnexpectedStatus(300))),
        (501, &[], Err(HandshakeError::UnexpectedStatus(501))),
        (200, &[("sec-websocket-protocol", "c")], Err(HandshakeError::SubprotocolNotOffered)),
        (
            200,
            &[("sec-websocket-protocol", "a"), ("sec-websocket-protocol", "b")],
            Err(HandshakeError::InvalidSubprotocols),
        ),
        (200, &[("sec-websocket-extensions", "x-other")], Err(HandshakeError::ExtensionNotOffered)),
    ];
    for (status, fields, expected) in cases {
        let negotiated = connect.accept(status, || bytes(fields), [7; 32]);
        let found = negotiated.map(|negotiated| {
            assert_eq!(negotiated.role(), Role::Client);
            negotiated.subprotocol()
        });
        assert_eq!(found, expected, "{status} {fields:?}");
    }
}

/// RFC 7692 §7: compression is agreed to as over HTTP/1.1.
#[cfg(feature = "deflate")]
#[test]
fn both_agree_to_compression_by_connect() {
    let config = websocket_proto::DeflateConfig::default().server_no_context_takeover(true);
    let request = ClientRequest::new("ws://example.com/").unwrap().deflate(config);
    let connect = ConnectRequest::new(request).unwrap();
    let asked: Vec<(String, String)> =
        connect.fields().map(|(name, value)| (name.into(), value.into())).collect();
    let asked = || asked.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let (server, response) =
        negotiate_connect("websocket", asked, websocket_proto::Supported::new().deflate(config))
            .unwrap();
    let said: Vec<(&str, &str)> = response.fields().collect();
    let client = connect.accept(200, || bytes(&said), [7; 32]).unwrap();
    assert_eq!(server.deflate(), client.deflate());
    assert!(client.deflate().unwrap().server_no_context_takeover());
}
