//! The client's end of the opening handshake (RFC 6455 §4.1): the request, and bytes to a response.

use core::mem;
use core::ops::Range;
use core::time::Duration;

use crate::error::{Failure, HandshakeError, UsageError};
use crate::next::Next;
use crate::output::Output;
use crate::seed::{HandshakeSecret, MaskingKeys};

use super::body::Body;
use super::client_request::{ClientRequest, MAX_OFFERED};
use super::config::HandshakeConfig;
use super::extensions::Wanted;
use super::head::{Fields, LineReader, Lines, Progress, first_line};
use super::key::Key;
use super::opening::{Opening, Stage};
use super::response::{Outcome, Response, StatusLine};
use super::upgrade::UpgradeFields;

/// The opening handshake of a client.
///
/// It is made with the request in the output. Write that, read what there is, then call [`receive`](Self::receive) and,
/// when it gives nothing, [`poll`](Self::poll). It keeps nothing of what the request was made from.
///
/// # Examples
///
/// ```
/// use websocket_proto::{ClientHandshake, ClientRequest, SliceOutput};
///
/// let seed = [7; 32]; // From the operating system's source of randomness, new for each connection.
/// let (mut head, mut out) = ([0; 256], [0; 256]); // With an allocator, a `Vec` does as well.
/// let (mut head, mut out) = (SliceOutput::new(&mut head), SliceOutput::new(&mut out));
/// let request = ClientRequest::new("ws://example.com/chat")?.subprotocol("chat");
/// let mut handshake = ClientHandshake::new(request, seed, &mut out)?;
/// assert!(out.written().starts_with(b"GET /chat HTTP/1.1\r\nHost: example.com\r\n"));
///
/// let mut bytes = *b"HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\nno.\r\n";
/// let mut input = &mut bytes[..];
/// let mut response = handshake.receive(&mut input, &mut head)?.ok_or("more bytes are needed")?;
/// assert_eq!(response.status(), 403);
/// assert_eq!(response.body(), b"no.\r\n");
/// assert!(response.accept().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ClientHandshake {
    config: HandshakeConfig,
    opening: Opening,
    reader: LineReader,
    /// The value of `Sec-WebSocket-Accept` that the key asks for.
    accept: [u8; 28],
    offered: Offered,
    wanted: Wanted,
    phase: Phase,
}

/// What is awaited of the response.
#[derive(Debug)]
enum Phase {
    Head { draft: Draft, keys: MaskingKeys },
    Body(Refusal),
    Nothing,
}

impl ClientHandshake {
    /// Appends the request to `out`, and starts to wait for the response.
    ///
    /// The nonce and the masking keys are made of the seed, which is to come from a strong source of randomness and to
    /// be used for one connection only (RFC 6455 §4.1, §10.3).
    ///
    /// # Errors
    ///
    /// Nothing was appended: [`UsageError::OutputFull`]; [`UsageError::InvalidSubprotocol`] and
    /// [`UsageError::TooManySubprotocols`]; [`UsageError::InvalidFieldName`] and [`UsageError::InvalidFieldValue`].
    pub fn new(
        request: ClientRequest<'_>,
        seed: [u8; 32],
        out: &mut (impl Output + ?Sized),
    ) -> Result<Self, UsageError> {
        Self::with_config(HandshakeConfig::default(), request, seed, out)
    }

    /// Does as [`new`](Self::new) does, with other limits.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new).
    pub fn with_config(
        config: HandshakeConfig,
        request: ClientRequest<'_>,
        seed: [u8; 32],
        out: &mut (impl Output + ?Sized),
    ) -> Result<Self, UsageError> {
        let secret = HandshakeSecret::new(&seed);
        let key = Key::new(&secret.nonce());
        request.write(&key, out)?;
        Ok(Self {
            config,
            opening: Opening::new(config.opening_timeout),
            reader: LineReader::default(),
            accept: key.accept(),
            offered: Offered::new(secret, &request),
            wanted: request.wanted,
            phase: Phase::Head { draft: Draft::default(), keys: MaskingKeys::new(&seed) },
        })
    }

    /// Takes bytes from the server, and gives the final response once it is complete.
    ///
    /// Interim responses (100, 103) are skipped. A 101 is given with the end of its head: the bytes behind it stay in
    /// `input` untouched, for the connection; a `Content-Length` or `Transfer-Encoding` in it means nothing
    /// (RFC 9110 §15.2). Any other response is given with its body, which is put together in place, once that is complete
    /// or exceeds the limit. After the end of the transport, or a timeout, one more call with an empty `input` gives what
    /// has come of it.
    ///
    /// The response is borrowed from `input` when it lies there whole. Otherwise it is collected in `head`, a `Vec` or a
    /// [`SliceOutput`](crate::SliceOutput), which must be the same at every call and be left alone between them; what it
    /// has no room for is cut off the body. `None`: all of `input` was taken.
    ///
    /// Once the response was given, there is nothing more to come, and `input` is left as it is.
    ///
    /// # Errors
    ///
    /// Of any response: [`InvalidStartLine`](HandshakeError::InvalidStartLine),
    /// [`UnsupportedHttpVersion`](HandshakeError::UnsupportedHttpVersion),
    /// [`InvalidLineEnd`](HandshakeError::InvalidLineEnd), [`InvalidFieldName`](HandshakeError::InvalidFieldName),
    /// [`InvalidFieldValue`](HandshakeError::InvalidFieldValue), [`FoldedLine`](HandshakeError::FoldedLine),
    /// [`InvalidContentLength`](HandshakeError::InvalidContentLength), [`HeadTooLong`](HandshakeError::HeadTooLong),
    /// [`StorageFull`](HandshakeError::StorageFull), [`TooManyFields`](HandshakeError::TooManyFields). Of a 101 as
    /// well: [`NoUpgrade`](HandshakeError::NoUpgrade), [`NoConnectionUpgrade`](HandshakeError::NoConnectionUpgrade),
    /// [`InvalidAccept`](HandshakeError::InvalidAccept), [`InvalidSubprotocols`](HandshakeError::InvalidSubprotocols),
    /// [`SubprotocolNotOffered`](HandshakeError::SubprotocolNotOffered),
    /// [`InvalidExtensions`](HandshakeError::InvalidExtensions),
    /// [`ExtensionNotOffered`](HandshakeError::ExtensionNotOffered),
    /// [`ExtensionRepeated`](HandshakeError::ExtensionRepeated),
    /// [`InvalidExtensionParams`](HandshakeError::InvalidExtensionParams),
    /// [`ExtensionParamsNotOffered`](HandshakeError::ExtensionParamsNotOffered).
    ///
    /// The error comes again at every later call, which takes all of `input`. Let go of the transport; nothing is sent.
    pub fn receive<'r, 'b: 'r>(
        &mut self,
        input: &mut &'b mut [u8],
        head: &'r mut (impl Output + AsRef<[u8]> + ?Sized),
    ) -> Result<Option<Response<'r>>, HandshakeError> {
        if self.opening.stage == Stage::Over {
            return Ok(None);
        }
        let bytes = mem::take(input);
        if let Stage::Failed(Failure::Handshake(error)) = self.opening.stage {
            return Err(error);
        }
        match self.advance(bytes, head) {
            Ok(None) => Ok(None),
            Ok(Some((response, rest))) => {
                *input = rest;
                self.phase = Phase::Nothing;
                // What `poll` may have told stays.
                if self.opening.stage == Stage::Open {
                    self.opening.stage = Stage::Over;
                }
                Ok(Some(response))
            }
            Err(error) => Err(self.opening.fail(error)),
        }
    }

    /// Takes note that the server has ended its side of the transport.
    ///
    /// Then call [`receive`](Self::receive) once more: this may have been the end of a body.
    pub fn receive_eof(&mut self) {
        if let Phase::Body(refusal) = &mut self.phase {
            refusal.body.receive_eof();
        }
        self.opening.receive_eof();
    }

    /// Says how things stand: wait for bytes, or it is over. The first call starts the timer.
    ///
    /// `now` is the time since any fixed point. `End(Ok(()))`: the response was given. `End(Err(..))`: the end of the
    /// transport, or the timeout, came before that.
    pub fn poll(&mut self, now: Duration) -> Next {
        self.opening.poll(now)
    }

    /// Goes through `bytes`, and returns the response once it is complete, with what is left of them.
    fn advance<'r, 'b: 'r>(
        &mut self,
        bytes: &'b mut [u8],
        head: &'r mut (impl Output + AsRef<[u8]> + ?Sized),
    ) -> Result<Option<(Response<'r>, &'b mut [u8])>, HandshakeError> {
        let mut head_len = 0;
        if let Phase::Head { draft, .. } = &mut self.phase {
            if self.opening.stage != Stage::Open {
                return Ok(None);
            }
            let HandshakeConfig { head_limit: limit, field_limit, body_limit, .. } = self.config;
            let take = |head: &[u8], start| draft.take_lines(head, start, field_limit);
            head_len = match self.reader.read(bytes, head, limit, take)? {
                Progress::Incomplete => return Ok(None),
                Progress::TooLong => return Err(HandshakeError::HeadTooLong),
                Progress::NoRoom => return Err(HandshakeError::StorageFull),
                Progress::Complete(taken) => taken,
            };
            if draft.status == Some(101) {
                let (in_input, rest) = bytes.split_at_mut_checked(head_len).unwrap_or_default();
                let is_stored = self.reader.is_stored();
                let head = if is_stored { self.reader.stored(head) } else { in_input };
                return Ok(Some((self.switch(head)?, rest)));
            }
            self.phase = Phase::Body(Refusal::new(draft, self.reader.head_len(), body_limit)?);
        }
        let Phase::Body(refusal) = &mut self.phase else {
            return Ok(None);
        };
        let decoded = refusal.body.decode(bytes.get_mut(head_len..).unwrap_or_default());
        let content_end = head_len.saturating_add(decoded.content);
        let is_over = refusal.body.is_over() || self.opening.stage != Stage::Open;
        let mut is_truncated = !refusal.body.is_complete();
        let taken = head_len.saturating_add(decoded.taken);
        let (in_input, rest) = bytes.split_at_mut_checked(taken).unwrap_or_default();
        let message = if self.reader.is_stored() {
            let content = in_input.get(head_len..content_end).unwrap_or_default();
            let is_kept = self.reader.store_what_fits(content, head);
            if is_kept && !is_over {
                return Ok(None);
            }
            is_truncated |= !is_kept;
            self.reader.stored(head)
        } else {
            let message = in_input.get(..content_end).unwrap_or_default();
            if !is_over && self.reader.store(message, head) {
                return Ok(None);
            }
            message
        };
        Ok(Some((refusal.response(message, is_truncated)?, rest)))
    }

    /// Judges the head of a response that switches protocols.
    fn switch<'r>(&mut self, head: &'r [u8]) -> Result<Response<'r>, HandshakeError> {
        let Phase::Head { draft, keys } = mem::replace(&mut self.phase, Phase::Nothing) else {
            return Err(HandshakeError::InvalidStartLine);
        };
        let (line, fields) = StatusLine::find(head, draft.line)?;
        // RFC 9110 §7.8 knows no upgrade in HTTP/1.0.
        if line.is_http_1_0 {
            return Err(HandshakeError::NoUpgrade);
        }
        let at = |place| Fields::new(head.get(place..).unwrap_or_default());
        let is_offered = |subprotocol: &str| self.offered.contains(subprotocol);
        let (agreed, subprotocol) =
            draft.fields.check_response(&self.accept, self.wanted, is_offered, at)?;
        let outcome = Outcome::Switched { keys: Some(keys), agreed, subprotocol };
        Ok(Response { status: line.status, reason: line.reason, fields, outcome })
    }
}

/// The subprotocols that were offered, as fingerprints: nothing of the caller's is kept.
#[derive(Debug)]
struct Offered {
    secret: HandshakeSecret,
    fingerprints: [u64; MAX_OFFERED],
    count: usize,
}

impl Offered {
    fn new(secret: HandshakeSecret, request: &ClientRequest<'_>) -> Self {
        let mut fingerprints = [0; MAX_OFFERED];
        for (place, subprotocol) in fingerprints.iter_mut().zip(request.offered()) {
            *place = secret.fingerprint(subprotocol.as_bytes());
        }
        Self { secret, fingerprints, count: request.offered().count() }
    }

    fn contains(&self, subprotocol: &str) -> bool {
        let fingerprint = self.secret.fingerprint(subprotocol.as_bytes());
        self.fingerprints.iter().take(self.count).any(|offered| *offered == fingerprint)
    }
}

/// What is known of a response whose head is not complete: places, no bytes.
#[derive(Debug, Default)]
struct Draft {
    /// Where the status line stands.
    line: Range<usize>,
    /// `None` until the status line has come.
    status: Option<u16>,
    fields: UpgradeFields,
}

impl Draft {
    /// Takes the lines of `head` from `start` on that are complete.
    fn take_lines(
        &mut self,
        head: &[u8],
        mut start: usize,
        field_limit: usize,
    ) -> Result<Lines, HandshakeError> {
        loop {
            if self.status.is_none() {
                let Some(text) = first_line(head.get(start..).unwrap_or_default())? else {
                    return Ok(Lines { end: start, are_all: false });
                };
                self.status = Some(StatusLine::parse(text)?.status);
                self.line = start..start.saturating_add(text.len());
                start = self.line.end.saturating_add(2);
            }
            let lines = self.fields.take_lines(head, start, field_limit)?;
            // RFC 9110 §15.2: "A client MUST be able to parse one or more 1xx responses received prior to a final
            // response, even if the client does not expect one."
            if !lines.are_all || !matches!(self.status, Some(100 | 102..=199)) {
                return Ok(lines);
            }
            *self = Self::default();
            start = lines.end;
        }
    }
}

/// A response that refuses the upgrade: where its parts lie, and what is still to come.
#[derive(Debug)]
struct Refusal {
    line: Range<usize>,
    body_start: usize,
    body: Body,
}

impl Refusal {
    fn new(draft: &Draft, head_len: usize, body_limit: usize) -> Result<Self, HandshakeError> {
        let UpgradeFields { content_length, transfer_encoding, .. } = draft.fields;
        let status = draft.status.unwrap_or_default();
        let body = Body::new(status, content_length, transfer_encoding, body_limit);
        let body = body.ok_or(HandshakeError::InvalidContentLength)?;
        Ok(Self { line: draft.line.clone(), body_start: head_len, body })
    }

    fn response<'b>(
        &self,
        message: &'b [u8],
        is_truncated: bool,
    ) -> Result<Response<'b>, HandshakeError> {
        let (line, fields) = StatusLine::find(message, self.line.clone())?;
        let body = message.get(self.body_start..).unwrap_or_default();
        let outcome = Outcome::Refused { body, is_truncated };
        Ok(Response { status: line.status, reason: line.reason, fields, outcome })
    }
}
