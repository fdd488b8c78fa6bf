//! An echo server with tungstenite, on the event loop that the `server` example uses too.
//!
//! Its read buffer is of 4 KiB, as its documentation says for many connections; it would be 128 KiB.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::net::SocketAddr;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use tungstenite::handshake::MidHandshake;
use tungstenite::handshake::server::{NoCallback, ServerHandshake};
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Error, HandshakeError, WebSocket, accept_with_config};

use crate::Result;

enum Client {
    Opening(MidHandshake<ServerHandshake<TcpStream, NoCallback>>),
    Open(WebSocket<TcpStream>),
}

const LISTENER: Token = Token(0);

pub fn serve(address: SocketAddr) -> Result<()> {
    let mut poll = Poll::new()?;
    let mut listener = TcpListener::bind(address)?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut clients: HashMap<Token, Client> = HashMap::new();
    let (mut events, mut last) = (Events::with_capacity(1024), LISTENER);
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            if event.token() != LISTENER {
                let client = clients.remove(&event.token()).and_then(Client::advance);
                clients.extend(client.map(|client| (event.token(), client)));
                continue;
            }
            while let Ok((mut stream, _)) = listener.accept() {
                last = Token(last.0 + 1);
                let interest = Interest::READABLE | Interest::WRITABLE;
                poll.registry().register(&mut stream, last, interest)?;
                stream.set_nodelay(true)?;
                let config = WebSocketConfig::default().read_buffer_size(4096);
                let client = opened(accept_with_config(stream, Some(config)));
                clients.extend(client.map(|client| (last, client)));
            }
        }
    }
}

type Opening = HandshakeError<ServerHandshake<TcpStream, NoCallback>>;

/// Goes on where a handshake is done, with what came behind it.
fn opened(result: std::result::Result<WebSocket<TcpStream>, Opening>) -> Option<Client> {
    match result {
        Ok(ws) => Client::Open(ws).advance(),
        Err(HandshakeError::Interrupted(handshake)) => Some(Client::Opening(handshake)),
        Err(HandshakeError::Failure(_)) => None,
    }
}

impl Client {
    /// Does what can be done without waiting; `None` at the end of the connection.
    fn advance(self) -> Option<Self> {
        let mut ws = match self {
            Self::Opening(handshake) => return opened(handshake.handshake()),
            Self::Open(ws) => ws,
        };
        let would_block = |error: &Error| matches!(error, Error::Io(error) if error.kind() == ErrorKind::WouldBlock);
        loop {
            match ws.read() {
                Ok(message) if message.is_binary() || message.is_text() => {
                    ws.write(message).ok()?
                }
                Ok(_) => {}
                Err(error) if would_block(&error) => break,
                Err(_) => return None,
            }
        }
        match ws.flush() {
            Err(error) if !would_block(&error) => None,
            _ => Some(Self::Open(ws)),
        }
    }
}
