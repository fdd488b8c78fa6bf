//! Compressed messages that are sent (RFC 7692 §6, §7.1, §7.2.1), judged by an inflater that is too simple to be wrong
//! and by the libraries, one of which is not the backend.
#![cfg(feature = "deflate")]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod common;
#[path = "../src/deflate/naive.rs"]
mod naive;

use common::{BOTH_KINDS, Frame, Wire, both, opened, secs, take_apart};
use miniz_oxide::DataFormat;
use miniz_oxide::deflate::core::{CompressionStrategy, CompressorOxide, TDEFLFlush, compress};
use naive::{Naive, noise};
use websocket_proto::{
    Compress, Config, DeflateConfig, Event, MessageKind, Prepared, Role, SliceOutput, UsageError,
    WebSocket,
};

/// Compresses every message, both ends with this window.
fn every(window_bits: u8, takes_over: bool) -> DeflateConfig {
    DeflateConfig::default()
        .threshold(0)
        .server_no_context_takeover(!takes_over)
        .client_no_context_takeover(!takes_over)
        .server_max_window_bits(window_bits)
        .unwrap()
        .client_max_window_bits(window_bits)
        .unwrap()
}

fn open(role: Role, config: DeflateConfig) -> WebSocket {
    WebSocket::open(opened(role).with_deflate(config.params(), config), Config::default())
}

/// A receiver of what an end sends, with the window that was agreed to and not a byte more.
struct Judge {
    sender: Role,
    takes_over: bool,
    naive: Naive,
    /// The opcode of the message in progress, whether it is compressed, and what came of it.
    message: Option<(u8, bool, Vec<u8>)>,
}

impl Judge {
    fn of(sender: Role, config: DeflateConfig) -> Self {
        let params = config.params();
        let (bits, alone) = match sender {
            Role::Server => (params.server_max_window_bits(), params.server_no_context_takeover()),
            Role::Client => (params.client_max_window_bits(), params.client_no_context_takeover()),
        };
        let naive = Naive { window: 1 << bits, made: Vec::new() };
        Self { sender, takes_over: !alone, naive, message: None }
    }

    /// The messages in these frames: the opcode, whether it was compressed, and what it says.
    fn read(&mut self, bytes: &[u8]) -> Vec<(u8, bool, Vec<u8>)> {
        let mut messages = Vec::new();
        for Frame { first, payload, .. } in take_apart(self.sender, bytes) {
            if first & 0x08 != 0 {
                assert_eq!(first & 0x70, 0, "RSV1 of a control frame");
                continue;
            }
            match &mut self.message {
                Some((_, _, data)) => {
                    assert_eq!(first & 0x7F, 0, "RSV1 or an opcode of a continuation");
                    data.extend(payload);
                }
                None => self.message = Some((first & 0x0F, first & 0x40 != 0, payload)),
            }
            if first & 0x80 != 0 {
                let (opcode, is_compressed, data) = self.message.take().unwrap();
                let data = if is_compressed { self.inflate(&data) } else { data };
                messages.push((opcode, is_compressed, data));
            }
        }
        messages
    }

    fn inflate(&mut self, payload: &[u8]) -> Vec<u8> {
        assert!(!payload.is_empty(), "§7.2.3.6: at least the byte 00");
        assert!(!payload.ends_with(&TAIL), "§7.2.1: the tail is removed");
        if !self.takes_over {
            self.naive.made.clear();
        }
        self.naive.inflate(&[payload, &TAIL].concat()).expect("whole blocks in the window").to_vec()
    }
}

const TAIL: [u8; 4] = [0x00, 0x00, 0xFF, 0xFF];

/// What repeats itself at all distances, what does not, and what is short.
fn samples() -> Vec<Vec<u8>> {
    let noise = noise(3_000);
    let mut far = Vec::new();
    for gap in [0, 3, 100, 240, 250, 256, 257, 500, 512, 513, 1_000, 1_024, 2_000, 2_800] {
        far.extend_from_slice(&noise[..40]);
        far.extend_from_slice(&noise[100..100 + gap]);
    }
    let json = br#"{"id":12345,"name":"value","list":[1,2,3,4,5]},"#;
    let mut samples = vec![far.clone(), vec![0; 9_000], noise.repeat(12), json.repeat(150)];
    samples.extend([0, 1, 2, 3, 255, 256, 257].map(|len| noise[..len].to_vec()));
    samples.extend([vec![b'a'; 600], far]);
    samples
}

/// A message as an application has them: like the others, and not the same.
fn record(number: usize) -> String {
    let name = ["Ada", "Grace", "Edsger", "Barbara", "Tony"][number * number % 5];
    let more = "and more ".repeat(number % 7);
    format!(r#"{{"id":{number},"name":"{name}","score":{},"note":"{more}"}}"#, number * 7919 % 1009)
}

/// A peer's compressor out of one of the libraries.
enum Other {
    Miniz(Box<CompressorOxide>),
    ZlibRs(zlib_rs::Deflate),
}

impl Other {
    fn both() -> [Self; 2] {
        let miniz =
            CompressorOxide::with_params(DataFormat::Raw, 6, CompressionStrategy::Default, 15);
        let config = zlib_rs::DeflateConfig { window_bits: -15, ..Default::default() };
        [Self::Miniz(Box::new(miniz)), Self::ZlibRs(zlib_rs::Deflate::new_with_config(config))]
    }

    /// The payload of a message.
    fn deflate(&mut self, data: &[u8]) -> Vec<u8> {
        let mut out = vec![0; data.len() + 1_000];
        let made = match self {
            Self::Miniz(compressor) => compress(compressor, data, &mut out, TDEFLFlush::Sync).2,
            Self::ZlibRs(deflate) => {
                let before = deflate.total_out();
                deflate.compress(data, &mut out, zlib_rs::DeflateFlush::SyncFlush).unwrap();
                (deflate.total_out() - before) as usize
            }
        };
        out.truncate(made);
        out.strip_suffix(&TAIL).unwrap().to_vec()
    }
}

both! {
    client_sends_within_the_window_row_81, server_sends_within_the_window_row_81: |role| {
        let samples = samples();
        for window_bits in 8..=15 {
            for level in [1, 2, 6, 9] {
                let config = every(window_bits, true).level(level).unwrap();
                let (mut ws, mut judge) = (open(role, config), Judge::of(role, config));
                for sample in &samples {
                    let mut out = Vec::new();
                    ws.send_binary(sample, &mut out).unwrap();
                    let expected = [(2, true, sample.clone())];
                    assert!(judge.read(&out) == expected, "{window_bits} {level} {}", sample.len());
                }
            }
        }
    };

    client_sends_parts_within_the_window_row_81, server_sends_parts_within_the_window_row_81: |role| {
        for (window_bits, takes_over) in [(8, true), (9, false), (10, true), (15, true), (15, false)] {
            let config = every(window_bits, takes_over);
            let (mut ws, mut judge) = (open(role, config), Judge::of(role, config));
            for sample in samples() {
                let mut out = Vec::new();
                for part in sample.chunks(sample.len() / 3 + 1) {
                    ws.send_fragment(MessageKind::Binary, part, false, &mut out).unwrap();
                    ws.send_ping(b"between", &mut out).unwrap();
                }
                ws.send_fragment(MessageKind::Binary, b"", true, &mut out).unwrap();
                // The first part decides, also when there is none but the last.
                assert!(judge.read(&out) == [(2, true, sample)]);
            }
        }
    };

    client_sends_each_by_itself_row_87_88, server_sends_each_by_itself_row_87_88: |role| {
        for window_bits in [8, 9, 15] {
            let config = every(window_bits, false);
            let (mut ws, mut judge) = (open(role, config), Judge::of(role, config));
            for sample in samples().iter().chain(&samples()) {
                let (mut out, mut fresh) = (Vec::new(), Vec::new());
                ws.send_binary(sample, &mut out).unwrap();
                assert!(judge.read(&out) == [(2, true, sample.clone())]);
                // Byte for byte what it is without any message before it: nothing of them can be in it.
                open(role, config).send_binary(sample, &mut fresh).unwrap();
                assert!(take_apart(role, &out) == take_apart(role, &fresh));
            }
        }
    };

    client_sends_ten_thousand_messages_row_87, server_sends_ten_thousand_messages_row_87: |role| {
        let config = every(15, true);
        let (mut ws, mut judge) = (open(role, config), Judge::of(role, config));
        let mut zlib = zlib_rs::Inflate::new(false, 15);
        let (mut plain, mut sent) = (0, 0);
        for number in 0..10_000 {
            let (text, mut out) = (record(number), Vec::new());
            ws.send_text(&text, &mut out).unwrap();
            assert_eq!(judge.read(&out), [(1, true, text.clone().into_bytes())]);
            let payload = [&take_apart(role, &out)[0].payload[..], &TAIL].concat();
            let mut inflated = vec![0; text.len() + 1];
            let before = zlib.total_out();
            zlib.decompress(&payload, &mut inflated, zlib_rs::InflateFlush::SyncFlush).unwrap();
            inflated.truncate((zlib.total_out() - before) as usize);
            assert_eq!(inflated, text.as_bytes());
            (plain, sent) = (plain + text.len(), sent + payload.len() - TAIL.len());
        }
        // The context is worth something.
        assert!(sent * 3 < plain, "{sent} of {plain}");
    };

    client_receives_ten_thousand_messages_row_87, server_receives_ten_thousand_messages_row_87: |role| {
        for mut other in Other::both() {
            let mut ws = open(role, every(15, true));
            let mut out = Vec::new();
            for number in 0..10_000 {
                let text = record(number);
                let mut frame = common::To(role).frame(0xC1, &other.deflate(text.as_bytes()));
                let event = ws.receive(&mut &mut frame[..], &mut out);
                assert_eq!(event, Some(Event::Text(text.into())));
            }
            assert_eq!(out, b"");
        }
    };

    client_sends_above_the_threshold, server_sends_above_the_threshold: |role| {
        let long = "0123456789".repeat(100);
        let text = |len: usize| &long[..len];
        // By default 128 bytes; 0 is everything, and the greatest is nothing.
        let config = DeflateConfig::default();
        for (config, least) in [
            (config, 128),
            (config.threshold(0), 0),
            (config.threshold(1), 1),
            (config.threshold(1_000), 1_000),
            (config.threshold(usize::MAX), usize::MAX),
        ] {
            let (mut ws, mut judge) = (open(role, config), Judge::of(role, config));
            for len in [0, 1, 2, 127, 128, 129, 999, 1_000] {
                let mut out = Vec::new();
                ws.send_text(text(len), &mut out).unwrap();
                ws.send_binary(text(len).as_bytes(), &mut out).unwrap();
                // The first part alone decides.
                for kind in BOTH_KINDS {
                    ws.send_fragment(kind, text(len).as_bytes(), false, &mut out).unwrap();
                    ws.send_fragment(kind, b"", false, &mut out).unwrap();
                    ws.send_fragment(kind, long.as_bytes(), true, &mut out).unwrap();
                }
                let (is_on, whole) = (len >= least, text(len).as_bytes().to_vec());
                let joined = [&whole, long.as_bytes()].concat();
                let expected = [
                    (1, is_on, whole.clone()),
                    (2, is_on, whole),
                    (1, is_on, joined.clone()),
                    (2, is_on, joined),
                ];
                assert_eq!(judge.read(&out), expected, "{len} of {least}");
            }
        }
    };

    client_chooses_what_is_compressed, server_chooses_what_is_compressed: |role| {
        let config = DeflateConfig::default();
        let (mut ws, mut judge) = (open(role, config), Judge::of(role, config));
        let (short, long) = ("short", "long enough to be worth it, ".repeat(9));
        for (which, expected) in [
            (Compress::Never, [false, false]),
            (Compress::Always, [true, true]),
            (Compress::Worthwhile, [false, true]),
            (Compress::Never, [false, false]),
        ] {
            ws.compress(which);
            for (text, is_on) in [short, &long].into_iter().zip(expected) {
                let mut out = Vec::new();
                ws.send_text(text, &mut out).unwrap();
                // A message that has begun goes on as it began.
                ws.send_fragment(MessageKind::Text, text.as_bytes(), false, &mut out).unwrap();
                for other in [Compress::Always, Compress::Never] {
                    ws.compress(other);
                    ws.send_fragment(MessageKind::Text, b", ", false, &mut out).unwrap();
                }
                ws.compress(which);
                ws.send_fragment(MessageKind::Text, b"end", true, &mut out).unwrap();
                let joined = format!("{text}, , end");
                let expected = [(1, is_on, text.into()), (1, is_on, joined.into_bytes())];
                assert_eq!(judge.read(&out), expected, "{which:?}");
            }
        }
        // Where nothing was agreed to, nothing is.
        let (mut ws, mut out) = (WebSocket::open(opened(role), Config::default()), Vec::new());
        ws.compress(Compress::Always);
        ws.send_text(&long, &mut out).unwrap();
        assert_eq!(judge.read(&out), [(1, false, long.into_bytes())]);
    };

    client_sends_again_what_found_no_room_row_95, server_sends_again_what_found_no_room_row_95: |role| {
        for takes_over in [true, false] {
            let config = every(15, takes_over);
            let (mut sent, mut refused) = (0, 0);
            for room in 0..60 {
                let (mut ws, mut judge) = (open(role, config), Judge::of(role, config));
                for text in ["one text and another", "one text, another, and more"].repeat(3) {
                    let mut out = Wire::with_room(room);
                    let result = if judge.naive.made.len() % 2 == 0 {
                        ws.send_text(text, &mut out)
                    } else {
                        ws.send_fragment(MessageKind::Text, text.as_bytes(), true, &mut out)
                    };
                    if let Err(error) = result {
                        let UsageError::OutputFull { needed } = error else { panic!("{error}") };
                        assert!(needed > room && out.bytes.is_empty(), "nothing, or all of it");
                        // The peer never had it, and so it is not referred to.
                        out.room = usize::MAX;
                        ws.send_text(text, &mut out).unwrap();
                        refused += 1;
                    } else {
                        sent += 1;
                    }
                    assert_eq!(judge.read(&out.bytes), [(1, true, text.into())]);
                }
            }
            assert!(sent > 50 && refused > 50, "{sent}, {refused}");
        }
    };

    client_refuses_and_goes_on_row_93, server_refuses_and_goes_on_row_93: |role| {
        for takes_over in [true, false] {
            let config = every(15, takes_over);
            let (mut ws, mut judge) = (open(role, config), Judge::of(role, config));
            let mut out = Vec::new();
            let part = |ws: &mut WebSocket, out: &mut Vec<u8>, part: &[u8], last| {
                ws.send_fragment(MessageKind::Text, part, last, out)
            };
            ws.send_text("what is referred to", &mut out).unwrap();
            part(&mut ws, &mut out, b"what is referred to, \xE2\x82", false).unwrap();
            let len = out.len();
            for _ in 0..2 {
                // None of these changes a thing.
                assert_eq!(part(&mut ws, &mut out, b"what is bad \xFF", false), Err(UsageError::InvalidUtf8));
                assert_eq!(part(&mut ws, &mut out, b"what is bad", true), Err(UsageError::InvalidUtf8));
                assert_eq!(part(&mut ws, &mut out, b"", true), Err(UsageError::InvalidUtf8));
                let in_progress = Err(UsageError::MessageInProgress);
                assert_eq!(ws.send_text("what is whole", &mut out), in_progress);
                assert_eq!(ws.send_binary(b"what is whole", &mut out), in_progress);
                assert_eq!(ws.send_fragment(MessageKind::Binary, b"other", true, &mut out), in_progress);
                assert_eq!(out.len(), len);
            }
            part(&mut ws, &mut out, b"\xAC, what is referred to", false).unwrap();
            part(&mut ws, &mut out, b", again", true).unwrap();
            ws.send_binary(b"what is referred to, again", &mut out).unwrap();
            let expected = [
                (1, true, b"what is referred to".to_vec()),
                (1, true, "what is referred to, €, what is referred to, again".into()),
                (2, true, b"what is referred to, again".to_vec()),
            ];
            assert_eq!(judge.read(&out), expected);
            // After a Close nothing is sent.
            ws.close(None, "", &mut out).unwrap();
            let len = out.len();
            assert_eq!(ws.send_text("late", &mut out), Err(UsageError::Closed));
            assert_eq!(part(&mut ws, &mut out, b"late", true), Err(UsageError::Closed));
            assert_eq!(out.len(), len);
        }
    };

    client_sends_plain_and_compressed_row_83, server_sends_plain_and_compressed_row_83: |role| {
        // A context is taken over past messages that are not compressed, whichever way they were sent.
        let config = every(15, true).threshold(20);
        let (mut ws, mut judge) = (open(role, config), Judge::of(role, config));
        let mut peer = open(role.peer(), config);
        let (long, short) = (record(1), "short");
        let mut out = Vec::new();
        let mut sizes = Vec::new();
        for _ in 0..3 {
            let before = out.len();
            ws.send_text(&long, &mut out).unwrap();
            sizes.push(out.len() - before);
            ws.send_text(short, &mut out).unwrap();
            for (kind, last) in [(MessageKind::Text, false), (MessageKind::Text, true)] {
                let mut start = ws.start_fragment(kind, 5, last).unwrap();
                let mut payload = *b"parts";
                start.mask(&mut payload);
                out.extend([start.header(), &payload].concat());
            }
        }
        assert!(sizes[1] < sizes[0] && sizes[2] < sizes[0], "{sizes:?}");
        let all = [(1, true, long.clone().into()), (1, false, short.into()), (1, false, b"partsparts".to_vec())];
        assert_eq!(judge.read(&out), [all.clone(), all.clone(), all].concat());
        let (mut rest, mut got) = (&mut out[..], Vec::new());
        while let Some(Event::Text(text)) = peer.receive(&mut rest, &mut Vec::new()) {
            got.push(text.into_owned());
        }
        assert_eq!(got, [&long[..], short, "partsparts"].repeat(3));
        assert_eq!(peer.poll(secs(0), &mut Vec::new()), common::OPEN);
    };

    client_ends_a_started_message_plain, server_ends_a_started_message_plain: |role| {
        let config = every(15, true);
        let (mut ws, mut judge) = (open(role, config), Judge::of(role, config));
        let mut out = Vec::new();
        ws.send_text("compressed", &mut out).unwrap();
        let mut start = ws.start_fragment(MessageKind::Binary, 5, false).unwrap();
        let mut payload = *b"begun";
        start.mask(&mut payload);
        out.extend([start.header(), &payload].concat());
        ws.send_fragment(MessageKind::Binary, b" and done", true, &mut out).unwrap();
        // The payload of a compressed message cannot be the caller's.
        ws.send_fragment(MessageKind::Binary, b"one", false, &mut out).unwrap();
        let len = out.len();
        let refused = ws.start_fragment(MessageKind::Binary, 5, false);
        assert_eq!(refused.err(), Some(UsageError::MessageInProgress));
        assert_eq!(out.len(), len);
        ws.send_fragment(MessageKind::Binary, b" and two", true, &mut out).unwrap();
        let expected = [
            (1, true, b"compressed".to_vec()),
            (2, false, b"begun and done".to_vec()),
            (2, true, b"one and two".to_vec()),
        ];
        assert_eq!(judge.read(&out), expected);
    };
}

/// What is told of the room holds for the next try, although the context is lost with what was refused.
#[test]
fn a_refused_message_says_how_much_room_it_needs() {
    let config = every(15, true);
    for role in [Role::Server, Role::Client] {
        for last in [true, false] {
            let (mut ws, mut judge) = (open(role, config), Judge::of(role, config));
            let (mut out, data) = (Vec::new(), noise(500));
            ws.send_binary(&data, &mut out).unwrap();
            assert_eq!(judge.read(&out), [(2, true, data.clone())]);
            let mut room = [0; 600];
            let mut little = SliceOutput::new(&mut room[..4]);
            let refused = ws.send_fragment(MessageKind::Binary, &data, last, &mut little);
            let Err(UsageError::OutputFull { needed }) = refused else { panic!("{refused:?}") };
            let mut enough = SliceOutput::new(&mut room[..needed]);
            ws.send_fragment(MessageKind::Binary, &data, last, &mut enough).unwrap();
            assert_eq!(enough.written().len(), needed);
            let mut out = enough.written().to_vec();
            if !last {
                ws.send_fragment(MessageKind::Binary, &[], true, &mut out).unwrap();
            }
            assert_eq!(judge.read(&out), [(2, true, data)]);
        }
    }
}

/// The compressed form goes to those whose window covers it, and what follows refers to nothing before it.
#[test]
fn server_sends_prepared_compressed() {
    let news = record(1).repeat(9);
    for made_for in 8..=15 {
        let prepared = Prepared::text(&news).unwrap().compress(&every(made_for, true)).unwrap();
        for agreed in 8..=15 {
            for takes_over in [true, false] {
                let config = every(agreed, takes_over);
                let mut ws = open(Role::Server, config);
                let mut judge = Judge::of(Role::Server, config);
                let mut out = Vec::new();
                for which in [Compress::Never, Compress::Worthwhile, Compress::Always] {
                    let is_on = which != Compress::Never;
                    ws.compress(which);
                    ws.send_text(&record(2), &mut out).unwrap();
                    ws.send_prepared(&prepared, &mut out).unwrap();
                    ws.send_text(&record(2), &mut out).unwrap();
                    let other = (1, is_on, record(2).into_bytes());
                    let whole = (1, is_on && made_for <= agreed, news.clone().into_bytes());
                    assert_eq!(judge.read(&out), [other.clone(), whole, other]);
                    out.clear();
                }
            }
        }
    }
}

#[test]
fn server_sends_prepared_as_it_is() {
    let config = every(15, true);
    let open = || open(Role::Server, config);
    // Where nothing is saved, and where nothing was agreed to.
    let (tiny, noisy) = (Prepared::text("tiny").unwrap(), Prepared::binary(&noise(500)).unwrap());
    for plain in [tiny, noisy] {
        let mut out = Vec::new();
        open().send_prepared(&plain.clone().compress(&config).unwrap(), &mut out).unwrap();
        assert_eq!(out, plain.frame());
    }
    for len in 0..20 {
        let plain = Prepared::text(&"x".repeat(len)).unwrap();
        let mut out = Vec::new();
        open().send_prepared(&plain.clone().compress(&config).unwrap(), &mut out).unwrap();
        assert!(out == plain.frame() || out.len() < plain.frame().len(), "{len}: {out:02x?}");
    }
    let plain = Prepared::binary(&[7; 500]).unwrap();
    let prepared = plain.clone().compress(&config).unwrap();
    assert_eq!(prepared.frame(), plain.frame());
    let mut out = Vec::new();
    let mut ws = WebSocket::open(opened(Role::Server), Config::default());
    ws.send_prepared(&prepared, &mut out).unwrap();
    assert_eq!(out, plain.frame());
    // Without room for it nothing is written, and nothing is forgotten.
    let (mut ws, mut judge) = (open(), Judge::of(Role::Server, config));
    let mut out = Vec::new();
    ws.send_text(&record(1), &mut out).unwrap();
    let first = out.len();
    let full = ws.send_prepared(&prepared, &mut Wire::with_room(10));
    assert!(matches!(full, Err(UsageError::OutputFull { needed: 11..100 })), "{full:?}");
    ws.send_text(&record(1), &mut out).unwrap();
    assert!(out.len() - first < first / 2, "the context is still there");
    ws.send_prepared(&prepared, &mut out).unwrap();
    let text = (1, true, record(1).into_bytes());
    assert_eq!(judge.read(&out), [text.clone(), text, (2, true, vec![7; 500])]);
}
