//! Compressed messages (RFC 7692 §7.2), through the public API.
#![cfg(feature = "deflate")]
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

use websocket_proto::{Config, DeflateConfig, Event, MessageKind, Negotiated, WebSocket};

fn pair(config: DeflateConfig) -> (WebSocket, WebSocket) {
    let params = config.params();
    let server = Negotiated::server().with_deflate(params, config);
    let client = Negotiated::client([7; 32]).with_deflate(params, config);
    (WebSocket::open(server, Config::default()), WebSocket::open(client, Config::default()))
}

/// RFC 7692 §7.2.3.1, §7.2.3.2: "Hello" by itself, and again out of the context taken over.
#[test]
fn hello_of_the_rfc() {
    let (_, mut client) = pair(DeflateConfig::default());
    let mut input = *b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00\xc1\x05\xf2\x00\x11\x00\x00";
    let (mut out, mut rest) = (Vec::new(), &mut input[..]);
    for _ in 0..2 {
        assert_eq!(client.receive(&mut rest, &mut out), Some(Event::Text("Hello".into())));
    }
}

#[test]
fn messages_come_through() {
    for config in [
        DeflateConfig::default().threshold(0),
        DeflateConfig::default()
            .threshold(0)
            .server_no_context_takeover(true)
            .client_no_context_takeover(true),
        DeflateConfig::default()
            .threshold(0)
            .server_max_window_bits(9)
            .unwrap()
            .client_max_window_bits(8)
            .unwrap(),
    ] {
        let (mut server, mut client) = pair(config);
        for size in [0, 1, 10, 125, 126, 1000, 20_000, 100_000] {
            let text: String = (0..size).map(|i| ('a'..='w').nth(i * i % 23).unwrap()).collect();
            for (from, to) in [(0, 1), (1, 0)] {
                let ends = [&mut server, &mut client];
                let mut out = Vec::new();
                ends[from].send_text(&text, &mut out).unwrap();
                ends[from]
                    .send_fragment(
                        MessageKind::Binary,
                        &text.as_bytes()[..size / 2],
                        false,
                        &mut out,
                    )
                    .unwrap();
                ends[from]
                    .send_fragment(
                        MessageKind::Binary,
                        &text.as_bytes()[size / 2..],
                        true,
                        &mut out,
                    )
                    .unwrap();
                assert!(size < 125 || out.len() < size, "{size}: {}", out.len());
                let mut got = Vec::new();
                for piece in out.chunks_mut(1000) {
                    let mut piece = piece;
                    while let Some(event) = ends[to].receive(&mut piece, &mut Vec::new()) {
                        got.push(match event {
                            Event::Text(text) => Event::Text(text.into_owned().into()),
                            Event::Binary(data) => Event::Binary(data.into_owned().into()),
                            other => panic!("{other:?}"),
                        });
                    }
                }
                assert_eq!(
                    got,
                    [Event::Text(text.as_str().into()), Event::Binary(text.as_bytes().into())]
                );
            }
        }
    }
}
