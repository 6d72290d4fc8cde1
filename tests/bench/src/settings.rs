//! The command line.

use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand, ValueEnum};

use crate::{payload::Compression, scenarios};

/// Measures Sockeye beside other WebSocket implementations, and prints tables with ratios from interleaved runs.
///
/// Without naming a measurement, all of them run in a quick form (about five minutes).
#[derive(Parser)]
#[command(name = "cargo xtask bench", args_conflicts_with_subcommands = true)]
pub struct Arguments {
    /// What to measure
    #[arg(value_enum)]
    pub what: Vec<What>,

    /// Fewer and shorter rounds
    #[arg(long)]
    pub quick: bool,

    /// Rounds to take the median of, after one to warm up
    #[arg(long, value_name = "N")]
    pub rounds: Option<usize>,

    /// Length of one measurement over TCP
    #[arg(long, value_name = "SECONDS")]
    pub seconds: Option<f64>,

    /// Also write the results to this file as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// The `sockeye` program [default: target/dist/sockeye or target/release/sockeye of the repository]
    #[arg(long, value_name = "PATH")]
    pub sockeye: Option<PathBuf>,

    /// The component [default: the environment variable SOCKEYE_COMPONENT]
    #[arg(long, value_name = "PATH", env = "SOCKEYE_COMPONENT")]
    pub component: Option<PathBuf>,

    /// Only these implementations, by their names in the tables, separated by commas; `native` and `component` are Sockeye's
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub only: Vec<String>,

    /// Only these loads over TCP, by their names or by parts of them (`100x20`, `500x512-binary`, `deflate`), separated by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = scenarios::parse)]
    pub scenario: Vec<String>,

    #[command(subcommand)]
    pub command: Option<Command>,
}

/// A measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// Masking and UTF-8 validation in GB/s
    Codec,
    /// Echo in memory: ns per message without the kernel
    Memory,
    /// Instantiation, compilation, and the start of `sockeye serve`
    Instantiate,
    /// Echo over loopback TCP: messages per second and the server's CPU time per message
    Tcp,
    /// Memory per idle connection
    Idle,
    /// 10,000 connections held, all of them echoing
    Hold,
}

/// What the program starts itself with.
#[derive(Subcommand)]
pub enum Command {
    /// Serve as one of the peers (the measurements start these themselves)
    #[command(hide = true)]
    ServePeer {
        /// Which
        peer: Peer,
        /// With permessage-deflate
        #[arg(long, default_value = "none")]
        compression: Compression,
        /// With small buffers
        #[arg(long)]
        lean: bool,
        /// With buffers for messages of 1 MiB
        #[arg(long)]
        large: bool,
    },
}

/// A server of this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Peer {
    /// Returns the bytes that come.
    RawTcp,
    /// A tokio task and a socket, nothing else: the least that an idle connection can take.
    BareTask,
    /// The crate `sockeye-tokio`.
    SockeyeTokio,
    TokioTungstenite,
    Fastwebsockets,
    TokioWebsockets,
    SockudoWs,
    Yawc,
}

/// How much to measure, and with what.
pub struct Settings {
    /// Rounds that count.
    pub rounds: usize,
    /// Rounds that count over TCP: more and shorter ones, because neighbours are in the same second, and the kernel makes more noise.
    pub tcp_rounds: usize,
    /// Length of one measurement over TCP in seconds.
    pub seconds: f64,
    /// Length of one measurement in memory, 1 being a few tens of milliseconds.
    pub scale: f64,
    /// The `sockeye` program.
    sockeye: Option<PathBuf>,
    /// The component.
    component: Option<PathBuf>,
    only: Vec<String>,
    scenarios: Vec<String>,
}

impl Settings {
    /// The settings that the arguments ask for.
    pub fn new(arguments: &Arguments) -> Self {
        let quick = arguments.quick || arguments.what.is_empty();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let built = ["target/dist/sockeye", "target/release/sockeye"].map(|path| root.join(path));
        Self {
            rounds: arguments.rounds.unwrap_or(if quick { 2 } else { 5 }).max(1),
            tcp_rounds: arguments
                .rounds
                .unwrap_or(if quick { 4 } else { 15 })
                .max(1),
            seconds: arguments.seconds.unwrap_or(if quick { 0.2 } else { 0.5 }),
            scale: if quick { 0.3 } else { 1.0 },
            sockeye: arguments
                .sockeye
                .clone()
                .or_else(|| built.into_iter().find(|path| path.exists())),
            component: arguments.component.clone(),
            only: arguments.only.clone(),
            scenarios: arguments.scenario.clone(),
        }
    }

    /// The `sockeye` program, if there is one.
    pub fn sockeye(&self) -> Option<&Path> {
        self.sockeye.as_deref()
    }

    /// The component, if there is one.
    pub fn component(&self) -> Option<&Path> {
        self.component.as_deref()
    }

    /// Whether the load over TCP of this name is to be measured.
    pub fn includes_scenario(&self, name: &str) -> bool {
        self.scenarios.is_empty()
            || self
                .scenarios
                .iter()
                .any(|filter| scenarios::is_match(filter, name))
    }

    /// Whether the implementation of this name takes part.
    pub fn includes(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }
}
