//! This crate: `WebSocket` with whole messages, `Connection` with chunks. The loops are those of the crate's page.

use std::borrow::Cow;
use std::hint::black_box;
use std::time::Duration;

use bytes::Bytes;
use websocket_proto::{
    Accept, ChunkEvent, ClientHandshake, ClientRequest, Config, Connection, Event, HandshakeConfig,
    Negotiated, Next, ServerHandshake, SliceOutput, WebSocket,
};

use super::URL;
use crate::consumer::Consumer;
use crate::contender::{Can, Contender, Entry, Role};
use crate::wire::Wire;

pub const WHOLE: Entry = Entry {
    name: "websocket-proto",
    open: |role, wire| Box::new(Whole::new(role, wire, true)),
    idle: Some(|wire| {
        let mut whole = Whole::new(Role::Server, wire, true);
        whole.receive(&mut Consumer::default());
        Box::new(whole.ws)
    }),
};

/// Without `recycle`: the buffer of a message that was assembled is dropped.
pub const KEEPING: Entry = Entry {
    name: "websocket-proto, no recycle",
    open: |role, wire| Box::new(Whole::new(role, wire, false)),
    idle: None,
};

pub const CHUNKS: Entry = Entry {
    name: "websocket-proto chunks",
    open: |role, wire| Box::new(Chunks::new(role, wire)),
    idle: Some(|wire| {
        let mut chunks = Chunks::new(Role::Server, wire);
        chunks.receive(&mut Consumer::default());
        Box::new(chunks.connection)
    }),
};

/// Sends with `start_binary`: the payload is written from where it lies.
pub const VECTORED: Entry = Entry {
    name: "websocket-proto vectored",
    open: |role, wire| Box::new(Vectored(Chunks::new(role, wire))),
    idle: None,
};

const SEED: [u8; 32] = *b"equal seeds make for equal bytes";

struct Whole {
    ws: WebSocket,
    wire: Wire,
    input: Box<[u8]>,
    out: Vec<u8>,
    recycles: bool,
}

struct Chunks {
    connection: Connection,
    wire: Wire,
    input: Box<[u8]>,
    out: Vec<u8>,
}

struct Vectored(Chunks);

fn negotiated(role: Role) -> Negotiated<'static> {
    match role {
        Role::Server => Negotiated::server(),
        Role::Client => Negotiated::client(SEED),
    }
}

impl Whole {
    fn new(role: Role, wire: Wire, recycles: bool) -> Self {
        let ws = WebSocket::open(negotiated(role), Config::default());
        Self { ws, input: wire.buffer(), wire, out: Vec::new(), recycles }
    }
}

impl Contender for Whole {
    fn receive(&mut self, consumer: &mut Consumer) -> Can {
        loop {
            let n = self.wire.read(&mut self.input);
            if n == 0 {
                return Can::Done;
            }
            let mut input = &mut self.input[..n];
            while let Some(event) = self.ws.receive(&mut input, &mut self.out) {
                match event {
                    Event::Binary(data) => {
                        consumer.message(&data);
                        if let Cow::Owned(data) = data
                            && self.recycles
                        {
                            self.ws.recycle(data);
                        }
                    }
                    Event::Text(text) => {
                        consumer.message(text.as_bytes());
                        if let Cow::Owned(text) = text
                            && self.recycles
                        {
                            self.ws.recycle(text);
                        }
                    }
                    Event::Ping(_) | Event::Pong(_) | Event::Close(_) => {}
                }
            }
            let next = self.ws.poll(Duration::ZERO, &mut self.out);
            write(&self.wire, &mut self.out);
            assert_eq!(next, Next::Wait(None));
        }
    }

    fn send(&mut self, messages: &[Bytes]) -> Can {
        for data in messages {
            self.ws.send_binary(data, &mut self.out).expect("the connection is open");
        }
        write(&self.wire, &mut self.out);
        Can::Done
    }

    fn echo(&mut self, consumer: &mut Consumer) -> Can {
        loop {
            let n = self.wire.read(&mut self.input);
            if n == 0 {
                return Can::Done;
            }
            let mut input = &mut self.input[..n];
            while let Some(event) = self.ws.receive(&mut input, &mut self.out) {
                if let Event::Binary(data) = event {
                    consumer.message(&data);
                    self.ws.send_binary(&data, &mut self.out).expect("the connection is open");
                    if let Cow::Owned(data) = data {
                        self.ws.recycle(data);
                    }
                }
            }
            let next = self.ws.poll(Duration::ZERO, &mut self.out);
            write(&self.wire, &mut self.out);
            assert_eq!(next, Next::Wait(None));
        }
    }

    fn accept(&mut self) -> Can {
        let (mut storage, mut nowhere) = ([0; 1024], [0; 0]);
        let (mut out, mut head) = (SliceOutput::new(&mut storage), SliceOutput::new(&mut nowhere));
        let n = self.wire.read(&mut self.input);
        let mut input = &mut self.input[..n];
        let mut handshake = ServerHandshake::new(HandshakeConfig::default());
        let request = handshake.receive(&mut input, &mut head).expect("a good request");
        let negotiated = request.expect("a whole request").accept(Accept::new(), &mut out);
        self.wire.write(out.written());
        black_box(WebSocket::open(negotiated.expect("room"), Config::default()));
        Can::Done
    }

    fn connect(&mut self) -> Can {
        let (mut storage, mut nowhere) = ([0; 1024], [0; 0]);
        let (mut out, mut head) = (SliceOutput::new(&mut storage), SliceOutput::new(&mut nowhere));
        let request = ClientRequest::new(URL).expect("a good URL");
        let mut handshake = ClientHandshake::new(request, SEED, &mut out).expect("room");
        self.wire.write(out.written());
        let n = self.wire.read(&mut self.input);
        let mut input = &mut self.input[..n];
        let response = handshake.receive(&mut input, &mut head).expect("a good response");
        if let Some(mut response) = response {
            let negotiated = response.accept().expect("a 101");
            black_box(WebSocket::open(negotiated, Config::default()));
        }
        Can::Done
    }
}

impl Chunks {
    fn new(role: Role, wire: Wire) -> Self {
        let connection = Connection::open(negotiated(role), Config::default());
        Self { connection, input: wire.buffer(), wire, out: Vec::new() }
    }
}

impl Contender for Chunks {
    fn receive(&mut self, consumer: &mut Consumer) -> Can {
        loop {
            let n = self.wire.read(&mut self.input);
            if n == 0 {
                return Can::Done;
            }
            let mut input = &mut self.input[..n];
            while let Some(event) = self.connection.receive(&mut input, &mut self.out) {
                if let ChunkEvent::Data(chunk) = event {
                    consumer.chunk(chunk.payload, chunk.last);
                }
            }
            let next = self.connection.poll(Duration::ZERO, &mut self.out);
            write(&self.wire, &mut self.out);
            assert_eq!(next, Next::Wait(None));
        }
    }
}

impl Contender for Vectored {
    fn send(&mut self, messages: &[Bytes]) -> Can {
        let Self(Chunks { connection, wire, .. }) = self;
        if connection.role() == websocket_proto::Role::Client {
            return Can::Not; // it masks in place, and these messages are not its own
        }
        for data in messages {
            let start = connection.start_binary(data.len() as u64).expect("it is open");
            wire.write_both(start.header(), data);
        }
        Can::Done
    }
}

fn write(wire: &Wire, out: &mut Vec<u8>) {
    if !out.is_empty() {
        wire.write(out);
        out.clear();
    }
}
