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
    /// The peer's Close frame came; ours is not yet in the output.
    CloseReceived,
    /// §7.1.4: both Close frames have crossed.
    Closed,
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
            (Self::Open, Cause::CloseReceived) => Self::CloseReceived,
            (Self::CloseSent, Cause::CloseReceived) | (Self::CloseReceived, Cause::CloseSent) => {
                Self::Closed
            }
            // §7.1.5: "If [...] no Close control frame was received by the endpoint [...], The WebSocket Connection
            // Close Code is considered to be 1006."
            (Self::Open | Self::CloseSent, Cause::EndOfStream) => Self::Failed(Failure::Eof),
            (Self::Open | Self::CloseSent | Self::CloseReceived, Cause::Failed(failure)) => {
                Self::Failed(failure)
            }
            (Self::CloseSent | Self::Closed | Self::Failed(_), Cause::CloseSent)
            | (
                Self::CloseReceived | Self::Closed | Self::Failed(_),
                Cause::CloseReceived | Cause::EndOfStream,
            )
            | (Self::Closed | Self::Failed(_), Cause::Failed(_)) => self,
        }
    }

    /// Tells whether frames are still read; otherwise input is taken unread.
    pub(crate) const fn reads(self) -> bool {
        match self {
            // §1.4, §5.5.1: after its own Close an endpoint still gets the peer's frames until the peer's Close.
            Self::Open | Self::CloseSent => true,
            Self::CloseReceived | Self::Closed | Self::Failed(_) => false,
        }
    }

    /// Tells whether frames may still be sent.
    pub(crate) const fn sends(self) -> bool {
        match self {
            // §5.5.1: "an endpoint MAY delay sending a Close frame until its current message is sent".
            Self::Open | Self::CloseReceived => true,
            // §5.5.1: "The application MUST NOT send any more data frames after sending a Close frame."
            Self::CloseSent | Self::Closed | Self::Failed(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Cause, State};
    use crate::error::{Failure, ProtocolError, Timeout};

    #[test]
    fn every_state_and_cause() {
        use State::{CloseReceived, CloseSent, Closed, Failed, Open};
        let eof = Failed(Failure::Eof);
        let fault = Failure::Protocol(ProtocolError::MaskedFrame);
        let old = Failed(Failure::TimedOut(Timeout::Idle));
        let failed = Failed(fault);
        // Rows: states. Columns: our Close, the peer's Close, end of stream, failure.
        for (state, after) in [
            (Open, [CloseSent, CloseReceived, eof, failed]),
            (CloseSent, [CloseSent, Closed, eof, failed]),
            (CloseReceived, [Closed, CloseReceived, CloseReceived, failed]),
            (Closed, [Closed; 4]),
            (old, [old; 4]),
        ] {
            let causes =
                [Cause::CloseSent, Cause::CloseReceived, Cause::EndOfStream, Cause::Failed(fault)];
            for (cause, expected) in causes.into_iter().zip(after) {
                assert_eq!(state.after(cause), expected, "{state:?} after {cause:?}");
            }
        }
    }
}
