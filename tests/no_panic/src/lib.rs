//! Everything that receives, sends, polls or does a handshake, as exported tables of function pointers: the compiler
//! knows nothing of the arguments, nor of what was called before, and so can leave no path out.
//!
//! A panic ends in a symbol that is nowhere defined; `tests/no_panic/run` shows that nothing leads there. Not in the
//! tables: formatting, comparison, and the `Clone` of what holds a `Vec`, which has no way to fail.
#![no_std]
#![expect(dead_code, reason = "nobody reads the tables")]

#[cfg(feature = "alloc")]
extern crate alloc;

mod connect;
mod connection;
#[cfg(feature = "deflate")]
mod deflate;
mod frame;
mod handshake;
#[cfg(feature = "planted")]
mod planted;
#[cfg(feature = "alloc")]
mod websocket;

/// What is lent to a call. How long for makes no difference to the code.
type Bytes = &'static [u8];
type Text = &'static str;
type Input<'i> = &'i mut &'static mut [u8];

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        safe fn a_panic_was_reached() -> !;
    }
    a_panic_was_reached()
}
