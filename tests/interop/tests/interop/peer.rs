//! Programs of the peers, as they were set up by `cargo xtask test --only interop`.

use std::{env, net::SocketAddr, path::PathBuf, process::Stdio};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, ChildStdin, Command},
};

use crate::{Mode, tls::TLS};

/// Who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// npm's `ws`.
    Ws,
    /// Node's own client.
    Undici,
    /// Python's `websockets`.
    Python,
}

impl Peer {
    fn command(self, script: &str) -> Command {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let (program, file) = match self {
            Self::Ws => ("SOCKEYE_NODE", folder.join("ws").join(script)),
            Self::Undici => ("SOCKEYE_NODE", folder.join("undici").join(script)),
            Self::Python => ("SOCKEYE_PYTHON", folder.join("python").join(script)),
        };
        let mut command = Command::new(set_up(program));
        command
            .arg(file.with_extension(if self == Self::Python { "py" } else { "mjs" }))
            .env("SOCKEYE_INTEROP", set_up("SOCKEYE_INTEROP"))
            .env("NODE_EXTRA_CA_CERTS", &TLS.files.authority)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Runs a group of cases of the peer's client at this URL.
    pub(crate) async fn run_client(self, group: &str, url: &str, mode: Mode) {
        let mut command = self.command("client");
        command.args([group, url, if mode.deflate { "true" } else { "false" }]);
        if self == Self::Python {
            command.arg(&TLS.files.authority);
        }
        let output = command.output().await.expect("the peer starts");
        assert!(
            output.status.success(),
            "{self:?}, {group}, {mode:?}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Starts the peer's server; `deflate` is false, true, or parameters in its own words.
    pub(crate) async fn start_server(self, mode: Mode, deflate: Value) -> PeerServer {
        let mut options = json!({ "deflate": deflate });
        if mode.tls {
            options["cert"] = json!(TLS.files.certificate);
            options["key"] = json!(TLS.files.key);
        }
        let mut child = self
            .command("server")
            .arg(options.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the peer starts");
        let port: u16 = first_line(&mut child, "listening on ")
            .await
            .parse()
            .expect("a port");
        PeerServer {
            url: mode.url(SocketAddr::from(([127, 0, 0, 1], port))),
            _stdin: child.stdin.take(),
            _child: child,
        }
    }
}

/// A running server, killed when dropped.
pub(crate) struct PeerServer {
    pub(crate) url: String,
    /// It ends with its input.
    _stdin: Option<ChildStdin>,
    _child: Child,
}

/// `sockeye serve`, the protocol in the component, killed when dropped.
pub(crate) async fn start_component(mode: Mode) -> PeerServer {
    let mut child = serve("echo", "127.0.0.1:0", mode)
        .args(["--max-message", "20MiB", "--origin", "any"])
        .spawn()
        .expect("the server starts");
    let url = first_line(&mut child, "listening on ").await;
    PeerServer {
        url: url.trim_end_matches('/').to_owned(),
        _stdin: None,
        _child: child,
    }
}

/// How to start `sockeye serve` with one of its applications.
pub(crate) fn serve(application: &str, address: &str, mode: Mode) -> Command {
    let mut command = Command::new(set_up("SOCKEYE_BIN"));
    command.args(["serve", application, "--listen", address]);
    command.args(["--log", "warn", "--threads", "1"]);
    if mode.deflate {
        command.arg("--deflate");
    }
    if mode.tls {
        command.arg("--tls-cert").arg(&TLS.files.certificate);
        command.arg("--tls-key").arg(&TLS.files.key);
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Reads what a program prints until a line begins so, and returns the rest of that. What it prints later is thrown away.
pub(crate) async fn first_line(child: &mut Child, beginning: &str) -> String {
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    while let Some(line) = lines.next_line().await.expect("lines") {
        if let Some(rest) = line.strip_prefix(beginning) {
            let rest = rest.trim().to_owned();
            // So that the program never finds its output closed or full.
            tokio::spawn(async move {
                let mut rest = Vec::new();
                lines.into_inner().read_to_end(&mut rest).await
            });
            return rest;
        }
    }
    panic!("it ends without a line that begins with `{beginning}`");
}

/// Where something is that these tests need.
pub(crate) fn set_up(name: &str) -> PathBuf {
    env::var_os(name).map_or_else(
        || panic!("{name} is not set: run these tests with `cargo xtask test --only interop`"),
        PathBuf::from,
    )
}
