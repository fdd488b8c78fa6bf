//! The payload of a control frame (RFC 6455 §5.5): small enough to be a value.

use core::fmt;
use core::ops::Deref;

/// The payload of a Ping or Pong frame: at most 125 bytes, held inline.
///
/// # Examples
///
/// ```
/// use websocket_proto::ControlPayload;
///
/// let payload = ControlPayload::new(b"ping 7").ok_or("more than 125 bytes")?;
/// assert_eq!(payload.strip_prefix(b"ping "), Some(&b"7"[..])); // It is a `[u8]`.
/// assert!(ControlPayload::new(&[0; ControlPayload::MAX + 1]).is_none());
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Copy)]
pub struct ControlPayload {
    bytes: [u8; Self::MAX],
    /// At most [`Self::MAX`].
    len: u8,
}

impl ControlPayload {
    /// The greatest number of bytes in the payload of a control frame (§5.5).
    pub const MAX: usize = 125;

    pub(crate) const EMPTY: Self = Self { bytes: [0; Self::MAX], len: 0 };

    /// Copies `payload`, or returns `None` where it is longer than [`Self::MAX`] bytes.
    #[must_use]
    pub fn new(payload: &[u8]) -> Option<Self> {
        let mut copy = Self::EMPTY;
        copy.push(payload).then_some(copy)
    }

    /// Appends `more` if it fits.
    pub(crate) fn push(&mut self, more: &[u8]) -> bool {
        let start = usize::from(self.len);
        let end = start.saturating_add(more.len());
        match (self.bytes.get_mut(start..end), u8::try_from(end)) {
            (Some(place), Ok(len)) => {
                place.copy_from_slice(more);
                self.len = len;
                true
            }
            _ => false,
        }
    }
}

impl Deref for ControlPayload {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl AsRef<[u8]> for ControlPayload {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl PartialEq for ControlPayload {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for ControlPayload {}

impl fmt::Debug for ControlPayload {
    /// Writes a byte string, whose bytes outside of ASCII are escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::ControlPayload;

    #[test]
    fn holds_up_to_125_bytes() {
        let bytes = [7; 126];
        assert_eq!(ControlPayload::new(&bytes), None);
        assert_eq!(&*ControlPayload::new(&bytes[..125]).unwrap(), &bytes[..125]);
        assert_eq!(&*ControlPayload::new(b"").unwrap(), b"");
        let mut joined = ControlPayload::new(&bytes[..100]).unwrap();
        assert!(joined.push(&bytes[..25]));
        assert!(!joined.push(&bytes[..1]));
        assert_eq!(&*joined, &bytes[..125]);
    }

    #[test]
    fn debug_output_is_a_byte_string() {
        let payload = ControlPayload::new(b"a\"\n\xFF").unwrap();
        assert_eq!(format!("{payload:?}"), r#"b"a\"\n\xff""#);
    }
}
