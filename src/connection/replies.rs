//! What `receive` owes the peer (RFC 6455 §5.5.1 to §5.5.3): held while the output has no room for it, or too much in
//! it already.

use crate::close_code::CloseCode;
use crate::config::Config;
use crate::connection::send::Sender;
use crate::frame::ControlPayload;
use crate::opcode::Opcode;
use crate::output::Output;

#[derive(Debug)]
pub(super) struct Replies {
    pub(super) answers_pings: bool,
    pub(super) answers_close: bool,
    high_water_mark: u32,
    /// §5.5.3: "the endpoint MAY elect to send a Pong frame for only the most recently processed Ping frame."
    pong: Option<ControlPayload>,
    close: Option<CloseReply>,
    /// Whether a Pong of `poll` has passed the mark since the output was last seen below it.
    past_mark: bool,
}

/// A Close frame that the machine sends of its own: with this code, or empty.
#[derive(Clone, Copy, Debug)]
pub(super) struct CloseReply {
    pub(super) code: Option<CloseCode>,
}

impl Replies {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            answers_pings: config.answers_pings,
            answers_close: config.answers_close,
            high_water_mark: u32::try_from(config.high_water_mark).unwrap_or(u32::MAX),
            pong: None,
            close: None,
            past_mark: false,
        }
    }

    pub(super) fn owe_pong(&mut self, payload: ControlPayload) {
        self.pong = Some(payload);
    }

    pub(super) fn owe_close(&mut self, reply: CloseReply) {
        self.close = Some(reply);
    }

    /// Forgets all that is held: it is too late for it.
    pub(super) fn forget(&mut self) {
        self.pong = None;
        self.close = None;
    }

    pub(super) const fn owes_close(&self) -> bool {
        self.close.is_some()
    }

    /// Tells whether [`flush`](Self::flush) would do nothing.
    pub(super) const fn is_idle(&self) -> bool {
        self.pong.is_none() && self.close.is_none() && !self.past_mark
    }

    /// Tells whether the output is above the mark.
    pub(super) fn is_congested(&self, out: &(impl Output + ?Sized)) -> bool {
        !self.is_below_mark(0, out)
    }

    /// Returns the number of bytes that [`flush`](Self::flush) puts before a frame of the caller's.
    pub(super) fn due_len(&self, sender: &Sender) -> usize {
        self.pong.map_or(0, |pong| sender.control_len(&pong))
    }

    /// Appends what is held as far as there is room; says whether the Close frame was appended.
    pub(super) fn flush(
        &mut self,
        passes: Passes,
        sender: &mut Sender,
        out: &mut (impl Output + ?Sized),
    ) -> bool {
        if self.is_below_mark(0, out) {
            self.past_mark = false;
        }
        if let Some(pong) = self.pong {
            let len = sender.control_len(&pong);
            let is_below_mark = self.is_below_mark(len, out);
            let may_go = match passes {
                Passes::Never => is_below_mark,
                Passes::Once => is_below_mark || !self.past_mark,
                Passes::Freely => true,
            };
            // A Close is never held by the mark, nor by a Pong that the mark holds.
            let may_go = may_go || self.close.is_some();
            if may_go && sender.try_put(Opcode::Pong, &pong, out) {
                self.pong = None;
                self.past_mark |= passes == Passes::Once && !is_below_mark;
            } else if self.close.is_some() && out.waiting() == 0 {
                // No room will ever do, and §5.5.2 asks for no Pong once a Close frame was received.
                self.pong = None;
            }
        }
        let (Some(reply), None) = (self.close, self.pong) else {
            return false;
        };
        let code = reply.code.map(|code| u16::from(code).to_be_bytes());
        let body = code.as_ref().map_or(&[][..], |code| code);
        let sent = sender.try_put(Opcode::Close, body, out);
        if sent {
            self.close = None;
        }
        sent
    }

    fn is_below_mark(&self, len: usize, out: &(impl Output + ?Sized)) -> bool {
        u32::try_from(out.waiting().saturating_add(len))
            .is_ok_and(|len| len <= self.high_water_mark)
    }
}

/// Whether a held Pong may pass the high-water mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passes {
    /// While input is taken: a flood of Pings adds nothing above the mark.
    Never,
    /// At `poll`, until the output has been below the mark. A driver that empties its output after each `poll` would
    /// otherwise wait for the peer with the Pong still held; one that cannot empty it gets one Pong more and no flood.
    Once,
    /// Before a frame of the caller's, who answers for how much waits.
    Freely,
}
