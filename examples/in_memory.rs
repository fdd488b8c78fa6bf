//! A client and a server with no I/O at all: `cargo run --example in_memory`.
//!
//! Prints every byte that crosses between the two, and what it says.

use core::error::Error;
use core::iter;
use core::time::Duration;

use websocket_proto::{
    Accept, ClientHandshake, ClientRequest, CloseCode, Config, Event, FrameHeader, HandshakeConfig,
    Mask, MessageKind, Next, Opcode, ServerHandshake, WebSocket,
};

/// Where the nonce and the masking keys come from. A real client draws 32 bytes from its operating system.
const SEED: [u8; 32] = *b"equal seeds make for equal bytes";

/// One end of the connection: the machine, and what it has to send.
struct End {
    name: &'static str,
    ws: WebSocket,
    out: Vec<u8>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let (mut to_server, mut to_client) = (Vec::new(), Vec::new());

    title("Opening handshake");
    let request = ClientRequest::new("ws://example.com/chat")?.subprotocol("chat");
    let mut handshake = ClientHandshake::new(request, SEED, &mut to_server)?;
    show_head("client → server", &to_server);

    let (mut input, mut head) = (to_server.as_mut_slice(), Vec::new());
    let request =
        ServerHandshake::new(HandshakeConfig::default()).receive(&mut input, &mut head)?;
    let accept = Accept::new().subprotocol("chat");
    let negotiated = request.ok_or("the request is cut short")?.accept(accept, &mut to_client)?;
    let ws = WebSocket::open(negotiated, Config::default());
    let server = &mut End { name: "server", ws, out: Vec::new() };
    show_head("client ← server", &to_client);

    let (mut input, mut head) = (to_client.as_mut_slice(), Vec::new());
    let response = handshake.receive(&mut input, &mut head)?;
    let negotiated = response.ok_or("the response is cut short")?.accept()?;
    let ws = WebSocket::open(negotiated, Config::default());
    let client = &mut End { name: "client", ws, out: Vec::new() };

    title("Text, both ways");
    client.ws.send_text("Hello?", &mut client.out)?;
    exchange(client, server)?;
    server.ws.send_text("Grüß Gott!", &mut server.out)?;
    exchange(client, server)?;

    title("A ping, which the machine answers");
    server.ws.send_ping(b"awake?", &mut server.out)?;
    exchange(client, server)?;

    title("A message in two fragments");
    client.ws.send_fragment(MessageKind::Text, b"To be conti", false, &mut client.out)?;
    client.ws.send_fragment(MessageKind::Text, b"nued", true, &mut client.out)?;
    exchange(client, server)?;

    title("Closing handshake");
    client.ws.close(CloseCode::NORMAL, "bye", &mut client.out)?;
    exchange(client, server)?;
    println!("The server drops the transport: end of stream for the client\n");
    client.ws.receive_eof();
    verdict(client);
    Ok(())
}

/// Carries bytes to and fro until neither end has any left.
fn exchange(client: &mut End, server: &mut End) -> Result<(), Box<dyn Error>> {
    while !(client.out.is_empty() && server.out.is_empty()) {
        carry("client → server", client, server)?;
        carry("client ← server", server, client)?;
    }
    Ok(())
}

fn carry(arrow: &str, from: &mut End, to: &mut End) -> Result<(), Box<dyn Error>> {
    show_frames(arrow, &from.out)?;
    // Bytes in, events and bytes out: all that there is to driving the machine.
    let mut input = from.out.as_mut_slice();
    while let Some(event) = to.ws.receive(&mut input, &mut to.out) {
        println!("{} receives {}\n", to.name, describe(&event));
    }
    from.out.clear();
    verdict(to);
    Ok(())
}

/// Asks the machine how things stand. Without timers, the time does not matter.
fn verdict(end: &mut End) {
    match end.ws.poll(Duration::ZERO, &mut end.out) {
        Next::Wait(_) => {}
        Next::End(Ok(())) => println!("{}: the connection is cleanly closed\n", end.name),
        Next::End(Err(failure)) => println!("{}: the connection failed, {failure}\n", end.name),
    }
}

fn describe(event: &Event<'_>) -> String {
    match event {
        Event::Text(text) => format!("the text {text:?}"),
        Event::Binary(data) => format!("{} bytes", data.len()),
        Event::Ping(payload) => format!("a ping, \"{}\"", payload.escape_ascii()),
        Event::Pong(payload) => format!("a pong, \"{}\"", payload.escape_ascii()),
        Event::Close(close) => format!("the close code {}, {:?}", close.code(), close.reason()),
    }
}

fn title(text: &str) {
    println!("{text}\n{}\n", "─".repeat(text.len()));
}

fn show_head(arrow: &str, head: &[u8]) {
    println!("{arrow}");
    for line in head.split_inclusive(|&byte| byte == b'\n') {
        show(line, String::from_utf8_lossy(line).trim_end());
    }
    println!();
}

/// Takes frames apart: header, masking key, payload.
fn show_frames(arrow: &str, mut bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    while let Some((header, header_len)) = FrameHeader::parse(bytes)? {
        let (start, rest) = bytes.split_at(header_len);
        let (payload, rest) = rest.split_at(usize::try_from(header.payload_len)?);
        let fin = if header.fin { "FIN, " } else { "" };
        let what = format!("{fin}{:?}, {} bytes", header.opcode, header.payload_len);
        let mut plain = payload.to_vec();
        println!("{arrow}");
        match (header.mask, start.split_last_chunk::<4>()) {
            (Some(key), Some((start, _))) => {
                show(start, &format!("{what}, masked"));
                show(&key, "masking key");
                Mask::new(key).apply(&mut plain);
            }
            _ => show(start, &what),
        }
        match (header.opcode, plain.as_slice()) {
            (Opcode::Close, [high, low, reason @ ..]) => {
                let code = u16::from_be_bytes([*high, *low]);
                show(payload, &format!("{code} {}", String::from_utf8_lossy(reason)));
            }
            (_, plain) => show(payload, &format!("\"{}\"", String::from_utf8_lossy(plain))),
        }
        bytes = rest;
    }
    Ok(())
}

/// Prints bytes in hex, and beside them what they are.
fn show(bytes: &[u8], what: &str) {
    let notes = [what].into_iter().chain(iter::repeat(""));
    for (row, note) in bytes.chunks(12).zip(notes) {
        let hex: Vec<String> = row.iter().map(|byte| format!("{byte:02x}")).collect();
        println!("{}", format!("  {:37}{note}", hex.join(" ")).trim_end());
    }
}
