//! What compression holds and what it lets out (RFC 7692 §7.2, §8): heap counted by an allocator, bombs, and secrets.
#![cfg(feature = "deflate")]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::cast_possible_wrap,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod common;
#[path = "common/counting.rs"]
mod counting;
#[path = "../src/deflate/naive.rs"]
mod naive;

use common::{OPEN, To, both, close, failed, give, judge, opened, secs};
use counting::{NOTHING, cost, live, with_at_most};
use naive::{Bits, noise};
use websocket_proto::ProtocolError::{InvalidCompression, MessageTooLong};
use websocket_proto::{
    Compress, Config, DeflateConfig, Event, Failure, MessageKind, Next, Role, UsageError, WebSocket,
};

/// Compresses every message.
fn config(takes_over: bool) -> DeflateConfig {
    DeflateConfig::default()
        .threshold(0)
        .server_no_context_takeover(!takes_over)
        .client_no_context_takeover(!takes_over)
}

fn windows(config: DeflateConfig, bits: u8) -> DeflateConfig {
    config.server_max_window_bits(bits).unwrap().client_max_window_bits(bits).unwrap()
}

fn open(role: Role, deflate: DeflateConfig, config: Config) -> WebSocket {
    WebSocket::open(opened(role).with_deflate(deflate.params(), deflate), config)
}

/// What the documentation of `DeflateConfig` says that a connection holds to inflate, in bytes, once it has had so many.
fn inflates(made: usize) -> isize {
    match made {
        _ if cfg!(feature = "zlib-rs") => 47 << 10,
        // A window that doubles.
        _ => (11 << 10) + (2 * made).clamp(1 << 10, 48 << 10) as isize,
    }
}

/// The same to deflate with a window of 2^bits bytes, beside what was made of the last message.
fn deflates(bits: u8) -> isize {
    if cfg!(feature = "zlib-rs") { (146 << 10) + (4 << bits.max(9)) } else { 313 << 10 }
}

/// The most that is kept of what was made of the last message.
const KEPT: isize = 64 << 10;

/// A message of blocks without compression, and the empty one without its tail.
fn stored(data: &[u8]) -> Vec<u8> {
    let mut bits = Bits::new();
    for piece in data.chunks(65_535) {
        bits.stored(false, piece);
    }
    bits.stored_header(false).bytes.clone()
}

const HELLO: &[u8] = &[0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00];

/// 256 MiB in 254 KiB, and an end.
fn bomb() -> Vec<u8> {
    let mut bits = Bits::new();
    bits.repeat(b'x', (256 << 20) / 258 + 1).end_of_repeat(0).stored_header(false);
    assert!(bits.bytes.len() < 255 << 10, "{}", bits.bytes.len());
    bits.bytes
}

both! {
    client_receives_a_bomb_row_84, server_receives_a_bomb_row_84: |role| {
        let bomb = bomb();
        for (first, takes_over) in [(0xC1, true), (0xC2, false), (0x41, false), (0x42, true)] {
            let whole = To(role).frame(first, &bomb);
            for limit in [1_000_000_u32, 1 << 20, 300_000] {
                for step in [whole.len(), 16 << 10, 1_460] {
                    let mut bytes = whole.clone();
                    let limits = Config::default().message_limit(limit.into()).unwrap();
                    let (mut ws, mut out) = (open(role, config(takes_over), limits), Vec::with_capacity(99));
                    let mut read = 0;
                    let ((), spent) = cost(|| for piece in bytes.chunks_mut(step) {
                        read += usize::from(ws.may_send()) * piece.len();
                        assert_eq!(give(&mut ws, piece, &mut out), 0);
                    });
                    let limit = isize::try_from(limit).unwrap();
                    assert!(spent.peak <= limit + (32 << 10) + (64 << 10), "{spent:?} of {limit}");
                    assert_eq!(spent.kept, 0, "after the failure nothing is held");
                    assert_eq!(ws.poll(secs(0), &mut out), failed(MessageTooLong));
                    assert_eq!(judge(role, &out), [close(1009)]);
                    // Two bits make 258 bytes: what is read of it makes the limit, and no more.
                    let least = limit / 258 / 4;
                    let most = least + step as isize + 100;
                    assert!((least..=most).contains(&(read as isize)), "{read}");
                }
            }
        }
    };

    client_inflates_in_what_is_documented_row_98, server_inflates_in_what_is_documented_row_98: |role| {
        let noise = noise(200_000);
        let mut ws = open(role, config(true), Config::default());
        let (before, mut made, mut out) = (live(), 0, Vec::new());
        for size in [0, 1, 100, 1_000, 5_000, 60_000, 200_000, 10] {
            let mut frame = To(role).frame(0xC2, &stored(&noise[..size]));
            let frame_len = frame.capacity() as isize;
            assert_eq!(give(&mut ws, &mut frame, &mut out), 1);
            made += size;
            let held = live() - before - frame_len;
            assert!(held <= inflates(made), "{held} after {made}");
        }
        // It is no more than that by a tenth, either.
        assert!(10 * (live() - before) > 9 * inflates(made), "{}", live() - before);
    };

    client_deflates_in_what_is_documented_row_98, server_deflates_in_what_is_documented_row_98: |role| {
        let noise = noise(200_000);
        for bits in 8..=15 {
            let mut ws = open(role, windows(config(true), bits), Config::default());
            let mut out = Vec::with_capacity(300_000);
            let before = live();
            ws.send_binary(b"a", &mut out).unwrap();
            let held = live() - before;
            assert!(held <= deflates(bits) && 10 * held > 9 * deflates(bits), "{held}, {bits} bits");
            for size in [1_000, 20_000, 60_000, 100_000, 200_000] {
                out.clear();
                ws.send_binary(&noise[..size], &mut out).unwrap();
                let held = live() - before;
                assert!(held <= deflates(bits) + KEPT, "{held}, {bits} bits, {size}");
            }
        }
    };

    client_holds_nothing_between_messages_row_88_98, server_holds_nothing_between_messages_row_88_98: |role| {
        let to = To(role);
        let noise = noise(100_000);
        let ((), opened) = cost(|| drop(open(role, config(true), Config::default())));
        assert_eq!(opened, NOTHING, "before the first message");
        let mut ws = open(role, config(false), Config::default());
        let mut out = Vec::with_capacity(1_000_000);
        for data in [b"a", &noise[..100], &noise, b""] {
            let mut frames = [to.frame(0xC2, &stored(data)), to.fragments(0x41, &[&HELLO[..2], &HELLO[2..]])].concat();
            let ((), received) = cost(|| assert_eq!(give(&mut ws, &mut frames, &mut out), 2));
            assert_eq!(received.kept, 0, "{}", data.len());
            let ((), sent) = cost(|| {
                ws.send_binary(data, &mut out).unwrap();
                ws.send_fragment(MessageKind::Binary, data, false, &mut out).unwrap();
                ws.send_fragment(MessageKind::Binary, data, true, &mut out).unwrap();
                out.clear();
            });
            assert_eq!(sent.kept, 0, "{}", data.len());
        }
    };

    client_holds_nothing_after_the_end_row_88_98, server_holds_nothing_after_the_end_row_88_98: |role| {
        let to = To(role);
        let mut hello = to.frame(0xC1, HELLO);
        for mut end in [
            to.frame(0xC1, &[0xFF]),
            to.frame(0x42, &[0xFF]),
            to.frame(0xC1, &HELLO[..3]),
            to.frame(0xC0, b""),
            [to.frame(0x41, &HELLO[..4]), to.close(1000, "")].concat(),
            to.close(1000, ""),
        ] {
            let mut out = Vec::with_capacity(1_000);
            let mut ws = open(role, config(true), Config::default());
            let mut hello = hello.clone();
            let before = live();
            give(&mut ws, &mut hello, &mut out);
            ws.send_text("Hello", &mut out).unwrap();
            assert!(live() > before);
            give(&mut ws, &mut end, &mut out);
            assert_eq!(live(), before, "{end:02x?}");
            // What comes later is not inflated, and what is sent later is not compressed.
            assert_eq!(give(&mut ws, &mut hello, &mut out), 0);
            assert_eq!(ws.send_text("Hello", &mut out), Err(UsageError::Closed));
            assert_eq!(live(), before);
        }
        // With the end of the transport, and with a timer.
        let (mut ws, mut out) = (open(role, config(true), Config::default()), Vec::with_capacity(1_000));
        let before = live();
        give(&mut ws, &mut hello, &mut out);
        ws.receive_eof();
        assert_eq!(live(), before);
        let limits = Config::default().idle_timeout(secs(5)).unwrap();
        let mut ws = open(role, config(true), limits);
        let mut hello = to.frame(0xC1, HELLO);
        let before = live();
        give(&mut ws, &mut hello, &mut out);
        assert_eq!(ws.poll(secs(0), &mut out), Next::Wait(Some(secs(5))));
        let _ = ws.poll(secs(5), &mut out);
        assert_eq!(live(), before);
    };

    client_receives_a_million_empty_compressed_fragments_row_89,
    server_receives_a_million_empty_compressed_fragments_row_89: |role| {
        let to = To(role);
        let thousand = to.frame(0x00, b"").repeat(1_000);
        for begun in [0, 3, 5] {
            let mut ws = open(role, config(true), Config::default());
            let (mut input, mut out) = (thousand.clone(), Vec::new());
            let mut first = to.frame(0x41, &HELLO[..begun]);
            let mut last = to.frame(0x80, &HELLO[begun..]);
            give(&mut ws, &mut first, &mut out);
            let ((), spent) = cost(|| for _ in 0..1_000 {
                input.copy_from_slice(&thousand);
                give(&mut ws, &mut input, &mut out);
            });
            assert_eq!(spent, NOTHING);
            assert_eq!(ws.receive(&mut &mut last[..], &mut out), Some(Event::Text("Hello".into())));
        }
    };

    client_asks_for_nothing_more_row_102, server_asks_for_nothing_more_row_102: |role| {
        // Shorter and longer than the most that is made ready at once.
        for text in [700, 4_000].map(|times| "a text like any other, ".repeat(times)) {
            asks_for_nothing_more(role, &text);
        }
    };

    client_fails_without_memory_to_inflate_row_104, server_fails_without_memory_to_inflate_row_104: |role| {
        let payload = stored(&noise(400_000));
        for first in [0xC2, 0x42] {
            let mut frame = To(role).frame(first, &payload);
            let (mut ws, mut out) = (open(role, config(true), Config::default()), Vec::with_capacity(100));
            let ((), spent) = cost(|| {
                let messages = with_at_most(100_000, || give(&mut ws, &mut frame, &mut out));
                assert_eq!(messages, 0);
            });
            assert_eq!(spent.kept, 0);
            assert_eq!(ws.poll(secs(0), &mut out), Next::End(Err(Failure::OutOfMemory)));
            assert_eq!(judge(role, &out), [close(1011)]);
        }
    };

    client_sends_without_memory_to_deflate_row_104, server_sends_without_memory_to_deflate_row_104: |role| {
        let noise = noise(400_000);
        let (mut ws, mut peer) = (open(role, config(true), Config::default()), open(role.peer(), config(true), Config::default()));
        let mut out = Vec::with_capacity(1_000_000);
        ws.send_text("what is referred to", &mut out).unwrap();
        with_at_most(350_000, || {
            let full = Err(UsageError::OutputFull { needed: 400_000 });
            assert_eq!(ws.send_binary(&noise, &mut out), full);
        });
        // It may be sent as it is, or later, and whatever comes behind it is right.
        ws.compress(Compress::Never);
        ws.send_binary(&noise, &mut out).unwrap();
        ws.compress(Compress::Always);
        ws.send_binary(&noise, &mut out).unwrap();
        ws.send_text("what is referred to", &mut out).unwrap();
        let (mut rest, mut got) = (&mut out[..], Vec::new());
        while let Some(event) = peer.receive(&mut rest, &mut Vec::new()) {
            got.push(match event {
                Event::Text(text) => text.as_bytes().to_vec(),
                Event::Binary(data) => data.to_vec(),
                other => panic!("{other:?}"),
            });
        }
        let text = b"what is referred to".to_vec();
        assert!(got == [text.clone(), noise.clone(), noise, text]);
        assert_eq!(peer.poll(secs(0), &mut Vec::new()), OPEN);
    };

    client_reaches_no_secret_row_88, server_reaches_no_secret_row_88: |role| {
        let to = To(role);
        let secret = b"the secret of another message, ".repeat(2_000);
        let (mut planted, mut planted_to_end) = (Bits::new(), Bits::new());
        planted.stored(false, &secret).stored_header(false);
        planted_to_end.stored(true, &secret);
        let far = (1..=32_768).step_by(1_171).chain([1, 2, 3, 4, 30, 31, 32, 257, 258, 259, 32_767, 32_768]);
        for distance in far {
            for literals in [&b""[..], b"!", b"!!!!"] {
                if distance <= literals.len() {
                    continue;
                }
                let mut reaching = Bits::new();
                reaching.fixed(false).literals(literals).copy(258, distance).end().stored_header(false);
                let mut after_the_end = Bits::new();
                after_the_end.raw(&planted_to_end.bytes).raw(&reaching.bytes);
                for (what, takes_over, planted, reaching) in [
                    ("without takeover", false, to.frame(0xC2, &planted.bytes), &reaching.bytes),
                    ("after the end of a stream", true, to.frame(0xC2, &planted_to_end.bytes), &reaching.bytes),
                    ("within one message", true, Vec::new(), &after_the_end.bytes),
                    ("another connection", true, Vec::new(), &reaching.bytes),
                ] {
                    // A connection that had the secret, and whose memory the next one may get.
                    let mut first = open(role, config(true), Config::default());
                    let mut bytes = to.frame(0xC2, &stored(&secret));
                    assert_eq!(give(&mut first, &mut bytes, &mut Vec::new()), 1);
                    drop(first);
                    let mut ws = open(role, config(takes_over), Config::default());
                    let (mut out, mut planted) = (Vec::new(), planted);
                    assert_eq!(give(&mut ws, &mut planted, &mut out), usize::from(!planted.is_empty()));
                    let mut bytes = to.frame(0xC2, reaching);
                    assert_eq!(ws.receive(&mut &mut bytes[..], &mut out), None, "{what}: {distance}");
                    assert_eq!(ws.poll(secs(0), &mut out), failed(InvalidCompression), "{what}");
                    assert_eq!(judge(role, &out), [close(1007)]);
                }
            }
        }
    };
}

/// As `Config::recycle_limit` says: a message that fits in it can be recycled, and one that does not comes all the same.
#[test]
fn a_message_that_can_be_recycled_is_given_no_more_than_that() {
    let limits = Config::default().recycle_limit(100_000);
    for (len, fits) in [(60_000, true), (90_000, true), (100_000, true), (100_001, false)] {
        // Bytes of 64 kinds, in no order: they shrink to three quarters.
        let data: Vec<u8> = noise(len).into_iter().map(|byte| b'0' + byte % 64).collect();
        let (mut server, mut out) = (open(Role::Server, config(true), limits), Vec::new());
        server.send_binary(&data, &mut out).unwrap();
        server.send_text(core::str::from_utf8(&data).unwrap(), &mut out).unwrap();
        for step in [out.len(), 5_000, 100] {
            let mut client = open(Role::Client, config(true), limits);
            let mut seen = 0;
            for mut piece in out.clone().chunks_mut(step) {
                while let Some(event) = client.receive(&mut piece, &mut Vec::new()) {
                    let buffer = match event {
                        Event::Text(text) => text.into_owned().into_bytes(),
                        Event::Binary(data) => data.into_owned(),
                        event => panic!("{event:?}"),
                    };
                    assert!(buffer == data);
                    assert_eq!(buffer.capacity() <= 100_000, fits, "{len} {step}");
                    client.recycle(buffer);
                    seen += 1;
                }
            }
            assert_eq!(seen, 2);
        }
    }
}

fn asks_for_nothing_more(role: Role, text: &str) {
    let to = To(role);
    let config_of_recycling = Config::default().recycle_limit(1 << 20);
    let (mut ws, mut out) =
        (open(role, config(true), config_of_recycling), Vec::with_capacity(200_000));
    let mut bits = Bits::new();
    bits.fixed(false).literals(text.as_bytes()).end().stored_header(false);
    let frames = [to.frame(0xC1, &bits.bytes), to.frame(0xC2, &bits.bytes)].concat();
    let mut input = frames.clone();
    let mut busy = |recycles: bool| {
        input.copy_from_slice(&frames);
        let mut rest = &mut input[..];
        while let Some(event) = ws.receive(&mut rest, &mut out) {
            match event {
                Event::Text(text) if recycles => ws.recycle(text.into_owned()),
                Event::Binary(data) if recycles => ws.recycle(data.into_owned()),
                _ => {}
            }
        }
        ws.send_text(text, &mut out).unwrap();
        ws.send_binary(text.as_bytes(), &mut out).unwrap();
        out.clear();
    };
    (0..5).for_each(|_| busy(true));
    let ((), spent) = cost(|| (0..50).for_each(|_| busy(true)));
    assert_eq!(spent, NOTHING, "what is handed over is given back");
}
