//! The receiving direction: frames become chunks of messages and control frames, and every rule about what a peer may
//! send is kept here (RFC 6455 §5). It replies to nothing; the sending direction is unknown to it.

use crate::config::Config;
use crate::connection::chunk::Masked;
use crate::error::ProtocolError;
use crate::frame::{Close, ControlPayload, FrameHeader, HeaderDecoder, parse_length, take};
use crate::mask::Mask;
use crate::opcode::{MessageKind, Opcode};
use crate::role::Role;
use crate::utf8::Utf8;

/// What the peer sent.
pub(crate) enum Received<'b> {
    Data(Masked<'b>),
    /// A control frame, which is to be taken: it is too large to be moved about on the way of data.
    Control,
}

/// A control frame.
pub(crate) enum Control {
    Ping(ControlPayload),
    Pong(ControlPayload),
    Close(Close),
}

#[derive(Debug)]
pub(super) struct Receiver {
    role: Role,
    checks_text: bool,
    message_limit: u64,
    fragment_limit: u32,
    /// The greatest length of a message in 7 bits.
    short_limit: u8,
    progress: Progress,
    /// The message whose next frame is awaited; the one whose frame is coming in is in `progress`.
    message: Option<Message>,
}

/// How far the current frame has come.
#[derive(Debug)]
enum Progress {
    /// Nothing of a message has come, nor of a frame.
    Idle,
    Header(HeaderDecoder),
    Data(DataFrame),
    Control {
        opcode: Opcode,
        missing: u8,
        mask: Mask,
        payload: ControlPayload,
    },
    /// Nothing is read any more.
    Stopped,
}

#[derive(Debug)]
struct DataFrame {
    message: Message,
    fin: bool,
    mask: Mask,
    /// The number of bytes of its payload that are still to come.
    remaining: u64,
}

#[derive(Clone, Copy, Debug)]
struct Message {
    kind: MessageKind,
    /// Whether a chunk of it was handed out.
    begun: bool,
    utf8: Utf8,
    /// The bytes that its frames have declared so far; at most the limit.
    size: u64,
    fragments: u32,
}

impl Receiver {
    pub(super) fn new(role: Role, config: &Config) -> Self {
        Self {
            role,
            checks_text: true,
            message_limit: config.message_limit,
            short_limit: u8::try_from(config.message_limit).unwrap_or(u8::MAX).min(125),
            fragment_limit: config.fragment_limit,
            progress: Progress::Idle,
            message: None,
        }
    }

    /// Leaves the check of text to the layer above.
    #[cfg(feature = "alloc")]
    pub(super) fn leave_text_unchecked(&mut self) {
        self.checks_text = false;
    }

    /// Takes a message in a single frame that lies whole in the input: the case that decides the speed. `None`: it is
    /// another case, for [`receive`](Self::receive), and nothing was taken.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the path of every small message")]
    pub(super) fn whole_message<'b>(
        &mut self,
        input: &mut &'b mut [u8],
    ) -> Option<(MessageKind, &'b [u8])> {
        let Progress::Idle = self.progress else { return None };
        let (first, len, header_len, mask) = match self.role {
            Role::Server => {
                let [first, second, key @ ..] = *input.first_chunk::<6>()?;
                (first, second ^ 0x80, 6, Some(Mask::new(key)))
            }
            Role::Client => {
                let [first, second] = *input.first_chunk()?;
                (first, second, 2, None)
            }
        };
        let kind = match first {
            0x81 if !self.checks_text => MessageKind::Text,
            0x82 => MessageKind::Binary,
            _ => return None,
        };
        if len > self.short_limit {
            let payload = self.long_payload(len, input)?;
            return Some((kind, payload));
        }
        Some((kind, take_payload(mask, header_len, usize::from(len), input)?))
    }

    /// Takes the payload of a frame whose length is more than 7 bits tell, or too much.
    #[inline(never)]
    fn long_payload<'b>(&self, short_len: u8, input: &mut &'b mut [u8]) -> Option<&'b [u8]> {
        let (payload_len, rest) = match short_len {
            126 | 127 => parse_length(short_len, input.get(2..)?).ok()??,
            _ => return None,
        };
        if payload_len > self.message_limit {
            return None;
        }
        let (mask, rest) = match self.role {
            Role::Server => {
                let (key, rest) = rest.split_first_chunk()?;
                (Some(Mask::new(*key)), rest)
            }
            Role::Client => (None, rest),
        };
        let header_len = input.len().saturating_sub(rest.len());
        take_payload(mask, header_len, usize::try_from(payload_len).ok()?, input)
    }

    /// Takes all input unread from now on.
    pub(super) fn stop(&mut self) {
        self.progress = Progress::Stopped;
        self.message = None;
    }

    /// Takes input until something is to be told; `None` means that all of it was taken.
    pub(super) fn receive<'b>(
        &mut self,
        input: &mut &'b mut [u8],
    ) -> Result<Option<Received<'b>>, ProtocolError> {
        loop {
            match &mut self.progress {
                Progress::Stopped => {
                    *input = &mut [];
                    return Ok(None);
                }
                Progress::Idle if input.is_empty() => return Ok(None),
                Progress::Idle => self.progress = Progress::Header(HeaderDecoder::new()),
                Progress::Header(decoder) => {
                    let (role, message) = (self.role, self.message.as_ref());
                    let judge = |first, second| judge(role, message.is_some(), first, second);
                    match decoder.decode(input, judge)? {
                        Some(header) => self.begin_frame(header)?,
                        None => return Ok(None),
                    }
                }
                Progress::Control { opcode, missing, mask, payload } => {
                    let piece = take(input, usize::from(*missing));
                    mask.apply(piece);
                    payload.push(piece);
                    *missing =
                        missing.saturating_sub(u8::try_from(piece.len()).unwrap_or(*missing));
                    if *missing > 0 {
                        return Ok(None);
                    }
                    if *opcode == Opcode::Close {
                        Close::parse(*payload)?;
                    }
                    return Ok(Some(Received::Control));
                }
                Progress::Data(frame) => {
                    let chunk = frame.take_chunk(self.checks_text, input)?;
                    let is_complete = frame.remaining == 0;
                    if is_complete {
                        self.message = (!frame.fin).then_some(frame.message);
                        self.end_frame();
                    }
                    if chunk.is_some() || !is_complete {
                        return Ok(chunk.map(Received::Data));
                    }
                }
            }
        }
    }

    /// Takes the control frame that was [`Received::Control`].
    pub(super) fn take_control(&mut self) -> Option<Control> {
        let Progress::Control { opcode, payload, .. } = self.progress else {
            return None;
        };
        self.end_frame();
        match opcode {
            Opcode::Close => Close::parse(payload).ok().map(Control::Close),
            Opcode::Ping => Some(Control::Ping(payload)),
            _ => Some(Control::Pong(payload)),
        }
    }

    fn end_frame(&mut self) {
        self.progress = match self.message {
            None => Progress::Idle,
            Some(_) => Progress::Header(HeaderDecoder::new()),
        };
    }

    fn begin_frame(&mut self, header: FrameHeader) -> Result<(), ProtocolError> {
        let mask = Mask::new(header.mask.unwrap_or_default());
        let kind = match header.opcode {
            Opcode::Text => Some(MessageKind::Text),
            Opcode::Binary => Some(MessageKind::Binary),
            Opcode::Continuation => None,
            Opcode::Close | Opcode::Ping | Opcode::Pong => {
                self.progress = Progress::Control {
                    opcode: header.opcode,
                    missing: u8::try_from(header.payload_len).unwrap_or(u8::MAX),
                    mask,
                    payload: ControlPayload::EMPTY,
                };
                return Ok(());
            }
        };
        let mut message = match (kind, self.message.take()) {
            (Some(kind), _) => Message::new(kind),
            (None, Some(message)) => message,
            (None, None) => return Err(ProtocolError::UnexpectedContinuation),
        };
        // §10.4: "it is RECOMMENDED that implementations impose a limit on [...] the total message size after
        // reassembly from multiple frames"
        message.size = message.size.saturating_add(header.payload_len);
        if message.size > self.message_limit {
            return Err(ProtocolError::MessageTooLong);
        }
        message.fragments = message.fragments.saturating_add(1);
        if message.fragments > self.fragment_limit {
            return Err(ProtocolError::TooManyFragments);
        }
        self.progress = Progress::Data(DataFrame {
            message,
            fin: header.fin,
            mask,
            remaining: header.payload_len,
        });
        Ok(())
    }
}

impl DataFrame {
    /// Takes what the input has of the payload. `None`: there is nothing to tell of it, because nothing came or because
    /// the frame is empty and not the last of its message.
    fn take_chunk<'b>(
        &mut self,
        checks_text: bool,
        input: &mut &'b mut [u8],
    ) -> Result<Option<Masked<'b>>, ProtocolError> {
        let mut len = usize::try_from(self.remaining).unwrap_or(usize::MAX).min(input.len());
        let mut mask = self.mask;
        if self.message.kind == MessageKind::Text && checks_text {
            let payload = input.get_mut(..len).unwrap_or_default();
            mask.apply_last(payload);
            let last = self.ends_after(len);
            if let Err(good) = self.message.check_text(payload, last) {
                // §8.1: "When an endpoint is to interpret a byte stream as UTF-8 but finds that the byte stream is
                // not, in fact, a valid UTF-8 stream, that endpoint MUST _Fail the WebSocket Connection_."
                // What is good is handed out first; the rest goes back as it came and fails when it comes to it.
                if good == 0 {
                    return Err(ProtocolError::InvalidUtf8);
                }
                mask.turned(good).apply_last(payload.get_mut(good..).unwrap_or_default());
                len = good;
            }
            mask = Mask::NONE;
        }
        self.mask = self.mask.turned(len);
        let last = self.ends_after(len);
        let first = !self.message.begun;
        self.remaining = self.remaining.saturating_sub(u64::try_from(len).unwrap_or(u64::MAX));
        self.message.begun |= len > 0;
        if len == 0 && !last {
            return Ok(None);
        }
        Ok(Some(Masked {
            mask,
            payload: take(input, len),
            kind: self.message.kind,
            first,
            last,
            frame_remaining: self.remaining,
            fin: self.fin,
        }))
    }

    /// Tells whether the message ends with the next `len` bytes.
    fn ends_after(&self, len: usize) -> bool {
        self.fin && u64::try_from(len) == Ok(self.remaining)
    }
}

impl Message {
    fn new(kind: MessageKind) -> Self {
        Self { kind, begun: false, utf8: Utf8::Complete, size: 0, fragments: 0 }
    }

    /// Checks the next bytes of a text. An error is the number of bytes before the first bad one; of a text that ends
    /// within a code point, its last byte is the bad one, if there is one here.
    fn check_text(&mut self, payload: &[u8], last: bool) -> Result<(), usize> {
        let before = self.utf8;
        self.utf8.check(payload)?;
        if last && !self.utf8.is_complete() {
            let good = payload.len().saturating_sub(1);
            self.utf8 = before;
            self.utf8.check(payload.get(..good).unwrap_or_default())?;
            return Err(good);
        }
        Ok(())
    }
}

/// Takes a frame that lies whole in the input, and gives its payload unmasked.
#[inline]
fn take_payload<'b>(
    mask: Option<Mask>,
    header_len: usize,
    payload_len: usize,
    input: &mut &'b mut [u8],
) -> Option<&'b [u8]> {
    let frame_len = header_len.checked_add(payload_len)?;
    let payload = input.get_mut(header_len..frame_len)?;
    if let Some(mask) = mask {
        mask.apply_last(payload);
    }
    take(input, frame_len).get(header_len..)
}

/// What the first two bytes of a frame tell, judged before its length is known.
fn judge(role: Role, in_message: bool, first: u8, second: u8) -> Result<(), ProtocolError> {
    // §5.2: "MUST be 0 unless an extension is negotiated that defines meanings for non-zero values."
    if first & 0x70 != 0 {
        return Err(ProtocolError::ReservedBits);
    }
    let masked = second & 0x80 != 0;
    match (role, masked, Opcode::from_bits(first)) {
        // §5.2: "If an unknown opcode is received, the receiving endpoint MUST _Fail the WebSocket Connection_."
        (_, _, None) => Err(ProtocolError::ReservedOpcode(first & 0x0F)),
        // §5.1: "The server MUST close the connection upon receiving a frame that is not masked."
        (Role::Server, false, _) => Err(ProtocolError::UnmaskedFrame),
        // §5.1: "A client MUST close a connection if it detects a masked frame."
        (Role::Client, true, _) => Err(ProtocolError::MaskedFrame),
        // §5.4: "The fragments of one message MUST NOT be interleaved between the fragments of another message"
        (_, _, Some(Opcode::Text | Opcode::Binary)) if in_message => {
            Err(ProtocolError::InterleavedMessage)
        }
        (_, _, Some(Opcode::Continuation)) if !in_message => {
            Err(ProtocolError::UnexpectedContinuation)
        }
        _ => Ok(()),
    }
}
