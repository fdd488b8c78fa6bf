//! Ping and Pong, and the high-water rule that bounds what they cost (RFC 6455 §5.5.2, §5.5.3).
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

use common::{
    Check, Frame, Log, Machine, OPEN, Outcome, Seen, To, Wire, after_both_closes, both, close,
    ends, expect_events, failed, judge, pong, secs,
};
use websocket_proto::ProtocolError::ReservedBits;
use websocket_proto::{Config, MessageKind, Role};

/// The lowest high-water mark there is.
const MARK: usize = 131;

/// The size of a frame of 125 bytes that this role sends.
fn control_len(role: Role) -> usize {
    match role {
        Role::Client => 131,
        Role::Server => 127,
    }
}

fn low_mark() -> Config {
    Config::default().high_water_mark(MARK).unwrap()
}

/// A payload of 125 bytes that tells its number.
fn numbered(index: u32) -> Vec<u8> {
    let mut payload = vec![b'.'; 125];
    payload[..4].copy_from_slice(&index.to_be_bytes());
    payload
}

fn poll(machine: &mut dyn Machine, out: &mut Wire) {
    assert_eq!(machine.poll(secs(0), out), OPEN);
}

both! {
    client_receives_ping_of_any_length_row_61, server_receives_ping_of_any_length_row_61: |role| {
        let to = To(role);
        for len in 0..=125 {
            let payload: Vec<u8> = (0..len).map(|index: u8| index.wrapping_mul(37) ^ 0xA5).collect();
            let events = [Seen::ping(&payload)];
            expect_events(role, &to.ping(&payload), &events, &[pong(&payload)]);
        }
        for byte in 0..=255 {
            let payload = [byte; 3];
            expect_events(role, &to.ping(&payload), &[Seen::ping(&payload)], &[pong(&payload)]);
        }
    };

    client_sends_pong_before_later_data_row_61, server_sends_pong_before_later_data_row_61: |role| {
        for mut machine in ends(role, low_mark()) {
            let (mut out, mut log) = (Wire::new(), Log::default());
            machine.send_text("before", &mut out).unwrap();
            machine.take(&To(role).ping(b"p"), &mut out, &mut log);
            machine.send_text("after", &mut out).unwrap();
            let expected = [Frame::new(0x81, b"before"), pong(b"p"), Frame::new(0x81, b"after")];
            assert_eq!(judge(role, &out.drain()), expected);

            // Held for the mark: it goes out before what comes next.
            machine.send_binary(&[0; MARK], &mut out).unwrap();
            let backlog = out.bytes.len();
            machine.take(&To(role).ping(b"q"), &mut out, &mut log);
            assert_eq!(out.bytes.len(), backlog, "the mark is reached");
            machine.send_text("after", &mut out).unwrap();
            let expected = [Frame::new(0x82, &[0; MARK]), pong(b"q"), Frame::new(0x81, b"after")];
            assert_eq!(judge(role, &out.drain()), expected);
        }
    };

    client_receives_pong_unasked_row_62, server_receives_pong_unasked_row_62: |role| {
        let to = To(role);
        let bytes = [to.pong(b""), to.pong(b"same"), to.pong(b"same"), to.pong(&[0xFF; 125]), to.text("x")];
        let events = [
            Seen::pong(b""),
            Seen::pong(b"same"),
            Seen::pong(b"same"),
            Seen::pong(&[0xFF; 125]),
            Seen::text("x"),
        ];
        expect_events(role, &bytes.concat(), &events, &[]);
        // A wrong one is no answer and no fault.
        let ask = |machine: &mut dyn Machine, out: &mut Wire| machine.send_ping(b"mine", out).unwrap();
        let outcome = Check::of(role).before(&ask).run(&to.pong(b"not yours"));
        let expected = Outcome::of(&[Seen::pong(b"not yours")], &[Frame::new(0x89, b"mine")], OPEN);
        assert_eq!(outcome, expected);
    };

    client_receives_ten_pings_row_63, server_receives_ten_pings_row_63: |role| {
        let to = To(role);
        let (mut bytes, mut events, mut output) = (Vec::new(), Vec::new(), Vec::new());
        for index in 0..10 {
            bytes.extend(to.ping(&[index]));
            events.push(Seen::ping(&[index]));
            output.push(pong(&[index]));
        }
        expect_events(role, &bytes, &events, &output);
        // The same under a low mark, where the output is drained.
        for mut machine in ends(role, low_mark()) {
            let mut sent = Vec::new();
            for index in 0..10 {
                let (mut out, mut log) = (Wire::new(), Log::default());
                machine.take(&to.ping(&numbered(index)), &mut out, &mut log);
                sent.extend(out.drain());
            }
            let expected: Vec<Frame> = (0..10).map(|index| pong(&numbered(index))).collect();
            assert_eq!(judge(role, &sent), expected);
        }
    };

    client_receives_pings_above_the_mark_row_63_100, server_receives_pings_above_the_mark_row_63_100: |role| {
        let to = To(role);
        for mut machine in ends(role, low_mark()) {
            let (mut out, mut log) = (Wire::new(), Log::default());
            for index in 0..5 {
                machine.take(&to.ping(&numbered(index)), &mut out, &mut log);
            }
            // One reaches the mark; of the others the newest is kept, and passes at the caller's next call.
            assert_eq!(out.bytes.len(), control_len(role));
            poll(&mut *machine, &mut out);
            let expected = [pong(&numbered(0)), pong(&numbered(4))];
            assert_eq!(judge(role, &out.bytes), expected);
            // No second one passes until the output has been below the mark.
            for index in 5..10 {
                machine.take(&to.ping(&numbered(index)), &mut out, &mut log);
                poll(&mut *machine, &mut out);
            }
            assert_eq!(judge(role, &out.drain()), expected);
            poll(&mut *machine, &mut out);
            assert_eq!(judge(role, &out.drain()), [pong(&numbered(9))]);
            poll(&mut *machine, &mut out);
            assert_eq!(out.bytes, b"", "it is sent once");
        }
    };

    client_is_below_the_mark_for_a_while_row_63_100, server_is_below_the_mark_for_a_while_row_63_100: |role| {
        let to = To(role);
        for mut machine in ends(role, low_mark()) {
            let (mut out, mut log) = (Wire::new(), Log::default());
            for payload in [b"1", b"2"] {
                machine.send_binary(&[0; MARK], &mut out).unwrap();
                machine.take(&to.ping(payload), &mut out, &mut log);
                poll(&mut *machine, &mut out);
                let expected = [Frame::new(0x82, &[0; MARK]), pong(payload)];
                assert_eq!(judge(role, &out.drain()), expected);
                // It is seen now that the output is below the mark: the next Pong may pass it again.
                poll(&mut *machine, &mut out);
            }
        }
    };

    client_receives_ping_flood_row_64_100, server_receives_ping_flood_row_64_100: |role| {
        let to = To(role);
        let mut hundred = Vec::new();
        for _ in 0..99 {
            hundred.extend(to.ping(&[b'x'; 125]));
        }
        for (mut machine, batches) in ends(role, Config::default()).into_iter().zip([10_000, 100]) {
            let (mut out, mut log) = (Wire::new(), Log::default());
            let most = 65_536 + control_len(role);
            for batch in 0..batches {
                let mut input = [&hundred[..], &to.ping(&numbered(batch))].concat();
                machine.feed(&mut input, &mut out, &mut log);
                log.events.clear();
                if batch % 2 == 0 {
                    poll(&mut *machine, &mut out);
                }
                assert!(out.bytes.len() <= most, "{} bytes", out.bytes.len());
            }
            assert!(out.bytes.len() > 65_536 - control_len(role), "the mark is reached");
            judge(role, &out.drain());
            poll(&mut *machine, &mut out);
            assert_eq!(judge(role, &out.bytes), [pong(&numbered(batches - 1))]);
        }
    };

    client_receives_ping_with_a_full_output_row_64, server_receives_ping_with_a_full_output_row_64: |role| {
        let to = To(role);
        for mut machine in ends(role, Config::default()) {
            // No room at all: the newest is answered once there is some.
            let (mut out, mut log) = (Wire::with_room(5), Log::default());
            for index in 0..1000 {
                machine.take(&to.ping(&numbered(index)), &mut out, &mut log);
                poll(&mut *machine, &mut out);
            }
            assert_eq!(out.bytes, b"");
            out.room = 200;
            poll(&mut *machine, &mut out);
            assert_eq!(judge(role, &out.bytes), [pong(&numbered(999))]);
        }
    };

    client_receives_ping_after_close_row_65, server_receives_ping_after_close_row_65: |role| {
        let to = To(role);
        let bytes = [to.close(1000, ""), to.ping(b"too late")].concat();
        let next = after_both_closes(role);
        let expected = Outcome::of(&[Seen::close(1000, "")], &[close(1000)], next);
        assert_eq!(Check::of(role).run(&bytes), expected);
    };

    client_receives_ping_after_own_close_row_65, server_receives_ping_after_own_close_row_65: |role| {
        let to = To(role);
        let begin = |machine: &mut dyn Machine, out: &mut Wire| machine.close(Some(1001), "", out).unwrap();
        let bytes = [to.ping(b"1"), to.text("still"), to.ping(b"2"), to.close(1001, ""), to.ping(b"3")];
        let outcome = Check::of(role).before(&begin).run(&bytes.concat());
        let events = [Seen::ping(b"1"), Seen::text("still"), Seen::ping(b"2"), Seen::close(1001, "")];
        let output = [close(1001), pong(b"1"), pong(b"2")];
        assert_eq!(outcome, Outcome::of(&events, &output, after_both_closes(role)));
    };

    client_receives_ping_while_sending_fragments_row_66, server_receives_ping_while_sending_fragments_row_66: |role| {
        for mut machine in ends(role, Config::default()) {
            let (mut out, mut log) = (Wire::new(), Log::default());
            for (part, last) in [("one", false), ("two", false), ("three", true)] {
                machine.take(&To(role).ping(part.as_bytes()), &mut out, &mut log);
                machine.send_fragment(MessageKind::Text, part.as_bytes(), last, &mut out).unwrap();
            }
            let expected = [
                pong(b"one"),
                Frame::new(0x01, b"one"),
                pong(b"two"),
                Frame::new(0x00, b"two"),
                pong(b"three"),
                Frame::new(0x80, b"three"),
            ];
            assert_eq!(judge(role, &out.bytes), expected);
        }
    };

    client_receives_ping_while_frame_is_outside_row_66, server_receives_ping_while_frame_is_outside_row_66: |role| {
        // The header was given, its payload goes beside the output: a Pong that comes then belongs behind it.
        for mut machine in ends(role, Config::default()) {
            let (mut out, mut log) = (Wire::new(), Log::default());
            machine.send_text("before", &mut out).unwrap();
            let mut sent = out.drain();
            let frame = machine.start_message(MessageKind::Binary, b"payload").unwrap();
            machine.take(&To(role).ping(b"p"), &mut out, &mut log);
            sent.extend(frame);
            sent.extend(out.drain());
            let expected = [Frame::new(0x81, b"before"), Frame::new(0x82, b"payload"), pong(b"p")];
            assert_eq!(judge(role, &sent), expected);
        }
    };

    client_receives_ping_when_told_not_to_answer, server_receives_ping_when_told_not_to_answer: |role| {
        let config = Config::default().answer_pings(false);
        let outcome = Check::of(role).config(config).run(&To(role).ping(b"p"));
        assert_eq!(outcome, Outcome::of(&[Seen::ping(b"p")], &[], OPEN));
        for mut machine in ends(role, config) {
            let mut out = Wire::new();
            machine.send_pong(b"p", &mut out).unwrap();
            assert_eq!(judge(role, &out.bytes), [pong(b"p")]);
        }
    };

    client_sends_close_past_the_mark_row_100, server_sends_close_past_the_mark_row_100: |role| {
        let to = To(role);
        let backlog = |machine: &mut dyn Machine, out: &mut Wire| {
            machine.send_binary(&[0; 500], out).unwrap();
        };
        let check = Check::of(role).config(low_mark()).before(&backlog);
        // The mark holds neither the answer to a Close nor a failure's, nor the Pong that is due before.
        let data = Frame::new(0x82, &[0; 500]);
        let next = after_both_closes(role);
        let expected = Outcome::of(&[Seen::close(1000, "")], &[data.clone(), close(1000)], next);
        assert_eq!(check.run(&to.close(1000, "")), expected);
        let expected = Outcome::of(&[], &[data.clone(), close(1002)], failed(ReservedBits));
        assert_eq!(check.run(&to.frame(0xC1, b"")), expected);
        for (mut machine, fault) in ends(role, low_mark()).into_iter().zip([true, false]) {
            let (mut out, mut log) = (Wire::new(), Log::default());
            backlog(&mut *machine, &mut out);
            let (bytes, code) = if fault { (to.frame(0xC1, b""), 1002) } else { (to.close(1000, ""), 1000) };
            machine.take(&[to.ping(b"p"), bytes].concat(), &mut out, &mut log);
            assert_eq!(judge(role, &out.bytes), [data.clone(), pong(b"p"), close(code)]);
        }
    };

    client_sends_close_at_first_room_row_100, server_sends_close_at_first_room_row_100: |role| {
        let to = To(role);
        for (bytes, code, next) in [
            (to.close(1000, "bye"), 1000, after_both_closes(role)),
            (to.frame(0xC1, b""), 1002, failed(ReservedBits)),
        ] {
            for mut machine in ends(role, Config::default()) {
                let (mut out, mut log) = (Wire::with_room(300), Log::default());
                machine.send_binary(&[0; 280], &mut out).unwrap();
                let data = out.bytes.clone();
                for index in 0..10 {
                    machine.take(&to.ping(&numbered(index)), &mut out, &mut log);
                }
                machine.take(&bytes, &mut out, &mut log);
                // What is owed is not there, and so the end is not told.
                for _ in 0..3 {
                    assert_eq!(machine.poll(secs(0), &mut out), common::CLOSING);
                    assert_eq!(out.bytes, data);
                    assert!(!machine.may_send());
                }
                assert_eq!(out.drain(), data);
                assert_eq!(machine.poll(secs(0), &mut out), next);
                assert_eq!(judge(role, &out.bytes), [pong(&numbered(9)), close(code)]);
            }
        }
    };

    client_sends_close_where_no_pong_fits_row_100, server_sends_close_where_no_pong_fits_row_100: |role| {
        // An output that a Close fits but the held Pong never: the Close comes out all the same.
        let to = To(role);
        for mut machine in ends(role, Config::default()) {
            let (mut out, mut log) = (Wire::with_room(20), Log::default());
            machine.take(&[to.ping(&numbered(1)), to.close(1000, "")].concat(), &mut out, &mut log);
            assert_eq!(machine.poll(secs(0), &mut out), after_both_closes(role));
            assert_eq!(judge(role, &out.bytes), [close(1000)]);
        }
    };

    client_stops_receiving_row_101, server_stops_receiving_row_101: |role| {
        // Whoever takes no input gets no output, and what was not taken is as it came.
        let to = To(role);
        let bytes = [to.text("one"), to.ping(b"two"), to.text("three")].concat();
        for mut machine in ends(role, Config::default()) {
            let mut storage = bytes.clone();
            let (mut out, mut log) = (Wire::new(), Log::default());
            let mut input = &mut storage[..];
            assert!(machine.receive(&mut input, &mut out, &mut log));
            for now in 0..100 {
                assert_eq!(machine.poll(secs(now), &mut out), OPEN);
            }
            assert_eq!(input, &bytes[to.text("one").len()..]);
            assert_eq!(out.bytes, b"");
            machine.feed(input, &mut out, &mut log);
            assert_eq!(log.events, [Seen::text("one"), Seen::ping(b"two"), Seen::text("three")]);
        }
    };
}
