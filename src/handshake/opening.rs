//! How far an opening handshake is, and its timer: the same for both roles.

use core::time::Duration;

use crate::error::{Failure, HandshakeError, Timeout};
use crate::next::Next;

/// The course of an opening handshake.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) stage: Stage,
    /// `None` until the first call of `poll`.
    deadline: Option<Duration>,
    timeout: Duration,
}

/// Where an opening handshake stands. Only the first stage is ever left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The peer's message is awaited.
    Open,
    /// The peer's message was handed out.
    Over,
    /// There will be none.
    Failed(Failure),
}

impl Opening {
    pub(super) const fn new(timeout: Duration) -> Self {
        Self { stage: Stage::Open, deadline: None, timeout }
    }

    /// Ends it with a fault of the peer's, and returns that.
    pub(super) fn fail(&mut self, error: HandshakeError) -> HandshakeError {
        self.stage = Stage::Failed(Failure::Handshake(error));
        error
    }

    pub(super) fn receive_eof(&mut self) {
        if self.stage == Stage::Open {
            self.stage = Stage::Failed(Failure::Eof);
        }
    }

    pub(super) fn poll(&mut self, now: Duration) -> Next {
        match self.stage {
            Stage::Open => {
                let deadline = *self.deadline.get_or_insert(now.saturating_add(self.timeout));
                if now < deadline {
                    return Next::Wait(Some(deadline));
                }
                let failure = Failure::TimedOut(Timeout::Opening);
                self.stage = Stage::Failed(failure);
                Next::End(Err(failure))
            }
            Stage::Over => Next::End(Ok(())),
            Stage::Failed(failure) => Next::End(Err(failure)),
        }
    }
}
