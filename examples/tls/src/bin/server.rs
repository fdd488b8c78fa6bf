//! An echo server on `wss://`, with a thread for each connection, and a certificate of its own that it makes at start:
//! `cargo run --manifest-path examples/tls/Cargo.toml --bin server -- [ADDR] [--ca FILE]`.
//!
//! `--ca` writes the certificate, as PEM, for clients to trust.

use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs, thread};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tls_driver::{Error, WebSocketStream};
use websocket_proto::{Accept, Config, Event};

fn main() -> Result<(), Error> {
    let args: Vec<String> = env::args().skip(1).collect();
    let (address, file) = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => ("127.0.0.1:9443", None),
        ["--ca", file] => ("127.0.0.1:9443", Some(file)),
        [address, "--ca", file] => (address, Some(file)),
        [address] if !address.starts_with('-') => (address, None),
        _ => return Err("usage: server [ADDR] [--ca FILE]".into()),
    };
    let listener = TcpListener::bind(address)
        .map_err(|error| format!("cannot listen on {address}: {error}"))?;
    let address = listener.local_addr()?;
    let names = vec!["localhost".to_owned(), address.ip().to_string()];
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names)?;
    if let Some(file) = file {
        fs::write(file, cert.pem()).map_err(|error| format!("{file}: {error}"))?;
    }
    let key = PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
    let tls = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)?;
    let tls = Arc::new(tls);
    println!("listening on wss://{address}/");
    loop {
        let tls = tls.clone();
        let accepted = listener.accept().and_then(|(socket, _)| {
            thread::Builder::new().spawn(|| match serve(socket, tls) {
                Ok(()) => println!("closed"),
                Err(error) => println!("failed: {error}"),
            })
        });
        // Most often there are too many open files, or threads, for a while.
        if let Err(error) = accepted {
            println!("cannot accept: {error}");
            thread::sleep(Duration::from_secs(1));
        }
    }
}

fn serve(socket: TcpStream, tls: Arc<ServerConfig>) -> Result<(), Error> {
    socket.set_nodelay(true)?;
    let accept = Accept::new();
    #[cfg(feature = "deflate")]
    let accept = accept.deflate(websocket_proto::DeflateConfig::default());
    let mut stream = WebSocketStream::accept(socket, tls, Config::default(), |request, out| {
        request.accept(accept, out).map(Some)
    })?;
    while stream.fill()? {
        while let Some((event, ws, out)) = stream.buffered() {
            // A send that is refused is not the end: `fill` tells that.
            let _ = match event {
                Event::Text(text) => ws.send_text(&text, out),
                Event::Binary(data) => ws.send_binary(&data, out),
                Event::Ping(_) | Event::Pong(_) | Event::Close(_) => Ok(()), // answered already
            };
        }
    }
    Ok(())
}
