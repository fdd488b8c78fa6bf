//! A client and a server in one address space, on a platform that has nothing else.
//!
//! `tests/platforms/run` links it for each of them, and runs it as WebAssembly.
#![no_std]

#[cfg(feature = "alloc")]
extern crate alloc;

mod arrays;
#[cfg(feature = "alloc")]
mod heap;
#[cfg(feature = "alloc")]
mod messages;

/// Whether both ends of a connection on arrays came from the opening to the closing handshake, and whatever was said
/// was heard.
#[unsafe(no_mangle)]
pub extern "C" fn converse_on_arrays(seed: u8) -> bool {
    arrays::converse([seed; 32]).is_some()
}

/// The same of whole messages, on the heap.
#[cfg(feature = "alloc")]
#[unsafe(no_mangle)]
pub extern "C" fn converse_in_messages(seed: u8) -> bool {
    messages::converse([seed; 32]).is_some()
}

#[cfg(feature = "planted")]
#[unsafe(no_mangle)]
pub extern "C" fn planted_clock() -> u32 {
    #[link(wasm_import_module = "env")]
    unsafe extern "C" {
        safe fn now() -> u32;
    }
    now()
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
