//! tokio-websockets over `AsyncRead` and `AsyncWrite`. Its masking and UTF-8 take the widest instructions that the CPU
//! has; keys by `fastrand`, the fastest source it offers (not a cryptographic one).

use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures_core::Stream;
use futures_sink::Sink;
use tokio_websockets::{ClientBuilder, Message, ServerBuilder, WebSocketStream};

use super::URL;
use crate::consumer::Consumer;
use crate::contender::{Can, Contender, Entry, Role, drive};
use crate::wire::Wire;

pub const ENTRY: Entry = Entry {
    name: "tokio-websockets",
    open: |role, wire| Box::new(TokioWebsockets::new(role, wire)),
    idle: Some(|wire| {
        let mut connection = TokioWebsockets::new(Role::Server, wire);
        connection.receive(&mut Consumer::default());
        Box::new(connection.0)
    }),
};

struct TokioWebsockets(WebSocketStream<Wire>);

impl TokioWebsockets {
    fn new(role: Role, wire: Wire) -> Self {
        Self(match role {
            Role::Server => ServerBuilder::new().serve(wire),
            Role::Client => ClientBuilder::new().take_over(wire),
        })
    }

    fn feed(&mut self, message: Message, context: &mut Context<'_>) {
        let mut stream = Pin::new(&mut self.0);
        assert!(stream.as_mut().poll_ready(context).is_ready());
        stream.start_send(message).expect("the connection is open");
    }

    fn flush(&mut self, context: &mut Context<'_>) {
        assert!(Pin::new(&mut self.0).poll_flush(context).is_ready());
    }
}

impl Contender for TokioWebsockets {
    fn receive(&mut self, consumer: &mut Consumer) -> Can {
        let context = &mut Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(message)) = Pin::new(&mut self.0).poll_next(context) {
            let message = message.expect("good frames");
            if message.is_binary() || message.is_text() {
                consumer.message(message.as_payload());
            }
        }
        Can::Done
    }

    fn send(&mut self, messages: &[Bytes]) -> Can {
        let context = &mut Context::from_waker(Waker::noop());
        for data in messages {
            self.feed(Message::binary(data.clone()), context);
        }
        self.flush(context);
        Can::Done
    }

    fn echo(&mut self, consumer: &mut Consumer) -> Can {
        // What waits to be sent is written by each `poll_next`, so there is a write a message.
        let context = &mut Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(message)) = Pin::new(&mut self.0).poll_next(context) {
            let message = message.expect("good frames");
            consumer.message(message.as_payload());
            self.feed(message, context);
        }
        self.flush(context);
        Can::Done
    }

    fn accept(&mut self) -> Can {
        let accepted = drive(ServerBuilder::new().accept(self.0.get_ref().clone()));
        assert!(matches!(black_box(accepted), Poll::Ready(Ok(_))));
        Can::Done
    }

    fn connect(&mut self) -> Can {
        // The key is random; a known seed makes it known, for the response is made beforehand.
        fastrand::seed(0);
        let builder = ClientBuilder::new().uri(URL).expect("a good URL");
        let connected = drive(builder.connect_on(self.0.get_ref().clone()));
        assert!(!matches!(black_box(connected), Poll::Ready(Err(_))));
        Can::Done
    }
}
