//! Builds the driver, and what it takes over `embedded-io`, so that they can be tested:
//! `cargo test --manifest-path examples/embedded_io/Cargo.toml`.
#![no_std]

#[path = "../../drivers/embedded_io.rs"]
mod driver;
#[path = "../../drivers/embedded_io_ready.rs"]
mod ready;

pub use driver::{Clock, Error, Transport, let_go};
pub use ready::Ready;
