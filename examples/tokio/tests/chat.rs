//! The chat, as a program, with two who talk.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_driver::{Error, Message, WebSocketStream};
use websocket_proto::{ClientRequest, CloseCode, Config, Event};

/// Does not outlive the test.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn next(ws: &mut WebSocketStream<TcpStream>) -> Option<Result<Message, Error>> {
    timeout(Duration::from_secs(10), ws.next()).await.unwrap()
}

#[tokio::test]
async fn what_one_says_all_hear() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat"));
    let mut chat = Program(command.arg("127.0.0.1:0").stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    let mut printed = BufReader::new(chat.0.stdout.take().unwrap());
    printed.read_line(&mut line).unwrap();
    let url = line.strip_prefix("listening on ").unwrap().trim_end();
    let join = async || {
        let request = ClientRequest::new(url).unwrap();
        let socket = TcpStream::connect((request.host(), request.port())).await.unwrap();
        WebSocketStream::connect(socket, request, [7; 32], Config::default()).await.unwrap()
    };
    let (mut one, mut other) = (join().await, join().await);
    // Who has heard himself has joined; the other may hear it too.
    other.send(|ws, out| ws.send_text("I am here", out)).await.unwrap();
    assert_eq!(next(&mut other).await.unwrap().unwrap(), Event::Text("I am here".into()));
    for text in ["hello", "", "grüß dich"] {
        one.send(|ws, out| ws.send_text(text, out)).await.unwrap();
        for listener in [&mut one, &mut other] {
            let mut heard = next(listener).await.unwrap().unwrap();
            if heard == Event::Text("I am here".into()) {
                heard = next(listener).await.unwrap().unwrap();
            }
            assert_eq!(heard, Event::Text(text.into()));
        }
    }
    one.send(|ws, out| ws.close(CloseCode::NORMAL, "bye", out)).await.unwrap();
    assert!(matches!(next(&mut one).await, Some(Ok(Event::Close(_)))));
    assert!(next(&mut one).await.is_none());
}
