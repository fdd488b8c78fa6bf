//! The opening handshake in the types of the crate `http`: the same as over bytes, in either role.
#![cfg(feature = "http")]
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

use http::{HeaderMap, HeaderValue, Method, Uri, Version};
use websocket_proto::{
    Accept, ClientHandshake, ClientRequest, Config, ConnectRequest, Event, HandshakeConfig,
    HandshakeError, Negotiated, Role, ServerHandshake, UsageError, WebSocket, header_fields,
    negotiate_connect, negotiate_http,
};

const SEED: [u8; 32] = [7; 32];

type Fields<'a> = &'a [(&'a str, &'a str)];

/// The request of RFC 6455 §1.2.
const REQUEST: [(&str, &str); 6] = [
    ("host", "server.example.com"),
    ("upgrade", "websocket"),
    ("connection", "Upgrade"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("sec-websocket-version", "13"),
    ("sec-websocket-protocol", "chat, superchat"),
];

fn head(start: &str, fields: Fields<'_>) -> Vec<u8> {
    let lines = fields.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
    format!("{start}\r\n{}\r\n", lines.collect::<Vec<_>>().concat()).into_bytes()
}

fn request(method: &Method, fields: Fields<'_>) -> http::Request<()> {
    let mut request = http::Request::builder().method(method).uri("/chat");
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap()
}

/// The fields in order of their names, those of one name in theirs.
fn sorted(headers: &HeaderMap) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = header_fields(headers)
        .map(|(name, value)| (name.into(), String::from_utf8(value.into()).unwrap()))
        .collect();
    fields.sort_by(|(one, _), (other, _)| one.cmp(other));
    fields
}

/// What a server answers: the status and the fields.
type Answer = (u16, Vec<(String, String)>);

/// The answer as it stands in bytes, without what only an HTTP implementation knows.
fn parse_answer(bytes: &[u8]) -> Answer {
    let head = String::from_utf8(bytes.into()).unwrap();
    let mut lines = head.split("\r\n\r\n").next().unwrap().split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let mut fields: Vec<(String, String)> = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| {
            (name.to_ascii_lowercase(), value.replace("upgrade, close", "Upgrade"))
        })
        .filter(|(name, value)| name != "content-length" && value != "close")
        .collect();
    fields.sort();
    (status, fields)
}

/// Answers bytes, and what they are in the types of `http`: both come to the same.
fn serve(method: &Method, fields: Fields<'_>) -> Answer {
    let mut bytes = head(&format!("{method} /chat HTTP/1.1"), fields);
    let (mut input, mut storage, mut out) = (&mut bytes[..], Vec::new(), Vec::new());
    let mut handshake = ServerHandshake::new(HandshakeConfig::default());
    let judged = match handshake.receive(&mut input, &mut storage) {
        Ok(received) => {
            let mut received = received.unwrap();
            let converted = received.to_http().unwrap();
            assert_eq!((converted.method(), converted.uri().path()), (method, "/chat"));
            assert_eq!(sorted(converted.headers()), sorted(request(method, fields).headers()));
            let offered = received.subprotocols().find(|it| *it == "superchat");
            received.accept(Accept::new().subprotocol(offered), &mut out).map(|_| ())
        }
        Err(error) => Err(UsageError::NotAnUpgrade(error)),
    };
    let request = request(method, fields);
    let answer = match negotiate_http(&request, &["superchat"]) {
        Ok((negotiated, response)) => {
            assert_eq!(judged, Ok(()));
            assert_eq!(negotiated.role(), Role::Server);
            let selected = response.headers().get("sec-websocket-protocol");
            assert_eq!(
                negotiated.subprotocol().map(str::as_bytes),
                selected.map(HeaderValue::as_bytes)
            );
            response.map(|()| "")
        }
        Err(error) => {
            assert_eq!(judged, Err(UsageError::NotAnUpgrade(error)));
            error.respond(&mut out).unwrap();
            error.to_http(request.version())
        }
    };
    let mut answer = (answer.status().as_u16(), sorted(answer.headers()));
    let mut expected = parse_answer(&out);
    // Over bytes there is no text where the request may be HEAD; here, the HTTP implementation sees to that.
    answer.1.retain(|(name, _)| name != "content-type");
    expected.1.retain(|(name, _)| name != "content-type");
    assert_eq!(answer, expected);
    answer
}

#[test]
fn server_accepts_as_over_bytes() {
    let fields = |selected: &[(&str, &str)]| {
        let fixed = [
            ("connection", "Upgrade"),
            ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            ("upgrade", "websocket"),
        ];
        let mut fields: Vec<(String, String)> = fixed
            .iter()
            .chain(selected)
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect();
        fields.sort();
        (101, fields)
    };
    let selected = fields(&[("sec-websocket-protocol", "superchat")]);
    assert_eq!(serve(&Method::GET, &REQUEST), selected);
    assert_eq!(serve(&Method::GET, &REQUEST[..5]), fields(&[]));
    // Lists may be spread over fields of one name; they stay in order.
    let spread = [
        &REQUEST[..5],
        &[("sec-websocket-protocol", "a, b"), ("sec-websocket-protocol", "superchat")],
    ]
    .concat();
    assert_eq!(serve(&Method::GET, &spread), selected);
}

#[test]
fn server_refuses_as_over_bytes() {
    for (left_out, status) in [(0, 400), (1, 426), (2, 400), (3, 400), (4, 400)] {
        let mut fields = REQUEST.to_vec();
        fields.remove(left_out);
        assert_eq!(serve(&Method::GET, &fields).0, status, "{fields:?}");
    }
    for (added, status) in [
        (("host", "b"), 400),
        (("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="), 400),
        (("sec-websocket-version", "13"), 400),
        (("sec-websocket-protocol", "chat"), 400),
        (("sec-websocket-extensions", ";"), 400),
        (("transfer-encoding", "chunked"), 400),
        (("content-length", "5"), 400),
    ] {
        assert_eq!(serve(&Method::GET, &[&REQUEST[..], &[added]].concat()).0, status, "{added:?}");
    }
    let mut other_version = REQUEST;
    other_version[4].1 = "8";
    let (status, fields) = serve(&Method::GET, &other_version);
    assert_eq!(status, 426);
    assert!(fields.contains(&("sec-websocket-version".into(), "13".into())));
    for method in [Method::POST, Method::HEAD] {
        let (status, fields) = serve(&method, &REQUEST);
        assert_eq!(status, 405);
        assert!(fields.contains(&("allow".into(), "GET".into())));
    }
}

#[test]
fn server_switches_only_in_http_1_1() {
    let mut request = request(&Method::GET, &REQUEST);
    for version in [Version::HTTP_09, Version::HTTP_10, Version::HTTP_2, Version::HTTP_3] {
        *request.version_mut() = version;
        let refused = negotiate_http(&request, &[]).map(|_| ());
        assert_eq!(refused, Err(HandshakeError::NoUpgrade), "{version:?}");
    }
}

/// HTTP/2 and HTTP/3 know neither `Upgrade` nor `Connection` (RFC 9113 §8.2.2, RFC 9114 §4.2).
#[test]
fn server_refuses_in_other_versions() {
    for version in [Version::HTTP_2, Version::HTTP_3] {
        for (error, status) in [
            (HandshakeError::UnsupportedVersion, 400),
            (HandshakeError::InvalidVersion, 400),
            (HandshakeError::UnsupportedProtocol, 501),
            (HandshakeError::MethodNotAllowed, 405),
        ] {
            let response = error.to_http(version);
            assert_eq!(response.status(), status, "{error:?}");
            assert_eq!(*response.body(), error.as_str());
            let headers = response.headers();
            assert!(!headers.contains_key("upgrade") && !headers.contains_key("connection"));
            let names_version = error == HandshakeError::UnsupportedVersion;
            assert_eq!(headers.contains_key("sec-websocket-version"), names_version, "{error:?}");
        }
    }
    // What a server has done to a gateway.
    assert_eq!(HandshakeError::InvalidAccept.to_http(Version::HTTP_11).status(), 502);
}

#[test]
fn client_asks_as_over_bytes() {
    let many = ["a", "b"];
    let fields = [("Origin", "http://example.com"), ("X-Text", "gr\u{fc}n"), ("x-text", "")];
    for uri in ["ws://example.com", "ws://example.com:80/chat?a=1", "wss://[::1]:8443?b"] {
        let client =
            ClientRequest::new(uri).unwrap().subprotocol("c").subprotocols(&many).fields(&fields);
        let mut out = Vec::new();
        ClientHandshake::new(client, SEED, &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        let mut lines = out.trim_end_matches("\r\n").split("\r\n");
        let request = client.to_http(SEED).unwrap();
        assert_eq!(lines.next().unwrap(), format!("GET {} HTTP/1.1", request.uri()));
        assert_eq!((request.method(), request.version()), (&Method::GET, Version::HTTP_11));
        let mut expected: Vec<(String, String)> = lines
            .map(|line| line.split_once(':').unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().into()))
            .collect();
        expected.sort_by(|(one, _), (other, _)| one.cmp(other));
        assert_eq!(sorted(request.headers()), expected);
    }
}

#[test]
fn client_does_not_ask_for_what_it_may_not() {
    let plain = ClientRequest::new("ws://example.com").unwrap();
    let refused = |client: ClientRequest<'_>| client.to_http(SEED).map(|_| ()).unwrap_err();
    assert_eq!(refused(plain.subprotocol("a b")), UsageError::InvalidSubprotocol);
    assert_eq!(refused(plain.subprotocols(&["a"; 17])), UsageError::TooManySubprotocols);
    assert_eq!(refused(plain.fields(&[("host", "b")])), UsageError::InvalidFieldName);
    assert_eq!(refused(plain.fields(&[("a", "b\r\nc: d")])), UsageError::InvalidFieldValue);
    // What is more than the crate `http` can hold.
    let name = "n".repeat(1 << 16);
    let path = format!("ws://example.com/{}", "p".repeat(1 << 16));
    let names: Vec<String> = (0..30_000).map(|number| format!("n{number}")).collect();
    let fields: Vec<(&str, &str)> = names.iter().map(|name| (&name[..], "")).collect();
    for (client, error) in [
        (plain.fields(&[(&name, "")]), UsageError::InvalidFieldName),
        (plain.fields(&fields), UsageError::InvalidFieldName),
        (ClientRequest::new(&path).unwrap(), UsageError::InvalidUri),
    ] {
        assert_eq!(refused(client), error);
        let refused = ConnectRequest::new(client).unwrap().to_http().map(|_| ());
        assert_eq!(refused, Err(error));
    }
    let encoded = ClientRequest::new("ws://ex%61mple.com/").unwrap();
    assert!(encoded.to_http(SEED).is_ok());
    let encoded = ConnectRequest::new(encoded).unwrap().to_http().map(|_| ());
    assert_eq!(encoded, Err(UsageError::InvalidUri));
}

/// Judges a response in both forms: both come to the same.
fn judge(status: u16, fields: Fields<'_>) -> Result<Option<String>, HandshakeError> {
    let client = ClientRequest::new("ws://example.com/chat").unwrap().subprotocol("chat");
    let mut response = http::Response::builder().status(status);
    for (name, value) in fields {
        response = response.header(*name, *value);
    }
    let response = response.body(()).unwrap();
    let judged = client.accept_http(&response, SEED).map(|negotiated| {
        assert_eq!(negotiated.role(), Role::Client);
        negotiated.subprotocol().map(String::from)
    });

    let (mut bytes, mut storage) = (head(&format!("HTTP/1.1 {status} "), fields), Vec::new());
    let mut handshake = ClientHandshake::new(client, SEED, &mut Vec::new()).unwrap();
    let mut input = &mut bytes[..];
    let mut received = handshake.receive(&mut input, &mut storage);
    if let Ok(None) = received {
        handshake.receive_eof();
        received = handshake.receive(&mut input, &mut storage);
    }
    let expected = received.and_then(|received| {
        let mut received = received.unwrap();
        let converted = received.to_http().unwrap();
        assert_eq!(converted.status(), response.status());
        assert_eq!(sorted(converted.headers()), sorted(response.headers()));
        match received.accept() {
            Ok(negotiated) => Ok(negotiated.subprotocol().map(String::from)),
            Err(UsageError::NotAnUpgrade(error)) => Err(error),
            Err(error) => panic!("{error:?}"),
        }
    });
    assert_eq!(judged, expected, "{status} {fields:?}");
    judged
}

#[test]
fn client_judges_as_over_bytes() {
    // The accept to the key of the seed, by the server's side.
    let client = ClientRequest::new("ws://example.com/chat").unwrap();
    let request = client.to_http(SEED).unwrap();
    let (_, response) = negotiate_http(&request, &[]).unwrap();
    let accept = response.headers()["sec-websocket-accept"].to_str().unwrap();
    let good =
        [("upgrade", "WebSocket"), ("connection", "upgrade"), ("sec-websocket-accept", accept)];
    let with = |added: Fields<'_>| judge(101, &[&good[..], added].concat());

    assert_eq!(with(&[]), Ok(None));
    assert_eq!(with(&[("sec-websocket-protocol", "chat")]), Ok(Some("chat".into())));
    assert_eq!(
        with(&[("sec-websocket-protocol", "other")]),
        Err(HandshakeError::SubprotocolNotOffered)
    );
    assert_eq!(with(&[good[2]]), Err(HandshakeError::InvalidAccept));
    assert_eq!(
        with(&[("sec-websocket-extensions", "x")]),
        Err(HandshakeError::ExtensionNotOffered)
    );
    assert_eq!(with(&[("sec-websocket-extensions", ";")]), Err(HandshakeError::InvalidExtensions));
    assert_eq!(judge(101, &good[1..]), Err(HandshakeError::NoUpgrade));
    assert_eq!(judge(101, &[good[0], good[2]]), Err(HandshakeError::NoConnectionUpgrade));
    assert_eq!(judge(101, &good[..2]), Err(HandshakeError::InvalidAccept));
    for status in [200, 302, 401, 999] {
        assert_eq!(judge(status, &good), Err(HandshakeError::UnexpectedStatus(status)));
    }

    assert_eq!(client.accept_http(&response, SEED).map(|_| ()), Ok(()));
    let other = client.accept_http(&response, [8; 32]).map(|_| ());
    assert_eq!(other, Err(HandshakeError::InvalidAccept), "of another seed");
    for version in [Version::HTTP_10, Version::HTTP_2] {
        let mut response = response.clone();
        *response.version_mut() = version;
        let judged = client.accept_http(&response, SEED).map(|_| ());
        assert_eq!(judged, Err(HandshakeError::NoUpgrade));
    }
}

/// Sends a text each way.
fn talk(client: Negotiated<'_>, server: Negotiated<'_>) {
    let mut client = WebSocket::open(client, Config::default());
    let mut server = WebSocket::open(server, Config::default());
    let (mut up, mut down) = (Vec::new(), Vec::new());
    client.send_text("hello", &mut up).unwrap();
    assert_ne!(&up[6..], b"hello", "masked");
    assert_eq!(server.receive(&mut &mut up[..], &mut down), Some(Event::Text("hello".into())));
    server.send_text("there", &mut down).unwrap();
    assert_eq!(client.receive(&mut &mut down[..], &mut up), Some(Event::Text("there".into())));
}

#[test]
fn client_and_server_meet_by_upgrade() {
    let client = ClientRequest::new("wss://example.com/chat").unwrap().subprotocol("chat");
    #[cfg(feature = "deflate")]
    let client = client.deflate(websocket_proto::DeflateConfig::default());
    let supported = websocket_proto::Supported::new().subprotocols(&["chat"]);
    #[cfg(feature = "deflate")]
    let supported = supported.deflate(websocket_proto::DeflateConfig::default());
    let request = client.to_http(SEED).unwrap();
    let (server, response) = negotiate_http(&request, supported).unwrap();
    let negotiated = client.accept_http(&response, SEED).unwrap();
    assert_eq!((negotiated.subprotocol(), server.subprotocol()), (Some("chat"), Some("chat")));
    #[cfg(feature = "deflate")]
    assert_eq!((negotiated.deflate().is_some(), negotiated.deflate()), (true, server.deflate()));
    talk(Negotiated::client(SEED), Negotiated::server());
    talk(negotiated, server);
}

#[test]
fn client_and_server_meet_by_connect() {
    let added = [("Origin", "https://example.com")];
    let client = ClientRequest::new("wss://example.com:8443/chat?room=1").unwrap();
    let connect =
        ConnectRequest::new(client.subprotocol("soap").subprotocols(&["chat"]).fields(&added))
            .unwrap();
    let request = connect.to_http().unwrap();
    assert_eq!((request.method(), request.version()), (&Method::CONNECT, Version::HTTP_2));
    assert_eq!(request.uri(), &"https://example.com:8443/chat?room=1".parse::<Uri>().unwrap());
    let expected = [
        ("origin", "https://example.com"),
        ("sec-websocket-protocol", "soap"),
        ("sec-websocket-protocol", "chat"),
        ("sec-websocket-version", "13"),
    ];
    assert!(
        sorted(request.headers()).iter().map(|(name, value)| (&name[..], &value[..])).eq(expected)
    );

    let fields = || header_fields(request.headers());
    let (server, response) = negotiate_connect("websocket", fields, &["chat"]).unwrap();
    let response = response.to_http();
    assert_eq!((response.status().as_u16(), response.headers().len()), (200, 1));
    let negotiated = connect.accept_http(&response, SEED).unwrap();
    assert_eq!((negotiated.subprotocol(), server.subprotocol()), (Some("chat"), Some("chat")));
    talk(negotiated, server);

    let mut refused = response;
    *refused.status_mut() = http::StatusCode::FORBIDDEN;
    let judged = connect.accept_http(&refused, SEED).map(|_| ());
    assert_eq!(judged, Err(HandshakeError::UnexpectedStatus(403)));
}

#[test]
fn client_takes_a_uri() {
    let parts = |uri: &str| {
        let uri: Uri = uri.parse().unwrap();
        let client = ClientRequest::try_from(&uri)?;
        Ok((
            client.host().to_owned(),
            client.port(),
            client.is_secure(),
            client.to_http(SEED)?.uri().to_string(),
        ))
    };
    assert_eq!(parts("ws://example.com"), Ok(("example.com".into(), 80, false, "/".into())));
    assert_eq!(parts("WSS://[::1]:99/a?b"), Ok(("::1".into(), 99, true, "/a?b".into())));
    for uri in ["http://example.com/", "/chat", "ws://user@example.com/", "ws://example.com:0/"] {
        assert_eq!(parts(uri), Err(UsageError::InvalidUri), "{uri}");
    }
}

/// No byte that a head may hold is refused in a name or a value; of targets some are.
#[test]
fn bytes_of_a_head_are_taken() {
    let parse = |bytes: &[u8]| {
        let (mut bytes, mut storage) = (bytes.to_vec(), Vec::new());
        let mut handshake = ServerHandshake::new(HandshakeConfig::default());
        let received = handshake.receive(&mut &mut bytes[..], &mut storage);
        received.ok().flatten().map(|received| received.to_http())
    };
    let (mut names, mut values, mut targets) = (0, 0, 0);
    for byte in 0..=u8::MAX {
        let name = [b"GET / HTTP/1.1\r\nhost: a\r\nx", &[byte][..], b"y: z\r\n\r\n"].concat();
        if let Some(converted) = parse(&name) {
            assert!(converted.unwrap().headers().len() > 1, "{byte}");
            names += 1;
        }
        let value = [b"GET / HTTP/1.1\r\nhost: a\r\nx: y", &[byte][..], b"z\r\n\r\n"].concat();
        if let Some(converted) = parse(&value) {
            assert_eq!(converted.unwrap().headers()["x"].as_bytes(), [b'y', byte, b'z']);
            values += 1;
        }
        let target = [b"GET /x", &[byte][..], b"y HTTP/1.1\r\nhost: a\r\n\r\n"].concat();
        if let Some(converted) = parse(&target) {
            let path_end = if byte == b'?' { 2 } else { 4 };
            assert!(converted.map_or(true, |it| it.uri().path().len() == path_end), "{byte}");
            targets += 1;
        }
    }
    // RFC 9110 §5.6.2: 77 characters make a token, and the colon ends it. §5.5: HTAB and all from the blank on but DEL.
    assert_eq!((names, values, targets), (77 + 1, 1 + 95 + 128, 93));
}
