//! What a contender is put to: a job, with the stream it reads or the messages it sends, made beforehand.

use std::rc::Rc;

use bytes::Bytes;

use crate::consumer::Consumer;
use crate::contender::{Can, Contender, Role};
use crate::wire::Wire;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    Receive,
    Send,
    Echo,
    Accept,
    Connect,
}

/// What is in the payloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Random bytes.
    Binary,
}

#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// The end that the contender is.
    pub role: Role,
    pub job: Job,
    pub content: Content,
    /// Bytes of payload of a message.
    pub size: usize,
    /// The most bytes that a read gives.
    pub read_size: usize,
}

/// A workload with its bytes.
pub struct Ready {
    pub workload: Workload,
    stream: Rc<[u8]>,
    messages: Vec<Bytes>,
    /// How often the stream or the messages are gone through in one repetition.
    passes: usize,
}

pub const READ_SIZE: usize = 16 * 1024;
pub const WHOLE: usize = usize::MAX;

/// Enough of a stream to have no two reads alike, and little enough to stay in the second-level cache.
const STREAM_LEN: usize = 256 * 1024;
const PASSES: usize = 4;

impl Workload {
    pub const fn receive(role: Role, size: usize) -> Self {
        Self { role, job: Job::Receive, content: Content::Binary, size, read_size: READ_SIZE }
    }

    pub const fn handshake(role: Role, job: Job) -> Self {
        Self { role, job, content: Content::Binary, size: 0, read_size: READ_SIZE }
    }

    pub fn ready(self) -> Ready {
        self.ready_with(STREAM_LEN, PASSES)
    }

    /// As [`ready`](Self::ready), with a stream of about so many bytes.
    pub fn ready_with(self, stream_len: usize, passes: usize) -> Ready {
        let mut random = Random(0x5eed);
        let count = (stream_len / (self.size + 6)).max(1);
        let messages: Vec<Bytes> = (0..count).map(|_| self.payload(&mut random)).collect();
        let mut stream = Vec::new();
        match self.job {
            Job::Receive | Job::Echo => {
                // A client masks, a server does not.
                for payload in &messages {
                    let key = (self.role == Role::Server).then(|| random.key());
                    put_frame(0x82, payload, key, &mut stream);
                }
            }
            Job::Accept => stream.extend_from_slice(REQUEST.as_bytes()),
            Job::Connect | Job::Send => {}
        }
        let passes = match self.job {
            Job::Accept | Job::Connect => 500 * passes,
            _ => passes,
        };
        Ready { workload: self, stream: stream.into(), messages, passes }
    }

    fn payload(&self, random: &mut Random) -> Bytes {
        match self.content {
            Content::Binary => (0..self.size).map(|_| random.next() as u8).collect(),
        }
    }
}

impl Ready {
    pub fn wire(&self) -> Wire {
        Wire::new(Rc::clone(&self.stream), self.workload.read_size)
    }

    /// The messages, or handshakes, in one repetition.
    pub fn count(&self) -> usize {
        self.passes * self.count_in_pass()
    }

    pub fn count_in_pass(&self) -> usize {
        match self.workload.job {
            Job::Receive | Job::Send | Job::Echo => self.messages.len(),
            Job::Accept | Job::Connect => 1,
        }
    }

    /// The messages as frames of a server, which is what is to be written, a client's masking set aside.
    pub fn frames(&self) -> Vec<u8> {
        let mut frames = Vec::new();
        self.messages.iter().for_each(|payload| put_frame(0x82, payload, None, &mut frames));
        frames
    }

    /// What is to be written where nothing is sent: Pongs.
    pub fn replies(&self) -> &[u8] {
        &[]
    }

    /// What a consumer is to record in one pass.
    pub fn record(&self) -> Vec<u8> {
        let mut consumer = Consumer::recording();
        if matches!(self.workload.job, Job::Receive | Job::Echo) {
            self.messages.iter().for_each(|payload| consumer.message(payload));
        }
        consumer.recorded().to_vec()
    }

    /// One repetition.
    pub fn run(&self, contender: &mut dyn Contender, consumer: &mut Consumer) -> Can {
        let mut can = Can::Done;
        for _ in 0..self.passes {
            can = self.pass(contender, consumer);
        }
        can
    }

    pub fn pass(&self, contender: &mut dyn Contender, consumer: &mut Consumer) -> Can {
        contender.wire().rewind();
        match self.workload.job {
            Job::Receive => contender.receive(consumer),
            Job::Echo => contender.echo(consumer),
            Job::Accept => contender.accept(),
            Job::Connect => contender.connect(),
            Job::Send => {
                // As many in a batch as a read would bring.
                let batch = (READ_SIZE / self.workload.size).max(1);
                let mut can = Can::Done;
                for messages in self.messages.chunks(batch) {
                    can = contender.send(messages);
                }
                can
            }
        }
    }
}

/// A frame as RFC 6455 §5.2 draws it, written without the help of any contender.
fn put_frame(first: u8, payload: &[u8], key: Option<[u8; 4]>, stream: &mut Vec<u8>) {
    let mask_bit = if key.is_some() { 0x80 } else { 0 };
    stream.push(first);
    match payload.len() {
        len @ 0..126 => stream.push(mask_bit | len as u8),
        len @ 126..0x1_0000 => {
            stream.push(mask_bit | 126);
            stream.extend((len as u16).to_be_bytes());
        }
        len => {
            stream.push(mask_bit | 127);
            stream.extend((len as u64).to_be_bytes());
        }
    }
    let Some(key) = key else { return stream.extend_from_slice(payload) };
    stream.extend_from_slice(&key);
    stream.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
}

/// xorshift64: the same bytes in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn key(&mut self) -> [u8; 4] {
        (self.next() as u32).to_le_bytes()
    }
}

/// A browser's request: 510 bytes, 12 fields.
const REQUEST: &str = "GET /chat?room=websocket HTTP/1.1\r\n\
    Host: example.com\r\n\
    Connection: Upgrade\r\n\
    Pragma: no-cache\r\n\
    Cache-Control: no-cache\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36\r\n\
    Upgrade: websocket\r\n\
    Origin: https://example.com\r\n\
    Sec-WebSocket-Version: 13\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";
