#![no_main]
use websocket_proto_fuzz::deflate_receive::{Input, oracle};

libfuzzer_sys::fuzz_target!(|input: Input<'_>| oracle(&input));
