//! The transport: in memory, always ready. A read is one copy of at most so many bytes from a stream made beforehand,
//! a write is one copy into a sink.

use std::cell::RefCell;
use std::io::{self, IoSlice, Read, Write};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::{BufMut, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A handle, for some contenders keep theirs out of reach.
#[derive(Clone)]
pub struct Wire(Rc<RefCell<Transport>>);

struct Transport {
    stream: Rc<[u8]>,
    at: usize,
    read_size: usize,
    sink: Vec<u8>,
    /// Whether the sink keeps all that is written, to be compared; otherwise the last write.
    keeps: bool,
}

impl Wire {
    pub fn new(stream: Rc<[u8]>, read_size: usize) -> Self {
        let transport = Transport { stream, at: 0, read_size, sink: Vec::new(), keeps: false };
        Self(Rc::new(RefCell::new(transport)))
    }

    /// Lets the stream begin anew.
    pub fn rewind(&self) {
        self.0.borrow_mut().at = 0;
    }

    /// Puts another stream in the place of this one.
    pub fn set_stream(&self, stream: Rc<[u8]>) {
        self.0.borrow_mut().stream = stream;
        self.rewind();
    }

    pub fn is_at_end(&self) -> bool {
        let transport = self.0.borrow();
        transport.at == transport.stream.len()
    }

    pub fn keep_all(&self) {
        self.0.borrow_mut().keeps = true;
    }

    /// What was written last, or all of it.
    pub fn written(&self) -> Vec<u8> {
        self.0.borrow().sink.clone()
    }

    /// A buffer for reads.
    pub fn buffer(&self) -> Box<[u8]> {
        let transport = self.0.borrow();
        vec![0; transport.read_size.min(transport.stream.len().max(1024))].into()
    }

    /// Fills `buffer` as far as a read goes; 0 at the end of the stream, which for a peer is "not ready".
    pub fn read(&self, buffer: &mut [u8]) -> usize {
        let mut transport = self.0.borrow_mut();
        let bytes = transport.next(buffer.len());
        buffer[..bytes.len()].copy_from_slice(bytes);
        bytes.len()
    }

    /// Reads into the free space of `buffer`, and sees to it that there is enough.
    pub fn read_into(&self, buffer: &mut BytesMut) -> usize {
        let mut transport = self.0.borrow_mut();
        let bytes = transport.next(usize::MAX);
        buffer.reserve(bytes.len());
        buffer.put_slice(bytes);
        bytes.len()
    }

    pub fn write(&self, bytes: &[u8]) {
        self.0.borrow_mut().write([bytes]);
    }

    /// Writes a header and its payload at once.
    pub fn write_both(&self, header: &[u8], payload: &[u8]) {
        self.0.borrow_mut().write([header, payload]);
    }
}

impl Transport {
    fn next(&mut self, room: usize) -> &[u8] {
        let bytes = &self.stream[self.at..];
        let bytes = &bytes[..bytes.len().min(self.read_size).min(room)];
        self.at += bytes.len();
        bytes
    }

    fn write<'a>(&mut self, slices: impl IntoIterator<Item = &'a [u8]>) -> usize {
        if !self.keeps {
            self.sink.clear();
        }
        let before = self.sink.len();
        slices.into_iter().for_each(|slice| self.sink.extend_from_slice(slice));
        self.sink.len() - before
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match Wire::read(self, buffer) {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            n => Ok(n),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(self.0.borrow_mut().write([bytes]))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.0.borrow_mut().next(buffer.remaining()) {
            [] => Poll::Pending,
            bytes => {
                buffer.put_slice(bytes);
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(self.0.borrow_mut().write([bytes])))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(self.0.borrow_mut().write(slices.iter().map(|slice| &**slice))))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl futures_io::AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match Wire::read(&self, buffer) {
            0 => Poll::Pending,
            n => Poll::Ready(Ok(n)),
        }
    }
}

impl futures_io::AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        AsyncWrite::poll_write(self, context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
