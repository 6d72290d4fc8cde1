//! The README shows code that runs.

use std::{fs, path::Path};

fn read(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    fs::read_to_string(path).expect("it is in the repository")
}

#[test]
fn readme_shows_whole_functions_of_examples_that_are_run() {
    let readme = read("README.md");
    let blocks: Vec<&str> = readme
        .split("\n```rust\n")
        .skip(1)
        .filter_map(|rest| rest.split("```\n").next())
        .collect();
    let examples = [
        "host/examples/embed.rs",
        "crates/sockeye-tokio/examples/server.rs",
        "crates/sockeye-tokio/examples/client.rs",
    ];
    assert_eq!(blocks.len(), examples.len());
    for (block, example) in blocks.iter().zip(examples) {
        assert!(block.ends_with("\n}\n") && block.lines().count() <= 30);
        assert!(read(example).contains(&format!("\n{block}")), "{example}");
    }
}
