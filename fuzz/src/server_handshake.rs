//! A server's opening handshake: what is accepted satisfies every rule as the plain reader sees them, what is refused
//! breaks one, the partition does not matter, and every answer is one that others can read.

use websocket_proto::{
    Accept, ClientHandshake, ClientRequest, Failure, HandshakeConfig, HandshakeError, Next,
    Request, ServerHandshake, SliceOutput, UsageError, negotiate,
};

use crate::accept::accept_value;
use crate::ends::NOW;
use crate::frames::cut_mut;
use crate::http::{self, Expected, Judged, Limits, judge_request, judge_response};
use crate::peers;
use crate::storage::Storage;

/// Input: flags that choose the limits and the answer; how the head is cut; the head.
pub fn oracle(data: &[u8]) {
    let Some((&[flags, sizes @ .., count], bytes)) = data.split_first_chunk::<4>() else {
        return;
    };
    let limits = Limits {
        head: [16 * 1024, 64, 256, 1][usize::from(flags % 4)],
        fields: [64, 1, 4, 8][usize::from(flags / 4 % 4)],
        body: 0,
    };
    let sizes = &sizes[..usize::from(count % 3)];
    let whole = run(bytes, &[], limits);
    for sizes in [sizes, &[1]] {
        assert_eq!(run(bytes, sizes, limits), whole, "in pieces of {sizes:?}");
    }
    let judged = judge_request(bytes, limits);
    check_against(&whole, &judged, bytes);
    answer(bytes, limits, flags / 16, &judged);
}

/// Asserts that any partition of the bytes comes to the same.
pub fn check_splits(bytes: &[u8], partitions: &[&[u8]]) {
    let limits = Limits { head: 16 * 1024, fields: 64, body: 0 };
    let whole = run(bytes, &[], limits);
    for sizes in partitions {
        assert_eq!(run(bytes, sizes, limits), whole, "in pieces of {sizes:?}");
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    result: Result<Option<Seen>, HandshakeError>,
    /// What is left of the input.
    rest: Vec<u8>,
    next: Option<Result<(), Failure>>,
}

/// A request, as its accessors tell of it.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    method: String,
    target: String,
    path: String,
    query: Option<String>,
    fields: Vec<(String, Vec<u8>)>,
    subprotocols: Vec<String>,
    extensions: Vec<http::Extension>,
    is_upgrade: bool,
}

impl Seen {
    fn new(request: &Request<'_>) -> Self {
        let param =
            |(name, value): (&str, Option<&str>)| (name.to_owned(), value.map(str::to_owned));
        Seen {
            method: request.method().to_owned(),
            target: request.target().to_owned(),
            path: request.path().to_owned(),
            query: request.query().map(str::to_owned),
            fields: request
                .fields()
                .map(|(name, value)| (name.to_owned(), value.to_vec()))
                .collect(),
            subprotocols: request.subprotocols().map(str::to_owned).collect(),
            extensions: request
                .extensions()
                .map(|it| (it.name().to_owned(), it.params().map(param).collect()))
                .collect(),
            is_upgrade: request.is_upgrade(),
        }
    }
}

fn config(limits: Limits) -> HandshakeConfig {
    HandshakeConfig::default()
        .head_limit(limits.head)
        .and_then(|config| config.field_limit(limits.fields))
        .expect("limits that are not zero")
        .body_limit(limits.body)
}

fn run(bytes: &[u8], sizes: &[u8], limits: Limits) -> Outcome {
    let mut handshake = ServerHandshake::new(config(limits));
    let mut storage = Storage::default();
    let mut result = Ok(None);
    let mut rest = Vec::new();
    for mut input in cut_mut(&mut bytes.to_vec(), sizes) {
        if matches!(result, Ok(None)) {
            result = match handshake.receive(&mut input, &mut storage) {
                Ok(request) => Ok(request.map(|request| Seen::new(&request))),
                Err(error) => Err(error),
            };
        } else {
            // It is over: a fault comes again and takes the input, a request leaves it.
            let again =
                handshake.receive(&mut input, &mut storage).map(|request| request.is_some());
            assert_eq!(again, result.as_ref().map(|_| false).map_err(|error| *error));
        }
        assert!(matches!(result, Ok(Some(_))) || input.is_empty(), "input left without a request");
        rest.extend_from_slice(input);
    }
    assert!(storage.len() <= limits.head);
    storage.assert_linear(bytes);
    let next = match handshake.poll(NOW) {
        Next::Wait(_) => None,
        Next::End(result) => Some(result),
    };
    assert_eq!(next, result.as_ref().err().map(|error| Err(Failure::Handshake(*error))).or(next));
    Outcome { result, rest, next }
}

fn check_against(ours: &Outcome, judged: &Judged<http::Request>, bytes: &[u8]) {
    match (&ours.result, judged) {
        (Ok(None), Judged::Incomplete) | (Err(_), Judged::Refused(_)) => {}
        (Ok(Some(seen)), Judged::Message(request)) => {
            assert_eq!((&seen.method, &seen.target), (&request.method, &request.target));
            assert_eq!(seen.fields, request.head.fields);
            assert_eq!(ours.rest, bytes[request.head.size..], "the bytes behind the head");
            assert_eq!(seen.is_upgrade, request.upgrade.is_some());
            if let Some(upgrade) = &request.upgrade {
                assert_eq!(seen.subprotocols, upgrade.subprotocols);
                let without_escapes = seen.extensions.iter().map(|(name, params)| {
                    let plain = |value: &String| value.replace('\\', "");
                    (
                        name.clone(),
                        params
                            .iter()
                            .map(|(name, value)| (name.clone(), value.as_ref().map(plain)))
                            .collect(),
                    )
                });
                assert_eq!(without_escapes.collect::<Vec<http::Extension>>(), upgrade.extensions);
            }
            let (path, query) = (
                seen.path.as_str(),
                seen.query.as_deref().map_or(String::new(), |it| format!("?{it}")),
            );
            assert!(seen.target.ends_with(&format!("{path}{query}")) || path == "/", "{seen:?}");
            check_negotiate(request);
            peers::check_request(&bytes[..request.head.size]);
        }
        (ours, judged) => panic!("ours: {ours:?}\nplain: {judged:?}"),
    }
    if let Ok(None) = ours.result {
        assert_eq!((ours.next, &ours.rest[..]), (None, &[][..]));
    }
}

/// The handshake over fields alone comes to the same.
fn check_negotiate(request: &http::Request) {
    let fields = || request.head.fields.iter().map(|(name, value)| (name.as_str(), &value[..]));
    let upgrade = request.upgrade.as_ref();
    let offered = upgrade.and_then(|upgrade| upgrade.subprotocols.last()).map(String::as_str);
    let supported = ["never offered", offered.unwrap_or("nor this")];
    match (negotiate(fields, &supported), upgrade) {
        (Ok((negotiated, response)), Some(upgrade)) => {
            assert_eq!(negotiated.subprotocol(), offered);
            let accept = accept_value(&upgrade.key);
            assert!(response.fields().any(|field| field == ("sec-websocket-accept", &accept)));
        }
        (Err(error), None) => assert!(error.status().is_some()),
        (Ok(_), None) => assert!(request.method != "GET" || request.head.line.ends_with("1.0")),
        (Err(error), Some(_)) => panic!("{error:?}"),
    }
}

/// Answers what was received in every way there is.
fn answer(bytes: &[u8], limits: Limits, choice: u8, judged: &Judged<http::Request>) {
    let mut handshake = ServerHandshake::new(config(limits));
    let mut copy = bytes.to_vec();
    let mut input = &mut copy[..];
    let mut storage = Storage::default();
    let mut out = Vec::new();
    match (handshake.receive(&mut input, &mut storage), judged) {
        (Ok(Some(mut request)), Judged::Message(plain)) => match &plain.upgrade {
            Some(upgrade) if choice & 0x80 == 0 => accept(request, upgrade),
            Some(_) => reject(request, choice),
            None => {
                let result = request.accept(Accept::new(), &mut out);
                let Err(UsageError::NotAnUpgrade(error)) = result else {
                    panic!("{result:?}");
                };
                assert!([Some(400), Some(405), Some(426)].contains(&error.status()));
                respond(error);
                reject(request, choice);
            }
        },
        (Err(error), _) => respond(error),
        _ => {}
    }
}

fn accept(mut request: Request<'_>, upgrade: &http::Upgrade) {
    let mut out = Vec::new();
    let unoffered = request.accept(Accept::new().subprotocol("never offered"), &mut out);
    assert_eq!(unoffered.err(), Some(UsageError::SubprotocolNotOffered));
    for (name, value) in [
        ("a", "b\r\nc: d"),
        ("a\r\nb", "c"),
        ("Upgrade", "x"),
        ("sec-websocket-accept", "x"),
        ("", ""),
    ] {
        let result = request.accept(Accept::new().fields(&[(name, value)]), &mut out);
        assert!(matches!(
            result,
            Err(UsageError::InvalidFieldName | UsageError::InvalidFieldValue)
        ));
    }
    let subprotocol = upgrade.subprotocols.last();
    let fields = [("Set-Cookie", "a=b"), ("X-\u{21}", "\u{e9}\t")];
    let mut answer = Accept::new().fields(&fields[..1]);
    if let Some(subprotocol) = subprotocol {
        answer = answer.subprotocol(subprotocol.as_str());
    }
    let full = request.accept(answer, &mut SliceOutput::new(&mut [0; 100])).err();
    let Some(UsageError::OutputFull { needed }) = full else {
        panic!("{full:?}");
    };
    assert_eq!(out, []);
    let negotiated = request.accept(answer, &mut out).expect("an upgrade");
    assert_eq!(negotiated.subprotocol(), subprotocol.map(String::as_str));
    assert_eq!(out.len(), needed);
    assert_eq!(request.accept(answer, &mut out).err(), Some(UsageError::AlreadyAnswered));
    assert_eq!(request.reject(404, &[], b"", &mut out).err(), Some(UsageError::AlreadyAnswered));
    let expected = Expected {
        accept: &accept_value(&upgrade.key),
        offered: &upgrade.subprotocols,
        limits: Limits { head: 1 << 20, fields: 100, body: 0 },
        eof: false,
    };
    let judged = judge_response(&out, &expected);
    let Judged::Message(response) = judged else {
        panic!("{judged:?}");
    };
    assert_eq!((response.switched, response.size), (Some(subprotocol.cloned()), out.len()));
    assert_eq!(peers::response_status(&out), Some(101));
}

fn reject(mut request: Request<'_>, choice: u8) {
    let body: &[u8] = [&b""[..], b"body\r\n\r\n"][usize::from(choice & 1)];
    let status = [404, 405, 426, 204, 304, 205, 599, 101][usize::from(choice / 2 % 8)];
    let has_body = request.method() != "HEAD";
    let mut out = Vec::new();
    assert_eq!(
        request.reject(404, &[("a", "\n")], b"", &mut out),
        Err(UsageError::InvalidFieldValue)
    );
    match request.reject(status, &[("Retry-After", "1")], body, &mut out) {
        Ok(()) => check_refusal(&out, status, has_body.then_some(body)),
        Err(error) => {
            assert_eq!(error, UsageError::InvalidStatus);
            assert!(status == 101 || ([204, 205, 304].contains(&status) && !body.is_empty()));
            assert_eq!(out, []);
        }
    }
}

fn respond(error: HandshakeError) {
    let mut out = Vec::new();
    assert_eq!(error.respond(&mut out), Ok(()), "{error:?}");
    // To a request that may be HEAD no content may be sent.
    let is_found_in_get = matches!(
        error,
        HandshakeError::UnexpectedContent
            | HandshakeError::NoUpgrade
            | HandshakeError::NoConnectionUpgrade
            | HandshakeError::InvalidVersion
            | HandshakeError::UnsupportedVersion
            | HandshakeError::InvalidKey
            | HandshakeError::InvalidSubprotocols
            | HandshakeError::InvalidExtensions
            | HandshakeError::TooManySubprotocols
    );
    let body = if is_found_in_get { error.as_str().as_bytes() } else { b"" };
    check_refusal(&out, error.status().expect("a server's fault"), Some(body));
    let mut storage = vec![0; out.len()];
    let (storage_len, storage) = (storage.len(), &mut storage[..]);
    let too_small = error.respond(&mut SliceOutput::new(&mut storage[1..]));
    assert_eq!(too_small, Err(UsageError::OutputFull { needed: storage_len }));
    assert_eq!(error.respond(&mut SliceOutput::new(storage)), Ok(()));
}

/// `body`: `None` where only its length is told.
fn check_refusal(out: &[u8], status: u16, body: Option<&[u8]>) {
    assert_eq!(peers::response_status(out), Some(status));
    let limits = Limits { head: 1 << 20, fields: 100, body: 1 << 20 };
    let expected = Expected { accept: "", offered: &[], limits, eof: body.is_none() };
    let judged = judge_response(out, &expected);
    let Judged::Message(response) = judged else {
        panic!("{judged:?}");
    };
    let values = |name: &str| {
        let named = response.fields.iter().filter(|(it, _)| it.eq_ignore_ascii_case(name));
        named.map(|(_, value)| String::from_utf8_lossy(value).to_lowercase()).collect::<Vec<_>>()
    };
    assert_eq!((response.status, response.size), (status, out.len()));
    assert_eq!(response.body, body.unwrap_or_default());
    assert!(values("connection").iter().any(|value| value.split(", ").any(|it| it == "close")));
    if status == 405 {
        assert_eq!(values("allow"), ["get"], "RFC 9110 §15.5.6");
    }
    if status == 426 {
        assert_eq!(values("upgrade"), ["websocket"], "RFC 9110 §15.5.22");
        assert_eq!(values("connection"), ["upgrade, close"], "RFC 9110 §7.8");
        assert_eq!(values("sec-websocket-version"), ["13"], "RFC 6455 §4.4");
    }
    let Some(body) = body else {
        return;
    };
    // Our own client makes the same of it.
    let mut sent = Vec::new();
    let request = ClientRequest::new("ws://a").expect("a URI");
    let mut client = ClientHandshake::new(request, [1; 32], &mut sent).expect("a growing output");
    let mut copy = out.to_vec();
    let mut input = &mut copy[..];
    let mut storage = Storage::default();
    let received = client.receive(&mut input, &mut storage).expect("a response");
    let received = received.expect("a whole response");
    assert_eq!(
        (received.status(), received.body(), received.body_is_truncated()),
        (status, body, false)
    );
    assert_eq!(input, []);
}
