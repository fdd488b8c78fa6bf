//! A TCP connection: its two streams, and what they turn out to carry.

use core::mem;
use core::net::SocketAddr;

use websocket_proto::Role;

use crate::beginning::{Beginning, Found, Other};
use crate::link::Segment;
use crate::session::Session;
use crate::tcp::{Piece, Stream};
use crate::timeline::{Ends, Entry, Log, Time, What};

/// The two directions, by who sends.
pub type Way = usize;

pub struct Flow {
    /// Who sends each way.
    ends: [SocketAddr; 2],
    streams: [Stream; 2],
    /// The sequence number that each way starts at, where that was seen.
    starts: [Option<u32>; 2],
    /// What comes next is not the first.
    is_joined: bool,
    content: Content,
    was_reset: bool,
}

/// What a connection carries.
enum Content {
    Unknown(Beginning),
    /// The number is given once the request for an upgrade has come.
    Http {
        session: Session,
        client: Way,
        number: Option<u32>,
    },
    Other(Other),
    /// The end was told.
    Over,
}

/// What the connections of a capture are told to.
pub struct Sink<'a> {
    pub entries: &'a mut Vec<Entry>,
    /// The number of connections that are WebSockets.
    pub connections: &'a mut u32,
}

impl Flow {
    /// Begins a connection with a segment, which is yet to be received.
    pub fn new(segment: &Segment<'_>) -> Self {
        Self {
            ends: [segment.source, segment.destination],
            streams: Default::default(),
            starts: [None; 2],
            is_joined: false,
            content: Content::Unknown(Beginning::default()),
            was_reset: false,
        }
    }

    /// Tells whether a segment begins another connection between the same ends.
    pub fn is_followed_by(&self, segment: &Segment<'_>) -> bool {
        let start = self.starts[self.way(segment)];
        let is_other = start.is_some_and(|start| start != segment.sequence);
        segment.syn && (is_other || start.is_none() && self.is_over())
    }

    pub fn receive(&mut self, time: Time, segment: &Segment<'_>, sink: &mut Sink<'_>) {
        let way = self.way(segment);
        let mut sequence = segment.sequence;
        if segment.syn {
            self.starts[way] = Some(sequence);
            self.streams[way].synchronize(sequence);
            sequence = sequence.wrapping_add(1);
        }
        if let Some(acknowledgment) = segment.acknowledgment {
            self.streams[1 - way].acknowledge(acknowledgment);
        }
        let mut pieces = Vec::new();
        self.streams[way].receive(time, sequence, segment.data, segment.fin, &mut pieces);
        self.streams[way].skip_lost(time, &mut pieces);
        self.take(way, pieces, time, sink);
        let mut pieces = Vec::new();
        self.streams[1 - way].skip_lost(time, &mut pieces);
        self.take(1 - way, pieces, time, sink);
        self.was_reset |= segment.rst;
    }

    /// Tells whether nothing more is to come.
    pub fn is_over(&self) -> bool {
        self.was_reset || self.streams.iter().all(Stream::has_ended)
    }

    /// Ends the connection; says what it was, if not a WebSocket.
    pub fn finish(&mut self, time: Time, sink: &mut Sink<'_>) -> Option<Other> {
        for way in [0, 1] {
            let mut pieces = Vec::new();
            self.streams[way].finish(&mut pieces);
            self.take(way, pieces, time, sink);
        }
        let was_reset = self.was_reset;
        if let Content::Http { client, .. } = self.content {
            let streams = [client, 1 - client].map(|way| {
                let Stream { retransmitted, reordered, .. } = self.streams[way];
                [retransmitted, reordered]
            });
            self.tell(Some(time), sink, |session, log| session.finish(was_reset, streams, log));
        }
        match mem::replace(&mut self.content, Content::Over) {
            Content::Unknown(beginning) => Some(beginning.so_far()),
            Content::Http { number, .. } => number.is_none().then_some(Other::Http),
            Content::Other(other) => Some(other),
            Content::Over => None,
        }
    }

    /// Returns the number of a connection that is a WebSocket.
    pub fn number(&self) -> Option<u32> {
        match self.content {
            Content::Http { number, .. } => number,
            Content::Unknown(_) | Content::Other(_) | Content::Over => None,
        }
    }

    fn way(&self, segment: &Segment<'_>) -> Way {
        usize::from(segment.source != self.ends[0])
    }

    fn take(&mut self, way: Way, pieces: Vec<Piece>, now: Time, sink: &mut Sink<'_>) {
        for piece in pieces {
            match &self.content {
                Content::Unknown(_) => match piece {
                    Piece::Data(time, bytes) => self.find_out(way, time, bytes, sink),
                    Piece::Gap(_) => self.forget(Beginning::default()),
                    Piece::End => {}
                },
                Content::Http { number: None, .. } if matches!(piece, Piece::Gap(_)) => {
                    self.forget(Beginning::default());
                }
                Content::Http { client, .. } => {
                    let from = role_of(way, *client);
                    match piece {
                        Piece::Data(time, bytes) => self.tell(Some(time), sink, |session, log| {
                            session.receive(from, bytes, log);
                        }),
                        Piece::Gap(bytes) => self.tell(Some(now), sink, |session, log| {
                            session.skip(from, bytes, log);
                        }),
                        Piece::End => self.tell(Some(now), sink, |session, _| session.end()),
                    }
                }
                Content::Other(_) | Content::Over => {}
            }
        }
    }

    /// Goes on as if the start of the connection had not been seen.
    fn forget(&mut self, beginning: Beginning) {
        self.is_joined = true;
        self.content = Content::Unknown(beginning);
    }

    /// Looks at what comes first.
    fn find_out(&mut self, way: Way, time: Time, bytes: Vec<u8>, sink: &mut Sink<'_>) {
        let Content::Unknown(beginning) = &mut self.content else { return };
        let starts = self.starts[way].is_some() && !self.is_joined;
        match beginning.take(way, starts, time, bytes) {
            None => {}
            Some(Found::Other(other)) => self.content = Content::Other(other),
            Some(Found::Session(session, client)) => {
                let held = beginning.take_held();
                self.content = Content::Http { session, client, number: None };
                for (way, time, bytes) in held {
                    self.take(way, vec![Piece::Data(time, bytes)], time, sink);
                }
            }
        }
    }

    /// Has the session act, and gives it a number if it turns out to be one of a WebSocket.
    fn tell(
        &mut self,
        time: Option<Time>,
        sink: &mut Sink<'_>,
        act: impl FnOnce(&mut Session, &mut Log<'_>),
    ) {
        let Content::Http { session, client, number } = &mut self.content else { return };
        let connection = number.unwrap_or(*sink.connections + 1);
        let len = sink.entries.len();
        act(session, &mut Log { entries: sink.entries, connection, time });
        if session.is_other() {
            self.forget(Beginning::after_http());
        } else if number.is_none() && session.is_websocket() {
            *number = Some(connection);
            *sink.connections = connection;
            let [client, server] = [*client, 1 - *client].map(|way| self.ends[way].to_string());
            let what = What::Open(Ends { client, server });
            let time = sink.entries.get(len).map_or(time, |entry| entry.time);
            sink.entries.insert(len, Entry { time, connection: *number, from: None, what });
        }
    }
}

fn role_of(way: Way, client: Way) -> Role {
    if way == client { Role::Client } else { Role::Server }
}
