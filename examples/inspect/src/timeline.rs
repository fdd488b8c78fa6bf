//! What is told of a capture: entries, each of a time, a connection and a sender, to be printed in whatever way.

use core::time::Duration;

use websocket_proto::{FrameHeader, Role};

use crate::fault::Fault;

/// The time since the epoch.
pub type Time = Duration;

/// A line of the timeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// `None` for what was not captured with times.
    pub time: Option<Time>,
    /// The number of the connection; `None` for what is about the capture.
    pub connection: Option<u32>,
    pub from: Option<Role>,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A connection was found to be a WebSocket.
    Open(Ends),
    Request(Request),
    Response(Response),
    Frame(FrameHeader),
    Message(Message),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    /// `None`: the frame has no code.
    Close(Option<u16>, String),
    /// The first fault of a side.
    Fault(Fault),
    /// So many bytes of the sender's are not in the capture.
    Gap(u64),
    /// Something about the capture, or the reading of it.
    Note(String),
    End(End),
}

/// The addresses of a connection, where they are known.
#[derive(Clone, Debug, PartialEq)]
pub struct Ends {
    pub client: String,
    pub server: String,
}

/// A request for an upgrade, as it was sent: nothing in it is checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    pub line: String,
    pub host: Option<String>,
    pub origin: Option<String>,
    pub subprotocols: Option<String>,
    pub extensions: Option<String>,
}

/// A response, as it was sent: nothing in it is checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Response {
    pub line: String,
    pub subprotocol: Option<String>,
    pub extensions: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub payload: Payload,
    /// The number of frames that it came in.
    pub frames: u64,
    pub compressed: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Payload {
    Text(String),
    Binary(Vec<u8>),
}

/// How a connection ended, and what it came to.
#[derive(Clone, Debug, PartialEq)]
pub struct End {
    pub verdict: String,
    pub client: Totals,
    pub server: Totals,
}

/// What came from one side.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Totals {
    pub frames: u64,
    pub messages: u64,
    /// The bytes behind the handshake.
    pub bytes: u64,
    /// The segments of TCP that came again, or in part.
    pub retransmitted: u64,
    /// The segments of TCP that came behind a later one.
    pub reordered: u64,
}

/// Takes the entries of one connection.
pub struct Log<'a> {
    pub entries: &'a mut Vec<Entry>,
    pub connection: u32,
    pub time: Option<Time>,
}

impl Log<'_> {
    pub fn push(&mut self, from: impl Into<Option<Role>>, what: What) {
        let (time, connection) = (self.time, Some(self.connection));
        self.entries.push(Entry { time, connection, from: from.into(), what });
    }
}
