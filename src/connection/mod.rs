//! A connection after its opening handshake (RFC 6455 §5 to §7): receiving, sending, state and timers joined. It hands
//! data out as it arrives and needs no allocator.

mod chunk;
mod commands;
mod data;
mod event;
mod receive;
mod replies;
mod send;

use core::time::Duration;

pub use chunk::Chunk;
#[cfg(feature = "alloc")]
pub(crate) use chunk::Masked;
pub use event::ChunkEvent;
pub(crate) use receive::{Control, Received};
pub use send::FrameStart;
#[cfg(feature = "deflate")]
pub(crate) use send::Outgoing;

use crate::config::Config;
use crate::error::Failure;
use crate::frame::{Close, ControlPayload};
use crate::handshake::Negotiated;
use crate::next::Next;
use crate::opcode::{MessageKind, Opcode};
use crate::output::Output;
use crate::role::Role;
use crate::state::{Cause, State};
use crate::timers::{Alarm, Circumstances, Timers};
use receive::Receiver;
use replies::{CloseReply, Passes, Replies};
use send::Sender;

/// A WebSocket connection without an allocator: bytes in, chunks of messages and control frames out.
///
/// It is driven like this, for as long as the connection lasts:
///
/// 1. Give what was read from the transport to [`receive`](Self::receive), again and again until it returns `None`;
///    act on each event. At the transport's end of stream call [`receive_eof`](Self::receive_eof).
/// 2. Call [`poll`](Self::poll) with the time.
/// 3. Write the output to the transport, whatever `poll` said.
/// 4. At [`Next::End`] let go of the transport. At [`Next::Wait`] wait for the transport, until that time at the most;
///    after its end of stream, for that time alone.
///
/// Where the transport does not take all of the output at once, wait for it to take more as well; then write, and call
/// `poll` again. An output of fixed size may have had too little room for all that is owed: once it is written, call
/// `poll` again before you wait, until it appends nothing. A write that fails is not the end: read on to the end of
/// stream, for the peer may have said why it left. After the end the output is the caller's to write, within a time of
/// its own; `poll` says the same from then on.
///
/// Commands ([`send_text`](Self::send_text) and its kin, [`close`](Self::close)) may come at any time; they append to
/// the output, or change nothing and say why.
///
/// # Letting go of the transport
///
/// After `End(Ok(()))` close it. After a failure, first shut down its sending direction, then read and discard until
/// end of stream or for a few seconds, then close it: closing it at once, with bytes unread, makes TCP reset the
/// connection, and the peer may never see the Close frame that says why (RFC 6455 §7.1.1).
#[derive(Debug)]
pub struct Connection {
    state: State,
    receiver: Receiver,
    sender: Sender,
    replies: Replies,
    timers: Timers,
}

impl Connection {
    /// Opens the connection that an opening handshake agreed to.
    ///
    /// It knows no extension. Where the handshake has agreed to compress messages, it sends them as they are, which the
    /// peer has to take (RFC 7692 §6), and fails at the first one that comes compressed, as it would without.
    #[must_use]
    pub fn open(negotiated: Negotiated<'_>, config: Config) -> Self {
        let (role, keys, _) = negotiated.into_parts();
        Self {
            state: State::Open,
            receiver: Receiver::new(role, &config),
            sender: Sender::new(keys),
            replies: Replies::new(&config),
            timers: Timers::new(&config),
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
    ) -> Option<ChunkEvent<'b>> {
        if let Some((kind, payload)) = self.receive_whole(input) {
            return Some(ChunkEvent::Data(Chunk::whole(kind, payload)));
        }
        if let Some(text) = self.receiver.whole_text(input) {
            self.timers.received();
            return Some(ChunkEvent::Data(Chunk::whole(MessageKind::Text, text)));
        }
        if input.is_empty() {
            return None;
        }
        Some(match self.receive_any(input, out)? {
            Received::Data(chunk) => ChunkEvent::Data(chunk.unmasked()),
            Received::Control => self.take_control(out)?.into(),
        })
    }

    /// Takes a message that lies whole in the input; `None` where something else does.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the path of every small message")]
    pub(crate) fn receive_whole<'b>(
        &mut self,
        input: &mut &'b mut [u8],
    ) -> Option<(MessageKind, &'b [u8])> {
        let message = self.receiver.whole_message(input)?;
        self.timers.received();
        Some(message)
    }

    /// Takes whatever comes; there is some input.
    #[inline(never)]
    pub(crate) fn receive_any<'b>(
        &mut self,
        input: &mut &'b mut [u8],
        out: &mut (impl Output + ?Sized),
    ) -> Option<Received<'b>> {
        self.timers.received();
        match self.receiver.receive(input) {
            Ok(received) => received,
            Err(error) => {
                *input = &mut [];
                self.fail(Failure::Protocol(error), out);
                None
            }
        }
    }

    /// Takes the control frame that was [`Received::Control`], and replies to it.
    pub(crate) fn take_control(&mut self, out: &mut (impl Output + ?Sized)) -> Option<Control> {
        let control = self.receiver.take_control()?;
        match &control {
            Control::Ping(payload) => self.receive_ping(*payload, out),
            Control::Pong(_) => {}
            Control::Close(close) => self.receive_close(close, out),
        }
        Some(control)
    }

    /// Tells that the transport has ended: it gave end of stream, or an error.
    pub fn receive_eof(&mut self) {
        self.transition(Cause::EndOfStream);
    }

    /// Sends what is held, runs the timers, and tells how things stand.
    ///
    /// `now` is the time since any fixed point; who needs no timers passes zero. Call it after each batch of input, when
    /// the time that it told last has come, and when room was made in an output that had too little.
    #[inline]
    pub fn poll(&mut self, now: Duration, out: &mut (impl Output + ?Sized)) -> Next {
        let is_quiet =
            self.state == State::Open && self.replies.is_idle() && !self.timers.run_while_open();
        if is_quiet { Next::Wait(None) } else { self.poll_any(now, out) }
    }

    #[inline(never)]
    fn poll_any(&mut self, now: Duration, out: &mut (impl Output + ?Sized)) -> Next {
        self.flush(Passes::Once, out);
        loop {
            if let Some(result) = self.verdict() {
                return Next::End(result);
            }
            let circumstances = Circumstances {
                closing: self.state != State::Open,
                congested: self.replies.is_congested(out),
            };
            match self.timers.poll(now, circumstances) {
                Alarm::None(deadline) => return Next::Wait(deadline),
                Alarm::Ping => {
                    if !circumstances.congested && self.sender.try_put(Opcode::Ping, &[], out) {
                        self.timers.ping_sent(now);
                    } else {
                        self.timers.ping_postponed(now);
                    }
                }
                Alarm::TimedOut(timeout) => match self.state {
                    State::Open | State::CloseSent | State::CloseReceived { .. } => {
                        self.fail(Failure::TimedOut(timeout), out);
                    }
                    // §7.1.1: what the server "MUST" do and did not, the client does itself.
                    State::Closed { .. } => self.receive_eof(),
                    // The output never had room for the Close frame.
                    State::Failed(_) => self.replies.forget(),
                },
            }
        }
    }

    /// Returns the end of the connection that this side is.
    #[must_use]
    pub const fn role(&self) -> Role {
        if self.sender.masks() { Role::Client } else { Role::Server }
    }

    /// Fails the connection (RFC 6455 §7.1.7), once.
    pub(crate) fn fail(&mut self, failure: Failure, out: &mut (impl Output + ?Sized)) {
        // §5.5.1: no second Close; one that is owed for the peer's gives way to the one that says why.
        if self.state.sends() {
            self.replies.owe_close(CloseReply { code: Some(failure.close_code()) });
        }
        self.transition(Cause::Failed(failure));
        self.flush(Passes::Never, out);
    }

    /// Tells whether input is still read.
    pub(crate) const fn reads(&self) -> bool {
        self.state.reads()
    }

    fn transition(&mut self, cause: Cause) {
        self.state = self.state.after(cause);
        if !self.state.reads() {
            self.receiver.stop();
        }
    }

    /// Leaves the check of text to the layer above.
    #[cfg(feature = "alloc")]
    pub(crate) fn leave_text_unchecked(&mut self) {
        self.receiver.leave_text_unchecked();
    }

    /// Lets messages be compressed, which is for the layer above to undo.
    #[cfg(feature = "deflate")]
    pub(crate) fn take_compressed(&mut self) {
        self.receiver.take_compressed();
    }

    /// Has the next message wait until this one, of which the frames have come, is done with above.
    #[cfg(feature = "deflate")]
    pub(crate) fn hold(&mut self) {
        self.receiver.hold();
    }

    fn receive_ping(&mut self, payload: ControlPayload, out: &mut (impl Output + ?Sized)) {
        // §5.5.2: "Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in response, unless it already
        // received a Close frame." Our own Close does not matter.
        if self.replies.answers_pings {
            self.replies.owe_pong(payload);
            self.flush(Passes::Never, out);
        }
    }

    fn receive_close(&mut self, close: &Close, out: &mut (impl Output + ?Sized)) {
        self.transition(Cause::CloseReceived);
        // §5.5.1: "If an endpoint receives a Close frame and did not previously send a Close frame, the endpoint MUST
        // send a Close frame in response. [...] the endpoint typically echos the status code it received."
        if self.replies.answers_close && self.state.sends() {
            self.replies.owe_close(CloseReply { code: close.sent_code() });
            self.flush(Passes::Never, out);
        }
    }

    fn flush(&mut self, passes: Passes, out: &mut (impl Output + ?Sized)) {
        if !self.reads() && !self.replies.owes_close() {
            // §5.5.2 asks for no Pong any more, and after our Close there is nothing to say.
            self.replies.forget();
        } else if self.replies.flush(passes, &mut self.sender, out) {
            self.transition(Cause::CloseSent);
        }
    }

    fn verdict(&self) -> Option<Result<(), Failure>> {
        match self.state {
            State::Open | State::CloseSent | State::CloseReceived { .. } => None,
            // §7.1.1: "the server MUST close the connection immediately; [...] the client SHOULD wait for the server"
            State::Closed { eof } => (self.role() == Role::Server || eof).then_some(Ok(())),
            State::Failed(failure) => (!self.replies.owes_close()).then_some(Err(failure)),
        }
    }
}
