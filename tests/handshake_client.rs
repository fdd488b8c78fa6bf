//! The opening handshake as a client (RFC 6455 §3, §4.1, RFC 9112, RFC 9110).
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]
#![cfg(feature = "alloc")]

use core::time::Duration;

use websocket_proto::{
    ClientHandshake, ClientRequest, Failure, HandshakeConfig, HandshakeError, Negotiated, Next,
    Role, SliceOutput, Timeout, UsageError, accept_key,
};

#[path = "common/heads.rs"]
mod heads;

const SEED: [u8; 32] = [7; 32];

fn request() -> ClientRequest<'static> {
    ClientRequest::new("ws://server.example.com/chat").unwrap().subprotocols(&["chat", "superchat"])
}

/// What a client sends, and the value of `Sec-WebSocket-Accept` that answers it.
fn sent(request: ClientRequest<'_>) -> (String, String) {
    let mut out = Vec::new();
    ClientHandshake::new(request, SEED, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    let (_, rest) = text.split_once("\r\nSec-WebSocket-Key: ").unwrap();
    let (key, _) = rest.split_once("\r\n").unwrap();
    let accept =
        String::from_utf8(accept_key(key.as_bytes().try_into().unwrap()).to_vec()).unwrap();
    (text, accept)
}

fn accept() -> String {
    sent(request()).1
}

/// What a response looks like to the caller.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    status: u16,
    reason: Vec<u8>,
    fields: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    is_truncated: bool,
    accepted: Result<Option<String>, UsageError>,
    /// The bytes behind a 101.
    rest: Vec<u8>,
}

fn see(mut response: websocket_proto::Response<'_>) -> Seen {
    Seen {
        status: response.status(),
        reason: response.reason().into(),
        fields: response.fields().map(|(name, value)| (name.into(), value.into())).collect(),
        body: response.body().into(),
        is_truncated: response.body_is_truncated(),
        rest: Vec::new(),
        accepted: response.accept().map(|negotiated| {
            assert_eq!(negotiated.role(), Role::Client);
            negotiated.subprotocol().map(Into::into)
        }),
    }
}

/// Receives pieces and, where `has_eof` says so, the end of the transport, as a driver would.
fn receive_pieces(
    config: HandshakeConfig,
    pieces: &[&[u8]],
    has_eof: bool,
) -> Result<Option<Seen>, HandshakeError> {
    let mut handshake =
        ClientHandshake::with_config(config, request(), SEED, &mut Vec::new()).unwrap();
    let mut head = Vec::new();
    let ends = has_eof.then_some(&b""[..]);
    for (index, piece) in pieces.iter().copied().chain(ends).enumerate() {
        if index == pieces.len() {
            handshake.receive_eof();
        }
        let mut bytes = piece.to_vec();
        let mut input = &mut bytes[..];
        match handshake.receive(&mut input, &mut head) {
            Ok(Some(response)) => {
                let mut seen = see(response);
                if seen.status == 101 {
                    seen.rest = input.to_vec();
                    seen.rest.extend(pieces[index + 1..].concat());
                }
                let is_after_eof = index == pieces.len();
                let verdict = if is_after_eof { Err(Failure::Eof) } else { Ok(()) };
                assert_eq!(handshake.poll(Duration::MAX), Next::End(verdict));
                let mut more = *b"more";
                let mut input = &mut more[..];
                assert!(handshake.receive(&mut input, &mut head).unwrap().is_none());
                assert_eq!(input, if is_after_eof { &b""[..] } else { b"more" });
                return Ok(Some(seen));
            }
            Ok(None) => assert!(input.is_empty(), "all input is taken"),
            Err(error) => {
                assert!(input.is_empty(), "all input is taken");
                assert_eq!(
                    handshake.poll(Duration::ZERO),
                    Next::End(Err(Failure::Handshake(error)))
                );
                let mut more = *b"HTTP/1.1 200 OK\r\n\r\n";
                let mut input = &mut more[..];
                assert_eq!(handshake.receive(&mut input, &mut head).unwrap_err(), error);
                assert!(input.is_empty(), "all input is taken");
                return Err(error);
            }
        }
    }
    let next = handshake.poll(Duration::ZERO);
    assert!(if has_eof {
        next == Next::End(Err(Failure::Eof))
    } else {
        matches!(next, Next::Wait(Some(_)))
    });
    Ok(None)
}

#[track_caller]
fn receive(bytes: &[u8]) -> Result<Option<Seen>, HandshakeError> {
    heads::in_every_partition(bytes, |pieces| {
        receive_pieces(HandshakeConfig::default(), pieces, false)
    })
}

#[track_caller]
fn receive_to_eof(bytes: &[u8]) -> Result<Option<Seen>, HandshakeError> {
    heads::in_every_partition(bytes, |pieces| {
        receive_pieces(HandshakeConfig::default(), pieces, true)
    })
}

/// A 101 with these field lines behind those that it needs.
fn switching_with(fields: &str) -> Vec<u8> {
    switching(&format!(
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n{fields}",
        accept()
    ))
}

fn switching(fields: &str) -> Vec<u8> {
    format!("HTTP/1.1 101 Switching Protocols\r\n{fields}\r\n").into_bytes()
}

#[track_caller]
fn accepts(bytes: &[u8]) -> Seen {
    let seen = receive(bytes).expect("no fault").expect("complete");
    assert!(seen.accepted.is_ok());
    assert_eq!((seen.status, &seen.body[..], seen.is_truncated), (101, &b""[..], false));
    seen
}

#[track_caller]
fn refuses(bytes: &[u8], error: HandshakeError) {
    assert_eq!(receive(bytes), Err(error), "{}", bytes.escape_ascii());
}

/// A response that refuses the upgrade: its body, and whether that is truncated.
#[track_caller]
fn refused(seen: Result<Option<Seen>, HandshakeError>, status: u16) -> (Vec<u8>, bool) {
    let seen = seen.expect("no fault").expect("complete");
    assert_eq!(seen.status, status);
    let error = UsageError::NotAnUpgrade(HandshakeError::UnexpectedStatus(status));
    assert_eq!(seen.accepted, Err(error));
    (seen.body, seen.is_truncated)
}

#[test]
fn client_sends_the_request() {
    let request = request()
        .subprotocol("mqtt")
        .fields(&[("Origin", "http://example.com"), ("Cookie", "a=b")]);
    let (text, _) = sent(request);
    let (before, rest) = text.split_once("\r\nSec-WebSocket-Key: ").unwrap();
    let (key, after) = rest.split_once("\r\n").unwrap();
    assert_eq!(
        before,
        "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13"
    );
    assert_eq!(
        after,
        "Sec-WebSocket-Protocol: mqtt, chat, superchat\r\nOrigin: http://example.com\r\nCookie: a=b\r\n\r\n"
    );
    assert_eq!(key.len(), 24);
    // The same seed makes the same request, another one another key.
    assert_eq!(sent(request).0, text);
    let mut other = Vec::new();
    ClientHandshake::new(request, [8; 32], &mut other).unwrap();
    assert_ne!(other, text.as_bytes());
}

#[test]
fn client_receives_subprotocols_row_29() {
    for (field, selected) in [
        ("", None),
        ("Sec-WebSocket-Protocol: chat\r\n", Some("chat")),
        ("sec-websocket-protocol:\tsuperchat \r\n", Some("superchat")),
    ] {
        assert_eq!(accepts(&switching_with(field)).accepted, Ok(selected.map(Into::into)));
    }
    for value in ["other", "Chat", "", "chat, superchat", "chat superchat", "cha"] {
        let field = format!("Sec-WebSocket-Protocol: {value}\r\n");
        refuses(&switching_with(&field), HandshakeError::SubprotocolNotOffered);
    }
    let twice = "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: chat\r\n";
    refuses(&switching_with(twice), HandshakeError::InvalidSubprotocols);
    // None was offered.
    let request = ClientRequest::new("ws://server.example.com/chat").unwrap();
    let mut handshake = ClientHandshake::new(request, SEED, &mut Vec::new()).unwrap();
    let mut bytes = switching_with("Sec-WebSocket-Protocol: chat\r\n");
    let mut head = Vec::new();
    let received = handshake.receive(&mut &mut bytes[..], &mut head);
    assert_eq!(received.unwrap_err(), HandshakeError::SubprotocolNotOffered);
}

/// With the feature `deflate` as well, for it is not asked for here.
#[test]
fn client_receives_extensions_row_30_90() {
    for value in [
        "permessage-deflate",
        "x; y=1",
        "a, a",
        "permessage-deflate\r\nSec-WebSocket-Extensions: b",
    ] {
        let field = format!("Sec-WebSocket-Extensions: {value}\r\n");
        refuses(&switching_with(&field), HandshakeError::ExtensionNotOffered);
    }
    for value in ["", ",", ";;", "a;", "a\r\nSec-WebSocket-Extensions: b;"] {
        let field = format!("Sec-WebSocket-Extensions: {value}\r\n");
        refuses(&switching_with(&field), HandshakeError::InvalidExtensions);
    }
}

#[test]
fn client_receives_names_of_the_same_length() {
    for (name, error) in [
        ("Upgrade", HandshakeError::NoUpgrade),
        ("Connection", HandshakeError::NoConnectionUpgrade),
        ("Sec-WebSocket-Accept", HandshakeError::InvalidAccept),
    ] {
        for at in 0..name.len() {
            let other = format!("{}z{}", &name[..at], &name[at + 1..]);
            let bytes = String::from_utf8(switching_with("")).unwrap();
            refuses(bytes.replace(&format!("{name}:"), &format!("{other}:")).as_bytes(), error);
        }
    }
}

#[track_caller]
fn is_refused(request: ClientRequest<'_>, error: UsageError) {
    let mut out = Vec::new();
    assert_eq!(ClientHandshake::new(request, SEED, &mut out).unwrap_err(), error, "{request:?}");
    assert!(out.is_empty());
}

#[test]
fn client_sends_no_bad_values_row_31() {
    for value in ["a\r\nb", "a\rb", "a\nb", "a\0b", "a\x1bb", "a\x7f", " a", "a\t"] {
        is_refused(request().fields(&[("X", value)]), UsageError::InvalidFieldValue);
        is_refused(request().subprotocol(value), UsageError::InvalidSubprotocol);
        assert_eq!(
            ClientRequest::from_parts("h", &format!("/{value}"), false).unwrap_err(),
            UsageError::InvalidUri
        );
        assert_eq!(
            ClientRequest::from_parts(value, "/", false).unwrap_err(),
            UsageError::InvalidUri
        );
    }
    for name in ["", "a b", "a:", "a\r\nb", "a\0", "\u{e9}"] {
        is_refused(request().fields(&[(name, "x")]), UsageError::InvalidFieldName);
    }
    for name in ["", "a,b", "a/b", "\u{e9}", "chat", "superchat"] {
        is_refused(request().subprotocol(name), UsageError::InvalidSubprotocol);
    }
    is_refused(request().subprotocols(&["a", "b", "a"]), UsageError::InvalidSubprotocol);
    let names: Vec<String> = (0..17).map(|at| format!("p{at}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    is_refused(request().subprotocols(&names), UsageError::TooManySubprotocols);
    is_refused(
        request().subprotocol("x").subprotocols(&names[1..]),
        UsageError::TooManySubprotocols,
    );
    assert!(sent(request().subprotocols(&names[1..])).0.contains("p1, p2, "));
}

#[test]
fn client_sends_no_reserved_fields_row_32() {
    for name in [
        "Host",
        "UPGRADE",
        "connection",
        "Content-Length",
        "Transfer-Encoding",
        "Sec-WebSocket-Key",
        "Sec-WebSocket-Accept",
        "sec-websocket-version",
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Extensions",
        "Sec-WebSocket-Anything",
    ] {
        is_refused(request().fields(&[(name, "x")]), UsageError::InvalidFieldName);
    }
}

#[test]
fn client_receives_bad_accept_row_33() {
    let right = accept();
    for value in [
        String::new(),
        right.to_lowercase(),
        right[1..].into(),
        right[..27].into(),
        format!("{right}="),
        format!("a{right}"),
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=".into(),
        format!("{right}, {right}"),
        format!("{right}\r\nSec-WebSocket-Accept: {right}"),
    ] {
        let fields = format!(
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {value}\r\n"
        );
        refuses(&switching(&fields), HandshakeError::InvalidAccept);
    }
    // All of it counts: one character wrong, at each place.
    for place in 0..right.len() {
        let mut value = right.clone().into_bytes();
        value[place] = if value[place] == b'x' { b'y' } else { b'x' };
        let value = String::from_utf8(value).unwrap();
        let fields = format!(
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {value}\r\n"
        );
        refuses(&switching(&fields), HandshakeError::InvalidAccept);
    }
    refuses(
        &switching("Upgrade: websocket\r\nConnection: Upgrade\r\n"),
        HandshakeError::InvalidAccept,
    );
}

#[test]
fn client_receives_no_upgrade_row_33() {
    let accept = accept();
    for (fields, error) in [
        ("Connection: Upgrade\r\n", HandshakeError::NoUpgrade),
        ("Upgrade: h2c\r\nConnection: Upgrade\r\n", HandshakeError::NoUpgrade),
        ("Upgrade: websocket\r\n", HandshakeError::NoConnectionUpgrade),
        ("Upgrade: websocket\r\nConnection: close\r\n", HandshakeError::NoConnectionUpgrade),
    ] {
        refuses(&switching(&format!("{fields}Sec-WebSocket-Accept: {accept}\r\n")), error);
    }
    for fields in [
        "Upgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n",
        "upgrade: websocket \t\r\nCONNECTION: upgrade\t \r\n",
    ] {
        accepts(&switching(&format!("{fields}Sec-WebSocket-Accept: {accept}  \r\n")));
    }
}

#[test]
fn client_receives_status_lines_row_33() {
    let fields =
        String::from_utf8(switching_with("")).unwrap().split_once("\r\n").unwrap().1.to_owned();
    for (line, error) in [
        ("HTTP/2.0 101 x", HandshakeError::UnsupportedHttpVersion),
        ("HTTP/2 101 x", HandshakeError::InvalidStartLine),
        ("HTTP/1.0 101 x", HandshakeError::NoUpgrade),
        ("HTTP/1.1 0101 x", HandshakeError::InvalidStartLine),
        ("HTTP/1.1 10 x", HandshakeError::InvalidStartLine),
        ("HTTP/1.1 1010 x", HandshakeError::InvalidStartLine),
        ("HTTP/1.1 001 x", HandshakeError::InvalidStartLine),
        ("HTTP/1.1 1a1 x", HandshakeError::InvalidStartLine),
        ("HTTP/1.1 +11 x", HandshakeError::InvalidStartLine),
        ("HTTP/1.1  101 x", HandshakeError::InvalidStartLine),
        ("HTTP/1.1\t101 x", HandshakeError::InvalidStartLine),
        ("HTTP/1.1 101\tx", HandshakeError::InvalidStartLine),
        ("HTTP/1.1", HandshakeError::InvalidStartLine),
        ("HTTP/1.1 ", HandshakeError::InvalidStartLine),
        (" HTTP/1.1 101 x", HandshakeError::InvalidStartLine),
        ("", HandshakeError::InvalidStartLine),
        ("HTTP/1.1 101 a\0b", HandshakeError::InvalidStartLine),
        ("HTTP/1.1 101 a\rb", HandshakeError::InvalidStartLine),
        ("HTTP/1.1 101 x\nA: b", HandshakeError::InvalidLineEnd),
    ] {
        refuses(format!("{line}\r\n{fields}").as_bytes(), error);
    }
    for (line, reason) in [
        ("HTTP/1.1 101 ", ""),
        ("HTTP/1.1 101", ""),
        ("HTTP/1.1 101 \u{e9} \t!", "\u{e9} \t!"),
        ("HTTP/1.9 101 Web Socket", "Web Socket"),
    ] {
        let seen = accepts(format!("{line}\r\n{fields}").as_bytes());
        assert_eq!(seen.reason, reason.as_bytes());
    }
}

#[test]
fn client_receives_faulty_heads_row_33() {
    for (line, error) in [
        ("A : b", HandshakeError::InvalidFieldName),
        (": b", HandshakeError::InvalidFieldName),
        ("A", HandshakeError::InvalidFieldName),
        ("A: b\r\n c", HandshakeError::FoldedLine),
        ("A: b\nC: d", HandshakeError::InvalidLineEnd),
        ("A: b\0", HandshakeError::InvalidFieldValue),
        ("A: b\rc", HandshakeError::InvalidFieldValue),
    ] {
        refuses(&switching_with(&format!("{line}\r\n")), error);
        refuses(format!("HTTP/1.1 200 OK\r\n{line}\r\n\r\n").as_bytes(), error);
    }
    refuses(&switching(&"X: y\r\n".repeat(65)), HandshakeError::TooManyFields);
    let endless = HandshakeError::HeadTooLong;
    refuses(&[b"HTTP/1.1 101 ", "x".repeat(20000).as_bytes()].concat(), endless);
    refuses(&[b"HTTP/1.1 101 x\r\nA: ", "x".repeat(20000).as_bytes()].concat(), endless);
    refuses(&b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n".repeat(1000), endless);
}

#[test]
fn client_receives_eof_at_every_byte_row_33() {
    let bytes = switching_with("");
    for len in 0..bytes.len() {
        assert_eq!(receive_pieces(HandshakeConfig::default(), &[&bytes[..len]], true), Ok(None));
    }
}

#[test]
fn client_receives_interim_responses_row_33() {
    let switching = switching_with("Sec-WebSocket-Protocol: chat\r\n");
    for before in [
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nSec-WebSocket-Protocol: x\r\n\r\nHTTP/1.1 199 \r\nA: b\r\n\r\n",
    ] {
        let seen = accepts(&[before.as_bytes(), &switching].concat());
        assert_eq!(seen.accepted, Ok(Some("chat".into())));
        assert_eq!(seen.fields.len(), 4);
        let refusal = b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone";
        let seen = receive(&[before.as_bytes(), refusal].concat());
        assert_eq!(refused(seen, 404), (b"none".to_vec(), false));
    }
}

#[test]
fn client_leaves_what_follows_a_101_row_33() {
    let mut bytes = switching_with("");
    bytes.extend(b"\x81\x05Hello");
    assert_eq!(accepts(&bytes).rest, b"\x81\x05Hello");
    // RFC 9110 §15.2: an interim response has no content; what declares one is ignored.
    for fields in
        ["Content-Length: 7\r\n", "Transfer-Encoding: chunked\r\n", "Content-Length: x\r\n"]
    {
        let mut bytes = switching_with(fields);
        bytes.extend(b"\x81\x05Hello");
        assert_eq!(accepts(&bytes).rest, b"\x81\x05Hello");
    }
}

#[test]
fn client_receives_refusals_row_33() {
    for status in [200, 204, 301, 302, 304, 401, 404, 407, 426, 503, 999] {
        let bytes = format!("HTTP/1.1 {status} why\r\nA: b\r\nContent-Length: 4\r\n\r\nbody more");
        let seen = receive(bytes.as_bytes()).unwrap().unwrap();
        assert_eq!(
            (&seen.reason[..], &seen.fields[0]),
            (&b"why"[..], &("A".into(), b"b".to_vec()))
        );
        assert_eq!(&seen.fields[1], &("Content-Length".into(), b"4".to_vec()));
        let expected: &[u8] = if matches!(status, 204 | 304) { b"" } else { b"body" };
        assert_eq!(refused(Ok(Some(seen)), status), (expected.to_vec(), false));
    }
    let head = "HTTP/1.1 503 \r\nContent-Length: ";
    for length in ["4, 4", "-1", "", "4\r\nContent-Length: 4", "18446744073709551616"] {
        let bytes = format!("{head}{length}\r\n\r\nbody");
        refuses(bytes.as_bytes(), HandshakeError::InvalidContentLength);
    }
    assert_eq!(receive(format!("{head}5\r\n\r\nbody").as_bytes()), Ok(None));
    let seen = receive_to_eof(format!("{head}5\r\n\r\nbody").as_bytes());
    assert_eq!(refused(seen, 503), (b"body".to_vec(), true));
    let seen = receive_to_eof(format!("{head}0\r\n\r\n").as_bytes());
    assert_eq!(refused(seen, 503), (b"".to_vec(), false));
}

#[test]
fn client_looks_fields_of_a_response_up() {
    let mut bytes = *b"HTTP/1.1 302 \r\nLocation: /a\r\nlocation: /b\r\nContent-Length: 0\r\n\r\n";
    let mut handshake = ClientHandshake::new(request(), SEED, &mut Vec::new()).unwrap();
    let mut head = Vec::new();
    let response = handshake.receive(&mut &mut bytes[..], &mut head).unwrap().unwrap();
    // The first of that name, in any case.
    assert_eq!(response.field("LOCATION"), Some(&b"/a"[..]));
    assert_eq!(response.field("content-length"), Some(&b"0"[..]));
    assert_eq!(response.field("Locatio"), None);
}

#[test]
fn client_receives_close_delimited_bodies_row_33() {
    for fields in [
        "",
        "Transfer-Encoding: gzip\r\nContent-Length: 2\r\n",
        "Transfer-Encoding: chunked, x\r\n",
    ] {
        let bytes = format!("HTTP/1.1 401 Unauthorized\r\n{fields}\r\nwho are you?");
        assert_eq!(receive(bytes.as_bytes()), Ok(None));
        assert_eq!(
            refused(receive_to_eof(bytes.as_bytes()), 401),
            (b"who are you?".to_vec(), false)
        );
    }
    assert_eq!(refused(receive_to_eof(b"HTTP/1.0 401 \r\n\r\n"), 401), (vec![], false));
}

#[test]
fn client_receives_chunked_bodies_row_33() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\nContent-Length: 3\r\n\r\n";
    for (chunks, body) in [
        ("0\r\n", ""),
        ("0\r\n\r\n", ""),
        ("5\r\nhello\r\n0\r\nTrailer: x\r\n\r\n", "hello"),
        (
            "5;a=\"b\"\r\nhello\r\n001 \t;c\r\n!\r\nA\r\n0123456789\r\n000\r\n\r\n",
            "hello!0123456789",
        ),
        ("0000000000000002\r\n\r\n\r\n0\r\n", "\r\n"),
        ("1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n", "abcdefghijklmnopqrstuvwxyz"),
    ] {
        let bytes = format!("{head}{chunks}");
        assert_eq!(refused(receive(bytes.as_bytes()), 200), (body.into(), false), "{chunks:?}");
    }
    let extension = "x".repeat(300);
    for (chunks, body) in [
        ("\r\n", ""),
        (";a\r\n", ""),
        ("g\r\n", ""),
        ("-1\r\n", ""),
        ("5\nhello\r\n", ""),
        ("5\r\rhello\r\n", ""),
        ("5;a\nhello\r\n", ""),
        ("00000000000000005\r\n", ""),
        ("5\r\nhello!\r\n", "hello"),
        ("5\r\nhello\n0\r\n", "hello"),
        ("5\r\nhello\r!", "hello"),
        ("1\r\na\r\n\r\n", "a"),
        (&format!("1\r\na\r\n0;{extension}\r\n"), "a"),
    ] {
        let bytes = format!("{head}{chunks}");
        assert_eq!(refused(receive(bytes.as_bytes()), 200), (body.into(), true), "{chunks:?}");
    }
    let bytes = format!("{head}ffffffffffffffff\r\nhello");
    assert_eq!(receive(bytes.as_bytes()), Ok(None));
    assert_eq!(refused(receive_to_eof(bytes.as_bytes()), 200), (b"hello".to_vec(), true));
}

#[test]
fn client_receives_bodies_up_to_the_limit_row_33() {
    let config = HandshakeConfig::default().body_limit(10);
    let run = |text: &str, has_eof| {
        heads::in_every_partition(text.as_bytes(), |pieces| receive_pieces(config, pieces, has_eof))
    };
    let length = |declared: u64, body: &str| {
        format!("HTTP/1.1 404 \r\nContent-Length: {declared}\r\n\r\n{body}")
    };
    assert_eq!(
        refused(run(&length(10, "0123456789"), false), 404),
        (b"0123456789".to_vec(), false)
    );
    assert_eq!(
        refused(run(&length(11, "0123456789a"), false), 404),
        (b"0123456789".to_vec(), true)
    );
    assert_eq!(
        refused(run(&length(u64::MAX, "0123456789abc"), false), 404),
        (b"0123456789".to_vec(), true)
    );
    assert_eq!(
        refused(run("HTTP/1.1 404 \r\n\r\n0123456789", true), 404),
        (b"0123456789".to_vec(), false)
    );
    assert_eq!(
        refused(run("HTTP/1.1 404 \r\n\r\n0123456789a", true), 404),
        (b"0123456789".to_vec(), true)
    );
    let chunked = "HTTP/1.1 404 \r\nTransfer-Encoding: chunked\r\n\r\n7\r\n0123456\r\n";
    assert_eq!(
        refused(run(&format!("{chunked}3\r\n789\r\n0\r\n"), false), 404),
        (b"0123456789".to_vec(), false)
    );
    assert_eq!(
        refused(run(&format!("{chunked}9\r\n789abcdef\r\n"), false), 404),
        (b"0123456789".to_vec(), true)
    );
    // The default.
    let long = format!("HTTP/1.1 404 \r\n\r\n{}", "x".repeat(70_000));
    assert_eq!(refused(receive(long.as_bytes()), 404), (vec![b'x'; 65536], true));
}

#[test]
fn client_stores_responses_in_fixed_storage_rows_98_104() {
    let head = b"HTTP/1.1 404 \r\nContent-Length: 10\r\n\r\n";
    for size in 0..head.len() + 12 {
        let mut storage = vec![0; size];
        let mut kept = SliceOutput::new(&mut storage);
        let mut handshake = ClientHandshake::new(request(), SEED, &mut Vec::new()).unwrap();
        let mut bytes = [head, &b"0123456789"[..]].concat();
        let mut outcome = None;
        for piece in bytes.chunks_mut(3) {
            let mut input = piece;
            match handshake.receive(&mut input, &mut kept) {
                Ok(None) => {}
                Ok(Some(response)) => {
                    outcome = Some(Ok(see(response)));
                    break;
                }
                Err(error) => {
                    outcome = Some(Err(error));
                    break;
                }
            }
        }
        match outcome.expect("an outcome") {
            Ok(seen) => {
                assert!(size >= head.len());
                let len = (size - head.len()).min(10);
                assert_eq!(refused(Ok(Some(seen)), 404), (b"0123456789"[..len].to_vec(), len < 10));
            }
            Err(error) => {
                assert!(size < head.len());
                assert_eq!(error, HandshakeError::StorageFull);
            }
        }
    }
    // A head in the input needs no storage, nor does what came of the body with it.
    let mut handshake = ClientHandshake::new(request(), SEED, &mut Vec::new()).unwrap();
    let mut bytes = [head, &b"0123"[..]].concat();
    let mut kept = SliceOutput::new(&mut []);
    let seen = handshake.receive(&mut &mut bytes[..], &mut kept).map(|response| response.map(see));
    assert_eq!(refused(seen, 404), (b"0123".to_vec(), true));
}

#[test]
fn client_fails_at_the_deadline_row_103() {
    let over = Next::End(Err(Failure::TimedOut(Timeout::Opening)));
    let start = Duration::from_secs(5);
    let deadline = start + Duration::from_secs(10);
    for (bytes, has_response) in [("HTTP/1.1 40", false), ("HTTP/1.1 404 \r\n\r\nbo", true)] {
        let mut handshake = ClientHandshake::new(request(), SEED, &mut Vec::new()).unwrap();
        let mut head = Vec::new();
        assert_eq!(handshake.poll(start), Next::Wait(Some(deadline)));
        let mut bytes = bytes.to_owned().into_bytes();
        assert!(handshake.receive(&mut &mut bytes[..], &mut head).unwrap().is_none());
        assert_eq!(handshake.poll(Duration::ZERO), Next::Wait(Some(deadline)));
        assert_eq!(handshake.poll(deadline), over);
        let response = handshake.receive(&mut &mut [][..], &mut head).unwrap().map(see);
        assert_eq!(response.is_some(), has_response);
        if response.is_some() {
            assert_eq!(refused(Ok(response), 404), (b"bo".to_vec(), true));
        }
        let mut more = *b"more";
        assert!(handshake.receive(&mut &mut more[..], &mut head).unwrap().is_none());
        assert_eq!(handshake.poll(start), over);
    }
}

#[test]
fn debug_output_holds_no_secrets_row_111() {
    let mut out = Vec::new();
    let handshake = ClientHandshake::new(request(), SEED, &mut out).unwrap();
    let text = format!("{handshake:?} {:?}", Negotiated::client(SEED));
    assert!(
        text.contains("HandshakeSecret { .. }") && text.contains("MaskingKeys { .. }"),
        "{text}"
    );
}

#[test]
fn client_takes_uris_row_121() {
    for (uri, host, port, is_secure, target, field) in [
        ("ws://example.com/chat", "example.com", 80, false, "/chat", "example.com"),
        ("wss://example.com/chat?a=b", "example.com", 443, true, "/chat?a=b", "example.com"),
        ("ws://h", "h", 80, false, "/", "h"),
        ("ws://h/", "h", 80, false, "/", "h"),
        ("ws://h?x", "h", 80, false, "/?x", "h"),
        ("ws://h?", "h", 80, false, "/?", "h"),
        ("WS://Example.COM/A", "Example.COM", 80, false, "/A", "Example.COM"),
        ("wSs://h:443/", "h", 443, true, "/", "h"),
        ("ws://h:80/", "h", 80, false, "/", "h"),
        ("ws://h:443/", "h", 443, false, "/", "h:443"),
        ("ws://h:/", "h", 80, false, "/", "h"),
        ("ws://h:65535/", "h", 65535, false, "/", "h:65535"),
        ("ws://[::1]/", "::1", 80, false, "/", "[::1]"),
        ("ws://[2001:DB8::7]:8080/", "2001:DB8::7", 8080, false, "/", "[2001:DB8::7]:8080"),
        ("ws://192.0.2.1:8080/", "192.0.2.1", 8080, false, "/", "192.0.2.1:8080"),
        (
            "ws://h/a:b@c;d=e,f+g!$&'()*~/%20?x/y?z",
            "h",
            80,
            false,
            "/a:b@c;d=e,f+g!$&'()*~/%20?x/y?z",
            "h",
        ),
    ] {
        let request = ClientRequest::new(uri).unwrap();
        assert_eq!(
            (request.host(), request.port(), request.is_secure()),
            (host, port, is_secure),
            "{uri}"
        );
        let (text, _) = sent(request);
        let start = format!("GET {target} HTTP/1.1\r\nHost: {field}\r\n");
        assert!(text.starts_with(&start), "{uri}: {text}");
    }
    for uri in [
        "",
        "example.com",
        "/chat",
        "http://h/",
        "wsss://h/",
        "ws:h",
        "ws:/h",
        "ws://",
        "ws:///chat",
        "ws://:80/",
        "ws://?x",
        "ws://user@h/",
        "ws://user:password@h/",
        "ws://h#f",
        "ws://h/#",
        "ws://h/a#f",
        "ws://h/?x#f",
        "ws://h:0/",
        "ws://h:65536/",
        "ws://h:+1/",
        "ws://h:-1/",
        "ws://h:x/",
        "ws://h:1:2/",
        "ws://h /",
        "ws://h/a b",
        "ws://h/\u{e9}",
        "ws://\u{e9}/",
        "ws://h/%",
        "ws://h/%2",
        "ws://h/%2z",
        "ws://h/%z2",
        "ws://h/%zz",
        "ws://h/a\\b",
        "ws://h/[a]",
        "ws://h/\"",
        "ws://[::1/",
        "ws://[::1]a/",
        "ws://[fe80::1%25eth0]/",
        "ws://::1/",
        " ws://h/",
    ] {
        assert_eq!(ClientRequest::new(uri).unwrap_err(), UsageError::InvalidUri, "{uri}");
    }
    let request = ClientRequest::from_parts("[::1]:8080", "/a?b", true).unwrap();
    assert_eq!((request.host(), request.port(), request.is_secure()), ("::1", 8080, true));
    assert!(ClientRequest::from_parts("h", "", false).is_ok());
    assert!(ClientRequest::from_parts("h", "a", false).is_err());
    assert!(ClientRequest::from_parts("h/", "/a", false).is_err());
}

#[test]
fn client_sends_whole_requests_or_nothing() {
    let (text, _) = sent(request());
    for size in 0..text.len() {
        let mut storage = vec![0; size];
        let mut out = SliceOutput::new(&mut storage);
        let full = UsageError::OutputFull { needed: text.len() };
        assert_eq!(ClientHandshake::new(request(), SEED, &mut out).unwrap_err(), full);
        assert!(out.written().is_empty());
    }
    let mut storage = vec![0; text.len()];
    let mut out = SliceOutput::new(&mut storage);
    assert!(ClientHandshake::new(request(), SEED, &mut out).is_ok());
    assert_eq!(out.written(), text.as_bytes());
}
