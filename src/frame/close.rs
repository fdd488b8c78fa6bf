//! The body of a Close frame (RFC 6455 §5.5.1, §7.1.5, §7.1.6).

use core::{fmt, str};

use crate::close_code::CloseCode;
use crate::error::{ProtocolError, UsageError};
use crate::frame::ControlPayload;

/// What a Close frame says: a code, and a reason of at most 123 bytes.
///
/// # Examples
///
/// ```
/// use websocket_proto::*;
///
/// let mut client = Connection::open(Negotiated::client([7; 32]), Config::default());
/// let mut storage = [0; 131];
/// let mut input = *b"\x88\x05\x03\xe9bye";
/// let event = client.receive(&mut &mut input[..], &mut SliceOutput::new(&mut storage));
/// let Some(ChunkEvent::Close(close)) = event else { panic!() };
/// assert_eq!((close.code(), close.reason()), (CloseCode::GOING_AWAY, "bye"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Close {
    /// Empty; or a code that may be sent, and UTF-8.
    body: ControlPayload,
}

impl Close {
    /// Makes what a caller wants to send. Without a code there is no reason either.
    pub(crate) fn new(code: Option<CloseCode>, reason: &str) -> Result<Self, UsageError> {
        let mut body = ControlPayload::EMPTY;
        match code {
            Some(code) if code.is_sendable() => {
                body.push(&u16::from(code).to_be_bytes());
                if !body.push(reason.as_bytes()) {
                    return Err(UsageError::ControlTooLong);
                }
            }
            None if reason.is_empty() => {}
            Some(_) | None => return Err(UsageError::InvalidCloseCode),
        }
        Ok(Self { body })
    }

    /// Reads the body of a Close frame.
    pub(crate) fn parse(body: ControlPayload) -> Result<Self, ProtocolError> {
        match *body {
            [] => {}
            // §5.5.1: "If there is a body, the first two bytes of the body MUST be a 2-byte unsigned integer"
            [_] => return Err(ProtocolError::TruncatedCloseCode),
            [high, low, ref reason @ ..] => {
                let code = u16::from_be_bytes([high, low]);
                // §7.4.1, §7.4.2: which codes "MUST NOT be set as a status code in a Close control frame"
                if !CloseCode::from(code).is_sendable() {
                    return Err(ProtocolError::InvalidCloseCode(code));
                }
                // §5.5.1: "the body MAY contain UTF-8-encoded data with value /reason/"; §8.1 for what is not
                if str::from_utf8(reason).is_err() {
                    return Err(ProtocolError::InvalidCloseReason);
                }
            }
        }
        Ok(Self { body })
    }

    /// Returns the code, or [`CloseCode::NO_STATUS`] (1005) where the frame has none (§7.1.5).
    #[must_use]
    pub fn code(&self) -> CloseCode {
        self.sent_code().unwrap_or(CloseCode::NO_STATUS)
    }

    /// Returns the reason, empty where there is none (§7.1.6). It is not meant for people to read.
    #[must_use]
    pub fn reason(&self) -> &str {
        let reason = self.body.get(2..).unwrap_or_default();
        str::from_utf8(reason).unwrap_or_default()
    }

    pub(crate) fn sent_code(&self) -> Option<CloseCode> {
        let code = self.body.first_chunk()?;
        Some(CloseCode::from(u16::from_be_bytes(*code)))
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }
}

impl fmt::Debug for Close {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Close").field("code", &self.code()).field("reason", &self.reason()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::Close;
    use crate::close_code::CloseCode;

    #[test]
    fn debug_output_tells_code_and_reason() {
        let close = Close::new(Some(CloseCode::NORMAL), "bye").unwrap();
        assert_eq!(
            format!("{close:?}"),
            r#"Close { code: CloseCode(1000 NORMAL), reason: "bye" }"#
        );
    }
}
