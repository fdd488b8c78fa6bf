//! Two ends joined in memory and driven by any script of calls, legal and illegal, with outputs that are too small, any
//! partition and any time: each sees what the other sent, in order; what is refused changes nothing; nothing illegal is
//! ever written, as the other end and the plain checker judge it; and after a close both reach the end.

use core::time::Duration;

use arbitrary::Arbitrary;
use websocket_proto::{Failure, MessageKind};

use crate::checker::{Item, Side};
use crate::host::{Host, Out, Setup, is_text};

#[derive(Arbitrary, Debug)]
pub struct Input<'a> {
    client: Setup,
    server: Setup,
    seed: u8,
    steps: Vec<Step<'a>>,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
struct Step<'a> {
    by_client: bool,
    call: Call<'a>,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Call<'a> {
    Text(&'a str),
    Binary(&'a [u8], u8),
    Fragment {
        text: bool,
        part: &'a [u8],
        last: bool,
    },
    Start {
        text: bool,
        len: u64,
    },
    StartFragment {
        text: bool,
        part: &'a [u8],
        last: bool,
    },
    Prepared(&'a str),
    Ping(&'a [u8]),
    Pong(&'a [u8]),
    Close {
        code: Option<u16>,
        reason: &'a str,
    },
    /// Writes so many bytes of the output to the transport.
    Write(u16),
    /// Reads so many bytes, in pieces of this size.
    Read(u16, u8),
    /// Takes one event only, and leaves the rest unread.
    ReadOne(u16),
    Poll {
        millis: u16,
    },
    PollAt {
        seconds: u64,
    },
    Eof,
    /// Has the other send so many Pings of this size, which are read at once: Pongs are held, or left out.
    Flood {
        count: u8,
        size: u8,
    },
}

pub fn oracle(input: &Input<'_>) {
    let (mut storage_of_client, mut storage_of_server) = ([0; 300], [0; 300]);
    let mut client =
        Host::new(Side::Client, input.seed, input.client, None, &mut storage_of_client);
    let mut server =
        Host::new(Side::Server, input.seed, input.server, None, &mut storage_of_server);
    for step in &input.steps {
        let (me, other) =
            if step.by_client { (&mut client, &mut server) } else { (&mut server, &mut client) };
        self::step(me, step.call, other);
    }
    let piece = [1, 2, 20, usize::MAX][usize::from(input.seed % 4)];
    finish(&mut client, &mut server, piece);
    client.written.assert_fresh_keys();
}

pub fn step<'s>(me: &mut Host<'s>, call: Call<'_>, other: &mut Host<'s>) {
    match call {
        Call::Text(text) => me.send_message(MessageKind::Text, text.as_bytes()),
        Call::Binary(data, repeat) => {
            me.send_message(MessageKind::Binary, &data.repeat(usize::from(repeat % 8)))
        }
        Call::Fragment { text, part, last } => me.send_fragment(kind(text), part, last),
        Call::Start { text, len } => me.start(kind(text), len),
        Call::StartFragment { text, part, last } => me.start_fragment(kind(text), part, last),
        Call::Prepared(text) => me.send_prepared(text, None),
        Call::Ping(payload) => {
            let expected = Item::Ping(payload.to_vec());
            me.control(payload, expected, |end, out| end.send_ping(payload, out));
        }
        Call::Pong(payload) => {
            let expected = Item::Pong(payload.to_vec());
            me.control(payload, expected, |end, out| end.send_pong(payload, out));
        }
        Call::Close { code, reason } => me.close(code, reason),
        Call::Write(count) => me.write(count.into()),
        Call::Read(count, size) => me.read(other, count.into(), size.into(), usize::MAX),
        Call::ReadOne(count) => me.read(other, count.into(), usize::MAX, 1),
        Call::Poll { millis } => {
            me.now = me.now.saturating_add(Duration::from_millis(millis.into()));
            me.poll();
        }
        Call::PollAt { seconds } => {
            me.now = me.now.max(Duration::from_secs(seconds));
            me.poll();
        }
        Call::Flood { count, size } => {
            for i in 0..count % 8 {
                let payload = vec![i; usize::from(size) % 126];
                let expected = Item::Ping(payload.clone());
                other.control(&payload, expected, |end, out| end.send_ping(&payload, out));
                other.write(usize::MAX);
            }
            me.read(other, usize::MAX, usize::MAX, usize::MAX);
        }
        Call::Eof => {
            me.end.receive_eof();
            me.eof = true;
        }
    }
}

/// Lets both ends write and read all there is, in pieces of this size, close, and come to their end.
pub fn finish<'s>(client: &mut Host<'s>, server: &mut Host<'s>, piece: usize) {
    client.out = Out::Growing(take(&client.out));
    server.out = Out::Growing(take(&server.out));
    for round in 0..8 {
        // Once both are at the end, one round more shows that they stay there.
        let are_over = client.verdict.is_some() && server.verdict.is_some();
        for client_first in [true, false] {
            let (me, other) = if client_first {
                (&mut *client, &mut *server)
            } else {
                (&mut *server, &mut *client)
            };
            me.poll();
            me.write(usize::MAX);
            if me.verdict.is_some() {
                // Whoever is at the end lets go of the transport, and the other reads that.
                other.read(me, usize::MAX, usize::MAX, usize::MAX);
                other.end.receive_eof();
                other.eof = true;
            } else {
                other.read(me, usize::MAX, piece, usize::MAX);
            }
            if round >= 1 && me.end.may_send() {
                end_message(me);
                me.close(Some(1000), "bye");
            }
        }
        if are_over {
            break;
        }
    }
    client.poll();
    server.poll();
    for (me, other) in [(&*client, &*server), (&*server, &*client)] {
        let verdict = me.verdict.expect("an end after a close");
        if verdict == Ok(()) {
            // All that the other has written up to its Close was told.
            let until_close =
                other.written.items.iter().position(|item| matches!(item, Item::Close(_)));
            assert_eq!(me.told.items.len(), until_close.map_or(0, |at| at + 1));
        }
        let timed_out =
            [me, other].iter().any(|it| matches!(it.verdict, Some(Err(Failure::TimedOut(_)))));
        let eof = me.verdict == Some(Err(Failure::Eof)) || other.verdict == Some(Err(Failure::Eof));
        assert!(verdict == Ok(()) || timed_out || eof, "{verdict:?}");
    }
}

/// Ends the message that is being sent in parts.
fn end_message(me: &mut Host<'_>) {
    if let Some(parts) = me.sending.clone() {
        if parts.kind == MessageKind::Binary || is_text(&parts.data, true) {
            me.send_fragment(parts.kind, b"", true);
        }
    }
}

fn take(out: &Out<'_>) -> Vec<u8> {
    out.bytes().to_vec()
}

pub fn kind(text: bool) -> MessageKind {
    if text { MessageKind::Text } else { MessageKind::Binary }
}
