//! The load: clients of this crate on one event loop. Each sends some messages at once, waits until all are back, and
//! does so again.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use websocket_proto::{ClientHandshake, ClientRequest, Config, Event, WebSocket};

use crate::Result;

pub struct Load {
    poll: Poll,
    clients: Vec<Client>,
    payload: Vec<u8>,
    input: Vec<u8>,
}

struct Client {
    stream: TcpStream,
    ws: WebSocket,
    out: Vec<u8>,
    /// How many messages are still to come back, and when they were sent.
    missing: usize,
    sent: Instant,
}

pub struct Report {
    pub messages: usize,
    pub a_second: f64,
    pub median: Duration,
    pub percentile_99: Duration,
}

impl Load {
    /// Opens the connections one after the other, as every server gets them.
    pub fn connect(address: SocketAddr, connections: usize, payload: usize) -> Result<Self> {
        let poll = Poll::new()?;
        let mut clients = Vec::with_capacity(connections);
        for at in 0..connections {
            let mut client = Client::open(address, at)?;
            let registry = poll.registry();
            registry.register(&mut client.stream, Token(at), Interest::READABLE)?;
            clients.push(client);
        }
        Ok(Self { poll, clients, payload: vec![7; payload], input: vec![0; 64 * 1024] })
    }

    /// Keeps so many messages under way on every connection, for this time and until they are back.
    pub fn run(&mut self, depth: usize, time: Duration) -> Result<Report> {
        let begin = Instant::now();
        let (mut messages, mut latencies) = (0, Vec::new());
        for client in &mut self.clients {
            client.send(&self.payload, depth)?;
        }
        let mut waiting = self.clients.len();
        let mut events = Events::with_capacity(1024);
        while waiting != 0 {
            self.poll.poll(&mut events, Some(Duration::from_secs(10)))?;
            if events.is_empty() {
                return Err("a server has not answered for ten seconds".into());
            }
            for event in &events {
                let client = &mut self.clients[event.token().0];
                messages += client.receive(&mut self.input, self.payload.len())?;
                if client.missing == 0 {
                    latencies.push(client.sent.elapsed());
                    if begin.elapsed() < time {
                        client.send(&self.payload, depth)?;
                    } else {
                        waiting -= 1;
                    }
                }
            }
        }
        let a_second = messages as f64 / begin.elapsed().as_secs_f64();
        latencies.sort();
        let of = |percent: usize| latencies[(latencies.len() - 1) * percent / 100];
        Ok(Report { messages, a_second, median: of(50), percentile_99: of(99) })
    }
}

impl Client {
    fn open(address: SocketAddr, at: usize) -> Result<Self> {
        // Known seeds will do for loopback, each for one connection.
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&(at as u64).to_be_bytes());
        let mut stream = std::net::TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let (url, mut out) = (format!("ws://{address}/"), Vec::new());
        let mut handshake = ClientHandshake::new(ClientRequest::new(&url)?, seed, &mut out)?;
        stream.write_all(&out)?;
        let (mut buffer, mut head) = ([0; 1024], Vec::new());
        let negotiated = loop {
            let n = stream.read(&mut buffer)?;
            let mut input = &mut buffer[..n];
            if let Some(mut response) = handshake.receive(&mut input, &mut head)? {
                break response.accept()?;
            }
            if n == 0 {
                return Err("the server has hung up".into());
            }
        };
        let ws = WebSocket::open(negotiated, Config::default());
        stream.set_nonblocking(true)?;
        let stream = TcpStream::from_std(stream);
        Ok(Self { stream, ws, out: Vec::new(), missing: 0, sent: Instant::now() })
    }

    /// What is sent at once is little, so the socket takes it.
    fn send(&mut self, payload: &[u8], depth: usize) -> Result<()> {
        for _ in 0..depth {
            self.ws.send_binary(payload, &mut self.out)?;
        }
        self.missing = depth;
        self.sent = Instant::now();
        self.stream.write_all(&self.out)?;
        self.out.clear();
        Ok(())
    }

    /// Reads until there is no more; returns the number of messages.
    fn receive(&mut self, input: &mut [u8], payload_len: usize) -> Result<usize> {
        let mut messages = 0;
        loop {
            let n = match self.stream.read(input) {
                Ok(0) => return Err("the server has hung up".into()),
                Ok(n) => n,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            };
            let mut unread = &mut input[..n];
            while let Some(event) = self.ws.receive(&mut unread, &mut self.out) {
                match event {
                    Event::Binary(data) if data.len() == payload_len => messages += 1,
                    other => return Err(format!("not an echo: {other:?}").into()),
                }
            }
        }
        self.missing = self.missing.checked_sub(messages).ok_or("more came back than was sent")?;
        Ok(messages)
    }
}
