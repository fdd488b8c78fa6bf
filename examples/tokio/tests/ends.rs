//! How connections end: closed by either side, failed, timed out, broken; and what a slow peer can cost.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;
use std::{io, mem};

use tokio::io::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex,
};
use tokio::join;
use tokio::time::{Instant, timeout};
use tokio_driver::{Error, Sender, WebSocketStream};
use websocket_proto::{
    Accept, ClientRequest, CloseCode, Config, Event, Failure, HandshakeError, Negotiated,
    ProtocolError, Timeout, UsageError, WebSocket,
};

type Stream = WebSocketStream<DuplexStream>;

/// A server over one end of a transport; its opening handshake was done by somebody else.
fn server(config: Config) -> (Stream, DuplexStream) {
    let (socket, peer) = duplex(1024);
    let ws = WebSocket::open(Negotiated::server(), config);
    (WebSocketStream::new(socket, ws, Vec::new(), Vec::new()), peer)
}

fn pair() -> (Stream, Stream) {
    let (server, socket) = server(Config::default());
    let ws = WebSocket::open(Negotiated::client([7; 32]), Config::default());
    (WebSocketStream::new(socket, ws, Vec::new(), Vec::new()), server)
}

fn failure(told: Option<Result<Event<'static>, Error>>) -> Failure {
    *told.unwrap().unwrap_err().downcast::<Failure>().unwrap()
}

#[tokio::test(start_paused = true)]
async fn either_side_closes() {
    for client_closes in [true, false] {
        let (client, server) = pair();
        let (mut first, mut second) =
            if client_closes { (client, server) } else { (server, client) };
        let close = async {
            first.send(|ws, out| ws.close(CloseCode::NORMAL, "done", out)).await.unwrap();
            assert!(matches!(first.next().await, Some(Ok(Event::Close(_)))));
            assert!(first.next().await.is_none());
            let refused = first.send(|ws, out| ws.send_text("late", out)).await.unwrap_err();
            assert_eq!(*refused.downcast::<UsageError>().unwrap(), UsageError::Closed);
            drop(first);
        };
        let answer = async {
            let Some(Ok(Event::Close(close))) = second.next().await else { panic!("no Close") };
            assert_eq!((close.code(), close.reason()), (CloseCode::NORMAL, "done"));
            assert!(second.next().await.is_none());
            drop(second);
        };
        let start = Instant::now();
        join!(close, answer);
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_breaks_the_protocol_is_told_why() {
    let (mut ws, mut peer) = server(Config::default());
    // Not masked; and more than is read at once.
    peer.write_all(&[0x81, 0x01, b'a']).await.unwrap();
    let read = async {
        peer.write_all(&[0; 20_000]).await.unwrap();
        let mut bytes = Vec::new();
        peer.read_to_end(&mut bytes).await.unwrap();
        drop(peer);
        bytes
    };
    let (told, bytes) = join!(ws.next(), read);
    assert_eq!(failure(told), Failure::Protocol(ProtocolError::UnmaskedFrame));
    assert_eq!(bytes, [0x88, 0x02, 0x03, 0xEA]);
    assert!(ws.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_says_nothing_times_out() {
    let second = Duration::from_secs(1);
    let config = Config::default().keepalive(30 * second, 5 * second).unwrap();
    let (mut ws, mut peer) = server(config);
    let start = Instant::now();
    let read = async {
        let mut bytes = Vec::new();
        peer.read_to_end(&mut bytes).await.unwrap();
        (bytes, start.elapsed())
    };
    let (told, (bytes, ended)) = join!(ws.next(), read);
    assert_eq!(failure(told), Failure::TimedOut(Timeout::Keepalive));
    assert_eq!(bytes, [0x89, 0x00, 0x88, 0x02, 0x03, 0xF3]);
    assert_eq!(ended, 35 * second);
    // It never ends its side, and is waited for no longer.
    assert_eq!(start.elapsed(), 45 * second);
}

/// Our own backlog keeps the peer from answering a Ping, and that is not its fault.
#[tokio::test(start_paused = true)]
async fn a_peer_that_is_slow_to_take_a_long_message_does_not_time_out() {
    let second = Duration::from_secs(1);
    let (mut ws, _peer) = server(Config::default().keepalive(30 * second, 5 * second).unwrap());
    ws.send(|ws, out| ws.send_binary(&[0; 70_000], out)).await.unwrap();
    assert!(timeout(600 * second, ws.next()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_ends_early_is_a_failure() {
    let (mut ws, peer) = server(Config::default());
    drop(peer);
    let refused = ws.send(|ws, out| ws.send_text("lost", out)).await.unwrap_err();
    assert_eq!(refused.downcast::<io::Error>().unwrap().kind(), io::ErrorKind::BrokenPipe);
    let told = ws.next().await.unwrap().unwrap_err();
    assert_eq!(told.downcast::<io::Error>().unwrap().kind(), io::ErrorKind::BrokenPipe);
    assert!(ws.next().await.is_none());

    let (mut ws, peer) = server(Config::default());
    drop(peer);
    assert_eq!(failure(ws.next().await), Failure::Eof);
    assert!(!ws.fill().await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn to_send_is_to_wait_for_room() {
    let (mut ws, mut peer) = server(Config::default());
    let second = Duration::from_secs(1);
    // One is being written, and one waits.
    for _ in 0..2 {
        ws.send(|ws, out| ws.send_binary(&[0; 70_000], out)).await.unwrap();
    }
    assert!(timeout(second, ws.send(|ws, out| ws.send_text("no", out))).await.is_err());
    assert!(timeout(second, ws.flush()).await.is_err());
    let mut bytes = vec![0; 2 * 70_010];
    let (read, flushed) = join!(peer.read_exact(&mut bytes), ws.flush());
    flushed.unwrap();
    read.unwrap();
    ws.send(|ws, out| ws.send_text("yes", out)).await.unwrap();
    peer.read_exact(&mut bytes[..5]).await.unwrap();
    assert_eq!(bytes[..5], *b"\x81\x03yes");
}

/// What a peer that never reads may send before it has to wait, when all of it is echoed.
#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_is_not_read_from() {
    let (mut ws, mut peer) = server(Config::default());
    let echo = async {
        let sender = ws.sender();
        while ws.fill().await.unwrap() {
            while let Some(event) = ws.buffered() {
                let Event::Binary(data) = event else { panic!("{event:?}") };
                sender.send_now(|ws, out| ws.send_binary(&data, out)).unwrap();
            }
            ws.ready().await;
        }
    };
    let mut sent = 0;
    let flood = async {
        // A masked frame of 100 bytes, with a key of zeros.
        let mut frame = vec![0x82, 0x80 | 100, 0, 0, 0, 0];
        frame.resize(106, b'a');
        while timeout(Duration::from_secs(60), peer.write_all(&frame)).await.is_ok() {
            sent += frame.len();
        }
    };
    tokio::select! {
        () = echo => panic!("it ended"),
        () = flood => {}
    }
    // Two marks, of what is being written and of what waits for that, and what was read.
    assert!((64 * 1024..3 * 64 * 1024).contains(&sent), "{sent}");
}

/// The echo of what one end sends of its own accord, read in another task.
#[tokio::test(start_paused = true)]
async fn a_backlog_does_not_keep_an_end_from_reading() {
    const MESSAGES: usize = 2000;
    let (mut client, mut server) = pair();
    let sender = client.sender();
    let send = async {
        for _ in 0..MESSAGES {
            sender.send(|ws, out| ws.send_binary(&[0; 1000], out)).await.unwrap();
        }
    };
    let receive = async {
        for _ in 0..MESSAGES {
            client.next().await.unwrap().unwrap();
        }
    };
    let echo = async {
        for _ in 0..MESSAGES {
            let Event::Binary(data) = server.next().await.unwrap().unwrap() else { panic!() };
            server.send(|ws, out| ws.send_binary(&data, out)).await.unwrap();
        }
        server.flush().await.unwrap();
    };
    timeout(Duration::from_secs(60), async { join!(send, receive, echo) }).await.unwrap();
}

/// A transport that takes everything at once, while somebody sends on and on, and has one message to read.
struct Busy {
    sender: Arc<OnceLock<Sender>>,
    input: &'static [u8],
    writes: usize,
}

impl AsyncRead for Busy {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.input.is_empty() {
            return Poll::Pending;
        }
        buf.put_slice(mem::take(&mut self.input));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Busy {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.writes += 1;
        assert!(self.writes < 1000, "nothing is read");
        let sender = self.sender.get().unwrap();
        sender.send_now(|ws, out| ws.send_text("more", out)).unwrap();
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn senders_do_not_keep_the_stream_from_reading() {
    let sender = Arc::new(OnceLock::new());
    let input = &[0x82, 0x80, 0, 0, 0, 0];
    let socket = Busy { sender: sender.clone(), input, writes: 0 };
    let ws = WebSocket::open(Negotiated::server(), Config::default());
    let mut ws = WebSocketStream::new(socket, ws, Vec::new(), Vec::new());
    let _ = sender.set(ws.sender());
    ws.sender().send_now(|ws, out| ws.send_text("first", out)).unwrap();
    assert_eq!(ws.next().await.unwrap().unwrap(), Event::Binary(Vec::new().into()));
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_waits_is_told_that_the_stream_was_dropped() {
    let (mut ws, _peer) = server(Config::default());
    let sender = ws.sender();
    for _ in 0..2 {
        sender.send_now(|ws, out| ws.send_binary(&[0; 70_000], out)).unwrap();
        assert!(timeout(Duration::from_secs(1), ws.next()).await.is_err());
    }
    let send = sender.send(|ws, out| ws.send_text("late", out));
    let (result, ()) = join!(send, async { drop(ws) });
    assert_eq!(result, Err(UsageError::Closed));
}

#[tokio::test(start_paused = true)]
async fn a_request_is_rejected() {
    let (socket, peer) = duplex(1024);
    let accept = WebSocketStream::accept(socket, Config::default(), |request, out| {
        assert_eq!(request.path(), "/nowhere");
        request.reject(404, &[], b"nothing here", out).map(|()| None)
    });
    let request = ClientRequest::new("ws://localhost/nowhere").unwrap();
    let connect = WebSocketStream::connect(peer, request, [7; 32], Config::default());
    let (accepted, connected) = join!(accept, connect);
    assert_eq!(accepted.err().unwrap().to_string(), "the request was rejected");
    let refused = connected.err().unwrap().downcast::<UsageError>().unwrap();
    assert_eq!(*refused, UsageError::NotAnUpgrade(HandshakeError::UnexpectedStatus(404)));
}

/// The refusal is what is told, whether the peer goes before it was written or keeps the connection open behind it.
#[tokio::test(start_paused = true)]
async fn a_peer_that_is_rejected_is_told_as_rejected() {
    for stays in [true, false] {
        let (socket, mut peer) = duplex(64);
        let accept = WebSocketStream::accept(socket, Config::default(), |request, out| {
            request.reject(404, &[], b"nothing here", out).map(|()| None)
        });
        peer.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        let peer = stays.then_some(peer);
        assert_eq!(accept.await.err().unwrap().to_string(), "the request was rejected");
        drop(peer);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_request_is_answered() {
    let (socket, mut peer) = duplex(1024);
    let accept = WebSocketStream::accept(socket, Config::default(), |request, out| {
        request.accept(Accept::new(), out).map(Some)
    });
    let read = async {
        peer.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        peer.read_to_string(&mut answer).await.unwrap();
        drop(peer);
        answer
    };
    let (accepted, answer) = join!(accept, read);
    let refused = accepted.err().unwrap().downcast::<HandshakeError>().unwrap();
    assert_eq!(*refused, HandshakeError::NoUpgrade);
    assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn an_opening_handshake_takes_no_longer_than_it_may() {
    let (socket, _peer) = duplex(1024);
    let start = Instant::now();
    let accept = WebSocketStream::accept(socket, Config::default(), |request, out| {
        request.accept(Accept::new(), out).map(Some)
    });
    let error = accept.await.err().unwrap().downcast::<Failure>().unwrap();
    assert_eq!(*error, Failure::TimedOut(Timeout::Opening));
    assert_eq!(start.elapsed(), Duration::from_secs(10));
}
