//! This crate: `WebSocket` with whole messages, `Connection` with chunks. The loops are those of the crate's page.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use websocket_proto::{
    Accept, ChunkEvent, ClientHandshake, ClientRequest, Config, Connection, Event, HandshakeConfig,
    Negotiated, Next, ServerHandshake, SliceOutput, WebSocket,
};

use super::URL;
use crate::consumer::Consumer;
use crate::contender::{Can, Contender, Role};
use crate::wire::Wire;

const SEED: [u8; 32] = *b"equal seeds make for equal bytes";

struct Whole {
    ws: WebSocket,
    wire: Wire,
    input: Box<[u8]>,
    out: Vec<u8>,
}

struct Chunks {
    connection: Connection,
    wire: Wire,
    input: Box<[u8]>,
    out: Vec<u8>,
}

pub fn open(role: Role, wire: Wire) -> Option<Box<dyn Contender>> {
    let ws = WebSocket::open(negotiated(role), Config::default());
    Some(Box::new(Whole { ws, input: buffer(&wire), wire, out: Vec::new() }))
}

pub fn open_chunks(role: Role, wire: Wire) -> Option<Box<dyn Contender>> {
    let connection = Connection::open(negotiated(role), Config::default());
    Some(Box::new(Chunks { connection, input: buffer(&wire), wire, out: Vec::new() }))
}

fn negotiated(role: Role) -> Negotiated<'static> {
    match role {
        Role::Server => Negotiated::server(),
        Role::Client => Negotiated::client(SEED),
    }
}

fn buffer(wire: &Wire) -> Box<[u8]> {
    vec![0; wire.read_size()].into()
}

impl Contender for Whole {
    fn wire(&mut self) -> &mut Wire {
        &mut self.wire
    }

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
                        if let Cow::Owned(data) = data {
                            self.ws.recycle(data);
                        }
                    }
                    Event::Text(text) => {
                        consumer.message(text.as_bytes());
                        if let Cow::Owned(text) = text {
                            self.ws.recycle(text);
                        }
                    }
                    Event::Ping(_) | Event::Pong(_) | Event::Close(_) => {}
                }
            }
            let next = self.ws.poll(Duration::ZERO, &mut self.out);
            write(&mut self.wire, &mut self.out);
            assert_eq!(next, Next::Wait(None));
        }
    }

    fn send(&mut self, messages: &[Bytes]) -> Can {
        for data in messages {
            self.ws.send_binary(data, &mut self.out).expect("the connection is open");
        }
        write(&mut self.wire, &mut self.out);
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
            write(&mut self.wire, &mut self.out);
            assert_eq!(next, Next::Wait(None));
        }
    }

    fn accept(&mut self) -> Can {
        let (mut storage, mut head) = ([0; 1024], [0; 0]);
        let mut out = SliceOutput::new(&mut storage);
        let n = self.wire.read(&mut self.input);
        let mut input = &mut self.input[..n];
        let mut handshake = ServerHandshake::new(HandshakeConfig::default());
        let mut head = SliceOutput::new(&mut head);
        let request = handshake.receive(&mut input, &mut head).expect("a good request");
        let accept = Accept::new();
        let negotiated = request.expect("a whole request").accept(accept, &mut out);
        self.wire.write(out.written());
        std::hint::black_box(WebSocket::open(negotiated.expect("room"), Config::default()));
        Can::Done
    }

    fn connect(&mut self) -> Can {
        let (mut storage, mut head) = ([0; 1024], [0; 0]);
        let mut out = SliceOutput::new(&mut storage);
        let request = ClientRequest::new(URL).expect("a good URL");
        let mut handshake = ClientHandshake::new(request, SEED, &mut out).expect("room");
        self.wire.write(out.written());
        let n = self.wire.read(&mut self.input);
        let mut input = &mut self.input[..n];
        let mut head = SliceOutput::new(&mut head);
        let response = handshake.receive(&mut input, &mut head).expect("a good response");
        let Some(mut response) = response else { return Can::Done };
        let negotiated = response.accept().expect("a 101");
        std::hint::black_box(WebSocket::open(negotiated, Config::default()));
        Can::Done
    }
}

impl Contender for Chunks {
    fn wire(&mut self) -> &mut Wire {
        &mut self.wire
    }

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
            write(&mut self.wire, &mut self.out);
            assert_eq!(next, Next::Wait(None));
        }
    }
}

fn write(wire: &mut Wire, out: &mut Vec<u8>) {
    if !out.is_empty() {
        wire.write(out);
        out.clear();
    }
}
