//! Every seed goes through its target, in an ordinary test.

use std::{fs, path::Path};

#[test]
fn every_target_holds_for_its_seeds() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for (name, target) in sockeye_fuzz::TARGETS {
        let mut seeds = 0;
        for entry in fs::read_dir(corpus.join(name)).unwrap() {
            let path = entry.unwrap().path();
            // What libFuzzer found in a longer run lies beside the seeds, and holds as well.
            let data = fs::read(&path).unwrap();
            println!("{}", path.display());
            target(&data);
            seeds += 1;
        }
        assert!(seeds >= 5, "{name} has {seeds} seeds");
    }
}
