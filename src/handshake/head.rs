//! The head of an HTTP/1.1 message (RFC 9112 §2 to §5): cut into lines as they arrive, and the grammar of one line.
//!
//! A line is looked at once, when its end has come. What is remembered of it are offsets from the start of the head, so
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

impl LineReader {
    /// Hands each line that becomes complete, and where it begins, to `each`, until that says that it was the last.
    ///
    /// Whether a line is handed out depends on the bytes alone, not on how they are cut.
    pub(super) fn read(
        &mut self,
        input: &[u8],
        storage: &mut (impl Output + AsRef<[u8]> + ?Sized),
        limit: usize,
        mut each: impl FnMut(&[u8], usize) -> Result<bool, HandshakeError>,
    ) -> Result<Progress, HandshakeError> {
        let budget = limit.saturating_sub(self.stored);
        let within = input.get(..budget).unwrap_or(input);
        let is_stored = self.stored > 0;
        let mut taken: usize = 0;
        while let Some(rest) = within.get(taken..) {
            let Some(end) = memchr(b'\n', rest).map(|lf| lf.saturating_add(1)) else {
                break;
            };
            if is_stored && !self.store(rest.get(..end).unwrap_or_default(), storage) {
                return Ok(Progress::NoRoom);
            }
            taken = taken.saturating_add(end);
            let (head, head_len) =
                if is_stored { (self.stored(storage), self.stored) } else { (within, taken) };
            let start = self.line;
            self.line = head_len;
            if each(head.get(start..head_len).unwrap_or_default(), start)? {
                return Ok(Progress::Complete(taken));
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

/// Takes the line end off.
pub(super) fn strip_line_end(line: &[u8]) -> Result<&[u8], HandshakeError> {
    // RFC 9112 §2.2 lets a recipient take a bare LF for a line end. Those that do and those that do not can be played
    // off against each other, so it is refused.
    line.strip_suffix(b"\r\n").ok_or(HandshakeError::InvalidLineEnd)
}

/// Takes a field line, without its end, apart: the name, and the value without the blanks round it.
pub(super) fn parse_field(line: &[u8]) -> Result<(&[u8], &[u8]), HandshakeError> {
    let (name, rest) = line.split_at_checked(token_len(line)).unwrap_or_default();
    match rest.split_first() {
        Some((b':', value)) if !name.is_empty() => {
            if is_field_text(value) {
                Ok((name, trim(value)))
            } else {
                Err(HandshakeError::InvalidFieldValue)
            }
        }
        // RFC 9112 §5.2: "A server that receives an obs-fold in a request message [...] MUST either reject the message
        // by sending a 400 (Bad Request) [...] or replace each received obs-fold with one or more SP octets".
        Some((b' ' | b'\t', _)) if name.is_empty() => Err(HandshakeError::FoldedLine),
        // RFC 9112 §5.1: "No whitespace is allowed between the field name and colon."
        _ => Err(HandshakeError::InvalidFieldName),
    }
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

/// Says whether `text` is made of what may stand in the value of a field or in a reason phrase: no control characters
/// but HTAB (RFC 9110 §5.5).
pub(super) fn is_field_text(text: &[u8]) -> bool {
    // Eight bytes at a time, the last eight of which overlap those before; what is found is looked at byte by byte.
    let is_plain = |block: &[u8; 8]| !may_hold_control(u64::from_ne_bytes(*block));
    let mut blocks = text.chunks_exact(8).filter_map(<[u8]>::first_chunk);
    (text.last_chunk().is_some_and(is_plain) && blocks.all(is_plain))
        || !text.iter().any(|&byte| is_control(byte))
}

/// Says whether a byte of a word is a control character; there may be false alarms.
const fn may_hold_control(word: u64) -> bool {
    let below_space = word.wrapping_sub(EACH * 0x20) & !word;
    let no_del = word ^ (EACH * 0x7f);
    let del = no_del.wrapping_sub(EACH) & !no_del;
    (below_space | del) & (EACH * 0x80) != 0
}

fn is_control(byte: u8) -> bool {
    (byte < b' ' && byte != b'\t') || byte == 0x7f
}

/// Returns how many bytes at the front may stand in a token.
pub(super) fn token_len(text: &[u8]) -> usize {
    // Names of fields are made of letters and hyphens, which need no table: first those, eight at a time.
    let mut rest = text;
    while let Some((block, tail)) = rest.split_first_chunk() {
        let letters = leading_letters(u64::from_le_bytes(*block));
        if letters < 8 {
            rest = rest.get(letters..).unwrap_or_default();
            break;
        }
        rest = tail;
    }
    let end = rest.iter().position(|&byte| !is_token_byte(byte)).unwrap_or(rest.len());
    text.len().saturating_sub(rest.len()).saturating_add(end)
}

/// Returns how many bytes of a word, from the lowest, are letters or hyphens.
fn leading_letters(word: u64) -> usize {
    // The highest bit of each byte tells; the sums of seven bits each do not carry into the next byte.
    let low = word & (EACH * 0x7f);
    let lower_case = low | (EACH * 0x20);
    let from_a = lower_case.wrapping_add(EACH * (0x80 - 0x61));
    let above_z = lower_case.wrapping_add(EACH * (0x80 - 0x7b));
    let not_hyphen = (low ^ (EACH * 0x2d)).wrapping_add(EACH * 0x7f);
    let others = word | !((from_a & !above_z) | !not_hyphen);
    usize::try_from((others & (EACH * 0x80)).trailing_zeros() / 8).unwrap_or(0)
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
        is_control, is_field_text, is_token_byte, leading_letters, may_hold_control, token_len,
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
    fn letters_are_counted_from_the_lowest_byte() {
        for word in words(b"azAZm-@[`{0\x00\x7f\x80\xe1\xff") {
            let is_letter = |byte: &&u8| byte.is_ascii_alphabetic() || **byte == b'-';
            let expected = word.iter().take_while(is_letter).count();
            assert_eq!(leading_letters(u64::from_le_bytes(word)), expected, "{word:02x?}");
        }
    }

    /// No control character goes unnoticed, and text as fields have it is not looked at twice.
    #[test]
    fn alarms_are_false_for_no_visible_text() {
        for word in words(b"a ~!\t\x80\xff") {
            let alarm = may_hold_control(u64::from_ne_bytes(word));
            if word.iter().any(|&byte| is_control(byte)) {
                assert!(alarm, "{word:02x?}");
            } else if word.iter().all(|byte| (b' '..=b'~').contains(byte)) {
                assert!(!alarm, "{word:02x?}");
            }
        }
    }

    #[test]
    fn words_tell_the_same_as_bytes() {
        for byte in 0..=255 {
            for len in 1..=26 {
                for at in 0..len {
                    let mut text = vec![b'a'; len];
                    text[at] = byte;
                    assert_eq!(is_field_text(&text), !is_control(byte), "{byte} at {at} of {len}");
                    let expected = if is_token_byte(byte) { len } else { at };
                    assert_eq!(token_len(&text), expected, "{byte} at {at} of {len}");
                }
            }
        }
    }
}
