//! soketto over the `AsyncRead` and `AsyncWrite` of futures, with one message buffer for all. It leaves the check of
//! text to its user, who is given bytes; the loop does it with `std`.
//!
//! Its `receive` must not be dropped while it waits for a read, so there is one task as long as the connection lasts.

use std::cell::RefCell;
use std::hint::black_box;
use std::mem;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use soketto::connection::{Builder, Mode, Receiver, Sender};
use soketto::handshake::Server;
use soketto::handshake::server::Response;
use soketto::{Data, Incoming};

use crate::consumer::Consumer;
use crate::contender::{Can, Contender, Entry, Role, drive};
use crate::wire::Wire;

pub const ENTRY: Entry = Entry {
    name: "soketto",
    open: |role, wire| Box::new(Soketto::new(role, wire)),
    idle: Some(|wire| {
        let mut connection = Soketto::new(Role::Server, wire);
        connection.receive(&mut Consumer::default());
        Box::new(connection.task)
    }),
};

struct Soketto {
    /// Until a task has them.
    ends: Option<(Sender<Wire>, Receiver<Wire>)>,
    task: Option<Pin<Box<dyn Future<Output = ()>>>>,
    /// Where the task finds the consumer.
    consumer: Rc<RefCell<Consumer>>,
    wire: Wire,
}

impl Soketto {
    fn new(role: Role, wire: Wire) -> Self {
        let mode = match role {
            Role::Client => Mode::Client,
            Role::Server => Mode::Server,
        };
        let ends = Some(Builder::new(wire.clone(), mode).finish());
        Self { ends, task: None, consumer: Rc::default(), wire }
    }

    /// Lets the task run until it waits for a read.
    fn resume(&mut self, consumer: &mut Consumer) -> Can {
        mem::swap(consumer, &mut self.consumer.borrow_mut());
        if let Some(task) = &mut self.task {
            let _ = task.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        }
        mem::swap(consumer, &mut self.consumer.borrow_mut());
        Can::Done
    }
}

impl Contender for Soketto {
    fn receive(&mut self, consumer: &mut Consumer) -> Can {
        if let Some((sender, receiver)) = self.ends.take() {
            self.task = Some(Box::pin(receive(sender, receiver, Rc::clone(&self.consumer))));
        }
        self.resume(consumer)
    }

    fn send(&mut self, messages: &[Bytes]) -> Can {
        let Some((sender, _)) = &mut self.ends else { return Can::Not };
        let sent = drive(async {
            for data in messages {
                sender.send_binary(data).await.expect("a sink");
            }
            sender.flush().await.expect("a sink");
        });
        assert!(sent.is_ready());
        Can::Done
    }

    fn echo(&mut self, consumer: &mut Consumer) -> Can {
        if let Some((sender, receiver)) = self.ends.take() {
            self.task = Some(Box::pin(echo(sender, receiver, Rc::clone(&self.consumer))));
        }
        self.resume(consumer)
    }

    fn accept(&mut self) -> Can {
        let accepted = drive(async {
            let mut server = Server::new(self.wire.clone());
            let key = server.receive_request().await.expect("a good request").key();
            let response = Response::Accept { key, protocol: None };
            server.send_response(&response).await.expect("a sink");
            server.into_builder().finish()
        });
        assert!(matches!(black_box(accepted), Poll::Ready(_)));
        Can::Done
    }
}

async fn receive(
    _sender: Sender<Wire>,
    mut receiver: Receiver<Wire>,
    consumer: Rc<RefCell<Consumer>>,
) {
    let mut message = Vec::new();
    loop {
        message.clear();
        match receiver.receive(&mut message).await.expect("good frames") {
            Incoming::Data(Data::Binary(_)) => consumer.borrow_mut().message(&message),
            Incoming::Data(Data::Text(_)) => {
                let text = str::from_utf8(&message).expect("good text");
                consumer.borrow_mut().message(text.as_bytes());
            }
            Incoming::Pong(_) | Incoming::Closed(_) => {}
        }
    }
}

async fn echo(
    mut sender: Sender<Wire>,
    mut receiver: Receiver<Wire>,
    consumer: Rc<RefCell<Consumer>>,
) {
    let mut message = Vec::new();
    loop {
        message.clear();
        receiver.receive_data(&mut message).await.expect("good frames");
        consumer.borrow_mut().message(&message);
        sender.send_binary_mut(&mut message).await.expect("a sink");
        sender.flush().await.expect("a sink");
    }
}
