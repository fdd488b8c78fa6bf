//! The same frames to `tungstenite` and to us: the same messages, and the same verdict, but for the differences that are
//! written down here, each with its section of RFC 6455.
//!
//! Not compared: what is answered, which `receive` judges; what comes behind the first Close, which they do not read on
//! to; and limits that a control frame could exceed, as theirs is on those too, and ours on messages alone (§5.5).

use std::io::{self, Read, Write};

use arbitrary::Arbitrary;
use tungstenite::error::Error;
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Message, WebSocket};
use websocket_proto::Config;

use crate::checker::{Checker, Item, Limits, Side};
use crate::ends::{End, NOW, Told, fault_code, negotiated, peer, side};
use crate::frames::{cut, cut_mut};
use crate::wild::{WildFrame, encode_all};

#[derive(Arbitrary, Debug)]
pub struct Input<'a> {
    client: bool,
    limited: bool,
    limit: u16,
    sizes: [u8; 2],
    frames: Vec<WildFrame<'a>>,
}

/// What became of a stream: what was told up to the first Close, and the close code that it failed with.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Outcome {
    items: Vec<Item>,
    code: Option<u16>,
}

/// What they do otherwise. In each case the plain checker agrees with us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// §11.7: they do not know the close code 1014, which was registered later, and tell of it as 1002.
    LaterCode,
    /// §7.1.7: they judge a frame when it has come whole, we fail the connection as soon as it is wrong.
    LaterVerdict,
    /// §10.4, §5.2: they hold the declared length against the limit before they look at what is wrong with the header.
    LimitFirst,
    /// §5.2: they take a length that is not in the least number of bytes, and go on.
    LongLength,
    /// §7.4, §5.5.1: they look at the reason of a Close before its code, and tell of a code that must not be sent as 1002
    /// instead of failing.
    ReasonFirst,
}

impl Difference {
    pub const ALL: [Self; 5] = [
        Self::LaterCode,
        Self::LaterVerdict,
        Self::LimitFirst,
        Self::LongLength,
        Self::ReasonFirst,
    ];
}

pub fn oracle(input: &Input<'_>) {
    compare(input);
}

/// Returns the difference between their outcome and ours, which has to be a known one.
pub fn compare(input: &Input<'_>) -> Option<Difference> {
    let me = side(input.client);
    let stream = encode_all(&input.frames, peer(me));
    // Their limit is on control frames as well.
    let limit = if input.limited { 126 + usize::from(input.limit) } else { 1 << 24 };
    let ours = ours(me, limit, &stream, &input.sizes);
    let theirs = theirs(me, limit, &stream, &input.sizes);
    if ours == theirs {
        return None;
    }
    let difference = known_difference(me, limit, &stream, &ours, &theirs);
    assert!(difference.is_some(), "\nours:   {ours:?}\ntheirs: {theirs:?}\nstream: {stream:02x?}");
    difference
}

/// How each difference shows.
fn known_difference(
    me: Side,
    limit: usize,
    stream: &[u8],
    ours: &Outcome,
    theirs: &Outcome,
) -> Option<Difference> {
    let mut model = Checker::new(peer(me), Limits { bytes: limit as u64, frames: u64::MAX });
    model.read(stream);
    if let (Some(Item::Close(Some((1014, _)))), Some((Item::Close(Some((1002, _))), before))) =
        (ours.items.last(), theirs.items.split_last())
    {
        let agrees_before = ours.items.split_last().is_some_and(|(_, items)| items == before);
        return agrees_before.then_some(Difference::LaterCode);
    }
    let fault = model.fault?;
    let agrees_before = theirs.items.get(..ours.items.len()) == Some(&ours.items);
    let frame = model.tail();
    if !agrees_before || ours.code != Some(fault.code) {
        return None;
    }
    if theirs.items.len() == ours.items.len() && !is_whole(frame) && theirs.code.is_none() {
        return Some(Difference::LaterVerdict);
    }
    let is_too_long = declared(frame)? > limit as u128;
    if theirs.items.len() == ours.items.len() && is_too_long && theirs.code == Some(1009) {
        return Some(Difference::LimitFirst);
    }
    if !is_minimal(frame) && fault.code == 1002 {
        return Some(Difference::LongLength);
    }
    if fault.rule.starts_with("§7.4") {
        let told = matches!(theirs.items.get(ours.items.len()), Some(Item::Close(Some((1002, _)))));
        let judged_later = theirs.code == Some(1007);
        return (told || judged_later).then_some(Difference::ReasonFirst);
    }
    None
}

/// Returns the length that a frame declares, minimal or not.
fn declared(frame: &[u8]) -> Option<u128> {
    let length = match frame.get(1)? % 128 {
        126 => frame.get(2..4)?,
        127 => frame.get(2..10)?,
        short => return Some(short.into()),
    };
    Some(length.iter().fold(0, |len, byte| len << 8 | u128::from(*byte)))
}

fn is_minimal(frame: &[u8]) -> bool {
    match (frame.get(1).map(|second| second % 128), declared(frame)) {
        (Some(126), Some(len)) => len >= 126,
        (Some(127), Some(len)) => len >= 65_536,
        _ => true,
    }
}

fn is_whole(frame: &[u8]) -> bool {
    let Some(len) = declared(frame) else {
        return false;
    };
    let header = match frame[1] % 128 {
        126 => 4,
        127 => 10,
        _ => 2,
    };
    let key = if frame[1] >= 128 { 4 } else { 0 };
    frame.len() as u128 >= len + header + key
}

fn ours(me: Side, limit: usize, stream: &[u8], sizes: &[u8]) -> Outcome {
    let config = Config::default().message_limit(limit as u64).expect("not zero");
    let mut end = End::new(true, negotiated(me, 2), config);
    let (mut told, mut out) = (Told::default(), Vec::new());
    for piece in cut_mut(&mut stream.to_vec(), sizes) {
        end.receive_all(piece, &mut out, &mut told);
    }
    Outcome { items: told.items, code: fault_code(end.poll(NOW, &mut out)) }
}

fn theirs(me: Side, limit: usize, stream: &[u8], sizes: &[u8]) -> Outcome {
    let config = WebSocketConfig::default()
        .read_buffer_size(256)
        .write_buffer_size(0)
        .max_message_size(Some(limit))
        .max_frame_size(Some(limit));
    let role = match me {
        Side::Client => Role::Client,
        Side::Server => Role::Server,
    };
    let transport = Transport { pieces: cut(stream, sizes) };
    let mut ws = WebSocket::from_raw_socket(transport, role, Some(config));
    let mut outcome = Outcome { items: Vec::new(), code: None };
    loop {
        match ws.read() {
            Ok(message) => {
                outcome.items.push(item(message));
                if let Some(Item::Close(_)) = outcome.items.last() {
                    return outcome;
                }
            }
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => return outcome,
            Err(error) => {
                outcome.code = Some(match error {
                    Error::Protocol(_) => 1002,
                    Error::Utf8(_) => 1007,
                    Error::Capacity(_) => 1009,
                    error => panic!("{error}"),
                });
                return outcome;
            }
        }
    }
}

fn item(message: Message) -> Item {
    match message {
        Message::Text(text) => Item::Text(text.as_str().to_owned()),
        Message::Binary(data) => Item::Binary(data.to_vec()),
        Message::Ping(payload) => Item::Ping(payload.to_vec()),
        Message::Pong(payload) => Item::Pong(payload.to_vec()),
        Message::Close(close) => {
            Item::Close(close.map(|close| (close.code.into(), close.reason.as_str().to_owned())))
        }
        Message::Frame(_) => panic!("a raw frame is never read"),
    }
}

/// Gives piece after piece, and takes whatever is written.
struct Transport<'b> {
    pieces: Vec<&'b [u8]>,
}

impl Read for Transport<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(piece) = self.pieces.first_mut() {
            let taken = piece.len().min(buffer.len());
            if taken == 0 {
                self.pieces.remove(0);
                continue;
            }
            buffer[..taken].copy_from_slice(&piece[..taken]);
            *piece = &piece[taken..];
            return Ok(taken);
        }
        Err(io::ErrorKind::WouldBlock.into())
    }
}

impl Write for Transport<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
