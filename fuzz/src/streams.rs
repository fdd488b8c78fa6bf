//! Compressed messages as a fuzzer likes to make them: DEFLATE written bit by bit, the crate's own, or any bytes, with
//! something wrong here and there; in fragments, and control frames between them.

use arbitrary::Arbitrary;
use websocket_proto::{Config, DeflateConfig, Negotiated, WebSocket};

use crate::checker::Side;
use crate::frames::{BINARY, TEXT, cut, encode};

#[derive(Arbitrary, Debug)]
pub enum Step<'a> {
    Message(Message<'a>),
    Control {
        kind: Control,
        payload: &'a [u8],
    },
    /// Bytes between frames, or in the midst of a message.
    Raw(&'a [u8]),
}

#[derive(Arbitrary, Debug)]
pub struct Message<'a> {
    text: bool,
    key: [u8; 4],
    /// The sizes of the fragments, over and over; and what is between them.
    fragments: [u8; 2],
    between: Option<Control>,
    quirk: u8,
    /// A bit that is wrong, and how many bytes are left off the end.
    flip: u16,
    cut: u8,
    parts: Vec<Part<'a>>,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Control {
    Ping,
    Pong,
    Close,
}

#[derive(Arbitrary, Debug)]
enum Part<'a> {
    Bytes(&'a [u8]),
    Stored {
        last: bool,
        data: &'a [u8],
    },
    Fixed {
        last: bool,
        symbols: Vec<Symbol<'a>>,
        /// Whether the block ends.
        ends: bool,
    },
    /// What the crate makes of this, so many times over.
    Deflated {
        data: &'a [u8],
        repeat: u8,
        level: u8,
    },
    /// So many times the same byte, in as few as DEFLATE has it.
    Bomb {
        byte: u8,
        count: u16,
    },
    Bits(u16, u8),
    /// The header of the empty block that every message should end with.
    Header,
    Tail,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Symbol<'a> {
    Literals(&'a [u8]),
    Copy { len: u8, distance: u16 },
    Word(u16),
}

/// Encodes what `from` might write.
pub fn encode_all(steps: &[Step<'_>], from: Side) -> Vec<u8> {
    let mut stream = Vec::new();
    for step in steps {
        match step {
            Step::Message(message) => message.encode(from, &mut stream),
            Step::Control { kind, payload } => {
                stream.extend(kind.encode(from, &payload[..payload.len().min(125)]));
            }
            Step::Raw(bytes) => stream.extend_from_slice(bytes),
        }
    }
    stream
}

impl Message<'_> {
    fn encode(&self, from: Side, stream: &mut Vec<u8>) {
        let mut bits = Bits::default();
        for part in &self.parts {
            part.write(&mut bits);
        }
        let mut payload = bits.bytes;
        let bit = usize::from(self.flip);
        if let Some(byte) = payload.get_mut(bit / 8).filter(|_| bit > 0) {
            *byte ^= 1 << (bit % 8);
        }
        payload.truncate(payload.len() - payload.len().min(usize::from(self.cut % 16)));

        // One in eight is not quite legal.
        let quirk = if self.quirk >= 224 { 255 - self.quirk % 8 } else { 0 };
        let first = if self.text { TEXT } else { BINARY };
        let fragments = cut(&payload, &self.fragments);
        for (index, fragment) in fragments.iter().enumerate() {
            let (is_first, is_last) = (index == 0, index + 1 == fragments.len());
            let at = stream.len();
            let opcode = if is_first { first } else { 0 };
            stream.extend(encode(from, is_last && quirk != 249, opcode, self.key, fragment));
            if is_first != (quirk == 255) {
                stream[at] ^= 0x40;
            }
            stream[at] ^= match quirk {
                254 if is_last => 0x40,
                253 if is_last => 0x20,
                252 => 0x10,
                251 if is_last => first,
                _ => 0,
            };
            if let (Some(control), false) = (self.between, is_last) {
                let at = stream.len();
                stream.extend(control.encode(from, &fragment[..fragment.len().min(9)]));
                if quirk == 250 {
                    stream[at] ^= 0x40;
                }
            }
        }
    }
}

impl Control {
    fn encode(self, from: Side, payload: &[u8]) -> Vec<u8> {
        let (opcode, payload) = match self {
            Control::Ping => (9, payload),
            Control::Pong => (10, payload),
            Control::Close => (8, &b"\x03\xe8"[..]),
        };
        encode(from, true, opcode, [7, 1, 0, 255], payload)
    }
}

impl Part<'_> {
    fn write(&self, bits: &mut Bits) {
        match self {
            Part::Bytes(bytes) => bits.bytes(bytes),
            Part::Stored { last, data } => {
                bits.bits((*last).into(), 3);
                let len = data.len().min(65_535) as u32;
                bits.align();
                bits.bits(len, 16);
                bits.bits(!len, 16);
                bits.bytes(&data[..len as usize]);
            }
            Part::Fixed { last, symbols, ends } => {
                bits.bits(u32::from(*last) | 0b010, 3);
                for symbol in symbols {
                    match *symbol {
                        Symbol::Literals(data) => {
                            data.iter().for_each(|byte| bits.fixed((*byte).into()))
                        }
                        Symbol::Copy { len, distance } => bits.copy(3 + u32::from(len), distance),
                        Symbol::Word(symbol) => bits.fixed(symbol % 288),
                    }
                }
                if *ends {
                    bits.fixed(256);
                }
                if *last {
                    bits.align();
                }
            }
            Part::Deflated { data, repeat, level } => {
                bits.bytes(&deflated(&data.repeat(1 + usize::from(repeat % 32)), *level));
            }
            Part::Bomb { byte, count } => {
                bits.bits(0b010, 3);
                bits.fixed((*byte).into());
                (0..count % 128).for_each(|_| bits.copy(258, 0));
                bits.fixed(256);
            }
            Part::Bits(value, count) => bits.bits((*value).into(), u32::from(count % 17)),
            Part::Header => bits.bits(0, 3),
            Part::Tail => {
                bits.align();
                bits.bytes(&crate::inflate::TAIL);
            }
        }
    }
}

/// Returns the payload that the crate makes of a message.
fn deflated(data: &[u8], level: u8) -> Vec<u8> {
    let config = DeflateConfig::default().threshold(0).level(1 + level % 9).expect("1 to 9");
    let negotiated = Negotiated::server().with_deflate(config.params(), config);
    let mut out = Vec::new();
    WebSocket::open(negotiated, Config::default()).send_binary(data, &mut out).expect("memory");
    let header = match out[1] {
        126 => 4,
        127 => 10,
        _ => 2,
    };
    out.split_off(header)
}

/// DEFLATE as it is written (RFC 1951 §3.1.1).
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    /// How many bits of the last byte are not in use.
    free: u32,
}

impl Bits {
    fn bits(&mut self, value: u32, count: u32) {
        for place in 0..count {
            if self.free == 0 {
                self.bytes.push(0);
                self.free = 8;
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= ((value >> place & 1) as u8) << (8 - self.free);
            }
            self.free -= 1;
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.align();
        self.bytes.extend_from_slice(bytes);
    }

    fn align(&mut self) {
        self.free = 0;
    }

    /// RFC 1951 §3.2.6: the words of the fixed code begin with their highest bit.
    fn fixed(&mut self, symbol: u16) {
        let (word, len) = match u32::from(symbol) {
            symbol @ 0..=143 => (0x30 + symbol, 8),
            symbol @ 144..=255 => (0x190 + symbol - 144, 9),
            symbol @ 256..=279 => (symbol - 256, 7),
            symbol => (0xC0 + symbol - 280, 8),
        };
        self.word(word, len);
    }

    fn word(&mut self, word: u32, len: u32) {
        (0..len).rev().for_each(|place| self.bits(word >> place & 1, 1));
    }

    /// A length of 3 to 258; the distance is one more than this, if there is such a one.
    fn copy(&mut self, len: u32, distance: u16) {
        let extra = (len - 3).checked_ilog2().unwrap_or(0).saturating_sub(2);
        let (symbol, extra) = match len {
            258 => (285, 0),
            _ => (257 + 4 * extra + ((len - 3) >> extra), extra),
        };
        self.fixed(symbol as u16);
        self.bits((len - 3) & ((1 << extra) - 1), extra);
        let distance = u32::from(distance);
        let extra = distance.checked_ilog2().unwrap_or(0).saturating_sub(1);
        self.word(2 * extra + (distance >> extra), 5);
        self.bits(distance & ((1 << extra) - 1), extra);
    }
}
