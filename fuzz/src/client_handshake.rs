//! A client's opening handshake: what a response comes to is what the plain reader makes of it, the partition does not
//! matter, and every request that can be made is one that our own server and the plain reader accept.

use websocket_proto::{
    Accept, ClientHandshake, ClientRequest, Failure, HandshakeConfig, HandshakeError, Next, Role,
    ServerHandshake, UsageError,
};

use crate::accept::accept_value;
use crate::ends::NOW;
use crate::frames::cut_mut;
use crate::http::{self, Expected, Judged, Limits, judge_request, judge_response};
use crate::peers;
use crate::storage::Storage;

struct Plan {
    limits: Limits,
    offered: &'static [&'static str],
    /// Whether the transport ends behind the bytes.
    eof: bool,
    seed: u8,
}

/// Input: flags; how the response is cut; the response, in which `$` and a digit stand for the right value of
/// `Sec-WebSocket-Accept`, or for a wrong one. With the highest flag: lines that say what to ask for.
pub fn oracle(data: &[u8]) {
    let Some((&[flags, seed, sizes @ .., count], bytes)) = data.split_first_chunk::<5>() else {
        return;
    };
    if flags >= 128 {
        return request(seed, &String::from_utf8_lossy(bytes));
    }
    let plan = Plan {
        limits: Limits {
            head: [16 * 1024, 256][usize::from(flags % 2)],
            fields: [64, 4][usize::from(flags / 2 % 2)],
            body: [64 * 1024, 0, 5, 64][usize::from(flags / 4 % 4)],
        },
        offered: [&[][..], &["chat"], &["chat", "superchat"]][usize::from(flags / 16 % 3)],
        eof: flags & 64 != 0,
        seed,
    };
    let (key, accept) = key(&plan);
    assert!(http::is_token(key.trim_end_matches('=').replace('/', "").as_bytes()));
    let bytes = with_accept(bytes, &accept);
    let sizes = &sizes[..usize::from(count % 3)];
    let whole = run(&plan, &bytes, &[]);
    for sizes in [sizes, &[1]] {
        assert_eq!(run(&plan, &bytes, sizes), whole, "in pieces of {sizes:?}");
    }
    let offered: Vec<String> = plan.offered.iter().map(|it| (*it).to_owned()).collect();
    let expected =
        Expected { accept: &accept, offered: &offered, limits: plan.limits, eof: plan.eof };
    check_against(&whole, judge_response(&bytes, &expected), &bytes);
}

/// Asserts that any partition of the bytes comes to the same.
pub fn check_splits(bytes: &[u8], partitions: &[&[u8]]) {
    let limits = Limits { head: 16 * 1024, fields: 64, body: 100 };
    let mut plan = Plan { limits, offered: &["chat"], eof: false, seed: 5 };
    let bytes = with_accept(bytes, &key(&plan).1);
    for eof in [false, true] {
        plan.eof = eof;
        let whole = run(&plan, &bytes, &[]);
        for sizes in partitions {
            assert_eq!(run(&plan, &bytes, sizes), whole, "in pieces of {sizes:?}");
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    result: Result<Option<Seen>, HandshakeError>,
    rest: Vec<u8>,
    next: Option<Result<(), Failure>>,
}

#[derive(Debug, PartialEq, Eq)]
struct Seen {
    status: u16,
    reason: Vec<u8>,
    fields: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    is_truncated: bool,
    switched: Option<Option<String>>,
}

fn start(plan: &Plan, out: &mut Vec<u8>) -> ClientHandshake {
    let config = HandshakeConfig::default()
        .head_limit(plan.limits.head)
        .and_then(|config| config.field_limit(plan.limits.fields))
        .expect("limits that are not zero")
        .body_limit(plan.limits.body);
    let request =
        ClientRequest::new("ws://example.com/chat").expect("a URI").subprotocols(plan.offered);
    ClientHandshake::with_config(config, request, [plan.seed; 32], out).expect("a growing output")
}

/// Returns the key that the client sends, and the value that accepts it.
fn key(plan: &Plan) -> (String, String) {
    let mut out = Vec::new();
    start(plan, &mut out);
    let Judged::Message(request) = judge_request(&out, NO_LIMITS) else {
        panic!("{out:?}");
    };
    let key = request.upgrade.expect("an upgrade").key;
    (key.clone(), accept_value(&key))
}

const NO_LIMITS: Limits = Limits { head: usize::MAX, fields: usize::MAX, body: usize::MAX };

fn with_accept(template: &[u8], accept: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = template;
    while let [byte, tail @ ..] = rest {
        rest = tail;
        match (byte, tail) {
            (b'$', [digit @ b'0'..=b'9', tail @ ..]) => {
                let mut value = accept.as_bytes().to_vec();
                match usize::from(digit - b'0') {
                    0 => {}
                    back @ 1..=4 => {
                        // Still base64, and as long.
                        let at = value.len() - back;
                        value[at] = if value[at] == b'A' { b'B' } else { b'A' };
                    }
                    cut => value.truncate(value.len() + 4 - cut),
                }
                bytes.extend(value);
                rest = tail;
            }
            _ => bytes.push(*byte),
        }
    }
    bytes
}

fn run(plan: &Plan, bytes: &[u8], sizes: &[u8]) -> Outcome {
    let mut handshake = start(plan, &mut Vec::new());
    let mut storage = Storage::default();
    let mut result = Ok(None);
    let mut rest = Vec::new();
    let mut bytes_to_change = bytes.to_vec();
    let pieces = cut_mut(&mut bytes_to_change, sizes).map(|piece| (piece, false));
    let end: (&mut [u8], bool) = (&mut [], true);
    for (mut input, is_end) in pieces.chain(plan.eof.then_some(end)) {
        if is_end {
            handshake.receive_eof();
        }
        if matches!(result, Ok(None)) {
            result = match handshake.receive(&mut input, &mut storage) {
                Ok(response) => Ok(response.map(|mut response| {
                    let mut seen = Seen {
                        status: response.status(),
                        reason: response.reason().to_vec(),
                        fields: response
                            .fields()
                            .map(|(name, value)| (name.to_owned(), value.to_vec()))
                            .collect(),
                        body: response.body().to_vec(),
                        is_truncated: response.body_is_truncated(),
                        switched: None,
                    };
                    match response.accept() {
                        Ok(negotiated) => {
                            assert_eq!(negotiated.role(), Role::Client);
                            seen.switched = Some(negotiated.subprotocol().map(str::to_owned));
                        }
                        Err(error) => {
                            let status = HandshakeError::UnexpectedStatus(seen.status);
                            assert_eq!(error, UsageError::NotAnUpgrade(status));
                        }
                    }
                    seen
                })),
                Err(error) => Err(error),
            };
        } else {
            let again =
                handshake.receive(&mut input, &mut storage).map(|response| response.is_some());
            assert_eq!(again, result.as_ref().map(|_| false).map_err(|error| *error));
        }
        assert!(matches!(result, Ok(Some(_))) || input.is_empty(), "input left without a response");
        rest.extend_from_slice(input);
    }
    assert!(storage.len() <= plan.limits.head.saturating_add(plan.limits.body));
    storage.assert_linear(bytes);
    let next = match handshake.poll(NOW) {
        Next::Wait(_) => None,
        Next::End(result) => Some(result),
    };
    Outcome { result, rest, next }
}

fn check_against(ours: &Outcome, judged: Judged<http::Response>, bytes: &[u8]) {
    match (&ours.result, judged) {
        (Ok(None), Judged::Incomplete) => {
            assert!(matches!(ours.next, None | Some(Err(Failure::Eof))), "{ours:?}");
        }
        (Err(error), Judged::Refused(_)) => {
            assert_eq!(ours.next, Some(Err(Failure::Handshake(*error))));
        }
        (Ok(Some(seen)), Judged::Message(plain)) => {
            assert_eq!(ours.rest, bytes[plain.size..], "the bytes behind the response");
            // The end of the transport may be what completed it.
            assert!(matches!(ours.next, Some(Ok(()) | Err(Failure::Eof))), "{ours:?}");
            let plain = Seen {
                status: plain.status,
                reason: plain.reason,
                fields: plain.fields,
                body: plain.body,
                is_truncated: plain.is_truncated,
                switched: plain.switched,
            };
            assert_eq!(*seen, plain);
        }
        (ours, judged) => panic!("ours: {ours:?}\nplain: {judged:?}"),
    }
}

/// Makes a request of lines: the URI; then subprotocols, each behind a `p`, and fields, each a name, `=` and a value.
fn request(seed: u8, lines: &str) {
    let mut lines = lines.split('\n');
    let uri = lines.next().unwrap_or_default();
    let (mut subprotocols, mut fields) = (Vec::new(), Vec::new());
    for line in lines {
        match (line.strip_prefix('p'), line.split_once('=')) {
            (Some(subprotocol), _) => subprotocols.push(subprotocol),
            (None, Some(field)) => fields.push(field),
            (None, None) => {}
        }
    }
    let mut out = Vec::new();
    let Ok(request) = ClientRequest::new(uri) else {
        return;
    };
    let port = if request.is_secure() { 443 } else { 80 };
    let mut host = request.host().to_owned();
    if host.contains(':') {
        host = format!("[{host}]");
    }
    if request.port() != port {
        host = format!("{host}:{}", request.port());
    }
    let request = request.subprotocols(&subprotocols).fields(&fields);
    let mut client = match ClientHandshake::new(request, [seed; 32], &mut out) {
        Ok(client) => client,
        Err(error) => {
            let fields_are_good = fields.iter().all(|(name, value)| {
                http::is_token(name.as_bytes())
                    && http::is_field_text(value.as_bytes())
                    && value.trim() == *value
            });
            let subprotocols_are_good = subprotocols.iter().all(|it| http::is_token(it.as_bytes()));
            let reserved = ["host", "upgrade", "connection", "content-length", "transfer-encoding"];
            let is_reserved = fields.iter().any(|(name, _)| {
                let name = name.to_lowercase();
                reserved.contains(&&name[..]) || name.starts_with("sec-websocket-")
            });
            let distinct =
                (1..subprotocols.len()).all(|at| !subprotocols[..at].contains(&subprotocols[at]));
            let is_good = fields_are_good && subprotocols_are_good && !is_reserved && distinct;
            assert!(!is_good || subprotocols.len() > 16, "{error:?}");
            assert_eq!(out, []);
            return;
        }
    };
    let judged = judge_request(&out, NO_LIMITS);
    let Judged::Message(plain) = judged else {
        panic!("{judged:?}: {}", out.escape_ascii());
    };
    assert_eq!(plain.head.size, out.len());
    let upgrade = plain.upgrade.expect("an upgrade");
    assert_eq!(upgrade.subprotocols, subprotocols);
    assert!(plain.head.fields.contains(&("Host".to_owned(), host.into_bytes())));
    assert_eq!(plain.head.fields.len(), 5 + usize::from(!subprotocols.is_empty()) + fields.len());
    assert!(fields.iter().all(|(name, value)| {
        plain.head.fields.contains(&((*name).to_owned(), value.as_bytes().to_vec()))
    }));
    peers::check_request(&out);
    shake_hands(&mut client, out, subprotocols.last().copied());
}

/// Our own server takes what our own client asks for, and the other way round.
fn shake_hands(client: &mut ClientHandshake, mut request: Vec<u8>, subprotocol: Option<&str>) {
    let (mut storage, mut out) = (Vec::new(), Vec::new());
    let mut input = &mut request[..];
    let limits = HandshakeConfig::default().head_limit(1 << 20).and_then(|it| it.field_limit(1000));
    let mut server = ServerHandshake::new(limits.expect("limits that are not zero"));
    let received = server.receive(&mut input, &mut storage).expect("a request");
    let mut received = received.expect("a whole request");
    let mut answer = Accept::new();
    if let Some(subprotocol) = subprotocol {
        answer = answer.subprotocol(subprotocol);
    }
    let negotiated = received.accept(answer, &mut out).expect("an upgrade");
    assert_eq!(negotiated.subprotocol(), subprotocol);
    out.extend_from_slice(b"\x81\x00");
    let mut storage = Vec::new();
    let mut input = &mut out[..];
    let response = client.receive(&mut input, &mut storage).expect("a response");
    let negotiated = response.expect("a whole response").accept().expect("a 101");
    assert_eq!(negotiated.subprotocol(), subprotocol);
    assert_eq!(input, b"\x81\x00");
}
