//! What one side sent behind its handshake: the frames by their headers, and what is in them by the machine of the other
//! role, which reads them as its peer would have (RFC 6455 §5 to §8).

use core::mem;
use core::time::Duration;

use websocket_proto::{
    Close, Config, DeflateConfig, DeflateParams, Event, Failure, FrameHeader, Negotiated, Next,
    Opcode, ProtocolError, Role, UsageError, WebSocket,
};

use crate::fault::Fault;
use crate::timeline::{Log, Message, Payload, Time, Totals, What};

pub struct Frames {
    sender: Role,
    deflate: Option<DeflateParams>,
    machine: WebSocket,
    /// What the machine would reply: this is a replay, and nobody hears it.
    out: Vec<u8>,
    step: Step,
    /// Whether the machine is given the frame that is coming in.
    is_fed: bool,
    /// Whether there are to be more frames of the message.
    is_continued: bool,
    /// Of the message that is coming in, a part is not known.
    is_broken: bool,
    /// A part of what compressed messages may refer to is not known.
    is_window_broken: bool,
    message_frames: u64,
    is_compressed: bool,
    is_faulty: bool,
    close: Option<Close>,
    /// What came behind the fault, and what cannot be taken for frames.
    unread_frames: u64,
    unread_bytes: u64,
    /// What came while the next frame is looked for.
    unplaced_bytes: u64,
    pub totals: Totals,
}

/// What comes next.
enum Step {
    /// The header of a frame, of which this has come.
    Header(Vec<u8>),
    /// The payload of a frame, of which so much is to come.
    Payload { header: FrameHeader, missing: u64 },
    /// Any part of a frame. Kept is the last segment, if it may be frames from its start to its end.
    Lost(Option<(Option<Time>, Vec<u8>)>),
    /// What is behind a header that is none.
    Garbage,
}

impl Frames {
    /// Begins behind the handshake.
    pub fn new(sender: Role, deflate: Option<DeflateParams>) -> Self {
        Self {
            sender,
            deflate,
            machine: machine(sender, deflate),
            out: Vec::new(),
            step: Step::Header(Vec::new()),
            is_fed: false,
            is_continued: false,
            is_broken: false,
            is_window_broken: false,
            message_frames: 0,
            is_compressed: false,
            is_faulty: false,
            close: None,
            unread_frames: 0,
            unread_bytes: 0,
            unplaced_bytes: 0,
            totals: Totals::default(),
        }
    }

    /// Begins in the middle, where whether messages are compressed is not known.
    pub fn joined(sender: Role, at_frame: bool) -> Self {
        let mut frames = Self::new(sender, Some(DeflateParams::default()));
        frames.lose();
        if at_frame {
            frames.step = Step::Header(Vec::new());
        }
        frames
    }

    pub fn receive(&mut self, bytes: &mut [u8], log: &mut Log<'_>) {
        self.totals.bytes += bytes.len() as u64;
        if let Step::Lost(candidate) = &mut self.step {
            let before = candidate.take();
            self.unplaced_bytes += bytes.len() as u64;
            if whole_frames(bytes) == Some(self.sender) {
                if let Some(before) = before {
                    self.unplaced_bytes -= (before.1.len() + bytes.len()) as u64;
                    self.find(before, log);
                } else {
                    *candidate = Some((log.time, bytes.to_vec()));
                }
            }
        }
        self.read(bytes, log);
    }

    fn read(&mut self, mut bytes: &mut [u8], log: &mut Log<'_>) {
        while !bytes.is_empty() {
            match &mut self.step {
                Step::Header(begun) => {
                    let before = begun.len();
                    let more = bytes.len().min(FrameHeader::MAX.saturating_sub(before));
                    begun.extend_from_slice(&bytes[..more]);
                    let mut start = mem::take(begun);
                    match FrameHeader::parse(&start) {
                        Ok(None) => {
                            self.step = Step::Header(start);
                            return;
                        }
                        Ok(Some((header, len))) => {
                            start.truncate(len);
                            bytes = &mut bytes[len - before..];
                            self.begin_frame(header, &mut start, log);
                        }
                        Err(error) => {
                            self.step = Step::Garbage;
                            self.is_fed =
                                self.close.is_none() && !self.is_faulty && !self.is_broken;
                            self.feed(&mut start, log);
                            self.fault(error, log);
                            self.unread_bytes += (before + bytes.len()) as u64;
                            return;
                        }
                    }
                }
                Step::Payload { missing, .. } => {
                    let len = usize::try_from(*missing).unwrap_or(usize::MAX).min(bytes.len());
                    *missing -= len as u64;
                    let is_whole = *missing == 0;
                    let (payload, rest) = bytes.split_at_mut(len);
                    self.feed(payload, log);
                    bytes = rest;
                    if is_whole {
                        self.end_frame();
                    }
                }
                Step::Garbage => {
                    self.unread_bytes += bytes.len() as u64;
                    return;
                }
                Step::Lost(_) => return,
            }
        }
    }

    /// Takes note that bytes are missing.
    pub fn skip(&mut self, bytes: u64) {
        match &mut self.step {
            // The end of the frame is known all the same.
            Step::Payload { missing, .. } if bytes <= *missing => {
                *missing -= bytes;
                let is_whole = *missing == 0;
                self.restart();
                if is_whole {
                    self.end_frame();
                }
            }
            Step::Garbage => {}
            Step::Header(_) | Step::Payload { .. } | Step::Lost(_) => self.lose(),
        }
    }

    /// Ends the stream; says what it breaks off in.
    pub fn finish(&mut self, log: &mut Log<'_>) {
        if let Step::Lost(Some(candidate)) = &mut self.step {
            let candidate = mem::take(candidate);
            self.unplaced_bytes -= candidate.1.len() as u64;
            self.find(candidate, log);
        }
        self.tell_unplaced(log);
        let is_cut = match &self.step {
            Step::Header(start) => !start.is_empty(),
            Step::Payload { .. } => true,
            Step::Lost(_) | Step::Garbage => false,
        };
        if is_cut {
            log.push(self.sender, What::Note("ends within a frame".into()));
        }
        if self.unread_frames > 0 {
            let text = format!("frames behind the fault, not judged: {}", self.unread_frames);
            log.push(self.sender, What::Note(text));
        }
        if self.unread_bytes > 0 {
            let text = format!("bytes that cannot be read as frames: {}", self.unread_bytes);
            log.push(self.sender, What::Note(text));
        }
    }

    pub fn close(&self) -> Option<&Close> {
        self.close.as_ref()
    }

    pub fn is_faulty(&self) -> bool {
        self.is_faulty
    }

    fn begin_frame(&mut self, header: FrameHeader, bytes: &mut [u8], log: &mut Log<'_>) {
        self.totals.frames += 1;
        self.unread_frames += u64::from(self.is_faulty);
        log.push(self.sender, What::Frame(header));
        match header.opcode {
            Opcode::Text | Opcode::Binary => {
                self.is_broken = false;
                self.is_compressed = header.rsv & FrameHeader::RSV1 != 0;
                self.message_frames = 1;
            }
            Opcode::Continuation => self.message_frames += 1,
            Opcode::Close | Opcode::Ping | Opcode::Pong => {}
        }
        if !header.opcode.is_control() {
            self.is_continued = !header.fin;
        }
        // §5.5.1: "The application MUST NOT send any more data frames after sending a Close frame."
        if self.close.is_some() && !header.opcode.is_control() {
            self.fault(Fault::behind_close(), log);
        }
        self.is_fed = self.close.is_none()
            && !self.is_faulty
            && !(self.is_broken && header.opcode == Opcode::Continuation);
        self.step = Step::Payload { header, missing: header.payload_len };
        self.feed(bytes, log);
        if header.payload_len == 0 {
            self.end_frame();
        }
    }

    fn end_frame(&mut self) {
        if let Step::Payload { header, .. } = self.step {
            self.is_broken &= header.opcode.is_control() || !header.fin;
        }
        self.step = Step::Header(Vec::new());
    }

    /// Bytes in, events out.
    fn feed(&mut self, mut bytes: &mut [u8], log: &mut Log<'_>) {
        if !self.is_fed {
            return;
        }
        while let Some(event) = self.machine.receive(&mut bytes, &mut self.out) {
            match event {
                Event::Text(text) => self.message(Payload::Text(text.into_owned()), log),
                Event::Binary(data) => self.message(Payload::Binary(data.into_owned()), log),
                Event::Ping(payload) => log.push(self.sender, What::Ping(payload.to_vec())),
                Event::Pong(payload) => log.push(self.sender, What::Pong(payload.to_vec())),
                Event::Close(close) => {
                    // 1005 is never sent: it stands for no code (§7.1.5).
                    let code = Some(u16::from(close.code())).filter(|&code| code != 1005);
                    log.push(self.sender, What::Close(code, close.reason().to_owned()));
                    self.close = Some(close);
                }
            }
        }
        if let Next::End(Err(failure)) = self.machine.poll(Duration::ZERO, &mut self.out) {
            self.fail(failure, log);
        }
        self.out.clear();
    }

    fn message(&mut self, payload: Payload, log: &mut Log<'_>) {
        self.totals.messages += 1;
        let (frames, compressed) = (self.message_frames, self.is_compressed);
        log.push(self.sender, What::Message(Message { payload, frames, compressed }));
    }

    /// Tells why the machine reads no further.
    fn fail(&mut self, failure: Failure, log: &mut Log<'_>) {
        match failure {
            Failure::Protocol(ProtocolError::InvalidCompression) if self.is_window_broken => {
                let text = "a compressed message refers to what was not captured";
                log.push(self.sender, What::Note(text.into()));
                self.restart();
            }
            Failure::Protocol(ProtocolError::MessageTooLong) | Failure::OutOfMemory => {
                let text = format!(
                    "a message exceeds {MESSAGE_LIMIT} bytes, which is too much to be shown"
                );
                log.push(self.sender, What::Note(text));
                self.restart();
            }
            Failure::Protocol(error) => self.fault(error, log),
            failure => log.push(self.sender, What::Note(failure.to_string())),
        }
    }

    fn fault(&mut self, fault: impl Into<Fault>, log: &mut Log<'_>) {
        if !mem::replace(&mut self.is_faulty, true) {
            self.is_fed = false;
            log.push(self.sender, What::Fault(fault.into()));
        }
    }

    /// Makes a new machine, which has seen nothing of what came before, for the frames behind this one.
    fn restart(&mut self) {
        self.machine = machine(self.sender, self.deflate);
        self.is_window_broken = self.deflate.is_some();
        self.is_fed = false;
        self.is_broken |= self.is_continued;
    }

    fn lose(&mut self) {
        self.restart();
        self.is_broken = true;
        self.step = Step::Lost(None);
    }

    fn tell_unplaced(&mut self, log: &mut Log<'_>) {
        let bytes = mem::take(&mut self.unplaced_bytes);
        if bytes > 0 {
            let text = format!("bytes passed over until a frame begins: {bytes}");
            log.push(self.sender, What::Note(text));
        }
    }

    /// Goes on with frames, beginning with what was kept.
    fn find(&mut self, (time, mut bytes): (Option<Time>, Vec<u8>), log: &mut Log<'_>) {
        self.step = Step::Header(Vec::new());
        let now = mem::replace(&mut log.time, time);
        self.tell_unplaced(log);
        self.read(&mut bytes, log);
        log.time = now;
    }
}

/// Makes the machine that reads what `sender` sends: it plays the other role.
fn machine(sender: Role, deflate: Option<DeflateParams>) -> WebSocket {
    let negotiated = match sender {
        Role::Client => Negotiated::server(),
        // It sends nothing that would have to be masked.
        Role::Server => Negotiated::client([0; 32]),
    };
    let negotiated = match deflate {
        Some(params) => negotiated.with_deflate(params, DeflateConfig::default()),
        None => negotiated,
    };
    WebSocket::open(negotiated, config().unwrap_or_default())
}

fn config() -> Result<Config, UsageError> {
    let config = Config::default().message_limit(MESSAGE_LIMIT)?;
    Ok(config.answer_pings(false).answer_close(false))
}

/// Tells whose frames these bytes are, if they are frames from the first byte to the last.
pub fn whole_frames(mut bytes: &[u8]) -> Option<Role> {
    let mut sender = None;
    while !bytes.is_empty() {
        let (header, header_len) = FrameHeader::parse(bytes).ok()??;
        let may_be_compressed = matches!(header.opcode, Opcode::Text | Opcode::Binary);
        let is_sound = header.rsv == 0 || header.rsv == FrameHeader::RSV1 && may_be_compressed;
        let masked_by = if header.mask.is_some() { Role::Client } else { Role::Server };
        let len = header_len.checked_add(usize::try_from(header.payload_len).ok()?)?;
        bytes = bytes.get(len..)?;
        if !is_sound || *sender.get_or_insert(masked_by) != masked_by {
            return None;
        }
    }
    sender
}

/// The greatest message that is put together.
const MESSAGE_LIMIT: u64 = 64 << 20;
