//! Masking (RFC 6455 §5.3): the payload of a client's frames, combined with a key of four bytes.

#[cfg(feature = "alloc")]
use core::slice::ChunksExact;

/// A masking key at a phase: how far the payload that it masks has come.
///
/// Masking and unmasking are the same.
///
/// # Examples
///
/// The masked "Hello" of RFC 6455 §5.7, in two pieces:
///
/// ```
/// use websocket_proto::Mask;
///
/// let mut payload = [0x7f, 0x9f, 0x4d, 0x51, 0x58];
/// let mut mask = Mask::new([0x37, 0xfa, 0x21, 0x3d]);
/// let (one, two) = payload.split_at_mut(3);
/// mask.apply(one);
/// mask.apply(two);
/// assert_eq!(&payload, b"Hello");
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Mask {
    /// The key as it lies in memory, turned so that its first byte is for the payload's next.
    key: u32,
}

impl Mask {
    /// Makes a mask for the start of a payload.
    #[must_use]
    pub const fn new(key: [u8; 4]) -> Self {
        Self { key: u32::from_ne_bytes(key) }
    }

    /// The key that changes nothing: no mask at all.
    pub(crate) const NONE: Self = Self { key: 0 };

    /// Masks or unmasks the next bytes of the payload in place.
    #[inline]
    pub fn apply(&mut self, payload: &mut [u8]) {
        if *self == Self::NONE {
            return;
        }
        self.apply_last(payload);
        *self = self.turned(payload.len());
    }

    /// Masks or unmasks the last bytes of the payload.
    #[inline]
    pub(crate) fn apply_last(self, payload: &mut [u8]) {
        self.apply_and_look::<false>(payload);
    }

    /// Does the same for a text. Tells whether it is ASCII now, as far as it is short: the bytes are at hand here, and
    /// reading back what was just written is slow.
    #[inline]
    pub(crate) fn apply_last_to_text(self, payload: &mut [u8]) -> bool {
        self.apply_and_look::<true>(payload)
    }

    #[inline]
    fn apply_and_look<const LOOK: bool>(self, payload: &mut [u8]) -> bool {
        if cfg!(all(target_os = "none", target_pointer_width = "32")) {
            return self.apply_to_words::<LOOK>(payload);
        }
        // §5.3: "Octet i of the transformed data is the XOR of octet i of the original data with octet at index
        // i modulo 4 of the masking key"
        match payload.len() {
            0..=3 => {
                for (byte, key) in payload.iter_mut().zip(self.key.to_ne_bytes()) {
                    *byte ^= key;
                }
                LOOK && payload.is_ascii()
            }
            4..=7 => self.apply_to_ends::<4, LOOK>(payload),
            8..=15 => self.apply_to_ends::<8, LOOK>(payload),
            16..=31 => self.apply_to_ends::<16, LOOK>(payload),
            32..=63 => self.apply_to_ends::<32, LOOK>(payload),
            64..=128 => self.apply_to_ends::<64, LOOK>(payload),
            129.. => {
                self.apply_to_long(payload);
                false
            }
        }
    }

    /// Masks word by word: a microcontroller has no wider ones, and 2 KB of flash are worth more.
    fn apply_to_words<const LOOK: bool>(self, payload: &mut [u8]) -> bool {
        let mut seen = 0;
        let mut words = payload.chunks_exact_mut(4);
        for word in &mut words {
            if let Ok(word) = <&mut [u8; 4]>::try_from(word) {
                *word = (u32::from_ne_bytes(*word) ^ self.key).to_ne_bytes();
                seen |= u32::from_ne_bytes(*word);
            }
        }
        for (byte, key) in words.into_remainder().iter_mut().zip(self.key.to_ne_bytes()) {
            *byte ^= key;
            seen |= u32::from(*byte);
        }
        LOOK && seen & 0x8080_8080 == 0
    }

    /// Masks `N` to `2 * N` bytes.
    #[inline]
    fn apply_to_ends<const N: usize, const LOOK: bool>(self, payload: &mut [u8]) -> bool {
        let Some((first, last)) = self.masked_ends::<N>(payload) else { return false };
        if let Some(place) = payload.first_chunk_mut() {
            *place = first;
        }
        if let Some(place) = payload.last_chunk_mut() {
            *place = last;
        }
        LOOK && first.is_ascii() & last.is_ascii()
    }

    /// Masks copies of the first `N` bytes and of the last, which may overlap.
    #[inline]
    pub(crate) fn masked_ends<const N: usize>(self, payload: &[u8]) -> Option<([u8; N], [u8; N])> {
        let turned = self.turned(payload.len().saturating_sub(N));
        Some((self.masked(*payload.first_chunk()?), turned.masked(*payload.last_chunk()?)))
    }

    /// Masks blocks that are aligned, and what lies before and behind them as [`apply_to_ends`](Self::apply_to_ends)
    /// does.
    #[inline(never)]
    fn apply_to_long(self, payload: &mut [u8]) {
        const BLOCK: usize = 32;
        let (Some(&first), Some(&last)) = (payload.first_chunk(), payload.last_chunk()) else {
            return;
        };
        // What is aligned is only faster: an offset that is none counts as none.
        let offset = Some(payload.as_ptr().align_offset(BLOCK)).filter(|&offset| offset < BLOCK);
        let start = offset.unwrap_or(0);
        let turned = self.turned(start);
        let blocks = payload.get_mut(start..).unwrap_or_default().chunks_exact_mut(BLOCK);
        for block in blocks {
            if let Ok(block) = <&mut [u8; BLOCK]>::try_from(block) {
                *block = turned.masked(*block);
            }
        }
        let last = self.turned(payload.len().saturating_sub(BLOCK)).masked(last);
        if let Some(place) = payload.first_chunk_mut::<BLOCK>() {
            *place = self.masked(first);
        }
        if let Some(place) = payload.last_chunk_mut::<BLOCK>() {
            *place = last;
        }
    }

    #[inline]
    fn masked<const N: usize>(self, mut block: [u8; N]) -> [u8; N] {
        for piece in block.chunks_exact_mut(4) {
            if let Ok(piece) = <&mut [u8; 4]>::try_from(piece) {
                *piece = (u32::from_ne_bytes(*piece) ^ self.key).to_ne_bytes();
            }
        }
        block
    }

    /// Masks copies of words.
    #[cfg(feature = "alloc")]
    pub(crate) fn masked_words(self, words: ChunksExact<'_, u8>) -> impl Iterator<Item = u8> {
        words.flat_map(move |word| match word.try_into() {
            Ok(word) => self.masked::<4>(word),
            Err(_) => [0; 4],
        })
    }

    /// Turns the key by `bytes` modulo 4.
    pub(crate) const fn turned(self, bytes: usize) -> Self {
        let bits = match bytes % 4 {
            0 => 0,
            1 => 8,
            2 => 16,
            _ => 24,
        };
        let key = if cfg!(target_endian = "little") {
            self.key.rotate_right(bits)
        } else {
            self.key.rotate_left(bits)
        };
        Self { key }
    }
}

impl core::fmt::Debug for Mask {
    /// Leaves the key out.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Mask").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::Mask;

    const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

    fn naive(payload: &mut [u8], offset: usize) {
        for (i, byte) in payload.iter_mut().enumerate() {
            *byte ^= KEY[(i + offset) % 4];
        }
    }

    #[test]
    fn words_equal_the_naive_loop() {
        for len in 0..40 {
            for high in (0..len).map(Some).chain([None]) {
                let mut payload = vec![b'a'; len];
                if let Some(high) = high {
                    payload[high] |= 0x80;
                }
                let plain = payload.clone();
                naive(&mut payload, 0);
                let is_ascii = Mask::new(KEY).apply_to_words::<true>(&mut payload);
                assert_eq!((is_ascii, payload), (high.is_none(), plain));
            }
        }
        assert!(!Mask::new(KEY).apply_to_words::<false>(&mut []));
    }

    #[test]
    fn any_length_at_any_phase_equals_the_naive_loop() {
        let plain: Vec<u8> = (0..1100).map(|i| (i * 7 % 251) as u8).collect();
        for start in 0..64 {
            for len in (0..=130).chain([255, 256, 257, 1000, 1024]) {
                let mut expected = plain[start..start + len].to_vec();
                naive(&mut expected, start);
                let mut actual = plain[start..start + len].to_vec();
                let mut mask = Mask::new(KEY);
                mask = mask.turned(start);
                mask.apply(&mut actual);
                assert_eq!(actual, expected, "start {start}, len {len}");
                assert_eq!(mask, Mask::new(KEY).turned(start + len));
            }
        }
    }

    #[test]
    fn short_texts_are_told_from_ascii_by_any_byte() {
        for len in 0..=129 {
            for odd in 0..=len {
                let mut expected = vec![b'~'; len];
                if let Some(byte) = expected.get_mut(odd) {
                    *byte = 0x80;
                }
                let mut actual = expected.clone();
                naive(&mut actual, 0);
                let is_ascii = Mask::new(KEY).apply_last_to_text(&mut actual);
                assert_eq!(actual, expected);
                assert_eq!(is_ascii, odd == len && len <= 128, "len {len}, odd {odd}");
            }
        }
    }
}
