//! A client that connects out: `examples/firmware/run client HOST:PORT`.
//!
//! It tests an echo server, says hello to a chat, or echoes the Autobahn suite's cases.
#![no_std]
#![no_main]

use core::fmt::{self, Write};
use core::time::Duration;

use cortex_m::Peripherals;
use cortex_m_rt::entry;
use firmware::board;
use firmware::client::{Client, Error, Storage, Task};
use firmware::host::{self, Arguments, print};
use firmware::transport::{self, SendBuffer};
use smoltcp::iface::SocketStorage;
use websocket_proto::{Chunk, ChunkEvent, CloseCode, Connection, MessageKind, UsageError};

#[entry]
fn main() -> ! {
    static mut STORAGE: Storage = Storage::NEW;
    static mut SOCKETS: [SocketStorage<'static>; 1] = [SocketStorage::EMPTY; 1];

    let Some(peripherals) = Peripherals::take() else { host::exit(false) };
    board::start(peripherals.SYST);
    let arguments = Arguments::read();
    let server = arguments.get("connect").and_then(|address| address.parse().ok());
    let words = (server, arguments.get("host"), arguments.get("path"));
    let (Some(server), Some(host), Some(path)) = words else {
        print!("connect=ADDRESS:PORT, host= and path= are wanted");
        host::exit(false)
    };
    let mut client = Client::new(STORAGE, SOCKETS, server, host);
    let result = match arguments.get("mode") {
        Some("listen") => client.converse(path, &mut Listener::default()).map(|()| true),
        Some("cases") => echo_cases(&mut client, path).map(|()| true),
        _ => test(&mut client, path),
    };
    if let Err(error) = &result {
        print!("failed: {error}");
    }
    host::exit(result.unwrap_or(false))
}

/// Says hello, and prints what comes.
#[derive(Default)]
struct Listener {
    has_said_hello: bool,
}

impl Task for Listener {
    fn receive(&mut self, _: &mut Connection, event: ChunkEvent<'_>, _: &mut SendBuffer<'_, '_>) {
        match event {
            ChunkEvent::Data(chunk) if chunk.kind == MessageKind::Text => {
                // A code point that goes over the end of a chunk is lost, which only this print is the poorer for.
                for text in chunk.payload.utf8_chunks() {
                    print!("{}", text.valid().escape_debug());
                }
            }
            ChunkEvent::Data(chunk) => print!("({} bytes)", chunk.payload.len()),
            ChunkEvent::Close(close) => print!("closed with {}", close.code()),
            ChunkEvent::Ping(_) | ChunkEvent::Pong(_) => {}
        }
    }

    fn send(&mut self, connection: &mut Connection, out: &mut SendBuffer<'_, '_>) {
        if !self.has_said_hello {
            self.has_said_hello = connection.send_text(HELLO, out).is_ok();
        }
    }
}

/// Tests an echo server; says whether it passed.
fn test(client: &mut Client<'_>, path: &str) -> Result<bool, Error> {
    let mut test = Test::default();
    client.converse(path, &mut test)?;
    print!("{} passed, {} failed", test.passed, test.failed);
    Ok(test.failed == 0 && test.step == Step::Done)
}

/// Sends messages, one after the other, and compares what comes back.
#[derive(Default)]
struct Test {
    step: Step,
    begin: Duration,
    /// Of the message.
    sent: usize,
    is_sent: bool,
    received: usize,
    is_right: bool,
    passed: usize,
    failed: usize,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Step {
    #[default]
    Begin,
    Message(usize),
    Ping,
    Close,
    Done,
}

struct Message {
    name: &'static str,
    kind: MessageKind,
    /// The length, and the bytes by their place: no message is kept anywhere.
    len: usize,
    byte: fn(usize) -> u8,
    /// The greatest length of a fragment.
    part: usize,
}

impl Test {
    fn begin(&mut self, step: Step) {
        let (passed, failed) = (self.passed, self.failed);
        *self =
            Self { step, begin: board::now(), is_right: true, passed, failed, ..Self::default() };
    }

    fn end(&mut self, name: &str, is_right: bool, next: Step) {
        print!(
            "{} {name}, {} ms",
            if is_right { "PASS" } else { "FAIL" },
            (board::now() - self.begin).as_millis()
        );
        *if is_right { &mut self.passed } else { &mut self.failed } += 1;
        self.begin(next);
    }

    fn compare(&mut self, at: usize, chunk: &Chunk<'_>) {
        let Some(message) = MESSAGES.get(at) else { return };
        let expected = (self.received..message.len).map(message.byte);
        self.is_right &= chunk.kind == message.kind
            && expected.take(chunk.payload.len()).eq(chunk.payload.iter().copied());
        self.received += chunk.payload.len();
        if chunk.last {
            let next = if at + 1 < MESSAGES.len() { Step::Message(at + 1) } else { Step::Ping };
            self.end(message.name, self.is_right && self.received == message.len, next);
        }
    }
}

impl Task for Test {
    fn receive(&mut self, _: &mut Connection, event: ChunkEvent<'_>, _: &mut SendBuffer<'_, '_>) {
        match (event, self.step) {
            (ChunkEvent::Data(chunk), Step::Message(at)) => self.compare(at, &chunk),
            (ChunkEvent::Pong(payload), Step::Ping) => {
                self.end("a ping", *payload == *PING, Step::Close)
            }
            (ChunkEvent::Close(close), Step::Close) => {
                self.end("the close", close.code() == CloseCode::NORMAL, Step::Done)
            }
            (ChunkEvent::Ping(_), _) => {}
            (_, step) => self.end("something that was not awaited", false, step),
        }
    }

    fn send(&mut self, connection: &mut Connection, out: &mut SendBuffer<'_, '_>) {
        // What finds no room changes nothing, and is tried again.
        match self.step {
            Step::Begin => self.begin(Step::Message(0)),
            Step::Message(at) => {
                while !self.is_sent && self.send_part(at, connection, out).is_ok() {}
            }
            Step::Ping if !self.is_sent => self.is_sent = connection.send_ping(PING, out).is_ok(),
            Step::Close if !self.is_sent => {
                self.is_sent = connection.close(CloseCode::NORMAL, "", out).is_ok();
            }
            Step::Ping | Step::Close | Step::Done => {}
        }
    }
}

impl Test {
    fn send_part(
        &mut self,
        at: usize,
        connection: &mut Connection,
        out: &mut SendBuffer<'_, '_>,
    ) -> Result<(), UsageError> {
        let Some(message) = MESSAGES.get(at) else { return Ok(()) };
        let mut part = [0; MOST];
        let len = message.part.min(message.len - self.sent);
        let part = &mut part[..len];
        for (place, byte) in part.iter_mut().zip((self.sent..).map(message.byte)) {
            *place = byte;
        }
        let last = self.sent + len == message.len;
        connection.send_fragment(message.kind, part, last, out)?;
        self.sent += len;
        self.is_sent = last;
        Ok(())
    }
}

/// Echoes the cases of the Autobahn suite's server, and has it write its report.
fn echo_cases(client: &mut Client<'_>, agent: &str) -> Result<(), Error> {
    let mut count = Number(0);
    client.converse("/getCaseCount", &mut count)?;
    for case in 1..=count.0 {
        // The suite breaks the protocol on purpose; a failure is what many cases are after.
        let _ = client.converse(
            Target::of(format_args!("/runCase?case={case}&agent={agent}")).as_str(),
            &mut Echo,
        );
    }
    client.converse(Target::of(format_args!("/updateReports?agent={agent}")).as_str(), &mut Echo)
}

/// Reads a message that is a decimal number.
struct Number(u32);

impl Task for Number {
    fn receive(&mut self, _: &mut Connection, event: ChunkEvent<'_>, _: &mut SendBuffer<'_, '_>) {
        if let ChunkEvent::Data(chunk) = event {
            for digit in chunk.payload {
                self.0 = self.0 * 10 + u32::from(digit - b'0');
            }
        }
    }
}

struct Echo;

impl Task for Echo {
    const ECHOES: bool = true;

    fn receive(
        &mut self,
        connection: &mut Connection,
        event: ChunkEvent<'_>,
        out: &mut SendBuffer<'_, '_>,
    ) {
        transport::echo(connection, event, out);
    }
}

/// A target that is put together.
struct Target {
    bytes: [u8; 80],
    len: usize,
}

impl Target {
    /// What it has no room for is left out.
    fn of(parts: fmt::Arguments<'_>) -> Self {
        let mut target = Self { bytes: [0; 80], len: 0 };
        let _ = target.write_fmt(parts);
        target
    }

    fn as_str(&self) -> &str {
        core::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }
}

impl Write for Target {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let place = self.bytes.get_mut(self.len..self.len + text.len()).ok_or(fmt::Error)?;
        place.copy_from_slice(text.as_bytes());
        self.len += text.len();
        Ok(())
    }
}

static MESSAGES: [Message; 4] = [
    Message {
        name: "a text",
        kind: MessageKind::Text,
        len: HELLO.len(),
        byte: |at| HELLO.as_bytes()[at],
        part: MOST,
    },
    Message {
        name: "an empty message",
        kind: MessageKind::Binary,
        len: 0,
        byte: |_| 0,
        part: MOST,
    },
    Message {
        name: "a text in fragments that cut through its characters",
        kind: MessageKind::Text,
        len: FOREIGN.len(),
        byte: |at| FOREIGN.as_bytes()[at],
        part: 3,
    },
    Message {
        name: "1 MiB of binary data",
        kind: MessageKind::Binary,
        len: 1 << 20,
        byte: |at| (at ^ at >> 7 ^ at >> 13) as u8,
        part: MOST,
    },
];

const HELLO: &str = "hello from a Cortex-M3";
const FOREIGN: &str = "κόσμε 水 🦀";
const PING: &[u8] = b"are you there?";
/// The greatest length of a fragment.
const MOST: usize = 512;
