//! A driver over the traits of `futures-io`, for smol and its like; the timers are those of `async-io`. `cargo run
//! --manifest-path examples/futures_io/Cargo.toml --bin server` runs it; to use it, copy this file, which is all of it.
//!
//! A future that is dropped before its end loses nothing, but for `accept` and `connect`, which own the transport.
//! [`WebSocketStream`] reads, writes and runs the timers, so its `next` or `fill` has to be polled for as long as the
//! connection lasts; any number of [`Sender`]s send beside it, from other tasks, or while an event is handled.

use std::future::{pending, poll_fn};
use std::io::{self, ErrorKind};
use std::mem;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use async_io::Timer;
use futures_lite::future::{FutureExt, ready};
use futures_lite::io::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf, split,
};
use futures_lite::stream::{Stream, unfold};
use websocket_proto::{
    Backlog, ClientHandshake, ClientRequest, Config, Event, Failure, HandshakeConfig, Negotiated,
    Next, Request, ServerHandshake, Timeout, UsageError, WebSocket,
};

/// A [`Failure`], a `HandshakeError`, a [`UsageError`], an [`io::Error`], or words for a request that was rejected.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
/// An event that owns what it tells.
pub type Message = Event<'static>;

/// A connection, and the transport under it.
pub struct WebSocketStream<S> {
    reader: ReadHalf<S>,
    writer: WriteHalf<S>,
    sender: Sender,
    /// What was read, and where in it that is which was not yet taken.
    bytes: Vec<u8>,
    unread: Range<usize>,
    /// What is being written, and how much of it was.
    writing: Vec<u8>,
    written: usize,
    has_ended: bool,
    /// After one, nothing is written any more. What is read may still say why the peer left.
    error: Option<io::Error>,
    start: Instant,
    /// When letting go of the transport has to be done.
    until: Option<Instant>,
    is_told: bool,
}

/// The machine, shared with the stream. The lock is never held while something is waited for, or an event is handled.
#[derive(Clone)]
pub struct Sender(Arc<Mutex<Machine>>);

struct Machine {
    ws: WebSocket,
    out: Vec<u8>,
    has_changed: bool,
    /// Waits for something to change.
    stream: Option<Waker>,
    /// Wait for room.
    senders: Vec<Waker>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocketStream<S> {
    /// Does a server's opening handshake. `answer` accepts the request, or rejects it and gives `None`.
    pub async fn accept(
        mut socket: S,
        config: Config,
        answer: impl for<'r> FnOnce(
            &mut Request<'r>,
            &mut Vec<u8>,
        ) -> Result<Option<Negotiated<'r>>, UsageError>,
    ) -> Result<Self, Error> {
        let (mut bytes, mut head, mut out) = (vec![0; INPUT], Vec::new(), Vec::new());
        let mut handshake = ServerHandshake::new(HandshakeConfig::default());
        let opening = async {
            loop {
                let len = socket.read(&mut bytes).await?;
                let mut input = &mut bytes[..len];
                let answered = match handshake.receive(&mut input, &mut head) {
                    Ok(None) if len == 0 => return Err(Error::from(Failure::Eof)),
                    Ok(None) => continue,
                    Ok(Some(mut request)) => answer(&mut request, &mut out),
                    Err(error) => Err(UsageError::NotAnUpgrade(error)),
                };
                return Ok(match answered {
                    Ok(Some(negotiated)) => {
                        Ok((WebSocket::open(negotiated, config), input.to_vec()))
                    }
                    Ok(None) => Err("the request was rejected".into()),
                    Err(UsageError::NotAnUpgrade(error)) => {
                        error.respond(&mut out)?;
                        Err(error.into())
                    }
                    Err(error) => Err(Error::from(error)),
                });
            }
        };
        let (ws, unread) = match opening.or(too_late()).await? {
            Ok(opened) => opened,
            Err(refused) => {
                let let_go = async {
                    socket.write_all(&out).await?;
                    socket.close().await?;
                    // Closing at once, with bytes unread, might take the answer from the peer.
                    while socket.read(&mut bytes).await? > 0 {}
                    Ok(())
                };
                // Whatever becomes of the transport, the refusal is what is told.
                let _: Result<(), Error> = let_go.or(too_late()).await;
                return Err(refused);
            }
        };
        let mut ws = Self::new(socket, ws, unread, out);
        ws.flush().or(too_late()).await?;
        Ok(ws)
    }

    /// Does a client's opening handshake. The seed is fresh from the operating system (RFC 6455 §10.3).
    pub async fn connect(
        mut socket: S,
        request: ClientRequest<'_>,
        seed: [u8; 32],
        config: Config,
    ) -> Result<Self, Error> {
        let (mut bytes, mut head, mut out) = (vec![0; INPUT], Vec::new(), Vec::new());
        let mut handshake = ClientHandshake::new(request, seed, &mut out)?;
        let opening = async {
            socket.write_all(&out).await?;
            socket.flush().await?;
            loop {
                let len = socket.read(&mut bytes).await?;
                if len == 0 {
                    handshake.receive_eof();
                }
                // Without bytes, too: at the end of stream there may be a refusal to tell of.
                let mut input = &mut bytes[..len];
                if let Some(mut response) = handshake.receive(&mut input, &mut head)? {
                    let ws = WebSocket::open(response.accept()?, config);
                    return Ok((ws, input.to_vec()));
                } else if len == 0 {
                    return Err(Error::from(Failure::Eof));
                }
            }
        };
        let (ws, unread) = opening.or(too_late()).await?;
        Ok(Self::new(socket, ws, unread, Vec::new()))
    }

    /// Takes a connection that is open; what was read behind its opening handshake; and what is still to be written.
    pub fn new(socket: S, ws: WebSocket, unread: Vec<u8>, out: Vec<u8>) -> Self {
        let (has_changed, stream, senders) = (false, None, Vec::new());
        let machine = Machine { ws, out, has_changed, stream, senders };
        let (reader, writer) = split(socket);
        Self {
            reader,
            writer,
            sender: Sender(Arc::new(Mutex::new(machine))),
            unread: 0..unread.len(),
            bytes: unread,
            writing: Vec::new(),
            written: 0,
            has_ended: false,
            error: None,
            start: Instant::now(),
            until: None,
            is_told: false,
        }
    }

    /// Gives the next event; `None` once the connection was closed, or its failure told. Then let go of it.
    pub async fn next(&mut self) -> Option<Result<Message, Error>> {
        loop {
            if let Some(event) = self.buffered() {
                return Some(Ok(match event {
                    Event::Text(text) => Event::Text(text.into_owned().into()),
                    Event::Binary(data) => Event::Binary(data.into_owned().into()),
                    Event::Ping(payload) => Event::Ping(payload),
                    Event::Pong(payload) => Event::Pong(payload),
                    Event::Close(close) => Event::Close(close),
                }));
            }
            match self.fill().await {
                Ok(true) => {}
                end => return end.err().map(Err),
            }
        }
    }

    /// Gives a stream of events. A sink is made of a [`Sender`] by `futures::sink::unfold`.
    pub fn into_stream(self) -> impl Stream<Item = Result<Message, Error>> {
        unfold(self, async |mut ws| Some((ws.next().await?, ws)))
    }

    /// Lends the next event. After the last one it is time to `fill`; where events were answered, to be [`ready`](Self::ready)
    /// before, or a peer that does not read fills the memory.
    pub fn buffered(&mut self) -> Option<Event<'_>> {
        let Machine { ws, out, .. } = &mut *self.sender.lock();
        let mut input = &mut self.bytes[self.unread.clone()];
        let event = ws.receive(&mut input, out);
        self.unread.start = self.unread.end - input.len();
        event
    }

    /// Writes, reads and waits until there is something to take; `false` once the connection was closed.
    pub async fn fill(&mut self) -> Result<bool, Error> {
        loop {
            match self.poll().0 {
                Next::Wait(_) if !self.unread.is_empty() => return Ok(true),
                Next::Wait(deadline) => {
                    if self.exchange(deadline, true).await {
                        return Ok(true);
                    }
                }
                Next::End(result) => {
                    self.let_go(result.is_err()).await;
                    let failure = result.err().filter(|_| !mem::replace(&mut self.is_told, true));
                    return match (failure, self.error.take()) {
                        (None, _) => Ok(false),
                        (Some(Failure::Eof), Some(error)) => Err(error.into()),
                        (Some(failure), _) => Err(failure.into()),
                    };
                }
            }
        }
    }

    /// Waits until there is room for more. Where the connection has ended, `fill` tells.
    pub async fn ready(&mut self) {
        let _ = self.drain(HIGH_WATER_MARK).await;
    }

    /// Waits for room, calls the machine, and writes what the transport takes at once. Dropped before its end, it has not
    /// called. Where one read brings many messages, a [`Sender`] costs less: what it appends is written together.
    ///
    /// Meanwhile nothing is read. Two ends that both send without reading wait for each other: who sends of his own accord,
    /// and is answered, sends by a [`Sender`] from another task.
    pub async fn send<T>(
        &mut self,
        call: impl FnOnce(&mut WebSocket, &mut Vec<u8>) -> Result<T, UsageError>,
    ) -> Result<T, Error> {
        self.drain(HIGH_WATER_MARK).await?;
        let sent = self.sender.send_now(call)?;
        self.drain(0).or(ready(Ok(()))).await?;
        Ok(sent)
    }

    /// Waits until all is written.
    pub async fn flush(&mut self) -> Result<(), Error> {
        self.drain(0).await
    }

    /// Gives what sends from other tasks, and while an event is lent.
    pub fn sender(&self) -> Sender {
        self.sender.clone()
    }

    /// Polls the machine, and takes over what it wants to be written; tells how much of that has to wait.
    fn poll(&mut self) -> (Next, usize) {
        let Machine { ws, out, senders, .. } = &mut *self.sender.lock();
        let writing = self.writing.len();
        let next = ws.poll(self.start.elapsed(), &mut Backlog::new(out, writing));
        if self.error.is_some() {
            out.clear();
        }
        if self.writing.is_empty() {
            mem::swap(out, &mut self.writing);
        }
        if out.len() <= HIGH_WATER_MARK {
            senders.drain(..).for_each(Waker::wake);
        }
        (next, out.len())
    }

    /// Writes until no more than so many bytes have to wait.
    async fn drain(&mut self, most: usize) -> Result<(), Error> {
        loop {
            let (next, waiting) = self.poll();
            if let Some(error) = &self.error {
                return Err(io::Error::from(error.kind()).into());
            } else if waiting <= most && (most > 0 || self.writing.is_empty()) {
                return Ok(());
            }
            let deadline = match next {
                Next::Wait(deadline) => deadline,
                Next::End(_) if most > 0 => return Ok(()),
                Next::End(_) => None,
            };
            self.exchange(deadline, false).await;
        }
    }

    /// Writes or reads, whichever can be done first; tells whether something was read.
    async fn exchange(&mut self, deadline: Option<Duration>, reads: bool) -> bool {
        let Self { reader, writer, bytes, writing, written, .. } = self;
        let (writes, reads) = (!writing.is_empty(), reads && !self.has_ended);
        let write = async {
            if !writes {
                return pending().await;
            }
            while *written < writing.len() {
                match writer.write(&writing[*written..]).await {
                    Ok(0) => return Done::Written(Err(ErrorKind::WriteZero.into())),
                    Ok(len) => *written += len,
                    Err(error) => return Done::Written(Err(error)),
                }
            }
            Done::Written(writer.flush().await)
        };
        let read = async {
            if !reads {
                return pending().await;
            }
            bytes.resize(INPUT, 0);
            Done::Read(reader.read(bytes).await)
        };
        let wait = async {
            match deadline {
                Some(deadline) => Timer::at(self.start + deadline).await,
                None => pending().await,
            };
            Done::Waited
        };
        // In any order, so that neither direction can starve the other.
        match write.race(read).or(wait).or(self.sender.changed()).await {
            Done::Written(result) => {
                self.error = self.error.take().or(result.err());
                self.written = 0;
                self.writing.clear();
            }
            Done::Read(result) => {
                self.unread = 0..*result.as_ref().unwrap_or(&0);
                if self.unread.is_empty() {
                    // A transport that broke has ended, too.
                    self.has_ended = true;
                    self.error = self.error.take().or(result.err());
                    self.sender.lock().ws.receive_eof();
                }
            }
            Done::Waited => {}
        }
        !self.unread.is_empty()
    }

    /// RFC 6455 §7.1.1: closing at once, with bytes unread, might take our last words from the peer.
    async fn let_go(&mut self, reads: bool) {
        let until = *self.until.get_or_insert_with(|| Instant::now() + PATIENCE);
        let let_go = async {
            let _ = self.drain(0).await;
            let _ = self.writer.close().await;
            while reads && !self.has_ended {
                self.exchange(None, true).await;
            }
        };
        let too_late = async {
            Timer::at(until).await;
        };
        let_go.or(too_late).await;
        self.unread = 0..0;
    }
}

impl<S> Drop for WebSocketStream<S> {
    fn drop(&mut self) {
        // Nobody shall wait for room any more.
        let Machine { ws, out, senders, .. } = &mut *self.sender.lock();
        ws.receive_eof();
        out.clear();
        senders.drain(..).for_each(Waker::wake);
    }
}

impl Sender {
    /// Waits for room, and calls the machine. Dropped before its end, it has not called.
    ///
    /// It is the task with the stream that makes room, and so it would wait for itself here: it has `send_now`, and the
    /// stream's own `send`.
    pub async fn send<T>(&self, call: impl FnOnce(&mut WebSocket, &mut Vec<u8>) -> T) -> T {
        poll_fn(|cx| {
            let Machine { out, senders, .. } = &mut *self.lock();
            if out.len() <= HIGH_WATER_MARK {
                return Poll::Ready(());
            }
            if !senders.iter().any(|it| it.will_wake(cx.waker())) {
                senders.push(cx.waker().clone());
            }
            Poll::Pending
        })
        .await;
        self.send_now(call)
    }

    /// Calls the machine, whether there is room or not. What it appends is written by the stream.
    pub fn send_now<T>(&self, call: impl FnOnce(&mut WebSocket, &mut Vec<u8>) -> T) -> T {
        let Machine { ws, out, has_changed, stream, .. } = &mut *self.lock();
        *has_changed = true;
        stream.take().into_iter().for_each(Waker::wake);
        call(ws, out)
    }

    async fn changed(&self) -> Done {
        poll_fn(|cx| {
            let Machine { has_changed, stream, .. } = &mut *self.lock();
            *stream = Some(cx.waker().clone());
            if mem::take(has_changed) { Poll::Ready(Done::Waited) } else { Poll::Pending }
        })
        .await
    }

    fn lock(&self) -> MutexGuard<'_, Machine> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What could be done first.
enum Done {
    Written(io::Result<()>),
    Read(io::Result<usize>),
    Waited,
}

async fn too_late<T>() -> Result<T, Error> {
    Timer::after(PATIENCE).await;
    Err(Failure::TimedOut(Timeout::Opening).into())
}

/// How much is read at once.
const INPUT: usize = 16 * 1024;
/// While more than this waits, nothing is read or taken: [`Config::high_water_mark`], as it is by default.
const HIGH_WATER_MARK: usize = 64 * 1024;
/// How long the opening handshake may take, and letting go of the transport.
const PATIENCE: Duration = Duration::from_secs(10);
