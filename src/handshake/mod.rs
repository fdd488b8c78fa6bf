//! The opening handshake (RFC 6455 §4). It knows nothing of frames.

mod negotiated;

pub use negotiated::Negotiated;
