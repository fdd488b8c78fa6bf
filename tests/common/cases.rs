//! What the properties share: how many cases are tried, and where their input is cut.
#![allow(
    dead_code,
    clippy::indexing_slicing,
    reason = "each test file uses a part of this, and a test may panic"
)]
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::FileFailurePersistence;

/// So many cases, or as many as `PROPTEST_CASES` says; those that fail are written to `file`.
pub(crate) fn cases(cases: u32, file: &'static str) -> ProptestConfig {
    let asked = ProptestConfig::default();
    ProptestConfig {
        cases: if std::env::var_os("PROPTEST_CASES").is_some() { asked.cases } else { cases },
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(file))),
        ..asked
    }
}

pub(crate) fn any_cuts() -> impl Strategy<Value = Vec<Index>> {
    vec(any::<Index>(), 0..20)
}

/// Cuts in order, none beyond the end.
pub(crate) fn cuts(cuts: &[Index], len: usize) -> Vec<usize> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(len + 1)).collect();
    cuts.sort_unstable();
    cuts
}

/// The pieces that such cuts make.
pub(crate) fn pieces(bytes: &[u8], at: &[Index]) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for cut in cuts(at, bytes.len()) {
        pieces.push(bytes[start..cut].to_vec());
        start = cut;
    }
    pieces.push(bytes[start..].to_vec());
    pieces
}
