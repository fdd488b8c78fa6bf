//! Many connections, and what they hold: rows 98 and 102.

use core::time::Duration;

use websocket_proto::{
    Accept, ClientHandshake, ClientRequest, CloseCode, Config, Event, HandshakeConfig, MessageKind,
    Next, ServerHandshake, WebSocket,
};

use crate::frames::{frame, give};
use crate::{ROLES, Row, Work, name_of, negotiated, websocket};

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let config = Config::default().message_limit(LIMIT as u64).expect("not zero");
    for role in ROLES {
        let name = name_of(role);
        let idle = [frame(role, 0x82, b"whole"), frame(role, 0x89, b"ping")].concat();
        let long = frame(role, 0x82, &[1; LIMIT]);
        let text = frame(role, 0x81, "κόσμε".repeat(LIMIT / 10).as_bytes());
        for (what, input, received) in [
            ("idle connections", idle, 0),
            ("connections with half a header", long[..3].to_vec(), 0),
            ("connections with half a ping", frame(role, 0x89, &[1; 125])[..60].to_vec(), 0),
            ("connections with half a message", long[..1000].to_vec(), 1000),
            ("connections with half a text", text[..1000].to_vec(), 1000),
        ] {
            let name = format!("98 {name}, {what}");
            rows.push(Row::new(name, "connections", 250, move |size| {
                let mut inputs = vec![input.clone(); size];
                let mut open = Vec::with_capacity(size);
                let mut out = Vec::with_capacity(1000);
                Work::keeping(size * (2 * received).min(LIMIT), move || {
                    for input in &mut inputs {
                        let mut ws = WebSocket::open(negotiated(role), config);
                        give(&mut ws, input, 100, &mut out);
                        out.clear();
                        open.push(ws);
                    }
                })
            }));
        }
    }
    rows.push(Row::new("98 server, half a request", "connections", 250, |size| {
        let mut inputs = vec![b"GET / HTTP/1.1\r\nHost: example.com\r\nCookie: ".to_vec(); size];
        let mut open = Vec::with_capacity(size);
        Work::keeping(2 * 44 * size, move || {
            for input in &mut inputs {
                let mut handshake = ServerHandshake::new(HandshakeConfig::default());
                let mut head = Vec::new();
                for mut piece in input.chunks_mut(10) {
                    assert!(matches!(handshake.receive(&mut piece, &mut head), Ok(None)));
                }
                open.push((handshake, head));
            }
        })
    }));
    rows.push(Row::new("102 connections that open and close", "connections", 25_000, |size| {
        // What one holds at a time: two heads, and an assembled message.
        Work::new(4096, move || (0..size).for_each(|_| open_and_close()))
    }));
    for role in ROLES {
        rows.push(Row::new(
            format!("102 {}, messages assembled and given back", name_of(role)),
            "messages",
            250_000,
            {
                move |size| {
                    let message =
                        [frame(role, 1, "κόσμε".as_bytes()), frame(role, 0x80, b"x")].concat();
                    let mut input = message.repeat(size);
                    let mut ws = websocket(role);
                    Work::new(24, move || {
                        let mut out = Vec::new();
                        // Small and odd: nearly every message straddles two of them.
                        for mut piece in input.chunks_mut(17) {
                            while let Some(event) = ws.receive(&mut piece, &mut out) {
                                if let Event::Text(text) = event {
                                    ws.recycle(text.into_owned());
                                }
                            }
                        }
                        ws.receive_eof();
                    })
                }
            },
        ));
    }
    rows
}

/// The message limit in bytes where half a message has come: less than twice of what has.
const LIMIT: usize = 1400;

/// Both ends, from the request to the end of the transport, in pieces of 100 bytes.
fn open_and_close() {
    let (mut up, mut down) = (Vec::with_capacity(1000), Vec::with_capacity(1000));
    let request = ClientRequest::new("ws://example.com/").expect("a URI");
    let mut client = ClientHandshake::new(request, [7; 32], &mut up).expect("a request");
    let mut server = ServerHandshake::new(HandshakeConfig::default());
    let (mut opened, mut head) = (None, Vec::new());
    for mut piece in up.chunks_mut(100) {
        if let Some(mut request) = server.receive(&mut piece, &mut head).expect("no fault") {
            let negotiated = request.accept(Accept::new(), &mut down).expect("an upgrade");
            opened = Some(WebSocket::open(negotiated, Config::default()));
        }
    }
    let mut server = opened.expect("a connection");
    up.clear();
    let (mut opened, mut head) = (None, Vec::new());
    for mut piece in down.chunks_mut(100) {
        if let Some(mut response) = client.receive(&mut piece, &mut head).expect("no fault") {
            opened =
                Some(WebSocket::open(response.accept().expect("an upgrade"), Config::default()));
        }
    }
    let mut client = opened.expect("a connection");
    down.clear();
    for last in [false, true] {
        client
            .send_fragment(MessageKind::Text, &[b'x'; 150], last, &mut up)
            .expect("there is room");
    }
    client.close(CloseCode::NORMAL, "done", &mut up).expect("there is room");
    assert_eq!(give(&mut server, &mut up, 100, &mut down), 1);
    assert_eq!(server.poll(Duration::ZERO, &mut down), Next::End(Ok(())));
    give(&mut client, &mut down, 100, &mut up);
    client.receive_eof();
    assert_eq!(client.poll(Duration::ZERO, &mut up), Next::End(Ok(())));
}
