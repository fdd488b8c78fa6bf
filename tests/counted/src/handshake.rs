//! Opening handshakes: rows 23, 27 and 96 of the catalogue of attacks.

use websocket_proto::{
    Accept, ClientHandshake, ClientRequest, HandshakeConfig, ServerHandshake, SliceOutput,
    accept_key,
};

use crate::{Row, Work};

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for field in ["Connection", "Upgrade", "Transfer-Encoding", PROTOCOL, EXTENSIONS] {
        rows.push(list_to_server(field));
        rows.push(list_to_client(field));
    }
    for (shape, what) in [(Shape::Fields, "many fields"), (Shape::Long, "one long field")] {
        rows.push(trickle_to_server(shape, format!("27 server, a head by single bytes, {what}")));
        rows.push(trickle_to_client(shape, format!("27 client, a head by single bytes, {what}")));
    }
    rows.push(body("Content-Length: 1000000", b"x", "27 client, a body by single bytes"));
    rows.push(body(
        "Transfer-Encoding: chunked",
        b"1\r\nx\r\n",
        "27 client, a body in chunks of a byte",
    ));
    rows
}

const PROTOCOL: &str = "Sec-WebSocket-Protocol";
const EXTENSIONS: &str = "Sec-WebSocket-Extensions";

/// What a list is filled with.
const FILLINGS: [&str; 10] = ["a", " ", ",", "a,", "a ,", ", \t", ";", "a;", "a;b=c,", "\\c"];

fn config() -> HandshakeConfig {
    let config = HandshakeConfig::default().head_limit(1 << 20).expect("not zero");
    config.field_limit(usize::MAX).expect("not zero")
}

/// Values of about `size` bytes.
fn values(size: usize) -> impl Iterator<Item = String> {
    let filled = FILLINGS.map(|filling| filling.repeat(size / filling.len()));
    let spaces = format!("a{}x", " ".repeat(size));
    let quoted = format!("a;b=\"{}\"", "\\c".repeat(size / 2));
    let unclosed = format!("a;b=\"{}", "\\c".repeat(size / 2));
    let tokens = (0..size / 8).map(|token| format!("{token:07},")).collect();
    filled.into_iter().chain([spaces, quoted, unclosed, tokens])
}

fn request(fields: &str) -> Vec<u8> {
    format!(
        "GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{fields}\r\n"
    )
    .into_bytes()
}

/// Gives a request in pieces to a server, which looks at all of it and accepts it if it may.
fn serve(bytes: &mut [u8], step: usize, head: &mut Vec<u8>, out: &mut [u8]) -> Option<bool> {
    let mut out = SliceOutput::new(out);
    let mut handshake = ServerHandshake::new(config());
    for mut piece in bytes.chunks_mut(step) {
        match handshake.receive(&mut piece, head) {
            Ok(None) => {}
            Ok(Some(mut request)) => {
                let seen =
                    request.fields().map(|(name, value)| name.len() + value.len()).sum::<usize>()
                        + request.subprotocols().map(str::len).sum::<usize>()
                        + request
                            .extensions()
                            .map(|it| it.name().len() + it.params().count())
                            .sum::<usize>()
                        + request.field("no such field").map_or(0, <[u8]>::len);
                std::hint::black_box(seen);
                return Some(request.accept(Accept::new(), &mut out).is_ok());
            }
            Err(error) => {
                error.respond(&mut out).expect("there is room");
                return Some(false);
            }
        }
    }
    None
}

fn list_to_server(field: &'static str) -> Row {
    Row::new(format!("23 server, long values of {field}"), "bytes each", 16 << 10, move |size| {
        let mut requests: Vec<_> =
            values(size).map(|value| request(&format!("{field}: {value}\r\n"))).collect();
        // The same in a request that is not for an upgrade, whose lists are not checked before.
        requests.extend(values(size).map(|value| {
            format!("GET / HTTP/1.1\r\nHost: example.com\r\n{field}: {value}\r\n\r\n").into_bytes()
        }));
        let (mut head, mut out) = (Vec::new(), [0; 1024]);
        Work::new(0, move || {
            for bytes in &mut requests {
                assert!(serve(bytes, usize::MAX, &mut head, &mut out).is_some());
            }
        })
    })
}

/// A client that waits for a response, and the fields of the response that it asks for.
fn client() -> (ClientHandshake, String) {
    let mut out = Vec::new();
    let request = ClientRequest::new("ws://example.com/").expect("a URI").subprotocol("chat");
    let handshake =
        ClientHandshake::with_config(config(), request, [7; 32], &mut out).expect("a request");
    let text = String::from_utf8(out).expect("ASCII");
    let key =
        text.split("Sec-WebSocket-Key: ").nth(1).and_then(|rest| rest.get(..24)).expect("a key");
    let accept =
        String::from_utf8(accept_key(key.as_bytes().try_into().expect("24 bytes")).to_vec())
            .expect("ASCII");
    (
        handshake,
        format!("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n"),
    )
}

fn list_to_client(field: &'static str) -> Row {
    Row::new(format!("23 client, long values of {field}"), "bytes each", 16 << 10, move |size| {
        let mut responses = Vec::new();
        for value in values(size) {
            for status in [101, 403] {
                let (handshake, fields) = client();
                let response = format!("HTTP/1.1 {status} \r\n{fields}{field}: {value}\r\n\r\n");
                responses.push((handshake, response.into_bytes()));
            }
        }
        let mut storage = vec![0; 8 * size + 4096];
        Work::new(0, move || {
            for (handshake, bytes) in &mut responses {
                let mut head = SliceOutput::new(&mut storage);
                let mut input = &mut bytes[..];
                if let Ok(Some(mut response)) = handshake.receive(&mut input, &mut head) {
                    std::hint::black_box(response.accept().is_ok());
                }
            }
        })
    })
}

#[derive(Clone, Copy)]
enum Shape {
    Fields,
    Long,
}

/// Field lines of `size` bytes in all, about.
fn fields(shape: Shape, size: usize) -> String {
    match shape {
        Shape::Fields => {
            (0..size / 32).map(|field| format!("X-Field-{field:06}: some value.\r\n")).collect()
        }
        Shape::Long => format!("Cookie: {}\r\n", "x".repeat(size)),
    }
}

/// The head is kept in a `Vec` of the caller's, which grows by doubling.
fn trickle_to_server(shape: Shape, name: String) -> Row {
    Row::new(name, "bytes", 16 << 10, move |size| {
        let mut bytes = request(&fields(shape, size));
        let mut out = [0; 1024];
        Work::new(2 * bytes.len(), move || {
            let mut head = Vec::new();
            assert_eq!(serve(&mut bytes, 1, &mut head, &mut out), Some(true));
        })
    })
}

fn trickle_to_client(shape: Shape, name: String) -> Row {
    Row::new(name, "bytes", 16 << 10, move |size| {
        let (mut handshake, known) = client();
        let mut bytes = format!("HTTP/1.1 101 \r\n{known}{}\r\n", fields(shape, size)).into_bytes();
        Work::new(2 * bytes.len(), move || {
            let (mut head, mut is_accepted) = (Vec::new(), false);
            for mut piece in bytes.chunks_mut(1) {
                if let Some(mut response) =
                    handshake.receive(&mut piece, &mut head).expect("a response")
                {
                    is_accepted = response.accept().is_ok();
                }
            }
            assert!(is_accepted);
        })
    })
}

/// A response that refuses the upgrade, whose body does not end.
fn body(field: &'static str, piece: &'static [u8], name: &'static str) -> Row {
    Row::new(name, "bytes", 15_000, move |size| {
        let (mut handshake, _) = client();
        let mut bytes = format!("HTTP/1.1 403 \r\n{field}\r\n\r\n").into_bytes();
        bytes.extend(piece.repeat(size / piece.len()));
        Work::new(2 * bytes.len(), move || {
            let mut head = Vec::new();
            for mut piece in bytes.chunks_mut(1) {
                assert!(handshake.receive(&mut piece, &mut head).expect("no fault").is_none());
            }
        })
    })
}
