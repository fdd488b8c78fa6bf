//! Upgrades of axum as they go over the wire.

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use axum_driver::Upgrade;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use websocket_proto::{CloseCode, Config, Event, Supported};

#[path = "../../hyper/tests/wire/mod.rs"]
mod wire;

async fn answer(upgrade: Upgrade) -> Response {
    let supported = Supported::new().subprotocols(&["chat"]);
    upgrade.accept(supported, Config::default(), async |ws| {
        let mut ws = ws.unwrap();
        let Some(Ok(Event::Text(text))) = ws.next().await else { panic!("no text") };
        ws.send(|ws, out| ws.send_text(&text, out)).await.unwrap();
        ws.send(|ws, out| ws.close(CloseCode::NORMAL, "", out)).await.unwrap();
        while let Some(message) = ws.next().await {
            message.unwrap();
        }
    })
}

async fn exchange(bytes: &[u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    tokio::spawn(async { axum::serve(listener, Router::new().route("/", get(answer))).await });
    peer.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    peer.read_to_end(&mut answer).await.unwrap();
    answer.into_iter().map(char::from).collect()
}
