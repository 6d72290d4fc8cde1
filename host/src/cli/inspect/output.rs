//! Where the result goes.

use std::{
    fs::File,
    io::{self, BufWriter, IsTerminal, Write, stdout},
};

use sockeye_inspect::export::{Kind, Writer};

use super::{Failure, Form, Inspect, When, paint::Paint};

pub(super) type Stream = BufWriter<Box<dyn Write>>;

/// Text for people, or a document for other programs.
pub(super) struct Output {
    pub(super) to: To,
    pub(super) paint: Paint,
    /// Columns of the terminal, if it is one.
    pub(super) width: Option<usize>,
}

/// What is written.
pub(super) enum To {
    Text(Stream),
    Document(Writer<Stream>),
}

impl Output {
    /// Opens the file, or stdout. `kind` is what is written to it, `None` text.
    pub(super) fn open(inspect: &Inspect, kind: Option<Kind>) -> Result<Self, Failure> {
        let is_terminal = inspect.out.is_none() && stdout().is_terminal();
        if is_terminal && inspect.output == Form::Pcapng {
            return Err(Failure::Missing(
                "pcapng is nothing to read on a terminal: name a file with --out".into(),
            ));
        }
        if let Some(path) = &inspect.out
            && let Ok(out) = path.canonicalize()
            && out.is_file()
            && inspect
                .files
                .iter()
                .chain(&inspect.keys)
                .any(|file| file.canonicalize().is_ok_and(|file| file == out))
        {
            return Err(Failure::Missing(format!(
                "--out {} would overwrite what is to be read",
                path.display()
            )));
        }
        let stream: Box<dyn Write> = match &inspect.out {
            None => Box::new(stdout().lock()),
            Some(path) => Box::new(
                File::create(path)
                    .map_err(|error| Failure::File(path.clone(), "write to", error))?,
            ),
        };
        let stream = BufWriter::with_capacity(BUFFER, stream);
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let is_colored = match inspect.color {
            When::Auto => is_terminal && !no_color,
            When::Always => true,
            When::Never => false,
        };
        let width = is_terminal
            .then(terminal_size::terminal_size)
            .flatten()
            .map(|(width, _)| usize::from(width.0));
        let to = match kind {
            None => To::Text(stream),
            Some(kind) => To::Document(Writer::new(kind, stream).map_err(Failure::Write)?),
        };
        Ok(Self {
            to,
            paint: Paint(is_colored),
            width,
        })
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        match &mut self.to {
            To::Text(stream) => stream.flush(),
            To::Document(_) => Ok(()),
        }
    }

    pub(super) fn finish(self) -> io::Result<()> {
        match self.to {
            To::Text(mut stream) => stream.flush(),
            To::Document(writer) => writer.finish(),
        }
    }
}

const BUFFER: usize = 64 << 10;
