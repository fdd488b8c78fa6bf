//! Every row of `catalogue.md` has a test that names it.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The numbers of the rows.
fn rows(catalogue: &str) -> BTreeSet<u32> {
    let mut rows = BTreeSet::new();
    for line in catalogue.lines() {
        if let Some((number, _)) = line.split_once(". ") {
            if let Ok(number) = number.parse() {
                assert!(rows.insert(number), "row {number} is there twice");
            }
        }
    }
    rows
}

/// The numbers behind `row_`, `rows_`, `row ` and `rows `, wherever they stand in a source.
fn named(source: &str) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    for (at, row) in source.match_indices("row") {
        let (before, rest) = source.split_at(at);
        if before.ends_with(char::is_alphanumeric) {
            continue;
        }
        let rest = rest.strip_prefix(row).unwrap_or_default();
        let rest = rest.strip_prefix('s').unwrap_or(rest);
        if let Some(numbers) = rest.strip_prefix('_') {
            let numbers = numbers.split(|letter: char| letter != '_' && !letter.is_ascii_digit());
            let name = numbers.into_iter().next().unwrap_or_default();
            found.extend(name.split('_').filter_map(|number| number.parse::<u32>().ok()));
        } else if let Some(number) = rest.strip_prefix(' ') {
            let end = number.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(number.len());
            found.extend(number.get(..end).unwrap_or_default().parse::<u32>());
        }
    }
    found
}

fn named_under(directory: &Path, found: &mut BTreeSet<u32>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            named_under(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !path.ends_with("catalogue.rs")
        {
            found.extend(named(&fs::read_to_string(path).unwrap()));
        }
    }
}

#[test]
fn every_row_has_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let all = rows(&fs::read_to_string(root.join("tests/catalogue.md")).unwrap());
    assert_eq!(all, (1..=121).collect(), "the rows of the catalogue");
    let mut found = BTreeSet::new();
    named_under(&root.join("tests"), &mut found);
    named_under(&root.join("src"), &mut found);
    let missing: Vec<&u32> = all.difference(&found).collect();
    assert!(missing.is_empty(), "rows without a test: {missing:?}");
    let unknown: Vec<&u32> = found.difference(&all).collect();
    assert!(unknown.is_empty(), "rows that no catalogue has: {unknown:?}");
}

#[test]
fn rows_are_read_from_names_and_comments() {
    let source = "fn server_receives_x_row_7() {}\nfn client_rows_55_56_and_more() {}\n/// See row 121.\nrows_1, throw_9x arrow 8";
    assert_eq!(named(source), BTreeSet::from([1, 7, 55, 56, 121]));
    assert_eq!(rows("1. one\n2. two\ntext. more\n"), BTreeSet::from([1, 2]));
}
