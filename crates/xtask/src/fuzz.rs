//! Builds the fuzz targets of `tests/fuzz` with coverage for libFuzzer, and runs each for a while.
//!
//! The folder is laid out for cargo-fuzz, which needs a nightly compiler for what it does besides. Coverage alone, which is
//! what the search needs, a stable compiler gives.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result, bail};

use crate::process::{self, Running};
use crate::steps::Steps;
use crate::tally::Tally;
use crate::test::{self, Missing};
use crate::workspace;

/// Runs every target for `time`, with the default features and with all of them: the component has another inflater than the
/// plain core.
pub(crate) fn run(time: Duration) -> Result<Tally> {
    let folder = workspace::root().join("tests/fuzz");
    let Some(package) = workspace::packages(Some(&folder))?
        .pop()
        .filter(|package| !package.programs.is_empty())
    else {
        bail!("no target in tests/fuzz/Cargo.toml");
    };
    if !has_cpp() {
        return Err(Missing(
            "fuzzing needs a C++ compiler (on Debian: apt-get install g++)".into(),
        )
        .into());
    }
    let mut tally = Tally::default();
    let sets: &[&str] = if package.has_features {
        &["", "--all-features"]
    } else {
        &[""]
    };
    for features in sets {
        let mut cargo = cargo("test", &folder, features);
        tally += test::tests(&format!("seeds {features}"), &mut cargo)?;
        let host = host_triple()?;
        let mut cargo = self::cargo("build", &folder, features);
        cargo
            .args(["--bins", "--target", &host])
            .env("RUSTFLAGS", RUSTFLAGS)
            .env_remove("CARGO_ENCODED_RUSTFLAGS");
        Steps::new(1).cargo(&format!("fuzz targets {features}"), &mut cargo)?;
        let programs = folder.join("target").join(&host).join("release");
        let targets: Vec<_> = package
            .programs
            .iter()
            .filter(|target| features.is_empty() || !INSPECTOR.contains(&target.as_str()))
            .cloned()
            .collect();
        tally += run_targets(&targets, time, |target| {
            run_target(&folder, &programs.join(target), target, time)
        });
    }
    Ok(tally)
}

/// The targets of the inspector, which has one inflater of its own: other features change nothing for them.
const INSPECTOR: [&str; 10] = [
    "pcap",
    "pcapng",
    "har",
    "netlog",
    "mitmproxy",
    "raw",
    "text",
    "decode",
    "filter",
    "inspect_inflate",
];

/// Cargo about to do something in `tests/fuzz`.
fn cargo(command: &str, folder: &Path, features: &str) -> Command {
    let mut cargo = workspace::cargo();
    cargo
        .args([command, "--release", "--manifest-path"])
        .arg(folder.join("Cargo.toml"));
    cargo
        .arg("--target-dir")
        .arg(folder.join("target"))
        .args(Some(features).filter(|features| !features.is_empty()));
    cargo
}

/// Runs `targets`, as many at a time as there are processors.
fn run_targets(
    targets: &[String],
    time: Duration,
    run: impl Fn(&str) -> Result<String> + Sync,
) -> Tally {
    println!("--- {} targets, {} s each", targets.len(), time.as_secs());
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let (next, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(target) = targets.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (outcome, failures) = match run(target) {
                        Ok(last) => (last, 0),
                        Err(error) => (format!("{error:#}"), 1),
                    };
                    println!("{target}: {outcome}");
                    failed.fetch_add(failures, Ordering::Relaxed);
                }
            });
        }
    });
    let failed = failed.into_inner();
    Tally {
        passed: targets.len() - failed,
        failed,
        skipped: 0,
    }
}

/// Runs one target, and returns the last line of its log.
fn run_target(folder: &Path, program: &Path, target: &str, time: Duration) -> Result<String> {
    // What is found goes into a folder of its own and is tried again next time; the tracked corpus stays as it is.
    let found = folder.join("target/corpus").join(target);
    let artifacts = folder.join("artifacts").join(target);
    fs::create_dir_all(&found)?;
    fs::create_dir_all(&artifacts)?;
    let log = artifacts.join("log");
    let mut command = workspace::program(program);
    command.arg(found).args(optional(
        folder.join("corpus").join(target),
        PathBuf::into_os_string,
    ));
    command.args(optional(
        folder
            .join("dictionaries")
            .join(target)
            .with_extension("dict"),
        |file| {
            let mut argument = std::ffi::OsString::from("-dict=");
            argument.push(file);
            argument
        },
    ));
    command.arg(format!("-max_total_time={}", time.as_secs()));
    command.arg(format!("-artifact_prefix={}/", artifacts.display()));
    command.args(["-rss_limit_mb=1024", "-timeout=5", "-print_final_stats=0"]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(&log)?);
    let status = Running::start(&mut command)?.wait(time + Duration::from_secs(120))?;
    let text = fs::read(&log)?;
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().collect();
    match status {
        Some(status) if status.success() => {
            Ok(lines.last().copied().unwrap_or_default().to_owned())
        }
        Some(status) => {
            let tail = lines[lines.len().saturating_sub(40)..].join("\n");
            bail!("{status}; input and log in {}\n{tail}", artifacts.display())
        }
        None => bail!("did not end; log in {}", artifacts.display()),
    }
}

/// An argument made of `path`, if there is such a file or folder.
fn optional<T>(path: PathBuf, argument: impl Fn(PathBuf) -> T) -> Option<T> {
    path.exists().then(|| argument(path))
}

/// Whether there is a C++ compiler, which libFuzzer is built with.
fn has_cpp() -> bool {
    let mut cpp = Command::new("c++");
    cpp.arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    process::succeeds(&mut cpp, Duration::from_secs(10))
}

fn host_triple() -> Result<String> {
    let output = workspace::cargo()
        .arg("-vV")
        .output()
        .context("cargo -vV")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("cargo does not tell its host")?.to_owned())
}

/// What cargo-fuzz sets, without the sanitizers. Overflows and assertions count as crashes.
const RUSTFLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
     -Cllvm-args=-sanitizer-coverage-trace-compares -Cllvm-args=-simplifycfg-branch-fold-threshold=0 \
     -Cdebug-assertions -Coverflow-checks -Ccodegen-units=1";
