//! Readers: each takes the bytes of one format of capture, and tells the analysis what was on the wire.

mod base64;
mod har;
mod heads;
mod json;
mod mitmproxy;
mod netlog;
mod packet;
mod pcap;
mod pcapng;
mod raw;
#[cfg(test)]
pub(crate) mod recorder;
mod records;
mod sniff;
mod stage;
mod tcp;
mod text;
mod time;
#[cfg(test)]
mod transcript;

use self::{
    raw::{Conversation, Voice},
    stage::{Around, Stage},
};
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
#[derive(Debug, Default)]
pub(crate) struct AnyReader {
    format: Option<Format>,
    capture: Stage,
    /// The other direction, where it is a capture of its own.
    other: Stage,
    /// What raw bytes of both captures belong to.
    conversation: Conversation,
    /// How many bytes of a direction that are out of order may be held.
    held_bytes: usize,
}

impl AnyReader {
    /// A reader of this format, or of whatever the first bytes say, that holds at most `held_bytes` of a direction that are out of order.
    pub(crate) fn new(format: Option<Format>, held_bytes: usize) -> Self {
        Self {
            format,
            held_bytes,
            ..Self::default()
        }
    }

    /// Takes the next bytes.
    pub(crate) fn push(&mut self, chunk: &mut [u8], intake: &mut dyn Intake) {
        let mut around = Around {
            voice: Voice::One,
            given: self.format,
            held_bytes: self.held_bytes,
            conversation: &mut self.conversation,
            intake,
        };
        if let Some(format) = self.capture.push(chunk, &mut around) {
            self.format = Some(format);
        }
    }

    /// Takes the next bytes of the other direction.
    pub(crate) fn push_other(&mut self, chunk: &mut [u8], intake: &mut dyn Intake) {
        let mut around = Around {
            voice: Voice::Other,
            given: self.format.filter(|format| *format == Format::Raw),
            held_bytes: self.held_bytes,
            conversation: &mut self.conversation,
            intake,
        };
        self.other.push(chunk, &mut around);
    }

    /// The capture ends here.
    pub(crate) fn finish(&mut self, intake: &mut dyn Intake) {
        if self.capture.is_empty() && self.other.is_empty() {
            intake.problem(Problem::Empty);
            return;
        }
        let mut around = Around {
            voice: Voice::Other,
            given: self.format.filter(|format| *format == Format::Raw),
            held_bytes: self.held_bytes,
            conversation: &mut self.conversation,
            intake,
        };
        self.other.finish(&mut around);
        (around.voice, around.given) = (Voice::One, self.format);
        let format = self.capture.finish(&mut around);
        self.conversation.finish(intake);
        self.format = self.format.or(format);
    }

    /// The format, once it is known.
    pub(crate) const fn format(&self) -> Option<Format> {
        self.format
    }
}

#[cfg(test)]
mod tests;
