//! Before anything is timed: every contender hands over the same messages, and writes the same bytes.

use std::collections::HashSet;

use crate::consumer::Consumer;
use crate::contender::{Can, Contender, Open, Role};
use crate::workloads::{Job, Ready};

/// The accept value of RFC 6455 §1.3, whose key the request of this workload has.
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Opens a contender for a workload, if it can do it; fails if it does it wrong.
pub fn open(ready: &Ready, open: Open) -> Result<Option<Box<dyn Contender>>, String> {
    let Some(mut contender) = opened(ready, open) else { return Ok(None) };
    match check(ready, &mut *contender)? {
        Can::Not => Ok(None),
        Can::Done => Ok(opened(ready, open)),
    }
}

fn opened(ready: &Ready, open: Open) -> Option<Box<dyn Contender>> {
    let mut contender = open(ready.workload.role, ready.wire())?;
    if ready.workload.job == Job::Connect {
        // The first request finds no response, but tells the key, which will be the same at every other.
        contender.connect();
        let request = String::from_utf8_lossy(contender.wire().written()).to_ascii_lowercase();
        let at =
            request.find("sec-websocket-key: ").map_or(0, |at| at + "sec-websocket-key: ".len());
        let key = contender.wire().written().get(at..at + 24).unwrap_or_default();
        let accept = ::tungstenite::handshake::derive_accept_key(key);
        let response = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        contender.wire().set_stream(response.into_bytes().into());
    }
    Some(contender)
}

fn check(ready: &Ready, contender: &mut dyn Contender) -> Result<Can, String> {
    contender.wire().keep_all();
    let mut consumer = Consumer::recording();
    if ready.pass(contender, &mut consumer) == Can::Not {
        return Ok(Can::Not);
    }
    let wire = contender.wire();
    let written = wire.written();
    let problem = if !wire.is_at_end() {
        "leaves bytes unread"
    } else if consumer.recorded() != ready.record() {
        "hands over other messages"
    } else if !match ready.workload.job {
        Job::Receive => written == ready.replies(),
        Job::Send | Job::Echo if ready.workload.role == Role::Client => masks_well(ready, written),
        Job::Send | Job::Echo => written == ready.frames(),
        Job::Accept => accepts(written),
        Job::Connect => written.ends_with(b"\r\n\r\n"),
    } {
        "writes other bytes"
    } else {
        return Ok(Can::Done);
    };
    Err(problem.to_owned())
}

/// Whether these are the frames, each masked with a key of its own.
fn masks_well(ready: &Ready, mut written: &[u8]) -> bool {
    let mut keys = HashSet::new();
    let mut plain = Vec::new();
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
    // Two of ten thousand may be equal by chance.
    plain == ready.frames() && keys.len() + 3 > ready.count_in_pass()
}

fn accepts(written: &[u8]) -> bool {
    let response = String::from_utf8_lossy(written);
    let accept = response.lines().any(|line| {
        line.split_once(": ").is_some_and(|(name, value)| {
            name.eq_ignore_ascii_case("Sec-WebSocket-Accept") && value == ACCEPT
        })
    });
    response.starts_with("HTTP/1.1 101 ") && response.ends_with("\r\n\r\n") && accept
}
