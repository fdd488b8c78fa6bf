//! A connection that hands out whole messages: a thin layer on [`Connection`], with an assembler for the messages that
//! do not come in one piece.

mod assembler;
mod commands;
#[cfg(feature = "deflate")]
mod compression;
mod event;
mod prepared;

use alloc::vec::Vec;
use core::time::Duration;

#[cfg(feature = "deflate")]
pub use compression::Compress;
pub use event::Event;
pub use prepared::Prepared;

use crate::config::Config;
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
                Some(Received::Control) => {
                    return Some(match self.connection.take_control(out)? {
                        Control::Ping(payload) => Event::Ping(payload),
                        Control::Pong(payload) => Event::Pong(payload),
                        Control::Close(close) => {
                            self.discard();
                            Event::Close(close)
                        }
                    });
                }
                None => {
                    if !self.connection.reads() {
                        self.discard();
                    }
                    return None;
                }
            }
        }
    }

    fn add<'b>(&mut self, chunk: Masked<'b>) -> Result<Option<Event<'b>>, Failure> {
        #[cfg(feature = "deflate")]
        if let (true, Some(compression)) = (chunk.is_compressed, &mut self.compression) {
            return self.assembler.add_compressed(chunk, &mut compression.inflater);
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
        if !self.connection.reads() {
            self.discard();
        }
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
