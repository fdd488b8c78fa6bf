//! The limits of an opening handshake.

use core::time::Duration;

use crate::error::UsageError;

/// The limits of an opening handshake.
///
/// # Examples
///
/// ```
/// use core::time::Duration;
/// use websocket_proto::HandshakeConfig;
///
/// let config = HandshakeConfig::default()
///     .head_limit(8 * 1024)?
///     .field_limit(40)?
///     .body_limit(0)
///     .opening_timeout(Duration::from_secs(5))?;
/// # Ok::<(), websocket_proto::UsageError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandshakeConfig {
    /// Not zero.
    pub(super) head_limit: usize,
    /// Not zero.
    pub(super) field_limit: usize,
    /// Not zero.
    pub(super) opening_timeout: Duration,
    pub(super) body_limit: usize,
}

impl HandshakeConfig {
    /// Returns the defaults, as [`default`](Self::default) does, also in a constant.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            head_limit: 16 * 1024,
            field_limit: 64,
            opening_timeout: Duration::from_secs(10),
            body_limit: 64 * 1024,
        }
    }

    /// Sets the greatest size of the peer's head in bytes, from its first byte to its empty line. Default: 16 KiB.
    ///
    /// For a client, the interim responses (RFC 9110 §15.2) count as well.
    ///
    /// # Errors
    ///
    /// [`UsageError::InvalidConfig`]: the limit is zero.
    pub const fn head_limit(mut self, bytes: usize) -> Result<Self, UsageError> {
        if bytes == 0 {
            return Err(UsageError::InvalidConfig);
        }
        self.head_limit = bytes;
        Ok(self)
    }

    /// Sets the greatest number of fields in the peer's head. Default: 64.
    ///
    /// # Errors
    ///
    /// [`UsageError::InvalidConfig`]: the limit is zero.
    pub const fn field_limit(mut self, fields: usize) -> Result<Self, UsageError> {
        if fields == 0 {
            return Err(UsageError::InvalidConfig);
        }
        self.field_limit = fields;
        Ok(self)
    }

    /// Sets how long the opening handshake may take, from the first call of `poll`. Default: 10 seconds.
    ///
    /// # Errors
    ///
    /// [`UsageError::InvalidConfig`]: the timeout is zero.
    pub const fn opening_timeout(mut self, timeout: Duration) -> Result<Self, UsageError> {
        if timeout.is_zero() {
            return Err(UsageError::InvalidConfig);
        }
        self.opening_timeout = timeout;
        Ok(self)
    }

    /// Sets how many bytes a client keeps of the body of a response that refuses the upgrade. Default: 64 KiB.
    ///
    /// The rest is left out, and [`Response::body_is_truncated`](crate::Response::body_is_truncated) says so.
    #[must_use]
    pub const fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }
}

impl Default for HandshakeConfig {
    fn default() -> Self {
        Self::new()
    }
}
