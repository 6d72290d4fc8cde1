//! Runs `wstest`, and the programs that it tests.

use core::time::Duration;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::conformance::Side;
use crate::conformance::report::{self, Outcomes};
use crate::js;
use crate::node;
use crate::process::{self, Running};
use crate::workspace;

/// Cases that one `wstest` runs.
pub(super) struct Job {
    /// The section or subsection.
    pub(super) name: String,
    /// The cases.
    pub(super) cases: Vec<String>,
}

impl Job {
    /// How long it may take before it is given up.
    fn limit(&self) -> Duration {
        // The suite itself gives up on a case after a few seconds, on the long ones after two minutes, which a busy machine may need.
        Duration::from_secs(60)
            + Duration::from_secs(60) * u32::try_from(self.cases.len()).unwrap_or(u32::MAX)
    }
}

/// Has the suite set itself up, once, before several of it start.
pub(super) fn set_up() -> Result<()> {
    let mut wstest = wstest();
    wstest.arg("--version").stdout(Stdio::null());
    if !process::succeeds(&mut wstest, Duration::from_secs(900)) {
        bail!("the test suite `wstest` could not be set up");
    }
    Ok(())
}

/// Has the npm package built, and installs it for the programs of `tests/runtimes`.
///
/// # Errors
///
/// [`Missing`](crate::test::Missing) for Node.js, npm or what it would fetch.
pub(super) fn set_up_node() -> Result<()> {
    let tarball = js::build()?.tarball;
    let mut install = workspace::program(&node::node()?);
    install
        .arg(workspace::root().join("tests/runtimes/install.mjs"))
        .arg(tarball)
        .arg(project());
    if !node::quietly(&mut install) {
        bail!("the npm package could not be installed");
    }
    Ok(())
}

/// The server under test.
pub(super) struct Server {
    running: Running,
    url: String,
}

impl Server {
    /// Starts the one of this side, and waits until it listens.
    pub(super) fn start(side: Side, folder: &Path) -> Result<Self> {
        let log = log(folder, "server.log")?;
        let mut server = if side.is_native() {
            let mut server = native();
            server.arg("serve");
            server
        } else if side.is_node() {
            node_program("autobahn-server.mjs")?
        } else {
            let mut server = workspace::program(&workspace::release("sockeye"));
            server.args([
                "serve",
                "echo",
                "--listen",
                "127.0.0.1:0",
                "--deflate",
                "--max-message",
                "64MiB",
            ]);
            // The suite is slow to begin when several of it share a core.
            server.args(["--handshake-timeout", "60s"]);
            server
        };
        server
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log);
        let running = Running::start(&mut server)?;
        let stdout = running
            .child()
            .stdout
            .take()
            .context("no standard output")?;
        let (sender, receiver) = mpsc::channel();
        // Reads to the end, so that the server never finds its output closed or full.
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Some(url) = line.strip_prefix("listening on ") {
                    drop(sender.send(url.trim().to_owned()));
                }
            }
        });
        let url = receiver
            .recv_timeout(Duration::from_secs(30))
            .context("the server does not say that it is listening")?;
        Ok(Self { running, url })
    }
}

/// Tests the server with the cases of `job`.
pub(super) fn test_server(job: &Job, server: &Server, folder: &Path) -> Result<Outcomes> {
    let folder = fresh(folder, job)?;
    let spec = spec(
        job,
        "servers",
        json!([{ "agent": AGENT, "url": server.url }]),
    );
    let wstest = start(&folder, "fuzzingclient", &spec)?;
    if wstest.wait(job.limit())?.is_none() {
        eprintln!(
            "      {}: the suite did not end in {} s",
            job.name,
            job.limit().as_secs()
        );
    }
    if server.running.has_ended() {
        bail!("the server has ended");
    }
    Outcomes::of_suite(&folder)
}

/// Tests the client of this side with the cases of `job`.
pub(super) fn test_client(job: &Job, side: Side, folder: &Path) -> Result<Outcomes> {
    let folder = fresh(folder, job)?;
    let port = free_port()?;
    let url = format!("ws://127.0.0.1:{port}");
    let wstest = start(&folder, "fuzzingserver", &spec(job, "url", json!(url)))?;
    wait_for_port(port, &wstest)?;

    let log = log(&folder, "client.log")?;
    let mut client = if side.is_native() {
        let mut client = native();
        client.args(["dial", &url, AGENT]);
        client
    } else if side.is_node() {
        let mut client = node_program("autobahn-client.mjs")?;
        client.args([&*url, AGENT]);
        client
    } else {
        let mut client = workspace::program(&workspace::release("sockeye-conformance-client"));
        client.args(["--url", &url, "--deflate", "--agent", AGENT]);
        client
    };
    client.stdin(Stdio::null());
    client.stdout(log.try_clone()?).stderr(log);
    let client = Running::start(&mut client)?;
    match client.wait(job.limit())? {
        Some(status) if status.success() => {}
        Some(status) => eprintln!("      {}: the client ended with {status}", job.name),
        None => eprintln!(
            "      {}: the client did not end in {} s",
            job.name,
            job.limit().as_secs()
        ),
    }
    Outcomes::of_suite(&folder)
}

/// Starts `wstest` in `folder`.
fn start(folder: &Path, mode: &str, spec: &Value) -> Result<Running> {
    fs::write(folder.join("spec.json"), spec.to_string())?;
    let log = log(folder, "wstest.log")?;
    let mut wstest = wstest();
    wstest
        .args(["-m", mode, "-s", "spec.json"])
        .current_dir(folder)
        .stdin(Stdio::null());
    if mode == "fuzzingserver" {
        wstest.args(["-u", "0"]);
    }
    Running::start(wstest.stdout(log.try_clone()?).stderr(log))
}

/// The native API's server and client.
fn native() -> Command {
    workspace::program(&workspace::release(NATIVE))
}

/// A program of `tests/runtimes`, where the npm package is installed.
fn node_program(name: &str) -> Result<Command> {
    let mut command = workspace::program(&node::node()?);
    command.arg(project().join("programs").join(name));
    Ok(command)
}

/// The project that has installed the npm package.
fn project() -> PathBuf {
    workspace::target().join("conformance").join("project")
}

fn wstest() -> Command {
    workspace::program(&report::folder().join("wstest"))
}

fn spec(job: &Job, role: &str, peer: Value) -> Value {
    json!({ "outdir": ".", role: peer, "cases": job.cases, "exclude-cases": [], "exclude-agent-cases": {} })
}

/// An empty folder for the reports of `job`.
fn fresh(folder: &Path, job: &Job) -> Result<PathBuf> {
    let folder = folder.join(&job.name);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn log(folder: &Path, name: &str) -> Result<File> {
    fs::create_dir_all(folder)?;
    File::create(folder.join(name)).with_context(|| folder.join(name).display().to_string())
}

/// A port that nobody listened on a moment ago.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn wait_for_port(port: u16, wstest: &Running) -> Result<()> {
    let start = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if wstest.has_ended() || start.elapsed() > Duration::from_secs(90) {
            bail!("the suite's server does not listen");
        }
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// The program of `tests/interop` that has the native API's server and client.
pub(super) const NATIVE: &str = "native-echo";
/// Our name in the suite's reports.
const AGENT: &str = "sockeye";
