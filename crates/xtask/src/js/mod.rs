//! Builds the npm package: three WebAssembly modules, one glue, the sources around them, and a tarball of all that.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::node;
use crate::steps::Steps;
use crate::workspace;

use self::module::Module;
use self::package::Files;

mod bindgen;
mod module;
mod package;
mod sizes;

/// The package as it is published.
pub(crate) struct Package {
    /// The folder that holds it unpacked.
    pub(crate) folder: PathBuf,
    /// The folder that holds it packed.
    pub(crate) tarball: PathBuf,
}

/// Builds the package, and prints how large it is.
pub(crate) fn run() -> Result<()> {
    let package = build()?;
    for size in sizes::measure(&package.folder)? {
        println!("{size}");
    }
    println!("{}", package.tarball.display());
    Ok(())
}

/// Brings the package up to date.
pub(crate) fn build() -> Result<Package> {
    node::install(&tools(), &tools())?;
    let mut steps = Steps::new(Module::ALL.len() + 1);
    let bindgen = bindgen::find(&mut steps)?;
    let built = module::build(&mut steps, &bindgen)?;
    let files = Files::collect(&built)?;
    let folder = folder().join("sockeye");
    let tarball = files.pack(&folder)?;
    Ok(Package { folder, tarball })
}

/// Runs a tool in the folder of the tools, and returns what it printed.
fn run_tool(command: &mut Command) -> Result<Vec<u8>> {
    command.current_dir(tools());
    let output = command
        .output()
        .with_context(|| format!("cannot run {}", command.get_program().display()))?;
    if !output.status.success() {
        bail!(
            "{:?} failed\n{}{}",
            command,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(output.stdout)
}

/// Where the package is built.
fn folder() -> PathBuf {
    workspace::target().join("npm")
}

/// Where the tools are that build and check the package.
fn tools() -> PathBuf {
    workspace::root().join("tests/runtimes")
}

/// The sources of the package.
fn sources() -> PathBuf {
    workspace::root().join("crates/sockeye-js/npm")
}
