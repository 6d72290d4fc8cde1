//! `cargo xtask`: sets up what the project needs, builds, serves, tests, measures and packs it.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use anyhow::{Result, bail};
use clap::{Parser, Subcommand};

use crate::component::World;
use crate::steps::Steps;

mod component;
mod process;
mod steps;
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
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().verb {
        Verb::Serve { arguments } => serve(&arguments),
        Verb::Build { release } => build(release),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not as `Debug`, which adds a backtrace where the environment asks for one: the sentence is all there is to know.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn serve(arguments: &[String]) -> Result<()> {
    let mut steps = Steps::new(2);
    component::build(&mut steps, &[World::Endpoint])?;
    steps.cargo("server `sockeye`", &mut host_cargo(&["--release"]))?;
    // The server takes our place: signals and exit status are its own.
    let error = workspace::program(&workspace::release("sockeye"))
        .arg("serve")
        .args(arguments)
        .exec();
    bail!("cannot run the server: {error}")
}

fn build(release: bool) -> Result<()> {
    let mut steps = Steps::new(3);
    component::build(&mut steps, &World::ALL)?;
    let profile: &[&str] = if release { &["--release"] } else { &[] };
    steps.cargo("server `sockeye`", &mut host_cargo(profile))
}

/// Cargo about to build the host with the component inside.
fn host_cargo(arguments: &[&str]) -> Command {
    let mut cargo = workspace::cargo();
    cargo
        .args(["build", "--package", "sockeye-host"])
        .args(arguments);
    cargo.env("SOCKEYE_COMPONENT", World::Endpoint.path());
    cargo
}

const SERVE: &str = "\
Without arguments: an echo server on the server's default address.

Examples:
  cargo xtask serve
  cargo xtask serve --listen 127.0.0.1:9001 --deflate
  cargo xtask serve echo --listen unix:/tmp/echo.sock --instance-connections 1
  cargo xtask serve -- --help        every argument of the server";

const SETUP: &str = "\
Needed: Rust, and a C compiler for some dependencies. The standard library for WebAssembly is found, or set up with rustup or from Debian's packages.";
