//! Sessions over loopback sockets, by reads that are submitted once and by such that are submitted anew. Where the kernel
//! refuses a ring they are skipped, and say so.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use blocking_driver::WebSocketStream;
use io_uring_driver::{Error, Server, Service};
use websocket_proto::{
    Accept, ClientRequest, CloseCode, Config, Event, Failure, HandshakeError, Negotiated,
    ProtocolError, Request, Timeout, UsageError, WebSocket,
};

struct Echo(Sender<Result<(), Error>>);

impl Service for Echo {
    fn accept<'r>(
        &mut self,
        request: &mut Request<'r>,
        out: &mut Vec<u8>,
    ) -> Result<Option<Negotiated<'r>>, UsageError> {
        if request.path() != "/" {
            return request.reject(404, &[], b"nothing here", out).map(|()| None);
        }
        request.accept(Accept::new(), out).map(Some)
    }

    fn handle(&mut self, ws: &mut WebSocket, event: Event<'_>, out: &mut Vec<u8>) {
        let _ = match event {
            Event::Text(text) => ws.send_text(&text, out),
            Event::Binary(data) => ws.send_binary(&data, out),
            Event::Ping(_) | Event::Pong(_) | Event::Close(_) => Ok(()),
        };
    }

    fn ended(&mut self, result: Result<(), Error>) {
        let _ = self.0.send(result);
    }
}

/// Serves in a thread that lasts as long as the test; tells how connections ended.
fn serve(config: Config, is_multishot: bool) -> Option<(SocketAddr, Receiver<Result<(), Error>>)> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (ended, told) = channel();
    let (ready, result) = channel();
    thread::spawn(move || match Server::new(listener, config, Echo(ended), is_multishot) {
        Ok(server) => {
            ready.send(None).unwrap();
            panic!("{}", server.run());
        }
        Err(error) => ready.send(Some(error)).unwrap(),
    });
    match result.recv().unwrap() {
        None => Some((address, told)),
        Some(error) => {
            let refusals = [ErrorKind::PermissionDenied, ErrorKind::Unsupported];
            assert!(refusals.contains(&error.kind()), "{error}");
            eprintln!("SKIPPED: the kernel refuses io_uring: {error}");
            None
        }
    }
}

fn connect(address: SocketAddr, url: &str) -> Result<WebSocketStream, blocking_driver::Error> {
    let socket = TcpStream::connect(address).unwrap();
    let request = ClientRequest::new(url).unwrap();
    WebSocketStream::connect(socket, request, [7; 32], Config::default())
}

/// A client that has done its opening handshake, and knows nothing more of WebSocket.
fn raw_client(address: SocketAddr) -> TcpStream {
    let mut socket = TcpStream::connect(address).unwrap();
    socket
        .write_all(
            b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
              Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        )
        .unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "));
    socket
}

fn failure(told: Result<(), Error>) -> Failure {
    *told.unwrap_err().downcast::<Failure>().unwrap()
}

fn payload(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 7 % 251) as u8).collect()
}

/// More connections than there is room for in the ring's queue, with more bytes than its buffers hold.
#[test]
fn many_connections_are_echoed() {
    const SIZES: [usize; 7] = [0, 1, 125, 126, 16_384, 65_536, 300_000];
    for is_multishot in [true, false] {
        let Some((address, told)) = serve(Config::default(), is_multishot) else { return };
        let clients: Vec<_> = (0..40)
            .map(|_| {
                thread::spawn(move || {
                    let mut stream = connect(address, "ws://localhost/").unwrap();
                    let (sender, mut received) = (stream.sender(), 0);
                    let sending = sender.clone();
                    let send = thread::spawn(move || {
                        for size in SIZES {
                            sending.send(|ws, out| ws.send_binary(&payload(size), out)).unwrap();
                        }
                    });
                    while stream.fill().unwrap() {
                        while let Some(event) = stream.buffered() {
                            let Event::Binary(data) = event else { continue };
                            assert!(*data == payload(SIZES[received]), "message {received}");
                            received += 1;
                            if received == SIZES.len() {
                                sender
                                    .answer(|ws, out| ws.close(CloseCode::NORMAL, "", out))
                                    .unwrap();
                            }
                        }
                    }
                    send.join().unwrap();
                    assert_eq!(received, SIZES.len());
                })
            })
            .collect();
        for client in clients {
            client.join().unwrap();
            told.recv().unwrap().unwrap();
        }
    }
}

#[test]
fn a_peer_that_breaks_the_protocol_is_told_why() {
    let Some((address, told)) = serve(Config::default(), true) else { return };
    let mut peer = raw_client(address);
    // Not masked; and more than is read at once.
    peer.write_all(&[0x81, 0x01, b'a']).unwrap();
    peer.write_all(&[0; 100_000]).unwrap();
    let mut bytes = Vec::new();
    peer.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, [0x88, 0x02, 0x03, 0xEA]);
    let failed = failure(told.recv().unwrap());
    assert_eq!(failed, Failure::Protocol(ProtocolError::UnmaskedFrame));
}

#[test]
fn a_transport_that_ends_is_told() {
    let Some((address, told)) = serve(Config::default(), true) else { return };
    drop(raw_client(address));
    assert_eq!(failure(told.recv().unwrap()), Failure::Eof);
}

#[test]
fn a_peer_that_says_nothing_times_out() {
    let (keepalive, pong) = (Duration::from_millis(200), Duration::from_millis(100));
    let config = Config::default().keepalive(keepalive, pong).unwrap();
    let Some((address, told)) = serve(config, true) else { return };
    let mut peer = raw_client(address);
    let mut bytes = Vec::new();
    peer.read_to_end(&mut bytes).unwrap();
    // A Ping, and then a Close frame with 1011.
    assert_eq!((bytes[0], &bytes[bytes.len() - 4..]), (0x89, &[0x88, 0x02, 0x03, 0xF3][..]));
    assert_eq!(failure(told.recv().unwrap()), Failure::TimedOut(Timeout::Keepalive));
}

/// What a peer that never reads may send before it has to wait, when all of it is echoed; the others do not have to. And
/// nothing of it is lost.
#[test]
fn a_peer_that_does_not_read_is_not_read_from() {
    for is_multishot in [true, false] {
        let Some((address, told)) = serve(Config::default(), is_multishot) else { return };
        let mut peer = raw_client(address);
        peer.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
        // A masked frame of 1000 bytes, with a key of zeros.
        let mut frame = vec![0x82, 0x80 | 126, 0x03, 0xE8, 0, 0, 0, 0];
        frame.resize(1008, b'a');
        let mut sent = 0;
        while let Ok(len) = peer.write(&frame[sent % frame.len()..]) {
            sent += len;
            assert!(sent < 100_000_000, "it took everything");
        }
        drop(raw_client(address));
        assert_eq!(failure(told.recv().unwrap()), Failure::Eof);
        let mut reader = peer.try_clone().unwrap();
        let read = thread::spawn(move || {
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes).unwrap();
            bytes
        });
        peer.set_write_timeout(None).unwrap();
        peer.write_all(&frame[sent % frame.len()..]).unwrap();
        peer.write_all(&[0x88, 0x80, 0, 0, 0, 0]).unwrap();
        let bytes = read.join().unwrap();
        assert_eq!(bytes.len(), (sent / frame.len() + 1) * (frame.len() - 4) + 2);
        drop(peer);
        told.recv().unwrap().unwrap();
    }
}

/// The end of a stream does not overtake what came before it.
#[test]
fn what_came_before_the_end_is_answered() {
    for is_multishot in [true, false] {
        let Some((address, told)) = serve(Config::default(), is_multishot) else { return };
        let mut peer = raw_client(address);
        // A masked frame of 1000 bytes, with a key of zeros.
        let mut frame = vec![0x82, 0x80 | 126, 0x03, 0xE8, 0, 0, 0, 0];
        frame.resize(1008, b'a');
        peer.write_all(&frame.repeat(2000)).unwrap();
        peer.shutdown(Shutdown::Write).unwrap();
        let mut bytes = Vec::new();
        peer.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes.len(), 2000 * 1004);
        assert_eq!(failure(told.recv().unwrap()), Failure::Eof);
    }
}

#[test]
fn a_request_is_rejected() {
    let Some((address, told)) = serve(Config::default(), true) else { return };
    let error = connect(address, "ws://localhost/nowhere").err().unwrap();
    let refused = *error.downcast::<UsageError>().unwrap();
    assert_eq!(refused, UsageError::NotAnUpgrade(HandshakeError::UnexpectedStatus(404)));
    assert_eq!(told.recv().unwrap().unwrap_err().to_string(), "the request was rejected");
}
