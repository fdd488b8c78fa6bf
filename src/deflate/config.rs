//! The policy of permessage-deflate (RFC 7692 §7.1): what is offered and accepted, and which messages are compressed.
//! Nonsense is refused here, so that nothing below has to expect it.

use crate::error::UsageError;

use super::listed::{ExtensionValue, Listed, MAX_WINDOW_BITS, is_window_bits};
use super::params::DeflateParams;

/// The policy of permessage-deflate for either role: what is offered and accepted, and which messages are compressed.
///
/// A parameter is about the messages of the end that it names: `server_` stands before those of a server's messages,
/// `client_` before those of a client's. What is set is never exceeded: whoever sends such messages keeps to it,
/// whatever the peer would allow; whoever receives them asks for it, and does without compression, or without the
/// connection, where the peer would not have it.
///
/// By default everything is allowed, and no more is said in the handshake than has to be.
///
/// # Memory
///
/// Compressed messages refer back into a window of 2^bits bytes, so that each end holds that much for each direction,
/// beside what its codec needs to work. With context takeover it holds them from the first compressed message to the end
/// of the connection; without, from the first byte of a message to its last, and nothing between two messages. In KiB, at
/// most, on 64 bits:
///
/// | to | feature `deflate` | feature `zlib-rs` |
/// |---|---|---|
/// | inflate, whatever the window | 12 to 59, as more was inflated | 47 |
/// | deflate with a window of 2^bits bytes | 313 | 146, and 4 x 2^bits bytes, with 8 bits those of 9 |
///
/// With takeover in either direction a buffer of up to 64 KiB is kept as well. Where the allocator has no memory for a
/// message, that is an error; where it has none for a codec itself, the program ends as for any `Box` with `miniz_oxide`,
/// and panics with `zlib-rs`. The compressor of `miniz_oxide` is made on the stack: without optimisation a thread of
/// 256 KiB is too small for it.
///
/// # Work
///
/// Each block of a compressed message costs its receiver some time, however short it is. With `miniz_oxide` that is a
/// microsecond and more: a peer that sends nothing but empty blocks makes 1.5 µs of work with a byte, where `zlib-rs` does
/// 0.02. What anybody may connect to is better served by `zlib-rs`, or with a small message limit.
///
/// # Examples
///
/// ```
/// use websocket_proto::DeflateConfig;
///
/// // A server that keeps next to nothing for the thousands that are silent.
/// let config = DeflateConfig::default()
///     .server_no_context_takeover(true)
///     .client_no_context_takeover(true)
///     .threshold(1024);
/// assert!(config.params().server_no_context_takeover());
///
/// // One that gives each a small window, and little time.
/// let config = DeflateConfig::default().server_max_window_bits(10)?.level(1)?;
/// assert_eq!(config.params().server_max_window_bits(), 10);
/// # Ok::<(), websocket_proto::UsageError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeflateConfig {
    pub(super) params: DeflateParams,
    pub(crate) threshold: usize,
    /// From 1 to 9.
    pub(crate) level: u8,
}

impl DeflateConfig {
    /// Sets whether the server is to compress each message by itself, without the ones before it (RFC 7692 §7.1.1.1).
    /// Default: it is not.
    ///
    /// A server does it from then on, and says so. A client asks for it: a server that agrees to compression and not to
    /// this fails the handshake. Messages that are alike take more bytes; neither end holds the 2^bits bytes of the
    /// server's window between two of them.
    #[must_use]
    pub const fn server_no_context_takeover(mut self, no_takeover: bool) -> Self {
        self.params.server_no_context_takeover = no_takeover;
        self
    }

    /// Sets whether the client is to compress each message by itself, without the ones before it (RFC 7692 §7.1.1.2).
    /// Default: it is not.
    ///
    /// A server tells every client so, which has to obey. A client does it whether or not the server asks, and says so in
    /// its offer. Messages that are alike take more bytes; neither end holds the 2^bits bytes of the client's window
    /// between two of them.
    #[must_use]
    pub const fn client_no_context_takeover(mut self, no_takeover: bool) -> Self {
        self.params.client_no_context_takeover = no_takeover;
        self
    }

    /// Sets the greatest window that the server may compress with: 2^bits bytes, from 8 (256 bytes) to 15 (32 KiB)
    /// (RFC 7692 §7.1.2.1). Default: 15.
    ///
    /// A server compresses with no greater one, and says so where it is under 15. A client asks for it where it is under
    /// 15; a server that does not know the parameter then declines the whole offer.
    ///
    /// # Errors
    ///
    /// [`UsageError::InvalidConfig`]: there are less than 8 or more than 15 bits.
    pub const fn server_max_window_bits(mut self, bits: u8) -> Result<Self, UsageError> {
        if !is_window_bits(bits) {
            return Err(UsageError::InvalidConfig);
        }
        self.params.server_max_window_bits = bits;
        Ok(self)
    }

    /// Sets the greatest window that the client may compress with: 2^bits bytes, from 8 (256 bytes) to 15 (32 KiB)
    /// (RFC 7692 §7.1.2.2). Default: 15.
    ///
    /// A client compresses with no greater one, and says so where it is under 15. A server sets the limit for the clients
    /// that offer `client_max_window_bits`, as browsers do; where it is under 15, it declines the offers of all others,
    /// for they cannot be told.
    ///
    /// # Errors
    ///
    /// [`UsageError::InvalidConfig`]: there are less than 8 or more than 15 bits.
    pub const fn client_max_window_bits(mut self, bits: u8) -> Result<Self, UsageError> {
        if !is_window_bits(bits) {
            return Err(UsageError::InvalidConfig);
        }
        self.params.client_max_window_bits = bits;
        Ok(self)
    }

    /// Sets the size in bytes under which a message is sent as it is. Default: 128.
    ///
    /// A shorter one travels in one packet either way, and shrinks by little where it has no context to refer to. With 0
    /// every message is compressed, with `usize::MAX` none is; neither changes what is received.
    #[must_use]
    pub const fn threshold(mut self, bytes: usize) -> Self {
        self.threshold = bytes;
        self
    }

    /// Sets how hard the compressor tries, from 1 (fastest) to 9 (smallest), as with zlib. Default: 6, as with zlib.
    ///
    /// It costs time, not memory: the window of 2^bits bytes is the same at each level.
    ///
    /// # Errors
    ///
    /// [`UsageError::InvalidConfig`]: the level is 0 or above 9.
    pub const fn level(mut self, level: u8) -> Result<Self, UsageError> {
        if !matches!(level, 1..=9) {
            return Err(UsageError::InvalidConfig);
        }
        self.level = level;
        Ok(self)
    }

    /// Returns the parameters as they are set, for a connection on which somebody else agreed to just these.
    #[must_use]
    pub const fn params(&self) -> DeflateParams {
        self.params
    }

    /// Returns what a client offers: a value for `Sec-WebSocket-Extensions`, in a request that somebody else sends.
    ///
    /// What the server answers is to be judged by [`check_response`](Self::check_response).
    #[must_use]
    pub fn offer(&self) -> ExtensionValue {
        let DeflateParams {
            server_no_context_takeover,
            client_no_context_takeover,
            server_max_window_bits,
            client_max_window_bits,
        } = self.params;
        let listed = Listed {
            server_no_context_takeover,
            client_no_context_takeover,
            // §7.1.2.1: the absence of the parameter allows the server 32,768 bytes, and §7 has a server decline what it
            // does not support: so it is not asked for without need.
            server_max_window_bits: Some(server_max_window_bits)
                .filter(|bits| *bits < MAX_WINDOW_BITS),
            // §7.1.2.2: without it, the server could not tell us to use less.
            client_max_window_bits: Some(client_max_window_bits),
        };
        listed.value()
    }
}

impl Default for DeflateConfig {
    fn default() -> Self {
        Self { params: DeflateParams::default(), threshold: 128, level: 6 }
    }
}

#[cfg(test)]
mod tests {
    use super::DeflateConfig;

    #[test]
    fn config_has_the_documented_defaults() {
        let config = DeflateConfig::default();
        assert_eq!((config.threshold, config.level), (128, 6));
        assert_eq!(config.threshold(0).threshold, 0);
        assert_eq!(config.level(9).unwrap().level, 9);
    }
}
