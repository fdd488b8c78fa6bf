//! Sessions over TLS and loopback sockets: echoed, refused, truncated, failed, timed out, and closed by either side.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{CertificateError, ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls::{ServerConfig, ServerConnection};
use tls_driver::{Error, WebSocketStream};
use websocket_proto::{
    Accept, ClientRequest, CloseCode, Config, Event, Failure, HandshakeConfig, HandshakeError,
    ProtocolError, ServerHandshake, Timeout, UsageError,
};

type RawClient = StreamOwned<ClientConnection, TcpStream>;
type RawServer = StreamOwned<ServerConnection, TcpStream>;

/// A server's configuration with a certificate for `localhost`, and that of a client which trusts it.
fn configs() -> (Arc<ServerConfig>, Arc<ClientConfig>) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
    let server = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key);
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    (Arc::new(server.unwrap()), client_config(roots))
}

fn client_config(roots: RootCertStore) -> Arc<ClientConfig> {
    Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
}

/// Runs one end in a thread; gives the other end's socket.
fn peer<T: Send + 'static>(
    run: impl FnOnce(TcpStream) -> T + Send + 'static,
) -> (TcpStream, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let thread = thread::spawn(move || run(listener.accept().unwrap().0));
    (socket, thread)
}

fn accept(
    socket: TcpStream,
    tls: Arc<ServerConfig>,
    config: Config,
) -> Result<WebSocketStream<ServerConnection>, Error> {
    WebSocketStream::accept(socket, tls, config, |request, out| {
        if request.path() != "/" {
            return request.reject(404, &[], b"nothing here", out).map(|()| None);
        }
        request.accept(Accept::new(), out).map(Some)
    })
}

fn connect(
    socket: TcpStream,
    tls: Arc<ClientConfig>,
    url: &str,
) -> Result<WebSocketStream<ClientConnection>, Error> {
    let request = ClientRequest::new(url).unwrap();
    WebSocketStream::connect(socket, tls, request, [7; 32], Config::default())
}

fn echo(mut stream: WebSocketStream<ServerConnection>) -> Result<(), Error> {
    while stream.fill()? {
        while let Some((event, ws, out)) = stream.buffered() {
            let _ = match event {
                Event::Text(text) => ws.send_text(&text, out),
                Event::Binary(data) => ws.send_binary(&data, out),
                Event::Ping(_) | Event::Pong(_) | Event::Close(_) => Ok(()),
            };
        }
    }
    Ok(())
}

/// A server that has done its opening handshakes, and knows nothing more of WebSocket.
fn raw_server(socket: TcpStream, tls: Arc<ServerConfig>) -> RawServer {
    let mut tls = StreamOwned::new(ServerConnection::new(tls).unwrap(), socket);
    let (mut bytes, mut head, mut out) = ([0; 1024], Vec::new(), Vec::new());
    let len = tls.read(&mut bytes).unwrap();
    let mut handshake = ServerHandshake::new(HandshakeConfig::default());
    let mut request = handshake.receive(&mut &mut bytes[..len], &mut head).unwrap().unwrap();
    let _ = request.accept(Accept::new(), &mut out).unwrap();
    tls.write_all(&out).unwrap();
    tls
}

/// A client that has done its opening handshakes, and knows nothing more of WebSocket.
fn raw_client(socket: TcpStream, tls: Arc<ClientConfig>) -> RawClient {
    let name = ServerName::try_from("localhost").unwrap();
    let mut tls = StreamOwned::new(ClientConnection::new(tls, name).unwrap(), socket);
    tls.write_all(
        b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
          Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    )
    .unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        tls.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "));
    tls
}

fn failure(error: Error) -> Failure {
    *error.downcast::<Failure>().unwrap()
}

fn tls_error(error: &Error) -> &rustls::Error {
    error.downcast_ref::<io::Error>().unwrap().get_ref().unwrap().downcast_ref().unwrap()
}

fn payload(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 7 % 251) as u8).collect()
}

#[test]
fn messages_of_all_sizes_are_echoed() {
    let (server, client) = configs();
    let (socket, served) = peer(|socket| echo(accept(socket, server, Config::default()).unwrap()));
    let mut stream = connect(socket, client, "wss://localhost/").unwrap();
    // Up to many records of TLS, many reads, and more than rustls buffers at once.
    for size in [0, 1, 125, 126, 16_384, 65_536, 100_000, 5_000_000] {
        let data = payload(size);
        stream.send(|ws, out| ws.send_binary(&data, out)).unwrap();
        let mut is_echoed = false;
        while !is_echoed {
            assert!(stream.fill().unwrap());
            while let Some((event, ..)) = stream.buffered() {
                assert!(!is_echoed);
                let Event::Binary(echoed) = event else { panic!("{event:?}") };
                assert!(*echoed == data);
                is_echoed = true;
            }
        }
    }
    stream.send(|ws, out| ws.close(CloseCode::NORMAL, "", out)).unwrap();
    let mut close = None;
    while stream.fill().unwrap() {
        while let Some((event, ..)) = stream.buffered() {
            let Event::Close(answer) = event else { panic!("{event:?}") };
            close = Some(answer.code());
        }
    }
    assert_eq!(close, Some(CloseCode::NORMAL));
    served.join().unwrap().unwrap();
}

#[test]
fn a_server_closes() {
    let (server, client) = configs();
    let (socket, served) = peer(|socket| {
        let mut stream = accept(socket, server, Config::default()).unwrap();
        stream.send(|ws, out| ws.close(CloseCode::GOING_AWAY, "bye", out)).unwrap();
        echo(stream)
    });
    let mut stream = connect(socket, client, "wss://localhost/").unwrap();
    let mut closed = false;
    while stream.fill().unwrap() {
        while let Some((event, ..)) = stream.buffered() {
            let Event::Close(close) = event else { panic!("{event:?}") };
            assert_eq!((close.code(), close.reason()), (CloseCode::GOING_AWAY, "bye"));
            closed = true;
        }
    }
    assert!(closed);
    let refused = stream.send(|ws, out| ws.send_text("late", out)).unwrap_err();
    assert_eq!(*refused.downcast::<UsageError>().unwrap(), UsageError::Closed);
    served.join().unwrap().unwrap();
}

#[test]
fn an_untrusted_certificate_is_refused() {
    let (_, another) = configs();
    for client in [another, client_config(RootCertStore::empty())] {
        let (server, _) = configs();
        let (socket, served) = peer(|socket| accept(socket, server, Config::default()).is_err());
        let error = connect(socket, client, "wss://localhost/").err().unwrap();
        let rustls::Error::InvalidCertificate(reason) = tls_error(&error) else {
            panic!("{error}")
        };
        // Under the same name it is the signature that does not fit.
        let known = [CertificateError::BadSignature, CertificateError::UnknownIssuer];
        assert!(known.contains(reason), "{reason:?}");
        assert!(served.join().unwrap());
    }
}

#[test]
fn a_certificate_for_another_host_is_refused() {
    let (server, client) = configs();
    let (socket, served) = peer(|socket| accept(socket, server, Config::default()).is_err());
    let error = connect(socket, client, "wss://example.com/").err().unwrap();
    let rustls::Error::InvalidCertificate(reason) = tls_error(&error) else { panic!("{error}") };
    assert!(matches!(reason, CertificateError::NotValidForNameContext { .. }), "{reason:?}");
    assert!(served.join().unwrap());
}

/// RFC 8446 §6.1: without close_notify, the end may be an attacker's.
#[test]
fn a_truncated_stream_is_told() {
    for is_whole in [false, true] {
        let (server, client) = configs();
        let (socket, served) = peer(move |socket| {
            let mut tls = raw_server(socket, server);
            tls.write_all(b"\x82\x05half").unwrap();
            if is_whole {
                tls.conn.send_close_notify();
            }
            tls.flush().unwrap();
        });
        let mut stream = connect(socket, client, "wss://localhost/").unwrap();
        let error = loop {
            match stream.fill() {
                Ok(true) => assert!(stream.buffered().is_none()),
                Ok(false) => panic!("it was closed"),
                Err(error) => break error,
            }
        };
        if is_whole {
            assert_eq!(failure(error), Failure::Eof);
        } else {
            assert_eq!(error.downcast::<io::Error>().unwrap().kind(), ErrorKind::UnexpectedEof);
        }
        assert!(!stream.fill().unwrap());
        served.join().unwrap();
    }
}

/// What cannot be written does not keep from being read what the peer said before it left.
#[test]
fn a_peer_that_left_had_said_why() {
    let (server, client) = configs();
    let (socket, served) = peer(|socket| {
        let mut tls = raw_server(socket, server);
        tls.write_all(b"\x88\x02\x03\xF0").unwrap();
        tls.flush().unwrap();
        // With bytes unread, this is a reset.
        tls.sock.peek(&mut [0]).unwrap();
    });
    let mut stream = connect(socket, client, "wss://localhost/").unwrap();
    stream.send(|ws, out| ws.send_text("hello", out)).unwrap();
    served.join().unwrap();
    let error = stream.send(|ws, out| ws.send_text("anybody?", out)).unwrap_err();
    assert!(error.is::<io::Error>(), "{error}");
    let mut code = None;
    while stream.fill().unwrap() {
        while let Some((event, ..)) = stream.buffered() {
            let Event::Close(close) = event else { panic!("{event:?}") };
            code = Some(close.code());
        }
    }
    assert_eq!(code, Some(CloseCode::POLICY_VIOLATION));
}

#[test]
fn a_peer_that_breaks_the_protocol_is_told_why() {
    let (server, client) = configs();
    let (socket, served) = peer(|socket| {
        failure(echo(accept(socket, server, Config::default()).unwrap()).unwrap_err())
    });
    let mut tls = raw_client(socket, client);
    // Not masked; and more than is read at once.
    tls.write_all(&[0x81, 0x01, b'a']).unwrap();
    tls.write_all(&[0; 100_000]).unwrap();
    let mut bytes = Vec::new();
    // Up to close_notify: an end without it were an error.
    tls.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, [0x88, 0x02, 0x03, 0xEA]);
    drop(tls);
    assert_eq!(served.join().unwrap(), Failure::Protocol(ProtocolError::UnmaskedFrame));
}

#[test]
fn a_peer_that_says_nothing_times_out() {
    let (server, client) = configs();
    let config =
        Config::default().keepalive(Duration::from_millis(200), Duration::from_millis(100));
    let config = config.unwrap();
    let start = Instant::now();
    let (socket, served) =
        peer(move |socket| failure(echo(accept(socket, server, config).unwrap()).unwrap_err()));
    let mut tls = raw_client(socket, client);
    let mut bytes = Vec::new();
    tls.read_to_end(&mut bytes).unwrap();
    assert!(start.elapsed() >= Duration::from_millis(300));
    // A Ping, and then a Close frame with 1011.
    assert_eq!((bytes[0], &bytes[bytes.len() - 4..]), (0x89, &[0x88, 0x02, 0x03, 0xF3][..]));
    drop(tls);
    assert_eq!(served.join().unwrap(), Failure::TimedOut(Timeout::Keepalive));
}

#[test]
fn a_request_is_rejected() {
    let (server, client) = configs();
    let (socket, served) = peer(|socket| accept(socket, server, Config::default()).err().unwrap());
    let error = connect(socket, client, "wss://localhost/nowhere").err().unwrap();
    let refused = *error.downcast::<UsageError>().unwrap();
    assert_eq!(refused, UsageError::NotAnUpgrade(HandshakeError::UnexpectedStatus(404)));
    assert_eq!(served.join().unwrap().to_string(), "the request was rejected");
}
