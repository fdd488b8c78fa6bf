//! What is read off the sources of the library: its layers, where a file uses what is below it and nothing above or beside
//! it; how long files are; what stands in no example.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The modules of the crate, lowest first. A module may use those of lower layers, and none of its own.
const LAYERS: [&[&str]; 7] = [
    &["role", "opcode", "close_code", "mask", "utf8", "seed", "guide"],
    &["error"],
    &["state", "next", "output", "config"],
    &["timers", "deflate"],
    &["frame", "handshake"],
    &["connection"],
    &["websocket"],
];

/// What a module may not use although it is lower: frames know neither role nor state, states know nothing of roles or
/// frames, the handshake knows nothing of frames, nor of what keeps a connection once it is open.
const STRANGERS: [(&str, &[&str]); 3] = [
    ("frame", &["role", "state", "config", "timers", "seed", "deflate"]),
    ("state", &["role", "opcode", "mask"]),
    ("handshake", &["mask", "opcode", "state", "utf8", "close_code", "timers"]),
];

/// Files of one directory that do not know each other.
const APART: [(&str, &str); 3] =
    [("connection/receive", "send"), ("connection/data", "send"), ("connection/send", "receive")];

/// The most lines of a file before its tests.
const MOST_LINES: usize = 380;

/// A path that a file imports from the crate, such as `frame::Close` or, within a directory, `connection::send`.
fn imports(file: &str, source: &str) -> BTreeSet<String> {
    let module: Vec<&str> = file.split('/').filter(|name| *name != "mod").collect();
    let mut found = BTreeSet::new();
    for statement in statements(source) {
        let mut paths = Vec::new();
        expand("", &statement, &mut paths);
        for path in paths {
            let names: Vec<&str> = path.split("::").filter(|name| !name.is_empty()).collect();
            let supers = names.iter().take_while(|name| **name == "super").count();
            let base: Vec<&str> = match names.first() {
                Some(&"crate") => Vec::new(),
                Some(&"self") => module.clone(),
                Some(&"super") => module[..module.len() - supers].to_vec(),
                _ => continue,
            };
            let rest = &names[if supers > 0 { supers } else { 1 }..];
            found.insert([&base[..], rest].concat().join("::"));
        }
    }
    found
}

/// The paths behind `use`, wherever they stand, and paths into the crate in the midst of code. Comments are left out.
fn statements(source: &str) -> Vec<String> {
    let code: Vec<&str> =
        source.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    let code = code.join("\n");
    let mut found = Vec::new();
    for start in ["crate::", "super::", "self::"] {
        for (at, _) in code.match_indices(start) {
            let before = code[..at].chars().next_back().unwrap_or(' ');
            if before.is_alphanumeric() || before == '_' || before == ':' || before == '$' {
                continue;
            }
            found.push(path_at(&code[at..]));
        }
    }
    found
}

/// The path that begins here, with all of its braces.
fn path_at(code: &str) -> String {
    let mut depth = 0;
    let mut path = String::new();
    for letter in code.chars() {
        match letter {
            '{' if depth > 0 || path.ends_with("::") => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | ' ' | '\n' if depth > 0 => {}
            _ if letter.is_alphanumeric() || letter == '_' || letter == ':' => {}
            _ => break,
        }
        path.push(letter);
        if depth == 0 && letter == '}' {
            break;
        }
    }
    path
}

/// Takes braces apart, nested ones too.
fn expand(prefix: &str, path: &str, paths: &mut Vec<String>) {
    let Some(open) = path.find('{') else {
        let name = path.split_whitespace().next().unwrap_or_default();
        paths.push(format!("{prefix}{}", name.trim_end_matches("::self")));
        return;
    };
    let prefix = format!("{prefix}{}", &path[..open]);
    let inner = path[open + 1..].trim_end().trim_end_matches('}');
    let (mut depth, mut part) = (0, String::new());
    // The last brace was cut off with those before it; what is missing is put back.
    let missing = inner.matches('{').count() - inner.matches('}').count();
    for letter in inner.chars().chain("}".repeat(missing).chars()).chain(",".chars()) {
        match letter {
            ',' if depth == 0 => {
                if !part.trim().is_empty() {
                    expand(&prefix, part.trim(), paths);
                }
                part.clear();
                continue;
            }
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        part.push(letter);
    }
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// What is wrong with a file's imports. `file` is its path under `src`, without the extension.
fn faults(file: &str, source: &str) -> Vec<String> {
    let own = file.split('/').next().unwrap_or_default();
    let Some(own_layer) = layer(own) else {
        return vec![format!("{file}: the table of layers does not know it")];
    };
    let mut faults = Vec::new();
    for import in imports(file, source) {
        let mut names = import.split("::");
        let used = names.next().unwrap_or_default();
        let strangers = STRANGERS.iter().filter(|(module, _)| *module == own);
        let is_strange = strangers.flat_map(|(_, strangers)| *strangers).any(|name| *name == used);
        let next = names.next();
        let is_apart = APART.iter().any(|(one, other)| *one == file && next == Some(other));
        let fault = match layer(used) {
            None => "is no module that the table of layers knows",
            Some(_) if used == own && is_apart => "is to be unknown to it",
            Some(_) if used == own => continue,
            Some(used_layer) if used_layer >= own_layer => "is not below it",
            Some(_) if is_strange => "is to be unknown to it",
            Some(_) => continue,
        };
        faults.push(format!("{file} uses {import}, which {fault}"));
    }
    faults
}

/// What comes before a file's tests.
fn library_part(source: &str) -> &str {
    source.split("\n#[cfg(test)]\nmod tests").next().unwrap_or_default()
}

/// Every file under `src`: its path without the extension, and its text.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut directories: Vec<PathBuf> = vec![root.clone()];
    let mut files = Vec::new();
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).unwrap().with_extension("");
                let name = name.to_str().unwrap().replace('\\', "/");
                files.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(files.len() > 20, "{} files", files.len());
    files.sort();
    files
}

#[test]
fn no_file_imports_upward() {
    let faults: Vec<String> = sources()
        .iter()
        .filter(|(file, _)| file != "lib")
        .flat_map(|(file, source)| faults(file, library_part(source)))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_crate_is_what_the_table_of_layers_says() {
    let (_, lib) = sources().into_iter().find(|(file, _)| file == "lib").unwrap();
    let declared: BTreeSet<&str> = lib
        .lines()
        .filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod "))
        .map(|name| name.trim_end_matches(';'))
        .collect();
    let known: BTreeSet<&str> = LAYERS.iter().flat_map(|layer| *layer).copied().collect();
    assert_eq!(declared, known);
}

/// A build without the feature, as it is by default, has no compression in it.
#[test]
fn compression_is_behind_its_feature_row_90() {
    let (_, lib) = sources().into_iter().find(|(file, _)| file == "lib").unwrap();
    let gated = "#[cfg(feature = \"deflate\")]\nmod deflate;\n";
    assert_eq!((lib.matches(gated).count(), lib.matches("mod deflate;").count()), (1, 1));
    assert_eq!(["default", "std", "alloc", "simd"].map(|it| implies(it, "deflate")), [false; 4]);
}

/// Says whether the manifest names `other` in what a feature implies.
fn implies(feature: &str, other: &str) -> bool {
    let manifest =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let line = manifest.lines().find(|line| line.starts_with(&format!("{feature} = [")));
    line.unwrap().contains(other)
}

/// Other crates' types are spoken in one place each, which is left out without its feature and changes nothing with it.
#[test]
fn the_types_of_others_are_in_one_place_each() {
    for (name, place, gates) in [
        ("http", "handshake/http", &["handshake/mod", "lib"][..]),
        ("bytes", "output", &["output"]),
    ] {
        let (path, gate) = (format!("{name}::"), format!("feature = \"{name}\""));
        let mut gated = Vec::new();
        for (file, source) in sources() {
            let code = statements_left_out(library_part(&source)).replace("self::http::", "");
            let other =
                |before: &str| before.ends_with(|it: char| it.is_alphanumeric() || it == '_');
            let is_used = code.match_indices(&path).any(|(at, _)| !other(&code[..at]));
            assert!(!is_used || file.starts_with(place), "{file}.rs uses the crate {name}");
            if code.replace("all(feature = \"deflate\", ", "").contains(&format!("cfg({gate})")) {
                gated.push(file);
            }
        }
        assert_eq!(gated, gates, "{name}");
        for feature in ["default", "std", "alloc", "simd", "deflate", "zlib-rs"] {
            assert!(!implies(feature, name), "{feature} implies {name}");
        }
    }
}

/// Documentation shows how each is called: in an example of its own, or in that of another.
#[test]
fn every_public_function_stands_in_an_example() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts = vec![fs::read_to_string(root.join("README.md")).unwrap()];
    for entry in fs::read_dir(root.join("src/guide")).unwrap() {
        texts.push(fs::read_to_string(entry.unwrap().path()).unwrap());
    }
    for (_, source) in sources() {
        let lines = source.lines().map(str::trim_start);
        let docs = lines.filter_map(|line| line.strip_prefix("///").or(line.strip_prefix("//!")));
        texts.push(docs.map(str::trim_start).collect::<Vec<_>>().join("\n"));
    }
    // What is between two fences; the text after the last of them is none of it.
    let examples = texts.iter().flat_map(|text| text.split("```").skip(1).step_by(2));
    let examples = examples.collect::<Vec<_>>().join("\n");
    let is_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    let words: BTreeSet<&str> = examples.split(|letter| !is_name(letter)).collect();
    let mut count = 0;
    for (file, source) in sources() {
        for line in library_part(&source).lines().map(str::trim_start) {
            let Some(public) = line.strip_prefix("pub ") else { continue };
            let Some(function) = public.trim_start_matches("const ").strip_prefix("fn ") else {
                continue;
            };
            let name = function.split(|letter| !is_name(letter)).next().unwrap();
            assert!(words.contains(name), "{name} of {file}.rs stands in no example");
            count += 1;
        }
    }
    assert!(count > 100, "{count} functions");
}

#[test]
fn no_file_is_too_long() {
    for (file, source) in sources() {
        let lines = library_part(&source).lines().count();
        assert!(lines <= MOST_LINES, "{file}.rs has {lines} lines without its tests");
    }
}

/// It neither prints nor logs, and has no clock, environment or global to look at.
#[test]
fn nothing_prints_row_110_114() {
    for (file, source) in sources() {
        let code = statements_left_out(library_part(&source));
        for word in ["print!", "println!", "eprint!", "eprintln!", "dbg!", "log::", "tracing::"] {
            assert!(!code.contains(word), "{file}.rs has {word}");
        }
        for word in
            ["std::time", "SystemTime", "Instant::", "std::env", "thread_local", "static mut"]
        {
            assert!(!code.contains(word), "{file}.rs has {word}");
        }
    }
}

/// The code without its comments.
fn statements_left_out(source: &str) -> String {
    source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_checker_finds_an_upward_import() {
    let upward = "use core::fmt;\n\nuse crate::connection::Connection;\n";
    assert_eq!(
        faults("frame/header", upward),
        ["frame/header uses connection::Connection, which is not below it"]
    );
    for (file, source) in [
        ("frame/header", "use crate::role::Role;"),
        ("frame/header", "use crate::{error::ProtocolError, state::State};"),
        (
            "frame/header",
            "use crate::{error::{ProtocolError, UsageError}, websocket::{Event, WebSocket}};",
        ),
        ("frame/header", "use super::super::connection::Connection;"),
        ("frame/mod", "use super::handshake::Negotiated;"),
        ("mask", "use super::frame::FrameHeader;"),
        ("mask", "fn f() { crate::frame::take() }"),
        ("mask", "use crate::error::UsageError;"),
        ("state", "use crate::{\n    error::Failure,\n    role::Role,\n};"),
        ("handshake/server", "use crate::frame::Close;"),
        ("connection/receive", "use super::send::Sender;"),
        ("connection/receive", "use crate::connection::send::Sender;"),
        ("connection/send", "use super::{receive::Receiver};"),
        ("connection/mod", "pub use crate::websocket::Event;"),
        ("timers", "use crate::unheard_of::Thing;"),
        ("unheard_of", ""),
    ] {
        assert!(!faults(file, source).is_empty(), "{file}: {source}");
    }
    for (file, source) in [
        (
            "frame/header",
            "use super::close::Close;\nuse crate::error::{ProtocolError, UsageError};",
        ),
        ("connection/mod", "use crate::frame::{Close, FrameHeader};\nuse receive::Receiver;"),
        ("connection/replies", "use crate::connection::send::Sender;"),
        (
            "websocket/mod",
            "use crate::connection::Connection; // not crate::unheard_of\nuse alloc::vec::Vec;",
        ),
        ("error/mod", "use crate::close_code::CloseCode;\npub use self::usage::UsageError;"),
    ] {
        assert_eq!(faults(file, source), Vec::<String>::new(), "{file}: {source}");
    }
}
