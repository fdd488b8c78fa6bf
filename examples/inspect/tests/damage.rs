//! Captures that are cut, damaged, or no captures at all.

mod common;

use common::*;
use inspect::capture::Capture;
use inspect::print::Format;

/// The bytes of a file before its first record, and before each packet's data.
const PCAP: (usize, usize) = (24, 16);
/// A section header of 28 bytes, an interface of 32; a packet's block of 28 before the data and 4 behind it.
const PCAPNG: (usize, usize) = (60, 28);

/// Four packets of the handshakes, then these.
fn talk() -> Talk {
    let mut talk = Talk::opened();
    for word in ["one", "two", "three", "four", "five"] {
        talk.send(SERVER, [&[0x81, word.len() as u8], word.as_bytes()].concat());
    }
    talk
}

fn texts(lines: &str) -> Vec<&str> {
    lines.lines().filter_map(|line| line.split('"').nth(1)).collect()
}

/// Where the record of a packet begins.
fn record(talk: &Talk, (start, header): (usize, usize), number: usize) -> usize {
    let is_pcapng = header == PCAPNG.1;
    let len = |(_, packet): &(_, Vec<u8>)| match is_pcapng {
        true => header + packet.len().next_multiple_of(4) + 4,
        false => header + packet.len(),
    };
    start + talk.packets[..number].iter().map(len).sum::<usize>()
}

/// The record of "two" says that it is longer than the rest of the file.
#[test]
fn a_damaged_record_is_skipped() {
    let talk = talk();
    for (mut file, format, length_at) in [(talk.pcap(), PCAP, 8), (talk.pcapng(), PCAPNG, 4)] {
        let (start, end) = (record(&talk, format, 5), record(&talk, format, 6));
        file[start + length_at..][..4].copy_from_slice(&[0x7F; 4]);
        let lines = people(&file);
        let note =
            format!("note      the capture is damaged: skipped {} bytes at {start}", end - start);
        assert!(lines.contains(&note), "{lines}");
        assert!(lines.contains("1 ← gap       5 bytes were not captured"), "{lines}");
        // The gap is known to hold whole frames only when two more have come.
        assert_eq!(texts(&lines), ["one", "three", "four", "five"], "{lines}");
    }
}

#[test]
fn garbage_between_records_is_skipped() {
    let talk = talk();
    for (mut file, format) in [(talk.pcap(), PCAP), (talk.pcapng(), PCAPNG)] {
        let at = record(&talk, format, 6);
        let garbage = (0..1000_u32).map(|at| ((at * at) >> 3) as u8);
        file.splice(at..at, garbage);
        let lines = people(&file);
        let note = format!("the capture is damaged: skipped 1000 bytes at {at}");
        assert!(lines.contains(&note), "{lines}");
        assert_eq!(texts(&lines), ["one", "two", "three", "four", "five"], "{lines}");
    }
}

/// Whatever is cut off: what came before is shown.
#[test]
fn a_capture_may_be_cut_anywhere() {
    let talk = talk();
    for (file, format) in [(talk.pcap(), PCAP), (talk.pcapng(), PCAPNG)] {
        let records: Vec<usize> =
            (0..=talk.packets.len()).map(|it| record(&talk, format, it)).collect();
        assert_eq!(records.last(), Some(&file.len()));
        for len in format.0..file.len() {
            let lines = people(&file[..len]);
            let whole = records.iter().filter(|&&it| it <= len).count() - 1;
            let words = ["one", "two", "three", "four", "five"];
            assert_eq!(texts(&lines), words[..whole.saturating_sub(4)], "{len}: {lines}");
            let (start, is_cut) = (records[whole], records[whole] < len);
            let note =
                format!("the capture is damaged: skipped {} bytes at {start}\n", len - start);
            assert_eq!(lines.contains("damaged"), is_cut, "{len}: {lines}");
            assert_eq!(lines.contains(&note), is_cut, "{len}: {lines}");
        }
    }
}

#[test]
fn other_files_are_no_captures() {
    for file in [&b""[..], b"\n", b"GET / HTTP/1.1\r\n\r\n", &[0; 100], &[0xd4, 0xc3]] {
        assert!(Capture::open(file).is_none(), "{file:?}");
    }
}

/// The tool that captured kept the start of each packet only.
#[test]
fn packets_that_are_cut_short_are_gaps() {
    let mut talk = Talk::opened();
    talk.send(SERVER, b"\x81\x0a0123456789");
    let mut file = talk.pcap();
    let start = record(&talk, PCAP, 4);
    let kept = (file.len() - start - 16 - 6) as u32;
    file.truncate(file.len() - 6);
    file[start + 8..][..4].copy_from_slice(&kept.to_le_bytes());
    let mut more = talk.clone();
    more.packets.clear();
    more.send(SERVER, HELLO).send(CLIENT, MASKED_HELLO);
    file.extend(&more.pcap()[PCAP.0..]);
    let lines = people(&file);
    assert!(lines.contains("1 ← gap       6 bytes were not captured"), "{lines}");
    assert!(lines.contains("note      not captured whole: 1 packets"), "{lines}");
    assert_eq!(texts(&lines), ["Hello", "Hello"], "{lines}");
}

#[test]
fn link_types_that_are_not_known_are_told() {
    let mut file = talk().pcap();
    file[20..24].copy_from_slice(&105_u32.to_le_bytes());
    assert_lines(
        &people(&file),
        "note the link type 105 is not known here: 9 packets\nnote no WebSocket connection was found",
    );
}

/// Whatever the bytes are, there is no panic, and nothing that controls a terminal.
#[test]
fn random_changes_are_survived() {
    let mut talk = talk();
    let extensions = "Sec-WebSocket-Extensions: permessage-deflate";
    for (port, answer) in [(1, RESPONSE.to_owned()), (2, with(RESPONSE, extensions))] {
        let mut other = Talk { port, ..Talk::joined() };
        other.packet(CLIENT, 0xFFFF_FFEF, "S", b"").packet(SERVER, 4999, "S", b"");
        other.send(CLIENT, with(REQUEST, extensions)).send(SERVER, answer);
        other.send(CLIENT, MASKED_HELLO).send(SERVER, b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00");
        other.send(SERVER, b"\x01\x02ab").lose(SERVER, 3).send(SERVER, b"\x80\x01c");
        other.send(CLIENT, MASKED_CLOSE).send(SERVER, CLOSE).end(SERVER).end(CLIENT);
        talk.packets.append(&mut other.packets);
    }
    let client = [REQUEST.as_bytes(), MASKED_HELLO, MASKED_HELLO, MASKED_CLOSE].concat();
    let server = [RESPONSE.as_bytes(), HELLO, b"\x01\x01a\x80\x01b", CLOSE].concat();
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for _ in 0..1500 {
        let mut file = if random.below(2) == 0 { talk.pcap() } else { talk.pcapng() };
        random.change(&mut file);
        if Capture::open(&file[..]).is_some() {
            let entries = entries(&file);
            for format in [Format::People(Default::default()), Format::Json, Format::Messages] {
                let lines = print(format, &entries);
                assert!(!lines.contains(|it: char| it.is_control() && it != '\n'), "{lines:?}");
            }
        }
        let (mut client, mut server) = (client.clone(), server.clone());
        random.change(&mut client);
        random.change(&mut server);
        dump(Some(&client), Some(&server));
    }
}

/// A xorshift generator.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % limit
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..1 + self.below(4) {
            let (at, value) = (self.below(bytes.len()), self.below(256) as u8);
            match self.below(8) {
                0 => bytes.truncate(at + 1),
                1 => drop(bytes.splice(at..at, [value; 7])),
                2 => drop(bytes.drain(at..(at + 5).min(bytes.len() - 1).max(at))),
                3 => {
                    let piece = bytes[at..(at + 60).min(bytes.len())].to_vec();
                    let to = self.below(bytes.len());
                    drop(bytes.splice(to..to, piece));
                }
                4 => bytes[at] ^= 1 << (value % 8),
                5 => bytes[at] = 0xFF,
                6 => bytes[at] = 0,
                _ => bytes[at] = value,
            }
        }
    }
}
