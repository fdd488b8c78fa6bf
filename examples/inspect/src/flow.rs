//! A TCP connection: its two streams, and what they turn out to carry.

use core::mem;
use core::net::SocketAddr;

use websocket_proto::Role;

use crate::frames::whole_frames;
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
    content: Content,
    was_reset: bool,
}

/// What a connection carries.
enum Content {
    Unknown(Unknown),
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

/// What has come before it is known what it is.
#[derive(Default)]
struct Unknown {
    held: Vec<(Way, Time, Vec<u8>)>,
    held_bytes: usize,
    /// The first bytes of each way.
    first: [Vec<u8>; 2],
    /// Of each way the last segment, where the start was not seen, and that may be frames from its first byte to its
    /// last; and whose.
    candidates: [Option<(Time, Vec<u8>, Role)>; 2],
}

/// What the connections of a capture are told to.
pub struct Sink<'a> {
    pub entries: &'a mut Vec<Entry>,
    /// The number of connections that are WebSockets.
    pub connections: &'a mut u32,
}

/// What is not a WebSocket, or not to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Other {
    Tls,
    Http,
    Unknown,
}

impl Flow {
    /// Begins a connection with a segment, which is yet to be received.
    pub fn new(segment: &Segment<'_>) -> Self {
        Self {
            ends: [segment.source, segment.destination],
            streams: Default::default(),
            starts: [None; 2],
            content: Content::Unknown(Unknown::default()),
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
            Content::Unknown(_) => Some(Other::Unknown),
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
                    Piece::Gap(_) => self.forget(),
                    Piece::End => {}
                },
                Content::Http { number: None, .. } if matches!(piece, Piece::Gap(_)) => {
                    self.forget()
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
    fn forget(&mut self) {
        self.starts = [None; 2];
        self.content = Content::Unknown(Unknown::default());
    }

    /// Looks at what comes first, or at what may be frames where the start was not seen.
    fn find_out(&mut self, way: Way, time: Time, bytes: Vec<u8>, sink: &mut Sink<'_>) {
        let Content::Unknown(unknown) = &mut self.content else { return };
        let Unknown { held, held_bytes, first, candidates } = unknown;
        let starts = self.starts[way].is_some();
        let role = whole_frames(&bytes);
        let first = &mut first[way];
        first.extend(bytes.iter().take(LONGEST_METHOD.saturating_sub(first.len())));
        *held_bytes += bytes.len();
        held.push((way, time, bytes));
        let is_begun = |word: &[u8]| first.len() < word.len() && word.starts_with(first);
        if first.starts_with(GET) {
            self.open(way, Session::requested(), sink);
        } else if first.starts_with(STATUS) && !starts {
            self.open(1 - way, Session::answered(), sink);
        } else if first.starts_with(STATUS) && *held_bytes < MOST_HELD
            || is_begun(GET)
            || is_begun(STATUS)
        {
            // There is more to come: of it, or the request that it answers.
        } else if first.starts_with(&[0x16, 0x03]) {
            self.content = Content::Other(Other::Tls);
        } else if METHODS.iter().any(|method| first.starts_with(method)) {
            self.content = Content::Other(Other::Http);
        } else if starts {
            self.content = Content::Other(Other::Unknown);
        } else {
            let piece = held.pop();
            held.clear();
            first.clear();
            *held_bytes = 0;
            let (Some(role), Some((way, time, bytes))) = (role, piece) else {
                candidates[way] = None;
                return;
            };
            let is_frames =
                |way: Way, role| matches!(&candidates[way], Some((.., it)) if *it == role);
            let is_sure = is_frames(way, role) || is_frames(1 - way, role.peer());
            if !is_sure {
                candidates[way] = Some((time, bytes, role));
                return;
            }
            let client = if role == Role::Client { way } else { 1 - way };
            let at_frame = |role| role == role_of(way, client) || candidates[1 - way].is_some();
            let session = Session::joined(at_frame);
            for (way, candidate) in candidates.iter_mut().enumerate() {
                held.extend(candidate.take().map(|(time, bytes, _)| (way, time, bytes)));
            }
            held.sort_by_key(|(_, time, _)| *time);
            held.push((way, time, bytes));
            self.open(client, session, sink);
        }
    }

    /// Reads what was held as the traffic of a session.
    fn open(&mut self, client: Way, session: Session, sink: &mut Sink<'_>) {
        let content = Content::Http { session, client, number: None };
        let Content::Unknown(unknown) = mem::replace(&mut self.content, content) else { return };
        for (way, time, bytes) in unknown.held {
            self.take(way, vec![Piece::Data(time, bytes)], time, sink);
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
        if number.is_none() && session.is_websocket() {
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

const GET: &[u8] = b"GET ";
const STATUS: &[u8] = b"HTTP/";
/// The other methods of RFC 9110 §9, and HTTP/2 (RFC 9113 §3.4).
const METHODS: [&[u8]; 8] =
    [b"HEAD ", b"POST ", b"PUT ", b"DELETE ", b"CONNECT ", b"OPTIONS ", b"TRACE ", b"PRI "];
const LONGEST_METHOD: usize = 8;
/// The most bytes that wait for the request before them.
const MOST_HELD: usize = 16 << 10;
