//! tokio-websockets over `AsyncRead` and `AsyncWrite`, polled with a waker that does nothing. Its masking and UTF-8 take
//! the widest instructions that the CPU has; keys by `fastrand`, the fastest it offers (not a cryptographic one).

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures_core::Stream;
use futures_sink::Sink;
use tokio_websockets::{ClientBuilder, Message, ServerBuilder, WebSocketStream};

use super::URL;
use crate::consumer::Consumer;
use crate::contender::{Can, Contender, Role};
use crate::wire::Wire;

struct TokioWebsockets(WebSocketStream<Wire>);

pub fn open(role: Role, wire: Wire) -> Option<Box<dyn Contender>> {
    let stream = match role {
        Role::Server => ServerBuilder::new().serve(wire),
        Role::Client => ClientBuilder::new().take_over(wire),
    };
    Some(Box::new(TokioWebsockets(stream)))
}

impl TokioWebsockets {
    /// The next message; `None` at the end of the stream.
    fn next(&mut self, context: &mut Context<'_>) -> Option<Message> {
        match Pin::new(&mut self.0).poll_next(context) {
            Poll::Pending => None,
            Poll::Ready(message) => message.transpose().expect("good frames"),
        }
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
    fn wire(&mut self) -> &mut Wire {
        self.0.get_mut()
    }

    fn receive(&mut self, consumer: &mut Consumer) -> Can {
        let context = &mut Context::from_waker(Waker::noop());
        while let Some(message) = self.next(context) {
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
        let context = &mut Context::from_waker(Waker::noop());
        while let Some(message) = self.next(context) {
            consumer.message(message.as_payload());
            self.feed(message, context);
        }
        self.flush(context);
        Can::Done
    }

    fn accept(&mut self) -> Can {
        let builder = ServerBuilder::new();
        let accept = pin!(builder.accept(self.0.get_mut()));
        let opened = accept.poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(std::hint::black_box(opened), Poll::Ready(Ok(_))));
        Can::Done
    }

    fn connect(&mut self) -> Can {
        // The key is random; a known seed makes it known, for the response is made beforehand.
        fastrand::seed(0);
        let builder = ClientBuilder::new().uri(URL).expect("a good URL");
        let connect = pin!(builder.connect_on(self.0.get_mut()));
        let opened = connect.poll(&mut Context::from_waker(Waker::noop()));
        assert!(!matches!(std::hint::black_box(opened), Poll::Ready(Err(_))));
        Can::Done
    }
}
