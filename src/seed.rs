//! What is not predictable: the nonce of the opening handshake and the masking keys (RFC 6455 §4.1, §5.3, §10.3), drawn
//! from one seed of the caller's by SipHash-2-4, a keyed pseudo-random function, over a counter.

/// A client's source of masking keys.
///
/// §10.3: "Clients MUST choose a new masking key for each frame, using an algorithm that cannot be predicted by end
/// applications that provide data." Keys seen on the wire tell nothing about those to come without the seed. There is
/// no `Clone`: two copies would use the same keys.
pub(crate) struct MaskingKeys {
    prf: SipHash,
    /// The number of keys drawn, two for each output of the function; in bytes, which need no alignment.
    drawn: [u8; 8],
    /// The second half of the last output.
    spare: [u8; 4],
}

impl MaskingKeys {
    pub(crate) fn new(seed: &[u8; 32]) -> Self {
        Self { prf: SipHash::new(halves(seed).0), drawn: [0; 8], spare: [0; 4] }
    }

    #[inline]
    pub(crate) fn next_key(&mut self) -> [u8; 4] {
        let drawn = u64::from_le_bytes(self.drawn);
        self.drawn = drawn.wrapping_add(1).to_le_bytes();
        let key =
            if drawn % 2 == 1 { u32::from_le_bytes(self.spare) } else { self.draw(drawn / 2) };
        key.to_le_bytes()
    }

    /// Draws two keys, and keeps the second.
    #[inline(never)]
    fn draw(&mut self, number: u64) -> u32 {
        // With their length behind them, seven bytes are a single word to the function; eight would be two. All of
        // it is kept, fewer rounds are not enough: every key is seen on the wire, in a hash table none is.
        let [message @ .., _] = number.to_le_bytes();
        let [a, b, c, d, spare @ ..] = self.prf.hash(&message).to_le_bytes();
        self.spare = spare;
        u32::from_le_bytes([a, b, c, d])
    }
}

impl core::fmt::Debug for MaskingKeys {
    /// Leaves the key material out.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("MaskingKeys").finish_non_exhaustive()
    }
}

/// What a client's opening handshake draws from the seed; the half of it that the masking keys do not use.
pub(crate) struct HandshakeSecret {
    prf: SipHash,
}

impl HandshakeSecret {
    pub(crate) fn new(seed: &[u8; 32]) -> Self {
        Self { prf: SipHash::new(halves(seed).1) }
    }

    /// Returns the nonce of which `Sec-WebSocket-Key` is made.
    ///
    /// §4.1: "The nonce MUST be selected randomly for each connection."
    pub(crate) fn nonce(&self) -> [u8; 16] {
        let low = u128::from(self.prf.hash(b"nonce 0"));
        let high = u128::from(self.prf.hash(b"nonce 1"));
        (low | (high << 64)).to_le_bytes()
    }

    /// Returns a number that stands for `text`; nobody without the seed can find another text with the same.
    pub(crate) fn fingerprint(&self, text: &[u8]) -> u64 {
        self.prf.hash(text)
    }
}

impl core::fmt::Debug for HandshakeSecret {
    /// Leaves the key material out.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("HandshakeSecret").finish_non_exhaustive()
    }
}

/// SipHash-2-4 (Aumasson and Bernstein, 2012) under a key of 128 bits.
#[derive(Clone, Copy)]
struct SipHash {
    key: [u8; 16],
}

impl SipHash {
    fn new(key: &[u8]) -> Self {
        Self { key: key.first_chunk().copied().unwrap_or_default() }
    }

    #[inline]
    fn hash(self, data: &[u8]) -> u64 {
        let word = |bytes: Option<&[u8; 8]>| bytes.map_or(0, |word| u64::from_le_bytes(*word));
        let (k0, k1) = (word(self.key.first_chunk()), word(self.key.last_chunk()));
        let mut v = [
            k0 ^ 0x736f_6d65_7073_6575,
            k1 ^ 0x646f_7261_6e64_6f6d,
            k0 ^ 0x6c79_6765_6e65_7261,
            k1 ^ 0x7465_6462_7974_6573,
        ];
        let mut words = data.chunks_exact(8);
        for word in &mut words {
            if let Ok(word) = word.try_into() {
                absorb(&mut v, u64::from_le_bytes(word));
            }
        }
        let mut last = [0; 8];
        for (to, from) in last.iter_mut().zip(words.remainder()) {
            *to = *from;
        }
        let [.., length] = &mut last;
        let [low, ..] = data.len().to_le_bytes();
        *length = low;
        absorb(&mut v, u64::from_le_bytes(last));
        v[2] ^= 0xff;
        for _ in 0..4 {
            round(&mut v);
        }
        v[0] ^ v[1] ^ v[2] ^ v[3]
    }
}

fn absorb(v: &mut [u64; 4], word: u64) {
    v[3] ^= word;
    round(v);
    round(v);
    v[0] ^= word;
}

fn round(v: &mut [u64; 4]) {
    v[0] = v[0].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(13) ^ v[0];
    v[0] = v[0].rotate_left(32);
    v[2] = v[2].wrapping_add(v[3]);
    v[3] = v[3].rotate_left(16) ^ v[2];
    v[0] = v[0].wrapping_add(v[3]);
    v[3] = v[3].rotate_left(21) ^ v[0];
    v[2] = v[2].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(17) ^ v[2];
    v[2] = v[2].rotate_left(32);
}

fn halves(seed: &[u8; 32]) -> (&[u8], &[u8]) {
    seed.split_at(16)
}

#[cfg(test)]
mod tests {
    use super::{HandshakeSecret, MaskingKeys, SipHash};

    const SEED: [u8; 32] = [
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24,
        25, 26, 27, 28, 29, 30, 31,
    ];

    /// The vectors of the reference implementation: key 00 01 .. 0f, message 00 01 .. of each length.
    #[test]
    fn siphash_equals_the_published_vectors() {
        let prf = SipHash::new(&SEED);
        let message: [u8; 16] = core::array::from_fn(|i| i as u8);
        for (len, expected) in [
            (0, 0x726f_db47_dd0e_0e31),
            (1, 0x74f8_39c5_93dc_67fd),
            (7, 0xab02_00f5_8b01_d137),
            (8, 0x93f5_f579_9a93_2462),
            (15, 0xa129_ca61_49be_45e5),
        ] {
            assert_eq!(prf.hash(&message[..len]), expected, "length {len}");
        }
    }

    /// The vector of the reference implementation for seven bytes, which are the number of the draw.
    #[test]
    fn masking_keys_are_the_halves_of_each_draw() {
        let mut keys = MaskingKeys::new(&SEED);
        keys.drawn = (2 * 0x0006_0504_0302_0100_u64).to_le_bytes();
        assert_eq!(keys.next_key(), 0x8b01_d137_u32.to_le_bytes());
        assert_eq!(keys.next_key(), 0xab02_00f5_u32.to_le_bytes());
    }

    #[test]
    fn equal_seeds_give_equal_keys_and_each_frame_another() {
        let mut one = MaskingKeys::new(&SEED);
        let mut two = MaskingKeys::new(&SEED);
        let keys: Vec<_> = (0..1000).map(|_| one.next_key()).collect();
        let again: Vec<_> = (0..1000).map(|_| two.next_key()).collect();
        assert_eq!(keys, again);
        let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
        // Among 1000 draws out of 2^32, two are equal with a probability of about 1 in 8600.
        assert_eq!(distinct.len(), keys.len());
    }

    #[test]
    fn both_halves_of_the_seed_matter() {
        let mut other = SEED;
        other[31] ^= 1;
        assert_ne!(HandshakeSecret::new(&SEED).nonce(), HandshakeSecret::new(&other).nonce());
        other = SEED;
        other[0] ^= 1;
        assert_ne!(MaskingKeys::new(&SEED).next_key(), MaskingKeys::new(&other).next_key());
    }

    /// §4.1: "a randomly selected 16-byte value". Each bit of its half of the seed goes into both words.
    #[test]
    fn all_of_the_nonce_is_drawn_from_the_seed() {
        let words = |seed: &[u8; 32]| -> [[u8; 4]; 4] {
            let nonce = HandshakeSecret::new(seed).nonce();
            core::array::from_fn(|word| nonce[4 * word..][..4].try_into().unwrap())
        };
        let first = words(&SEED);
        for bit in 128..256 {
            let mut other = SEED;
            other[bit / 8] ^= 1 << (bit % 8);
            let second = words(&other);
            for word in 0..4 {
                assert_ne!(first[word], second[word], "word {word} without bit {bit}");
            }
        }
    }

    #[test]
    fn each_text_and_seed_has_a_fingerprint_of_its_own() {
        let texts = ["", "chat", "Chat", "chat\0", "superchat", "a text of sixteen", "nonce 0"];
        let seeds = [SEED, [7; 32]];
        let all = seeds.iter().flat_map(|seed| {
            texts.map(|text| HandshakeSecret::new(seed).fingerprint(text.as_bytes()))
        });
        let distinct: std::collections::BTreeSet<_> = all.collect();
        assert_eq!(distinct.len(), seeds.len() * texts.len());
    }

    #[test]
    fn debug_output_holds_no_key_material_111() {
        let text = format!("{:?} {:?}", MaskingKeys::new(&SEED), HandshakeSecret::new(&SEED));
        assert_eq!(text, "MaskingKeys { .. } HandshakeSecret { .. }");
    }
}
