//! A driver for `wss://`: rustls over sockets that block. `cargo run --manifest-path examples/tls/Cargo.toml --bin
//! server` runs it; to use it, copy this file, which is all of it.
//!
//! TLS is one state for both directions, so one thread reads, writes and runs the timers. It sends whatever came to be
//! said while it handled events, or before it waits for more.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::ops::{DerefMut, Range};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, ConnectionCommon, ServerConfig, ServerConnection};
use rustls::{SideData, StreamOwned};
use websocket_proto::{
    ClientHandshake, ClientRequest, Config, Event, Failure, HandshakeConfig, Negotiated, Next,
    Request, ServerHandshake, UsageError, WebSocket,
};

/// A [`Failure`], a [`UsageError`] or an [`io::Error`], which may hold a [`rustls::Error`].
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// A connection, over a [`ClientConnection`] or a [`ServerConnection`].
pub struct WebSocketStream<C> {
    tls: StreamOwned<C, Socket>,
    ws: WebSocket,
    out: Vec<u8>,
    /// What was read, and where in it that is which was not yet taken.
    bytes: Vec<u8>,
    unread: Range<usize>,
    start: Instant,
    /// After one, nothing is written any more. What is read may still say why the peer left.
    error: Option<io::Error>,
    /// After a write that failed, when reading has to be done.
    until: Option<Instant>,
    is_over: bool,
}

impl WebSocketStream<ServerConnection> {
    /// Does a server's opening handshakes. `answer` accepts the request, or rejects it and gives `None`.
    pub fn accept(
        socket: TcpStream,
        tls: Arc<ServerConfig>,
        config: Config,
        answer: impl for<'r> FnOnce(
            &mut Request<'r>,
            &mut Vec<u8>,
        ) -> Result<Option<Negotiated<'r>>, UsageError>,
    ) -> Result<Self, Error> {
        let mut tls = StreamOwned::new(ServerConnection::new(tls)?, Socket::new(socket)?);
        let (mut bytes, mut head, mut out) = (vec![0; INPUT], Vec::new(), Vec::new());
        let mut handshake = ServerHandshake::new(HandshakeConfig::default());
        let refused = loop {
            let len = tls.read(&mut bytes)?;
            let mut input = &mut bytes[..len];
            let answered = match handshake.receive(&mut input, &mut head) {
                Ok(None) if len == 0 => return Err(Failure::Eof.into()),
                Ok(None) => continue,
                Ok(Some(mut request)) => answer(&mut request, &mut out),
                Err(error) => Err(UsageError::NotAnUpgrade(error)),
            };
            match answered {
                Ok(Some(negotiated)) => {
                    let ws = WebSocket::open(negotiated, config);
                    let unread = len - input.len()..len;
                    return Ok(Self::new(tls, ws, out, bytes, unread));
                }
                Ok(None) => break "the request was rejected".into(),
                Err(UsageError::NotAnUpgrade(error)) => {
                    error.respond(&mut out)?;
                    break error.into();
                }
                Err(error) => break error.into(),
            }
        };
        // Whatever becomes of the transport, the refusal is what is told.
        if tls.write_all(&out).is_ok() {
            let_go(&mut tls, &mut bytes);
        }
        Err(refused)
    }
}

impl WebSocketStream<ClientConnection> {
    /// Does a client's opening handshakes; the certificate has to be one for the host of the request. The seed is fresh
    /// from the operating system (RFC 6455 §10.3).
    pub fn connect(
        socket: TcpStream,
        tls: Arc<ClientConfig>,
        request: ClientRequest<'_>,
        seed: [u8; 32],
        config: Config,
    ) -> Result<Self, Error> {
        let name = ServerName::try_from(request.host().to_owned())?;
        let mut tls = StreamOwned::new(ClientConnection::new(tls, name)?, Socket::new(socket)?);
        let (mut bytes, mut head, mut out) = (vec![0; INPUT], Vec::new(), Vec::new());
        let mut handshake = ClientHandshake::new(request, seed, &mut out)?;
        tls.write_all(&out)?;
        tls.flush()?;
        out.clear();
        loop {
            let len = tls.read(&mut bytes)?;
            if len == 0 {
                handshake.receive_eof();
            }
            // Without bytes, too: at the end of stream there may be a refusal to tell of.
            let mut input = &mut bytes[..len];
            if let Some(mut response) = handshake.receive(&mut input, &mut head)? {
                let ws = WebSocket::open(response.accept()?, config);
                let unread = len - input.len()..len;
                return Ok(Self::new(tls, ws, out, bytes, unread));
            } else if len == 0 {
                return Err(Failure::Eof.into());
            }
        }
    }
}

impl<C: DerefMut<Target = ConnectionCommon<S>>, S: SideData> WebSocketStream<C> {
    fn new(
        tls: StreamOwned<C, Socket>,
        ws: WebSocket,
        out: Vec<u8>,
        bytes: Vec<u8>,
        unread: Range<usize>,
    ) -> Self {
        let start = Instant::now();
        Self { tls, ws, out, bytes, unread, start, error: None, until: None, is_over: false }
    }

    /// Lends the next event, with what it takes to answer. After the last one, it is time to [`fill`](Self::fill).
    pub fn buffered(&mut self) -> Option<(Event<'_>, &mut WebSocket, &mut Vec<u8>)> {
        if self.out.len() > HIGH_WATER_MARK {
            return None;
        }
        let mut input = &mut self.bytes[self.unread.clone()];
        let event = self.ws.receive(&mut input, &mut self.out);
        self.unread.start = self.unread.end - input.len();
        Some((event?, &mut self.ws, &mut self.out))
    }

    /// Writes, reads and waits until there is something to take; `false` once the connection was closed, or its failure
    /// told. Then let go of it.
    pub fn fill(&mut self) -> Result<bool, Error> {
        while !self.is_over {
            let next = self.ws.poll(self.start.elapsed(), &mut self.out);
            // Always before acting on what `poll` said.
            let _ = self.write();
            match next {
                Next::Wait(_) if !self.unread.is_empty() => return Ok(true),
                Next::Wait(deadline) => self.read(deadline.map(|at| self.start + at)),
                Next::End(result) => {
                    self.is_over = true;
                    let_go(&mut self.tls, &mut self.bytes);
                    match (result, self.error.take()) {
                        (Ok(()), _) => {}
                        // A stream that was truncated, a socket that broke.
                        (Err(Failure::Eof), Some(error)) => return Err(error.into()),
                        (Err(failure), _) => return Err(failure.into()),
                    }
                }
            }
        }
        Ok(false)
    }

    /// Calls the machine, and writes. What it sends while events are taken need not be written one by one.
    pub fn send<T>(
        &mut self,
        call: impl FnOnce(&mut WebSocket, &mut Vec<u8>) -> Result<T, UsageError>,
    ) -> Result<T, Error> {
        let sent = call(&mut self.ws, &mut self.out)?;
        self.write()?;
        Ok(sent)
    }

    fn write(&mut self) -> io::Result<()> {
        if self.error.is_none() && !self.out.is_empty() {
            let result = self.tls.write_all(&self.out).and_then(|()| self.tls.flush());
            self.until = result.is_err().then(|| Instant::now() + PATIENCE);
            self.error = result.err();
        }
        self.out.clear();
        self.error.as_ref().map_or(Ok(()), |error| Err(error.kind().into()))
    }

    fn read(&mut self, deadline: Option<Instant>) {
        self.tls.sock.deadline = [deadline, self.until].into_iter().flatten().min();
        let read = match self.error {
            None => self.tls.read(&mut self.bytes),
            Some(_) => read_alone(&mut self.tls, &mut self.bytes),
        };
        match read {
            Ok(0) => self.ws.receive_eof(), // close_notify
            Ok(len) => self.unread = 0..len,
            Err(error) => match error.kind() {
                ErrorKind::TimedOut if self.until.is_some_and(|at| at <= Instant::now()) => {
                    self.ws.receive_eof();
                }
                ErrorKind::TimedOut | ErrorKind::Interrupted => {}
                // A transport that broke has ended; so has one without close_notify, whose end anybody can forge.
                _ => {
                    self.error.get_or_insert(error);
                    self.ws.receive_eof();
                }
            },
        }
    }
}

/// Reads without writing first, as rustls does otherwise.
fn read_alone<C, S>(tls: &mut StreamOwned<C, Socket>, bytes: &mut [u8]) -> io::Result<usize>
where
    C: DerefMut<Target = ConnectionCommon<S>>,
    S: SideData,
{
    loop {
        match tls.conn.reader().read(bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            result => return result,
        }
        tls.conn.read_tls(&mut tls.sock)?;
        tls.conn.process_new_packets().map_err(io::Error::other)?;
    }
}

/// RFC 6455 §7.1.1: says that nothing follows, by close_notify (RFC 8446 §6.1), and reads to the end of stream. Closing
/// at once, with bytes unread, might take our last words from the peer.
fn let_go<C, S>(tls: &mut StreamOwned<C, Socket>, bytes: &mut [u8])
where
    C: DerefMut<Target = ConnectionCommon<S>>,
    S: SideData,
{
    tls.conn.send_close_notify();
    tls.sock.deadline = Some(Instant::now() + PATIENCE);
    if tls.flush().is_ok() {
        while tls.read(bytes).is_ok_and(|len| len > 0) {}
    }
}

/// A socket whose reads end at a deadline, however many of them TLS needs.
struct Socket {
    tcp: TcpStream,
    deadline: Option<Instant>,
}

impl Socket {
    fn new(tcp: TcpStream) -> io::Result<Self> {
        // No timer runs while a write blocks.
        tcp.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { tcp, deadline: Some(Instant::now() + PATIENCE) })
    }
}

impl Read for Socket {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let wait = self.deadline.map(|at| at.saturating_duration_since(Instant::now()));
        if wait == Some(Duration::ZERO) {
            return Err(ErrorKind::TimedOut.into());
        }
        self.tcp.set_read_timeout(wait)?;
        self.tcp.read(buf).map_err(|error| match error.kind() {
            ErrorKind::WouldBlock => ErrorKind::TimedOut.into(),
            _ => error,
        })
    }
}

impl Write for Socket {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.tcp.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.tcp.flush()
    }
}

/// How much is read at once.
const INPUT: usize = 16 * 1024;
/// While more than this waits, nothing is taken: [`Config::high_water_mark`], as it is by default.
const HIGH_WATER_MARK: usize = 64 * 1024;
/// How long the opening handshakes may take, a write that makes no progress, and letting go of the transport.
const PATIENCE: Duration = Duration::from_secs(10);
