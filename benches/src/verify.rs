//! Before anything is timed: every contender hands over the same messages, and writes the same bytes.

use std::collections::HashSet;

use crate::consumer::Consumer;
use crate::contender::{Can, Contender, Entry, Role};
use crate::payloads::ACCEPT;
use crate::wire::Wire;
use crate::workloads::{Job, Ready};

/// A contender that is open, and the transport it was given.
pub type Opened = (Box<dyn Contender>, Wire);

/// Opens a contender for a workload, if it can do it; fails if it does it wrong.
pub fn open(ready: &Ready, entry: &Entry) -> Result<Option<Opened>, String> {
    let (mut contender, wire) = opened(ready, entry);
    match check(ready, &mut *contender, &wire)? {
        Can::Not => Ok(None),
        Can::Done => Ok(Some(opened(ready, entry))),
    }
}

fn opened(ready: &Ready, entry: &Entry) -> Opened {
    let wire = ready.wire();
    let mut contender = (entry.open)(ready.workload.role, wire.clone());
    if ready.workload.job == Job::Connect {
        // The first request finds no response, but tells the key, which will be the same at every other.
        contender.connect();
        wire.set_stream(response(&wire.written()).into_bytes().into());
    }
    (contender, wire)
}

fn response(request: &[u8]) -> String {
    const NAME: &str = "sec-websocket-key: ";
    let names = String::from_utf8_lossy(request).to_ascii_lowercase();
    let key = names.find(NAME).and_then(|at| request[at + NAME.len()..].first_chunk::<24>());
    let accept = ::tungstenite::handshake::derive_accept_key(key.unwrap_or(&[0; 24]));
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
}

fn check(ready: &Ready, contender: &mut dyn Contender, wire: &Wire) -> Result<Can, String> {
    wire.keep_all();
    let mut consumer = Consumer::recording();
    if ready.pass(contender, wire, &mut consumer) == Can::Not {
        return Ok(Can::Not);
    }
    let written = wire.written();
    let is_written = match (ready.workload.job, ready.workload.role) {
        (Job::Receive, _) => written == ready.pongs(),
        (Job::Send | Job::Echo, Role::Server) => written == ready.frames(),
        (Job::Send | Job::Echo, Role::Client) => is_masked(ready, &written),
        (Job::Accept, _) => is_accepted(&written),
        (Job::Connect, _) => written.ends_with(b"\r\n\r\n"),
    };
    let problem = if !wire.is_at_end() {
        "leaves bytes unread"
    } else if consumer.recorded() != ready.record() {
        "hands over other messages"
    } else if !is_written {
        "writes other bytes"
    } else {
        return Ok(Can::Done);
    };
    Err(problem.to_owned())
}

/// Whether these are the frames, each masked with a key of its own.
fn is_masked(ready: &Ready, mut written: &[u8]) -> bool {
    let (mut keys, mut plain) = (HashSet::new(), Vec::new());
    while let [first, second, rest @ ..] = written {
        let (len_len, len) = match second & 0x7f {
            126 => (2, u16::from_be_bytes([rest[0], rest[1]]).into()),
            127 => (8, u64::from_be_bytes(rest[..8].try_into().expect("8 bytes")) as usize),
            len => (0, usize::from(len)),
        };
        let (key, payload) = (&rest[len_len..len_len + 4], &rest[len_len + 4..][..len]);
        keys.insert(key);
        plain.extend([*first, second & 0x7f]);
        plain.extend(&rest[..len_len]);
        plain.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
        written = &rest[len_len + 4 + len..];
    }
    // A few of ten thousand may be equal by chance.
    plain == ready.frames() && keys.len() + 3 > ready.count_in_pass()
}

fn is_accepted(written: &[u8]) -> bool {
    let response = String::from_utf8_lossy(written);
    let accept = response.lines().any(|line| {
        line.split_once(": ").is_some_and(|(name, value)| {
            name.eq_ignore_ascii_case("Sec-WebSocket-Accept") && value == ACCEPT
        })
    });
    response.starts_with("HTTP/1.1 101 ") && response.ends_with("\r\n\r\n") && accept
}
