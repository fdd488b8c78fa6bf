//! A WebSocket engine with no I/O in it: bytes in, events and bytes out.
#![cfg_attr(not(test), no_std)]
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::indexing_slicing,
        clippy::unwrap_used,
        reason = "a test may panic"
    )
)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod close_code;
mod config;
mod connection;
mod error;
mod frame;
mod handshake;
mod mask;
mod next;
mod opcode;
mod output;
mod role;
mod seed;
mod state;
mod timers;
mod utf8;
#[cfg(feature = "alloc")]
mod websocket;

pub use close_code::CloseCode;
pub use config::Config;
pub use connection::{Chunk, ChunkEvent, Connection, FrameStart};
pub use error::{Failure, HandshakeError, ProtocolError, Timeout, UsageError};
pub use frame::{Close, ControlPayload, FrameHeader, HeaderBytes};
pub use handshake::{
    Accept, ClientHandshake, ClientRequest, Extension, HandshakeConfig, Negotiated, Request,
    Response, ServerHandshake, SwitchingResponse, accept_key, negotiate,
};
pub use mask::Mask;
pub use next::Next;
pub use opcode::{MessageKind, Opcode};
pub use output::{Output, SliceOutput};
pub use role::Role;
#[cfg(feature = "alloc")]
pub use websocket::{Event, Prepared, WebSocket};
