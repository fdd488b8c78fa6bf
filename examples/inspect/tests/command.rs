//! The command: its arguments, what it prints where, and how it ends.

use std::process::{Command, Output, Stdio};

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/sample.pcap");

fn inspect(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_inspect")).args(args).output().unwrap()
}

fn printed(args: &[&str]) -> String {
    let output = inspect(args);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Two connections to the server of the examples: one of its client, and one of a client that does not mask.
#[test]
fn the_sample_shows_a_session_and_a_fault() {
    let lines = printed(&[SAMPLE]);
    for line in [
        "   0.000650    1 → text      \"Hello?\"\n",
        "   0.400908    1   end       closed cleanly\n",
        "   0.940835    2 → FAULT     a client's frame is not masked (RFC 6455 §5.1)\n",
        "   0.940949    2 ← close     1002\n",
    ] {
        assert!(lines.contains(line), "{lines}");
    }
}

/// Standard output is no terminal here.
#[test]
fn colours_are_for_terminals() {
    assert!(!printed(&[SAMPLE]).contains('\x1b'));
    assert!(!printed(&["--color", "never", SAMPLE]).contains('\x1b'));
    assert!(printed(&["--color", "always", SAMPLE]).contains("\x1b[31m"));
}

#[test]
fn messages_come_alone() {
    let text =
        format!("Grüß Gott! {}", "Compressed, the same again and again is short. ".repeat(5));
    assert_eq!(printed(&["--messages", SAMPLE]), format!("Hello?\nHello?\n{text}\n{text}\n"));
    assert_eq!(printed(&["--messages", "--from=server", SAMPLE]), format!("Hello?\n{text}\n"));
    assert_eq!(printed(&["--messages", "--connection", "2", SAMPLE]), "");
    let json = printed(&["--messages", "--json", "--from", "client", SAMPLE]);
    let texts = json.lines().map(|line| {
        let object: serde_json::Value = serde_json::from_str(line).unwrap();
        (object["from"] == "client").then(|| object["text"].as_str().unwrap().to_owned())
    });
    assert!(texts.eq([Some("Hello?".to_owned()), Some(text)]), "{json}");
}

/// What is wrong with a capture is told where it cannot be taken for a payload.
#[test]
fn damage_is_told_beside_the_messages() {
    let file = std::env::temp_dir().join(format!("inspect-{}.pcap", std::process::id()));
    let sample = std::fs::read(SAMPLE).unwrap();
    std::fs::write(&file, &sample[..sample.len() - 1]).unwrap();
    let output = inspect(&["--messages", "--from=client", file.to_str().unwrap()]);
    std::fs::remove_file(&file).unwrap();
    assert!(output.status.success());
    assert!(output.stdout.starts_with("Hello?\nGrüß Gott! ".as_bytes()), "{output:?}");
    // The last packet is an acknowledgement: a header of 16 bytes, then 14, 20 and 32, of which one is gone.
    let note = format!("the capture is damaged: skipped 81 bytes at {}\n", sample.len() - 82);
    assert_eq!(String::from_utf8_lossy(&output.stderr), note);
}

#[test]
fn a_connection_or_a_side_is_shown_by_itself() {
    let lines = printed(&["--connection=2", SAMPLE]);
    assert!(
        lines.lines().all(|line| matches!(line.get(11..16), Some("    2" | "     "))),
        "{lines}"
    );
    assert!(lines.contains("FAULT"), "{lines}");
    let lines = printed(&["--from", "server", SAMPLE]);
    assert!(lines.contains('←') && !lines.contains("1 →") && !lines.contains("FAULT"), "{lines}");
}

#[test]
fn faults_of_the_caller_are_told() {
    let missing = concat!(env!("CARGO_MANIFEST_DIR"), "/missing.pcap");
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let rows: [(&[&str], i32, &str); 7] = [
        (&[], 2, "a capture is needed; see --help"),
        (&["--what"], 2, "invalid option '--what'"),
        (&[SAMPLE, SAMPLE], 2, "unexpected argument"),
        (&["--from", "me", SAMPLE], 2, "client or server"),
        (&["--client", SAMPLE, SAMPLE], 2, "it is either a capture, or what each side sent"),
        (&[missing], 1, "missing.pcap: "),
        (&[manifest], 1, "Cargo.toml is neither pcap nor pcapng"),
    ];
    for (args, status, text) in rows {
        let output = inspect(args);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{args:?}");
        assert!(told.contains(text) && output.stdout.is_empty(), "{args:?}: {told}");
    }
    assert!(printed(&["--help"]).contains("usage: inspect"));
}

/// As `head` does.
#[test]
fn a_reader_may_leave() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_inspect"))
        .arg(SAMPLE)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}
