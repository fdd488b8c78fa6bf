//! Faults that fuzzing and review have found, each with the shortest way to it.
#![cfg(feature = "alloc")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use core::time::Duration;

use websocket_proto::{
    ChunkEvent, CloseCode, Config, Connection, Failure, MessageKind, Negotiated, Next, SliceOutput,
    UsageError,
};

/// Gives a server an unmasked frame's bytes as a client would mask them with a key of zeros.
fn receive(connection: &mut Connection, first: u8, payload: &[u8], out: &mut SliceOutput<'_>) {
    let len = u8::try_from(payload.len()).unwrap();
    let mut bytes = [&[first, 0x80 | len, 0, 0, 0, 0], payload].concat();
    let mut input = &mut bytes[..];
    while connection.receive(&mut input, out).is_some() {}
}

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

/// A Pong that had found no room came out after both Close frames.
#[test]
fn nothing_is_sent_after_both_close_frames() {
    let mut connection = Connection::open(Negotiated::server(), Config::default());
    let mut storage = [0; 20];
    let out = &mut SliceOutput::new(&mut storage);
    receive(&mut connection, 0x89, &[9; 100], out);
    connection.close(CloseCode::NORMAL, "", out).unwrap();
    receive(&mut connection, 0x88, &[3, 232], out);
    assert_eq!(connection.poll(Duration::ZERO, out), Next::End(Ok(())));
    assert_eq!(out.written(), [0x88, 2, 3, 232]);
    let more = &mut Vec::new();
    assert_eq!(connection.poll(Duration::ZERO, more), Next::End(Ok(())));
    assert_eq!(more, b"");
}

/// A Pong that had found no room came out after the end of stream.
#[test]
fn nothing_is_sent_after_end_of_stream() {
    let mut connection = Connection::open(Negotiated::server(), Config::default());
    receive(&mut connection, 0x89, b"a", &mut SliceOutput::new(&mut []));
    connection.receive_eof();
    let out = &mut Vec::new();
    assert_eq!(connection.poll(Duration::ZERO, out), Next::End(Err(Failure::Eof)));
    assert_eq!(out, b"");
}

/// The end was taken back when the time went back, or when there was room at last.
#[test]
fn the_end_is_final() {
    let mut connection = Connection::open(Negotiated::server(), Config::default());
    let full = &mut SliceOutput::new(&mut []);
    receive(&mut connection, 0xFF, b"", full);
    let wait = Next::Wait(Some(Duration::from_secs(10)));
    assert_eq!(connection.poll(Duration::ZERO, full), wait);
    let end = connection.poll(Duration::from_secs(10), full);
    assert!(matches!(end, Next::End(Err(Failure::Protocol(_)))));
    let out = &mut Vec::new();
    assert_eq!(connection.poll(Duration::from_secs(5), out), end);
    assert_eq!(out, b"");
}

/// An empty part whose payload is "the caller's" switched the check of the text off.
#[test]
fn empty_parts_are_checked_like_others() {
    let out = &mut Vec::new();
    let mut connection = Connection::open(Negotiated::server(), Config::default());
    let start = connection.start_fragment(MessageKind::Text, 0, false).unwrap();
    assert_eq!(start.header(), [0x01, 0]);
    let bad = connection.send_fragment(MessageKind::Text, b"\xFF", true, out);
    assert_eq!(bad, Err(UsageError::InvalidUtf8));
    connection.send_fragment(MessageKind::Text, b"\xE2", false, out).unwrap();
    let cut = connection.start_fragment(MessageKind::Text, 0, true);
    assert_eq!(cut.err(), Some(UsageError::InvalidUtf8));
    assert_eq!(out, b"\x00\x01\xE2");
}

/// The masking key stood in the debug output of a started frame, beside a mask that hides it.
#[test]
fn started_frames_hide_their_key() {
    let mut connection = Connection::open(Negotiated::client([7; 32]), Config::default());
    let start = connection.start_text(5).unwrap();
    assert_eq!(format!("{start:?}"), "FrameStart { .. }");
}

/// The call without input that ends each batch made the next short message take the long way; it must still be whole.
#[test]
fn a_short_message_is_taken_after_an_empty_call() {
    let mut connection = Connection::open(Negotiated::server(), Config::default());
    let out = &mut SliceOutput::new(&mut []);
    for _ in 0..3 {
        assert_eq!(connection.receive(&mut &mut [][..], out), None);
        let mut bytes = *b"\x82\x81\0\0\0\0x";
        let mut input = &mut bytes[..];
        let Some(ChunkEvent::Data(chunk)) = connection.receive(&mut input, out) else {
            unreachable!("a message is there")
        };
        assert_eq!((chunk.payload, chunk.first, chunk.last), (&b"x"[..], true, true));
    }
}

#[cfg(feature = "deflate")]
mod compressed {
    use core::time::Duration;

    use websocket_proto::{
        ChunkEvent, Config, DeflateConfig, Failure, Negotiated, Next, ProtocolError, WebSocket,
    };

    fn client() -> WebSocket {
        let deflate = DeflateConfig::default();
        let negotiated = Negotiated::client([1; 32]).with_deflate(deflate.params(), deflate);
        WebSocket::open(negotiated, Config::default().message_limit(9).unwrap())
    }

    /// A fault in the compression hid one in the text before it, and what was good, when all came at once.
    #[test]
    fn the_first_fault_counts_in_any_pieces() {
        // A block without compression, and one of the kind that is reserved.
        let frame = |first, byte| [first, 9, 0, 1, 0, 0xFE, 0xFF, byte, 7, 7, 7];
        for (frame, good, error) in [
            (frame(0xC1, 0xFF), &b""[..], ProtocolError::InvalidUtf8),
            (frame(0xC1, b'a'), b"a", ProtocolError::InvalidCompression),
            (frame(0xC2, 0xFF), b"\xFF", ProtocolError::InvalidCompression),
        ] {
            let end = Next::End(Err(Failure::Protocol(error)));
            for size in 1..=frame.len() {
                let (mut messages, mut chunks) = (client(), client());
                let (mut out, mut scratch, mut told) = (Vec::new(), Vec::new(), Vec::new());
                for piece in frame.chunks(size) {
                    assert_eq!(messages.receive(&mut &mut piece.to_vec()[..], &mut out), None);
                    let mut piece = piece.to_vec();
                    let mut input = &mut piece[..];
                    while let Some(ChunkEvent::Data(chunk)) =
                        chunks.receive_chunk(&mut input, &mut scratch, &mut out)
                    {
                        told.extend_from_slice(chunk.payload);
                    }
                }
                assert_eq!(messages.poll(Duration::ZERO, &mut out), end, "{size}");
                assert_eq!(chunks.poll(Duration::ZERO, &mut out), end, "{size}");
                assert_eq!(told, good, "{size}");
            }
        }
    }
}
