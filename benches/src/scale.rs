//! Many connections in one process, and how cost grows with the sizes of messages and of reads.

use std::fs;
use std::rc::Rc;
use std::time::Duration;

use websocket_proto::{
    Accept, Config, Event, HandshakeConfig, Next, Prepared, ServerHandshake, SliceOutput, WebSocket,
};

use crate::alloc;
use crate::consumer::Consumer;
use crate::contender::Role;
use crate::contenders::{BESIDE, CHUNKS, WHOLE};
use crate::measure::{Figure, Lane, cpu_time, measure};
use crate::payloads::{Content, REQUEST, Random, put_frame};
use crate::workloads::{Job, Workload};

const CONNECTIONS: usize = 1_000_000;
const VISITED: usize = 100_000;
const PAYLOAD: usize = 125;
const REPETITIONS: usize = 11;

pub fn run() -> Result<(), String> {
    let mut connections = connect()?;
    visit(&mut connections);
    broadcast(&mut connections);
    drop(connections);
    grow("message size, reads of 16 KiB", (4..=24).step_by(2), |size| {
        Workload::new(Role::Server, Job::Receive, 1 << size)
    })?;
    grow("read size, messages of 4 KiB", (0..=16).step_by(2), |size| {
        let workload = Workload::new(Role::Server, Job::Receive, 4096);
        Workload { read_size: 1 << size, ..workload }
    })
}

/// The opening handshake of each, from a buffer that all share, then idle.
fn connect() -> Result<Vec<WebSocket>, String> {
    let (mut input, mut storage) = (REQUEST.as_bytes().to_vec(), [0; 1024]);
    let (bytes, resident) = (alloc::bytes(), resident_bytes()?);
    let begin = cpu_time();
    let mut connections = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        let (mut unread, mut nowhere) = (&mut input[..], [0; 0]);
        let (mut out, mut head) = (SliceOutput::new(&mut storage), SliceOutput::new(&mut nowhere));
        let request = ServerHandshake::new(HandshakeConfig::default())
            .receive(&mut unread, &mut head)
            .expect("a good request");
        let negotiated = request.expect("a whole request").accept(Accept::new(), &mut out);
        connections.push(WebSocket::open(negotiated.expect("room"), Config::default()));
    }
    let time = cpu_time() - begin;
    let each = |bytes: usize| bytes as f64 / CONNECTIONS as f64;
    println!("{CONNECTIONS} server connections, the handshake done, idle");
    println!("    {:10.1} bytes each by the allocator", each(alloc::bytes() - bytes));
    println!("    {:10.1} bytes each of resident memory", each(resident_bytes()? - resident));
    println!("    {:10.1} ns each for the handshake", time / CONNECTIONS as f64);
    Ok(connections)
}

/// A small message through each of some, in random order.
fn visit(connections: &mut [WebSocket]) {
    let random = &mut Random::default();
    let mut order: Vec<usize> = (0..CONNECTIONS).collect();
    for at in 0..VISITED {
        order.swap(at, at + random.next() as usize % (CONNECTIONS - at));
    }
    let mut frame = Vec::new();
    put_frame(0x82, &Content::Binary.payload(PAYLOAD, random), Some(random.key()), &mut frame);
    let (mut input, mut out, mut consumer) = (frame.clone(), Vec::new(), Consumer::default());
    let begin = cpu_time();
    for &at in &order[..VISITED] {
        let ws = &mut connections[at];
        input.copy_from_slice(&frame);
        let mut unread = &mut input[..];
        while let Some(event) = ws.receive(&mut unread, &mut out) {
            if let Event::Binary(data) = event {
                consumer.message(&data);
            }
        }
        assert_eq!(ws.poll(Duration::ZERO, &mut out), Next::Wait(None));
    }
    let time = (cpu_time() - begin) / VISITED as f64;
    assert_eq!(consumer.messages, VISITED as u64);
    println!("a message of {PAYLOAD} bytes through each of {VISITED}, in random order");
    println!("    {time:10.1} ns each");
}

/// One message, encoded once, to all.
fn broadcast(connections: &mut [WebSocket]) {
    let message = Prepared::binary(&[7; PAYLOAD]).expect("a short message");
    let (mut out, mut written) = (Vec::new(), 0);
    let begin = cpu_time();
    for ws in connections {
        ws.send_prepared(&message, &mut out).expect("the connection is open");
        written += out.len();
        out.clear();
    }
    let time = (cpu_time() - begin) / CONNECTIONS as f64;
    assert_eq!(written, CONNECTIONS * message.frame().len());
    println!("a broadcast of {PAYLOAD} bytes to all");
    println!("    {time:10.1} ns each");
}

/// Beside the chunks, which allocate nothing: above `Config::recycle_limit`, 1 MiB, a buffer comes from the kernel for
/// each message, a page fault at a time. And beside a peer.
fn grow(
    what: &str,
    exponents: impl Iterator<Item = u32>,
    workload: impl Fn(u32) -> Workload,
) -> Result<(), String> {
    let entries = [WHOLE, CHUNKS, BESIDE];
    println!("cost by {what}: ns a message (ns a KiB)");
    print!("    {:>10}", "bytes");
    entries.iter().for_each(|entry| print!("{:>28}", entry.name));
    println!();
    for exponent in exponents {
        let workload = workload(exponent);
        let ready = Rc::new(workload.ready());
        let mut lanes = Vec::new();
        for entry in entries {
            lanes.extend(Lane::open(entry.name, entry, &ready)?);
        }
        print!("    {:>10}", 1_usize << exponent);
        for Figure { time, .. } in measure(lanes, REPETITIONS) {
            let a_kib = time / workload.size as f64 * 1024.0;
            print!("{:>28}", format!("{time:.1} ({a_kib:.2})"));
        }
        println!();
    }
    Ok(())
}

/// What the process has in memory, by Linux.
fn resident_bytes() -> Result<usize, String> {
    let statm = fs::read_to_string("/proc/self/statm").map_err(|error| error.to_string())?;
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok());
    Ok(pages.ok_or("no figure in /proc/self/statm")? * rustix::param::page_size())
}
