//! Pages for those who build on the crate. There is nothing here but text, and examples that run.

#[doc = include_str!("closing.md")]
pub mod closing {}

#[doc = include_str!("limits.md")]
pub mod limits {}

#[doc = include_str!("security.md")]
pub mod security {}

#[doc = include_str!("firmware.md")]
pub mod firmware {}

#[doc = include_str!("coming_from.md")]
pub mod coming_from {}
