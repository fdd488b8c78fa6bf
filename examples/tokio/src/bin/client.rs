//! The client under the Autobahn suite's server, which echoes every message of every case, by owned messages:
//! `cargo run --manifest-path examples/tokio/Cargo.toml --bin client -- URL [--agent NAME]`.
//! `tests/autobahn/run client --driver tokio` starts that server, and runs it.

use std::env;

use tokio::net::TcpStream;
use tokio_driver::{Error, WebSocketStream};
use websocket_proto::{ClientRequest, Config, Event};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let args: Vec<String> = env::args().skip(1).collect();
    let (url, agent) = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [url] if !url.starts_with('-') => (url, "tokio"),
        [url, "--agent", agent] => (url, agent),
        _ => return Err("usage: client URL [--agent NAME]".into()),
    };
    let mut count = 0;
    let mut ws =
        connect(&format!("{url}/getCaseCount")).await.map_err(|error| format!("{url}: {error}"))?;
    while let Some(message) = ws.next().await {
        if let Event::Text(text) = message? {
            count = text.parse()?;
        }
    }
    for case in 1..=count {
        // The suite breaks the protocol on purpose; a failure is what many cases are after.
        if let Err(error) = echo(&format!("{url}/runCase?case={case}&agent={agent}")).await {
            println!("case {case}: {error}");
        }
    }
    let mut ws = connect(&format!("{url}/updateReports?agent={agent}")).await?;
    while let Some(message) = ws.next().await {
        message?;
    }
    Ok(())
}

async fn echo(url: &str) -> Result<(), Error> {
    let mut ws = connect(url).await?;
    while let Some(message) = ws.next().await {
        // A send that is refused is not the end: `next` tells that.
        let _ = match message? {
            Event::Text(text) => ws.send(|ws, out| ws.send_text(&text, out)).await,
            Event::Binary(data) => ws.send(|ws, out| ws.send_binary(&data, out)).await,
            Event::Ping(_) | Event::Pong(_) | Event::Close(_) => Ok(()), // answered already
        };
    }
    Ok(())
}

async fn connect(url: &str) -> Result<WebSocketStream<TcpStream>, Error> {
    let request = ClientRequest::new(url)?;
    if request.is_secure() {
        return Err("TLS is the transport's job, and this one is plain TCP".into());
    }
    #[cfg(feature = "deflate")]
    let request = request.deflate(websocket_proto::DeflateConfig::default());
    let socket = TcpStream::connect((request.host(), request.port())).await?;
    socket.set_nodelay(true)?;
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    WebSocketStream::connect(socket, request, seed, Config::default()).await
}
