//! The programs of wasm-bindgen, which must be of the very version of the crate.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::steps::Steps;
use crate::workspace;

/// Finds the folder of wasm-bindgen's programs, or builds them.
pub(crate) fn find(steps: &mut Steps) -> Result<PathBuf> {
    let lock = fs::read_to_string(workspace::root().join("Cargo.lock")).context("Cargo.lock")?;
    let version = locked_version(&lock).context("no wasm-bindgen in Cargo.lock")?;
    let root = workspace::target().join("tools");
    let programs = root.join("bin");
    let runner = programs.join("wasm-bindgen-test-runner");
    if runner.exists()
        && printed_version(&programs.join("wasm-bindgen")).as_deref() == Some(version)
    {
        return Ok(programs);
    }
    let mut cargo = workspace::cargo();
    cargo.args(["install", "wasm-bindgen-cli", "--force", "--version"]);
    cargo.arg(version).arg("--root").arg(root);
    let what = format!("wasm-bindgen {version}: several minutes the first time");
    steps.cargo(&what, &mut cargo)?;
    Ok(programs)
}

/// The version of wasm-bindgen in this `Cargo.lock`.
fn locked_version(lock: &str) -> Option<&str> {
    let (_, rest) = lock.split_once("name = \"wasm-bindgen\"\nversion = \"")?;
    rest.split('"').next()
}

/// The version that this program tells, if there is such a program.
fn printed_version(program: &Path) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.split_whitespace().nth(1).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_is_that_of_the_package_with_exactly_this_name() {
        let lock = "[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"1.0.0\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\nsource = \"s\"\n";
        assert_eq!(locked_version(lock), Some("0.2.130"));
        assert_eq!(locked_version("[[package]]\nname = \"js-sys\"\n"), None);
    }
}
