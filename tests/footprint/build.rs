//! Plays the peer: writes down what it sends, for the firmware to receive.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use websocket_proto::{
    Accept, ClientHandshake, ClientRequest, CloseCode, Config, HandshakeConfig, MessageKind,
    Negotiated, ServerHandshake, WebSocket, accept_key,
};

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    println!("cargo::rustc-link-search={}", env::var("CARGO_MANIFEST_DIR")?);
    println!("cargo::rerun-if-changed=build.rs");

    let (mut head, mut response) = (Vec::new(), Vec::new());
    let request = ClientRequest::new("ws://device.local/chat")?;
    ClientHandshake::new(request, [7; 32], &mut head)?;
    let _ = ServerHandshake::new(HandshakeConfig::default())
        .receive(&mut &mut head[..], &mut Vec::new())?
        .ok_or("no request")?
        .accept(Accept::new(), &mut response)?;
    session(&out.join("to_client"), &response, Negotiated::server())?;
    session(&out.join("to_server"), REQUEST, Negotiated::client([9; 32]))?;

    // embedded-websocket draws its key from a source that gives nothing but zeros here.
    let accept = accept_key(b"AAAAAAAAAAAAAAAAAAAAAA==");
    let response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        String::from_utf8_lossy(accept.as_ref())
    );
    session(&out.join("to_embedded_client"), response.as_bytes(), Negotiated::server())
}

/// Writes a file for the head, and one for the frames: a text in two fragments, a Ping between them, and a Close.
fn session(path: &Path, head: &[u8], negotiated: Negotiated<'_>) -> Result<(), Box<dyn Error>> {
    let mut peer = WebSocket::open(negotiated, Config::default());
    let mut frames = Vec::new();
    let text = "κόσμε, ".repeat(20);
    peer.send_fragment(MessageKind::Text, text.as_bytes(), false, &mut frames)?;
    peer.send_ping(&[b'p'; 125], &mut frames)?;
    peer.send_fragment(MessageKind::Text, text.as_bytes(), true, &mut frames)?;
    peer.close(CloseCode::NORMAL, "that is all", &mut frames)?;
    fs::write(path.with_extension("head"), head)?;
    fs::write(path.with_extension("frames"), frames)?;
    Ok(())
}

/// As a browser asks.
const REQUEST: &[u8] = b"GET /chat HTTP/1.1\r\nHost: device.local\r\nConnection: Upgrade\r\n\
    Pragma: no-cache\r\nCache-Control: no-cache\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 \
    (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36\r\nUpgrade: websocket\r\nOrigin: http://device.local\r\n\
    Sec-WebSocket-Version: 13\r\nAccept-Encoding: gzip, deflate\r\nAccept-Language: en-GB,en;q=0.9\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
