//! Frames as they are received: RFC 6455 §5.1 to §5.4, and the header as a value.
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
    Check, Frame, Log, OPEN, Outcome, Seen, To, Wire, both, close, ends, expect_events,
    expect_failure, failed, fails, judge, pong, raw_header,
};
use websocket_proto::ProtocolError::{
    ControlTooLong, FragmentedControl, InterleavedMessage, LengthOverflow, MaskedFrame,
    MessageTooLong, NonMinimalLength, ReservedBits, ReservedOpcode, UnexpectedContinuation,
    UnmaskedFrame,
};
use websocket_proto::{
    Chunk, ChunkEvent, Config, Connection, FrameHeader, Mask, MessageKind, Negotiated, Opcode,
    Output, Role, UsageError,
};

const OPCODES: [u8; 6] = [0x0, 0x1, 0x2, 0x8, 0x9, 0xA];

fails! {
    client_receives_rsv1_on_text_row_35, server_receives_rsv1_on_text_row_35:
        |to| to.frame(0xC1, b"x") => ReservedBits, 1002;
    client_receives_rsv2_on_binary_row_34, server_receives_rsv2_on_binary_row_34:
        |to| to.frame(0xA2, b"x") => ReservedBits, 1002;
    client_receives_rsv3_on_text_row_34, server_receives_rsv3_on_text_row_34:
        |to| to.frame(0x91, b"") => ReservedBits, 1002;
    client_receives_rsv2_on_ping_row_34, server_receives_rsv2_on_ping_row_34:
        |to| to.frame(0xA9, b"x") => ReservedBits, 1002;
    client_receives_rsv3_on_close_row_34, server_receives_rsv3_on_close_row_34:
        |to| to.frame(0x98, b"\x03\xE8") => ReservedBits, 1002;
    client_receives_rsv1_on_pong_row_35, server_receives_rsv1_on_pong_row_35:
        |to| to.frame(0xCA, b"") => ReservedBits, 1002;
    client_receives_reserved_opcode_3_row_36, server_receives_reserved_opcode_3_row_36:
        |to| to.frame(0x83, b"") => ReservedOpcode(3), 1002;
    client_receives_reserved_opcode_15_row_36, server_receives_reserved_opcode_15_row_36:
        |to| to.frame(0x8F, b"x") => ReservedOpcode(15), 1002;
    client_receives_length_125_in_2_bytes_row_37, server_receives_length_125_in_2_bytes_row_37:
        |to| to.header_in(0x82, 125, 2) => NonMinimalLength, 1002;
    client_receives_length_0_in_2_bytes_row_37, server_receives_length_0_in_2_bytes_row_37:
        |to| to.header_in(0x81, 0, 2) => NonMinimalLength, 1002;
    client_receives_length_0_in_8_bytes_row_37, server_receives_length_0_in_8_bytes_row_37:
        |to| to.header_in(0x81, 0, 8) => NonMinimalLength, 1002;
    client_receives_length_126_in_8_bytes_row_37, server_receives_length_126_in_8_bytes_row_37:
        |to| to.header_in(0x02, 126, 8) => NonMinimalLength, 1002;
    client_receives_length_65535_in_8_bytes_row_37, server_receives_length_65535_in_8_bytes_row_37:
        |to| to.header_in(0x82, 65535, 8) => NonMinimalLength, 1002;
    client_receives_64_bit_length_row_40, server_receives_64_bit_length_row_40:
        |to| to.header(0x82, 1 << 63) => LengthOverflow, 1002;
    client_receives_length_of_all_ones_row_40, server_receives_length_of_all_ones_row_40:
        |to| to.header(0x01, u64::MAX) => LengthOverflow, 1002;
    client_receives_ping_of_126_row_44, server_receives_ping_of_126_row_44:
        |to| to.frame(0x89, &[b'p'; 126]) => ControlTooLong, 1002;
    client_receives_close_of_126_row_44_69, server_receives_close_of_126_row_44_69:
        |to| to.frame(0x88, &[3; 126]) => ControlTooLong, 1002;
    client_receives_pong_of_65535_row_44, server_receives_pong_of_65535_row_44:
        |to| to.header(0x8A, 65535) => ControlTooLong, 1002;
    client_receives_ping_of_64_kib_row_44, server_receives_ping_of_64_kib_row_44:
        |to| to.header(0x89, 65536) => ControlTooLong, 1002;
    client_receives_fragmented_ping_row_45, server_receives_fragmented_ping_row_45:
        |to| to.frame(0x09, b"p") => FragmentedControl, 1002;
    client_receives_fragmented_pong_row_45, server_receives_fragmented_pong_row_45:
        |to| to.frame(0x0A, b"") => FragmentedControl, 1002;
    client_receives_fragmented_close_row_45, server_receives_fragmented_close_row_45:
        |to| to.frame(0x08, b"\x03\xE8") => FragmentedControl, 1002;
    client_receives_ping_of_5_in_2_bytes_row_46, server_receives_ping_of_5_in_2_bytes_row_46:
        |to| to.header_in(0x89, 5, 2) => ControlTooLong, 1002;
    client_receives_close_of_0_in_8_bytes_row_46, server_receives_close_of_0_in_8_bytes_row_46:
        |to| to.header_in(0x88, 0, 8) => ControlTooLong, 1002;
    client_receives_continuation_of_nothing_row_47, server_receives_continuation_of_nothing_row_47:
        |to| to.frame(0x80, b"x") => UnexpectedContinuation, 1002;
    client_receives_empty_continuation_of_nothing_row_47, server_receives_empty_continuation_of_nothing_row_47:
        |to| to.frame(0x80, b"") => UnexpectedContinuation, 1002;
    client_receives_unfinished_continuation_of_nothing_row_47, server_receives_unfinished_continuation_of_nothing_row_47:
        |to| to.frame(0x00, b"x") => UnexpectedContinuation, 1002;
    client_receives_empty_unfinished_continuation_row_47, server_receives_empty_unfinished_continuation_row_47:
        |to| to.frame(0x00, b"") => UnexpectedContinuation, 1002;
}

both! {
    client_receives_reserved_bits_on_every_opcode_row_34_35,
    server_receives_reserved_bits_on_every_opcode_row_34_35: |role| {
        let to = To(role);
        for opcode in 0..16 {
            for rsv in 1..8 {
                // The first two bytes are enough.
                let bytes = to.frame(0x80 | rsv << 4 | opcode, b"")[..2].to_vec();
                expect_failure(role, &bytes, &[], None, ReservedBits, 1002);
            }
        }
    };

    client_receives_reserved_opcodes_row_36, server_receives_reserved_opcodes_row_36: |role| {
        let to = To(role);
        for opcode in (3..8).chain(11..16) {
            for fin in [0, 0x80] {
                let error = ReservedOpcode(opcode);
                let whole = to.frame(fin | opcode, b"payload");
                expect_failure(role, &whole, &[], None, error, 1002);
                expect_failure(role, &whole[..2], &[], None, error, 1002);
                let inside = [to.frame(0x01, b"begun"), whole].concat();
                let partial = Some((MessageKind::Text, &b"begun"[..]));
                expect_failure(role, &inside, &[], partial, error, 1002);
            }
        }
    };

    client_receives_long_lengths_row_41_105, server_receives_long_lengths_row_41_105: |role| {
        let to = To(role);
        let mib = 1 << 20;
        let lengths = [
            16 * mib + 1,
            (1 << 31) - 1,
            1 << 31,
            (1 << 32) + 70_000,
            (1 << 53) + 1,
            (1 << 63) - 1,
        ];
        for size in lengths {
            let header = to.header(0x82, size);
            expect_failure(role, &header, &[], None, MessageTooLong, 1009);
            // Without a limit the bytes are awaited.
            let unlimited = Config::default().message_limit(u64::MAX).unwrap();
            let outcome = Check::of(role).config(unlimited).run(&header);
            assert_eq!(outcome, Outcome::of(&[], &[], OPEN));
        }
    };

    client_receives_sums_of_lengths_row_43_105, server_receives_sums_of_lengths_row_43_105: |role| {
        let to = To(role);
        let most = (1 << 63) - 1;
        let bytes = [to.frame(0x02, b"a"), to.header(0x80, most)].concat();
        let partial = Some((MessageKind::Binary, &b"a"[..]));
        for limit in [u64::MAX, most + 1] {
            let config = Config::default().message_limit(limit).unwrap();
            let outcome = Check::of(role).config(config).run(&bytes);
            assert_eq!(outcome, Outcome::of(&[], &[], OPEN).with_partial(partial));
        }
        let config = Config::default().message_limit(most).unwrap();
        let error = MessageTooLong;
        let expected = Outcome::of(&[], &[close(1009)], failed(error)).with_partial(partial);
        assert_eq!(Check::of(role).config(config).run(&bytes), expected);
        // On 32 bits `usize::MAX` is a limit that a `u64` can exceed.
        let config = Config::default().message_limit(u64::from(u32::MAX)).unwrap();
        let error = MessageTooLong;
        let expected = Outcome::of(&[], &[close(1009)], failed(error));
        assert_eq!(Check::of(role).config(config).run(&to.header(0x82, 1 << 32)), expected);
    };

    client_receives_continuation_after_message_row_47, server_receives_continuation_after_message_row_47: |role| {
        let to = To(role);
        for message in [to.fragments(1, &[b"a", b"b", b"c"]), to.text("abc")] {
            let bytes = [message, to.frame(0x80, b"d")].concat();
            let events = [Seen::text("abc")];
            expect_failure(role, &bytes, &events, None, UnexpectedContinuation, 1002);
        }
    };

    client_receives_message_inside_message_row_48, server_receives_message_inside_message_row_48: |role| {
        let to = To(role);
        for (begin, kind) in [(0x01, MessageKind::Text), (0x02, MessageKind::Binary)] {
            for second in [0x01, 0x02, 0x81, 0x82] {
                let inner = to.frame(second, b"two");
                let bytes = [to.frame(begin, b"one"), inner.clone()].concat();
                let partial = Some((kind, &b"one"[..]));
                expect_failure(role, &bytes, &[], partial, InterleavedMessage, 1002);
                // Also where nothing of the first has come, and behind a control frame.
                let bytes = [to.frame(begin, b""), to.ping(b""), inner].concat();
                let expected = Outcome::of(
                    &[Seen::ping(b"")],
                    &[pong(b""), close(1002)],
                    failed(InterleavedMessage),
                );
                assert_eq!(Check::of(role).run(&bytes), expected);
            }
        }
    };

    client_receives_control_frames_between_fragments_row_49,
    server_receives_control_frames_between_fragments_row_49: |role| {
        let to = To(role);
        let mut bytes = to.frame(0x01, b"He");
        let (mut events, mut output) = (Vec::new(), Vec::new());
        let begin = bytes.clone();
        for index in 0..1_000_u16 {
            let payload = [index as u8];
            bytes.extend(to.ping(&payload));
            bytes.extend(to.pong(b""));
            events.extend([Seen::ping(&payload), Seen::pong(b"")]);
            output.push(pong(&payload));
        }
        bytes.extend(to.frame(0x80, b"llo"));
        events.push(Seen::text("Hello"));
        expect_events(role, &bytes, &events, &output);

        for mut machine in ends(role, Config::default()) {
            let (mut out, mut log) = (Wire::new(), Log::default());
            machine.take(&begin, &mut out, &mut log);
            for _ in 0..10_000 {
                machine.take(&to.ping(b"p"), &mut out, &mut log);
                assert_eq!(judge(role, &out.drain()), [pong(b"p")]);
            }
            machine.take(&to.frame(0x80, b"llo"), &mut out, &mut log);
            assert_eq!(log.events.len(), 10_001);
            assert_eq!(log.events[10_000], Seen::text("Hello"));
        }
    };

    client_receives_truncated_headers_row_50, server_receives_truncated_headers_row_50: |role| {
        let to = To(role);
        for len in [0, 1, 125, 126, 65_535, 65_536] {
            let payload = vec![0xA5; len];
            let whole = to.binary(&payload);
            let header_len = whole.len() - len;
            for cut in 1..header_len {
                for mut machine in ends(role, Config::default()) {
                    let (mut out, mut log) = (Wire::new(), Log::default());
                    machine.take(&whole[..cut], &mut out, &mut log);
                    assert_eq!(machine.poll(common::secs(0), &mut out), OPEN);
                    assert_eq!((&log.events[..], &log.partial), (&[][..], &None));
                    machine.take(&whole[cut..], &mut out, &mut log);
                    assert_eq!(log.events, [Seen::binary(&payload)], "{len} cut at {cut}");
                    assert_eq!(out.bytes, b"");
                }
            }
        }
    };

    client_receives_message_before_fault_row_120, server_receives_message_before_fault_row_120: |role| {
        let to = To(role);
        let bytes = [to.text("good"), to.frame(0xF1, b"bad")].concat();
        let events = [Seen::text("good")];
        expect_failure(role, &bytes, &events, None, ReservedBits, 1002);
    };

    client_receives_every_length_row_105_106, server_receives_every_length_row_105_106: |role| {
        let to = To(role);
        for len in [0, 1, 2, 3, 4, 5, 124, 125, 126, 127, 128, 255, 256, 257, 1000, 4060] {
            let data: Vec<u8> = (0..len).map(|i: u32| (i * 7 % 253) as u8).collect();
            expect_events(role, &to.binary(&data), &[Seen::binary(&data)], &[]);
        }
        let data: Vec<u8> = (0..65_536).map(|i: u32| (i * 7 % 253) as u8).collect();
        expect_events(role, &to.binary(&data), &[Seen::binary(&data)], &[]);
    };

    client_receives_long_frames_with_faults_row_34_38_39_51, server_receives_long_frames_with_faults_row_34_38_39_51: |role| {
        let (to, payload) = (To(role), [b'x'; 126]);
        let (wrong_mask, masking) = match role {
            Role::Client => (To(Role::Server), MaskedFrame),
            Role::Server => (To(Role::Client), UnmaskedFrame),
        };
        for opcode in [0x01, 0x02] {
            for rsv in [0x10, 0x20, 0x40] {
                let bytes = to.frame(0x80 | rsv | opcode, &payload);
                expect_failure(role, &bytes, &[], None, ReservedBits, 1002);
            }
            let bytes = wrong_mask.frame(0x80 | opcode, &payload);
            expect_failure(role, &bytes, &[], None, masking, 1002);
            let check = Check::of(role).config(Config::default().message_limit(125).unwrap());
            let expected = Outcome::of(&[], &[close(1009)], failed(MessageTooLong));
            assert_eq!(check.run(&to.frame(0x80 | opcode, &payload)), expected);
        }
    };

    client_receives_two_faults_in_a_header, server_receives_two_faults_in_a_header: |role| {
        let to = To(role);
        let (wrong_mask, masking) = match role {
            Role::Client => (To(Role::Server), MaskedFrame),
            Role::Server => (To(Role::Client), UnmaskedFrame),
        };
        // The first of them is told, in this order.
        for (first, error) in [(0xC3, ReservedBits), (0x83, ReservedOpcode(3)), (0x80, masking)] {
            expect_failure(role, &wrong_mask.frame(first, b"x"), &[], None, error, 1002);
        }
        let bytes = [to.frame(0x01, b"begun"), wrong_mask.frame(0x81, b"x")].concat();
        let partial = Some((MessageKind::Text, &b"begun"[..]));
        expect_failure(role, &bytes, &[], partial, masking, 1002);
    };

    client_receives_the_start_of_a_header_out_of_order_row_47_48,
    server_receives_the_start_of_a_header_out_of_order_row_47_48: |role| {
        let to = To(role);
        // Two bytes tell, though the length is not known.
        let start = |first| to.frame(first, &[0; 126])[..2].to_vec();
        expect_failure(role, &start(0x80), &[], None, UnexpectedContinuation, 1002);
        let bytes = [to.frame(0x02, b"begun"), start(0x82)].concat();
        let partial = Some((MessageKind::Binary, &b"begun"[..]));
        expect_failure(role, &bytes, &[], partial, InterleavedMessage, 1002);
    };

    client_receives_long_fragments, server_receives_long_fragments: |role| {
        let (to, text) = (To(role), "x".repeat(126));
        let both = text.repeat(2);
        let parts = [text.as_bytes(), text.as_bytes()];
        expect_events(role, &to.fragments(1, &parts), &[Seen::text(&both)], &[]);
        expect_events(role, &to.fragments(2, &parts), &[Seen::binary(both.as_bytes())], &[]);
    };

    client_receives_any_masking_key_row_112, server_receives_any_masking_key_row_112: |role| {
        let to = To(role);
        for key in [[0; 4], [0xFF; 4], [1, 2, 4, 8], [0x37, 0xFA, 0x21, 0x3D]] {
            let text = "any key, the zero one too: κόσμε";
            let bytes = to.keyed(0x81, text.as_bytes(), key);
            expect_events(role, &bytes, &[Seen::text(text)], &[]);
        }
    };
}

#[test]
fn server_receives_unmasked_frames_row_38() {
    // What a server sends is what a server must not get.
    let wrong = To(Role::Client);
    for opcode in OPCODES {
        for payload in [&b""[..], b"\x03\xE8ok"] {
            let bytes = wrong.frame(0x80 | opcode, payload);
            expect_failure(Role::Server, &bytes, &[], None, UnmaskedFrame, 1002);
            expect_failure(Role::Server, &bytes[..2], &[], None, UnmaskedFrame, 1002);
        }
    }
}

#[test]
fn server_receives_unmasked_fragment_of_masked_message_row_38() {
    let to = To(Role::Server);
    let bytes = [to.frame(0x01, b"masked"), To(Role::Client).frame(0x80, b"not")].concat();
    let partial = Some((MessageKind::Text, &b"masked"[..]));
    expect_failure(Role::Server, &bytes, &[], partial, UnmaskedFrame, 1002);
}

#[test]
fn client_receives_masked_frames_row_39() {
    for key in [[0; 4], [0xDE, 0xAD, 0xBE, 0xEF]] {
        for opcode in OPCODES {
            for payload in [&b""[..], b"\x03\xE8ok"] {
                let bytes = To(Role::Server).keyed(0x80 | opcode, payload, key);
                expect_failure(Role::Client, &bytes, &[], None, MaskedFrame, 1002);
                expect_failure(Role::Client, &bytes[..2], &[], None, MaskedFrame, 1002);
            }
        }
    }
}

/// The frames of RFC 6455 §5.7, byte for byte; they say in which order lengths and keys lie on the wire.
#[test]
fn examples_of_the_rfc_row_106() {
    let hello = b"\x81\x05Hello";
    let masked_hello = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    let in_fragments = b"\x01\x03Hel\x80\x02lo";
    expect_events(Role::Client, hello, &[Seen::text("Hello")], &[]);
    expect_events(Role::Server, masked_hello, &[Seen::text("Hello")], &[]);
    expect_events(Role::Client, in_fragments, &[Seen::text("Hello")], &[]);
    let (ping, masked_pong) = (b"\x89\x05Hello", b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
    let answer = [pong(b"Hello")];
    expect_events(Role::Client, ping, &[Seen::ping(b"Hello")], &answer);
    expect_events(Role::Server, masked_pong, &[Seen::pong(b"Hello")], &[]);
    for (header, len) in
        [(&b"\x82\x7e\x01\x00"[..], 256), (b"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 65_536)]
    {
        let data = vec![0x42; len];
        let bytes = [header, &data[..]].concat();
        expect_events(Role::Client, &bytes, &[Seen::binary(&data)], &[]);
    }
    let close = b"\x88\x02\x03\xe8";
    let expected =
        Outcome::of(&[Seen::close(1000, "")], &[Frame::new(0x88, b"\x03\xe8")], common::CLOSING);
    assert_eq!(Check::of(Role::Client).run(close), expected);
}

/// A message of more than 4 GiB streams through, and what remains of its frame is told without loss.
#[test]
fn client_receives_frame_beyond_32_bits_row_105() {
    let config = Config::default().message_limit(u64::MAX).unwrap();
    let mut connection = Connection::open(Negotiated::client(common::SEED), config);
    let (mut out, len) = (Wire::new(), (1 << 32) + 70_000);
    let mut header = To(Role::Client).header(0x82, len);
    assert_eq!(connection.receive(&mut &mut header[..], &mut out), None);
    let mut received = 0_u64;
    for _ in 0..3 {
        let mut piece = vec![7; 65_536];
        let mut input = &mut piece[..];
        let Some(ChunkEvent::Data(chunk)) = connection.receive(&mut input, &mut out) else {
            panic!("a chunk");
        };
        received += 65_536;
        let expected = (received == 65_536, false, len - received);
        assert_eq!((chunk.first, chunk.last, chunk.frame_remaining), expected);
        assert_eq!(chunk.payload.len(), 65_536);
    }
}

#[test]
fn server_receives_chunks_as_they_come() {
    let mut connection = Connection::open(Negotiated::server(), Config::default());
    let to = To(Role::Server);
    let mut out = Wire::new();
    let mut told = Vec::new();
    for bytes in [
        &to.frame(0x01, b"Hello")[..8],
        &to.frame(0x01, b"Hello")[8..],
        &to.frame(0x00, b"")[..],
        &to.frame(0x80, b" world")[..],
    ] {
        let mut bytes = bytes.to_vec();
        let mut input = &mut bytes[..];
        while let Some(event) = connection.receive(&mut input, &mut out) {
            let ChunkEvent::Data(Chunk { kind, payload, first, last, frame_remaining, .. }) = event
            else {
                panic!("data only");
            };
            assert_eq!(kind, MessageKind::Text);
            told.push((payload.to_vec(), first, last, frame_remaining));
        }
    }
    let expected = [
        (b"He".to_vec(), true, false, 3),
        (b"llo".to_vec(), false, false, 0),
        (b" world".to_vec(), false, true, 0),
    ];
    assert_eq!(told, expected);
}

/// An input need not be aligned, and what lies beside it is not touched.
#[test]
fn server_receives_at_any_offset_row_112_117() {
    let text = "0123456789 and some more, to be longer than a register";
    let frame = To(Role::Server).text(text);
    for offset in 0..64 {
        for mut machine in ends(Role::Server, Config::default()) {
            let mut buffer = vec![0xEE; 64 + frame.len() + 64];
            let end = offset + frame.len();
            buffer[offset..end].copy_from_slice(&frame);
            let (mut out, mut log) = (Wire::new(), Log::default());
            machine.feed(&mut buffer[offset..end], &mut out, &mut log);
            assert_eq!(log.events, [Seen::text(text)]);
            assert!(buffer[..offset].iter().all(|byte| *byte == 0xEE));
            assert!(buffer[end..].iter().all(|byte| *byte == 0xEE));
        }
    }
}

#[test]
fn masking_at_any_offset_and_length_equals_the_naive_loop_row_112() {
    let plain: Vec<u8> = (0..1100_u32).map(|i| (i * 31 % 255) as u8).collect();
    let key = [0x11, 0x83, 0xFE, 0x5A];
    for offset in 0..64 {
        for len in 0..=1024 {
            let mut payload = plain.clone();
            let mut mask = Mask::new(key);
            // The part before puts the mask in any phase.
            let (before, rest) = payload.split_at_mut(offset);
            mask.apply(before);
            mask.apply(&mut rest[..len]);
            let end = offset + len;
            let naive = |i: usize| plain[i] ^ key[i % 4];
            assert!((0..end).all(|i| payload[i] == naive(i)), "{len} at {offset}");
            assert_eq!(payload[end..], plain[end..], "{len} at {offset}");
        }
    }
}

#[test]
fn header_encodes_each_field_as_the_naive_builder_does() {
    for len in [0, 1, 125, 126, 127, 65_535, 65_536, 1 << 32, (1 << 63) - 1] {
        for mask in [None, Some([0, 0, 0, 0]), Some([9, 8, 7, 6])] {
            for opcode in OPCODES {
                for (fin, rsv) in [(true, 0), (false, 0x40), (true, 0x70), (true, 0x10)] {
                    let header = FrameHeader {
                        fin,
                        rsv,
                        opcode: Opcode::from_bits(opcode).unwrap(),
                        mask,
                        payload_len: len,
                    };
                    let expected = if opcode < 8 {
                        let first = u8::from(fin) << 7 | rsv | opcode;
                        let form = if len < 126 {
                            0
                        } else if len < 65_536 {
                            2
                        } else {
                            8
                        };
                        Ok(raw_header(first, mask, len, form))
                    } else if len > 125 {
                        Err(UsageError::ControlTooLong)
                    } else if !fin {
                        Err(UsageError::FragmentedControl)
                    } else {
                        Ok(raw_header(0x80 | rsv | opcode, mask, len, 0))
                    };
                    let encoded = header.encode().map(|bytes| bytes.to_vec());
                    assert_eq!(encoded, expected, "{header:?}");
                    if let Ok(mut bytes) = encoded {
                        let len = bytes.len();
                        bytes.extend(b"payload");
                        assert_eq!(FrameHeader::parse(&bytes), Ok(Some((header, len))));
                        for cut in 0..len {
                            assert_eq!(FrameHeader::parse(&bytes[..cut]), Ok(None));
                        }
                    }
                }
            }
        }
    }
    let overlong = FrameHeader::new(Opcode::Binary, 1 << 63);
    assert_eq!(overlong.encode().err(), Some(UsageError::LengthOverflow));
    let stray = FrameHeader { rsv: 0x8F, ..FrameHeader::new(Opcode::Text, 0) };
    assert_eq!(*stray.encode().unwrap(), [0x81, 0x00], "bits that are not RSV");
}

#[test]
fn header_parse_refuses_what_it_must_row_36_37_40_44_45_46() {
    for (bytes, error) in [
        (&b"\x83\x00"[..], ReservedOpcode(3)),
        (b"\x8b\x80", ReservedOpcode(11)),
        (b"\x09\x00", FragmentedControl),
        (b"\x89\x7e", ControlTooLong),
        (b"\x88\xff", ControlTooLong),
        (b"\x82\x7e\x00\x7d", NonMinimalLength),
        (b"\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff", NonMinimalLength),
        (b"\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00", LengthOverflow),
    ] {
        assert_eq!(FrameHeader::parse(bytes), Err(error), "{bytes:02x?}");
        // One byte less does not tell yet.
        let cut = &bytes[..bytes.len() - 1];
        if cut.len() != 1 {
            assert_eq!(FrameHeader::parse(cut), Ok(None), "{cut:02x?}");
        }
    }
}

/// Fed byte by byte, each byte costs one call and each event one more; no call goes without progress.
#[test]
fn calls_are_as_many_as_bytes_and_events_row_96_97_99() {
    for role in common::BOTH_ROLES {
        let to = To(role);
        let mut bytes = Vec::new();
        for index in 0..50 {
            bytes.extend(to.frame(0x01, b"He"));
            bytes.extend(to.ping(&vec![1; index]));
            bytes.extend(to.frame(0x00, b""));
            bytes.extend(to.frame(0x80, b"llo"));
            bytes.extend(to.binary(&vec![2; index * 5]));
        }
        for mut machine in ends(role, Config::default()) {
            let (mut out, mut log) = (Wire::new(), Log::default());
            for byte in &mut bytes.clone() {
                machine.feed(core::slice::from_mut(byte), &mut out, &mut log);
            }
            // Text is told once for each chunk by a `Connection`, once for each message by a `WebSocket`.
            assert!(log.calls <= 2 * bytes.len(), "{} calls", log.calls);
            assert_eq!(log.events.len(), 150);
            let mut whole = Log::default();
            machine.feed(&mut bytes.clone(), &mut out, &mut whole);
            assert!(whole.calls <= 151 + 50, "{} calls", whole.calls);
        }
    }
}

/// The trait object and the plain type are the same output.
#[test]
fn output_is_used_through_a_trait_object() {
    let mut wire = Wire::new();
    let out: &mut dyn Output = &mut wire;
    let mut connection = Connection::open(Negotiated::server(), Config::default());
    connection.send_text("x", out).unwrap();
    assert_eq!(wire.bytes, b"\x81\x01x");
}
