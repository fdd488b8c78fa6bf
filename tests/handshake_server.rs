//! The opening handshake as a server (RFC 6455 §4.2, RFC 9112, RFC 9110).
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may panic"
)]
#![cfg(feature = "alloc")]

use core::time::Duration;

use websocket_proto::{
    Accept, Failure, HandshakeConfig, HandshakeError, Next, Output, Role, ServerHandshake,
    SliceOutput, Supported, Timeout, UsageError, accept_key, negotiate,
};

#[path = "common/heads.rs"]
mod heads;

/// The request of RFC 6455 §1.2, without `Origin` and `Sec-WebSocket-Protocol`.
const FIELDS: &str = "Host: server.example.com\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Version: 13\r\n";

const SWITCHING: &str = "HTTP/1.1 101 Switching Protocols\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

type Params = Vec<(String, Option<String>)>;

/// What a request looks like to the caller.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    method: String,
    target: String,
    path: String,
    query: Option<String>,
    fields: Vec<(String, Vec<u8>)>,
    subprotocols: Vec<String>,
    extensions: Vec<(String, Params)>,
    /// The response to `Accept::new()`.
    accepted: Result<String, UsageError>,
    /// The bytes behind the head.
    rest: Vec<u8>,
}

/// Receives pieces, as a driver would; `None` if the request does not come.
fn receive_pieces(
    config: HandshakeConfig,
    pieces: &[&[u8]],
) -> Result<Option<Seen>, HandshakeError> {
    let mut handshake = ServerHandshake::new(config);
    let mut head = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        let mut bytes = piece.to_vec();
        let mut input = &mut bytes[..];
        let mut request = match handshake.receive(&mut input, &mut head) {
            Ok(Some(request)) => request,
            Ok(None) => {
                assert!(input.is_empty(), "all input is taken");
                assert!(matches!(handshake.poll(Duration::ZERO), Next::Wait(Some(_))));
                continue;
            }
            Err(error) => {
                assert!(input.is_empty(), "all input is taken");
                assert_eq!(
                    handshake.poll(Duration::ZERO),
                    Next::End(Err(Failure::Handshake(error)))
                );
                let mut more = *b"GET / HTTP/1.1\r\n\r\n";
                let mut input = &mut more[..];
                assert_eq!(handshake.receive(&mut input, &mut head).unwrap_err(), error);
                assert!(input.is_empty(), "all input is taken");
                return Err(error);
            }
        };
        assert_eq!(handshake.poll(Duration::MAX), Next::End(Ok(())));
        let mut rest = input.to_vec();
        let len = rest.len();
        assert!(handshake.receive(&mut input, &mut Vec::new()).unwrap().is_none());
        assert_eq!(input.len(), len, "what is behind the head is left alone");
        rest.extend(pieces[index + 1..].concat());
        let mut out = Vec::new();
        let accepted = request.accept(Accept::new(), &mut out);
        assert_eq!(accepted.is_ok(), request.is_upgrade());
        let refused = accepted.as_ref().map(|_| ()).map_err(|error| *error);
        assert_eq!(request.check_upgrade().map_err(UsageError::NotAnUpgrade), refused);
        return Ok(Some(Seen {
            method: request.method().into(),
            target: request.target().into(),
            path: request.path().into(),
            query: request.query().map(Into::into),
            fields: request.fields().map(|(name, value)| (name.into(), value.into())).collect(),
            subprotocols: request.subprotocols().map(Into::into).collect(),
            extensions: request
                .extensions()
                .map(|it| {
                    let params =
                        it.params().map(|(name, value)| (name.into(), value.map(Into::into)));
                    (it.name().into(), params.collect())
                })
                .collect(),
            accepted: accepted.map(|negotiated| {
                assert_eq!((negotiated.role(), negotiated.subprotocol()), (Role::Server, None));
                String::from_utf8(out).unwrap()
            }),
            rest,
        }));
    }
    Ok(None)
}

#[track_caller]
fn receive(bytes: &[u8]) -> Result<Option<Seen>, HandshakeError> {
    heads::in_every_partition(bytes, |pieces| receive_pieces(HandshakeConfig::default(), pieces))
}

/// A GET with these field lines.
fn get(fields: &str) -> Vec<u8> {
    format!("GET /chat HTTP/1.1\r\n{fields}\r\n").into_bytes()
}

/// The request of the RFC with more field lines.
fn upgrade_with(fields: &str) -> Vec<u8> {
    get(&format!("{FIELDS}{fields}"))
}

/// The request of the RFC with one of its field lines replaced by others.
fn upgrade_but(name: &str, fields: &str) -> Vec<u8> {
    let kept: String =
        FIELDS.split_inclusive("\r\n").filter(|line| !line.starts_with(name)).collect();
    assert_ne!(kept, FIELDS);
    get(&format!("{kept}{fields}"))
}

#[track_caller]
fn accepts(bytes: &[u8]) -> Seen {
    let seen = receive(bytes).expect("no fault").expect("complete");
    assert_eq!(seen.accepted, Ok(format!("{SWITCHING}\r\n")));
    seen
}

#[track_caller]
fn refuses(bytes: &[u8], error: HandshakeError) {
    assert_eq!(receive(bytes), Err(error), "{}", bytes.escape_ascii());
}

/// The request is handed out; to accept it fails.
#[track_caller]
fn hands_out(bytes: &[u8], error: HandshakeError) -> Seen {
    let seen = receive(bytes).expect("no fault").expect("complete");
    assert_eq!(seen.accepted, Err(UsageError::NotAnUpgrade(error)), "{}", bytes.escape_ascii());
    seen
}

fn respond(error: HandshakeError) -> String {
    let mut out = Vec::new();
    error.respond(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn server_receives_connection_lists_row_1() {
    for fields in [
        "Connection: keep-alive, Upgrade\r\n",
        "Connection: UPGRADE\r\n",
        "connection:upgrade\r\n",
        "Connection: keep-alive\r\nConnection: upgrade\r\n",
        "Connection: \t,upgrade \t,\t keep-alive\t\r\n",
    ] {
        accepts(&upgrade_but("Connection", fields));
    }
}

#[test]
fn server_receives_no_connection_upgrade_row_2() {
    for fields in [
        "",
        "Connection: notupgrade\r\n",
        "Connection: keep-alive;upgrade\r\n",
        "Connection: keep-alive upgrade\r\n",
        "Connection:\r\n",
    ] {
        hands_out(&upgrade_but("Connection", fields), HandshakeError::NoConnectionUpgrade);
    }
    assert_eq!(HandshakeError::NoConnectionUpgrade.status(), Some(400));
}

#[test]
fn server_receives_upgrade_row_3() {
    for fields in ["", "Upgrade: h2c\r\n", "Upgrade: websocket2\r\n", "Upgrade: websocket/13\r\n"] {
        hands_out(&upgrade_but("Upgrade", fields), HandshakeError::NoUpgrade);
    }
    for fields in [
        "Upgrade: WebSocket\r\n",
        "Upgrade: h2c, websocket\r\n",
        "Upgrade: h2c\r\nUpgrade: websocket\r\n",
        "Upgrade: websocket\r\nUpgrade: websocket\r\n",
    ] {
        accepts(&upgrade_but("Upgrade", fields));
    }
    assert_eq!(
        respond(HandshakeError::NoUpgrade),
        "HTTP/1.1 426 Upgrade Required\r\n\
         Connection: upgrade, close\r\n\
         Upgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\n\
         Content-Type: text/plain\r\n\
         Content-Length: 32\r\n\
         \r\n\
         there is no upgrade to websocket"
    );
}

#[test]
fn server_receives_bad_key_row_4() {
    let long = "A".repeat(8192);
    for key in [
        "",
        "dGhlIHNhbXBsZSBub25j",        // 15 bytes
        "dGhlIHNhbXBsZSBub25jZWU=",    // 17 bytes
        "dGhlIHNhbXBsZSBub25jZQ",      // no padding
        "dGhlIHNhbXBsZSBub25jZQ=",     // half of it
        "dGhlIHNhbXBsZSBub25jZQ===",   // too much of it
        "dGhlIHNhbXBsZSBub25j*Q==",    // not in the alphabet
        "____IHNhbXBsZSBub25jZQ==",    // URL-safe alphabet
        "----IHNhbXBsZSBub25jZQ==",    // URL-safe alphabet
        "dGhlIHNh bXBsZSBub25jZQ==",   // inner blank
        "dGhlIHNhbXB ZSBub25jZQ==",    // inner blank, right length
        "dGhlIHNhbXBsZSBub25jZQ==, a", // a list
        &long,
    ] {
        let key = format!("Sec-WebSocket-Key: {key}\r\n");
        refuses(&upgrade_but("Sec-WebSocket-Key", &key), HandshakeError::InvalidKey);
    }
    refuses(&upgrade_but("Sec-WebSocket-Key", ""), HandshakeError::InvalidKey);
    assert_eq!(HandshakeError::InvalidKey.status(), Some(400));
}

#[test]
fn server_receives_key_with_trailing_bits_or_blanks_row_5() {
    for last in ['R', 'Z', 'B', '/'] {
        let key = format!("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ{last}==\r\n");
        refuses(&upgrade_but("Sec-WebSocket-Key", &key), HandshakeError::InvalidKey);
    }
    accepts(&upgrade_but(
        "Sec-WebSocket-Key",
        "Sec-WebSocket-Key: \t dGhlIHNhbXBsZSBub25jZQ==\t \r\n",
    ));
    accepts(&upgrade_but("Sec-WebSocket-Key", "sec-websocket-KEY:dGhlIHNhbXBsZSBub25jZQ==\r\n"));
}

#[test]
fn server_receives_key_or_version_twice_row_6() {
    refuses(
        &upgrade_with("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"),
        HandshakeError::InvalidKey,
    );
    refuses(&upgrade_with("Sec-WebSocket-Key: x\r\n"), HandshakeError::InvalidKey);
    refuses(&upgrade_with("Sec-WebSocket-Version: 13\r\n"), HandshakeError::InvalidVersion);
    refuses(&upgrade_with("sec-websocket-version: 8\r\n"), HandshakeError::InvalidVersion);
}

#[test]
fn server_receives_other_version_row_7() {
    refuses(&upgrade_but("Sec-WebSocket-Version", ""), HandshakeError::InvalidVersion);
    for version in ["0", "8", "12", "14", "255", "256", "269"] {
        let version = format!("Sec-WebSocket-Version: {version}\r\n");
        refuses(
            &upgrade_but("Sec-WebSocket-Version", &version),
            HandshakeError::UnsupportedVersion,
        );
    }
    assert_eq!(HandshakeError::InvalidVersion.status(), Some(400));
    let response = respond(HandshakeError::UnsupportedVersion);
    assert!(response.starts_with("HTTP/1.1 426 Upgrade Required\r\n"));
    assert!(response.contains("\r\nSec-WebSocket-Version: 13\r\n"));
}

#[test]
fn server_receives_malformed_version_row_8() {
    for version in ["013", "+13", "13.0", "0xd", "13 13", "13, 8", ""] {
        let version = format!("Sec-WebSocket-Version: {version}\r\n");
        refuses(
            &upgrade_but("Sec-WebSocket-Version", &version),
            HandshakeError::UnsupportedVersion,
        );
    }
}

#[test]
fn server_receives_other_method_row_9() {
    let long = "A".repeat(1000);
    for method in ["POST", "HEAD", "get", "GETS", "OPTIONS", &long] {
        let bytes = format!("{method} /chat HTTP/1.1\r\n{FIELDS}\r\n").into_bytes();
        assert_eq!(hands_out(&bytes, HandshakeError::MethodNotAllowed).method, method);
    }
    assert_eq!(
        respond(HandshakeError::MethodNotAllowed),
        "HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nAllow: GET\r\n\
         Content-Length: 0\r\n\r\n"
    );
    // It may be HEAD that is at fault: no content, whatever the status.
    assert!(respond(HandshakeError::InvalidHost).ends_with("\r\nContent-Length: 0\r\n\r\n"));
    let key = respond(HandshakeError::InvalidKey);
    let body = HandshakeError::InvalidKey.as_str();
    assert!(key.ends_with(&format!("\r\nContent-Length: {}\r\n\r\n{body}", body.len())));
    // In this order: the method, the version of HTTP and Upgrade, Connection.
    hands_out(b"POST / HTTP/1.0\r\n\r\n", HandshakeError::MethodNotAllowed);
    hands_out(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", HandshakeError::NoUpgrade);
}

#[test]
fn server_receives_faulty_request_line_row_10() {
    for line in [
        "GET /chat HTTP/1.1x",
        "GET /chat",
        "GET /chat ",
        "GET /chat HTTP",
        "GET /chat HTTP/1",
        "GET /chat HTTP/1.",
        "GET /chat HTTP/11",
        "GET /chat HTTP/1.10",
        "GET /chat http/1.1",
        "GET  /chat HTTP/1.1",
        "GET /chat  HTTP/1.1",
        "GET /chat HTTP/1.1 ",
        "GET\t/chat HTTP/1.1",
        "GET /chat\tHTTP/1.1",
        "G,T /chat HTTP/1.1",
        " /chat HTTP/1.1",
        "\u{e9} /chat HTTP/1.1",
        "\0",
    ] {
        refuses(format!("{line}\r\n{FIELDS}\r\n").as_bytes(), HandshakeError::InvalidStartLine);
    }
    for version in ["2.0", "0.9", "3.0", "9.9"] {
        let bytes = format!("GET /chat HTTP/{version}\r\n{FIELDS}\r\n");
        refuses(bytes.as_bytes(), HandshakeError::UnsupportedHttpVersion);
    }
    refuses(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HandshakeError::UnsupportedHttpVersion);
    for minor in ["1.1", "1.2", "1.9"] {
        accepts(format!("GET /chat HTTP/{minor}\r\n{FIELDS}\r\n").as_bytes());
    }
    hands_out(format!("GET /chat HTTP/1.0\r\n{FIELDS}\r\n").as_bytes(), HandshakeError::NoUpgrade);
    assert_eq!(HandshakeError::InvalidStartLine.status(), Some(400));
    assert_eq!(HandshakeError::UnsupportedHttpVersion.status(), Some(505));
}

#[test]
fn server_receives_targets_row_11() {
    for target in [
        "/a\0b",
        "/a\x1fb",
        "/a\x7fb",
        "/\u{e9}",
        "/a#frag",
        "#",
        "foo",
        "*",
        "h:80",
        "://h/",
        "1:///",
        "1a://h/",
        "+a://h/",
        "a_b://h/",
        "http:///a",
    ] {
        let bytes = format!("GET {target} HTTP/1.1\r\n{FIELDS}\r\n");
        refuses(bytes.as_bytes(), HandshakeError::InvalidTarget);
    }
    refuses(b"GET /\xff HTTP/1.1\r\nHost: h\r\n\r\n", HandshakeError::InvalidTarget);
    refuses(b"CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n", HandshakeError::InvalidTarget);
    refuses(b"CONNECT /a HTTP/1.1\r\nHost: h\r\n\r\n", HandshakeError::InvalidTarget);
    // An empty target is two blanks in a row.
    refuses(b"GET  HTTP/1.1\r\nHost: h\r\n\r\n", HandshakeError::InvalidTarget);
    for (target, path, query) in [
        ("/", "/", None),
        ("/a?b?c", "/a", Some("b?c")),
        ("/a/b%20c?", "/a/b%20c", Some("")),
        ("//a", "//a", None),
        ("/a|{}[]\"?x=<|>", "/a|{}[]\"", Some("x=<|>")),
        ("http://example.com", "/", None),
        ("http://example.com/a?b", "/a", Some("b")),
        ("WSS://[::1]:8080?b", "/", Some("b")),
        ("a+1-.b://h/", "/", None),
    ] {
        let seen = accepts(format!("GET {target} HTTP/1.1\r\n{FIELDS}\r\n").as_bytes());
        assert_eq!((&*seen.target, &*seen.path, seen.query.as_deref()), (target, path, query));
    }
}

#[test]
fn server_receives_hosts_row_12() {
    for host in [
        "",
        "Host: a\r\nHost: a\r\n",
        "Host: a\r\nhost: b\r\n",
        "Host:\r\n",
        "Host: a b\r\n",
        "Host: user@a\r\n",
        "Host: a/b\r\n",
        "Host: a:b\r\n",
        "Host: a:65536\r\n",
        "Host: :80\r\n",
        "Host: [::1\r\n",
        "Host: ::1\r\n",
        "Host: [::1]80\r\n",
        "Host: [fe80::1%eth0]\r\n",
        "Host: a%2\r\n",
        "Host: a%2g\r\n",
        "Host: a%g2\r\n",
        "Host: \u{e9}\r\n",
    ] {
        refuses(&upgrade_but("Host", host), HandshakeError::InvalidHost);
        // The request is at fault whatever it asks for.
        let bytes = format!("POST / HTTP/1.1\r\n{host}\r\n");
        refuses(bytes.as_bytes(), HandshakeError::InvalidHost);
    }
    for host in [
        "a",
        "example.com.",
        "192.0.2.1:8080",
        "[::1]",
        "[2001:db8::7]:443",
        "[::ffff:192.168.1.9]",
        "[64:ff9b::255.249.100.0]:1",
        "a:",
        "a_b~!$&'()*+,;=",
        "%41",
    ] {
        accepts(&upgrade_but("Host", &format!("Host: {host}\r\n")));
    }
    // RFC 9112 §3.2 asks it of HTTP/1.1 alone.
    hands_out(b"GET / HTTP/1.0\r\n\r\n", HandshakeError::NoUpgrade);
}

#[test]
fn server_receives_empty_lines_first_row_13() {
    let request = format!("GET /chat HTTP/1.1\r\n{FIELDS}\r\n");
    accepts(format!("\r\n{request}").as_bytes());
    accepts(format!("\r\n\r\n{request}").as_bytes());
    refuses(format!("\r\n\r\n\r\n{request}").as_bytes(), HandshakeError::InvalidStartLine);
    refuses(format!(" {request}").as_bytes(), HandshakeError::InvalidStartLine);
    refuses(format!("\n{request}").as_bytes(), HandshakeError::InvalidLineEnd);
}

#[test]
fn server_receives_content_row_14() {
    let mut bytes = upgrade_with("Content-Length: 5\r\n");
    bytes.extend(b"hello");
    refuses(&bytes, HandshakeError::UnexpectedContent);
    accepts(&upgrade_with("Content-Length: 0\r\n"));
    accepts(&upgrade_with("Content-Length: 000\r\n"));
    let seen = hands_out(
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
        HandshakeError::MethodNotAllowed,
    );
    assert_eq!(seen.rest, b"hello");
}

#[test]
fn server_receives_transfer_encoding_row_15() {
    for fields in [
        "Transfer-Encoding: chunked\r\n",
        "transfer-encoding:\r\n",
        "Transfer-Encoding: identity\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    ] {
        refuses(&upgrade_with(fields), HandshakeError::TransferEncoding);
        refuses(
            format!("POST / HTTP/1.1\r\nHost: h\r\n{fields}\r\n").as_bytes(),
            HandshakeError::TransferEncoding,
        );
    }
}

#[test]
fn server_receives_bad_content_length_row_16() {
    for length in [
        "-1",
        "+5",
        "5, 5",
        "5, 6",
        "18446744073709551616",
        "",
        "0x5",
        "5 5",
        "5\r\nContent-Length: 5",
    ] {
        let field = format!("Content-Length: {length}\r\n");
        refuses(&upgrade_with(&field), HandshakeError::InvalidContentLength);
        let bytes = format!("POST / HTTP/1.1\r\nHost: h\r\n{field}\r\n");
        refuses(bytes.as_bytes(), HandshakeError::InvalidContentLength);
    }
    refuses(
        &upgrade_with("Content-Length: 18446744073709551615\r\n"),
        HandshakeError::UnexpectedContent,
    );
}

#[test]
fn server_receives_bad_field_names_row_17() {
    for line in [
        "Name : value",
        "Name\t: value",
        ": value",
        "no colon",
        "nocolon",
        "a\u{e9}: b",
        "(a): b",
        "a\0: b",
        "\"a\": b",
    ] {
        refuses(&upgrade_with(&format!("{line}\r\n")), HandshakeError::InvalidFieldName);
        refuses(&get(&format!("{line}\r\n{FIELDS}")), HandshakeError::InvalidFieldName);
    }
    refuses(&get(&format!(" A: b\r\n{FIELDS}")), HandshakeError::FoldedLine);
}

/// The name of a field with another letter in one place, for each place: the name of another field.
fn names_like(name: &str) -> impl Iterator<Item = String> + use<'_> {
    (0..name.len()).map(move |at| format!("{}z{}", &name[..at], &name[at + 1..]))
}

#[test]
fn server_receives_names_of_the_same_length() {
    for (name, value, error) in [
        ("Host", "server.example.com", HandshakeError::InvalidHost),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", HandshakeError::InvalidKey),
        ("Sec-WebSocket-Version", "13", HandshakeError::InvalidVersion),
    ] {
        for other in names_like(name) {
            refuses(&upgrade_but(name, &format!("{other}: {value}\r\n")), error);
        }
    }
    for (name, value, error) in [
        ("Upgrade", "websocket", HandshakeError::NoUpgrade),
        ("Connection", "Upgrade", HandshakeError::NoConnectionUpgrade),
    ] {
        for other in names_like(name) {
            hands_out(&upgrade_but(name, &format!("{other}: {value}\r\n")), error);
        }
    }
    // Values that these fields may not have in a request for an upgrade.
    for (name, value) in [
        ("Content-Length", "one"),
        ("Transfer-Encoding", "chunked"),
        ("Sec-WebSocket-Protocol", "a, a"),
        ("Sec-WebSocket-Extensions", "a;"),
    ] {
        for other in names_like(name) {
            accepts(&upgrade_with(&format!("{other}: {value}\r\n")));
        }
    }
}

#[test]
fn server_receives_folded_lines_row_18() {
    refuses(
        &upgrade_but("Connection", "Connection: keep-alive,\r\n Upgrade\r\n"),
        HandshakeError::FoldedLine,
    );
    refuses(&upgrade_but("Upgrade", "Upgrade:\r\n\twebsocket\r\n"), HandshakeError::FoldedLine);
    refuses(&upgrade_with(" \r\n"), HandshakeError::FoldedLine);
    assert_eq!(HandshakeError::FoldedLine.status(), Some(400));
}

#[test]
fn server_receives_bytes_of_values_row_19() {
    let bare = String::from_utf8(upgrade_with("")).unwrap().replace("\r\n", "\n");
    refuses(bare.as_bytes(), HandshakeError::InvalidLineEnd);
    refuses(&upgrade_with("A: b\nC: d\r\n"), HandshakeError::InvalidLineEnd);
    for byte in (0..b' ').chain([0x7f]).filter(|byte| !b"\t\n".contains(byte)) {
        for value in [
            &[byte][..],
            &[b'a', byte],
            &[byte, b'a'],
            &[b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", &[byte][..]].concat(),
        ] {
            let mut bytes = format!("GET / HTTP/1.1\r\n{FIELDS}A: ").into_bytes();
            bytes.extend(value);
            bytes.extend(b"\r\n\r\n");
            refuses(&bytes, HandshakeError::InvalidFieldValue);
        }
    }
    let kept: Vec<u8> = (0x21..0x7f).chain(0x80..=0xff).chain(*b"\t x").collect();
    let mut bytes = format!("GET / HTTP/1.1\r\n{FIELDS}A:\t ").into_bytes();
    bytes.extend(&kept);
    bytes.extend(b" \t\r\n\r\n");
    assert_eq!(accepts(&bytes).fields.last(), Some(&("A".into(), kept)));
}

#[test]
fn server_receives_subprotocols_row_20() {
    for value in [
        "a, a",
        "a, b, a",
        "a b",
        "a, b c",
        "",
        ",",
        " , ,",
        "a/b",
        "\"a\"",
        "\u{e9}",
        "a\r\nSec-WebSocket-Protocol: a",
    ] {
        let field = format!("Sec-WebSocket-Protocol: {value}\r\n");
        refuses(&upgrade_with(&field), HandshakeError::InvalidSubprotocols);
        // Not looked at.
        hands_out(
            format!("POST / HTTP/1.1\r\nHost: h\r\n{field}\r\n").as_bytes(),
            HandshakeError::MethodNotAllowed,
        );
    }
    for (value, expected) in [
        ("chat", &["chat"][..]),
        ("chat, superchat", &["chat", "superchat"]),
        ("b,,a", &["b", "a"]),
        (" , a", &["a"]),
        ("a, A", &["a", "A"]),
        ("c\r\nX: y\r\nsec-websocket-protocol: b,a\r\nSec-WebSocket-Protocol:", &["c", "b", "a"]),
    ] {
        let seen = accepts(&upgrade_with(&format!("Sec-WebSocket-Protocol: {value}\r\n")));
        assert_eq!(seen.subprotocols, expected);
    }
    let many = |count: usize| {
        let names: Vec<String> = (0..count).map(|at| format!("p{at}")).collect();
        upgrade_with(&format!("Sec-WebSocket-Protocol: {}\r\n", names.join(",")))
    };
    assert_eq!(accepts(&many(32)).subprotocols.len(), 32);
    let error = HandshakeError::TooManySubprotocols;
    refuses(&many(33), error);
    assert_eq!(error.status(), Some(431));
}

#[test]
fn server_sends_no_subprotocol_but_an_offered_one_row_21() {
    let mut bytes = upgrade_with("Sec-WebSocket-Protocol: chat, superchat\r\n");
    let (mut head, mut out) = (Vec::new(), Vec::new());
    let mut input = &mut bytes[..];
    let mut handshake = ServerHandshake::new(HandshakeConfig::default());
    let mut request = handshake.receive(&mut input, &mut head).unwrap().unwrap();
    for wanted in ["Chat", "other", "", "chat, superchat", "cha"] {
        let refused = request.accept(Accept::new().subprotocol(wanted), &mut out);
        assert_eq!(refused.unwrap_err(), UsageError::SubprotocolNotOffered);
    }
    assert!(out.is_empty());
    let negotiated = request.accept(Accept::new().subprotocol("superchat"), &mut out).unwrap();
    assert_eq!(negotiated.subprotocol(), Some("superchat"));
    assert_eq!(out, format!("{SWITCHING}Sec-WebSocket-Protocol: superchat\r\n\r\n").as_bytes());
    // Selected none: `accepts` sees a 101 without the field.
    accepts(&upgrade_with("Sec-WebSocket-Protocol: chat\r\n"));
}

#[test]
fn server_receives_malformed_extensions_row_22() {
    let long = format!("a;b=\"{}", "\\c".repeat(4000));
    for value in [
        ";;,=",
        "a;b=\"c",
        "a b",
        "a;",
        "a;=b",
        "a;b=",
        "a;b=\"c d\"",
        "a;b=\"\"",
        "=",
        "",
        ",",
        &long,
    ] {
        let field = format!("Sec-WebSocket-Extensions: {value}\r\n");
        refuses(&upgrade_with(&field), HandshakeError::InvalidExtensions);
        hands_out(
            format!("POST / HTTP/1.1\r\nHost: h\r\n{field}\r\n").as_bytes(),
            HandshakeError::MethodNotAllowed,
        );
    }
    let seen = accepts(&upgrade_with(
        "Sec-WebSocket-Extensions: constructor, __proto__;a=\"1\" ; b\r\nSec-WebSocket-Extensions: c\r\n",
    ));
    let params = vec![("a".into(), Some("1".into())), ("b".into(), None)];
    assert_eq!(
        seen.extensions,
        [("constructor".into(), vec![]), ("__proto__".into(), params), ("c".into(), vec![])]
    );
}

#[test]
fn server_receives_long_lists_row_23() {
    let config = HandshakeConfig::default().head_limit(1 << 20).unwrap();
    let value = format!("{}{}x", "a".repeat(32 << 10), " ".repeat(32 << 10));
    for (name, error) in [
        ("Sec-WebSocket-Protocol", HandshakeError::InvalidSubprotocols),
        ("Sec-WebSocket-Extensions", HandshakeError::InvalidExtensions),
    ] {
        let bytes = upgrade_with(&format!("{name}: {value}\r\n"));
        let seen = heads::in_every_partition(&bytes, |pieces| receive_pieces(config, pieces));
        assert_eq!(seen, Err(error));
    }
    for name in ["Connection", "Upgrade"] {
        let bytes = upgrade_with(&format!("{name}: {value}\r\n"));
        let seen = heads::in_every_partition(&bytes, |pieces| receive_pieces(config, pieces));
        assert!(seen.unwrap().unwrap().accepted.is_ok());
    }
}

/// With the feature `deflate` as well, for it is not asked for here.
#[test]
fn server_receives_unknown_extensions_row_24_90() {
    let seen = accepts(&upgrade_with(
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, x-webkit-deflate-frame\r\n",
    ));
    assert_eq!(seen.extensions[0].0, "permessage-deflate");
    assert_eq!(seen.extensions[0].1, [("client_max_window_bits".into(), None)]);
    assert_eq!(seen.extensions[1], ("x-webkit-deflate-frame".into(), vec![]));
}

#[test]
fn server_receives_origin_and_rejects_row_118() {
    let bytes = upgrade_with("Origin: http://evil.example\r\n");
    assert!(accepts(&bytes).fields.contains(&("Origin".into(), b"http://evil.example".to_vec())));
    let mut bytes = bytes;
    let (mut head, mut out) = (Vec::new(), Vec::new());
    let mut input = &mut bytes[..];
    let mut handshake = ServerHandshake::new(HandshakeConfig::default());
    let mut request = handshake.receive(&mut input, &mut head).unwrap().unwrap();
    assert_eq!(request.field("ORIGIN"), Some(&b"http://evil.example"[..]));
    request.reject(403, &[("X-Why", "origin")], b"no", &mut out).unwrap();
    assert_eq!(
        out,
        b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\nX-Why: origin\r\nContent-Length: 2\r\n\r\nno"
    );
    let answered = UsageError::AlreadyAnswered;
    assert_eq!(request.accept(Accept::new(), &mut out).unwrap_err(), answered);
    assert_eq!(request.reject(403, &[], b"", &mut out).unwrap_err(), answered);
}

#[test]
fn server_ignores_expect_row_119() {
    accepts(&upgrade_with("Expect: 100-continue\r\n"));
}

#[test]
fn server_receives_many_fields_row_25() {
    for count in [200, 2001] {
        let fields = "X: y\r\n".repeat(count);
        refuses(&get(&fields), HandshakeError::TooManyFields);
    }
    let fields = "X: y\r\n".repeat(59);
    assert_eq!(accepts(&upgrade_with(&fields)).fields.len(), 64);
    refuses(&upgrade_with(&format!("{fields}X: y\r\n")), HandshakeError::TooManyFields);
    assert_eq!(HandshakeError::TooManyFields.status(), Some(431));
    // A line that is no field is not counted as one.
    let no_field = format!("{fields}bad name: x\r\n");
    refuses(&upgrade_with(&no_field), HandshakeError::InvalidFieldName);
    // Counted before the end of the head.
    let lines = "X: y\r\n".repeat(65);
    refuses(format!("GET / HTTP/1.1\r\n{lines}").as_bytes(), HandshakeError::TooManyFields);
}

#[test]
fn server_receives_long_heads_row_26() {
    let too_long = HandshakeError::HeadTooLong;
    let target_too_long = HandshakeError::TargetTooLong;
    let empty = upgrade_with("X: \r\n").len();
    accepts(&upgrade_with(&format!("X: {}\r\n", "y".repeat(16384 - empty))));
    refuses(&upgrade_with(&format!("X: {}\r\n", "y".repeat(16384 - empty + 1))), too_long);
    // Known before the end of the line, and of the head.
    refuses(&[b"GET / HTTP/1.1\r\nX: ", "y".repeat(16366).as_bytes()].concat(), too_long);
    assert_eq!(
        receive(&[b"GET / HTTP/1.1\r\nX: ", "y".repeat(16364).as_bytes()].concat()),
        Ok(None)
    );
    refuses(&[b"GET /", "y".repeat(16379).as_bytes()].concat(), target_too_long);
    assert_eq!(receive(&[b"GET /", "y".repeat(16378).as_bytes()].concat()), Ok(None));
    refuses("A".repeat(20000).as_bytes(), target_too_long);
    // An earlier fault comes first, however much is behind it.
    refuses(
        &[b"GET / HTTP/1.1\r\n: \r\nX: ", "y".repeat(20000).as_bytes()].concat(),
        HandshakeError::InvalidFieldName,
    );
    assert_eq!((too_long.status(), target_too_long.status()), (Some(431), Some(414)));
}

/// A storage that counts what is asked of it.
#[derive(Default)]
struct Counted {
    bytes: Vec<u8>,
    puts: usize,
}

impl Output for Counted {
    fn make_room(&mut self, _: usize) -> bool {
        true
    }

    fn put(&mut self, bytes: &[u8]) {
        self.puts += 1;
        self.bytes.extend(bytes);
    }

    fn waiting(&self) -> usize {
        self.bytes.len()
    }
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[test]
fn server_copies_each_byte_at_most_once_rows_27_96() {
    let mut bytes = upgrade_with(&"X: y\r\n".repeat(50));
    for size in [1, 7, 100, bytes.len()] {
        let mut head = Counted::default();
        let mut handshake = ServerHandshake::new(HandshakeConfig::default());
        let mut calls = 0;
        for piece in bytes.chunks_mut(size) {
            calls += 1;
            let mut input = piece;
            if handshake.receive(&mut input, &mut head).unwrap().is_some() {
                break;
            }
        }
        let expected = if size == bytes.len() { 0 } else { bytes.len() };
        assert_eq!(head.bytes.len(), expected);
        // One for each line and each read, at the most.
        assert!(head.puts <= calls + 57, "{} for pieces of {size}", head.puts);
    }
}

#[test]
fn server_leaves_what_follows_the_head_row_28() {
    let mut bytes = upgrade_with("");
    bytes.extend(b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\r\n\r\n");
    assert_eq!(accepts(&bytes).rest, b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\r\n\r\n");
}

/// Hands a request to `check`.
fn with_request(bytes: &[u8], check: impl FnOnce(&mut websocket_proto::Request<'_>)) {
    let mut bytes = bytes.to_vec();
    let mut input = &mut bytes[..];
    let mut head = Vec::new();
    let mut handshake = ServerHandshake::new(HandshakeConfig::default());
    check(&mut handshake.receive(&mut input, &mut head).unwrap().unwrap());
}

const BAD_VALUES: [&str; 8] = ["a\r\nb", "a\rb", "a\nb", "a\0b", "a\x1bb", "a\x7f", " a", "a\t"];

#[test]
fn server_sends_no_bad_values_row_31() {
    with_request(&upgrade_with(""), |request| {
        let mut out = Vec::new();
        for value in BAD_VALUES {
            let fields = [("Set-Cookie", "a=b"), ("X", value)];
            let refused = request.accept(Accept::new().fields(&fields), &mut out);
            assert_eq!(refused.unwrap_err(), UsageError::InvalidFieldValue, "{value:?}");
            let refused = request.reject(403, &fields, b"", &mut out);
            assert_eq!(refused.unwrap_err(), UsageError::InvalidFieldValue, "{value:?}");
        }
        for name in ["", "a b", "a:", "a\r\nb", "a\0", "\u{e9}"] {
            let fields = [(name, "x")];
            let refused = request.accept(Accept::new().fields(&fields), &mut out);
            assert_eq!(refused.unwrap_err(), UsageError::InvalidFieldName, "{name:?}");
            let refused = request.reject(403, &fields, b"", &mut out);
            assert_eq!(refused.unwrap_err(), UsageError::InvalidFieldName, "{name:?}");
        }
        assert!(out.is_empty());
        let _ = request
            .accept(Accept::new().fields(&[("Set-Cookie", "a=\u{e9}"), ("X", "")]), &mut out)
            .unwrap();
        assert_eq!(out, format!("{SWITCHING}Set-Cookie: a=\u{e9}\r\nX: \r\n\r\n").as_bytes());
    });
}

#[test]
fn server_sends_no_reserved_fields_row_32() {
    with_request(&upgrade_with(""), |request| {
        let mut out = Vec::new();
        for name in [
            "Host",
            "Upgrade",
            "connection",
            "Content-Length",
            "Transfer-Encoding",
            "Sec-WebSocket-Accept",
            "Sec-WebSocket-Key",
            "sec-websocket-version",
            "Sec-WebSocket-Protocol",
            "Sec-WebSocket-Extensions",
            "SEC-WEBSOCKET-ANYTHING",
        ] {
            let fields = [(name, "x")];
            let refused = request.accept(Accept::new().fields(&fields), &mut out);
            assert_eq!(refused.unwrap_err(), UsageError::InvalidFieldName);
            let refused = request.reject(403, &fields, b"", &mut out);
            assert_eq!(refused.unwrap_err(), UsageError::InvalidFieldName);
        }
        assert!(out.is_empty());
    });
}

#[test]
fn server_sends_whole_responses_or_nothing() {
    with_request(&upgrade_with(""), |request| {
        let expected = format!("{SWITCHING}\r\n");
        for size in 0..expected.len() {
            let mut storage = vec![0; size];
            let mut out = SliceOutput::new(&mut storage);
            let needed = expected.len();
            assert_eq!(
                request.accept(Accept::new(), &mut out).unwrap_err(),
                UsageError::OutputFull { needed }
            );
            assert!(out.written().is_empty());
        }
        let mut storage = vec![0; expected.len()];
        let mut out = SliceOutput::new(&mut storage);
        let negotiated = request.accept(Accept::new(), &mut out).unwrap();
        assert_eq!((negotiated.role(), out.written()), (Role::Server, expected.as_bytes()));
    });
    let mut storage = [0; 20];
    let full = HandshakeError::InvalidKey.respond(&mut SliceOutput::new(&mut storage));
    assert!(matches!(full, Err(UsageError::OutputFull { .. })));
}

#[test]
fn server_sends_bodies_where_they_may_be() {
    let plain = b"GET /page HTTP/1.1\r\nHost: h\r\n\r\n";
    for (request, status, body, expected) in [
        (
            &plain[..],
            200,
            "page",
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\npage",
        ),
        (plain, 204, "", "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"),
        (plain, 304, "", "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n"),
        (plain, 299, "", "HTTP/1.1 299 \r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
        (
            b"HEAD /page HTTP/1.1\r\nHost: h\r\n\r\n",
            200,
            "page",
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\n",
        ),
        (
            plain,
            405,
            "",
            "HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nAllow: GET\r\nContent-Length: 0\r\n\r\n",
        ),
    ] {
        with_request(request, |request| {
            let mut out = Vec::new();
            for (status, body) in [
                (100, ""),
                (101, ""),
                (199, ""),
                (600, ""),
                (0, ""),
                (204, "x"),
                (205, "x"),
                (304, "x"),
            ] {
                let refused = request.reject(status, &[], body.as_bytes(), &mut out);
                assert_eq!(refused, Err(UsageError::InvalidStatus));
            }
            assert!(out.is_empty());
            request.reject(status, &[], body.as_bytes(), &mut out).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        });
    }
}

/// RFC 9110 §15 and RFC 6585 name them; a phrase that is not known may be left out (RFC 9112 §4).
#[test]
fn server_sends_reason_phrases() {
    for (status, phrase) in [
        (200, "OK"),
        (204, "No Content"),
        (301, "Moved Permanently"),
        (302, "Found"),
        (303, "See Other"),
        (304, "Not Modified"),
        (307, "Temporary Redirect"),
        (308, "Permanent Redirect"),
        (400, "Bad Request"),
        (401, "Unauthorized"),
        (403, "Forbidden"),
        (404, "Not Found"),
        (405, "Method Not Allowed"),
        (414, "URI Too Long"),
        (426, "Upgrade Required"),
        (429, "Too Many Requests"),
        (431, "Request Header Fields Too Large"),
        (500, "Internal Server Error"),
        (503, "Service Unavailable"),
        (505, "HTTP Version Not Supported"),
        (499, ""),
    ] {
        with_request(&upgrade_with(""), |request| {
            let mut out = Vec::new();
            request.reject(status, &[], b"", &mut out).unwrap();
            assert!(out.starts_with(format!("HTTP/1.1 {status} {phrase}\r\n").as_bytes()));
        });
    }
}

#[test]
fn server_fails_at_the_deadline_row_103() {
    let mut handshake = ServerHandshake::new(HandshakeConfig::default());
    let start = Duration::from_secs(1000);
    let deadline = start + Duration::from_secs(10);
    assert_eq!(handshake.poll(start), Next::Wait(Some(deadline)));
    let mut head = Vec::new();
    for (at, byte) in b"GET / HTT".iter().enumerate() {
        let mut byte = [*byte];
        assert!(handshake.receive(&mut &mut byte[..], &mut head).unwrap().is_none());
        let now = start + Duration::from_secs(u64::try_from(at).unwrap());
        assert_eq!(handshake.poll(now), Next::Wait(Some(deadline)));
    }
    assert_eq!(handshake.poll(Duration::ZERO), Next::Wait(Some(deadline)));
    let over = Next::End(Err(Failure::TimedOut(Timeout::Opening)));
    assert_eq!(handshake.poll(deadline), over);
    assert_eq!(handshake.poll(start), over);
    let mut rest = *b"P/1.1\r\nHost: h\r\n\r\n";
    let mut input = &mut rest[..];
    assert!(handshake.receive(&mut input, &mut head).unwrap().is_none());
    assert!(input.is_empty());
    handshake.receive_eof();
    assert_eq!(handshake.poll(start), over);
}

#[test]
fn server_receives_eof_row_75() {
    let request = upgrade_with("");
    for len in 0..request.len() {
        let mut handshake = ServerHandshake::new(HandshakeConfig::default());
        let mut bytes = request[..len].to_vec();
        let mut head = Vec::new();
        assert!(handshake.receive(&mut &mut bytes[..], &mut head).unwrap().is_none());
        handshake.receive_eof();
        handshake.receive_eof();
        assert_eq!(handshake.poll(Duration::MAX), Next::End(Err(Failure::Eof)));
    }
}

#[test]
fn server_stores_the_head_in_fixed_storage_rows_98_104() {
    let request = upgrade_with("");
    let (first, last) = request.split_at(100);
    for (size, fits) in [(request.len(), true), (request.len() - 1, false), (99, false), (0, false)]
    {
        let mut storage = vec![0; size];
        let mut head = SliceOutput::new(&mut storage);
        let mut handshake = ServerHandshake::new(HandshakeConfig::default());
        let (mut first, mut last) = (first.to_vec(), last.to_vec());
        let received = match handshake.receive(&mut &mut first[..], &mut head) {
            Ok(_) => {
                handshake.receive(&mut &mut last[..], &mut head).map(|request| request.is_some())
            }
            Err(error) => Err(error),
        };
        let expected = if fits { Ok(true) } else { Err(HandshakeError::StorageFull) };
        assert_eq!(received, expected);
    }
    // In the request line as well.
    let mut storage = [0; 3];
    let mut head = SliceOutput::new(&mut storage);
    let mut handshake = ServerHandshake::new(HandshakeConfig::default());
    let mut bytes = *b"GET ";
    let received: Vec<_> = bytes
        .chunks_mut(1)
        .map(|mut byte| handshake.receive(&mut byte, &mut head).map(|request| request.is_some()))
        .collect();
    let full = Err(HandshakeError::StorageFull);
    assert_eq!(received, [Ok(false), Ok(false), Ok(false), full]);
    // What lies whole in the input needs none, and what was in the storage stays.
    let mut whole = request.clone();
    let mut handshake = ServerHandshake::new(HandshakeConfig::default());
    assert!(
        handshake.receive(&mut &mut whole[..], &mut SliceOutput::new(&mut [])).unwrap().is_some()
    );
    let mut head = b"before".to_vec();
    let mut handshake = ServerHandshake::new(HandshakeConfig::default());
    let (mut first, mut last) = (first.to_vec(), last.to_vec());
    assert!(handshake.receive(&mut &mut first[..], &mut head).unwrap().is_none());
    let mut input = &mut last[..];
    let received = handshake.receive(&mut input, &mut head).unwrap().unwrap();
    assert_eq!((received.path(), received.fields().count()), ("/chat", 5));
    assert_eq!(head, [b"before", &request[..]].concat());
}

#[test]
fn errors_are_words_row_110() {
    for error in [
        HandshakeError::InvalidStartLine,
        HandshakeError::HeadTooLong,
        HandshakeError::TooManySubprotocols,
        HandshakeError::UnexpectedStatus(302),
    ] {
        assert!(error.to_string().starts_with(error.as_str()));
        assert!(error.as_str().is_ascii());
    }
    let client = HandshakeError::InvalidAccept;
    assert_eq!(client.status(), None);
    assert_eq!(client.respond(&mut Vec::new()), Err(UsageError::InvalidStatus));
}

#[test]
fn handshakes_are_send_and_sync_row_111() {
    fn check<T: Send + Sync>() {}
    check::<ServerHandshake>();
    check::<websocket_proto::Request<'_>>();
    check::<websocket_proto::ClientHandshake>();
    check::<websocket_proto::Response<'_>>();
    check::<websocket_proto::Negotiated<'_>>();
}

#[test]
fn accept_key_is_that_of_the_rfc_row_115() {
    assert_eq!(&accept_key(b"dGhlIHNhbXBsZSBub25jZQ=="), b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

#[test]
fn nonsense_is_refused_row_116() {
    let config = HandshakeConfig::default();
    let refused = Err(UsageError::InvalidConfig);
    assert_eq!(config.head_limit(0), refused);
    assert_eq!(config.field_limit(0), refused);
    assert_eq!(config.opening_timeout(Duration::ZERO), refused);
    assert_eq!(
        config
            .head_limit(16 * 1024)
            .unwrap()
            .field_limit(64)
            .unwrap()
            .opening_timeout(Duration::from_secs(10)),
        Ok(config.body_limit(64 * 1024))
    );
}

#[test]
fn negotiation_judges_as_the_handshake_does() {
    let fields = [
        ("host", "example.com"),
        ("upgrade", "websocket"),
        ("connection", "keep-alive, Upgrade"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("sec-websocket-version", "13"),
        ("sec-websocket-protocol", "soap"),
        ("sec-websocket-protocol", "chat, superchat"),
    ];
    for (supported, selected) in [
        (&["superchat", "chat"][..], Some("superchat")),
        (&["Chat"], None),
        (&[], None),
        (&["x", "soap"], Some("soap")),
    ] {
        let (negotiated, response) =
            negotiate(|| fields.iter().map(|(name, value)| (*name, value.as_bytes())), supported)
                .unwrap();
        assert_eq!((negotiated.role(), negotiated.subprotocol()), (Role::Server, selected));
        let mut expected = vec![
            ("upgrade", "websocket"),
            ("connection", "Upgrade"),
            ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        ];
        expected.extend(selected.map(|it| ("sec-websocket-protocol", it)));
        assert_eq!(response.fields().collect::<Vec<_>>(), expected);
    }
    // A list of known length, and what it stands for.
    let all = || fields.iter().map(|(name, value)| (*name, value.as_bytes()));
    for negotiated in [
        negotiate(all, &["x", "chat"]),
        negotiate(all, Supported::new().subprotocols(&["x", "chat"])),
    ] {
        assert_eq!(negotiated.unwrap().0.subprotocol(), Some("chat"));
    }
    assert_eq!(negotiate(all, Supported::new()).unwrap().0.subprotocol(), None);
    for (name, value, error) in [
        ("host", "b", HandshakeError::InvalidHost),
        ("sec-websocket-key", "x", HandshakeError::InvalidKey),
        ("sec-websocket-version", "13", HandshakeError::InvalidVersion),
        ("sec-websocket-protocol", "soap", HandshakeError::InvalidSubprotocols),
        ("sec-websocket-extensions", "a;;", HandshakeError::InvalidExtensions),
        ("content-length", "5", HandshakeError::UnexpectedContent),
        ("content-length", "x", HandshakeError::InvalidContentLength),
        ("transfer-encoding", "chunked", HandshakeError::TransferEncoding),
    ] {
        let more = [(name, value)];
        let all = || fields.iter().chain(&more).map(|(name, value)| (*name, value.as_bytes()));
        assert_eq!(negotiate(all, &[]).unwrap_err(), error);
    }
    for (missing, error) in [
        ("host", HandshakeError::InvalidHost),
        ("upgrade", HandshakeError::NoUpgrade),
        ("connection", HandshakeError::NoConnectionUpgrade),
        ("sec-websocket-version", HandshakeError::InvalidVersion),
        ("sec-websocket-key", HandshakeError::InvalidKey),
    ] {
        let rest = || {
            fields
                .iter()
                .filter(|it| it.0 != missing)
                .map(|(name, value)| (*name, value.as_bytes()))
        };
        assert_eq!(negotiate(rest, &[]).unwrap_err(), error);
    }
}
