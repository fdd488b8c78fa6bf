//! A server with a page, and an echo for those who upgrade: `cargo run --manifest-path examples/axum/Cargo.toml --bin
//! server -- [ADDR]`.

use std::env;

use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt;
use axum_driver::{Stream, Upgrade};
use tokio::net::TcpListener;
use tokio_driver::Error;
use websocket_proto::{Config, Event, Supported};

const PAGE: &str = "An echo for WebSockets.\n";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let listener = TcpListener::bind(&address)
        .await
        .map_err(|error| format!("cannot listen on {address}: {error}"))?;
    println!("listening on http://{}/", listener.local_addr()?);
    let listener = listener.tap_io(|socket| {
        let _ = socket.set_nodelay(true);
    });
    axum::serve(listener, Router::new().fallback(get(answer))).await?;
    Ok(())
}

async fn answer(upgrade: Upgrade) -> Response {
    if !upgrade.request().headers().contains_key(header::UPGRADE) {
        return PAGE.into_response();
    }
    let supported = Supported::new();
    #[cfg(feature = "deflate")]
    let supported = supported.deflate(websocket_proto::DeflateConfig::default());
    upgrade.accept(supported, Config::default(), async |ws| {
        if let Err(error) = echo(ws).await {
            println!("{error}");
        }
    })
}

async fn echo(ws: Result<Stream, Error>) -> Result<(), Error> {
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
