//! A plain, slow inflater that shares no code with the crate: the judge of every compressed message (RFC 1951,
//! RFC 7692 §7.2.2). It reads a bit at a time, begins each message anew however often it is asked, and counts every
//! distance against what there is.
//!
//! Where RFC 1951 leaves open what a code may be, it is as strict as zlib: no code has more words than fit, and none has
//! less but one for lengths or distances of at most one word, of one bit.

use std::sync::LazyLock;

use crate::peers;

/// What comes out of a message, or of what has come of it.
#[derive(Debug)]
pub struct Inflated {
    pub data: Vec<u8>,
    pub stop: Stop,
    /// What the next message may refer to, if this one has ended well.
    window: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// All is well so far; of a whole message: it has ended well.
    End,
    /// More comes out than may.
    Limit,
    Fault(&'static str),
    /// No message can begin so, but it may take some more of it to tell.
    LateFault(&'static str),
}

impl Inflated {
    /// A message that was not compressed.
    pub fn plain(data: Vec<u8>) -> Self {
        Inflated { data, stop: Stop::End, window: Vec::new() }
    }
}

/// The messages of one direction.
#[derive(Clone, Debug)]
pub struct Inflater {
    takes_over: bool,
    /// A distance may reach 2^bits bytes.
    window_bits: u8,
    window: Vec<u8>,
}

impl Inflater {
    pub fn new(takes_over: bool, window_bits: u8) -> Self {
        Inflater { takes_over, window_bits, window: Vec::new() }
    }

    /// Inflates what has come of a message, up to so many bytes.
    pub fn inflate(&self, payload: &[u8], is_whole: bool, limit: u64) -> Inflated {
        let (mut inflated, place) = self.run(payload, limit);
        if is_whole || inflated.stop != Stop::End {
            peers::check_inflated(&self.window, self.window_bits, payload, &inflated);
        }
        if !is_whole || inflated.stop != Stop::End || payload.is_empty() {
            return inflated;
        }
        let is_good = match place {
            // BFINAL, in the last byte; what a sender takes off is no part of any stream.
            Place::StreamEnd => true,
            // The sender has left on what it should have taken off.
            Place::Boundary if payload.ends_with(&TAIL) => true,
            _ => {
                // §7.2.2: "Append 4 octets of 0x00 0x00 0xff 0xff to the tail end of the payload of the message."
                // With it ends an empty block, which may be the last of its stream (§7.2.3.4).
                let (with_tail, place) = self.run(&[payload, &TAIL].concat(), limit);
                inflated.window = with_tail.window;
                with_tail.stop == Stop::End
                    && place != Place::Within
                    && with_tail.data.len() == inflated.data.len()
            }
        };
        if !is_good {
            inflated.stop = Stop::Fault("RFC 7692 §7.2.2 a message ends between two blocks");
        }
        inflated
    }

    /// Goes on to the next message behind one that has ended well.
    pub fn take(&mut self, message: &Inflated) {
        self.window = if self.takes_over { message.window.clone() } else { Vec::new() };
    }

    fn run(&self, payload: &[u8], limit: u64) -> (Inflated, Place) {
        let mut run = Run {
            bits: payload,
            bit: 0,
            reach: 1 << self.window_bits,
            made: self.window.clone(),
            stream: 0,
            limit: usize::try_from(limit).unwrap_or(usize::MAX).saturating_add(self.window.len()),
            place: Place::StreamEnd,
        };
        let stop = loop {
            match run.block() {
                Ok(()) => {}
                Err(Out::Of) => break Stop::End,
                Err(Out::Stop(stop)) => break stop,
            }
        };
        // Only at the very end of a byte is it between two blocks.
        let place = if run.bits.is_empty() && run.bit == 0 { run.place } else { Place::Within };
        let start = run.stream.max(run.made.len().saturating_sub(1 << 15));
        let window = run.made[start..].to_vec();
        (Inflated { data: run.made.split_off(self.window.len()), stop, window }, place)
    }
}

struct Run<'a> {
    /// What has not been read, from the byte on that has the next bit.
    bits: &'a [u8],
    /// Which bit of it is next.
    bit: u8,
    reach: usize,
    /// The window, and what the message has made behind it.
    made: Vec<u8>,
    /// Where in it the stream begins.
    stream: usize,
    /// How long it may get.
    limit: usize,
    place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    StreamEnd,
    /// Between two blocks of a stream.
    Boundary,
    Within,
}

enum Out {
    /// Nothing is left to read.
    Of,
    Stop(Stop),
}

impl Run<'_> {
    fn block(&mut self) -> Result<(), Out> {
        let is_last = self.read(1)? == 1;
        self.place = Place::Within;
        match self.read(2)? {
            0 => self.stored()?,
            1 => {
                let (literals, distances) = &*FIXED;
                self.symbols(literals, distances)?;
            }
            2 => {
                let (literals, distances) = self.codes()?;
                self.symbols(&literals, &distances)?;
            }
            _ => return fault("RFC 1951 §3.2.3 a reserved kind of block"),
        }
        self.place = Place::Boundary;
        if is_last {
            // RFC 7692 §7.2.3.4: what follows is another stream, which begins with a byte of its own.
            self.align();
            self.stream = self.made.len();
            self.place = Place::StreamEnd;
        }
        Ok(())
    }

    fn stored(&mut self) -> Result<(), Out> {
        self.align();
        let len = self.read(16)?;
        if len ^ self.read(16)? != 0xFFFF {
            return fault("RFC 1951 §3.2.4 the length of a block");
        }
        let (data, rest) = self.bits.split_at(self.bits.len().min(len as usize));
        self.bits = rest;
        self.put(data)?;
        if data.len() < len as usize { Err(Out::Of) } else { Ok(()) }
    }

    /// RFC 1951 §3.2.7
    fn codes(&mut self) -> Result<(Code, Code), Out> {
        let literal_count = self.read(5)? as usize + 257;
        let distance_count = self.read(5)? as usize + 1;
        let length_count = self.read(4)? as usize + 4;
        if literal_count > 286 || distance_count > 30 {
            return fault("RFC 1951 §3.2.7 too many codes");
        }
        let mut lengths = [0; 19];
        for place in &ORDER[..length_count] {
            lengths[*place] = self.read(3)? as u8;
        }
        let code = Code::new(&lengths);
        if lengths == [0; 19] {
            return late_fault("RFC 1951 §3.2.7 no code for the lengths");
        }
        if code.free != 0 {
            return fault("RFC 1951 §3.2.7 a code for the lengths");
        }
        let mut lengths: Vec<u8> = Vec::new();
        while lengths.len() < literal_count + distance_count {
            let (len, count) = match self.symbol(&code)? {
                16 => match lengths.last() {
                    // zlib reads how often, first.
                    None => return late_fault("RFC 1951 §3.2.7 no length to repeat"),
                    Some(&len) => (len, 3 + self.read(2)?),
                },
                17 => (0, 3 + self.read(3)?),
                18 => (0, 11 + self.read(7)?),
                len => (len as u8, 1),
            };
            lengths.extend(vec![len; count as usize]);
        }
        if lengths.len() > literal_count + distance_count {
            return fault("RFC 1951 §3.2.7 too many lengths");
        }
        let (of_literals, of_distances) = lengths.split_at(literal_count);
        if of_literals[256] == 0 {
            // miniz_oxide reads on for the end that never comes.
            return late_fault("RFC 1951 §3.2.3 no end of the block");
        }
        let (literals, distances) = (Code::new(of_literals), Code::new(of_distances));
        for (code, lengths) in [(&literals, of_literals), (&distances, of_distances)] {
            if code.free != 0 && (code.free < 0 || lengths.iter().any(|len| *len > 1)) {
                return fault("RFC 1951 §3.2.2 a code");
            }
        }
        Ok((literals, distances))
    }

    fn symbols(&mut self, literals: &Code, distances: &Code) -> Result<(), Out> {
        loop {
            let symbol = self.symbol(literals)?;
            match symbol {
                0..=255 => self.put(&[symbol as u8])?,
                256 => return Ok(()),
                257..=285 => {
                    let symbol = usize::from(symbol) - 257;
                    let len = u32::from(LENGTHS[symbol]) + self.read(LENGTH_BITS[symbol].into())?;
                    let symbol = usize::from(self.symbol(distances)?);
                    let Some(base) = DISTANCES.get(symbol) else {
                        return fault("RFC 1951 §3.2.5 a distance that is reserved");
                    };
                    let more = self.read(DISTANCE_BITS[symbol].into())?;
                    let distance = usize::from(*base) + more as usize;
                    if distance > self.reach.min(self.made.len() - self.stream) {
                        return fault("RFC 1951 §2 a distance beyond what there is");
                    }
                    let (from, len) = (self.made.len() - distance, len as usize);
                    let again =
                        self.made[from..][..distance.min(len)].repeat(len.div_ceil(distance));
                    self.put(&again[..len])?;
                }
                _ => return fault("RFC 1951 §3.2.5 a length that is reserved"),
            }
        }
    }

    fn symbol(&mut self, code: &Code) -> Result<u16, Out> {
        let (bits, count) = self.look();
        let (mut word, mut first, mut before) = (0, 0, 0);
        // One word, or none, is known by its only bit.
        let longest = if code.symbols.len() < 2 { 1 } else { 15 };
        for len in 1..=longest {
            word = word << 1 | bits >> (len - 1) & 1;
            let words = u32::from(code.counts[len as usize]);
            if word < first + words || len > count {
                self.skip(len)?;
                return Ok(code.symbols[(before + word - first) as usize]);
            }
            before += words;
            first = (first + words) << 1;
        }
        self.skip(longest)?;
        fault("RFC 1951 §3.2.2 no word of the code")
    }

    fn put(&mut self, data: &[u8]) -> Result<(), Out> {
        let room = self.limit - self.made.len();
        self.made.extend_from_slice(&data[..data.len().min(room)]);
        if data.len() > room { Err(Out::Stop(Stop::Limit)) } else { Ok(()) }
    }

    fn align(&mut self) {
        if self.bit > 0 {
            self.bits = &self.bits[1..];
            self.bit = 0;
        }
    }

    fn read(&mut self, count: u32) -> Result<u32, Out> {
        let (bits, _) = self.look();
        self.skip(count)?;
        Ok(bits & ((1 << count) - 1))
    }

    /// Returns the next bits, and how many there are, if those are not enough for anything.
    fn look(&self) -> (u32, u32) {
        let mut bytes = [0; 4];
        let count = self.bits.len().min(4);
        bytes[..count].copy_from_slice(&self.bits[..count]);
        let bit = u32::from(self.bit);
        (u32::from_le_bytes(bytes) >> bit, (8 * count as u32).saturating_sub(bit))
    }

    fn skip(&mut self, count: u32) -> Result<(), Out> {
        let end = u32::from(self.bit) + count;
        let bytes = (end / 8) as usize;
        if 8 * self.bits.len() < end as usize {
            self.bits = &[];
            return Err(Out::Of);
        }
        self.bits = &self.bits[bytes..];
        self.bit = (end % 8) as u8;
        Ok(())
    }
}

/// A Huffman code (RFC 1951 §3.2.2).
struct Code {
    /// How many words there are of each length.
    counts: [u16; 16],
    /// By their words, the shorter ones first.
    symbols: Vec<u16>,
    /// What is left of the room for words of 15 bits.
    free: i32,
}

impl Code {
    fn new(lengths: &[u8]) -> Self {
        let mut counts = [0; 16];
        let mut free = 1 << 15;
        let mut symbols: Vec<u16> = Vec::new();
        for (symbol, len) in lengths.iter().enumerate().filter(|(_, len)| **len > 0) {
            counts[usize::from(*len)] += 1;
            symbols.push(symbol as u16);
            free -= 1 << (15 - len);
        }
        symbols.sort_by_key(|symbol| lengths[usize::from(*symbol)]);
        Code { counts, symbols, free }
    }
}

/// RFC 1951 §3.2.6
static FIXED: LazyLock<(Code, Code)> = LazyLock::new(|| {
    let lengths = [(144, 8), (112, 9), (24, 7), (8, 8)];
    let lengths = lengths.iter().flat_map(|&(count, len)| vec![len; count]);
    (Code::new(&lengths.collect::<Vec<u8>>()), Code::new(&[5; 32]))
});

fn fault<T>(rule: &'static str) -> Result<T, Out> {
    Err(Out::Stop(Stop::Fault(rule)))
}

fn late_fault<T>(rule: &'static str) -> Result<T, Out> {
    Err(Out::Stop(Stop::LateFault(rule)))
}

/// What a sender takes off the end of a message (RFC 7692 §7.2.1).
pub const TAIL: [u8; 4] = [0x00, 0x00, 0xFF, 0xFF];

/// RFC 1951 §3.2.7
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// RFC 1951 §3.2.5: the least length, and the number of bits that say how much more; and the same of distances.
const LENGTHS: [u16; 29] = [
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
    163, 195, 227, 258,
];
const LENGTH_BITS: [u8; 29] =
    [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCES: [u16; 30] = [
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537,
    2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577,
];
const DISTANCE_BITS: [u8; 30] = [
    0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13,
    13,
];
