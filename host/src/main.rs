//! `sockeye`: a WebSocket server whose protocol runs in a WebAssembly component.
#![allow(
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core,
    reason = "the whole program needs std"
)]

mod app;
mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
