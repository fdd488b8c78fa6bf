//! An echo server: `cargo run --manifest-path examples/io_uring/Cargo.toml --bin server -- [ADDR]`.

use std::env;
use std::net::TcpListener;
use std::process::exit;

use io_uring_driver::{Error, Server, Service};
use websocket_proto::{Accept, Config, Event, Negotiated, Request, UsageError, WebSocket};

struct Echo;

impl Service for Echo {
    fn accept<'r>(
        &mut self,
        request: &mut Request<'r>,
        out: &mut Vec<u8>,
    ) -> Result<Option<Negotiated<'r>>, UsageError> {
        let accept = Accept::new();
        #[cfg(feature = "deflate")]
        let accept = accept.deflate(websocket_proto::DeflateConfig::default());
        request.accept(accept, out).map(Some)
    }

    fn handle(&mut self, ws: &mut WebSocket, event: Event<'_>, out: &mut Vec<u8>) {
        // A send that is refused is not the end: `ended` tells that.
        let _ = match event {
            Event::Text(text) => ws.send_text(&text, out),
            Event::Binary(data) => ws.send_binary(&data, out),
            Event::Ping(_) | Event::Pong(_) | Event::Close(_) => Ok(()), // answered already
        };
    }

    fn ended(&mut self, result: Result<(), Error>) {
        match result {
            Ok(()) => println!("closed"),
            Err(error) => println!("failed: {error}"),
        }
    }
}

fn main() -> Result<(), Error> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let listener = TcpListener::bind(&address)
        .map_err(|error| format!("cannot listen on {address}: {error}"))?;
    let address = listener.local_addr()?;
    match Server::new(listener, Config::default(), Echo, true) {
        Ok(server) => {
            println!("listening on ws://{address}/");
            Err(server.run().into())
        }
        Err(error) => {
            println!("the kernel refuses io_uring: {error}");
            exit(77); // for tests: skipped
        }
    }
}
