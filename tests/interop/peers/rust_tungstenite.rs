//! tungstenite, which blocks, and knows no compression.

use std::net::{TcpListener, TcpStream};

use interop::{Result, Task, tell_port};
use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::protocol::{Message, WebSocketConfig};
use tungstenite::{Error, WebSocket, accept_with_config, client::client_with_config};

fn main() -> Result<()> {
    let mut task = Task::from_args()?;
    let config = Some(WebSocketConfig::default());
    let mut ws = if task.is_server {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        tell_port(listener.local_addr()?.port())?;
        accept_with_config(listener.accept()?.0, config).map_err(|error| error.to_string())?
    } else {
        let socket = TcpStream::connect(task.address())?;
        client_with_config(&task.url, socket, config).map_err(|error| error.to_string())?.0
    };
    if task.drives {
        for index in 0..task.script.messages.len() {
            let message = &task.script.messages[index];
            let parts: Vec<_> = message.fragments.iter().map(Vec::as_slice).collect();
            send(&mut ws, message.is_text, &parts)?;
            while task.received() < task.due(index) {
                note(&ws.read()?, &mut task);
            }
        }
        ws.close(None)?;
    }
    loop {
        match ws.read() {
            Ok(message) => {
                if note(&message, &mut task) {
                    let payload = message.clone().into_data();
                    send(&mut ws, message.is_text(), &task.cut(&payload))?;
                }
            }
            Err(Error::ConnectionClosed) => return task.report(),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Takes down a data message.
fn note(message: &Message, task: &mut Task) -> bool {
    match message {
        Message::Text(text) => task.note(true, text.as_bytes()),
        Message::Binary(data) => task.note(false, data),
        _ => return false,
    }
    true
}

fn send(ws: &mut WebSocket<TcpStream>, is_text: bool, parts: &[&[u8]]) -> Result<()> {
    let mut kind = if is_text { Data::Text } else { Data::Binary };
    for (index, part) in parts.iter().enumerate() {
        let is_final = index + 1 == parts.len();
        ws.send(Message::Frame(Frame::message(part.to_vec(), OpCode::Data(kind), is_final)))?;
        kind = Data::Continue;
    }
    Ok(())
}
