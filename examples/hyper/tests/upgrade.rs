//! Upgrades of hyper as they go over the wire.

use std::convert::Infallible;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_driver::upgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio_driver::WebSocketStream;
use websocket_proto::{CloseCode, Config, Event, Supported};

mod wire;

async fn answer(request: Request<Incoming>) -> Result<Response<String>, Infallible> {
    let supported = Supported::new().subprotocols(&["chat"]);
    let response = upgrade(request, supported, Config::default(), async |ws| {
        let mut ws: WebSocketStream<DuplexStream> = ws.unwrap();
        let Some(Ok(Event::Text(text))) = ws.next().await else { panic!("no text") };
        ws.send(|ws, out| ws.send_text(&text, out)).await.unwrap();
        ws.send(|ws, out| ws.close(CloseCode::NORMAL, "", out)).await.unwrap();
        while let Some(message) = ws.next().await {
            message.unwrap();
        }
    });
    Ok(response.map(str::to_owned))
}

async fn exchange(bytes: &[u8]) -> String {
    let (mut peer, socket) = duplex(4096);
    tokio::spawn(async move {
        let connection =
            http1::Builder::new().serve_connection(TokioIo::new(socket), service_fn(answer));
        let _ = connection.with_upgrades().await;
    });
    peer.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    peer.read_to_end(&mut answer).await.unwrap();
    answer.into_iter().map(char::from).collect()
}
