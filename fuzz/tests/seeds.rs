//! Runs every committed seed through its oracle, on any toolchain, without a fuzzer.

use std::fs;
use std::path::Path;

use arbitrary::{Arbitrary, Unstructured};
use websocket_proto_fuzz::differential::{Difference, Input, compare};

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

#[test]
fn every_known_difference_has_a_seed() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds/differential");
    let mut found = Vec::new();
    for entry in fs::read_dir(seeds).expect("a directory of seeds") {
        let data = fs::read(entry.expect("an entry").path()).expect("a seed");
        let input = Input::arbitrary_take_rest(Unstructured::new(&data));
        found.extend(input.ok().and_then(|input| compare(&input)));
    }
    for difference in Difference::ALL {
        assert!(found.contains(&difference), "{difference:?} has no seed");
    }
}
