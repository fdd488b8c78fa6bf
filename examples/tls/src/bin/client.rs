//! The client under the Autobahn suite's server, which echoes every message of every case:
//! `cargo run --manifest-path examples/tls/Cargo.toml --bin client -- URL [--agent NAME] [--ca FILE]`.
//! `tests/autobahn/run client --driver tls` starts that server, and runs it.
//!
//! It trusts who Mozilla trusts or, with `--ca`, the certificates of a file, as PEM, alone.

use std::env;
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use tls_driver::{Error, WebSocketStream};
use websocket_proto::{ClientRequest, Config, Event, WebSocket};

struct Client {
    url: String,
    tls: Arc<ClientConfig>,
}

fn main() -> Result<(), Error> {
    let (mut url, mut agent, mut file) = (None, "tls".to_owned(), None);
    let mut args = env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--agent" => agent = args.next().ok_or(USAGE)?,
            "--ca" => file = Some(args.next().ok_or(USAGE)?),
            _ if url.is_none() && !arg.starts_with('-') => url = Some(arg),
            _ => return Err(USAGE.into()),
        }
    }
    let mut roots = RootCertStore::empty();
    match file {
        Some(file) => {
            let certificates = CertificateDer::pem_file_iter(&file);
            for certificate in certificates.map_err(|error| format!("{file}: {error}"))? {
                roots.add(certificate?)?;
            }
        }
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    }
    let tls = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let client = Client { url: url.ok_or(USAGE)?, tls: Arc::new(tls) };

    let mut count = 0;
    let counted = client.session("/getCaseCount", |event, _, _| {
        if let Event::Text(text) = event {
            count = text.parse().unwrap_or(0);
        }
    });
    counted.map_err(|error| format!("{}: {error}", client.url))?;
    for case in 1..=count {
        // The suite breaks the protocol on purpose; a failure is what many cases are after.
        if let Err(error) = client.session(&format!("/runCase?case={case}&agent={agent}"), echo) {
            println!("case {case}: {error}");
        }
    }
    client.session(&format!("/updateReports?agent={agent}"), |_, _, _| {})
}

impl Client {
    /// Opens a connection and hands out each of its events, until it has ended.
    fn session(
        &self,
        path: &str,
        mut handle: impl FnMut(Event<'_>, &mut WebSocket, &mut Vec<u8>),
    ) -> Result<(), Error> {
        let url = format!("{}{path}", self.url);
        let mut stream = self.connect(&url)?;
        while stream.fill()? {
            while let Some((event, ws, out)) = stream.buffered() {
                handle(event, ws, out);
            }
        }
        Ok(())
    }

    fn connect(&self, url: &str) -> Result<WebSocketStream<ClientConnection>, Error> {
        let request = ClientRequest::new(url)?;
        if !request.is_secure() {
            return Err("this one speaks TLS, which is for wss".into());
        }
        #[cfg(feature = "deflate")]
        let request = request.deflate(websocket_proto::DeflateConfig::default());
        let socket = TcpStream::connect((request.host(), request.port()))?;
        socket.set_nodelay(true)?;
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)?;
        WebSocketStream::connect(socket, self.tls.clone(), request, seed, Config::default())
    }
}

fn echo(event: Event<'_>, ws: &mut WebSocket, out: &mut Vec<u8>) {
    // A send that is refused is not the end: `fill` tells that.
    let _ = match event {
        Event::Text(text) => ws.send_text(&text, out),
        Event::Binary(data) => ws.send_binary(&data, out),
        Event::Ping(_) | Event::Pong(_) | Event::Close(_) => Ok(()), // answered already
    };
}

const USAGE: &str = "usage: client URL [--agent NAME] [--ca FILE]";
