//! What may be sent where compression was agreed to, and in which form (RFC 7692 §6, §7.2.1), through the public API.
#![cfg(feature = "deflate")]
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may panic")]

use websocket_proto::{
    Compress, Config, DeflateConfig, Event, MessageKind, Negotiated, Prepared, UsageError,
    WebSocket,
};

fn pair(config: DeflateConfig) -> (WebSocket, WebSocket) {
    let params = config.params();
    let server = Negotiated::server().with_deflate(params, config);
    let client = Negotiated::client([7; 32]).with_deflate(params, config);
    (WebSocket::open(server, Config::default()), WebSocket::open(client, Config::default()))
}

/// RFC 7692 §6: whether a message is compressed is chosen for each; RSV1 of its first frame says it.
#[test]
fn the_caller_chooses_what_is_compressed() {
    let long = "long ".repeat(40);
    for (which, expected) in [
        (Compress::Never, [0x81, 0x81, 0x82]),
        (Compress::Worthwhile, [0x81, 0xc1, 0xc2]),
        (Compress::Always, [0xc1, 0xc1, 0xc2]),
    ] {
        let (mut server, _) = pair(DeflateConfig::default());
        server.compress(which);
        let mut firsts = Vec::new();
        for (kind, payload) in
            [(MessageKind::Text, "short"), (MessageKind::Text, &long), (MessageKind::Binary, &long)]
        {
            let mut out = Vec::new();
            match kind {
                MessageKind::Text => server.send_text(payload, &mut out).unwrap(),
                MessageKind::Binary => server.send_binary(payload.as_bytes(), &mut out).unwrap(),
            }
            firsts.push(out[0]);
        }
        assert_eq!(firsts, expected);
    }
}

/// A message is compressed to its end or not at all, whatever is chosen meanwhile: only its first frame can say it.
#[test]
fn a_message_in_parts_goes_on_as_it_began() {
    let (mut server, mut client) = pair(DeflateConfig::default());
    let mut out = Vec::new();
    server.compress(Compress::Always);
    server.send_fragment(MessageKind::Text, b"a", false, &mut out).unwrap();
    server.compress(Compress::Never);
    let refused = server.start_fragment(MessageKind::Text, 1, true);
    assert_eq!(refused.unwrap_err(), UsageError::MessageInProgress);
    server.send_fragment(MessageKind::Text, b"b", true, &mut out).unwrap();
    server.send_fragment(MessageKind::Text, b"c", false, &mut out).unwrap();
    server.compress(Compress::Always);
    let start = server.start_fragment(MessageKind::Text, 1, false).unwrap();
    out.extend_from_slice(start.header());
    out.push(b'd');
    server.send_fragment(MessageKind::Text, b"e", true, &mut out).unwrap();
    let mut input = &mut out[..];
    for text in ["ab", "cde"] {
        let event = client.receive(&mut input, &mut Vec::new());
        assert_eq!(event, Some(Event::Text(text.into())));
    }
}

/// A message that is compressed once goes to everyone who can inflate it, in the form that all others get besides.
#[test]
fn server_sends_a_prepared_message_compressed_where_it_may() {
    let news = "all the news ".repeat(100);
    let config = DeflateConfig::default().server_max_window_bits(12).unwrap();
    let prepared = Prepared::text(&news).unwrap().compress(&config).unwrap();
    let config = DeflateConfig::default().threshold(0);
    for (config, which, first) in [
        (config, Compress::Worthwhile, 0xc1),
        (config.server_no_context_takeover(true), Compress::Worthwhile, 0xc1),
        (config.server_max_window_bits(12).unwrap(), Compress::Always, 0xc1),
        (config.server_max_window_bits(11).unwrap(), Compress::Always, 0x81),
        (config, Compress::Never, 0x81),
    ] {
        let (mut server, mut client) = pair(config);
        server.compress(which);
        let mut out = Vec::new();
        server.send_text(&news, &mut out).unwrap();
        let before = out.len();
        server.send_prepared(&prepared, &mut out).unwrap();
        assert_eq!(out[before], first, "{config:?} {which:?}");
        assert_eq!(out.len() - before < news.len() / 4, first == 0xc1);
        // The peer's window has moved on: what refers to it must still be right.
        server.send_text(&news, &mut out).unwrap();
        let mut input = &mut out[..];
        for _ in 0..3 {
            let event = client.receive(&mut input, &mut Vec::new());
            assert_eq!(event, Some(Event::Text(news.as_str().into())));
        }
    }
}

#[test]
fn a_prepared_message_that_does_not_shrink_stays_as_it_is() {
    let prepared = Prepared::binary(b"x").unwrap();
    assert_eq!(prepared.clone().compress(&DeflateConfig::default()).unwrap(), prepared);
}

/// Without an agreement there is no RSV1 (RFC 6455 §5.2).
#[test]
fn server_sends_a_prepared_message_as_it_is_without_an_agreement() {
    let news = "all the news ".repeat(100);
    let prepared = Prepared::text(&news).unwrap().compress(&DeflateConfig::default()).unwrap();
    let mut server = WebSocket::open(Negotiated::server(), Config::default());
    let mut out = Vec::new();
    server.compress(Compress::Always);
    server.send_prepared(&prepared, &mut out).unwrap();
    assert_eq!(out, prepared.frame());
}
