//! `sockeye serve`.

use std::{
    ffi::OsString,
    io::{self, Write},
    num::NonZeroUsize,
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use sockeye_host::{
    Address, ComponentSource, Deflate, Engine, EngineOptions, OriginPolicy, Server, TlsAcceptor,
    UpgradeOptions,
};
use tokio::{
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
};

use super::{
    deflate,
    duration::{self, OrOff},
    size,
};
use crate::app::{Application, Chat, Launcher, Program, Start, Watch};

/// Serve WebSocket clients until Ctrl-C or SIGTERM.
///
/// Prints `listening on ws://…` for every address once clients can connect. A signal closes every connection with code 1001 and lets
/// them finish; a second one ends at once.
#[derive(Args, Debug)]
#[command(
    after_help = EXAMPLES,
    override_usage = "sockeye serve [OPTIONS] [echo | chat | watch FILE | command [OPTIONS] -- CMD [ARG]...]"
)]
pub(crate) struct Serve {
    /// What clients get.
    #[arg(value_enum, default_value_t)]
    application: ApplicationKind,

    /// The file to watch.
    #[arg(value_name = "FILE", required_if_eq("application", "watch"))]
    file: Option<PathBuf>,

    /// The command to run, behind `--`, and its arguments.
    #[arg(
        value_name = "CMD",
        last = true,
        required_if_eq("application", "command")
    )]
    command: Vec<OsString>,

    /// Lines from the end of the file that a client is sent first. By default 10.
    #[arg(long, value_name = "N", conflicts_with = "all", help_heading = "Watch")]
    lines: Option<u64>,

    /// Send the whole file first.
    #[arg(long, help_heading = "Watch")]
    all: bool,

    /// Pass data in and out as it comes, in binary messages. By default each text message is a line of the command's input, and each
    /// line of its output a text message.
    #[arg(long, help_heading = "Command")]
    binary: bool,

    /// Processes at a time, by default 64. Further clients are closed with code 1013.
    #[arg(long, value_name = "N", help_heading = "Command")]
    max_processes: Option<NonZeroUsize>,

    /// How long a process may take to end once its client has gone and its input has ended, before it is sent SIGTERM; and
    /// again before it is killed, with all its descendants. By default 2s.
    #[arg(long, value_name = "TIME", value_parser = duration::parse, help_heading = "Command")]
    grace: Option<Duration>,

    /// Where to listen: HOST:PORT, :PORT for this machine only, or unix:PATH. Port 0 takes a free one. May be repeated.
    #[arg(long, short, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: Vec<Address>,

    /// Certificate chain in PEM: with it, TCP addresses speak TLS (wss://).
    #[arg(long, value_name = "FILE", requires = "tls_key", help_heading = "TLS")]
    tls_cert: Option<PathBuf>,

    /// Private key of the certificate, in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert", help_heading = "TLS")]
    tls_key: Option<PathBuf>,

    /// Subprotocol to agree to, in order of preference. May be repeated.
    #[arg(long, value_name = "NAME", help_heading = "Protocol")]
    subprotocol: Vec<String>,

    /// Web page origin that may connect, as `https://example.com` or `https://*.example.com`; `any` lets in all of them. By default only
    /// pages of the host that the request is for. Programs that are not browsers send no origin and are always let in. May be repeated.
    #[arg(long, value_name = "ORIGIN", help_heading = "Protocol")]
    origin: Vec<String>,

    /// Compress messages for clients that ask for it (permessage-deflate). Off unless given; alone it means
    /// level=5,server-bits=12,client-bits=12,threshold=64. Also: no-takeover, server-no-takeover, client-no-takeover, which save memory
    /// and cost compression.
    #[arg(
        long,
        value_name = "SETTINGS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
        value_parser = deflate::parse,
        help_heading = "Protocol"
    )]
    deflate: Option<Deflate>,

    /// Longest message that is taken, after inflation; a longer one closes the connection with code 1009.
    #[arg(long, value_name = "SIZE", default_value = "1MiB", value_parser = size::parse, help_heading = "Limits")]
    max_message: u64,

    /// Connections at a time. Further ones are accepted and closed at once.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 16_384,
        help_heading = "Limits"
    )]
    max_connections: usize,

    /// How long a client may take for the opening handshake, TLS included.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration::parse_or_off, help_heading = "Limits")]
    handshake_timeout: OrOff,

    /// Silence after which a client is sent a Ping; one that does not answer is dropped 20 s later. `off` sends none.
    #[arg(long, value_name = "TIME", default_value = "20s", value_parser = duration::parse_or_off, help_heading = "Limits")]
    ping_interval: OrOff,

    /// How long connections may take to end after Ctrl-C or SIGTERM.
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration::parse, help_heading = "Limits")]
    drain: Duration,

    /// Threads that serve. By default one per core.
    #[arg(long, value_name = "N", help_heading = "Engine")]
    threads: Option<NonZeroUsize>,

    /// Where the protocol runs.
    #[arg(long, value_enum, default_value_t, help_heading = "Engine")]
    engine: EngineKind,

    /// Connections that share an instance of the component, and its fate should it fail. 1 isolates each connection from every
    /// other, for about 34 KiB each.
    #[arg(long, value_name = "N", default_value = "256", help_heading = "Engine")]
    instance_connections: NonZeroUsize,

    /// Memory that an instance may use, at most 4 GiB. By default enough for its connections to hold three messages of the longest
    /// size each.
    #[arg(long, value_name = "SIZE", value_parser = size::parse, help_heading = "Engine")]
    instance_memory: Option<u64>,

    /// How long one call into the component may take before its instance is given up.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = duration::parse, help_heading = "Engine")]
    instance_deadline: Duration,

    /// Run another component that implements `world endpoint-component` instead of the one built in.
    #[arg(long, value_name = "FILE", help_heading = "Engine")]
    component: Option<PathBuf>,
}

/// What clients get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ApplicationKind {
    /// Every message comes back to its sender, without leaving the component.
    #[default]
    Echo,
    /// What one client says, every client in the same room hears. The path is the room: `/`, or `/room/NAME`. A browser gets a page to
    /// chat with.
    Chat,
    /// The last lines of FILE, then each line that is appended, also after FILE was rotated, truncated or created anew. A line is
    /// sent when its line break has been written.
    Watch,
    /// A process of CMD for each client: what the client sends is its input, its output is what the client gets. It knows its client
    /// by the variables of CGI: `REMOTE_ADDR`, `REQUEST_URI`, `HTTP_…`.
    Command,
}

/// Where the protocol runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum EngineKind {
    /// In instances of the WebAssembly component, each with bounds on memory and time.
    #[default]
    Component,
    /// In this process, without a sandbox: for comparison.
    Native,
}

impl Serve {
    /// What is given that the application has no use for, as a sentence.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        let watch = self.application == ApplicationKind::Watch;
        let command = self.application == ApplicationKind::Command;
        [
            (
                self.file.is_some() && !watch,
                "FILE goes with `watch` only: `sockeye serve watch FILE`",
            ),
            (
                !self.command.is_empty() && !command,
                "what follows `--` goes with `command` only: `sockeye serve command -- CMD`",
            ),
            (
                (self.lines.is_some() || self.all) && !watch,
                "--lines and --all go with `watch` only",
            ),
            (
                (self.binary || self.max_processes.is_some() || self.grace.is_some()) && !command,
                "--binary, --max-processes and --grace go with `command` only",
            ),
        ]
        .into_iter()
        .find_map(|(is_wrong, problem)| is_wrong.then_some(problem))
    }

    /// Serves until told to stop.
    pub(crate) fn run(self) -> Result<()> {
        raise_descriptor_limit(self.max_connections);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot make a runtime")?;
        let options = self.options();
        let application = self.application(&options, &runtime)?;
        let builder = Server::builder(self.engine()?).max_connections(self.max_connections);
        let mut builder = application.attach(builder, options);
        if let Some(threads) = self.threads {
            builder = builder.threads(threads);
        }
        let tls = match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => Some(TlsAcceptor::from_files(certificate, key)?),
            _ => None,
        };
        let is_tls = tls.is_some();
        if let Some(tls) = tls {
            builder = builder.tls(tls);
        }
        for address in self.listen {
            builder = builder.listen(address);
        }
        runtime.block_on(async move {
            // Before `listening` is printed: whoever waits for that line may stop us right after.
            let mut interrupt = signal(SignalKind::interrupt())?;
            let mut terminate = signal(SignalKind::terminate())?;
            let server = builder.start()?;
            announce(&server, is_tls).context("cannot write to stdout")?;
            if application.has_page() {
                invite(&server, is_tls);
            }
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            tracing::info!("closing every connection; a second signal ends at once");
            server.go_away();
            let drained = async {
                while !server.is_finished() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            let mut at_once = false;
            tokio::select! {
                () = drained => {}
                () = tokio::time::sleep(self.drain) => {
                    tracing::warn!("some connections had not ended in time");
                }
                _ = interrupt.recv() => at_once = true,
                _ = terminate.recv() => at_once = true,
            }
            drop(server);
            if !at_once {
                tokio::select! {
                    () = application.finish() => {}
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            }
            Ok(())
        })
    }

    fn application(&self, options: &UpgradeOptions, runtime: &Runtime) -> Result<Application> {
        Ok(match self.application {
            ApplicationKind::Echo => Application::Echo,
            ApplicationKind::Chat => Application::Chat(Chat::new(options)),
            ApplicationKind::Watch => {
                let start = if self.all {
                    Start::All
                } else {
                    Start::Last(self.lines.unwrap_or(LINES))
                };
                let path = self.file.as_deref().context("no file is given")?;
                Application::Watch(Watch::new(path, start, options)?)
            }
            ApplicationKind::Command => Application::Command(Launcher::new(
                Program::find(&self.command)?,
                options,
                self.binary,
                self.grace.unwrap_or(GRACE),
                self.max_processes.unwrap_or(MAX_PROCESSES),
                runtime.handle().clone(),
            )),
        })
    }

    fn engine(&self) -> Result<Engine> {
        if self.engine == EngineKind::Native {
            return Ok(Engine::native());
        }
        let mut options = EngineOptions::default();
        options.instance_connections = self.instance_connections.get();
        options.connections = self.max_connections;
        options.instance_memory = self.instance_memory;
        options.message_size = self.max_message;
        options.deadline = self.instance_deadline;
        if let Some(file) = &self.component {
            options.component = ComponentSource::File(file.clone());
        }
        Ok(Engine::component(&options)?)
    }

    fn options(&self) -> UpgradeOptions {
        let mut options = UpgradeOptions::default();
        options.subprotocols.clone_from(&self.subprotocol);
        options.origins = if self.origin.is_empty() {
            OriginPolicy::SameHost
        } else if self.origin.iter().any(|origin| origin == "any") {
            OriginPolicy::Any
        } else {
            OriginPolicy::Allow(self.origin.clone())
        };
        options.deflate = self.deflate;
        options.message_size = self.max_message;
        options.handshake_timeout = self.handshake_timeout.0;
        options.ping_interval = self.ping_interval.0;
        options
    }
}

/// Says where clients can connect, for people and for scripts that wait for it.
fn announce(server: &Server, is_tls: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for address in server.addresses() {
        match address {
            Address::Tcp(address) if is_tls => writeln!(out, "listening on wss://{address}")?,
            Address::Tcp(address) => writeln!(out, "listening on ws://{address}")?,
            Address::Unix(path) => writeln!(out, "listening on ws+unix:{}", path.display())?,
            _ => writeln!(out, "listening on {address}")?,
        }
    }
    out.flush()
}

/// Says where there is a page.
fn invite(server: &Server, is_tls: bool) {
    let scheme = if is_tls { "https" } else { "http" };
    for address in server.addresses() {
        if let Address::Tcp(address) = address {
            tracing::info!("there is a page at {scheme}://{address}/");
        }
    }
}

/// Every connection is a descriptor, and the usual soft limit is 1,024.
fn raise_descriptor_limit(connections: usize) {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) if limit < connections as u64 + OWN_DESCRIPTORS => tracing::warn!(
            "the system allows {limit} open files: fewer than `--max-connections {connections}` need"
        ),
        Ok(_) => {}
        Err(error) => tracing::warn!("cannot raise the limit of open files: {error}"),
    }
}

/// Lines that a client of `watch` is sent first.
const LINES: u64 = 10;

/// Processes of `command`, and how long each may take to end.
const MAX_PROCESSES: NonZeroUsize = NonZeroUsize::new(64).unwrap();
const GRACE: Duration = Duration::from_secs(2);

/// What the process opens beside connections.
const OWN_DESCRIPTORS: u64 = 64;

const EXAMPLES: &str = "\
Examples:
  sockeye serve                                      echo on ws://127.0.0.1:8080
  sockeye serve --listen 0.0.0.0:80 --deflate        for everybody, compressed
  sockeye serve --listen :0 --listen unix:/tmp/s     a free port, and a Unix socket
  sockeye serve --listen :8443 --tls-cert cert.pem --tls-key key.pem
  sockeye serve --origin https://example.com         also for that site's pages
  sockeye serve chat --listen :8000                  open http://127.0.0.1:8000/ in two windows
  sockeye serve watch /var/log/syslog --lines 100    what is being logged
  sockeye serve command -- grep --line-buffered -i fish
  sockeye serve --instance-connections 1             an instance for each connection";
