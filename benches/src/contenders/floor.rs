//! The floor: a loop by hand that checks nothing, keeps no messages, and hands payload over as it lies in the buffer.

use bytes::Bytes;

use crate::consumer::Consumer;
use crate::contender::{Can, Contender, Entry, Role};
use crate::wire::Wire;

pub const COPIED: Entry =
    Entry { name: "floor", open: |role, wire| Box::new(Floor::new(role, wire)), idle: None };

/// Writes header and payload from where they lie.
pub const VECTORED: Entry = Entry {
    name: "floor vectored",
    open: |role, wire| Box::new(Vectored(Floor::new(role, wire))),
    idle: None,
};

struct Floor {
    role: Role,
    wire: Wire,
    input: Box<[u8]>,
    /// The bytes of a header that was cut off, at the front of the input.
    kept: usize,
    frame: Frame,
    ping: Vec<u8>,
    out: Vec<u8>,
}

struct Vectored(Floor);

/// What is left of the frame that is coming in.
struct Frame {
    is_data: bool,
    fin: bool,
    key: u32,
    missing: usize,
}

const LONGEST_HEADER: usize = 14;

impl Floor {
    fn new(role: Role, wire: Wire) -> Self {
        Self {
            role,
            input: vec![0; wire.buffer().len() + LONGEST_HEADER].into(),
            wire,
            kept: 0,
            frame: Frame { is_data: false, fin: false, key: 0, missing: 0 },
            ping: Vec::new(),
            out: Vec::new(),
        }
    }

    fn write(&mut self) {
        if !self.out.is_empty() {
            self.wire.write(&self.out);
            self.out.clear();
        }
    }
}

impl Contender for Floor {
    fn receive(&mut self, consumer: &mut Consumer) -> Can {
        loop {
            let n = self.wire.read(&mut self.input[self.kept..]);
            if n == 0 {
                return Can::Done;
            }
            let end = self.kept + n;
            let mut rest = &mut self.input[..end];
            loop {
                if self.frame.missing == 0 {
                    let Some((frame, len)) = Frame::parse(rest) else { break };
                    self.frame = frame;
                    rest = &mut rest[len..];
                }
                let len = self.frame.missing.min(rest.len());
                let (payload, behind) = rest.split_at_mut(len);
                rest = behind;
                unmask(payload, self.frame.key);
                self.frame.missing -= len;
                let last = self.frame.missing == 0;
                if self.frame.is_data {
                    consumer.chunk(payload, last && self.frame.fin);
                } else {
                    self.ping.extend_from_slice(payload);
                    if last {
                        self.out.extend_from_slice(&[0x8a, self.ping.len() as u8]);
                        self.out.append(&mut self.ping);
                    }
                }
                if !last {
                    self.frame.key = self.frame.key.rotate_right(8 * (len as u32 % 4));
                    rest = &mut [];
                    break;
                }
            }
            self.kept = rest.len();
            self.input.copy_within(end - self.kept..end, 0);
            self.write();
        }
    }

    fn send(&mut self, messages: &[Bytes]) -> Can {
        if self.role == Role::Client {
            return Can::Not;
        }
        for data in messages {
            put_header(data.len(), &mut self.out);
            self.out.extend_from_slice(data);
        }
        self.write();
        Can::Done
    }
}

impl Contender for Vectored {
    fn send(&mut self, messages: &[Bytes]) -> Can {
        let Self(Floor { role: Role::Server, wire, out, .. }) = self else { return Can::Not };
        for data in messages {
            out.clear();
            put_header(data.len(), out);
            wire.write_both(out, data);
        }
        Can::Done
    }
}

impl Frame {
    #[inline]
    fn parse(bytes: &[u8]) -> Option<(Self, usize)> {
        let [first, second, rest @ ..] = bytes else { return None };
        let (missing, rest, len) = match second & 0x7f {
            126 => {
                let (len, rest) = rest.split_first_chunk()?;
                (usize::from(u16::from_be_bytes(*len)), rest, 4)
            }
            127 => {
                let (len, rest) = rest.split_first_chunk()?;
                (u64::from_be_bytes(*len) as usize, rest, 10)
            }
            len => (usize::from(len), rest, 2),
        };
        let (key, len) = match second & 0x80 {
            0 => (0, len),
            _ => (u32::from_le_bytes(*rest.first_chunk()?), len + 4),
        };
        Some((Self { is_data: first & 8 == 0, fin: first & 0x80 != 0, key, missing }, len))
    }
}

/// Words of 8 bytes, of which the last may overlap the one before it.
#[inline]
fn unmask(payload: &mut [u8], key: u32) {
    if key == 0 {
        return;
    }
    let wide = u64::from(key) << 32 | u64::from(key);
    let tail_key = wide.rotate_right(8 * (payload.len() as u32 % 4));
    let Some(tail) = payload.last_chunk().map(|tail| u64::from_le_bytes(*tail) ^ tail_key) else {
        payload.iter_mut().zip(wide.to_le_bytes()).for_each(|(byte, key)| *byte ^= key);
        return;
    };
    for word in payload.as_chunks_mut().0 {
        *word = (u64::from_le_bytes(*word) ^ wide).to_le_bytes();
    }
    if let Some(last) = payload.last_chunk_mut() {
        *last = tail.to_le_bytes();
    }
}

fn put_header(len: usize, out: &mut Vec<u8>) {
    out.push(0x82);
    match len {
        0..126 => out.push(len as u8),
        126..0x1_0000 => {
            out.push(126);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
}
