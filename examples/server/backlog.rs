//! Bytes on their way to a socket: an output of our own, which knows how far it has been written.

use core::mem;

use websocket_proto::Output;

#[derive(Default)]
pub(crate) struct Backlog {
    bytes: Vec<u8>,
    /// How many of them were written already.
    sent: usize,
}

impl Backlog {
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting() == 0
    }

    pub(crate) fn unsent(&self) -> &[u8] {
        &self.bytes[self.sent..]
    }

    /// Notes that the first bytes were written.
    pub(crate) fn consume(&mut self, len: usize) {
        self.sent += len;
        if self.is_empty() {
            self.bytes.clear();
            self.sent = 0;
        }
    }

    /// Takes out what waits; it takes no more memory with it than it needs, and none is kept that was large.
    pub(crate) fn take_rest(&mut self) -> Self {
        if self.waiting() > LARGE {
            return mem::take(self);
        }
        let rest = Self { bytes: self.unsent().to_vec(), sent: 0 };
        self.consume(rest.bytes.len());
        if self.bytes.capacity() > LARGE {
            self.bytes = Vec::new();
        }
        rest
    }
}

impl Output for Backlog {
    fn make_room(&mut self, bytes: usize) -> bool {
        // Moving what waits pays off once as much was written.
        if self.sent > self.waiting() {
            self.bytes.drain(..self.sent);
            self.sent = 0;
        }
        self.bytes.try_reserve(bytes).is_ok()
    }

    fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn waiting(&self) -> usize {
        self.bytes.len() - self.sent
    }
}

const LARGE: usize = 256 * 1024;
