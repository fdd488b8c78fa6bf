//! Compressed messages: rows 83, 84, 87, 89 and 98. Memory is what `DeflateConfig` says of a connection, beside what
//! `WebSocket` says of a message.

use websocket_proto::{Config, DeflateConfig, MessageKind, Role, WebSocket};

use crate::frames::{frame, give};
use crate::{ROLES, Row, Work, name_of, negotiated};

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for role in ROLES {
        let name = name_of(role);
        for (kind, what) in [(MessageKind::Text, "text"), (MessageKind::Binary, "binary")] {
            rows.push(bomb(role, kind, format!("84 {name}, a bomb of {what}")));
            rows.push(long(role, kind, format!("87 {name}, a long {what} by single bytes")));
        }
        // What costs the most of a receiver: blocks that make nothing, and streams.
        for (what, piece) in [
            ("blocks without compression", &[0x00, 0x00, 0x00, 0xFF, 0xFF][..]),
            ("blocks with the fixed codes", &[0x02, 0x08, 0x20, 0x80, 0x00]),
            ("streams", &[0x03, 0x00]),
        ] {
            rows.push(nothing(role, piece, format!("83 {name}, empty {what}")));
        }
        rows.push(empty_fragments(role, format!("89 {name}, empty compressed fragments")));
        rows.push(parts(role, format!("98 {name}, compressed parts of a byte")));
        rows.push(small_window(role, format!("98 {name}, a long message in a window of 256")));
    }
    rows
}

/// The message limit in bytes where a bomb comes.
const LIMIT: usize = 256 << 10;

/// What a connection holds to inflate and, with the largest window, to deflate, in bytes; and what it keeps to send.
const INFLATES: usize = if cfg!(feature = "zlib-rs") { 47 << 10 } else { 59 << 10 };
const DEFLATES: usize = if cfg!(feature = "zlib-rs") { (146 + 128) << 10 } else { 313 << 10 };
const KEPT: usize = 64 << 10;

fn open(role: Role, window_bits: u8, config: Config) -> WebSocket {
    let deflate = DeflateConfig::default().threshold(0);
    let deflate = deflate.server_max_window_bits(window_bits).expect("8 to 15");
    let deflate = deflate.client_max_window_bits(window_bits).expect("8 to 15");
    WebSocket::open(negotiated(role).with_deflate(deflate.params(), deflate), config)
}

/// The frame of a compressed message that comes to this end.
fn compressed(role: Role, kind: MessageKind, data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut peer = open(role.peer(), 15, Config::default());
    peer.send_fragment(kind, data, true, &mut out).expect("there is room");
    out
}

/// Like what applications send.
fn records(size: usize) -> Vec<u8> {
    let mut data = Vec::with_capacity(size + 100);
    let mut number = 0_u64;
    while data.len() < size {
        number = number * 7919 % 1_000_003 + 1;
        data.extend(format!("{{\"id\":{number},\"ok\":true}},").bytes());
    }
    data.truncate(size);
    data
}

/// The work is bounded by the limit, whatever there is to come out.
fn bomb(role: Role, kind: MessageKind, name: String) -> Row {
    Row::new(name, "MiB", 4, move |size| {
        let mut input = compressed(role, kind, &vec![b'x'; size << 20]);
        let config = Config::default().message_limit(LIMIT as u64).expect("not zero");
        let (mut ws, mut out) = (open(role, 15, config), Vec::with_capacity(100));
        Work::new(LIMIT + INFLATES + KEPT, move || {
            give(&mut ws, &mut input, 16 << 10, &mut out);
            assert_eq!(ws.may_send(), size == 0);
        })
    })
}

fn long(role: Role, kind: MessageKind, name: String) -> Row {
    Row::new(name, "bytes", 1 << 18, move |size| {
        let mut input = compressed(role, kind, &records(size));
        let (mut ws, mut out) = (open(role, 15, Config::default()), Vec::new());
        Work::keeping(2 * size + INFLATES + KEPT, move || {
            assert_eq!(give(&mut ws, &mut input, 1, &mut out), 1);
        })
    })
}

fn nothing(role: Role, piece: &'static [u8], name: String) -> Row {
    Row::new(name, "bytes", 2_500, move |size| {
        let mut input =
            frame(role, 0xC1, &[&piece.repeat(size / piece.len())[..], &[0x00]].concat());
        let (mut ws, mut out) = (open(role, 15, Config::default()), Vec::new());
        Work::keeping(INFLATES + KEPT, move || {
            assert_eq!(give(&mut ws, &mut input, 16 << 10, &mut out), 1);
        })
    })
}

fn empty_fragments(role: Role, name: String) -> Row {
    Row::new(name, "fragments", 250_000, move |size| {
        let mut input = frame(role, 0x41, b"");
        input.extend(frame(role, 0, b"").repeat(size));
        let (mut ws, mut out) = (open(role, 15, Config::default()), Vec::new());
        Work::new(0, move || {
            assert_eq!(give(&mut ws, &mut input, 16 << 10, &mut out), 0);
            assert!(ws.may_send());
        })
    })
}

fn parts(role: Role, name: String) -> Row {
    Row::new(name, "parts", 1000, move |size| {
        let mut ws = open(role, 15, Config::default());
        let mut out = Vec::with_capacity(30 * size);
        Work::keeping(DEFLATES + KEPT, move || {
            for at in 0..size {
                let part = [at.to_le_bytes()[0]];
                ws.send_fragment(MessageKind::Binary, &part, false, &mut out).expect("room");
            }
        })
    })
}

fn small_window(role: Role, name: String) -> Row {
    Row::new(name, "bytes", 1 << 17, move |size| {
        let data = records(size);
        let mut ws = open(role, 8, Config::default());
        let mut out = Vec::with_capacity(2 * size + 100);
        Work::new(DEFLATES + 2 * size + KEPT, move || {
            ws.send_binary(&data, &mut out).expect("there is room");
            ws.receive_eof();
        })
    })
}
