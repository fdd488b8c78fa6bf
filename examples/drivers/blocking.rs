//! A driver for std's sockets, with a thread for each direction around a mutex. `cargo run --manifest-path
//! examples/blocking/Cargo.toml --bin server` runs it; to use it, copy this file, which is all of it.
//!
//! The thread that has the [`WebSocketStream`] reads; one that it starts writes, and runs the timers. Any number of
//! [`Sender`]s send from other threads, or while an event is handled. The lock is never held while a socket is waited
//! for or an event is handled, and a long message is masked and written outside of it.

use std::io::{self, ErrorKind, Read, Write};
use std::mem;
use std::net::{Shutdown, TcpStream};
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use websocket_proto::{
    Backlog, ClientHandshake, ClientRequest, Config, Event, Failure, FrameStart, HandshakeConfig,
    Negotiated, Next, Request, ServerHandshake, UsageError, WebSocket,
};

/// A [`Failure`], a [`UsageError`] or an [`io::Error`].
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// The reading half of a connection.
pub struct WebSocketStream {
    sender: Sender,
    writer: Option<JoinHandle<()>>,
    /// What was read, and where in it that is which was not yet taken.
    bytes: Vec<u8>,
    unread: Range<usize>,
}

/// The sending half.
#[derive(Clone)]
pub struct Sender(Arc<Shared>);

struct Shared {
    socket: TcpStream,
    start: Instant,
    machine: Mutex<Machine>,
    /// The writer waits for something to write, and for the time to do it.
    changed: Condvar,
    /// Others wait for room, or to write themselves.
    drained: Condvar,
}

struct Machine {
    ws: WebSocket,
    out: Vec<u8>,
    /// How much of it answers what was read. For what others send, reading does not wait: two ends that did would wait
    /// for each other.
    answers: usize,
    /// The buffer of what was written last.
    spare: Vec<u8>,
    /// How much a thread is writing, outside the lock; what comes to `out` has to wait.
    writing: usize,
    /// When the writer looks at the time again.
    wakes: Option<Duration>,
    /// Nothing is read any more.
    has_ended: bool,
    /// After one, nothing is written any more. What is read may still say why the peer left.
    error: Option<io::Error>,
}

impl WebSocketStream {
    /// Does a server's opening handshake. `answer` accepts the request, or rejects it and gives `None`.
    pub fn accept(
        mut socket: TcpStream,
        config: Config,
        answer: impl for<'r> FnOnce(
            &mut Request<'r>,
            &mut Vec<u8>,
        ) -> Result<Option<Negotiated<'r>>, UsageError>,
    ) -> Result<Self, Error> {
        let deadline = Instant::now() + PATIENCE;
        let (mut bytes, mut head, mut out) = (vec![0; INPUT], Vec::new(), Vec::new());
        let mut handshake = ServerHandshake::new(HandshakeConfig::default());
        let refused = loop {
            let len = read_until(deadline, &socket, &mut bytes)?;
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
                    return Ok(Self::new(socket, ws, input.to_vec(), out)?);
                }
                Ok(None) => break "the request was rejected".into(),
                Err(UsageError::NotAnUpgrade(error)) => {
                    error.respond(&mut out)?;
                    break error.into();
                }
                Err(error) => break error.into(),
            }
        };
        socket.set_write_timeout(Some(PATIENCE))?;
        // Whatever becomes of the socket, the refusal is what is told.
        if socket.write_all(&out).and_then(|()| socket.shutdown(Shutdown::Write)).is_ok() {
            // Closing at once, with bytes unread, might take the answer from the peer.
            while read_until(deadline, &socket, &mut bytes).is_ok_and(|len| len > 0) {}
        }
        Err(refused)
    }

    /// Does a client's opening handshake. The seed is fresh from the operating system (RFC 6455 §10.3).
    pub fn connect(
        mut socket: TcpStream,
        request: ClientRequest<'_>,
        seed: [u8; 32],
        config: Config,
    ) -> Result<Self, Error> {
        let deadline = Instant::now() + PATIENCE;
        let (mut bytes, mut head, mut out) = (vec![0; INPUT], Vec::new(), Vec::new());
        let mut handshake = ClientHandshake::new(request, seed, &mut out)?;
        socket.write_all(&out)?;
        loop {
            let len = read_until(deadline, &socket, &mut bytes)?;
            if len == 0 {
                handshake.receive_eof();
            }
            // Without bytes, too: at the end of stream there may be a refusal to tell of.
            let mut input = &mut bytes[..len];
            if let Some(mut response) = handshake.receive(&mut input, &mut head)? {
                let ws = WebSocket::open(response.accept()?, config);
                return Ok(Self::new(socket, ws, input.to_vec(), Vec::new())?);
            } else if len == 0 {
                return Err(Failure::Eof.into());
            }
        }
    }

    /// Takes a connection that is open; what was read behind its opening handshake; and what is still to be written.
    pub fn new(
        socket: TcpStream,
        ws: WebSocket,
        unread: Vec<u8>,
        out: Vec<u8>,
    ) -> io::Result<Self> {
        socket.set_read_timeout(None)?;
        socket.set_write_timeout(Some(TICK))?;
        let (answers, spare, writing, wakes) = (0, Vec::new(), 0, None);
        let (has_ended, error) = (false, None);
        let machine = Machine { ws, out, answers, spare, writing, wakes, has_ended, error };
        let shared = Arc::new(Shared {
            socket,
            start: Instant::now(),
            machine: Mutex::new(machine),
            changed: Condvar::new(),
            drained: Condvar::new(),
        });
        let writing = shared.clone();
        let writer = thread::Builder::new().spawn(move || writing.run())?;
        let (sender, writer) = (Sender(shared), Some(writer));
        Ok(Self { sender, writer, unread: 0..unread.len(), bytes: unread })
    }

    /// Lends the next event. After the last one, or while the peer is slow to take our bytes, it is time to `fill`.
    pub fn buffered(&mut self) -> Option<Event<'_>> {
        let mut machine = self.sender.0.lock();
        if machine.answers > HIGH_WATER_MARK {
            return None;
        }
        let mut input = &mut self.bytes[self.unread.clone()];
        let event = machine.answer(|ws, out| ws.receive(&mut input, out));
        self.unread.start = self.unread.end - input.len();
        event
    }

    /// Reads until there is something to take; `false` once the connection was closed, or its failure told.
    pub fn fill(&mut self) -> Result<bool, Error> {
        let shared = &*self.sender.0;
        let mut machine = shared.lock();
        loop {
            let next = machine.poll(shared.start);
            let concerns_writer = match next {
                Next::Wait(Some(at)) if machine.wakes.is_none_or(|wakes| at < wakes) => true,
                Next::Wait(_) => !machine.out.is_empty(),
                Next::End(_) => true,
            };
            if concerns_writer {
                shared.changed.notify_one();
            }
            match next {
                Next::End(result) => {
                    drop(machine);
                    return self.end(result);
                }
                Next::Wait(_) if machine.answers > HIGH_WATER_MARK => {
                    machine = shared.wait(machine, &shared.drained, None);
                    continue;
                }
                Next::Wait(_) if !self.unread.is_empty() => return Ok(true),
                Next::Wait(_) => drop(machine),
            }
            self.bytes.resize(INPUT, 0);
            let read = (&shared.socket).read(&mut self.bytes);
            machine = shared.lock();
            match read {
                Ok(len @ 1..) => self.unread = 0..len,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // A transport that broke has ended, too.
                result => {
                    machine.error = machine.error.take().or(result.err());
                    machine.has_ended = true;
                    machine.ws.receive_eof();
                }
            }
        }
    }

    /// Gives what sends from other threads, and while an event is handled.
    pub fn sender(&self) -> Sender {
        self.sender.clone()
    }

    /// RFC 6455 §7.1.1: reads to the end of stream, for closing at once, with bytes unread, might take our last words
    /// from the peer. The writer's patience bounds it.
    fn end(&mut self, result: Result<(), Failure>) -> Result<bool, Error> {
        let Some(writer) = self.writer.take() else { return Ok(false) };
        let shared = &*self.sender.0;
        self.bytes.resize(INPUT, 0);
        while (&shared.socket).read(&mut self.bytes).is_ok_and(|len| len > 0) {}
        self.unread = 0..0;
        shared.lock().has_ended = true;
        shared.changed.notify_one();
        let _ = writer.join();
        match (result, shared.lock().error.take()) {
            (Ok(()), _) => Ok(false),
            (Err(Failure::Eof), Some(error)) => Err(error.into()),
            (Err(failure), _) => Err(failure.into()),
        }
    }
}

impl Drop for WebSocketStream {
    fn drop(&mut self) {
        let Some(writer) = self.writer.take() else { return };
        let mut machine = self.sender.0.lock();
        machine.ws.receive_eof();
        machine.out.clear();
        machine.has_ended = true;
        drop(machine);
        // This ends a write, too.
        let _ = self.sender.0.socket.shutdown(Shutdown::Both);
        self.sender.0.changed.notify_one();
        let _ = writer.join();
    }
}

impl Sender {
    /// Waits for room, and calls the machine.
    pub fn send<T>(&self, call: impl FnOnce(&mut WebSocket, &mut Vec<u8>) -> T) -> T {
        let mut machine = self.0.lock();
        while machine.out.len() > HIGH_WATER_MARK && machine.error.is_none() {
            machine = self.0.wait(machine, &self.0.drained, None);
        }
        let Machine { ws, out, .. } = &mut *machine;
        let result = call(ws, out);
        drop(machine);
        self.0.changed.notify_one();
        result
    }

    /// Calls the machine for the thread that reads, whether there is room or not. [`fill`](WebSocketStream::fill) has
    /// what it appends written, and waits if that is much.
    pub fn answer<T>(&self, call: impl FnOnce(&mut WebSocket, &mut Vec<u8>) -> T) -> T {
        self.0.lock().answer(call)
    }

    /// Sends a message that `start` starts, such as [`WebSocket::start_binary`]. It is masked and written by this
    /// thread, outside the lock and without a copy; what others send meanwhile follows.
    pub fn send_long(
        &self,
        mut payload: Vec<u8>,
        start: impl FnOnce(&mut WebSocket, u64) -> Result<FrameStart, UsageError>,
    ) -> Result<(), Error> {
        let mut machine = self.0.lock();
        while machine.writing > 0 {
            machine = self.0.wait(machine, &self.0.drained, None);
        }
        let len = payload.len();
        let mut frame = start(&mut machine.ws, len as u64)?;
        machine.out.extend_from_slice(frame.header());
        let machine = self.0.write_out(machine, len, |socket| {
            payload.chunks_mut(PIECE).try_for_each(|piece| {
                frame.mask(piece);
                socket.write(piece)
            })
        });
        match &machine.error {
            Some(error) => Err(io::Error::from(error.kind()).into()),
            None => Ok(()),
        }
    }
}

impl Shared {
    /// What the writing thread does: writes, waits for more or the deadline, and lets go.
    fn run(&self) {
        let mut machine = self.lock();
        loop {
            machine = match machine.poll(self.start) {
                _ if !machine.out.is_empty() && machine.writing == 0 => {
                    self.write_out(machine, 0, |_| Ok(()))
                }
                Next::End(_) if machine.writing == 0 => break,
                Next::Wait(deadline) => {
                    machine.wakes = deadline;
                    self.wait(machine, &self.changed, deadline)
                }
                Next::End(_) => self.wait(machine, &self.changed, None),
            };
        }
        self.drained.notify_all();
        let _ = self.socket.shutdown(Shutdown::Write);
        let until = self.start.elapsed() + PATIENCE;
        while !machine.has_ended && machine.error.is_none() && self.start.elapsed() < until {
            machine = self.wait(machine, &self.changed, Some(until));
        }
        let _ = self.socket.shutdown(Shutdown::Both);
    }

    /// Writes what is in `out`, which is not empty, and then `more`, outside the lock.
    fn write_out<'a>(
        &'a self,
        mut machine: MutexGuard<'a, Machine>,
        more_len: usize,
        more: impl FnOnce(&Self) -> io::Result<()>,
    ) -> MutexGuard<'a, Machine> {
        let mut bytes = mem::take(&mut machine.spare);
        mem::swap(&mut bytes, &mut machine.out);
        machine.writing = bytes.len() + more_len;
        machine.answers = 0;
        drop(machine);
        let result = self.write(&bytes).and_then(|()| more(self));
        bytes.clear();
        let mut machine = self.lock();
        machine.error = machine.error.take().or(result.err());
        machine.spare = bytes;
        machine.writing = 0;
        self.changed.notify_one();
        self.drained.notify_all();
        machine
    }

    /// Writes all, and runs the timers while the peer is slow to take it.
    fn write(&self, mut bytes: &[u8]) -> io::Result<()> {
        let mut until = None;
        while !bytes.is_empty() {
            match (&self.socket).write(bytes) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(len) => bytes = &bytes[len..],
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => {}
                    _ => return Err(error),
                },
            }
            if !bytes.is_empty() && matches!(self.lock().poll(self.start), Next::End(_)) {
                let now = Instant::now();
                if now >= *until.get_or_insert(now + PATIENCE) {
                    return Err(ErrorKind::TimedOut.into());
                }
            }
        }
        Ok(())
    }

    fn wait<'a>(
        &self,
        machine: MutexGuard<'a, Machine>,
        changed: &Condvar,
        deadline: Option<Duration>,
    ) -> MutexGuard<'a, Machine> {
        let Some(deadline) = deadline else {
            return changed.wait(machine).unwrap_or_else(PoisonError::into_inner);
        };
        let wait = deadline.saturating_sub(self.start.elapsed());
        changed.wait_timeout(machine, wait).unwrap_or_else(PoisonError::into_inner).0
    }

    fn lock(&self) -> MutexGuard<'_, Machine> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Machine {
    fn answer<T>(&mut self, call: impl FnOnce(&mut WebSocket, &mut Vec<u8>) -> T) -> T {
        let before = self.out.len();
        let result = call(&mut self.ws, &mut self.out);
        self.answers += self.out.len() - before;
        result
    }

    fn poll(&mut self, start: Instant) -> Next {
        let mut out = Backlog::new(&mut self.out, self.writing);
        let next = self.ws.poll(start.elapsed(), &mut out);
        if self.error.is_some() {
            self.out.clear();
            self.answers = 0;
        }
        next
    }
}

fn read_until(deadline: Instant, mut socket: &TcpStream, buf: &mut [u8]) -> io::Result<usize> {
    loop {
        let wait = deadline.saturating_duration_since(Instant::now());
        if wait.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        socket.set_read_timeout(Some(wait))?;
        match socket.read(buf) {
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => {}
                _ => return Err(error),
            },
            result => return result,
        }
    }
}

/// How much is read at once.
const INPUT: usize = 16 * 1024;
/// How much of a long message is masked, and then written, at once.
const PIECE: usize = 64 * 1024;
/// While more than this waits, nothing is read or taken: [`Config::high_water_mark`], as it is by default.
const HIGH_WATER_MARK: usize = 64 * 1024;
/// How long the opening handshake may take, and letting go of the socket.
const PATIENCE: Duration = Duration::from_secs(10);
/// How late timers may be while the peer takes nothing.
const TICK: Duration = Duration::from_secs(1);
