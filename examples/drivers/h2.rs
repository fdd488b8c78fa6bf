//! WebSockets over HTTP/2 (RFC 8441), many on one connection, by `h2` under tokio.
//! `cargo run --manifest-path examples/h2/Cargo.toml --bin server` runs it; to use it, copy this file, which is all of it.
//!
//! A [`WebSocketStream`] reads, writes and runs the timers, so its `next` or `fill` has to be polled for as long as the
//! connection lasts. A future that is dropped before its end loses nothing, but for `connect`: to send what comes from
//! elsewhere, `select!` between `fill` and, while it `has_room`, a channel. While `send` waits, nothing is read.
//!
//! What is not taken is not acknowledged, so that a peer can send no more than [`WINDOW`] bytes ahead. The window of the
//! connection is that of [`STREAMS`] streams: those that are slow leave room for the others. What h2 does not bear is
//! thousands of small DATA frames that wait to be taken; it ends the connection then (`data_frame_budget`).

use std::future::{pending, poll_fn};
use std::mem;
use std::ops::Range;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use h2::client::SendRequest;
use h2::ext::Protocol;
use h2::server::SendResponse;
use h2::{Ping, Reason, RecvStream, SendStream};
use http::{Request, Version};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio::{select, spawn};
use websocket_proto::{
    ClientRequest, Config, ConnectRequest, Event, Failure, Negotiated, Next, Supported, Timeout,
    UsageError, WebSocket, header_fields, negotiate_connect,
};

/// A [`Failure`], a `HandshakeError`, a [`UsageError`], or an [`h2::Error`].
pub type Error = Box<dyn std::error::Error + Send + Sync>;
/// An event that owns what it tells.
pub type Message = Event<'static>;

/// A WebSocket on a stream of an HTTP/2 connection.
pub struct WebSocketStream {
    ws: WebSocket,
    subprotocol: Option<String>,
    sender: SendStream<Bytes>,
    receiver: RecvStream,
    out: BytesMut,
    /// What came, and where in it that is which was not yet taken.
    bytes: Vec<u8>,
    unread: Range<usize>,
    has_ended: bool,
    error: Option<h2::Error>,
    start: Instant,
    /// When letting go of the stream has to be done.
    until: Option<Instant>,
    is_told: bool,
}

/// Returns what a server of WebSockets announces. Call its `handshake`; then `accept` requests for as long as there are
/// any, which is what drives the connection, and give each to a task of its own.
pub fn server() -> h2::server::Builder {
    let mut builder = h2::server::Builder::new();
    // RFC 8441 §3: "Upon receipt of SETTINGS_ENABLE_CONNECT_PROTOCOL with a value of 1, a client MAY use the Extended
    // CONNECT".
    builder.enable_connect_protocol().max_concurrent_streams(STREAMS);
    builder.initial_window_size(WINDOW).initial_connection_window_size(STREAMS * WINDOW);
    builder.max_send_buffer_size(HIGH_WATER_MARK);
    builder
}

/// Opens a client's connection, and drives it in a task. Open at most [`STREAMS`] WebSockets at a time on it.
pub async fn client<S>(io: S) -> Result<SendRequest<Bytes>, Error>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let mut builder = h2::client::Builder::new();
    builder.initial_window_size(WINDOW).initial_connection_window_size(STREAMS * WINDOW);
    builder.max_send_buffer_size(HIGH_WATER_MARK).enable_push(false);
    let opening = async {
        let (requests, mut connection) = builder.handshake(io).await?;
        // The server's SETTINGS come before all else: when a PING is answered, it is known whether a CONNECT may be sent.
        if let Some(mut pings) = connection.ping_pong() {
            select! {
                pong = pings.ping(Ping::opaque()) => pong.map(drop)?,
                end = &mut connection => return Err(end.err().map_or(Failure::Eof.into(), Error::from)),
            }
        }
        // Why it ended is told by each of its streams.
        spawn(connection);
        Ok(requests)
    };
    timeout(PATIENCE, opening).await.map_err(|_| TOO_LATE)?
}

impl WebSocketStream {
    /// Accepts a CONNECT, or refuses it and says why. Its path and its `Origin` are for the caller to look at before.
    pub fn accept<'s>(
        request: Request<RecvStream>,
        mut respond: SendResponse<Bytes>,
        supported: impl Into<Supported<'s>>,
        config: Config,
    ) -> Result<Self, Error> {
        let protocol = request.extensions().get().map_or("", Protocol::as_str);
        match negotiate_connect(protocol, || header_fields(request.headers()), supported) {
            Ok((negotiated, response)) => {
                let sender = respond.send_response(response.to_http(), false)?;
                let (ws, subprotocol) = open(negotiated, config);
                Ok(Self::new(ws, subprotocol, sender, request.into_body()))
            }
            Err(error) => {
                respond.send_response(error.to_http(Version::HTTP_2).map(drop), true)?;
                Err(error.into())
            }
        }
    }

    /// Opens a WebSocket, if the server has a stream for it in time. The seed is fresh from the operating system, for each
    /// (RFC 6455 §10.3).
    pub async fn connect(
        requests: SendRequest<Bytes>,
        request: ClientRequest<'_>,
        seed: [u8; 32],
        config: Config,
    ) -> Result<Self, Error> {
        let connect = ConnectRequest::new(request)?;
        let mut head = connect.to_http()?;
        head.extensions_mut().insert(Protocol::from_static(connect.protocol()));
        let opening = async {
            let mut requests = requests.ready().await?;
            if !requests.is_extended_connect_protocol_enabled() {
                return Err("the server takes no WebSockets over HTTP/2".into());
            }
            let (response, sender) = requests.send_request(head, false)?;
            let response = response.await?;
            let (ws, subprotocol) = open(connect.accept_http(&response, seed)?, config);
            Ok(Self::new(ws, subprotocol, sender, response.into_body()))
        };
        timeout(PATIENCE, opening).await.map_err(|_| TOO_LATE)?
    }

    fn new(
        ws: WebSocket,
        subprotocol: Option<String>,
        sender: SendStream<Bytes>,
        receiver: RecvStream,
    ) -> Self {
        Self {
            ws,
            subprotocol,
            sender,
            receiver,
            out: BytesMut::new(),
            bytes: Vec::new(),
            unread: 0..0,
            has_ended: false,
            error: None,
            start: Instant::now(),
            until: None,
            is_told: false,
        }
    }

    /// Returns the subprotocol in use, if one is.
    pub fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }

    /// Gives the next event; `None` once the connection was closed, or its failure told.
    pub async fn next(&mut self) -> Option<Result<Message, Error>> {
        loop {
            if let Some(event) = self.buffered() {
                return Some(Ok(match event {
                    Event::Text(text) => Event::Text(text.into_owned().into()),
                    Event::Binary(data) => Event::Binary(data.into_owned().into()),
                    Event::Ping(payload) => Event::Ping(payload),
                    Event::Pong(payload) => Event::Pong(payload),
                    Event::Close(close) => Event::Close(close),
                }));
            }
            match self.fill().await {
                Ok(true) => {}
                end => return end.err().map(Err),
            }
        }
    }

    /// Lends the next event. After the last one it is time to `fill`.
    pub fn buffered(&mut self) -> Option<Event<'_>> {
        let mut input = &mut self.bytes[self.unread.clone()];
        let event = self.ws.receive(&mut input, &mut self.out);
        self.unread.start = self.unread.end - input.len();
        event
    }

    /// Writes, reads and waits until there is something to take, or room again; `false` once the connection was closed.
    pub async fn fill(&mut self) -> Result<bool, Error> {
        loop {
            let had_room = self.has_room();
            match self.poll() {
                Next::Wait(_) if !self.unread.is_empty() => return Ok(true),
                Next::Wait(_) if !had_room && self.has_room() => return Ok(true),
                Next::Wait(deadline) => self.exchange(deadline, true).await,
                Next::End(result) => {
                    self.let_go().await;
                    let failure = result.err().filter(|_| !mem::replace(&mut self.is_told, true));
                    return match (failure, self.error.take()) {
                        (None, _) => Ok(false),
                        (Some(Failure::Eof), Some(error)) => Err(error.into()),
                        (Some(failure), _) => Err(failure.into()),
                    };
                }
            }
        }
    }

    /// Waits for room, and calls the machine; what it appends is written by the next `fill`. Dropped before its end, it has
    /// not called.
    pub async fn send<T>(
        &mut self,
        call: impl FnOnce(&mut WebSocket, &mut BytesMut) -> Result<T, UsageError>,
    ) -> Result<T, UsageError> {
        while !self.has_room() {
            let Next::Wait(deadline) = self.poll() else { break };
            self.exchange(deadline, false).await;
        }
        call(&mut self.ws, &mut self.out)
    }

    /// Tells whether `send` would not wait now.
    pub fn has_room(&self) -> bool {
        self.out.len() <= HIGH_WATER_MARK
    }

    fn poll(&mut self) -> Next {
        let next = self.ws.poll(self.start.elapsed(), &mut self.out);
        self.write();
        next
    }

    /// Hands over as much as the peer has room for, without a copy, and as few DATA frames.
    fn write(&mut self) {
        while !self.out.is_empty() {
            self.sender.reserve_capacity(self.out.len());
            let room = self.sender.capacity().min(self.out.len());
            if room == 0 {
                return;
            }
            if self.sender.send_data(self.out.split_to(room).freeze(), false).is_err() {
                self.out.clear(); // What is received says why.
            }
        }
    }

    /// Waits for room at the peer, for bytes of the peer's, or for the deadline.
    async fn exchange(&mut self, deadline: Option<Duration>, reads: bool) {
        let Self { sender, receiver, .. } = self;
        let reads = reads && !self.has_ended;
        if reads {
            // All of it was taken: the peer may send as much again.
            let _ = receiver.flow_control().release_capacity(self.bytes.len());
            self.bytes.clear();
            self.unread = 0..0;
        }
        let wait = async {
            match deadline {
                Some(deadline) => sleep_until(self.start + deadline).await,
                None => pending().await,
            }
        };
        select! {
            biased;
            room = poll_fn(|cx| sender.poll_capacity(cx)), if !self.out.is_empty() => {
                if !matches!(room, Some(Ok(_))) {
                    self.out.clear();
                }
            }
            data = receiver.data(), if reads => match data {
                Some(Ok(data)) => {
                    self.bytes.extend_from_slice(&data);
                    self.unread = 0..data.len();
                }
                end => {
                    // RFC 8441 §5: END_STREAM is an orderly end of the transport. A reset is an end, too.
                    self.has_ended = true;
                    self.error = end.and_then(Result::err);
                    self.ws.receive_eof();
                }
            },
            () = wait => {}
        }
    }

    /// Sends END_STREAM behind our last words, and waits for the peer's. Where it does not come, or ours could not go,
    /// resets the stream: at once, it might take those words away with it.
    async fn let_go(&mut self) {
        let until = *self.until.get_or_insert_with(|| Instant::now() + PATIENCE);
        let ending = async {
            while !self.out.is_empty() {
                self.exchange(None, false).await;
                self.write();
            }
            let _ = self.sender.send_data(Bytes::new(), true);
            while !self.has_ended {
                self.exchange(None, true).await;
            }
        };
        if timeout_at(until, ending).await.is_err() {
            // RFC 8441 §5: "RST exceptions are represented with the RST_STREAM frame [...] with the CANCEL error code".
            self.sender.send_reset(Reason::CANCEL);
        }
        self.unread = 0..0;
    }
}

fn open(negotiated: Negotiated<'_>, config: Config) -> (WebSocket, Option<String>) {
    let subprotocol = negotiated.subprotocol().map(String::from);
    (WebSocket::open(negotiated, config), subprotocol)
}

/// How many WebSockets a connection may have at a time.
pub const STREAMS: u32 = 100;
/// How many bytes a peer may send on a stream before they are taken.
pub const WINDOW: u32 = 64 * 1024;
/// While more than this waits, `send` waits too: [`Config::high_water_mark`], as it is by default.
const HIGH_WATER_MARK: usize = 64 * 1024;
const TOO_LATE: Failure = Failure::TimedOut(Timeout::Opening);
/// How long an opening handshake may take, and letting go of a stream.
const PATIENCE: Duration = Duration::from_secs(10);
