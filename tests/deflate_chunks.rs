//! Messages handed out in chunks, inflated where they came compressed (RFC 7692 §7.2.2), through the public API.
#![cfg(feature = "deflate")]
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

use core::time::Duration;

use websocket_proto::{
    ChunkEvent, CloseCode, Compress, Config, DeflateConfig, Event, Failure, MessageKind,
    Negotiated, Next, ProtocolError, Role, WebSocket,
};

fn open(role: Role, config: Config) -> WebSocket {
    let negotiated = match role {
        Role::Server => Negotiated::server(),
        Role::Client => Negotiated::client([7; 32]),
    };
    let deflate = DeflateConfig::default();
    WebSocket::open(negotiated.with_deflate(deflate.params(), deflate), config)
}

fn pair(config: Config) -> (WebSocket, WebSocket) {
    (open(Role::Server, config), open(Role::Client, config))
}

/// What came of messages: their kind, their bytes, and whether they came to their end.
type Messages = Vec<(MessageKind, Vec<u8>, bool)>;

/// Takes input in pieces, and checks what is said of each chunk.
fn receive_chunks(ws: &mut WebSocket, bytes: &[u8], piece_len: usize) -> (Messages, Next) {
    let (mut bytes, mut scratch, mut out) = (bytes.to_vec(), Vec::new(), Vec::new());
    let mut messages = Messages::new();
    for mut piece in bytes.chunks_mut(piece_len) {
        while let Some(event) = ws.receive_chunk(&mut piece, &mut scratch, &mut out) {
            let ChunkEvent::Data(chunk) = event else { continue };
            if chunk.first {
                messages.push((chunk.kind, Vec::new(), false));
            }
            let (kind, payload, is_over) = messages.last_mut().unwrap();
            assert_eq!((*kind, *is_over), (chunk.kind, false));
            assert!(chunk.last || !chunk.payload.is_empty());
            payload.extend_from_slice(chunk.payload);
            *is_over = chunk.last;
            assert!(scratch.len() <= 16 << 10, "{}", scratch.len());
        }
        assert!(piece.is_empty());
    }
    (messages, ws.poll(Duration::ZERO, &mut out))
}

fn text(len: usize) -> String {
    "All that is said, ärger and \u{1f600}. ".chars().cycle().take(len).collect()
}

#[test]
fn messages_come_in_chunks_compressed_or_not() {
    let long = text(100_000);
    let expected: Messages = vec![
        (MessageKind::Text, long.clone().into_bytes(), true),
        (MessageKind::Binary, Vec::new(), true),
        (MessageKind::Binary, long.clone().into_bytes(), true),
        (MessageKind::Text, b"end".to_vec(), true),
    ];
    for (from, to) in [(Role::Server, Role::Client), (Role::Client, Role::Server)] {
        for which in [Compress::Always, Compress::Never] {
            let mut from = open(from, Config::default());
            from.compress(which);
            let mut out = Vec::new();
            from.send_text(&long, &mut out).unwrap();
            from.send_binary(b"", &mut out).unwrap();
            for (part, last) in [(&long[..50], false), ("", false), (&long[50..], true)] {
                from.send_fragment(MessageKind::Binary, part.as_bytes(), last, &mut out).unwrap();
                from.send_ping(b"between", &mut out).unwrap();
            }
            from.send_text("end", &mut out).unwrap();
            for piece_len in [usize::MAX, 1] {
                let mut to = open(to, Config::default());
                let (messages, next) = receive_chunks(&mut to, &out, piece_len);
                assert!(messages == expected, "{which:?} {piece_len}");
                assert_eq!(next, Next::Wait(None));
            }
        }
    }
}

/// Only chunks are held, so the limit may exceed memory; it holds for what was inflated, as for what came.
#[test]
fn chunks_end_at_the_message_limit() {
    for which in [Compress::Always, Compress::Never] {
        for (limit, fits) in [(40_000, true), (39_999, false)] {
            let (mut server, _) = pair(Config::default());
            server.compress(which);
            let mut out = Vec::new();
            server.send_binary(&vec![7; 40_000], &mut out).unwrap();
            let (_, mut client) = pair(Config::default().message_limit(limit).unwrap());
            let (messages, next) = receive_chunks(&mut client, &out, 1000);
            if fits {
                assert_eq!(messages, [(MessageKind::Binary, vec![7; 40_000], true)]);
            } else {
                let failure = Failure::Protocol(ProtocolError::MessageTooLong);
                assert_eq!(next, Next::End(Err(failure)));
                assert!(messages.iter().all(|(_, _, is_over)| !is_over));
            }
        }
    }
}

/// §8.1 of RFC 6455: what is good of a text is handed out, however it came; what is not fails the connection.
#[test]
fn chunks_of_text_are_checked() {
    let failure = Next::End(Err(Failure::Protocol(ProtocolError::InvalidUtf8)));
    for (bytes, good) in
        [(&b"good\xffbad"[..], &b"good"[..]), (b"cut \xf0\x9f\x98", b"cut \xf0\x9f\x98")]
    {
        for which in [Compress::Always, Compress::Never] {
            let (mut server, _) = pair(Config::default());
            server.compress(which);
            // As binary, for nothing else would be sent; then it is marked as text.
            let mut out = Vec::new();
            server.send_binary(bytes, &mut out).unwrap();
            out[0] ^= 0x03;
            for piece_len in [usize::MAX, 1] {
                let (_, mut client) = pair(Config::default());
                let (messages, next) = receive_chunks(&mut client, &out, piece_len);
                assert_eq!(messages, [(MessageKind::Text, good.to_vec(), false)]);
                assert_eq!(next, failure);
            }
        }
    }
}

/// RFC 1951 §3.2.3: the block type 3 is reserved.
#[test]
fn what_comes_before_an_invalid_block_is_handed_out() {
    const STORED: &[u8] = b"\x00\x05\x00\xfa\xffHello";
    let end = Next::End(Err(Failure::Protocol(ProtocolError::InvalidCompression)));
    for (before, expected) in
        [(STORED, vec![(MessageKind::Binary, b"Hello".to_vec(), false)]), (b"", Vec::new())]
    {
        let len = u8::try_from(before.len() + 1).unwrap();
        let frame = [&[0xC2, len], before, &[0b110]].concat();
        for piece_len in [usize::MAX, 1] {
            let mut client = open(Role::Client, Config::default());
            assert_eq!(receive_chunks(&mut client, &frame, piece_len), (expected.clone(), end));
        }
    }
}

/// What is left of a message is dropped by the call that did not begin it; what follows is unharmed.
#[test]
fn a_message_goes_on_with_the_call_that_began_it() {
    let long = text(100_000);
    let (mut server, mut client) = pair(Config::default());
    let (mut begun, mut rest, mut replies) = (Vec::new(), Vec::new(), Vec::new());
    for which in [Compress::Always, Compress::Never] {
        server.compress(which);
        server
            .send_fragment(MessageKind::Text, &long.as_bytes()[..50_000], false, &mut begun)
            .unwrap();
        server
            .send_fragment(MessageKind::Text, &long.as_bytes()[50_000..], true, &mut rest)
            .unwrap();
        server.send_text("next", &mut rest).unwrap();

        let mut scratch = Vec::new();
        let (mut input, mut copy) = (&mut begun[..], rest.clone());
        let event = client.receive_chunk(&mut input, &mut scratch, &mut replies);
        assert!(matches!(event, Some(ChunkEvent::Data(chunk)) if chunk.first && !chunk.last));
        let event = client.receive(&mut input, &mut replies);
        assert_eq!(event, None);
        let event = client.receive(&mut &mut copy[..], &mut replies);
        assert_eq!(event, Some(Event::Text("next".into())));
        begun.clear();
        rest.clear();

        server.send_fragment(MessageKind::Text, b"begun", false, &mut begun).unwrap();
        server.send_fragment(MessageKind::Text, b"rest", true, &mut rest).unwrap();
        server.send_binary(b"next", &mut rest).unwrap();
        assert_eq!(client.receive(&mut &mut begun[..], &mut replies), None);
        let (messages, _) = receive_chunks(&mut client, &rest, 3);
        assert_eq!(messages, [(MessageKind::Binary, b"next".to_vec(), true)]);
        begun.clear();
        rest.clear();
    }
}

/// The message behind one that was left before its end does not overtake what is wrong with that one.
#[test]
fn what_is_left_of_a_message_comes_before_the_next() {
    for (end, is_good) in [(&b"end"[..], true), (b"\xff", false)] {
        for which in [Compress::Always, Compress::Never] {
            let (mut server, mut client) = pair(Config::default());
            let (mut out, mut replies, mut scratch) = (Vec::new(), Vec::new(), Vec::new());
            server.compress(which);
            // As binary, for nothing else would be sent; then it is marked as text.
            server.send_binary(&[&vec![b'x'; 20_000], end].concat(), &mut out).unwrap();
            out[0] ^= 0x03;
            let mut input = &mut out[..];
            let event = client.receive_chunk(&mut input, &mut scratch, &mut replies);
            assert!(matches!(event, Some(ChunkEvent::Data(chunk)) if chunk.first));
            assert!(input.is_empty());
            let mut next = *b"\x81\x02hi";
            let event = client.receive(&mut &mut next[..], &mut replies);
            let next = client.poll(Duration::ZERO, &mut replies);
            if is_good {
                assert_eq!((event, next), (Some(Event::Text("hi".into())), Next::Wait(None)));
            } else {
                let failure = Failure::Protocol(ProtocolError::InvalidUtf8);
                assert_eq!((event, next), (None, Next::End(Err(failure))));
            }
        }
    }
}

/// Control frames between the parts of a message whose rest is dropped are told of all the same (§5.4 of RFC 6455).
#[test]
fn control_frames_come_out_of_the_rest_that_is_dropped() {
    for which in [Compress::Always, Compress::Never] {
        let (mut server, mut client) = pair(Config::default());
        let (mut out, mut replies, mut scratch) = (Vec::new(), Vec::new(), Vec::new());
        server.compress(which);
        server.send_fragment(MessageKind::Binary, b"begun", false, &mut out).unwrap();
        let begun = out.len();
        server.send_ping(b"one", &mut out).unwrap();
        server.send_fragment(MessageKind::Binary, b"rest", false, &mut out).unwrap();
        server.send_pong(b"two", &mut out).unwrap();
        server.close(CloseCode::NORMAL, "three", &mut out).unwrap();
        let (mut begun, mut rest) = out.split_at_mut(begun);
        let event = client.receive_chunk(&mut begun, &mut scratch, &mut replies);
        assert!(matches!(event, Some(ChunkEvent::Data(chunk)) if chunk.payload == b"begun"));
        let mut next = || client.receive(&mut rest, &mut replies);
        assert!(matches!(next(), Some(Event::Ping(payload)) if *payload == *b"one"));
        assert!(matches!(next(), Some(Event::Pong(payload)) if *payload == *b"two"));
        assert!(matches!(next(), Some(Event::Close(close)) if close.reason() == "three"));
        assert_eq!(next(), None);
    }
}

/// The idle timeout runs "without a byte received", however often the caller asks.
#[test]
fn no_input_is_no_sign_of_life() {
    let secs = Duration::from_secs;
    let wait = |time| Next::Wait(Some(secs(time)));
    let mut client = open(Role::Client, Config::default().idle_timeout(secs(60)).unwrap());
    let (mut scratch, mut out) = (Vec::new(), Vec::new());
    assert_eq!(client.poll(secs(0), &mut out), wait(60));
    assert_eq!(client.receive_chunk(&mut &mut [][..], &mut scratch, &mut out), None);
    assert_eq!(client.poll(secs(20), &mut out), wait(60));
    assert_eq!(client.receive_chunk(&mut &mut [0x82][..], &mut scratch, &mut out), None);
    assert_eq!(client.poll(secs(40), &mut out), wait(100));
}
