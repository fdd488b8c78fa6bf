//! An echo server over HTTP/2, and a page that opens several WebSockets on the connection it came by:
//! `cargo run --manifest-path examples/h2/Cargo.toml --bin server -- [ADDR] [--plain | --certificate FILE]`.
//!
//! The certificate is made at the start, for `localhost` and 127.0.0.1; FILE gets it, for the client. With `--plain` there
//! is no TLS, and HTTP/2 is what clients have to know beforehand.

use std::env;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::RecvStream;
use h2::ext::Protocol;
use h2::server::SendResponse;
use h2_driver::{Error, WebSocketStream};
use http::{Method, Request, Response, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use websocket_proto::{Config, DeflateConfig, Event, Supported, UsageError};

const USAGE: &str = "usage: server [ADDR] [--plain | --certificate FILE]";
/// How long a peer may take to open a connection.
const PATIENCE: Duration = Duration::from_secs(10);
const PAGE: &str = include_str!("page.html");

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (mut address, mut is_plain, mut certificate) = ("127.0.0.1:9443".to_owned(), false, None);
    let mut args = env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--plain" => is_plain = true,
            "--certificate" => certificate = Some(args.next().ok_or(USAGE)?),
            _ if arg.starts_with('-') => return Err(USAGE.into()),
            _ => address = arg,
        }
    }
    let listener = TcpListener::bind(&address)
        .await
        .map_err(|error| format!("cannot listen on {address}: {error}"))?;
    let tls = if is_plain { None } else { Some(acceptor(certificate)?) };
    println!("listening on http{}://{}/", if is_plain { "" } else { "s" }, listener.local_addr()?);
    loop {
        let (socket, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            // Most often there are too many open files, for a while.
            Err(error) => {
                println!("cannot accept: {error}");
                sleep(Duration::from_secs(1)).await;
                continue;
            }
        };
        let tls = tls.clone();
        tokio::spawn(async move {
            let peer = peer.to_string();
            if let Err(error) = secure(socket, tls, &peer).await {
                println!("{peer}: {error}");
            }
        });
    }
}

fn acceptor(file: Option<String>) -> Result<TlsAcceptor, Error> {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names)?;
    if let Some(file) = file {
        std::fs::write(&file, made.cert.pem()).map_err(|error| format!("{file}: {error}"))?;
    }
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der())?;
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)?;
    // RFC 9113 §3.2: "HTTP/2 over TLS uses the "h2" protocol identifier."
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn secure(socket: TcpStream, tls: Option<TlsAcceptor>, peer: &str) -> Result<(), Error> {
    socket.set_nodelay(true)?;
    match tls {
        Some(tls) => serve(timeout(PATIENCE, tls.accept(socket)).await??, peer).await,
        None => serve(socket, peer).await,
    }
}

async fn serve(io: impl AsyncRead + AsyncWrite + Unpin, peer: &str) -> Result<(), Error> {
    let mut connection = timeout(PATIENCE, h2_driver::server().handshake(io)).await??;
    while let Some(request) = connection.accept().await {
        let (request, respond) = request?;
        let stream = format!("{peer}, stream {}", respond.stream_id().as_u32());
        tokio::spawn(async move {
            match answer(request, respond, &stream).await {
                Ok(()) => println!("{stream}: ended"),
                Err(error) => println!("{stream}: {error}"),
            }
        });
    }
    Ok(())
}

async fn answer(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    stream: &str,
) -> Result<(), Error> {
    let (method, path) = (request.method(), request.uri().path());
    match request.extensions().get() {
        Some(protocol) => println!("{stream}: {method} {path} for {}", Protocol::as_str(protocol)),
        None => println!("{stream}: {method} {path}"),
    }
    let (status, page) = match (method, path) {
        (&Method::CONNECT, "/echo") => {
            let supported =
                Supported::new().subprotocols(&["echo"]).deflate(DeflateConfig::default());
            let ws = WebSocketStream::accept(request, respond, supported, Config::default())?;
            return echo(ws).await;
        }
        (&Method::GET, "/") => (StatusCode::OK, PAGE),
        _ => (StatusCode::NOT_FOUND, ""),
    };
    let mut response = Response::new(());
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", "text/html".parse()?);
    let mut body = respond.send_response(response, false)?;
    body.send_data(Bytes::from_static(page.as_bytes()), true)?;
    Ok(())
}

async fn echo(mut ws: WebSocketStream) -> Result<(), Error> {
    while let Some(message) = ws.next().await {
        let sent = match message? {
            Event::Text(text) => ws.send(|ws, out| ws.send_text(&text, out)).await,
            Event::Binary(data) => ws.send(|ws, out| ws.send_binary(&data, out)).await,
            Event::Ping(_) | Event::Pong(_) | Event::Close(_) => Ok(()), // answered already
        };
        match sent {
            Ok(()) | Err(UsageError::Closed) => {} // `next` tells the end.
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
