//! The rows: what runs, and what is to be reached.

use crate::contender::Role::{Client, Server};
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
}

pub enum Goal {
    /// The fastest of others takes at least so many times as long as ours.
    Ratio { ours: &'static str, others: &'static [&'static str], at_least: f64 },
    /// Ours takes at most so many instructions a message, the consumer's not counted.
    Instructions { ours: &'static str, at_most: f64 },
    /// Ours allocates at most so often for a message.
    Allocations { ours: &'static str, at_most: f64 },
}

const WHOLE_MESSAGES: &str = "websocket-proto";
const CHUNKS: &str = "websocket-proto chunks";
const TOKIO_WEBSOCKETS: &[&str] = &["tokio-websockets"];
const WEBSOCKET_CODEC: &[&str] = &["websocket-codec"];
const SOCKUDO_WS: &[&str] = &["sockudo-ws"];
const TUNGSTENITE: &[&str] = &["tungstenite"];

pub fn all() -> Vec<Row> {
    vec![
        row(
            1,
            "server receives masked binary, 16 B",
            vec![
                case("16 B", Workload::receive(Server, 16))
                    .ratio(TOKIO_WEBSOCKETS, 4.5)
                    .ratio(WEBSOCKET_CODEC, 1.8)
                    .instructions(95.0),
            ],
        ),
        row(
            2,
            "server receives masked binary, 125 B",
            vec![
                case("125 B", Workload::receive(Server, 125))
                    .ratio(TOKIO_WEBSOCKETS, 4.0)
                    .ratio(WEBSOCKET_CODEC, 1.5)
                    .instructions(155.0),
            ],
        ),
        row(
            3,
            "server receives masked binary, 1 KiB",
            vec![case("1 KiB", Workload::receive(Server, 1 << 10)).ratio(TOKIO_WEBSOCKETS, 1.7)],
        ),
        row(4, "server receives masked binary, large", large()),
        row(
            6,
            "client receives binary",
            vec![
                case("16 B", Workload::receive(Client, 16))
                    .ratio(SOCKUDO_WS, 4.0)
                    .ratio(WEBSOCKET_CODEC, 1.6)
                    .instructions(65.0),
                case("125 B", Workload::receive(Client, 125))
                    .ratio(SOCKUDO_WS, 4.0)
                    .ratio(WEBSOCKET_CODEC, 1.6)
                    .instructions(80.0),
            ],
        ),
        row(
            12,
            "opening handshake",
            vec![
                case("accept", Workload::handshake(Server, Job::Accept))
                    .ratio(TUNGSTENITE, 3.5)
                    .allocations(0.0),
                case("connect", Workload::handshake(Client, Job::Connect))
                    .ratio(TUNGSTENITE, 3.5)
                    .allocations(0.0),
            ],
        ),
    ]
}

/// The peer's masking picks AVX-512 at run time, which safe code cannot: more is asked for where AVX2 is built in.
fn large() -> Vec<Case> {
    let at_least = if cfg!(target_feature = "avx2") { 1.0 } else { 0.9 };
    let sizes = [("16 KiB", 16 << 10), ("64 KiB", 64 << 10), ("1 MiB", 1 << 20)];
    let reads_of_16_kib = sizes.map(|(label, size)| {
        case(label, Workload::receive(Server, size)).ratio(TOKIO_WEBSOCKETS, at_least)
    });
    let whole_reads =
        [("16 KiB, whole", 16 << 10), ("1 MiB, whole", 1 << 20)].map(|(label, size)| {
            case(label, Workload { read_size: WHOLE, ..Workload::receive(Server, size) })
        });
    reads_of_16_kib.into_iter().chain(whole_reads).collect()
}

fn row(number: u32, title: &'static str, cases: Vec<Case>) -> Row {
    Row { number, title, cases }
}

fn case(label: &'static str, workload: Workload) -> Case {
    Case { label, workload, goals: Vec::new() }
}

impl Case {
    fn ratio(self, others: &'static [&'static str], at_least: f64) -> Self {
        self.goal(Goal::Ratio { ours: WHOLE_MESSAGES, others, at_least })
    }

    fn chunks_ratio(self, others: &'static [&'static str], at_least: f64) -> Self {
        self.goal(Goal::Ratio { ours: CHUNKS, others, at_least })
    }

    fn instructions(self, at_most: f64) -> Self {
        self.goal(Goal::Instructions { ours: WHOLE_MESSAGES, at_most })
    }

    fn allocations(self, at_most: f64) -> Self {
        self.goal(Goal::Allocations { ours: WHOLE_MESSAGES, at_most })
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
