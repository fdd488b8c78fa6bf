//! What a `WebSocket` holds, counted by an allocator: nothing by a declared length, nothing for a message that came
//! whole, at most twice of what came of one that did not, nothing when idle (RFC 6455 §10.4).
#![cfg(feature = "alloc")]
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

use common::{To, both, close, give, judge, opened, secs};
use counting::{NOTHING, cost, live, with_at_most};
use websocket_proto::{
    Config, Connection, Event, Failure, Negotiated, Next, Prepared, Role, SliceOutput, UsageError,
    WebSocket,
};

fn unlimited() -> Config {
    Config::default().message_limit(u64::MAX).unwrap()
}

/// The most that a message in progress may hold.
fn formula(received: usize, limit: usize) -> isize {
    (2 * received).min(limit) as isize
}

both! {
    client_receives_a_declared_gigabyte_row_42_98, server_receives_a_declared_gigabyte_row_42_98: |role| {
        let to = To(role);
        for first in [0x01, 0x02, 0x81, 0x82] {
            for len in [1 << 30, (1 << 32) + 70_000, (1 << 63) - 1] {
                let mut header = to.header(first, len);
                let mut ws = WebSocket::open(opened(role), unlimited());
                let mut out = Vec::new();
                let (_, spent) = cost(|| give(&mut ws, &mut header, &mut out));
                assert_eq!(spent, NOTHING, "by its declared length");
                let mut piece = [b'x'; 100];
                let (_, spent) = cost(|| give(&mut ws, &mut piece, &mut out));
                assert!(spent.peak <= 200, "{spent:?}");
            }
        }
    };

    client_receives_whole_messages_without_heap_row_98_102, server_receives_whole_messages_without_heap_row_98_102: |role| {
        let to = To(role);
        let big = vec![b'x'; 100_000];
        for frame in [to.text("text"), to.binary(&big), to.frame(0x81, &big), to.ping(&[1; 125]), to.pong(b"")] {
            let mut ws = WebSocket::open(opened(role), Config::default());
            let mut out = Vec::with_capacity(200);
            for _ in 0..10 {
                let mut frame = frame.clone();
                let ((), spent) = cost(|| {
                    give(&mut ws, &mut frame, &mut out);
                    out.clear();
                });
                assert_eq!(spent, NOTHING);
            }
        }
    };

    client_holds_at_most_twice_of_what_came_row_98, server_holds_at_most_twice_of_what_came_row_98: |role| {
        let to = To(role);
        for (first, opcode) in [(0x81, 0x01), (0x82, 0x02)] {
            for (size, limit) in [(10_000, 16 << 20), (10_000, 10_000), (3_000, 3_500)] {
                let payload = vec![b'x'; size];
                let single = to.frame(first, &payload);
                let parts: Vec<&[u8]> = payload.chunks(37).collect();
                let fragments = to.fragments(opcode, &parts);
                for (bytes, step) in [(single.clone(), 1), (single, 700), (fragments.clone(), 1), (fragments, 500)] {
                    let config = Config::default().message_limit(limit).unwrap();
                    let mut ws = WebSocket::open(opened(role), config);
                    let (mut bytes, mut out) = (bytes, Vec::new());
                    let (before, mut received, mut messages) = (live(), 0, 0);
                    for piece in bytes.chunks_mut(step) {
                        // Headers count as received too, which makes it no more than stricter without them.
                        received += piece.len();
                        messages += give(&mut ws, piece, &mut out);
                        let held = live() - before;
                        let most = formula(received.min(size), usize::try_from(limit).unwrap());
                        assert!(held <= most, "{held} after {received} of {size}");
                    }
                    assert_eq!((messages, live() - before), (1, 0), "idle again");
                }
            }
        }
    };

    client_drops_what_is_over_row_98_102, server_drops_what_is_over_row_98_102: |role| {
        // A message that never ends leaves nothing behind, however it does not.
        let to = To(role);
        for end in [to.close(1000, ""), to.frame(0x83, b""), to.frame(0x80, b"\xFF"), to.header(0x80, 1 << 40)] {
            let mut begun = to.frame(0x01, &[b'x'; 5000]);
            let mut end = end;
            let (mut ws, mut out) = (WebSocket::open(opened(role), Config::default()), Vec::with_capacity(100));
            let before = live();
            give(&mut ws, &mut begun, &mut out);
            assert!(live() > before);
            give(&mut ws, &mut end, &mut out);
            assert_eq!(live(), before);
        }
        // With the Close itself, and with the end of the transport.
        let mut begun = to.frame(0x02, &[b'x'; 5000]);
        let mut end = to.close(1000, "");
        let (mut ws, mut out) =
            (WebSocket::open(opened(role), Config::default()), Vec::with_capacity(100));
        let before = live();
        give(&mut ws, &mut begun, &mut out);
        assert!(matches!(ws.receive(&mut &mut end[..], &mut out), Some(Event::Close(_))));
        assert_eq!(live(), before);
        let mut begun = to.frame(0x01, &[b'x'; 5000]);
        let (mut ws, mut out) = (WebSocket::open(opened(role), Config::default()), Vec::new());
        let before = live();
        give(&mut ws, &mut begun, &mut out);
        ws.receive_eof();
        assert_eq!(live(), before);
        // With a timer, even while the output has no room for the Close.
        let mut begun = to.frame(0x02, &[b'x'; 5000]);
        let config = Config::default().idle_timeout(secs(5)).unwrap();
        let (mut ws, mut out) = (WebSocket::open(opened(role), config), SliceOutput::new(&mut []));
        let before = live();
        assert!(ws.receive(&mut &mut begun[..4000], &mut out).is_none());
        assert_eq!(ws.poll(secs(0), &mut out), Next::Wait(Some(secs(5))));
        assert!(live() >= before + 3900);
        assert_eq!(ws.poll(secs(5), &mut out), Next::Wait(Some(secs(15))));
        assert_eq!(live(), before);
    };

    client_receives_a_million_empty_fragments_row_54, server_receives_a_million_empty_fragments_row_54: |role| {
        let to = To(role);
        for opcode in [1, 2] {
            let mut ws = WebSocket::open(opened(role), Config::default());
            let mut out = Vec::new();
            let (mut first, mut last) = (to.frame(opcode, b""), to.frame(0x80, b""));
            let thousand = to.frame(0x00, b"").repeat(1000);
            let mut input = thousand.clone();
            let (messages, spent) = cost(|| {
                give(&mut ws, &mut first, &mut out);
                for _ in 0..500 {
                    input.copy_from_slice(&thousand);
                    give(&mut ws, &mut input, &mut out);
                }
                give(&mut ws, &mut last, &mut out)
            });
            assert_eq!((messages, spent), (1, NOTHING));
        }
    };

    client_receives_control_frames_between_fragments_row_49, server_receives_control_frames_between_fragments_row_49: |role| {
        let to = To(role);
        let mut ws = WebSocket::open(opened(role), Config::default());
        let mut out = Vec::with_capacity(200);
        give(&mut ws, &mut to.frame(0x01, b"begun"), &mut out);
        let frames = [to.ping(&[7; 125]), to.pong(&[8; 125])].concat();
        let mut input = frames.clone();
        let ((), spent) = cost(|| for _ in 0..10_000 {
            input.copy_from_slice(&frames);
            give(&mut ws, &mut input, &mut out);
            out.clear();
        });
        assert_eq!(spent, NOTHING);
    };

    client_receives_a_ping_flood_row_64_100, server_receives_a_ping_flood_row_64_100: |role| {
        let mut ws = WebSocket::open(opened(role), Config::default());
        let mut out = Vec::new();
        let pings = To(role).ping(&[7; 125]).repeat(100);
        let mut input = pings.clone();
        let ((), spent) = cost(|| for _ in 0..1000 {
            input.copy_from_slice(&pings);
            give(&mut ws, &mut input, &mut out);
            let _ = ws.poll(secs(0), &mut out);
        });
        // The output is the caller's `Vec`, which grows by doubling.
        assert!(spent.peak <= 2 * (65_536 + 131), "{spent:?}");
    };

    client_recycles_row_102, server_recycles_row_102: |role| {
        let to = To(role);
        let in_fragments = |kind: u8| {
            let next = to.frame(0x00, &[b'x'; 500]).repeat(8);
            [to.frame(kind, &[b'x'; 500]), next, to.frame(0x80, &[b'x'; 500])].concat()
        };
        let whole = |kind: u8| to.frame(0x80 | kind, &[b'x'; 5000]);
        for message in [whole(1), whole(2), in_fragments(1), in_fragments(2)] {
            let mut input = message.clone();
            let config = Config::default().recycle_limit(5000);
            let (mut ws, mut out) = (WebSocket::open(opened(role), config), Vec::new());
            let mut busy = || {
                input.copy_from_slice(&message);
                for piece in input.chunks_mut(1460) {
                    let mut piece = piece;
                    while let Some(event) = ws.receive(&mut piece, &mut out) {
                        match event {
                            Event::Text(text) => ws.recycle(text.into_owned().into_bytes()),
                            Event::Binary(data) => ws.recycle(data.into_owned()),
                            _ => panic!("messages only"),
                        }
                    }
                }
            };
            busy();
            let ((), spent) = cost(|| (0..1000).for_each(|_| busy()));
            assert_eq!(spent, NOTHING);
        }
    };

    client_recycles_up_to_a_size_row_98, server_recycles_up_to_a_size_row_98: |role| {
        let config = Config::default().recycle_limit(1000);
        let (mut ws, mut out) = (WebSocket::open(opened(role), config), Vec::new());
        let (large, fits, second) = (vec![0; 1001], vec![0; 1000], vec![0; 900]);
        let before = live();
        ws.recycle(large);
        assert_eq!(live() - before, -1001, "not kept");
        ws.recycle(fits);
        assert_eq!(live() - before, -1001, "kept");
        ws.recycle(second);
        assert!(live() - before >= -1001 - 1000, "one is kept");
        assert!(live() - before <= -1001 - 900, "and no second one");
        // In the midst of a message, and after the end, none is.
        give(&mut ws, &mut To(role).frame(0x01, b"half"), &mut out);
        let ((), spent) = cost(|| ws.recycle(vec![0; 500]));
        assert_eq!(spent.kept, 0);
        ws.receive_eof();
        assert!(live() - before <= -1001 - 1000 - 900);
    };

    client_fits_the_buffer_that_there_is_row_98_102, server_fits_the_buffer_that_there_is_row_98_102: |role| {
        let to = To(role);
        for opcode in [0x01, 0x02] {
            // Twice of what has come is what has come then.
            let mut bytes = to.fragments(opcode, &[&[b'x'; 100], &[b'x'; 100], b""]);
            let (mut ws, mut out) = (WebSocket::open(opened(role), Config::default()), Vec::new());
            let (messages, spent) = cost(|| give(&mut ws, &mut bytes, &mut out));
            assert_eq!((messages, spent.calls, spent.peak), (1, 1, 200));
            // What can be recycled just so is not given more.
            let mut bytes = to.fragments(opcode, &[&[b'x'; 400], &[b'x'; 600], b""]);
            let config = Config::default().recycle_limit(1000);
            let (mut ws, before) = (WebSocket::open(opened(role), config), live());
            let mut input = &mut bytes[..];
            match ws.receive(&mut input, &mut out).unwrap() {
                Event::Text(text) => ws.recycle(text.into_owned().into_bytes()),
                Event::Binary(data) => ws.recycle(data.into_owned()),
                _ => panic!("messages only"),
            }
            assert_eq!(live() - before, 1000, "it is kept");
        }
    };

    client_fails_without_memory_row_104, server_fails_without_memory_row_104: |role| {
        let to = To(role);
        for first in [0x81, 0x82] {
            let mut good = to.text("good");
            let mut frame = to.frame(first, &vec![b'x'; 50_000]);
            let (mut ws, mut out) = (WebSocket::open(opened(role), Config::default()), Vec::with_capacity(100));
            assert_eq!(give(&mut ws, &mut good, &mut out), 1);
            let messages = with_at_most(8192, || {
                frame.chunks_mut(1460).map(|piece| give(&mut ws, piece, &mut out)).sum::<usize>()
            });
            assert_eq!(messages, 0);
            assert_eq!(ws.poll(secs(0), &mut out), Next::End(Err(Failure::OutOfMemory)));
            assert_eq!(judge(role, &out), [close(1011)]);
            assert_eq!(ws.send_text("", &mut out), Err(UsageError::Closed));
        }
    };

    client_sends_without_memory_row_104, server_sends_without_memory_row_104: |role| {
        let (mut ws, mut out) = (WebSocket::open(opened(role), Config::default()), Vec::new());
        let header = if role == Role::Client { 8 } else { 4 };
        with_at_most(1000, || {
            let full = Err(UsageError::OutputFull { needed: header + 5000 });
            assert_eq!(ws.send_binary(&[0; 5000], &mut out), full);
            assert_eq!(out.len(), 0);
            let prepared = Prepared::binary(&[0; 5000]);
            assert_eq!(prepared.err(), Some(UsageError::OutputFull { needed: 5004 }));
        });
        ws.send_binary(&[0; 5000], &mut out).unwrap();
        assert_eq!(out.len(), header + 5000);
    };

    client_runs_a_million_messages_row_102, server_runs_a_million_messages_row_102: |role| {
        let to = To(role);
        let frames = [to.text("a text"), to.binary(b"data"), to.ping(b"p")].concat().repeat(100);
        let mut input = frames.clone();
        let (mut ws, mut out) = (WebSocket::open(opened(role), Config::default()), Vec::with_capacity(20_000));
        let (messages, spent) = cost(|| {
            let mut messages = 0;
            for _ in 0..2500 {
                input.copy_from_slice(&frames);
                messages += give(&mut ws, &mut input, &mut out);
                ws.send_text("answer", &mut out).unwrap();
                let _ = ws.poll(secs(0), &mut out);
                out.clear();
            }
            messages
        });
        assert_eq!((messages, spent), (500_000, NOTHING));
    };
}

#[test]
fn message_of_tiny_fragments_row_53() {
    // As a client, whose frames come with the smallest headers: 65,536 fragments of 64 bytes, and 4 Mi of 1 byte.
    let to = To(Role::Client);
    for (part, count, opcodes) in [(64, 65_536, &[1, 2][..]), (1, 4 << 20, &[2])] {
        for &opcode in opcodes {
            let frame = to.frame(0x00, &vec![b'x'; part]);
            let many = frame.repeat(1024);
            let mut last = to.frame(0x80, b"");
            let mut input = many.clone();
            let limit = 5 << 20;
            let config = Config::default().message_limit(limit).unwrap();
            let (mut ws, mut out) = (WebSocket::open(opened(Role::Client), config), Vec::new());
            give(&mut ws, &mut to.frame(opcode, b""), &mut out);
            let (before, mut received) = (live(), 0);
            for _ in 0..count / 1024 {
                input.copy_from_slice(&many);
                let ((), spent) = cost(|| assert_eq!(give(&mut ws, &mut input, &mut out), 0));
                received += part * 1024;
                let most = formula(received, usize::try_from(limit).unwrap());
                assert!(live() - before <= most, "{} after {received}", live() - before);
                assert!(spent.calls <= 11, "it grows by doubling: {spent:?}");
            }
            assert_eq!(give(&mut ws, &mut last, &mut out), 1);
            assert_eq!(live(), before);
        }
    }
}

#[test]
fn connections_come_and_go_row_102() {
    let closes = [To(Role::Client).close(1000, ""), To(Role::Server).close(1000, "")];
    let mut out = Vec::with_capacity(100);
    let ((), spent) = cost(|| {
        for index in 0..100_000 {
            let (negotiated, close) = if index % 2 == 0 {
                (Negotiated::client([7; 32]), &closes[0])
            } else {
                (Negotiated::server(), &closes[1])
            };
            let mut input = [0; 8];
            let input = &mut input[..close.len()];
            input.copy_from_slice(close);
            let mut ws = WebSocket::open(negotiated, Config::default());
            give(&mut ws, input, &mut out);
            ws.receive_eof();
            assert_eq!(ws.poll(secs(0), &mut out), Next::End(Ok(())));
            out.clear();
        }
    });
    assert_eq!(spent, NOTHING);
}

#[test]
fn idle_machines_hold_nothing_row_98() {
    for role in common::BOTH_ROLES {
        let (machines, spent) = cost(|| {
            let connection = Connection::open(opened(role), Config::default());
            (connection, WebSocket::open(opened(role), Config::default()))
        });
        assert_eq!(spent, NOTHING);
        drop(machines);
    }
}
