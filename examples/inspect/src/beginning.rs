//! What a connection carries, told by what comes first; or, where the start was not captured, by what may be frames.

use core::mem;

use websocket_proto::Role;

use crate::flow::Way;
use crate::frames::whole_frames;
use crate::session::Session;
use crate::timeline::Time;

/// What has come before it is known what it is.
#[derive(Default)]
pub struct Beginning {
    held: Vec<(Way, Time, Vec<u8>)>,
    held_bytes: usize,
    /// The first bytes of each way.
    first: [Vec<u8>; 2],
    /// Of each way the last segment, where the start was not seen, if it is frames from its first byte to its last; and
    /// whose.
    candidates: [Option<(Time, Vec<u8>, Role)>; 2],
    /// There was HTTP before, which was not for an upgrade; another request may follow.
    is_http: bool,
}

/// What a connection turns out to be.
pub enum Found {
    /// A session to be, and who is its client.
    Session(Session, Way),
    Other(Other),
}

/// What is not a WebSocket, or not to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Other {
    Tls,
    Http,
    Unknown,
}

impl Beginning {
    /// Begins behind a request that was not for an upgrade.
    pub fn after_http() -> Self {
        Self { is_http: true, ..Self::default() }
    }

    /// Takes the next segment of a way. `starts` tells whether the first byte of that way was captured.
    pub fn take(&mut self, way: Way, starts: bool, time: Time, bytes: Vec<u8>) -> Option<Found> {
        let first = &mut self.first[way];
        first.extend(bytes.iter().take(LONGEST_WORD.saturating_sub(first.len())));
        self.held_bytes += bytes.len();
        self.held.push((way, time, bytes));
        let is_begun = |word: &[u8]| first.len() < word.len() && word.starts_with(first);
        if first.starts_with(GET) {
            return Some(Found::Session(Session::requested(), way));
        }
        if first.starts_with(SWITCHING) && !starts {
            return Some(Found::Session(Session::answered(), 1 - way));
        }
        // There may be more to come of it, or the request that it answers.
        let is_early = starts && first.starts_with(STATUS) && self.held_bytes < MOST_HELD;
        if is_early || is_begun(GET) || is_begun(SWITCHING) {
            return None;
        }
        if starts {
            let is_http =
                first.starts_with(STATUS) || METHODS.iter().any(|it| first.starts_with(it));
            return Some(Found::Other(match is_http {
                true => Other::Http,
                false if first.starts_with(TLS) => Other::Tls,
                false => Other::Unknown,
            }));
        }
        let is_tls = first.starts_with(TLS);
        let segment = self.held.pop();
        self.held.clear();
        self.held_bytes = 0;
        self.first[way].clear();
        if is_tls {
            return Some(Found::Other(Other::Tls));
        }
        let (way, time, bytes) = segment.filter(|_| !self.is_http)?;
        self.find_frames(way, time, bytes)
    }

    /// Looks for frames: two segments in a row, or one of each way, that are frames from end to end.
    fn find_frames(&mut self, way: Way, time: Time, bytes: Vec<u8>) -> Option<Found> {
        let Some(sender) = whole_frames(&bytes) else {
            self.candidates[way] = None;
            return None;
        };
        let is_of = |way: Way, role| matches!(&self.candidates[way], Some((.., it)) if *it == role);
        if !is_of(way, sender) && !is_of(1 - way, sender.peer()) {
            self.candidates[way] = Some((time, bytes, sender));
            return None;
        }
        let has_other = self.candidates[1 - way].is_some();
        let session = Session::joined(|role| role == sender || has_other);
        for (way, candidate) in self.candidates.iter_mut().enumerate() {
            self.held.extend(candidate.take().map(|(time, bytes, _)| (way, time, bytes)));
        }
        self.held.sort_by_key(|(_, time, _)| *time);
        self.held.push((way, time, bytes));
        Some(Found::Session(session, if sender == Role::Client { way } else { 1 - way }))
    }

    /// Returns what was held for the session, in the order in which it came.
    pub fn take_held(&mut self) -> Vec<(Way, Time, Vec<u8>)> {
        mem::take(&mut self.held)
    }

    /// Returns what it is, if nothing more comes.
    pub fn so_far(&self) -> Other {
        if self.is_http { Other::Http } else { Other::Unknown }
    }
}

const GET: &[u8] = b"GET ";
const STATUS: &[u8] = b"HTTP/";
const SWITCHING: &[u8] = b"HTTP/1.1 101";
/// A handshake record (RFC 8446 §5.1).
const TLS: &[u8] = &[0x16, 0x03];
/// The other methods of RFC 9110 §9, and HTTP/2 (RFC 9113 §3.4).
const METHODS: [&[u8]; 8] =
    [b"HEAD ", b"POST ", b"PUT ", b"DELETE ", b"CONNECT ", b"OPTIONS ", b"TRACE ", b"PRI "];
const LONGEST_WORD: usize = SWITCHING.len();
/// The most bytes that wait for the request before them.
const MOST_HELD: usize = 16 << 10;
