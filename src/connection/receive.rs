//! The receiving direction: frames become chunks of messages and control frames, and every rule about what a peer may
//! send is kept here (RFC 6455 §5). It replies to nothing; the sending direction is unknown to it.

use crate::config::Config;
use crate::connection::chunk::Masked;
use crate::connection::data::{DataFrame, Message};
use crate::error::ProtocolError;
use crate::frame::{Close, ControlPayload, FrameHeader, HeaderDecoder, parse_length, take};
use crate::mask::Mask;
use crate::opcode::{MessageKind, Opcode};
use crate::role::Role;
use crate::utf8;

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
    /// §9: an extension gives RSV1 of a message's first frame a meaning (RFC 7692 §6).
    takes_compressed: bool,
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

impl Receiver {
    pub(super) fn new(role: Role, config: &Config) -> Self {
        Self {
            role,
            checks_text: true,
            takes_compressed: false,
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

    /// Lets messages be marked as compressed.
    #[cfg(feature = "deflate")]
    pub(super) fn take_compressed(&mut self) {
        self.takes_compressed = true;
    }

    /// Has the next message wait for [`receive`](Self::receive), which is not asked before this one is done with.
    #[cfg(feature = "deflate")]
    pub(super) fn hold(&mut self) {
        if let Progress::Idle = self.progress {
            self.progress = Progress::Header(HeaderDecoder::new());
        }
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

    /// Does as [`whole_message`](Self::whole_message) for a text that is to be checked. One that is not UTF-8 is left as it
    /// came, to fail at its first bad byte.
    #[inline(never)]
    pub(super) fn whole_text<'b>(&self, input: &mut &'b mut [u8]) -> Option<&'b [u8]> {
        let (Progress::Idle, Some(0x81)) = (&self.progress, input.first()) else { return None };
        let (header, header_len) = FrameHeader::parse(input).ok()??;
        let mask = header.mask.map(Mask::new);
        if mask.is_some() != (self.role == Role::Server) || header.payload_len > self.message_limit
        {
            return None;
        }
        let frame_len = header_len.checked_add(usize::try_from(header.payload_len).ok()?)?;
        let payload = input.get_mut(header_len..frame_len)?;
        let is_ascii = mask.is_some_and(|mask| mask.apply_last_to_text(payload));
        if !is_ascii && utf8::as_str(payload).is_none() {
            if let Some(mask) = mask {
                mask.apply_last(payload);
            }
            return None;
        }
        take(input, frame_len).get(header_len..)
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
                Progress::Idle | Progress::Header(_) => {
                    if !self.receive_header(input)? {
                        return Ok(None);
                    }
                }
                Progress::Control { .. } => return self.receive_control(input),
                Progress::Data(frame) => {
                    let chunk = frame.take_chunk(self.checks_text, input)?;
                    let is_complete = frame.is_complete();
                    if is_complete {
                        self.message = frame.unfinished_message();
                        self.end_frame();
                    }
                    if chunk.is_some() || !is_complete {
                        return Ok(chunk.map(Received::Data));
                    }
                }
            }
        }
    }

    /// Takes the header of the next frame; says whether it is complete.
    #[inline(never)]
    fn receive_header(&mut self, input: &mut &mut [u8]) -> Result<bool, ProtocolError> {
        let mut decoder = match self.progress {
            Progress::Header(decoder) => decoder,
            _ => HeaderDecoder::new(),
        };
        let may_mark = self.takes_compressed;
        let judge =
            |first, second| judge(self.role, may_mark, self.message.is_some(), first, second);
        let Some(header) = decoder.decode(input, judge)? else {
            self.progress = Progress::Header(decoder);
            return Ok(false);
        };
        self.begin_frame(header)?;
        Ok(true)
    }

    /// Takes what the input has of a control frame.
    #[inline(never)]
    fn receive_control<'b>(
        &mut self,
        input: &mut &'b mut [u8],
    ) -> Result<Option<Received<'b>>, ProtocolError> {
        let Progress::Control { opcode, missing, mask, payload } = &mut self.progress else {
            return Ok(None);
        };
        let piece = take(input, usize::from(*missing));
        mask.apply(piece);
        payload.push(piece);
        *missing = missing.saturating_sub(u8::try_from(piece.len()).unwrap_or(*missing));
        if *missing > 0 {
            return Ok(None);
        }
        if *opcode == Opcode::Close {
            Close::parse(*payload)?;
        }
        Ok(Some(Received::Control))
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
        let kind = match header.opcode {
            Opcode::Text => Some(MessageKind::Text),
            Opcode::Binary => Some(MessageKind::Binary),
            Opcode::Continuation => None,
            Opcode::Close | Opcode::Ping | Opcode::Pong => {
                self.progress = Progress::Control {
                    opcode: header.opcode,
                    missing: u8::try_from(header.payload_len).unwrap_or(u8::MAX),
                    mask: Mask::new(header.mask.unwrap_or_default()),
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
        message.add_frame(&header, self.message_limit, self.fragment_limit)?;
        self.progress = Progress::Data(DataFrame::new(message, &header));
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
fn judge(
    role: Role,
    takes_compressed: bool,
    in_message: bool,
    first: u8,
    second: u8,
) -> Result<(), ProtocolError> {
    // RFC 7692 §6: the bit RSV1 "is set on the first fragment of a message" that is compressed, and on no other frame.
    let reserved = match Opcode::from_bits(first) {
        Some(Opcode::Text | Opcode::Binary) if takes_compressed => 0x30,
        _ => 0x70,
    };
    // §5.2: "MUST be 0 unless an extension is negotiated that defines meanings for non-zero values."
    if first & reserved != 0 {
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
