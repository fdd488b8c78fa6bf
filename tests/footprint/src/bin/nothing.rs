//! What a program takes that does nothing with a session but have it pass by.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use footprint::{Storage, measure, session, transmit};

#[entry]
fn main() -> ! {
    static mut STORAGE: Storage<(), ()> = Storage::new((), ());
    measure(STORAGE, |storage| {
        session!("to_server").play(&mut storage.input[..128], |input| {
            transmit(input);
            Some(())
        })
    })
}
