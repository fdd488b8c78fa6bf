//! Row 14: what a connection holds, by the allocator that counts.

use std::time::Duration;

use websocket_proto::{Config, Connection, Event, Negotiated, Next, WebSocket};

use crate::contender::{Entry, Role};
use crate::table::Verdict;
use crate::workloads::{Job, READ_SIZE, Workload};
use crate::{alloc, contenders};

pub const ROW: u32 = 14;

/// Bytes that a server holds of each connection that is idle after a message of 16 bytes.
pub fn idle() -> Vec<(&'static Entry, usize)> {
    let ready = Workload::new(Role::Server, Job::Receive, 16).ready_with(1, 1);
    let held = |entry: &&'static Entry| {
        let (idle, wire) = (entry.idle?, ready.wire());
        let before = alloc::bytes();
        let kept = idle(wire.clone());
        let held = alloc::bytes() - before;
        drop(kept);
        Some((*entry, held))
    };
    contenders::ALL.iter().filter_map(held).collect()
}

pub fn verdicts(prints: bool) -> Vec<Verdict> {
    if prints {
        println!("    bytes that a server holds of a connection that is idle after a message\n");
        idle().iter().for_each(|(entry, bytes)| println!("    {:27}{bytes:>10}", entry.name));
        println!();
    }
    let (small, large) = (heap_after(16), heap_after(1 << 20));
    [
        ("size of a Connection", size_of::<Connection>(), 384),
        ("size of a WebSocket", size_of::<WebSocket>(), 512),
        ("heap of a WebSocket after 16 B were handed over", small, 0),
        ("heap of a WebSocket after 1 MiB was handed over", large, 0),
    ]
    .map(|(label, bytes, at_most)| Verdict {
        label,
        what: format!("{bytes} bytes, at most {at_most}"),
        holds: bytes <= at_most,
    })
    .into()
}

/// Bytes on the heap of a `WebSocket` that has handed over a message of this size, which was dropped.
fn heap_after(size: usize) -> usize {
    let wire = Workload::new(Role::Server, Job::Receive, size).ready_with(1, 1).wire();
    let (mut input, mut out) = (vec![0; READ_SIZE], Vec::new());
    let before = alloc::bytes();
    let mut ws = WebSocket::open(Negotiated::server(), Config::default());
    let mut messages = 0;
    loop {
        let n = wire.read(&mut input);
        if n == 0 {
            break;
        }
        let mut unread = &mut input[..n];
        while let Some(event) = ws.receive(&mut unread, &mut out) {
            assert!(matches!(event, Event::Binary(data) if data.len() == size));
            messages += 1;
        }
        assert_eq!(ws.poll(Duration::ZERO, &mut out), Next::Wait(None));
    }
    assert_eq!(messages, 1);
    alloc::bytes() - before
}
