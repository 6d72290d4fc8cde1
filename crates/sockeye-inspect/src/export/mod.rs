//! Writes what was found in other formats.
//!
//! ```
//! use sockeye_inspect::{Capture, Inspector, Options, export::{Export, Kind, Writer}};
//!
//! # fn main() -> std::io::Result<()> {
//! let bytes = b"\x81\x05Hello".to_vec();
//! let mut inspector = Inspector::new(Options::default());
//! inspector.push(&mut bytes.clone());
//! let capture = inspector.finish();
//!
//! let mut out = Vec::new();
//! let mut writer = Writer::new(Kind::Csv, &mut out)?;
//! writer.add(&Export::new(&capture, &bytes), 0..capture.frame_count())?;
//! writer.finish()?;
//! # Ok(())
//! # }
//! ```

mod connection;
mod csv;
mod finding;
mod frame;
mod har;
mod hex;
mod message;
mod pcapng;
mod sarif;
mod source;

use std::io::{self, Write};

use serde::Serialize;

pub use hex::dump;
pub use source::{Decoding, Export};

use crate::ReadAt;

/// What is written.
///
/// Objects of JSON have a member only where there is something to say: what is not on record is left out, as is `file` where
/// [`Export::with_file`] was not told one. Times (`time`) are RFC 3339 in UTC with nanoseconds, `seconds` count from the first packet of the
/// capture, numbers of frames and connections are those of [`Frame`](crate::Frame).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A line of JSON for each frame: `file`, `frame`, `message` (the frame with which its message begins), `connection`, `direction` (`c2s`,
    /// `s2c`), `time`, `seconds`, `on_record` (`wire`, `header`, `message`), `type` (`text`, …), `opcode`, `fin`, `rsv1`, `rsv2`, `rsv3`, `masked`,
    /// `masking_key` (hex), `header_length`, `payload_length`, `compressed`, `inflated_length` (of the message that begins here), `text` or `base64`
    /// (the payload, unmasked, as it was sent), `cut` (there is more payload), `missing` (bytes that the capture lacks, for which there are zeros),
    /// `close` (`code`, `reason`), and `findings` (`rule`, `severity`, `detail`).
    JsonFrames,
    /// A line of JSON for each message or control frame: `file`, `message` (its first frame), `frames` (how many), `connection`, `direction`, `time`
    /// and `seconds` of its first frame, `type`, `opcode`, `compressed`, `complete` (it ends, and all of it is there), `wire_length` (the payloads),
    /// `length` (after inflation), `text` or `base64`, `cut`, `missing`, `inflate_error`, `close`, `decoded` (`decoder`, `summary`, `error`; see
    /// [`Export::with_decoding`]), and `findings` of its frames.
    JsonMessages,
    /// A line of JSON for each connection: addresses, handshake, what was agreed, counts for each direction, round trips, how it ended. Frames are
    /// not looked at.
    JsonConnections,
    /// A line of JSON for each finding: `file`, `rule`, `severity`, `rfc`, `section`, `title`, `detail`, `explanation`, `strict_peer`, `help` (URL),
    /// `connection`, `direction`, `place` (`connection`, `request`, `response`, `frame`, `inflated`, `stream`), `frame`, `start` and `end` (bytes within
    /// that place), `bit`, `file_offset` (where these bytes lie in the capture), `time` and `seconds`. Frames are not looked at.
    JsonFindings,
    /// Comma-separated values ([RFC 4180](https://www.rfc-editor.org/rfc/rfc4180)), a row for each frame, behind one with the names of the columns.
    /// The last column is a preview of what it holds; with an apostrophe before it where a spreadsheet would take it for a formula.
    Csv,
    /// As [`Self::Csv`], a row for each message.
    CsvMessages,
    /// HTTP Archive 1.2, with the messages in `_webSocketMessages` as Chrome writes them. It has no place for control frames, fragments and headers.
    Har,
    /// pcapng. The bytes of each connection stand in TCP segments made for them; what was decrypted or decoded is plain in it.
    PcapNg,
    /// The bytes of each frame on the wire, as `hexdump -C` shows them, behind a line that begins with `#`.
    Hex,
    /// SARIF 2.1.0 with the findings, for the services that show results of static analysis. Frames are not looked at.
    Sarif,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::JsonFrames,
        Self::JsonMessages,
        Self::JsonConnections,
        Self::JsonFindings,
        Self::Csv,
        Self::CsvMessages,
        Self::Har,
        Self::PcapNg,
        Self::Hex,
        Self::Sarif,
    ];

    /// How names of files with it end, without the dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::JsonFrames | Self::JsonMessages | Self::JsonConnections | Self::JsonFindings => {
                "jsonl"
            }
            Self::Csv | Self::CsvMessages => "csv",
            Self::Har => "har",
            Self::PcapNg => "pcapng",
            Self::Hex => "txt",
            Self::Sarif => "sarif",
        }
    }

    /// Its media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::JsonFrames | Self::JsonMessages | Self::JsonConnections | Self::JsonFindings => {
                "application/x-ndjson"
            }
            Self::Csv | Self::CsvMessages => "text/csv",
            Self::Har => "application/json",
            Self::PcapNg => "application/octet-stream",
            Self::Hex => "text/plain",
            Self::Sarif => "application/sarif+json",
        }
    }
}

/// Writes one document of what was found in one or more captures, as it goes: nothing is collected.
///
/// [`Self::add`] each capture, then [`Self::finish`].
#[derive(Debug)]
pub struct Writer<W: Write>(State<W>);

#[derive(Debug)]
enum State<W: Write> {
    Plain(Kind, W),
    Har(har::Har<W>),
    PcapNg(pcapng::PcapNg<W>),
    Sarif(sarif::Sarif<W>),
}

impl<W: Write> Writer<W> {
    /// Writes what comes before the first capture. `out` gets many small pieces: let it buffer.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn new(kind: Kind, mut out: W) -> io::Result<Self> {
        Ok(Self(match kind {
            Kind::Har => State::Har(har::Har::new(out)?),
            Kind::PcapNg => State::PcapNg(pcapng::PcapNg::new(out)?),
            Kind::Sarif => State::Sarif(sarif::Sarif::new(out)?),
            Kind::Csv => {
                csv::frame_names(&mut out)?;
                State::Plain(kind, out)
            }
            Kind::CsvMessages => {
                csv::message_names(&mut out)?;
                State::Plain(kind, out)
            }
            _ => State::Plain(kind, out),
        }))
    }

    /// Writes these frames of a capture, in this order; the messages that any of them belong to; or its connections or findings.
    ///
    /// # Errors
    ///
    /// Those of `out`, and those of reading the capture again.
    pub fn add<S: ReadAt + ?Sized>(
        &mut self,
        export: &Export<'_, S>,
        frames: impl IntoIterator<Item = u32>,
    ) -> io::Result<()> {
        let frames = frames.into_iter();
        match &mut self.0 {
            State::Har(har) => har.add(export, frames),
            State::PcapNg(pcapng) => pcapng.add(export, frames),
            State::Sarif(sarif) => sarif.add(export),
            State::Plain(kind, out) => match kind {
                Kind::JsonFrames => frame::write(export, frames, out),
                Kind::JsonMessages => message::write(export, frames, out),
                Kind::JsonConnections => connection::write(export, out),
                Kind::JsonFindings => finding::write(export, out),
                Kind::Csv => csv::frames(export, frames, out),
                Kind::CsvMessages => csv::messages(export, frames, out),
                _ => hex::write(export, frames, out),
            },
        }
    }

    /// Writes what comes behind the last capture.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn finish(self) -> io::Result<()> {
        match self.0 {
            State::Plain(_, mut out) => out.flush(),
            State::Har(har) => har.finish(),
            State::PcapNg(pcapng) => pcapng.finish(),
            State::Sarif(sarif) => sarif.finish(),
        }
    }
}

/// Writes a value as one line of JSON.
fn line<T: Serialize>(value: &T, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}
