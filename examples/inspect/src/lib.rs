//! Shows the WebSocket connections in a capture of network traffic: a replay by the machines of websocket-proto.
//!
//! ```text
//! capture    a file -> packets               session  the opening handshake, then a reader for each side
//! link       a packet -> a segment of TCP    opening  the heads: ServerHandshake and ClientHandshake
//! tcp        segments -> a stream            frames   what follows: FrameHeader and WebSocket
//! flow       two streams -> a session        fault    what is wrong, and by which section
//! beginning  what the first bytes tell       replay   all of a capture, to the entries of a timeline
//! ```
//!
//! What is told, in `timeline`, is printed by `print`, and made safe for a terminal by `safe`.

pub mod beginning;
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
