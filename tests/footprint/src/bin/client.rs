//! A client that echoes.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use footprint::ours::{Storage, connect};
use footprint::{measure, session};
use websocket_proto::ClientHandshake;

#[entry]
fn main() -> ! {
    static mut STORAGE: Storage<ClientHandshake> = Storage::new(None, [0; 144]);
    measure(STORAGE, |storage| connect(&session!("to_client"), storage))
}
