//! How connections end over a socket of the operating system.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use async_io::Async;
use futures_io_driver::{Error, WebSocketStream};
use futures_lite::future::block_on;
use websocket_proto::{Config, Event, Failure, Negotiated, ProtocolError, Timeout, WebSocket};

fn sockets() -> (async_net::TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (Async::new(listener.accept().unwrap().0).unwrap().into(), peer)
}

/// A server whose opening handshake was done by somebody else, and its peer.
fn server(config: Config) -> (WebSocketStream<async_net::TcpStream>, TcpStream) {
    let (socket, peer) = sockets();
    let ws = WebSocket::open(Negotiated::server(), config);
    (WebSocketStream::new(socket, ws, Vec::new(), Vec::new()), peer)
}

fn failure(told: Option<Result<Event<'static>, Error>>) -> Failure {
    *told.unwrap().unwrap_err().downcast::<Failure>().unwrap()
}

#[test]
fn a_peer_that_breaks_the_protocol_is_told_why() {
    let (mut ws, mut peer) = server(Config::default());
    let start = Instant::now();
    let reader = thread::spawn(move || {
        // Not masked; and more than is read at once.
        peer.write_all(&[0x81, 0x01, b'a']).unwrap();
        peer.write_all(&[0; 20_000]).unwrap();
        let mut bytes = Vec::new();
        peer.read_to_end(&mut bytes).unwrap();
        bytes
    });
    let told = block_on(ws.next());
    assert_eq!(failure(told), Failure::Protocol(ProtocolError::UnmaskedFrame));
    assert_eq!(reader.join().unwrap(), [0x88, 0x02, 0x03, 0xEA]);
    assert!(block_on(ws.next()).is_none());
    // The peer heard the end, and nobody had to wait for that.
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_peer_that_says_nothing_times_out() {
    let config = Config::default().idle_timeout(Duration::from_millis(50)).unwrap();
    let (mut ws, mut peer) = server(config);
    let reader = thread::spawn(move || {
        let mut bytes = Vec::new();
        peer.read_to_end(&mut bytes).unwrap();
        bytes
    });
    assert_eq!(failure(block_on(ws.next())), Failure::TimedOut(Timeout::Idle));
    assert_eq!(reader.join().unwrap(), [0x88, 0x02, 0x03, 0xF3]);
}

/// The refusal is what is told, whatever becomes of the socket behind it.
#[test]
fn a_peer_that_is_rejected_and_resets_is_told_as_rejected() {
    let (socket, mut peer) = sockets();
    let accept = WebSocketStream::accept(socket, Config::default(), |request, out| {
        request.reject(404, &[], b"nothing here", out).map(|()| None)
    });
    peer.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let peer = thread::spawn(move || {
        // The answer has come and is unread: this is a reset.
        peer.peek(&mut [0]).unwrap();
    });
    assert_eq!(block_on(accept).err().unwrap().to_string(), "the request was rejected");
    peer.join().unwrap();
}
