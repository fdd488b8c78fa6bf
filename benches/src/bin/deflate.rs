//! Row 15: permessage-deflate beside the library that does the work: `cargo run --release --manifest-path
//! benches/Cargo.toml --features zlib-rs --bin deflate`, or `--features deflate`.
//!
//! Messages are 16 KiB of JSON, with context takeover and windows of 32 KiB.
//! The library alone inflates into a buffer that it keeps, and deflates out of one: no frames, no masks, no limits, no
//! text that is checked. All are at level 6, take turns, and pay one memcpy for the transport.

#[path = "../alloc.rs"]
#[allow(dead_code, reason = "the other benches use the rest")]
mod alloc;
#[path = "../payloads.rs"]
#[allow(dead_code, reason = "the other benches use the rest")]
mod payloads;

use std::env;
use std::hint::black_box;
use std::process::ExitCode;

use bytes::Bytes;
use payloads::{Content, Random, put_frame};
use rustix::time::{ClockId, clock_gettime};
use websocket_proto::{Config, DeflateConfig, Event, Negotiated, WebSocket};

const HELP: &str = "\
Measures permessage-deflate beside the library alone, on either backend.

Usage: cargo run --release --manifest-path benches/Cargo.toml --features deflate --bin deflate
       cargo run --release --manifest-path benches/Cargo.toml --features zlib-rs --bin deflate

Options:
  --run LANE PASSES   one lane, so many passes, to be counted by valgrind
";

const SIZE: usize = 16 * 1024;
const MESSAGES: usize = 32;
const REPETITIONS: usize = 31;
const LEVEL: u8 = 6;

/// The most that ours may take, of what the library takes.
const AT_MOST: f64 = 1.15;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        [] => compare(),
        ["--run", name, passes] => {
            let passes = passes.parse().expect("a number of passes");
            let mut lane = lanes().into_iter().find(|lane| lane.name == *name).expect("a lane");
            (0..passes).for_each(|_| (lane.pass)());
        }
        ["--help" | "-h"] => print!("{HELP}"),
        _ => {
            eprintln!("unknown arguments; --help shows what there is");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

/// Something that goes through all messages.
struct Lane {
    name: &'static str,
    pass: Box<dyn FnMut()>,
    /// The lane of the library alone, and the allocations that a message may take.
    goal: Option<(&'static str, f64)>,
}

fn compare() {
    let backend = if cfg!(feature = "zlib-rs") { "zlib-rs" } else { "miniz_oxide" };
    println!(
        "row 15: permessage-deflate, {backend}, JSON of 16 KiB, context takeover, level {LEVEL}"
    );
    println!("    µs a message, allocations, growths of buffers\n");
    let mut lanes = lanes();
    let mut allocations = Vec::new();
    for lane in &mut lanes {
        (0..3).for_each(|_| (lane.pass)());
        let before = alloc::counts();
        (lane.pass)();
        let after = alloc::counts();
        allocations
            .push([after.0 - before.0, after.1 - before.1].map(|it| it as f64 / MESSAGES as f64));
    }
    let mut times = vec![Vec::new(); lanes.len()];
    for _ in 0..REPETITIONS {
        for (lane, times) in lanes.iter_mut().zip(&mut times) {
            let begin = cpu_time();
            (lane.pass)();
            times.push((cpu_time() - begin) / 1e3 / MESSAGES as f64);
        }
    }
    let medians: Vec<f64> = times
        .iter_mut()
        .map(|times| {
            times.sort_by(f64::total_cmp);
            times[REPETITIONS / 2]
        })
        .collect();
    let (mut held, mut goals) = (0, 0);
    for (at, lane) in lanes.iter().enumerate() {
        let (time, [allocated, grown]) = (medians[at], allocations[at]);
        print!("    {:28}{time:>8.2} {allocated:>5.2} {grown:>5.2}", lane.name);
        if let Some((raw, at_most)) = lane.goal {
            let raw = lanes.iter().position(|lane| lane.name == raw).expect("a lane");
            let ratio = time / medians[raw];
            for (holds, what) in [
                (ratio <= AT_MOST, format!("{ratio:.2} of the library alone, at most {AT_MOST}")),
                // A buffer that is new may grow.
                (allocated.max(grown) <= at_most, format!("at most {at_most} allocations")),
            ] {
                print!("   {} {what}", if holds { "ok" } else { "NOT" });
                held += usize::from(holds);
                goals += 1;
            }
        }
        println!();
    }
    println!("\n{held} of {goals} goals hold");
}

fn lanes() -> Vec<Lane> {
    let random = &mut Random::default();
    let messages: Vec<Bytes> =
        (0..MESSAGES).map(|_| Content::Ascii.payload(SIZE, random)).collect();
    let mut deflate = library::Deflate::new();
    let payloads: Vec<Vec<u8>> =
        messages.iter().map(|data| deflate.deflate(data).to_vec()).collect();
    // What a later pass begins with refers to what this one began with, which is all the same to an inflater.
    let frames = |first: u8, random: &mut Random| -> Vec<Vec<u8>> {
        let frame = |payload: &Vec<u8>| {
            let mut frame = Vec::new();
            put_frame(first, payload, Some(random.key()), &mut frame);
            frame
        };
        payloads.iter().map(frame).collect()
    };
    let (binary, text) = (frames(0xC2, random), frames(0xC1, random));
    vec![
        inflate_alone(payloads),
        receive("receive binary", binary.clone(), true),
        receive("receive text", text.clone(), true),
        receive("receive binary, no recycle", binary, false),
        receive("receive text, no recycle", text, false),
        deflate_alone(messages.clone()),
        send("send binary", messages.clone(), |ws, data, out| ws.send_binary(data, out).is_ok()),
        send("send text", messages, |ws, data, out| {
            ws.send_text(core::str::from_utf8(data).expect("ASCII"), out).is_ok()
        }),
    ]
}

const INFLATE: &str = "inflate alone";
const DEFLATE: &str = "deflate alone";

fn server() -> WebSocket {
    let config = DeflateConfig::default();
    assert_eq!(config, config.level(LEVEL).expect("a level"));
    WebSocket::open(Negotiated::server().with_deflate(config.params(), config), Config::default())
}

fn inflate_alone(payloads: Vec<Vec<u8>>) -> Lane {
    let mut inflate = library::Inflate::new();
    let mut input = vec![0; 2 * SIZE];
    let pass = move || {
        for payload in &payloads {
            let input = &mut input[..payload.len() + TAIL.len()];
            input[..payload.len()].copy_from_slice(payload);
            input[payload.len()..].copy_from_slice(&TAIL);
            consume(inflate.inflate(input));
        }
    };
    Lane { name: INFLATE, pass: Box::new(pass), goal: None }
}

fn receive(name: &'static str, frames: Vec<Vec<u8>>, recycles: bool) -> Lane {
    let (mut ws, mut input, mut out) = (server(), vec![0; 2 * SIZE], Vec::new());
    let pass = move || {
        for frame in &frames {
            let mut input = &mut input[..frame.len()];
            input.copy_from_slice(frame);
            let data = match ws.receive(&mut input, &mut out) {
                Some(Event::Binary(data)) => data.into_owned(),
                Some(Event::Text(text)) => text.into_owned().into_bytes(),
                other => panic!("{other:?}"),
            };
            consume(&data);
            if recycles {
                ws.recycle(data);
            }
        }
    };
    let goal = Some((INFLATE, if recycles { 0.0 } else { 1.0 }));
    Lane { name, pass: Box::new(pass), goal }
}

fn deflate_alone(messages: Vec<Bytes>) -> Lane {
    let (mut deflate, mut sink) = (library::Deflate::new(), vec![0; 2 * SIZE]);
    let pass = move || {
        for data in &messages {
            let payload = deflate.deflate(data);
            sink[..payload.len()].copy_from_slice(payload);
            black_box(&mut sink);
        }
    };
    Lane { name: DEFLATE, pass: Box::new(pass), goal: None }
}

fn send(
    name: &'static str,
    messages: Vec<Bytes>,
    send: fn(&mut WebSocket, &[u8], &mut Vec<u8>) -> bool,
) -> Lane {
    let (mut ws, mut out, mut sink) = (server(), Vec::new(), vec![0; 2 * SIZE]);
    let pass = move || {
        for data in &messages {
            assert!(send(&mut ws, data, &mut out), "it is open");
            sink[..out.len()].copy_from_slice(&out);
            black_box(&mut sink);
            out.clear();
        }
    };
    Lane { name, pass: Box::new(pass), goal: Some((DEFLATE, 0.0)) }
}

/// What whoever gets a message does: looks at one byte in 64.
fn consume(data: &[u8]) {
    assert_eq!(data.len(), SIZE);
    black_box(data.iter().step_by(64).fold(0_u8, |sum, byte| sum.wrapping_add(*byte)));
}

/// What a sender takes off the end of a message, and a receiver puts back (RFC 7692 §7.2).
const TAIL: [u8; 4] = [0x00, 0x00, 0xFF, 0xFF];

/// The backend as its documentation shows it, with buffers that are kept.
#[cfg(not(feature = "zlib-rs"))]
mod library {
    use miniz_oxide::deflate::core::{CompressionStrategy, CompressorOxide, TDEFLFlush, compress};
    use miniz_oxide::inflate::stream::{InflateState, inflate};
    use miniz_oxide::{DataFormat, MZFlush};

    use super::{LEVEL, SIZE, TAIL};

    pub struct Inflate(Box<InflateState>, Vec<u8>);

    impl Inflate {
        pub fn new() -> Self {
            Self(InflateState::new_boxed(DataFormat::Raw), vec![0; SIZE + 1])
        }

        pub fn inflate(&mut self, input: &[u8]) -> &[u8] {
            let made = inflate(&mut self.0, input, &mut self.1, MZFlush::Sync).bytes_written;
            &self.1[..made]
        }
    }

    pub struct Deflate(Box<CompressorOxide>, Vec<u8>);

    impl Deflate {
        pub fn new() -> Self {
            let strategy = CompressionStrategy::Default;
            let compressor = CompressorOxide::with_params(DataFormat::Raw, LEVEL, strategy, 15);
            Self(Box::new(compressor), vec![0; 2 * SIZE])
        }

        pub fn deflate(&mut self, data: &[u8]) -> &[u8] {
            let (_, taken, made) = compress(&mut self.0, data, &mut self.1, TDEFLFlush::Sync);
            assert_eq!(taken, data.len());
            self.1[..made].strip_suffix(&TAIL).expect("a flush")
        }
    }
}

#[cfg(feature = "zlib-rs")]
mod library {
    use zlib_rs::{DeflateConfig, DeflateFlush, InflateFlush};

    use super::{LEVEL, SIZE, TAIL};

    pub struct Inflate(zlib_rs::Inflate, Vec<u8>);

    impl Inflate {
        pub fn new() -> Self {
            Self(zlib_rs::Inflate::new(false, 15), vec![0; SIZE + 1])
        }

        pub fn inflate(&mut self, input: &[u8]) -> &[u8] {
            let before = self.0.total_out();
            self.0.decompress(input, &mut self.1, InflateFlush::SyncFlush).expect("it is whole");
            &self.1[..(self.0.total_out() - before) as usize]
        }
    }

    pub struct Deflate(zlib_rs::Deflate, Vec<u8>);

    impl Deflate {
        pub fn new() -> Self {
            let level = LEVEL.into();
            let config = DeflateConfig { level, window_bits: -15, ..DeflateConfig::default() };
            Self(zlib_rs::Deflate::new_with_config(config), vec![0; 2 * SIZE])
        }

        pub fn deflate(&mut self, data: &[u8]) -> &[u8] {
            let before = self.0.total_out();
            self.0.compress(data, &mut self.1, DeflateFlush::SyncFlush).expect("there is room");
            self.1[..(self.0.total_out() - before) as usize].strip_suffix(&TAIL).expect("a flush")
        }
    }
}

/// Nanoseconds of CPU that this thread has used.
fn cpu_time() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}
