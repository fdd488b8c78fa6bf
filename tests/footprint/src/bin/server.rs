//! An echo server.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use footprint::ours::{Storage, serve};
use footprint::{measure, session};
use websocket_proto::ServerHandshake;

#[entry]
fn main() -> ! {
    static mut STORAGE: Storage<ServerHandshake> = Storage::new(None, [0; 144]);
    measure(STORAGE, |storage| serve(&session!("to_server"), storage))
}
