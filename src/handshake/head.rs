//! The head of an HTTP/1.1 message (RFC 9112 §2 to §5): cut into lines as they arrive, and the grammar of one line.
//!
//! A line is judged once, when its end has come. What is remembered of it are offsets from the start of the head, so
//! that it does not matter whether the head ends up in the input or in the caller's storage.

use memchr::memchr;

use crate::error::HandshakeError;
use crate::output::Output;

/// Cuts a head into lines, whatever pieces it comes in.
#[derive(Debug, Default)]
pub(super) struct LineReader {
    /// The bytes of the head that were put into the storage. None were while the head lies whole in the input.
    stored: usize,
    /// Where the line begins that is not yet complete.
    line: usize,
}

/// How far a head has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// All of the input was taken and is in the storage.
    Incomplete,
    /// The head is complete, with this many bytes of the input.
    Complete(usize),
    /// The head is longer than the limit.
    TooLong,
    /// The storage is full.
    NoRoom,
}

/// The lines that were taken of a head.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lines {
    /// Where they end, and the line that is not complete begins.
    pub(super) end: usize,
    /// The empty line behind the fields was the last of them.
    pub(super) are_all: bool,
}

impl LineReader {
    /// Hands the head, and where the first line begins that was not taken, to `take`, which takes those that are complete.
    ///
    /// It judges no line before its end has come: so what it finds depends on the bytes alone, not on how they are cut.
    pub(super) fn read(
        &mut self,
        input: &[u8],
        storage: &mut (impl Output + AsRef<[u8]> + ?Sized),
        limit: usize,
        mut take: impl FnMut(&[u8], usize) -> Result<Lines, HandshakeError>,
    ) -> Result<Progress, HandshakeError> {
        let budget = limit.saturating_sub(self.stored);
        let within = input.get(..budget).unwrap_or(input);
        let is_stored = self.stored > 0;
        let mut taken: usize = 0;
        if is_stored {
            while let Some(rest) = within.get(taken..) {
                let Some(len) = memchr(b'\n', rest).map(|lf| lf.saturating_add(1)) else {
                    break;
                };
                if !self.store(rest.get(..len).unwrap_or_default(), storage) {
                    return Ok(Progress::NoRoom);
                }
                taken = taken.saturating_add(len);
                let lines = take(self.stored(storage), self.line)?;
                self.line = lines.end;
                if lines.are_all {
                    return Ok(Progress::Complete(taken));
                }
            }
        } else {
            let lines = take(within, self.line)?;
            self.line = lines.end;
            if lines.are_all {
                return Ok(Progress::Complete(lines.end));
            }
        }
        if input.len() >= budget {
            return Ok(Progress::TooLong);
        }
        let rest = input.get(if is_stored { taken } else { 0 }..);
        if self.store(rest.unwrap_or_default(), storage) {
            Ok(Progress::Incomplete)
        } else {
            Ok(Progress::NoRoom)
        }
    }

    /// Appends to what is stored, where there is room.
    pub(super) fn store(&mut self, bytes: &[u8], storage: &mut (impl Output + ?Sized)) -> bool {
        let has_room = storage.make_room(bytes.len());
        if has_room {
            storage.put(bytes);
            self.stored = self.stored.saturating_add(bytes.len());
        }
        has_room
    }

    /// Appends as much as there is room for; says whether that is all.
    pub(super) fn store_what_fits(
        &mut self,
        mut bytes: &[u8],
        storage: &mut (impl Output + ?Sized),
    ) -> bool {
        let mut piece_len = bytes.len();
        while let Some((piece, rest)) = bytes.split_at_checked(piece_len.min(bytes.len())) {
            if self.store(piece, storage) {
                bytes = rest;
                if bytes.is_empty() {
                    return true;
                }
            } else if piece_len <= 1 {
                return false;
            } else {
                piece_len /= 2;
            }
        }
        false
    }

    /// Returns the length of a complete head.
    pub(super) const fn head_len(&self) -> usize {
        self.line
    }

    /// Says whether anything is in the storage.
    pub(super) const fn is_stored(&self) -> bool {
        self.stored > 0
    }

    /// Returns what is stored: the last bytes of the storage, which may have held something else before.
    pub(super) fn stored<'s>(&self, storage: &'s (impl AsRef<[u8]> + ?Sized)) -> &'s [u8] {
        let all = storage.as_ref();
        let start = all.len().checked_sub(self.stored);
        start.and_then(|start| all.get(start..)).unwrap_or_default()
    }
}

/// The field lines of a head that was checked, in order.
#[derive(Clone, Debug)]
pub(super) struct Fields<'b> {
    /// The lines left, up to the empty one at least.
    rest: &'b [u8],
}

impl<'b> Fields<'b> {
    /// Begins with the field line at the front of `head`.
    pub(super) const fn new(head: &'b [u8]) -> Self {
        Self { rest: head }
    }
}

impl<'b> Iterator for Fields<'b> {
    type Item = (&'b str, &'b [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (line, rest) =
            self.rest.split_at_checked(memchr(b'\n', self.rest)?.saturating_add(1))?;
        let (name, value) = line.split_at_checked(memchr(b':', line)?)?;
        self.rest = rest;
        let value = value.strip_prefix(b":")?.strip_suffix(b"\r\n")?;
        Some((core::str::from_utf8(name).ok()?, trim(value)))
    }
}

/// What a head has at its front, behind the start line (RFC 9112 §5).
#[derive(Clone, Copy, Debug)]
pub(super) enum Line<'b> {
    /// A field: its name, its value without the blanks round it, and what is behind the line.
    Field { name: &'b [u8], value: &'b [u8], rest: &'b [u8] },
    /// The empty line that ends the head.
    Empty,
    /// A line that is not complete.
    Incomplete,
}

impl<'b> Line<'b> {
    /// Parses the line at the front of `head`.
    #[inline]
    pub(super) fn parse(head: &'b [u8]) -> Result<Self, HandshakeError> {
        // Every byte is looked at once: what ends the name and the value tells where they end.
        let (name, rest) = head.split_at_checked(token_len(head)).unwrap_or_default();
        if let ([_, ..], [b':', rest @ ..]) = (name, rest) {
            let (value, rest) = rest.split_at_checked(field_text_len(rest)).unwrap_or_default();
            if let [b'\r', b'\n', rest @ ..] = rest {
                return Ok(Self::Field { name, value: trim(value), rest });
            }
        }
        Self::parse_other(head)
    }

    /// Parses a line that is not a field, or no valid one.
    #[cold]
    fn parse_other(head: &[u8]) -> Result<Self, HandshakeError> {
        let Some(line) = first_line(head)? else {
            return Ok(Self::Incomplete);
        };
        let name_len = token_len(line);
        match line.get(name_len) {
            None if line.is_empty() => Ok(Self::Empty),
            Some(b':') if name_len > 0 => Err(HandshakeError::InvalidFieldValue),
            // RFC 9112 §5.2: "A server that receives an obs-fold in a request message [...] MUST either reject the
            // message by sending a 400 (Bad Request) [...] or replace each received obs-fold with one or more SP
            // octets".
            Some(b' ' | b'\t') if name_len == 0 => Err(HandshakeError::FoldedLine),
            // RFC 9112 §5.1: "No whitespace is allowed between the field name and colon."
            _ => Err(HandshakeError::InvalidFieldName),
        }
    }
}

/// Returns the first line of `head`, without its end, if it is complete.
pub(super) fn first_line(head: &[u8]) -> Result<Option<&[u8]>, HandshakeError> {
    let Some(line) = memchr(b'\n', head).and_then(|lf| head.get(..lf)) else {
        return Ok(None);
    };
    // RFC 9112 §2.2 lets a recipient take a bare LF for a line end. Those that do and those that do not can be played
    // off against each other, so it is refused.
    line.strip_suffix(b"\r").map(Some).ok_or(HandshakeError::InvalidLineEnd)
}

/// Parses `HTTP/1.` and a digit: the minor version.
pub(super) fn parse_version(text: &[u8]) -> Result<u8, HandshakeError> {
    match text {
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', minor @ b'0'..=b'9'] => {
            Ok(minor.saturating_sub(b'0'))
        }
        [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => {
            Err(HandshakeError::UnsupportedHttpVersion)
        }
        _ => Err(HandshakeError::InvalidStartLine),
    }
}

/// Parses a number of at least one digit.
pub(super) fn parse_decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |number, byte| match byte {
        b'0'..=b'9' => number.checked_mul(10)?.checked_add(u64::from(byte.saturating_sub(b'0'))),
        _ => None,
    })
}

/// Says whether `text` is made of what may stand in the value of a field or in a reason phrase.
pub(super) fn is_field_text(text: &[u8]) -> bool {
    field_text_len(text) == text.len()
}

/// Returns how many bytes at the front may stand in the value of a field: no control characters but HTAB (RFC 9110 §5.5).
fn field_text_len(text: &[u8]) -> usize {
    span(text, not_text, |byte| !is_control(byte))
}

/// Returns how many bytes at the front may stand in the target of a request: all that is visible but `#`.
///
/// Browsers send some characters that RFC 3986 does not allow.
pub(super) fn target_len(text: &[u8]) -> usize {
    span(text, not_target, |byte| byte.is_ascii_graphic() && byte != b'#')
}

/// Returns how many bytes at the front may stand in a token.
pub(super) fn token_len(text: &[u8]) -> usize {
    // Names of fields are made of letters and hyphens, which need no table.
    span(text, not_letters, is_token_byte)
}

/// Returns for how many bytes at the front `belongs` is true, passing over eight at a time.
///
/// `mark` sets the highest bit of those bytes of a word that may not belong. The lowest one that does not must be among
/// them; it may mark others.
fn span(text: &[u8], mark: impl Fn(u64) -> u64, belongs: impl Fn(u8) -> bool) -> usize {
    let mut len: usize = 0;
    while let Some(block) = text.get(len..).and_then(<[u8]>::first_chunk) {
        let marked = mark(u64::from_le_bytes(*block)) & (EACH * 0x80);
        if marked == 0 {
            len = len.wrapping_add(8);
            continue;
        }
        len = len.wrapping_add(usize::try_from(marked.trailing_zeros() / 8).unwrap_or_default());
        match text.get(len) {
            Some(&byte) if belongs(byte) => len = len.wrapping_add(1),
            _ => return len,
        }
    }
    let rest = text.get(len..).unwrap_or_default();
    len.wrapping_add(rest.iter().take_while(|&&byte| belongs(byte)).count())
}

/// Marks control characters, HTAB among them. A subtraction that borrows has marked a byte below.
const fn not_text(word: u64) -> u64 {
    let below_space = word.wrapping_sub(EACH * 0x20);
    let del = (word ^ (EACH * 0x7f)).wrapping_sub(EACH);
    (below_space | del) & !word
}

/// Marks what is not visible ASCII, and `#`.
const fn not_target(word: u64) -> u64 {
    let below_visible = word.wrapping_sub(EACH * 0x21);
    let hash = (word ^ (EACH * 0x23)).wrapping_sub(EACH);
    let del = (word ^ (EACH * 0x7f)).wrapping_sub(EACH);
    word | below_visible | hash | del
}

/// Marks what is neither a letter nor a hyphen. The sums of seven bits each do not carry into the next byte.
const fn not_letters(word: u64) -> u64 {
    let low = word & (EACH * 0x7f);
    let lower_case = low | (EACH * 0x20);
    let from_a = lower_case.wrapping_add(EACH * (0x80 - 0x61));
    let above_z = lower_case.wrapping_add(EACH * (0x80 - 0x7b));
    let not_hyphen = (low ^ (EACH * 0x2d)).wrapping_add(EACH * 0x7f);
    word | !((from_a & !above_z) | !not_hyphen)
}

fn is_control(byte: u8) -> bool {
    !matches!(byte, b'\t' | b' '..=b'~' | 0x80..)
}

/// A word with a one in each byte.
const EACH: u64 = 0x0101_0101_0101_0101;

/// Says whether a byte may stand in a token (RFC 9110 §5.6.2).
pub(super) fn is_token_byte(byte: u8) -> bool {
    TOKEN_BYTES.get(usize::from(byte)) == Some(&true)
}

/// Takes the blanks (OWS, RFC 9110 §5.6.3) off both ends.
pub(super) fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

const TOKEN_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut rest: &mut [bool] = &mut table;
    let mut byte: u8 = 0;
    while let Some((entry, tail)) = rest.split_first_mut() {
        *entry = matches!(
            byte,
            b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        ) || byte.is_ascii_alphanumeric();
        byte = byte.wrapping_add(1);
        rest = tail;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::{
        EACH, field_text_len, is_control, is_token_byte, not_letters, not_target, not_text,
        target_len, token_len,
    };

    /// Each byte in each place of a word of such others.
    fn words(others: &[u8]) -> impl Iterator<Item = [u8; 8]> + use<'_> {
        others.iter().flat_map(|&other| {
            (0..8).flat_map(move |at| {
                (0..=255).map(move |byte| {
                    let mut word = [other; 8];
                    word[at] = byte;
                    word
                })
            })
        })
    }

    #[test]
    fn bytes_are_marked_from_the_first_that_is_not_passed_over() {
        for word in words(b"azAZm-@[`{0\x00\x7f\x80\xe1\xff ~!\t#") {
            let unmarked = |mark: fn(u64) -> u64| {
                let marked = mark(u64::from_le_bytes(word)) & (EACH * 0x80);
                marked.trailing_zeros() as usize / 8
            };
            let letters = word.iter().take_while(|it| it.is_ascii_alphabetic() || **it == b'-');
            assert_eq!(unmarked(not_letters), letters.count(), "{word:02x?}");
            let text = word.iter().take_while(|it| matches!(it, b' '..=b'~' | 0x80..));
            assert_eq!(unmarked(not_text), text.count(), "{word:02x?}");
            let target = word.iter().take_while(|it| matches!(it, b'!' | b'"' | b'$'..=b'~'));
            assert_eq!(unmarked(not_target), target.count(), "{word:02x?}");
        }
    }

    #[test]
    fn words_tell_the_same_as_bytes() {
        for byte in 0..=255 {
            for len in 1..=26 {
                for at in 0..len {
                    let mut text = vec![b'a'; len];
                    text[at] = byte;
                    let expected = if is_control(byte) { at } else { len };
                    assert_eq!(field_text_len(&text), expected, "{byte} at {at} of {len}");
                    let expected = if is_token_byte(byte) { len } else { at };
                    assert_eq!(token_len(&text), expected, "{byte} at {at} of {len}");
                    let expected = if matches!(byte, b'!' | b'"' | b'$'..=b'~') { len } else { at };
                    assert_eq!(target_len(&text), expected, "{byte} at {at} of {len}");
                }
            }
        }
    }
}
