//! Builds the npm package: three WebAssembly modules, one glue, the sources around them, and a tarball of all that.

use core::time::Duration;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::node;
use crate::process;
use crate::steps::Steps;
use crate::tally::Tally;
use crate::workspace;

use self::module::Module;
use self::package::Files;

pub(crate) mod bindgen;
mod checks;
mod module;
mod package;
mod runtimes;
mod sizes;

/// The package as it is published.
pub(crate) struct Package {
    /// What is in it.
    files: Files,
    /// The folder of wasm-bindgen's programs.
    bindgen: PathBuf,
    /// The folder that holds it unpacked.
    folder: PathBuf,
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

/// Builds the package, and checks it from outside and inside.
///
/// # Errors
///
/// [`Missing`](crate::test::Missing) for Node.js, npm or what it would fetch.
pub(crate) fn test() -> Result<Tally> {
    let package = build()?;
    let mut tally = runtimes::unit_tests()?;
    tally += checks::run(&package)?;
    tally += runtimes::crate_tests(&package.bindgen)?;
    tally += runtimes::suite(&package.tarball)?;
    tally += runtimes::examples()?;
    Ok(tally)
}

/// Builds the package, and returns the command that measures it.
///
/// # Errors
///
/// [`Missing`](crate::test::Missing) for Node.js, npm or what it would fetch.
pub(crate) fn bench() -> Result<Command> {
    let package = build()?;
    let mut command = Command::new(node::node()?);
    command.arg(tools().join("bench/run.mjs")).arg("--entry");
    command.arg(package.folder.join("dist/entry-node.js"));
    Ok(command)
}

/// Brings the package up to date.
pub(crate) fn build() -> Result<Package> {
    fs::create_dir_all(folder())?;
    node::install(&tools(), &tools())?;
    let mut steps = Steps::new(Module::ALL.len() + 1);
    let bindgen = bindgen::find(&mut steps)?;
    let built = module::build(&mut steps, &bindgen)?;
    let files = Files::collect(&built)?;
    let folder = folder().join("sockeye");
    let tarball = files.pack(&folder)?;
    Ok(Package {
        files,
        bindgen,
        folder,
        tarball,
    })
}

/// Runs a tool, in the folder of the tools unless it has another, and returns what it printed. It is heard only if it fails.
fn run_tool(command: &mut Command) -> Result<Vec<u8>> {
    if command.get_current_dir().is_none() {
        command.current_dir(tools());
    }
    process::output(command, LIMIT)
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

/// No tool takes longer on a small module.
const LIMIT: Duration = Duration::from_secs(120);
