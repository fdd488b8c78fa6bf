//! Properties of the opening handshakes, for whatever heads come and whatever callers add to their own.
//! `PROPTEST_CASES` sets how many are tried.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

#[path = "common/cases.rs"]
mod cases;

use core::time::Duration;
use std::collections::BTreeSet;

use cases::{any_cuts, cases, pieces};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use websocket_proto::{
    Accept, ChunkEvent, ClientHandshake, ClientRequest, Config, Connection, Failure,
    HandshakeConfig, HandshakeError, Next, ServerHandshake, SliceOutput, Timeout, UsageError,
};

const SEED: [u8; 32] = [7; 32];

/// The request of RFC 6455 §1.2.
const REQUEST: [&str; 5] = [
    "Host: server.example.com",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
];

type Fields = Vec<(String, Vec<u8>)>;

/// What a server makes of some bytes.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "a test holds few of them")]
enum Served {
    /// It asks for more.
    Nothing,
    Request {
        line: (String, String, String, Option<String>),
        fields: Fields,
        subprotocols: Vec<String>,
        extensions: Vec<String>,
        answer: Result<Vec<u8>, UsageError>,
        rest: Vec<u8>,
    },
    Refused(HandshakeError),
}

fn serve(config: HandshakeConfig, pieces: &[Vec<u8>]) -> Served {
    let mut handshake = ServerHandshake::new(config);
    let mut storage = vec![0; pieces.concat().len()];
    let mut head = SliceOutput::new(&mut storage);
    for (index, piece) in pieces.iter().enumerate() {
        let mut piece = piece.clone();
        let mut input = &mut piece[..];
        match handshake.receive(&mut input, &mut head) {
            Ok(None) => assert!(input.is_empty(), "all input is taken"),
            Ok(Some(mut request)) => {
                let (mut storage, mut out) = ([0; 500], Vec::new());
                let mut answer = SliceOutput::new(&mut storage);
                let answered = request.accept(Accept::new(), &mut answer);
                assert_eq!(answered.is_ok(), request.is_upgrade());
                assert_eq!(request.check_upgrade().is_ok(), request.is_upgrade());
                out.extend_from_slice(answer.written());
                return Served::Request {
                    line: (
                        request.method().to_owned(),
                        request.target().to_owned(),
                        request.path().to_owned(),
                        request.query().map(ToOwned::to_owned),
                    ),
                    fields: owned(request.fields()),
                    subprotocols: request.subprotocols().map(ToOwned::to_owned).collect(),
                    extensions: request.extensions().map(|it| it.name().to_owned()).collect(),
                    answer: answered.map(|_| out),
                    rest: [input.to_vec(), pieces[index + 1..].concat()].concat(),
                };
            }
            Err(error) => {
                assert!(input.is_empty(), "all input is taken");
                assert_eq!(
                    handshake.poll(Duration::ZERO),
                    Next::End(Err(Failure::Handshake(error)))
                );
                return Served::Refused(error);
            }
        }
    }
    handshake.receive_eof();
    assert_eq!(handshake.poll(Duration::ZERO), Next::End(Err(Failure::Eof)));
    Served::Nothing
}

/// What a client makes of some bytes.
#[derive(Clone, Debug, PartialEq)]
enum Answered {
    /// It asks for more.
    Nothing,
    Response {
        status: u16,
        reason: Vec<u8>,
        fields: Fields,
        body: Vec<u8>,
        is_truncated: bool,
        accepted: Result<Option<String>, UsageError>,
        /// The bytes behind a 101.
        rest: Vec<u8>,
    },
    Refused(HandshakeError),
}

fn answer(config: HandshakeConfig, pieces: &[Vec<u8>], has_eof: bool) -> Answered {
    let mut sent = [0; 1000];
    let request =
        ClientRequest::new("ws://server.example.com/chat").unwrap().subprotocols(&["chat", "soap"]);
    let mut handshake =
        ClientHandshake::with_config(config, request, SEED, &mut SliceOutput::new(&mut sent))
            .unwrap();
    let mut storage = vec![0; pieces.concat().len()];
    let mut head = SliceOutput::new(&mut storage);
    let eof = has_eof.then(Vec::new);
    for (index, piece) in pieces.iter().chain(&eof).enumerate() {
        if index == pieces.len() {
            handshake.receive_eof();
        }
        let mut piece = piece.clone();
        let mut input = &mut piece[..];
        match handshake.receive(&mut input, &mut head) {
            Ok(None) => assert!(input.is_empty(), "all input is taken"),
            Ok(Some(mut response)) => {
                let accepted = response.accept();
                let rest = match accepted {
                    Ok(_) => [input.to_vec(), pieces[index + 1..].concat()].concat(),
                    Err(_) => Vec::new(),
                };
                return Answered::Response {
                    status: response.status(),
                    reason: response.reason().to_vec(),
                    fields: owned(response.fields()),
                    body: response.body().to_vec(),
                    is_truncated: response.body_is_truncated(),
                    accepted: accepted.map(|it| it.subprotocol().map(ToOwned::to_owned)),
                    rest,
                };
            }
            Err(error) => {
                assert!(input.is_empty(), "all input is taken");
                return Answered::Refused(error);
            }
        }
    }
    Answered::Nothing
}

fn owned<'b>(fields: impl Iterator<Item = (&'b str, &'b [u8])>) -> Fields {
    fields.map(|(name, value)| (name.to_owned(), value.to_vec())).collect()
}

/// A field line, good or not.
fn line() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => select(&[
            "Sec-WebSocket-Protocol: chat, superchat",
            "sec-websocket-protocol: soap",
            "Sec-WebSocket-Extensions: a;b=\"c\" , d",
            "Origin: http://example.com",
            "Connection: keep-alive",
            "Upgrade: h2c",
            "Content-Length: 0",
            "Content-Length: 12",
            "Transfer-Encoding: chunked",
            "Host: h",
            "Sec-WebSocket-Version: 8",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
            "Sec-WebSocket-Extensions: ;",
            "Sec-WebSocket-Protocol:",
            " folded",
            "no colon",
        ][..]).prop_map(|line| line.as_bytes().to_vec()),
        4 => ("[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}", "[ \t]{0,2}[\t -~é]{0,20}").prop_map(|(name, value)| format!("{name}:{value}").into_bytes()),
        1 => vec(any::<u8>(), 0..20),
    ]
}

/// Field lines with their ends.
fn joined<T: AsRef<str>>(fields: &[T]) -> String {
    fields.iter().flat_map(|field| [field.as_ref(), "\r\n"]).collect()
}

/// Nearly all of them with the right end.
fn lines() -> impl Strategy<Value = Vec<u8>> {
    let end = prop_oneof![30 => Just("\r\n"), 1 => select(&["\n", "\r", "", "\r\r\n"][..])];
    vec((line(), end), 0..4).prop_map(|lines| {
        lines.into_iter().flat_map(|(line, end)| [&line, end.as_bytes()].concat()).collect()
    })
}

/// A byte that is another on the way, or not.
fn slip() -> impl Strategy<Value = Option<(Index, u8)>> {
    proptest::option::weighted(0.2, any::<(Index, u8)>())
}

fn with_slip(mut bytes: Vec<u8>, slip: Option<(Index, u8)>) -> Vec<u8> {
    if let Some((at, byte)) = slip {
        *at.get_mut(&mut bytes) = byte;
    }
    bytes
}

/// What a server may be sent: a request for an upgrade with one thing or another about it, and what is behind it.
fn request() -> impl Strategy<Value = Vec<u8>> {
    let start = prop_oneof![
        8 => Just("GET /chat?a=b HTTP/1.1\r\n".to_owned()),
        1 => select(&["", "\r\n", "\r\n\r\nGET / HTTP/1.1\r\n", "HEAD / HTTP/1.1\r\n", "GET / HTTP/1.0\r\n", "GET /\r\n"][..])
            .prop_map(ToOwned::to_owned),
        1 => "[A-Z]{0,6} [ -~]{0,20} HTTP/[0-9.]{3}\r\n",
    ];
    let fields = proptest::sample::subsequence(REQUEST.to_vec(), 4..=5).prop_shuffle();
    (start, fields, lines(), vec(any::<u8>(), 0..20), slip()).prop_map(
        |(start, fields, lines, behind, slip)| {
            let fields = joined(&fields);
            let head = [start.as_bytes(), fields.as_bytes(), &lines, b"\r\n", &behind].concat();
            with_slip(head, slip)
        },
    )
}

/// What a client may be sent.
fn response() -> impl Strategy<Value = Vec<u8>> {
    let interim =
        prop_oneof![4 => Just(""), 1 => Just("HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n")];
    let start = prop_oneof![
        3 => Just("HTTP/1.1 101 Switching Protocols\r\n".to_owned()),
        3 => "HTTP/1\\.1 [2-5]0[0-9] [ -~]{0,9}\r\n",
        1 => "HTTP/[0-2.]{3} [0-9 ]{2,4}[ -~]{0,9}\r\n",
    ];
    let fields = proptest::sample::subsequence(
        vec![
            "Upgrade: websocket".to_owned(),
            "Connection: Upgrade".to_owned(),
            format!("Sec-WebSocket-Accept: {}", accept_of_seed()),
        ],
        2..=3,
    );
    let more = prop_oneof![
        Just(""),
        Just("Content-Length: 9\r\n"),
        Just("Transfer-Encoding: chunked\r\n"),
        Just("Sec-WebSocket-Protocol: soap\r\n"),
    ];
    let behind = prop_oneof![
        Just(b"5\r\nhello\r\n3;x=y\r\nyou\r\n0\r\n\r\n".to_vec()),
        vec(any::<u8>(), 0..40)
    ];
    (interim, start, fields, more, lines(), behind, slip()).prop_map(
        |(interim, start, fields, more, lines, behind, slip)| {
            let fields = joined(&fields);
            let head = [interim, &start, &fields, more].concat();
            with_slip([head.as_bytes(), &lines, b"\r\n", &behind].concat(), slip)
        },
    )
}

/// What answers the key that a client makes of `SEED`.
fn accept_of_seed() -> String {
    let mut sent = [0; 1000];
    let mut out = SliceOutput::new(&mut sent);
    let request = ClientRequest::new("ws://server.example.com/chat").unwrap();
    let _ = ClientHandshake::new(request, SEED, &mut out).unwrap();
    let text = core::str::from_utf8(out.written()).unwrap();
    let (_, rest) = text.split_once("\r\nSec-WebSocket-Key: ").unwrap();
    let accept = websocket_proto::accept_key(rest.as_bytes().first_chunk().unwrap());
    String::from_utf8(accept.to_vec()).unwrap()
}

fn limits() -> impl Strategy<Value = HandshakeConfig> {
    let bytes = prop_oneof![4 => Just(16384_usize), 1 => 1..400_usize];
    let fields = prop_oneof![4 => Just(64_usize), 1 => 1..9_usize];
    (bytes, fields, prop_oneof![Just(65536), 0..40_usize]).prop_map(|(bytes, fields, body)| {
        let config = HandshakeConfig::default().body_limit(body);
        config.head_limit(bytes).unwrap().field_limit(fields).unwrap()
    })
}

/// What a caller may say, harmless or meant to end a line and begin another.
fn said() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-zA-Z0-9-]{1,8}",
        2 => "[ -~]{0,8}",
        1 => "\\PC{0,4}",
        1 => ("[a-z]{0,3}", select(&["\r\n", "\n", "\r", "\0", "\t", "\r\n\r\n", ": ", "\u{85}", "\u{2028}"][..]), "[a-z]{0,3}")
            .prop_map(|(one, bad, two)| format!("{one}{bad}{two}")),
    ]
}

fn said_fields() -> impl Strategy<Value = Vec<(String, String)>> {
    vec((said(), said()), 0..3)
}

fn borrowed(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields.iter().map(|(name, value)| (&**name, &**value)).collect()
}

/// The lines of a head, of which each but the first is a name, a colon, a blank and a value, and what is behind it.
fn naive_lines(head: &[u8]) -> (Vec<String>, Vec<u8>) {
    let end = head.windows(4).position(|four| four == b"\r\n\r\n").expect("an empty line");
    let text = String::from_utf8(head[..end].to_vec()).expect("text");
    let lines: Vec<String> = text.split("\r\n").map(ToOwned::to_owned).collect();
    for line in &lines {
        assert!(!line.contains(|it| it < ' ' && it != '\t' || it == '\x7F'), "{line:?}");
    }
    for line in &lines[1..] {
        let (name, _) = line.split_once(": ").expect("a field");
        assert!(!name.is_empty() && !name.contains(' '), "{line:?}");
    }
    (lines, head[end + 4..].to_vec())
}

proptest! {
    #![proptest_config(cases(256, "proptest-regressions/handshake_properties.txt"))]

    /// Any partition of whatever a client sends comes to the same.
    #[test]
    fn requests_in_any_split_rows_27_108(bytes in request(), config in limits(), at in any_cuts()) {
        let whole = serve(config, core::slice::from_ref(&bytes));
        prop_assert_eq!(serve(config, &pieces(&bytes, &at)), whole);
    }

    /// Any partition of whatever a server sends comes to the same.
    #[test]
    fn responses_in_any_split_rows_33_108(bytes in response(), config in limits(), at in any_cuts(), eof: bool) {
        let whole = answer(config, core::slice::from_ref(&bytes), eof);
        prop_assert_eq!(answer(config, &pieces(&bytes, &at), eof), whole);
    }

    /// What is told of a request does not depend on what comes behind it: of its start, nothing or the same is told.
    #[test]
    fn requests_are_judged_once_row_28(bytes in request(), config in limits(), at: Index) {
        let whole = serve(config, core::slice::from_ref(&bytes));
        let (start, behind) = bytes.split_at(at.index(bytes.len() + 1));
        let mut told = serve(config, &[start.to_vec()]);
        if let Served::Request { rest, .. } = &mut told {
            rest.extend_from_slice(behind);
        }
        prop_assert!(told == Served::Nothing || told == whole, "{told:?}, {whole:?}");
    }

    /// A client and a server agree on what both offer, whatever the pieces, and frames may follow at once.
    #[test]
    fn client_and_server_agree_rows_21_28_29(
        host in prop_oneof!["[a-z]{1,10}(\\.[a-z]{1,5}){0,2}", Just("192.0.2.1".to_owned()), Just("[2001:db8::7]".to_owned())],
        port in proptest::option::of(1..=u16::MAX),
        path in "(/[a-zA-Z0-9._~-]{0,8}){0,3}",
        query in proptest::option::of("[a-z=&/?]{0,10}"),
        is_secure: bool,
        subprotocols in btree_set("[a-zA-Z0-9.-]{1,10}", 0..=16),
        selected: Option<Index>,
        fields in vec(("X-[A-Za-z]{1,8}", "([!-~]([ -~é]{0,10}[!-~])?)?"), 0..4),
        up in any_cuts(),
        down in any_cuts(),
        seed: [u8; 32],
    ) {
        let query_part = query.as_deref().map_or(String::new(), |query| format!("?{query}"));
        let port_part = port.map_or(String::new(), |port| format!(":{port}"));
        let scheme = if is_secure { "wss" } else { "ws" };
        let uri = format!("{scheme}://{host}{port_part}{path}{query_part}");
        let subprotocols: Vec<&str> = subprotocols.iter().map(String::as_str).collect();
        let selected = selected.filter(|_| !subprotocols.is_empty()).map(|at| *at.get(&subprotocols));
        let fields = borrowed(&fields);

        // The request.
        let asked = ClientRequest::new(&uri).unwrap().subprotocols(&subprotocols).fields(&fields);
        prop_assert_eq!(asked.port(), port.unwrap_or(if is_secure { 443 } else { 80 }));
        let mut sent = [0; 2000];
        let mut out = SliceOutput::new(&mut sent);
        let mut client = ClientHandshake::new(asked, seed, &mut out).unwrap();

        // The response, and a message right behind it.
        let mut storage = [0; 2000];
        let mut head = SliceOutput::new(&mut storage);
        let mut answered = [0; 2000];
        let mut answer = SliceOutput::new(&mut answered);
        let mut server = ServerHandshake::new(HandshakeConfig::default());
        let mut accepted = None;
        for mut piece in pieces(out.written(), &up) {
            let mut input = &mut piece[..];
            let Some(mut request) = server.receive(&mut input, &mut head).unwrap() else { continue };
            prop_assert!(input.is_empty());
            prop_assert_eq!(request.path(), if path.is_empty() { "/" } else { &path });
            prop_assert_eq!(request.query(), query.as_deref());
            let default = if is_secure { 443 } else { 80 };
            let port_part = port.filter(|port| *port != default).map_or(String::new(), |port| format!(":{port}"));
            let authority = format!("{host}{port_part}");
            prop_assert_eq!(request.field("HOST"), Some(authority.as_bytes()));
            prop_assert_eq!(request.subprotocols().collect::<Vec<_>>(), &subprotocols[..]);
            let added: Vec<_> = request.fields().filter(|(name, _)| name.starts_with("X-")).collect();
            let expected: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
            prop_assert_eq!(added, expected);
            let negotiated = request.accept(Accept::new().subprotocol(selected).fields(&fields), &mut answer).unwrap();
            prop_assert_eq!(negotiated.subprotocol(), selected);
            accepted = Some(Connection::open(negotiated, Config::default()));
            break;
        }
        let mut server = accepted.expect("a request");
        server.send_text("first", &mut answer).unwrap();

        // What the client makes of it.
        let mut storage = [0; 2000];
        let mut head = SliceOutput::new(&mut storage);
        let mut opened = None;
        let mut behind = Vec::new();
        for mut piece in pieces(answer.written(), &down) {
            let mut input = &mut piece[..];
            if opened.is_none() {
                if let Some(mut response) = client.receive(&mut input, &mut head).unwrap() {
                    let added: Vec<_> = response.fields().filter(|(name, _)| name.starts_with("X-")).collect();
                    let expected: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
                    prop_assert_eq!(added, expected);
                    let negotiated = response.accept().unwrap();
                    prop_assert_eq!(negotiated.subprotocol(), selected);
                    opened = Some(Connection::open(negotiated, Config::default()));
                }
            }
            behind.extend_from_slice(input);
        }
        let mut client = opened.expect("a response");
        let mut seen = Vec::new();
        let mut input = &mut behind[..];
        while let Some(event) = client.receive(&mut input, &mut SliceOutput::new(&mut [])) {
            let ChunkEvent::Data(chunk) = event else { panic!("{event:?}") };
            seen.extend_from_slice(chunk.payload);
        }
        prop_assert_eq!(seen, b"first");
    }

    /// Whatever a client's caller adds, the request has the lines it is to have, or there is none.
    #[test]
    fn client_sends_no_line_of_anybody_elses_rows_31_32(
        host in said(), target in said(), subprotocols in vec(said(), 0..3), fields in said_fields(), is_secure: bool,
    ) {
        let target = format!("/{target}");
        let Ok(request) = ClientRequest::from_parts(&host, &target, is_secure) else { return Ok(()) };
        let (names, fields) = (subprotocols.iter().map(String::as_str).collect::<Vec<_>>(), borrowed(&fields));
        let mut sent = [0; 1000];
        let mut out = SliceOutput::new(&mut sent);
        let made = ClientHandshake::new(request.subprotocols(&names).fields(&fields), SEED, &mut out);
        if made.is_err() {
            prop_assert_eq!(out.written(), b"");
            return Ok(());
        }
        let (lines, behind) = naive_lines(out.written());
        prop_assert_eq!(&lines[0], &format!("GET {target} HTTP/1.1"));
        prop_assert_eq!(behind, b"");
        let mut expected: Vec<String> = fields.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        if !names.is_empty() {
            expected.insert(0, format!("Sec-WebSocket-Protocol: {}", names.join(", ")));
        }
        prop_assert_eq!(&lines[6..], expected);
        let fixed: BTreeSet<&str> = lines[1..6].iter().map(|line| line.split_once(':').unwrap().0).collect();
        let all = ["Connection", "Host", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Upgrade"];
        prop_assert_eq!(fixed, BTreeSet::from(all));
    }

    /// The same of a server's response, whether it accepts or rejects.
    #[test]
    fn server_sends_no_line_of_anybody_elses_rows_31_32(
        fields in said_fields(),
        status in prop_oneof![select(&[101, 199, 200, 204, 205, 304, 404, 405, 426, 599, 600][..]), any::<u16>()],
        body in vec(any::<u8>(), 0..20),
        accepts: bool,
    ) {
        let fields = borrowed(&fields);
        let mut bytes = format!("GET / HTTP/1.1\r\n{}\r\n\r\n", REQUEST.join("\r\n")).into_bytes();
        let mut server = ServerHandshake::new(HandshakeConfig::default());
        let mut head = SliceOutput::new(&mut []);
        let mut input = &mut bytes[..];
        let mut request = server.receive(&mut input, &mut head).unwrap().unwrap();
        let mut sent = [0; 1000];
        let mut out = SliceOutput::new(&mut sent);
        let result = if accepts {
            request.accept(Accept::new().fields(&fields), &mut out).map(|_| ())
        } else {
            request.reject(status, &fields, &body, &mut out)
        };
        if let Err(error) = result {
            prop_assert_eq!(out.written(), b"");
            prop_assert!(matches!(
                error,
                UsageError::InvalidStatus | UsageError::InvalidFieldName | UsageError::InvalidFieldValue
            ));
            return Ok(());
        }
        let (lines, behind) = naive_lines(out.written());
        let added: Vec<String> = fields.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let (status, of_ours) = if accepts {
            prop_assert_eq!(behind, b"");
            (101, 3)
        } else {
            prop_assert_eq!(&behind, &body);
            let length = format!("Content-Length: {}", body.len());
            let has_length = lines.last() == Some(&length);
            prop_assert_eq!(has_length, !matches!(status, 204 | 304));
            let has_allow = fields.iter().any(|(name, _)| name.eq_ignore_ascii_case("allow"));
            let special = match status { 405 if !has_allow => 1, 426 => 2, _ => 0 };
            (status, 1 + usize::from(has_length) + special)
        };
        let line = format!("HTTP/1.1 {status} ");
        prop_assert!(lines[0].starts_with(&line), "{lines:?}");
        prop_assert_eq!(lines.len(), 1 + of_ours + added.len());
        for line in added {
            prop_assert!(lines.contains(&line), "{lines:?}");
        }
    }

    /// A head is taken up to the limits, and not a byte or a field above them.
    #[test]
    fn limits_on_heads_are_kept_rows_25_26(
        count in 0_usize..20, len in 0_usize..200, spare in -3_isize..4, more in -2_isize..3, at in any_cuts(),
    ) {
        let fields = format!("{}Y: {}\r\n", "X: y\r\n".repeat(count), "y".repeat(len));
        let head = format!("GET / HTTP/1.1\r\n{}\r\n{fields}\r\n", REQUEST.join("\r\n"));
        let limit = head.len().checked_add_signed(spare).unwrap();
        let field_limit = (count + 6).checked_add_signed(more).unwrap();
        let config = HandshakeConfig::default().head_limit(limit).unwrap().field_limit(field_limit).unwrap();
        let served = serve(config, &pieces(head.as_bytes(), &at));
        // Whichever comes first: the end of a field too many, or a byte too many.
        let end_of_excess = head.match_indices("\r\n").nth(field_limit + 1).map(|(at, _)| at + 2);
        if more < 0 && end_of_excess.is_some_and(|end| end <= limit) {
            prop_assert_eq!(served, Served::Refused(HandshakeError::TooManyFields));
        } else if spare < 0 {
            prop_assert_eq!(served, Served::Refused(HandshakeError::HeadTooLong));
        } else {
            let Served::Request { fields, answer, .. } = served else { panic!("{served:?}") };
            prop_assert!(answer.is_ok());
            prop_assert_eq!(fields.len(), count + 6);
        }
    }

    /// The body of a refusal is put together again, however it is framed and cut, up to the limit.
    #[test]
    fn bodies_are_put_together_row_33(
        content in vec(any::<u8>(), 0..300), chunks in any_cuts(), framing in 0..3, limit in 0_usize..400,
        extension in "(;[a-z]{1,4}(=[a-z]{1,4})?){0,2}", zeros in "0{0,4}", at in any_cuts(),
    ) {
        let mut bytes = b"HTTP/1.1 404 Not Found\r\n".to_vec();
        match framing {
            0 => bytes.extend(format!("Content-Length: {}\r\n\r\n", content.len()).into_bytes()),
            1 => bytes.extend(b"Transfer-Encoding: chunked\r\n\r\n"),
            _ => bytes.extend(b"\r\n"),
        }
        if framing == 1 {
            for chunk in pieces(&content, &chunks).iter().filter(|chunk| !chunk.is_empty()) {
                bytes.extend(format!("{zeros}{:x}{extension}\r\n", chunk.len()).into_bytes());
                bytes.extend(chunk);
                bytes.extend(b"\r\n");
            }
            bytes.extend(format!("{zeros}0{extension}\r\n\r\n").into_bytes());
        } else {
            bytes.extend(&content);
        }
        let config = HandshakeConfig::default().body_limit(limit);
        let answered = answer(config, &pieces(&bytes, &at), framing == 2);
        let Answered::Response { status, body, is_truncated, .. } = answered else { panic!("{answered:?}") };
        prop_assert_eq!(status, 404);
        prop_assert_eq!(&body[..], &content[..content.len().min(limit)]);
        prop_assert_eq!(is_truncated, content.len() > limit);
    }

    /// The timer starts with the first poll and ends at its time, whatever comes in between.
    #[test]
    fn opening_handshakes_end_in_time_row_103(
        start in 0_u64..1000, timeout in 1_u64..100, steps in vec((0_u64..30, any::<bool>()), 1..30),
    ) {
        let secs = Duration::from_secs;
        let config = HandshakeConfig::default().opening_timeout(secs(timeout)).unwrap();
        let (mut sent, mut one, mut two) = ([0; 1000], [0; 100], [0; 100]);
        let asked = ClientRequest::new("ws://h/").unwrap();
        let mut client = ClientHandshake::with_config(config, asked, SEED, &mut SliceOutput::new(&mut sent)).unwrap();
        let mut server = ServerHandshake::new(config);
        let (mut one, mut two) = (SliceOutput::new(&mut one), SliceOutput::new(&mut two));
        let deadline = start + timeout;
        let mut now = start;
        for (step, hears) in steps {
            let expected = if now < deadline {
                Next::Wait(Some(secs(deadline)))
            } else {
                Next::End(Err(Failure::TimedOut(Timeout::Opening)))
            };
            prop_assert_eq!((client.poll(secs(now)), server.poll(secs(now))), (expected, expected));
            if hears && now < deadline {
                // As slow as may be: a start line that does not end.
                let at = one.written().len();
                let mut byte = [b"HTTP/1.1 200 "[at.min(12)]];
                prop_assert!(client.receive(&mut &mut byte[..], &mut one).unwrap().is_none());
                let mut byte = [b"GET /"[at.min(4)]];
                prop_assert!(server.receive(&mut &mut byte[..], &mut two).unwrap().is_none());
            }
            now += step;
        }
    }
}
