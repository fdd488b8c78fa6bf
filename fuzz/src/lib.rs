//! Oracles for fuzzing `websocket-proto` through its public API, one a file. A target hands its input to an oracle, which
//! panics where a promise of the crate is not kept. `fuzz/run` runs them all.

pub mod accept;
pub mod checker;
pub mod client_handshake;
pub mod deflate_receive;
pub mod deflate_roundtrip;
pub mod differential;
pub mod ends;
pub mod extension_negotiation;
#[path = "../../tests/common/extensions.rs"]
mod extensions;
pub mod frame_header;
pub mod frames;
pub mod host;
pub mod http;
pub mod inflate;
pub mod mask;
pub mod memory;
pub mod peers;
pub mod receive;
pub mod server_handshake;
pub mod session;
pub mod split_invariance;
pub mod storage;
pub mod streams;
pub mod utf8;
pub mod wild;

use arbitrary::{Arbitrary, Unstructured};

/// Runs an oracle over the bytes of a seed, as the fuzzer does.
pub type Replay = fn(&[u8]);

/// The targets by name.
pub const TARGETS: [(&str, Replay); 12] = [
    ("client_handshake", client_handshake::oracle),
    ("deflate_receive", |data| structured(data, deflate_receive::oracle)),
    ("deflate_roundtrip", |data| structured(data, deflate_roundtrip::oracle)),
    ("differential", |data| structured(data, differential::oracle)),
    ("extension_negotiation", extension_negotiation::oracle),
    ("frame_header", frame_header::oracle),
    ("mask", mask::oracle),
    ("receive", receive::oracle),
    ("server_handshake", server_handshake::oracle),
    ("session", |data| structured(data, session::oracle)),
    ("split_invariance", |data| structured(data, split_invariance::oracle)),
    ("utf8", utf8::oracle),
];

fn structured<'a, T: Arbitrary<'a>>(data: &'a [u8], oracle: impl FnOnce(&T)) {
    if let Ok(input) = T::arbitrary_take_rest(Unstructured::new(data)) {
        oracle(&input);
    }
}
