//! The client under the Autobahn suite's server: `cargo run --release --example echo_client -- ws://127.0.0.1:9001`.
//! `tests/autobahn/run client` starts that server, and runs it.
//!
//! Echoes every message of every case of the fuzzing server, then asks it for its report.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a read fills no more than its buffer, and the clock is far from its end"
)]

use core::error::Error;
use core::num::NonZeroUsize;
use core::time::Duration;
use std::env;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::ExitCode;
use std::time::Instant;

use websocket_proto::{ClientHandshake, ClientRequest, Config, Event, Next, WebSocket};

const USAGE: &str = "usage: echo_client URL [--agent NAME] [--trickle BYTES] [--slice BYTES]

  --agent    what the report calls this client
  --trickle  cuts what the socket reads and writes at once
  --slice    cuts what the machine is fed at once, out of ordinary reads";

struct Options {
    url: String,
    agent: String,
    trickle: usize,
    slice: usize,
}

fn main() -> ExitCode {
    let args = env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned());
    let Some(options) = Options::parse(args) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match options.run_cases() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("echo_client: {error}");
            ExitCode::FAILURE
        }
    }
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Option<Self> {
        let (mut agent, mut trickle, mut slice) =
            ("websocket-proto".to_owned(), usize::MAX, usize::MAX);
        let mut url = None;
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--agent" => agent = args.next()?,
                "--trickle" => trickle = args.next()?.parse::<NonZeroUsize>().ok()?.get(),
                "--slice" => slice = args.next()?.parse::<NonZeroUsize>().ok()?.get(),
                _ if url.is_none() && !arg.starts_with('-') => url = Some(arg),
                _ => return None,
            }
        }
        Some(Self { url: url?, agent, trickle, slice })
    }

    fn run_cases(&self) -> Result<(), Box<dyn Error>> {
        let agent = &self.agent;
        let mut count = None;
        self.connect("/getCaseCount", |_, event, _| {
            if let Event::Text(text) = event {
                count = text.parse::<u32>().ok();
            }
        })?;
        for case in 1..=count.ok_or("the server does not say how many cases it has")? {
            // The suite breaks the protocol on purpose; a failure is what many cases are after.
            if let Err(error) = self.connect(&format!("/runCase?case={case}&agent={agent}"), echo) {
                println!("case {case}: {error}");
            }
        }
        self.connect(&format!("/updateReports?agent={agent}"), |_, _, _| {})
    }

    /// Opens a connection and hands out each of its events, until it has ended.
    fn connect(
        &self,
        path: &str,
        mut handle: impl FnMut(&mut WebSocket, Event<'_>, &mut Vec<u8>),
    ) -> Result<(), Box<dyn Error>> {
        let url = format!("{}{path}", self.url);
        let request = ClientRequest::new(&url)?;
        if request.is_secure() {
            return Err("TLS is the transport's job, and this one is plain TCP".into());
        }
        #[cfg(feature = "deflate")]
        let request = request.deflate(websocket_proto::DeflateConfig::default());
        let mut transport = Transport::connect(request.host(), request.port(), self.trickle)?;
        let (mut buf, mut head, mut out) = (vec![0; 64 * 1024], Vec::new(), Vec::new());

        // The opening handshake. Its request is in `out` already.
        let mut handshake = ClientHandshake::new(request, seed()?, &mut out)?;
        let (mut ws, mut unread) = loop {
            let next = handshake.poll(transport.now());
            transport.write(&mut out)?;
            let deadline = match next {
                Next::Wait(deadline) => deadline,
                Next::End(result) => return Ok(result?),
            };
            let len = transport.read(&mut buf, deadline)?;
            if len == Some(0) {
                handshake.receive_eof();
            }
            // Without bytes, too: at the end of stream there may be a refusal to tell of.
            let len = len.unwrap_or(0);
            let mut input = &mut buf[..len];
            if let Some(mut response) = handshake.receive(&mut input, &mut head)? {
                let ws = WebSocket::open(response.accept()?, Config::default());
                // What is left behind the head is of frames already.
                break (ws, len - input.len()..len);
            }
        };

        loop {
            for mut input in buf[unread].chunks_mut(self.slice) {
                while let Some(event) = ws.receive(&mut input, &mut out) {
                    handle(&mut ws, event, &mut out);
                }
            }
            let next = ws.poll(transport.now(), &mut out);
            // Always before acting on the verdict: a failure's Close frame is in there.
            transport.write(&mut out)?;
            let deadline = match next {
                Next::Wait(deadline) => deadline,
                Next::End(Ok(())) => return Ok(()),
                Next::End(Err(failure)) => {
                    transport.let_go(&mut buf);
                    return Err(failure.into());
                }
            };
            unread = match transport.read(&mut buf, deadline)? {
                Some(0) => {
                    ws.receive_eof();
                    0..0
                }
                Some(n) => 0..n,
                None => 0..0,
            };
        }
    }
}

fn echo(ws: &mut WebSocket, event: Event<'_>, out: &mut Vec<u8>) {
    // A refused send is not the end: `poll` tells that.
    let _ = match event {
        Event::Text(text) => ws.send_text(&text, out),
        Event::Binary(data) => ws.send_binary(&data, out),
        Event::Ping(_) | Event::Pong(_) | Event::Close(_) => Ok(()),
    };
}

/// A blocking socket whose reads end at a deadline, and the clock for it.
struct Transport {
    socket: TcpStream,
    start: Instant,
    most: usize,
}

impl Transport {
    fn connect(host: &str, port: u16, most: usize) -> io::Result<Self> {
        let socket = TcpStream::connect((host, port))?;
        socket.set_nodelay(true)?;
        Ok(Self { socket, start: Instant::now(), most })
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn write(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        for piece in out.chunks(self.most) {
            self.socket.write_all(piece)?;
        }
        out.clear();
        Ok(())
    }

    /// Reads something: 0 bytes at end of stream, `None` at the deadline.
    fn read(&mut self, buf: &mut [u8], deadline: Option<Duration>) -> io::Result<Option<usize>> {
        let timeout =
            deadline.map(|at| at.saturating_sub(self.now()).max(Duration::from_millis(1)));
        self.socket.set_read_timeout(timeout)?;
        let most = self.most.min(buf.len());
        match self.socket.read(&mut buf[..most]) {
            Ok(n) => Ok(Some(n)),
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => Ok(None),
                // A transport that broke has ended, too.
                _ => Ok(Some(0)),
            },
        }
    }

    /// Lets our Close frame arrive: a socket that is closed with bytes unread may reset the connection.
    fn let_go(&mut self, buf: &mut [u8]) {
        let deadline = self.now() + Duration::from_secs(2);
        if self.socket.shutdown(Shutdown::Write).is_ok() {
            while self.now() < deadline && matches!(self.read(buf, Some(deadline)), Ok(Some(1..))) {
            }
        }
    }
}

/// Draws a seed from the operating system.
fn seed() -> io::Result<[u8; 32]> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    Ok(seed)
}
