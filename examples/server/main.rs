//! A WebSocket server for thousands of connections on one thread: `cargo run --release --example server`.
//!
//! It serves an echo, a chat, and a page to try them in a browser. The event loop is here, and does not know the
//! protocol; `connection.rs` drives its machines; `service.rs` says what is served. One buffer to read into and one to
//! write from are shared by all connections.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "an example reads better with plain operators"
)]

mod args;
mod backlog;
mod connection;
mod service;
mod shared;

use core::cmp::Reverse;
use core::error::Error;
use core::mem;
use core::net::SocketAddr;
use core::time::Duration;
use std::collections::{BTreeSet, BinaryHeap, HashMap};
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;
use std::time::Instant;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};
use websocket_proto::{Config, Prepared};

use args::{HELP, Options};
use connection::{Connection, Outcome};
use shared::{Shared, tell};

fn main() -> ExitCode {
    let (message, status) = match Options::parse(std::env::args().skip(1)) {
        Ok(None) => {
            let _ = write!(io::stdout(), "{HELP}");
            return ExitCode::SUCCESS;
        }
        Ok(Some(options)) => match listen(&options.addresses) {
            Ok(listener) => match Server::new(listener, options).and_then(Server::run) {
                Ok(()) => return ExitCode::SUCCESS,
                Err(error) => (error.to_string(), 1),
            },
            Err(message) => (message, 2),
        },
        Err(message) => (format!("{message}; --help tells more"), 2),
    };
    tell(format_args!("server: {message}"));
    ExitCode::from(status)
}

fn listen(addresses: &[SocketAddr]) -> Result<TcpListener, String> {
    let mut message = "the name has no address".to_owned();
    for &address in addresses {
        match TcpListener::bind(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => message = format!("cannot listen on {address}: {error}"),
        }
    }
    Err(message)
}

struct Server {
    poll: Poll,
    /// `None` once the server is to stop.
    listener: Option<TcpListener>,
    /// Whether there may be connections to accept.
    acceptable: bool,
    /// Whether it was told that none can be accepted.
    is_full: bool,
    /// Keys are never used again, so what comes late for a connection finds nothing.
    clients: HashMap<usize, Box<Client>>,
    last_key: usize,
    /// Whose turn it is.
    queue: Vec<usize>,
    timers: Timers,
    chat: BTreeSet<usize>,
    /// Whether a timer runs to tell how many there are.
    is_announcing: bool,
    shared: Shared,
    start: Instant,
    /// The time of this round of the loop.
    now: Duration,
}

struct Client {
    connection: Connection,
    is_queued: bool,
    deadline: Option<Duration>,
    /// The time of its entry in `timers`. It may be earlier than the deadline, which most often moves away, so that a
    /// busy connection costs no more than one entry.
    timer: Option<Duration>,
}

impl Server {
    fn new(mut listener: TcpListener, options: Options) -> Result<Self, Box<dyn Error>> {
        let poll = Poll::new()?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let waker = Waker::new(poll.registry(), STOP)?;
        let mut is_stopping = false;
        ctrlc::set_handler(move || {
            if mem::replace(&mut is_stopping, true) || waker.wake().is_err() {
                std::process::exit(130);
            }
        })?;
        let config = Config::default()
            .message_limit(options.max_message)?
            .keepalive(Duration::from_secs(30), Duration::from_secs(10))?
            .recycle_limit(64 * 1024);
        let address = listener.local_addr()?;
        let _ = writeln!(io::stdout(), "listening on http://{address}/");
        Ok(Self {
            poll,
            listener: Some(listener),
            acceptable: true,
            is_full: false,
            clients: HashMap::new(),
            last_key: LAST_TOKEN.0,
            queue: Vec::new(),
            timers: BinaryHeap::new(),
            chat: BTreeSet::new(),
            is_announcing: false,
            shared: Shared::new(options, config),
            start: Instant::now(),
            now: Duration::ZERO,
        })
    }

    fn run(mut self) -> Result<(), Box<dyn Error>> {
        let mut events = Events::with_capacity(1024);
        while self.listener.is_some() || !self.clients.is_empty() {
            match self.poll.poll(&mut events, self.timeout()) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error.into()),
                _ => self.now = self.start.elapsed(),
            }
            for event in &events {
                match event.token() {
                    LISTENER => self.acceptable = true,
                    STOP => self.stop(),
                    Token(key) => {
                        if let Some(client) = self.clients.get_mut(&key) {
                            client.connection.note(event);
                            client.enqueue(key, &mut self.queue);
                        }
                    }
                }
            }
            self.accept();
            self.run_timers();
            for key in mem::take(&mut self.queue) {
                if let Some(client) = self.clients.get_mut(&key) {
                    client.is_queued = false;
                }
                self.serve(key, Connection::turn);
            }
            let said = mem::take(&mut self.shared.said);
            self.tell(&said);
        }
        Ok(())
    }

    /// Returns how long there is nothing to do, unless a socket is ready.
    fn timeout(&self) -> Option<Duration> {
        if self.acceptable || !self.queue.is_empty() {
            return Some(Duration::ZERO);
        }
        let Reverse((time, _)) = self.timers.peek()?;
        Some(time.saturating_sub(self.start.elapsed()))
    }

    /// Accepts a number of connections that leaves time for the others.
    fn accept(&mut self) {
        for _ in 0..ACCEPT_AT_MOST {
            let Some(listener) = self.listener.as_ref().filter(|_| self.acceptable) else {
                return;
            };
            match listener.accept() {
                Ok((socket, _)) => {
                    self.is_full = false;
                    self.add(socket);
                }
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock => self.acceptable = false,
                    ErrorKind::Interrupted | ErrorKind::ConnectionAborted => {}
                    _ => {
                        // Most often there are too many open files. It is told once, and tried again later.
                        if !mem::replace(&mut self.is_full, true) {
                            let count = self.clients.len();
                            tell(format_args!("server: cannot accept more than {count}: {error}"));
                        }
                        self.acceptable = false;
                        self.set_timer(ACCEPT_AGAIN, LISTENER);
                    }
                },
            }
        }
    }

    fn add(&mut self, socket: TcpStream) {
        let key = self.last_key + 1;
        self.last_key = key;
        let _ = socket.set_nodelay(true);
        let mut connection = Connection::new(socket);
        match connection.register(self.poll.registry(), Token(key)) {
            Ok(()) => {
                let client = Client { connection, is_queued: false, deadline: None, timer: None };
                self.clients.insert(key, Box::new(client));
                // The first turn starts the timer of the handshake.
                self.serve(key, Connection::turn);
            }
            Err(error) => tell(format_args!("server: cannot watch a connection: {error}")),
        }
    }

    /// Lets a connection act, and sees to what it waits for then.
    fn serve(
        &mut self,
        key: usize,
        act: impl FnOnce(&mut Connection, Duration, &mut Shared) -> Outcome,
    ) {
        let Some(client) = self.clients.get_mut(&key) else {
            return;
        };
        let outcome = act(&mut client.connection, self.now, &mut self.shared);
        let mut chats = client.connection.is_in_chat();
        match outcome {
            Outcome::Again(deadline) => {
                client.enqueue(key, &mut self.queue);
                client.set_deadline(deadline, key, &mut self.timers);
            }
            Outcome::Wait(deadline) => client.set_deadline(deadline, key, &mut self.timers),
            Outcome::Over => {
                chats = false;
                self.clients.remove(&key);
            }
        }
        let changed = if chats { self.chat.insert(key) } else { self.chat.remove(&key) };
        if changed && !mem::replace(&mut self.is_announcing, true) {
            self.set_timer(ANNOUNCE_AFTER, CHAT);
        }
    }

    fn run_timers(&mut self) {
        while let Some(&Reverse((time, key))) = self.timers.peek() {
            if time > self.now {
                break;
            }
            self.timers.pop();
            match Token(key) {
                LISTENER => self.acceptable = true,
                STOP => self.clients.clear(),
                CHAT => {
                    self.is_announcing = false;
                    if let Ok(here) = Prepared::text(&format!("here {}", self.chat.len())) {
                        self.tell(&[here]);
                    }
                }
                _ => {
                    if let Some(client) = self.clients.get_mut(&key) {
                        client.run_timer(time, self.now, key, &mut self.queue, &mut self.timers);
                    }
                }
            }
        }
    }

    fn set_timer(&mut self, after: Duration, token: Token) {
        self.timers.push(Reverse((self.now + after, token.0)));
    }

    /// Tells something to everyone in the chat.
    fn tell(&mut self, said: &[Prepared]) {
        if !said.is_empty() {
            for key in self.chat.iter().copied().collect::<Vec<_>>() {
                self.serve(key, |connection, now, shared| connection.post(now, shared, said));
            }
        }
    }

    /// Closes every connection; those that are not closed in time are dropped.
    fn stop(&mut self) {
        self.listener = None;
        self.acceptable = false;
        self.set_timer(STOP_WITHIN, STOP);
        for key in self.clients.keys().copied().collect::<Vec<_>>() {
            self.serve(key, Connection::close);
        }
    }
}

impl Client {
    fn enqueue(&mut self, key: usize, queue: &mut Vec<usize>) {
        if !mem::replace(&mut self.is_queued, true) {
            queue.push(key);
        }
    }

    fn set_deadline(&mut self, deadline: Option<Duration>, key: usize, timers: &mut Timers) {
        self.deadline = deadline;
        if let Some(time) = deadline {
            if self.timer.is_none_or(|timer| time < timer) {
                self.timer = Some(time);
                timers.push(Reverse((time, key)));
            }
        }
    }

    fn run_timer(
        &mut self,
        time: Duration,
        now: Duration,
        key: usize,
        queue: &mut Vec<usize>,
        timers: &mut Timers,
    ) {
        // Otherwise an earlier entry has taken its place.
        if self.timer == Some(time) {
            self.timer = None;
            match self.deadline {
                Some(deadline) if deadline <= now => self.enqueue(key, queue),
                deadline => self.set_deadline(deadline, key, timers),
            }
        }
    }
}

type Timers = BinaryHeap<Reverse<(Duration, usize)>>;

const LISTENER: Token = Token(0);
const STOP: Token = Token(1);
const CHAT: Token = Token(2);
const LAST_TOKEN: Token = CHAT;

const ACCEPT_AT_MOST: usize = 64;
const ACCEPT_AGAIN: Duration = Duration::from_secs(1);
/// When many come or go at once, their number is told once.
const ANNOUNCE_AFTER: Duration = Duration::from_millis(100);
const STOP_WITHIN: Duration = Duration::from_secs(3);
