//! What the caller asks a [`Connection`] to send (RFC 6455 §5.4 to §5.6, §6.1, §7.1.2).

use crate::close_code::CloseCode;
use crate::connection::Connection;
use crate::connection::replies::Passes;
use crate::connection::send::{FrameStart, Outgoing, len_u64};
use crate::error::UsageError;
use crate::frame::{Close, FrameHeader};
use crate::opcode::{MessageKind, Opcode};
use crate::output::{Output, require_room};
use crate::state::{Cause, State};

impl Connection {
    /// Sends a text message.
    ///
    /// # Errors
    ///
    /// [`UsageError::Closed`], [`UsageError::MessageInProgress`], [`UsageError::OutputFull`].
    #[inline]
    pub fn send_text(
        &mut self,
        text: &str,
        out: &mut (impl Output + ?Sized),
    ) -> Result<(), UsageError> {
        self.send_message(Opcode::Text, text.as_bytes(), out)
    }

    /// Sends a binary message.
    ///
    /// # Errors
    ///
    /// [`UsageError::Closed`], [`UsageError::MessageInProgress`], [`UsageError::OutputFull`].
    #[inline]
    pub fn send_binary(
        &mut self,
        data: &[u8],
        out: &mut (impl Output + ?Sized),
    ) -> Result<(), UsageError> {
        self.send_message(Opcode::Binary, data, out)
    }

    /// Sends a part of a message as a frame of its own: the first part starts the message, the `last` ends it
    /// (RFC 6455 §5.4). Control frames may come between.
    ///
    /// A part of a text may end within a code point, the last may not.
    ///
    /// # Errors
    ///
    /// [`UsageError::Closed`]; [`UsageError::MessageInProgress`], where a message of the other kind is;
    /// [`UsageError::InvalidUtf8`]; [`UsageError::OutputFull`].
    pub fn send_fragment(
        &mut self,
        kind: MessageKind,
        part: &[u8],
        last: bool,
        out: &mut (impl Output + ?Sized),
    ) -> Result<(), UsageError> {
        let frame = self.judge_fragment(kind, part, last)?;
        self.send_judged(&frame, part, out)
    }

    /// Starts a text message in a single frame, whose payload of `payload_len` bytes the caller writes.
    ///
    /// That it is UTF-8, and of this length, is the caller's promise. Nothing is appended to an output.
    ///
    /// # Errors
    ///
    /// [`UsageError::Closed`], [`UsageError::MessageInProgress`], [`UsageError::LengthOverflow`].
    #[inline]
    pub fn start_text(&mut self, payload_len: u64) -> Result<FrameStart, UsageError> {
        self.start_message(MessageKind::Text, payload_len)
    }

    /// Starts a binary message in a single frame, whose payload of `payload_len` bytes the caller writes.
    ///
    /// Its length is the caller's promise. Nothing is appended to an output.
    ///
    /// # Errors
    ///
    /// [`UsageError::Closed`], [`UsageError::MessageInProgress`], [`UsageError::LengthOverflow`].
    #[inline]
    pub fn start_binary(&mut self, payload_len: u64) -> Result<FrameStart, UsageError> {
        self.start_message(MessageKind::Binary, payload_len)
    }

    /// Starts a part of a message, whose payload of `payload_len` bytes the caller writes.
    ///
    /// That the parts of a text make UTF-8, and have the declared lengths, is the caller's promise.
    ///
    /// # Errors
    ///
    /// [`UsageError::Closed`]; [`UsageError::MessageInProgress`], where a message of the other kind is;
    /// [`UsageError::LengthOverflow`]; [`UsageError::InvalidUtf8`], where an empty last part leaves a text within a code
    /// point.
    pub fn start_fragment(
        &mut self,
        kind: MessageKind,
        payload_len: u64,
        last: bool,
    ) -> Result<FrameStart, UsageError> {
        self.require_sending()?;
        let frame = match payload_len {
            // There is nothing in it for the caller to answer for.
            0 => self.sender.data(kind, &[], last)?,
            _ => self.sender.data_of_len(kind, payload_len, last)?,
        };
        self.sender.start_data(&frame)
    }

    /// Sends a Ping frame with a payload of at most 125 bytes (RFC 6455 §5.5.2).
    ///
    /// # Errors
    ///
    /// [`UsageError::Closed`], [`UsageError::ControlTooLong`], [`UsageError::OutputFull`].
    ///
    /// # Examples
    ///
    /// ```
    /// use websocket_proto::{Config, Connection, Negotiated, Role, SliceOutput};
    ///
    /// let mut server = Connection::open(Negotiated::server(), Config::default());
    /// assert_eq!(server.role(), Role::Server);
    /// let mut storage = [0; 64];
    /// let mut out = SliceOutput::new(&mut storage);
    /// server.send_ping(b"3", &mut out)?;
    /// server.send_pong(b"", &mut out)?; // Unasked, it says that this end is alive.
    /// assert_eq!(out.written(), b"\x89\x013\x8a\x00");
    /// out.consume(3); // What the transport took.
    /// assert_eq!(out.written(), b"\x8a\x00");
    /// # Ok::<(), websocket_proto::UsageError>(())
    /// ```
    pub fn send_ping(
        &mut self,
        payload: &[u8],
        out: &mut (impl Output + ?Sized),
    ) -> Result<(), UsageError> {
        self.send_frame(Opcode::Ping, payload, out)
    }

    /// Sends a Pong frame with a payload of at most 125 bytes, asked for or not (RFC 6455 §5.5.3).
    ///
    /// # Errors
    ///
    /// [`UsageError::Closed`], [`UsageError::ControlTooLong`], [`UsageError::OutputFull`].
    pub fn send_pong(
        &mut self,
        payload: &[u8],
        out: &mut (impl Output + ?Sized),
    ) -> Result<(), UsageError> {
        self.send_frame(Opcode::Pong, payload, out)
    }

    /// Starts the closing handshake, or answers the peer's Close frame where that is not done automatically (RFC 6455
    /// §7.1.2).
    ///
    /// The code may be `None`, for a Close frame without a body; a reason has at most 123 bytes. Messages are received
    /// until the peer's Close frame comes; [`poll`](Self::poll) tells the end.
    ///
    /// # Errors
    ///
    /// [`UsageError::Closed`]; [`UsageError::InvalidCloseCode`], also for a reason without a code;
    /// [`UsageError::ControlTooLong`]; [`UsageError::OutputFull`].
    pub fn close(
        &mut self,
        code: impl Into<Option<CloseCode>>,
        reason: &str,
        out: &mut (impl Output + ?Sized),
    ) -> Result<(), UsageError> {
        let close = Close::new(code.into(), reason)?;
        self.send_frame(Opcode::Close, close.body(), out)?;
        self.transition(Cause::CloseSent);
        Ok(())
    }

    /// Tells whether a message or a control frame may be sent now.
    #[must_use]
    pub const fn may_send(&self) -> bool {
        self.state.sends() && !self.replies.owes_close()
    }

    /// Appends a frame that is encoded already, and not masked.
    #[cfg(feature = "alloc")]
    pub(crate) fn send_encoded(
        &mut self,
        frame: &[u8],
        out: &mut (impl Output + ?Sized),
    ) -> Result<(), UsageError> {
        self.require_sending()?;
        self.sender.require_no_message()?;
        // §5.1: "a client MUST mask all frames that it sends to the server"
        if self.sender.masks() {
            return Err(UsageError::UnmaskedFrame);
        }
        self.make_room(frame.len(), out)?;
        out.put(frame);
        Ok(())
    }

    fn require_sending(&self) -> Result<(), UsageError> {
        if self.may_send() { Ok(()) } else { Err(UsageError::Closed) }
    }

    /// Makes room for a frame of the caller's and the held Pong that goes before it, and sends that.
    #[inline]
    fn make_room(
        &mut self,
        frame_len: usize,
        out: &mut (impl Output + ?Sized),
    ) -> Result<(), UsageError> {
        if self.replies.is_idle() {
            return require_room(out, frame_len);
        }
        self.make_room_for_both(frame_len, out)
    }

    #[inline(never)]
    fn make_room_for_both(
        &mut self,
        frame_len: usize,
        out: &mut (impl Output + ?Sized),
    ) -> Result<(), UsageError> {
        let due_len = self.replies.due_len(&self.sender);
        let needed = due_len.saturating_add(frame_len);
        if due_len > 0 && out.waiting() == 0 && !out.make_room(needed) {
            // Not even all of the output has room for both. The Pong waits for `poll`; it bars nothing meanwhile.
            return require_room(out, frame_len);
        }
        require_room(out, needed)?;
        self.flush(Passes::Freely, out);
        Ok(())
    }

    #[inline]
    fn start_message(
        &mut self,
        kind: MessageKind,
        payload_len: u64,
    ) -> Result<FrameStart, UsageError> {
        self.require_sending()?;
        let frame = self.sender.message_of_len(kind, payload_len)?;
        self.sender.start_data(&frame)
    }

    /// Sends a message in a single frame.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the path of every small message")]
    fn send_message(
        &mut self,
        opcode: Opcode,
        payload: &[u8],
        out: &mut (impl Output + ?Sized),
    ) -> Result<(), UsageError> {
        let header = FrameHeader::new(opcode, len_u64(payload));
        let is_free =
            self.state == State::Open && self.replies.is_idle() && self.sender.has_no_message();
        if is_free {
            return self.sender.put_in_line(header, payload, out);
        }
        self.send_frame(opcode, payload, out)
    }

    /// Judges a message.
    #[cfg(feature = "deflate")]
    pub(crate) fn judge_message(
        &self,
        kind: MessageKind,
        payload: &[u8],
    ) -> Result<Outgoing, UsageError> {
        self.require_sending()?;
        self.sender.message_of_len(kind, len_u64(payload))
    }

    /// Judges a part of a message.
    pub(crate) fn judge_fragment(
        &self,
        kind: MessageKind,
        part: &[u8],
        last: bool,
    ) -> Result<Outgoing, UsageError> {
        self.require_sending()?;
        self.sender.data(kind, part, last)
    }

    /// Sends what was judged.
    pub(crate) fn send_judged(
        &mut self,
        frame: &Outgoing,
        payload: &[u8],
        out: &mut (impl Output + ?Sized),
    ) -> Result<(), UsageError> {
        self.make_room(frame.header().frame_len(self.sender.masks())?, out)?;
        self.sender.put_data(frame, payload, out)
    }

    /// Tells whether a message is being sent in parts.
    #[cfg(feature = "deflate")]
    pub(crate) const fn is_sending_parts(&self) -> bool {
        !self.sender.has_no_message()
    }

    /// Sends a control frame, or a message in a single frame, whatever is in its way.
    #[inline(never)]
    fn send_frame(
        &mut self,
        opcode: Opcode,
        payload: &[u8],
        out: &mut (impl Output + ?Sized),
    ) -> Result<(), UsageError> {
        self.require_sending()?;
        if !opcode.is_control() {
            self.sender.require_no_message()?;
        }
        let header = FrameHeader::new(opcode, len_u64(payload));
        self.make_room(header.frame_len(self.sender.masks())?, out)?;
        self.sender.put(header, payload, out)
    }
}
