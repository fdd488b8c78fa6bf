//! The loop that the documentation tells a driver to run, with a transport and a clock made of a script: it loses no
//! failure's Close, does not spin at end of stream, answers a Ping that came above the mark, and forgets no timer.
#![cfg(feature = "alloc")]
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

use core::time::Duration;
use std::collections::VecDeque;

use common::{Frame, To, close, judge, opened, pong, secs};
use websocket_proto::{
    Config, Event, Failure, Next, Output, ProtocolError, Role, SliceOutput, Timeout, WebSocket,
};

/// What the peer does, and when.
enum Deed {
    Sends(Vec<u8>),
    Drops,
}

/// A transport that blocks, on a time line of its own.
struct Socket {
    script: VecDeque<(Duration, Deed)>,
    now: Duration,
    written: Vec<u8>,
    /// When each write was done.
    writes: Vec<Duration>,
    reads_after_end: usize,
    reads: usize,
}

enum Read {
    Bytes(usize),
    TimedOut,
    /// Nothing will ever come, and no timer runs.
    WaitsForEver,
}

impl Socket {
    fn new(script: Vec<(u64, Deed)>) -> Self {
        Self {
            script: script.into_iter().map(|(time, deed)| (secs(time), deed)).collect(),
            now: Duration::ZERO,
            written: Vec::new(),
            writes: Vec::new(),
            reads_after_end: 0,
            reads: 0,
        }
    }

    fn write_all(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.written.extend_from_slice(bytes);
            self.writes.push(self.now);
        }
    }

    fn read_until(&mut self, deadline: Option<Duration>, buf: &mut [u8]) -> Read {
        self.reads += 1;
        assert!(self.reads < 10_000, "the loop spins");
        let due = self.script.front().map(|(time, _)| self.now.max(*time));
        match (due, deadline) {
            (Some(due), deadline) if deadline.is_none_or(|deadline| due <= deadline) => {
                self.now = due;
                match &mut self.script.front_mut().unwrap().1 {
                    Deed::Sends(bytes) => {
                        let count = bytes.len().min(buf.len());
                        buf[..count].copy_from_slice(&bytes[..count]);
                        bytes.drain(..count);
                        if bytes.is_empty() {
                            self.script.pop_front();
                        }
                        Read::Bytes(count)
                    }
                    // End of stream is told as often as one asks.
                    Deed::Drops => {
                        self.reads_after_end += 1;
                        Read::Bytes(0)
                    }
                }
            }
            (_, Some(deadline)) => {
                self.now = self.now.max(deadline);
                Read::TimedOut
            }
            (_, None) => Read::WaitsForEver,
        }
    }
}

trait Drain: Output {
    /// Whether what is owed may find no room in it although it is empty soon.
    const IS_FIXED: bool;
    fn as_slice(&self) -> &[u8];
    fn empty(&mut self);
}

impl Drain for Vec<u8> {
    const IS_FIXED: bool = false;

    fn as_slice(&self) -> &[u8] {
        self
    }

    fn empty(&mut self) {
        self.clear();
    }
}

impl Drain for SliceOutput<'_> {
    const IS_FIXED: bool = true;

    fn as_slice(&self) -> &[u8] {
        self.written()
    }

    fn empty(&mut self) {
        self.clear();
    }
}

/// The loop. `None`: it would wait for ever.
fn drive<Out: Drain>(
    ws: &mut WebSocket,
    socket: &mut Socket,
    buf: &mut [u8],
    out: &mut Out,
) -> Option<Result<(), Failure>> {
    let (mut unread, mut has_ended) = (0..0, false);
    loop {
        let mut input = &mut buf[unread];
        while let Some(event) = ws.receive(&mut input, out) {
            let _ = match event {
                Event::Text(text) => ws.send_text(&text, out),
                Event::Binary(data) => ws.send_binary(&data, out),
                Event::Ping(_) | Event::Pong(_) | Event::Close(_) => Ok(()),
            };
        }
        // An output that grows is polled once. A fixed one that had bytes may have had too little room: until it has none.
        let next = loop {
            let next = ws.poll(socket.now, out);
            let written = out.as_slice().len();
            socket.write_all(out.as_slice());
            out.empty();
            if matches!(next, Next::End(_)) || written == 0 || !Out::IS_FIXED {
                break next;
            }
        };
        let deadline = match next {
            Next::End(result) => return Some(result),
            Next::Wait(deadline) => deadline,
        };
        if has_ended {
            socket.now = deadline?;
            unread = 0..0;
            continue;
        }
        unread = match socket.read_until(deadline, buf) {
            Read::TimedOut => 0..0,
            Read::WaitsForEver => return None,
            Read::Bytes(0) => {
                has_ended = true;
                ws.receive_eof();
                0..0
            }
            Read::Bytes(count) => 0..count,
        };
    }
}

struct Done {
    result: Option<Result<(), Failure>>,
    frames: Vec<Frame>,
    socket: Socket,
}

/// Runs the loop over what `script` makes, with a growing and with a fixed output and with buffers of several sizes,
/// and gives one of the results, which are the same but for the number of writes.
fn run(role: Role, config: Config, script: impl Fn(To) -> Vec<(u64, Deed)>) -> Done {
    let mut done: Option<Done> = None;
    for size in [1, 7, 1000] {
        for fixed in [None, Some(140), Some(1000)] {
            let mut ws = WebSocket::open(opened(role), config);
            let mut socket = Socket::new(script(To(role)));
            let mut buf = vec![0; size];
            let result = match fixed {
                None => drive(&mut ws, &mut socket, &mut buf, &mut Vec::new()),
                Some(room) => {
                    let mut storage = vec![0; room];
                    let mut out = SliceOutput::new(&mut storage);
                    drive(&mut ws, &mut socket, &mut buf, &mut out)
                }
            };
            assert!(socket.reads_after_end <= 1, "end of stream was read again");
            let frames = judge(role, &socket.written);
            if let Some(done) = &done {
                let what = format!("buffer of {size}, output of {fixed:?}");
                assert_eq!(result, done.result, "{what}");
                assert_eq!(frames, done.frames, "{what}");
                assert_eq!(socket.now, done.socket.now, "{what}");
            }
            done = Some(Done { result, frames, socket });
        }
    }
    done.unwrap()
}

fn failure(error: ProtocolError) -> Result<(), Failure> {
    Err(Failure::Protocol(error))
}

use Deed::{Drops, Sends};

common::both! {
    client_loop_echoes_and_ends_clean_row_75_76, server_loop_echoes_and_ends_clean_row_75_76: |role| {
        let done = run(role, Config::default(), |to| vec![
            (1, Sends([to.text("one"), to.ping(b"p")].concat())),
            (2, Sends(to.binary(b"two"))),
            (3, Sends(to.close(1000, ""))),
            (4, Drops),
        ]);
        assert_eq!(done.result, Some(Ok(())));
        let expected = [Frame::new(0x81, b"one"), pong(b"p"), Frame::new(0x82, b"two"), close(1000)];
        assert_eq!(done.frames, expected);
        // §7.1.1: the server did not wait, the client did.
        assert_eq!(done.socket.now, secs(if role == Role::Server { 3 } else { 4 }));
    };

    client_loop_loses_no_failure_row_120, server_loop_loses_no_failure_row_120: |role| {
        let done = run(role, Config::default(), |to| vec![
            (1, Sends([to.text("good"), to.ping(b"p"), to.frame(0x83, b"bad"), to.text("late")].concat())),
            (2, Drops),
        ]);
        assert_eq!(done.result, Some(failure(ProtocolError::ReservedOpcode(3))));
        assert_eq!(done.frames, [Frame::new(0x81, b"good"), pong(b"p"), close(1002)]);
        assert_eq!(done.socket.now, secs(1), "at once");
    };

    client_loop_loses_no_failure_behind_a_backlog_row_100, server_loop_loses_no_failure_behind_a_backlog_row_100: |role| {
        // The echo fills the output, and the fault comes in the same read.
        let config = Config::default().high_water_mark(131).unwrap();
        let done = run(role, config, |to| vec![
            (1, Sends([to.binary(&[7; 120]), to.ping(&[8; 125]), to.frame(0x81, b"\xFF")].concat())),
        ]);
        assert_eq!(done.result, Some(failure(ProtocolError::InvalidUtf8)));
        assert_eq!(done.frames, [Frame::new(0x82, &[7; 120]), pong(&[8; 125]), close(1007)]);
    };

    client_loop_ends_at_end_of_stream_row_75, server_loop_ends_at_end_of_stream_row_75: |role| {
        let done = run(role, Config::default(), |_| vec![(2, Drops)]);
        assert_eq!(done.result, Some(Err(Failure::Eof)));
        let done = run(role, Config::default(), |to| {
            vec![(1, Sends(to.text("half")[..5].to_vec())), (2, Drops)]
        });
        assert_eq!(done.result, Some(Err(Failure::Eof)));
        assert_eq!((done.frames, done.socket.now), (vec![], secs(2)));
    };

    client_loop_answers_ping_above_the_mark_row_63_64, server_loop_answers_ping_above_the_mark_row_63_64: |role| {
        // The echo of 120 bytes leaves no room below the mark for the Pong; then nothing more comes to drive the loop.
        let config = Config::default().high_water_mark(131).unwrap();
        let done = run(role, config, |to| vec![(1, Sends([to.binary(&[7; 120]), to.ping(&[8; 125])].concat()))]);
        assert_eq!(done.result, None, "it waits for the peer");
        assert_eq!(done.frames, [Frame::new(0x82, &[7; 120]), pong(&[8; 125])]);
        assert_eq!(done.socket.writes.last(), Some(&secs(1)));
    };

    client_loop_answers_the_last_of_several_pings_row_63, server_loop_answers_the_last_of_several_pings_row_63: |role| {
        // Each echo leaves the output above the mark, and takes the Pong held before it along.
        let config = Config::default().high_water_mark(131).unwrap();
        let to = To(role);
        let bytes = [to.binary(&[7; 130]), to.ping(b"one"), to.binary(b"x"), to.ping(b"two")].concat();
        let mut socket = Socket::new(vec![(1, Sends(bytes))]);
        let mut ws = WebSocket::open(opened(role), config);
        assert_eq!(drive(&mut ws, &mut socket, &mut [0; 1000], &mut Vec::new()), None, "it waits");
        let (long, short) = (Frame::new(0x82, &[7; 130]), Frame::new(0x82, b"x"));
        assert_eq!(judge(role, &socket.written), [long, pong(b"one"), short, pong(b"two")]);
    };

    client_loop_forgets_no_timer_row_76, server_loop_forgets_no_timer_row_76: |role| {
        let config = Config::default().keepalive(secs(30), secs(10)).unwrap();
        let done = run(role, config, |to| {
            vec![(5, Sends(to.text("last sign"))), (47, Sends(to.pong(b"")))]
        });
        // A Ping at 35; what comes at 47 comes too late.
        assert_eq!(done.result, Some(Err(Failure::TimedOut(Timeout::Keepalive))));
        let ping = Frame::new(0x89, b"");
        assert_eq!(done.frames, [Frame::new(0x81, b"last sign"), ping, close(1011)]);
        assert_eq!(done.socket.writes, [secs(5), secs(35), secs(45)]);
    };

    client_loop_does_not_wait_for_a_silent_peer_row_76, server_loop_does_not_wait_for_a_silent_peer_row_76: |role| {
        // The peer answers with its Close, and keeps the transport open.
        let config = Config::default().closing_timeout(secs(4));
        let done = run(role, config, |to| vec![(1, Sends(to.close(1001, "")))]);
        assert_eq!(done.result, Some(Ok(())));
        assert_eq!(done.frames, [close(1001)]);
        assert_eq!(done.socket.now, secs(if role == Role::Server { 1 } else { 5 }));
    };

    client_loop_times_out_idle, server_loop_times_out_idle: |role| {
        let config = Config::default().idle_timeout(secs(20)).unwrap();
        let done = run(role, config, |to| vec![(10, Sends(to.pong(b"")))]);
        assert_eq!(done.result, Some(Err(Failure::TimedOut(Timeout::Idle))));
        assert_eq!(done.frames, [close(1011)]);
        assert_eq!(done.socket.now, secs(30));
    };

    client_loop_does_not_spin_where_no_close_fits_row_75_95, server_loop_does_not_spin_where_no_close_fits_row_75_95: |role| {
        // The peer may still read: it is waited for as long as the closing handshake may take, without reading again.
        for (bytes, end) in [
            (To(role).frame(0x83, b""), ProtocolError::ReservedOpcode(3).into()),
            (To(role).close(1000, ""), Failure::TimedOut(Timeout::Closing)),
        ] {
            let mut ws = WebSocket::open(opened(role), Config::default());
            let mut socket = Socket::new(vec![(1, Sends(bytes)), (2, Drops)]);
            let (mut storage, mut buf) = ([0; 3], [0; 100]);
            let mut out = SliceOutput::new(&mut storage);
            assert_eq!(drive(&mut ws, &mut socket, &mut buf, &mut out), Some(Err(end)));
            assert_eq!((socket.now, socket.reads_after_end), (secs(11), 1));
        }
    };

    client_loop_gives_up_where_no_close_fits_row_95, server_loop_gives_up_where_no_close_fits_row_95: |role| {
        for room in 0..4 {
            let mut ws = WebSocket::open(opened(role), Config::default());
            let mut socket = Socket::new(vec![(1, Sends(To(role).frame(0x83, b"")))]);
            let (mut storage, mut buf) = ([0; 3], [0; 100]);
            let mut out = SliceOutput::new(&mut storage[..room]);
            let result = drive(&mut ws, &mut socket, &mut buf, &mut out);
            assert_eq!(result, Some(failure(ProtocolError::ReservedOpcode(3))));
            assert_eq!((socket.now, &socket.written[..]), (secs(11), &b""[..]));
        }
    };
}

/// A peer that sends a Ping again and again and takes nothing costs a bounded backlog, in a loop that does not block.
#[test]
fn backlog_is_bounded_when_the_peer_takes_little_row_64_100() {
    for role in common::BOTH_ROLES {
        let config = Config::default().high_water_mark(1000).unwrap();
        let mut ws = WebSocket::open(opened(role), config);
        let (mut out, mut written) = (Vec::new(), Vec::new());
        for round in 0..10_000_u32 {
            let mut ping = To(role).ping(&round.to_be_bytes());
            let event = ws.receive(&mut &mut ping[..], &mut out);
            assert!(matches!(event, Some(Event::Ping(_))));
            assert_eq!(ws.poll(secs(0), &mut out), common::OPEN);
            assert!(out.len() <= 1000 + 131, "{} bytes", out.len());
            // The peer takes one byte a round, less than what it asks for.
            written.extend(out.drain(..1));
        }
        // It drains all at last, and gets the answer to its last Ping.
        written.append(&mut out);
        assert_eq!(ws.poll(secs(0), &mut out), common::OPEN);
        written.append(&mut out);
        let frames = judge(role, &written);
        assert_eq!(frames.last(), Some(&pong(&9_999_u32.to_be_bytes())));
        // What was answered was answered in order, none twice.
        let numbers: Vec<&[u8]> = frames.iter().map(|frame| &frame.payload[..]).collect();
        assert!(numbers.windows(2).all(|two| two[0] < two[1]));
    }
}
