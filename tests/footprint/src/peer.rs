//! Both roles of embedded-websocket.

use embedded_websocket::{
    WebSocket, WebSocketReceiveMessageType as Received, WebSocketSendMessageType as Sent,
    WebSocketType,
};
use rand_core::RngCore;

use crate::transmit;

/// A fragment that is not the last of its message has to come whole, and find room: else it is read for ever.
const FRAME: usize = 256;

pub struct Buffers {
    /// What came and was not taken: a head, or a header. The session does not need it, for it comes whole.
    _head: [u8; 512],
    payload: [u8; FRAME],
    pub out: [u8; FRAME + 14],
}

impl Buffers {
    pub const EMPTY: Self = Self { _head: [0; 512], payload: [0; FRAME], out: [0; FRAME + 14] };
}

/// Answers data with itself, and what has to be answered.
pub fn echo<R: RngCore, T: WebSocketType>(
    ws: &mut WebSocket<R, T>,
    input: &[u8],
    buffers: &mut Buffers,
) -> Option<()> {
    let mut rest = input;
    while !rest.is_empty() {
        let step = ws.read(rest, &mut buffers.payload).ok()?;
        rest = rest.get(step.len_from..)?;
        let payload = buffers.payload.get(..step.len_to)?;
        let kind = match step.message_type {
            Received::Text => {
                // It leaves UTF-8 to its user, who cannot check a chunk by itself; this one takes it for checked.
                Sent::Text
            }
            Received::Binary => Sent::Binary,
            Received::Ping => Sent::Pong,
            Received::CloseMustReply => Sent::CloseReply,
            Received::Pong | Received::CloseCompleted => continue,
        };
        let len = ws.write(kind, step.end_of_message, payload, &mut buffers.out).ok()?;
        transmit(buffers.out.get(..len)?);
    }
    Some(())
}
