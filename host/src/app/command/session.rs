//! One process and its connection.

use std::{
    io,
    os::unix::process::ExitStatusExt,
    pin::pin,
    process::{ExitStatus, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use sockeye_host::{CloseFrame, Message, Sender};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, Command},
    time::sleep,
};

use super::{Program, environment::Environment, group::Group, input::Queue};
use crate::app::{close_frame, lines::Lines};

/// What is needed to run a process for a connection.
pub(super) struct Session {
    pub(super) id: u64,
    pub(super) program: Program,
    pub(super) environment: Environment,
    pub(super) sender: Sender,
    pub(super) binary: bool,
    /// Longer lines are sent in pieces.
    pub(super) message_size: usize,
    pub(super) grace: Duration,
}

impl Session {
    /// Runs the process until it ends, or until some time after the client has gone, and reaps it.
    pub(super) async fn run(self, queue: Queue) {
        let frame = match self.spawn() {
            Ok(child) => self.attend(child, queue).await,
            Err(error) => {
                tracing::error!(connection = self.id, "cannot start the process: {error}");
                Some(close_frame(
                    1011,
                    format!("cannot start the process: {error}"),
                ))
            }
        };
        if frame.is_some() {
            self.sender.close(frame);
        }
    }

    fn spawn(&self) -> io::Result<Child> {
        let mut command = Command::new(&*self.program.path);
        if let [name, arguments @ ..] = &*self.program.arguments {
            command.arg0(name).args(arguments);
        }
        command
            .envs(self.environment.iter())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // So that its descendants can be found, and a Ctrl-C is ours alone.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
    }

    /// Returns what to tell the client, unless that is gone.
    async fn attend(&self, mut child: Child, queue: Queue) -> Option<CloseFrame> {
        let mut group = Group::of(&child);
        tracing::debug!(connection = self.id, process = child.id(), "started");
        let (stdin, stdout, stderr) = (
            child.stdin.take()?,
            child.stdout.take()?,
            child.stderr.take()?,
        );
        let progress = AtomicU64::new(0);
        let mut gone = pin!(queue.feed(stdin));
        let status = {
            let mut output = pin!(async {
                tokio::join!(self.forward(stdout, &progress), self.log(stderr, &progress));
            });
            let mut finished = false;
            let status = loop {
                tokio::select! {
                    status = child.wait() => break Some(status),
                    () = &mut gone => break None,
                    () = &mut output, if !finished => finished = true,
                }
            };
            if status.is_some() {
                let rest = async {
                    if !finished {
                        tokio::select! {
                            () = &mut output => {}
                            () = self.stalled(&progress) => {}
                        }
                    }
                };
                tokio::select! {
                    ((), ()) = async { tokio::join!(rest, group.end(self.grace)) } => {}
                    () = &mut gone => {}
                }
            }
            status
            // From here on nobody reads what the process writes: it is told so when it goes on.
        };
        match status {
            Some(status) => Some(self.explain(status)),
            None => {
                group.end_leader(&mut child, self.grace).await;
                group.end(self.grace).await;
                tracing::debug!(
                    connection = self.id,
                    "the client has gone, the process has ended"
                );
                None
            }
        }
    }

    /// Sends what the process writes, no faster than the client takes it, until it writes no more.
    async fn forward(&self, mut stdout: impl AsyncRead + Unpin, progress: &AtomicU64) {
        let mut buffer = vec![0; READ];
        let mut lines = Lines::new(self.message_size);
        let size = READ.min(self.message_size.max(1));
        loop {
            let count = match stdout.read(&mut buffer[..size]).await {
                Ok(count) if count > 0 => count,
                // The last of those who could write has ended.
                _ => break,
            };
            progress.fetch_add(1, Ordering::Relaxed);
            if self.binary {
                self.sender.send(Message::binary(&buffer[..count]));
            } else {
                lines.push(&buffer[..count], |line| {
                    self.sender.send(Message::text(line));
                });
            }
            if self.sender.waiting() > WAITING {
                self.sender.drained().await;
            }
        }
        if let Some(line) = lines.finish() {
            self.sender.send(Message::text(line));
        }
    }

    /// Logs what the process complains about.
    async fn log(&self, mut stderr: impl AsyncRead + Unpin, progress: &AtomicU64) {
        let mut buffer = vec![0; LOG_LINE];
        let mut lines = Lines::new(LOG_LINE);
        // Escaped: a terminal shows the log.
        let say =
            |line: String| tracing::info!(connection = self.id, "stderr: {}", line.escape_debug());
        while let Ok(count @ 1..) = stderr.read(&mut buffer).await {
            progress.fetch_add(1, Ordering::Relaxed);
            lines.push(&buffer[..count], say);
        }
        lines.finish().into_iter().for_each(say);
    }

    /// Returns when nothing has been read for a while although the client would take it: somebody who left the group keeps the pipe.
    async fn stalled(&self, progress: &AtomicU64) {
        loop {
            let before = progress.load(Ordering::Relaxed);
            sleep(self.grace.max(STALL)).await;
            if progress.load(Ordering::Relaxed) == before && self.sender.waiting() == 0 {
                return;
            }
        }
    }

    fn explain(&self, status: io::Result<ExitStatus>) -> CloseFrame {
        let reason = match status.map(|status| (status.code(), status.signal())) {
            Ok((Some(0), _)) => return close_frame(1000, ""),
            Ok((Some(code), _)) => format!("the process ended with status {code}"),
            Ok((None, Some(signal))) => format!("the process was ended by signal {signal}"),
            Ok((None, None)) => "the process ended".into(),
            Err(error) => format!("the process is lost: {error}"),
        };
        tracing::info!(connection = self.id, "{reason}");
        close_frame(1011, reason)
    }
}

/// Bytes of output that may wait for the client before no more is read from the process.
const WAITING: usize = 1 << 18;

/// Bytes read at once.
const READ: usize = 64 << 10;

/// Longest line in the log.
const LOG_LINE: usize = 4096;

/// Shortest silence that is taken for the end.
const STALL: Duration = Duration::from_millis(200);
