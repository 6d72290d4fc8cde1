//! The binary as a child.

use std::{
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    process::{Child, Command, Output, Stdio},
    time::Instant,
};

use super::PATIENCE;

/// A running `sockeye serve` or `sockeye proxy`.
pub struct Sockeye {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Sockeye {
    pub fn serve(arguments: &[&str]) -> Self {
        Self::start("serve", arguments)
    }

    pub fn proxy(arguments: &[&str]) -> Self {
        Self::start("proxy", arguments)
    }

    fn start(command: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sockeye"))
            .args([command, "--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it can be run");
        let lines = BufReader::new(child.stdout.take().expect("it is piped"));
        Self { child, lines }
    }

    /// The next line that it prints.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("it is text");
        line.trim_end().to_owned()
    }

    /// Where it listens: to be asked once.
    pub fn address(&mut self) -> SocketAddr {
        let line = self.line();
        line.strip_prefix("listening on ws://")
            .and_then(|address| address.parse().ok())
            .unwrap_or_else(|| panic!("`{line}`"))
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args(["-s", name, &self.child.id().to_string()])
            .status()
            .expect("there is `kill`");
        assert!(status.success());
    }

    /// Waits for its end; returns the exit code and what it logged.
    pub fn end(mut self) -> (Option<i32>, String) {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                break status;
            }
            if start.elapsed() > PATIENCE {
                let _ = self.child.kill();
                panic!("it does not end");
            }
            std::thread::sleep(super::MOMENT);
        };
        let mut log = String::new();
        let mut stderr = self.child.stderr.take().expect("it is piped");
        stderr.read_to_string(&mut log).expect("it is text");
        (status.code(), log)
    }
}

impl Drop for Sockeye {
    fn drop(&mut self) {
        // It has ended already when a test passes.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs `sockeye` to its end.
pub fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sockeye"))
        .args(arguments)
        .output()
        .expect("it can be run")
}
