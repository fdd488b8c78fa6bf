//! A server on io_uring: one thread for all connections; one submission accepts them all, and one for each receives,
//! into buffers that all of them share. `cargo run --manifest-path examples/io_uring/Cargo.toml --bin server` runs it; to
//! use it, copy this file, which is all of it.
//!
//! A message that lies whole in a shared buffer is handed out from there, and nothing is held for a connection that is
//! idle but its machine. While a peer is slow to take our bytes, nothing is received from it. A service answers what it is
//! given; what others push to a connection would have to wake the ring, which this does not do.

use std::alloc::{Layout, alloc_zeroed, handle_alloc_error};
use std::collections::{BTreeSet, VecDeque};
use std::io::{self, ErrorKind};
use std::mem;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd};
use std::slice;
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use io_uring::types::{BufRingEntry, Fd, SubmitArgs, Timespec};
use io_uring::{IoUring, cqueue, opcode, squeue};
use websocket_proto::{
    Backlog, Config, Event, Failure, HandshakeConfig, Negotiated, Next, Request, ServerHandshake,
    UsageError, WebSocket,
};

/// A [`Failure`], a [`UsageError`] or an [`io::Error`].
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// What a server does with its connections.
pub trait Service {
    /// Accepts a request, or rejects it and gives `None`.
    fn accept<'r>(
        &mut self,
        request: &mut Request<'r>,
        out: &mut Vec<u8>,
    ) -> Result<Option<Negotiated<'r>>, UsageError>;

    /// Handles an event.
    fn handle(&mut self, ws: &mut WebSocket, event: Event<'_>, out: &mut Vec<u8>);

    /// Takes note that a connection was closed, or failed.
    fn ended(&mut self, result: Result<(), Error>);
}

/// A server.
pub struct Server<S> {
    ring: IoUring,
    buffers: Buffers,
    listener: TcpListener,
    config: Config,
    service: S,
    /// What has an operation under way stays.
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    deadlines: BTreeSet<(Duration, usize)>,
    is_multishot: bool,
    start: Instant,
}

struct Connection {
    socket: TcpStream,
    state: State,
    out: Vec<u8>,
    /// What is being written, and how much of it was.
    writing: Vec<u8>,
    written: usize,
    /// What came while the peer was slow to take our bytes, or before that was known: no more than all buffers hold.
    unread: VecDeque<Vec<u8>>,
    is_reading: bool,
    /// Whether one submission was to receive for long.
    is_multishot: bool,
    is_cancelling: bool,
    is_writing: bool,
    has_ended: bool,
    /// After one, nothing is written any more. What is read may still say why the peer left.
    error: Option<io::Error>,
    deadline: Option<Duration>,
}

enum State {
    Opening(ServerHandshake, Vec<u8>),
    Open(WebSocket),
    /// The end was told. Until then the peer may read our last words.
    Leaving(Duration),
}

impl<S: Service> Server<S> {
    /// Sets up a ring, which the kernel may refuse. Without `is_multishot`, or where the kernel knows no such thing,
    /// each read is submitted anew.
    pub fn new(
        listener: TcpListener,
        config: Config,
        service: S,
        is_multishot: bool,
    ) -> io::Result<Self> {
        let ring = IoUring::new(256)?;
        let buffers = Buffers::new(&ring)?;
        Ok(Self {
            ring,
            buffers,
            listener,
            config,
            service,
            connections: Vec::new(),
            free: Vec::new(),
            deadlines: BTreeSet::new(),
            is_multishot,
            start: Instant::now(),
        })
    }

    /// Serves until the ring fails.
    pub fn run(mut self) -> io::Error {
        let Err(error) = self.serve();
        // The kernel may still be at it.
        mem::forget(self);
        error
    }

    fn serve(&mut self) -> io::Result<std::convert::Infallible> {
        self.accept()?;
        let mut completed: Vec<(u64, i32, u32)> = Vec::new();
        loop {
            let wait = self
                .deadlines
                .first()
                .map(|(at, _)| Timespec::from(at.saturating_sub(self.start.elapsed())));
            let mut args = SubmitArgs::new();
            if let Some(wait) = &wait {
                args = args.timespec(wait);
            }
            match self.ring.submitter().submit_with_args(1, &args) {
                Err(error)
                    if ![Some(ETIME), Some(EINTR), Some(EBUSY)].contains(&error.raw_os_error()) =>
                {
                    return Err(error);
                }
                _ => {}
            }
            let completions = self.ring.completion();
            completed.extend(completions.map(|it| (it.user_data(), it.result(), it.flags())));
            for (tag, result, flags) in completed.drain(..) {
                let id = (tag >> 2) as usize;
                match tag & 3 {
                    ACCEPT => self.accepted(result, flags)?,
                    RECEIVE => self.received(id, result, flags)?,
                    SEND => self.sent(id, result)?,
                    _ => {}
                }
            }
            while let Some(&(at, id)) = self.deadlines.first() {
                if at > self.start.elapsed() {
                    break;
                }
                self.deadlines.pop_first();
                self.advance(id)?;
            }
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        let accept = opcode::AcceptMulti::new(Fd(self.listener.as_raw_fd())).flags(SOCK_CLOEXEC);
        push(&mut self.ring, accept.build().user_data(ACCEPT))
    }

    fn accepted(&mut self, result: i32, flags: u32) -> io::Result<()> {
        if result < 0 {
            // Perhaps there are too many: let some go first.
            thread::sleep(Duration::from_millis(10));
        } else {
            // SAFETY: the descriptor was made for us just now.
            let socket = unsafe { TcpStream::from_raw_fd(result) };
            let _ = socket.set_nodelay(true);
            let handshake = ServerHandshake::new(HandshakeConfig::default());
            let id = self.free.pop().unwrap_or_else(|| {
                self.connections.push(None);
                self.connections.len() - 1
            });
            self.connections[id] = Some(Connection::new(socket, handshake));
            self.advance(id)?;
        }
        if cqueue::more(flags) { Ok(()) } else { self.accept() }
    }

    fn received(&mut self, id: usize, result: i32, flags: u32) -> io::Result<()> {
        let Some(connection) = &mut self.connections[id] else { return Ok(()) };
        if !cqueue::more(flags) {
            (connection.is_reading, connection.is_cancelling) = (false, false);
        }
        let buffer = cqueue::buffer_select(flags);
        match (result, buffer) {
            (1.., Some(buffer)) => {
                let input = self.buffers.get(buffer, result as usize);
                if connection.unread.is_empty() {
                    connection.receive(input, self.config, &mut self.service);
                } else {
                    connection.unread.push_back(input.to_vec());
                }
            }
            (0, _) => connection.has_ended = true,
            _ => match -result {
                ENOBUFS | ECANCELED | EINTR => {}
                EINVAL if connection.is_multishot => self.is_multishot = false,
                // A transport that broke has ended, too.
                code => {
                    connection.has_ended = true;
                    connection.error.get_or_insert(io::Error::from_raw_os_error(code));
                }
            },
        }
        if let Some(buffer) = buffer {
            self.buffers.put(buffer);
        }
        self.advance(id)
    }

    fn sent(&mut self, id: usize, result: i32) -> io::Result<()> {
        let Some(connection) = &mut self.connections[id] else { return Ok(()) };
        connection.is_writing = false;
        if result < 0 {
            connection.error.get_or_insert(io::Error::from_raw_os_error(-result));
        } else {
            connection.written += result as usize;
        }
        self.advance(id)
    }

    /// Does all that can be done for a connection.
    fn advance(&mut self, id: usize) -> io::Result<()> {
        let Some(connection) = &mut self.connections[id] else { return Ok(()) };
        let now = self.start.elapsed();
        while !connection.is_congested() {
            let Some(mut piece) = connection.unread.pop_front() else { break };
            connection.receive(&mut piece, self.config, &mut self.service);
        }
        if connection.has_ended && connection.unread.is_empty() {
            connection.receive_eof();
        }
        let deadline = connection.poll(now, &mut self.service);
        let fd = Fd(connection.socket.as_raw_fd());
        if connection.next_to_write() {
            let bytes = &connection.writing[connection.written..];
            let send =
                opcode::Send::new(fd, bytes.as_ptr(), bytes.len() as u32).flags(MSG_NOSIGNAL);
            connection.is_writing = true;
            push(&mut self.ring, send.build().user_data((id as u64) << 2 | SEND))?;
        }
        if let State::Leaving(until) = connection.state {
            if !connection.is_writing {
                let _ = connection.socket.shutdown(Shutdown::Write);
            }
            if now >= until {
                // This ends what is under way.
                let _ = connection.socket.shutdown(Shutdown::Both);
            }
        }
        let tag = (id as u64) << 2 | RECEIVE;
        let has_room = !connection.is_congested() && connection.unread.is_empty();
        let reads = has_room && !connection.has_ended;
        if reads && !connection.is_reading {
            connection.is_reading = true;
            connection.is_multishot = self.is_multishot;
            let receive = if self.is_multishot {
                opcode::RecvMulti::new(fd, GROUP).build()
            } else {
                let once = opcode::Recv::new(fd, std::ptr::null_mut(), SIZE as u32);
                once.buf_group(GROUP).build().flags(squeue::Flags::BUFFER_SELECT)
            };
            push(&mut self.ring, receive.user_data(tag))?;
        } else if !reads && connection.is_reading && !connection.is_cancelling {
            connection.is_cancelling = true;
            push(&mut self.ring, opcode::AsyncCancel::new(tag).build().user_data(CANCEL))?;
        }
        let old = connection.deadline;
        connection.deadline = deadline;
        let is_over = matches!(connection.state, State::Leaving(_))
            && connection.has_ended
            && !connection.is_reading
            && !connection.is_writing;
        old.map(|at| self.deadlines.remove(&(at, id)));
        if is_over {
            self.connections[id] = None;
            self.free.push(id);
        } else if let Some(at) = deadline {
            self.deadlines.insert((at, id));
        }
        Ok(())
    }
}

impl Connection {
    fn new(socket: TcpStream, handshake: ServerHandshake) -> Self {
        Self {
            socket,
            state: State::Opening(handshake, Vec::new()),
            out: Vec::new(),
            writing: Vec::new(),
            written: 0,
            unread: VecDeque::new(),
            is_reading: false,
            is_multishot: false,
            is_cancelling: false,
            is_writing: false,
            has_ended: false,
            error: None,
            deadline: None,
        }
    }

    fn is_congested(&self) -> bool {
        self.out.len() > HIGH_WATER_MARK
    }

    /// Takes what came, as far as there is room for what it is answered with.
    fn receive(&mut self, mut input: &mut [u8], config: Config, service: &mut impl Service) {
        if let State::Opening(handshake, head) = &mut self.state {
            let answered = match handshake.receive(&mut input, head) {
                Ok(None) => return,
                Ok(Some(mut request)) => service.accept(&mut request, &mut self.out),
                Err(error) => Err(UsageError::NotAnUpgrade(error)),
            };
            let refused = match answered {
                Ok(Some(negotiated)) => Ok(WebSocket::open(negotiated, config)),
                Ok(None) => Err("the request was rejected".into()),
                Err(UsageError::NotAnUpgrade(error)) => {
                    let _ = error.respond(&mut self.out);
                    Err(error.into())
                }
                Err(error) => Err(error.into()),
            };
            match refused {
                Ok(ws) => self.state = State::Open(ws),
                Err(error) => self.leave(Duration::ZERO, Err(error), service),
            }
        }
        if let State::Open(ws) = &mut self.state {
            while !input.is_empty() {
                if self.out.len() > HIGH_WATER_MARK {
                    self.unread.push_front(input.to_vec());
                    return;
                }
                if let Some(event) = ws.receive(&mut input, &mut self.out) {
                    service.handle(ws, event, &mut self.out);
                }
            }
        }
    }

    fn receive_eof(&mut self) {
        match &mut self.state {
            State::Opening(handshake, _) => handshake.receive_eof(),
            State::Open(ws) => ws.receive_eof(),
            State::Leaving(_) => {}
        }
    }

    fn poll(&mut self, now: Duration, service: &mut impl Service) -> Option<Duration> {
        let next = match &mut self.state {
            State::Opening(handshake, _) => handshake.poll(now),
            State::Open(ws) => {
                let writing = self.writing.len() - self.written;
                ws.poll(now, &mut Backlog::new(&mut self.out, writing))
            }
            State::Leaving(until) => {
                // A request that was refused did not tell the time.
                if until.is_zero() {
                    *until = now + PATIENCE;
                }
                return Some(*until).filter(|until| *until > now);
            }
        };
        match next {
            Next::Wait(deadline) => deadline,
            Next::End(result) => {
                let result = match (result, self.error.take()) {
                    (Ok(()), _) => Ok(()),
                    (Err(Failure::Eof), Some(error)) => {
                        self.error = Some(error.kind().into());
                        Err(error.into())
                    }
                    (Err(failure), _) => Err(failure.into()),
                };
                self.leave(now + PATIENCE, result, service);
                Some(now + PATIENCE)
            }
        }
    }

    /// RFC 6455 §7.1.1: closing at once, with bytes unread, might take our last words from the peer.
    fn leave(&mut self, until: Duration, result: Result<(), Error>, service: &mut impl Service) {
        self.state = State::Leaving(until);
        self.unread.clear();
        service.ended(result);
    }

    /// Finds what is to be written next.
    fn next_to_write(&mut self) -> bool {
        if self.is_writing {
            return false;
        }
        if self.error.is_some() {
            self.out.clear();
            self.writing.clear();
            self.written = 0;
        } else if self.written == self.writing.len() {
            self.written = 0;
            self.writing.clear();
            mem::swap(&mut self.writing, &mut self.out);
        }
        self.written < self.writing.len()
    }
}

/// The buffers that the kernel reads into, and the ring by which it is given them. They are never freed, for the kernel
/// may still be at it.
struct Buffers {
    entries: *mut BufRingEntry,
    memory: *mut u8,
    tail: u16,
}

impl Buffers {
    fn new(ring: &IoUring) -> io::Result<Self> {
        let layout = Layout::from_size_align(PAGE + usize::from(COUNT) * SIZE, PAGE);
        let layout = layout.map_err(|_| ErrorKind::OutOfMemory)?;
        // SAFETY: its size is not zero.
        let memory = unsafe { alloc_zeroed(layout) };
        if memory.is_null() {
            handle_alloc_error(layout);
        }
        // SAFETY: the page of entries is never freed.
        unsafe {
            let submitter = ring.submitter();
            submitter.register_buf_ring_with_flags(memory as u64, COUNT, GROUP, 0)?;
        }
        // SAFETY: a page of entries comes before the buffers.
        let mut buffers =
            Self { entries: memory.cast(), memory: unsafe { memory.add(PAGE) }, tail: 0 };
        (0..COUNT).for_each(|buffer| buffers.put(buffer));
        Ok(buffers)
    }

    /// Lends what the kernel has read into a buffer, and given to us.
    fn get(&mut self, buffer: u16, len: usize) -> &mut [u8] {
        assert!(buffer < COUNT && len <= SIZE);
        // SAFETY: it lies in the memory, and is ours until it is put back.
        unsafe { slice::from_raw_parts_mut(self.memory.add(usize::from(buffer) * SIZE), len) }
    }

    /// Gives a buffer to the kernel.
    fn put(&mut self, buffer: u16) {
        assert!(buffer < COUNT);
        // SAFETY: the entries are as many as the buffers, and behind the tail they are ours.
        unsafe {
            let entry = &mut *self.entries.add(usize::from(self.tail % COUNT));
            entry.set_addr(self.memory.add(usize::from(buffer) * SIZE) as u64);
            entry.set_len(SIZE as u32);
            entry.set_bid(buffer);
            self.tail = self.tail.wrapping_add(1);
            let tail: *const AtomicU16 = BufRingEntry::tail(self.entries).cast();
            (*tail).store(self.tail, Ordering::Release);
        }
    }
}

fn push(ring: &mut IoUring, entry: squeue::Entry) -> io::Result<()> {
    // SAFETY: what it points to stays as it is until the completion comes.
    while unsafe { ring.submission().push(&entry) }.is_err() {
        ring.submit()?;
    }
    Ok(())
}

/// What an operation is, in the two lowest bits of its tag; the connection is above.
const ACCEPT: u64 = 0;
const RECEIVE: u64 = 1;
const SEND: u64 = 2;
const CANCEL: u64 = 3;

/// How many buffers there are: a power of two, whose entries fill a page.
const COUNT: u16 = 256;
const SIZE: usize = 16 * 1024;
const PAGE: usize = 4096;
const GROUP: u16 = 0;

/// While more than this waits, nothing is received or taken: [`Config::high_water_mark`], as it is by default.
const HIGH_WATER_MARK: usize = 64 * 1024;
/// How long letting go of a socket may take.
const PATIENCE: Duration = Duration::from_secs(10);

// Linux's.
const SOCK_CLOEXEC: i32 = 0o2_000_000;
const MSG_NOSIGNAL: i32 = 0x4000;
const EINTR: i32 = 4;
const EBUSY: i32 = 16;
const EINVAL: i32 = 22;
const ETIME: i32 = 62;
const ENOBUFS: i32 = 105;
const ECANCELED: i32 = 125;
