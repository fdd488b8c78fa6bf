//! What a [`WebSocket`](crate::WebSocket) tells of what it received.

use alloc::borrow::Cow;

use crate::connection::Control;
use crate::error::ProtocolError;
use crate::frame::{Close, ControlPayload};
use crate::opcode::MessageKind;
use crate::utf8;

/// An event of a [`WebSocket`](crate::WebSocket). It borrows the input, never the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a user's `match` shall be complete")]
pub enum Event<'b> {
    /// A text message: borrowed where it lay whole in the input, owned where it was assembled.
    Text(Cow<'b, str>),
    /// A binary message: borrowed where it lay whole in the input, owned where it was assembled.
    Binary(Cow<'b, [u8]>),
    /// A Ping frame; its Pong is in the output, or held (RFC 6455 §5.5.2).
    Ping(ControlPayload),
    /// A Pong frame, asked for or not (§5.5.3).
    Pong(ControlPayload),
    /// The peer's Close frame; its answer is in the output, or held (§5.5.1). Nothing follows it.
    Close(Close),
}

impl<'b> Event<'b> {
    /// A message in one piece, whose text is yet to be checked.
    #[inline]
    pub(super) fn whole(kind: MessageKind, payload: &'b [u8]) -> Result<Self, ProtocolError> {
        match kind {
            // §8.1: "When an endpoint is to interpret a byte stream as UTF-8 but finds that the byte stream is not, in
            // fact, a valid UTF-8 stream, that endpoint MUST _Fail the WebSocket Connection_."
            MessageKind::Text => utf8::as_str(payload)
                .map(|text| Self::Text(Cow::Borrowed(text)))
                .ok_or(ProtocolError::InvalidUtf8),
            MessageKind::Binary => Ok(Self::Binary(Cow::Borrowed(payload))),
        }
    }
}

impl From<Control> for Event<'_> {
    fn from(control: Control) -> Self {
        match control {
            Control::Ping(payload) => Self::Ping(payload),
            Control::Pong(payload) => Self::Pong(payload),
            Control::Close(close) => Self::Close(close),
        }
    }
}
