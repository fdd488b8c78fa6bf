//! What a [`Connection`](crate::Connection) tells of what it received.

use crate::connection::chunk::Chunk;
use crate::connection::receive::Control;
use crate::frame::{Close, ControlPayload};

/// An event of a [`Connection`](crate::Connection). It borrows the input, never the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a user's `match` shall be complete")]
pub enum ChunkEvent<'b> {
    /// A piece of a message.
    Data(Chunk<'b>),
    /// A Ping frame; its Pong is in the output, or held (RFC 6455 §5.5.2).
    Ping(ControlPayload),
    /// A Pong frame, asked for or not (§5.5.3).
    Pong(ControlPayload),
    /// The peer's Close frame; its answer is in the output, or held (§5.5.1). Nothing follows it.
    Close(Close),
}

impl From<Control> for ChunkEvent<'_> {
    fn from(control: Control) -> Self {
        match control {
            Control::Ping(payload) => Self::Ping(payload),
            Control::Pong(payload) => Self::Pong(payload),
            Control::Close(close) => Self::Close(close),
        }
    }
}
