//! The storage that a handshake collects a head in, with counts of what is done to it: the work has to stay linear.

use core::cell::Cell;

use websocket_proto::Output;

#[derive(Debug, Default)]
pub struct Storage {
    bytes: Vec<u8>,
    looks: Cell<usize>,
}

impl Storage {
    /// Asserts that nothing was put twice, and that nobody looked at what is stored but when a line was complete, and
    /// twice at the end: a piece in the middle of a line makes nothing be read again.
    pub fn assert_linear(&self, input: &[u8]) {
        assert!(self.bytes.len() <= input.len(), "more was stored than came");
        let at_end = 2;
        if self.looks.get() > at_end {
            let lines = input.iter().filter(|byte| **byte == b'\n').count();
            assert!(self.looks.get() <= lines + at_end, "{} for {lines} lines", self.looks.get());
        }
    }

    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

impl Output for Storage {
    fn make_room(&mut self, bytes: usize) -> bool {
        self.bytes.try_reserve(bytes).is_ok()
    }

    fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn waiting(&self) -> usize {
        self.bytes.len()
    }
}

impl AsRef<[u8]> for Storage {
    fn as_ref(&self) -> &[u8] {
        self.looks.set(self.looks.get() + 1);
        &self.bytes
    }
}
