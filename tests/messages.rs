//! Messages: fragments joined, limits kept, text checked (RFC 6455 §5.4, §5.6, §8.1, §10.4).
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

use core::slice::from_ref;

use common::{
    Check, Log, OPEN, Outcome, Seen, To, Wire, both, close, ends, expect_events, expect_failure,
    failed, pong,
};
use websocket_proto::ProtocolError::{InvalidUtf8, MessageTooLong, TooManyFragments};
use websocket_proto::{Config, MessageKind, Role};

/// What no UTF-8 can hold, with the number of bytes before the first bad one.
const BAD_UTF8: [(&[u8], usize); 33] = [
    (b"\xFF", 0),
    (b"\xFE", 0),
    (b"\xC0\x80", 0),
    (b"\xC1\xBF", 0),
    (b"\xE0\x80\x80", 1),
    (b"\xE0\x9F\xBF", 1),
    (b"\xF0\x80\x80\x80", 1),
    (b"\xF0\x8F\xBF\xBF", 1),
    // Surrogates, single and in pairs.
    (b"\xED\xA0\x80", 1),
    (b"\xED\xAD\xBF", 1),
    (b"\xED\xAE\x80", 1),
    (b"\xED\xAF\xBF", 1),
    (b"\xED\xB0\x80", 1),
    (b"\xED\xBE\x80", 1),
    (b"\xED\xBF\xBF", 1),
    (b"\xED\xA0\x80\xED\xB0\x80", 1),
    (b"\xED\xAF\xBF\xED\xBF\xBF", 1),
    // Beyond U+10FFFF.
    (b"\xF4\x90\x80\x80", 1),
    (b"\xF4\xBF\xBF\xBF", 1),
    (b"\xF5\x80\x80\x80", 0),
    (b"\xF6\xBF\xBF\xBF", 0),
    (b"\xF7\xBF\xBF\xBF", 0),
    (b"\xF8\x88\x80\x80\x80", 0),
    (b"\xFB\xBF\xBF\xBF\xBF", 0),
    (b"\xFC\x84\x80\x80\x80\x80", 0),
    (b"\xFD\xBF\xBF\xBF\xBF\xBF", 0),
    // Continuation bytes without a beginning, and beginnings without a continuation.
    (b"\x80", 0),
    (b"\xBF\xBF", 0),
    (b"\xC2\x41", 1),
    (b"\xE2\x82\x41", 2),
    (b"\xE2\xC2\x80", 1),
    (b"\xF0\x9F\x98\x41", 3),
    (b"\xF0\x9F\xFF", 2),
];

/// What a text may end with no more than a code point's first half may.
const HALVES: [&[u8]; 7] =
    [b"\xC2", b"\xE2", b"\xE2\x82", b"\xF0", b"\xF0\x9F", b"\xF0\x9F\x98", b"\xF4\x8F\xBF"];

const GOOD_UTF8: [&str; 14] = [
    "",
    "a",
    "\u{0}",
    "a\u{0}b",
    "\u{7F}\u{80}",
    "\u{7FF}\u{800}",
    "\u{D7FF}\u{E000}",
    "\u{FFFF}\u{10000}",
    "\u{10FFFF}",
    // Noncharacters, and a byte order mark at the start and within.
    "\u{FDD0}\u{FDEF}\u{FFFE}\u{1FFFE}\u{10FFFE}",
    "\u{FEFF}text",
    "te\u{FEFF}xt",
    "κόσμε",
    "Hello-µ@ßöäüàá-UTF-8!! – €, 𐍈, 😀",
];

fn limited(limit: u64) -> Config {
    Config::default().message_limit(limit).unwrap()
}

/// A prefix of a text that a `Connection` hands out before it fails.
fn text_so_far(data: &[u8]) -> Option<(MessageKind, &[u8])> {
    (!data.is_empty()).then_some((MessageKind::Text, data))
}

both! {
    client_receives_message_of_the_limit_row_51, server_receives_message_of_the_limit_row_51: |role| {
        let to = To(role);
        let data = [7; 200];
        for bytes in [
            to.binary(&data),
            to.fragments(2, &[&data[..150], &data[150..]]),
            to.fragments(2, &[&data[..199], b"", &data[199..], b""]),
        ] {
            let outcome = Check::of(role).config(limited(200)).run(&bytes);
            assert_eq!(outcome, Outcome::of(&[Seen::binary(&data)], &[], OPEN));
        }
    };

    client_receives_message_above_the_limit_row_51, server_receives_message_above_the_limit_row_51: |role| {
        let to = To(role);
        let check = Check::of(role).config(limited(200));
        let error = MessageTooLong;
        let expected = Outcome::of(&[], &[close(1009)], failed(error));
        assert_eq!(check.run(&to.header(0x81, 201)), expected, "at the header");
        assert_eq!(check.run(&to.header(0x02, 201)), expected, "at the header");
        // The same limit holds anew for each message.
        let two = [to.binary(&[1; 200]), to.binary(&[2; 200]), to.header(0x82, 201)].concat();
        let events = [Seen::binary(&[1; 200]), Seen::binary(&[2; 200])];
        let expected = Outcome::of(&events, &[close(1009)], failed(error));
        assert_eq!(check.run(&two), expected);
    };

    client_receives_short_message_above_the_limit_row_51, server_receives_short_message_above_the_limit_row_51: |role| {
        let to = To(role);
        for limit in [1, 5, 124, 125] {
            let check = Check::of(role).config(limited(limit));
            let fits = "x".repeat(limit as usize);
            let above = "x".repeat(limit as usize + 1);
            for (good, bad) in [(to.text(&fits), to.text(&above)), (to.text(&fits), to.binary(above.as_bytes()))] {
                let error = MessageTooLong;
                let expected = Outcome::of(&[Seen::text(&fits)], &[close(1009)], failed(error));
                assert_eq!(check.run(&[good, bad].concat()), expected);
            }
        }
    };

    client_receives_fragments_above_the_limit_row_51_52, server_receives_fragments_above_the_limit_row_51_52: |role| {
        let to = To(role);
        let check = Check::of(role).config(limited(200));
        let error = MessageTooLong;
        for (fin, parts) in [(0x80, &[150, 51][..]), (0, &[100, 100, 1]), (0, &[200, 0, 0, 1])] {
            let (last, others) = parts.split_last().unwrap();
            let mut bytes = Vec::new();
            for (index, part) in others.iter().enumerate() {
                let opcode = if index == 0 { 2 } else { 0 };
                bytes.extend(to.frame(opcode, &vec![7; *part]));
            }
            bytes.extend(to.header(fin, *last as u64));
            let data = vec![7; others.iter().sum()];
            let expected = Outcome::of(&[], &[close(1009)], failed(error))
                .with_partial(Some((MessageKind::Binary, &data)));
            assert_eq!(check.run(&bytes), expected, "{parts:?}");
        }
    };

    client_receives_frame_that_exceeds_in_flight_row_52, server_receives_frame_that_exceeds_in_flight_row_52: |role| {
        let to = To(role);
        // What the frame in flight has declared counts, though little of it has come.
        let config = limited(1000);
        let begun = to.binary(&[7; 1000]);
        for mut machine in ends(role, config) {
            let (mut out, mut log) = (Wire::new(), Log::default());
            machine.take(&begun[..20], &mut out, &mut log);
            assert_eq!(machine.poll(common::secs(0), &mut out), OPEN);
            machine.take(&begun[20..], &mut out, &mut log);
            assert_eq!(log.events, [Seen::binary(&[7; 1000])]);
        }
        let bytes = [to.frame(0x02, &[7; 600]), to.header(0x00, 600)].concat();
        let error = MessageTooLong;
        let expected = Outcome::of(&[], &[close(1009)], failed(error))
            .with_partial(Some((MessageKind::Binary, &[7; 600])));
        assert_eq!(Check::of(role).config(config).run(&bytes), expected);
    };

    client_receives_control_frames_beside_the_limit_row_51, server_receives_control_frames_beside_the_limit_row_51: |role| {
        let to = To(role);
        let bytes = [to.frame(0x02, b"a"), to.ping(&[1; 125]), to.frame(0x80, b"b")].concat();
        let outcome = Check::of(role).config(limited(2)).run(&bytes);
        let events = [Seen::ping(&[1; 125]), Seen::binary(b"ab")];
        assert_eq!(outcome, Outcome::of(&events, &[pong(&[1; 125])], OPEN));
    };

    client_receives_many_fragments_row_53, server_receives_many_fragments_row_53: |role| {
        let to = To(role);
        // 4 MiB in 65,536 fragments: in reads of three sizes. Its memory is measured in `memory.rs`.
        let part = [0x5A; 64];
        let mut bytes = to.frame(0x02, &part);
        for _ in 0..65_534 {
            bytes.extend(to.frame(0x00, &part));
        }
        bytes.extend(to.frame(0x80, &part));
        for size in [bytes.len(), 1460] {
            for mut machine in ends(role, Config::default()) {
                let (mut out, mut log) = (Wire::new(), Log::default());
                for piece in bytes.clone().chunks_mut(size) {
                    machine.feed(piece, &mut out, &mut log);
                }
                let [Seen::Binary(data)] = &log.events[..] else { panic!("one message") };
                assert!(data.len() == 4 << 20 && data.iter().all(|byte| *byte == 0x5A));
            }
        }
    };

    client_receives_too_many_fragments_row_54, server_receives_too_many_fragments_row_54: |role| {
        let to = To(role);
        let check = Check::of(role).config(Config::default().fragment_limit(3).unwrap());
        let three = [to.fragments(1, &[b"a", b"", b"c"]), to.text("whole")].concat();
        let events = [Seen::text("ac"), Seen::text("whole")];
        assert_eq!(check.run(&three), Outcome::of(&events, &[], OPEN));
        let empty: Vec<u8> = [0x01, 0, 0, 0].iter().flat_map(|first| to.frame(*first, b"")).collect();
        let error = TooManyFragments;
        assert_eq!(check.run(&empty), Outcome::of(&[], &[close(1008)], failed(error)));
        let four = to.fragments(2, &[b"a", b"b", b"c", b"d"]);
        let expected = Outcome::of(&[], &[close(1008)], failed(error))
            .with_partial(Some((MessageKind::Binary, b"abc")));
        assert_eq!(check.run(&four), expected);
        // Control frames are no fragments.
        let between = [to.frame(1, b"a"), to.pong(b""), to.pong(b""), to.frame(0, b""), to.frame(0x80, b"c")];
        let events = [Seen::pong(b""), Seen::pong(b""), Seen::text("ac")];
        assert_eq!(check.run(&between.concat()), Outcome::of(&events, &[], OPEN));
    };

    client_receives_empty_message_row_55, server_receives_empty_message_row_55: |role| {
        let to = To(role);
        for (opcode, event) in [(1, Seen::text("")), (2, Seen::binary(b""))] {
            for bytes in [
                to.frame(0x80 | opcode, b""),
                to.fragments(opcode, &[b"", b""]),
                to.fragments(opcode, &[b"", b"", b""]),
            ] {
                expect_events(role, &bytes, from_ref(&event), &[]);
                let again = [bytes.clone(), to.ping(b""), bytes].concat();
                let events = [event.clone(), Seen::ping(b""), event.clone()];
                expect_events(role, &again, &events, &[pong(b"")]);
            }
        }
    };

    client_receives_empty_fragments_around_data_row_55, server_receives_empty_fragments_around_data_row_55: |role| {
        let to = To(role);
        for (opcode, event) in [(1, Seen::text("xyz")), (2, Seen::binary(b"xyz"))] {
            for parts in [
                &[&b""[..], b"xyz"][..],
                &[b"xyz", b""],
                &[b"", b"x", b"", b"", b"yz", b""],
            ] {
                expect_events(role, &to.fragments(opcode, parts), from_ref(&event), &[]);
            }
        }
    };

    client_receives_bad_text_row_56_59, server_receives_bad_text_row_56_59: |role| {
        let to = To(role);
        for (bad, good) in BAD_UTF8 {
            for lead in [&b""[..], b"a", b"ok ", "κόσμε 😀".as_bytes()] {
                let text = [lead, bad, b"rest of it"].concat();
                let partial = text_so_far(&text[..lead.len() + good]);
                expect_failure(role, &to.frame(0x81, &text), &[], partial, InvalidUtf8, 1007);
                expect_failure(role, &to.frame(0x01, &text), &[], partial, InvalidUtf8, 1007);
            }
        }
    };

    client_receives_bad_text_in_fragments_row_56_60, server_receives_bad_text_in_fragments_row_56_60: |role| {
        let to = To(role);
        for (bad, good) in BAD_UTF8 {
            for cut in 0..=bad.len() {
                let (one, two) = bad.split_at(cut);
                let bytes = [
                    to.frame(0x01, &[b"x", one].concat()),
                    to.ping(b"\xFF"),
                    to.frame(0x00, b""),
                    to.frame(0x80, &[two, b"y"].concat()),
                ];
                // The fault may come before the Ping, or behind it.
                let so_far = [b"x", &bad[..good]].concat();
                let expected = if good < cut {
                    Outcome::of(&[], &[close(1007)], failed(InvalidUtf8))
                } else {
                    let output = [pong(b"\xFF"), close(1007)];
                    Outcome::of(&[Seen::ping(b"\xFF")], &output, failed(InvalidUtf8))
                };
                let expected = expected.with_partial(text_so_far(&so_far));
                assert_eq!(Check::of(role).run(&bytes.concat()), expected, "{bad:02x?} at {cut}");
            }
        }
    };

    client_receives_good_text_row_57, server_receives_good_text_row_57: |role| {
        let to = To(role);
        for text in GOOD_UTF8 {
            let event = Seen::text(text);
            expect_events(role, &to.text(text), from_ref(&event), &[]);
            for first in 0..=text.len() {
                let (one, rest) = text.as_bytes().split_at(first);
                expect_events(role, &to.fragments(1, &[one, rest]), from_ref(&event), &[]);
                let (two, three) = rest.split_at(rest.len() / 3);
                let bytes = [
                    to.frame(0x01, one),
                    to.pong(b"\x80"),
                    to.frame(0x00, two),
                    to.frame(0x80, three),
                ];
                let events = [Seen::pong(b"\x80"), event.clone()];
                expect_events(role, &bytes.concat(), &events, &[]);
            }
        }
        let text = GOOD_UTF8.concat();
        let single: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        expect_events(role, &to.fragments(1, &single), &[Seen::text(&text)], &[]);
    };

    client_receives_long_text_row_57, server_receives_long_text_row_57: |role| {
        let to = To(role);
        let text = "plain, then κόσμε – €, 𐍈, 😀. ".repeat(150);
        expect_events(role, &to.text(&text), &[Seen::text(&text)], &[]);
        let parts: Vec<&[u8]> = text.as_bytes().chunks(101).collect();
        expect_events(role, &to.fragments(1, &parts), &[Seen::text(&text)], &[]);
    };

    client_receives_text_with_one_other_byte_row_56_57, server_receives_text_with_one_other_byte_row_56_57: |role| {
        let to = To(role);
        for len in 1..=140 {
            for at in 0..len {
                let mut bad = vec![b'x'; len];
                bad[at] = 0xFF;
                let good = format!("{}é{}", "x".repeat(at), "x".repeat(len - at - 1));
                for mut machine in ends(role, Config::default()) {
                    let (mut out, mut log) = (Wire::new(), Log::default());
                    machine.take(&[to.text(&good), to.frame(0x81, &bad)].concat(), &mut out, &mut log);
                    assert_eq!(log.events, [Seen::text(&good)]);
                    if let Some((_, handed_out)) = &log.partial {
                        assert_eq!(handed_out[..], bad[..at], "{at} of {len}");
                    }
                    let next = machine.poll(common::secs(0), &mut out);
                    assert_eq!(next, failed(InvalidUtf8), "{at} of {len}");
                }
            }
        }
    };

    client_receives_half_code_point_at_the_end_row_58, server_receives_half_code_point_at_the_end_row_58: |role| {
        let to = To(role);
        for half in HALVES {
            for lead in [&b""[..], b"x", "é".as_bytes()] {
                let text = [lead, half].concat();
                // All but the last byte is good as far as one can know before it.
                let partial = text_so_far(&text[..text.len() - 1]);
                expect_failure(role, &to.frame(0x81, &text), &[], partial, InvalidUtf8, 1007);
                let parts = to.fragments(1, &[lead, half]);
                expect_failure(role, &parts, &[], partial, InvalidUtf8, 1007);
                // The end may be known by an empty frame only.
                let bytes = to.fragments(1, &[&text, b""]);
                let partial = text_so_far(&text);
                expect_failure(role, &bytes, &[], partial, InvalidUtf8, 1007);
                let bytes = to.fragments(1, &[&text, b"", b""]);
                expect_failure(role, &bytes, &[], partial, InvalidUtf8, 1007);
            }
        }
    };

    client_receives_bad_byte_mid_frame_row_59, server_receives_bad_byte_mid_frame_row_59: |role| {
        let to = To(role);
        // The frame declares 1,000 bytes; the fault is told without waiting for them.
        for (bad, good) in BAD_UTF8 {
            let text = [&b"so far good "[..], bad, &[b'.'; 1000]].concat();
            let whole = to.frame(0x81, &text);
            let cut = &whole[..whole.len() - 1000 - (bad.len() - good - 1)];
            let partial = text_so_far(&text[..12 + good]);
            expect_failure_at_once(role, cut, partial);
        }
    };

    client_receives_text_after_text_row_60, server_receives_text_after_text_row_60: |role| {
        let to = To(role);
        // Nothing of one message's check is left for the next, binary is not checked at all.
        for half in HALVES {
            let bytes = [to.binary(half), to.text("good"), to.fragments(2, &[half, b"\xFF"]), to.text("")];
            let binary = [half, b"\xFF"].concat();
            let events = [Seen::binary(half), Seen::text("good"), Seen::binary(&binary), Seen::text("")];
            expect_events(role, &bytes.concat(), &events, &[]);
        }
        for (bad, _) in BAD_UTF8 {
            expect_events(role, &to.binary(bad), &[Seen::binary(bad)], &[]);
            expect_events(role, &to.fragments(2, &[bad, bad]), &[Seen::binary(&[bad, bad].concat())], &[]);
        }
        // A lone continuation byte would complete what the message before had begun.
        let (one, two) = "€".as_bytes().split_at(2);
        let bytes = [to.fragments(1, &[one, two]), to.fragments(1, &["é".as_bytes(), b"", b""])];
        expect_events(role, &bytes.concat(), &[Seen::text("€"), Seen::text("é")], &[]);
        let bytes = [to.fragments(1, &[one, two]), to.frame(0x81, two)].concat();
        expect_failure(role, &bytes, &[Seen::text("€")], None, InvalidUtf8, 1007);
    };

    client_receives_control_payload_unchecked_row_60_61, server_receives_control_payload_unchecked_row_60_61: |role| {
        let to = To(role);
        for (bad, _) in BAD_UTF8 {
            let bytes = [to.frame(0x01, b"\xE2"), to.ping(bad), to.pong(bad), to.frame(0x80, b"\x82\xAC")];
            let events = [Seen::ping(bad), Seen::pong(bad), Seen::text("€")];
            expect_events(role, &bytes.concat(), &events, &[pong(bad)]);
        }
    };
}

/// A failure that needs no more input than this.
fn expect_failure_at_once(role: Role, bytes: &[u8], partial: Option<(MessageKind, &[u8])>) {
    let expected = Outcome::of(&[], &[close(1007)], failed(InvalidUtf8)).with_partial(partial);
    assert_eq!(Check::of(role).run(bytes), expected);
    // And not less.
    let short = &bytes[..bytes.len() - 1];
    assert_eq!(Check::of(role).run(short).next, OPEN);
}

#[cfg(feature = "alloc")]
mod whole_messages {
    use std::borrow::Cow;

    use super::common::{To, Wire, opened};
    use websocket_proto::{Config, Event, Role, WebSocket};

    /// A message is borrowed where it lies whole in the input, and owned where it does not.
    #[test]
    fn server_receives_borrowed_or_owned() {
        let to = To(Role::Server);
        let mut ws = WebSocket::open(opened(Role::Server), Config::default());
        let mut out = Wire::new();
        let mut bytes =
            [to.text("one"), to.binary(b"two"), to.fragments(1, &[b"", b"three"])].concat();
        let mut input = &mut bytes[..];
        assert!(matches!(
            ws.receive(&mut input, &mut out),
            Some(Event::Text(Cow::Borrowed("one")))
        ));
        assert!(matches!(
            ws.receive(&mut input, &mut out),
            Some(Event::Binary(Cow::Borrowed(b"two")))
        ));
        assert!(matches!(
            ws.receive(&mut input, &mut out),
            Some(Event::Text(Cow::Borrowed("three")))
        ));
        assert_eq!(ws.receive(&mut input, &mut out), None);
        for opcode in [1, 2] {
            let mut bytes = to.fragments(opcode, &[b"a", b"b"]);
            let event = ws.receive(&mut &mut bytes[..], &mut out);
            assert!(matches!(
                event,
                Some(Event::Text(Cow::Owned(_)) | Event::Binary(Cow::Owned(_)))
            ));
        }
    }
}
