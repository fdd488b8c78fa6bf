//! A driver over the traits of `embedded-io-async`, such as for the two halves of a TCP socket of embassy-net.
//! `cargo test --manifest-path examples/embedded_io/Cargo.toml` runs it over pipes; to use it, copy this file, which is
//! all of it. It takes the crates `embassy-futures` and `embedded-io-async`.
//!
//! The machine is not in here: its calls take `transport.out`. What is in here reads, writes and waits. Reading and
//! writing go on at the same time, so that two peers that both push do not wait for each other.

use core::future::{Future, pending};
use core::ops::Range;
use core::time::Duration;

use embassy_futures::select::{Either, Either3, select, select3};
use embedded_io_async::{Read, Write};
use websocket_proto::{
    ClientHandshake, ClientRequest, Config, Connection, Failure, HandshakeConfig, Negotiated, Next,
    Request, ServerHandshake, SliceOutput, UsageError,
};

/// The time, from any fixed point: with embassy, `Instant::now()` and `Timer::at`.
pub trait Clock {
    fn now(&self) -> Duration;
    fn until(&self, deadline: Duration) -> impl Future<Output = ()>;
}

/// Why there is no connection.
#[derive(Debug, PartialEq)]
pub enum Error {
    Failed(Failure),
    /// A server's answer was its own; a client was given one that is no 101.
    Refused,
    Usage(UsageError),
}

/// A transport, and the bytes that wait to be written to it.
pub struct Transport<'b, R, W, C> {
    pub reader: R,
    pub writer: W,
    pub clock: C,
    pub out: SliceOutput<'b>,
    written: Written,
    /// After a write, so that neither direction starves the other.
    reads_first: bool,
    /// The peer's side.
    has_ended: bool,
}

/// What has become of the bytes that were written.
#[derive(Clone, Copy, PartialEq)]
enum Written {
    Flushed,
    Unflushed,
    /// Some are lost, and all that would follow: a stream with a gap is none.
    Lost,
}

impl<'b, R: Read, W: Write, C: Clock> Transport<'b, R, W, C> {
    /// The storage takes what waits to be written: at least the longest message or part to be sent and 14 bytes, and at
    /// least 131, or no Pong goes to the longest Ping. A server's refusal takes up to 186.
    ///
    /// Where keepalive is on, set [`Config::high_water_mark`] below its length, or a peer that is not read from for want
    /// of room counts as silent.
    pub fn new(reader: R, writer: W, clock: C, storage: &'b mut [u8]) -> Self {
        let out = SliceOutput::new(storage);
        let written = Written::Flushed;
        Self { reader, writer, clock, out, written, reads_first: false, has_ended: false }
    }

    /// Does a server's opening handshake. `answer` accepts the request, or rejects it and gives `None`.
    ///
    /// Returns where in `buffer` the bytes are that came behind the request. `head` is used for one in pieces.
    pub async fn accept(
        &mut self,
        config: Config,
        buffer: &mut [u8],
        head: &mut [u8],
        mut answer: impl for<'r> FnMut(
            &mut Request<'r>,
            &mut SliceOutput<'b>,
        ) -> Result<Option<Negotiated<'r>>, UsageError>,
    ) -> Result<(Connection, Range<usize>), Error> {
        let mut handshake = ServerHandshake::new(HandshakeConfig::default());
        let mut head = SliceOutput::new(head);
        let error = loop {
            let len = match handshake.poll(self.clock.now()) {
                Next::Wait(deadline) => self.exchange(deadline, buffer).await,
                Next::End(result) => {
                    return Err(result.err().map_or(Error::Refused, Error::Failed));
                }
            };
            if self.has_ended {
                handshake.receive_eof();
            }
            let mut input = &mut buffer[..len];
            match handshake.receive(&mut input, &mut head) {
                Ok(None) => {}
                Ok(Some(mut request)) => match answer(&mut request, &mut self.out) {
                    Ok(Some(negotiated)) => {
                        let connection = Connection::open(negotiated, config);
                        return Ok((connection, len - input.len()..len));
                    }
                    Ok(None) => break None,
                    Err(UsageError::NotAnUpgrade(error)) => break Some(error),
                    Err(error) => return Err(Error::Usage(error)),
                },
                Err(error) => break Some(error),
            }
        };
        if let Some(error) = error {
            error.respond(&mut self.out).map_err(Error::Usage)?;
        }
        self.write_all().await;
        Err(error.map_or(Error::Refused, |error| Error::Failed(Failure::Handshake(error))))
    }

    /// Does a client's opening handshake. The seed is fresh from a TRNG (RFC 6455 §10.3).
    ///
    /// Returns where in `buffer` the bytes are that came behind the response. `head` is used for one in pieces.
    pub async fn connect(
        &mut self,
        request: ClientRequest<'_>,
        seed: [u8; 32],
        config: Config,
        buffer: &mut [u8],
        head: &mut [u8],
    ) -> Result<(Connection, Range<usize>), Error> {
        let mut handshake =
            ClientHandshake::new(request, seed, &mut self.out).map_err(Error::Usage)?;
        let mut head = SliceOutput::new(head);
        loop {
            let next = handshake.poll(self.clock.now());
            let len = match next {
                Next::Wait(deadline) => self.exchange(deadline, buffer).await,
                Next::End(_) => 0,
            };
            if self.has_ended {
                handshake.receive_eof();
            }
            // Without bytes, too: there may be a refusal to tell of whose end did not come.
            let mut input = &mut buffer[..len];
            match handshake.receive(&mut input, &mut head) {
                Ok(None) => {}
                Ok(Some(mut response)) => {
                    let negotiated = response.accept().map_err(|_| Error::Refused)?;
                    let connection = Connection::open(negotiated, config);
                    return Ok((connection, len - input.len()..len));
                }
                Err(error) => return Err(Error::Failed(Failure::Handshake(error))),
            }
            if let Next::End(Err(failure)) = next {
                return Err(Error::Failed(failure));
            }
        }
    }

    /// Waits until something can be done, and does it: gives the bytes that came, or none where some were written or
    /// a timer ran out. `None`: the connection was closed. Whatever the end, all was written before, and [`let_go`] is
    /// next.
    ///
    /// Where it is dropped before its end, nothing is lost if the same is true of the transport's reads and writes.
    pub async fn turn<'i>(
        &mut self,
        connection: &mut Connection,
        buffer: &'i mut [u8],
    ) -> Result<Option<&'i mut [u8]>, Failure> {
        if self.has_ended {
            connection.receive_eof();
        }
        let len = match connection.poll(self.clock.now(), &mut self.out) {
            Next::Wait(deadline) => self.exchange(deadline, buffer).await,
            Next::End(result) => {
                self.write_all().await;
                return result.map(|()| None);
            }
        };
        Ok(Some(&mut buffer[..len]))
    }

    /// Repeats a call of the machine's until there is room for what it sends; meanwhile it writes, and reads nothing.
    ///
    /// This is for answers: a peer that does not take them is not heard, and that takes too long over it is gone. Who
    /// pushes rather calls the machine, and [`turn`](Self::turn) where it finds the output full. Where it is dropped
    /// before its end, the call was not made.
    pub async fn send(
        &mut self,
        mut call: impl FnMut(&mut SliceOutput<'b>) -> Result<(), UsageError>,
    ) -> Result<(), UsageError> {
        let deadline = self.clock.now() + PATIENCE;
        loop {
            match call(&mut self.out) {
                Err(UsageError::OutputFull { .. }) if !self.out.written().is_empty() => {
                    self.write(deadline).await;
                }
                result => return result,
            }
        }
    }

    /// Writes or reads, whichever can be done first; returns how many bytes were read. Without a buffer it only writes.
    async fn exchange(&mut self, deadline: Option<Duration>, buffer: &mut [u8]) -> usize {
        let Self { reader, writer, clock, out, written, reads_first, has_ended } = self;
        if *written == Written::Lost {
            out.clear();
        }
        let write = async {
            match (out.written(), *written) {
                ([], Written::Unflushed) => writer.flush().await.ok().map(|()| 0),
                ([], _) => pending().await,
                (bytes, _) => writer.write(bytes).await.ok().filter(|len| *len > 0),
            }
        };
        let read = async {
            if *has_ended || buffer.is_empty() {
                return pending().await;
            }
            // A transport that broke has ended, too.
            reader.read(buffer).await.unwrap_or(0)
        };
        let wait = async {
            match deadline {
                Some(deadline) => clock.until(deadline).await,
                None => pending().await,
            }
        };
        let done = if *reads_first {
            match select3(read, write, wait).await {
                Either3::First(read) => Either3::Second(read),
                Either3::Second(written) => Either3::First(written),
                Either3::Third(()) => Either3::Third(()),
            }
        } else {
            select3(write, read, wait).await
        };
        *reads_first = matches!(done, Either3::First(_));
        match done {
            Either3::First(Some(0)) => *written = Written::Flushed,
            Either3::First(Some(len)) => {
                out.consume(len);
                *written = Written::Unflushed;
            }
            // No reason to stop reading: the peer may have said why it left.
            Either3::First(None) => *written = Written::Lost,
            Either3::Second(0) => *has_ended = true,
            Either3::Second(len) => return len,
            Either3::Third(()) => {}
        }
        0
    }

    /// Writes all that waits to be written. A peer that takes too long over it is gone.
    pub async fn write_all(&mut self) {
        let deadline = self.clock.now() + PATIENCE;
        while self.written == Written::Unflushed || !self.out.written().is_empty() {
            self.write(deadline).await;
        }
    }

    /// Writes something, or flushes.
    async fn write(&mut self, deadline: Duration) {
        if self.written == Written::Lost {
            return self.out.clear();
        }
        self.exchange(Some(deadline), &mut []).await;
        if self.clock.now() >= deadline {
            (self.written, self.has_ended) = (Written::Lost, true);
        }
    }
}

/// Reads and discards until the peer has ended its side, for as long as that may take. Then drop the transport.
///
/// Before, end the sending direction, for which these traits have no word: of embassy-net's socket drop the two halves,
/// and `close` it. What was unread when a transport is dropped resets it, and the peer may not see our last words.
pub async fn let_go(reader: &mut impl Read, clock: &impl Clock, buffer: &mut [u8]) {
    let deadline = clock.now() + PATIENCE;
    while clock.now() < deadline {
        match select(reader.read(buffer), clock.until(deadline)).await {
            Either::First(Ok(1..)) => {}
            Either::First(Ok(0) | Err(_)) | Either::Second(()) => return,
        }
    }
}

/// How long a peer may take to take an answer, or all that waits at the end, and to let go.
const PATIENCE: Duration = Duration::from_secs(10);
