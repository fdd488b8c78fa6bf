//! A chat around the driver for tokio: `cargo run --manifest-path examples/tokio/Cargo.toml --bin chat -- [ADDR]`.
//!
//! Every connection is a task, which waits for its peer and for the others at once. `next` may be dropped when the others
//! are first: nothing is lost.

use std::env;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::select;
use tokio::sync::broadcast;
use tokio::time::sleep;
// In a crate of your own it is `mod websocket;`, a copy of the driver, and `use websocket::{Error, WebSocketStream};`.
use tokio_driver::{Error, WebSocketStream};
use websocket_proto::{Accept, Config, Event, Prepared};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let listener = TcpListener::bind(&address)
        .await
        .map_err(|error| format!("cannot listen on {address}: {error}"))?;
    println!("listening on ws://{}/", listener.local_addr()?);
    // Who is slow misses what is said before the last 64 texts.
    let all = broadcast::Sender::new(64);
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
        let all = all.clone();
        tokio::spawn(async move {
            match chat(socket, all).await {
                Ok(()) => println!("{peer}: closed"),
                Err(error) => println!("{peer}: {error}"),
            }
        });
    }
}

async fn chat(socket: TcpStream, all: broadcast::Sender<Prepared>) -> Result<(), Error> {
    socket.set_nodelay(true)?;
    // Peers that are gone without a word are found out.
    let config = Config::default().keepalive(Duration::from_secs(30), Duration::from_secs(10))?;
    // Here a request's path, origin and cookies can be looked at, and `reject` be called instead.
    let mut ws = WebSocketStream::accept(socket, config, |request, out| {
        request.accept(Accept::new(), out).map(Some)
    })
    .await?;
    let mut said = all.subscribe();
    loop {
        select! {
            message = ws.next() => match message.transpose()? {
                Some(Event::Text(text)) => {
                    let _ = all.send(Prepared::text(&text)?);
                }
                Some(_) => {} // Pings and Closes are answered already
                None => return Ok(()),
            },
            text = said.recv() => if let Ok(text) = text {
                // A send that is refused is not the end: `next` tells that.
                let _ = ws.send(|ws, out| ws.send_prepared(&text, out)).await;
            },
        }
    }
}
