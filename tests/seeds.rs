//! Runs the seeds of the fuzz targets that need no other crate through their oracles. Those of the others are run by
//! `cargo test --manifest-path fuzz/Cargo.toml`.
#![cfg(feature = "alloc")]
#![allow(
    dead_code,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    clippy::pedantic,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "an oracle is a test, and has more uses than this one"
)]

#[path = "../fuzz/src/accept.rs"]
mod accept;
#[path = "../fuzz/src/checker.rs"]
mod checker;
#[path = "../fuzz/src/client_handshake.rs"]
mod client_handshake;
#[path = "../fuzz/src/ends.rs"]
mod ends;
#[cfg(feature = "deflate")]
#[path = "../fuzz/src/extension_negotiation.rs"]
mod extension_negotiation;
#[cfg(feature = "deflate")]
#[path = "common/extensions.rs"]
mod extensions;
#[path = "../fuzz/src/frame_header.rs"]
mod frame_header;
#[path = "../fuzz/src/frames.rs"]
mod frames;
#[path = "../fuzz/src/http.rs"]
mod http;
#[path = "../fuzz/src/inflate.rs"]
mod inflate;
#[path = "../fuzz/src/mask.rs"]
mod mask;
#[path = "../fuzz/src/receive.rs"]
mod receive;
#[path = "../fuzz/src/server_handshake.rs"]
mod server_handshake;
#[path = "../fuzz/src/storage.rs"]
mod storage;
#[path = "../fuzz/src/utf8.rs"]
mod utf8;

use std::fs;
use std::path::Path;

/// Nothing is counted here: a counting allocator is not safe code.
mod memory {
    pub fn live() -> isize {
        0
    }

    pub fn reset_peak() {}

    pub fn peak() -> isize {
        0
    }
}

/// No other opinion is asked here.
mod peers {
    use crate::inflate::Inflated;

    pub fn check_request(_head: &[u8]) {}

    pub fn check_inflated(_window: &[u8], _bits: u8, _payload: &[u8], _inflated: &Inflated) {}

    pub fn response_status(bytes: &[u8]) -> Option<u16> {
        core::str::from_utf8(bytes.get(9..12)?).ok()?.parse().ok()
    }
}

fn replay(target: &str, oracle: fn(&[u8])) {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let mut count = 0;
    for entry in fs::read_dir(seeds).expect("a directory of seeds") {
        let path = entry.expect("an entry").path();
        println!("{}", path.display());
        oracle(&fs::read(path).expect("a seed"));
        count += 1;
    }
    assert!(count >= 5, "{count} seeds");
}

macro_rules! replays {
    ($($target:ident)+) => {
        $(#[test]
        fn $target() {
            replay(stringify!($target), $target::oracle);
        })+
    };
}

replays! { client_handshake frame_header mask receive server_handshake utf8 }

#[cfg(feature = "deflate")]
replays! { extension_negotiation }
