//! Compression of messages: the extension permessage-deflate (RFC 7692 §7).

mod config;
mod listed;
mod params;

pub use config::DeflateConfig;
pub use listed::ExtensionValue;
pub(crate) use listed::NAME;
pub use params::DeflateParams;
