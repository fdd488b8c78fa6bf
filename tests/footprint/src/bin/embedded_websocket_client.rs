//! embedded-websocket as a client that echoes. Its nonce and masking keys are left to the caller, and none here.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use embedded_websocket::{EmptyRng, WebSocketClient, WebSocketOptions, WebSocketState};
use footprint::peer::{Buffers, echo};
use footprint::{Storage, measure, session, transmit};

#[entry]
fn main() -> ! {
    static mut STORAGE: Storage<Option<WebSocketClient<EmptyRng>>, Buffers> =
        Storage::new(None, Buffers::EMPTY);
    measure(STORAGE, |storage| {
        let ws = storage.machine.insert(WebSocketClient::new_client(EmptyRng::new()));
        let buffers = &mut storage.buffers;
        let options = WebSocketOptions {
            path: "/chat",
            host: "device.local",
            origin: "http://device.local",
            sub_protocols: None,
            additional_headers: None,
        };
        let (len, key) = ws.client_connect(&options, &mut buffers.out).ok()?;
        transmit(buffers.out.get(..len)?);
        session!("to_embedded_client").play(&mut storage.input, |input| {
            if ws.state != WebSocketState::Connecting {
                return echo(ws, input, buffers);
            }
            ws.client_accept(&key, input).ok()?;
            Some(())
        })?;
        (ws.state == WebSocketState::Closed).then_some(())
    })
}
