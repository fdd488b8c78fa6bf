//! A connection that hands out whole messages: a thin layer on [`Connection`], with an assembler for the messages that
//! do not come in one piece.

mod assembler;
mod commands;
#[cfg(feature = "deflate")]
mod compression;
mod event;
mod prepared;
#[cfg(feature = "deflate")]
mod stream;

use alloc::vec::Vec;
use core::time::Duration;

#[cfg(feature = "deflate")]
pub use compression::Compress;
pub use event::Event;
pub use prepared::Prepared;

use crate::config::Config;
#[cfg(feature = "deflate")]
use crate::connection::{Chunk, ChunkEvent};
use crate::connection::{Connection, Control, Masked, Received};
use crate::error::Failure;
use crate::handshake::Negotiated;
use crate::next::Next;
use crate::output::Output;
use crate::role::Role;
use assembler::Assembler;
#[cfg(feature = "deflate")]
use compression::Compression;

/// A WebSocket connection: bytes in, whole messages and control frames out.
///
/// It is driven as [`Connection`] says, and differs from it in what [`receive`](Self::receive) hands out: a message
/// that lies whole in the input is borrowed from it, without a copy or an allocation; one that does not is assembled
/// and handed out owned. A message in progress holds at most twice the bytes that have come of it, and never more than
/// the message limit; an idle connection holds nothing but what was given to [`recycle`](Self::recycle).
#[derive(Debug)]
pub struct WebSocket {
    connection: Connection,
    assembler: Assembler,
    #[cfg(feature = "deflate")]
    compression: Option<Compression>,
}

impl WebSocket {
    /// Opens the connection that an opening handshake agreed to.
    #[must_use]
    pub fn open(negotiated: Negotiated<'_>, config: Config) -> Self {
        #[cfg(feature = "deflate")]
        let compression = negotiated.compression(Compression::new);
        let mut connection = Connection::open(negotiated, config);
        connection.leave_text_unchecked();
        #[cfg(feature = "deflate")]
        if compression.is_some() {
            connection.take_compressed();
        }
        Self {
            connection,
            assembler: Assembler::new(&config),
            #[cfg(feature = "deflate")]
            compression,
        }
    }

    /// Takes input until there is something to tell; `None` means that all of it was taken.
    ///
    /// The input is unmasked in place, and advanced past what was taken; what is left is untouched. Replies are
    /// appended to `out`. After the peer's Close frame, a failure, or end of stream, input is taken unread.
    #[inline]
    pub fn receive<'b>(
        &mut self,
        input: &mut &'b mut [u8],
        out: &mut (impl Output + ?Sized),
    ) -> Option<Event<'b>> {
        if let Some((kind, payload)) = self.connection.receive_whole(input) {
            match Event::whole(kind, payload) {
                Ok(event) => return Some(event),
                Err(error) => self.fail(error.into(), input, out),
            }
        }
        if input.is_empty() { None } else { self.receive_any(input, out) }
    }

    /// Takes whatever comes; there is some input.
    #[inline(never)]
    fn receive_any<'b>(
        &mut self,
        input: &mut &'b mut [u8],
        out: &mut (impl Output + ?Sized),
    ) -> Option<Event<'b>> {
        #[cfg(feature = "deflate")]
        let mut scratch = Vec::new();
        #[cfg(feature = "deflate")]
        while self.assembler.is_streaming() {
            match self.receive_chunk(input, &mut scratch, out)? {
                ChunkEvent::Data(_) => {}
                ChunkEvent::Ping(payload) => return Some(Event::Ping(payload)),
                ChunkEvent::Pong(payload) => return Some(Event::Pong(payload)),
                ChunkEvent::Close(close) => return Some(Event::Close(close)),
            }
        }
        loop {
            match self.connection.receive_any(input, out) {
                Some(Received::Data(chunk)) => match self.add(chunk) {
                    Ok(None) if !input.is_empty() => {}
                    Ok(event) => return event,
                    Err(failure) => {
                        self.fail(failure, input, out);
                        return None;
                    }
                },
                Some(Received::Control) => return self.take_control(out),
                None => {
                    self.discard_at_end();
                    return None;
                }
            }
        }
    }

    /// Takes input until there is something to tell, as [`receive`](Self::receive) does, and hands messages out in
    /// chunks as they arrive: for those that are too large to be held.
    ///
    /// What comes compressed is inflated into `scratch`, at most 16 KiB at a time, and counts for
    /// [`Config::message_limit`] as it grows; what the buffer held before is lost. What comes plain is handed out as it
    /// lies in the input. Of an input that makes more than one chunk, the compressed bytes are held meanwhile. What a
    /// chunk says of its frame is about those: a relay cannot start a frame by it.
    ///
    /// Let one of the two take all of a message: what is left of one that the other began is dropped.
    ///
    /// # Examples
    ///
    /// The "Hello" of RFC 7692 §7.2.3.1, compressed:
    ///
    /// ```
    /// use websocket_proto::{ChunkEvent, Config, DeflateConfig, Negotiated, WebSocket};
    ///
    /// let deflate = DeflateConfig::default();
    /// let negotiated = Negotiated::client([7; 32]).with_deflate(deflate.params(), deflate);
    /// let mut ws = WebSocket::open(negotiated, Config::default().message_limit(u64::MAX)?);
    /// let (mut scratch, mut out, mut file) = (Vec::new(), Vec::new(), Vec::new());
    /// let mut read = *b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00";
    /// let mut input = &mut read[..];
    /// while let Some(event) = ws.receive_chunk(&mut input, &mut scratch, &mut out) {
    ///     if let ChunkEvent::Data(chunk) = event {
    ///         file.extend_from_slice(chunk.payload);
    ///         assert!(chunk.last);
    ///     }
    /// }
    /// assert_eq!(file, b"Hello");
    /// # Ok::<(), websocket_proto::UsageError>(())
    /// ```
    #[cfg(feature = "deflate")]
    pub fn receive_chunk<'b: 'c, 'c>(
        &mut self,
        input: &mut &'b mut [u8],
        scratch: &'c mut Vec<u8>,
        out: &mut (impl Output + ?Sized),
    ) -> Option<ChunkEvent<'c>> {
        scratch.clear();
        loop {
            match self.resume(scratch) {
                Ok(Some(chunk)) => {
                    return Some(ChunkEvent::Data(Chunk { payload: scratch, ..chunk }));
                }
                Ok(None) if input.is_empty() => return None,
                Ok(None) => {}
                Err(failure) => {
                    self.fail(failure, input, out);
                    return None;
                }
            }
            match self.connection.receive_any(input, out) {
                Some(Received::Data(chunk)) => match self.stream(chunk) {
                    Ok(Some(chunk)) => return Some(ChunkEvent::Data(chunk)),
                    Ok(None) => {}
                    Err(failure) => {
                        self.fail(failure, input, out);
                        return None;
                    }
                },
                Some(Received::Control) => return self.take_control(out),
                None => {
                    self.discard_at_end();
                    return None;
                }
            }
        }
    }

    /// Adds a chunk to the message that is handed out in chunks; gives what can be handed out as it came.
    #[cfg(feature = "deflate")]
    fn stream<'b>(&mut self, chunk: Masked<'b>) -> Result<Option<Chunk<'b>>, Failure> {
        let Some(stream) = self.assembler.stream(chunk.first.then_some(chunk.kind)) else {
            return self.add(chunk).map(|_| None);
        };
        if chunk.is_compressed {
            stream.add_compressed(chunk)?;
            return Ok(None);
        }
        let chunk = stream.add(chunk.unmasked())?;
        Ok(self.ended(chunk))
    }

    /// Goes on with what came compressed; gives what is to be handed out with `scratch` as its payload.
    #[cfg(feature = "deflate")]
    fn resume(&mut self, scratch: &mut Vec<u8>) -> Result<Option<Chunk<'static>>, Failure> {
        let inflater = self.compression.as_mut().map(|it| &mut it.inflater);
        let chunk = match self.assembler.stream(None) {
            Some(stream) => stream.resume(inflater, scratch)?,
            None => None,
        };
        Ok(self.ended(chunk))
    }

    /// Ends the message with its last chunk.
    #[cfg(feature = "deflate")]
    fn ended<'b>(&mut self, chunk: Option<Chunk<'b>>) -> Option<Chunk<'b>> {
        match chunk {
            Some(chunk) if chunk.last => self.assembler.discard(),
            // There may be more to come of it.
            Some(_) => self.connection.hold(),
            None => {}
        }
        chunk
    }

    /// Gives the control frame that came.
    fn take_control<E: From<Control>>(&mut self, out: &mut (impl Output + ?Sized)) -> Option<E> {
        let control = self.connection.take_control(out);
        self.discard_at_end();
        control.map(E::from)
    }

    fn add<'b>(&mut self, chunk: Masked<'b>) -> Result<Option<Event<'b>>, Failure> {
        #[cfg(feature = "deflate")]
        if let (true, Some(compression)) = (chunk.is_compressed, &mut self.compression) {
            let Compression { inflater, scratch, .. } = compression;
            let event = self.assembler.add_compressed(chunk, inflater, scratch);
            if !matches!(event, Ok(None)) {
                compression.tidy();
            }
            return event;
        }
        self.assembler.add(chunk)
    }

    /// Forgets what came, and what compression remembers: the connection has ended.
    fn discard(&mut self) {
        self.assembler.discard();
        #[cfg(feature = "deflate")]
        if let Some(compression) = &mut self.compression {
            compression.discard();
        }
    }

    #[inline]
    fn discard_at_end(&mut self) {
        if !self.connection.reads() {
            self.discard();
        }
    }

    #[cold]
    #[inline(never)]
    fn fail(&mut self, failure: Failure, input: &mut &mut [u8], out: &mut (impl Output + ?Sized)) {
        *input = &mut [];
        self.connection.fail(failure, out);
        self.discard();
    }

    /// Gives a buffer back, a `Vec` or a `String` such as a message handed out owned, for the next message that has to
    /// be assembled.
    ///
    /// One is kept, if its capacity is at most [`Config::recycle_limit`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::borrow::Cow;
    /// use websocket_proto::{Config, Event, Negotiated, WebSocket};
    ///
    /// let mut ws = WebSocket::open(Negotiated::client([7; 32]), Config::default());
    /// let mut out = Vec::new();
    /// let mut reads = [*b"\x82\x04ab", *b"cd\x8a\x00"]; // A message in two pieces, and a Pong.
    /// for read in &mut reads {
    ///     let mut input = &mut read[..];
    ///     while let Some(event) = ws.receive(&mut input, &mut out) {
    ///         if let Event::Binary(Cow::Owned(data)) = event {
    ///             assert_eq!(data, b"abcd");
    ///             ws.recycle(data);
    ///         }
    ///     }
    /// }
    /// ```
    pub fn recycle(&mut self, buffer: impl Into<Vec<u8>>) {
        self.assembler.recycle(buffer.into());
    }

    /// Tells that the transport has ended: it gave end of stream, or an error.
    pub fn receive_eof(&mut self) {
        self.connection.receive_eof();
        self.discard();
    }

    /// Sends what is held, runs the timers, and tells how things stand; see [`Connection::poll`].
    #[inline]
    pub fn poll(&mut self, now: Duration, out: &mut (impl Output + ?Sized)) -> Next {
        let next = self.connection.poll(now, out);
        // A timer that runs out ends the message in progress too.
        self.discard_at_end();
        next
    }

    /// Returns the end of the connection that this side is.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.connection.role()
    }

    /// Tells whether a message or a control frame may be sent now.
    #[must_use]
    pub const fn may_send(&self) -> bool {
        self.connection.may_send()
    }
}
