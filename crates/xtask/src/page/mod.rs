//! Builds the inspector page: the WebAssembly module, the scripts around it, and captures to try it with.

use core::fmt;
use core::time::Duration;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::node;
use crate::process;
use crate::steps::Steps;
use crate::workspace;

mod checks;
mod module;

pub(crate) use checks::{bench, test};

/// Builds the page, and prints how large it is.
pub(crate) fn run() -> Result<()> {
    build()?;
    let sizes = sizes()?;
    for file in &sizes {
        println!("{file}");
    }
    println!("{}", download(&sizes));
    println!("{}", folder().display());
    Ok(())
}

/// Brings the page up to date.
///
/// # Errors
///
/// [`Missing`](crate::test::Missing) for Node.js, npm or what it would fetch.
pub(crate) fn build() -> Result<()> {
    node::install(&sources(), &sources())?;
    let mut steps = Steps::new(3);
    module::build(&mut steps)?;
    if folder().exists() {
        // What is not made any more goes.
        fs::remove_dir_all(folder())?;
    }
    fs::create_dir_all(folder())?;
    let mut bundle = tool("build.mjs")?;
    run_tool(bundle.arg(folder()))?;
    let program = examples(&mut steps)?;
    let mut samples = Command::new(program);
    process::output(samples.arg("samples").arg(folder().join("samples")), LIMIT)?;
    Ok(())
}

/// Builds the program that makes captures.
pub(crate) fn examples(steps: &mut Steps) -> Result<PathBuf> {
    let mut cargo = workspace::cargo();
    cargo.args(["build", "--release", "--package", "sockeye-inspect"]);
    cargo.args(["--example", "capture"]);
    steps.cargo("captures to try it with", &mut cargo)?;
    Ok(workspace::release("examples/capture"))
}

/// A file of the page.
struct Size {
    name: String,
    raw: u64,
    gzip: u64,
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, raw, gzip } = self;
        write!(f, "{name:28} {raw:>8} bytes, {gzip:>7} gzip")
    }
}

/// What a visitor downloads: everything but the samples.
fn download(sizes: &[Size]) -> Size {
    Size {
        name: format!("all, of at most {MOST_GZIP} gzip"),
        raw: sizes.iter().map(|size| size.raw).sum(),
        gzip: sizes.iter().map(|size| size.gzip).sum(),
    }
}

/// How many bytes the page may have, compressed with gzip. The aim is 250,000; this keeps it from growing.
const MOST_GZIP: u64 = 345_000;

/// Measures the files of the page.
fn sizes() -> Result<Vec<Size>> {
    let mut node = Command::new(node::node()?);
    node.args(["--input-type=module", "--eval", MEASURE])
        .arg(folder());
    let sizes: Value = serde_json::from_slice(&run_tool(&mut node)?).context("sizes")?;
    let sizes = sizes.as_array().map(Vec::as_slice).unwrap_or_default();
    if sizes.is_empty() {
        bail!("{} is empty", folder().display());
    }
    let number = |value: &Value| value.as_u64().unwrap_or(u64::MAX);
    Ok(sizes
        .iter()
        .map(|size| Size {
            name: size[0].as_str().unwrap_or_default().to_owned(),
            raw: number(&size[1]),
            gzip: number(&size[2]),
        })
        .collect())
}

/// Node about to run a script of the page's sources, or of their tools.
fn tool(script: &str) -> Result<Command> {
    let mut command = Command::new(node::node()?);
    command.arg(script);
    Ok(command)
}

/// Runs a tool in the folder of the sources.
fn run_tool(command: &mut Command) -> Result<Vec<u8>> {
    process::output(command.current_dir(sources()), LIMIT)
}

/// Where the page is built.
pub(crate) fn folder() -> PathBuf {
    workspace::target().join("page")
}

/// Where its sources are.
fn sources() -> PathBuf {
    workspace::root().join("www")
}

/// No tool takes longer.
const LIMIT: Duration = Duration::from_secs(300);
const MEASURE: &str = "
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
const folder = process.argv[1];
const files = readdirSync(folder, { withFileTypes: true }).filter((file) => file.isFile());
console.log(JSON.stringify(files.map(({ name }) => {
  const bytes = readFileSync(`${folder}/${name}`);
  return [name, bytes.length, gzipSync(bytes, { level: 9 }).length];
})));
";
