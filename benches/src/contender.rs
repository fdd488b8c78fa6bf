//! What is compared: anything that can do some of these jobs over a [`Wire`].

use std::any::Any;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures_core::Stream;

use crate::consumer::Consumer;
use crate::wire::Wire;

/// An open connection of some library, with the loop that its documentation shows.
pub trait Contender {
    /// Reads the stream to its end, answers Pings, and hands each message over.
    fn receive(&mut self, _consumer: &mut Consumer) -> Can {
        Can::Not
    }

    /// Sends these binary messages, and has them written when it returns.
    fn send(&mut self, _messages: &[Bytes]) -> Can {
        Can::Not
    }

    /// Reads the stream to its end, and sends each message back as it came.
    fn echo(&mut self, _consumer: &mut Consumer) -> Can {
        Can::Not
    }

    /// Reads a client's request from the wire, checks it, and writes the 101: a new connection, which is dropped.
    fn accept(&mut self) -> Can {
        Can::Not
    }

    /// Writes a request, and checks the response on the wire: a new connection, which is dropped. Where there is no
    /// response yet, the request is all.
    fn connect(&mut self) -> Can {
        Can::Not
    }
}

/// Whether a contender has what a job asks for; one that has not is left out of the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Can {
    Done,
    Not,
}

/// The end of the connection that a contender is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Client,
    Server,
}

/// A contender as the rows know it.
pub struct Entry {
    pub name: &'static str,
    /// Opens a connection whose handshake is done.
    pub open: fn(Role, Wire) -> Box<dyn Contender>,
    /// What a server has to keep of a connection between two messages, its transport not counted. The one message on
    /// the wire has come.
    pub idle: Option<fn(Wire) -> Box<dyn Any>>,
}

/// Drives what is asynchronous until it waits for a read, or is done.
pub fn drive<T>(work: impl Future<Output = T>) -> Poll<T> {
    pin!(work).poll(&mut Context::from_waker(Waker::noop()))
}

/// Takes all that a stream has to give now.
pub fn drain(mut stream: impl Stream + Unpin) {
    let context = &mut Context::from_waker(Waker::noop());
    while let Poll::Ready(Some(_)) = Pin::new(&mut stream).poll_next(context) {}
}
