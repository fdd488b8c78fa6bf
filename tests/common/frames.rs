//! A naive builder of frames to receive, and a naive judge of frames that were sent (RFC 6455 §5.2).

use websocket_proto::Role;

/// Builds what a machine of this role receives: masked for a server, not masked for a client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct To(pub(crate) Role);

impl To {
    pub(crate) fn masks(self) -> bool {
        self.0 == Role::Server
    }

    /// A frame with this first byte, and the length in the least number of bytes.
    pub(crate) fn frame(self, first: u8, payload: &[u8]) -> Vec<u8> {
        // Another key for each kind and length, so that no test passes by a key that stayed.
        let key = [0x37 ^ first, 0xFA, 0x21 ^ payload.len() as u8, 0x3D];
        self.keyed(first, payload, key)
    }

    /// The same, under this masking key where there is one.
    pub(crate) fn keyed(self, first: u8, payload: &[u8], key: [u8; 4]) -> Vec<u8> {
        build(first, self.masks().then_some(key), payload)
    }

    /// The header of a frame, with the length in the least number of bytes, and no payload.
    pub(crate) fn header(self, first: u8, len: u64) -> Vec<u8> {
        raw_header(first, self.masks().then_some([1, 2, 3, 4]), len, form_of(len))
    }

    /// The header of a frame with the length in this many bytes: 0, 2 or 8 behind the first two.
    pub(crate) fn header_in(self, first: u8, len: u64, form: usize) -> Vec<u8> {
        raw_header(first, self.masks().then_some([1, 2, 3, 4]), len, form)
    }

    pub(crate) fn text(self, text: &str) -> Vec<u8> {
        self.frame(0x81, text.as_bytes())
    }

    pub(crate) fn binary(self, data: &[u8]) -> Vec<u8> {
        self.frame(0x82, data)
    }

    pub(crate) fn ping(self, payload: &[u8]) -> Vec<u8> {
        self.frame(0x89, payload)
    }

    pub(crate) fn pong(self, payload: &[u8]) -> Vec<u8> {
        self.frame(0x8A, payload)
    }

    pub(crate) fn close(self, code: u16, reason: &str) -> Vec<u8> {
        self.frame(0x88, &body(code, reason.as_bytes()))
    }

    /// A message of this opcode in fragments of these payloads.
    pub(crate) fn fragments(self, opcode: u8, parts: &[&[u8]]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            let fin = if index + 1 == parts.len() { 0x80 } else { 0 };
            let opcode = if index == 0 { opcode } else { 0 };
            bytes.extend(self.frame(fin | opcode, part));
        }
        bytes
    }
}

/// The body of a Close frame.
pub(crate) fn body(code: u16, reason: &[u8]) -> Vec<u8> {
    let mut body = vec![(code >> 8) as u8, (code & 0xFF) as u8];
    body.extend_from_slice(reason);
    body
}

fn build(first: u8, key: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
    let len = payload.len() as u64;
    let mut bytes = raw_header(first, key, len, form_of(len));
    for (index, byte) in payload.iter().enumerate() {
        bytes.push(byte ^ key.map_or(0, |key| key[index % 4]));
    }
    bytes
}

fn form_of(len: u64) -> usize {
    if len < 126 {
        0
    } else if len < 65536 {
        2
    } else {
        8
    }
}

pub(crate) fn raw_header(first: u8, key: Option<[u8; 4]>, len: u64, form: usize) -> Vec<u8> {
    let mask = if key.is_some() { 0x80 } else { 0 };
    let mut bytes = vec![first];
    match form {
        0 => bytes.push(mask | len as u8),
        2 => bytes.push(mask | 0x7E),
        _ => bytes.push(mask | 0x7F),
    }
    for shift in (0..form).rev() {
        bytes.push((len >> (8 * shift)) as u8);
    }
    bytes.extend(key.into_iter().flatten());
    bytes
}

/// A frame that a machine has sent: its first byte, and its payload without the mask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) first: u8,
    pub(crate) payload: Vec<u8>,
    /// The masking key, which is not compared with an expected one.
    pub(crate) key: Key,
}

/// Equal to every other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key(pub(crate) Option<[u8; 4]>);

impl PartialEq for Key {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Key {}

impl Frame {
    pub(crate) fn new(first: u8, payload: &[u8]) -> Self {
        Self { first, payload: payload.to_vec(), key: Key(None) }
    }

    /// The bytes of it on the wire, by the naive builder.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        build(self.first, self.key.0, &self.payload)
    }
}

/// A Close frame with a code and no reason.
pub(crate) fn close(code: u16) -> Frame {
    Frame::new(0x88, &body(code, b""))
}

pub(crate) fn pong(payload: &[u8]) -> Frame {
    Frame::new(0x8A, payload)
}

/// Takes apart what an end of this role has sent, whatever the frames are.
pub(crate) fn take_apart(sender: Role, mut bytes: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        frames.push(take_frame(sender, &mut bytes));
    }
    frames
}

/// Takes apart what an end of this role has sent, and judges it as a strict peer would: whole frames, minimal lengths,
/// no reserved bit or opcode, masked by a client only, control frames short and whole, fragments in order, text that is
/// UTF-8, at most one Close and no data or Ping after it.
pub(crate) fn judge(sender: Role, mut bytes: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    let mut message: Option<(u8, Vec<u8>)> = None;
    let mut closed = false;
    while !bytes.is_empty() {
        let frame = take_frame(sender, &mut bytes);
        let fin = frame.first & 0x80 != 0;
        let opcode = frame.first & 0x0F;
        assert_eq!(frame.first & 0x70, 0, "a reserved bit is set");
        if opcode >= 8 {
            assert!(fin, "a control frame is fragmented");
            assert!(frame.payload.len() <= 125, "a control frame is too long");
        }
        assert!(!closed || opcode == 0xA, "{frame:?} after a Close frame");
        match (opcode, &mut message) {
            (0, Some((_, data))) => data.extend_from_slice(&frame.payload),
            (1 | 2, None) => message = Some((opcode, frame.payload.clone())),
            (8, _) => {
                closed = true;
                judge_close(&frame.payload);
            }
            (9 | 10, _) => {}
            _ => panic!("{frame:?} has an opcode that is reserved or out of place"),
        }
        if opcode < 8 && fin {
            let (opcode, data) = message.take().unwrap();
            assert!(opcode == 2 || core::str::from_utf8(&data).is_ok(), "text");
        }
        frames.push(frame);
    }
    frames
}

fn judge_close(body: &[u8]) {
    if let [high, low, reason @ ..] = body {
        let code = u16::from(*high) * 256 + u16::from(*low);
        let registered = (1000..=1003).contains(&code) || (1007..=1014).contains(&code);
        assert!(registered || (3000..=4999).contains(&code), "code {code}");
        assert!(core::str::from_utf8(reason).is_ok(), "reason");
    } else {
        assert_eq!(body, b"", "half a close code");
    }
}

fn take_frame(sender: Role, bytes: &mut &[u8]) -> Frame {
    let mut take = |count: usize| {
        assert!(bytes.len() >= count, "a frame is cut off");
        let (taken, rest) = bytes.split_at(count);
        *bytes = rest;
        taken
    };
    let first = take(1)[0];
    let second = take(1)[0];
    let big = |bytes: &[u8]| bytes.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    let len = match second & 0x7F {
        126 => big(take(2)),
        127 => big(take(8)),
        len => u64::from(len),
    };
    let form = match second & 0x7F {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    assert_eq!(form, form_of(len), "a length is not minimal");
    let masked = second & 0x80 != 0;
    assert_eq!(masked, sender == Role::Client, "only a client masks");
    let key = masked.then(|| <[u8; 4]>::try_from(take(4)).unwrap());
    let payload = take(usize::try_from(len).unwrap())
        .iter()
        .enumerate()
        .map(|(index, byte)| byte ^ key.map_or(0, |key| key[index % 4]))
        .collect();
    Frame { first, payload, key: Key(key) }
}
