//! Keepalive, idle and closing timers, by `poll` alone; time is what the test says it is (RFC 6455 §5.5.2, §7.1.1).
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod common;

use core::time::Duration;

use common::{
    CLEAN, Frame, Log, Machine, OPEN, Seen, To, Wire, assert_ends_at, both, close, ends, judge,
    opened, secs,
};
use websocket_proto::{Backlog, Config, Connection, Failure, Next, Role, Timeout, UsageError};

fn keepalive() -> Config {
    Config::default().keepalive(secs(30), secs(10)).unwrap()
}

const fn until(time: u64) -> Next {
    Next::Wait(Some(secs(time)))
}

const fn timed_out(timeout: Timeout) -> Next {
    Next::End(Err(Failure::TimedOut(timeout)))
}

fn ping() -> Frame {
    Frame::new(0x89, b"")
}

/// Gives some bytes to a machine: they are life, though they are no frame yet.
fn give_half_a_frame(machine: &mut dyn Machine) {
    let frame = To(machine.role()).ping(&[0; 100]);
    machine.take(&frame[..7], &mut Wire::new(), &mut Log::default());
}

/// Gives one byte more.
fn give_a_byte(machine: &mut dyn Machine) {
    machine.take(&[0], &mut Wire::new(), &mut Log::default());
}

both! {
    client_polls_without_timers_row_76, server_polls_without_timers_row_76: |role| {
        for mut machine in ends(role, Config::default()) {
            let mut out = Wire::new();
            for now in [Duration::ZERO, secs(1), secs(1 << 40), Duration::MAX] {
                assert_eq!(machine.poll(now, &mut out), OPEN);
            }
            assert_eq!(out.bytes, b"");
        }
    };

    client_sends_keepalive, server_sends_keepalive: |role| {
        for mut machine in ends(role, keepalive()) {
            let mut out = Wire::new();
            // Armed by the first poll, wherever the caller's time begins.
            assert_eq!(machine.poll(secs(1000), &mut out), until(1030));
            assert_eq!(machine.poll(secs(1029), &mut out), until(1030));
            assert_eq!(out.bytes, b"");
            assert_eq!(machine.poll(secs(1030), &mut out), until(1040));
            assert_eq!(judge(role, &out.drain()), [ping()]);
            // At most one is outstanding.
            assert_eq!(machine.poll(secs(1035), &mut out), until(1040));
            assert_eq!(out.bytes, b"");
            give_half_a_frame(&mut *machine);
            assert_eq!(machine.poll(secs(1039), &mut out), until(1069));
            give_a_byte(&mut *machine);
            assert_eq!(machine.poll(secs(1068), &mut out), until(1098));
            assert_eq!(machine.poll(secs(1098), &mut out), until(1108));
            assert_eq!(judge(role, &out.drain()), [ping()]);
            let end = timed_out(Timeout::Keepalive);
            assert_ends_at(&mut *machine, secs(1108), end, out, &[close(1011)]);
        }
    };

    client_gets_its_keepalive_answered, server_gets_its_keepalive_answered: |role| {
        for mut machine in ends(role, keepalive()) {
            let (mut out, mut log) = (Wire::new(), Log::default());
            assert_eq!(machine.poll(secs(0), &mut out), until(30));
            for round in 1..5 {
                assert_eq!(machine.poll(secs(round * 30), &mut out), until(round * 30 + 10));
                assert_eq!(judge(role, &out.drain()), [ping()]);
                machine.take(&To(role).pong(b""), &mut out, &mut log);
                assert_eq!(machine.poll(secs(round * 30), &mut out), until(round * 30 + 30));
            }
            assert_eq!(log.events, vec![Seen::pong(b""); 4]);
        }
    };

    client_is_late_for_its_keepalive, server_is_late_for_its_keepalive: |role| {
        // A driver that slept through both times still asks first, and waits from there.
        for mut machine in ends(role, keepalive()) {
            let mut out = Wire::new();
            assert_eq!(machine.poll(secs(0), &mut out), until(30));
            assert_eq!(machine.poll(secs(500), &mut out), until(510));
            assert_eq!(judge(role, &out.drain()), [ping()]);
            // What was read before the poll counts, however late the poll is.
            give_a_byte(&mut *machine);
            assert_eq!(machine.poll(secs(900), &mut out), until(930));
        }
    };

    client_keeps_alive_above_the_mark_row_100, server_keeps_alive_above_the_mark_row_100: |role| {
        let config = keepalive().high_water_mark(131).unwrap();
        for mut machine in ends(role, config) {
            let mut out = Wire::new();
            assert_eq!(machine.poll(secs(0), &mut out), until(30));
            machine.send_binary(&[0; 200], &mut out).unwrap();
            let backlog = out.bytes.clone();
            // No Ping is sent, and none is waited for, while our own backlog is before it.
            assert_eq!(machine.poll(secs(30), &mut out), until(60));
            assert_eq!(machine.poll(secs(60), &mut out), until(90));
            assert_eq!(out.bytes, backlog);
            out.drain();
            assert_eq!(machine.poll(secs(90), &mut out), until(100));
            assert_eq!(judge(role, &out.bytes), [ping()]);
            // With the Ping on its way behind a new backlog, its time does not run.
            machine.send_binary(&[0; 200], &mut out).unwrap();
            assert_eq!(machine.poll(secs(99), &mut out), until(109));
            assert_eq!(machine.poll(secs(108), &mut out), until(118));
            out.drain();
            assert_eq!(machine.poll(secs(117), &mut out), until(118));
            let end = timed_out(Timeout::Keepalive);
            assert_ends_at(&mut *machine, secs(118), end, out, &[close(1011)]);
        }
    };

    client_keeps_alive_while_it_writes_row_100, server_keeps_alive_while_it_writes_row_100: |role| {
        let config = keepalive().high_water_mark(131).unwrap();
        let mut connection = Connection::open(opened(role), config);
        let mut out = Wire::new();
        assert_eq!(connection.poll(secs(0), &mut out), until(30));
        // What was taken away and is being written stands before a Ping as well.
        assert_eq!(connection.poll(secs(30), &mut Backlog::new(&mut out, 200)), until(60));
        assert_eq!(out.bytes, b"");
        assert_eq!(connection.poll(secs(60), &mut Backlog::new(&mut out, 100)), until(70));
        assert_eq!(judge(role, &out.drain()), [ping()]);
        assert_eq!(connection.poll(secs(69), &mut Backlog::new(&mut out, 200)), until(79));
        assert_eq!(connection.poll(secs(78), &mut Backlog::new(&mut out, 100)), until(79));
        assert_eq!(connection.poll(secs(79), &mut out), timed_out(Timeout::Keepalive));
    };

    client_keeps_alive_without_room_row_95, server_keeps_alive_without_room_row_95: |role| {
        for mut machine in ends(role, keepalive()) {
            let mut out = Wire::with_room(0);
            assert_eq!(machine.poll(secs(0), &mut out), until(30));
            assert_eq!(machine.poll(secs(30), &mut out), until(60));
            out.room = 100;
            assert_eq!(machine.poll(secs(60), &mut out), until(70));
            assert_eq!(judge(role, &out.bytes), [ping()]);
        }
    };

    client_times_out_idle, server_times_out_idle: |role| {
        for mut machine in ends(role, Config::default().idle_timeout(secs(60)).unwrap()) {
            let mut out = Wire::new();
            assert_eq!(machine.poll(secs(5), &mut out), until(65));
            give_half_a_frame(&mut *machine);
            assert_eq!(machine.poll(secs(64), &mut out), until(124));
            // What we send is no life of the peer's.
            machine.send_text("hello?", &mut out).unwrap();
            assert_eq!(machine.poll(secs(123), &mut out), until(124));
            let output = [Frame::new(0x81, b"hello?"), close(1011)];
            let end = timed_out(Timeout::Idle);
            assert_ends_at(&mut *machine, secs(124), end, out, &output);
        }
    };

    client_hears_life_in_every_frame, server_hears_life_in_every_frame: |role| {
        let (to, payload) = (To(role), "x".repeat(126));
        for frame in [
            to.text(""),
            to.text("x"),
            to.text(&payload),
            to.binary(b"x"),
            to.binary(payload.as_bytes()),
            to.frame(0x01, b"x"),
            to.ping(b""),
            to.pong(b""),
        ] {
            for mut machine in ends(role, Config::default().idle_timeout(secs(60)).unwrap()) {
                let (mut out, mut log) = (Wire::new(), Log::default());
                assert_eq!(machine.poll(secs(0), &mut out), until(60));
                machine.take(&frame, &mut out, &mut log);
                assert_eq!(machine.poll(secs(59), &mut out), until(119), "{frame:02x?}");
            }
        }
    };

    client_times_out_idle_above_the_mark_row_100, server_times_out_idle_above_the_mark_row_100: |role| {
        // For a peer that never drains: neither the mark nor a full output puts it off.
        let config = Config::default().idle_timeout(secs(60)).unwrap().high_water_mark(131).unwrap();
        for mut machine in ends(role, config) {
            let mut out = Wire::new();
            assert_eq!(machine.poll(secs(0), &mut out), until(60));
            machine.send_binary(&[0; 300], &mut out).unwrap();
            let output = [Frame::new(0x82, &[0; 300]), close(1011)];
            assert_ends_at(&mut *machine, secs(60), timed_out(Timeout::Idle), out, &output);
        }
        for mut machine in ends(role, config) {
            let mut out = Wire::with_room(0);
            assert_eq!(machine.poll(secs(0), &mut out), until(60));
            // Its Close has no room: so long it waits for some.
            assert_eq!(machine.poll(secs(60), &mut out), until(70));
            assert_eq!(machine.send_text("", &mut out), Err(UsageError::Closed));
            assert_eq!(machine.poll(secs(69), &mut out), until(70));
            assert_eq!(machine.poll(secs(70), &mut out), timed_out(Timeout::Idle));
        }
    };

    client_runs_both_timers, server_runs_both_timers: |role| {
        let config = keepalive().idle_timeout(secs(35)).unwrap();
        for mut machine in ends(role, config) {
            let mut out = Wire::new();
            assert_eq!(machine.poll(secs(0), &mut out), until(30));
            assert_eq!(machine.poll(secs(30), &mut out), until(35));
            assert_eq!(judge(role, &out.drain()), [ping()]);
            let end = timed_out(Timeout::Idle);
            assert_ends_at(&mut *machine, secs(35), end, out, &[close(1011)]);
        }
    };

    client_times_out_closing_row_76, server_times_out_closing_row_76: |role| {
        // The closing handshake stops the other timers; it has one of its own.
        let config = keepalive().idle_timeout(secs(40)).unwrap().closing_timeout(secs(100));
        for mut machine in ends(role, config) {
            let mut out = Wire::new();
            assert_eq!(machine.poll(secs(0), &mut out), until(30));
            machine.close(Some(1000), "", &mut out).unwrap();
            assert_eq!(machine.poll(secs(20), &mut out), until(120));
            give_a_byte(&mut *machine);
            assert_eq!(machine.poll(secs(119), &mut out), until(120));
            let end = timed_out(Timeout::Closing);
            assert_ends_at(&mut *machine, secs(120), end, out, &[close(1000)]);
        }
    };

    client_closes_while_a_ping_is_out, server_closes_while_a_ping_is_out: |role| {
        for mut machine in ends(role, keepalive()) {
            let (mut out, mut log) = (Wire::new(), Log::default());
            assert_eq!(machine.poll(secs(0), &mut out), until(30));
            assert_eq!(machine.poll(secs(30), &mut out), until(40));
            machine.close(Some(1000), "", &mut out).unwrap();
            assert_eq!(machine.poll(secs(39), &mut out), until(49));
            machine.take(&To(role).close(1000, ""), &mut out, &mut log);
            let end = if role == Role::Server { CLEAN } else { until(49) };
            assert_eq!(machine.poll(secs(41), &mut out), end);
            assert_eq!(judge(role, &out.bytes), [ping(), close(1000)]);
        }
    };

    client_waits_for_nothing_when_told_so_row_76, server_waits_for_nothing_when_told_so_row_76: |role| {
        // With no time for closing, the next poll is the last.
        for mut machine in ends(role, Config::default().closing_timeout(secs(0))) {
            let mut out = Wire::new();
            machine.close(Some(1000), "", &mut out).unwrap();
            let end = timed_out(Timeout::Closing);
            assert_ends_at(&mut *machine, secs(0), end, out, &[close(1000)]);
        }
    };

    client_gets_to_the_end_of_time, server_gets_to_the_end_of_time: |role| {
        let config = keepalive().idle_timeout(Duration::from_millis(u32::MAX.into())).unwrap();
        for mut machine in ends(role, config) {
            let mut out = Wire::new();
            for now in [Duration::ZERO, Duration::MAX, Duration::MAX] {
                let _ = machine.poll(now, &mut out);
            }
            judge(role, &out.bytes);
        }
    };
}

/// An idle connection whose peer answers is kept for ever, at one Ping an interval.
#[test]
fn both_ends_keep_each_other_alive() {
    let mut pair = common::Pair::new::<websocket_proto::Connection>(keepalive(), usize::MAX, 1);
    for now in 0..3600 {
        pair.now = secs(now);
        pair.settle();
    }
    for role in common::BOTH_ROLES {
        let end = pair.end(role);
        assert!(matches!(end.next, Next::Wait(Some(_))), "{:?}", end.next);
        let frames = judge(role, &end.sent);
        assert!(frames.len() <= 2 * 3600 / 30, "{} frames", frames.len());
        assert!(frames.iter().any(|frame| frame.first == 0x89 || frame.first == 0x8A));
    }
}
