//! `sockeye dial`.

mod connect;
mod ending;
mod input;
mod json;
mod line;
mod output;
mod record;
mod retry;
mod say;
mod session;
mod show;
mod terminal;
mod work;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::{Args, ValueEnum};
use sockeye_host::{ComponentSource, Deflate, Engine, EngineOptions};
use tokio::runtime::{Builder, LocalOptions};

use self::{ending::Ending, session::Session};
use super::{
    deflate,
    duration::{self, OrOff},
    size,
};

/// Connect to a WebSocket server: lines in, messages out.
///
/// On a terminal there is a prompt with line editing and history; `/help` lists its commands. In a pipe each line of stdin is sent as a
/// text message, word for word, and each message that comes is printed on a line of its own; when stdin ends, the connection is
/// closed, and everything is printed that comes before the peer has answered the Close frame, for which it has 5 s of silence. A server
/// that takes its time with its messages wants `--wait`.
#[derive(Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Dial {
    /// Where to connect: ws://HOST[:PORT][/PATH], wss://… with TLS, ws+unix:/SOCKET:/PATH. User and password in it are sent (Basic).
    url: String,

    /// Header field to add to the request, as 'Name: value'. May be repeated.
    #[arg(long, short = 'H', value_name = "NAME: VALUE", value_parser = header, help_heading = "Request")]
    header: Vec<(String, String)>,

    /// Subprotocol to offer, in order of preference. May be repeated.
    #[arg(long, short, value_name = "NAME", help_heading = "Request")]
    subprotocol: Vec<String>,

    /// The value of Origin, as https://example.com. By default none is sent.
    #[arg(long, value_name = "ORIGIN", help_heading = "Request")]
    origin: Option<String>,

    /// Name and password for Basic authentication.
    #[arg(long, value_name = "NAME:PASSWORD", value_parser = credentials, help_heading = "Request")]
    user: Option<String>,

    /// Send the cookies in this file, and keep there what the server sets. It is made when it does not exist.
    #[arg(long, value_name = "FILE", help_heading = "Request")]
    cookie_jar: Option<PathBuf>,

    /// Follow up to 10 redirects. Another server is shown no credentials.
    #[arg(long, help_heading = "Request")]
    follow: bool,

    /// Go through this proxy: http://, https://, socks5:// or socks5h://. By default what the environment says.
    #[arg(
        long,
        value_name = "URL",
        conflicts_with = "no_proxy",
        help_heading = "Connection"
    )]
    proxy: Option<String>,

    /// Go through no proxy, whatever the environment says.
    #[arg(long, help_heading = "Connection")]
    no_proxy: bool,

    /// Connect to this Unix socket; the URL says what to ask for there.
    #[arg(
        long,
        value_name = "PATH",
        conflicts_with = "proxy",
        help_heading = "Connection"
    )]
    unix: Option<PathBuf>,

    /// Trust the certificates in this PEM file too.
    #[arg(long, value_name = "FILE", help_heading = "Connection")]
    ca: Option<PathBuf>,

    /// Certificate to show to the server, with its chain, in PEM.
    #[arg(
        long,
        value_name = "FILE",
        requires = "key",
        help_heading = "Connection"
    )]
    cert: Option<PathBuf>,

    /// Private key of that certificate, in PEM.
    #[arg(
        long,
        value_name = "FILE",
        requires = "cert",
        help_heading = "Connection"
    )]
    key: Option<PathBuf>,

    /// Accept any certificate: whoever is on the way can read and change everything.
    #[arg(long, help_heading = "Connection")]
    insecure: bool,

    /// How long it may take to connect, with proxies, TLS, redirects and the opening handshake.
    #[arg(long, value_name = "TIME", default_value = "45s", value_parser = duration::parse_or_off, help_heading = "Connection")]
    timeout: OrOff,

    /// Connect again when the connection is lost or cannot be made, or the server closes it with 1001, 1012 or 1013: at most MAX times in
    /// a row, 10 unless given, after a delay that doubles from 500 ms to 30 s, shortened by chance by up to half. What was being sent
    /// may be lost. At most 100 lines that are typed meanwhile are kept and sent then; a pipe is not read meanwhile.
    #[arg(
        long,
        value_name = "MAX",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "10",
        help_heading = "Connection"
    )]
    reconnect: Option<u32>,

    /// Offer compression (permessage-deflate). Alone it means level=5,server-bits=15,client-bits=15,threshold=64. Also: no-takeover,
    /// server-no-takeover, client-no-takeover.
    #[arg(
        long,
        value_name = "SETTINGS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
        value_parser = deflate::parse_for_client,
        help_heading = "Messages"
    )]
    deflate: Option<Deflate>,

    /// Longest message to take or to send.
    #[arg(long, value_name = "SIZE", default_value = "16MiB", value_parser = size::parse, help_heading = "Messages")]
    max_message: u64,

    /// Send lines as text messages: the default.
    #[arg(long, conflicts_with = "binary", help_heading = "Messages")]
    text: bool,

    /// Send binary messages: whatever is read from stdin at a time (raw, the default), or each line decoded (hex, base64). Binary messages
    /// that come are printed in the same way. Without this option they are printed raw to a pipe and as a hex dump to a terminal.
    #[arg(
        long,
        value_enum,
        value_name = "FORM",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "raw",
        help_heading = "Messages"
    )]
    binary: Option<Form>,

    /// Send this file as one message first: text if it is UTF-8 and not --binary. May be repeated.
    #[arg(long, value_name = "FILE", help_heading = "Messages")]
    send_file: Vec<PathBuf>,

    /// Lay out messages that are JSON.
    #[arg(long, help_heading = "Messages")]
    json: bool,

    /// Print this after each message instead of a line feed, and after raw binary ones too, which are otherwise followed by nothing.
    #[arg(
        long,
        value_name = "TEXT",
        allow_hyphen_values = true,
        help_heading = "Messages"
    )]
    separator: Option<String>,

    /// Print a NUL byte after each message: for `xargs -0`.
    #[arg(
        short = '0',
        long = "null",
        conflicts_with = "separator",
        help_heading = "Messages"
    )]
    null: bool,

    /// End after the first message that comes. The end of stdin is not waited for, and does not end anything.
    #[arg(long, short = '1', help_heading = "Messages")]
    one: bool,

    /// Go on receiving for this long after stdin has ended, or `forever`.
    #[arg(long, value_name = "TIME", value_parser = wait, help_heading = "Messages")]
    wait: Option<OrOff>,

    /// Send a Ping this often and print how long the answer took. A Ping without an answer within 20 s, or this time if it is longer,
    /// means that the connection is lost.
    #[arg(long, value_name = "TIME", value_parser = interval, help_heading = "Messages")]
    ping_interval: Option<Duration>,

    /// Append everything that is sent and received to this file as lines of JSON: see below.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    record: Option<PathBuf>,

    /// Show the handshake, with credentials masked, what was agreed on, and Pings.
    #[arg(long, short, conflicts_with = "quiet", help_heading = "Output")]
    verbose: bool,

    /// Say nothing on stderr but errors.
    #[arg(long, short, help_heading = "Output")]
    quiet: bool,

    /// Where the protocol runs.
    #[arg(long, value_enum, default_value_t, help_heading = "Engine")]
    engine: EngineKind,

    /// Run another component that implements `world endpoint-component` instead of the one built in.
    #[arg(long, value_name = "FILE", help_heading = "Engine")]
    component: Option<PathBuf>,
}

/// How bytes are read and printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// As they are.
    Raw,
    /// Two digits each.
    Hex,
    /// Base64, with padding.
    Base64,
}

/// Where the protocol runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum EngineKind {
    /// In an instance of the WebAssembly component.
    #[default]
    Component,
    /// In this process, without a sandbox.
    Native,
}

impl Dial {
    /// Connects and talks until it is over.
    pub(crate) fn run(self) -> ExitCode {
        let ending = match self.talk() {
            Ok(ending) | Err(ending) => ending,
        };
        ending.report()
    }

    fn talk(self) -> Result<Ending, Ending> {
        let dialer = self.dialer()?;
        let engine = self
            .engine()
            .map_err(|error| Ending::Failed(error.to_string()))?;
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build_local(LocalOptions::default())
            .map_err(|error| Ending::Failed(format!("cannot make a runtime: {error}")))?;
        runtime.block_on(async move { Session::new(self, engine, dialer)?.run().await })
    }

    fn engine(&self) -> Result<Engine, sockeye_host::EngineError> {
        if self.engine == EngineKind::Native {
            return Ok(Engine::native());
        }
        let mut options = EngineOptions::default();
        options.instance_connections = 1;
        options.connections = 1;
        options.message_size = self.max_message;
        // A message that is sent is in there beside one that comes, each of them growing by doubling.
        options.instance_memory = Some(self.max_message.saturating_mul(8).saturating_add(64 << 20));
        // A long message may be compressed in one call.
        options.deadline = Duration::from_secs(20);
        if let Some(file) = &self.component {
            options.component = ComponentSource::File(file.clone());
        }
        Engine::component(&options)
    }

    /// What the user is shown of what happens beside messages.
    const fn verbosity(&self) -> Verbosity {
        if self.quiet {
            Verbosity::Quiet
        } else if self.verbose {
            Verbosity::Verbose
        } else {
            Verbosity::Normal
        }
    }
}

/// How much is said beside messages and errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verbosity {
    Quiet,
    Normal,
    Verbose,
}

/// Reads `Name: value`.
fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once(':')
        .ok_or("a header field is written as 'Name: value'")?;
    Ok((name.trim().into(), value.trim().into()))
}

/// Reads `name:password`.
fn credentials(text: &str) -> Result<String, String> {
    if text.contains(':') {
        Ok(text.into())
    } else {
        Err("credentials are written as NAME:PASSWORD".into())
    }
}

fn wait(text: &str) -> Result<OrOff, String> {
    match text {
        "forever" => Ok(OrOff(None)),
        _ => match duration::parse(text) {
            Ok(time) => Ok(OrOff(Some(time))),
            Err(error) => Err(format!("{error}; or `forever`")),
        },
    }
}

fn interval(text: &str) -> Result<Duration, String> {
    match duration::parse(text)? {
        Duration::ZERO => Err("Pings without a pause would only burden the server".into()),
        time => Ok(time),
    }
}

const AFTER_HELP: &str = "\
On a terminal:
  TEXT                  sends a text message; //TEXT and @@TEXT send one that begins with / or @
  @FILE, /file FILE     sends a file as one message
  /binary HEX           sends a binary message
  /ping [TEXT]          sends a Ping and prints how long the answer took; /pong [TEXT] sends a Pong
  /close [CODE [REASON]], /quit, Ctrl-D   close the connection
  Ctrl-C                clears the line; a second one closes the connection, a third ends at once
  The history is in $XDG_STATE_HOME/sockeye/history or ~/.local/state/sockeye/history: the last 1,000 lines.

Exit status:
  0    closed in order: by us, or by the peer with 1000, 1001 or no code; or nobody reads our output any more
  1    could not connect, or the handshake was refused; or a file or stdin could not be read
  2    the command line is wrong
  3    closed by the peer with another code, which is printed
  4    the peer broke the protocol, or the connection was lost
  130  ended with Ctrl-C

Records (--record) are lines of JSON, written at once, all with `time` (RFC 3339, UTC) and `kind`:
  connecting            `url`
  opened                `subprotocol` and `extensions`, or null
  text, binary, ping, pong   `direction` (sent or received); the payload is in `text`, or in `base64` where it is not text
  close                 `direction` sent; `code` and `reason`, or null
  closed                `code`, `reason`, `initiator` (local, peer or transport), `clean`, and `error` or null
  failed                `error`: there was no connection

Examples:
  sockeye dial ws://localhost:8080                   talk from the keyboard
  echo hi | sockeye dial ws://localhost:8080         send a line, print the answer
  sockeye dial -1 wss://example.com/feed --json      print the next message
  sockeye dial ws://localhost:8080 --wait forever --record log.jsonl < /dev/null
  sockeye dial ws://localhost:8080 --binary < in > out";
