//! tokio-websockets. It cuts what it sends into fragments of 4 KiB, and knows no compression.

use futures_util::{SinkExt, StreamExt};
use interop::{Result, Task, tell_port};
use tokio::net::{TcpListener, TcpStream};
use tokio_websockets::{ClientBuilder, Config, Message, ServerBuilder, WebSocketStream};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut task = Task::from_args()?;
    let config = Config::default().frame_size(4096);
    if task.is_server {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        tell_port(listener.local_addr()?.port())?;
        let (socket, _) = listener.accept().await?;
        let (_, ws) = ServerBuilder::new().config(config).accept(socket).await?;
        talk(ws, &mut task).await?;
    } else {
        let socket = TcpStream::connect(task.address()).await?;
        let (ws, _) =
            ClientBuilder::new().uri(&task.url)?.config(config).connect_on(socket).await?;
        talk(ws, &mut task).await?;
    }
    task.report()
}

async fn talk(mut ws: WebSocketStream<TcpStream>, task: &mut Task) -> Result<()> {
    if task.drives {
        for index in 0..task.script.messages.len() {
            let message = &task.script.messages[index];
            let payload = message.payload();
            ws.send(if message.is_text {
                Message::text(String::from_utf8(payload)?)
            } else {
                Message::binary(payload)
            })
            .await?;
            while task.received() < task.due(index) {
                let message = ws.next().await.ok_or("closed before all was back")??;
                note(&message, task);
            }
        }
        ws.close().await?;
    }
    while let Some(message) = ws.next().await {
        let message = message?;
        if note(&message, task) {
            ws.send(message).await?;
        }
    }
    Ok(())
}

/// Takes down a data message.
fn note(message: &Message, task: &mut Task) -> bool {
    let is_data = message.is_text() || message.is_binary();
    if is_data {
        task.note(message.is_text(), message.as_payload());
    }
    is_data
}
