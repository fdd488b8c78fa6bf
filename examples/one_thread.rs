//! An echo server with a thread for each connection: `cargo run --example one_thread [ADDR]`.
//!
//! All there is to driving the machines with a socket that blocks: opening handshake, loop, and letting go.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "the ranges are those that a read filled"
)]

use core::error::Error;
use core::ops::Range;
use core::time::Duration;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Instant;
use std::{env, io, thread};

use websocket_proto::{
    Accept, Config, Event, HandshakeConfig, Next, ServerHandshake, UsageError, WebSocket,
};

type Result<T> = core::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9002".to_owned());
    let listener = TcpListener::bind(&address)
        .map_err(|error| format!("cannot listen on {address}: {error}"))?;
    println!("listening on ws://{}/", listener.local_addr()?);
    loop {
        let accepted = listener.accept().and_then(|(socket, _)| {
            thread::Builder::new().spawn(|| match serve(socket) {
                Ok(()) => println!("closed"),
                Err(error) => println!("failed: {error}"),
            })
        });
        // Most often there are too many open files, or threads, for a while.
        if let Err(error) = accepted {
            println!("cannot accept: {error}");
            thread::sleep(Duration::from_secs(1));
        }
    }
}

fn serve(mut socket: TcpStream) -> Result<()> {
    // No timer runs while a write blocks.
    socket.set_write_timeout(Some(Duration::from_secs(10)))?;
    let (start, mut buf) = (Instant::now(), vec![0; 16 * 1024]);
    let result = match open(&mut socket, &mut buf, start) {
        Ok((ws, unread)) => echo(ws, &mut socket, &mut buf, unread, start),
        Err(error) => Err(error),
    };
    let_go(&mut socket, &mut buf)?;
    result
}

/// The opening handshake. Gives the connection, and where in `buf` the bytes are that came behind the request.
fn open(
    socket: &mut TcpStream,
    buf: &mut [u8],
    start: Instant,
) -> Result<(WebSocket, Range<usize>)> {
    let mut handshake = ServerHandshake::new(HandshakeConfig::default());
    let (mut head, mut out) = (Vec::new(), Vec::new()); // `head` is used only when the request comes in pieces
    loop {
        let deadline = match handshake.poll(start.elapsed()) {
            Next::Wait(deadline) => deadline,
            Next::End(result) => return Err(result.err().map_or("over".into(), Into::into)),
        };
        let Some(len) = read_until(deadline, socket, buf, start)? else { continue };
        if len == 0 {
            handshake.receive_eof();
        }
        let mut input = &mut buf[..len];
        let error = match handshake.receive(&mut input, &mut head) {
            Ok(None) => continue,
            Ok(Some(mut request)) => match request.accept(Accept::new(), &mut out) {
                Ok(negotiated) => {
                    let ws = WebSocket::open(negotiated, Config::default());
                    socket.write_all(&out)?;
                    return Ok((ws, len - input.len()..len));
                }
                Err(UsageError::NotAnUpgrade(error)) => error,
                Err(error) => return Err(error.into()),
            },
            Err(error) => error,
        };
        error.respond(&mut out)?;
        socket.write_all(&out)?;
        return Err(error.into());
    }
}

/// The loop: bytes in, events and bytes out, until `poll` tells the end.
fn echo(
    mut ws: WebSocket,
    socket: &mut TcpStream,
    buf: &mut [u8],
    mut unread: Range<usize>,
    start: Instant,
) -> Result<()> {
    let mut out = Vec::new();
    loop {
        let mut input = &mut buf[unread];
        while let Some(event) = ws.receive(&mut input, &mut out) {
            let _ = match event {
                // A send that is refused is not the end: `poll` tells that.
                Event::Text(text) => ws.send_text(&text, &mut out),
                Event::Binary(data) => ws.send_binary(&data, &mut out),
                Event::Ping(_) | Event::Pong(_) | Event::Close(_) => Ok(()), // answered already
            };
        }
        let next = ws.poll(start.elapsed(), &mut out);
        // Always before acting on what `poll` said.
        socket.write_all(&out)?;
        out.clear();
        let deadline = match next {
            Next::Wait(deadline) => deadline,
            Next::End(result) => return Ok(result?),
        };
        unread = match read_until(deadline, socket, buf, start)? {
            None => 0..0,
            Some(0) => {
                ws.receive_eof();
                0..0
            }
            Some(len) => 0..len,
        };
    }
}

/// Reads, or returns `None` at the deadline. `Some(0)`: end of stream.
fn read_until(
    deadline: Option<Duration>,
    socket: &mut TcpStream,
    buf: &mut [u8],
    start: Instant,
) -> io::Result<Option<usize>> {
    // A timeout of zero would be none.
    let wait = deadline.map(|at| at.saturating_sub(start.elapsed()).max(Duration::from_millis(1)));
    socket.set_read_timeout(wait)?;
    match socket.read(buf) {
        Ok(len) => Ok(Some(len)),
        Err(error) => match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => Ok(None),
            ErrorKind::ConnectionReset => Ok(Some(0)),
            _ => Err(error),
        },
    }
}

/// Lets the peer read our last words: closing a socket with bytes unread may take them away.
fn let_go(socket: &mut TcpStream, buf: &mut [u8]) -> io::Result<()> {
    let start = Instant::now();
    let patience = Duration::from_secs(2);
    match socket.shutdown(Shutdown::Write) {
        Err(error) if error.kind() == ErrorKind::NotConnected => return Ok(()),
        result => result?,
    }
    while start.elapsed() < patience && read_until(Some(patience), socket, buf, start)? != Some(0) {
    }
    Ok(())
}
