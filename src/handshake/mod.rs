//! The opening handshake (RFC 6455 §4). It knows nothing of frames.

mod body;
mod client;
mod client_request;
mod config;
mod connect;
mod extensions;
mod field;
mod head;
#[cfg(feature = "http")]
mod http;
mod key;
mod list;
mod negotiate;
mod negotiated;
mod opening;
mod request;
mod response;
mod server;
mod upgrade;
mod uri;
mod write;

#[cfg(feature = "http")]
pub use self::http::{header_fields, negotiate_http};
pub use client::ClientHandshake;
pub use client_request::ClientRequest;
pub use config::HandshakeConfig;
pub use connect::{ConnectRequest, ConnectResponse, negotiate_connect};
pub use key::accept_key;
pub use list::Extension;
pub use negotiate::{Supported, SwitchingResponse, negotiate};
pub use negotiated::Negotiated;
pub use request::{Accept, Request};
pub use response::Response;
pub use server::ServerHandshake;
