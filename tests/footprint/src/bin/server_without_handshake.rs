//! An echo server for a connection that was upgraded by another HTTP stack.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use footprint::ours::{Out, echo_frames};
use footprint::{Storage, measure, session};
use websocket_proto::Connection;

#[entry]
fn main() -> ! {
    static mut STORAGE: Storage<Option<Connection>, Out> = Storage::new(None, [0; 144]);
    measure(STORAGE, |storage| echo_frames(&session!("to_server"), storage))
}
