//! Both ends as a `WebSocket`, on the heap; compressed where that feature is there.

use alloc::string::String;
use alloc::vec::Vec;
use core::iter::repeat_n;
use core::time::Duration;

use websocket_proto::{
    Accept, ClientHandshake, ClientRequest, CloseCode, Config, Event, HandshakeConfig, Next,
    ServerHandshake, WebSocket,
};

pub fn converse(seed: [u8; 32]) -> Option<()> {
    let (mut to_server, mut to_client) = (Vec::new(), Vec::new()); // the bytes in flight, both ways
    let mut head = Vec::new();
    let (request, accept) = (ClientRequest::new("ws://example.com/chat").ok()?, Accept::new());
    #[cfg(feature = "deflate")]
    let config = websocket_proto::DeflateConfig::default();
    #[cfg(feature = "deflate")]
    let (request, accept) = (request.deflate(config), accept.deflate(config));
    let mut handshake = ClientHandshake::new(request, seed, &mut to_server).ok()?;
    let mut request = ServerHandshake::new(HandshakeConfig::default())
        .receive(&mut &mut to_server[..], &mut head)
        .ok()??;
    let negotiated = request.accept(accept, &mut to_client).ok()?;
    let mut server = WebSocket::open(negotiated, Config::default());
    let mut response = handshake.receive(&mut &mut to_client[..], &mut head).ok()??;
    let mut client = WebSocket::open(response.accept().ok()?, Config::default());
    to_server.clear();
    to_client.clear();

    let said: String = repeat_n("κόσμε, ", 60).collect();
    client.send_text(&said, &mut to_server).ok()?;
    if cfg!(feature = "deflate") && to_server.len() > said.len() / 2 {
        return None;
    }
    client.close(CloseCode::NORMAL, "done", &mut to_server).ok()?;
    let mut heard = 0;
    // In pieces, so that they are put together.
    for piece in to_server.chunks_mut(3) {
        let mut input = piece;
        while let Some(event) = server.receive(&mut input, &mut to_client) {
            match event {
                Event::Text(text) => heard += usize::from(text == said),
                Event::Close(close) => heard += usize::from(close.code() == CloseCode::NORMAL),
                Event::Binary(_) | Event::Ping(_) | Event::Pong(_) => return None,
            }
        }
    }
    let mut input = &mut to_client[..];
    let Some(Event::Close(_)) = client.receive(&mut input, &mut to_server) else { return None };
    client.receive_eof();
    let ends =
        [server.poll(Duration::ZERO, &mut to_client), client.poll(Duration::ZERO, &mut to_server)];
    (heard == 2 && ends == [Next::End(Ok(())); 2]).then_some(())
}
