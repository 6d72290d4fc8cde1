//! `cargo xtask`: sets up what the project needs, builds, serves, tests, measures and packs it.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Result, bail};
use clap::{Parser, Subcommand};

use crate::component::World;
use crate::steps::Steps;

mod component;
mod conformance;
mod dist;
mod fuzz;
mod inspect;
mod interop;
mod js;
mod node;
mod page;
mod process;
mod steps;
mod tally;
mod test;
mod toolchain;
mod workspace;

/// The project's chores. Each does its own set-up, shows what it builds, and is quiet when nothing is to be done.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", after_help = SETUP)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Build the component and the server, and run `sockeye serve` with what follows
    #[command(after_help = SERVE)]
    Serve {
        /// Arguments of `sockeye serve`
        #[arg(
            trailing_var_arg = true,
            allow_hyphen_values = true,
            value_name = "ARGUMENTS"
        )]
        arguments: Vec<String>,
    },
    /// Build the components and the binary `sockeye`
    #[command(after_help = "Leaves target/component/*.wasm and target/{debug,release}/sockeye.")]
    Build {
        /// Optimised: target/release/sockeye
        #[arg(long)]
        release: bool,
        /// Nothing but the component of the crate in this folder: target/component/NAME.wasm
        #[arg(long, value_name = "FOLDER")]
        guest: Option<PathBuf>,
    },
    /// Build the npm package, pack it, and print how large it is
    #[command(after_help = "Leaves target/npm/sockeye and target/npm/sockeye-VERSION.tgz.")]
    Js,
    /// Build the inspector page, and print how large it is
    #[command(after_help = "Leaves target/page: any static file server can serve it.")]
    Page,
    /// Run every check, or those named with --only
    #[command(after_help = TEST)]
    Test(test::Options),
    /// Measure, beside other implementations: builds tests/bench and runs it with what follows; `js` measures the npm package, `page` the
    /// inspector page
    #[command(after_help = BENCH)]
    Bench {
        /// Arguments of the benchmark program
        #[arg(
            trailing_var_arg = true,
            allow_hyphen_values = true,
            value_name = "ARGUMENTS"
        )]
        arguments: Vec<String>,
    },
    /// Build what is published into target/dist-out: binary, components, npm package, WIT, licences, checksums
    Dist,
}

fn main() -> ExitCode {
    match run(&Arguments::parse().verb) {
        Ok(code) => code,
        Err(error) => {
            // Not as `Debug`, which adds a backtrace where the environment asks for one: the sentence is all there is to know.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(verb: &Verb) -> Result<ExitCode> {
    match verb {
        Verb::Serve { arguments } => serve(arguments)?,
        Verb::Build {
            guest: Some(folder),
            ..
        } => {
            component::build_guest(&mut Steps::new(1), folder)?;
        }
        Verb::Build { release, .. } => build(*release)?,
        Verb::Js => js::run()?,
        Verb::Page => page::run()?,
        Verb::Test(options) => return test::run(options),
        Verb::Bench { arguments } => bench(arguments)?,
        Verb::Dist => dist::run()?,
    }
    Ok(ExitCode::SUCCESS)
}

fn serve(arguments: &[String]) -> Result<()> {
    let mut steps = Steps::new(2);
    component::build(&mut steps, &[World::Endpoint])?;
    steps.cargo("server `sockeye`", &mut host_cargo("release"))?;
    become_program(
        workspace::program(&workspace::release("sockeye"))
            .arg("serve")
            .args(arguments),
    )
}

fn build(release: bool) -> Result<()> {
    let mut steps = Steps::new(World::ALL.len() + 1);
    component::build(&mut steps, &World::ALL)?;
    steps.cargo(
        "server `sockeye`",
        &mut host_cargo(if release { "release" } else { "dev" }),
    )
}

fn bench(arguments: &[String]) -> Result<()> {
    if let [what, rest @ ..] = arguments
        && what == "js"
    {
        return become_program(js::bench()?.args(rest));
    }
    if let [what, rest @ ..] = arguments
        && what == "page"
    {
        return become_program(page::bench()?.args(rest));
    }
    if let [what, rest @ ..] = arguments
        && what == "inspect"
    {
        let mut steps = Steps::new(3);
        let captures = page::examples(&mut steps)?;
        let given = rest.iter().position(|argument| argument == "--sockeye");
        let sockeye = match given.and_then(|at| rest.get(at + 1)) {
            Some(program) => PathBuf::from(program),
            None => {
                component::build(&mut steps, &[World::Endpoint])?;
                // What is measured is what is published.
                steps.cargo(DIST_SERVER, &mut host_cargo("dist"))?;
                workspace::target().join("dist/sockeye")
            }
        };
        return inspect::bench(&sockeye, &captures, rest);
    }
    let mut steps = Steps::new(World::ALL.len() + 1);
    component::build(&mut steps, &World::ALL)?;
    let mut cargo = workspace::cargo();
    cargo
        .args([
            "run",
            "--quiet",
            "--profile",
            "dist",
            "--manifest-path",
            "tests/bench/Cargo.toml",
            "--",
        ])
        .args(arguments);
    let is_given = |names: &[&str]| {
        arguments
            .iter()
            .any(|argument| names.contains(&argument.as_str()))
    };
    if !is_given(&["--sockeye", "--help", "-h"]) {
        // What is measured is what is published.
        steps.cargo(DIST_SERVER, &mut host_cargo("dist"))?;
        cargo
            .arg("--sockeye")
            .arg(workspace::target().join("dist/sockeye"));
    }
    become_program(cargo.env("SOCKEYE_COMPONENT", World::Endpoint.path()))
}

/// Runs a program in our place: signals, terminal and exit status are its own.
fn become_program(command: &mut Command) -> Result<()> {
    let error = command.exec();
    bail!("cannot run {}: {error}", command.get_program().display())
}

/// Cargo about to build the host with the component inside.
fn host_cargo(profile: &str) -> Command {
    let mut cargo = component::with_endpoint(workspace::cargo());
    cargo.args(["build", "--package", "sockeye-host", "--profile", profile]);
    cargo
}

/// What the step of building the server for publication is called.
const DIST_SERVER: &str =
    "server `sockeye`, optimised across crates: several minutes the first time";

const TEST: &str = "\
Examples:
  cargo xtask test                                        everything that CI runs
  cargo xtask test --only unit --only lint                while writing
  cargo xtask test --only conformance --full              all 517 cases on every side
  cargo xtask test --only fuzz --fuzz-seconds 3600        a long search

A step whose tools are missing and cannot be set up is counted as skipped, or as failed where CI=true.";

const BENCH: &str = "\
Examples:
  cargo xtask bench                      everything but the npm package and the page, quickly
  cargo xtask bench tcp --help           what the program takes
  cargo xtask bench js                   the npm package on Node.js, beside npm `ws`
  cargo xtask bench js echo --rounds 9 --seconds 0.5
  cargo xtask bench page                 the inspector page in Chromium
  cargo xtask bench inspect              `sockeye inspect` beside `tshark`; --frames N, --rounds N, --sockeye PROGRAM";

const SERVE: &str = "\
Without arguments: an echo server on the server's default address.

Examples:
  cargo xtask serve
  cargo xtask serve --listen 127.0.0.1:9001 --deflate
  cargo xtask serve echo --listen unix:/tmp/echo.sock --instance-connections 1
  cargo xtask serve -- --help        every argument of the server";

const SETUP: &str = "\
Needed: Rust, and a C compiler for some dependencies. The standard library for WebAssembly is found, or set up with rustup or from Debian's packages.";
