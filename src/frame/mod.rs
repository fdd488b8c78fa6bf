//! Frames as values (RFC 6455 §5): no state, no role.

mod close;
mod control;
mod decoder;
mod header;

pub use close::Close;
pub use control::ControlPayload;
pub(crate) use decoder::{HeaderDecoder, take};
pub(crate) use header::parse_length;
pub use header::{FrameHeader, HeaderBytes};
