//! Both roles of `websocket-proto`: handshake, echo in chunks, UTF-8, Pings, closing, and timers.

use core::time::Duration;

use websocket_proto::{
    Accept, ChunkEvent, ClientHandshake, ClientRequest, Config, Connection, HandshakeConfig,
    Negotiated, Next, Output, ServerHandshake, SliceOutput,
};

use crate::{Session, transmit};

pub type Storage<Handshake> = crate::Storage<Option<Stage<Handshake>>, Out>;

pub enum Stage<Handshake> {
    Opening(Handshake, Head),
    Open(Connection),
}

/// For a Pong, which takes 127 bytes and from a client 131, or a chunk of what is read at once with its header.
pub type Out = [u8; 144];

/// A head that comes in pieces; a browser's is some 500 bytes long. It is kept no longer than the opening handshake.
pub struct Head {
    bytes: [u8; 512],
    len: usize,
}

impl Head {
    const EMPTY: Self = Self { bytes: [0; 512], len: 0 };
}

impl Output for Head {
    fn make_room(&mut self, bytes: usize) -> bool {
        self.bytes.len() - self.len >= bytes
    }

    fn put(&mut self, bytes: &[u8]) {
        if let Some(room) = self.bytes.get_mut(self.len..).and_then(|it| it.get_mut(..bytes.len()))
        {
            room.copy_from_slice(bytes);
            self.len += bytes.len();
        }
    }

    fn waiting(&self) -> usize {
        self.len
    }
}

impl AsRef<[u8]> for Head {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// As much as a transport reads at once.
const PIECE: usize = 128;

pub fn serve(session: &Session, storage: &mut Storage<ServerHandshake>) -> Option<()> {
    let mut out = SliceOutput::new(&mut storage.buffers);
    let handshake = ServerHandshake::new(HandshakeConfig::default());
    let stage = storage.machine.insert(Stage::Opening(handshake, Head::EMPTY));
    session.play(&mut storage.input[..PIECE], |mut input| {
        if let Stage::Opening(handshake, head) = stage {
            match handshake.receive(&mut input, head) {
                Ok(None) => return Some(()),
                Ok(Some(mut request)) => {
                    let negotiated = request.accept(Accept::new(), &mut out).ok()?;
                    *stage = Stage::Open(Connection::open(negotiated, Config::default()));
                }
                Err(error) => {
                    error.respond(&mut out).ok()?;
                    transmit(out.written());
                    return None;
                }
            }
        }
        if let Stage::Open(connection) = stage {
            echo(connection, &mut input, &mut out)?;
        }
        Some(())
    })?;
    is_closed(stage, &mut out)
}

pub fn connect(session: &Session, storage: &mut Storage<ClientHandshake>) -> Option<()> {
    let mut out = SliceOutput::new(&mut storage.buffers);
    let request = ClientRequest::new("ws://device.local/chat").ok()?;
    // The request is longer than `out`.
    let mut head = Head::EMPTY;
    let handshake = ClientHandshake::new(request, [7; 32], &mut head).ok()?;
    transmit(head.as_ref());
    let stage = storage.machine.insert(Stage::Opening(handshake, Head::EMPTY));
    session.play(&mut storage.input[..PIECE], |mut input| {
        if let Stage::Opening(handshake, head) = stage {
            let Some(mut response) = handshake.receive(&mut input, head).ok()? else {
                return Some(());
            };
            let negotiated = response.accept().ok()?;
            *stage = Stage::Open(Connection::open(negotiated, Config::default()));
        }
        if let Stage::Open(connection) = stage {
            echo(connection, &mut input, &mut out)?;
        }
        Some(())
    })?;
    if let Stage::Open(connection) = stage {
        connection.receive_eof();
    }
    is_closed(stage, &mut out)
}

pub fn echo_frames(
    session: &Session,
    storage: &mut crate::Storage<Option<Connection>, Out>,
) -> Option<()> {
    let mut out = SliceOutput::new(&mut storage.buffers);
    let connection =
        storage.machine.insert(Connection::open(Negotiated::server(), Config::default()));
    Session { head: &[], ..*session }
        .play(&mut storage.input[..PIECE], |mut input| echo(connection, &mut input, &mut out))?;
    (connection.poll(Duration::ZERO, &mut out) == Next::End(Ok(()))).then_some(())
}

fn echo(
    connection: &mut Connection,
    input: &mut &mut [u8],
    out: &mut SliceOutput<'_>,
) -> Option<()> {
    while let Some(event) = connection.receive(input, out) {
        if let ChunkEvent::Data(chunk) = event {
            connection.send_fragment(chunk.kind, chunk.payload, chunk.last, out).ok()?;
        }
        transmit(out.written());
        out.clear();
    }
    let is_well = !matches!(connection.poll(Duration::ZERO, out), Next::End(Err(_)));
    transmit(out.written());
    out.clear();
    is_well.then_some(())
}

fn is_closed<Handshake>(stage: &mut Stage<Handshake>, out: &mut SliceOutput<'_>) -> Option<()> {
    let Stage::Open(connection) = stage else { return None };
    (connection.poll(Duration::ZERO, out) == Next::End(Ok(()))).then_some(())
}
