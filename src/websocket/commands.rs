//! What the caller of a [`WebSocket`] sends: handed on to its [`Connection`], compressed where that was agreed to.

use crate::close_code::CloseCode;
#[cfg(doc)]
use crate::connection::Connection;
use crate::connection::FrameStart;
#[cfg(feature = "deflate")]
use crate::connection::Outgoing;
#[cfg(feature = "deflate")]
use crate::deflate::OutOfMemory;
use crate::error::UsageError;
use crate::opcode::MessageKind;
use crate::output::Output;
#[cfg(feature = "deflate")]
use crate::websocket::compression::{Compress, Compression};
use crate::websocket::{Prepared, WebSocket};

impl WebSocket {
    /// Chooses the messages that are compressed, of those begun from now on. Where the opening handshake did not agree
    /// to compression, none is.
    ///
    /// What an eavesdropper must not guess should not be compressed together with what he can choose: the length tells
    /// when the two are alike. Nor is it worth the work to compress what is compressed already.
    #[cfg(feature = "deflate")]
    pub fn compress(&mut self, which: Compress) {
        if let Some(compression) = &mut self.compression {
            compression.which = which;
        }
    }

    /// Sends a text message; see [`Connection::send_text`].
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
        #[cfg(feature = "deflate")]
        if self.compression.is_some() {
            return self.send(MessageKind::Text, text.as_bytes(), out);
        }
        self.connection.send_text(text, out)
    }

    /// Sends a binary message; see [`Connection::send_binary`].
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
        #[cfg(feature = "deflate")]
        if self.compression.is_some() {
            return self.send(MessageKind::Binary, data, out);
        }
        self.connection.send_binary(data, out)
    }

    /// Sends a message that was encoded once for many receivers. Only a server can: a client masks each frame anew.
    ///
    /// # Errors
    ///
    /// [`UsageError::Closed`], [`UsageError::MessageInProgress`], [`UsageError::UnmaskedFrame`],
    /// [`UsageError::OutputFull`].
    pub fn send_prepared(
        &mut self,
        message: &Prepared,
        out: &mut (impl Output + ?Sized),
    ) -> Result<(), UsageError> {
        #[cfg(feature = "deflate")]
        if let Some((compression, compressed)) = self.compression.as_mut().zip(message.compressed())
        {
            if compression.may_send(compressed.window_bits) {
                self.connection.send_encoded(&compressed.frame, out)?;
                compression.skip();
                return Ok(());
            }
        }
        self.connection.send_encoded(message.frame(), out)
    }

    /// Sends a part of a message as a frame of its own; see [`Connection::send_fragment`].
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
        #[cfg(feature = "deflate")]
        if let Some(compression) = &mut self.compression {
            if !self.connection.is_sending_parts() {
                compression.begin(part);
            }
            if compression.is_on() {
                let frame = self.connection.judge_fragment(kind, part, last)?;
                return self.send_compressed(frame, part, last, out);
            }
        }
        self.connection.send_fragment(kind, part, last, out)
    }

    /// Starts a text message whose payload the caller writes; see [`Connection::start_text`].
    ///
    /// # Errors
    ///
    /// [`UsageError::Closed`], [`UsageError::MessageInProgress`], [`UsageError::LengthOverflow`].
    #[inline]
    pub fn start_text(&mut self, payload_len: u64) -> Result<FrameStart, UsageError> {
        self.connection.start_text(payload_len)
    }

    /// Starts a binary message whose payload the caller writes; see [`Connection::start_binary`].
    ///
    /// # Errors
    ///
    /// [`UsageError::Closed`], [`UsageError::MessageInProgress`], [`UsageError::LengthOverflow`].
    #[inline]
    pub fn start_binary(&mut self, payload_len: u64) -> Result<FrameStart, UsageError> {
        self.connection.start_binary(payload_len)
    }

    /// Starts a part of a message whose payload the caller writes; see [`Connection::start_fragment`].
    ///
    /// # Errors
    ///
    /// [`UsageError::Closed`]; [`UsageError::MessageInProgress`], where a message of the other kind is, or a compressed
    /// one; [`UsageError::LengthOverflow`]; [`UsageError::InvalidUtf8`], where an empty last part leaves a text within a code
    /// point.
    pub fn start_fragment(
        &mut self,
        kind: MessageKind,
        payload_len: u64,
        last: bool,
    ) -> Result<FrameStart, UsageError> {
        #[cfg(feature = "deflate")]
        if let Some(compression) = &mut self.compression {
            if !self.connection.is_sending_parts() {
                compression.begin_plain();
            } else if compression.is_on() && self.connection.may_send() {
                return Err(UsageError::MessageInProgress);
            }
        }
        self.connection.start_fragment(kind, payload_len, last)
    }

    /// Sends a Ping frame; see [`Connection::send_ping`].
    ///
    /// # Errors
    ///
    /// [`UsageError::Closed`], [`UsageError::ControlTooLong`], [`UsageError::OutputFull`].
    pub fn send_ping(
        &mut self,
        payload: &[u8],
        out: &mut (impl Output + ?Sized),
    ) -> Result<(), UsageError> {
        self.connection.send_ping(payload, out)
    }

    /// Sends a Pong frame; see [`Connection::send_pong`].
    ///
    /// # Errors
    ///
    /// [`UsageError::Closed`], [`UsageError::ControlTooLong`], [`UsageError::OutputFull`].
    pub fn send_pong(
        &mut self,
        payload: &[u8],
        out: &mut (impl Output + ?Sized),
    ) -> Result<(), UsageError> {
        self.connection.send_pong(payload, out)
    }

    /// Starts the closing handshake, or answers the peer's; see [`Connection::close`].
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
        self.connection.close(code, reason, out)
    }

    /// Sends a message, compressed if it is to be.
    #[cfg(feature = "deflate")]
    fn send(
        &mut self,
        kind: MessageKind,
        payload: &[u8],
        out: &mut (impl Output + ?Sized),
    ) -> Result<(), UsageError> {
        let frame = self.connection.judge_message(kind, payload)?;
        if self.compression.as_mut().is_some_and(|it| it.begin(payload)) {
            self.send_compressed(frame, payload, true, out)
        } else {
            self.connection.send_judged(&frame, payload, out)
        }
    }

    #[cfg(feature = "deflate")]
    fn send_compressed(
        &mut self,
        frame: Outgoing,
        part: &[u8],
        last: bool,
        out: &mut (impl Output + ?Sized),
    ) -> Result<(), UsageError> {
        let refers_back = self.compression.as_ref().is_some_and(Compression::refers_back);
        match self.try_compressed(frame, part, last, out) {
            // The context is lost with what was refused. Without, it needs more room, and `needed` is to say how much.
            Err(UsageError::OutputFull { .. }) if refers_back => {
                self.try_compressed(frame, part, last, out)
            }
            sent => sent,
        }
    }

    #[cfg(feature = "deflate")]
    fn try_compressed(
        &mut self,
        frame: Outgoing,
        part: &[u8],
        last: bool,
        out: &mut (impl Output + ?Sized),
    ) -> Result<(), UsageError> {
        let Some(compression) = &mut self.compression else {
            return self.connection.send_judged(&frame, part, out);
        };
        let payload = compression
            .deflate(part, last)
            .map_err(|OutOfMemory| UsageError::OutputFull { needed: part.len() })?;
        let sent = self.connection.send_judged(&frame.compressed(payload), payload, out);
        compression.settle(sent.is_ok());
        sent
    }
}
