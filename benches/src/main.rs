//! Benchmarks, this crate beside its peers: `cargo run --release --manifest-path benches/Cargo.toml`.

mod alloc;
mod checks;
mod consumer;
mod contender;
mod contenders;
mod counted;
mod json;
mod measure;
mod memory;
mod options;
mod payloads;
mod rows;
mod scale;
mod svg;
mod table;
mod verify;
mod wire;
mod workloads;

use std::env;
use std::process::ExitCode;
use std::rc::Rc;

use measure::{Figure, Lane};
use options::{HELP, Options, Task};
use rows::{Case, Row};
use table::Measured;

/// Every contender takes so many turns; the median counts.
const REPETITIONS: usize = 31;
const FEW_REPETITIONS: usize = 5;

/// What tells a harness that something could not be done here.
const SKIPPED: u8 = 77;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let result = match arguments.split_first() {
        Some((first, rest)) if first == counted::SUBCOMMAND => counted::run(rest),
        Some((first, rest)) if first == checks::SUBCOMMAND => checks::run(rest),
        _ => match Options::parse(&arguments) {
            Ok(options) => match options.task {
                Task::CheckCounts | Task::WriteCounts if !counted::is_possible() => {
                    println!("SKIPPED: there is no valgrind to count instructions with");
                    return ExitCode::from(SKIPPED);
                }
                Task::CheckCounts => counted::check(),
                Task::WriteCounts => counted::write(),
                Task::Rows => measure_rows(&options),
                Task::Verify => verify_rows(&options),
                Task::Scale => scale::run(),
                Task::Help => {
                    print!("{HELP}");
                    Ok(())
                }
            },
            Err(problem) => {
                eprintln!("{problem}; --help shows what there is");
                return ExitCode::from(2);
            }
        },
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn verify_rows(options: &Options) -> Result<(), String> {
    let mut compared = 0;
    for row in options.rows() {
        for case in &row.cases {
            compared += open(&row, case, options)?.len();
        }
    }
    println!("all bytes are equal: {compared} times a contender and a workload");
    Ok(())
}

fn measure_rows(options: &Options) -> Result<(), String> {
    let counts = counted::is_possible() && !options.quick;
    let mut lenient = Vec::new();
    for entry in options.contenders() {
        let lacking = checks::lacking(entry)?;
        if !lacking.is_empty() {
            lenient.push((entry.name, lacking));
        }
    }
    if !options.json {
        describe(&lenient, counts);
    }
    let (mut rows, mut verdicts) = (Vec::new(), Vec::new());
    for row in options.rows() {
        let figures: Result<_, String> =
            row.cases.iter().map(|case| measure_case(&row, case, options, counts)).collect();
        let (number, measured) = (row.number, Measured { row, figures: figures? });
        let mut of_row = measured.verdicts();
        if !options.json {
            table::print_title(&measured.row);
            if !measured.figures.is_empty() {
                measured.print();
            }
        }
        if number == memory::ROW {
            of_row = memory::verdicts(!options.json);
        }
        if !options.json {
            table::print_verdicts(&of_row);
        }
        verdicts.extend(of_row.into_iter().map(|verdict| (number, verdict)));
        rows.push(measured);
    }
    if options.json {
        json::print(&rows, &verdicts);
    } else {
        let held = verdicts.iter().filter(|(_, verdict)| verdict.holds).count();
        println!("\n{held} of {} goals hold", verdicts.len());
    }
    match &options.svg {
        Some(file) => {
            let lenient: Vec<&str> = lenient.iter().map(|(name, _)| *name).collect();
            svg::draw(&rows, &lenient, file)
        }
        None => Ok(()),
    }
}

fn describe(lenient: &[(&str, Vec<&str>)], counts: bool) {
    if cfg!(target_feature = "avx2") {
        println!("built with AVX2: row 4 asks for more");
    } else {
        println!("built without AVX2: RUSTFLAGS='-C target-cpu=x86-64-v3' gives row 4's variant");
    }
    if !counts {
        println!("INSTRUCTIONS ARE NOT COUNTED: there is no valgrind, or --quick was given");
    }
    println!("what RFC 6455 asks a receiver to check, and some do not, as was tried:");
    for (name, lacking) in lenient {
        let all = lacking.len() == checks::COUNT;
        println!("    {name:20}{}", if all { "all of it".to_owned() } else { lacking.join(", ") });
    }
}

fn measure_case(
    row: &Row,
    case: &Case,
    options: &Options,
    counts: bool,
) -> Result<Vec<Figure>, String> {
    let repetitions = if options.quick { FEW_REPETITIONS } else { REPETITIONS };
    let mut figures = measure::measure(open(row, case, options)?, repetitions);
    if counts && case.is_counted() {
        let contenders = options.contenders();
        for figure in &mut figures {
            let entry = contenders.iter().find(|entry| entry.name == figure.name);
            let count = |entry| counted::instructions(row.number, case, entry);
            figure.instructions = entry.map(|entry| count(entry)).transpose()?;
        }
    }
    Ok(figures)
}

/// Opens those that can do this, once they have shown that they do it right.
fn open(row: &Row, case: &Case, options: &Options) -> Result<Vec<Lane>, String> {
    let ready = Rc::new(case.workload.ready());
    let mut lanes = Vec::new();
    for entry in options.contenders() {
        lanes.extend(Lane::open(entry.name, entry, &ready).map_err(|what| place(row, case, what))?);
    }
    if let Some((name, entry, workload)) = case.beside
        && options.wants(entry.name)
    {
        let ready = Rc::new(workload.ready());
        lanes.extend(Lane::open(name, entry, &ready).map_err(|what| place(row, case, what))?);
    }
    Ok(lanes)
}

fn place(row: &Row, case: &Case, what: String) -> String {
    format!("row {}, {}: {what}", row.number, case.label)
}
