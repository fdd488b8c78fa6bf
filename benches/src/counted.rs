//! Instructions a message, by callgrind: the program runs itself under valgrind for so many passes and for twice as
//! many, and takes the difference, without what the consumer took.

use std::process::Command;
use std::{env, fs, process};

use crate::consumer::Consumer;
use crate::contender::Entry;
use crate::rows::{self, Case, OURS};
use crate::{contenders, verify};

/// What the program, run under valgrind, is told by its first argument.
pub const SUBCOMMAND: &str = "run-for-callgrind";

/// The committed figures.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/instructions.txt");
const TOLERANCE: f64 = 1.05;

/// `rep movsb` and `rep stosb`, by which glibc copies and clears a lot at once, would count as an instruction a byte.
const NO_REP: &str =
    "glibc.cpu.x86_rep_movsb_threshold=0x7fffffff:glibc.cpu.x86_rep_stosb_threshold=0x7fffffff";

/// A short stream: valgrind is slow.
const STREAM_LEN: usize = 64 * 1024;
const PASSES: usize = 2;

/// Tells whether instructions can be counted here.
pub fn is_possible() -> bool {
    Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Instructions a message, the consumer's not counted.
pub fn instructions(row: u32, case: &Case, entry: &Entry) -> Result<f64, String> {
    let own = |passes| run_under_valgrind(row, case.label, entry.name, passes);
    let messages = PASSES * case.workload.ready_with(STREAM_LEN, 1).count();
    Ok((own(2 * PASSES)? as f64 - own(PASSES)? as f64) / messages as f64)
}

/// What runs under valgrind: a contender, opened and checked, then so many passes.
pub fn run(arguments: &[String]) -> Result<(), String> {
    let [number, label, name, passes] = arguments else { return Err("wrong arguments".to_owned()) };
    let row = rows::all().into_iter().find(|row| row.number.to_string() == *number);
    let case = row.and_then(|row| row.cases.into_iter().find(|case| case.label == label));
    let entry = contenders::ALL.iter().find(|entry| entry.name == name);
    let passes = passes.parse().map_err(|_| "not a number")?;
    let ready = case.ok_or("no such case")?.workload.ready_with(STREAM_LEN, passes);
    let opened = verify::open(&ready, entry.ok_or("no such contender")?)?;
    let (mut contender, wire) = opened.ok_or("cannot do this")?;
    let mut consumer = Consumer::default();
    ready.run(&mut *contender, &wire, &mut consumer);
    std::hint::black_box(consumer);
    Ok(())
}

fn run_under_valgrind(row: u32, label: &str, name: &str, passes: usize) -> Result<u64, String> {
    let program = env::current_exe().map_err(|error| error.to_string())?;
    let file = env::temp_dir().join(format!("websocket-proto-benches.{}.callgrind", process::id()));
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--compress-strings=no"])
        .arg(format!("--callgrind-out-file={}", file.display()))
        .env("GLIBC_TUNABLES", NO_REP)
        .arg(program)
        .args([SUBCOMMAND, &row.to_string(), label, name, &passes.to_string()])
        .output()
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let text = fs::read_to_string(&file).map_err(|error| error.to_string())?;
    fs::remove_file(&file).map_err(|error| error.to_string())?;
    Ok(total_without(&text, "Consumer::chunk"))
}

/// The sum of all self costs of a callgrind file, without those of functions with this in their name.
fn total_without(text: &str, left_out: &str) -> u64 {
    let (mut total, mut counts, mut is_call) = (0, true, false);
    for line in text.lines() {
        if let Some(function) = line.strip_prefix("fn=") {
            counts = !function.contains(left_out);
        } else if line.starts_with("calls=") {
            // The next line is what the callee took, which stands under its own name.
            is_call = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
            let cost: u64 = line.split(' ').nth(1).and_then(|cost| cost.parse().ok()).unwrap_or(0);
            if counts && !is_call {
                total += cost;
            }
            is_call = false;
        }
    }
    total
}

/// Counts ours where rows ask for it: row, case, instructions.
fn count_ours() -> Result<Vec<(u32, &'static str, f64)>, String> {
    let entry = contenders::WHOLE;
    let mut counts = Vec::new();
    for row in rows::all() {
        for case in row.cases.iter().filter(|case| case.is_counted()) {
            counts.push((row.number, case.label, instructions(row.number, case, entry)?));
        }
    }
    Ok(counts)
}

/// Writes the figures that are to be committed.
pub fn write() -> Result<(), String> {
    let mut text = format!(
        "# Instructions a message of {OURS}: row, case, count. `--write-counts` writes this.\n"
    );
    for (row, label, count) in count_ours()? {
        text += &format!("{row}, {label}, {count:.1}\n");
    }
    print!("{text}");
    fs::write(FILE, text).map_err(|error| error.to_string())
}

/// Compares with the committed figures, and fails where one has risen too much.
pub fn check() -> Result<(), String> {
    let text = fs::read_to_string(FILE).map_err(|error| format!("{FILE}: {error}"))?;
    let mut risen = Vec::new();
    for (row, label, count) in count_ours()? {
        let place = format!("{row}, {label}, ");
        let committed =
            text.lines().find_map(|line| line.strip_prefix(&place)?.parse::<f64>().ok());
        let committed = committed.ok_or(format!("{FILE} has no figure for row {row}, {label}"))?;
        println!("row {row}, {label}: {count:.1} instructions, {committed:.1} committed");
        if count > committed * TOLERANCE {
            risen.push(format!("row {row}, {label}"));
        }
    }
    match risen.as_slice() {
        [] => Ok(()),
        _ => Err(format!("instructions have risen by more than 5%: {}", risen.join("; "))),
    }
}
