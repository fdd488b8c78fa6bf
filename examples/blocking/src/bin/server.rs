//! An echo server: `cargo run --manifest-path examples/blocking/Cargo.toml --bin server -- [ADDR]`.

use std::net::{TcpListener, TcpStream};
use std::time::Duration;
use std::{env, thread};

use blocking_driver::{Error, WebSocketStream};
use websocket_proto::{Accept, Config, Event};

fn main() -> Result<(), Error> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let listener = TcpListener::bind(&address)
        .map_err(|error| format!("cannot listen on {address}: {error}"))?;
    println!("listening on ws://{}/", listener.local_addr()?);
    loop {
        let accepted = listener.accept().and_then(|(socket, _)| {
            thread::Builder::new().spawn(|| match serve(socket) {
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

fn serve(socket: TcpStream) -> Result<(), Error> {
    socket.set_nodelay(true)?;
    let accept = Accept::new();
    #[cfg(feature = "deflate")]
    let accept = accept.deflate(websocket_proto::DeflateConfig::default());
    let mut stream = WebSocketStream::accept(socket, Config::default(), |request, out| {
        request.accept(accept, out).map(Some)
    })?;
    let sender = stream.sender();
    while stream.fill()? {
        while let Some(event) = stream.buffered() {
            // A send that is refused is not the end: `fill` tells that.
            let _ = sender.answer(|ws, out| match event {
                Event::Text(text) => ws.send_text(&text, out),
                Event::Binary(data) => ws.send_binary(&data, out),
                Event::Ping(_) | Event::Pong(_) | Event::Close(_) => Ok(()), // answered already
            });
        }
    }
    Ok(())
}
