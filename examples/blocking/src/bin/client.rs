//! The client under the Autobahn suite's server, which echoes every message of every case:
//! `cargo run --manifest-path examples/blocking/Cargo.toml --bin client -- URL [--agent NAME]`.
//! `tests/autobahn/run client --driver blocking` starts that server, and runs it.

use std::env;
use std::net::TcpStream;

use blocking_driver::{Error, Sender, WebSocketStream};
use websocket_proto::{ClientRequest, Config, Event};

fn main() -> Result<(), Error> {
    let args: Vec<String> = env::args().skip(1).collect();
    let (url, agent) = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [url] if !url.starts_with('-') => (url, "blocking"),
        [url, "--agent", agent] => (url, agent),
        _ => return Err("usage: client URL [--agent NAME]".into()),
    };
    let mut count = 0;
    let counted = session(&format!("{url}/getCaseCount"), |event, _| {
        if let Event::Text(text) = event {
            count = text.parse().unwrap_or(0);
        }
    });
    counted.map_err(|error| format!("{url}: {error}"))?;
    for case in 1..=count {
        // The suite breaks the protocol on purpose; a failure is what many cases are after.
        if let Err(error) = session(&format!("{url}/runCase?case={case}&agent={agent}"), echo) {
            println!("case {case}: {error}");
        }
    }
    session(&format!("{url}/updateReports?agent={agent}"), |_, _| {})
}

/// Opens a connection and hands out each of its events, until it has ended.
fn session(url: &str, mut handle: impl FnMut(Event<'_>, &Sender)) -> Result<(), Error> {
    let request = ClientRequest::new(url)?;
    if request.is_secure() {
        return Err("TLS is the transport's job, and this one is plain TCP".into());
    }
    #[cfg(feature = "deflate")]
    let request = request.deflate(websocket_proto::DeflateConfig::default());
    let socket = TcpStream::connect((request.host(), request.port()))?;
    socket.set_nodelay(true)?;
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    let mut stream = WebSocketStream::connect(socket, request, seed, Config::default())?;
    let sender = stream.sender();
    while stream.fill()? {
        while let Some(event) = stream.buffered() {
            handle(event, &sender);
        }
    }
    Ok(())
}

fn echo(event: Event<'_>, sender: &Sender) {
    // A send that is refused is not the end: `fill` tells that.
    let _ = sender.answer(|ws, out| match event {
        Event::Text(text) => ws.send_text(&text, out),
        Event::Binary(data) => ws.send_binary(&data, out),
        Event::Ping(_) | Event::Pong(_) | Event::Close(_) => Ok(()), // answered already
    });
}
