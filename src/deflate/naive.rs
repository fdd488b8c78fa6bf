//! For tests: streams of DEFLATE made bit by bit, and an inflater that is too simple to be wrong (RFC 1951).
#![cfg(test)]
#![allow(
    dead_code,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "each test uses a part of this, and a test may panic"
)]

/// What is not DEFLATE, by its name, and how it is put behind blocks that are.
pub(crate) type BadStream = (&'static str, fn(&mut Bits) -> &mut Bits);

/// Each can be told as soon as a few more bytes have come.
pub(crate) const BAD_STREAMS: [BadStream; 15] = [
    ("block type 3", |bits| bits.bits(0b110, 3)),
    ("block type 3, final", |bits| bits.bits(0b111, 3)),
    ("length of a stored block", |bits| bits.stored_header(false).raw(&[0x05, 0x00, 0xFA, 0xFE])),
    ("length code 286", |bits| bits.fixed(false).code(0b1100_0110, 8)),
    ("length code 287", |bits| bits.fixed(false).code(0b1100_0111, 8)),
    ("distance code 30", |bits| bits.fixed(false).literals(b"abcd").code(1, 7).code(30, 5)),
    ("distance code 31", |bits| bits.fixed(false).literals(b"abcd").code(1, 7).code(31, 5)),
    ("too many length codes", |bits| bits.dynamic_counts(287, 1, 4)),
    ("too many distance codes", |bits| bits.dynamic_counts(257, 31, 4)),
    ("code lengths over-subscribed", |bits| {
        bits.dynamic_counts(257, 1, 4).bits(1, 3).bits(1, 3).bits(1, 3).bits(1, 3)
    }),
    ("code lengths incomplete", |bits| {
        bits.dynamic_counts(257, 1, 4).bits(2, 3).bits(2, 3).bits(2, 3).bits(0, 3)
    }),
    ("a repetition of nothing", |bits| {
        // Codes of one bit for 16 (repeat the last) and 17.
        bits.dynamic_counts(257, 1, 4).bits(1, 3).bits(1, 3).bits(0, 3).bits(0, 3).code(0, 1)
    }),
    ("a repetition beyond the end", |bits| {
        // Codes of one bit for 17 and 18 (138 zeros).
        bits.dynamic_counts(257, 1, 4).bits(0, 3).bits(1, 3).bits(1, 3).bits(0, 3);
        bits.code(1, 1).bits(127, 7).code(1, 1).bits(127, 7)
    }),
    ("literals over-subscribed", |bits| bits.dynamic(&[(97, 1), (98, 1), (256, 1)])),
    ("literals incomplete", |bits| bits.dynamic(&[(97, 2), (98, 2), (256, 2)])),
];

/// A stream of DEFLATE, bit by bit (RFC 1951 §3.1.1).
pub(crate) struct Bits {
    pub(crate) bytes: Vec<u8>,
    /// How many bits of the last byte are taken, 1 to 8.
    taken: usize,
}

/// Codes of the literals a and b, of the end of the block, and of the length 3: of two bits each, in this order.
pub(crate) const FOUR_CODES: [(usize, usize); 4] = [(97, 2), (98, 2), (256, 2), (257, 2)];

impl Bits {
    pub(crate) fn new() -> Self {
        Self { bytes: Vec::new(), taken: 8 }
    }

    /// A number, its lowest bit first.
    pub(crate) fn bits(&mut self, value: usize, len: usize) -> &mut Self {
        for index in 0..len {
            self.bit(value >> index & 1);
        }
        self
    }

    /// A Huffman code, its highest bit first.
    pub(crate) fn code(&mut self, code: usize, len: usize) -> &mut Self {
        for index in (0..len).rev() {
            self.bit(code >> index & 1);
        }
        self
    }

    pub(crate) fn bit(&mut self, bit: usize) {
        if self.taken == 8 {
            self.bytes.push(0);
            self.taken = 0;
        }
        *self.bytes.last_mut().unwrap() |= u8::try_from(bit).unwrap() << self.taken;
        self.taken += 1;
    }

    /// Zeros by the hundred thousand.
    pub(crate) fn zeros(&mut self, len: usize) -> &mut Self {
        let all = self.bytes.len() * 8 + self.taken + len - 8;
        self.bytes.resize(all.div_ceil(8), 0);
        self.taken = (all - 1) % 8 + 1;
        self
    }

    pub(crate) fn align(&mut self) -> &mut Self {
        self.taken = 8;
        self
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend(bytes);
        self
    }

    pub(crate) fn stored_header(&mut self, is_final: bool) -> &mut Self {
        self.bits(usize::from(is_final), 3).align()
    }

    pub(crate) fn stored(&mut self, is_final: bool, data: &[u8]) -> &mut Self {
        let len = u16::try_from(data.len()).unwrap();
        self.stored_header(is_final);
        self.raw(&len.to_le_bytes()).raw(&(!len).to_le_bytes()).raw(data)
    }

    pub(crate) fn fixed(&mut self, is_final: bool) -> &mut Self {
        self.bits(0b010 | usize::from(is_final), 3)
    }

    /// With the fixed codes (§3.2.6).
    pub(crate) fn literals(&mut self, text: &[u8]) -> &mut Self {
        for &byte in text {
            match byte {
                0..=143 => self.code(0b0011_0000 + usize::from(byte), 8),
                144..=255 => self.code(0b1_1001_0000 + usize::from(byte) - 144, 9),
            };
        }
        self
    }

    /// With the fixed codes (§3.2.5).
    pub(crate) fn copy(&mut self, len: usize, distance: usize) -> &mut Self {
        let (symbol, base, extra) = symbol(&LENGTHS, len);
        match symbol + 257 {
            symbol @ ..=279 => self.code(symbol - 256, 7),
            symbol => self.code(0b1100_0000 + symbol - 280, 8),
        };
        self.bits(len - base, extra);
        let (symbol, base, extra) = symbol_of_distance(distance);
        self.code(symbol, 5).bits(distance - base, extra)
    }

    /// The end of a block with the fixed codes.
    pub(crate) fn end(&mut self) -> &mut Self {
        self.code(0, 7)
    }

    pub(crate) fn dynamic_counts(
        &mut self,
        lengths: usize,
        distances: usize,
        code_lengths: usize,
    ) -> &mut Self {
        self.bits(0b100, 3).bits(lengths - 257, 5).bits(distances - 1, 5).bits(code_lengths - 4, 4)
    }

    /// A block with codes of these lengths, and the distance 1 as the only one: of one bit (§3.2.7).
    pub(crate) fn dynamic(&mut self, codes: &[(usize, usize)]) -> &mut Self {
        let lengths = codes.iter().map(|code| code.0 + 1).max().unwrap().max(258);
        self.dynamic_counts(lengths, 1, 18);
        // Codes of two bits for the code lengths 0, 1, 2 and 18, in the order 16, 17, 18, 0, 8, 7, 9, ...
        for symbol in [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1] {
            self.bits(if matches!(symbol, 0 | 1 | 2 | 18) { 2 } else { 0 }, 3);
        }
        for symbol in 0..lengths {
            let len = codes.iter().find(|code| code.0 == symbol).map_or(0, |code| code.1);
            self.code(len, 2);
        }
        self.code(1, 2)
    }

    /// A block with codes of its own: a byte, and then 258 of it for every two bits.
    pub(crate) fn repeat(&mut self, byte: u8, copies: usize) -> &mut Self {
        self.dynamic(&[(byte.into(), 2), (256, 2), (285, 1)]);
        self.code(0b10, 2).zeros(2 * copies)
    }

    /// Ends it with this many literals of the byte.
    pub(crate) fn end_of_repeat(&mut self, literals: usize) -> &mut Self {
        for _ in 0..literals {
            self.code(0b10, 2);
        }
        self.code(0b11, 2)
    }

    /// With `FOUR_CODES`: a, b, a copy of the last three bytes' first (`<a>`), the end (`.`).
    pub(crate) fn dynamic_symbols(&mut self, symbols: &str) -> &mut Self {
        for symbol in symbols.replace("<a>", "a<").chars() {
            match symbol {
                'a' => self.code(0, 2),
                'b' => self.code(1, 2),
                '.' => self.code(2, 2),
                _ => self.code(3, 2).code(0, 1),
            };
        }
        self
    }
}

/// The least of each code, and how many extra bits it has (§3.2.5).
#[rustfmt::skip]
pub(crate) const LENGTHS: [(usize, usize); 29] = [
(3, 0), (4, 0), (5, 0), (6, 0), (7, 0), (8, 0), (9, 0), (10, 0), (11, 1), (13, 1),
(15, 1), (17, 1), (19, 2), (23, 2), (27, 2), (31, 2), (35, 3), (43, 3), (51, 3), (59, 3),
(67, 4), (83, 4), (99, 4), (115, 4), (131, 5), (163, 5), (195, 5), (227, 5), (258, 0),
];
#[rustfmt::skip]
pub(crate) const DISTANCES: [(usize, usize); 30] = [
(1, 0), (2, 0), (3, 0), (4, 0), (5, 1), (7, 1), (9, 2), (13, 2), (17, 3), (25, 3),
(33, 4), (49, 4), (65, 5), (97, 5), (129, 6), (193, 6), (257, 7), (385, 7), (513, 8), (769, 8),
(1025, 9), (1537, 9), (2049, 10), (3073, 10), (4097, 11), (6145, 11), (8193, 12), (12289, 12), (16385, 13), (24577, 13),
];

pub(crate) fn symbol(table: &[(usize, usize)], value: usize) -> (usize, usize, usize) {
    let symbol = table.iter().rposition(|(base, _)| *base <= value).unwrap();
    (symbol, table[symbol].0, table[symbol].1)
}

pub(crate) fn symbol_of_distance(distance: usize) -> (usize, usize, usize) {
    symbol(&DISTANCES, distance)
}

/// An inflater that goes bit by bit, and refuses what the window does not cover.
pub(crate) struct Naive {
    pub(crate) window: usize,
    pub(crate) made: Vec<u8>,
}

pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    pub(crate) fn bits(&mut self, len: usize) -> Option<usize> {
        let mut value = 0;
        for index in 0..len {
            let byte = self.bytes.get(self.at / 8)?;
            value |= usize::from(byte >> (self.at % 8) & 1) << index;
            self.at += 1;
        }
        Some(value)
    }

    /// The symbol whose canonical code comes next (§3.2.2).
    pub(crate) fn symbol(&mut self, codes: &Codes) -> Option<usize> {
        let (mut code, mut first) = (0, 0);
        for symbols in &codes.0 {
            code = code << 1 | self.bits(1)?;
            if let Some(symbol) = symbols.get(code - first) {
                return Some(*symbol);
            }
            first = (first + symbols.len()) << 1;
        }
        None
    }
}

/// The symbols by the length of their codes, in order.
pub(crate) struct Codes(Vec<Vec<usize>>);

impl Codes {
    pub(crate) fn new(lengths: &[usize]) -> Self {
        let of = |len| (0..lengths.len()).filter(|symbol| lengths[*symbol] == len).collect();
        Self((1..=15).map(of).collect())
    }
}

impl Naive {
    /// What one message makes; there must be nothing but whole blocks, none of them the last.
    pub(crate) fn inflate(&mut self, stream: &[u8]) -> Option<&[u8]> {
        let start = self.made.len();
        let mut reader = Reader { bytes: stream, at: 0 };
        while reader.at < 8 * stream.len() {
            if reader.bits(1)? == 1 {
                return None;
            }
            match reader.bits(2)? {
                0 => {
                    reader.at = reader.at.next_multiple_of(8);
                    let (len, complement) = (reader.bits(16)?, reader.bits(16)?);
                    if len != !complement & 0xFFFF {
                        return None;
                    }
                    for _ in 0..len {
                        self.made.push(u8::try_from(reader.bits(8)?).ok()?);
                    }
                }
                1 => {
                    let mut lengths = vec![8; 288];
                    lengths[144..256].fill(9);
                    lengths[256..280].fill(7);
                    self.block(&mut reader, &lengths, &[5; 30])?;
                }
                2 => {
                    let counts = (reader.bits(5)? + 257, reader.bits(5)? + 1, reader.bits(4)? + 4);
                    let mut code_lengths = vec![0; 19];
                    let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
                    for &symbol in order.iter().take(counts.2) {
                        code_lengths[symbol] = reader.bits(3)?;
                    }
                    let code_lengths = Codes::new(&code_lengths);
                    let mut lengths = Vec::new();
                    while lengths.len() < counts.0 + counts.1 {
                        let (len, times) = match reader.symbol(&code_lengths)? {
                            16 => (*lengths.last()?, 3 + reader.bits(2)?),
                            17 => (0, 3 + reader.bits(3)?),
                            18 => (0, 11 + reader.bits(7)?),
                            len => (len, 1),
                        };
                        lengths.extend(core::iter::repeat_n(len, times));
                    }
                    let (lengths, distances) = lengths.split_at(counts.0);
                    self.block(&mut reader, lengths, distances)?;
                }
                _ => return None,
            }
        }
        Some(&self.made[start..])
    }

    pub(crate) fn block(
        &mut self,
        reader: &mut Reader<'_>,
        lengths: &[usize],
        distances: &[usize],
    ) -> Option<()> {
        let (lengths, distances) = (Codes::new(lengths), Codes::new(distances));
        loop {
            match reader.symbol(&lengths)? {
                256 => return Some(()),
                symbol @ ..256 => self.made.push(u8::try_from(symbol).ok()?),
                symbol => {
                    let (base, extra) = *LENGTHS.get(symbol - 257)?;
                    let len = base + reader.bits(extra)?;
                    let (base, extra) = *DISTANCES.get(reader.symbol(&distances)?)?;
                    let distance = base + reader.bits(extra)?;
                    if distance > self.window {
                        return None;
                    }
                    for _ in 0..len {
                        self.made.push(*self.made.get(self.made.len().checked_sub(distance)?)?);
                    }
                }
            }
        }
    }
}

/// Bytes without a pattern, always the same.
pub(crate) fn noise(len: usize) -> Vec<u8> {
    let mut state = 42;
    (0..len).map(|_| next(&mut state).to_le_bytes()[4]).collect()
}

/// The next number of a generator that needs no other quality (xorshift).
pub(crate) fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}
