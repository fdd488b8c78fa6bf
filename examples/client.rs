//! A terminal client: `cargo run --example client -- ws://127.0.0.1:9001/echo`.
//!
//! Sends the lines that are typed, as text or as binary messages, prints the messages that come, closes at Ctrl-D. Two
//! threads do nothing but wait, one for the socket and one for the terminal; the machine is with the main thread, to
//! which they bring what they get.

use core::error::Error;
use core::time::Duration;
use std::io::{self, BufRead, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Instant;
use std::{env, thread};

use websocket_proto::{
    ClientHandshake, ClientRequest, CloseCode, Config, Event, Next, Response, WebSocket,
};

type Result<T> = core::result::Result<T, Box<dyn Error>>;

const USAGE: &str = "usage: client ws://HOST[:PORT][/PATH] [--binary] [--header 'NAME: VALUE']... [--subprotocol NAME]...";

/// Sends the lines as binary messages.
const BINARY: &str = "--binary";

/// How long the server may take to accept a connection, to take bytes, to answer a ping.
const PATIENCE: Duration = Duration::from_secs(10);

const GONE: [ErrorKind; 3] =
    [ErrorKind::BrokenPipe, ErrorKind::ConnectionReset, ErrorKind::ConnectionAborted];

/// The fields of a refusal that say what to do about it.
const ADVICE: [&str; 4] = ["location", "retry-after", "sec-websocket-version", "www-authenticate"];

fn main() -> ExitCode {
    let args: Vec<_> =
        env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
    // The request is made, and so the arguments are checked, before there is anything to send it on.
    let mut out = Vec::new();
    let (status, result) = match prepare(&args, &mut out) {
        Ok((host, port, handshake)) => {
            let is_binary = args.iter().any(|arg| arg == BINARY);
            (1, run(&host, port, handshake, out, is_binary))
        }
        Err(error) => (2, Err(error)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(status)
        }
    }
}

fn prepare(args: &[String], out: &mut Vec<u8>) -> Result<(String, u16, ClientHandshake)> {
    let (mut url, mut fields, mut subprotocols) = (None, Vec::new(), Vec::new());
    let mut args = args.iter().map(String::as_str);
    while let Some(arg) = args.next() {
        match arg {
            "--header" => {
                let (name, value) =
                    args.next().and_then(|field| field.split_once(':')).ok_or(USAGE)?;
                fields.push((name, value.trim()));
            }
            BINARY => {}
            "--subprotocol" => subprotocols.push(args.next().ok_or(USAGE)?),
            _ if url.is_none() && !arg.starts_with('-') => url = Some(arg),
            _ => return Err(USAGE.into()),
        }
    }
    let url = url.ok_or(USAGE)?;
    let request = ClientRequest::new(url).map_err(|error| format!("{url}: {error}"))?;
    if request.is_secure() {
        return Err(format!("{url}: TLS is the transport's job, and this one is plain TCP").into());
    }
    let request = request.fields(&fields).subprotocols(&subprotocols);
    let host = request.host().to_owned();
    Ok((host, request.port(), ClientHandshake::new(request, seed()?, out)?))
}

fn run(
    host: &str,
    port: u16,
    handshake: ClientHandshake,
    out: Vec<u8>,
    is_binary: bool,
) -> Result<()> {
    let socket = connect(host, port).map_err(|error| format!("{host} port {port}: {error}"))?;
    socket.set_nodelay(true)?;
    socket.set_write_timeout(Some(PATIENCE))?;
    let (arrived, arrivals) = sync_channel(1);
    let (reading, brought) = (socket.try_clone()?, arrived.clone());
    thread::spawn(move || read_socket(reading, &brought));
    let mut client = Client { socket, arrivals, start: Instant::now(), out, is_binary };
    let (ws, bytes) = client.open(handshake)?;
    thread::spawn(move || read_lines(&arrived));
    client.talk(ws, bytes)
}

/// What the waiting threads bring.
enum Arrival {
    Bytes(Vec<u8>),
    EndOfStream,
    Line(String),
    EndOfInput,
}

struct Client {
    socket: TcpStream,
    arrivals: Receiver<Arrival>,
    start: Instant,
    out: Vec<u8>,
    is_binary: bool,
}

impl Client {
    /// Does the opening handshake; returns what came behind it as well.
    fn open(&mut self, mut handshake: ClientHandshake) -> Result<(WebSocket, Vec<u8>)> {
        let mut head = Vec::new();
        loop {
            let next = handshake.poll(self.start.elapsed());
            self.write()?;
            let mut bytes = Vec::new();
            if let Next::Wait(deadline) = next {
                match self.wait(deadline) {
                    Some(Arrival::Bytes(more)) => bytes = more,
                    Some(_) => handshake.receive_eof(),
                    None => {}
                }
            }
            // Without bytes, too: at the end of stream, or of the time, there may be a refusal to tell of.
            let mut input = bytes.as_mut_slice();
            if let Some(mut response) = handshake.receive(&mut input, &mut head)? {
                let Ok(negotiated) = response.accept() else {
                    return Err(refusal(&response).into());
                };
                eprintln!("open, subprotocol {}", negotiated.subprotocol().unwrap_or("none"));
                let config = Config::default().keepalive(Duration::from_secs(30), PATIENCE)?;
                return Ok((WebSocket::open(negotiated, config), input.to_vec()));
            }
            if let Next::End(Err(failure)) = next {
                return Err(failure.into());
            }
        }
    }

    fn talk(&mut self, mut ws: WebSocket, mut bytes: Vec<u8>) -> Result<()> {
        loop {
            // Bytes in, events and bytes out.
            let mut input = bytes.as_mut_slice();
            while let Some(event) = ws.receive(&mut input, &mut self.out) {
                print(&event)?;
            }
            let next = ws.poll(self.start.elapsed(), &mut self.out);
            // Always before acting on the verdict: a failure's Close frame is in there.
            self.write()?;
            let deadline = match next {
                Next::Wait(deadline) => deadline,
                Next::End(Ok(())) => return Ok(()),
                Next::End(Err(failure)) => {
                    self.let_go();
                    return Err(format!("failed with {}: {failure}", failure.close_code()).into());
                }
            };
            bytes = Vec::new();
            match self.wait(deadline) {
                Some(Arrival::Bytes(more)) => bytes = more,
                Some(Arrival::EndOfStream) => ws.receive_eof(),
                Some(Arrival::Line(line)) => {
                    let sent = if self.is_binary {
                        ws.send_binary(line.as_bytes(), &mut self.out)
                    } else {
                        ws.send_text(&line, &mut self.out)
                    };
                    if let Err(error) = sent {
                        eprintln!("not sent: {error}");
                    }
                }
                Some(Arrival::EndOfInput) => {
                    // Refused where the server was first, which is as good.
                    let _ = ws.close(CloseCode::NORMAL, "", &mut self.out);
                }
                None => {}
            }
        }
    }

    fn write(&mut self) -> io::Result<()> {
        let result = self.socket.write_all(&self.out);
        self.out.clear();
        match result {
            // The server is gone. What it said before is still to be read, and behind it the end of stream.
            Err(error) if GONE.contains(&error.kind()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                Err(io::Error::new(ErrorKind::TimedOut, "the server does not read what is sent"))
            }
            result => result,
        }
    }

    /// Takes what comes first, or nothing at the deadline.
    fn wait(&self, deadline: Option<Duration>) -> Option<Arrival> {
        match deadline {
            Some(at) => self.arrivals.recv_timeout(at.saturating_sub(self.start.elapsed())).ok(),
            None => self.arrivals.recv().ok(),
        }
    }

    /// Lets the server read our Close frame: closing a socket with bytes unread could reset the connection before.
    fn let_go(&self) {
        let _ = self.socket.shutdown(Shutdown::Write);
        let deadline = self.start.elapsed().saturating_add(Duration::from_secs(2));
        while self.start.elapsed() < deadline
            && !matches!(self.wait(Some(deadline)), Some(Arrival::EndOfStream))
        {}
    }
}

fn read_socket(mut socket: TcpStream, arrived: &SyncSender<Arrival>) {
    let mut buf = vec![0; 64 * 1024];
    // A transport that broke has ended, too.
    while let Ok(n @ 1..) = socket.read(&mut buf) {
        let bytes = buf.iter().take(n).copied().collect();
        if arrived.send(Arrival::Bytes(bytes)).is_err() {
            return;
        }
    }
    let _ = arrived.send(Arrival::EndOfStream);
}

fn read_lines(arrived: &SyncSender<Arrival>) {
    for line in io::stdin().lock().split(b'\n').map_while(io::Result::ok) {
        let line = String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned();
        if arrived.send(Arrival::Line(line)).is_err() {
            return;
        }
    }
    let _ = arrived.send(Arrival::EndOfInput);
}

/// Tries each address of a host.
fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut result = Err(io::Error::new(ErrorKind::NotFound, "the name has no address"));
    for address in (host, port).to_socket_addrs()? {
        result = TcpStream::connect_timeout(&address, PATIENCE);
        if result.is_ok() {
            break;
        }
    }
    result
}

/// Draws a seed from the operating system.
fn seed() -> io::Result<[u8; 32]> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    Ok(seed)
}

fn print(event: &Event<'_>) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match event {
        Event::Text(text) => writeln!(stdout, "{}", printable(text)),
        Event::Binary(data) => {
            let start: Vec<_> = data.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
            let more = if data.len() > start.len() { " ..." } else { "" };
            writeln!(stdout, "({} bytes) {}{more}", data.len(), start.join(" "))
        }
        Event::Ping(_) | Event::Pong(_) => Ok(()),
        Event::Close(close) => {
            let told = format!("closed with {} {}", close.code(), printable(close.reason()));
            writeln!(io::stderr(), "{}", told.trim_end())
        }
    }
}

/// Tells why there is no WebSocket here.
fn refusal(response: &Response<'_>) -> String {
    let lossy = |bytes| printable(&String::from_utf8_lossy(bytes));
    let mut lines =
        vec![format!("refused with {} {}", response.status(), lossy(response.reason()))];
    for (name, value) in response.fields() {
        if ADVICE.contains(&name.to_ascii_lowercase().as_str()) {
            lines.push(format!("{name}: {}", lossy(value)));
        }
    }
    lines.push(lossy(response.body()));
    if response.body_is_truncated() {
        lines.push("...".to_owned());
    }
    lines.join("\n").trim_end().to_owned()
}

/// Shows the control characters that could do something to the terminal.
fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for char in text.replace("\r\n", "\n").chars() {
        match char {
            '\n' | '\t' => safe.push(char),
            char if char.is_control() => safe.extend(char.escape_default()),
            char => safe.push(char),
        }
    }
    safe
}
