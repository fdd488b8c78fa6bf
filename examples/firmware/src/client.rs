//! The driver of a client: one connection at a time, from connecting to letting go.

use core::fmt;

use smoltcp::iface::{Interface, SocketHandle, SocketSet, SocketStorage};
use smoltcp::socket::tcp::Socket;
use smoltcp::wire::IpEndpoint;
use websocket_proto::{
    ChunkEvent, ClientHandshake, ClientRequest, Connection, Failure, HandshakeError, Next,
    SliceOutput, UsageError,
};

use crate::board;
use crate::ethernet::Ethernet;
use crate::host;
use crate::network::{self, instant};
use crate::transport::{self, Buffers, PATIENCE, PIECE, SendBuffer};

/// What a client needs of static memory.
pub struct Storage {
    ethernet: Ethernet,
    buffers: Buffers,
    scratch: [u8; PIECE],
    head: [u8; 1024],
}

impl Storage {
    pub const NEW: Self = Self {
        ethernet: Ethernet::new(),
        buffers: Buffers::NEW,
        scratch: [0; PIECE],
        head: [0; 1024],
    };
}

/// A client of one server.
pub struct Client<'a> {
    device: &'a mut Ethernet,
    interface: Interface,
    sockets: SocketSet<'static>,
    handle: SocketHandle,
    scratch: &'a mut [u8],
    /// Used only where a head comes in pieces.
    head: SliceOutput<'a>,
    server: IpEndpoint,
    /// What the server is called: a name or an address, and the port.
    host: &'a str,
    /// Of the next connection, counted from the first of those that are free.
    port: u16,
}

/// What a connection is for.
pub trait Task {
    /// Whether [`receive`](Self::receive) appends a frame with the payload of a chunk, for which there has to be room.
    const ECHOES: bool = false;

    /// Handles an event.
    fn receive(
        &mut self,
        connection: &mut Connection,
        event: ChunkEvent<'_>,
        out: &mut SendBuffer<'_, '_>,
    );

    /// Sends what there is to send, as far as there is room.
    fn send(&mut self, connection: &mut Connection, out: &mut SendBuffer<'_, '_>) {
        let _ = (connection, out);
    }
}

/// Why a connection came to nothing, or to a bad end.
pub enum Error {
    Unreachable,
    /// By a response with this status.
    Refused(u16),
    Usage(UsageError),
    Handshake(HandshakeError),
    Failed(Failure),
}

impl<'a> Client<'a> {
    /// The time runs.
    pub fn new(
        storage: &'static mut Storage,
        socket_storage: &'static mut [SocketStorage<'static>; 1],
        server: IpEndpoint,
        host: &'a str,
    ) -> Self {
        let device = &mut storage.ethernet;
        device.start();
        let interface = network::interface(device);
        let mut sockets = SocketSet::new(&mut socket_storage[..]);
        let handle = sockets.add(storage.buffers.socket());
        let head = SliceOutput::new(&mut storage.head);
        let scratch = &mut storage.scratch;
        Self {
            device,
            interface,
            sockets,
            handle,
            scratch,
            head,
            server,
            host,
            // A board that was reset would come again from the ports that the server knows, did it start with the first.
            port: u16::from_le_bytes(host::random()),
        }
    }

    /// Opens a connection, and gives it to `task` until it has ended.
    pub fn converse(&mut self, target: &str, task: &mut impl Task) -> Result<(), Error> {
        let result = self.open(target).and_then(|connection| self.talk(connection, task));
        self.let_go();
        self.port = self.port.wrapping_add(1);
        result
    }

    fn open(&mut self, target: &str) -> Result<Connection, Error> {
        let request = ClientRequest::from_parts(self.host, target, false)?;
        self.connect()?;
        self.head.clear();
        let socket = self.sockets.get_mut(self.handle);
        // A seed is for one connection.
        let mut handshake = ClientHandshake::new(request, host::random(), &mut SendBuffer(socket))?;
        loop {
            self.exchange();
            let next = handshake.poll(board::now());
            let socket = self.sockets.get_mut(self.handle);
            let head = &mut self.head;
            let opened = transport::receive(socket, self.scratch, |bytes, _| {
                let (len, mut input) = (bytes.len(), bytes);
                let opened = match handshake.receive(&mut input, head) {
                    Ok(None) => None,
                    Ok(Some(mut response)) => Some(match response.accept() {
                        Ok(negotiated) => Ok(Connection::open(negotiated, transport::config())),
                        Err(_) => Err(Error::Refused(response.status())),
                    }),
                    Err(error) => Some(Err(Error::Handshake(error))),
                };
                (len - input.len(), opened)
            });
            // At the end of the transport there may have been a refusal to tell of; so this comes second.
            match (opened, next) {
                (Some(opened), _) => return opened,
                (None, Next::End(Err(failure))) => return Err(Error::Failed(failure)),
                (None, _) => {}
            }
            if transport::has_ended(socket) {
                handshake.receive_eof();
            } else {
                self.device.wait();
            }
        }
    }

    /// Waits for TCP's own handshake.
    fn connect(&mut self) -> Result<(), Error> {
        let port = FIRST_PORT + self.port % PORTS;
        let socket = self.sockets.get_mut::<Socket>(self.handle);
        socket.set_timeout(transport::CONNECTING);
        socket
            .connect(self.interface.context(), self.server, port)
            .map_err(|_| Error::Unreachable)?;
        loop {
            self.exchange();
            let socket = self.sockets.get_mut::<Socket>(self.handle);
            if socket.may_send() {
                socket.set_timeout(None);
                return Ok(());
            }
            if !socket.is_open() {
                return Err(Error::Unreachable);
            }
            self.device.wait();
        }
    }

    fn talk<T: Task>(&mut self, mut connection: Connection, task: &mut T) -> Result<(), Error> {
        loop {
            self.exchange();
            let socket = self.sockets.get_mut::<Socket>(self.handle);
            let is_fed = transport::feed(
                &mut connection,
                socket,
                self.scratch,
                T::ECHOES,
                |connection, event, out| {
                    task.receive(connection, event, out);
                },
            );
            task.send(&mut connection, &mut SendBuffer(socket));
            if transport::has_ended(socket) {
                connection.receive_eof();
            }
            if let Next::End(result) = connection.poll(board::now(), &mut SendBuffer(socket)) {
                return result.map_err(Error::Failed);
            }
            if !is_fed {
                self.interface.poll_egress(instant(board::now()), self.device, &mut self.sockets);
                self.device.wait();
            }
        }
    }

    /// Ends our direction, and waits until the server has ended its own, or long enough.
    fn let_go(&mut self) {
        self.sockets.get_mut::<Socket>(self.handle).close();
        let deadline = board::now() + PATIENCE;
        loop {
            self.exchange();
            let socket = self.sockets.get_mut::<Socket>(self.handle);
            transport::discard(socket, usize::MAX);
            if !socket.is_open() {
                return;
            }
            if board::now() >= deadline {
                socket.abort();
            }
            self.device.wait();
        }
    }

    /// Takes frames from the card, and gives it others.
    fn exchange(&mut self) {
        network::exchange(&mut self.interface, self.device, &mut self.sockets);
    }
}

impl From<UsageError> for Error {
    fn from(error: UsageError) -> Self {
        Self::Usage(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable => f.write_str("there is no way to the server"),
            Self::Refused(status) => write!(f, "refused with {status}"),
            Self::Usage(error) => error.fmt(f),
            Self::Handshake(error) => error.fmt(f),
            Self::Failed(failure) => failure.fmt(f),
        }
    }
}

/// The ports that are free for clients (RFC 6335 §6).
const FIRST_PORT: u16 = 49152;
const PORTS: u16 = 16384;
