//! A TCP socket as a transport: frames are encoded right into its send buffer, and nothing is taken from its receive
//! buffer that would lead to more than the send buffer has room for.

use core::time::Duration;

use smoltcp::socket::tcp::{Socket, SocketBuffer};
use smoltcp::time;
use websocket_proto::{ChunkEvent, Config, Connection, Output};

/// What a socket needs of static memory.
pub struct Buffers {
    receive: [u8; BUFFER],
    send: [u8; BUFFER],
}

impl Buffers {
    pub const NEW: Self = Self { receive: [0; BUFFER], send: [0; BUFFER] };

    /// Makes a socket that sends at once what it is given.
    pub fn socket(&mut self) -> Socket<'_> {
        let receive = SocketBuffer::new(&mut self.receive[..]);
        let mut socket = Socket::new(receive, SocketBuffer::new(&mut self.send[..]));
        socket.set_nagle_enabled(false);
        socket.set_ack_delay(None);
        socket
    }
}

/// How long TCP's own handshake may take. smoltcp takes silence on a connection for the peer's end as well, so this is to
/// be `None` from then on: the machine's timers know better.
pub const CONNECTING: Option<time::Duration> = Some(time::Duration::from_secs(10));

/// Takes messages of any size. Who answers no Ping is gone, and so is who does not read what was sent: where that leaves
/// no room, nothing is read.
pub fn config() -> Config {
    let config = Config::default();
    let limited = config
        .message_limit(u64::MAX)
        .and_then(|it| it.high_water_mark(BUFFER - 131))
        .and_then(|it| it.keepalive(Duration::from_secs(30), Duration::from_secs(10)))
        .and_then(|it| it.idle_timeout(Duration::from_secs(60)));
    limited.unwrap_or(config)
}

/// The send buffer of a socket.
pub struct SendBuffer<'a, 's>(pub &'a mut Socket<'s>);

impl SendBuffer<'_, '_> {
    fn room(&self) -> usize {
        if self.0.may_send() { self.0.send_capacity() - self.0.send_queue() } else { 0 }
    }
}

impl Output for SendBuffer<'_, '_> {
    fn make_room(&mut self, bytes: usize) -> bool {
        self.room() >= bytes
    }

    fn put(&mut self, bytes: &[u8]) {
        // There is room.
        let _ = self.0.send_slice(bytes);
    }

    fn waiting(&self) -> usize {
        self.0.send_queue()
    }
}

/// Lets `take` have a look at what has come, in `scratch`; it says how many bytes it took.
pub fn receive<'b, R>(
    socket: &mut Socket<'_>,
    scratch: &'b mut [u8],
    take: impl FnOnce(&'b mut [u8], &mut SendBuffer<'_, '_>) -> (usize, R),
) -> R {
    let len = socket.peek_slice(scratch).unwrap_or(0);
    let (taken, result) = take(&mut scratch[..len], &mut SendBuffer(socket));
    discard(socket, taken);
    result
}

/// Takes up to `len` bytes unread, and says how many.
pub fn discard(socket: &mut Socket<'_>, len: usize) -> usize {
    let mut discarded = 0;
    // Twice where they go around the end of the ring.
    while let Ok(more @ 1..) = socket.recv(|bytes| {
        let more = bytes.len().min(len - discarded);
        (more, more)
    }) {
        discarded += more;
    }
    discarded
}

/// Says whether nothing more will come. What a connection that was reset has left does not count.
pub fn has_ended(socket: &Socket<'_>) -> bool {
    !socket.is_open() || !socket.may_recv()
}

/// Feeds a connection what has come, and hands each event to `handle`; says whether anything was taken.
///
/// One that `echoes` appends a frame with the payload of a chunk, and so no more is taken than there is room for. Who
/// pushes has to hear its peer even where there is none, or both may wait for each other.
pub fn feed(
    connection: &mut Connection,
    socket: &mut Socket<'_>,
    scratch: &mut [u8],
    echoes: bool,
    mut handle: impl FnMut(&mut Connection, ChunkEvent<'_>, &mut SendBuffer<'_, '_>),
) -> bool {
    let room = if echoes { SendBuffer(socket).room() } else { usize::MAX };
    // A chunk may be as long as what is fed.
    let len = room.saturating_sub(HEADER).min(scratch.len());
    receive(socket, &mut scratch[..len], |bytes, out| {
        let (len, mut input) = (bytes.len(), bytes);
        while !echoes || out.room() >= input.len() + HEADER {
            match connection.receive(&mut input, out) {
                Some(event) => handle(connection, event, out),
                None => break,
            }
        }
        (len - input.len(), len > input.len())
    })
}

/// Answers messages with themselves, each chunk as a frame of its own.
pub fn echo(connection: &mut Connection, event: ChunkEvent<'_>, out: &mut SendBuffer<'_, '_>) {
    // What is not a chunk was answered already.
    if let ChunkEvent::Data(chunk) = event {
        // There is room; it is refused only where a Close frame has gone before.
        let _ = connection.send_fragment(chunk.kind, chunk.payload, chunk.last, out);
    }
}

/// How long a peer may take to read our last words.
pub const PATIENCE: Duration = Duration::from_secs(2);
/// How much of what has come is looked at in one go.
pub const PIECE: usize = 2048;

/// In each direction.
const BUFFER: usize = 4096;
/// The longest header of a frame.
const HEADER: usize = 14;
