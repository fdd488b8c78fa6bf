//! The opening handshake (RFC 6455 §4). It knows nothing of frames.

mod config;
mod head;
mod key;
mod list;
mod negotiate;
mod negotiated;
mod opening;
mod request;
mod server;
mod upgrade;
mod uri;
mod write;

pub use config::HandshakeConfig;
pub use key::accept_key;
pub use list::Extension;
pub use negotiate::{SwitchingResponse, negotiate};
pub use negotiated::Negotiated;
pub use request::{Accept, Request};
pub use server::ServerHandshake;
