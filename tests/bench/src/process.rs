//! Servers under measurement: processes of their own, on a core of their own.

use std::{
    fs,
    io::{self, BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use clap::ValueEnum;
use nix::{
    sched::{CpuSet, sched_getaffinity, sched_setaffinity},
    sys::resource::{Resource, getrlimit, setrlimit},
    time::{ClockId, clock_gettime},
    unistd::Pid,
};

use crate::servers::Setup;

/// The core that servers run on, and the one that the load generator runs on.
pub const SERVER_CORE: usize = 0;
/// See [`SERVER_CORE`].
pub const LOAD_CORE: usize = 1;

/// A server process. It is killed when this is dropped.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// How long it took from the start of the process to listening.
    pub start: Duration,
}

impl Server {
    /// Starts a peer: this program again, as `serve-peer NAME`.
    pub fn peer(name: &str, setup: Setup) -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let compression = setup
            .compression
            .to_possible_value()
            .expect("no way to compress is skipped on the command line");
        command.args(["serve-peer", name, "--compression", compression.get_name()]);
        command.args(setup.lean.then_some("--lean"));
        command.args(setup.large.then_some("--large"));
        Self::start(command)
    }

    /// Starts `sockeye serve echo` with one thread and, but for `arguments`, its defaults.
    pub fn sockeye(
        path: &Path,
        engine: &str,
        deflate: bool,
        arguments: &[&str],
    ) -> io::Result<Self> {
        let mut command = Command::new(path);
        command.args([
            "serve",
            "echo",
            "--listen",
            "127.0.0.1:0",
            "--threads",
            "1",
            "--engine",
            engine,
        ]);
        if deflate {
            // As the peers have it; whether there is context takeover is for the load generator to ask.
            command.arg("--deflate=level=6,server-bits=15,client-bits=15,threshold=32");
        }
        command.args(arguments);
        Self::start(command)
    }

    fn start(mut command: Command) -> io::Result<Self> {
        // A child inherits where its parent may run, in all of its threads, so there is no moment without.
        let before = sched_getaffinity(Pid::from_raw(0))?;
        pin(SERVER_CORE);
        let start = Instant::now();
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn();
        sched_setaffinity(Pid::from_raw(0), &before)?;
        let mut child = child?;
        let mut lines =
            BufReader::new(child.stdout.take().expect("standard output is piped")).lines();
        let address = loop {
            match lines.next() {
                Some(line) => {
                    if let Some(address) = address_in(&line?) {
                        break address;
                    }
                }
                None => {
                    let status = child.wait()?;
                    return Err(io::Error::other(format!(
                        "{command:?} ended before it listened: {status}"
                    )));
                }
            }
        };
        let start = start.elapsed();
        // Whatever else it prints must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self {
            child,
            address,
            start,
        })
    }

    /// The processor time of all its threads so far.
    pub fn cpu(&self) -> Duration {
        let threads = fs::read_dir(format!("/proc/{}/task", self.child.id()));
        let threads = threads.into_iter().flatten().flatten();
        threads
            .map(|thread| schedstat(&thread.path().join("schedstat")))
            .sum()
    }

    /// Its resident memory in bytes.
    pub fn resident(&self) -> u64 {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kibibytes.unwrap_or(0) * 1_024
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, which the measurement will have noticed.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The address in a line such as `listening on ws://127.0.0.1:4242`.
fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, address) = line.split_once("ws://")?;
    let end = address.find(|c: char| !(c.is_ascii_alphanumeric() || ".:[]".contains(c)));
    address[..end.unwrap_or(address.len())].parse().ok()
}

/// The processor time of the calling thread so far, to the nanosecond: `schedstat` lags behind by up to a tick for a thread that is
/// running. What others do to the machine does not count, so this is the clock for all that happens in one thread.
pub fn own_cpu() -> Duration {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID);
    time.map_or(Duration::ZERO, Duration::from)
}

/// The first number of a `schedstat` file: nanoseconds on a processor, far finer than the ticks in `stat`.
fn schedstat(path: &Path) -> Duration {
    let text = fs::read_to_string(path).unwrap_or_default();
    let nanoseconds = text
        .split_whitespace()
        .next()
        .and_then(|number| number.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}

/// Keeps the calling thread, and the processes that it starts, on one core, if the machine has that many.
pub fn pin(core: usize) {
    let mut set = CpuSet::new();
    if set.set(core).is_ok() {
        // A machine with a single core is no place to measure on, but one can still try out the program there.
        sched_setaffinity(Pid::from_raw(0), &set).ok();
    }
}

/// Lets this process and its children open as many files as the system allows.
pub fn raise_open_files() -> u64 {
    let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return 0;
    };
    // Without it the larger measurements end with an error that says so.
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).ok();
    hard
}
