//! A response, as a client hands it to its caller (RFC 6455 §4.1).

use core::ops::Range;

use crate::error::{HandshakeError, UsageError};
use crate::seed::MaskingKeys;

use super::extensions::Agreed;
use super::head::{Fields, is_field_text, parse_version};
use super::negotiated::Negotiated;

/// The final response that a [`ClientHandshake`](crate::ClientHandshake) received.
///
/// One with the status 101 was checked, and is [`accepted`](Self::accept). Any other refuses the upgrade; why, and what
/// to do about it, such as to follow a redirection or to authenticate, is the caller's to read from it.
///
/// # Examples
///
/// A client without an allocator, that keeps to limits of its own:
///
/// ```
/// use websocket_proto::*;
///
/// let (mut head, mut out) = ([0; 512], [0; 256]);
/// let (mut head, mut out) = (SliceOutput::new(&mut head), SliceOutput::new(&mut out));
/// let limits = HandshakeConfig::default().head_limit(512)?;
/// let seed = [7; 32]; // From the operating system's source of randomness, new for each connection.
/// let request = ClientRequest::new("ws://10.0.0.7/feed")?;
/// let mut handshake = ClientHandshake::with_config(limits, request, seed, &mut out)?;
/// // Write what is in `out`, and read what comes.
/// # let mut request = [0; 256];
/// # request[..out.written().len()].copy_from_slice(out.written());
/// # let mut server = SliceOutput::new(&mut []);
/// # let mut input = &mut request[..out.written().len()];
/// # let mut request = ServerHandshake::new(limits).receive(&mut input, &mut server)?.ok_or("more")?;
/// # let mut storage = [0; 256];
/// # let mut sent = SliceOutput::new(&mut storage);
/// # drop(request.accept(Accept::new(), &mut sent)?);
/// # let mut buf = [0; 256];
/// # let len = sent.written().len();
/// # buf[..len].copy_from_slice(sent.written());
/// let mut input = &mut buf[..len];
/// let mut response = handshake.receive(&mut input, &mut head)?.ok_or("more bytes are needed")?;
/// match response.status() {
///     101 => {
///         let connection = Connection::open(response.accept()?, Config::default());
///         // What is left of `input` is the connection's.
///         assert!(connection.may_send());
///     }
///     401 => println!("{:?}", response.field("www-authenticate")),
///     _ => {
///         println!("{:?} {:?}", response.reason(), response.body());
///         assert!(!response.body_is_truncated());
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Response<'b> {
    pub(super) status: u16,
    pub(super) reason: &'b [u8],
    pub(super) fields: Fields<'b>,
    pub(super) outcome: Outcome<'b>,
}

/// What a response means.
#[derive(Debug)]
pub(super) enum Outcome<'b> {
    /// The connection is established; the keys are there until it is taken.
    Switched { keys: Option<MaskingKeys>, agreed: Agreed, subprotocol: Option<&'b str> },
    /// It is not.
    Refused { body: &'b [u8], is_truncated: bool },
}

impl<'b> Response<'b> {
    /// Takes the outcome of a handshake that succeeded.
    ///
    /// # Errors
    ///
    /// [`UsageError::NotAnUpgrade`]: the status is not 101; the error in it tells which it is.
    /// [`UsageError::AlreadyAnswered`]: it was taken before.
    pub fn accept(&mut self) -> Result<Negotiated<'b>, UsageError> {
        match &mut self.outcome {
            Outcome::Switched { keys, agreed, subprotocol } => keys
                .take()
                .map(|keys| Negotiated::client_with(keys, *agreed, *subprotocol))
                .ok_or(UsageError::AlreadyAnswered),
            Outcome::Refused { .. } => {
                Err(UsageError::NotAnUpgrade(HandshakeError::UnexpectedStatus(self.status)))
            }
        }
    }

    /// Returns the status code.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Returns the reason phrase, which may be empty and need not be UTF-8.
    #[must_use]
    pub const fn reason(&self) -> &'b [u8] {
        self.reason
    }

    /// Returns the value of the first field of that name, in any case.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'b [u8]> {
        self.fields().find(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Returns the fields in order, each a name and a value.
    pub fn fields(&self) -> impl Iterator<Item = (&'b str, &'b [u8])> + Clone + use<'b> {
        self.fields.clone()
    }

    /// Returns the body of a response that refuses the upgrade, its chunks put together; empty for a 101.
    #[must_use]
    pub const fn body(&self) -> &'b [u8] {
        match self.outcome {
            Outcome::Switched { .. } => &[],
            Outcome::Refused { body, .. } => body,
        }
    }

    /// Says whether the body had more bytes than were kept, or its end did not come.
    #[must_use]
    pub const fn body_is_truncated(&self) -> bool {
        matches!(self.outcome, Outcome::Refused { is_truncated: true, .. })
    }
}

/// A status line (RFC 9112 §4).
pub(super) struct StatusLine<'b> {
    pub(super) is_http_1_0: bool,
    pub(super) status: u16,
    pub(super) reason: &'b [u8],
}

impl<'b> StatusLine<'b> {
    pub(super) fn parse(line: &'b [u8]) -> Result<Self, HandshakeError> {
        // RFC 9112 §4: "status-line = HTTP-version SP status-code SP [ reason-phrase ]". Some leave the last blank out
        // where there is no reason phrase.
        let mut parts = line.splitn(3, |&byte| byte == b' ');
        let version = parse_version(parts.next().unwrap_or_default())?;
        let [hundreds @ b'1'..=b'9', tens @ b'0'..=b'9', ones @ b'0'..=b'9'] =
            parts.next().unwrap_or_default()
        else {
            return Err(HandshakeError::InvalidStartLine);
        };
        let status = [hundreds, tens, ones].into_iter().fold(0_u16, |number, digit| {
            number.saturating_mul(10).saturating_add(u16::from(digit.saturating_sub(b'0')))
        });
        let reason = parts.next().unwrap_or_default();
        if !is_field_text(reason) {
            return Err(HandshakeError::InvalidStartLine);
        }
        Ok(Self { is_http_1_0: version == 0, status, reason })
    }

    /// Parses the line at `range` again, which was checked, and returns the fields behind it as well.
    pub(super) fn find(
        message: &'b [u8],
        range: Range<usize>,
    ) -> Result<(Self, Fields<'b>), HandshakeError> {
        let fields = message.get(range.end.saturating_add(2)..).unwrap_or_default();
        let line = Self::parse(message.get(range).unwrap_or_default())?;
        Ok((line, Fields::new(fields)))
    }
}
