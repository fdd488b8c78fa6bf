//! Opens several WebSockets on one HTTP/2 connection, has each echo messages of many sizes, and closes them:
//! `cargo run --manifest-path examples/h2/Cargo.toml --bin client -- URL [--count N] [--certificate FILE]`.
//!
//! URL is such as `ws://127.0.0.1:9443/echo` or `wss://localhost:9443/echo`; FILE is the certificate that the server wrote,
//! which is trusted.

use std::env;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use h2_driver::{Error, WebSocketStream};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use websocket_proto::{ClientRequest, CloseCode, Config, DeflateConfig, Event};

/// How long the server may take for TLS.
const PATIENCE: Duration = Duration::from_secs(10);
const USAGE: &str = "usage: client URL [--count N] [--certificate FILE]";

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (mut url, mut count, mut certificate) = (None, 8, None);
    let mut args = env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--count" => count = args.next().and_then(|count| count.parse().ok()).ok_or(USAGE)?,
            "--certificate" => certificate = Some(args.next().ok_or(USAGE)?),
            _ if arg.starts_with('-') => return Err(USAGE.into()),
            _ => url = Some(arg),
        }
    }
    let url = url.ok_or(USAGE)?;
    if count > h2_driver::STREAMS {
        return Err(format!("a connection has {} streams at a time", h2_driver::STREAMS).into());
    }
    let requests = open(&url, certificate).await.map_err(|error| format!("{url}: {error}"))?;
    let mut all = JoinSet::new();
    for number in 0..count {
        all.spawn(talk(requests.clone(), url.clone(), number));
    }
    while let Some(done) = all.join_next().await {
        let (number, bytes) = done?.map_err(|error| format!("{url}: {error}"))?;
        println!("WebSocket {number}: {bytes} bytes echoed, and closed");
    }
    Ok(())
}

async fn open(url: &str, certificate: Option<String>) -> Result<SendRequest<Bytes>, Error> {
    let request = ClientRequest::new(url)?;
    let socket = TcpStream::connect((request.host(), request.port())).await?;
    socket.set_nodelay(true)?;
    if request.is_secure() {
        let name = ServerName::try_from(request.host().to_owned())?;
        let tls = connector(certificate)?.connect(name, socket);
        h2_driver::client(timeout(PATIENCE, tls).await??).await
    } else {
        h2_driver::client(socket).await
    }
}

fn connector(file: Option<String>) -> Result<TlsConnector, Error> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = file {
        let certificate = CertificateDer::from_pem_file(&file);
        roots.add(certificate.map_err(|error| format!("{file}: {error}"))?)?;
    }
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

async fn talk(
    requests: SendRequest<Bytes>,
    url: String,
    number: u32,
) -> Result<(u32, usize), Error> {
    let request = ClientRequest::new(&url)?.subprotocol("echo").deflate(DeflateConfig::default());
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    let mut ws = WebSocketStream::connect(requests, request, seed, Config::default()).await?;
    let mut echoed = 0;
    for len in [0, 1, 125, 126, 65_535, 65_536, 1 << 20] {
        let sent = vec![b'0' + (number % 10) as u8; len];
        ws.send(|ws, out| ws.send_binary(&sent, out)).await?;
        match ws.next().await {
            Some(Ok(Event::Binary(data))) if *data == *sent => echoed += len,
            Some(Err(error)) => return Err(error),
            other => return Err(format!("no echo of {len} bytes: {:?}", other.is_some()).into()),
        }
    }
    ws.send(|ws, out| ws.close(CloseCode::NORMAL, "", out)).await?;
    while let Some(message) = ws.next().await {
        message?;
    }
    Ok((number, echoed))
}
