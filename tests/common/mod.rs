//! What the integration tests share: frames built and taken apart by plain slow code that shares nothing with the
//! crate, a checker that runs every input in every split, an output of bounded size, and a pair of ends in memory.
#![allow(
    dead_code,
    unused_imports,
    unused_macros,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "each test file uses a part of this, and a test may panic"
)]

mod check;
mod frames;
mod machine;
mod pair;

pub(crate) use check::{Check, Outcome, expect_nothing_more, partitions};
pub(crate) use frames::{Frame, To, close, judge, pong, raw_header, take_apart};
#[cfg(feature = "alloc")]
pub(crate) use machine::give;
pub(crate) use machine::{Log, Machine, Seen, Wire, ends, opened};
pub(crate) use pair::{Pair, Rng};

use core::time::Duration;

use websocket_proto::{Failure, MessageKind, Next, ProtocolError, Role};

/// The seed of every client here.
pub(crate) const SEED: [u8; 32] = *b"thirty-two bytes of a test seed.";

/// What `poll` says of an open connection without timers.
pub(crate) const OPEN: Next = Next::Wait(None);

/// What `poll` says at time zero while the closing handshake goes on, with the default timeout.
pub(crate) const CLOSING: Next = Next::Wait(Some(Duration::from_secs(10)));

/// What `poll` says after a clean end.
pub(crate) const CLEAN: Next = Next::End(Ok(()));

/// What `poll` says after the transport ended too early.
pub(crate) const EOF: Next = Next::End(Err(Failure::Eof));

/// What `poll` says after a fault of the peer's.
pub(crate) const fn failed(error: ProtocolError) -> Next {
    Next::End(Err(Failure::Protocol(error)))
}

pub(crate) const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// What `poll` says, at time zero, of an end of this role that has sent and received a Close frame: a server drops the
/// transport, a client waits for the server to (§7.1.1).
pub(crate) const fn after_both_closes(role: Role) -> Next {
    match role {
        Role::Server => CLEAN,
        Role::Client => CLOSING,
    }
}

pub(crate) const BOTH_ROLES: [Role; 2] = [Role::Client, Role::Server];
pub(crate) const BOTH_KINDS: [MessageKind; 2] = [MessageKind::Text, MessageKind::Binary];

/// One test for each role, from one body.
macro_rules! both {
    ($($(#[$meta:meta])* $client:ident, $server:ident: $body:expr;)+) => {$(
        $(#[$meta])*
        #[test]
        fn $client() {
            let body: fn(websocket_proto::Role) = $body;
            body(websocket_proto::Role::Client);
        }

        $(#[$meta])*
        #[test]
        fn $server() {
            let body: fn(websocket_proto::Role) = $body;
            body(websocket_proto::Role::Server);
        }
    )+};
}
pub(crate) use both;

/// One line a case: bytes that fail a connection of either role with this error and this close code.
macro_rules! fails {
    ($($client:ident, $server:ident: |$to:ident| $bytes:expr => $error:expr, $code:literal;)+) => {
        $crate::common::both! {$(
            $client, $server: |role| {
                let $to = $crate::common::To(role);
                $crate::common::expect_failure(role, &$bytes, &[], None, $error, $code);
            };
        )+}
    };
}
pub(crate) use fails;

/// Checks that these bytes fail a connection, alone, behind good frames and before others.
pub(crate) fn expect_failure(
    role: Role,
    bytes: &[u8],
    events: &[Seen],
    partial: Option<(MessageKind, &[u8])>,
    error: ProtocolError,
    code: u16,
) {
    let to = To(role);
    let expected = Outcome::of(events, &[close(code)], failed(error)).with_partial(partial);
    assert_eq!(Check::of(role).run(bytes), expected);

    // What is behind the fault is taken unread.
    let mut followed = bytes.to_vec();
    followed.extend(to.text("behind the fault"));
    followed.extend(to.frame(0x88, b""));
    assert_eq!(Check::of(role).run(&followed), expected);

    // Events, and the answers to them, come before the fault.
    let mut led = to.frame(0x89, b"ping");
    led.extend(to.text("good"));
    led.extend_from_slice(bytes);
    let mut all = vec![Seen::ping(b"ping"), Seen::text("good")];
    all.extend_from_slice(events);
    let expected =
        Outcome::of(&all, &[pong(b"ping"), close(code)], failed(error)).with_partial(partial);
    assert_eq!(Check::of(role).run(&led), expected);
}

/// Checks what these bytes give, on a connection that stays open.
pub(crate) fn expect_events(role: Role, bytes: &[u8], events: &[Seen], output: &[Frame]) {
    assert_eq!(Check::of(role).run(bytes), Outcome::of(events, output, OPEN));
}

/// Checks that it is over, that this was sent, and that nothing more happens.
pub(crate) fn assert_ends(machine: &mut dyn Machine, end: Next, out: Wire, output: &[Frame]) {
    assert_ends_at(machine, Duration::ZERO, end, out, output);
}

/// The same at a later time.
pub(crate) fn assert_ends_at(
    machine: &mut dyn Machine,
    now: Duration,
    end: Next,
    mut out: Wire,
    output: &[Frame],
) {
    assert_eq!(machine.poll(now, &mut out), end);
    assert_eq!(judge(machine.role(), &out.bytes), output);
    expect_nothing_more(machine, now, end, out);
}
