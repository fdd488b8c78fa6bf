//! Limits, timers and policies of a connection. Nonsense is refused here, so that nothing below has to expect it.

use core::time::Duration;

use crate::error::UsageError;

/// The limits, timers and policies of a [`Connection`](crate::Connection) or a `WebSocket`.
///
/// By default there is neither keepalive nor idle timeout: a peer that is gone without a word is waited for, for ever.
/// Timers run in whole milliseconds, rounded up.
///
/// # Examples
///
/// ```
/// use core::time::Duration;
/// use websocket_proto::Config;
///
/// let config = Config::default()
///     .message_limit(64 * 1024)?
///     .keepalive(Duration::from_secs(30), Duration::from_secs(10))?;
/// # Ok::<(), websocket_proto::UsageError>(())
/// ```
///
/// One for peers that are to speak, in few fragments, and whose Pings and Close frames the caller answers:
///
/// ```
/// # use core::time::Duration;
/// # use websocket_proto::Config;
/// let config = Config::default()
///     .fragment_limit(1000)?
///     .high_water_mark(16 * 1024)?
///     .recycle_limit(64 * 1024)
///     .idle_timeout(Duration::from_secs(60))?
///     .closing_timeout(Duration::from_secs(3))
///     .answer_pings(false)
///     .answer_close(false);
/// # Ok::<(), websocket_proto::UsageError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Not zero.
    pub(crate) message_limit: u64,
    /// Not zero.
    pub(crate) fragment_limit: u32,
    /// At least [`MAX_CONTROL_FRAME`].
    pub(crate) high_water_mark: usize,
    pub(crate) recycle_limit: usize,
    pub(crate) keepalive: Option<Keepalive>,
    /// Not zero.
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) closing_timeout: Duration,
    pub(crate) answers_pings: bool,
    pub(crate) answers_close: bool,
}

/// Neither is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Keepalive {
    pub(crate) interval: Duration,
    pub(crate) timeout: Duration,
}

impl Config {
    /// Returns the defaults, as [`default`](Self::default) does, also in a constant.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            message_limit: 16 * 1024 * 1024,
            fragment_limit: u32::MAX,
            high_water_mark: 64 * 1024,
            recycle_limit: 1024 * 1024,
            keepalive: None,
            idle_timeout: None,
            closing_timeout: Duration::from_secs(10),
            answers_pings: true,
            answers_close: true,
        }
    }

    /// Sets the greatest size of a received message in bytes; `u64::MAX` sets none. Default: 16 MiB.
    ///
    /// A message that exceeds it fails the connection with 1009, at the header of the frame that declares too much
    /// (RFC 6455 §10.4). One that comes compressed must not exceed it as it comes, nor as it is inflated.
    ///
    /// # Errors
    ///
    /// [`UsageError::InvalidConfig`]: the limit is zero.
    pub const fn message_limit(mut self, bytes: u64) -> Result<Self, UsageError> {
        if bytes == 0 {
            return Err(UsageError::InvalidConfig);
        }
        self.message_limit = bytes;
        Ok(self)
    }

    /// Sets the greatest number of frames that a received message may come in; `u32::MAX`, the default, sets none.
    ///
    /// None is needed: fragments cost no memory of their own. One more frame fails the connection with 1008.
    ///
    /// # Errors
    ///
    /// [`UsageError::InvalidConfig`]: the limit is zero.
    pub const fn fragment_limit(mut self, frames: u32) -> Result<Self, UsageError> {
        if frames == 0 {
            return Err(UsageError::InvalidConfig);
        }
        self.fragment_limit = frames;
        Ok(self)
    }

    /// Sets the number of bytes in the output above which no automatic Pong is added to it. Default: 64 KiB.
    ///
    /// This bounds what a flood of Pings can cost. A Pong that finds the mark reached is held: the newest one only,
    /// as RFC 6455 §5.5.3 allows. A mark above 4 GiB counts as 4 GiB.
    ///
    /// # Errors
    ///
    /// [`UsageError::InvalidConfig`]: the mark is under 131 bytes, the size of the largest control frame.
    pub const fn high_water_mark(mut self, bytes: usize) -> Result<Self, UsageError> {
        if bytes < MAX_CONTROL_FRAME {
            return Err(UsageError::InvalidConfig);
        }
        self.high_water_mark = bytes;
        Ok(self)
    }

    /// Sets the greatest capacity in bytes of a buffer kept by `WebSocket::recycle`. Default: 1 MiB.
    ///
    /// The buffer of a message that fits in it is given no greater capacity.
    #[must_use]
    pub const fn recycle_limit(mut self, bytes: usize) -> Self {
        self.recycle_limit = bytes;
        self
    }

    /// Sends a Ping after `interval` without a byte received, and fails the connection when `timeout` more passes
    /// without one. Default: off.
    ///
    /// While the output is above the high-water mark no Ping is sent and none is waited for: it would sit behind our
    /// own backlog. How long a peer may take to drain that is for the driver to limit, or for
    /// [`idle_timeout`](Self::idle_timeout).
    ///
    /// # Errors
    ///
    /// [`UsageError::InvalidConfig`]: one of the two is zero, or above `u32::MAX` milliseconds (49 days).
    pub const fn keepalive(
        mut self,
        interval: Duration,
        timeout: Duration,
    ) -> Result<Self, UsageError> {
        if !is_span(interval) || !is_span(timeout) {
            return Err(UsageError::InvalidConfig);
        }
        self.keepalive = Some(Keepalive { interval, timeout });
        Ok(self)
    }

    /// Fails the connection after `timeout` without a byte received. Default: off.
    ///
    /// # Errors
    ///
    /// [`UsageError::InvalidConfig`]: the timeout is zero, or above `u32::MAX` milliseconds (49 days).
    pub const fn idle_timeout(mut self, timeout: Duration) -> Result<Self, UsageError> {
        if !is_span(timeout) {
            return Err(UsageError::InvalidConfig);
        }
        self.idle_timeout = Some(timeout);
        Ok(self)
    }

    /// Sets how long the closing handshake, and a failure's Close frame, may take. Default: 10 seconds.
    ///
    /// With zero, nothing is waited for (RFC 6455 §7.1.1). What is above 49 days counts as 49 days.
    #[must_use]
    pub const fn closing_timeout(mut self, timeout: Duration) -> Self {
        self.closing_timeout = timeout;
        self
    }

    /// Sets whether Pings are answered by the machine. Default: they are.
    ///
    /// Whoever turns it off has to answer each Ping with `send_pong` "as soon as is practical" (RFC 6455 §5.5.2).
    #[must_use]
    pub const fn answer_pings(mut self, answer: bool) -> Self {
        self.answers_pings = answer;
        self
    }

    /// Sets whether the peer's Close frame is answered by the machine. Default: it is.
    ///
    /// Whoever turns it off has to answer with `close` (RFC 6455 §5.5.1), and may send other frames before.
    #[must_use]
    pub const fn answer_close(mut self, answer: bool) -> Self {
        self.answers_close = answer;
        self
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}

/// Tells whether a timer can run for so long: not for no time, and for at most `u32::MAX` milliseconds.
const fn is_span(time: Duration) -> bool {
    !time.is_zero() && time.as_nanos() <= Duration::from_millis(0xFFFF_FFFF).as_nanos()
}

/// A masked control frame with the longest payload: 2 bytes of header, 4 of masking key, 125 of payload.
pub(crate) const MAX_CONTROL_FRAME: usize = 131;

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::Config;
    use crate::error::UsageError;

    #[test]
    fn nonsense_is_refused_116() {
        let config = Config::default();
        let refused = Err(UsageError::InvalidConfig);
        let second = Duration::from_secs(1);
        assert_eq!(config.message_limit(0), refused);
        assert_eq!(config.fragment_limit(0), refused);
        assert_eq!(config.high_water_mark(130), refused);
        assert_eq!(config.keepalive(Duration::ZERO, second), refused);
        assert_eq!(config.keepalive(second, Duration::ZERO), refused);
        assert_eq!(config.idle_timeout(Duration::ZERO), refused);
        let most = Duration::from_millis(u32::MAX.into());
        let above = most + Duration::from_nanos(1);
        assert_eq!(config.idle_timeout(above), refused);
        assert_eq!(config.keepalive(above, second), refused);
        assert_eq!(config.keepalive(second, Duration::MAX), refused);
        assert!(config.idle_timeout(most).is_ok());
        assert!(config.keepalive(most, most).is_ok());
        assert!(config.message_limit(1).is_ok());
        assert!(config.message_limit(u64::MAX).is_ok());
        assert!(config.fragment_limit(1).is_ok());
        assert!(config.high_water_mark(131).is_ok());
        assert!(config.keepalive(second, second).is_ok());
        assert!(config.idle_timeout(second).is_ok());
    }
}
