//! What both ends agree to for permessage-deflate (RFC 7692 §5, §7.1, RFC 6455 §9.1). `PROPTEST_CASES` sets how many
//! cases the properties try.
#![cfg(feature = "deflate")]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use core::time::Duration;

use cases::{any_cuts, cases, pieces};
use extensions::{Fault, Terms, elements, judge_answer, judge_response};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use websocket_proto::{
    Accept, ClientHandshake, ClientRequest, Config, Connection, DeflateConfig, DeflateParams,
    Failure, HandshakeConfig, HandshakeError, Negotiated, Next, ProtocolError, ServerHandshake,
    SliceOutput, Supported, UsageError, accept_key, negotiate,
};

#[path = "common/cases.rs"]
mod cases;
#[path = "common/extensions.rs"]
mod extensions;
#[path = "common/heads.rs"]
mod heads;

const SEED: [u8; 32] = [7; 32];

/// The request of RFC 6455 §1.2.
const REQUEST: [(&str, &str); 5] = [
    ("Host", "server.example.com"),
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("Sec-WebSocket-Version", "13"),
];

const SWITCHING: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

/// Parameters that no offer and no response may have, beside other things that are all right.
const BAD_PARAMS: [&str; 38] = [
    "x",
    "x=1",
    "server_max_window",
    "Server_max_window_bits=10",
    "CLIENT_NO_CONTEXT_TAKEOVER",
    "permessage-deflate",
    "server_no_context_takeover; server_no_context_takeover",
    "client_no_context_takeover; client_no_context_takeover",
    "server_max_window_bits=10; server_max_window_bits=10",
    "server_max_window_bits=9; server_max_window_bits=10",
    "client_max_window_bits=10; client_max_window_bits=10",
    "client_max_window_bits=10; client_max_window_bits",
    "server_no_context_takeover=1",
    "client_no_context_takeover=1",
    "server_no_context_takeover=true",
    "client_no_context_takeover=\"0\"",
    "server_max_window_bits",
    "server_max_window_bits=7",
    "client_max_window_bits=7",
    "server_max_window_bits=16",
    "client_max_window_bits=16",
    "server_max_window_bits=08",
    "client_max_window_bits=08",
    "server_max_window_bits=010",
    "server_max_window_bits=-1",
    "client_max_window_bits=-8",
    "server_max_window_bits=+9",
    "server_max_window_bits=9a",
    "client_max_window_bits=9a",
    "server_max_window_bits=0xa",
    "server_max_window_bits=1",
    "server_max_window_bits=0",
    "client_max_window_bits=80",
    "client_max_window_bits=100",
    "server_max_window_bits=1000000000000000000000000",
    "client_max_window_bits=1000000000000000000000000",
    "server_max_window_bits=\"16\"",
    "client_max_window_bits=\"\\9\\9\"",
];

fn terms(params: DeflateParams) -> Terms {
    (
        params.server_no_context_takeover(),
        params.client_no_context_takeover(),
        params.server_max_window_bits(),
        params.client_max_window_bits(),
    )
}

fn config((server_takeover, client_takeover, server_bits, client_bits): Terms) -> DeflateConfig {
    let config = DeflateConfig::default()
        .server_no_context_takeover(server_takeover)
        .client_no_context_takeover(client_takeover);
    config.server_max_window_bits(server_bits).unwrap().client_max_window_bits(client_bits).unwrap()
}

fn joined<'t>(lines: impl Iterator<Item = (&'t str, &'t str)>) -> String {
    lines.flat_map(|(name, value)| [name, ": ", value, "\r\n"]).collect()
}

fn listed<'t>(values: &'t [&str]) -> impl Iterator<Item = (&'t str, &'t str)> {
    values.iter().map(|value| ("Sec-WebSocket-Extensions", *value))
}

/// What a server agrees to, and the value of `Sec-WebSocket-Extensions` in its response.
type Answer = (Option<DeflateParams>, Option<String>);

fn serve(config: Option<DeflateConfig>, pieces: &[&[u8]]) -> Result<Answer, HandshakeError> {
    let mut handshake = ServerHandshake::new(HandshakeConfig::default());
    let (mut head, mut out) = (Vec::new(), Vec::new());
    for piece in pieces {
        let mut piece = piece.to_vec();
        let Some(mut request) = handshake.receive(&mut &mut piece[..], &mut head)? else {
            continue;
        };
        let negotiated = request.accept(Accept::new().deflate(config), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let rest = text.strip_prefix(SWITCHING).unwrap().strip_suffix("\r\n").unwrap();
        let value = rest.strip_prefix("Sec-WebSocket-Extensions: ");
        let value = value.map(|rest| rest.strip_suffix("\r\n").unwrap().to_owned());
        assert_eq!(value.is_none(), rest.is_empty(), "{rest}");
        return Ok((negotiated.deflate(), value));
    }
    panic!("the head is not complete");
}

/// What a server answers to such lines, which is the same where somebody else has parsed the request.
#[track_caller]
fn answer(
    config: Option<DeflateConfig>,
    values: &[&str],
    receive: impl Fn(&[u8]) -> Result<Answer, HandshakeError>,
) -> Result<Answer, HandshakeError> {
    let lines = || REQUEST.into_iter().chain(listed(values));
    let answer = receive(format!("GET / HTTP/1.1\r\n{}\r\n", joined(lines())).as_bytes());
    let fields = || lines().map(|(name, value)| (name, value.as_bytes()));
    let negotiated = negotiate(fields, Supported::new().deflate(config));
    let negotiated = negotiated.map(|(negotiated, response)| {
        let value = response.fields().find(|(name, _)| *name == "sec-websocket-extensions");
        (negotiated.deflate(), value.map(|(_, value)| value.to_owned()))
    });
    assert_eq!(negotiated, answer);
    answer
}

#[track_caller]
fn answers(config: DeflateConfig, values: &[&str]) -> Answer {
    let serve = |head: &[u8]| heads::in_every_partition(head, |pieces| serve(Some(config), pieces));
    answer(Some(config), values, serve).unwrap()
}

/// The server's response, and that what it has agreed to is what the response says.
#[track_caller]
fn accepts(config: DeflateConfig, values: &[&str], expected: &str) {
    let (params, value) = answers(config, values);
    assert_eq!(value.as_deref(), Some(expected), "{values:?}");
    let agreed = judge_answer(terms(config.params()), &elements(values), value.as_deref());
    assert_eq!(params.map(terms), agreed, "{values:?}");
}

#[track_caller]
fn declines(config: DeflateConfig, values: &[&str]) {
    assert_eq!(answers(config, values), (None, None), "{values:?}");
}

/// What a client sends, and the value of `Sec-WebSocket-Accept` that answers it.
fn sent(config: Option<DeflateConfig>) -> (String, String) {
    let request = ClientRequest::new("ws://h/").unwrap().deflate(config);
    let mut out = Vec::new();
    ClientHandshake::new(request, SEED, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    let (_, rest) = text.split_once("\r\nSec-WebSocket-Key: ").unwrap();
    let accept = accept_key(rest.as_bytes().first_chunk().unwrap());
    (text.clone(), String::from_utf8(accept.to_vec()).unwrap())
}

fn ask(
    config: Option<DeflateConfig>,
    pieces: &[&[u8]],
) -> Result<Option<DeflateParams>, HandshakeError> {
    let request = ClientRequest::new("ws://h/").unwrap().deflate(config);
    let mut handshake = ClientHandshake::new(request, SEED, &mut Vec::new()).unwrap();
    let mut head = Vec::new();
    for piece in pieces {
        let mut piece = piece.to_vec();
        match handshake.receive(&mut &mut piece[..], &mut head) {
            Ok(None) => {}
            Ok(Some(mut response)) => return Ok(response.accept().unwrap().deflate()),
            Err(error) => {
                let end = Next::End(Err(Failure::Handshake(error)));
                assert_eq!(handshake.poll(Duration::ZERO), end);
                return Err(error);
            }
        }
    }
    panic!("the head is not complete");
}

/// What a client makes of such lines, which is the same where somebody else has parsed the response.
#[track_caller]
fn agree(
    config: Option<DeflateConfig>,
    values: &[&str],
    receive: impl Fn(&[u8]) -> Result<Option<DeflateParams>, HandshakeError>,
) -> Result<Option<DeflateParams>, HandshakeError> {
    let (_, accept) = sent(config);
    let lines = [("Upgrade", "websocket"), ("Connection", "Upgrade")].into_iter();
    let lines = lines.chain([("Sec-WebSocket-Accept", &*accept)]).chain(listed(values));
    let agreed = receive(format!("HTTP/1.1 101 S\r\n{}\r\n", joined(lines)).as_bytes());
    if let Some(config) = config {
        let fields = || listed(values).map(|(name, value)| (name, value.as_bytes()));
        assert_eq!(config.check_response(fields), agreed);
    }
    agreed
}

#[track_caller]
fn agrees(config: DeflateConfig, values: &[&str]) -> Result<Option<Terms>, HandshakeError> {
    let ask = |head: &[u8]| heads::in_every_partition(head, |pieces| ask(Some(config), pieces));
    agree(Some(config), values, ask).map(|params| params.map(terms))
}

/// The simplest offers, what browsers send, and the examples of RFC 7692 §7.1.3.
#[test]
fn server_receives_offers_and_accepts_the_first() {
    let config = DeflateConfig::default();
    for (values, expected) in [
        (&["permessage-deflate"][..], "permessage-deflate"),
        (&["permessage-deflate; client_max_window_bits"], "permessage-deflate"),
        (
            &["permessage-deflate; client_max_window_bits; server_max_window_bits=10"],
            "permessage-deflate; server_max_window_bits=10",
        ),
        (
            &["permessage-deflate; client_max_window_bits; server_max_window_bits=10, \
                permessage-deflate; client_max_window_bits"],
            "permessage-deflate; server_max_window_bits=10",
        ),
        (
            &["permessage-deflate;server_max_window_bits=15"],
            "permessage-deflate; server_max_window_bits=15",
        ),
        (&["permessage-deflate;client_max_window_bits=15"], "permessage-deflate"),
        (
            &["permessage-deflate;client_max_window_bits=12"],
            "permessage-deflate; client_max_window_bits=12",
        ),
        (
            &["permessage-deflate ; server_no_context_takeover"],
            "permessage-deflate; server_no_context_takeover",
        ),
        (
            &["permessage-deflate\t;client_no_context_takeover"],
            "permessage-deflate; client_no_context_takeover",
        ),
        // Quoted, and with letters escaped for no reason.
        (
            &["permessage-deflate; server_max_window_bits=\"10\""],
            "permessage-deflate; server_max_window_bits=10",
        ),
        (
            &["permessage-deflate; client_max_window_bits = \"\\1\\1\""],
            "permessage-deflate; client_max_window_bits=11",
        ),
        // Among others, and on several lines.
        (&["x-webkit-deflate-frame, permessage-deflate, b; c=d"], "permessage-deflate"),
        (
            &[
                "permessage-bzip2; level=9",
                ",permessage-deflate; server_max_window_bits=9,",
                "permessage-deflate",
            ],
            "permessage-deflate; server_max_window_bits=9",
        ),
        (
            &[
                "permessage-deflate; client_max_window_bits=9; server_max_window_bits=14; client_no_context_takeover; \
                server_no_context_takeover",
            ],
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
                server_max_window_bits=14; client_max_window_bits=9",
        ),
    ] {
        accepts(config, values, expected);
    }
}

#[test]
fn server_receives_offers_under_a_policy() {
    let frugal = config((true, true, 10, 9));
    for (value, expected) in [
        (
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
                server_max_window_bits=10; client_max_window_bits=9",
        ),
        (
            "permessage-deflate; client_max_window_bits=8; server_max_window_bits=9",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
                server_max_window_bits=9; client_max_window_bits=8",
        ),
        (
            "permessage-deflate; client_max_window_bits=12; server_max_window_bits=12",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
                server_max_window_bits=10; client_max_window_bits=9",
        ),
    ] {
        accepts(frugal, &[value], expected);
    }
    // §7.1.2.2: a client that does not offer the parameter cannot be told to keep to a window.
    declines(frugal, &["permessage-deflate"]);
    declines(frugal, &["permessage-deflate; server_max_window_bits=9; client_no_context_takeover"]);
    let both = ["permessage-deflate, permessage-deflate; client_max_window_bits=8"];
    accepts(config((false, false, 15, 12)), &both, "permessage-deflate; client_max_window_bits=8");
}

#[test]
fn server_receives_no_offer_and_says_nothing() {
    for values in [
        &[][..],
        &["x-webkit-deflate-frame"],
        &["permessage-bzip2", "deflate; permessage-deflate"],
        &["PerMessage-Deflate"],
        &["permessage-deflate2, permessage-deflat"],
    ] {
        declines(DeflateConfig::default(), values);
    }
}

#[test]
fn server_receives_bad_offers_and_declines_them_row_79() {
    let config = DeflateConfig::default();
    for bad in BAD_PARAMS {
        let offer = format!("permessage-deflate; {bad}");
        declines(config, &[&offer]);
        declines(config, &[&offer, "permessage-bzip2", &offer]);
        declines(config, &[&format!("permessage-deflate; client_no_context_takeover; {bad}")]);
        declines(config, &[&format!("{offer}; server_no_context_takeover")]);
    }
}

#[test]
fn server_receives_a_bad_offer_and_tries_the_next_row_79() {
    let config = DeflateConfig::default();
    for bad in BAD_PARAMS {
        let bad = format!("permessage-deflate; {bad}");
        let good = "permessage-deflate; server_max_window_bits=9";
        accepts(config, &[&format!("{bad}, {good}, permessage-deflate")], good);
        accepts(config, &[&bad, good], good);
        accepts(config, &[good, &bad], good);
    }
}

/// RFC 6455 §9.1: a value that does not keep to the grammar fails the handshake; it is no offer to be declined.
#[test]
fn server_receives_an_empty_value_and_refuses_row_79() {
    let config = DeflateConfig::default();
    for bad in ["server_max_window_bits=", "client_max_window_bits=\"\""] {
        for value in [
            format!("permessage-deflate; {bad}"),
            format!("permessage-deflate, permessage-deflate; {bad}"),
        ] {
            let serve =
                |head: &[u8]| heads::in_every_partition(head, |pieces| serve(Some(config), pieces));
            let refused = answer(Some(config), &[&value], serve);
            assert_eq!(refused, Err(HandshakeError::InvalidExtensions), "{value}");
        }
    }
}

#[test]
fn server_does_not_compress_unasked_row_90() {
    let offer = ["permessage-deflate; client_max_window_bits"];
    assert_eq!(answer(None, &offer, |head| serve(None, &[head])), Ok((None, None)));
}

#[test]
fn server_accepts_again_when_the_output_was_full() {
    let lines = REQUEST.into_iter().chain([("Sec-WebSocket-Extensions", "permessage-deflate")]);
    let mut bytes = format!("GET / HTTP/1.1\r\n{}\r\n", joined(lines)).into_bytes();
    let mut handshake = ServerHandshake::new(HandshakeConfig::default());
    let mut head = Vec::new();
    let mut request = handshake.receive(&mut &mut bytes[..], &mut head).unwrap().unwrap();
    let config = DeflateConfig::default().server_max_window_bits(9).unwrap();
    let expected = format!(
        "{SWITCHING}Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9\r\n\r\n"
    );
    let mut storage = [0; 500];
    for len in 0..expected.len() {
        let mut out = SliceOutput::new(&mut storage[..len]);
        let full = request.accept(Accept::new().deflate(config), &mut out).unwrap_err();
        assert_eq!(full, UsageError::OutputFull { needed: expected.len() });
        assert_eq!(out.written(), b"");
    }
    let mut out = SliceOutput::new(&mut storage[..expected.len()]);
    let negotiated = request.accept(Accept::new().deflate(config), &mut out).unwrap();
    assert_eq!(out.written(), expected.as_bytes());
    assert_eq!(negotiated.deflate(), Some(config.params()));
}

#[test]
fn client_sends_an_offer() {
    for (policy, offer) in [
        ((false, false, 15, 15), "permessage-deflate; client_max_window_bits"),
        (
            (true, false, 15, 15),
            "permessage-deflate; server_no_context_takeover; client_max_window_bits",
        ),
        (
            (false, true, 15, 15),
            "permessage-deflate; client_no_context_takeover; client_max_window_bits",
        ),
        (
            (false, false, 10, 15),
            "permessage-deflate; server_max_window_bits=10; client_max_window_bits",
        ),
        ((false, false, 15, 8), "permessage-deflate; client_max_window_bits=8"),
        (
            (true, true, 14, 14),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
                server_max_window_bits=14; client_max_window_bits=14",
        ),
    ] {
        let config = config(policy);
        let (with, _) = sent(Some(config));
        let (without, _) = sent(None);
        let head = without.strip_suffix("\r\n").unwrap();
        assert_eq!(with, format!("{head}Sec-WebSocket-Extensions: {offer}\r\n\r\n"));
        let value = config.offer();
        assert_eq!((value.as_str(), &*value, value.as_ref()), (offer, offer, offer));
        assert_eq!((value.to_string(), format!("{value:?}")), (offer.into(), format!("{offer:?}")));
    }
    assert!(!sent(None).0.contains("Extensions"));
}

/// A subprotocol and a field of the caller's stand beside the offer, each on a line of its own.
#[test]
fn client_sends_an_offer_among_other_fields() {
    let request = ClientRequest::new("ws://h/").unwrap().deflate(DeflateConfig::default());
    let request = request.subprotocol("chat").fields(&[("Origin", "http://h")]);
    let mut out = Vec::new();
    ClientHandshake::new(request, SEED, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.ends_with(
        "\r\nSec-WebSocket-Protocol: chat\r\n\
        Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\nOrigin: http://h\r\n\r\n"
    ));
}

#[test]
fn client_receives_a_response() {
    let config = DeflateConfig::default();
    assert_eq!(agrees(config, &[]), Ok(None));
    for (value, agreed) in [
        ("permessage-deflate", (false, false, 15, 15)),
        ("permessage-deflate; server_no_context_takeover", (true, false, 15, 15)),
        ("permessage-deflate; client_no_context_takeover", (false, true, 15, 15)),
        ("permessage-deflate; server_max_window_bits=15", (false, false, 15, 15)),
        ("permessage-deflate; server_max_window_bits=\"9\"", (false, false, 9, 15)),
        ("permessage-deflate; client_max_window_bits=15", (false, false, 15, 15)),
        (" ,permessage-deflate ;client_max_window_bits = 10,", (false, false, 15, 10)),
        (
            "permessage-deflate; client_max_window_bits=9; server_max_window_bits=14; \
                client_no_context_takeover; server_no_context_takeover",
            (true, true, 14, 9),
        ),
    ] {
        assert_eq!(agrees(config, &[value]), Ok(Some(agreed)), "{value}");
    }
}

/// §7.1.1.2, §7.1.2.2: what a client said of its own messages it keeps, whether or not the server repeats it.
#[test]
fn client_keeps_its_own_word() {
    let config = config((false, true, 15, 10));
    for (value, agreed) in [
        ("permessage-deflate", (false, true, 15, 10)),
        ("permessage-deflate; client_no_context_takeover", (false, true, 15, 10)),
        ("permessage-deflate; client_max_window_bits=10", (false, true, 15, 10)),
        ("permessage-deflate; client_max_window_bits=8", (false, true, 15, 8)),
    ] {
        assert_eq!(agrees(config, &[value]), Ok(Some(agreed)), "{value}");
    }
}

#[test]
fn client_receives_bad_parameters_row_80() {
    let config = DeflateConfig::default();
    let failed = Err(HandshakeError::InvalidExtensionParams);
    // What an offer may leave out, a response may not.
    for bad in BAD_PARAMS.into_iter().chain(["client_max_window_bits"]) {
        let value = format!("permessage-deflate; {bad}");
        assert_eq!(agrees(config, &[&value]), failed, "{value}");
        let value = format!("permessage-deflate; {bad}; client_no_context_takeover");
        assert_eq!(agrees(config, &[&value]), failed, "{value}");
    }
    let value = "permessage-deflate; server_max_window_bits=";
    assert_eq!(agrees(config, &[value]), Err(HandshakeError::InvalidExtensions));
}

#[test]
fn client_receives_more_than_it_offered_row_80() {
    let failed = Err(HandshakeError::ExtensionParamsNotOffered);
    for (policy, value) in [
        ((false, false, 15, 10), "permessage-deflate; client_max_window_bits=11"),
        ((false, false, 15, 8), "permessage-deflate; client_max_window_bits=15"),
        ((false, false, 10, 15), "permessage-deflate; server_max_window_bits=11"),
        // Not said: a window of 32 KiB, and context takeover.
        ((false, false, 14, 15), "permessage-deflate"),
        ((false, false, 14, 15), "permessage-deflate; client_max_window_bits=8"),
        ((true, false, 15, 15), "permessage-deflate"),
        ((true, false, 15, 15), "permessage-deflate; client_no_context_takeover"),
    ] {
        assert_eq!(agrees(config(policy), &[value]), failed, "{policy:?} {value}");
    }
    for (policy, value) in [
        ((false, false, 15, 10), "permessage-deflate; client_max_window_bits=10"),
        ((false, false, 10, 15), "permessage-deflate; server_max_window_bits=10"),
        ((true, false, 15, 15), "permessage-deflate; server_no_context_takeover"),
    ] {
        assert_eq!(agrees(config(policy), &[value]), Ok(Some(policy)), "{value}");
    }
}

#[test]
fn client_receives_other_extensions_row_80() {
    let config = DeflateConfig::default();
    for (values, error) in [
        (&["x"][..], HandshakeError::ExtensionNotOffered),
        (&["PERMESSAGE-DEFLATE"], HandshakeError::ExtensionNotOffered),
        (&["permessage-deflate, x"], HandshakeError::ExtensionNotOffered),
        (&["x; permessage-deflate", "permessage-deflate"], HandshakeError::ExtensionNotOffered),
        (&["permessage-deflate, permessage-deflate"], HandshakeError::ExtensionRepeated),
        (
            &["permessage-deflate", "permessage-deflate; server_max_window_bits=10"],
            HandshakeError::ExtensionRepeated,
        ),
        (&["permessage-deflate;"], HandshakeError::InvalidExtensions),
        (&[""], HandshakeError::InvalidExtensions),
        (&["permessage-deflate", "a;;"], HandshakeError::InvalidExtensions),
    ] {
        assert_eq!(agrees(config, values), Err(error), "{values:?}");
    }
    // Nothing was offered.
    let selected = agree(None, &["permessage-deflate"], |head| ask(None, &[head]));
    assert_eq!(selected, Err(HandshakeError::ExtensionNotOffered));
}

#[test]
fn both_ends_agree_to_a_window_of_256_bytes_row_81() {
    let config = DeflateConfig::default();
    for bits in ["server_max_window_bits=8", "client_max_window_bits=8"] {
        let value = format!("permessage-deflate; {bits}");
        accepts(config, &[&value], &value);
        let smallest = if bits.starts_with('s') { (8, 15) } else { (15, 8) };
        assert_eq!(agrees(config, &[&value]), Ok(Some((false, false, smallest.0, smallest.1))));
    }
}

#[test]
fn connections_upgraded_elsewhere_are_told_what_was_agreed_to() {
    let config = config((true, false, 12, 9));
    for mut negotiated in [Negotiated::server(), Negotiated::client(SEED)] {
        assert_eq!(negotiated.deflate(), None);
        let role = negotiated.role();
        negotiated = negotiated.with_deflate(config.params(), DeflateConfig::default());
        assert_eq!(negotiated.deflate().map(terms), Some((true, false, 12, 9)));
        assert_eq!((negotiated.role(), negotiated.subprotocol()), (role, None));
    }
    assert_eq!(terms(DeflateParams::default()), (false, false, 15, 15));
    assert_eq!(DeflateConfig::default().params(), DeflateParams::default());
}

/// A `Connection` does not decompress, whatever was agreed to for it.
#[test]
fn connection_receives_a_compressed_message_and_fails() {
    let config = DeflateConfig::default();
    let negotiated = Negotiated::server().with_deflate(config.params(), config);
    let mut connection = Connection::open(negotiated, Config::default());
    let mut out = Vec::new();
    let mut bytes = *b"\xC1\x81\0\0\0\0\0";
    assert!(connection.receive(&mut &mut bytes[..], &mut out).is_none());
    let end = Next::End(Err(Failure::Protocol(ProtocolError::ReservedBits)));
    assert_eq!(connection.poll(Duration::ZERO, &mut out), end);
    assert_eq!(out, b"\x88\x02\x03\xEA");
}

#[test]
fn deflate_config_refuses_nonsense_row_116() {
    let config = DeflateConfig::default();
    let refused = Err(UsageError::InvalidConfig);
    for bits in (0..8).chain(16..=u8::MAX) {
        assert_eq!(config.server_max_window_bits(bits), refused);
        assert_eq!(config.client_max_window_bits(bits), refused);
    }
    for bits in 8..=15 {
        let set = config.server_max_window_bits(bits).unwrap();
        assert_eq!(terms(set.params()), (false, false, bits, 15));
        let set = config.client_max_window_bits(bits).unwrap();
        assert_eq!(terms(set.params()), (false, false, 15, bits));
    }
    for level in (10..=u8::MAX).chain([0]) {
        assert_eq!(config.level(level), refused);
    }
    assert!((1..=9).all(|level| config.level(level).is_ok()));
    assert_eq!(config.level(6).unwrap().threshold(128), config);
    assert_ne!(config.threshold(0), config);
}

fn any_policy() -> impl Strategy<Value = Terms> {
    let bits = || prop_oneof![Just(15_u8), 8..=15_u8];
    (any::<bool>(), any::<bool>(), bits(), bits())
}

/// A parameter that keeps to the grammar, most of them with a meaning.
fn any_param() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        3 => Just("server_max_window_bits"),
        3 => Just("client_max_window_bits"),
        2 => Just("server_no_context_takeover"),
        2 => Just("client_no_context_takeover"),
        1 => select(&["x", "Server_max_window_bits", "client-max-window-bits", "permessage-deflate"][..]),
    ];
    let value = prop_oneof![
        6 => (8..=15_u8).prop_map(|bits| bits.to_string()),
        2 => (8..=15_u8).prop_map(|bits| format!("\"{bits}\"")),
        1 => (10..=15_u8).prop_map(|bits| format!("\"1\\{}\"", bits - 10)),
        1 => "0?[0-9]{1,3}",
        1 => "[a-z0-9!+.^_`|~-]{1,4}",
    ];
    let blanks = || select(&["", " ", "\t", "  "][..]);
    (name, proptest::option::weighted(0.6, value), blanks(), blanks()).prop_map(
        |(name, value, before, after)| match value {
            Some(value) => format!("{before}{name}{after}={before}{value}{after}"),
            None => format!("{before}{name}{after}"),
        },
    )
}

/// An element of a list, most of them of the extension.
fn any_element() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        8 => Just("permessage-deflate"),
        1 => select(&["x", "permessage-bzip2", "Permessage-Deflate", "deflate"][..]),
    ];
    (name, vec(any_param(), 0..4)).prop_map(|(name, params)| {
        params.into_iter().fold(name.to_owned(), |text, param| format!("{text};{param}"))
    })
}

/// The lines of the field: well-formed for the most part, and all of them text.
fn any_lines() -> impl Strategy<Value = Vec<String>> {
    let line = prop_oneof![
        8 => vec(any_element(), 1..4).prop_map(|elements| elements.join(",")),
        1 => "(permessage-deflate)?[ -~]{0,20}",
    ];
    vec(line.prop_map(|line| line.trim().to_owned()), 1..4)
}

/// The lines of a response: two thirds of them with parameters that a response may have.
fn any_response() -> impl Strategy<Value = Vec<String>> {
    let bits = || proptest::option::of(8..=15_u8);
    let params = (any::<bool>(), any::<bool>(), bits(), bits()).prop_map(
        |(server_takeover, client_takeover, server_bits, client_bits)| {
            let takeovers = [
                server_takeover.then(|| "; server_no_context_takeover".to_owned()),
                client_takeover.then(|| "; client_no_context_takeover".to_owned()),
            ];
            let windows = [
                server_bits.map(|bits| format!("; server_max_window_bits={bits}")),
                client_bits.map(|bits| format!("; client_max_window_bits={bits}")),
            ];
            takeovers.into_iter().chain(windows).flatten().collect::<Vec<_>>()
        },
    );
    let params = params.prop_flat_map(|params| Just(params).prop_shuffle());
    let legal = params.prop_map(|params| vec![format!("permessage-deflate{}", params.concat())]);
    prop_oneof![2 => legal, 1 => any_lines()]
}

fn borrowed(lines: &[String]) -> Vec<&str> {
    lines.iter().map(String::as_str).collect()
}

fn slices(pieces: &[Vec<u8>]) -> Vec<&[u8]> {
    pieces.iter().map(Vec::as_slice).collect()
}

proptest! {
    #![proptest_config(cases(512, "proptest-regressions/deflate_handshake.txt"))]

    /// Whatever is offered, the answer is legal, and the server knows what it has said.
    #[test]
    fn server_answers_legally_row_79(policy in any_policy(), lines in any_lines(), at in any_cuts()) {
        let (config, values) = (config(policy), borrowed(&lines));
        let answer = answer(Some(config), &values, |head| serve(Some(config), &slices(&pieces(head, &at))));
        let (params, value) = match answer {
            Ok(answer) => answer,
            Err(error) => {
                prop_assert_eq!(error, HandshakeError::InvalidExtensions);
                return Ok(());
            }
        };
        let agreed = judge_answer(policy, &elements(&values), value.as_deref());
        prop_assert_eq!(params.map(terms), agreed);
    }

    /// Whatever is selected, the client takes what is legal and within its offer, and fails at all else.
    #[test]
    fn client_judges_as_the_naive_one_does_row_80(policy in any_policy(), lines in any_response(), at in any_cuts()) {
        let (config, values) = (config(policy), borrowed(&lines));
        let agreed = agree(Some(config), &values, |head| ask(Some(config), &slices(&pieces(head, &at))));
        if agreed == Err(HandshakeError::InvalidExtensions) {
            return Ok(());
        }
        let expected = judge_response(policy, &elements(&values)).map_err(|fault| match fault {
            Fault::Extension => HandshakeError::ExtensionNotOffered,
            Fault::Repeated => HandshakeError::ExtensionRepeated,
            Fault::Params => HandshakeError::InvalidExtensionParams,
            Fault::Terms => HandshakeError::ExtensionParamsNotOffered,
        });
        prop_assert_eq!(agreed.map(|params| params.map(terms)), expected);
    }

    /// Two ends of ours always agree, to the same, and to no more than either wants.
    #[test]
    fn both_ends_agree_to_the_same(ours in any_policy(), theirs in any_policy()) {
        let (client, server) = (config(ours), config(theirs));
        let offer = client.offer();
        let (at_server, value) = answer(Some(server), &[&offer], |head| serve(Some(server), &[head])).unwrap();
        let value = value.expect("an answer");
        let at_client = agree(Some(client), &[&value], |head| ask(Some(client), &[head])).unwrap();
        prop_assert_eq!(at_server, at_client);
        let expected = (ours.0 || theirs.0, ours.1 || theirs.1, ours.2.min(theirs.2), ours.3.min(theirs.3));
        prop_assert_eq!(at_client.map(terms), Some(expected));
    }
}
