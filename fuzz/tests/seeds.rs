//! Runs every committed seed through its oracle, on any toolchain, without a fuzzer.

use std::fs;
use std::path::Path;

#[test]
fn every_seed_keeps_the_promises() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    for (target, replay) in websocket_proto_fuzz::TARGETS {
        let mut count = 0;
        for entry in fs::read_dir(seeds.join(target)).expect("a directory of seeds") {
            let path = entry.expect("an entry").path();
            println!("{}", path.display());
            replay(&fs::read(path).expect("a seed"));
            count += 1;
        }
        assert!(count >= 5, "{target} has {count} seeds");
    }
}
