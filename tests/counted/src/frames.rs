//! Frames after the handshake: rows 42, 53, 54, 64 and 96.

use core::time::Duration;

use websocket_proto::{ChunkEvent, Config, Connection, Event, Role, WebSocket};

use crate::{ROLES, Row, Work, name_of, negotiated, websocket};

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for role in ROLES {
        let name = name_of(role);
        rows.push(declared(role, format!("42 {name}, a declared length, then silence")));
        for (opcode, kind) in [(1, "text"), (2, "binary")] {
            for part in [64, 1] {
                let name = format!("53 {name}, {kind} in fragments of {part}");
                rows.push(fragments(role, opcode, part, name));
            }
        }
        rows.push(empty_fragments(role, format!("54 {name}, empty fragments")));
        rows.push(pings(role, format!("64 {name}, pings, nothing drained")));
        rows.push(trickle(role, format!("96 {name}, frames by single bytes")));
        rows.push(chunks(role, format!("96 {name}, frames by single bytes, without heap")));
    }
    rows
}

/// A frame as a peer of `role` sends it.
pub(crate) fn frame(role: Role, first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = header(role, first, payload.len() as u64);
    let mask = if role == Role::Server { KEY } else { [0; 4] };
    bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
    bytes
}

fn header(role: Role, first: u8, len: u64) -> Vec<u8> {
    let mask = if role == Role::Server { 0x80 } else { 0 };
    let mut bytes = vec![first];
    match len {
        0..=125 => bytes.push(mask | len as u8),
        126..=0xFFFF => {
            bytes.push(mask | 126);
            bytes.extend((len as u16).to_be_bytes());
        }
        _ => {
            bytes.push(mask | 127);
            bytes.extend(len.to_be_bytes());
        }
    }
    if role == Role::Server {
        bytes.extend(KEY);
    }
    bytes
}

const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// Gives input in pieces, drops the events, and says how many messages there were.
pub(crate) fn give(ws: &mut WebSocket, input: &mut [u8], step: usize, out: &mut Vec<u8>) -> usize {
    let mut messages = 0;
    for mut piece in input.chunks_mut(step) {
        while let Some(event) = ws.receive(&mut piece, out) {
            messages += usize::from(matches!(event, Event::Text(_) | Event::Binary(_)));
        }
    }
    messages
}

/// The size is the declared length, in MiB.
fn declared(role: Role, name: String) -> Row {
    Row::new(name, "MiB", 1024, move |size| {
        let config = Config::default().message_limit(u64::MAX).expect("not zero");
        let mut out = Vec::new();
        let mut cases: Vec<_> = [0x01, 0x02, 0x81, 0x82]
            .map(|first| {
                (
                    WebSocket::open(negotiated(role), config),
                    header(role, first, (size as u64) << 20),
                )
            })
            .into();
        Work::new(0, move || {
            for (ws, header) in &mut cases {
                give(ws, header, usize::MAX, &mut out);
                assert!(ws.may_send());
            }
        })
    })
}

fn fragments(role: Role, opcode: u8, part: usize, name: String) -> Row {
    Row::new(name, "bytes", 1 << 20, move |size| {
        let mut input = frame(role, opcode, b"");
        input.extend(frame(role, 0, &vec![b'x'; part]).repeat(size / part));
        input.extend(frame(role, 0x80, b""));
        let (mut ws, mut out) = (websocket(role), Vec::new());
        Work::new(2 * size, move || {
            assert_eq!(give(&mut ws, &mut input, 16 << 10, &mut out), 1);
        })
    })
}

fn empty_fragments(role: Role, name: String) -> Row {
    Row::new(name, "fragments", 250_000, move |size| {
        let mut input = frame(role, 1, b"");
        input.extend(frame(role, 0, b"").repeat(size));
        let (mut ws, mut out) = (websocket(role), Vec::new());
        Work::new(0, move || {
            assert_eq!(give(&mut ws, &mut input, 16 << 10, &mut out), 0);
            assert!(ws.may_send());
        })
    })
}

/// The output is the caller's: room for the high-water mark and a frame is there before.
fn pings(role: Role, name: String) -> Row {
    Row::new(name, "pings", 250_000, move |size| {
        let mut input = numbered_pings(role, size);
        let (mut ws, mut out) = (websocket(role), Vec::with_capacity(MOST));
        Work::new(0, move || {
            give(&mut ws, &mut input, 16 << 10, &mut out);
            assert!(out.len() <= MOST);
            out.clear();
            let _ = ws.poll(Duration::ZERO, &mut out);
            // The newest is the one that was held.
            assert_eq!(out.len(), if size == 0 { 0 } else { frame_len(role) });
            assert!(role == Role::Client || size == 0 || ends_with_number(&out, size - 1));
        })
    })
}

/// Each payload is its number, in 125 digits.
fn numbered_pings(role: Role, count: usize) -> Vec<u8> {
    let zeros = frame(role, 0x89, &[b'0'; 125]);
    let mut pings = zeros.repeat(count);
    for (mut number, ping) in pings.chunks_mut(zeros.len()).enumerate() {
        for byte in ping.iter_mut().rev() {
            // Masked or not, it was a zero.
            *byte ^= (number % 10) as u8;
            number /= 10;
            if number == 0 {
                break;
            }
        }
    }
    pings
}

/// The high-water mark and a frame, the largest there is of a control frame.
const MOST: usize = (64 << 10) + 131;

fn frame_len(role: Role) -> usize {
    125 + if role == Role::Client { 6 } else { 2 }
}

fn ends_with_number(out: &[u8], number: usize) -> bool {
    out.iter().rev().take(10).rev().fold(0, |sum, digit| 10 * sum + usize::from(digit - b'0'))
        == number
}

/// All kinds of frames, most of them small.
fn mixture(role: Role, size: usize) -> Vec<u8> {
    let mut all = frame(role, 0x81, "κόσμε".as_bytes());
    all.extend(frame(role, 0x82, &[0x55; 300]));
    all.extend(frame(role, 0x01, "é".repeat(70).as_bytes()));
    all.extend(frame(role, 0x89, b"ping"));
    all.extend(frame(role, 0x80, "€".repeat(50).as_bytes()));
    all.extend(frame(role, 0x8A, b""));
    all.repeat(size / all.len())
}

fn trickle(role: Role, name: String) -> Row {
    Row::new(name, "bytes", 25_000, move |size| {
        let mut input = mixture(role, size);
        let (mut ws, mut out) = (websocket(role), Vec::with_capacity(2 * MOST));
        // A message in progress has 300 bytes at most.
        Work::new(2 * 300, move || {
            give(&mut ws, &mut input, 1, &mut out);
            assert!(ws.may_send());
        })
    })
}

fn chunks(role: Role, name: String) -> Row {
    Row::new(name, "bytes", 25_000, move |size| {
        let mut input = mixture(role, size);
        let mut connection = Connection::open(negotiated(role), Config::default());
        let mut out = Vec::with_capacity(2 * MOST);
        Work::new(0, move || {
            let mut received = 0;
            for mut piece in input.chunks_mut(1) {
                while let Some(event) = connection.receive(&mut piece, &mut out) {
                    if let ChunkEvent::Data(chunk) = event {
                        received += chunk.payload.len();
                    }
                }
            }
            assert!(size == 0 || received > size / 2);
            assert!(connection.may_send());
        })
    })
}
