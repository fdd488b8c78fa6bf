//! Compressed messages that are received (RFC 7692 §6, §7.2.2, §7.2.3), through the public API.
#![cfg(feature = "deflate")]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod common;
#[path = "../src/deflate/naive.rs"]
mod naive;

use common::{Check, EOF, OPEN, Outcome, Seen, To, both, close, failed, opened, pong, secs};
use naive::{BAD_STREAMS, BadStream, Bits, FOUR_CODES};
use websocket_proto::ProtocolError::{
    InvalidCompression, InvalidUtf8, MessageTooLong, ReservedBits, UnexpectedContinuation,
};
use websocket_proto::{Config, Connection, DeflateConfig, Negotiated, Role, WebSocket};

/// Opens with compression, whose context is taken over in both directions.
fn taking_over(role: Role) -> Negotiated<'static> {
    let config = DeflateConfig::default();
    opened(role).with_deflate(config.params(), config)
}

/// Opens with compression, each message by itself.
fn by_itself(role: Role) -> Negotiated<'static> {
    let config = DeflateConfig::default();
    let config = config.server_no_context_takeover(true).client_no_context_takeover(true);
    opened(role).with_deflate(config.params(), config)
}

const WITH_AND_WITHOUT: [fn(Role) -> Negotiated<'static>; 2] = [taking_over, by_itself];

/// Checks what these bytes come to in every split, with and without takeover.
fn expect(role: Role, config: Config, bytes: &[u8], expected: &Outcome) {
    for open in WITH_AND_WITHOUT {
        assert_eq!(Check::of(role).config(config).opened(&open).run(bytes), *expected);
    }
}

fn expect_events(role: Role, bytes: &[u8], events: &[Seen]) {
    expect(role, Config::default(), bytes, &Outcome::of(events, &[], OPEN));
}

/// Checks that a message fails the connection, behind one that does not.
fn expect_failure(role: Role, bytes: &[u8], error: websocket_proto::ProtocolError, code: u16) {
    let led = [&To(role).frame(0xC1, HELLO)[..], bytes].concat();
    let expected = Outcome::of(&[Seen::text("Hello")], &[close(code)], failed(error));
    expect(role, Config::default(), &led, &expected);
}

fn limited(limit: u64) -> Config {
    Config::default().message_limit(limit).unwrap()
}

/// RFC 7692 §7.2.3.1.
const HELLO: &[u8] = &[0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00];

/// A message of blocks without compression, and the empty one without its tail.
fn stored(data: &[u8]) -> Vec<u8> {
    let mut bits = Bits::new();
    for piece in data.chunks(65_535) {
        bits.stored(false, piece);
    }
    bits.stored_header(false);
    bits.bytes
}

/// A frame, and this many bytes of it that do not come.
fn cut(to: To, first: u8, payload: &[u8], missing: usize) -> Vec<u8> {
    let mut bytes = to.frame(first, &[payload, &vec![0x55; missing]].concat());
    bytes.truncate(bytes.len() - missing);
    bytes
}

both! {
    client_receives_the_marks_row_78, server_receives_the_marks_row_78: |role| {
        let to = To(role);
        // On control frames, on a continuation, on one of a message that is not compressed; with others.
        for bytes in [
            to.frame(0xC8, &[0x03, 0xE8]),
            to.frame(0xC9, b""),
            to.frame(0xCA, b"pong"),
            [to.frame(0x41, &HELLO[..3]), to.frame(0xC0, &HELLO[3..])].concat(),
            [to.frame(0x41, &HELLO[..3]), to.frame(0x40, &HELLO[3..])].concat(),
            [to.frame(0x01, b"He"), to.frame(0xC0, b"llo")].concat(),
            to.frame(0xA1, b""),
            to.frame(0x91, b""),
            to.frame(0xE1, HELLO),
            to.frame(0xD2, HELLO),
            to.frame(0xF2, HELLO),
        ] {
            expect_failure(role, &bytes, ReservedBits, 1002);
        }
        // A continuation of nothing has two faults, and RSV1 is the first.
        expect_failure(role, &to.frame(0xC0, HELLO), ReservedBits, 1002);
        expect_failure(role, &to.frame(0x80, HELLO), UnexpectedContinuation, 1002);
    };

    client_receives_marks_not_agreed_to_row_86, server_receives_marks_not_agreed_to_row_86: |role| {
        for first in [0xC1, 0xC2, 0x41, 0x42] {
            let bytes = To(role).frame(first, HELLO);
            let expected = Outcome::of(&[], &[close(1002)], failed(ReservedBits));
            assert_eq!(Check::of(role).run(&bytes), expected);
            // A `Connection` cannot inflate, whatever was agreed to.
            for open in WITH_AND_WITHOUT {
                let mut connection = Connection::open(open(role), Config::default());
                let (mut bytes, mut out) = (bytes.clone(), Vec::new());
                assert_eq!(connection.receive(&mut &mut bytes[..], &mut out), None);
                assert_eq!(connection.poll(secs(0), &mut out), failed(ReservedBits));
            }
        }
    };

    client_receives_the_examples_row_83, server_receives_the_examples_row_83: |role| {
        let to = To(role);
        // §7.2.3.1 in one frame and in two, §7.2.3.3, §7.2.3.4, §7.2.3.5.
        for bytes in [
            to.frame(0xC1, HELLO),
            [to.frame(0x41, &HELLO[..3]), to.frame(0x80, &HELLO[3..])].concat(),
            to.frame(0xC1, b"\x00\x05\x00\xFA\xFFHello\x00"),
            to.frame(0xC1, &[0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00]),
            to.frame(0xC1, b"\xF2\x48\x05\x00\x00\x00\xFF\xFF\xCA\xC9\xC9\x07\x00"),
        ] {
            expect_events(role, &bytes.repeat(2), &[Seen::text("Hello"), Seen::text("Hello")]);
        }
        // §7.2.3.2: the second refers to the first.
        let bytes = [to.frame(0xC1, HELLO), to.frame(0xC1, &[0xF2, 0x00, 0x11, 0x00, 0x00])].concat();
        let outcome = Check::of(role).opened(&taking_over).run(&bytes);
        assert_eq!(outcome, Outcome::of(&[Seen::text("Hello"), Seen::text("Hello")], &[], OPEN));
    };

    client_receives_what_is_odd_and_legal_row_83, server_receives_what_is_odd_and_legal_row_83: |role| {
        let to = To(role);
        let (hello, seen) = (to.frame(0xC1, HELLO), Seen::text("Hello"));
        let with_tail = [HELLO, &[0x00, 0x00, 0xFF, 0xFF]].concat();
        let mut ended = Bits::new();
        ended.fixed(true).literals(b"Hello").end();
        let mut streams = Bits::new();
        streams.fixed(true).literals(b"He").end().align().stored(true, b"l");
        streams.fixed(false).literals(b"lo").end().stored_header(false);
        let mut flushed = Bits::new();
        flushed.fixed(false).literals(b"Hello").end().stored(false, b"").stored_header(true);
        let mut kinds = Bits::new();
        kinds.stored(false, b"").fixed(false).end().stored(false, b"He").fixed(false).literals(b"l");
        kinds.copy(3, 1).end().dynamic(&FOUR_CODES).dynamic_symbols("ab.").stored_header(false);
        let long = "so long that its length takes two bytes ".repeat(9);
        for (bytes, event) in [
            (to.frame(0xC1, &[0x00]), Seen::text("")),
            (to.frame(0xC2, &[0x02, 0x00]), Seen::binary(b"")),
            (to.frame(0xC1, &with_tail), seen.clone()),
            (to.frame(0xC1, &ended.bytes), seen.clone()),
            (to.frame(0xC1, &streams.bytes), seen.clone()),
            (to.frame(0xC1, &flushed.bytes), seen.clone()),
            (to.frame(0xC1, &kinds.bytes), Seen::text("Hellllab")),
            (to.frame(0xC1, &stored(long.as_bytes())), Seen::text(&long)),
            (to.frame(0x81, b"as it is"), Seen::text("as it is")),
            (to.frame(0x82, HELLO), Seen::binary(HELLO)),
            (to.fragments(0x41, &HELLO.chunks(1).collect::<Vec<_>>()), seen.clone()),
            (to.fragments(0x41, &[b"", HELLO, b"", b""]), seen.clone()),
            (to.fragments(0x01, &[b"in ", b"parts"]), Seen::text("in parts")),
            // Not a byte of payload: neither the tail nor the codec is touched.
            (to.frame(0xC1, b""), Seen::text("")),
            (to.fragments(0x42, &[b"", b"", b""]), Seen::binary(b"")),
        ] {
            let all = [hello.clone(), bytes.clone(), hello.clone(), bytes].concat();
            expect_events(role, &all, &[seen.clone(), event.clone(), seen.clone(), event]);
        }
    };

    client_receives_empty_payload_and_goes_on_row_83, server_receives_empty_payload_and_goes_on_row_83: |role| {
        let to = To(role);
        // What follows refers to what came before, past messages that are empty or not compressed.
        let between = [
            to.frame(0xC2, b""),
            to.frame(0xC1, &[0x00]),
            to.frame(0x81, b"Jello"),
            to.fragments(0x42, &[b"", b""]),
        ];
        let bytes = [to.frame(0xC1, HELLO), between.concat(), to.frame(0xC1, &[0xF2, 0x00, 0x11, 0x00, 0x00])];
        let empty = Seen::binary(b"");
        let events = [
            Seen::text("Hello"), empty.clone(), Seen::text(""), Seen::text("Jello"), empty, Seen::text("Hello"),
        ];
        let outcome = Check::of(role).opened(&taking_over).run(&bytes.concat());
        assert_eq!(outcome, Outcome::of(&events, &[], OPEN));
    };

    client_receives_pings_between_fragments_row_83, server_receives_pings_between_fragments_row_83: |role| {
        let to = To(role);
        let (mut bytes, mut events) = (to.frame(0x41, &HELLO[..1]), Vec::new());
        for piece in HELLO[1..6].chunks(1) {
            bytes.extend([to.ping(HELLO), to.frame(0x00, piece), to.pong(b"\xFF")].concat());
            events.extend([Seen::ping(HELLO), Seen::pong(b"\xFF")]);
        }
        bytes.extend(to.frame(0x80, &HELLO[6..]));
        events.push(Seen::text("Hello"));
        let output = vec![pong(HELLO); 5];
        expect(role, Config::default(), &bytes, &Outcome::of(&events, &output, OPEN));
        // A Close within a message drops it.
        let bytes = [to.frame(0x41, &HELLO[..5]), to.close(1001, "")].concat();
        for open in WITH_AND_WITHOUT {
            let outcome = Check::of(role).opened(&open).run(&bytes);
            assert_eq!((outcome.events, outcome.output), (vec![Seen::close(1001, "")], vec![close(1001)]));
        }
        let eof = Outcome::of(&[], &[], EOF);
        let begun = to.frame(0x41, &HELLO[..5]);
        assert_eq!(Check::of(role).opened(&taking_over).eof().run(&begun), eof);
    };

    client_receives_bad_streams_row_82, server_receives_bad_streams_row_82: |role| {
        // Five bytes of this message, and five of the one before it.
        let too_far: BadStream =
            ("distance too far", |bits| bits.fixed(false).literals(b"12345").copy(3, 16));
        let to = To(role);
        for (name, make) in BAD_STREAMS.into_iter().chain([too_far]) {
            println!("{name}");
            let mut bits = Bits::new();
            bits.fixed(false).literals(b"good").end();
            // Enough behind it for any verdict.
            make(&mut bits).align().raw(&[0x55; 10]);
            expect_failure(role, &to.frame(0xC1, &bits.bytes), InvalidCompression, 1007);
            // Known before the message ends, and before the frame does.
            expect_failure(role, &cut(to, 0x42, &bits.bytes, 1000), InvalidCompression, 1007);
        }
    };

    client_receives_a_truncated_stream_row_82, server_receives_a_truncated_stream_row_82: |role| {
        let to = To(role);
        let mut dynamic = Bits::new();
        dynamic.dynamic(&FOUR_CODES).dynamic_symbols("aabb<a>.").stored_header(false);
        let mut copy = Bits::new();
        copy.fixed(false).literals(b"a").copy(258, 1);
        for payload in [HELLO, &dynamic.bytes, &stored(b"Hello")[..10]] {
            for len in 1..payload.len() {
                if payload[..len] == [0x00] {
                    continue; // an empty message
                }
                for bytes in [to.frame(0xC2, &payload[..len]), to.fragments(0x41, &[&payload[..len], b""])] {
                    expect_failure(role, &bytes, InvalidCompression, 1007);
                }
            }
        }
        // Without a code for the end of the block there cannot be one.
        let mut endless = Bits::new();
        endless.dynamic(&[(97, 1), (98, 1)]).raw(&[0x55; 20]);
        for payload in [&copy.bytes, &endless.bytes] {
            expect_failure(role, &to.frame(0xC2, payload), InvalidCompression, 1007);
        }
        // The tail is no data of a block, although it would be just enough of it.
        for missing in 1..=4 {
            let begun = [0x00, missing, 0x00, !missing, 0xFF];
            expect_failure(role, &to.frame(0xC2, &begun), InvalidCompression, 1007);
        }
    };

    client_receives_bad_text_row_82, server_receives_bad_text_row_82: |role| {
        let to = To(role);
        for bad in [&b"\xFF"[..], b"\xC0\x80", b"\xED\xA0\x80", b"\xE2\x82", b"\xF0\x9F\x98", b"\xE2\x28\xA1"] {
            for lead in [&b""[..], b"good ", "κόσμε".as_bytes()] {
                let payload = stored(&[lead, bad].concat());
                expect_failure(role, &to.frame(0xC1, &payload), InvalidUtf8, 1007);
                let parts: Vec<&[u8]> = payload.chunks(4).collect();
                expect_failure(role, &to.fragments(0x41, &parts), InvalidUtf8, 1007);
                // Binary may be anything.
                let event = Seen::binary(&[lead, bad].concat());
                expect_events(role, &to.frame(0xC2, &payload), &[event]);
            }
        }
        // Each code point cut at each byte is good.
        let text = "aß€😀";
        let (payload, seen) = (stored(text.as_bytes()), Seen::text(text));
        expect_events(role, &to.fragments(0x41, &payload.chunks(1).collect::<Vec<_>>()), &[seen]);
    };

    client_fails_bad_text_as_it_comes_row_82, server_fails_bad_text_as_it_comes_row_82: |role| {
        let to = To(role);
        // A flush behind the bad byte: all of it is known, while neither the frame nor the message has ended.
        let mut bits = Bits::new();
        bits.stored(false, b"good \xFF");
        for open in WITH_AND_WITHOUT {
            for mut bytes in [to.frame(0x41, &bits.bytes), cut(to, 0x41, &bits.bytes, 1000)] {
                let (mut ws, mut out) = (WebSocket::open(open(role), Config::default()), Vec::new());
                assert_eq!(ws.receive(&mut &mut bytes[..], &mut out), None);
                assert_eq!(ws.poll(secs(0), &mut out), failed(InvalidUtf8));
            }
        }
    };

    client_receives_messages_of_the_limit_row_85, server_receives_messages_of_the_limit_row_85: |role| {
        let to = To(role);
        for limit in [1, 2, 200, 4095, 4096, 4097, 9_000] {
            // Inflated, with little of it on the wire.
            for (size, is_over) in [(limit, false), (limit + 1, true), (limit + 2, true)] {
                let mut bits = Bits::new();
                let copies = (size - 1) / 258;
                bits.repeat(b'x', copies).end_of_repeat(size - 1 - 258 * copies);
                bits.stored_header(false);
                let text = "x".repeat(size);
                for (kind, event) in [(0x41, Seen::text(&text)), (0x42, Seen::binary(text.as_bytes()))] {
                    if bits.bytes.len() > limit {
                        continue;
                    }
                    let parts = [&bits.bytes[..3], &bits.bytes[3..]];
                    for bytes in [to.frame(0x80 | kind, &bits.bytes), to.fragments(kind, &parts)] {
                        let again = [to.frame(0xC1, b"\x00"), bytes].concat();
                        let expected = if is_over {
                            Outcome::of(&[Seen::text("")], &[close(1009)], failed(MessageTooLong))
                        } else {
                            Outcome::of(&[Seen::text(""), event.clone()], &[], OPEN)
                        };
                        expect(role, limited(limit as u64), &again, &expected);
                    }
                }
            }
        }
    };

    client_receives_a_long_payload_of_little_row_85, server_receives_a_long_payload_of_little_row_85: |role| {
        let to = To(role);
        // Empty blocks: nothing comes out, and the limit on the wire is the same.
        let good = [&[0x00, 0x00, 0x00, 0xFF, 0xFF].repeat(39)[..], &[0x00]].concat();
        let expected = Outcome::of(&[Seen::text("")], &[], OPEN);
        expect(role, limited(196), &to.frame(0xC1, &good), &expected);
        expect(role, limited(196), &to.fragments(0x41, &[&good[..100], &good[100..]]), &expected);
        let too_long = Outcome::of(&[], &[close(1009)], failed(MessageTooLong));
        expect(role, limited(195), &to.header(0xC1, 196), &too_long);
        let parts = [to.frame(0x41, &good[..100]), to.header(0x80, 96)].concat();
        expect(role, limited(195), &parts, &too_long);
    };
}
