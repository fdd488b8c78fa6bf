//! Closing, failing and the end of the transport (RFC 6455 §5.5.1, §7).
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
    CLEAN, CLOSING, Check, EOF, Frame, Log, Machine, OPEN, Outcome, Pair, Seen, To, Wire,
    after_both_closes, both, close, ends, expect_failure, failed, fails, judge, opened, pong, secs,
};
use websocket_proto::ProtocolError::{
    InvalidCloseCode, InvalidCloseReason, InvalidUtf8, MessageTooLong, ReservedBits,
    TruncatedCloseCode, UnexpectedContinuation,
};
use websocket_proto::{
    CloseCode, Config, Connection, Failure, MessageKind, Next, Role, Timeout, UsageError,
};

fails! {
    client_receives_close_of_one_byte_row_67, server_receives_close_of_one_byte_row_67:
        |to| to.frame(0x88, b"\x03") => TruncatedCloseCode, 1002;
    client_receives_close_with_1004_row_68, server_receives_close_with_1004_row_68:
        |to| to.close(1004, "") => InvalidCloseCode(1004), 1002;
    client_receives_close_with_1005_row_68, server_receives_close_with_1005_row_68:
        |to| to.close(1005, "") => InvalidCloseCode(1005), 1002;
    client_receives_close_with_1006_row_68, server_receives_close_with_1006_row_68:
        |to| to.close(1006, "reason") => InvalidCloseCode(1006), 1002;
    client_receives_close_with_1015_row_68, server_receives_close_with_1015_row_68:
        |to| to.close(1015, "") => InvalidCloseCode(1015), 1002;
    client_receives_close_with_0_row_68, server_receives_close_with_0_row_68:
        |to| to.close(0, "") => InvalidCloseCode(0), 1002;
    client_receives_close_with_999_row_68, server_receives_close_with_999_row_68:
        |to| to.close(999, "") => InvalidCloseCode(999), 1002;
    client_receives_close_with_1016_row_68, server_receives_close_with_1016_row_68:
        |to| to.close(1016, "") => InvalidCloseCode(1016), 1002;
    client_receives_close_with_2999_row_68, server_receives_close_with_2999_row_68:
        |to| to.close(2999, "") => InvalidCloseCode(2999), 1002;
    client_receives_close_with_5000_row_68, server_receives_close_with_5000_row_68:
        |to| to.close(5000, "") => InvalidCloseCode(5000), 1002;
    client_receives_close_with_65535_row_68, server_receives_close_with_65535_row_68:
        |to| to.close(65535, "") => InvalidCloseCode(65535), 1002;
    client_receives_close_reason_not_utf8_row_69, server_receives_close_reason_not_utf8_row_69:
        |to| to.frame(0x88, b"\x03\xE8ok\xFF") => InvalidCloseReason, 1007;
    client_receives_close_reason_with_surrogate_row_69, server_receives_close_reason_with_surrogate_row_69:
        |to| to.frame(0x88, b"\x03\xE8\xED\xA0\x80") => InvalidCloseReason, 1007;
    client_receives_close_reason_cut_off_row_69, server_receives_close_reason_cut_off_row_69:
        |to| to.frame(0x88, b"\x03\xE8\xE2\x82") => InvalidCloseReason, 1007;
}

/// What follows is taken unread, whatever it is.
fn late(to: To) -> Vec<u8> {
    let late = [
        to.text("late"),
        to.ping(b"late"),
        to.close(1001, "late"),
        to.frame(0xF3, b"garbage"),
        vec![0xFF; 9],
    ];
    late.concat()
}

fn begin(code: u16) -> impl Fn(&mut dyn Machine, &mut Wire) {
    move |machine, out| machine.close(Some(code), "", out).unwrap()
}

both! {
    client_receives_empty_close_row_67, server_receives_empty_close_row_67: |role| {
        let outcome = Check::of(role).run(&To(role).frame(0x88, b""));
        let output = [Frame::new(0x88, b"")];
        let expected = Outcome::of(&[Seen::close(1005, "")], &output, after_both_closes(role));
        assert_eq!(outcome, expected);
    };

    client_receives_close_with_each_code_row_68_106, server_receives_close_with_each_code_row_68_106: |role| {
        let to = To(role);
        for code in 0..=65_535 {
            let mut machine = <Connection as Machine>::open(opened(role), Config::default());
            let (mut out, mut log) = (Wire::new(), Log::default());
            machine.take(&to.close(code, ""), &mut out, &mut log);
            let allowed = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
            if allowed {
                assert_eq!(log.events, [Seen::close(code, "")]);
                assert_eq!(judge(role, &out.bytes), [close(code)]);
            } else {
                assert_eq!(log.events, []);
                assert_eq!(judge(role, &out.bytes), [close(1002)]);
                let next = machine.poll(secs(0), &mut out);
                assert_eq!(next, failed(InvalidCloseCode(code)));
            }
        }
        let edges = [1000, 1003, 1007, 1014, 3000, 3999, 4000, 4999];
        for code in edges {
            let outcome = Check::of(role).run(&to.close(code, "why"));
            let next = after_both_closes(role);
            assert_eq!(outcome, Outcome::of(&[Seen::close(code, "why")], &[close(code)], next));
        }
    };

    client_receives_close_reason_row_69, server_receives_close_reason_row_69: |role| {
        let to = To(role);
        let next = after_both_closes(role);
        for reason in ["x".repeat(123), "κόσμε".to_owned(), format!("x{}", "é".repeat(61))] {
            let outcome = Check::of(role).run(&to.close(1000, &reason));
            let expected = Outcome::of(&[Seen::close(1000, &reason)], &[close(1000)], next);
            assert_eq!(outcome, expected);
        }
    };

    client_receives_anything_after_close_row_71_94, server_receives_anything_after_close_row_71_94: |role| {
        let to = To(role);
        let bytes = [to.text("good"), to.close(1001, "bye"), late(to)].concat();
        let events = [Seen::text("good"), Seen::close(1001, "bye")];
        let expected = Outcome::of(&events, &[close(1001)], after_both_closes(role));
        assert_eq!(Check::of(role).run(&bytes), expected);
        // A client ends when the transport has.
        let expected = Outcome::of(&events, &[close(1001)], CLEAN);
        assert_eq!(Check::of(role).eof().run(&bytes), expected);
    };

    client_receives_much_after_close_row_71, server_receives_much_after_close_row_71: |role| {
        let to = To(role);
        for mut machine in ends(role, Config::default()) {
            let (mut out, mut log) = (Wire::new(), Log::default());
            machine.take(&to.close(1000, ""), &mut out, &mut log);
            let calls = log.calls;
            machine.take(&to.text("x").repeat(10_000), &mut out, &mut log);
            assert_eq!(log.calls, calls + 1, "not looked at");
            assert_eq!(log.events, [Seen::close(1000, "")]);
        }
    };

    client_receives_messages_after_own_close_row_72, server_receives_messages_after_own_close_row_72: |role| {
        let to = To(role);
        let bytes = [to.fragments(1, &[b"a", b"b"]), to.binary(b"c"), to.pong(b""), to.close(4000, "done"), late(to)];
        let events = [Seen::text("ab"), Seen::binary(b"c"), Seen::pong(b""), Seen::close(4000, "done")];
        let outcome = Check::of(role).before(&begin(1000)).run(&bytes.concat());
        assert_eq!(outcome, Outcome::of(&events, &[close(1000)], after_both_closes(role)));
    };

    client_sends_nothing_after_own_close_row_72_91, server_sends_nothing_after_own_close_row_72_91: |role| {
        for mut machine in ends(role, Config::default()) {
            let (mut out, mut log) = (Wire::new(), Log::default());
            assert!(machine.may_send());
            begin(1000)(&mut *machine, &mut out);
            let sent = out.bytes.clone();
            assert_eq!(machine.send_text("late", &mut out), Err(UsageError::Closed));
            assert_eq!(machine.send_binary(b"", &mut out), Err(UsageError::Closed));
            assert_eq!(machine.send_ping(b"", &mut out), Err(UsageError::Closed));
            assert_eq!(machine.send_pong(b"", &mut out), Err(UsageError::Closed));
            assert_eq!(machine.close(None, "", &mut out), Err(UsageError::Closed));
            assert_eq!(machine.start_message(MessageKind::Text, b""), Err(UsageError::Closed));
            assert!(!machine.may_send());
            machine.take(&To(role).text("still received"), &mut out, &mut log);
            assert_eq!(log.events, [Seen::text("still received")]);
            assert_eq!(out.bytes, sent);
        }
    };

    client_receives_close_inside_message_row_74, server_receives_close_inside_message_row_74: |role| {
        let to = To(role);
        for (first, kind) in [(0x01, MessageKind::Text), (0x02, MessageKind::Binary)] {
            let bytes = [to.frame(first, b"half"), to.close(1001, ""), to.frame(0x80, b"rest")];
            let expected = Outcome::of(&[Seen::close(1001, "")], &[close(1001)], after_both_closes(role))
                .with_partial(Some((kind, b"half")));
            assert_eq!(Check::of(role).run(&bytes.concat()), expected);
        }
    };

    client_receives_eof_after_both_closes_row_75, server_receives_eof_after_both_closes_row_75: |role| {
        let to = To(role);
        let outcome = Check::of(role).eof().run(&to.close(1000, ""));
        assert_eq!(outcome, Outcome::of(&[Seen::close(1000, "")], &[close(1000)], CLEAN));
        let outcome = Check::of(role).before(&begin(3000)).eof().run(&to.close(1000, ""));
        assert_eq!(outcome, Outcome::of(&[Seen::close(1000, "")], &[close(3000)], CLEAN));
    };

    client_receives_eof_too_early_row_75, server_receives_eof_too_early_row_75: |role| {
        let to = To(role);
        let text = to.text("text");
        let partial = Some((MessageKind::Text, &b"te"[..]));
        for (bytes, events, partial) in [
            (vec![], vec![], None),
            (text[..1].to_vec(), vec![], None),
            (text[..text.len() - 4].to_vec(), vec![], None),
            (text[..text.len() - 2].to_vec(), vec![], partial),
            (text.clone(), vec![Seen::text("text")], None),
            (to.frame(0x01, b"te"), vec![], partial),
            ([to.frame(0x01, b"te"), to.frame(0x00, b"")].concat(), vec![], partial),
            (to.ping(b"ping")[..4].to_vec(), vec![], None),
            (to.close(1000, "")[..3].to_vec(), vec![], None),
        ] {
            let expected = Outcome::of(&events, &[], EOF).with_partial(partial);
            assert_eq!(Check::of(role).eof().run(&bytes), expected, "{bytes:02x?}");
            // Our own Close alone does not make it clean.
            let outcome = Check::of(role).before(&begin(1000)).eof().run(&bytes);
            let expected = Outcome::of(&events, &[close(1000)], EOF).with_partial(partial);
            assert_eq!(outcome, expected, "{bytes:02x?}");
        }
    };

    client_receives_eof_at_every_byte_row_75, server_receives_eof_at_every_byte_row_75: |role| {
        let to = To(role);
        let session = [
            to.fragments(1, &[b"Hel", b"lo"]),
            to.ping(b"p"),
            to.binary(&[9; 130]),
            to.close(1000, "bye"),
        ]
        .concat();
        for cut in 0..=session.len() {
            let open = Check::of(role).run(&session[..cut]);
            let ended = Check::of(role).eof().run(&session[..cut]);
            let next = if cut < session.len() { EOF } else { CLEAN };
            assert_eq!(ended, Outcome { next, ..open }, "at {cut}");
        }
    };

    client_receives_eof_twice_row_94, server_receives_eof_twice_row_94: |role| {
        for mut machine in ends(role, Config::default()) {
            let (mut out, mut log) = (Wire::new(), Log::default());
            machine.receive_eof();
            machine.receive_eof();
            assert_eq!(machine.poll(secs(0), &mut out), EOF);
            machine.take(&To(role).ping(b"late"), &mut out, &mut log);
            machine.receive_eof();
            assert_eq!(machine.poll(secs(1), &mut out), EOF);
            assert_eq!((log.events, out.bytes), (vec![], vec![]));
        }
    };

    client_receives_eof_with_a_held_close_row_75, server_receives_eof_with_a_held_close_row_75: |role| {
        // The peer has closed and gone before there was room for our Close.
        for mut machine in ends(role, Config::default()) {
            let (mut out, mut log) = (Wire::with_room(0), Log::default());
            machine.take(&To(role).close(1000, ""), &mut out, &mut log);
            machine.receive_eof();
            assert_eq!(machine.poll(secs(0), &mut out), CLOSING);
            out.room = 100;
            assert_eq!(machine.poll(secs(0), &mut out), CLEAN);
            assert_eq!(judge(role, &out.bytes), [close(1000)]);
        }
    };

    client_fails_after_own_close_row_77, server_fails_after_own_close_row_77: |role| {
        let to = To(role);
        let limit = 16 << 20;
        for (bytes, error) in [
            (to.frame(0xC1, b"x"), ReservedBits),
            (to.frame(0x80, b"x"), UnexpectedContinuation),
            (to.frame(0x81, b"\xFF"), InvalidUtf8),
            (to.header(0x82, limit + 1), MessageTooLong),
            (to.close(999, ""), InvalidCloseCode(999)),
        ] {
            let outcome = Check::of(role).before(&begin(1000)).run(&bytes);
            assert_eq!(outcome, Outcome::of(&[], &[close(1000)], failed(error)));
        }
    };

    client_fails_while_its_answer_is_held_row_77, server_fails_while_its_answer_is_held_row_77: |role| {
        // The peer's Close could not be answered in time: that is the end, and nothing comes out after it.
        for mut machine in ends(role, Config::default()) {
            let (mut out, mut log) = (Wire::with_room(3), Log::default());
            machine.take(&To(role).close(1000, ""), &mut out, &mut log);
            assert_eq!(machine.poll(secs(0), &mut out), CLOSING);
            let end = Next::End(Err(Failure::TimedOut(Timeout::Closing)));
            assert_eq!(machine.poll(secs(10), &mut out), end);
            out.room = 100;
            assert_eq!(machine.poll(secs(11), &mut out), end);
            assert_eq!(machine.poll(secs(5), &mut out), end);
            assert_eq!(out.bytes, b"");
        }
    };

    client_fails_with_a_full_output, server_fails_with_a_full_output: |role| {
        // The end is not told before the Close that says why is really there.
        let fault = To(role).frame(0xC1, b"");
        for mut machine in ends(role, Config::default()) {
            let (mut out, mut log) = (Wire::new(), Log::default());
            machine.send_ping(b"ping", &mut out).unwrap();
            let ping = out.bytes.clone();
            out.room = ping.len() + 3;
            machine.take(&fault, &mut out, &mut log);
            for _ in 0..3 {
                assert_eq!(machine.poll(secs(0), &mut out), CLOSING);
                assert_eq!(out.bytes, ping);
                assert_eq!(machine.send_text("", &mut out), Err(UsageError::Closed));
                assert_eq!(machine.close(None, "", &mut out), Err(UsageError::Closed));
                machine.take(&To(role).text("late"), &mut out, &mut log);
            }
            out.drain();
            common::assert_ends(&mut *machine, failed(ReservedBits), out, &[close(1002)]);
            assert_eq!(log.events, []);
        }
    };

    client_fails_where_no_close_fits, server_fails_where_no_close_fits: |role| {
        let fault = To(role).frame(0xC1, b"");
        for mut machine in ends(role, Config::default().closing_timeout(secs(3))) {
            let (mut out, mut log) = (Wire::with_room(3), Log::default());
            machine.take(&fault, &mut out, &mut log);
            assert_eq!(machine.poll(secs(1), &mut out), Next::Wait(Some(secs(4))));
            assert_eq!(machine.poll(secs(4), &mut out), failed(ReservedBits));
            assert_eq!(machine.poll(secs(9), &mut out), failed(ReservedBits));
        }
    };

    client_leaves_close_to_the_caller, server_leaves_close_to_the_caller: |role| {
        let to = To(role);
        let config = Config::default().answer_close(false);
        for mut machine in ends(role, config) {
            let (mut out, mut log) = (Wire::new(), Log::default());
            machine.take(&[to.close(3000, "you?"), late(to)].concat(), &mut out, &mut log);
            assert_eq!(log.events, [Seen::close(3000, "you?")]);
            assert_eq!(machine.poll(secs(0), &mut out), CLOSING);
            assert_eq!(out.bytes, b"");
            // §5.5.1: the answer may wait until the current message is sent.
            assert!(machine.may_send());
            machine.send_text("last words", &mut out).unwrap();
            machine.close(Some(3001), "me too", &mut out).unwrap();
            assert_eq!(machine.poll(secs(0), &mut out), after_both_closes(role));
            machine.receive_eof();
            let output = [Frame::new(0x81, b"last words"), Frame::new(0x88, b"\x0B\xB9me too")];
            common::assert_ends(&mut *machine, CLEAN, out, &output);
        }
    };

    client_sends_close_inside_message, server_sends_close_inside_message: |role| {
        for mut machine in ends(role, Config::default()) {
            let mut out = Wire::new();
            machine.send_fragment(MessageKind::Text, b"half", false, &mut out).unwrap();
            machine.close(Some(1001), "", &mut out).unwrap();
            let rest = machine.send_fragment(MessageKind::Text, b"", true, &mut out);
            assert_eq!(rest, Err(UsageError::Closed));
            assert_eq!(judge(role, &out.bytes), [Frame::new(0x01, b"half"), close(1001)]);
        }
    };

    client_closes_first_row_73_76, server_closes_first_row_73_76: |role| {
        for seed in 0..50 {
            for mut pair in pairs(seed) {
                pair.end(role).log.events.clear();
                let end = pair.end(role);
                end.machine.close(Some(4321), "first", &mut end.out).unwrap();
                pair.settle();
                assert_eq!(pair.end(role).log.events, [Seen::close(4321, "")]);
                assert_eq!(pair.end(role.peer()).log.events, [Seen::close(4321, "first")]);
                expect_clean(&mut pair);
            }
        }
    };
}

/// A client and a server of each type, with different partitions for each seed.
fn pairs(seed: u64) -> Vec<Pair> {
    vec![
        Pair::new::<Connection>(Config::default(), usize::MAX, seed),
        #[cfg(feature = "alloc")]
        Pair::new::<websocket_proto::WebSocket>(Config::default(), usize::MAX, seed),
    ]
}

/// Both ends are over, cleanly, and each has sent one Close frame.
fn expect_clean(pair: &mut Pair) {
    for role in common::BOTH_ROLES {
        let end = pair.end(role);
        assert_eq!(end.next, CLEAN, "{role:?}");
        assert!(end.dropped);
        let frames = judge(role, &end.sent);
        let closes = frames.iter().filter(|frame| frame.first == 0x88).count();
        assert_eq!(closes, 1, "{role:?}");
    }
}

#[test]
fn both_close_at_once_row_73() {
    for seed in 0..100 {
        for mut pair in pairs(seed) {
            for role in common::BOTH_ROLES {
                let end = pair.end(role);
                let (code, reason) = match role {
                    Role::Client => (1000, "client"),
                    Role::Server => (1001, "server"),
                };
                end.machine.close(Some(code), reason, &mut end.out).unwrap();
            }
            pair.settle();
            assert_eq!(pair.client.log.events, [Seen::close(1001, "server")]);
            assert_eq!(pair.server.log.events, [Seen::close(1000, "client")]);
            expect_clean(&mut pair);
        }
    }
}

/// §7.1.1: the server drops the transport at once, the client waits for it, up to the closing timeout.
#[test]
fn server_ends_first_row_76() {
    let to = To(Role::Client);
    for mut client in ends(Role::Client, Config::default()) {
        let (mut out, mut log) = (Wire::new(), Log::default());
        assert_eq!(client.poll(secs(0), &mut out), OPEN);
        client.close(Some(1000), "", &mut out).unwrap();
        assert_eq!(client.poll(secs(5), &mut out), Next::Wait(Some(secs(15))));
        client.take(&to.close(1000, ""), &mut out, &mut log);
        assert_eq!(client.poll(secs(6), &mut out), Next::Wait(Some(secs(15))));
        assert_eq!(client.poll(secs(14), &mut out), Next::Wait(Some(secs(15))));
        common::assert_ends_at(&mut *client, secs(15), CLEAN, out, &[close(1000)]);
    }
    for mut server in ends(Role::Server, Config::default()) {
        let (mut out, mut log) = (Wire::new(), Log::default());
        server.close(Some(1000), "", &mut out).unwrap();
        server.take(&To(Role::Server).close(1000, ""), &mut out, &mut log);
        common::assert_ends(&mut *server, CLEAN, out, &[close(1000)]);
    }
}

#[test]
fn unanswered_close_ends_by_poll_alone_row_76() {
    for role in common::BOTH_ROLES {
        for mut machine in ends(role, Config::default().closing_timeout(secs(7))) {
            let (mut out, mut log) = (Wire::new(), Log::default());
            machine.close(Some(1000), "", &mut out).unwrap();
            assert_eq!(machine.poll(secs(1), &mut out), Next::Wait(Some(secs(8))));
            // Bytes are no answer.
            machine.take(&To(role).ping(b"alive"), &mut out, &mut log);
            assert_eq!(machine.poll(secs(7), &mut out), Next::Wait(Some(secs(8))));
            let end = Next::End(Err(Failure::TimedOut(Timeout::Closing)));
            let output = [close(1000), pong(b"alive")];
            common::assert_ends_at(&mut *machine, secs(8), end, out, &output);
        }
    }
}

#[test]
fn close_codes_of_failures() {
    let protocol = |error| Failure::Protocol(error).close_code();
    assert_eq!(protocol(ReservedBits), CloseCode::PROTOCOL_ERROR);
    assert_eq!(protocol(InvalidUtf8), CloseCode::INVALID_DATA);
    assert_eq!(protocol(InvalidCloseReason), CloseCode::INVALID_DATA);
    let too_long = MessageTooLong;
    assert_eq!(protocol(too_long), CloseCode::MESSAGE_TOO_BIG);
    assert_eq!(Failure::Eof.close_code(), CloseCode::ABNORMAL);
    let timed_out = Failure::TimedOut(Timeout::Idle);
    assert_eq!(timed_out.close_code(), CloseCode::INTERNAL_ERROR);
}

/// A Close behind good text, and a bad one inside a message.
#[test]
fn bad_close_inside_message_row_67_74() {
    for role in common::BOTH_ROLES {
        let to = To(role);
        let bytes = [to.frame(0x01, b"half"), to.frame(0x88, b"\x03")].concat();
        let partial = Some((MessageKind::Text, &b"half"[..]));
        expect_failure(role, &bytes, &[], partial, TruncatedCloseCode, 1002);
    }
}
