//! Frames as a fuzzer likes to make them: mostly legal, so that it gets deep, with a quirk here and there.

use arbitrary::Arbitrary;

use crate::checker::Side;
use crate::ends::peer;
use crate::frames::{BINARY, TEXT, encode};

#[derive(Arbitrary, Clone, Copy, Debug)]
pub struct WildFrame<'a> {
    kind: Kind,
    fin: bool,
    key: [u8; 4],
    /// How often the payload is repeated, less one.
    repeat: u8,
    quirk: u8,
    payload: &'a [u8],
}

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Binary,
    More,
    Ping,
    Pong,
    Close,
}

/// Encodes frames that `from` might write. Without a quirk each is legal where it stands, but for what follows a Close.
pub fn encode_all(frames: &[WildFrame<'_>], from: Side) -> Vec<u8> {
    let mut stream = Vec::new();
    // Whether the message in progress is text, and what of it was written.
    let mut message: Option<(bool, Vec<u8>)> = None;
    for frame in frames {
        let is_control = matches!(frame.kind, Kind::Ping | Kind::Pong | Kind::Close);
        let mut payload = frame.payload.repeat(1 + usize::from(frame.repeat % 4));
        let opcode = match frame.kind {
            Kind::Ping => 9,
            Kind::Pong => 10,
            Kind::Close => 8,
            _ if message.is_some() => 0,
            Kind::Text | Kind::More => TEXT,
            Kind::Binary => BINARY,
        };
        if is_control {
            payload.truncate(125);
        }
        if frame.kind == Kind::Close {
            payload = close_body(&payload);
        }
        let fin = frame.fin || is_control;
        if !is_control {
            let (is_text, written) = message.get_or_insert((opcode == TEXT, Vec::new()));
            if *is_text {
                make_text(written, &mut payload, fin);
            }
            written.extend_from_slice(&payload);
            if fin {
                message = None;
            }
        }
        let at = stream.len();
        stream.extend(encode(from, fin, opcode, frame.key, &payload));
        bend(&mut stream, at, from, frame);
    }
    stream
}

/// Makes one thing wrong, or odd.
fn bend(stream: &mut Vec<u8>, at: usize, from: Side, frame: &WildFrame<'_>) {
    let payload = frame.payload;
    let replace = |stream: &mut Vec<u8>, by: Vec<u8>| {
        stream.truncate(at);
        stream.extend(by);
    };
    match frame.quirk {
        255 => stream[at] ^= 0x40,
        254 => stream[at] ^= 0x20,
        253 => stream[at] ^= 0x10,
        252 => stream[at] ^= 0x80,
        251 => stream[at] ^= 0x04,
        250 => stream[at] ^= 0x01,
        249 => stream[at] ^= 0x02,
        248 => stream[at] &= 0xf0,
        247 => replace(stream, encode(peer(from), true, BINARY, frame.key, payload)),
        246 => stream[at + 1] ^= 0x7f,
        245 => {
            stream[at + 1] |= 0x7f;
            stream.splice(at + 2..at + 2, [0; 7].into_iter().chain([frame.repeat]));
        }
        244 => {
            stream[at + 1] = stream[at + 1] & 0x80 | 0x7e;
            stream.splice(at + 2..at + 2, [0, frame.repeat]);
        }
        243 => replace(stream, encode(from, true, TEXT, frame.key, payload)),
        242 => replace(stream, encode(from, true, 8, frame.key, payload)),
        241 => replace(stream, payload.to_vec()),
        240 => stream.truncate(stream.len() - 1),
        239 => stream.push(frame.repeat),
        _ => {}
    }
}

/// Changes `payload` so that it goes on from `written` as UTF-8; it may end within a code point unless it is the last.
fn make_text(written: &[u8], payload: &mut Vec<u8>, last: bool) {
    let open = match core::str::from_utf8(written) {
        Ok(_) => &[][..],
        Err(error) => &written[error.valid_up_to()..],
    };
    let joined = [open, payload].concat();
    let mut good = crate::checker::good_prefix(&joined);
    if last {
        good = match core::str::from_utf8(&joined[..good]) {
            Ok(text) => text.len(),
            Err(error) => error.valid_up_to(),
        };
    }
    if good < open.len() {
        // What was begun has to be completed: by the first continuation that does it.
        let completion = [
            &b"\x80"[..],
            b"\xa0",
            b"\x90",
            b"\x80\x80",
            b"\xa0\x80",
            b"\x90\x80",
            b"\x90\x80\x80",
            b"\x80\x80\x80",
        ];
        let fits = |end: &&&[u8]| core::str::from_utf8(&[open, end].concat()).is_ok();
        *payload = completion.iter().find(fits).map_or(Vec::new(), |end| end.to_vec());
    } else {
        *payload = joined[open.len()..good].to_vec();
    }
}

/// Makes the body of a Close frame legal: nothing, or a code that may be sent and UTF-8.
fn close_body(bytes: &[u8]) -> Vec<u8> {
    let [high, low, reason @ ..] = bytes else {
        return Vec::new();
    };
    let code = u16::from_be_bytes([*high, *low]);
    let code = if crate::checker::is_sendable(code) { code } else { 3000 + code % 2000 };
    let mut body = code.to_be_bytes().to_vec();
    let reason = String::from_utf8_lossy(reason);
    for char in reason.chars().take_while(|char| char.is_ascii()).take(123) {
        body.push(char as u8);
    }
    body
}
