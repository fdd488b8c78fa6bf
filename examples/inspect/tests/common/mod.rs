//! Captures made by hand, and what is printed of them.
#![allow(dead_code, reason = "each test uses some of it")]

use core::time::Duration;

use etherparse::PacketBuilder;
use inspect::capture::Capture;
use inspect::print::{Format, people};
use inspect::replay::{self, Replay};
use inspect::timeline::Entry;

pub const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
/// With the value of §1.3.
pub const RESPONSE: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// Adds a field to a head.
pub fn with(head: &str, field: &str) -> String {
    head.strip_suffix("\r\n").map(|head| format!("{head}{field}\r\n\r\n")).unwrap()
}

/// The frames of RFC 6455 §5.7.
pub const MASKED_HELLO: &[u8] = &[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
pub const HELLO: &[u8] = b"\x81\x05Hello";
/// Close frames with the code 1000; a mask of zeros changes nothing.
pub const MASKED_CLOSE: &[u8] = b"\x88\x82\0\0\0\0\x03\xe8";
pub const CLOSE: &[u8] = b"\x88\x02\x03\xe8";

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Link {
    Null,
    Ethernet,
    Vlan,
    Raw,
    Sll,
    Sll2,
}

/// Who sends.
pub const CLIENT: usize = 0;
pub const SERVER: usize = 1;

/// A TCP connection, packet by packet, a millisecond between two.
#[derive(Clone)]
pub struct Talk {
    pub packets: Vec<(Duration, Vec<u8>)>,
    pub now: Duration,
    /// The next sequence number of each side.
    pub next: [u32; 2],
    pub port: u16,
    pub link: Link,
    pub is_ipv6: bool,
}

impl Talk {
    /// Begins in the middle.
    pub fn joined() -> Self {
        let now = Duration::from_secs(1_700_000_000);
        // Sequence numbers wrap early.
        let next = [0xFFFF_FFF0, 5000];
        Self { packets: Vec::new(), now, next, port: 40000, link: Link::Ethernet, is_ipv6: false }
    }

    /// Begins with the handshake of TCP.
    pub fn new() -> Self {
        Self::joined().connect()
    }

    pub fn over(link: Link, is_ipv6: bool) -> Self {
        Self { link, is_ipv6, ..Self::joined() }.connect()
    }

    fn connect(mut self) -> Self {
        for side in [CLIENT, SERVER] {
            let sequence = self.next[side];
            self.packet(side, sequence, "S", b"");
            self.next[side] = sequence.wrapping_add(1);
        }
        self
    }

    /// With the opening handshake of the WebSocket.
    pub fn opened() -> Self {
        let mut talk = Self::new();
        talk.send(CLIENT, REQUEST).send(SERVER, RESPONSE);
        talk
    }

    pub fn send(&mut self, side: usize, data: impl AsRef<[u8]>) -> &mut Self {
        let data = data.as_ref();
        self.packet(side, self.next[side], "", data);
        self.lose(side, data.len())
    }

    /// Sends what is not captured.
    pub fn lose(&mut self, side: usize, len: usize) -> &mut Self {
        self.next[side] = self.next[side].wrapping_add(len as u32);
        self
    }

    pub fn end(&mut self, side: usize) -> &mut Self {
        self.packet(side, self.next[side], "F", b"");
        self.lose(side, 1)
    }

    /// Sends a segment of anything; flags are S, F, and R.
    pub fn packet(&mut self, side: usize, sequence: u32, flags: &str, data: &[u8]) -> &mut Self {
        let ports = [self.port, 80];
        let (source, destination) = (ports[side], ports[1 - side]);
        let ip = if self.is_ipv6 {
            let host = |last| [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last];
            PacketBuilder::ipv6(host(side as u8 + 1), host(2 - side as u8), 64)
        } else {
            PacketBuilder::ipv4([10, 0, 0, side as u8 + 1], [10, 0, 0, 2 - side as u8], 64)
        };
        let mut tcp = ip.tcp(source, destination, sequence, 65535);
        if flags.contains('S') {
            tcp = tcp.syn();
        }
        if flags.contains('F') {
            tcp = tcp.fin();
        }
        if flags.contains('R') {
            tcp = tcp.rst();
        }
        if !(flags.contains('S') && side == CLIENT) {
            tcp = tcp.ack(self.next[1 - side]);
        }
        let mut packet = self.link_header();
        tcp.write(&mut packet, data).unwrap();
        self.packets.push((self.now, packet));
        self.now += Duration::from_millis(1);
        self
    }

    fn link_header(&self) -> Vec<u8> {
        let ether_type: [u8; 2] = if self.is_ipv6 { [0x86, 0xdd] } else { [0x08, 0x00] };
        match self.link {
            Link::Null => vec![if self.is_ipv6 { 30 } else { 2 }, 0, 0, 0],
            Link::Ethernet => [&[2; 12], &ether_type[..]].concat(),
            Link::Vlan => [&[2; 12], &[0x81, 0x00, 0, 7][..], &ether_type].concat(),
            Link::Raw => Vec::new(),
            Link::Sll => [&[0; 14], &ether_type[..]].concat(),
            Link::Sll2 => [&ether_type[..], &[0; 18]].concat(),
        }
    }

    fn link_type(&self) -> u16 {
        match self.link {
            Link::Null => 0,
            Link::Ethernet | Link::Vlan => 1,
            Link::Raw => 101,
            Link::Sll => 113,
            Link::Sll2 => 276,
        }
    }

    /// Returns a file as of `draft-ietf-opsawg-pcap`.
    pub fn pcap(&self) -> Vec<u8> {
        let mut file = Vec::new();
        for field in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 65535, u32::from(self.link_type())] {
            file.extend(u32::to_le_bytes(field));
        }
        for (time, packet) in &self.packets {
            let len = packet.len() as u32;
            for field in [time.as_secs() as u32, time.subsec_micros(), len, len] {
                file.extend(field.to_le_bytes());
            }
            file.extend(packet);
        }
        file
    }

    /// Returns a file as of `draft-ietf-opsawg-pcapng`, with times in nanoseconds and big-endian numbers.
    pub fn pcapng(&self) -> Vec<u8> {
        let mut file = Vec::new();
        let mut block = |kind: u32, body: &[u8]| {
            let len = (body.len().next_multiple_of(4) + 12) as u32;
            file.extend(kind.to_be_bytes());
            file.extend(len.to_be_bytes());
            file.extend(body);
            file.resize(file.len().next_multiple_of(4), 0);
            file.extend(len.to_be_bytes());
        };
        block(0x0a0d_0d0a, b"\x1a\x2b\x3c\x4d\0\x01\0\0\xff\xff\xff\xff\xff\xff\xff\xff");
        let resolution = b"\0\x09\0\x01\x09\0\0\0\0\0\0\0";
        block(1, &[&self.link_type().to_be_bytes()[..], &[0; 6], resolution].concat());
        for (time, packet) in &self.packets {
            let units = (time.as_nanos() as u64).to_be_bytes();
            let len = (packet.len() as u32).to_be_bytes();
            block(6, &[&[0; 4], &units[..], &len, &len, packet].concat());
        }
        file
    }

    pub fn lines(&self) -> String {
        let lines = people(&self.pcap());
        assert_eq!(people(&self.pcapng()), lines);
        lines
    }
}

/// Returns what the file is told to hold.
pub fn entries(file: &[u8]) -> Vec<Entry> {
    let (mut replay, mut entries) = (Replay::default(), Vec::new());
    for item in Capture::open(file).expect("a capture") {
        replay.receive(item, &mut entries);
    }
    replay.finish(&mut entries);
    entries
}

/// Returns it as people see it, without colours and without times.
pub fn people(file: &[u8]) -> String {
    let mut entries = entries(file);
    entries.iter_mut().for_each(|entry| entry.time = None);
    print(Format::People(people::Lines::default()), &entries)
}

pub fn json(file: &[u8]) -> String {
    print(Format::Json, &entries(file))
}

pub fn dump(client: Option<&[u8]>, server: Option<&[u8]>) -> String {
    let mut entries = Vec::new();
    replay::dump(client.map(<[u8]>::to_vec), server.map(<[u8]>::to_vec), &mut entries);
    print(Format::People(people::Lines::default()), &entries)
}

pub fn print(mut format: Format, entries: &[Entry]) -> String {
    let mut lines = String::new();
    entries.iter().for_each(|entry| format.print(entry, &mut lines));
    anstream::adapter::strip_str(&lines).to_string()
}

/// Compares line by line; leading and trailing blanks do not matter, nor how many there are in between.
#[track_caller]
pub fn assert_lines(actual: &str, expected: &str) {
    let words = |text: &str| -> Vec<String> {
        text.trim().lines().map(|it| it.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    };
    assert_eq!(words(actual), words(expected), "\n{actual}");
}
