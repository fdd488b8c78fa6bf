//! The command line.

use crate::contender::Entry;
use crate::contenders;
use crate::rows::{self, Row};

pub const HELP: &str = "\
Measures websocket-proto beside its peers: in memory, on one thread, CPU time.

Usage: cargo run --release --manifest-path benches/Cargo.toml -- [OPTION]... [WHAT]

What:
  rows              the rows that are to be reached, and whether they are (the default)
  scale             a million idle connections, a broadcast, and how cost grows with sizes

Options:
  --only NAME       only this contender; may be given several times
  --workload ROW    only this row, by its number; may be given several times
  --quick           few repetitions, no instructions
  --json            JSON in place of the table
  --svg FILE        draws rows 1 to 4
  --verify          compares all bytes, and measures nothing
  --check-counts    counts our instructions, and fails where one has risen by more than 5% over
                    instructions.txt; exit status 77 without valgrind
  --write-counts    writes instructions.txt
  --help            shows this

For the variant of row 4: RUSTFLAGS='-C target-cpu=x86-64-v3'.
";

#[derive(Default)]
pub struct Options {
    only: Vec<String>,
    rows: Vec<u32>,
    pub quick: bool,
    pub json: bool,
    pub svg: Option<String>,
    pub task: Task,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum Task {
    #[default]
    Rows,
    Scale,
    Verify,
    CheckCounts,
    WriteCounts,
    Help,
}

impl Options {
    pub fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} wants a value"));
            match argument.as_str() {
                "--only" => options.only.push(known_name(value()?)?),
                "--workload" => options.rows.push(known_row(value()?)?),
                "--quick" => options.quick = true,
                "--json" => options.json = true,
                "--svg" => options.svg = Some(value()?.clone()),
                "--verify" => options.task = Task::Verify,
                "--check-counts" => options.task = Task::CheckCounts,
                "--write-counts" => options.task = Task::WriteCounts,
                "--help" | "-h" => options.task = Task::Help,
                "rows" => options.task = Task::Rows,
                "scale" => options.task = Task::Scale,
                _ => return Err(format!("unknown argument {argument}")),
            }
        }
        Ok(options)
    }

    pub fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }

    pub fn contenders(&self) -> Vec<&'static Entry> {
        contenders::ALL.iter().copied().filter(|entry| self.wants(entry.name)).collect()
    }

    pub fn rows(&self) -> Vec<Row> {
        let wanted = |row: &Row| self.rows.is_empty() || self.rows.contains(&row.number);
        rows::all().into_iter().filter(wanted).collect()
    }
}

fn known_name(name: &str) -> Result<String, String> {
    let names: Vec<&str> = contenders::ALL.iter().map(|entry| entry.name).collect();
    match names.contains(&name) {
        true => Ok(name.to_owned()),
        false => Err(format!("there is no contender {name}, but {}", names.join(", "))),
    }
}

fn known_row(number: &str) -> Result<u32, String> {
    let row = rows::all().into_iter().find(|row| row.number.to_string() == number);
    row.map(|row| row.number).ok_or(format!("there is no row {number}"))
}
