//! What a [`WebSocket`](crate::WebSocket) tells of what it received.

use alloc::borrow::Cow;

use crate::frame::{Close, ControlPayload};

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
