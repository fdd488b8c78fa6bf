//! The rows: what runs, and what is to be reached.

use crate::contender::Entry;
use crate::contender::Role::{Client, Server};
use crate::contenders::{self, KEEPING};
use crate::payloads::Content;
use crate::workloads::{Job, WHOLE, Workload};

pub struct Row {
    pub number: u32,
    pub title: &'static str,
    pub cases: Vec<Case>,
}

pub struct Case {
    pub label: &'static str,
    pub workload: Workload,
    pub goals: Vec<Goal>,
    /// One more lane, of ours, under a name of its own.
    pub beside: Option<(&'static str, &'static Entry, Workload)>,
}

pub enum Goal {
    /// The fastest of others takes at least so many times as long as ours.
    Ratio { ours: &'static str, others: &'static [&'static str], at_least: f64 },
    /// Ours takes at most so many instructions a message, the consumer's not counted.
    Instructions { ours: &'static str, at_most: f64 },
    /// Ours allocates at most so often for a message; where it does, the buffer may grow.
    Allocations { ours: &'static str, at_most: f64 },
}

pub const OURS: &str = contenders::WHOLE.name;
const CHUNKS: &str = contenders::CHUNKS.name;
const VECTORED: &str = contenders::VECTORED.name;
const FLOOR: &[&str] = &["floor"];
const FLOOR_VECTORED: &[&str] = &["floor vectored"];
const TOKIO_WEBSOCKETS: &[&str] = &["tokio-websockets"];
const WEBSOCKET_CODEC: &[&str] = &["websocket-codec"];
const SOCKUDO_WS: &[&str] = &["sockudo-ws"];
const TUNGSTENITE: &[&str] = &["tungstenite"];
const SANS_IO: &[&str] = &["websocket-sans-io"];
const EMBEDDED: &[&str] = &["embedded-websocket"];
const FASTER_OF_BOTH: &[&str] = &["tokio-websockets", "sockudo-ws"];
const LONG_READS: &[&str] = &["reads of 16 KiB"];

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

pub fn all() -> Vec<Row> {
    let receive = |role, size| Workload::new(role, Job::Receive, size);
    vec![
        row(
            1,
            "server receives masked binary, 16 B",
            [case("16 B", receive(Server, 16))
                .ratio(OURS, TOKIO_WEBSOCKETS, 4.5)
                .ratio(OURS, WEBSOCKET_CODEC, 1.8)
                .instructions(95.0)],
        ),
        row(
            2,
            "server receives masked binary, 125 B",
            [case("125 B", receive(Server, 125))
                .ratio(OURS, TOKIO_WEBSOCKETS, 4.0)
                .ratio(OURS, WEBSOCKET_CODEC, 1.5)
                .instructions(155.0)],
        ),
        row(
            3,
            "server receives masked binary, 1 KiB",
            [case("1 KiB", receive(Server, KIB)).ratio(OURS, TOKIO_WEBSOCKETS, 1.7)],
        ),
        row(4, "server receives masked binary, large", large()),
        row(5, "reads of 1,460 bytes", short_reads()),
        row(
            6,
            "client receives binary",
            [
                case("16 B", receive(Client, 16))
                    .ratio(OURS, SOCKUDO_WS, 4.0)
                    .ratio(OURS, WEBSOCKET_CODEC, 1.6)
                    .instructions(65.0),
                case("125 B", receive(Client, 125))
                    .ratio(OURS, SOCKUDO_WS, 4.0)
                    .ratio(OURS, WEBSOCKET_CODEC, 1.6)
                    .instructions(80.0),
            ],
        ),
        row(7, "server receives masked text", text()),
        row(
            8,
            "server sends binary",
            [("16 B", 16), ("125 B", 125), ("1 KiB", KIB), ("16 KiB", 16 * KIB), ("1 MiB", MIB)]
                .map(|(label, size)| {
                    case(label, Workload::new(Server, Job::Send, size))
                        .ratio(OURS, FLOOR, 1.0 / 1.2)
                        .ratio(VECTORED, FLOOR_VECTORED, 1.0 / 1.2)
                }),
        ),
        row(
            9,
            "client sends binary, a fresh masking key each",
            [
                ("16 B", 16, 1.0),
                ("125 B", 125, 1.0),
                ("1 KiB", KIB, 1.1),
                ("16 KiB", 16 * KIB, 1.1),
            ]
            .map(|(label, size, at_least)| {
                case(label, Workload::new(Client, Job::Send, size))
                    .ratio(OURS, SOCKUDO_WS, at_least)
            }),
        ),
        row(
            10,
            "server echoes binary",
            [case("125 B", Workload::new(Server, Job::Echo, 125)).ratio(OURS, SOCKUDO_WS, 3.0)],
        ),
        row(
            11,
            "server receives 1 MiB in fragments of 4 KiB, a Ping behind every 16",
            [case("1 MiB", Workload { fragment: Some(4 * KIB), ..receive(Server, MIB) })
                .ratio(OURS, SOCKUDO_WS, 1.15)
                .ratio(CHUNKS, SANS_IO, 1.4)],
        ),
        row(
            12,
            "opening handshake",
            [
                case("accept", Workload::new(Server, Job::Accept, 0)),
                case("connect", Workload::new(Client, Job::Connect, 0)),
            ]
            .map(|case| {
                case.ratio(OURS, TUNGSTENITE, 3.5).ratio(OURS, EMBEDDED, 1.0).allocations(OURS, 0.0)
            }),
        ),
        row(13, "allocations", allocations()),
        row(14, "memory", []),
    ]
}

/// The peer's masking picks AVX-512 at run time, which safe code cannot: more is asked for where AVX2 is built in.
fn large() -> Vec<Case> {
    let at_least = if cfg!(target_feature = "avx2") { 1.0 } else { 0.9 };
    let receive = |size| Workload::new(Server, Job::Receive, size);
    let sizes = [("16 KiB", 16 * KIB), ("64 KiB", 64 * KIB), ("1 MiB", MIB)];
    let reads_of_16_kib = sizes.map(|(label, size)| {
        case(label, receive(size))
            .ratio(OURS, TOKIO_WEBSOCKETS, at_least)
            .ratio(CHUNKS, SANS_IO, 1.25)
    });
    let whole_reads = [("16 KiB, whole reads", 16 * KIB), ("1 MiB, whole reads", MIB)];
    let whole_reads = whole_reads
        .map(|(label, size)| case(label, Workload { read_size: WHOLE, ..receive(size) }));
    reads_of_16_kib.into_iter().chain(whole_reads).collect()
}

fn short_reads() -> impl IntoIterator<Item = Case> {
    [
        ("16 B", 16),
        ("125 B", 125),
        ("1 KiB", KIB),
        ("16 KiB", 16 * KIB),
        ("64 KiB", 64 * KIB),
        ("1 MiB", MIB),
    ]
    .map(|(label, size)| {
        let workload = Workload::new(Server, Job::Receive, size);
        let mut case = case(label, Workload { read_size: 1460, ..workload }).ratio(
            OURS,
            LONG_READS,
            1.0 / 1.35,
        );
        case.beside = Some((LONG_READS[0], contenders::WHOLE, workload));
        case
    })
}

fn text() -> impl IntoIterator<Item = Case> {
    [
        ("ASCII 16 B", Content::Ascii, 16, 3.5),
        ("ASCII 125 B", Content::Ascii, 125, 3.0),
        ("ASCII 1 KiB", Content::Ascii, KIB, 1.2),
        ("mixed 125 B", Content::Mixed, 125, 1.6),
        ("mixed 1 KiB", Content::Mixed, KIB, 1.2),
        ("mixed 16 KiB", Content::Mixed, 16 * KIB, 1.0),
    ]
    .map(|(label, content, size, at_least)| {
        let workload = Workload::new(Server, Job::Receive, size);
        case(label, Workload { content, ..workload }).ratio(OURS, FASTER_OF_BOTH, at_least)
    })
}

fn allocations() -> impl IntoIterator<Item = Case> {
    let receive =
        |size, read_size| Workload { read_size, ..Workload::new(Server, Job::Receive, size) };
    // A header of 8 bytes before each.
    let halves = [("1 KiB in halves", KIB), ("16 KiB in halves", 16 * KIB)].map(|(label, size)| {
        let workload = receive(size, (size + 8) / 2);
        let mut case =
            case(label, workload).allocations(CHUNKS, 0.0).allocations(KEEPING.name, 1.0);
        case.beside = Some((KEEPING.name, KEEPING, workload));
        case
    });
    let whole = case("1 KiB, whole reads", receive(KIB, WHOLE));
    let whole = whole.allocations(OURS, 0.0).allocations(CHUNKS, 0.0);
    [whole].into_iter().chain(halves)
}

fn row(number: u32, title: &'static str, cases: impl IntoIterator<Item = Case>) -> Row {
    Row { number, title, cases: cases.into_iter().collect() }
}

fn case(label: &'static str, workload: Workload) -> Case {
    Case { label, workload, goals: Vec::new(), beside: None }
}

impl Case {
    fn ratio(self, ours: &'static str, others: &'static [&'static str], at_least: f64) -> Self {
        self.goal(Goal::Ratio { ours, others, at_least })
    }

    fn instructions(self, at_most: f64) -> Self {
        self.goal(Goal::Instructions { ours: OURS, at_most })
    }

    fn allocations(self, ours: &'static str, at_most: f64) -> Self {
        self.goal(Goal::Allocations { ours, at_most })
    }

    fn goal(mut self, goal: Goal) -> Self {
        self.goals.push(goal);
        self
    }

    /// Whether instructions are asked for.
    pub fn is_counted(&self) -> bool {
        self.goals.iter().any(|goal| matches!(goal, Goal::Instructions { .. }))
    }
}
