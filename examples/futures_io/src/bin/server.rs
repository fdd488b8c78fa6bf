//! An echo server: `cargo run --manifest-path examples/futures_io/Cargo.toml --bin server -- [ADDR]`.

use std::env;
use std::time::Duration;

use async_executor::LocalExecutor;
use async_io::Timer;
use async_net::{TcpListener, TcpStream};
use futures_io_driver::{Error, WebSocketStream};
use futures_lite::future::block_on;
use websocket_proto::{Accept, Config, Event};

fn main() -> Result<(), Error> {
    let executor = LocalExecutor::new();
    block_on(executor.run(listen(&executor)))
}

async fn listen(executor: &LocalExecutor<'_>) -> Result<(), Error> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let listener = TcpListener::bind(&address)
        .await
        .map_err(|error| format!("cannot listen on {address}: {error}"))?;
    println!("listening on ws://{}/", listener.local_addr()?);
    loop {
        let (socket, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            // Most often there are too many open files, for a while.
            Err(error) => {
                println!("cannot accept: {error}");
                Timer::after(Duration::from_secs(1)).await;
                continue;
            }
        };
        let task = executor.spawn(async move {
            match serve(socket).await {
                Ok(()) => println!("{peer}: closed"),
                Err(error) => println!("{peer}: {error}"),
            }
        });
        task.detach();
    }
}

async fn serve(socket: TcpStream) -> Result<(), Error> {
    socket.set_nodelay(true)?;
    let accept = Accept::new();
    #[cfg(feature = "deflate")]
    let accept = accept.deflate(websocket_proto::DeflateConfig::default());
    let mut ws = WebSocketStream::accept(socket, Config::default(), |request, out| {
        request.accept(accept, out).map(Some)
    })
    .await?;
    // Events are lent, and all that one read brought is answered with one write.
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
