//! embedded-websocket: from the input into a buffer, a byte at a time. It gives text as bytes, unchecked, and leaves
//! Pings to its user: the loop answers them. A header that is cut off is handed in again with the next read.

use std::hint::black_box;

use bytes::Bytes;
use embedded_websocket::{
    Client, EmptyRng, Error, Server, WebSocket, WebSocketClient, WebSocketOptions,
    WebSocketReceiveMessageType as Received, WebSocketSendMessageType as Sent, WebSocketServer,
    WebSocketState, WebSocketType, read_http_header,
};
use rand_core::RngCore;

use super::{HOST, PATH};
use crate::consumer::Consumer;
use crate::contender::{Can, Contender, Entry, Role};
use crate::wire::Wire;

pub const ENTRY: Entry = Entry {
    name: "embedded-websocket",
    open: |role, wire| match role {
        Role::Server => {
            Box::new(Embedded::<EmptyRng, Server>::new(WebSocketServer::new_server(), wire))
        }
        Role::Client => {
            Box::new(Embedded::<Keys, Client>::new(WebSocketClient::new_client(Keys), wire))
        }
    },
    idle: Some(|_| Box::new(WebSocketServer::new_server())),
};

const LONGEST_HEADER: usize = 14;

struct Embedded<R: RngCore, T: WebSocketType> {
    ws: WebSocket<R, T>,
    wire: Wire,
    /// Of which the first bytes may be a header that was cut off.
    input: Box<[u8]>,
    kept: usize,
    payload: Box<[u8]>,
    ping: Vec<u8>,
    /// Frames to be written.
    out: Vec<u8>,
    out_len: usize,
}

impl<R: RngCore, T: WebSocketType> Embedded<R, T> {
    fn new(mut ws: WebSocket<R, T>, wire: Wire) -> Self {
        ws.state = WebSocketState::Open;
        let payload = wire.buffer();
        let input = vec![0; payload.len() + LONGEST_HEADER].into();
        Self { ws, wire, input, kept: 0, payload, ping: Vec::new(), out: Vec::new(), out_len: 0 }
    }

    fn put(&mut self, kind: Sent, payload: &[u8]) {
        let needed = self.out_len + payload.len() + LONGEST_HEADER;
        if self.out.len() < needed {
            self.out.resize(needed, 0);
        }
        let out = &mut self.out[self.out_len..];
        self.out_len += self.ws.write(kind, true, payload, out).expect("room");
    }

    fn write(&mut self) {
        if self.out_len != 0 {
            self.wire.write(&self.out[..self.out_len]);
            self.out_len = 0;
        }
    }
}

impl<R: RngCore, T: WebSocketType> Contender for Embedded<R, T>
where
    Self: Handshake,
{
    fn receive(&mut self, consumer: &mut Consumer) -> Can {
        loop {
            let n = self.wire.read(&mut self.input[self.kept..]);
            if n == 0 {
                return Can::Done;
            }
            let (mut at, end) = (0, self.kept + n);
            while at != end {
                let step = match self.ws.read(&self.input[at..end], &mut self.payload) {
                    Ok(step) => step,
                    Err(Error::ReadFrameIncomplete) => break,
                    Err(error) => panic!("{error:?}"),
                };
                if step.len_from == 0 {
                    // A fragment, not the last of its message, that is cut off by the end of a read: it never gets
                    // beyond it.
                    return Can::Not;
                }
                at += step.len_from;
                let payload = &self.payload[..step.len_to];
                match step.message_type {
                    Received::Binary | Received::Text => {
                        consumer.chunk(payload, step.end_of_message);
                    }
                    Received::Ping => {
                        self.ping.extend_from_slice(payload);
                        if step.end_of_message {
                            let ping = std::mem::take(&mut self.ping);
                            self.put(Sent::Pong, &ping);
                        }
                    }
                    Received::Pong | Received::CloseCompleted | Received::CloseMustReply => {}
                }
            }
            self.kept = end - at;
            self.input.copy_within(at..end, 0);
            self.write();
        }
    }

    fn send(&mut self, messages: &[Bytes]) -> Can {
        for data in messages {
            self.put(Sent::Binary, data);
        }
        self.write();
        Can::Done
    }

    fn accept(&mut self) -> Can {
        Handshake::accept(self)
    }

    fn connect(&mut self) -> Can {
        Handshake::connect(self)
    }
}

/// What one role can and the other cannot.
trait Handshake {
    fn accept(&mut self) -> Can {
        Can::Not
    }

    fn connect(&mut self) -> Can {
        Can::Not
    }
}

impl Handshake for Embedded<EmptyRng, Server> {
    /// As its example does it: `httparse`, then its own reading of the fields.
    fn accept(&mut self) -> Can {
        let n = self.wire.read(&mut self.input);
        let mut fields = [httparse::EMPTY_HEADER; 16];
        let mut request = httparse::Request::new(&mut fields);
        let status = request.parse(&self.input[..n]).expect("a good request");
        assert!(status.is_complete());
        let fields = request.headers.iter().map(|field| (field.name, field.value));
        let context = read_http_header(fields).expect("good fields").expect("an upgrade");
        let mut response = [0; 1024];
        let mut ws = WebSocketServer::new_server();
        let len = ws.server_accept(&context.sec_websocket_key, None, &mut response).expect("room");
        self.wire.write(&response[..len]);
        black_box(ws);
        Can::Done
    }
}

impl Handshake for Embedded<Keys, Client> {
    fn connect(&mut self) -> Can {
        // A known seed makes for a known key, for the response is made beforehand.
        fastrand::seed(0);
        let options = WebSocketOptions {
            path: PATH,
            host: HOST,
            origin: "http://example.com",
            sub_protocols: None,
            additional_headers: None,
        };
        let mut request = [0; 1024];
        let mut ws = WebSocketClient::new_client(Keys);
        let (len, key) = ws.client_connect(&options, &mut request).expect("room");
        self.wire.write(&request[..len]);
        let n = self.wire.read(&mut self.input);
        match ws.client_accept(&key, &self.input[..n]) {
            Ok(_) => drop(black_box(ws)),
            Err(Error::HttpHeaderIncomplete) => {} // no response yet
            Err(error) => panic!("{error:?}"),
        }
        Can::Done
    }
}

/// It leaves the choice to its user; the same that tokio-websockets and sockudo-ws have.
struct Keys;

impl RngCore for Keys {
    fn next_u32(&mut self) -> u32 {
        fastrand::u32(..)
    }

    fn next_u64(&mut self) -> u64 {
        fastrand::u64(..)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        fastrand::fill(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        fastrand::fill(bytes);
        Ok(())
    }
}
