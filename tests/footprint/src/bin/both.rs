//! An echo server, then a client that echoes.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use footprint::ours::{self, connect, serve};
use footprint::{Storage, measure, session};
use websocket_proto::{ClientHandshake, ServerHandshake};

type Ends = (ours::Storage<ServerHandshake>, ours::Storage<ClientHandshake>);

#[entry]
fn main() -> ! {
    static mut STORAGE: Storage<Ends, ()> =
        Storage::new((Storage::new(None, [0; 144]), Storage::new(None, [0; 144])), ());
    measure(STORAGE, |storage| {
        serve(&session!("to_server"), &mut storage.machine.0)?;
        connect(&session!("to_client"), &mut storage.machine.1)
    })
}
