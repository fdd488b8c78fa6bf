//! An echo server on four sockets: `examples/firmware/run server`.
#![no_std]
#![no_main]

use core::time::Duration;

use cortex_m::Peripherals;
use cortex_m_rt::entry;
use firmware::board;
use firmware::ethernet::Ethernet;
use firmware::host::{self, Arguments, print};
use firmware::network::{self, instant};
use firmware::transport::{self, Buffers, PATIENCE, PIECE, SendBuffer};
use smoltcp::iface::{SocketSet, SocketStorage};
use smoltcp::socket::tcp::{Socket, State};
use websocket_proto::{
    Accept, Connection, HandshakeConfig, HandshakeError, Next, ServerHandshake, SliceOutput,
    UsageError,
};

#[entry]
fn main() -> ! {
    static mut ETHERNET: Ethernet = Ethernet::new();
    static mut BUFFERS: [Buffers; SOCKETS] = [Buffers::NEW; SOCKETS];
    static mut HEADS: [[u8; HEAD]; SOCKETS] = [[0; HEAD]; SOCKETS];
    static mut STORAGE: [SocketStorage<'static>; SOCKETS] = [SocketStorage::EMPTY; SOCKETS];
    static mut SCRATCH: [u8; PIECE] = [0; PIECE];

    let Some(peripherals) = Peripherals::take() else { host::exit(false) };
    board::start(peripherals.SYST);
    ETHERNET.start();
    let arguments = Arguments::read();
    let mut interface = network::interface(ETHERNET);
    let mut sockets = SocketSet::new(&mut STORAGE[..]);
    let handles = BUFFERS.each_mut().map(|buffers| sockets.add(buffers.socket()));
    let mut sessions = HEADS.each_mut().map(|head| Session {
        // Used only where a head comes in pieces.
        head: SliceOutput::new(head),
        stage: Stage::Listening,
    });
    print!("listening on {}", arguments.get("url").unwrap_or("http://10.0.2.15/"));
    loop {
        let now = board::now();
        network::exchange(&mut interface, ETHERNET, &mut sockets);
        let mut is_busy = false;
        for (session, handle) in sessions.iter_mut().zip(handles) {
            is_busy |= session.advance(sockets.get_mut(handle), now, SCRATCH);
        }
        interface.poll_egress(instant(now), ETHERNET, &mut sockets);
        if !is_busy {
            ETHERNET.wait();
        }
    }
}

/// A socket's use, one peer after the other.
struct Session {
    head: SliceOutput<'static>,
    stage: Stage,
}

enum Stage {
    Listening,
    Opening(ServerHandshake),
    Open(Connection),
    /// Until this time, the peer may read our last words.
    LettingGo(Duration),
}

impl Session {
    /// Does what there is to do; says whether it was anything.
    fn advance(&mut self, socket: &mut Socket<'_>, now: Duration, scratch: &mut [u8]) -> bool {
        match &mut self.stage {
            Stage::Listening => {
                match socket.state() {
                    State::Closed | State::TimeWait => {
                        socket.set_timeout(transport::CONNECTING);
                        return socket.listen(PORT).is_ok();
                    }
                    State::Listen | State::SynReceived => return false,
                    _ => {}
                }
                socket.set_timeout(None);
                self.head.clear();
                self.stage = Stage::Opening(ServerHandshake::new(HandshakeConfig::default()));
                true
            }
            Stage::Opening(handshake) => {
                let answered = transport::receive(socket, scratch, |bytes, out| {
                    let (len, mut input) = (bytes.len(), bytes);
                    let answered = answer(handshake, &mut input, &mut self.head, out);
                    (len - input.len(), answered)
                });
                if transport::has_ended(socket) {
                    handshake.receive_eof();
                }
                match (answered, handshake.poll(now)) {
                    (Some(Answer::Accepted(connection)), _) => self.stage = Stage::Open(connection),
                    (None, Next::Wait(_)) => return false,
                    (Some(Answer::Refused), _) | (None, Next::End(_)) => self.let_go(socket, now),
                }
                true
            }
            Stage::Open(connection) => {
                let is_fed = transport::feed(connection, socket, scratch, true, transport::echo);
                if transport::has_ended(socket) {
                    connection.receive_eof();
                }
                match connection.poll(now, &mut SendBuffer(socket)) {
                    Next::Wait(_) => is_fed,
                    Next::End(result) => {
                        match result {
                            Ok(()) => print!("closed"),
                            Err(failure) => print!("failed: {failure}"),
                        }
                        self.let_go(socket, now);
                        true
                    }
                }
            }
            Stage::LettingGo(deadline) => {
                transport::discard(socket, usize::MAX);
                if socket.is_open() {
                    if now < *deadline {
                        return false;
                    }
                    socket.abort();
                }
                self.stage = Stage::Listening;
                true
            }
        }
    }

    /// Ends our direction behind what is in the send buffer.
    fn let_go(&mut self, socket: &mut Socket<'_>, now: Duration) {
        socket.close();
        self.stage = Stage::LettingGo(now + PATIENCE);
    }
}

#[expect(clippy::large_enum_variant, reason = "there is no heap to put it on")]
enum Answer {
    Accepted(Connection),
    Refused,
}

/// Answers a request as soon as it is there.
fn answer(
    handshake: &mut ServerHandshake,
    input: &mut &mut [u8],
    head: &mut SliceOutput<'_>,
    out: &mut SendBuffer<'_, '_>,
) -> Option<Answer> {
    let answered = match handshake.receive(input, head) {
        Ok(None) => return None,
        Ok(Some(mut request)) => match request.accept(Accept::new(), out) {
            Ok(negotiated) => {
                print!("open: {}", request.target());
                return Some(Answer::Accepted(Connection::open(negotiated, transport::config())));
            }
            Err(UsageError::NotAnUpgrade(HandshakeError::NoUpgrade)) if request.path() == "/" => {
                request.reject(200, &[("Content-Type", "text/html; charset=utf-8")], PAGE, out)
            }
            Err(UsageError::NotAnUpgrade(error)) => error.respond(out),
            Err(error) => Err(error),
        },
        Err(error) => error.respond(out),
    };
    if let Err(error) = answered {
        print!("not answered: {error}");
    }
    Some(Answer::Refused)
}

const SOCKETS: usize = 4;
/// A browser that has cookies for other ports of the same host sends them too.
const HEAD: usize = 2048;
const PORT: u16 = 80;
const PAGE: &[u8] = include_bytes!("../page.html");
