//! How WebSockets over HTTP/2 begin and end, and that one does not touch the others.

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::{ask, connect, echo, raw_client, read, serve, soon};
use h2::Reason;
use h2::server::SendResponse;
use h2_driver::{Error, WebSocketStream};
use http::{Request, Response};
use tokio::io::{DuplexStream, duplex};
use tokio::time::{Instant, sleep, timeout};
use websocket_proto::{
    ClientRequest, CloseCode, Config, DeflateConfig, Event, Failure, HandshakeError, ProtocolError,
    Timeout,
};

const VERSION: (&str, &str) = ("sec-websocket-version", "13");
/// A text message "Hello", masked (RFC 6455 §5.7).
const HELLO: &[u8] = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
/// How long the driver waits for the peer's end.
const PATIENCE: Duration = Duration::from_secs(10);

fn failure(error: Error) -> Failure {
    *error.downcast::<Failure>().unwrap()
}

fn reset(error: Error) -> Option<Reason> {
    error.downcast::<h2::Error>().unwrap().reason()
}

/// A server of which `h2` is all, and what it does with its first request.
fn raw_server<F>(
    answer: impl FnOnce(Request<h2::RecvStream>, SendResponse<Bytes>) -> F + Send + 'static,
) -> DuplexStream
where
    F: Future<Output = ()> + Send + 'static,
{
    let (io, socket) = duplex(4096);
    tokio::spawn(async move {
        let mut builder = h2::server::Builder::new();
        let mut connection = builder.enable_connect_protocol().handshake(socket).await.unwrap();
        let (request, respond) = connection.accept().await.unwrap().unwrap();
        tokio::spawn(answer(request, respond));
        while connection.accept().await.is_some() {}
    });
    io
}

#[tokio::test(start_paused = true)]
async fn client_closes() {
    let (io, mut results) = serve(h2_driver::server(), echo);
    let requests = h2_driver::client(io).await.unwrap();
    let mut ws = connect(&requests, "/echo").await.unwrap();
    let start = Instant::now();
    ws.send(|ws, out| ws.close(CloseCode::NORMAL, "done", out)).await.unwrap();
    assert!(
        matches!(soon(ws.next()).await, Some(Ok(Event::Close(close))) if close.code() == CloseCode::NORMAL)
    );
    assert!(soon(ws.next()).await.is_none());
    assert!(soon(ws.next()).await.is_none());
    soon(results.recv()).await.unwrap().unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
}

/// The server's END_STREAM comes when both Close frames have crossed; neither side resets.
#[tokio::test(start_paused = true)]
async fn server_ends_the_stream_behind_its_close() {
    let (io, mut results) = serve(h2_driver::server(), echo);
    let mut requests = raw_client(io, &h2::client::Builder::new()).await;
    let (response, mut sender) = ask(&mut requests, "websocket", &[VERSION]).await;
    assert_eq!(response.status(), 200);
    assert!(response.headers().is_empty());
    let frames = [HELLO, b"\x88\x82\0\0\0\0\x03\xe8"].concat();
    sender.send_data(frames.into(), false).unwrap();
    let echoed = (b"\x81\x05Hello\x88\x02\x03\xe8".to_vec(), None);
    assert_eq!(read(&mut response.into_body()).await, echoed);
    let start = Instant::now();
    sender.send_data(Bytes::new(), true).unwrap();
    soon(results.recv()).await.unwrap().unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
}

/// While another goes on. The Close is read before the stream is reset, which it is when the peer does not end it.
#[tokio::test(start_paused = true)]
async fn server_fails_one_stream() {
    let (io, mut results) = serve(h2_driver::server(), echo);
    let mut requests = raw_client(io, &h2::client::Builder::new()).await;
    let mut other = connect(&requests, "/echo").await.unwrap();
    let mut echoes = async |text: &str| {
        other.send(|ws, out| ws.send_text(text, out)).await.unwrap();
        assert!(
            matches!(soon(other.next()).await, Some(Ok(Event::Text(echoed))) if echoed == text)
        );
    };
    for peer_ends in [true, false] {
        echoes("before").await;
        let (response, mut sender) = ask(&mut requests, "websocket", &[VERSION]).await;
        sender.send_data(b"\x81\x05Hello"[..].into(), false).unwrap(); // not masked
        let close = (b"\x88\x02\x03\xea".to_vec(), None);
        assert_eq!(read(&mut response.into_body()).await, close);
        let start = Instant::now();
        echoes("meanwhile").await;
        if peer_ends {
            sender.send_data(Bytes::new(), true).unwrap();
        }
        let error = soon(results.recv()).await.unwrap().unwrap_err();
        assert_eq!(failure(error), Failure::Protocol(ProtocolError::UnmaskedFrame));
        if peer_ends {
            assert_eq!(start.elapsed(), Duration::ZERO);
        } else {
            let reason = std::future::poll_fn(|cx| sender.poll_reset(cx)).await.unwrap();
            assert_eq!((reason, start.elapsed()), (Reason::CANCEL, PATIENCE));
        }
        echoes("after").await;
    }
}

#[tokio::test(start_paused = true)]
async fn client_fails_one_stream() {
    let io = raw_server(async |request, mut respond| {
        let mut sender = respond.send_response(Response::new(()), false).unwrap();
        sender.send_data(HELLO.into(), false).unwrap(); // masked
        let (bytes, reason) = read(&mut request.into_body()).await;
        assert_eq!((bytes.len(), reason), (8, None));
        assert_eq!(bytes[..2], *b"\x88\x82");
        let reason = std::future::poll_fn(|cx| sender.poll_reset(cx)).await.unwrap();
        assert_eq!(reason, Reason::CANCEL);
    });
    let requests = h2_driver::client(io).await.unwrap();
    let mut ws = connect(&requests, "/echo").await.unwrap();
    let start = Instant::now();
    let error = soon(ws.next()).await.unwrap().unwrap_err();
    assert_eq!(failure(error), Failure::Protocol(ProtocolError::MaskedFrame));
    assert_eq!(start.elapsed(), PATIENCE);
    assert!(soon(ws.next()).await.is_none());
}

/// Without a Close.
#[tokio::test(start_paused = true)]
async fn peer_ends_the_stream() {
    let (io, mut results) = serve(h2_driver::server(), echo);
    let mut requests = raw_client(io, &h2::client::Builder::new()).await;
    let (response, mut sender) = ask(&mut requests, "websocket", &[VERSION]).await;
    sender.send_data(HELLO.into(), true).unwrap();
    let echoed = (b"\x81\x05Hello".to_vec(), None);
    assert_eq!(read(&mut response.into_body()).await, echoed);
    assert_eq!(failure(soon(results.recv()).await.unwrap().unwrap_err()), Failure::Eof);
}

#[tokio::test(start_paused = true)]
async fn peer_resets_the_stream() {
    let (io, mut results) = serve(h2_driver::server(), echo);
    let mut requests = raw_client(io, &h2::client::Builder::new()).await;
    let mut other = connect(&requests, "/echo").await.unwrap();
    let (_response, mut sender) = ask(&mut requests, "websocket", &[VERSION]).await;
    sender.send_reset(Reason::CANCEL);
    assert_eq!(reset(soon(results.recv()).await.unwrap().unwrap_err()), Some(Reason::CANCEL));
    // To let go of a stream that is open cancels it.
    other.send(|ws, out| ws.send_text("still", out)).await.unwrap();
    assert!(matches!(soon(other.next()).await, Some(Ok(Event::Text(text))) if text == "still"));
    drop(other);
    assert_eq!(reset(soon(results.recv()).await.unwrap().unwrap_err()), Some(Reason::CANCEL));
}

/// What is open goes on, and no more can be opened.
#[tokio::test(start_paused = true)]
async fn server_goes_away() {
    let (io, socket) = duplex(4096);
    tokio::spawn(async move {
        let mut connection = h2_driver::server().handshake(socket).await.unwrap();
        let (request, respond) = connection.accept().await.unwrap().unwrap();
        let echo = tokio::spawn(echo(request, respond));
        connection.graceful_shutdown();
        assert!(connection.accept().await.is_none());
        echo.await.unwrap().unwrap();
    });
    let requests = h2_driver::client(io).await.unwrap();
    let mut ws = connect(&requests, "/echo").await.unwrap();
    sleep(Duration::from_millis(1)).await;
    let refused = connect(&requests, "/echo").await.err().unwrap();
    assert!(refused.downcast::<h2::Error>().unwrap().is_go_away());
    ws.send(|ws, out| ws.send_text("still", out)).await.unwrap();
    assert!(matches!(soon(ws.next()).await, Some(Ok(Event::Text(text))) if text == "still"));
    ws.send(|ws, out| ws.close(CloseCode::NORMAL, "", out)).await.unwrap();
    assert!(matches!(soon(ws.next()).await, Some(Ok(Event::Close(_)))));
    assert!(soon(ws.next()).await.is_none());
}

/// Every stream is told.
#[tokio::test(start_paused = true)]
async fn server_breaks_the_connection() {
    let (io, socket) = duplex(4096);
    tokio::spawn(async move {
        let mut connection = h2_driver::server().handshake(socket).await.unwrap();
        for _ in 0..2 {
            let (request, respond) = connection.accept().await.unwrap().unwrap();
            tokio::spawn(echo(request, respond));
        }
        let answered = timeout(Duration::from_millis(1), connection.accept()).await;
        assert!(answered.is_err(), "there is no third");
        connection.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
        while connection.accept().await.is_some() {}
    });
    let requests = h2_driver::client(io).await.unwrap();
    let (first, second) = (connect(&requests, "/echo").await, connect(&requests, "/echo").await);
    for mut ws in [first.unwrap(), second.unwrap()] {
        let error = soon(ws.next()).await.unwrap().unwrap_err();
        assert!(
            error.downcast::<h2::Error>().unwrap().is_io(),
            "they had been taken on: GOAWAY is not their end"
        );
        assert!(soon(ws.next()).await.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn server_refuses() {
    let (io, mut results) = serve(h2_driver::server(), echo);
    let mut requests = raw_client(io, &h2::client::Builder::new()).await;
    let old = ("sec-websocket-version", "8");
    for (protocol, field, status, error) in [
        ("connect-udp", VERSION, 501, HandshakeError::UnsupportedProtocol),
        ("websocket", ("origin", "x"), 400, HandshakeError::InvalidVersion),
        ("websocket", old, 400, HandshakeError::UnsupportedVersion),
    ] {
        let (response, _sender) = ask(&mut requests, protocol, &[field]).await;
        assert_eq!(response.status(), status);
        let version = response.headers().get("sec-websocket-version");
        assert_eq!(version.is_some(), error == HandshakeError::UnsupportedVersion);
        let told = soon(results.recv()).await.unwrap().unwrap_err();
        assert_eq!(*told.downcast::<HandshakeError>().unwrap(), error);
    }
}

#[tokio::test(start_paused = true)]
async fn client_is_refused() {
    let io = raw_server(async |_, mut respond| {
        let response = Response::builder().status(501).body(()).unwrap();
        respond.send_response(response, true).unwrap();
    });
    let requests = h2_driver::client(io).await.unwrap();
    let error = connect(&requests, "/echo").await.err().unwrap();
    let error = *error.downcast::<HandshakeError>().unwrap();
    assert_eq!(error, HandshakeError::UnexpectedStatus(501));
}

#[tokio::test(start_paused = true)]
async fn server_takes_no_connect() {
    let (io, _results) = serve(h2::server::Builder::new(), echo);
    let requests = h2_driver::client(io).await.unwrap();
    let error = connect(&requests, "/echo").await.err().unwrap();
    assert_eq!(error.to_string(), "the server takes no WebSockets over HTTP/2");
}

#[tokio::test(start_paused = true)]
async fn server_never_answers() {
    let (io, _socket) = duplex(4096);
    let start = Instant::now();
    let error = h2_driver::client(io).await.err().unwrap();
    assert_eq!(failure(error), Failure::TimedOut(Timeout::Opening));
    assert_eq!(start.elapsed(), PATIENCE);
    let io = raw_server(async |_request, _respond| std::future::pending().await);
    let requests = h2_driver::client(io).await.unwrap();
    let start = Instant::now();
    let error = connect(&requests, "/echo").await.err().unwrap();
    assert_eq!(failure(error), Failure::TimedOut(Timeout::Opening));
    assert_eq!(start.elapsed(), PATIENCE);
}

#[tokio::test(start_paused = true)]
async fn both_agree() {
    let (io, mut results) = serve(h2_driver::server(), echo);
    let requests = h2_driver::client(io).await.unwrap();
    let request = ClientRequest::new("ws://localhost/echo").unwrap();
    let request = request.subprotocols(&["other", "echo"]).deflate(DeflateConfig::default());
    let mut ws =
        WebSocketStream::connect(requests, request, [7; 32], Config::default()).await.unwrap();
    assert_eq!(ws.subprotocol(), Some("echo"));
    let text = "over and over, ".repeat(10_000);
    ws.send(|ws, out| ws.send_text(&text, out)).await.unwrap();
    assert!(matches!(soon(ws.next()).await, Some(Ok(Event::Text(echoed))) if echoed == text));
    ws.send(|ws, out| ws.close(CloseCode::NORMAL, "", out)).await.unwrap();
    while let Some(event) = soon(ws.next()).await {
        event.unwrap();
    }
    soon(results.recv()).await.unwrap().unwrap();
}

/// RFC 7692 §7.2.3.1, on the wire.
#[tokio::test(start_paused = true)]
async fn server_compresses() {
    let (io, _results) = serve(h2_driver::server(), echo);
    let mut requests = raw_client(io, &h2::client::Builder::new()).await;
    let deflate = ("sec-websocket-extensions", "permessage-deflate");
    let chat = ("sec-websocket-protocol", "chat, echo");
    let (response, mut sender) = ask(&mut requests, "websocket", &[VERSION, deflate, chat]).await;
    assert_eq!(response.headers()["sec-websocket-protocol"], "echo");
    let extensions = response.headers()["sec-websocket-extensions"].to_str().unwrap();
    assert!(extensions.starts_with("permessage-deflate"));
    let text = "a".repeat(1000);
    let frame = [b"\x81\xfe\x03\xe8\0\0\0\0", text.as_bytes()].concat();
    sender.send_data(frame.into(), true).unwrap();
    let (bytes, _) = read(&mut response.into_body()).await;
    assert_eq!(bytes[0], 0xc1, "a whole text message with RSV1");
    assert!(bytes.len() < 30);
}

#[tokio::test(start_paused = true)]
async fn timers_run() {
    let (io, mut results) = serve(h2_driver::server(), async |request, respond| {
        let config = Config::default().idle_timeout(Duration::from_secs(30))?;
        let mut ws = WebSocketStream::accept(request, respond, &[], config)?;
        while let Some(event) = soon(ws.next()).await {
            event?;
        }
        Ok(())
    });
    let mut requests = raw_client(io, &h2::client::Builder::new()).await;
    let (response, mut sender) = ask(&mut requests, "websocket", &[VERSION]).await;
    sleep(Duration::from_secs(20)).await;
    sender.send_data(HELLO.into(), false).unwrap();
    let start = Instant::now();
    let close = (b"\x88\x02\x03\xf3".to_vec(), None);
    assert_eq!(read(&mut response.into_body()).await, close);
    assert_eq!(start.elapsed(), Duration::from_secs(30));
    let error = soon(results.recv()).await.unwrap().unwrap_err();
    assert_eq!(failure(error), Failure::TimedOut(Timeout::Idle));
    assert_eq!(start.elapsed(), Duration::from_secs(30) + PATIENCE);
}
