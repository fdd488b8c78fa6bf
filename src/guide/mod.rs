//! Pages for those who build on the crate. There is nothing here but text, and examples that run.

#[doc = include_str!("firmware.md")]
pub mod firmware {}
