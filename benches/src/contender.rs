//! What is compared: anything that can do some of these jobs over a [`Wire`].

use bytes::Bytes;

use crate::consumer::Consumer;
use crate::wire::Wire;

/// The end of the connection that a contender is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Client,
    Server,
}

/// Whether a contender has what a job asks for; one that has not is left out of the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Can {
    Done,
    Not,
}

/// An open connection of some library, and the loop that its documentation shows.
pub trait Contender {
    /// The transport that it reads from and writes to.
    fn wire(&mut self) -> &mut Wire;

    /// Reads the stream to its end, answers Pings, and hands each message over.
    fn receive(&mut self, consumer: &mut Consumer) -> Can;

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

    /// Writes a request, and checks the response on the wire: a new connection, which is dropped.
    fn connect(&mut self) -> Can {
        Can::Not
    }
}

/// Opens a connection whose handshake is done, if the library can be this end of it.
pub type Open = fn(Role, Wire) -> Option<Box<dyn Contender>>;
