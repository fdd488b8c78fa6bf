//! One connection, from its first byte to its last: the part to copy. Here the machines of `websocket_proto` meet a
//! socket that does not block. How requests and messages are answered stands in `service.rs`, and when it is a
//! connection's turn is decided in `main.rs`.

use core::mem;
use core::time::Duration;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;

use mio::event::{Event as Readiness, Source};
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use websocket_proto::{
    CloseCode, Event, Failure, HandshakeConfig, Next, Output, Prepared, ServerHandshake, Timeout,
    UsageError, WebSocket,
};

use crate::backlog::Backlog;
use crate::service::{Service, answer};
use crate::shared::Shared;

pub(crate) struct Connection {
    socket: TcpStream,
    phase: Phase,
    /// What the socket has not taken yet; it owns memory only while that is something.
    backlog: Backlog,
    /// When the socket last took something.
    progress: Duration,
    /// Readiness is told once, when it comes, so it is remembered until a call says `WouldBlock`.
    readable: bool,
    writable: bool,
}

#[allow(clippy::large_enum_variant, reason = "most connections are open, for most of the time")]
enum Phase {
    Opening {
        handshake: ServerHandshake,
        /// The head of the request, if it does not come in one read.
        head: Vec<u8>,
    },
    Open {
        ws: WebSocket,
        service: Service,
    },
    /// All was said, and the socket is to take what still waits.
    Ending {
        until: Duration,
        lingers: bool,
    },
    /// The sending direction is shut down, and what comes is discarded until the peer has ended too: closing a socket
    /// with bytes unread may take our last words from the peer.
    Lingering {
        until: Duration,
    },
}

/// How things stand after a connection's turn.
pub(crate) enum Outcome {
    /// It waits for its socket, or for this time.
    Wait(Option<Duration>),
    /// The same, but there may be more to read at once.
    Again(Option<Duration>),
    Over,
}

impl Connection {
    pub(crate) fn new(socket: TcpStream) -> Self {
        Self {
            socket,
            phase: Phase::Opening {
                handshake: ServerHandshake::new(HandshakeConfig::default()),
                head: Vec::new(),
            },
            backlog: Backlog::default(),
            progress: Duration::ZERO,
            readable: false,
            writable: true,
        }
    }

    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let interests = Interest::READABLE | Interest::WRITABLE;
        self.socket.register(registry, token, interests)
    }

    /// Notes what the socket is ready for.
    pub(crate) fn note(&mut self, event: &Readiness) {
        self.readable |= event.is_readable() || event.is_read_closed() || event.is_error();
        self.writable |= event.is_writable() || event.is_write_closed();
    }

    pub(crate) fn is_in_chat(&self) -> bool {
        matches!(&self.phase, Phase::Open { service: Service::Chat, .. })
    }

    /// Reads once, if there is something and the peer reads too; then does what is due.
    pub(crate) fn turn(&mut self, now: Duration, shared: &mut Shared) -> Outcome {
        self.act(now, shared, Self::read)
    }

    /// Sends what was said in the chat.
    pub(crate) fn post(
        &mut self,
        now: Duration,
        shared: &mut Shared,
        said: &[Prepared],
    ) -> Outcome {
        self.act(now, shared, |this, _, _, out| {
            let Phase::Open { ws, .. } = &mut this.phase else {
                return Ok(());
            };
            said.iter().try_for_each(|message| {
                or_closed(if out.waiting() > SLOW_READER {
                    // A chat that ends is better than one with holes in it, and no reader may fill our memory.
                    ws.close(CloseCode::POLICY_VIOLATION, "too slow", out)
                } else {
                    ws.send_prepared(message, out)
                })
            })
        })
    }

    /// Begins the closing handshake.
    pub(crate) fn close(&mut self, now: Duration, shared: &mut Shared) -> Outcome {
        self.act(now, shared, |this, _, _, out| match &mut this.phase {
            Phase::Open { ws, .. } => or_closed(ws.close(CloseCode::GOING_AWAY, "", out)),
            Phase::Opening { .. } => {
                this.phase = Phase::Ending { until: now, lingers: false };
                Ok(())
            }
            Phase::Ending { .. } | Phase::Lingering { .. } => Ok(()),
        })
    }

    /// Does something that makes bytes, and then what is due.
    ///
    /// The bytes go into storage that all connections share. While this one has a backlog they go behind that, so that
    /// they keep their order, and so that the machine sees how much waits.
    fn act(
        &mut self,
        now: Duration,
        shared: &mut Shared,
        act: impl FnOnce(&mut Self, Duration, &mut Shared, &mut Backlog) -> io::Result<()>,
    ) -> Outcome {
        let has_backlog = !self.backlog.is_empty();
        let mut out = if has_backlog {
            mem::take(&mut self.backlog)
        } else {
            self.progress = now;
            mem::take(&mut shared.output)
        };
        let outcome =
            act(self, now, shared, &mut out).and_then(|()| self.finish(now, shared, &mut out));
        if !has_backlog {
            self.backlog = out.take_rest();
            shared.output = out;
        } else if !out.is_empty() {
            self.backlog = out;
        }
        outcome.unwrap_or_else(|error| {
            shared.log(&self.socket, format_args!("lost: {error}"));
            Outcome::Over
        })
    }

    fn may_read(&self, out: &Backlog) -> bool {
        self.readable && out.waiting() <= STOP_READING
    }

    fn read(&mut self, now: Duration, shared: &mut Shared, out: &mut Backlog) -> io::Result<()> {
        if !self.may_read(out) {
            return Ok(());
        }
        let mut input = mem::take(&mut shared.input);
        let result = match self.socket.read(&mut input) {
            Ok(0) => {
                self.readable = false;
                self.receive_eof(now);
                Ok(())
            }
            Ok(len) => input[..len]
                .chunks_mut(shared.options.slice)
                .try_for_each(|slice| self.receive(slice, now, shared, out)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.readable = false;
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(error),
        };
        shared.input = input;
        result
    }

    /// Sans-IO, step 1: bytes in; events, and bytes for `out`.
    fn receive(
        &mut self,
        bytes: &mut [u8],
        now: Duration,
        shared: &mut Shared,
        out: &mut Backlog,
    ) -> io::Result<()> {
        let mut start = 0;
        if let Phase::Opening { handshake, head } = &mut self.phase {
            let mut input = &mut *bytes;
            let answered = match handshake.receive(&mut input, head) {
                Ok(None) => return Ok(()),
                Ok(Some(mut request)) => {
                    let (method, target) = (request.method(), request.target());
                    shared.log(&self.socket, format_args!("{method} {target}"));
                    answer(&mut request, shared, out)
                }
                Err(error) => {
                    shared.log(&self.socket, format_args!("refused: {error}"));
                    error.respond(out).map(|()| None)
                }
            };
            // What came behind the head is the connection's.
            let unread = input.len();
            self.phase = match answered.map_err(io::Error::other)? {
                Some((ws, service)) => Phase::Open { ws, service },
                None => Phase::Ending { until: now + LINGER, lingers: true },
            };
            start = bytes.len() - unread;
        }
        if let Phase::Open { ws, service } = &mut self.phase {
            let mut input = &mut bytes[start..];
            while let Some(event) = ws.receive(&mut input, out) {
                if let Event::Close(close) = &event {
                    let (code, reason) = (close.code(), close.reason());
                    shared.log(&self.socket, format_args!("closes: {code} {reason:?}"));
                }
                // What cannot be answered is not left out: it ends the connection.
                let handled = service.handle(event, ws, &mut shared.said, out);
                or_closed(handled.or_else(|_| ws.close(CloseCode::INTERNAL_ERROR, "", out)))?;
            }
        }
        Ok(())
    }

    fn receive_eof(&mut self, now: Duration) {
        match &mut self.phase {
            Phase::Opening { handshake, .. } => handshake.receive_eof(),
            Phase::Open { ws, .. } => ws.receive_eof(),
            Phase::Ending { lingers, .. } => *lingers = false,
            Phase::Lingering { until } => *until = now,
        }
    }

    /// Sans-IO, steps 2 to 4: poll, write whatever it said, and do what it said.
    fn finish(&mut self, now: Duration, shared: &Shared, out: &mut Backlog) -> io::Result<Outcome> {
        let next = loop {
            let next = match &mut self.phase {
                Phase::Opening { handshake, .. } => handshake.poll(now),
                Phase::Open { ws, .. } => ws.poll(now, out),
                Phase::Ending { until, .. } | Phase::Lingering { until } => {
                    Next::Wait(Some(*until))
                }
            };
            let waiting = out.waiting();
            self.write(now, shared, out)?;
            // A Pong that waited for room may have it now, also where all was written.
            if out.waiting() == waiting {
                break next;
            }
        };
        let mut deadline = match next {
            Next::Wait(deadline) => deadline,
            Next::End(result) => {
                if let Err(failure) = result {
                    shared.log(&self.socket, format_args!("failed: {failure}"));
                }
                let lingers = !matches!(
                    result,
                    Ok(()) | Err(Failure::Eof | Failure::TimedOut(Timeout::Opening))
                );
                self.phase = Phase::Ending { until: now + LINGER, lingers };
                Some(now + LINGER)
            }
        };
        match self.phase {
            Phase::Ending { until, .. } | Phase::Lingering { until } if until <= now => {
                return Ok(Outcome::Over);
            }
            Phase::Ending { lingers: false, .. } if out.is_empty() => return Ok(Outcome::Over),
            Phase::Ending { until, .. } if out.is_empty() => {
                self.socket.shutdown(Shutdown::Write)?;
                self.phase = Phase::Lingering { until };
            }
            _ => {}
        }
        if !out.is_empty() {
            let stalled = self.progress + STALL;
            if stalled <= now {
                return Err(ErrorKind::TimedOut.into());
            }
            deadline = Some(deadline.map_or(stalled, |deadline| deadline.min(stalled)));
        }
        let outcome = if self.may_read(out) { Outcome::Again } else { Outcome::Wait };
        Ok(outcome(deadline))
    }

    /// Writes until the socket takes no more.
    fn write(&mut self, now: Duration, shared: &Shared, out: &mut Backlog) -> io::Result<()> {
        while self.writable && !out.is_empty() {
            let bytes = out.unsent();
            match self.socket.write(&bytes[..bytes.len().min(shared.options.trickle)]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(len) => {
                    out.consume(len);
                    self.progress = now;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.writable = false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Lets pass that nothing could be sent any more, because the closing handshake has begun.
fn or_closed(sent: Result<(), UsageError>) -> io::Result<()> {
    match sent {
        Ok(()) | Err(UsageError::Closed) => Ok(()),
        Err(error) => Err(io::Error::other(error)),
    }
}

/// A peer that leaves more than this waiting is not read from. It is the machine's own high-water mark, so that no
/// keepalive Ping runs out while nobody looks for its Pong.
const STOP_READING: usize = 64 * 1024;
/// A peer that leaves more of the chat than this waiting is closed.
const SLOW_READER: usize = 1024 * 1024;
/// A peer that takes nothing of what waits for so long is given up.
const STALL: Duration = Duration::from_secs(60);
/// How long the end may take.
const LINGER: Duration = Duration::from_secs(5);
