//! A server with a page, and an echo for those who upgrade: `cargo run --manifest-path examples/hyper/Cargo.toml --bin
//! server -- [ADDR]`.

use std::convert::Infallible;
use std::env;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, header};
use hyper_driver::upgrade;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tokio_driver::{Error, WebSocketStream};
use websocket_proto::{Config, Event, Supported};

const PAGE: &str = "An echo for WebSockets.\n";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let listener = TcpListener::bind(&address)
        .await
        .map_err(|error| format!("cannot listen on {address}: {error}"))?;
    println!("listening on http://{}/", listener.local_addr()?);
    loop {
        let (socket, _) = match listener.accept().await {
            Ok(accepted) => accepted,
            // Most often there are too many open files, for a while.
            Err(error) => {
                println!("cannot accept: {error}");
                sleep(Duration::from_secs(1)).await;
                continue;
            }
        };
        let _ = socket.set_nodelay(true);
        tokio::spawn(async move {
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new());
            let connection = http.serve_connection(TokioIo::new(socket), service_fn(answer));
            if let Err(error) = connection.with_upgrades().await {
                println!("{error}");
            }
        });
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<String>, Infallible> {
    if !request.headers().contains_key(header::UPGRADE) {
        return Ok(Response::new(PAGE.to_owned()));
    }
    let supported = Supported::new();
    #[cfg(feature = "deflate")]
    let supported = supported.deflate(websocket_proto::DeflateConfig::default());
    let response = upgrade(request, supported, Config::default(), async |ws| {
        if let Err(error) = echo(ws).await {
            println!("{error}");
        }
    });
    Ok(response.map(str::to_owned))
}

async fn echo(ws: Result<WebSocketStream<TcpStream>, Error>) -> Result<(), Error> {
    let mut ws = ws?;
    let sender = ws.sender();
    while ws.fill().await? {
        while let Some(event) = ws.buffered() {
            // A send that is refused is not the end: `fill` tells that.
            let _ = sender.send_now(|ws, out| match event {
                Event::Text(text) => ws.send_text(&text, out),
                Event::Binary(data) => ws.send_binary(&data, out),
                Event::Ping(_) | Event::Pong(_) | Event::Close(_) => Ok(()), // answered already
            });
        }
        ws.ready().await;
    }
    Ok(())
}
