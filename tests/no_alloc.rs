//! A `Connection` runs on storage of fixed size and never asks for memory; this file needs no feature of the crate.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::cast_possible_wrap,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

#[path = "common/counting.rs"]
#[allow(dead_code, reason = "others use the rest")]
mod counting;

use core::time::Duration;

use counting::{NOTHING, cost};
#[cfg(feature = "deflate")]
use websocket_proto::{
    Accept, ClientHandshake, ClientRequest, DeflateConfig, HandshakeConfig, ServerHandshake,
};
use websocket_proto::{
    ChunkEvent, CloseCode, Config, Connection, Failure, MessageKind, Negotiated, Next,
    ProtocolError, SliceOutput, UsageError,
};

/// Moves what one end has written to the other, in pieces of `step` bytes, and answers what comes.
fn deliver(
    from: &mut SliceOutput<'_>,
    to: &mut Connection,
    answers: &mut SliceOutput<'_>,
    step: usize,
    seen: &mut Seen,
) {
    let mut wire = [0; 1024];
    let len = from.written().len();
    wire[..len].copy_from_slice(from.written());
    from.clear();
    for piece in wire[..len].chunks_mut(step) {
        let mut input = piece;
        while let Some(event) = to.receive(&mut input, answers) {
            match event {
                ChunkEvent::Data(chunk) => {
                    for byte in chunk.payload {
                        seen.data[seen.len] = *byte;
                        seen.len += 1;
                    }
                    seen.messages += usize::from(chunk.last);
                }
                ChunkEvent::Ping(payload) => seen.pings += usize::from(*payload == *b"ping"),
                ChunkEvent::Pong(payload) => seen.pongs += usize::from(*payload == *b"ping"),
                ChunkEvent::Close(close) => seen.closed = Some(close.code()),
            }
        }
    }
}

#[derive(Debug)]
struct Seen {
    data: [u8; 1024],
    len: usize,
    messages: usize,
    pings: usize,
    pongs: usize,
    closed: Option<CloseCode>,
}

impl Seen {
    const NOTHING: Self =
        Self { data: [0; 1024], len: 0, messages: 0, pings: 0, pongs: 0, closed: None };
}

#[test]
fn both_ends_run_on_arrays_row_98_102() {
    for step in [1, 7, 1024] {
        let ((), spent) = cost(|| {
            let mut client = Connection::open(Negotiated::client([9; 32]), Config::default());
            let mut server = Connection::open(Negotiated::server(), Config::default());
            let (mut up, mut down) = ([0; 512], [0; 512]);
            let (mut up, mut down) = (SliceOutput::new(&mut up), SliceOutput::new(&mut down));
            let (mut at_client, mut at_server) = (Seen::NOTHING, Seen::NOTHING);
            client.send_text("κόσμε", &mut up).unwrap();
            client.send_fragment(MessageKind::Binary, b"in ", false, &mut up).unwrap();
            client.send_ping(b"ping", &mut up).unwrap();
            client.send_fragment(MessageKind::Binary, b"parts", true, &mut up).unwrap();
            deliver(&mut up, &mut server, &mut down, step, &mut at_server);
            assert_eq!(&at_server.data[..at_server.len], "κόσμεin parts".as_bytes());
            assert_eq!((at_server.messages, at_server.pings), (2, 1));
            assert_eq!(server.poll(Duration::ZERO, &mut down), Next::Wait(None));
            deliver(&mut down, &mut client, &mut up, step, &mut at_client);
            assert_eq!(at_client.pongs, 1);
            let too_long = server.send_binary(&[0; 600], &mut down);
            assert_eq!(too_long, Err(UsageError::OutputFull { needed: 604 }));
            server.close(CloseCode::NORMAL, "done", &mut down).unwrap();
            deliver(&mut down, &mut client, &mut up, step, &mut at_client);
            assert_eq!(at_client.closed, Some(CloseCode::NORMAL));
            deliver(&mut up, &mut server, &mut down, step, &mut at_server);
            assert_eq!(server.poll(Duration::ZERO, &mut down), Next::End(Ok(())));
            client.receive_eof();
            assert_eq!(client.poll(Duration::ZERO, &mut up), Next::End(Ok(())));
        });
        assert_eq!(spent, NOTHING);
    }
}

/// The opening handshake as well, with compression agreed to: that needs memory only when a message is compressed.
#[cfg(feature = "deflate")]
#[test]
fn both_ends_agree_to_compress_on_arrays_row_98() {
    let (params, spent) = cost(|| {
        let config = DeflateConfig::default().server_max_window_bits(9).unwrap();
        let (mut up, mut down) = ([0; 512], [0; 512]);
        let (mut up, mut down) = (SliceOutput::new(&mut up), SliceOutput::new(&mut down));
        let request = ClientRequest::new("ws://h/").unwrap().deflate(config);
        let mut client = ClientHandshake::new(request, [9; 32], &mut up).unwrap();
        let mut server = ServerHandshake::new(HandshakeConfig::default());
        let (mut wire, len) = ([0; 512], up.written().len());
        wire[..len].copy_from_slice(up.written());
        let mut head = [];
        let mut head = SliceOutput::new(&mut head);
        let request = server.receive(&mut &mut wire[..len], &mut head).unwrap();
        let accept = Accept::new().deflate(DeflateConfig::default());
        let at_server = request.unwrap().accept(accept, &mut down).unwrap().deflate();
        let (mut wire, len) = ([0; 512], down.written().len());
        wire[..len].copy_from_slice(down.written());
        let mut head = [];
        let mut head = SliceOutput::new(&mut head);
        let response = client.receive(&mut &mut wire[..len], &mut head).unwrap();
        (at_server, response.unwrap().accept().unwrap().deflate())
    });
    assert_eq!(spent, NOTHING);
    assert_eq!(params.0.unwrap().server_max_window_bits(), 9);
    assert_eq!(params.0, params.1);
}

#[test]
fn failure_needs_no_memory_row_98() {
    let ((), spent) = cost(|| {
        let mut server = Connection::open(Negotiated::server(), Config::default());
        let mut storage = [0; 4];
        let mut out = SliceOutput::new(&mut storage);
        let mut bytes = *b"\x81\x82\0\0\0\0\xC0\x80";
        let mut input = &mut bytes[..];
        assert!(server.receive(&mut input, &mut out).is_none());
        let end = Err(Failure::Protocol(ProtocolError::InvalidUtf8));
        assert_eq!(server.poll(Duration::ZERO, &mut out), Next::End(end));
        assert_eq!(out.written(), b"\x88\x02\x03\xEF");
    });
    assert_eq!(spent, NOTHING);
}

/// 200 MiB in one frame, through a buffer of 4 KiB.
#[test]
fn client_receives_a_frame_larger_than_memory_row_42_53() {
    let len = 200_u64 << 20;
    let config = Config::default().message_limit(u64::MAX).unwrap();
    let mut client = Connection::open(Negotiated::client([9; 32]), config);
    let mut storage = [0; 16];
    let mut out = SliceOutput::new(&mut storage);
    let mut header = [0x82, 0x7F, 0, 0, 0, 0, 0, 0, 0, 0];
    header[2..].copy_from_slice(&len.to_be_bytes());
    let mut buffer = [0x55; 4096];
    let (received, spent) = cost(|| {
        assert_eq!(client.receive(&mut &mut header[..], &mut out), None);
        let mut received = 0_u64;
        while received < len {
            let mut input = &mut buffer[..];
            let Some(ChunkEvent::Data(chunk)) = client.receive(&mut input, &mut out) else {
                panic!("a chunk");
            };
            received += chunk.payload.len() as u64;
            assert_eq!(chunk.frame_remaining, len - received);
            assert_eq!(chunk.last, received == len);
        }
        received
    });
    assert_eq!((received, spent), (len, NOTHING));
}
