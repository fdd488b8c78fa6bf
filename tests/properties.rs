//! Properties that hold for whatever bytes come and whatever calls are made. `PROPTEST_CASES` sets how many are tried.
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

#[path = "common/cases.rs"]
mod cases;
mod common;

use std::collections::BTreeSet;

use cases::{any_cuts, cases, cuts};
use common::{
    CLEAN, Check, EOF, Frame, Log, Machine, Pair, SEED, Seen, To, Wire, ends, judge, opened, secs,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use websocket_proto::{
    Config, Connection, Failure, FrameHeader, MessageKind, Negotiated, Next, Opcode, ProtocolError,
    Role, Timeout, UsageError,
};

/// A fragment's payload, and a control frame: whether it is a Ping, and its payload.
type Part = (Vec<u8>, Option<(bool, Vec<u8>)>);

/// A piece of what a peer sends.
#[derive(Clone, Debug)]
enum Item {
    Message(MessageKind, Vec<u8>),
    /// In fragments of these payloads, with a control frame behind each.
    Fragments(MessageKind, Vec<Part>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(u16, String),
    /// Any frame, legal or not.
    Frame(u8, Vec<u8>),
    Garbage(Vec<u8>),
}

impl Item {
    fn bytes(&self, to: To) -> Vec<u8> {
        match self {
            Self::Message(kind, data) => to.frame(0x80 | opcode(*kind), data),
            Self::Fragments(kind, parts) => {
                let mut bytes = to.frame(opcode(*kind), b"");
                for (part, control) in parts {
                    bytes.extend(to.frame(0x00, part));
                    if let Some((ping, payload)) = control {
                        bytes.extend(to.frame(if *ping { 0x89 } else { 0x8A }, payload));
                    }
                }
                bytes.extend(to.frame(0x80, b""));
                bytes
            }
            Self::Ping(payload) => to.ping(payload),
            Self::Pong(payload) => to.pong(payload),
            Self::Close(code, reason) => to.close(*code, reason),
            Self::Frame(first, payload) => to.frame(*first, payload),
            Self::Garbage(bytes) => bytes.clone(),
        }
    }
}

fn opcode(kind: MessageKind) -> u8 {
    match kind {
        MessageKind::Text => 1,
        MessageKind::Binary => 2,
    }
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Client), Just(Role::Server)]
}

fn kind() -> impl Strategy<Value = MessageKind> {
    prop_oneof![Just(MessageKind::Text), Just(MessageKind::Binary)]
}

/// Bytes that are text, nearly text, or anything.
fn text_like() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => "\\PC{0,6}".prop_map(String::into_bytes),
        2 => prop_oneof![
            Just("é"), Just("€"), Just("😀"), Just("\u{7FF}"), Just("\u{FFFF}"), Just("\u{10FFFF}")
        ].prop_map(|text| text.as_bytes().to_vec()),
        1 => vec(prop_oneof![0x7F_u8..0x82, 0x8F_u8..0x92, 0x9F_u8..0xA2, 0xBE_u8..0xC4, 0xDE_u8..=0xFF], 1..4),
    ];
    vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn good_item() -> impl Strategy<Value = Item> {
    let control = || vec(any::<u8>(), 0..126);
    let text = || "\\PC{0,60}".prop_map(String::into_bytes);
    prop_oneof![
        2 => text().prop_map(|data| Item::Message(MessageKind::Text, data)),
        2 => vec(any::<u8>(), 0..400).prop_map(|data| Item::Message(MessageKind::Binary, data)),
        2 => (text(), vec((0..40_usize, proptest::option::of((any::<bool>(), control()))), 1..5)).prop_map(
            |(text, cuts)| {
                let mut rest = &text[..];
                let mut parts: Vec<_> = cuts.into_iter().map(|(len, control)| {
                    let (part, others) = rest.split_at(len.min(rest.len()));
                    rest = others;
                    (part.to_vec(), control)
                }).collect();
                parts.push((rest.to_vec(), None));
                Item::Fragments(MessageKind::Text, parts)
            }),
        1 => vec((vec(any::<u8>(), 0..200), proptest::option::of((any::<bool>(), control()))), 0..5)
            .prop_map(|parts| Item::Fragments(MessageKind::Binary, parts)),
        1 => control().prop_map(Item::Ping),
        1 => control().prop_map(Item::Pong),
    ]
}

fn any_item() -> impl Strategy<Value = Item> {
    prop_oneof![
        8 => good_item(),
        2 => text_like().prop_map(|data| Item::Message(MessageKind::Text, data)),
        2 => vec((text_like(), Just(None)), 0..5).prop_map(|parts| Item::Fragments(MessageKind::Text, parts)),
        1 => (prop_oneof![1000_u16..1016, any::<u16>()], "\\PC{0,20}").prop_map(|(code, reason)| Item::Close(code, reason)),
        1 => (any::<u8>(), vec(any::<u8>(), 0..140)).prop_map(|(first, payload)| Item::Frame(first, payload)),
        1 => vec(any::<u8>(), 0..30).prop_map(Item::Garbage),
    ]
}

fn script(items: &[Item], role: Role) -> Vec<u8> {
    items.iter().flat_map(|item| item.bytes(To(role))).collect()
}

/// What a caller does with one of the two ends.
#[derive(Clone, Debug)]
enum Command {
    Send(MessageKind, String),
    Part(MessageKind, Vec<u8>, bool),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>, String),
    Wait(u64),
    Turn,
}

fn command() -> impl Strategy<Value = (Role, Command)> {
    let command = prop_oneof![
        4 => (kind(), "\\PC{0,80}").prop_map(|(kind, text)| Command::Send(kind, text)),
        4 => (kind(), text_like(), any::<bool>()).prop_map(|(kind, part, last)| Command::Part(kind, part, last)),
        2 => vec(any::<u8>(), 0..130).prop_map(Command::Ping),
        1 => vec(any::<u8>(), 0..130).prop_map(Command::Pong),
        1 => (proptest::option::of(990_u16..5010), "\\PC{0,50}").prop_map(|(code, reason)| Command::Close(code, reason)),
        2 => (0..3_u64).prop_map(Command::Wait),
        8 => Just(Command::Turn),
    ];
    (role(), command)
}

/// What the other end has to see of what an end has sent.
fn seen_of(frames: &[Frame]) -> Vec<Seen> {
    let (mut seen, mut message) = (Vec::new(), Vec::new());
    let mut kind = 0;
    for frame in frames {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        match frame.first & 0x0F {
            8 if frame.payload.is_empty() => seen.push(Seen::close(1005, "")),
            8 => {
                let code = u16::from_be_bytes([frame.payload[0], frame.payload[1]]);
                seen.push(Seen::Close(code, text(&frame.payload[2..])));
                // It reads no further.
                return seen;
            }
            9 => seen.push(Seen::ping(&frame.payload)),
            10 => seen.push(Seen::pong(&frame.payload)),
            opcode => {
                if opcode != 0 {
                    kind = opcode;
                }
                message.extend_from_slice(&frame.payload);
                if frame.first & 0x80 != 0 {
                    let data = core::mem::take(&mut message);
                    seen.push(if kind == 1 { Seen::Text(text(&data)) } else { Seen::Binary(data) });
                }
            }
        }
        if frame.first == 0x88 {
            return seen;
        }
    }
    seen
}

/// The number of bytes before the first that no UTF-8 can have there.
fn possible_utf8(bytes: &[u8]) -> usize {
    (0..=bytes.len())
        .rev()
        .find(|&len| match core::str::from_utf8(&bytes[..len]) {
            Ok(_) => true,
            Err(error) => error.error_len().is_none(),
        })
        .unwrap()
}

fn pairs(config: Config, room: usize, seed: u64) -> Vec<Pair> {
    vec![
        Pair::new::<Connection>(config, room, seed),
        #[cfg(feature = "alloc")]
        Pair::new::<websocket_proto::WebSocket>(config, room, seed),
    ]
}

proptest! {
    #![proptest_config(cases(256, "proptest-regressions/properties.txt"))]

    /// Any partition of any frames comes to the same.
    #[test]
    fn frames_in_any_split_row_108(role in role(), items in vec(any_item(), 0..8), at in any_cuts(), eof: bool) {
        let bytes = script(&items, role);
        let check = Check::of(role);
        let check = if eof { check.eof() } else { check };
        check.run_cut(&bytes, &cuts(&at, bytes.len()));
    }

    /// The same of bytes that are no frames at all, or hardly.
    #[test]
    fn bytes_in_any_split_row_108(role in role(), bytes in vec(any::<u8>(), 0..300), at in any_cuts()) {
        let config = Config::default().message_limit(200).unwrap();
        Check::of(role).config(config).run_cut(&bytes, &cuts(&at, bytes.len()));
    }

    /// Where a good script is cut off by the end of the transport, what came before is told, and the end is not clean.
    #[test]
    fn eof_at_any_byte_row_75(role in role(), items in vec(good_item(), 1..5), at: Index) {
        let bytes = script(&items, role);
        let cut = at.index(bytes.len() + 1);
        let open = Check::of(role).run_cut(&bytes[..cut], &[]);
        prop_assert_eq!(open.next, common::OPEN);
        let ended = Check::of(role).eof().run_cut(&bytes[..cut], &[cut / 2]);
        prop_assert_eq!(ended, common::Outcome { next: EOF, ..open });
    }

    /// What one end sends the other gets, in any pieces and through outputs of any room.
    #[test]
    fn messages_arrive(
        from in role(),
        messages in vec((kind(), "\\PC{0,200}"), 0..8),
        parts in any::<bool>(),
        room in prop_oneof![Just(usize::MAX), 131_usize..2000],
        seed: u64,
    ) {
        for mut pair in pairs(Config::default(), room, seed) {
            let mut expected = Vec::new();
            for (kind, text) in &messages {
                let (one, two) = text.as_bytes().split_at(text.len() / 2);
                let whole = [(text.as_bytes(), true)];
                let halves = [(one, false), (two, true)];
                let pieces = if parts { &halves[..] } else { &whole[..] };
                let sender = pair.end(from);
                let needed = text.len() + 14;
                if sender.out.room < needed {
                    continue;
                }
                for (piece, last) in pieces {
                    while pair.end(from).out.bytes.len() > room.saturating_sub(needed) {
                        pair.turn(from);
                    }
                    let end = pair.end(from);
                    end.machine.send_fragment(*kind, piece, *last, &mut end.out).unwrap();
                }
                expected.push(match kind {
                    MessageKind::Text => Seen::text(text),
                    MessageKind::Binary => Seen::binary(text.as_bytes()),
                });
            }
            pair.settle();
            prop_assert_eq!(&pair.end(from.peer()).log.events, &expected);
            let sent = pair.end(from).sent.clone();
            judge(from, &sent);
        }
    }

    /// Whatever callers do, both ends write what a strict peer takes, see what the other wrote, and come to an end.
    #[test]
    fn two_ends_agree_row_73_91(
        commands in vec(command(), 0..40),
        room in prop_oneof![2 => Just(usize::MAX), 1 => 140_usize..400],
        mark in 131_usize..1000,
        seed: u64,
    ) {
        let config = Config::default()
            .high_water_mark(mark).unwrap()
            .keepalive(secs(2), secs(1000)).unwrap()
            // Longer than all that is waited for.
            .closing_timeout(secs(1000));
        for mut pair in pairs(config, room, seed) {
            for (role, command) in &commands {
                let now = pair.now;
                let end = pair.end(*role);
                let (machine, out) = (&mut end.machine, &mut end.out);
                let (before, may_send) = (out.bytes.clone(), machine.may_send());
                let result = match command {
                    Command::Send(MessageKind::Text, text) => machine.send_text(text, out),
                    Command::Send(MessageKind::Binary, data) => machine.send_binary(data.as_bytes(), out),
                    Command::Part(kind, part, last) => machine.send_fragment(*kind, part, *last, out),
                    Command::Ping(payload) => machine.send_ping(payload, out),
                    Command::Pong(payload) => machine.send_pong(payload, out),
                    Command::Close(code, reason) => machine.close(*code, reason, out),
                    Command::Wait(time) => {
                        pair.now = now + secs(*time);
                        Ok(())
                    }
                    Command::Turn => {
                        pair.turn(*role);
                        Ok(())
                    }
                };
                if result.is_err() {
                    let end = pair.end(*role);
                    prop_assert_eq!(&end.out.bytes, &before);
                    prop_assert_eq!(end.machine.may_send(), may_send);
                }
                if !may_send && !matches!(command, Command::Wait(_) | Command::Turn | Command::Ping(_) | Command::Pong(_) | Command::Close(..)) {
                    prop_assert_eq!(result, Err(UsageError::Closed));
                }
            }
            // Whoever is in the midst of a message may close all the same.
            pair.settle();
            let end = &mut pair.client;
            if end.machine.may_send() {
                end.machine.close(Some(1000), "", &mut end.out).unwrap();
            }
            pair.settle();
            for role in common::BOTH_ROLES {
                prop_assert_eq!(pair.end(role).next, CLEAN);
                let frames = judge(role, &pair.end(role).sent.clone());
                prop_assert_eq!(&pair.end(role.peer()).log.events, &seen_of(&frames));
            }
        }
    }

    #[test]
    fn header_encodes_and_parses(
        fin: bool, rsv in 0_u8..8, opcode in 0_u8..16, mask: Option<[u8; 4]>,
        payload_len in prop_oneof![0..200_u64, 65_400..65_700_u64, 0..1_u64 << 63], tail in vec(any::<u8>(), 0..4),
    ) {
        let Some(opcode) = Opcode::from_bits(opcode) else { return Ok(()) };
        let header = FrameHeader { fin, rsv: rsv << 4, opcode, mask, payload_len };
        let Ok(encoded) = header.encode() else {
            prop_assert!(opcode.is_control() && (payload_len > 125 || !fin));
            return Ok(());
        };
        let bytes = [&encoded[..], &tail].concat();
        prop_assert_eq!(FrameHeader::parse(&bytes), Ok(Some((header, encoded.len()))));
        for cut in 0..encoded.len() {
            prop_assert_eq!(FrameHeader::parse(&bytes[..cut]), Ok(None));
        }
    }

    /// A header that is taken encodes to the bytes it came as.
    #[test]
    fn header_parses_and_encodes(bytes in vec(prop_oneof![any::<u8>(), Just(0), Just(126), Just(0x82)], 0..16)) {
        if let Ok(Some((header, len))) = FrameHeader::parse(&bytes) {
            prop_assert_eq!(&header.encode().unwrap()[..], &bytes[..len]);
        }
    }

    /// Text in any fragments is taken as core would take the whole, and failed at the first bad byte.
    #[test]
    fn text_is_what_core_says_row_56_57_58(
        role in role(), text in text_like(), parts in any_cuts(), at in any_cuts(), ping: bool,
    ) {
        let to = To(role);
        let mut bytes = to.frame(0x01, b"");
        let (mut start, mut pings) = (0, 0);
        for cut in cuts(&parts, text.len()) {
            bytes.extend(to.frame(0x00, &text[start..cut]));
            if ping {
                bytes.extend(to.pong(b"\xFF"));
                // Those behind the fault are not told.
                pings += usize::from(cut <= possible_utf8(&text));
            }
            start = cut;
        }
        bytes.extend(to.frame(0x80, &text[start..]));
        let outcome = Check::of(role).run_cut(&bytes, &cuts(&at, bytes.len()));
        let mut events = vec![Seen::pong(b"\xFF"); pings];
        if let Ok(text) = core::str::from_utf8(&text) {
            events.push(Seen::text(text));
            prop_assert_eq!(outcome, common::Outcome::of(&events, &[], common::OPEN));
        } else {
            let good = possible_utf8(&text);
            prop_assert_eq!(outcome.events, events);
            prop_assert_eq!(outcome.next, common::failed(ProtocolError::InvalidUtf8));
            prop_assert_eq!(outcome.output, vec![common::close(1007)]);
            let told = outcome.partial.map_or(0, |(_, data)| data.len());
            // The last byte of a text that ends too early is the bad one, if its frame has one.
            let cut_off = good == text.len();
            prop_assert!(told == good || cut_off && told + 1 == good && start < text.len());
        }
    }

    /// A message is taken up to the limit, whatever it is cut into, and not a byte above it.
    #[test]
    fn limit_is_kept_row_51_52(role in role(), sizes in vec(0_usize..60, 1..8), limit in 1_u64..200) {
        let to = To(role);
        let parts: Vec<Vec<u8>> = sizes.iter().map(|size| vec![0xFF; *size]).collect();
        let parts: Vec<&[u8]> = parts.iter().map(|part| &part[..]).collect();
        let bytes = to.fragments(2, &parts);
        let config = Config::default().message_limit(limit).unwrap();
        let outcome = Check::of(role).config(config).run_cut(&bytes, &[bytes.len() / 2]);
        let sums = sizes.iter().scan(0, |sum, size| { *sum += *size as u64; Some(*sum) });
        if sums.clone().any(|sum| sum > limit) {
            let error = ProtocolError::MessageTooLong;
            prop_assert_eq!(outcome.next, common::failed(error));
            prop_assert_eq!(outcome.output, vec![common::close(1009)]);
            let told = outcome.partial.map_or(0, |(_, data)| data.len()) as u64;
            prop_assert_eq!(told, sums.take_while(|sum| *sum <= limit).last().unwrap_or(0));
        } else {
            let events = [Seen::Binary(parts.concat())];
            prop_assert_eq!(outcome, common::Outcome::of(&events, &[], common::OPEN));
        }
    }

    /// Through an output that a frame may not fit, each frame comes whole or the call is refused.
    #[test]
    fn output_of_any_room_row_95(role in role(), room in 0_usize..300, items in vec((0_usize..280, any::<bool>()), 0..12)) {
        for (mut machine, mut reference) in ends(role, Config::default()).into_iter().zip(ends(role, Config::default())) {
            let (mut out, mut all) = (Wire::with_room(room), Wire::new());
            let (mut log, mut sent) = (Log::default(), Vec::new());
            let mask = if role == Role::Client { 4 } else { 0 };
            for (len, receives) in &items {
                let payload = vec![b'x'; *len];
                if *receives {
                    let payload = &payload[..len / 3];
                    machine.take(&To(role).ping(payload), &mut out, &mut log);
                    if 2 + mask + payload.len() <= room {
                        reference.take(&To(role).ping(payload), &mut all, &mut log);
                    }
                } else {
                    let result = machine.send_binary(&payload, &mut out);
                    let needed = if *len < 126 { 2 } else { 4 } + mask + len;
                    if needed <= room {
                        prop_assert_eq!(result, Ok(()));
                        reference.send_binary(&payload, &mut all).unwrap();
                    } else {
                        prop_assert_eq!(result, Err(UsageError::OutputFull { needed }));
                    }
                }
                sent.extend(out.drain());
            }
            prop_assert_eq!(sent, all.bytes);
        }
    }

    /// No two frames of a client are masked alike, and the seed alone decides.
    #[test]
    fn masking_keys_are_fresh_row_113(seed: [u8; 32], payloads in vec(vec(any::<u8>(), 0..20), 1..60)) {
        let mut sessions = Vec::new();
        for _ in 0..2 {
            let mut client = Connection::open(Negotiated::client(seed), Config::default());
            let mut out = Wire::new();
            for payload in &payloads {
                client.send_binary(payload, &mut out).unwrap();
            }
            sessions.push(out.bytes);
        }
        prop_assert_eq!(&sessions[0], &sessions[1]);
        let keys: BTreeSet<_> = judge(Role::Client, &sessions[0]).iter().map(|frame| frame.key.0).collect();
        prop_assert_eq!(keys.len(), payloads.len());
    }

    /// Time passes in any steps: a poll at the deadline gets further, and one Ping at most is out.
    #[test]
    fn timers_get_on(
        role in role(), interval in 1_u64..50, timeout in 1_u64..50, idle in proptest::option::of(1_u64..100),
        steps in vec((0_u64..40, any::<bool>()), 1..40),
    ) {
        let mut config = Config::default().keepalive(secs(interval), secs(timeout)).unwrap();
        if let Some(idle) = idle {
            config = config.idle_timeout(secs(idle)).unwrap();
        }
        let mut machine = <Connection as Machine>::open(opened(role), config);
        let (mut out, mut log) = (Wire::new(), Log::default());
        let (mut now, mut life, mut asked) = (0, 0, None);
        let mut next = machine.poll(secs(0), &mut out);
        for (step, heard) in steps {
            let Next::Wait(Some(deadline)) = next else { break };
            prop_assert!(deadline > secs(now), "a deadline is later than now");
            now += step;
            if heard {
                machine.take(&To(role).pong(b""), &mut out, &mut log);
                (life, asked) = (now, None);
            }
            next = machine.poll(secs(now), &mut out);
            let idle_over = idle.is_some_and(|idle| now >= life + idle);
            let unanswered = asked.is_some_and(|asked| now >= asked + timeout);
            prop_assert_eq!(matches!(next, Next::End(_)), idle_over || unanswered);
            let pings = judge(role, &out.drain()).iter().filter(|frame| frame.first == 0x89).count();
            let due = asked.is_none() && now >= life + interval && !idle_over;
            prop_assert_eq!(pings, usize::from(due));
            if due {
                asked = Some(now);
            }
        }
    }

    /// What is told does not depend on what comes behind it: events, replies and chunks of the start are those of the
    /// whole.
    #[test]
    fn nothing_told_is_taken_back_row_120(role in role(), items in vec(any_item(), 0..8), at: Index) {
        let bytes = script(&items, role);
        let start = Check::of(role).run_cut(&bytes[..at.index(bytes.len() + 1)], &[]);
        let whole = Check::of(role).run_cut(&bytes, &[]);
        prop_assert!(whole.events.starts_with(&start.events));
        prop_assert!(whole.output.starts_with(&start.output));
        if matches!(start.next, Next::End(_)) {
            prop_assert_eq!(&start, &whole);
        }
        if let Some((kind, begun)) = start.partial {
            let later = whole.events[start.events.len()..].iter().find_map(|event| match event {
                Seen::Text(text) => Some((MessageKind::Text, text.clone().into_bytes())),
                Seen::Binary(data) => Some((MessageKind::Binary, data.clone())),
                _ => None,
            });
            let (same, data) = later.or(whole.partial).expect("the message goes on");
            prop_assert!(same == kind && data.starts_with(&begun));
        }
    }

    /// A frame whose payload the caller writes beside the output is the frame that would have been appended.
    #[test]
    fn starting_is_sending(role in role(), frames in vec((kind(), vec(any::<u8>(), 0..300), any::<bool>(), any::<bool>()), 1..12)) {
        for (mut one, mut two) in ends(role, Config::default()).into_iter().zip(ends(role, Config::default())) {
            let mut out = Wire::new();
            let mut beside = Vec::new();
            for (kind, payload, whole, last) in &frames {
                // Text of which only the caller knows that it is.
                let payload: Vec<u8> = payload.iter().map(|byte| byte & 0x7F).collect();
                let sent = match (whole, kind) {
                    (true, MessageKind::Text) => one.send_text(core::str::from_utf8(&payload).unwrap(), &mut out),
                    (true, MessageKind::Binary) => one.send_binary(&payload, &mut out),
                    (false, _) => one.send_fragment(*kind, &payload, *last, &mut out),
                };
                let started = if *whole {
                    two.start_message(*kind, &payload)
                } else {
                    two.start_fragment(*kind, &payload, *last)
                };
                prop_assert_eq!(started.as_ref().map(|_| ()).map_err(|error| *error), sent);
                beside.extend(started.unwrap_or_default());
            }
            judge(role, &out.bytes);
            prop_assert_eq!(beside, out.bytes);
        }
    }

    /// A Close frame arrives as it was sent, and is answered with its code; what may not be sent is refused.
    #[test]
    fn close_arrives_row_68_69_70(
        from in role(), code in proptest::option::of(prop_oneof![995_u16..1020, 2990_u16..5010, any::<u16>()]), reason in "\\PC{0,60}",
    ) {
        let sendable = code.is_some_and(|code| matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999));
        for mut pair in pairs(Config::default(), usize::MAX, 1) {
            let end = pair.end(from);
            let result = end.machine.close(code, &reason, &mut end.out);
            if code.is_none() && reason.is_empty() || sendable && reason.len() <= 123 {
                prop_assert_eq!(result, Ok(()));
                pair.settle();
                let (code, answer) = (code.unwrap_or(1005), code.map_or(Frame::new(0x88, b""), common::close));
                prop_assert_eq!(&pair.end(from.peer()).log.events, &[Seen::close(code, &reason)]);
                let answered = judge(from.peer(), &pair.end(from.peer()).sent.clone());
                prop_assert_eq!(answered, &[answer]);
                prop_assert_eq!((pair.client.next, pair.server.next), (CLEAN, CLEAN));
            } else {
                let error = if sendable { UsageError::ControlTooLong } else { UsageError::InvalidCloseCode };
                prop_assert_eq!(result, Err(error));
                prop_assert!(end.out.bytes.is_empty() && end.machine.may_send());
            }
        }
    }

    /// A message may come in so many frames, and not in one more, whatever is between them.
    #[test]
    fn fragments_are_counted_row_54(role in role(), frames in 1_u32..30, limit in 1_u32..30, ping: bool, first in 1_u8..3) {
        let to = To(role);
        let mut bytes = Vec::new();
        for index in 0..frames {
            let opcode = if index == 0 { first } else { 0 };
            bytes.extend(to.frame(if index + 1 == frames { 0x80 } else { 0 } | opcode, b"x"));
            if ping {
                bytes.extend(to.pong(b""));
            }
        }
        let config = Config::default().fragment_limit(limit).unwrap();
        let outcome = Check::of(role).config(config).run_cut(&bytes, &[bytes.len() / 2]);
        if frames <= limit {
            prop_assert_eq!(outcome.next, common::OPEN);
            prop_assert_eq!(outcome.events.len(), 1 + if ping { frames as usize } else { 0 });
        } else {
            prop_assert_eq!(outcome.next, common::failed(ProtocolError::TooManyFragments));
            prop_assert_eq!(outcome.output, vec![common::close(1008)]);
        }
    }

    /// A peer that is heard within its time is never given up, one that falls silent is, and just then.
    #[test]
    fn keepalive_tells_slow_from_gone_row_76(
        interval in 1_u64..50, timeout in 2_u64..50, delays in vec(any::<Index>(), 1..30), silent in role(), seed: u64,
    ) {
        let config = Config::default().keepalive(secs(interval), secs(timeout)).unwrap();
        for mut pair in pairs(config, usize::MAX, seed) {
            pair.settle();
            let mut now = 0;
            for delay in &delays {
                // Both are asleep for less than the timeout, and then get all that was on its way.
                now += 1 + delay.index(timeout as usize - 1) as u64;
                pair.now = secs(now);
                pair.settle();
                for role in common::BOTH_ROLES {
                    prop_assert!(matches!(pair.end(role).next, Next::Wait(Some(_))), "at {now}");
                }
            }
            // From now on nothing comes from one of them.
            let end = pair.end(silent.peer());
            let mut polls = 0;
            while let Next::Wait(Some(deadline)) = end.next {
                prop_assert!(deadline > secs(now), "a deadline is later than now");
                now = deadline.as_secs();
                end.next = end.machine.poll(deadline, &mut end.out);
                polls += 1;
            }
            prop_assert_eq!(end.next, Next::End(Err(Failure::TimedOut(Timeout::Keepalive))));
            prop_assert!(polls <= 2, "a Ping, and the end");
            let frames = judge(silent.peer(), &end.out.bytes);
            let close = common::close(1011);
            prop_assert_eq!(frames.last(), Some(&close));
        }
    }
}

/// A session of each role as its peer recorded it.
fn recorded(role: Role) -> Vec<u8> {
    let to = To(role);
    [
        to.text("a text, κόσμε"),
        to.frame(0x02, b"frag"),
        to.ping(b"ping"),
        to.frame(0x80, b"ment"),
        to.binary(&[7; 130]),
        to.pong(b""),
        to.close(1000, "done"),
    ]
    .concat()
}

/// Every single bit of a recorded session, flipped: it ends, by itself or with the transport, and what was sent is legal.
#[test]
fn every_bit_flipped_ends_row_108() {
    for role in common::BOTH_ROLES {
        let session = recorded(role);
        for bit in 0..session.len() * 8 {
            let mut bytes = session.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            // The partition differs from bit to bit.
            let cuts = [bit % bytes.len(), bytes.len()];
            let outcome = Check::of(role).eof().run_cut(&bytes, &cuts);
            assert!(matches!(outcome.next, Next::End(_)), "bit {bit}: {:?}", outcome.next);
            let closes = outcome.output.iter().filter(|frame| frame.first == 0x88).count();
            let expected = usize::from(outcome.next != EOF);
            assert_eq!(closes, expected, "bit {bit}: {outcome:?}");
        }
    }
}

/// Both ends of a recorded session, with a bit flipped on the way to the server: both come to an end, none panics.
#[test]
fn bit_flipped_on_the_way_ends_both_row_108() {
    let mut client = <Connection as Machine>::open(Negotiated::client(SEED), Config::default());
    let mut out = Wire::new();
    client.send_text("a text", &mut out).unwrap();
    client.send_fragment(MessageKind::Binary, b"frag", false, &mut out).unwrap();
    client.send_ping(b"ping", &mut out).unwrap();
    client.send_fragment(MessageKind::Binary, b"ment", true, &mut out).unwrap();
    Machine::close(&mut client, Some(1000), "bye", &mut out).unwrap();
    let sent = out.drain();
    for bit in 0..sent.len() * 8 {
        for (mut server, mut client) in ends(Role::Server, Config::default())
            .into_iter()
            .zip(ends(Role::Client, Config::default()))
        {
            let mut bytes = sent.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let (mut down, mut up) = (Wire::new(), Wire::new());
            let (mut at_server, mut at_client) = (Log::default(), Log::default());
            client.close(Some(1000), "bye", &mut up).unwrap();
            server.feed(&mut bytes, &mut down, &mut at_server);
            // A length that grew has it wait for more: the client's transport ends at last.
            if !matches!(server.poll(secs(0), &mut down), Next::End(_)) {
                server.receive_eof();
            }
            assert!(matches!(server.poll(secs(0), &mut down), Next::End(_)), "bit {bit}");
            judge(Role::Server, &down.bytes);
            client.feed(&mut down.drain(), &mut up, &mut at_client);
            client.receive_eof();
            assert!(matches!(client.poll(secs(0), &mut up), Next::End(_)), "bit {bit}");
            judge(Role::Client, &up.bytes);
        }
    }
}
