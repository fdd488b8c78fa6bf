//! What `poll` answers: how long to wait, or that all is over.

use core::time::Duration;

use crate::error::Failure;

/// How things stand after a call of `poll`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the end of the connection, and when to call again, are told here and nowhere else"]
#[expect(clippy::exhaustive_enums, reason = "a driver's `match` shall be complete")]
pub enum Next {
    /// Write the output, then wait for the transport, until this time at the most, on the time line of `now`;
    /// then call `poll` again. `None`: no timer runs.
    Wait(Option<Duration>),
    /// Write the output, then let go of the transport: cleanly closed, or failed, and why.
    End(Result<(), Failure>),
}
