//! Builds the driver, and what it takes over `embedded-io`, so that they can be tested.
#![no_std]

#[path = "../../drivers/embedded_io.rs"]
mod driver;
#[path = "../../drivers/embedded_io_ready.rs"]
mod ready;

pub use driver::{Clock, Error, Transport, let_go};
pub use ready::Ready;
