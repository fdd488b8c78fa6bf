//! Our end: a server of one connection, or a client; sends the script, or echoes what comes.
//!
//! Its last lines: `agreed` with the parameters of the compression that are not the default ones, if there is any;
//! `wire` with the bytes written and read behind the opening handshake; how many messages came, and their digest.

use core::mem;
use core::ops::Range;
use std::borrow::Cow;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use interop::{Result, Task, tell_port};
use websocket_proto::{
    Accept, ChunkEvent, ClientHandshake, ClientRequest, CloseCode, Compress, Config, DeflateConfig,
    DeflateParams, Event, HandshakeConfig, MessageKind, Next, Prepared, ServerHandshake,
    UsageError, WebSocket,
};

fn main() -> Result<()> {
    let mut task = Task::from_args()?;
    let socket = if task.is_server {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        tell_port(listener.local_addr()?.port())?;
        listener.accept()?.0
    } else {
        TcpStream::connect(task.address())?
    };
    let mut end = End::open(socket, &task)?;
    if task.drives {
        end.drive(&mut task)?;
    } else {
        while end.turn(&mut task)? {}
    }
    println!("wire {} {}", end.transport.written, end.transport.read);
    task.report()
}

/// A connection. What it does where it has a choice is random.
struct End {
    ws: WebSocket,
    style: Style,
    transport: Transport,
    buf: Vec<u8>,
    unread: Range<usize>,
    /// The message in progress, if they are taken in chunks.
    chunks: Option<Vec<u8>>,
    out: Vec<u8>,
}

impl End {
    fn open(socket: TcpStream, task: &Task) -> Result<Self> {
        let mut transport = Transport::new(socket, task.script.seed)?;
        let mut style = Style {
            random: Random(!task.script.seed | 1),
            is_server: task.is_server,
            pings: task.param("no_pings").is_none(),
        };
        let mut buf = vec![0; 64 * 1024];
        let open = if task.is_server { accept } else { connect };
        let (ws, unread) = open(&mut transport, &mut buf, task)?;
        transport.begin(unread.len());
        let chunks = (style.random.below(2) == 0).then(Vec::new);
        Ok(Self { ws, style, transport, buf, unread, chunks, out: Vec::new() })
    }

    /// Sends the script, and closes when all of it is back.
    fn drive(&mut self, task: &mut Task) -> Result<()> {
        for index in 0..task.script.messages.len() {
            let message = &task.script.messages[index];
            let parts: Vec<_> = message.fragments.iter().map(Vec::as_slice).collect();
            let Self { ws, style, out, .. } = self;
            style.send(ws, message.is_text, &parts, out)?;
            self.transport.write(&mut self.out)?;
            while task.received() < task.due(index) {
                if !self.turn(task)? {
                    return Err("closed before all was back".into());
                }
            }
        }
        self.ws.close(CloseCode::NORMAL, "", &mut self.out)?;
        self.transport.write(&mut self.out)?;
        while self.turn(task)? {}
        Ok(())
    }

    /// Reads, unless something is unread already, and handles it; `false` at the end.
    fn turn(&mut self, task: &mut Task) -> Result<bool> {
        if self.unread.is_empty() {
            self.unread = 0..self.transport.read(&mut self.buf)?;
            if self.unread.is_empty() {
                self.ws.receive_eof();
            }
        }
        let mut input = &mut self.buf[mem::take(&mut self.unread)];
        while let Some((is_text, payload)) =
            receive(&mut self.ws, &mut input, &mut self.chunks, &mut self.out)
        {
            task.note(is_text, &payload);
            if !task.drives {
                let parts = task.cut(&payload);
                self.style.send(&mut self.ws, is_text, &parts, &mut self.out)?;
            }
        }
        let next = self.ws.poll(self.transport.start.elapsed(), &mut self.out);
        self.transport.write(&mut self.out)?;
        match next {
            Next::Wait(_) => Ok(true),
            Next::End(result) => Ok(result.map(|()| false)?),
        }
    }
}

/// The opening handshake of a server, and where in `buf` what came behind it is.
fn accept(
    transport: &mut Transport,
    buf: &mut [u8],
    task: &Task,
) -> Result<(WebSocket, Range<usize>)> {
    let mut handshake = ServerHandshake::new(HandshakeConfig::default());
    let (mut head, mut out) = (Vec::new(), Vec::new());
    loop {
        let len = transport.read(buf)?;
        let mut input = &mut buf[..len];
        if let Some(mut request) = handshake.receive(&mut input, &mut head)? {
            let negotiated = request.accept(Accept::new().deflate(deflate(task)?), &mut out)?;
            tell_agreed(negotiated.deflate());
            let ws = WebSocket::open(negotiated, config()?);
            transport.write(&mut out)?;
            return Ok((ws, len - input.len()..len));
        }
        if len == 0 {
            return Err("the client went away".into());
        }
    }
}

/// The opening handshake of a client.
fn connect(
    transport: &mut Transport,
    buf: &mut [u8],
    task: &Task,
) -> Result<(WebSocket, Range<usize>)> {
    let (mut seed, mut head, mut out) = ([0; 32], Vec::new(), Vec::new());
    seed.fill_with(|| transport.random.below(256) as u8);
    let request = ClientRequest::new(&task.url)?.deflate(deflate(task)?);
    let mut handshake = ClientHandshake::new(request, seed, &mut out)?;
    transport.write(&mut out)?;
    loop {
        let len = transport.read(buf)?;
        if len == 0 {
            handshake.receive_eof();
        }
        let mut input = &mut buf[..len];
        if let Some(mut response) = handshake.receive(&mut input, &mut head)? {
            let negotiated = response.accept()?;
            tell_agreed(negotiated.deflate());
            return Ok((WebSocket::open(negotiated, config()?), len - input.len()..len));
        }
        if len == 0 {
            return Err("the server went away".into());
        }
    }
}

fn config() -> core::result::Result<Config, UsageError> {
    Config::default().message_limit(64 * 1024 * 1024)
}

fn deflate(task: &Task) -> core::result::Result<Option<DeflateConfig>, UsageError> {
    let Some(level) = task.param("level") else { return Ok(None) };
    let window = |name| task.param(name).unwrap_or(15);
    DeflateConfig::default()
        .server_no_context_takeover(task.param("server_no_context_takeover").is_some())
        .client_no_context_takeover(task.param("client_no_context_takeover").is_some())
        .server_max_window_bits(window("server_max_window_bits"))?
        .client_max_window_bits(window("client_max_window_bits"))?
        .level(level)
        .map(Some)
}

fn tell_agreed(params: Option<DeflateParams>) {
    let Some(params) = params else { return };
    let mut line = String::from("agreed");
    let flags = [
        ("server_no_context_takeover", params.server_no_context_takeover()),
        ("client_no_context_takeover", params.client_no_context_takeover()),
    ];
    let windows = [
        ("server_max_window_bits", params.server_max_window_bits()),
        ("client_max_window_bits", params.client_max_window_bits()),
    ];
    for (name, _) in flags.into_iter().filter(|(_, is_set)| *is_set) {
        line += &format!(" {name}");
    }
    for (name, bits) in windows.into_iter().filter(|(_, bits)| *bits < 15) {
        line += &format!(" {name}={bits}");
    }
    println!("{line}");
}

/// The next message, whole, or out of chunks.
fn receive<'b>(
    ws: &mut WebSocket,
    input: &mut &'b mut [u8],
    chunks: &mut Option<Vec<u8>>,
    out: &mut Vec<u8>,
) -> Option<(bool, Cow<'b, [u8]>)> {
    let Some(whole) = chunks else {
        loop {
            match ws.receive(input, out)? {
                Event::Text(Cow::Borrowed(text)) => return Some((true, text.as_bytes().into())),
                Event::Text(Cow::Owned(text)) => return Some((true, text.into_bytes().into())),
                Event::Binary(data) => return Some((false, data)),
                Event::Ping(_) | Event::Pong(_) | Event::Close(_) => {}
            }
        }
    };
    let mut scratch = Vec::new();
    loop {
        if let ChunkEvent::Data(chunk) = ws.receive_chunk(input, &mut scratch, out)? {
            whole.extend_from_slice(chunk.payload);
            if chunk.last {
                return Some((chunk.kind == MessageKind::Text, mem::take(whole).into()));
            }
        }
    }
}

/// How messages are sent.
struct Style {
    random: Random,
    is_server: bool,
    /// Whether Pings go between fragments.
    pings: bool,
}

impl Style {
    fn send(
        &mut self,
        ws: &mut WebSocket,
        is_text: bool,
        parts: &[&[u8]],
        out: &mut Vec<u8>,
    ) -> Result<()> {
        ws.compress(match self.random.below(8) {
            0 => Compress::Never,
            1..5 => Compress::Worthwhile,
            _ => Compress::Always,
        });
        if let &[whole] = parts {
            let text = if is_text { Some(core::str::from_utf8(whole)?) } else { None };
            match (self.random.below(3), text) {
                (0, Some(text)) => return Ok(ws.send_text(text, out)?),
                (0, None) => return Ok(ws.send_binary(whole, out)?),
                (1, _) if self.is_server => {
                    let prepared = text.map_or_else(|| Prepared::binary(whole), Prepared::text)?;
                    let window = DeflateConfig::default()
                        .server_max_window_bits(8 + self.random.below(8) as u8)?;
                    return Ok(ws.send_prepared(&prepared.compress(&window)?, out)?);
                }
                _ => {}
            }
        }
        let kind = if is_text { MessageKind::Text } else { MessageKind::Binary };
        for (index, part) in parts.iter().enumerate() {
            ws.send_fragment(kind, part, index + 1 == parts.len(), out)?;
            if self.pings && self.random.below(8) == 0 {
                ws.send_ping(b"here?", out)?;
            }
        }
        Ok(())
    }
}

/// A socket with its counts.
struct Transport {
    socket: TcpStream,
    random: Random,
    start: Instant,
    written: u64,
    read: u64,
}

impl Transport {
    fn new(socket: TcpStream, seed: u64) -> Result<Self> {
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(SILENCE))?;
        socket.set_write_timeout(Some(SILENCE))?;
        Ok(Self { socket, random: Random(seed | 1), start: Instant::now(), written: 0, read: 0 })
    }

    /// The opening handshake is over, and so many bytes of what follows it have been read.
    fn begin(&mut self, unread: usize) {
        (self.written, self.read) = (0, unread as u64);
    }

    fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        let size = self.random.size(buf.len());
        match self.socket.read(&mut buf[..size]) {
            Ok(len) => {
                self.read += len as u64;
                Ok(len)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                Err(format!("the peer was silent for {SILENCE:?}").into())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn write(&mut self, out: &mut Vec<u8>) -> Result<()> {
        let mut rest = out.as_slice();
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(self.random.size(rest.len()));
            self.socket.write_all(piece)?;
            rest = behind;
        }
        self.written += out.len() as u64;
        out.clear();
        Ok(())
    }
}

/// Xorshift: the same numbers from the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % bound
    }

    /// From 1 to `most`; often all, and at times little.
    fn size(&mut self, most: usize) -> usize {
        let most = most as u64;
        let bound = match self.below(4) {
            0 => most.min(16),
            1 => most.min(1500),
            2 => most,
            _ => return most as usize,
        };
        1 + self.below(bound) as usize
    }
}

const SILENCE: Duration = Duration::from_secs(20);
