//! What the server has to say: to requests, and to messages.

use std::borrow::Cow;

use websocket_proto::{
    Accept, CloseCode, Event, HandshakeError, MessageKind, Prepared, Request, UsageError, WebSocket,
};

use crate::backlog::Backlog;
use crate::shared::Shared;

/// What a WebSocket connection is for.
pub(crate) enum Service {
    Echo,
    /// Tells each text to all who are there. Each hears `here N` when N are there, and `said TEXT`.
    Chat,
    SelfTest(SelfTest),
}

/// Helps the page to see what a browser does not show.
#[derive(Default)]
pub(crate) struct SelfTest {
    /// Whether Pings are to go between the fragments of the next message.
    is_busy: bool,
    pings: u32,
    pongs: u32,
    /// Whether the last Pong answered the last Ping.
    is_answered: bool,
}

/// Answers a request: opens a connection, or else gives a plain response, after which there is nothing more to say.
pub(crate) fn answer(
    request: &mut Request<'_>,
    shared: &Shared,
    out: &mut Backlog,
) -> Result<Option<(WebSocket, Service)>, UsageError> {
    let mut config = shared.config;
    let service = match request.path() {
        "/" | "/echo" => Service::Echo,
        "/chat" => {
            config = config.message_limit(CHAT_LIMIT.min(shared.options.max_message))?;
            Service::Chat
        }
        "/selftest" => Service::SelfTest(SelfTest::default()),
        _ => {
            let body = b"There is nothing here. Try / instead.\n";
            return request.reject(404, &[TEXT], body, out).map(|()| None);
        }
    };
    // §10.2: no cookie counts here and nothing is secret, so pages of any origin may connect.
    let subprotocol = request.subprotocols().find(|it| SUBPROTOCOLS.contains(it));
    let accept = Accept::new().subprotocol(subprotocol);
    #[cfg(feature = "deflate")]
    let accept = accept.deflate(websocket_proto::DeflateConfig::default());
    match request.accept(accept, out) {
        Ok(negotiated) => Ok(Some((WebSocket::open(negotiated, config), service))),
        Err(UsageError::NotAnUpgrade(error)) => respond(request, error, out).map(|()| None),
        Err(error) => Err(error),
    }
}

/// Answers what is not an upgrade.
fn respond(
    request: &mut Request<'_>,
    error: HandshakeError,
    out: &mut Backlog,
) -> Result<(), UsageError> {
    match (request.path(), request.method(), error) {
        ("/", "GET" | "HEAD", HandshakeError::NoUpgrade | HandshakeError::MethodNotAllowed) => {
            request.reject(200, &[HTML, ("Cache-Control", "no-cache")], PAGE, out)
        }
        ("/", _, HandshakeError::MethodNotAllowed) => {
            request.reject(405, &[TEXT, ("Allow", "GET, HEAD")], b"Try GET.\n", out)
        }
        _ => error.respond(out),
    }
}

impl Service {
    /// Handles an event. What is said in the chat goes to `said`.
    pub(crate) fn handle(
        &mut self,
        event: Event<'_>,
        ws: &mut WebSocket,
        said: &mut Vec<Prepared>,
        out: &mut Backlog,
    ) -> Result<(), UsageError> {
        match (self, event) {
            (Self::Chat, Event::Text(text)) => said.push(Prepared::text(&format!("said {text}"))?),
            (Self::Chat, Event::Binary(_)) => {
                ws.close(CloseCode::UNSUPPORTED_DATA, "text only", out)?;
            }
            (Self::SelfTest(helper), Event::Pong(payload)) => helper.note_pong(&payload),
            (Self::SelfTest(helper), Event::Text(text)) => helper.obey(&text, ws, out)?,
            (Self::SelfTest(helper), Event::Binary(data)) if helper.is_busy => {
                helper.send_in_parts(MessageKind::Binary, &data, 64 * 1024, ws, out)?;
                helper.is_busy = false;
            }
            (_, Event::Text(text)) => {
                ws.send_text(&text, out)?;
                // Assembled from several reads: the next such message shall not allocate again.
                if let Cow::Owned(text) = text {
                    ws.recycle(text.into_bytes());
                }
            }
            (_, Event::Binary(data)) => {
                ws.send_binary(&data, out)?;
                if let Cow::Owned(data) = data {
                    ws.recycle(data);
                }
            }
            // Answered already.
            (_, Event::Ping(_) | Event::Pong(_) | Event::Close(_)) => {}
        }
        Ok(())
    }
}

impl SelfTest {
    fn obey(
        &mut self,
        text: &str,
        ws: &mut WebSocket,
        out: &mut Backlog,
    ) -> Result<(), UsageError> {
        let (command, rest) = text.split_once(' ').unwrap_or((text, ""));
        match command {
            // Parts of three bytes cut through most code points.
            "fragment" => self.send_in_parts(MessageKind::Text, rest.as_bytes(), 3, ws, out),
            "busy" => {
                self.is_busy = true;
                Ok(())
            }
            "report" => {
                let Self { pings, pongs, is_answered, .. } = self;
                let report = format!("{pings} pings, {pongs} pongs, last answered: {is_answered}");
                ws.send_text(&report, out)
            }
            "close" => {
                let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
                let code = code.parse().map_or(CloseCode::NORMAL, |code: u16| code.into());
                ws.close(code, reason, out)
            }
            _ => ws.send_text(text, out),
        }
    }

    fn send_in_parts(
        &mut self,
        kind: MessageKind,
        payload: &[u8],
        size: usize,
        ws: &mut WebSocket,
        out: &mut Backlog,
    ) -> Result<(), UsageError> {
        let mut parts = payload.chunks(size).peekable();
        while let Some(part) = parts.next() {
            ws.send_fragment(kind, part, parts.peek().is_none(), out)?;
            if self.is_busy {
                self.pings += 1;
                self.is_answered = false;
                ws.send_ping(&self.pings.to_be_bytes(), out)?;
            }
        }
        Ok(())
    }

    fn note_pong(&mut self, payload: &[u8]) {
        self.pongs += 1;
        self.is_answered = payload == self.pings.to_be_bytes();
    }
}

/// Each text of the chat is sent to many, so it is not to be long.
const CHAT_LIMIT: u64 = 16 * 1024;
const SUBPROTOCOLS: [&str; 3] = ["echo", "chat", "selftest"];
const PAGE: &[u8] = include_bytes!("page.html");
const HTML: (&str, &str) = ("Content-Type", "text/html; charset=utf-8");
const TEXT: (&str, &str) = ("Content-Type", "text/plain; charset=utf-8");
