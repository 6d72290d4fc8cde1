//! The README shows code that runs.

use std::{fs, path::Path};

fn read(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    fs::read_to_string(path).expect("it is in the repository")
}

#[test]
fn readme_shows_a_whole_function_of_the_example_that_is_run() {
    let readme = read("README.md");
    let mut blocks = readme.split("\n```rust\n").skip(1);
    let block = blocks.next().and_then(|rest| rest.split("```\n").next());
    let block = block.expect("the README has a block of Rust");
    assert_eq!(blocks.count(), 0, "only one is checked");
    assert!(block.starts_with("/// ") && block.ends_with("\n}\n"));
    assert!(block.lines().count() <= 30);
    assert!(read("host/examples/embed.rs").contains(&format!("\n{block}")));
}
