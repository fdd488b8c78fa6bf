//! An echo server with tokio-tungstenite, on one thread. It flushes when there is nothing more to read, and its read
//! buffer is of 4 KiB, as tungstenite's documentation says for many connections; it would be 128 KiB.

use std::net::SocketAddr;

use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::accept_async_with_config;
use tokio_tungstenite::tungstenite::{self, protocol::WebSocketConfig};

use crate::Result;

pub fn serve(address: SocketAddr) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(address).await?;
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(echo(stream));
        }
    })
}

async fn echo(stream: TcpStream) -> std::result::Result<(), tungstenite::Error> {
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default().read_buffer_size(4096);
    let mut ws = accept_async_with_config(stream, Some(config)).await?;
    loop {
        let message = match ws.next().now_or_never() {
            Some(message) => message,
            None => {
                ws.flush().await?;
                ws.next().await
            }
        };
        match message {
            Some(Ok(message)) if message.is_binary() || message.is_text() => {
                ws.feed(message).await?;
            }
            Some(message) => drop(message?),
            None => return Ok(()),
        }
    }
}
