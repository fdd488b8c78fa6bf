//! A plain, slow reader of frames that shares no code with the crate: the judge of every byte that either end writes,
//! and the model of what a receiver has to make of any bytes at all (RFC 6455 §5, §7.4, §8.1, RFC 7692 §6, §7.2).

use std::collections::BTreeSet;

use crate::inflate::{Inflated, Inflater, Stop};

/// The end that wrote the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Client,
    Server,
}

/// What the frames came to, in the order in which each was complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(u16, String)>),
}

/// A breach: the close code that it deserves, and the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    pub code: u16,
    pub rule: &'static str,
}

/// What a receiver accepts of one message.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub bytes: u64,
    pub frames: u64,
}

pub const NO_LIMITS: Limits = Limits { bytes: u64::MAX, frames: u64::MAX };

pub struct Checker {
    writer: Side,
    limits: Limits,
    /// Everything that was written.
    stream: Vec<u8>,
    /// Where the frame begins that is not complete.
    at: usize,
    message: Option<Message>,
    /// Where messages may be compressed.
    inflater: Option<Inflater>,
    /// Whether the message that began last is compressed.
    pub is_compressed: bool,
    pub items: Vec<Item>,
    /// Whether one of them is a Close frame.
    pub closed: bool,
    pub fault: Option<Fault>,
    /// Whether a receiver may find the fault later, and another one before it; the message has no good end.
    pub is_late: bool,
}

#[derive(Clone)]
struct Message {
    is_text: bool,
    is_compressed: bool,
    payload: Vec<u8>,
    frames: u64,
}

impl Checker {
    pub fn new(writer: Side, limits: Limits) -> Self {
        Checker {
            writer,
            limits,
            stream: Vec::new(),
            at: 0,
            message: None,
            inflater: None,
            is_compressed: false,
            items: Vec::new(),
            closed: false,
            fault: None,
            is_late: false,
        }
    }

    /// Lets messages be compressed, with distances of up to 2^bits bytes.
    pub fn compressed(mut self, takes_over: bool, window_bits: u8) -> Self {
        self.inflater = Some(Inflater::new(takes_over, window_bits));
        self
    }

    /// Reads as a receiver does: up to the first fault, or the first Close frame. Returns what was new.
    pub fn read(&mut self, bytes: &[u8]) -> &[Item] {
        let before = self.items.len();
        self.stream.extend_from_slice(bytes);
        while self.fault.is_none() && !self.closed {
            match self.frame() {
                Ok(true) => {}
                Ok(false) => break,
                Err(fault) => self.fault = Some(fault),
            }
        }
        &self.items[before..]
    }

    /// Judges bytes that the machine has written: nothing in them may be wrong. Returns what was new.
    pub fn judge(&mut self, bytes: &[u8]) -> &[Item] {
        let before = self.items.len();
        self.stream.extend_from_slice(bytes);
        loop {
            if self.closed {
                let opcode = self.tail().first().map(|first| first & 0x0f);
                assert!(
                    matches!(opcode, None | Some(10)),
                    "§5.5.1 only Pongs may follow a Close frame"
                );
            }
            match self.frame() {
                Ok(true) => {}
                Ok(false) => break,
                Err(fault) => panic!("{:?} wrote {fault:?}: {:02x?}", self.writer, self.tail()),
            }
        }
        &self.items[before..]
    }

    /// Says whether all that was written ends with these bytes.
    pub fn has_end(&self, bytes: &[u8]) -> bool {
        self.stream.ends_with(bytes)
    }

    /// Says whether no frame is cut off.
    pub fn is_between_frames(&self) -> bool {
        self.at == self.stream.len()
    }

    /// Returns what has come of the unfinished message, up to the first byte that is at fault.
    pub fn partial(&self) -> Vec<u8> {
        let open = || self.message.as_ref().map_or(Vec::new(), |it| self.content(it, false).data);
        if self.closed {
            return open();
        }
        let Ok(Some(header)) = self.header() else {
            return open();
        };
        if header.opcode >= 8 || self.check_limits(&header).is_err() {
            return open();
        }
        let payload = self.payload(&header);
        let ends = header.fin && payload.len() as u64 == header.len;
        let is_empty = payload.is_empty();
        let mut message = self.message.clone().unwrap_or(Message::new(&header));
        message.payload.extend(payload);
        let mut data = self.content(&message, false).data;
        if message.is_text {
            let good = good_prefix(&data);
            if good < data.len() {
                data.truncate(good);
            } else if ends && !is_empty && core::str::from_utf8(&data).is_err() {
                // The text ends within a code point, which its last byte shows.
                data.pop();
            }
        }
        data
    }

    /// Returns the bytes from the frame on that is not complete, or at fault.
    pub fn tail(&self) -> &[u8] {
        &self.stream[self.at..]
    }

    /// Reads one frame. `Ok(false)`: it has not yet come whole, and is not at fault so far.
    fn frame(&mut self) -> Result<bool, Fault> {
        let Some(header) = self.header()? else {
            return Ok(false);
        };
        self.check_limits(&header)?;
        let payload = self.payload(&header);
        let whole = payload.len() as u64 == header.len;
        if header.opcode >= 8 {
            if whole {
                self.control(header.opcode, payload)?;
                self.at += header.size + header.len as usize;
            }
            return Ok(whole);
        }
        let mut message = self.message.clone().unwrap_or(Message::new(&header));
        message.payload.extend(payload);
        message.frames += 1;
        self.is_compressed = message.is_compressed;
        let inflated = self.content(&message, whole && header.fin);
        let data = &inflated.data;
        if message.is_text && good_prefix(data) < data.len() {
            return Err(fault(1007, "§8.1 text is UTF-8"));
        }
        match inflated.stop {
            Stop::End => {}
            Stop::Limit => return Err(fault(1009, "§10.4 the limit on a message's bytes")),
            Stop::Fault(rule) => return Err(fault(1007, rule)),
            Stop::LateFault(rule) => {
                self.is_late = true;
                return Err(fault(1007, rule));
            }
        }
        if !whole {
            return Ok(false);
        }
        if !header.fin {
            self.at += header.size + header.len as usize;
            self.message = Some(message);
            return Ok(true);
        }
        if let (Some(inflater), true) = (&mut self.inflater, message.is_compressed) {
            inflater.take(&inflated);
        }
        let item = if message.is_text {
            let text = String::from_utf8(inflated.data);
            Item::Text(text.map_err(|_| fault(1007, "§8.1 a text ends with a code point"))?)
        } else {
            Item::Binary(inflated.data)
        };
        self.at += header.size + header.len as usize;
        self.message = None;
        self.items.push(item);
        Ok(true)
    }

    fn header(&self) -> Result<Option<Header>, Fault> {
        let bytes = self.tail();
        if bytes.len() < 2 {
            return Ok(None);
        }
        let fin = bytes[0] & 0x80 != 0;
        let opcode = bytes[0] & 0x0f;
        let masked = bytes[1] & 0x80 != 0;
        let short = bytes[1] & 0x7f;
        // RFC 7692 §6: RSV1 is of the first frame of a message, and of no other.
        let may_mark = self.inflater.is_some() && (opcode == 1 || opcode == 2);
        if bytes[0] & if may_mark { 0x30 } else { 0x70 } != 0 {
            return Err(fault(1002, "§5.2 RSV bits are 0"));
        }
        if ![0, 1, 2, 8, 9, 10].contains(&opcode) {
            return Err(fault(1002, "§5.2 no reserved opcodes"));
        }
        if masked != (self.writer == Side::Client) {
            return Err(fault(1002, "§5.1 a client masks, a server does not"));
        }
        if opcode >= 8 && !fin {
            return Err(fault(1002, "§5.5 control frames are not fragmented"));
        }
        if opcode >= 8 && short > 125 {
            return Err(fault(1002, "§5.5 control frames have at most 125 bytes"));
        }
        if opcode == 0 && self.message.is_none() {
            return Err(fault(1002, "§5.4 a continuation continues something"));
        }
        if (opcode == 1 || opcode == 2) && self.message.is_some() {
            return Err(fault(1002, "§5.4 messages are not interleaved"));
        }
        let length_bytes = match short {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        if bytes.len() < 2 + length_bytes {
            return Ok(None);
        }
        let mut len = u64::from(short);
        if length_bytes > 0 {
            len = 0;
            for byte in &bytes[2..2 + length_bytes] {
                len = len << 8 | u64::from(*byte);
            }
        }
        if len >= 1 << 63 {
            return Err(fault(1002, "§5.2 the most significant bit of a length is 0"));
        }
        if (length_bytes == 2 && len < 126) || (length_bytes == 8 && len < 65536) {
            return Err(fault(1002, "§5.2 a length takes the least number of bytes"));
        }
        let mut size = 2 + length_bytes;
        let mut key = [0; 4];
        if masked {
            if bytes.len() < size + 4 {
                return Ok(None);
            }
            key.copy_from_slice(&bytes[size..size + 4]);
            size += 4;
        }
        let is_compressed = bytes[0] & 0x40 != 0;
        Ok(Some(Header { fin, is_compressed, opcode, len, key, size }))
    }

    /// Returns what has come of a message, and how that ends.
    fn content(&self, message: &Message, is_whole: bool) -> Inflated {
        match &self.inflater {
            Some(inflater) if message.is_compressed => {
                inflater.inflate(&message.payload, is_whole, self.limits.bytes)
            }
            _ => Inflated::plain(message.payload.clone()),
        }
    }

    fn check_limits(&self, header: &Header) -> Result<(), Fault> {
        if header.opcode >= 8 {
            return Ok(());
        }
        let (bytes, frames) = match &self.message {
            Some(message) => (message.payload.len() as u64, message.frames),
            None => (0, 0),
        };
        if bytes + header.len > self.limits.bytes {
            return Err(fault(1009, "§10.4 the limit on a message's bytes"));
        }
        if frames + 1 > self.limits.frames {
            return Err(fault(1008, "§10.4 the limit on a message's frames"));
        }
        Ok(())
    }

    /// Returns what has come of the payload, unmasked byte by byte.
    fn payload(&self, header: &Header) -> Vec<u8> {
        let bytes = &self.tail()[header.size..];
        let len = bytes.len().min(usize::try_from(header.len).unwrap_or(usize::MAX));
        let mut payload = bytes[..len].to_vec();
        for (i, byte) in payload.iter_mut().enumerate() {
            *byte ^= header.key[i % 4];
        }
        payload
    }

    fn control(&mut self, opcode: u8, payload: Vec<u8>) -> Result<(), Fault> {
        let item = match opcode {
            9 => Item::Ping(payload),
            10 => Item::Pong(payload),
            _ if payload.is_empty() => Item::Close(None),
            _ if payload.len() == 1 => {
                return Err(fault(1002, "§5.5.1 a close code has two bytes"));
            }
            _ => {
                let code = u16::from(payload[0]) << 8 | u16::from(payload[1]);
                if !is_sendable(code) {
                    return Err(fault(1002, "§7.4 a close code that may be sent"));
                }
                let reason = String::from_utf8(payload[2..].to_vec());
                Item::Close(Some((code, reason.map_err(|_| fault(1007, "§5.5.1 reason"))?)))
            }
        };
        self.closed |= matches!(item, Item::Close(_));
        self.items.push(item);
        Ok(())
    }

    /// Asserts that each frame of a client had a masking key of its own (§5.3, §10.3).
    pub fn assert_fresh_keys(&self) {
        let mut keys = BTreeSet::new();
        let mut at = 0;
        while at < self.at {
            let short = usize::from(self.stream[at + 1] & 0x7f);
            let (key_at, len) = match short {
                126 => (
                    at + 4,
                    usize::from(self.stream[at + 2]) << 8 | usize::from(self.stream[at + 3]),
                ),
                127 => {
                    let len = self.stream[at + 2..at + 10]
                        .iter()
                        .fold(0, |len, b| len << 8 | usize::from(*b));
                    (at + 10, len)
                }
                _ => (at + 2, short),
            };
            let mut key = [0; 4];
            key.copy_from_slice(&self.stream[key_at..key_at + 4]);
            assert!(keys.insert(key), "§5.3 the masking key {key:02x?} was used before");
            at = key_at + 4 + len;
        }
    }
}

impl Message {
    fn new(first: &Header) -> Self {
        Message {
            is_text: first.opcode == 1,
            is_compressed: first.is_compressed,
            payload: Vec::new(),
            frames: 0,
        }
    }
}

struct Header {
    fin: bool,
    is_compressed: bool,
    opcode: u8,
    len: u64,
    key: [u8; 4],
    /// In bytes.
    size: usize,
}

/// The codes of §7.4.1 and of the registry that §11.7 founds, and the ranges of §7.4.2.
pub fn is_sendable(code: u16) -> bool {
    let registered = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014];
    registered.contains(&code) || (3000..5000).contains(&code)
}

/// Returns the number of bytes before the first that no text can have at its place.
pub fn good_prefix(text: &[u8]) -> usize {
    let Err(error) = core::str::from_utf8(text) else {
        return text.len();
    };
    for end in error.valid_up_to() + 1..=text.len() {
        let prefix = core::str::from_utf8(&text[error.valid_up_to()..end]);
        if prefix.is_err_and(|error| error.error_len().is_some()) {
            return end - 1;
        }
    }
    text.len()
}

fn fault(code: u16, rule: &'static str) -> Fault {
    Fault { code, rule }
}
