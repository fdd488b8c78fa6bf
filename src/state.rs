//! The states of a connection after its opening handshake, and what moves it between them (RFC 6455 §7.1). It knows
//! neither role nor frames.

use crate::error::Failure;

/// Which of the two Close frames have crossed, or why the connection failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// §4.1: "the WebSocket Connection is Established and [...] in the OPEN state".
    Open,
    /// Our Close frame is in the output; the peer's is to come.
    CloseSent,
    /// The peer's Close frame came; ours is not yet in the output. `eof`: whether the transport has ended too.
    CloseReceived { eof: bool },
    /// §7.1.4: both Close frames have crossed. `eof`: whether the transport has ended too.
    Closed { eof: bool },
    /// §7.1.7: the connection failed.
    Failed(Failure),
}

/// What moves a connection from one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    CloseSent,
    CloseReceived,
    EndOfStream,
    Failed(Failure),
}

impl State {
    pub(crate) const fn after(self, cause: Cause) -> Self {
        match (self, cause) {
            (Self::Open, Cause::CloseSent) => Self::CloseSent,
            (Self::Open, Cause::CloseReceived) => Self::CloseReceived { eof: false },
            (Self::CloseSent, Cause::CloseReceived) => Self::Closed { eof: false },
            (Self::CloseReceived { eof }, Cause::CloseSent) => Self::Closed { eof },
            (Self::CloseReceived { .. }, Cause::EndOfStream) => Self::CloseReceived { eof: true },
            (Self::Closed { .. }, Cause::EndOfStream) => Self::Closed { eof: true },
            // §7.1.5: "If [...] no Close control frame was received by the endpoint [...], The WebSocket Connection
            // Close Code is considered to be 1006."
            (Self::Open | Self::CloseSent, Cause::EndOfStream) => Self::Failed(Failure::Eof),
            (Self::Open | Self::CloseSent | Self::CloseReceived { .. }, Cause::Failed(failure)) => {
                Self::Failed(failure)
            }
            (Self::CloseSent, Cause::CloseSent)
            | (Self::CloseReceived { .. }, Cause::CloseReceived)
            | (Self::Closed { .. }, Cause::CloseSent | Cause::CloseReceived | Cause::Failed(_))
            | (Self::Failed(_), _) => self,
        }
    }

    /// Tells whether frames are still read; otherwise input is taken unread.
    pub(crate) const fn reads(self) -> bool {
        match self {
            // §1.4, §5.5.1: after its own Close an endpoint still gets the peer's frames until the peer's Close.
            Self::Open | Self::CloseSent => true,
            Self::CloseReceived { .. } | Self::Closed { .. } | Self::Failed(_) => false,
        }
    }

    /// Tells whether frames may still be sent.
    pub(crate) const fn sends(self) -> bool {
        match self {
            // §5.5.1: "an endpoint MAY delay sending a Close frame until its current message is sent".
            Self::Open | Self::CloseReceived { .. } => true,
            // §5.5.1: "The application MUST NOT send any more data frames after sending a Close frame."
            Self::CloseSent | Self::Closed { .. } | Self::Failed(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Cause, State};
    use crate::error::{Failure, ProtocolError, Timeout};

    #[test]
    fn every_state_and_cause() {
        use State::{CloseSent, Failed, Open};
        let [received, received_eof] = [false, true].map(|eof| State::CloseReceived { eof });
        let [closed, closed_eof] = [false, true].map(|eof| State::Closed { eof });
        let eof = Failed(Failure::Eof);
        let fault = Failure::Protocol(ProtocolError::MaskedFrame);
        let old = Failed(Failure::TimedOut(Timeout::Idle));
        let failed = Failed(fault);
        // Rows: states. Columns: our Close, the peer's Close, end of stream, failure.
        for (state, after) in [
            (Open, [CloseSent, received, eof, failed]),
            (CloseSent, [CloseSent, closed, eof, failed]),
            (received, [closed, received, received_eof, failed]),
            (received_eof, [closed_eof, received_eof, received_eof, failed]),
            (closed, [closed, closed, closed_eof, closed]),
            (closed_eof, [closed_eof; 4]),
            (old, [old; 4]),
        ] {
            let causes =
                [Cause::CloseSent, Cause::CloseReceived, Cause::EndOfStream, Cause::Failed(fault)];
            for (cause, expected) in causes.into_iter().zip(after) {
                assert_eq!(state.after(cause), expected, "{state:?} after {cause:?}");
            }
        }
    }

    /// §5.5.1: frames are read until the peer's Close frame has come, and sent until ours has gone.
    #[test]
    fn close_frames_end_reading_and_sending() {
        let failed = State::Failed(Failure::Eof);
        for (state, reads, sends) in [
            (State::Open, true, true),
            (State::CloseSent, true, false),
            (State::CloseReceived { eof: false }, false, true),
            (State::CloseReceived { eof: true }, false, true),
            (State::Closed { eof: false }, false, false),
            (State::Closed { eof: true }, false, false),
            (failed, false, false),
        ] {
            assert_eq!((state.reads(), state.sends()), (reads, sends), "{state:?}");
        }
    }
}
