//! Measures `sockeye inspect` beside Wireshark's `tshark`, on the same capture in the same run.

use core::time::Duration;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::process::{self, Running};
use crate::workspace;

/// How often each program runs, unless it is said.
const ROUNDS: usize = 5;

/// How many frames the capture has, unless it is said.
const FRAMES: &str = "1000000";

/// No run takes longer.
const LIMIT: Duration = Duration::from_secs(600);

/// What one run took.
struct Run {
    time: Duration,
    /// The largest resident set that was seen, in KiB.
    memory: u64,
}

/// Makes a capture with `captures` and reads it with each program in turn.
pub(crate) fn bench(sockeye: &Path, captures: &Path, arguments: &[String]) -> Result<()> {
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)
    };
    let frames = value("--frames").map_or(FRAMES, String::as_str);
    let rounds = match value("--rounds") {
        Some(rounds) => rounds.parse().context("--rounds is a number")?,
        None => ROUNDS,
    };
    let file = workspace::target().join(format!("tmp/frames-{frames}.pcap"));
    if !file.is_file() {
        fs::create_dir_all(workspace::target().join("tmp"))?;
        let mut make = Command::new(captures);
        process::output(make.arg("frames").arg(frames).arg(&file), LIMIT)?;
    }
    let bytes = fs::metadata(&file)?.len();
    println!("{frames} frames, {} MB", bytes / 1_000_000);

    let inspect = |options: &[&str]| {
        let mut command = Command::new(sockeye);
        command.arg("inspect").args(options).arg(&file);
        command
    };
    let tshark = || {
        let mut command = Command::new("tshark");
        command.args(["-q", "-z", "io,phs", "-r"]).arg(&file);
        command
    };
    let programs: [(&str, &dyn Fn() -> Command); 3] = [
        ("sockeye inspect --stats --check", &|| {
            inspect(&["--stats", "--check"])
        }),
        ("sockeye inspect --messages", &|| inspect(&["--messages"])),
        ("tshark -q -z io,phs", &tshark),
    ];
    let mut runs: Vec<Vec<Run>> = programs.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for ((name, command), runs) in programs.iter().zip(&mut runs) {
            runs.push(run(&mut command()).with_context(|| (*name).to_owned())?);
        }
    }
    let peer = median(runs.last().map_or(&[], Vec::as_slice));
    println!(
        "{:32} {:>10} {:>10} {:>10} {:>8}",
        "medians of the rounds", "seconds", "MB/s", "RSS MiB", "faster"
    );
    for ((name, _), runs) in programs.iter().zip(&runs) {
        let time = median(runs).as_secs_f64();
        let memory = runs.iter().map(|run| run.memory).max().unwrap_or_default();
        println!(
            "{name:32} {time:>10.3} {:>10.0} {:>10} {:>7.1}x",
            bytes as f64 / 1e6 / time,
            memory / 1_024,
            peer.as_secs_f64() / time
        );
    }
    Ok(())
}

/// Runs a program to its end.
fn run(command: &mut Command) -> Result<Run> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let start = Instant::now();
    let running = Running::start(command)?;
    let status = format!("/proc/{}/status", running.child().id());
    let mut memory = 0;
    // The kernel remembers the largest resident set, but only as long as the program lives.
    while !running.has_ended() {
        if start.elapsed() > LIMIT {
            bail!("it does not end");
        }
        memory = fs::read_to_string(&status)
            .ok()
            .and_then(|status| high_water(&status))
            .map_or(memory, |seen| memory.max(seen));
        thread::sleep(Duration::from_millis(1));
    }
    let time = start.elapsed();
    // 1: something breaks a rule.
    match running.wait(LIMIT)?.and_then(|status| status.code()) {
        Some(0 | 1) => Ok(Run { time, memory }),
        code => bail!("it ended with {code:?}"),
    }
}

/// The largest resident set in KiB, out of what `/proc` says of a process.
fn high_water(status: &str) -> Option<u64> {
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn median(runs: &[Run]) -> Duration {
    let mut times: Vec<_> = runs.iter().map(|run| run.time).collect();
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn largest_resident_set_is_read() {
        let status = "Name:\tsockeye\nVmPeak:\t  9000 kB\nVmHWM:\t   36740 kB\nVmRSS:\t  100 kB\n";
        assert_eq!(high_water(status), Some(36_740));
        assert_eq!(high_water("Name:\tzombie\n"), None);
    }

    #[test]
    fn median_is_the_one_in_the_middle() {
        let runs = [3, 1, 2].map(|seconds| Run {
            time: Duration::from_secs(seconds),
            memory: 0,
        });
        assert_eq!(median(&runs), Duration::from_secs(2));
    }
}
