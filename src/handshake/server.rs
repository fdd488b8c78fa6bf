//! The server's end of the opening handshake (RFC 6455 §4.2): bytes to a request.

use core::mem;
use core::ops::Range;
use core::str;
use core::time::Duration;

use crate::error::{Failure, HandshakeError};
use crate::next::Next;
use crate::output::Output;

use super::config::HandshakeConfig;
use super::head::{Fields, LineReader, Progress, parse_version, strip_line_end};
use super::list::token;
use super::opening::{Opening, Stage};
use super::request::Request;
use super::upgrade::UpgradeFields;
use super::uri::Target;

/// The opening handshake of a server, up to the client's request.
///
/// Read what there is, then call [`receive`](Self::receive) and, when it gives nothing, [`poll`](Self::poll). The
/// answer is given by the [`Request`].
///
/// # Examples
///
/// ```
/// use websocket_proto::{Accept, HandshakeConfig, ServerHandshake, SliceOutput};
///
/// let mut bytes = *b"GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
///     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
/// let mut input = &mut bytes[..];
/// let (mut head, mut out) = ([0; 256], [0; 256]); // With an allocator, a `Vec` does as well.
/// let (mut head, mut out) = (SliceOutput::new(&mut head), SliceOutput::new(&mut out));
///
/// let mut handshake = ServerHandshake::new(HandshakeConfig::default());
/// let mut request = handshake.receive(&mut input, &mut head)?.ok_or("more bytes are needed")?;
/// assert_eq!(request.path(), "/chat");
/// let negotiated = request.accept(Accept::new(), &mut out)?;
/// assert!(out.written().starts_with(b"HTTP/1.1 101 "));
/// # drop(negotiated);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ServerHandshake {
    config: HandshakeConfig,
    opening: Opening,
    reader: LineReader,
    draft: Draft,
}

impl ServerHandshake {
    /// Starts to wait for a request.
    #[must_use]
    pub fn new(config: HandshakeConfig) -> Self {
        Self {
            config,
            opening: Opening::new(config.opening_timeout),
            reader: LineReader::default(),
            draft: Draft::default(),
        }
    }

    /// Takes bytes from the client, and gives the request once its head is complete.
    ///
    /// The head is borrowed from `input` when it lies there whole. Otherwise it is collected in `head`, a `Vec` or a
    /// [`SliceOutput`](crate::SliceOutput), which must be the same at every call and be left alone between them. The
    /// bytes behind the head stay in `input` untouched, for the connection. `None`: all of `input` was taken.
    ///
    /// Once the request was given, there is nothing more to come, and `input` is left as it is.
    ///
    /// # Errors
    ///
    /// Of any request: [`InvalidStartLine`](HandshakeError::InvalidStartLine),
    /// [`UnsupportedHttpVersion`](HandshakeError::UnsupportedHttpVersion),
    /// [`InvalidLineEnd`](HandshakeError::InvalidLineEnd), [`InvalidFieldName`](HandshakeError::InvalidFieldName),
    /// [`InvalidFieldValue`](HandshakeError::InvalidFieldValue), [`FoldedLine`](HandshakeError::FoldedLine),
    /// [`InvalidContentLength`](HandshakeError::InvalidContentLength), [`HeadTooLong`](HandshakeError::HeadTooLong),
    /// [`StorageFull`](HandshakeError::StorageFull), [`TooManyFields`](HandshakeError::TooManyFields),
    /// [`InvalidTarget`](HandshakeError::InvalidTarget), [`TargetTooLong`](HandshakeError::TargetTooLong),
    /// [`InvalidHost`](HandshakeError::InvalidHost), [`TransferEncoding`](HandshakeError::TransferEncoding). Of one for
    /// an upgrade as well: [`UnexpectedContent`](HandshakeError::UnexpectedContent),
    /// [`InvalidVersion`](HandshakeError::InvalidVersion), [`UnsupportedVersion`](HandshakeError::UnsupportedVersion),
    /// [`InvalidKey`](HandshakeError::InvalidKey), [`InvalidSubprotocols`](HandshakeError::InvalidSubprotocols),
    /// [`TooManySubprotocols`](HandshakeError::TooManySubprotocols),
    /// [`InvalidExtensions`](HandshakeError::InvalidExtensions).
    ///
    /// The error writes the right answer by [`HandshakeError::respond`], and comes again at every later call, which takes
    /// all of `input`.
    pub fn receive<'r, 'b: 'r>(
        &mut self,
        input: &mut &'b mut [u8],
        head: &'r mut (impl Output + AsRef<[u8]> + ?Sized),
    ) -> Result<Option<Request<'r>>, HandshakeError> {
        if self.opening.stage == Stage::Over {
            return Ok(None);
        }
        let bytes = mem::take(input);
        match self.opening.stage {
            Stage::Failed(Failure::Handshake(error)) => return Err(error),
            Stage::Failed(_) | Stage::Over => return Ok(None),
            Stage::Open => {}
        }
        match self.advance(bytes, head) {
            Ok(None) => Ok(None),
            Ok(Some((request, rest))) => {
                *input = rest;
                self.opening.stage = Stage::Over;
                Ok(Some(request))
            }
            Err(error) => Err(self.opening.fail(error)),
        }
    }

    /// Takes note that the client has ended its side of the transport.
    pub fn receive_eof(&mut self) {
        self.opening.receive_eof();
    }

    /// Says how things stand: wait for bytes, or it is over. The first call starts the timer.
    ///
    /// `now` is the time since any fixed point. `End(Ok(()))`: the request was given.
    pub fn poll(&mut self, now: Duration) -> Next {
        self.opening.poll(now)
    }

    /// Goes through `bytes`, and returns the request once it is complete, with what is left of them.
    fn advance<'r, 'b: 'r>(
        &mut self,
        bytes: &'b mut [u8],
        head: &'r mut (impl Output + AsRef<[u8]> + ?Sized),
    ) -> Result<Option<(Request<'r>, &'b mut [u8])>, HandshakeError> {
        let HandshakeConfig { head_limit: limit, field_limit, .. } = self.config;
        let each = |line: &[u8], at| self.draft.line(line, at, field_limit);
        let taken = match self.reader.read(bytes, head, limit, each)? {
            Progress::Incomplete => return Ok(None),
            Progress::TooLong => return Err(self.draft.too_long(limit)),
            Progress::NoRoom => return Err(HandshakeError::StorageFull),
            Progress::Complete(taken) => taken,
        };
        let (in_input, rest) = bytes.split_at_mut_checked(taken).unwrap_or_default();
        let head = if self.reader.is_stored() { self.reader.stored(head) } else { in_input };
        Ok(Some((self.draft.finish(head)?, rest)))
    }
}

/// What is known of a request whose head is not complete: places, no bytes.
#[derive(Debug, Default)]
struct Draft {
    /// Where the request line stands; `None` until it has come.
    line: Option<Range<usize>>,
    empty_lines: u8,
    fields: UpgradeFields,
}

impl Draft {
    /// Takes the line that begins at `at`; says whether it was the last.
    fn line(&mut self, line: &[u8], at: usize, field_limit: usize) -> Result<bool, HandshakeError> {
        let text = strip_line_end(line)?;
        if self.line.is_none() {
            // RFC 9112 §2.2: "a server that is expecting to receive and parse a request-line SHOULD ignore at least one
            // empty line (CRLF) received prior to the request-line."
            if text.is_empty() && self.empty_lines < 2 {
                self.empty_lines = self.empty_lines.saturating_add(1);
            } else {
                RequestLine::parse(text)?;
                self.line = Some(at..at.saturating_add(line.len()));
            }
            return Ok(false);
        }
        if text.is_empty() {
            return Ok(true);
        }
        self.fields.note_line(text, at, field_limit)?;
        Ok(false)
    }

    const fn too_long(&self, limit: usize) -> HandshakeError {
        match self.line {
            None => HandshakeError::TargetTooLong { limit },
            Some(_) => HandshakeError::HeadTooLong { limit },
        }
    }

    /// Judges the whole head.
    fn finish<'b>(&self, head: &'b [u8]) -> Result<Request<'b>, HandshakeError> {
        let from = |place| head.get(place..).unwrap_or_default();
        let fields_at = |place| Fields::new(from(place));
        let range = self.line.clone().unwrap_or_default();
        let line =
            RequestLine::parse(strip_line_end(head.get(range.clone()).unwrap_or_default())?)?;
        self.fields.check_request(line.is_http_1_0)?;
        // What is not for an upgrade is the caller's to answer, whatever else is in it.
        let upgrade = match self.check_is_upgrade(&line) {
            Ok(()) => Ok(self.fields.check_upgrade(fields_at)?),
            Err(error) => Err(error),
        };
        Ok(Request {
            method: line.method,
            target: line.target,
            parts: line.parts,
            fields: fields_at(range.end),
            upgrade,
            is_answered: false,
        })
    }

    fn check_is_upgrade(&self, line: &RequestLine<'_>) -> Result<(), HandshakeError> {
        // §4.2.1: "An HTTP/1.1 or higher GET request".
        if line.method != "GET" {
            return Err(HandshakeError::MethodNotAllowed);
        }
        // RFC 9110 §7.8: "A server MUST ignore an Upgrade header field that is received in an HTTP/1.0 request."
        if line.is_http_1_0 {
            return Err(HandshakeError::NoUpgrade);
        }
        self.fields.check_tokens()
    }
}

/// A request line (RFC 9112 §3).
struct RequestLine<'b> {
    method: &'b str,
    target: &'b str,
    parts: Target<'b>,
    is_http_1_0: bool,
}

impl<'b> RequestLine<'b> {
    fn parse(line: &'b [u8]) -> Result<Self, HandshakeError> {
        // RFC 9112 §3: "request-line = method SP request-target SP HTTP-version". No part holds a blank.
        let (method, rest) = split_at_blank(line).ok_or(HandshakeError::InvalidStartLine)?;
        let (target, version) = split_at_blank(rest).ok_or(HandshakeError::InvalidStartLine)?;
        let method = token(method).ok_or(HandshakeError::InvalidStartLine)?;
        let is_http_1_0 = parse_version(version)? == 0;
        let target = str::from_utf8(target).map_err(|_| HandshakeError::InvalidTarget)?;
        // RFC 9112 §3.2.3: "The "authority-form" of request-target is only used for CONNECT requests", and these use no
        // other; there is no tunnel to be had here.
        if method == "CONNECT" {
            return Err(HandshakeError::InvalidTarget);
        }
        Ok(Self {
            method,
            target,
            parts: Target::parse(target).ok_or(HandshakeError::InvalidTarget)?,
            is_http_1_0,
        })
    }
}

fn split_at_blank(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let blank = text.iter().position(|&byte| byte == b' ')?;
    Some((text.get(..blank)?, text.get(blank.saturating_add(1)..)?))
}
