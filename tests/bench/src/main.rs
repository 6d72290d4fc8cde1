//! Measures Sockeye beside other WebSocket implementations: `cargo xtask bench`.
//!
//! Every comparison runs its candidates in turn, round after round, and compares what was measured in the same round: a machine that is
//! busy for a moment is then busy for all of them. What is printed are medians.

mod answers;
mod codec;
#[cfg(feature = "component")]
mod component;
mod hold;
mod idle;
mod instantiate;
mod load;
mod memory;
mod payload;
mod peers;
mod process;
mod report;
mod scenarios;
mod serve;
mod servers;
mod settings;
mod tcp;
mod verify;

use std::error::Error;

use clap::{Parser, ValueEnum};

use crate::{
    report::Report,
    servers::Setup,
    settings::{Arguments, Command, Settings, What},
};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    if let Some(Command::ServePeer {
        peer,
        compression,
        lean,
        large,
    }) = arguments.command
    {
        let setup = Setup {
            compression,
            lean,
            large,
        };
        return Ok(serve::run(peer, setup)?);
    }
    let settings = Settings::new(&arguments);
    let chosen = if arguments.what.is_empty() {
        What::value_variants()
    } else {
        &arguments.what
    };
    let mut report = Report::new();
    process::raise_open_files();
    process::pin(process::LOAD_CORE);
    for what in chosen {
        match what {
            What::Codec => codec::run(&settings, &mut report),
            What::Memory => memory::run(&settings, &mut report),
            What::Instantiate => instantiate::run(&settings, &mut report)?,
            What::Tcp => tcp::run(&settings, &mut report)?,
            What::Idle => idle::run(&settings, &mut report)?,
            What::Hold => hold::run(&settings, &mut report)?,
        }
    }
    report.print_bars();
    if let Some(path) = &arguments.json {
        std::fs::write(path, format!("{:#}\n", report.to_json()))?;
    }
    Ok(())
}
