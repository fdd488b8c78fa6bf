//! Benchmarks: this crate beside its peers, in memory, on one thread.

mod alloc;
mod consumer;
mod contender;
mod contenders;
mod counted;
mod measure;
mod rows;
mod table;
mod verify;
mod wire;
mod workloads;

use std::env;
use std::process::ExitCode;

use contender::Open;
use measure::Lane;
use rows::{Case, Row};

const HELP: &str = "\
Measures websocket-proto beside its peers, in memory, on one thread.

Usage: cargo run --release --manifest-path benches/Cargo.toml -- [OPTION]...

  --only NAME       only this contender, and those it is compared with not; may be given several times
  --workload ROW    only this row, by its number; may be given several times
  --quick           few repetitions
  --verify          compares all bytes, and measures nothing
  --help            shows this
";

/// Every contender takes so many turns; the median counts.
const REPETITIONS: usize = 31;
const FEW_REPETITIONS: usize = 5;

#[derive(Default)]
struct Options {
    only: Vec<String>,
    rows: Vec<u32>,
    quick: bool,
    verify: bool,
    help: bool,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == counted::SUBCOMMAND) {
        return report(run_for_callgrind(&arguments[1..]));
    }
    match Options::parse(&arguments) {
        Err(problem) => {
            eprintln!("{problem}; --help shows what there is");
            ExitCode::from(2)
        }
        Ok(options) if options.help => {
            print!("{HELP}");
            ExitCode::SUCCESS
        }
        Ok(options) => report(run(&options)),
    }
}

fn report(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} wants a value"));
            match argument.as_str() {
                "--only" => {
                    let name = value()?;
                    if !contenders::ALL.iter().any(|(known, _)| known == name) {
                        let names: Vec<&str> =
                            contenders::ALL.iter().map(|(name, _)| *name).collect();
                        return Err(format!(
                            "there is no contender {name}, but {}",
                            names.join(", ")
                        ));
                    }
                    options.only.push(name.clone());
                }
                "--workload" => {
                    let number = value()?;
                    let row = rows::all().into_iter().find(|row| row.number.to_string() == *number);
                    options.rows.push(row.ok_or(format!("there is no row {number}"))?.number);
                }
                "--quick" => options.quick = true,
                "--verify" => options.verify = true,
                "--help" | "-h" => options.help = true,
                _ => return Err(format!("unknown argument {argument}")),
            }
        }
        Ok(options)
    }

    fn contenders(&self) -> Vec<(&'static str, Open)> {
        let wanted = |name: &str| self.only.is_empty() || self.only.iter().any(|only| only == name);
        contenders::ALL.iter().copied().filter(|(name, _)| wanted(name)).collect()
    }

    fn rows(&self) -> Vec<Row> {
        let wanted = |row: &Row| self.rows.is_empty() || self.rows.contains(&row.number);
        rows::all().into_iter().filter(wanted).collect()
    }
}

fn run(options: &Options) -> Result<(), String> {
    let contenders = options.contenders();
    let counts = counted::is_possible() && !options.quick;
    if !counts {
        println!("instructions are NOT counted: no valgrind, or --quick");
    }
    for row in options.rows() {
        let mut results = Vec::new();
        for case in &row.cases {
            results.push((case, lanes(&row, case, &contenders, options, counts)?));
        }
        if !options.verify {
            table::print(&row, &results);
        }
    }
    if options.verify {
        println!("all bytes are equal");
    }
    Ok(())
}

fn lanes(
    row: &Row,
    case: &Case,
    contenders: &[(&'static str, Open)],
    options: &Options,
    counts: bool,
) -> Result<Vec<Lane>, String> {
    let ready = case.workload.ready();
    let mut lanes = Vec::new();
    for &(name, open) in contenders {
        let opened = verify::open(&ready, open);
        let opened =
            opened.map_err(|what| format!("row {}, {}: {name} {what}", row.number, case.label))?;
        lanes.extend(opened.map(|contender| Lane::new(name, contender)));
    }
    if options.verify {
        return Ok(lanes);
    }
    measure::measure(&ready, &mut lanes, if options.quick { FEW_REPETITIONS } else { REPETITIONS });
    if counts && case.is_counted() {
        for lane in &mut lanes {
            lane.instructions =
                Some(counted::instructions(row.number, case.label, case, lane.name)?);
        }
    }
    Ok(lanes)
}

fn run_for_callgrind(arguments: &[String]) -> Result<(), String> {
    let [number, label, name, passes] = arguments else { return Err("wrong arguments".to_owned()) };
    let row = rows::all().into_iter().find(|row| row.number.to_string() == *number);
    let case = row.and_then(|row| row.cases.into_iter().find(|case| case.label == label));
    let open = contenders::ALL.iter().find(|(known, _)| known == name);
    let passes = passes.parse().map_err(|_| "not a number")?;
    counted::run(&case.ok_or("no such case")?, open.ok_or("no such contender")?.1, passes)
}
