//! Both ends as a `Connection`, on arrays.

use core::time::Duration;

use websocket_proto::{
    Accept, ChunkEvent, ClientHandshake, ClientRequest, CloseCode, Config, Connection,
    HandshakeConfig, Next, ServerHandshake, SliceOutput,
};

const TEXT: &str = "κόσμε";

pub fn converse(seed: [u8; 32]) -> Option<()> {
    let (mut up, mut down) = ([0; 512], [0; 512]); // the bytes in flight, both ways
    let mut to_server = SliceOutput::new(&mut up);
    let mut to_client = SliceOutput::new(&mut down);
    let mut storage = [0; 512];
    let mut head = SliceOutput::new(&mut storage);

    let request = ClientRequest::new("ws://example.com/chat").ok()?.subprotocol("chat");
    let mut handshake = ClientHandshake::new(request, seed, &mut to_server).ok()?;
    let mut wire = Wire::of(&mut to_server);
    let mut request = ServerHandshake::new(HandshakeConfig::default())
        .receive(&mut wire.bytes(), &mut head)
        .ok()??;
    let accept = Accept::new().subprotocol(request.subprotocols().next());
    let negotiated = request.accept(accept, &mut to_client).ok()?;
    let mut server = Connection::open(negotiated, Config::default());

    let mut wire = Wire::of(&mut to_client);
    let mut head = SliceOutput::new(&mut storage);
    let mut response = handshake.receive(&mut wire.bytes(), &mut head).ok()??;
    let mut client = Connection::open(response.accept().ok()?, Config::default());

    client.send_text(TEXT, &mut to_server).ok()?;
    client.send_ping(b"there?", &mut to_server).ok()?;
    let mut wire = Wire::of(&mut to_server);
    let mut input = wire.bytes();
    let Some(ChunkEvent::Data(chunk)) = server.receive(&mut input, &mut to_client) else {
        return None;
    };
    server.send_text(core::str::from_utf8(chunk.payload).ok()?, &mut to_client).ok()?;
    let Some(ChunkEvent::Ping(_)) = server.receive(&mut input, &mut to_client) else { return None };
    server.close(CloseCode::NORMAL, "done", &mut to_client).ok()?;

    let mut wire = Wire::of(&mut to_client);
    let mut input = wire.bytes();
    let (mut echoed, mut ponged, mut closed) = (false, false, false);
    while let Some(event) = client.receive(&mut input, &mut to_server) {
        match event {
            ChunkEvent::Data(chunk) => echoed = chunk.last && chunk.payload == TEXT.as_bytes(),
            ChunkEvent::Pong(payload) => ponged = *payload == *b"there?",
            ChunkEvent::Close(close) => closed = close.code() == CloseCode::NORMAL,
            ChunkEvent::Ping(_) => return None,
        }
    }
    let mut wire = Wire::of(&mut to_server);
    server.receive(&mut wire.bytes(), &mut to_client)?;
    client.receive_eof();
    let ends =
        [server.poll(Duration::ZERO, &mut to_client), client.poll(Duration::ZERO, &mut to_server)];
    (echoed && ponged && closed && ends == [Next::End(Ok(())); 2]).then_some(())
}

/// What was written at one end, on its way to the other.
struct Wire([u8; 512], usize);

impl Wire {
    fn of(output: &mut SliceOutput<'_>) -> Self {
        let mut wire = Self([0; 512], output.written().len());
        wire.bytes().copy_from_slice(output.written());
        output.clear();
        wire
    }

    fn bytes(&mut self) -> &mut [u8] {
        &mut self.0[..self.1]
    }
}
