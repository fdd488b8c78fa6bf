//! The bytes that the workloads are made of: the same in every run.

use bytes::Bytes;

/// What is in the payloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Random bytes.
    Binary,
    /// Text: JSON in ASCII.
    Ascii,
    /// Text: code points of 1 to 4 bytes, in no order.
    Mixed,
}

impl Content {
    pub fn opcode(self) -> u8 {
        match self {
            Self::Binary => 2,
            Self::Ascii | Self::Mixed => 1,
        }
    }

    pub fn payload(self, size: usize, random: &mut Random) -> Bytes {
        let mut payload = Vec::with_capacity(size);
        match self {
            Self::Binary => payload.extend((0..size).map(|_| random.next() as u8)),
            Self::Ascii => {
                while payload.len() < size {
                    let item = format!(r#"{{"id":{},"ok":true}},"#, random.next() % 10_000);
                    payload.extend_from_slice(item.as_bytes());
                }
                payload.truncate(size);
            }
            Self::Mixed => {
                const KINDS: [&str; 4] = ["e", "é", "€", "😀"];
                while payload.len() < size {
                    let kind = KINDS[random.next() as usize % KINDS.len()];
                    let fits = payload.len() + kind.len() <= size;
                    payload.extend_from_slice(if fits { kind } else { "." }.as_bytes());
                }
            }
        }
        payload.into()
    }
}

/// A frame as RFC 6455 §5.2 draws it, written without the help of any contender.
pub fn put_frame(first: u8, payload: &[u8], key: Option<[u8; 4]>, stream: &mut Vec<u8>) {
    let mask_bit = if key.is_some() { 0x80 } else { 0 };
    stream.push(first);
    match payload.len() {
        len @ 0..126 => stream.push(mask_bit | len as u8),
        len @ 126..0x1_0000 => {
            stream.push(mask_bit | 126);
            stream.extend((len as u16).to_be_bytes());
        }
        len => {
            stream.push(mask_bit | 127);
            stream.extend((len as u64).to_be_bytes());
        }
    }
    let Some(key) = key else { return stream.extend_from_slice(payload) };
    stream.extend_from_slice(&key);
    stream.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
}

/// xorshift64.
pub struct Random(u64);

impl Default for Random {
    fn default() -> Self {
        Self(0x5eed)
    }
}

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn key(&mut self) -> [u8; 4] {
        (self.next() as u32).to_le_bytes()
    }
}

/// A browser's request: 510 bytes, 12 fields; the key is that of RFC 6455 §1.3.
pub const REQUEST: &str = "GET /chat?room=websocket HTTP/1.1\r\n\
    Host: example.com\r\n\
    Connection: Upgrade\r\n\
    Pragma: no-cache\r\n\
    Cache-Control: no-cache\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36\r\n\
    Upgrade: websocket\r\n\
    Origin: https://example.com\r\n\
    Sec-WebSocket-Version: 13\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";

/// Its answer's `Sec-WebSocket-Accept`.
pub const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
