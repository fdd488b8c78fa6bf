//! What a contender is put to: a job, with the stream it reads or the messages it sends, made beforehand.

use std::rc::Rc;

use bytes::Bytes;

use crate::consumer::Consumer;
use crate::contender::{Can, Contender, Role};
use crate::payloads::{Content, REQUEST, Random, put_frame};
use crate::wire::Wire;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    Receive,
    Send,
    Echo,
    Accept,
    Connect,
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
    /// Bytes of payload of a fragment, where messages come in several, with a Ping behind every 16.
    pub fragment: Option<usize>,
}

/// A workload with its bytes.
pub struct Ready {
    pub workload: Workload,
    stream: Rc<[u8]>,
    messages: Vec<Bytes>,
    /// The Pongs that are to come.
    pongs: Vec<u8>,
    /// How often the stream or the messages are gone through in one repetition.
    passes: usize,
}

pub const READ_SIZE: usize = 16 * 1024;
pub const WHOLE: usize = usize::MAX;

/// Enough of a stream to have no two reads alike, and little enough to stay in the second-level cache.
const STREAM_LEN: usize = 256 * 1024;
const PASSES: usize = 4;
const HANDSHAKES: usize = 2000;
const FRAGMENTS_A_PING: usize = 16;
const PING: &[u8] = b"are you there?";

impl Workload {
    /// Binary messages of one frame each, read 16 KiB at a time.
    pub const fn new(role: Role, job: Job, size: usize) -> Self {
        let content = Content::Binary;
        Self { role, job, content, size, read_size: READ_SIZE, fragment: None }
    }

    pub fn ready(self) -> Ready {
        self.ready_with(STREAM_LEN, PASSES)
    }

    /// As [`ready`](Self::ready), with a stream of about so many bytes.
    pub fn ready_with(self, stream_len: usize, passes: usize) -> Ready {
        let random = &mut Random::default();
        let (mut stream, mut pongs) = (Vec::new(), Vec::new());
        let mut messages = Vec::new();
        let passes = match self.job {
            Job::Accept | Job::Connect => HANDSHAKES,
            Job::Receive | Job::Send | Job::Echo => passes,
        };
        match self.job {
            Job::Accept => stream.extend_from_slice(REQUEST.as_bytes()),
            Job::Connect => {}
            Job::Receive | Job::Send | Job::Echo => {
                let count = (stream_len / (self.size + 6)).max(1);
                messages.extend((0..count).map(|_| self.content.payload(self.size, random)));
            }
        }
        if let Job::Receive | Job::Echo = self.job {
            messages
                .iter()
                .for_each(|data| self.put_message(data, random, &mut stream, &mut pongs));
        }
        Ready { workload: self, stream: stream.into(), messages, pongs, passes }
    }

    fn put_message(
        &self,
        data: &[u8],
        random: &mut Random,
        stream: &mut Vec<u8>,
        pongs: &mut Vec<u8>,
    ) {
        // A client masks, a server does not.
        let is_masked = self.role == Role::Server;
        let fragments = data.chunks(self.fragment.unwrap_or(self.size));
        let last = fragments.len() - 1;
        for (at, fragment) in fragments.enumerate() {
            let fin = if at == last { 0x80 } else { 0 };
            let opcode = if at == 0 { self.content.opcode() } else { 0 };
            put_frame(fin | opcode, fragment, is_masked.then(|| random.key()), stream);
            if self.fragment.is_some() && (at + 1) % FRAGMENTS_A_PING == 0 && at != last {
                put_frame(0x89, PING, is_masked.then(|| random.key()), stream);
                put_frame(0x8a, PING, None, pongs);
            }
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
        self.messages.len().max(1)
    }

    /// The messages as frames of a server.
    pub fn frames(&self) -> Vec<u8> {
        let mut frames = Vec::new();
        self.messages.iter().for_each(|data| put_frame(0x82, data, None, &mut frames));
        frames
    }

    /// What is to be written where nothing is sent: Pongs.
    pub fn pongs(&self) -> &[u8] {
        &self.pongs
    }

    /// What a consumer is to record in one pass.
    pub fn record(&self) -> Vec<u8> {
        let mut consumer = Consumer::recording();
        if let Job::Receive | Job::Echo = self.workload.job {
            self.messages.iter().for_each(|data| consumer.message(data));
        }
        consumer.recorded().to_vec()
    }

    /// One repetition.
    pub fn run(&self, contender: &mut dyn Contender, wire: &Wire, consumer: &mut Consumer) {
        for _ in 0..self.passes {
            self.pass(contender, wire, consumer);
        }
    }

    pub fn pass(&self, contender: &mut dyn Contender, wire: &Wire, consumer: &mut Consumer) -> Can {
        wire.rewind();
        match self.workload.job {
            Job::Receive => contender.receive(consumer),
            Job::Echo => contender.echo(consumer),
            Job::Accept => contender.accept(),
            Job::Connect => contender.connect(),
            Job::Send => {
                // As many in a batch as a read would bring.
                let batch = (READ_SIZE / self.workload.size).max(1);
                let send = |messages| contender.send(messages);
                self.messages.chunks(batch).map(send).last().unwrap_or(Can::Not)
            }
        }
    }
}
