#![no_main]
use websocket_proto_fuzz::split_invariance::{Input, oracle};

libfuzzer_sys::fuzz_target!(|input: Input<'_>| oracle(&input));
