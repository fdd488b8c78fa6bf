//! sockudo-ws. It sends whole messages only; its client offers no compression by itself, so the request is made here,
//! out of its parts.

use bytes::{Bytes, BytesMut};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use interop::{Result, Task, tell_port};
use sockudo_ws::deflate::{DeflateConfig, negotiate_server_deflate, parse_deflate_offer};
use sockudo_ws::error::CloseReason;
use sockudo_ws::handshake::{
    build_request, build_response, generate_accept_key, generate_key, parse_request,
    parse_response, validate_accept_key,
};
use sockudo_ws::{
    CompressedWebSocketStream, Config, DeflateWindowBits, Error, Message, Role, WebSocketStream,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let task = Task::from_args()?;
    let (socket, deflate, rest) =
        if task.is_server { accept(&task).await? } else { connect(&task).await? };
    let config = Config::default();
    let Some(deflate) = deflate else {
        let role = if task.is_server { Role::Server } else { Role::Client };
        let ws = WebSocketStream::from_raw_with_leftover(socket, role, config, rest);
        return talk(ws, task).await;
    };
    let ws = if task.is_server {
        CompressedWebSocketStream::server_with_leftover(socket, config, deflate, rest)
    } else {
        CompressedWebSocketStream::client_with_leftover(socket, config, deflate, rest)
    };
    talk(ws, task).await
}

async fn talk<W>(mut ws: W, mut task: Task) -> Result<()>
where
    W: Stream<Item = core::result::Result<Message, Error>> + Sink<Message, Error = Error> + Unpin,
{
    if task.drives {
        for index in 0..task.script.messages.len() {
            let message = &task.script.messages[index];
            ws.send(as_message(message.is_text, message.payload().into())).await?;
            while task.received() < task.due(index) {
                let message = ws.next().await.ok_or("closed before all was back")??;
                note(&message, &mut task);
            }
        }
        // `close` would not wait for the answer.
        ws.send(Message::Close(Some(CloseReason::new(1000, "")))).await?;
    }
    while let Some(message) = ws.next().await {
        let message = message?;
        if note(&message, &mut task) {
            ws.send(message).await?;
        }
    }
    task.report()
}

/// Takes down a data message.
fn note(message: &Message, task: &mut Task) -> bool {
    match message {
        Message::Text(payload) => task.note(true, payload),
        Message::Binary(payload) => task.note(false, payload),
        Message::Ping(_) | Message::Pong(_) | Message::Close(_) => return false,
    }
    true
}

fn as_message(is_text: bool, payload: Bytes) -> Message {
    if is_text { Message::Text(payload) } else { Message::Binary(payload) }
}

type Opened = (TcpStream, Option<DeflateConfig>, Option<Bytes>);

async fn accept(task: &Task) -> Result<Opened> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    tell_port(listener.local_addr()?.port())?;
    let (mut socket, _) = listener.accept().await?;
    let mut head = BytesMut::new();
    loop {
        if socket.read_buf(&mut head).await? == 0 {
            return Err("the client went away".into());
        }
        if let Some((request, len)) = parse_request(&head)? {
            let policy = policy(task)?;
            let agreed = request
                .extensions
                .zip(policy)
                .and_then(|(offers, ours)| negotiate_server_deflate(offers, &ours));
            let value = agreed.as_ref().map(|it| it.to_response_header());
            socket
                .write_all(&build_response(
                    &generate_accept_key(request.key),
                    None,
                    value.as_deref(),
                ))
                .await?;
            return Ok((socket, agreed.map(|it| it.config), Some(head.freeze().slice(len..))));
        }
    }
}

async fn connect(task: &Task) -> Result<Opened> {
    let mut socket = TcpStream::connect(task.address()).await?;
    let key = generate_key();
    // What its server would answer is what its client may offer, but for this: it keeps to any window.
    let offer = policy(task)?.map(|it| match it.to_response_header() {
        offer if offer.contains("client_max_window_bits") => offer,
        offer => offer + "; client_max_window_bits",
    });
    socket.write_all(&build_request(task.address(), "/", &key, None, offer.as_deref())).await?;
    let mut head = BytesMut::new();
    loop {
        if socket.read_buf(&mut head).await? == 0 {
            return Err("the server went away".into());
        }
        if let Some((response, len)) = parse_response(&head)? {
            if !response.accept.is_some_and(|accept| validate_accept_key(&key, accept)) {
                return Err("the server did not accept".into());
            }
            let deflate = match response.extensions {
                Some(value) => Some(DeflateConfig::from_params(
                    &parse_deflate_offer(value).ok_or("bad extensions")?,
                )?),
                None => None,
            };
            return Ok((socket, deflate, Some(head.freeze().slice(len..))));
        }
    }
}

fn policy(task: &Task) -> Result<Option<DeflateConfig>> {
    if task.deflate.is_none() {
        return Ok(None);
    }
    let bits = |name| DeflateWindowBits::try_from(task.param(name).unwrap_or(15));
    Ok(Some(DeflateConfig {
        server_max_window_bits: bits("server_max_window_bits")
            .map_err(|_| "a window that it does not know")?,
        client_max_window_bits: bits("client_max_window_bits")
            .map_err(|_| "a window that it does not know")?,
        server_no_context_takeover: task.param("server_no_context_takeover").is_some(),
        client_no_context_takeover: task.param("client_no_context_takeover").is_some(),
        compression_threshold: 0,
        ..DeflateConfig::default()
    }))
}
