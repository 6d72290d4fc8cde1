//! Children that never outlive us, and waits that end.

use core::time::Duration;
use std::fs::{self, File};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::workspace;

/// A child process, killed when dropped and when we are told to stop.
pub(crate) struct Running {
    child: Arc<Mutex<Child>>,
}

impl Running {
    /// Starts `command`.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        // Held over the start, so that none comes to life while the others are being killed.
        let mut children = lock(&CHILDREN);
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let child = Arc::new(Mutex::new(child));
        children.retain(|child| lock(child).try_wait().is_ok_and(|status| status.is_none()));
        children.push(Arc::clone(&child));
        Ok(Self { child })
    }

    /// Waits for the end, at most for `limit`. `None` if it did not come.
    pub(crate) fn wait(&self, limit: Duration) -> Result<Option<ExitStatus>> {
        let start = Instant::now();
        let mut pause = Duration::from_millis(1);
        loop {
            if let Some(status) = self.child().try_wait()? {
                return Ok(Some(status));
            }
            if start.elapsed() >= limit {
                return Ok(None);
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.child().try_wait().is_ok_and(|status| status.is_some())
    }

    /// The child, to take its pipes.
    pub(crate) fn child(&self) -> MutexGuard<'_, Child> {
        lock(&self.child)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        kill(&mut self.child());
    }
}

/// Runs `command` for at most `limit`; true if it ended well by then.
pub(crate) fn succeeds(command: &mut Command, limit: Duration) -> bool {
    let status = Running::start(command).and_then(|running| running.wait(limit));
    status.is_ok_and(|status| status.is_some_and(|status| status.success()))
}

/// Runs `command` for at most `limit`, and returns what it printed. It is heard only if it fails.
pub(crate) fn output(command: &mut Command, limit: Duration) -> Result<Vec<u8>> {
    let folder = workspace::target().join("output");
    fs::create_dir_all(&folder)?;
    // Files, because a pipe can stay open when the program has ended.
    let [output, errors] = ["output", "errors"].map(|name| folder.join(name));
    command
        .stdin(Stdio::null())
        .stdout(File::create(&output)?)
        .stderr(File::create(&errors)?);
    let status = Running::start(command)?.wait(limit)?;
    let output = fs::read(output)?;
    if status.is_some_and(|status| status.success()) {
        return Ok(output);
    }
    let why = status.map_or_else(|| "took too long".to_owned(), |status| status.to_string());
    bail!(
        "{}: {why}\n{}{}",
        command.get_program().display(),
        String::from_utf8_lossy(&output),
        String::from_utf8_lossy(&fs::read(errors)?)
    );
}

/// From now on Ctrl-C and SIGTERM kill the children, then us.
pub(crate) fn kill_children_when_told_to_stop() -> Result<()> {
    ctrlc::set_handler(|| {
        let children = lock(&CHILDREN);
        for child in children.iter() {
            kill(&mut lock(child));
        }
        std::process::exit(130);
    })
    .context("cannot handle signals")
}

fn kill(child: &mut Child) {
    // Both fail only for a child that has ended.
    drop(child.kill());
    drop(child.wait());
}

/// Locks also after a panic elsewhere: a child is to be killed all the same.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Every child that may still run.
static CHILDREN: Mutex<Vec<Arc<Mutex<Child>>>> = Mutex::new(Vec::new());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropping_kills_the_child() {
        let running = Running::start(Command::new("sleep").arg("1000")).unwrap();
        let child = Arc::clone(&running.child);
        assert!(!running.has_ended());
        drop(running);
        let status = lock(&child).try_wait().unwrap();
        assert!(status.is_some_and(|status| !status.success()));
    }

    #[test]
    fn waiting_ends_at_the_limit() {
        let running = Running::start(Command::new("sleep").arg("1000")).unwrap();
        assert_eq!(running.wait(Duration::ZERO).unwrap(), None);
    }
}
