//! Tests with peers that others have made: sets the peers up, and runs the tests of `tests/interop`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::node::{self, missing, on_path, quietly};
use crate::tally::Tally;
use crate::test;
use crate::toolchain;
use crate::workspace;

/// Runs them all. The server `sockeye` is expected in `target/release`.
///
/// # Errors
///
/// [`test::Missing`] for Node.js, Python or their packages. Without a browser the tests that need one are skipped, and counted.
pub(crate) fn run() -> Result<Tally> {
    let peers = Peers::set_up()?;
    let browser = match browser() {
        Ok(browser) => Some(browser),
        Err(error) if test::is_ci() => return Err(error),
        Err(error) => {
            println!("skipped: {error:#}");
            None
        }
    };
    let mut cargo = workspace::cargo();
    cargo
        .args(["test", "--release", "--package", PACKAGE])
        .args(["--test", "interop"])
        .env("SOCKEYE_INTEROP", folder())
        .env("SOCKEYE_BIN", workspace::release("sockeye"))
        .env("SOCKEYE_NODE", &peers.node)
        .env("SOCKEYE_PYTHON", &peers.python);
    if peers.is_websocket_experimental {
        cargo.env("NODE_OPTIONS", EXPERIMENTAL);
    }
    let Some(browser) = browser else {
        let mut tally = test::tests_but(&["chromium"], "interop", &mut cargo)?;
        tally.skipped += 1;
        return Ok(tally);
    };
    cargo.env("SOCKEYE_CHROMIUM", browser);
    test::tests("interop", &mut cargo)
}

/// The programs that run the peers. Their packages are in [`folder`].
struct Peers {
    node: PathBuf,
    /// Whether Node has a WebSocket client only when it is told to.
    is_websocket_experimental: bool,
    python: PathBuf,
}

impl Peers {
    fn set_up() -> Result<Self> {
        let node = node::node()?;
        let has_client = |options: &str| {
            let mut command = Command::new(&node);
            command.env("NODE_OPTIONS", options).args([
                "--eval",
                "process.exit(typeof WebSocket === 'function' ? 0 : 1)",
            ]);
            quietly(&mut command)
        };
        let is_websocket_experimental = !has_client("");
        if is_websocket_experimental && !has_client(EXPERIMENTAL) {
            return Err(missing(
                "a Node.js with a WebSocket client (20.10 or newer)",
            ));
        }
        let python = on_path(&["python3"]).ok_or_else(|| missing("Python 3"))?;
        node::install(&sources(), &folder())?;
        install_python_packages(&python)?;
        Ok(Self {
            node,
            is_websocket_experimental,
            python,
        })
    }
}

/// Installs what `requirements.txt` names.
fn install_python_packages(python: &Path) -> Result<()> {
    let requirements = sources().join("requirements.txt");
    let wanted = fs::read(&requirements)?;
    let target = folder().join("python");
    let ready = target.join("ready");
    if fs::read(&ready).is_ok_and(|there| there == wanted) {
        return Ok(());
    }
    if target.exists() {
        fs::remove_dir_all(&target)?;
    }
    let mut command = Command::new(python);
    command
        .args(["-m", "pip", "install", "--quiet", "--no-deps"])
        .args(["--disable-pip-version-check", "--no-warn-script-location"])
        .args(["--root-user-action", "ignore"])
        .arg("--target")
        .arg(&target)
        .arg("--requirement")
        .arg(requirements);
    eprintln!("      pip install");
    if !quietly(&mut command) {
        return Err(missing(
            "the Python packages of tests/interop/requirements.txt (and pip)",
        ));
    }
    fs::write(ready, wanted)?;
    Ok(())
}

/// Finds a browser, or installs Debian's.
pub(crate) fn browser() -> Result<PathBuf> {
    const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
    if let Some(browser) = on_path(&NAMES) {
        return Ok(browser);
    }
    eprintln!("      apt-get install chromium");
    toolchain::install(&["chromium"]);
    on_path(&NAMES).ok_or_else(|| missing("Chromium"))
}

/// Where the peers' packages are installed.
fn folder() -> PathBuf {
    workspace::target().join("interop")
}

/// Where what is to be installed is written down.
fn sources() -> PathBuf {
    workspace::root().join("tests/interop")
}

/// The package of the tests.
pub(crate) const PACKAGE: &str = "sockeye-interop";
/// What has Node 20 tell of its client.
const EXPERIMENTAL: &str = "--experimental-websocket";
