//! A session over the traits of futures whose futures are dropped at every await.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use futures::executor::block_on;
use futures::io::{AsyncRead, AsyncWrite};
use futures::{SinkExt, StreamExt, join};
use futures_io_driver::{Error, WebSocketStream};
use futures_lite::future::yield_now;
use websocket_proto::{CloseCode, Event};

use sessions::{End, pair};

#[path = "../../tokio/tests/sessions/mod.rs"]
mod sessions;

impl AsyncRead for End {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        End::poll_read(&mut self, cx, buf).map(Ok)
    }
}

impl AsyncWrite for End {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        End::poll_write(&mut self, cx, buf).map(Ok)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        End::poll_flush(&mut self, cx).map(Ok)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        End::poll_close(&mut self, cx).map(Ok)
    }
}

#[test]
fn a_stream_and_a_sink_are_made_of_it() {
    let (messages, served) = block_on(async {
        let (client, mut server) = pair(100).await;
        let sender = client.sender();
        let send = async {
            let mut sink = pin!(futures::sink::unfold(sender, async |sender, text: &str| {
                sender.send(|ws, out| ws.send_text(text, out)).await.map(|()| sender)
            }));
            sink.send("one").await.unwrap();
            sink.send("two").await.unwrap();
        };
        let serve = async {
            let first = server.next().await.unwrap().unwrap();
            let second = server.next().await.unwrap().unwrap();
            for text in ["three", "four"] {
                server.send(|ws, out| ws.send_text(text, out)).await.unwrap();
            }
            server.send(|ws, out| ws.close(CloseCode::NORMAL, "", out)).await.unwrap();
            while let Some(message) = server.next().await {
                message.unwrap();
            }
            drop(server);
            [first, second]
        };
        let messages = client.into_stream().map(Result::unwrap).collect::<Vec<_>>();
        let (messages, served, ()) = join!(messages, serve, send);
        (messages, served)
    });
    assert_eq!(served, [Event::Text("one".into()), Event::Text("two".into())]);
    assert_eq!(messages[..2], [Event::Text("three".into()), Event::Text("four".into())]);
    assert!(matches!(messages[2..], [Event::Close(_)]));
}
