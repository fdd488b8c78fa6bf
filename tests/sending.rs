//! What a caller may send, what it gets refused, and outputs of any size (RFC 6455 §5.3 to §5.6, §6.1).
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod common;

use std::collections::BTreeSet;

use common::{
    Frame, Log, Machine, OPEN, Seen, To, Wire, after_both_closes, both, close, ends, judge, opened,
    pong, secs,
};
use websocket_proto::{
    CloseCode, Config, Connection, Failure, FrameHeader, MessageKind, Negotiated, Next, Output,
    ProtocolError, Role, SliceOutput, Timeout, UsageError,
};

/// Lengths around every edge of the header and of the buffers that masking goes through.
const LENGTHS: [usize; 17] =
    [0, 1, 2, 3, 4, 5, 7, 8, 124, 125, 126, 127, 255, 256, 257, 65_535, 65_536];

fn data(len: usize) -> Vec<u8> {
    (0..len).map(|index| (index * 31 % 253) as u8).collect()
}

/// A call is refused, and nothing has changed: nothing was written, and what may be sent may be sent.
fn refused<T: core::fmt::Debug + PartialEq>(
    machine: &mut dyn Machine,
    error: UsageError,
    call: impl FnOnce(&mut dyn Machine, &mut Wire) -> Result<T, UsageError>,
) {
    let mut out = Wire::new();
    assert_eq!(call(machine, &mut out), Err(error));
    assert_eq!(out.bytes, b"");
    assert!(machine.may_send());
}

both! {
    client_sends_what_the_reference_encodes_row_107, server_sends_what_the_reference_encodes_row_107: |role| {
        for mut machine in ends(role, Config::default()) {
            for len in LENGTHS {
                let payload = data(len);
                let text = "x".repeat(len);
                for (first, frame) in [(0x82, &payload[..]), (0x81, text.as_bytes())] {
                    let mut out = Wire::new();
                    if first == 0x82 {
                        machine.send_binary(&payload, &mut out).unwrap();
                    } else {
                        machine.send_text(&text, &mut out).unwrap();
                    }
                    let frames = judge(role, &out.bytes);
                    assert_eq!(frames, [Frame::new(first, frame)]);
                    // Every byte, the header's and the masked ones too.
                    assert_eq!(frames[0].bytes(), out.bytes);
                }
                if len <= 125 {
                    let mut out = Wire::new();
                    machine.send_ping(&payload, &mut out).unwrap();
                    machine.send_pong(&payload, &mut out).unwrap();
                    let frames = judge(role, &out.bytes);
                    assert_eq!(frames, [Frame::new(0x89, &payload), Frame::new(0x8A, &payload)]);
                    assert_eq!([frames[0].bytes(), frames[1].bytes()].concat(), out.bytes);
                }
            }
        }
    };

    client_sends_message_beside_the_output, server_sends_message_beside_the_output: |role| {
        // A header and a payload apart are the same bytes as through the output.
        for (mut one, mut two) in ends(role, Config::default()).into_iter().zip(ends(role, Config::default())) {
            for len in LENGTHS {
                let (payload, mut out) = (data(len), Wire::new());
                one.send_binary(&payload, &mut out).unwrap();
                one.send_fragment(MessageKind::Binary, &payload, false, &mut out).unwrap();
                one.send_fragment(MessageKind::Binary, &payload, true, &mut out).unwrap();
                one.send_text("text", &mut out).unwrap();
                let beside = [
                    two.start_message(MessageKind::Binary, &payload).unwrap(),
                    two.start_fragment(MessageKind::Binary, &payload, false).unwrap(),
                    two.start_fragment(MessageKind::Binary, &payload, true).unwrap(),
                    two.start_message(MessageKind::Text, b"text").unwrap(),
                ];
                assert_eq!(beside.concat(), out.bytes);
            }
        }
    };

    client_sends_close_row_70, server_sends_close_row_70: |role| {
        for (code, reason, body) in [
            (None, "", b"".to_vec()),
            (Some(1000), "", b"\x03\xE8".to_vec()),
            (Some(1014), "é", b"\x03\xF6\xC3\xA9".to_vec()),
            (Some(4999), "why", b"\x13\x87why".to_vec()),
            (Some(3000), &"x".repeat(123), [b"\x0B\xB8", &[b'x'; 123][..]].concat()),
        ] {
            for mut machine in ends(role, Config::default()) {
                let mut out = Wire::new();
                machine.close(code, reason, &mut out).unwrap();
                let frames = judge(role, &out.bytes);
                assert_eq!(frames, [Frame::new(0x88, &body)]);
                assert_eq!(frames[0].bytes(), out.bytes);
                assert!(!machine.may_send());
            }
        }
    };

    client_sends_bad_close_row_70_92, server_sends_bad_close_row_70_92: |role| {
        for mut machine in ends(role, Config::default()) {
            let machine = &mut *machine;
            for code in 0..=65_535 {
                if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
                    let mut out = Wire::new();
                    let result = machine.close(Some(code), "", &mut out);
                    assert_eq!(result, Err(UsageError::InvalidCloseCode), "{code}");
                }
            }
            refused(machine, UsageError::InvalidCloseCode, |m, out| m.close(None, "reason", out));
            refused(machine, UsageError::InvalidCloseCode, |m, out| m.close(Some(1005), "", out));
            // Never cut, neither between code points nor within one.
            for reason in ["x".repeat(124), format!("{}é", "x".repeat(122)), "x".repeat(10_000)] {
                refused(machine, UsageError::ControlTooLong, |m, out| m.close(Some(1000), &reason, out));
            }
            let mut out = Wire::new();
            machine.close(Some(1000), "", &mut out).unwrap();
        }
    };

    client_sends_long_control_frames_row_92, server_sends_long_control_frames_row_92: |role| {
        for mut machine in ends(role, Config::default()) {
            for len in [126, 127, 65_536] {
                refused(&mut *machine, UsageError::ControlTooLong, |m, out| m.send_ping(&data(len), out));
                refused(&mut *machine, UsageError::ControlTooLong, |m, out| m.send_pong(&data(len), out));
            }
        }
    };

    client_sends_after_its_close_row_91, server_sends_after_its_close_row_91: |role| {
        for mut machine in ends(role, Config::default()) {
            let mut out = Wire::new();
            machine.close(Some(1000), "", &mut out).unwrap();
            let sent = out.bytes.clone();
            let closed = Err(UsageError::Closed);
            assert_eq!(machine.send_text("late", &mut out), closed);
            assert_eq!(machine.send_binary(b"late", &mut out), closed);
            assert_eq!(machine.send_ping(b"", &mut out), closed);
            assert_eq!(machine.send_pong(b"", &mut out), closed);
            assert_eq!(machine.close(Some(1000), "", &mut out), closed);
            for kind in common::BOTH_KINDS {
                assert_eq!(machine.send_fragment(kind, b"", false, &mut out), closed);
                assert_eq!(machine.start_message(kind, b""), Err(UsageError::Closed));
                assert_eq!(machine.start_fragment(kind, b"", false), Err(UsageError::Closed));
            }
            assert_eq!(out.bytes, sent);
        }
    };

    client_sends_after_a_failure_row_91, server_sends_after_a_failure_row_91: |role| {
        for mut machine in ends(role, Config::default()) {
            let (mut out, mut log) = (Wire::new(), Log::default());
            // In the midst of a message of its own.
            machine.send_fragment(MessageKind::Text, b"half", false, &mut out).unwrap();
            machine.take(&To(role).frame(0xF1, b""), &mut out, &mut log);
            assert!(!machine.may_send(), "before poll already");
            let output = [Frame::new(0x01, b"half"), close(1002)];
            let end = common::failed(ProtocolError::ReservedBits);
            common::assert_ends(&mut *machine, end, out, &output);
        }
    };

    client_sends_fragments_row_93, server_sends_fragments_row_93: |role| {
        for mut machine in ends(role, Config::default()) {
            let mut out = Wire::new();
            let text = "κ😀";
            for (index, byte) in text.as_bytes().chunks(1).enumerate() {
                let last = index == text.len() - 1;
                machine.send_fragment(MessageKind::Text, byte, last, &mut out).unwrap();
                machine.send_ping(b"", &mut out).unwrap();
            }
            machine.send_fragment(MessageKind::Binary, b"\xFF", false, &mut out).unwrap();
            machine.send_fragment(MessageKind::Binary, b"", false, &mut out).unwrap();
            machine.send_fragment(MessageKind::Binary, b"\xFE", true, &mut out).unwrap();
            machine.send_fragment(MessageKind::Text, b"whole", true, &mut out).unwrap();
            let frames = judge(role, &out.bytes);
            let data: Vec<u8> = frames.iter().map(|frame| frame.first).filter(|first| *first != 0x89).collect();
            assert_eq!(data, [0x01, 0, 0, 0, 0, 0x80, 0x02, 0, 0x80, 0x81]);
            assert_eq!(frames.len(), 10 + 6);
        }
    };

    client_sends_message_inside_message_row_93, server_sends_message_inside_message_row_93: |role| {
        for mut machine in ends(role, Config::default()) {
            for (kind, other) in [(MessageKind::Text, MessageKind::Binary), (MessageKind::Binary, MessageKind::Text)] {
                let mut out = Wire::new();
                machine.send_fragment(kind, b"one", false, &mut out).unwrap();
                let error = UsageError::MessageInProgress;
                refused(&mut *machine, error, |m, out| m.send_text("two", out));
                refused(&mut *machine, error, |m, out| m.send_binary(b"two", out));
                refused(&mut *machine, error, |m, out| m.send_fragment(other, b"two", false, out));
                refused(&mut *machine, error, |m, out| m.send_fragment(other, b"two", true, out));
                refused(&mut *machine, error, |m, _| m.start_message(kind, b"two"));
                refused(&mut *machine, error, |m, _| m.start_fragment(other, b"two", true));
                machine.send_fragment(kind, b"two", true, &mut out).unwrap();
                let first = if kind == MessageKind::Text { 0x01 } else { 0x02 };
                let expected = [Frame::new(first, b"one"), Frame::new(0x80, b"two")];
                assert_eq!(judge(role, &out.bytes), expected);
            }
        }
    };

    client_sends_bad_text_row_93, server_sends_bad_text_row_93: |role| {
        for mut machine in ends(role, Config::default()) {
            let text = MessageKind::Text;
            let error = UsageError::InvalidUtf8;
            for bad in [&b"\xFF"[..], b"a\xC0\x80", b"\xED\xA0\x80", b"\x80"] {
                refused(&mut *machine, error, |m, out| m.send_fragment(text, bad, true, out));
                refused(&mut *machine, error, |m, out| m.send_fragment(text, bad, false, out));
            }
            // Half a code point may end a part, and not the message.
            refused(&mut *machine, error, |m, out| m.send_fragment(text, b"\xE2", true, out));
            let mut out = Wire::new();
            machine.send_fragment(text, b"\xE2", false, &mut out).unwrap();
            refused(&mut *machine, error, |m, out| m.send_fragment(text, b"", true, out));
            refused(&mut *machine, error, |m, out| m.send_fragment(text, b"a", false, out));
            refused(&mut *machine, error, |m, out| m.send_fragment(text, b"\x82", true, out));
            machine.send_fragment(text, b"\x82", false, &mut out).unwrap();
            machine.send_fragment(text, b"", false, &mut out).unwrap();
            refused(&mut *machine, error, |m, out| m.send_fragment(text, b"\xE2", true, out));
            machine.send_fragment(text, b"\xAC", true, &mut out).unwrap();
            let expected = [(0x01, &b"\xE2"[..]), (0, b"\x82"), (0, b""), (0x80, b"\xAC")];
            assert_eq!(judge(role, &out.drain()), expected.map(|(first, part)| Frame::new(first, part)));
            // Nothing of it is left for the next.
            machine.send_text("€", &mut out).unwrap();
            refused(&mut *machine, error, |m, out| m.send_fragment(text, b"\xAC", true, out));
        }
    };

    client_sends_too_much_in_one_frame, server_sends_too_much_in_one_frame: |role| {
        let mut connection = Connection::open(opened(role), Config::default());
        let error = UsageError::LengthOverflow;
        assert_eq!(connection.start_binary(1 << 63).err(), Some(error));
        assert_eq!(connection.start_text(u64::MAX).err(), Some(error));
        assert_eq!(connection.start_fragment(MessageKind::Text, 1 << 63, false).err(), Some(error));
        // Nothing was begun by these.
        let start = connection.start_binary((1 << 63) - 1).unwrap();
        let (header, len) = FrameHeader::parse(start.header()).unwrap().unwrap();
        assert_eq!((header.payload_len, len), ((1 << 63) - 1, start.header().len()));
    };

    client_is_refused_by_a_full_output_row_95, server_is_refused_by_a_full_output_row_95: |role| {
        // The masking key of a refused frame is not used up: with room, the same bytes come as if nothing had been.
        let mask = if role == Role::Client { 4 } else { 0 };
        for (mut one, mut two) in ends(role, Config::default()).into_iter().zip(ends(role, Config::default())) {
            for len in [0, 1, 125, 126, 300] {
                let payload = data(len);
                let mut expected = Wire::new();
                two.send_binary(&payload, &mut expected).unwrap();
                let needed = expected.bytes.len();
                let header = if len < 126 { 2 } else { 4 };
                assert_eq!(needed, header + mask + len);
                for room in 0..needed {
                    let mut out = Wire::with_room(room);
                    let result = one.send_binary(&payload, &mut out);
                    assert_eq!(result, Err(UsageError::OutputFull { needed }));
                    assert_eq!(out.bytes, b"");
                }
                let mut out = Wire::with_room(needed);
                one.send_binary(&payload, &mut out).unwrap();
                assert_eq!(out.bytes, expected.bytes);
            }
            let mut out = Wire::with_room(1);
            let needed = 2 + mask;
            let full = Err(UsageError::OutputFull { needed });
            assert_eq!(one.send_text("", &mut out), full);
            assert_eq!(one.send_ping(b"", &mut out), full);
            assert_eq!(one.send_pong(b"", &mut out), full);
            assert_eq!(one.send_fragment(MessageKind::Text, b"", false, &mut out), full);
            assert_eq!(one.close(None, "", &mut out), full);
            // None of them has begun or closed anything.
            let mut out = Wire::new();
            one.send_text("", &mut out).unwrap();
            assert_eq!(judge(role, &out.bytes), [Frame::new(0x81, b"")]);
        }
    };

    client_sends_through_outputs_of_every_size_row_95, server_sends_through_outputs_of_every_size_row_95: |role| {
        for fails in [false, true] {
            let whole = session(role, fails, &mut Wire::new());
            let largest = whole.frames.iter().map(|(_, len)| *len).max().unwrap();
            assert!(largest < 300, "{largest}");
            for room in 0..=300 {
                let through = session(role, fails, &mut Wire::with_room(room));
                let mut storage = vec![0; room];
                let slice = session(role, fails, &mut SliceOutput::new(&mut storage));
                assert_eq!(through, slice, "room for {room}");
                assert_eq!(through.events, whole.events, "room for {room}");
                if room >= largest {
                    assert_eq!(through, whole, "room for {room}");
                    continue;
                }
                // Every frame that fits came out, whole and in order, and the others were refused.
                let fitting: Vec<_> = whole.frames.iter().filter(|(_, len)| *len <= room).cloned().collect();
                assert_eq!(through.frames, fitting, "room for {room}");
            }
            #[cfg(feature = "alloc")]
            assert_eq!(session(role, fails, &mut Vec::new()), whole);
        }
    };

    client_passes_a_pong_that_never_fits_row_95, server_passes_a_pong_that_never_fits_row_95: |role| {
        // A held Pong must not stop the caller's frames for ever: what does not fit with it goes alone.
        let payload = [b'p'; 125];
        for mut machine in ends(role, Config::default()) {
            // Too small for the Pong itself.
            let (mut out, mut log) = (Wire::with_room(60), Log::default());
            machine.take(&To(role).ping(&payload), &mut out, &mut log);
            machine.send_text("hi", &mut out).unwrap();
            assert_eq!(judge(role, &out.drain()), [Frame::new(0x81, b"hi")]);
            // Too small for both; that of an emptied output is no reason to refuse.
            out.room = 140;
            machine.send_binary(&[7; 50], &mut out).unwrap();
            assert_eq!(judge(role, &out.drain()), [Frame::new(0x82, &[7; 50])]);
            assert_eq!(machine.poll(secs(0), &mut out), OPEN);
            assert_eq!(judge(role, &out.drain()), [pong(&payload)], "it is not lost");
            machine.take(&To(role).ping(&payload), &mut Wire::with_room(0), &mut log);
            out.room = 60;
            machine.close(Some(1000), "", &mut out).unwrap();
            assert_eq!(judge(role, &out.drain()), [close(1000)]);
        }
    };

    client_is_deterministic_row_114, server_is_deterministic_row_114: |role| {
        assert_eq!(session(role, false, &mut Wire::new()), session(role, false, &mut Wire::new()));
        let bytes = |seed: [u8; 32]| {
            let negotiated = match role {
                Role::Client => Negotiated::client(seed),
                Role::Server => Negotiated::server(),
            };
            let mut connection = Connection::open(negotiated, Config::default());
            let mut out = Wire::new();
            connection.send_text("same", &mut out).unwrap();
            connection.send_binary(b"calls", &mut out).unwrap();
            out.bytes
        };
        assert_eq!(bytes([1; 32]), bytes([1; 32]));
        assert_eq!(bytes([1; 32]) == bytes([2; 32]), role == Role::Server);
    };
}

/// A place for output that can be emptied.
trait Drain: Output {
    fn take_all(&mut self) -> Vec<u8>;
}

impl Drain for Wire {
    fn take_all(&mut self) -> Vec<u8> {
        self.drain()
    }
}

impl Drain for SliceOutput<'_> {
    fn take_all(&mut self) -> Vec<u8> {
        let bytes = self.written().to_vec();
        assert_eq!(self.waiting(), bytes.len());
        // In two steps, as a socket that takes a part at first.
        self.consume(bytes.len() / 2);
        assert_eq!(self.written(), &bytes[bytes.len() / 2..]);
        self.clear();
        bytes
    }
}

#[cfg(feature = "alloc")]
impl Drain for Vec<u8> {
    fn take_all(&mut self) -> Vec<u8> {
        core::mem::take(self)
    }
}

/// What a scripted session came to: its events, and its frames each with their length on the wire.
#[derive(Debug, PartialEq)]
struct Session {
    events: Vec<Seen>,
    frames: Vec<(Frame, usize)>,
}

/// Sends and receives by a script, draining the output and calling `poll` after each call. A send that is refused for
/// want of room is tried once more with an output that was drained, and then given up.
fn session(role: Role, fails: bool, out: &mut impl Drain) -> Session {
    let to = To(role);
    let input = [
        to.ping(b"first"),
        to.text("a text"),
        to.frame(0x01, b"frag"),
        to.ping(&[b'p'; 125]),
        to.frame(0x80, b"ment"),
        to.ping(b""),
        if fails { to.frame(0x83, b"") } else { to.close(1000, "bye") },
    ]
    .concat();
    let mut connection = <Connection as Machine>::open(opened(role), Config::default());
    let (mut log, mut sent) = (Log::default(), Vec::new());
    let mut next = OPEN;
    let mut settle = |connection: &mut Connection, out: &mut _, now| {
        sent.extend(Drain::take_all(out));
        next = connection.poll(secs(now), out);
        sent.extend(Drain::take_all(out));
    };
    let mut storage = input;
    let mut rest = &mut storage[..];
    let mut step = 0;
    loop {
        step += 1;
        // Bodies of many lengths, so that some fit and some do not.
        for body in [data(step * 37 % 260), data(step * 11 % 40), vec![]] {
            for _ in 0..2 {
                let result = match (step + body.len()) % 4 {
                    0 => connection.send_binary(&body, out),
                    1 => connection.send_text(&"t".repeat(body.len()), out),
                    2 => connection.send_ping(&body[..body.len().min(125)], out),
                    _ => connection.send_fragment(MessageKind::Binary, &body, true, out),
                };
                settle(&mut connection, out, 0);
                if !matches!(result, Err(UsageError::OutputFull { .. })) {
                    break;
                }
            }
        }
        let more = Machine::receive(&mut connection, &mut rest, out, &mut log);
        settle(&mut connection, out, 0);
        if !more {
            break;
        }
    }
    // Where there was no room for our Close, the time for it runs out.
    settle(&mut connection, out, 10);
    let expected = match fails {
        true => common::failed(ProtocolError::ReservedOpcode(3)),
        false if closed(role, &sent) => Next::End(Ok(())),
        false => Next::End(Err(Failure::TimedOut(Timeout::Closing))),
    };
    assert_eq!(next, expected);
    let frames = judge(role, &sent)
        .into_iter()
        .map(|frame| {
            let len = frame.bytes().len();
            (frame, len)
        })
        .collect();
    Session { events: log.events, frames }
}

fn closed(role: Role, sent: &[u8]) -> bool {
    judge(role, sent).iter().any(|frame| frame.first == 0x88)
}

/// §10.3: a new key for each frame.
#[test]
fn client_sends_each_frame_under_a_new_key_row_113() {
    let mut connection = Connection::open(Negotiated::client(common::SEED), Config::default());
    let mut out = Wire::new();
    let mut keys = BTreeSet::new();
    for index in 0..1000 {
        connection.send_text("the same", &mut out).unwrap();
        connection.send_ping(b"", &mut out).unwrap();
        if index % 2 == 0 {
            connection.send_pong(b"the same", &mut out).unwrap();
        }
        let beside = connection.start_binary(0).unwrap();
        let (header, _) = FrameHeader::parse(beside.header()).unwrap().unwrap();
        assert!(keys.insert(header.mask));
        let mut ping = To(Role::Client).ping(b"x");
        let _ = connection.receive(&mut &mut ping[..], &mut out);
        for frame in judge(Role::Client, &out.drain()) {
            assert!(keys.insert(frame.key.0), "a key came twice");
        }
    }
    // Keys of other seeds are others: none is a default, none is drawn from the frames alone.
    for seed in 0..=255 {
        let mut connection = Connection::open(Negotiated::client([seed; 32]), Config::default());
        connection.send_text("the same", &mut out).unwrap();
        let frames = judge(Role::Client, &out.drain());
        assert!(keys.insert(frames[0].key.0), "seed {seed}");
    }
}

#[test]
fn client_sends_its_failure_under_a_new_key_row_113() {
    let mut client = <Connection as Machine>::open(opened(Role::Client), Config::default());
    let (mut out, mut log) = (Wire::new(), Log::default());
    client.send_text("x", &mut out).unwrap();
    client.take(&[0xFF, 0xFF], &mut out, &mut log);
    let frames = judge(Role::Client, &out.bytes);
    assert_eq!(frames[1], close(1002));
    assert_ne!(frames[0].key.0, frames[1].key.0);
}

/// What was not taken yet is as it came, masked and all; what was taken lies unmasked where it came.
#[test]
fn server_leaves_the_rest_of_its_input_row_117() {
    let to = To(Role::Server);
    let frames = [to.text("one"), to.ping(b"two"), to.binary(b"three"), to.close(1000, "four")];
    let bytes = frames.concat();
    for mut machine in ends(Role::Server, Config::default()) {
        let mut storage = bytes.clone();
        let (mut out, mut log) = (Wire::new(), Log::default());
        let mut input = &mut storage[..];
        let mut taken = 0;
        for frame in &frames {
            assert!(machine.receive(&mut input, &mut out, &mut log));
            taken += frame.len();
            assert_eq!(input, &bytes[taken..]);
        }
        assert_eq!(machine.poll(secs(0), &mut out), after_both_closes(Role::Server));
        let payload_at = frames[0].len() - 3;
        assert_eq!(&storage[payload_at..payload_at + 3], b"one");
    }
}

/// The good part of a text before a fault is handed out, and what lies behind the fault is as it came.
#[test]
fn server_leaves_what_follows_a_fault_row_117() {
    let to = To(Role::Server);
    // At every phase of the mask.
    for good in 1..9 {
        let text = [&b"good good"[..good], b"\xFFbad"].concat();
        let bytes = [to.frame(0x81, &text), to.text("next")].concat();
        let mut storage = bytes.clone();
        let mut connection = Connection::open(Negotiated::server(), Config::default());
        let (mut input, mut out) = (&mut storage[..], Wire::new());
        assert!(connection.receive(&mut input, &mut out).is_some());
        assert_eq!(input, &bytes[6 + good..]);
        assert!(connection.receive(&mut input, &mut out).is_none());
        assert!(input.is_empty());
        assert_eq!(storage[6 + good + 4..], bytes[6 + good + 4..]);
    }
}

#[test]
fn close_takes_a_code_or_none() {
    let mut connection = Connection::open(Negotiated::server(), Config::default());
    let mut out = Wire::new();
    connection.close(CloseCode::GOING_AWAY, "bye", &mut out).unwrap();
    assert_eq!(out.bytes, b"\x88\x05\x03\xE9bye");
    let mut connection = Connection::open(Negotiated::server(), Config::default());
    connection.close(None, "", &mut out).unwrap();
    assert_eq!(out.bytes, b"\x88\x05\x03\xE9bye\x88\x00");
}

#[cfg(feature = "alloc")]
mod prepared {
    use super::common::{Frame, Log, Machine, To, Wire, close, judge, opened, pong};
    use super::data;
    use websocket_proto::{Config, MessageKind, Prepared, Role, UsageError, WebSocket};

    #[test]
    fn server_sends_prepared_row_107() {
        for len in super::LENGTHS {
            let payload = data(len);
            let binary = Prepared::binary(&payload).unwrap();
            let text = Prepared::text(&"x".repeat(len)).unwrap();
            for _ in 0..2 {
                let mut ws = WebSocket::open(opened(Role::Server), Config::default());
                let mut out = Wire::new();
                ws.send_prepared(&binary, &mut out).unwrap();
                ws.send_prepared(&text, &mut out).unwrap();
                let frames = judge(Role::Server, &out.bytes);
                let expected = [Frame::new(0x82, &payload), Frame::new(0x81, &vec![b'x'; len])];
                assert_eq!(frames, expected);
                assert_eq!(out.bytes, [binary.frame(), text.frame()].concat());
            }
        }
    }

    #[test]
    fn server_sends_prepared_out_of_place_row_91_93_95() {
        let message = Prepared::text("news").unwrap();
        let mut ws = WebSocket::open(opened(Role::Server), Config::default());
        let mut out = Wire::new();
        ws.send_fragment(MessageKind::Binary, b"a", false, &mut out).unwrap();
        assert_eq!(ws.send_prepared(&message, &mut out), Err(UsageError::MessageInProgress));
        ws.send_fragment(MessageKind::Binary, b"b", true, &mut out).unwrap();
        let full = Err(UsageError::OutputFull { needed: 6 });
        assert_eq!(ws.send_prepared(&message, &mut Wire::with_room(5)), full);
        // A held Pong goes before it.
        let mut log = Log::default();
        ws.take(&To(Role::Server).ping(b"p"), &mut Wire::with_room(0), &mut log);
        out.drain();
        ws.send_prepared(&message, &mut out).unwrap();
        ws.close(None, "", &mut out).unwrap();
        assert_eq!(ws.send_prepared(&message, &mut out), Err(UsageError::Closed));
        let expected = [pong(b"p"), Frame::new(0x81, b"news"), Frame::new(0x88, b"")];
        assert_eq!(judge(Role::Server, &out.bytes), expected);
    }

    #[test]
    fn client_sends_prepared_never() {
        let message = Prepared::binary(b"news").unwrap();
        let mut ws = WebSocket::open(opened(Role::Client), Config::default());
        let mut out = Wire::new();
        assert_eq!(ws.send_prepared(&message, &mut out), Err(UsageError::UnmaskedFrame));
        assert_eq!(out.bytes, b"");
        websocket_proto::WebSocket::close(
            &mut ws,
            websocket_proto::CloseCode::NORMAL,
            "",
            &mut out,
        )
        .unwrap();
        assert_eq!(judge(Role::Client, &out.bytes), [close(1000)]);
    }
}
