//! A data frame that is coming in, and the message that it is of (RFC 6455 §5.4, §5.6).

use crate::connection::chunk::Masked;
use crate::error::ProtocolError;
use crate::frame::{FrameHeader, take};
use crate::mask::Mask;
use crate::opcode::MessageKind;
use crate::utf8::Utf8;

#[derive(Debug)]
pub(super) struct DataFrame {
    message: Message,
    fin: bool,
    mask: Mask,
    /// The number of bytes of its payload that are still to come.
    remaining: u64,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Message {
    kind: MessageKind,
    #[cfg(feature = "deflate")]
    is_compressed: bool,
    /// Whether a chunk of it was handed out.
    begun: bool,
    utf8: Utf8,
    /// The bytes that its frames have declared so far; at most the limit.
    size: u64,
    fragments: u32,
}

impl DataFrame {
    pub(super) fn new(message: Message, header: &FrameHeader) -> Self {
        Self {
            message,
            fin: header.fin,
            mask: Mask::new(header.mask.unwrap_or_default()),
            remaining: header.payload_len,
        }
    }

    pub(super) const fn is_complete(&self) -> bool {
        self.remaining == 0
    }

    /// Returns the message that goes on after this frame.
    pub(super) fn unfinished_message(&self) -> Option<Message> {
        (!self.fin).then_some(self.message)
    }

    /// Takes what the input has of the payload. `None`: there is nothing to tell of it, because nothing came or because
    /// the frame is empty and not the last of its message.
    pub(super) fn take_chunk<'b>(
        &mut self,
        checks_text: bool,
        input: &mut &'b mut [u8],
    ) -> Result<Option<Masked<'b>>, ProtocolError> {
        let mut len = usize::try_from(self.remaining).unwrap_or(usize::MAX).min(input.len());
        let mut mask = self.mask;
        if self.message.kind == MessageKind::Text && checks_text {
            let payload = input.get_mut(..len).unwrap_or_default();
            mask.apply_last(payload);
            let last = self.ends_after(len);
            if let Err(good) = self.message.check_text(payload, last) {
                // §8.1: "When an endpoint is to interpret a byte stream as UTF-8 but finds that the byte stream is
                // not, in fact, a valid UTF-8 stream, that endpoint MUST _Fail the WebSocket Connection_."
                // What is good is handed out first; the rest goes back as it came and fails when it comes to it.
                if good == 0 {
                    return Err(ProtocolError::InvalidUtf8);
                }
                mask.turned(good).apply_last(payload.get_mut(good..).unwrap_or_default());
                len = good;
            }
            mask = Mask::NONE;
        }
        self.mask = self.mask.turned(len);
        let last = self.ends_after(len);
        let first = !self.message.begun;
        self.remaining = self.remaining.saturating_sub(u64::try_from(len).unwrap_or(u64::MAX));
        self.message.begun |= len > 0;
        if len == 0 && !last {
            return Ok(None);
        }
        Ok(Some(Masked {
            mask,
            payload: take(input, len),
            kind: self.message.kind,
            #[cfg(feature = "deflate")]
            is_compressed: self.message.is_compressed,
            first,
            last,
            frame_remaining: self.remaining,
            fin: self.fin,
        }))
    }

    /// Tells whether the message ends with the next `len` bytes.
    fn ends_after(&self, len: usize) -> bool {
        self.fin && u64::try_from(len) == Ok(self.remaining)
    }
}

impl Message {
    pub(super) const fn new(kind: MessageKind) -> Self {
        Self {
            kind,
            #[cfg(feature = "deflate")]
            is_compressed: false,
            begun: false,
            utf8: Utf8::Complete,
            size: 0,
            fragments: 0,
        }
    }

    /// Counts a frame of it.
    pub(super) fn add_frame(
        &mut self,
        header: &FrameHeader,
        message_limit: u64,
        fragment_limit: u32,
    ) -> Result<(), ProtocolError> {
        #[cfg(feature = "deflate")]
        {
            self.is_compressed |= header.rsv != 0;
        }
        // §10.4: "it is RECOMMENDED that implementations impose a limit on [...] the total message size after
        // reassembly from multiple frames"
        self.size = self.size.saturating_add(header.payload_len);
        if self.size > message_limit {
            return Err(ProtocolError::MessageTooLong);
        }
        self.fragments = self.fragments.saturating_add(1);
        if self.fragments > fragment_limit {
            return Err(ProtocolError::TooManyFragments);
        }
        Ok(())
    }

    /// Checks the next bytes of a text. An error is the number of bytes before the first bad one; of a text that ends
    /// within a code point, its last byte is the bad one, if there is one here.
    fn check_text(&mut self, payload: &[u8], last: bool) -> Result<(), usize> {
        let before = self.utf8;
        self.utf8.check(payload)?;
        if last && !self.utf8.is_complete() {
            let good = payload.len().saturating_sub(1);
            self.utf8 = before;
            self.utf8.check(payload.get(..good).unwrap_or_default())?;
            return Err(good);
        }
        Ok(())
    }
}
