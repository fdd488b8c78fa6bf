//! Work against a connection and its handshake that an attacker could choose, in sizes n, 2n and 4n, for
//! `tests/counted/run` to count the instructions of. What it asks of the allocator is counted here.
//!
//! Each work is done once in each size, the smallest possible one first: its cost is what does not depend on the
//! size. Prints a line for each: the name, the unit of the size, the size, the calls of the allocator, the bytes
//! held in the end and how many may be, the most bytes held at a time and how many may be.
//!
//! Usage: counted LANE LANES [WORD]...: of the work whose name contains one of the words, that of one lane among so many.

#[path = "../../common/counting.rs"]
#[allow(dead_code, reason = "tests use the rest")]
mod counting;
#[cfg(feature = "deflate")]
mod deflate;
mod frames;
mod handshake;
mod lifetime;

use websocket_proto::{Config, Negotiated, Role, WebSocket};

/// Everything that is to be counted.
struct Row {
    name: String,
    unit: &'static str,
    /// n; the others are nothing, 2n and 4n.
    size: usize,
    prepare: Box<dyn Fn(usize) -> Work>,
}

/// Some work, prepared, and the bytes of heap that it may hold: at a time, and in the end.
struct Work {
    run: Box<dyn FnMut()>,
    most: usize,
    kept: usize,
}

impl Row {
    fn new(
        name: impl Into<String>,
        unit: &'static str,
        size: usize,
        prepare: impl Fn(usize) -> Work + 'static,
    ) -> Self {
        Self { name: name.into(), unit, size, prepare: Box::new(prepare) }
    }
}

impl Work {
    /// Work that may hold `most` bytes at a time, and nothing in the end.
    fn new(most: usize, run: impl FnMut() + 'static) -> Self {
        Self { run: Box::new(run), most, kept: 0 }
    }

    /// Work whose result may be held in the end.
    fn keeping(most: usize, run: impl FnMut() + 'static) -> Self {
        Self { run: Box::new(run), most, kept: most }
    }
}

fn main() {
    let rows = if cfg!(feature = "deflate") {
        compressed()
    } else {
        let rows = [handshake::rows(), frames::rows(), lifetime::rows(), planted()];
        rows.into_iter().flatten().collect()
    };
    let mut arguments = std::env::args().skip(1);
    let mut number = || arguments.next().and_then(|it| it.parse().ok()).expect("a number");
    let (lane, lanes): (usize, usize) = (number(), number());
    let words: Vec<String> = arguments.collect();
    let is_wanted =
        |row: &Row| words.is_empty() || words.iter().any(|word| row.name.contains(word));
    let wanted = rows.into_iter().filter(is_wanted);
    for row in wanted.skip(lane).step_by(lanes) {
        for size in [0, row.size, 2 * row.size, 4 * row.size] {
            let mut work = (row.prepare)(size);
            let ((), cost) = counting::cost(|| measured(&mut *work.run));
            let (Row { name, unit, .. }, Work { most, kept, .. }) = (&row, &work);
            let counting::Cost { calls, kept: is_kept, peak } = cost;
            println!("{name}\t{unit}\t{size}\t{calls}\t{is_kept}\t{kept}\t{peak}\t{most}");
        }
    }
}

/// The instructions within this function are those that count.
#[inline(never)]
#[unsafe(no_mangle)]
extern "Rust" fn measured(work: &mut dyn FnMut()) {
    work();
}

/// Work that is not linear, and memory for a declared length, so that the script can show that it finds them.
fn planted() -> Vec<Row> {
    vec![
        Row::new("planted: each byte looks at all before it", "bytes", 1000, |size| {
            let bytes = vec![1_u8; size];
            Work::new(0, move || {
                for end in 0..bytes.len() {
                    let sum = bytes[..end].iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
                    std::hint::black_box(sum);
                }
            })
        }),
        Row::new("planted: memory for a declared length", "bytes", 1000, |size| {
            Work::new(size / 2, move || drop(std::hint::black_box(Vec::<u8>::with_capacity(size))))
        }),
    ]
}

#[cfg(feature = "deflate")]
use deflate::rows as compressed;

#[cfg(not(feature = "deflate"))]
fn compressed() -> Vec<Row> {
    Vec::new()
}

const ROLES: [Role; 2] = [Role::Client, Role::Server];

fn name_of(role: Role) -> &'static str {
    match role {
        Role::Client => "client",
        Role::Server => "server",
    }
}

fn negotiated(role: Role) -> Negotiated<'static> {
    match role {
        Role::Client => Negotiated::client([7; 32]),
        Role::Server => Negotiated::server(),
    }
}

fn websocket(role: Role) -> WebSocket {
    WebSocket::open(negotiated(role), Config::default())
}
