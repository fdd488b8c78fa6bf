//! UTF-8 checked as it arrives (RFC 6455 §8.1, RFC 3629): any text in any pieces, failing at the first bad byte.

/// Where a text that comes in pieces stands: at the end of a code point, or within one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Utf8 {
    /// No code point is begun.
    Complete,
    /// One, two or three bytes are missing, any continuation bytes.
    One,
    Two,
    Three,
    /// After `E0`, `ED`, `F0`, `F4`, whose next byte has a narrower range: no overlong forms, no surrogates, nothing
    /// above U+10FFFF.
    AfterE0,
    AfterEd,
    AfterF0,
    AfterF4,
}

impl Utf8 {
    /// Checks the next piece. An error is the index of the first byte that no text can have at its place; the check
    /// then stands before that byte.
    pub(crate) fn check(&mut self, piece: &[u8]) -> Result<(), usize> {
        let begun = self.finish_code_point(piece)?;
        let rest = piece.get(begun..).unwrap_or_default();
        let whole = whole_code_points(rest);
        let checked = match as_str(rest.get(..whole).unwrap_or_default()) {
            Some(_) => whole,
            None => valid_up_to(rest),
        };
        let tail = rest.get(checked..).unwrap_or_default();
        self.step_over(tail).map_err(|index| begun.saturating_add(checked).saturating_add(index))
    }

    /// Tells whether the text may end here: not within a code point.
    pub(crate) const fn is_complete(self) -> bool {
        matches!(self, Self::Complete)
    }

    /// Checks the bytes of `piece` that belong to the code point begun before it; returns how many they are.
    pub(crate) fn finish_code_point(&mut self, piece: &[u8]) -> Result<usize, usize> {
        let begun = piece.get(..self.missing()).unwrap_or(piece);
        self.step_over(begun).map(|()| begun.len())
    }

    /// Checks byte by byte.
    pub(crate) fn step_over(&mut self, bytes: &[u8]) -> Result<(), usize> {
        for (index, &byte) in bytes.iter().enumerate() {
            *self = self.after(byte).ok_or(index)?;
        }
        Ok(())
    }

    /// RFC 3629 §4, the syntax of UTF-8 byte sequences.
    const fn after(self, byte: u8) -> Option<Self> {
        Some(match (self, byte) {
            (Self::Complete, 0x00..=0x7F) | (Self::One, 0x80..=0xBF) => Self::Complete,
            (Self::Complete, 0xC2..=0xDF)
            | (Self::Two, 0x80..=0xBF)
            | (Self::AfterE0, 0xA0..=0xBF)
            | (Self::AfterEd, 0x80..=0x9F) => Self::One,
            (Self::Complete, 0xE1..=0xEC | 0xEE..=0xEF)
            | (Self::Three, 0x80..=0xBF)
            | (Self::AfterF0, 0x90..=0xBF)
            | (Self::AfterF4, 0x80..=0x8F) => Self::Two,
            (Self::Complete, 0xF1..=0xF3) => Self::Three,
            (Self::Complete, 0xE0) => Self::AfterE0,
            (Self::Complete, 0xED) => Self::AfterEd,
            (Self::Complete, 0xF0) => Self::AfterF0,
            (Self::Complete, 0xF4) => Self::AfterF4,
            _ => return None,
        })
    }

    const fn missing(self) -> usize {
        match self {
            Self::Complete => 0,
            Self::One => 1,
            Self::Two | Self::AfterE0 | Self::AfterEd => 2,
            Self::Three | Self::AfterF0 | Self::AfterF4 => 3,
        }
    }
}

/// Checks a text that lies whole in `bytes`.
#[inline]
pub(crate) fn as_str(bytes: &[u8]) -> Option<&str> {
    // ASCII of up to 128 bytes takes `core` three quarters of the time that it takes SIMD; other text many times as long.
    #[cfg(feature = "simd")]
    if bytes.len() > 128 || (bytes.len() >= 64 && !is_short_ascii(bytes)) {
        return simdutf8::basic::from_utf8(bytes).ok();
    }
    core::str::from_utf8(bytes).ok()
}

/// Tells whether 64 to 128 bytes are ASCII: as two blocks, which may overlap.
#[cfg(feature = "simd")]
#[inline]
fn is_short_ascii(bytes: &[u8]) -> bool {
    let (first, last) = (bytes.first_chunk::<64>(), bytes.last_chunk::<64>());
    first.zip(last).is_some_and(|(first, last)| first.is_ascii() && last.is_ascii())
}

/// Returns how many bytes there are before a code point that the end of `bytes` cuts off.
pub(crate) fn whole_code_points(bytes: &[u8]) -> usize {
    for (after, &byte) in (1..=3_usize).zip(bytes.iter().rev()) {
        let length = match byte {
            0x80..=0xBF => continue,
            0xC0..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xFF => 4,
            0x00..=0x7F => 1,
        };
        return if length > after { bytes.len().saturating_sub(after) } else { bytes.len() };
    }
    bytes.len()
}

fn valid_up_to(bytes: &[u8]) -> usize {
    match core::str::from_utf8(bytes) {
        Ok(text) => text.len(),
        Err(error) => error.valid_up_to(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Utf8, as_str, whole_code_points};

    /// The naive model: the shortest prefix that no continuation can turn into UTF-8.
    fn first_bad_byte(text: &[u8]) -> Option<usize> {
        (0..text.len()).find(|&index| match core::str::from_utf8(&text[..=index]) {
            Ok(_) => false,
            Err(error) => {
                let begun = &text[error.valid_up_to()..=index];
                // Some continuation of at most three bytes completes what was begun, or it is bad.
                error.error_len().is_some() || !can_be_completed(begun)
            }
        })
    }

    fn can_be_completed(begun: &[u8]) -> bool {
        let ends: [&[u8]; 6] =
            [&[0x80], &[0xBF], &[0x80, 0x80], &[0xBF, 0xBF], &[0x80; 3], &[0xBF; 3]];
        ends.iter().any(|end| core::str::from_utf8(&[begun, end].concat()).is_ok())
    }

    fn check_in_every_split(text: &[u8]) {
        let expected = first_bad_byte(text);
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let mut utf8 = Utf8::Complete;
                let mut result = Ok(());
                for (start, end) in [(0, first), (first, second), (second, text.len())] {
                    if result.is_ok() {
                        result = utf8.check(&text[start..end]).map_err(|index| start + index);
                    }
                }
                assert_eq!(result.err(), expected, "{text:02x?} split at {first}, {second}");
                let good = &text[..expected.unwrap_or(text.len())];
                assert_eq!(utf8.is_complete(), core::str::from_utf8(good).is_ok(), "{text:02x?}");
            }
        }
    }

    #[test]
    fn every_sequence_of_boundary_bytes_equals_the_naive_model() {
        let edges = [
            0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1,
            0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
        ];
        for a in edges {
            for b in edges {
                for c in edges {
                    check_in_every_split(&[a, b, c]);
                    check_in_every_split(&[b'x', 0xF0, 0x9F, a, b, c]);
                }
            }
        }
    }

    #[test]
    fn texts_end_where_their_last_whole_code_point_does() {
        let text = "a\u{7F}\u{80}é\u{7FF}\u{800}€\u{FFFF}\u{10000}😀\u{10FFFF}b";
        for len in 0..=text.len() {
            let start = text.as_bytes().get(..len).unwrap();
            let whole = (0..=len).rev().find(|&end| text.is_char_boundary(end)).unwrap();
            assert_eq!(whole_code_points(start), whole, "{start:02x?}");
            assert_eq!(as_str(start), text.get(..len), "{start:02x?}");
        }
    }

    #[test]
    fn long_texts_equal_the_naive_model() {
        let text = "κόσμε – $¢€𐍈 plain ".repeat(3);
        check_in_every_split(text.as_bytes());
        for bad in [&b"\xFF"[..], b"\xED\xA0\x80", b"\xC0\xAF", b"\xF4\x90\x80\x80"] {
            check_in_every_split(&[text.as_bytes(), bad, b"more"].concat());
        }
    }
}
