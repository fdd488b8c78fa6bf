//! Pages for those who build on the crate. There is nothing here but text, and examples that run.

// The drivers are built and tested where they stand.
#[cfg(not(doctest))]
pub mod drivers;

#[doc = include_str!("closing.md")]
pub mod closing {}

#[doc = include_str!("threads.md")]
pub mod threads {}

#[doc = include_str!("limits.md")]
pub mod limits {}

#[doc = include_str!("security.md")]
pub mod security {}

#[doc = include_str!("firmware.md")]
pub mod firmware {}

#[doc = include_str!("coming_from.md")]
pub mod coming_from {}
