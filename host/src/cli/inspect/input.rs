//! Reading captures.

use std::{
    env,
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
};

use flate2::read::MultiGzDecoder;
use sockeye::{DeflateParameters, WindowBits};
use sockeye_inspect::{Capture, Direction, Format, Inspector, Options, export::Export};

use super::{Failure, Inspect, preset, progress::Progress, source::Source};

/// A capture that was read.
pub(super) struct Inspected {
    /// What it is called in messages.
    pub(super) name: String,
    pub(super) capture: Capture,
    pub(super) source: Source,
    pub(super) format: Option<Format>,
    /// What is wrong with it.
    pub(super) problems: Vec<String>,
    /// Whether that is everything.
    pub(super) is_unreadable: bool,
}

impl Inspected {
    pub(super) fn export(&self) -> Export<'_, Source> {
        Export::new(&self.capture, &self.source)
    }
}

/// What becomes one capture: a file, or two for the two directions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Input<'a> {
    file: &'a Path,
    /// What the client sent, where `file` is what the server sent.
    other: Option<&'a Path>,
}

/// The captures that the command line names.
pub(super) fn inputs(inspect: &Inspect) -> Vec<Input<'_>> {
    if let ([client, server], true) = (inspect.files.as_slice(), inspect.raw_pair) {
        return vec![Input {
            file: server,
            other: Some(client),
        }];
    }
    let input = |file| Input { file, other: None };
    inspect
        .files
        .iter()
        .map(PathBuf::as_path)
        .map(input)
        .collect()
}

/// What the inspectors are told.
pub(super) fn options(inspect: &Inspect) -> Result<Options, Failure> {
    let mut options = Options::default();
    options.format = inspect.format.map(super::Format::into_inner);
    options.preset = preset(inspect);
    if inspect.raw_pair {
        options.format = Some(options.format.unwrap_or(Format::Raw));
        options.preset.direction = Some(Direction::ToClient);
    }
    let from_env = if inspect.keys_from_env {
        let path = env::var_os("SSLKEYLOGFILE")
            .ok_or_else(|| Failure::Missing("--keys-from-env: $SSLKEYLOGFILE is not set".into()))?;
        Some(PathBuf::from(path))
    } else {
        None
    };
    for path in inspect.keys.iter().chain(&from_env) {
        let log = fs::read(path).map_err(|error| Failure::File(path.clone(), "read", error))?;
        options.keys.extend_from_slice(&log);
        options.keys.push(b'\n');
    }
    Ok(options)
}

impl Input<'_> {
    /// Reads it to its end. From what cannot be read twice, a copy is kept if `is_read_again`.
    pub(super) fn inspect(
        &self,
        options: &Options,
        is_read_again: bool,
    ) -> Result<Inspected, Failure> {
        let mut inspector = Inspector::new(options.clone());
        let mut problems = Vec::new();
        if let Some(other) = self.other {
            let opened = Opened::new(other, false)?;
            let result = opened.read(|chunk| inspector.push_other(chunk));
            problems.extend(
                result
                    .err()
                    .map(|error| format!("{}: {error}", name(other))),
            );
        }
        let opened = Opened::new(self.file, is_read_again)?;
        let again = opened.again()?;
        let result = opened.read(|chunk| inspector.push(chunk));
        problems.extend(result.err());
        let format = inspector.format();
        let capture = inspector.finish();
        let is_unreadable = capture.connections().is_empty()
            && !(problems.is_empty() && capture.problems().is_empty());
        problems.splice(0..0, capture.problems().iter().cloned());
        Ok(Inspected {
            name: name(self.file),
            capture,
            source: Source::new(again),
            format,
            problems,
            is_unreadable,
        })
    }
}

/// A file that is about to be read.
struct Opened {
    input: Box<dyn Read + Send>,
    /// The file itself, where it can be read again.
    file: Option<File>,
    /// Where what is read is copied.
    copy: Option<File>,
    progress: Progress,
}

impl Opened {
    fn new(path: &Path, is_read_again: bool) -> Result<Self, Failure> {
        let cannot = |error| Failure::File(path.to_owned(), "read", error);
        let file = if path.as_os_str() == "-" {
            None
        } else {
            Some(File::open(path).map_err(cannot)?)
        };
        let mut len = None;
        let mut again = None;
        if let Some(file) = &file {
            let metadata = file.metadata().map_err(cannot)?;
            if metadata.is_dir() {
                return Err(cannot(io::ErrorKind::IsADirectory.into()));
            }
            if metadata.is_file() {
                len = Some(metadata.len());
                again = Some(file.try_clone().map_err(cannot)?);
            }
        }
        let input: Box<dyn Read + Send> = match file {
            Some(file) => Box::new(file),
            None => Box::new(io::stdin()),
        };
        let progress = Progress::new(&name(path), len);
        let mut input = progress.count(input);
        let mut start = Vec::new();
        input
            .by_ref()
            .take(GZIP.len() as u64)
            .read_to_end(&mut start)
            .map_err(cannot)?;
        let is_gzip = start == GZIP;
        let whole = io::Cursor::new(start).chain(input);
        let input: Box<dyn Read + Send> = if is_gzip {
            again = None;
            Box::new(MultiGzDecoder::new(whole))
        } else {
            Box::new(whole)
        };
        let copy = if is_read_again && again.is_none() {
            Some(tempfile::tempfile().map_err(|error| {
                Failure::File(env::temp_dir(), "make a temporary file in", error)
            })?)
        } else {
            None
        };
        Ok(Self {
            input,
            file: again,
            copy,
            progress,
        })
    }

    /// What can be read again, once it has been read.
    fn again(&self) -> Result<Option<File>, Failure> {
        let Some(file) = self.copy.as_ref().or(self.file.as_ref()) else {
            return Ok(None);
        };
        let file = file.try_clone();
        file.map(Some)
            .map_err(|error| Failure::File(env::temp_dir(), "read again in", error))
    }

    /// Hands on what is read, in large pieces, while the next is being read.
    ///
    /// # Errors
    ///
    /// A sentence that says why it ended early.
    fn read(self, mut take: impl FnMut(&mut [u8])) -> Result<(), String> {
        let Self {
            mut input,
            mut copy,
            progress,
            ..
        } = self;
        let (full, chunks) = mpsc::sync_channel::<Vec<u8>>(1);
        let (empty, buffers) = mpsc::sync_channel::<Vec<u8>>(2);
        let result = thread::scope(|scope| {
            let reader = scope.spawn(move || {
                // One buffer is filled while the other is looked at.
                let mut fresh = 2;
                loop {
                    let mut buffer = match buffers.try_recv() {
                        Ok(buffer) => buffer,
                        Err(_) if fresh > 0 => {
                            fresh -= 1;
                            Vec::new()
                        }
                        Err(_) => match buffers.recv() {
                            Ok(buffer) => buffer,
                            Err(_) => return Ok(()),
                        },
                    };
                    buffer.clear();
                    buffer.reserve(CHUNK);
                    let result = input
                        .by_ref()
                        .take(CHUNK as u64)
                        .read_to_end(&mut buffer)
                        .map_err(|error| early_end(&error));
                    if let Some(copy) = &mut copy
                        && let Err(error) = copy.write_all(&buffer)
                    {
                        let directory = env::temp_dir();
                        return Err(format!(
                            "no copy of it can be kept in {}: {error}; what comes before is shown",
                            directory.display()
                        ));
                    }
                    let is_end = buffer.len() < CHUNK;
                    if (!buffer.is_empty() && full.send(buffer).is_err()) || is_end {
                        return result.map(|_| ());
                    }
                    result?;
                }
            });
            for mut chunk in &chunks {
                take(&mut chunk);
                // It may have come to its end.
                let _ = empty.send(chunk);
            }
            drop(empty);
            reader
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        progress.finish();
        result
    }
}

/// Why reading ended early.
fn early_end(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            "the gzip data ends early; what comes before is shown".into()
        }
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            format!("the gzip data is damaged ({error}); what comes before is shown")
        }
        _ => format!("it cannot be read further: {error}; what comes before is shown"),
    }
}

/// What a file is called in messages.
fn name(path: &Path) -> String {
    if path.as_os_str() == "-" {
        "stdin".into()
    } else {
        path.display().to_string()
    }
}

/// A value of `--deflate`: parameters, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Deflate(pub(super) Option<DeflateParameters>);

/// Reads `--deflate`.
pub(super) fn deflate(text: &str) -> Result<Deflate, String> {
    if text == "off" {
        return Ok(Deflate(None));
    }
    let mut parameters = DeflateParameters::default();
    for setting in text.split(',').map(str::trim).filter(|text| *text != "on") {
        match setting.split_once('=') {
            Some((name @ ("server-bits" | "client-bits"), bits)) => {
                let bits = bits
                    .parse()
                    .ok()
                    .and_then(WindowBits::new)
                    .ok_or_else(|| format!("`{bits}` is not a window size: 8 to 15 bits"))?;
                if name == "server-bits" {
                    parameters.server_max_window_bits = bits;
                } else {
                    parameters.client_max_window_bits = bits;
                }
            }
            None if setting == "no-takeover" => {
                parameters.server_no_context_takeover = true;
                parameters.client_no_context_takeover = true;
            }
            None if setting == "server-no-takeover" => parameters.server_no_context_takeover = true,
            None if setting == "client-no-takeover" => parameters.client_no_context_takeover = true,
            _ => {
                return Err(format!(
                    "`{setting}` is none of: on, off, server-bits=8..15, client-bits=8..15, no-takeover, server-no-takeover, client-no-takeover"
                ));
            }
        }
    }
    Ok(Deflate(Some(parameters)))
}

/// How gzip begins: its magic number, and DEFLATE (RFC 1952 §2.3.1).
const GZIP: [u8; 3] = [0x1F, 0x8B, 8];

/// Bytes that are read at a time.
const CHUNK: usize = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deflate_is_parameters_or_none() {
        assert_eq!(deflate("off"), Ok(Deflate(None)));
        assert_eq!(
            deflate("on"),
            Ok(Deflate(Some(DeflateParameters::default())))
        );
        let mut expected = DeflateParameters::default();
        expected.server_no_context_takeover = true;
        expected.client_max_window_bits = WindowBits::new(9).expect("valid");
        assert_eq!(
            deflate("server-no-takeover,client-bits=9"),
            Ok(Deflate(Some(expected)))
        );
        assert!(deflate("client-bits=16").is_err());
        assert!(deflate("fast").is_err());
    }
}
