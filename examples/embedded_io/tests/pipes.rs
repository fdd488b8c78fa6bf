//! The driver over pipes in memory: a client and a server at once, on one thread, by a clock of the test's.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use embassy_futures::join::join;
use embassy_futures::poll_once;
use embassy_futures::select::{Either, select};
use embedded_io_async::{ErrorKind, ErrorType, Read, ReadReady, Write, WriteReady};
use embedded_io_driver::{Clock, Error, Ready, Transport, let_go};
use websocket_proto::{
    Accept, ChunkEvent, ClientRequest, CloseCode, Config, Connection, Failure, HandshakeError,
    MessageKind, Negotiated, Output, ProtocolError, Request, SliceOutput, Timeout, UsageError,
};

/// One direction of a transport.
#[derive(Default)]
struct Pipe {
    bytes: RefCell<VecDeque<u8>>,
    capacity: usize,
    /// Written, and to be flushed, where the pipe needs that.
    held: Option<RefCell<VecDeque<u8>>>,
    has_ended: Cell<bool>,
    /// All that ever went through.
    total: Cell<usize>,
}

#[derive(Clone)]
struct End(Rc<Pipe>);

impl ErrorType for End {
    type Error = ErrorKind;
}

impl Read for End {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        poll_fn(|_| {
            let mut bytes = self.0.bytes.borrow_mut();
            let len = bytes.len().min(buf.len());
            if len == 0 && !self.0.has_ended.get() {
                return Poll::Pending;
            }
            for place in &mut buf[..len] {
                *place = bytes.pop_front().unwrap();
            }
            Poll::Ready(Ok(len))
        })
        .await
    }
}

impl Write for End {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        poll_fn(|_| {
            let mut bytes = self.0.bytes.borrow_mut();
            let len = buf.len().min(self.0.capacity - bytes.len());
            if self.0.has_ended.get() {
                return Poll::Ready(Err(ErrorKind::BrokenPipe));
            }
            if len == 0 {
                return Poll::Pending;
            }
            match &self.0.held {
                Some(held) => held.borrow_mut().extend(&buf[..len]),
                None => bytes.extend(&buf[..len]),
            }
            self.0.total.set(self.0.total.get() + len);
            Poll::Ready(Ok(len))
        })
        .await
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        let Some(held) = &self.0.held else { return Ok(()) };
        poll_fn(|_| {
            let (mut held, mut bytes) = (held.borrow_mut(), self.0.bytes.borrow_mut());
            let len = held.len().min(self.0.capacity - bytes.len());
            bytes.extend(held.drain(..len));
            if held.is_empty() { Poll::Ready(Ok(())) } else { Poll::Pending }
        })
        .await
    }
}

impl End {
    fn end(&self) {
        self.0.has_ended.set(true);
    }
}

#[derive(Clone, Default)]
struct TestClock(Rc<Cell<Duration>>);

impl Clock for TestClock {
    fn now(&self) -> Duration {
        self.0.get()
    }

    async fn until(&self, deadline: Duration) {
        poll_fn(|_| if self.0.get() < deadline { Poll::Pending } else { Poll::Ready(()) }).await;
    }
}

type TestTransport<'b> = Transport<'b, End, End, TestClock>;

/// Two transports over pipes of that capacity.
fn pair<'b>(
    capacity: usize,
    clock: &TestClock,
    storage: &'b mut [[u8; 256]; 2],
) -> [TestTransport<'b>; 2] {
    let pipe = || End(Rc::new(Pipe { capacity, ..Pipe::default() }));
    pair_over(pipe(), pipe(), clock, storage)
}

fn pair_over<'b>(
    up: End,
    down: End,
    clock: &TestClock,
    [first, second]: &'b mut [[u8; 256]; 2],
) -> [TestTransport<'b>; 2] {
    [
        Transport::new(down.clone(), up.clone(), clock.clone(), first),
        Transport::new(up, down, clock.clone(), second),
    ]
}

/// Runs to the end; a million polls are taken for a deadlock.
fn run<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..1_000_000 {
        if let Poll::Ready(result) = future.as_mut().poll(&mut context) {
            return result;
        }
    }
    panic!("nothing goes on");
}

fn accept_all<'r>(
    request: &mut Request<'r>,
    out: &mut SliceOutput<'_>,
) -> Result<Option<Negotiated<'r>>, UsageError> {
    request.accept(Accept::new(), out).map(Some)
}

/// What the traits have no word for.
trait Shutdown {
    fn shutdown(&self);
}

impl Shutdown for End {
    fn shutdown(&self) {
        self.end();
    }
}

impl Shutdown for Ready<End> {
    fn shutdown(&self) {
        self.0.end();
    }
}

/// An echo server, as one would write it.
async fn serve<R: Read, W: Write + Shutdown>(
    transport: &mut Transport<'_, R, W, TestClock>,
) -> Result<(), Error> {
    let (mut buffer, mut head) = ([0; 128], [0; 256]);
    let (mut connection, unread) =
        transport.accept(Config::default(), &mut buffer, &mut head, accept_all).await?;
    let mut input = &mut buffer[unread];
    loop {
        while let Some(event) = connection.receive(&mut input, &mut transport.out) {
            if let ChunkEvent::Data(chunk) = event {
                // A send that is refused is not the end.
                let _ = transport
                    .send(|out| {
                        connection.send_fragment(chunk.kind, chunk.payload, chunk.last, out)
                    })
                    .await;
            }
        }
        match transport.turn(&mut connection, &mut buffer).await {
            Ok(Some(bytes)) => input = bytes,
            Ok(None) => break,
            Err(failure) => return Err(Error::Failed(failure)),
        }
    }
    transport.writer.shutdown();
    let_go(&mut transport.reader, &transport.clock, &mut buffer).await;
    Ok(())
}

async fn open(transport: &mut TestTransport<'_>, buffer: &mut [u8]) -> Result<Connection, Error> {
    let request = ClientRequest::new("ws://example.com/").unwrap();
    let mut head = [0; 256];
    let opened = transport.connect(request, [7; 32], Config::default(), buffer, &mut head).await;
    // An echo server says nothing by itself.
    opened.inspect(|(_, unread)| assert!(unread.is_empty())).map(|(connection, _)| connection)
}

/// Sends a message in parts while it reads, then closes; returns what came back.
async fn push(
    transport: &mut TestTransport<'_>,
    kind: MessageKind,
    message: &[u8],
) -> Result<Vec<u8>, Error> {
    let (mut buffer, mut echoed) = ([0; 100], Vec::new());
    let mut connection = open(transport, &mut buffer).await?;
    let mut parts = message.chunks(77).peekable();
    loop {
        while let Some(part) = parts.peek() {
            let last = part.as_ptr_range().end == message.as_ptr_range().end;
            if connection.send_fragment(kind, part, last, &mut transport.out).is_err() {
                break;
            }
            parts.next();
        }
        let turned = transport.turn(&mut connection, &mut buffer).await;
        let Some(mut input) = turned.map_err(Error::Failed)? else {
            transport.writer.end();
            return Ok(echoed);
        };
        while let Some(event) = connection.receive(&mut input, &mut transport.out) {
            if let ChunkEvent::Data(chunk) = event {
                assert_eq!(chunk.kind, kind);
                echoed.extend_from_slice(chunk.payload);
                if chunk.last {
                    connection.close(CloseCode::NORMAL, "", &mut transport.out).unwrap();
                }
            }
        }
    }
}

fn noise(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at ^ at >> 7 ^ at >> 13) as u8).collect()
}

#[test]
fn messages_come_back_through_narrow_pipes() {
    let text = "κόσμε 水 🦀".repeat(500);
    for capacity in [1, 7, 64, 4096] {
        for (kind, message) in
            [(MessageKind::Binary, &noise(100_000)[..]), (MessageKind::Text, text.as_bytes())]
        {
            let mut storage = [[0; 256]; 2];
            let [mut client, mut server] = pair(capacity, &TestClock::default(), &mut storage);
            let (echoed, served) = run(join(push(&mut client, kind, message), serve(&mut server)));
            assert_eq!((echoed.as_deref(), served), (Ok(message), Ok(())), "{capacity}");
        }
    }
}

#[test]
fn a_turn_that_is_dropped_loses_nothing() {
    let message = noise(10_000);
    let mut storage = [[0; 256]; 2];
    let [mut client, mut server] = pair(10, &TestClock::default(), &mut storage);
    let client = async {
        let mut buffer = [0; 100];
        let mut connection = open(&mut client, &mut buffer).await.unwrap();
        let (mut parts, mut echoed, mut dropped) = (message.chunks(50), Vec::new(), 0);
        while echoed.len() < message.len() {
            if client.out.written().is_empty() {
                if let Some(part) = parts.next() {
                    connection.send_binary(part, &mut client.out).unwrap();
                }
            }
            let Poll::Ready(turned) = poll_once(client.turn(&mut connection, &mut buffer)) else {
                dropped += 1;
                embassy_futures::yield_now().await;
                continue;
            };
            let mut input = turned.unwrap().unwrap();
            while let Some(event) = connection.receive(&mut input, &mut client.out) {
                if let ChunkEvent::Data(chunk) = event {
                    echoed.extend_from_slice(chunk.payload);
                }
            }
        }
        assert_eq!(echoed, message);
        dropped
    };
    let dropped = run(select(client, serve(&mut server)));
    assert!(matches!(dropped, Either::First(100..)));
}

#[test]
fn a_server_reads_no_more_than_it_can_answer() {
    let mut storage = [[0; 256]; 2];
    let [mut client, mut server] = pair(64, &TestClock::default(), &mut storage);
    let sent = client.writer.clone();
    let client = async {
        let mut buffer = [0; 100];
        let mut connection = open(&mut client, &mut buffer).await.unwrap();
        // It pushes, and never reads.
        for _ in 0..10_000 {
            let _ = connection.send_binary(&[0; 10], &mut client.out);
            let _ = poll_once(client.writer.write(client.out.written()))
                .map(|len| client.out.consume(len.unwrap()));
            embassy_futures::yield_now().await;
        }
    };
    let _ = run(select(client, serve(&mut server)));
    // What the two pipes, the output and the buffer of the server hold, and the request.
    let most = 2 * (64 + 64 + 256 + 128) + 256;
    assert!((200..most).contains(&sent.0.total.get()), "{}", sent.0.total.get());
}

impl embedded_io::Read for End {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        now(Read::read(self, buf))
    }
}

impl ReadReady for End {
    fn read_ready(&mut self) -> Result<bool, ErrorKind> {
        Ok(!self.0.bytes.borrow().is_empty() || self.0.has_ended.get())
    }
}

impl embedded_io::Write for End {
    fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        now(Write::write(self, buf))
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        now(Write::flush(self))
    }
}

impl WriteReady for End {
    fn write_ready(&mut self) -> Result<bool, ErrorKind> {
        Ok(self.0.bytes.borrow().len() < self.0.capacity || self.0.has_ended.get())
    }
}

/// What may block is not to be called where it would.
fn now<T>(future: impl Future<Output = T>) -> T {
    match poll_once(future) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("this would block"),
    }
}

#[test]
fn who_never_ceases_to_push_hears_the_peer() {
    let mut storage = [[0; 256]; 2];
    let [mut client, mut server] = pair(1_000_000, &TestClock::default(), &mut storage);
    let client = async {
        let mut buffer = [0; 100];
        let mut connection = open(&mut client, &mut buffer).await.unwrap();
        for turn in 0..1000 {
            let _ = connection.send_binary(&[0; 50], &mut client.out);
            let mut input = client.turn(&mut connection, &mut buffer).await.unwrap().unwrap();
            if connection.receive(&mut input, &mut client.out).is_some() {
                return turn;
            }
            embassy_futures::yield_now().await;
        }
        panic!("it is deaf");
    };
    let Either::First(turn) = run(select(client, serve(&mut server))) else { panic!() };
    assert!(turn < 10, "{turn}");
}

#[test]
fn transports_that_block_do_not() {
    let mut storage = [[0; 256]; 2];
    let clock = TestClock::default();
    let [mut client, server] = pair(5, &clock, &mut storage);
    let mut storage = [0; 256];
    let (reader, writer) = (Ready(server.reader), Ready(server.writer));
    let mut server = Transport::new(reader, writer, clock, &mut storage);
    let message = noise(1000);
    let (echoed, served) =
        run(join(push(&mut client, MessageKind::Binary, &message), serve(&mut server)));
    assert_eq!((echoed, served), (Ok(message), Ok(())));
}

#[test]
fn what_is_written_is_flushed() {
    let pipe =
        || End(Rc::new(Pipe { capacity: 50, held: Some(RefCell::default()), ..Pipe::default() }));
    let mut storage = [[0; 256]; 2];
    let [mut client, mut server] = pair_over(pipe(), pipe(), &TestClock::default(), &mut storage);
    let message = noise(1000);
    let (echoed, served) =
        run(join(push(&mut client, MessageKind::Binary, &message), serve(&mut server)));
    assert_eq!((echoed, served), (Ok(message), Ok(())));
}

#[test]
fn a_peer_that_takes_nothing_is_given_up() {
    let clock = TestClock::default();
    let mut storage = [[0; 256]; 2];
    let [mut client, mut server] = pair(64, &clock, &mut storage);
    let reader = client.reader.clone();
    let peer = async {
        let mut buffer = [0; 100];
        let mut connection = open(&mut client, &mut buffer).await.unwrap();
        for at in 0.. {
            let _ = connection.send_binary(&[0; 50], &mut client.out);
            let _ = poll_once(client.writer.write(client.out.written()))
                .map(|len| client.out.consume(len.unwrap()));
            if at == 1000 {
                clock.0.set(Duration::from_secs(10));
            }
            embassy_futures::yield_now().await;
        }
    };
    let Either::Second(served) = run(select(peer, serve(&mut server))) else { panic!() };
    assert_eq!(served, Err(Error::Failed(Failure::Eof)));
    // Behind the gap comes nothing.
    assert_eq!(reader.0.bytes.borrow().len(), 64);
}

/// Takes a byte in nine seconds, for as long as that is of use.
async fn sip(reader: &mut End, clock: &TestClock) {
    loop {
        let mut byte = [0];
        reader.read(&mut byte).await.unwrap();
        clock.0.set(clock.0.get() + Duration::from_secs(9));
        embassy_futures::yield_now().await;
    }
}

#[test]
fn a_peer_that_sips_what_is_left_is_given_up() {
    let clock = TestClock::default();
    let mut storage = [[0; 256]; 2];
    let [mut client, mut server] = pair(1, &clock, &mut storage);
    server.out.put(&[7; 200]);
    run(select(sip(&mut client.reader, &clock), server.write_all()));
    assert_eq!(clock.0.get(), Duration::from_secs(18));
}

#[test]
fn a_peer_that_sips_an_answer_is_given_up() {
    let clock = TestClock::default();
    let mut storage = [[0; 256]; 2];
    let [mut client, mut server] = pair(1, &clock, &mut storage);
    let mut connection = Connection::open(Negotiated::server(), Config::default());
    let answer = async {
        for _ in 0..2 {
            server.send(|out| connection.send_binary(&[7; 200], out)).await.unwrap();
        }
        let failure = server.turn(&mut connection, &mut [0; 50]).await.err();
        assert_eq!(failure, Some(Failure::Eof));
    };
    run(select(sip(&mut client.reader, &clock), answer));
    assert_eq!(clock.0.get(), Duration::from_secs(18));
}

#[test]
fn a_peer_that_goes_on_is_let_go() {
    let clock = TestClock::default();
    let mut storage = [[0; 256]; 2];
    let [mut client, mut server] = pair(4, &clock, &mut storage);
    let talk = async {
        loop {
            client.writer.write(b"more").await.unwrap();
            clock.0.set(clock.0.get() + Duration::from_secs(1));
        }
    };
    run(select(let_go(&mut server.reader, &clock, &mut [0; 50]), talk));
    assert_eq!(clock.0.get(), Duration::from_secs(10));
}

#[test]
fn a_failure_is_told_to_the_peer_first() {
    let mut storage = [[0; 256]; 2];
    let [client, mut server] = pair(1000, &TestClock::default(), &mut storage);
    let (mut reader, mut writer) = (client.reader, client.writer);
    let peer = async {
        let request = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
        // Behind the head, in the same read, a frame that is not masked.
        writer.write(&[&request[..], b"\x82\x01a"].concat()).await.unwrap();
    };
    let ((), served) = run(join(peer, serve(&mut server)));
    let failure = Failure::Protocol(ProtocolError::UnmaskedFrame);
    assert_eq!(served, Err(Error::Failed(failure)));
    let mut said = [0; 1000];
    let len = run(reader.read(&mut said)).unwrap();
    assert!(said.starts_with(b"HTTP/1.1 101 "));
    // §7.4.1: 1002.
    assert!(said[..len].ends_with(b"\x88\x02\x03\xEA"));
}

#[test]
fn a_request_that_is_none_is_answered() {
    let mut storage = [[0; 256]; 2];
    let [client, mut server] = pair(1000, &TestClock::default(), &mut storage);
    let (mut reader, mut writer) = (client.reader, client.writer);
    run(writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")).unwrap();
    let failure = Failure::Handshake(HandshakeError::NoUpgrade);
    assert_eq!(run(serve(&mut server)), Err(Error::Failed(failure)));
    let mut said = [0; 1000];
    run(reader.read(&mut said)).unwrap();
    assert!(said.starts_with(b"HTTP/1.1 426 "));
}

#[test]
fn a_client_hears_of_a_refusal() {
    let mut storage = [[0; 256]; 2];
    let [mut client, mut server] = pair(20, &TestClock::default(), &mut storage);
    let (mut buffer, mut theirs, mut head) = ([0; 50], [0; 50], [0; 256]);
    let refuse: fn(
        &mut Request<'_>,
        &mut SliceOutput<'_>,
    ) -> Result<Option<Negotiated<'static>>, UsageError> =
        |request, out| request.reject(404, &[], b"no", out).map(|()| None);
    let (opened, accepted) = run(join(
        open(&mut client, &mut buffer),
        server
            .accept(Config::default(), &mut theirs, &mut head, |request, out| refuse(request, out)),
    ));
    assert_eq!(opened.err(), Some(Error::Refused));
    assert_eq!(accepted.err(), Some(Error::Refused));
}

#[test]
fn a_client_hears_of_a_refusal_whose_end_does_not_come() {
    let clock = TestClock::default();
    let mut storage = [[0; 256]; 2];
    let [mut client, mut server] = pair(1000, &clock, &mut storage);
    let mut buffer = [0; 100];
    let refuse = async {
        let refusal = b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nn";
        server.writer.write(refusal).await.unwrap();
        embassy_futures::yield_now().await;
        clock.0.set(Duration::from_secs(10));
        core::future::pending::<()>().await;
    };
    let Either::First(opened) = run(select(open(&mut client, &mut buffer), refuse)) else {
        panic!("it waits")
    };
    assert_eq!(opened.err(), Some(Error::Refused));
}

#[test]
fn a_peer_that_is_silent_is_not_waited_for() {
    let clock = TestClock::default();
    let mut storage = [[0; 256]; 2];
    let [mut client, _server] = pair(1000, &clock, &mut storage);
    let mut buffer = [0; 50];
    let tick = async {
        embassy_futures::yield_now().await;
        clock.0.set(Duration::from_secs(10));
        core::future::pending::<()>().await;
    };
    let opened = run(select(open(&mut client, &mut buffer), tick));
    let Either::First(opened) = opened else { panic!("it waits") };
    assert_eq!(opened.err(), Some(Error::Failed(Failure::TimedOut(Timeout::Opening))));
}

#[test]
fn what_cannot_be_written_does_not_keep_it_from_reading() {
    let mut storage = [[0; 256]; 2];
    let [mut client, mut server] = pair(100, &TestClock::default(), &mut storage);
    let client = async {
        let mut buffer = [0; 50];
        let mut connection = open(&mut client, &mut buffer).await.unwrap();
        client.writer.end();
        loop {
            connection.send_text("lost", &mut client.out).unwrap();
            let mut input = client.turn(&mut connection, &mut buffer).await.unwrap().unwrap();
            let event = connection.receive(&mut input, &mut client.out);
            if let Some(ChunkEvent::Data(chunk)) = event {
                return chunk.payload.to_vec();
            }
        }
    };
    let peer = async {
        let (mut buffer, mut head) = ([0; 50], [0; 256]);
        server.accept(Config::default(), &mut buffer, &mut head, accept_all).await.unwrap();
        server.write_all().await;
        while !server.reader.0.has_ended.get() {
            embassy_futures::yield_now().await;
        }
        server.writer.write(b"\x81\x03why").await.unwrap();
    };
    let (heard, ()) = run(join(client, peer));
    assert_eq!(heard, b"why");
}

#[test]
fn a_transport_that_ends_early_is_a_failure() {
    let mut storage = [[0; 256]; 2];
    let [mut client, mut server] = pair(100, &TestClock::default(), &mut storage);
    let client = async {
        let mut buffer = [0; 50];
        let mut connection = open(&mut client, &mut buffer).await.unwrap();
        connection.send_text("lost", &mut client.out).unwrap();
        client.writer.end();
        client.reader.end();
        // What cannot be written does not keep it from hearing the end.
        loop {
            if let Err(failure) = client.turn(&mut connection, &mut buffer).await {
                return failure;
            }
        }
    };
    let (failure, served) = run(join(client, serve(&mut server)));
    assert_eq!((failure, served), (Failure::Eof, Err(Error::Failed(Failure::Eof))));
}
