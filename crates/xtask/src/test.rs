//! `cargo xtask test`: every check of the project, in order.

use core::fmt;
use core::time::Duration;
use std::env;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::component::{self, World};
use crate::process::{self, Running};
use crate::steps::Steps;
use crate::tally::Tally;
use crate::toolchain::{self, Toolchain};
use crate::workspace::{self, Package};
use crate::{conformance, fuzz, host_cargo, interop, js, page};

/// What to test.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only this (repeatable)
    #[arg(long, value_name = "STEP")]
    only: Vec<Step>,
    /// The whole conformance suite, not a part; its results are recorded in tests/conformance/results
    #[arg(long)]
    full: bool,
    /// The conformance suite only on this side (repeatable)
    #[arg(long, value_name = "SIDE")]
    side: Vec<conformance::Side>,
    /// How long each fuzz target runs
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    fuzz_seconds: u64,
}

/// A kind of check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Step {
    /// rustfmt, clippy, rustdoc
    Lint,
    /// The tests inside the crates, the core with each set of features, and the core built for WebAssembly
    Unit,
    /// The host, the component in it, and the core's tests in WebAssembly
    Component,
    /// Peers that break the rules
    Hostile,
    /// Fuzz targets, a short while each
    Fuzz,
    /// The Autobahn suite against servers and clients
    Conformance,
    /// The npm package: its types, its size, and the runtimes of JavaScript
    Js,
    /// Peers that others have made: ws, undici, Python's websockets, Chromium
    Interop,
    /// The inspector page in Chromium
    Page,
}

impl Step {
    fn name(self) -> String {
        self.to_possible_value()
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default()
    }
}

/// A tool that a step needs is not there and cannot be set up: a failure in CI, a counted skip elsewhere.
#[derive(Debug)]
pub(crate) struct Missing(pub(crate) String);

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for Missing {}

/// Runs the steps, and says how each went.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    process::kill_children_when_told_to_stop()?;
    let steps = Step::value_variants()
        .iter()
        .filter(|step| options.only.is_empty() || options.only.contains(step));
    let mut bench = Workbench::default();
    let mut total = Tally::default();
    let mut lines = Vec::new();
    for &step in steps {
        println!("=== {}", step.name());
        let start = Instant::now();
        let tally = count(bench.run(step, options));
        let line = format!(
            "{:12} {tally} in {} s",
            step.name(),
            start.elapsed().as_secs()
        );
        println!("--- {line}\n");
        lines.push(line);
        total += tally;
    }
    for line in lines {
        println!("{line}");
    }
    println!("{total}");
    Ok(if total.failed == 0 && total.passed > 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Makes a step that did not come to its end count.
fn count(outcome: Result<Tally>) -> Tally {
    match outcome {
        Ok(tally) => tally,
        Err(error) if error.is::<Missing>() && !is_ci() => {
            println!("skipped: {error:#}");
            Tally {
                skipped: 1,
                ..Tally::default()
            }
        }
        Err(error) => {
            println!("failed: {error:#}");
            Tally::of(false)
        }
    }
}

/// Whether what is missing is a failure.
pub(crate) fn is_ci() -> bool {
    env::var_os("CI").is_some_and(|ci| ci == "true")
}

/// What the steps share: things built once.
#[derive(Default)]
struct Workbench {
    components: Option<Vec<PathBuf>>,
    has_host: bool,
}

impl Workbench {
    fn run(&mut self, step: Step, options: &Options) -> Result<Tally> {
        match step {
            Step::Lint => self.lint(),
            Step::Unit => self.unit(),
            Step::Component => self.component(),
            Step::Hostile => self.integration(|test| test.starts_with(HOSTILE)),
            Step::Fuzz => fuzz::run(Duration::from_secs(options.fuzz_seconds)),
            Step::Conformance => {
                if conformance::needs_host(&options.side) {
                    self.build_host()?;
                }
                conformance::run(&options.side, options.full)
            }
            Step::Js => {
                // One of the servers that the package is tested with.
                self.build_host()?;
                js::test()
            }
            Step::Interop => {
                self.build_host()?;
                interop::run()
            }
            Step::Page => page::test(),
        }
    }

    fn lint(&mut self) -> Result<Tally> {
        self.build_components()?;
        let mut tally = check(
            "rustfmt",
            workspace::cargo().args(["fmt", "--all", "--check"]),
        )?;
        for (folder, _) in OWN_WORKSPACES {
            let mut cargo = workspace::cargo();
            cargo.args(["fmt", "--all", "--check", "--manifest-path"]);
            cargo.arg(manifest(folder));
            tally += check(&format!("rustfmt {folder}"), &mut cargo)?;
        }
        // Optimised like the tests after it, to share build scripts and procedural macros with them.
        let mut clippy = component::with_endpoint(workspace::cargo());
        clippy.args([
            "clippy",
            "--release",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ]);
        tally += check("clippy", &mut clippy)?;
        for (folder, arguments) in OWN_WORKSPACES {
            let Some(arguments) = arguments else { continue };
            let mut clippy = workspace::cargo();
            clippy.args(["clippy", "--release", "--manifest-path"]);
            clippy.arg(manifest(folder)).args(arguments);
            clippy.args(["--", "-D", "warnings"]);
            clippy.env("CARGO_TARGET_DIR", workspace::target());
            tally += check(&format!("clippy {folder}"), &mut clippy)?;
        }
        // Libraries only: the program `sockeye` and the library of that name would be written to the same page.
        let mut doc = component::with_endpoint(workspace::cargo());
        doc.args(["doc", "--release", "--workspace", "--lib", "--no-deps"])
            .env("RUSTDOCFLAGS", "-D warnings");
        tally += check("rustdoc", &mut doc)?;
        Ok(tally)
    }

    fn unit(&mut self) -> Result<Tally> {
        self.build_components()?;
        let mut tally = Tally::default();
        for features in [&[][..], &["--no-default-features"], &["--all-features"]] {
            let mut cargo = workspace::cargo();
            cargo.args(["test", "--package", CORE]).args(features);
            tally += tests(&format!("core {}", features.join(" ")), &mut cargo)?;
        }
        tally += tests(
            "xtask",
            workspace::cargo().args(["test", "--package", "xtask"]),
        )?;
        // Optimised like what links the engine, so that what they share is compiled only once.
        let mut rest = workspace::cargo();
        rest.args(["test", "--release", "--workspace"]);
        let integration = integration_package()?.name;
        for package in [CORE, "xtask", HOST, &integration, interop::PACKAGE] {
            rest.args(["--exclude", package]);
        }
        // The test that needs Wireshark is ignored where it is not there, which is counted.
        let options: &[&str] = if has_tshark()? {
            &["--include-ignored"]
        } else {
            &[]
        };
        tally += tests_with(options, "the other crates", &mut rest)?;
        let toolchain = Toolchain::find()?;
        let mut wasm = toolchain.cargo("build", component::RUSTFLAGS);
        wasm.args(["--package", CORE, "--profile", "component"]);
        tally += check("core for WebAssembly", &mut wasm)?;
        Ok(tally)
    }

    /// Runs the host's tests, inside and out, and the integration tests that are not hostile.
    fn component(&mut self) -> Result<Tally> {
        self.build_components()?;
        let faulty = component::build_guest(&mut Steps::new(1), &workspace::root().join(FAULTY))?;
        let mut host = component::with_endpoint(workspace::cargo());
        host.args(["test", "--release", "--package", HOST])
            .env("SOCKEYE_FAULTY_COMPONENT", faulty);
        let mut tally = tests("host", &mut host)?;
        tally += self.integration(|test| !test.starts_with(HOSTILE))?;
        tally += core_in_wasm()?;
        Ok(tally)
    }

    /// Runs the integration tests whose names are wanted.
    fn integration(&mut self, is_wanted: impl Fn(&str) -> bool) -> Result<Tally> {
        self.build_host()?;
        let package = integration_package()?;
        let wanted: Vec<_> = package
            .tests
            .iter()
            .filter(|test| is_wanted(test))
            .collect();
        if wanted.is_empty() {
            bail!("no such test in tests/");
        }
        let mut cargo = component::with_endpoint(workspace::cargo());
        cargo
            .args(["test", "--release", "--package", &package.name])
            .env("SOCKEYE_BIN", workspace::release("sockeye"));
        for test in wanted {
            cargo.args(["--test", test]);
        }
        tests("tests/", &mut cargo)
    }

    fn build_components(&mut self) -> Result<()> {
        if self.components.is_none() {
            self.components = Some(component::build(
                &mut Steps::new(World::ALL.len()),
                &World::ALL,
            )?);
        }
        Ok(())
    }

    fn build_host(&mut self) -> Result<()> {
        self.build_components()?;
        if !self.has_host {
            Steps::new(1).cargo("server `sockeye`", &mut host_cargo("release"))?;
            self.has_host = true;
        }
        Ok(())
    }
}

/// Whether there is `tshark`, which is installed where that is possible.
///
/// # Errors
///
/// [`Missing`] in CI, where nothing may be left out.
fn has_tshark() -> Result<bool> {
    let is_there = || {
        process::succeeds(
            Command::new("tshark")
                .arg("--version")
                .stdout(Stdio::null())
                .stderr(Stdio::null()),
            Duration::from_secs(60),
        )
    };
    if is_there() {
        return Ok(true);
    }
    eprintln!("      apt-get install tshark");
    toolchain::install(&["tshark"]);
    if !is_there() && is_ci() {
        return Err(Missing("tshark is not there, and could not be set up".into()).into());
    }
    Ok(is_there())
}

/// Runs the core's tests in WebAssembly, where sizes have 32 bits. Each file of tests counts as one.
fn core_in_wasm() -> Result<Tally> {
    const RUNNER: &str = "wasm-tests";
    let mut cargo = workspace::cargo();
    cargo.args(["build", "--release", "--bin", RUNNER, "--package"]);
    cargo.arg(integration_package()?.name);
    Steps::new(1).cargo("runner of tests in WebAssembly", &mut cargo)?;
    let mut cargo = Toolchain::find()?.cargo("test", component::RUSTFLAGS);
    cargo
        .args(["--package", CORE, "--all-features", "--tests"])
        .args(["--profile", "wasm-tests"])
        .env(
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER",
            workspace::release(RUNNER),
        );
    tests("core in WebAssembly", &mut cargo)
}

/// The package of the integration tests.
fn integration_package() -> Result<Package> {
    let folder = workspace::root().join("tests");
    workspace::packages(None)?
        .into_iter()
        .find(|package| package.folder == folder)
        .context("no package in tests/")
}

/// The manifest of a package with a workspace of its own.
fn manifest(folder: &str) -> PathBuf {
    workspace::root().join(folder).join("Cargo.toml")
}

/// Runs a command whose exit status is the verdict.
fn check(what: &str, command: &mut Command) -> Result<Tally> {
    println!("--- {what}");
    let status = Running::start(command.stdin(Stdio::null()))?.wait(LIMIT)?;
    Ok(Tally::of(status.is_some_and(|status| status.success())))
}

/// Runs `cargo test` and counts the tests.
pub(crate) fn tests(what: &str, cargo: &mut Command) -> Result<Tally> {
    tests_but(&[], what, cargo)
}

/// Runs a program that prints a line for each test, which begins with `ok`, `not ok` or `skip`, and counts them.
pub(crate) fn verdicts(what: &str, command: &mut Command) -> Result<Tally> {
    println!("--- {what}");
    count_lines(command, Tally::add_verdict_line)
}

/// Runs `cargo test`, but for the tests with these words in their names, and counts the tests.
pub(crate) fn tests_but(skipped: &[&str], what: &str, cargo: &mut Command) -> Result<Tally> {
    let options: Vec<_> = skipped.iter().flat_map(|word| ["--skip", word]).collect();
    tests_with(&options, what, cargo)
}

/// Runs `cargo test` with these options of its programs, and counts the tests.
fn tests_with(options: &[&str], what: &str, cargo: &mut Command) -> Result<Tally> {
    println!("--- {what}");
    cargo.args(["--no-fail-fast", "--"]).args(options);
    count_lines(cargo, Tally::add_libtest_line)
}

/// Runs `command`, shows what it prints, and has each line counted.
fn count_lines(command: &mut Command, add: fn(&mut Tally, &str)) -> Result<Tally> {
    let running = Running::start(command.stdin(Stdio::null()).stdout(Stdio::piped()))?;
    let stdout = running.child().stdout.take();
    let mut tally = Tally::default();
    for line in stdout
        .into_iter()
        .flat_map(|stdout| BufReader::new(stdout).lines())
    {
        let line = line?;
        add(&mut tally, &line);
        println!("{line}");
    }
    let well = running.wait(LIMIT)?.is_some_and(|status| status.success());
    if !well && tally.failed == 0 {
        // It did not build, or died.
        tally.failed = 1;
    }
    Ok(tally)
}

const CORE: &str = "sockeye";
const HOST: &str = "sockeye-host";
/// The guest that shows what a fault costs.
const FAULTY: &str = "tests/guests/faulty";
/// How the names of the tests of rule-breaking peers begin.
const HOSTILE: &str = "hostile";
/// Folders with workspaces of their own, and what clippy is to look at there. It does not look at the benchmarks: their peers
/// take minutes to check.
const OWN_WORKSPACES: [(&str, Option<&[&str]>); 3] = [
    (
        "tests/fuzz",
        // Where the fuzz targets are built: libFuzzer is there already.
        Some(&[
            "--all-targets",
            "--all-features",
            "--target-dir",
            "tests/fuzz/target",
        ]),
    ),
    ("tests/bench", None),
    (FAULTY, Some(&["--lib"])),
];
/// No single command takes longer, a cold build of the engine included.
const LIMIT: Duration = Duration::from_secs(45 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn step_that_breaks_off_counts_as_a_failure() {
        assert_eq!(count(Err(anyhow::anyhow!("no compiler"))), Tally::of(false));
    }
}
