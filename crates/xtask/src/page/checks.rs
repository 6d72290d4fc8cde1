//! Checks of the page: its types, its size, and how it works in a browser.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::interop;
use crate::node;
use crate::page::{self, examples, folder, run_tool, tool};
use crate::steps::Steps;
use crate::tally::Tally;
use crate::test;
use crate::workspace;

/// Builds the page, checks its types and its size, and tests it in Chromium.
///
/// # Errors
///
/// [`Missing`](test::Missing) for Node.js, npm, what it would fetch, or Chromium.
pub(crate) fn test() -> Result<Tally> {
    page::build()?;
    let mut tally = verdict(
        "types",
        run_tool(&mut tool("node_modules/typescript/bin/tsc")?).map(drop),
    );
    let download = page::download(&page::sizes()?);
    let is_small = download.gzip <= page::MOST_GZIP;
    println!("{}ok {download}", if is_small { "" } else { "not " });
    tally += Tally::of(is_small);
    tally += test::verdicts("the page in Chromium", &mut program("run.mjs")?)?;
    Ok(tally)
}

/// Builds the page, and returns the command that measures it.
///
/// # Errors
///
/// As [`test`].
pub(crate) fn bench() -> Result<Command> {
    page::build()?;
    program("bench.mjs")
}

/// Node about to run a program of the tests.
fn program(script: &str) -> Result<Command> {
    let browser = interop::browser()?;
    node::install(&tests(), &tests())?;
    let captures = examples(&mut Steps::new(1))?;
    let mut command = Command::new(node::node()?);
    command
        .arg(tests().join(script))
        .env("SOCKEYE_PAGE", folder())
        .env("SOCKEYE_CAPTURE", captures)
        .env("SOCKEYE_CHROMIUM", browser);
    Ok(command)
}

fn verdict(what: &str, outcome: Result<()>) -> Tally {
    match &outcome {
        Ok(()) => println!("ok {what}"),
        Err(error) => println!("not ok {what}: {error:#}"),
    }
    Tally::of(outcome.is_ok())
}

/// Where the tests are.
fn tests() -> PathBuf {
    workspace::root().join("tests/page")
}
