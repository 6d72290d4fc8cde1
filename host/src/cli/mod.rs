//! The command line.

mod deflate;
mod dial;
mod duration;
mod inspect;
mod proxy;
mod serve;
mod size;

use std::{
    io::{IsTerminal, stderr},
    process::ExitCode,
};

use clap::{CommandFactory, Parser, Subcommand, error::ErrorKind};
use tracing_subscriber::EnvFilter;

/// WebSocket server and client whose whole protocol runs in a WebAssembly component.
///
/// The component can reach nothing but the byte streams that this program hands to it. Exit codes of `serve`: 0 after Ctrl-C or SIGTERM, 1
/// when something failed while running, 2 for a command line that is wrong. Those of `dial` are in its own help.
#[derive(Debug, Parser)]
#[command(name = "sockeye", version, max_term_width = 100)]
struct Cli {
    /// What to log on stderr: error, warn, info, debug, trace, or a filter such as `sockeye_host=debug`.
    #[arg(
        long,
        global = true,
        env = "RUST_LOG",
        default_value = "info",
        value_name = "FILTER"
    )]
    log: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Connect to a WebSocket server: lines in, messages out.
    Dial(Box<dial::Dial>),
    Inspect(Box<inspect::Inspect>),
    Proxy(Box<proxy::Proxy>),
    /// Serve WebSocket clients.
    Serve(Box<serve::Serve>),
}

/// Reads the command line and does what it says.
pub(crate) fn run() -> ExitCode {
    let cli = Cli::parse();
    let filter = match EnvFilter::try_new(&cli.log) {
        Ok(filter) => filter,
        Err(error) => {
            eprintln!("sockeye: `--log {}` is not a filter: {error}", cli.log);
            return ExitCode::from(2);
        }
    };
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(stderr().is_terminal() && !no_color)
        .with_writer(stderr)
        .init();
    if let Command::Serve(serve) = &cli.command
        && let Some(problem) = serve.problem()
    {
        let mut command = Cli::command();
        command.build();
        let usage = command.find_subcommand_mut("serve");
        usage
            .expect("the derive above makes it")
            .error(ErrorKind::ArgumentConflict, problem)
            .exit();
    }
    let result = match cli.command {
        Command::Dial(dial) => return dial.run(),
        Command::Inspect(inspect) => return inspect.run(),
        Command::Proxy(proxy) => proxy.run(),
        Command::Serve(serve) => serve.run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sockeye: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
