//! The sending direction: what the caller may send becomes frames (RFC 6455 §5, §6.1). The receiving direction is
//! unknown to it.

use core::fmt;

use crate::error::UsageError;
use crate::frame::{ControlPayload, FrameHeader, HeaderBytes};
use crate::mask::Mask;
use crate::opcode::{MessageKind, Opcode};
use crate::output::{Output, require_room};
use crate::seed::MaskingKeys;
use crate::utf8::Utf8;

#[derive(Debug)]
pub(super) struct Sender {
    /// A client's; a server does not mask.
    keys: Option<MaskingKeys>,
    /// The message that is being sent in parts.
    message: Option<Parts>,
}

#[derive(Clone, Copy, Debug)]
enum Parts {
    /// Where its text stands; `None` where the caller answers for some of it.
    Text(Option<Utf8>),
    Binary,
}

/// A data frame that may be sent: the message it belongs to would go on so.
#[derive(Clone, Copy)]
pub(crate) struct Outgoing {
    header: FrameHeader,
    after: Option<Parts>,
}

impl Sender {
    pub(super) fn new(keys: Option<MaskingKeys>) -> Self {
        Self { keys, message: None }
    }

    pub(super) const fn masks(&self) -> bool {
        self.keys.is_some()
    }

    /// Returns the number of bytes of a control frame with this payload.
    pub(super) fn control_len(&self, payload: &ControlPayload) -> usize {
        let header_len = if self.masks() { 6_usize } else { 2 };
        header_len.saturating_add(payload.len())
    }

    /// Appends a control frame if there is room for it.
    pub(super) fn try_put(
        &mut self,
        opcode: Opcode,
        payload: &[u8],
        out: &mut (impl Output + ?Sized),
    ) -> bool {
        self.put(FrameHeader::new(opcode, len_u64(payload)), payload, out).is_ok()
    }

    /// Judges a whole message, or a part of one with the payload in hand.
    pub(super) fn data(
        &self,
        kind: MessageKind,
        payload: &[u8],
        last: bool,
    ) -> Result<Outgoing, UsageError> {
        let mut frame = self.data_of_len(kind, len_u64(payload), last)?;
        if kind == MessageKind::Text {
            // §5.6: "a particular text frame might include a partial UTF-8 sequence; however, the whole message MUST
            // contain valid UTF-8"
            let utf8 = match self.message {
                Some(Parts::Text(utf8)) => utf8,
                _ => Some(Utf8::Complete),
            };
            if let Some(mut utf8) = utf8 {
                utf8.check(payload).map_err(|_| UsageError::InvalidUtf8)?;
                if last && !utf8.is_complete() {
                    return Err(UsageError::InvalidUtf8);
                }
                frame.after = frame.after.map(|_| Parts::Text(Some(utf8)));
            }
        }
        Ok(frame)
    }

    /// Judges a part of a message of which only the length is known.
    #[inline]
    pub(super) fn data_of_len(
        &self,
        kind: MessageKind,
        payload_len: u64,
        last: bool,
    ) -> Result<Outgoing, UsageError> {
        let opcode = match (self.message, kind) {
            (None, _) => kind.opcode(),
            (Some(Parts::Text(_)), MessageKind::Text)
            | (Some(Parts::Binary), MessageKind::Binary) => Opcode::Continuation,
            // §5.4: "The fragments of one message MUST NOT be interleaved between the fragments of another message"
            _ => return Err(UsageError::MessageInProgress),
        };
        let header = FrameHeader { fin: last, ..FrameHeader::new(opcode, payload_len) };
        let after = match kind {
            MessageKind::Text => Parts::Text(None),
            MessageKind::Binary => Parts::Binary,
        };
        let after = (!last).then_some(after);
        Ok(Outgoing { header, after })
    }

    /// Judges a message in a single frame.
    pub(super) fn message_of_len(
        &self,
        kind: MessageKind,
        payload_len: u64,
    ) -> Result<Outgoing, UsageError> {
        self.require_no_message()?;
        self.data_of_len(kind, payload_len, true)
    }

    pub(super) const fn has_no_message(&self) -> bool {
        self.message.is_none()
    }

    pub(super) fn require_no_message(&self) -> Result<(), UsageError> {
        if self.has_no_message() { Ok(()) } else { Err(UsageError::MessageInProgress) }
    }

    /// Appends a data frame that was judged, or says what is missing.
    #[inline]
    pub(super) fn put_data(
        &mut self,
        frame: &Outgoing,
        payload: &[u8],
        out: &mut (impl Output + ?Sized),
    ) -> Result<(), UsageError> {
        self.put(frame.header, payload, out)?;
        self.message = frame.after;
        Ok(())
    }

    /// Gives the header of a data frame; its payload is the caller's.
    #[inline]
    pub(super) fn start_data(&mut self, frame: &Outgoing) -> Result<FrameStart, UsageError> {
        let mask = self.keys.as_mut().map(MaskingKeys::next_key);
        let header = FrameHeader { mask, ..frame.header }.encode()?;
        self.message = frame.after;
        Ok(FrameStart { header, mask: mask.map(Mask::new) })
    }

    /// Appends a frame, or says what is missing.
    #[inline(never)]
    pub(super) fn put(
        &mut self,
        header: FrameHeader,
        payload: &[u8],
        out: &mut (impl Output + ?Sized),
    ) -> Result<(), UsageError> {
        self.put_in_line(header, payload, out)
    }

    /// Appends a frame, or says what is missing.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the path of every small message")]
    pub(super) fn put_in_line(
        &mut self,
        header: FrameHeader,
        payload: &[u8],
        out: &mut (impl Output + ?Sized),
    ) -> Result<(), UsageError> {
        let short = header.encode_short(self.masks());
        match (&mut self.keys, short) {
            (None, Some(bytes)) => {
                require_room(out, header.frame_len(false)?)?;
                out.put(&bytes);
                out.put(payload);
                Ok(())
            }
            (Some(keys), Some(bytes)) => {
                require_room(out, header.frame_len(true)?)?;
                // §5.3: "The masking key needs to be unpredictable"; a new one for each frame
                let key = keys.next_key();
                out.put(&bytes);
                out.put(&key);
                out.put_masked(payload, &mut Mask::new(key));
                Ok(())
            }
            (_, None) => self.put_long(header, payload, out),
        }
    }

    #[inline(never)]
    fn put_long(
        &mut self,
        header: FrameHeader,
        payload: &[u8],
        out: &mut (impl Output + ?Sized),
    ) -> Result<(), UsageError> {
        require_room(out, header.frame_len(self.masks())?)?;
        let mask = self.keys.as_mut().map(MaskingKeys::next_key);
        out.put(&FrameHeader { mask, ..header }.encode_checked());
        match mask {
            None => out.put(payload),
            Some(key) => out.put_masked(payload, &mut Mask::new(key)),
        }
        Ok(())
    }
}

impl Outgoing {
    /// The same with the payload to which it was compressed.
    #[cfg(feature = "deflate")]
    pub(crate) fn compressed(mut self, payload: &[u8]) -> Self {
        // RFC 7692 §6: the bit "is set on the first fragment of a message", and on no other.
        if self.header.opcode != Opcode::Continuation {
            self.header.rsv = FrameHeader::RSV1;
        }
        self.header.payload_len = len_u64(payload);
        self
    }

    pub(super) const fn header(&self) -> FrameHeader {
        self.header
    }
}

/// The header of a data frame whose payload the caller writes to the transport without a copy.
///
/// Three things are to be written, in this order: what was in the output when this was returned; [`header`](Self::header)
/// and the payload, of just the declared length; what came to the output later. A client first passes the payload
/// through [`mask`](Self::mask), in one piece or in several in their order.
///
/// # Examples
///
/// ```
/// use websocket_proto::{Config, Connection, MessageKind, Negotiated};
///
/// let mut server = Connection::open(Negotiated::server(), Config::default());
/// let file = b"<a file, of which a part is in memory at a time>";
/// assert_eq!(server.start_binary(48)?.header(), [0x82, 48]);
/// // Write `file`, then start something else.
/// assert_eq!(server.start_text(5)?.header(), [0x81, 5]);
/// // Write "Hello". A message whose length is yet unknown goes in fragments of known length:
/// assert_eq!(server.start_fragment(MessageKind::Binary, 40, false)?.header(), [0x02, 40]);
/// assert_eq!(server.start_fragment(MessageKind::Binary, 8, true)?.header(), [0x80, 8]);
///
/// let mut client = Connection::open(Negotiated::client([7; 32]), Config::default());
/// let mut start = client.start_binary(48)?;
/// assert_eq!(start.header()[..2], [0x82, 0x80 | 48]); // Four bytes of masking key follow.
/// let mut piece = [0; 16];
/// for part in file.chunks(16) {
///     piece.copy_from_slice(part);
///     start.mask(&mut piece);
///     // Write `piece`.
/// }
/// # Ok::<(), websocket_proto::UsageError>(())
/// ```
#[must_use = "the peer waits for the frame that was started"]
pub struct FrameStart {
    header: HeaderBytes,
    /// A client's.
    mask: Option<Mask>,
}

impl FrameStart {
    /// Returns the header: 2 to 14 bytes.
    #[must_use]
    #[inline]
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    /// Masks the next piece of the payload in place (RFC 6455 §5.3); does nothing for a server.
    pub fn mask(&mut self, piece: &mut [u8]) {
        if let Some(mask) = &mut self.mask {
            mask.apply(piece);
        }
    }
}

impl fmt::Debug for FrameStart {
    /// Leaves the masking key out, which is in the header too.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameStart").finish_non_exhaustive()
    }
}

pub(super) fn len_u64(payload: &[u8]) -> u64 {
    u64::try_from(payload.len()).unwrap_or(u64::MAX)
}
