//! Instructions a message, by callgrind: the program runs itself under valgrind for so many passes and for twice as
//! many, and takes the difference, without what the consumer took.

use std::process::Command;
use std::{env, fs, process};

use crate::consumer::Consumer;
use crate::contender::Open;
use crate::rows::Case;
use crate::verify;

/// Tells whether instructions can be counted here.
pub fn is_possible() -> bool {
    Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success())
}

/// The arguments by which the program, run under valgrind, is told to do only this.
pub const SUBCOMMAND: &str = "run-for-callgrind";

/// `rep movsb` and `rep stosb`, by which glibc copies and clears a lot at once, would count as an instruction a byte.
const NO_REP: &str =
    "glibc.cpu.x86_rep_movsb_threshold=0x7fffffff:glibc.cpu.x86_rep_stosb_threshold=0x7fffffff";

/// A short stream: valgrind is slow.
const STREAM_LEN: usize = 64 * 1024;
const PASSES: usize = 2;

/// What runs under valgrind: a contender, opened and checked, then so many passes.
pub fn run(case: &Case, open: Open, passes: usize) -> Result<(), String> {
    let ready = case.workload.ready_with(STREAM_LEN, passes);
    let mut contender = verify::open(&ready, open)?.ok_or("cannot do this")?;
    let mut consumer = Consumer::default();
    ready.run(&mut *contender, &mut consumer);
    std::hint::black_box(consumer);
    Ok(())
}

/// Instructions a message, the consumer's not counted.
pub fn instructions(row: u32, label: &str, case: &Case, name: &str) -> Result<f64, String> {
    let once = own_instructions(row, label, name, PASSES)?;
    let twice = own_instructions(row, label, name, 2 * PASSES)?;
    let messages = PASSES * case.workload.ready_with(STREAM_LEN, 1).count();
    Ok((twice as f64 - once as f64) / messages as f64)
}

fn own_instructions(row: u32, label: &str, name: &str, passes: usize) -> Result<u64, String> {
    let file = env::temp_dir().join(format!("websocket-proto-benches.{}.callgrind", process::id()));
    let program = env::current_exe().map_err(|error| error.to_string())?;
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

/// The sum of all self costs of a callgrind file, without those of functions whose name ends so.
fn total_without(text: &str, left_out: &str) -> u64 {
    let (mut total, mut counts, mut is_call) = (0, true, false);
    for line in text.lines() {
        if let Some(function) = line.strip_prefix("fn=") {
            counts = !function.contains(left_out);
        } else if line.starts_with("calls=") {
            // The next line is what the callee took, which stands under its own name.
            is_call = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
            let cost = line.split(' ').nth(1).and_then(|cost| cost.parse().ok()).unwrap_or(0);
            if counts && !is_call {
                total += cost;
            }
            is_call = false;
        }
    }
    total
}
