//! The server's end of the opening handshake (RFC 6455 §4.2): bytes to a request.

use core::mem;
use core::ops::Range;
use core::str;
use core::time::Duration;

use crate::error::{Failure, HandshakeError};
use crate::next::Next;
use crate::output::Output;

use super::config::HandshakeConfig;
use super::head::{
    Fields, LineReader, Lines, Progress, first_line, parse_version, target_len, token_len,
};
use super::opening::{Opening, Stage};
use super::request::Request;
use super::upgrade::UpgradeFields;
use super::uri::find_path;

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
        let take = |head: &[u8], start| self.draft.take_lines(head, start, field_limit);
        let taken = match self.reader.read(bytes, head, limit, take)? {
            Progress::Incomplete => return Ok(None),
            Progress::TooLong => return Err(self.draft.too_long()),
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
    /// `None` until it has come.
    line: Option<RequestLine>,
    empty_lines: u8,
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
        while self.line.is_none() {
            let Some(text) = first_line(head.get(start..).unwrap_or_default())? else {
                return Ok(Lines { end: start, are_all: false });
            };
            // RFC 9112 §2.2: "a server that is expecting to receive and parse a request-line SHOULD ignore at least one
            // empty line (CRLF) received prior to the request-line."
            if text.is_empty() && self.empty_lines < 2 {
                self.empty_lines = self.empty_lines.saturating_add(1);
            } else {
                self.line = Some(RequestLine::parse(text, start)?);
            }
            start = start.saturating_add(text.len()).saturating_add(2);
        }
        self.fields.take_lines(head, start, field_limit)
    }

    const fn too_long(&self) -> HandshakeError {
        match self.line {
            None => HandshakeError::TargetTooLong,
            Some(_) => HandshakeError::HeadTooLong,
        }
    }

    /// Judges the whole head.
    fn finish<'b>(&self, head: &'b [u8]) -> Result<Request<'b>, HandshakeError> {
        let line = self.line.as_ref().ok_or(HandshakeError::InvalidStartLine)?;
        self.fields.check_request(line.is_http_1_0)?;
        let fields_at = |place| Fields::new(head.get(place..).unwrap_or_default());
        // What is not for an upgrade is the caller's to answer, whatever else is in it.
        let upgrade = match self.check_is_upgrade(line) {
            Ok(()) => Ok(self.fields.check_upgrade(fields_at)?),
            Err(error) => Err(error),
        };
        let text = |place: &Range<usize>| {
            let text = head.get(place.clone()).and_then(|text| str::from_utf8(text).ok());
            text.unwrap_or_default()
        };
        let target = text(&line.target);
        Ok(Request {
            method: text(&line.method),
            target,
            path: target.get(line.path.clone()).filter(|path| !path.is_empty()).unwrap_or("/"),
            query: target.get(line.path.end.saturating_add(1)..),
            fields: fields_at(line.target.end.saturating_add(VERSION_AND_END)),
            upgrade,
            is_answered: false,
        })
    }

    fn check_is_upgrade(&self, line: &RequestLine) -> Result<(), HandshakeError> {
        // §4.2.1: "An HTTP/1.1 or higher GET request".
        if !line.is_get {
            return Err(HandshakeError::MethodNotAllowed);
        }
        // RFC 9110 §7.8: "A server MUST ignore an Upgrade header field that is received in an HTTP/1.0 request."
        if line.is_http_1_0 {
            return Err(HandshakeError::NoUpgrade);
        }
        self.fields.check_tokens()
    }
}

/// A request line (RFC 9112 §3) that was checked: where its parts are in the head.
#[derive(Debug)]
struct RequestLine {
    method: Range<usize>,
    is_get: bool,
    target: Range<usize>,
    /// In the target.
    path: Range<usize>,
    is_http_1_0: bool,
}

impl RequestLine {
    /// Parses the line that begins at `start`.
    fn parse(line: &[u8], start: usize) -> Result<Self, HandshakeError> {
        // RFC 9112 §3: "request-line = method SP request-target SP HTTP-version". No part holds a blank.
        let (method, rest) = line.split_at_checked(token_len(line)).unwrap_or_default();
        let ([_, ..], [b' ', rest @ ..]) = (method, rest) else {
            return Err(HandshakeError::InvalidStartLine);
        };
        let (target, rest) = rest.split_at_checked(target_len(rest)).unwrap_or_default();
        let blank = rest.iter().position(|&byte| byte == b' ');
        let blank = blank.ok_or(HandshakeError::InvalidStartLine)?;
        let version = rest.get(blank.saturating_add(1)..).unwrap_or_default();
        let is_http_1_0 = parse_version(version)? == 0;
        // RFC 9112 §3.2.3: "The "authority-form" of request-target is only used for CONNECT requests", and these use no
        // other; there is no tunnel to be had here.
        let is_target = blank == 0 && method != b"CONNECT";
        let path = find_path(target).filter(|_| is_target).ok_or(HandshakeError::InvalidTarget)?;
        let method_end = start.saturating_add(method.len());
        let target_start = method_end.saturating_add(1);
        Ok(Self {
            method: start..method_end,
            is_get: method == b"GET",
            target: target_start..target_start.saturating_add(target.len()),
            path,
            is_http_1_0,
        })
    }
}

/// The bytes behind the target of a request line: ` HTTP/1.1` and its end.
const VERSION_AND_END: usize = 11;
