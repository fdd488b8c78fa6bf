//! `Sec-WebSocket-Key` and `Sec-WebSocket-Accept`: proof that the server understood the handshake (RFC 6455 §1.3, §4.2.2).

use base64::engine::{Engine, general_purpose::STANDARD};
use sha1_smol::Sha1;

/// A value of `Sec-WebSocket-Key`: what base64 makes of 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key([u8; 24]);

impl Key {
    pub(super) fn new(nonce: &[u8; 16]) -> Self {
        Self(encode(nonce))
    }

    pub(super) fn parse(value: &[u8]) -> Option<Self> {
        let key: &[u8; 24] = value.try_into().ok()?;
        let (digits, b"==") = key.split_last_chunk()? else {
            return None;
        };
        let is_digit = |digit: &u8| digit.is_ascii_alphanumeric() || matches!(digit, b'+' | b'/');
        // 22 digits hold 132 bits: RFC 4648 §3.5 has the last four be zero.
        let is_padded = matches!(digits.last(), Some(b'A' | b'Q' | b'g' | b'w'));
        // Counted, for that is done in vectors.
        let are_digits = digits.iter().filter(|digit| is_digit(digit)).count() == digits.len();
        (is_padded && are_digits).then_some(Self(*key))
    }

    pub(super) const fn as_bytes(&self) -> &[u8; 24] {
        &self.0
    }

    /// Returns the value of `Sec-WebSocket-Accept` that answers it.
    pub(super) fn accept(&self) -> [u8; 28] {
        accept_key(&self.0)
    }
}

/// Returns the value of `Sec-WebSocket-Accept` that answers a value of `Sec-WebSocket-Key` (RFC 6455 §4.2.2).
///
/// The key is taken as it is, valid or not.
///
/// # Examples
///
/// ```
/// let accept = websocket_proto::accept_key(b"dGhlIHNhbXBsZSBub25jZQ==");
/// assert_eq!(&accept, b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// ```
#[must_use]
pub fn accept_key(key: &[u8; 24]) -> [u8; 28] {
    let mut text = [0; 60];
    if let Some((place, rest)) = text.split_first_chunk_mut() {
        *place = *key;
        rest.copy_from_slice(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    }
    let mut sha1 = Sha1::new();
    sha1.update(&text);
    encode(&sha1.digest().bytes())
}

/// Encodes in base64, where `TO` is the length that comes of it.
fn encode<const TO: usize>(bytes: &[u8]) -> [u8; TO] {
    let mut text = [0; TO];
    for (bytes, text) in bytes.chunks(3).zip(text.chunks_mut(4)) {
        // Three bytes at every call: so the compiler can see that the package stays within bounds.
        let mut group = [0; 3];
        group.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
        let mut digits = [0; 4];
        let written = STANDARD.encode_slice(group, &mut digits);
        debug_assert_eq!(written, Ok(digits.len()));
        // RFC 4648 §4: a last group that lacks one or two of three bytes is filled up with as many "=".
        let [.., third, fourth] = &mut digits;
        if bytes.len() < 3 {
            *fourth = b'=';
        }
        if bytes.len() < 2 {
            *third = b'=';
        }
        text.iter_mut().zip(digits).for_each(|(place, digit)| *place = digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Key, encode};

    #[test]
    fn base64_is_that_of_rfc_4648_row_115() {
        assert_eq!(&encode::<0>(b""), b"");
        assert_eq!(&encode::<4>(b"f"), b"Zg==");
        assert_eq!(&encode::<4>(b"fo"), b"Zm8=");
        assert_eq!(&encode::<4>(b"foo"), b"Zm9v");
        assert_eq!(&encode::<8>(b"foobar"), b"Zm9vYmFy");
    }

    #[test]
    fn keys_that_are_made_are_keys() {
        assert_eq!(Key::new(b"the sample nonce").as_bytes(), b"dGhlIHNhbXBsZSBub25jZQ==");
        for byte in 0..=255 {
            let key = Key::new(&[byte; 16]);
            assert_eq!(Key::parse(key.as_bytes()), Some(key));
        }
    }
}
