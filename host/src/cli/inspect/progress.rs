//! A bar on the terminal while a long file is read.

use std::{
    io::{self, Read},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How far a file has been read. Shown on stderr if that is a terminal, and the file is long.
pub(super) struct Progress(ProgressBar);

impl Progress {
    pub(super) fn new(name: &str, len: Option<u64>) -> Self {
        if len.is_some_and(|len| len < LONG) {
            return Self(ProgressBar::hidden());
        }
        // stderr is drawn on only where it is a terminal.
        let target = ProgressDrawTarget::stderr_with_hz(10);
        let bar = ProgressBar::with_draw_target(len, target).with_message(name.to_owned());
        let template = match len {
            Some(_) => "{wide_msg} {bytes} of {total_bytes} {bar:20} {binary_bytes_per_sec}",
            None => "{wide_msg} {bytes} {binary_bytes_per_sec}",
        };
        let style = ProgressStyle::with_template(template);
        Self(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
    }

    /// Counts what is read.
    pub(super) fn count(&self, input: Box<dyn Read + Send>) -> Box<dyn Read + Send> {
        if self.0.is_hidden() {
            return input;
        }
        // A pipe may be silent for long.
        self.0.enable_steady_tick(Duration::from_secs(1));
        Box::new(Counted {
            input,
            bar: self.0.clone(),
        })
    }

    /// Takes it away.
    pub(super) fn finish(self) {
        self.0.finish_and_clear();
    }
}

struct Counted {
    input: Box<dyn Read + Send>,
    bar: ProgressBar,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.input.read(buffer)?;
        self.bar.inc(len as u64);
        Ok(len)
    }
}

/// Shorter files are read before anybody looks.
const LONG: u64 = 64 << 20;
