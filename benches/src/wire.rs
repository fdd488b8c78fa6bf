//! The transport: in memory, always ready. A read is one copy of at most so many bytes from a stream made beforehand,
//! a write is one copy into a sink.

use std::io::{self, IoSlice, Read, Write};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::{BufMut, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pub struct Wire {
    stream: Rc<[u8]>,
    at: usize,
    read_size: usize,
    sink: Vec<u8>,
    /// Whether the sink keeps all that is written, to be compared; otherwise the last write.
    keeps: bool,
}

impl Wire {
    pub fn new(stream: Rc<[u8]>, read_size: usize) -> Self {
        Self {
            read_size: read_size.min(stream.len().max(1024)),
            stream,
            at: 0,
            sink: Vec::new(),
            keeps: false,
        }
    }

    /// The most that a read gives.
    pub fn read_size(&self) -> usize {
        self.read_size
    }

    /// Lets the stream begin anew.
    pub fn rewind(&mut self) {
        self.at = 0;
    }

    /// Puts another stream in the place of this one.
    pub fn set_stream(&mut self, stream: Rc<[u8]>) {
        self.stream = stream;
        self.rewind();
    }

    pub fn is_at_end(&self) -> bool {
        self.at == self.stream.len()
    }

    pub fn keep_all(&mut self) {
        self.keeps = true;
    }

    pub fn written(&self) -> &[u8] {
        &self.sink
    }

    /// Fills `buffer` as far as a read goes; 0 at the end of the stream, which for a peer is "not ready".
    pub fn read(&mut self, buffer: &mut [u8]) -> usize {
        let bytes = self.next(buffer.len());
        buffer[..bytes.len()].copy_from_slice(bytes);
        bytes.len()
    }

    /// Reads into the free space of `buffer`, and sees to it that there is enough.
    pub fn read_into(&mut self, buffer: &mut BytesMut) -> usize {
        buffer.reserve(self.read_size);
        let bytes = self.next(usize::MAX);
        buffer.put_slice(bytes);
        bytes.len()
    }

    pub fn write(&mut self, bytes: &[u8]) {
        self.write_vectored(&[bytes]);
    }

    pub fn write_vectored(&mut self, slices: &[&[u8]]) {
        if !self.keeps {
            self.sink.clear();
        }
        slices.iter().for_each(|slice| self.sink.extend_from_slice(slice));
    }

    fn next(&mut self, room: usize) -> &[u8] {
        let end = self.stream.len().min(self.at + self.read_size.min(room));
        let bytes = &self.stream[self.at..end];
        self.at = end;
        bytes
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
        Wire::write(self, bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.next(buffer.remaining()) {
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
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Wire::write(&mut self, bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if !self.keeps {
            self.sink.clear();
        }
        slices.iter().for_each(|slice| self.sink.extend_from_slice(slice));
        Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()))
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
