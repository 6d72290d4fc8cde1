//! Readers: each takes the bytes of one format of capture, and tells the analysis what was on the wire.

mod base64;
mod har;
mod heads;
mod json;
mod netlog;
mod packet;
mod pcap;
mod pcapng;
#[cfg(test)]
pub(crate) mod recorder;
mod records;
mod tcp;
mod time;
#[cfg(test)]
mod transcript;

use crate::analysis::{Intake, Problem};

/// A format of capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// libpcap's, of any byte order and resolution.
    Pcap,
    /// pcapng.
    PcapNg,
    /// HTTP Archive with `_webSocketMessages`.
    Har,
    /// Chrome's net-export.
    NetLog,
    /// mitmproxy's flows.
    Mitmproxy,
    /// The bytes of one direction, or of both in two files.
    Raw,
    /// Bytes written as text: hex, `xxd`, `hexdump -C`, base64, an array of C, a literal of Python.
    Text,
}

impl Format {
    /// Its name, such as `pcapng`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pcap => "pcap",
            Self::PcapNg => "pcapng",
            Self::Har => "har",
            Self::NetLog => "netlog",
            Self::Mitmproxy => "mitmproxy",
            Self::Raw => "raw",
            Self::Text => "text",
        }
    }
}

/// What every reader does.
pub(crate) trait Reader {
    /// Takes the next bytes of the capture. `chunk` may be changed.
    fn push(&mut self, chunk: &mut [u8], intake: &mut dyn Intake);
    /// The capture ends here.
    fn finish(&mut self, intake: &mut dyn Intake);
}

/// The reader of the format at hand, once it is known.
pub(crate) struct AnyReader {
    format: Option<Format>,
    reader: Option<Box<dyn Reader + Send>>,
    /// The first bytes, while they do not say what it is.
    held: Vec<u8>,
}

impl core::fmt::Debug for AnyReader {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("AnyReader")
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

impl AnyReader {
    /// A reader of this format, or of whatever the first bytes say.
    pub(crate) fn new(format: Option<Format>) -> Self {
        Self {
            format,
            reader: None,
            held: Vec::new(),
        }
    }

    /// Takes the next bytes.
    pub(crate) fn push(&mut self, chunk: &mut [u8], intake: &mut dyn Intake) {
        let _ = &self.held;
        let reader = self.reader.get_or_insert_with(|| match chunk.first() {
            Some(0x0A) => {
                self.format = Some(Format::PcapNg);
                Box::new(pcapng::PcapNgReader::new(4 << 20))
            }
            Some(b'{') => {
                self.format = Some(Format::NetLog);
                Box::new(netlog::NetLogReader::new())
            }
            _ => {
                self.format = Some(Format::Pcap);
                Box::new(pcap::PcapReader::new(4 << 20))
            }
        });
        reader.push(chunk, intake);
    }

    /// Takes the next bytes of the other direction.
    pub(crate) fn push_other(&mut self, chunk: &mut [u8], intake: &mut dyn Intake) {
        let _ = (chunk, intake);
    }

    /// The capture ends here.
    pub(crate) fn finish(&mut self, intake: &mut dyn Intake) {
        if let Some(reader) = &mut self.reader {
            reader.finish(intake);
        } else {
            intake.problem(Problem::Empty);
        }
    }

    /// The format, once it is known.
    pub(crate) const fn format(&self) -> Option<Format> {
        self.format
    }
}
