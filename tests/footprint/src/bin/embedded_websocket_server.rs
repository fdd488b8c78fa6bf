//! embedded-websocket as an echo server, as its example does it: the head, and each frame's header, come whole.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use embedded_websocket::{WebSocketServer, WebSocketState, read_http_header};
use footprint::peer::{Buffers, echo};
use footprint::{Storage, measure, session, transmit};
use httparse::{EMPTY_HEADER, Request};

#[entry]
fn main() -> ! {
    static mut STORAGE: Storage<Option<WebSocketServer>, Buffers> =
        Storage::new(None, Buffers::EMPTY);
    measure(STORAGE, |storage| {
        let (ws, buffers) =
            (storage.machine.insert(WebSocketServer::new_server()), &mut storage.buffers);
        session!("to_server").play(&mut storage.input, |input| {
            if ws.state != WebSocketState::None {
                return echo(ws, input, buffers);
            }
            let mut fields = [EMPTY_HEADER; 16];
            let mut request = Request::new(&mut fields);
            request.parse(input).ok()?;
            let fields = request.headers.iter().map(|field| (field.name, field.value));
            let key = read_http_header(fields).ok()??.sec_websocket_key;
            let len = ws.server_accept(&key, None, &mut buffers.out).ok()?;
            transmit(buffers.out.get(..len)?);
            Some(())
        })?;
        (ws.state == WebSocketState::Closed).then_some(())
    })
}
