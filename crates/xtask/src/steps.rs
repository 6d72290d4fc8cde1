//! Progress: a line for each step that has something to do, nothing for the others.

use core::time::Duration;
use std::io::{BufRead, BufReader, IsTerminal};
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::process::Running;

/// The steps on the way to something.
pub(crate) struct Steps {
    done: usize,
    total: usize,
}

impl Steps {
    /// Starts a way of `total` steps.
    pub(crate) fn new(total: usize) -> Self {
        Self { done: 0, total }
    }

    /// Takes a step by running a cargo command. What it prints is shown, under a headline, from the moment that it has more to
    /// say than that all is fresh.
    pub(crate) fn cargo(&mut self, what: &str, cargo: &mut Command) -> Result<()> {
        self.done += 1;
        let color = if std::io::stderr().is_terminal() {
            "always"
        } else {
            "never"
        };
        cargo
            .env("CARGO_TERM_COLOR", color)
            .stdin(Stdio::null())
            .stderr(Stdio::piped());
        let running = Running::start(cargo)?;
        let stderr = running.child().stderr.take();
        let mut headline = Some(format!("[{}/{}] {what}", self.done, self.total));
        for line in stderr
            .into_iter()
            .flat_map(|stderr| BufReader::new(stderr).lines())
        {
            let line = line?;
            if line.contains("Finished") {
                continue;
            }
            if let Some(headline) = headline.take() {
                eprintln!("{headline}");
            }
            eprintln!("{line}");
        }
        match running.wait(Duration::MAX)? {
            Some(status) if status.success() => Ok(()),
            _ => bail!("{what}: cargo failed"),
        }
    }
}
