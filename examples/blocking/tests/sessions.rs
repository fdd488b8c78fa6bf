//! Sessions over loopback sockets: both directions at once, long messages beside short ones, slow peers, and how
//! connections end.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use blocking_driver::{Error, WebSocketStream};
use websocket_proto::{
    Accept, ClientRequest, CloseCode, Config, Event, Failure, HandshakeError, Negotiated,
    ProtocolError, Timeout, UsageError, WebSocket,
};

fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (listener.accept().unwrap().0, socket)
}

fn stream(socket: TcpStream, negotiated: Negotiated<'_>, config: Config) -> WebSocketStream {
    let ws = WebSocket::open(negotiated, config);
    WebSocketStream::new(socket, ws, Vec::new(), Vec::new()).unwrap()
}

/// A server whose opening handshake was done by somebody else, and its peer's socket.
fn server(config: Config) -> (WebSocketStream, TcpStream) {
    let (socket, peer) = sockets();
    (stream(socket, Negotiated::server(), config), peer)
}

fn pair() -> (WebSocketStream, WebSocketStream) {
    let (server, peer) = server(Config::default());
    (stream(peer, Negotiated::client([7; 32]), Config::default()), server)
}

fn accept(socket: TcpStream) -> Result<WebSocketStream, Error> {
    WebSocketStream::accept(socket, Config::default(), |request, out| {
        if request.path() != "/" {
            return request.reject(404, &[], b"nothing here", out).map(|()| None);
        }
        request.accept(Accept::new(), out).map(Some)
    })
}

/// Hands out messages, and returns the code of the Close frame.
fn receive(
    stream: &mut WebSocketStream,
    mut handle: impl FnMut(&[u8]),
) -> Result<Option<CloseCode>, Error> {
    let mut close = None;
    while stream.fill()? {
        while let Some(event) = stream.buffered() {
            match event {
                Event::Binary(data) => handle(&data),
                Event::Text(text) => handle(text.as_bytes()),
                Event::Ping(_) | Event::Pong(_) => {}
                Event::Close(frame) => close = Some(frame.code()),
            }
        }
    }
    Ok(close)
}

fn failure(told: Result<Option<CloseCode>, Error>) -> Failure {
    *told.unwrap_err().downcast::<Failure>().unwrap()
}

fn payload(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 7 % 251) as u8).collect()
}

fn server_echo(mut stream: WebSocketStream) -> Result<Option<CloseCode>, Error> {
    let sender = stream.sender();
    receive(&mut stream, |data| {
        let _ = sender.answer(|ws, out| ws.send_binary(data, out));
    })
}

/// More than sockets hold goes both ways at once, from several threads; so none of them may wait for another.
#[test]
fn both_directions_at_once() {
    let (server_socket, client_socket) = sockets();
    let served = thread::spawn(|| server_echo(accept(server_socket).unwrap()));
    let request = ClientRequest::new("ws://localhost/").unwrap();
    let mut client =
        WebSocketStream::connect(client_socket, request, [7; 32], Config::default()).unwrap();
    let threads: Vec<_> = (0..4)
        .map(|n| {
            let sender = client.sender();
            thread::spawn(move || {
                for i in 0..100 {
                    let mut data = payload(i * 1000);
                    data.insert(0, n);
                    if i % 10 == 9 {
                        data.resize(1_000_000, n);
                        sender.send_long(data, WebSocket::start_binary).unwrap();
                    } else {
                        sender.send(|ws, out| ws.send_binary(&data, out)).unwrap();
                    }
                }
            })
        })
        .collect();
    let (mut next, mut count, sender) = ([0; 4], 0, client.sender());
    let close = receive(&mut client, |data| {
        let n = data[0];
        let i = next[usize::from(n)];
        let mut expected = payload(i * 1000);
        expected.insert(0, n);
        if i % 10 == 9 {
            expected.resize(1_000_000, n);
        }
        assert!(*data == expected, "message {i} of thread {n}");
        next[usize::from(n)] += 1;
        count += 1;
        if count == 400 {
            sender.answer(|ws, out| ws.close(CloseCode::NORMAL, "", out)).unwrap();
        }
    });
    assert_eq!((close.unwrap(), count), (Some(CloseCode::NORMAL), 400));
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(served.join().unwrap().unwrap(), Some(CloseCode::NORMAL));
    let late = sender.answer(|ws, out| ws.send_text("late", out));
    assert_eq!(late, Err(UsageError::Closed));
}

#[test]
fn either_side_closes() {
    for client_closes in [true, false] {
        let (client, server) = pair();
        let (mut first, mut second) =
            if client_closes { (client, server) } else { (server, client) };
        let start = Instant::now();
        first.sender().send(|ws, out| ws.close(CloseCode::GOING_AWAY, "", out)).unwrap();
        let second = thread::spawn(move || receive(&mut second, |_| {}).unwrap());
        assert_eq!(receive(&mut first, |_| {}).unwrap(), Some(CloseCode::GOING_AWAY));
        assert_eq!(second.join().unwrap(), Some(CloseCode::GOING_AWAY));
        assert!(!first.fill().unwrap());
        assert!(start.elapsed() < Duration::from_secs(5), "somebody waited for a timeout");
    }
}

#[test]
fn a_peer_that_breaks_the_protocol_is_told_why() {
    let (mut stream, mut peer) = server(Config::default());
    let told = thread::spawn(move || failure(receive(&mut stream, |_| {})));
    // Not masked; and more than is read at once.
    peer.write_all(&[0x81, 0x01, b'a']).unwrap();
    peer.write_all(&[0; 100_000]).unwrap();
    let mut bytes = Vec::new();
    peer.read_to_end(&mut bytes).unwrap();
    drop(peer);
    assert_eq!(bytes, [0x88, 0x02, 0x03, 0xEA]);
    assert_eq!(told.join().unwrap(), Failure::Protocol(ProtocolError::UnmaskedFrame));
}

/// The thread that reads is in the middle of it.
#[test]
fn a_peer_that_says_nothing_times_out() {
    let (keepalive, pong) = (Duration::from_millis(200), Duration::from_millis(100));
    let config = Config::default().keepalive(keepalive, pong).unwrap();
    let start = Instant::now();
    let (mut stream, mut peer) = server(config);
    let told = thread::spawn(move || failure(receive(&mut stream, |_| {})));
    let mut bytes = Vec::new();
    peer.read_to_end(&mut bytes).unwrap();
    assert!(start.elapsed() >= keepalive + pong);
    drop(peer);
    // A Ping, and then a Close frame with 1011.
    assert_eq!((bytes[0], &bytes[bytes.len() - 4..]), (0x89, &[0x88, 0x02, 0x03, 0xF3][..]));
    assert_eq!(told.join().unwrap(), Failure::TimedOut(Timeout::Keepalive));
}

/// Our own backlog keeps the peer from answering a Ping, and that is not its fault.
#[test]
fn a_peer_that_is_slow_to_take_a_long_message_does_not_time_out() {
    let (keepalive, pong) = (Duration::from_millis(200), Duration::from_millis(100));
    let (mut server, peer) = server(Config::default().keepalive(keepalive, pong).unwrap());
    let sender = server.sender();
    let long =
        thread::spawn(move || sender.send_long(vec![0; 15_000_000], WebSocket::start_binary));
    let served = thread::spawn(move || receive(&mut server, |_| {}));
    let mut client = stream(peer, Negotiated::client([7; 32]), Config::default());
    thread::sleep(Duration::from_secs(1));
    let sender = client.sender();
    let close = receive(&mut client, |data| {
        assert_eq!(data.len(), 15_000_000);
        sender.answer(|ws, out| ws.close(CloseCode::NORMAL, "", out)).unwrap();
    });
    assert_eq!(close.unwrap(), Some(CloseCode::NORMAL));
    assert_eq!(served.join().unwrap().unwrap(), Some(CloseCode::NORMAL));
    long.join().unwrap().unwrap();
}

/// Timers run while a write blocks, and a peer that neither reads nor writes is let go of in the end.
#[test]
fn a_peer_that_never_reads_is_let_go_of() {
    let config = Config::default().idle_timeout(Duration::from_secs(1)).unwrap();
    let (mut stream, peer) = server(config);
    let start = Instant::now();
    let sender = stream.sender();
    let sent = thread::spawn(move || {
        sender.send_long(vec![0; 50_000_000], WebSocket::start_binary).unwrap_err()
    });
    assert_eq!(failure(receive(&mut stream, |_| {})), Failure::TimedOut(Timeout::Idle));
    assert!((Duration::from_secs(1)..Duration::from_secs(30)).contains(&start.elapsed()));
    sent.join().unwrap();
    drop(peer);
}

#[test]
fn a_transport_that_ends_is_told() {
    let (mut stream, peer) = server(Config::default());
    peer.shutdown(Shutdown::Write).unwrap();
    assert_eq!(failure(receive(&mut stream, |_| {})), Failure::Eof);
    assert!(!stream.fill().unwrap());
}

/// What a peer that never reads may send before it has to wait, when all of it is echoed; and that to send is to wait for
/// room.
#[test]
fn a_peer_that_does_not_read_is_not_read_from() {
    let (stream, mut peer) = server(Config::default());
    let sender = stream.sender();
    thread::spawn(|| server_echo(stream));
    peer.set_write_timeout(Some(Duration::from_secs(2))).unwrap();
    // A masked frame of 1000 bytes, with a key of zeros.
    let mut frame = vec![0x82, 0x80 | 126, 0x03, 0xE8, 0, 0, 0, 0];
    frame.resize(1008, b'a');
    let mut sent = 0;
    while let Ok(len) = peer.write(&frame[sent % frame.len()..]) {
        sent += len;
        assert!(sent < 100_000_000, "it took everything");
    }
    // The writer may have taken all that there was before it was stuck.
    sender.answer(|ws, out| ws.send_binary(&[0; 70_000], out)).unwrap();
    let (done, waits) = mpsc::channel();
    thread::spawn(move || {
        sender.send(|ws, out| ws.send_text("at last", out)).unwrap();
        done.send(()).unwrap();
    });
    assert!(waits.recv_timeout(Duration::from_millis(500)).is_err());
    let mut bytes = [0; 64 * 1024];
    while waits.try_recv().is_err() {
        assert!(peer.read(&mut bytes).unwrap() > 0);
    }
}

#[test]
fn a_sender_outlives_the_stream() {
    let (stream, mut peer) = server(Config::default());
    let sender = stream.sender();
    let long = thread::spawn(move || {
        let error = sender.send_long(vec![0; 50_000_000], WebSocket::start_binary).unwrap_err();
        (error, sender.send(|ws, out| ws.send_text("late", out)))
    });
    // It is at it, and nobody reads on.
    peer.read_exact(&mut [0; 14]).unwrap();
    drop(stream);
    let (error, late) = long.join().unwrap();
    assert!(error.is::<std::io::Error>(), "{error}");
    assert_eq!(late, Err(UsageError::Closed));
}

#[test]
fn a_request_is_rejected() {
    let (server, client) = sockets();
    let served = thread::spawn(|| accept(server).err().unwrap().to_string());
    let request = ClientRequest::new("ws://localhost/nowhere").unwrap();
    let error =
        WebSocketStream::connect(client, request, [7; 32], Config::default()).err().unwrap();
    let refused = *error.downcast::<UsageError>().unwrap();
    assert_eq!(refused, UsageError::NotAnUpgrade(HandshakeError::UnexpectedStatus(404)));
    assert_eq!(served.join().unwrap(), "the request was rejected");
}

/// The refusal is what is told, whatever becomes of the socket behind it.
#[test]
fn a_peer_that_is_rejected_and_resets_is_told_as_rejected() {
    let (server, mut client) = sockets();
    let served = thread::spawn(|| accept(server).err().unwrap().to_string());
    client.write_all(b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    // The answer has come and is unread: this is a reset.
    client.peek(&mut [0]).unwrap();
    drop(client);
    assert_eq!(served.join().unwrap(), "the request was rejected");
}

/// A closing timeout that begins with what is read, while the writer has nothing to wait for.
#[test]
fn a_close_that_nobody_answers_times_out() {
    let config = Config::default().answer_close(false).closing_timeout(Duration::from_millis(200));
    let (mut stream, mut peer) = server(config);
    let (told, end) = mpsc::channel();
    thread::spawn(move || told.send(failure(receive(&mut stream, |_| {}))));
    peer.write_all(&[0x88, 0x80, 0, 0, 0, 0]).unwrap();
    let mut bytes = Vec::new();
    peer.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    peer.read_to_end(&mut bytes).unwrap();
    drop(peer);
    assert_eq!(end.recv_timeout(Duration::from_secs(5)), Ok(Failure::TimedOut(Timeout::Closing)));
    assert_eq!(bytes, [0x88, 0x02, 0x03, 0xF3]);
}

/// Of a message that another thread was writing; this one waits for room meanwhile, so that nobody reads.
#[test]
fn nobody_waits_for_room_when_the_transport_is_broken() {
    for _ in 0..8 {
        let (stream, mut peer) = server(Config::default());
        let sender = stream.sender();
        let long = thread::spawn(move || {
            sender.send_long(vec![0; 15_000_000], WebSocket::start_binary).unwrap_err();
        });
        // It is at it.
        peer.read_exact(&mut [0; 14]).unwrap();
        let sender = stream.sender();
        let (done, waits) = mpsc::channel();
        thread::spawn(move || {
            sender.send(|ws, out| ws.send_binary(&[0; 100_000], out)).unwrap();
            sender.send(|ws, out| ws.send_text("for room", out)).unwrap();
            done.send(()).unwrap();
        });
        assert!(waits.recv_timeout(Duration::from_millis(50)).is_err());
        drop(peer);
        waits.recv_timeout(Duration::from_secs(5)).unwrap();
        long.join().unwrap();
        drop(stream);
    }
}
