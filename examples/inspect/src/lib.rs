//! Shows the WebSocket connections in a capture of network traffic: a replay by the machines of websocket-proto.
//!
//! ```text
//! capture  a file -> packets               flow     streams -> what they carry
//! link     a packet -> a segment of TCP    session  opening, then a reader for each side
//! tcp      segments -> a stream            opening  the heads: ServerHandshake and ClientHandshake
//! timeline what is told of it              frames   what follows: FrameHeader and WebSocket
//! ```

pub mod capture;
pub mod fault;
pub mod flow;
pub mod frames;
pub mod link;
pub mod opening;
pub mod print;
pub mod replay;
pub mod safe;
pub mod session;
pub mod tcp;
pub mod timeline;
