//! Servers and clients over a transport in memory: by the driver, and by `h2` alone.

#![allow(dead_code, reason = "each test uses some of it")]

use std::future::{Future, pending};
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use h2::ext::Protocol;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use h2_driver::{Error, WebSocketStream};
use http::{Request, Response};
use tokio::io::{DuplexStream, duplex};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::yield_now;
use tokio::time::timeout;
use websocket_proto::{ClientRequest, Config, DeflateConfig, Event, Supported};

pub type Results = UnboundedReceiver<Result<(), Error>>;

/// A server that gives each request to a task of its own, and tells how the tasks ended.
pub fn serve<A, F>(builder: h2::server::Builder, answer: A) -> (DuplexStream, Results)
where
    A: Fn(Request<RecvStream>, SendResponse<Bytes>) -> F + Copy + Send + 'static,
    F: Future<Output = Result<(), Error>> + Send + 'static,
{
    let (io, socket) = duplex(4096);
    let (told, results) = unbounded_channel();
    tokio::spawn(async move {
        let mut connection = builder.handshake(socket).await.unwrap();
        while let Some(Ok((request, respond))) = connection.accept().await {
            let told = told.clone();
            tokio::spawn(async move { told.send(answer(request, respond).await) });
        }
    });
    (io, results)
}

/// Echoes at `/echo`, and at `/slow` takes nothing.
pub async fn echo(request: Request<RecvStream>, respond: SendResponse<Bytes>) -> Result<(), Error> {
    let is_slow = request.uri().path() == "/slow";
    let supported = Supported::new().subprotocols(&["echo"]).deflate(DeflateConfig::default());
    let mut ws = WebSocketStream::accept(request, respond, supported, Config::default())?;
    if is_slow {
        pending::<()>().await;
    }
    while ws.fill().await? {
        while let Some(event) = ws.buffered() {
            let message: Event<'static> = match event {
                Event::Text(text) => Event::Text(text.into_owned().into()),
                Event::Binary(data) => Event::Binary(data.into_owned().into()),
                Event::Ping(_) | Event::Pong(_) | Event::Close(_) => continue,
            };
            let _ = match message {
                Event::Text(text) => ws.send(|ws, out| ws.send_text(&text, out)).await,
                Event::Binary(data) => ws.send(|ws, out| ws.send_binary(&data, out)).await,
                _ => Ok(()),
            };
        }
    }
    Ok(())
}

pub async fn connect(requests: &SendRequest<Bytes>, path: &str) -> Result<WebSocketStream, Error> {
    let url = format!("ws://localhost{path}");
    let request = ClientRequest::new(&url)?;
    WebSocketStream::connect(requests.clone(), request, [7; 32], Config::default()).await
}

/// A client of which `h2` is all.
pub async fn raw_client(io: DuplexStream, builder: &h2::client::Builder) -> SendRequest<Bytes> {
    let (requests, connection) = builder.handshake(io).await.unwrap();
    tokio::spawn(connection);
    while !requests.is_extended_connect_protocol_enabled() {
        yield_now().await;
    }
    requests
}

pub async fn ask(
    requests: &mut SendRequest<Bytes>,
    protocol: &'static str,
    fields: &[(&str, &str)],
) -> (Response<RecvStream>, SendStream<Bytes>) {
    let mut request = Request::connect("http://localhost/echo");
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let request = request.extension(Protocol::from_static(protocol)).body(()).unwrap();
    *requests = requests.clone().ready().await.unwrap();
    let (response, sender) = requests.send_request(request, false).unwrap();
    (response.await.unwrap(), sender)
}

/// Waits, but not for ever.
pub async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(300), future).await.expect("it comes")
}

/// All that comes, until END_STREAM or a reset.
pub async fn read(receiver: &mut RecvStream) -> (Vec<u8>, Option<Reason>) {
    let mut bytes = Vec::new();
    while let Some(data) = soon(receiver.data()).await {
        match data {
            Ok(data) => {
                receiver.flow_control().release_capacity(data.len()).unwrap();
                bytes.extend_from_slice(&data);
            }
            Err(error) => return (bytes, error.reason()),
        }
    }
    (bytes, None)
}

pub fn random(len: usize, seed: usize) -> Vec<u8> {
    let mut state = seed as u64 + 1;
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..len).map(|_| byte()).collect()
}
