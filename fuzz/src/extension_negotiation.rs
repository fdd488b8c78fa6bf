//! permessage-deflate in the opening handshake: whatever is offered, the server's answer is legal and says what it has
//! agreed to; whatever is answered, the client takes just what a naive reading of RFC 7692 §7.1 takes; and two ends of
//! ours agree to the same. So it is in any partition, and where somebody else has parsed the heads.

use websocket_proto::{
    Accept, ClientHandshake, ClientRequest, DeflateConfig, DeflateParams, HandshakeConfig,
    HandshakeError, ServerHandshake, Supported, negotiate,
};

use crate::accept::accept_value;
use crate::extensions::{Element, Fault, Terms, judge_answer, judge_response};
use crate::frames::cut_mut;
use crate::http;

/// Input: a policy for each end, and whether the server has one; how heads are cut; the lines of
/// `Sec-WebSocket-Extensions`, in which a control character stands for a word.
pub fn oracle(data: &[u8]) {
    let Some((&[flags, server, client, size], text)) = data.split_first_chunk() else {
        return;
    };
    let values = lines(text);
    if values.len() > 40 || values.iter().map(Vec::len).sum::<usize>() > 8000 {
        // The head would be too long.
        return;
    }
    let server = terms_of(flags, server);
    let client = terms_of(flags / 4, client);
    let listed = http::extensions(&values);
    check_server((flags & 16 == 0).then_some(server), &values, listed.as_deref(), size);
    check_client(client, &values, listed.as_deref(), size);
    check_both(client, server);
}

fn terms_of(flags: u8, bits: u8) -> Terms {
    (flags & 1 != 0, flags & 2 != 0, 15 - bits % 8, 15 - bits / 8 % 8)
}

/// Makes values that can stand in a field out of the input, one a line.
fn lines(text: &[u8]) -> Vec<Vec<u8>> {
    let expand = |line: &[u8]| {
        let mut value = Vec::new();
        for byte in line {
            match WORDS.get(usize::from(*byte)) {
                Some(word) => value.extend_from_slice(word.as_bytes()),
                None => value.extend((*byte != 0x7F).then_some(byte)),
            }
        }
        value.trim_ascii().to_vec()
    };
    // No line at all is not an empty one.
    let lines = text.split(|byte| *byte == b'\n').map(expand);
    if text.is_empty() { Vec::new() } else { lines.collect() }
}

fn check_server(policy: Option<Terms>, values: &[Vec<u8>], offers: Option<&[Element]>, size: u8) {
    let config = policy.map(config);
    let request = || REQUEST.into_iter().chain(fields(values));
    let head = head(b"GET / HTTP/1.1", request());
    let serve = |sizes: &[u8]| {
        let mut handshake = ServerHandshake::new(HandshakeConfig::default());
        let (mut storage, mut out) = (Vec::new(), Vec::new());
        for mut piece in cut_mut(&mut head.clone(), sizes) {
            if let Some(mut request) = handshake.receive(&mut piece, &mut storage)? {
                let accept = Accept::new().deflate(config);
                let agreed = request.accept(accept, &mut out).expect("an upgrade").deflate();
                return Ok((agreed.map(terms), answer_in(&out)));
            }
        }
        panic!("the head is not complete");
    };
    let answered: Result<_, HandshakeError> = serve(&[]);
    for size in [1, size] {
        assert_eq!(serve(&[size]), answered, "in pieces of {size}");
    }
    let elsewhere = negotiate(request, Supported::new().deflate(config));
    let elsewhere = elsewhere.map(|(negotiated, response)| {
        let value = response.fields().find(|(name, _)| *name == "sec-websocket-extensions");
        (negotiated.deflate().map(terms), value.map(|(_, value)| value.to_owned()))
    });
    assert_eq!(elsewhere, answered);

    let Some(offers) = offers else {
        assert_eq!(answered, Err(HandshakeError::InvalidExtensions));
        return;
    };
    let (agreed, answer) = answered.expect("a legal list");
    let expected = match policy {
        Some(policy) => judge_answer(policy, offers, answer.as_deref()),
        None => {
            assert_eq!(answer, None, "nobody asked for it");
            None
        }
    };
    assert_eq!(agreed, expected);
}

fn check_client(policy: Terms, values: &[Vec<u8>], selected: Option<&[Element]>, size: u8) {
    let config = config(policy);
    let expected = match selected.map(|selected| judge_response(policy, selected)) {
        None => Err(HandshakeError::InvalidExtensions),
        Some(Ok(agreed)) => Ok(agreed),
        Some(Err(Fault::Extension)) => Err(HandshakeError::ExtensionNotOffered),
        Some(Err(Fault::Repeated)) => Err(HandshakeError::ExtensionRepeated),
        Some(Err(Fault::Params)) => Err(HandshakeError::InvalidExtensionParams),
        Some(Err(Fault::Terms)) => Err(HandshakeError::ExtensionParamsNotOffered),
    };
    let ask = |sizes: &[u8]| agree(config, values, sizes).1;
    for sizes in [&[][..], &[1], &[size]] {
        assert_eq!(ask(sizes), expected, "in pieces of {sizes:?}");
    }
    let elsewhere = config.check_response(|| fields(values));
    assert_eq!(elsewhere.map(|agreed| agreed.map(terms)), expected);
}

/// Both ends agree to what both allow.
fn check_both(client: Terms, server: Terms) {
    let offer = config(client).offer();
    let values = [offer.as_bytes().to_vec()];
    let (request, _) = agree(config(client), &[], &[]);
    assert_eq!(lines_in(&request), [offer.as_str()], "what is sent is what is offered");
    let offers = http::extensions(&values).expect("a legal list");
    check_server(Some(server), &values, Some(&offers), 0);

    let supported = Supported::new().deflate(config(server));
    let request = || REQUEST.into_iter().chain(fields(&values));
    let (negotiated, response) = negotiate(request, supported).expect("a legal request");
    let agreed = (
        client.0 || server.0,
        client.1 || server.1,
        client.2.min(server.2),
        client.3.min(server.3),
    );
    assert_eq!(negotiated.deflate().map(terms), Some(agreed));
    let answer = response.fields().find(|(name, _)| *name == "sec-websocket-extensions");
    let answer = answer.expect("an answer").1.as_bytes().to_vec();
    assert_eq!(agree(config(client), &[answer], &[]).1, Ok(Some(agreed)));
}

/// Returns what a client sends, and what it has agreed to when such a response has come.
fn agree(
    config: DeflateConfig,
    values: &[Vec<u8>],
    sizes: &[u8],
) -> (Vec<u8>, Result<Option<Terms>, HandshakeError>) {
    let mut sent = Vec::new();
    let request = ClientRequest::new("ws://h/").expect("a URI").deflate(config);
    let mut handshake = ClientHandshake::new(request, [7; 32], &mut sent).expect("memory");
    let key = sent.split(|byte| *byte == b'\n').find_map(|it| it.strip_prefix(KEY));
    let accept = accept_value(&String::from_utf8_lossy(key.expect("a key").trim_ascii()));
    let response: [(&str, &[u8]); 3] = [
        ("Upgrade", b"websocket"),
        ("Connection", b"Upgrade"),
        ("Sec-WebSocket-Accept", accept.as_bytes()),
    ];
    let mut head = head(b"HTTP/1.1 101 S", response.into_iter().chain(fields(values)));
    let mut storage = Vec::new();
    for mut piece in cut_mut(&mut head, sizes) {
        match handshake.receive(&mut piece, &mut storage) {
            Ok(None) => {}
            Ok(Some(mut response)) => {
                let agreed = response.accept().expect("a 101").deflate();
                return (sent, Ok(agreed.map(terms)));
            }
            Err(error) => return (sent, Err(error)),
        }
    }
    panic!("the head is not complete");
}

fn head<'f>(line: &[u8], fields: impl Iterator<Item = (&'f str, &'f [u8])>) -> Vec<u8> {
    let mut head = [line, b"\r\n"].concat();
    for (name, value) in fields {
        head.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    head.extend(b"\r\n");
    head
}

fn fields(values: &[Vec<u8>]) -> impl Iterator<Item = (&str, &[u8])> {
    values.iter().map(|value| ("Sec-WebSocket-Extensions", &value[..]))
}

fn lines_in(head: &[u8]) -> Vec<String> {
    let head = String::from_utf8_lossy(head);
    let values = head.lines().filter_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: "));
    values.map(str::to_owned).collect()
}

fn answer_in(head: &[u8]) -> Option<String> {
    let mut values = lines_in(head);
    assert!(values.len() < 2, "{values:?}");
    values.pop()
}

fn terms(params: DeflateParams) -> Terms {
    (
        params.server_no_context_takeover(),
        params.client_no_context_takeover(),
        params.server_max_window_bits(),
        params.client_max_window_bits(),
    )
}

fn config((server_takeover, client_takeover, server_bits, client_bits): Terms) -> DeflateConfig {
    DeflateConfig::default()
        .server_no_context_takeover(server_takeover)
        .client_no_context_takeover(client_takeover)
        .server_max_window_bits(server_bits)
        .and_then(|config| config.client_max_window_bits(client_bits))
        .expect("8 to 15")
}

/// The request of RFC 6455 §1.2.
const REQUEST: [(&str, &[u8]); 5] = [
    ("Host", b"server.example.com"),
    ("Upgrade", b"websocket"),
    ("Connection", b"Upgrade"),
    ("Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="),
    ("Sec-WebSocket-Version", b"13"),
];

const KEY: &[u8] = b"Sec-WebSocket-Key: ";

/// What the control characters stand for.
const WORDS: [&str; 32] = [
    "permessage-deflate",
    "server_no_context_takeover",
    "client_no_context_takeover",
    "server_max_window_bits",
    "client_max_window_bits",
    ";server_no_context_takeover",
    ";client_no_context_takeover",
    ";server_max_window_bits=",
    ";client_max_window_bits",
    "\t",
    // The end of a line.
    "",
    ";client_max_window_bits=",
    ",permessage-deflate",
    "; ",
    " = ",
    ", ",
    "8",
    "9",
    "10",
    "11",
    "12",
    "13",
    "14",
    "15",
    "\"12\"",
    "\"1\\3\"",
    "=8",
    "=15",
    "7",
    "16",
    "08",
    "x-webkit-deflate-frame",
];
