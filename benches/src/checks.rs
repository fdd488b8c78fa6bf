//! What a contender checks of what RFC 6455 asks of a receiver: it is given what it must refuse, in a process of its
//! own, which then ends badly.

use std::env;
use std::process::{Command, Stdio};

use crate::consumer::Consumer;
use crate::contender::Role::{self, Client, Server};
use crate::contender::{Can, Contender, Entry};
use crate::contenders;
use crate::payloads::put_frame;
use crate::wire::Wire;
use crate::workloads::READ_SIZE;

/// What the program is told by its first argument.
pub const SUBCOMMAND: &str = "take-what-is-wrong";

/// How many checks there are.
pub const COUNT: usize = 8;

/// A check; the end that a contender is; bytes that must be refused.
type Wrong = (&'static str, Role, Vec<u8>);

/// Returns the checks that a contender does not make, or not wholly.
pub fn lacking(entry: &Entry) -> Result<Vec<&'static str>, String> {
    let program = env::current_exe().map_err(|error| error.to_string())?;
    let mut lacking = Vec::new();
    for (at, (check, ..)) in all_wrong().iter().enumerate() {
        let status = Command::new(&program)
            .args([SUBCOMMAND, entry.name, &at.to_string()])
            .env("RUST_BACKTRACE", "0")
            .stderr(Stdio::null())
            .status()
            .map_err(|error| error.to_string())?;
        if status.success() && !lacking.contains(check) {
            lacking.push(*check);
        }
    }
    Ok(lacking)
}

/// Gives a contender what is wrong; it panics if it refuses.
pub fn run(arguments: &[String]) -> Result<(), String> {
    let [name, at] = arguments else { return Err("wrong arguments".to_owned()) };
    let entry = contenders::ALL.iter().find(|entry| entry.name == name);
    let at: usize = at.parse().map_err(|_| "not a number")?;
    let (_, role, stream) = all_wrong().swap_remove(at);
    let wire = Wire::new(stream.into(), READ_SIZE);
    let mut contender: Box<dyn Contender> = (entry.ok_or("no such contender")?.open)(role, wire);
    match contender.receive(&mut Consumer::default()) {
        Can::Done => Ok(()),
        Can::Not => Err("it only sends".to_owned()),
    }
}

fn all_wrong() -> Vec<Wrong> {
    const KEY: Option<[u8; 4]> = Some([1, 2, 3, 4]);
    let frames = |frames: &[(u8, &[u8])]| {
        let mut stream = Vec::new();
        frames.iter().for_each(|(first, payload)| put_frame(*first, payload, KEY, &mut stream));
        stream
    };
    let mut unmasked = Vec::new();
    put_frame(0x82, b"hello", None, &mut unmasked);
    vec![
        ("mask bit", Server, unmasked),
        ("mask bit", Client, frames(&[(0x82, b"hello")])),
        ("reserved bits", Server, frames(&[(0xc2, b"hello")])),
        ("reserved opcodes", Server, frames(&[(0x83, b"hello")])),
        ("reserved opcodes", Server, frames(&[(0x8b, b"hello")])),
        ("fragmented control frames", Server, frames(&[(0x09, b"hello")])),
        ("long control frames", Server, frames(&[(0x89, &[0; 126])])),
        ("long control frames", Server, frames(&[(0x8a, &[0; 126])])),
        ("shortest length", Server, vec![0x82, 0xfe, 0, 1, 1, 2, 3, 4, 0]),
        ("shortest length", Server, vec![0x82, 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4, 0]),
        ("order of fragments", Server, frames(&[(0x02, b"hello"), (0x82, b"hello")])),
        ("order of fragments", Server, frames(&[(0x80, b"hello")])),
        ("UTF-8", Server, frames(&[(0x81, b"\xff")])),
        ("UTF-8", Server, frames(&[(0x01, b"\xff"), (0x80, b"")])),
    ]
}
