//! Compression of messages: the extension permessage-deflate (RFC 7692 §7), with bounds, whatever the backend.
//!
//! A codec holds nothing before it is used. Then it holds what [`DeflateConfig`] says until it is dropped or fails, or,
//! where no context is taken over, until the message ends.

mod codec;
mod config;
mod listed;
#[cfg(any(test, not(feature = "zlib-rs")))]
mod miniz;
mod naive;
mod params;
mod room;
#[cfg(feature = "zlib-rs")]
mod zlib_rs;

pub use config::DeflateConfig;
pub use listed::ExtensionValue;
pub(crate) use listed::NAME;
pub use params::DeflateParams;

#[cfg(not(feature = "zlib-rs"))]
use self::miniz as backend;
#[cfg(feature = "zlib-rs")]
use self::zlib_rs as backend;

pub(crate) use self::codec::{Fault, OutOfMemory, Progress};

/// Inflates the messages of one direction.
pub(crate) type Inflater = codec::Inflater<backend::Inflate>;

/// Deflates the messages of one direction.
pub(crate) type Deflater = codec::Deflater<backend::Deflate>;
