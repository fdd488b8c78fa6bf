//! Faults that fuzzing has found, each with the shortest way to it.
#![cfg(feature = "alloc")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use core::time::Duration;

use websocket_proto::{Config, Connection, Negotiated, Next, SliceOutput};

/// A keepalive Ping that was due at the end of the time line, and found no room, was due again in the same call, for ever.
#[test]
fn poll_returns_at_the_end_of_the_time_line() {
    let second = Duration::from_secs(1);
    let config = Config::default().keepalive(second, second).unwrap().idle_timeout(second).unwrap();
    let mut connection = Connection::open(Negotiated::server(), config);
    let out = &mut SliceOutput::new(&mut []);
    assert_eq!(connection.poll(Duration::MAX, out), Next::Wait(None));
    assert_eq!(connection.poll(Duration::MAX, out), Next::Wait(None));
}
