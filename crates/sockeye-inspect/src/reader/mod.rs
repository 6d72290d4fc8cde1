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
#[cfg(test)]
pub(crate) mod recorder;
mod records;
mod tcp;
mod raw;
mod sniff;
mod text;
mod time;
#[cfg(test)]
mod transcript;

use core::fmt;

use self::{
    har::HarReader,
    mitmproxy::MitmproxyReader,
    netlog::NetLogReader,
    raw::{Conversation, Voice},
    sniff::Verdict,
    text::TextReader,
};
use crate::{
    Timestamp,
    analysis::{Intake, Problem, Provenance},
};

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
}

/// What is done with the bytes of a capture.
enum Stage {
    /// They are held until they say what they are.
    Sniffing(Vec<u8>),
    /// Their format's reader takes them.
    Reading(Box<dyn Reader + Send>),
    /// They are the bytes of a stream, of which this offset comes next.
    Raw(u64),
    /// They are text that stands for the bytes of a stream.
    Text(Box<TextReader>),
    /// They cannot be read, which was said.
    Ignored,
}

impl Default for Stage {
    fn default() -> Self {
        Self::Sniffing(Vec::new())
    }
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sniffing(_) => "Sniffing",
            Self::Reading(_) => "Reading",
            Self::Raw(_) => "Raw",
            Self::Text(_) => "Text",
            Self::Ignored => "Ignored",
        })
    }
}

impl AnyReader {
    /// A reader of this format, or of whatever the first bytes say.
    pub(crate) fn new(format: Option<Format>) -> Self {
        Self {
            format,
            ..Self::default()
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
        let given = self.format;
        if let Some(format) =
            self.capture
                .push(given, Voice::One, chunk, &mut self.conversation, intake)
        {
            self.format = Some(format);
        }
    }

    /// Takes the next bytes of the other direction.
    pub(crate) fn push_other(&mut self, chunk: &mut [u8], intake: &mut dyn Intake) {
        let given = self.format.filter(|format| *format == Format::Raw);
        self.other
            .push(given, Voice::Other, chunk, &mut self.conversation, intake);
    }

    /// The capture ends here.
    pub(crate) fn finish(&mut self, intake: &mut dyn Intake) {
        let other_is_empty = matches!(&self.other, Stage::Sniffing(held) if held.is_empty());
        if matches!(&self.capture, Stage::Sniffing(held) if held.is_empty()) && other_is_empty {
            intake.problem(Problem::Empty);
            return;
        }
        if !other_is_empty {
            let given = self.format.filter(|format| *format == Format::Raw);
            self.other
                .finish(given, Voice::Other, &mut self.conversation, intake);
        }
        let format = self
            .capture
            .finish(self.format, Voice::One, &mut self.conversation, intake);
        self.format = self.format.or(format);
        self.conversation.finish(intake);
    }

    /// The format, once it is known.
    pub(crate) const fn format(&self) -> Option<Format> {
        self.format
    }
}

impl Stage {
    /// Takes the next bytes, and says the format when it comes out.
    fn push(
        &mut self,
        given: Option<Format>,
        voice: Voice,
        chunk: &mut [u8],
        conversation: &mut Conversation,
        intake: &mut dyn Intake,
    ) -> Option<Format> {
        let Self::Sniffing(held) = self else {
            self.read(voice, chunk, conversation, intake);
            return None;
        };
        if chunk.is_empty() {
            return None;
        }
        if held.is_empty() {
            // Most often the first chunk is enough, and nothing is copied.
            let verdict = given.map_or_else(|| sniff::sniff(chunk, false), Verdict::Known);
            if verdict == Verdict::Unknown {
                held.extend_from_slice(chunk);
                return None;
            }
            return self.begin(&verdict, voice, chunk, conversation, intake);
        }
        held.extend_from_slice(chunk);
        let verdict = sniff::sniff(held, false);
        if verdict == Verdict::Unknown {
            return None;
        }
        let mut held = core::mem::take(held);
        self.begin(&verdict, voice, &mut held, conversation, intake)
    }

    /// The capture ends here.
    fn finish(
        &mut self,
        given: Option<Format>,
        voice: Voice,
        conversation: &mut Conversation,
        intake: &mut dyn Intake,
    ) -> Option<Format> {
        let mut format = None;
        if let Self::Sniffing(held) = self
            && !held.is_empty()
        {
            let mut held = core::mem::take(held);
            let verdict = given.map_or_else(|| sniff::sniff(&held, true), Verdict::Known);
            format = self.begin(&verdict, voice, &mut held, conversation, intake);
        }
        match self {
            Self::Reading(reader) => reader.finish(intake),
            Self::Text(text) => text.finish(voice, conversation, intake),
            Self::Sniffing(_) | Self::Raw(_) | Self::Ignored => {}
        }
        format
    }

    /// It came out what the capture is: `bytes` are its first.
    fn begin(
        &mut self,
        verdict: &Verdict,
        voice: Voice,
        bytes: &mut [u8],
        conversation: &mut Conversation,
        intake: &mut dyn Intake,
    ) -> Option<Format> {
        *self = Self::Ignored;
        let format = match verdict {
            Verdict::Known(format) => *format,
            Verdict::Compressed(with) => {
                intake.problem(Problem::Compressed { with });
                return None;
            }
            Verdict::Unreadable(why) => {
                intake.problem(Problem::Invalid {
                    why: (*why).to_owned(),
                    offset: 0,
                });
                return None;
            }
            Verdict::Unknown | Verdict::None => {
                intake.problem(Problem::UnknownFormat);
                return None;
            }
        };
        if voice == Voice::Other && !matches!(format, Format::Raw | Format::Text) {
            intake.problem(Problem::Invalid {
                why: format!(
                    "a second capture has to be the bytes of the other direction, and this is {}",
                    format.name()
                ),
                offset: 0,
            });
            return None;
        }
        *self = match format {
            Format::Har => Self::Reading(Box::new(HarReader::new())),
            Format::NetLog => Self::Reading(Box::new(NetLogReader::new())),
            Format::Mitmproxy => Self::Reading(Box::new(MitmproxyReader::new())),
            Format::Raw => Self::Raw(0),
            Format::Text => Self::Text(Box::new(TextReader::new())),
            Format::Pcap | Format::PcapNg => Self::Ignored,
        };
        self.read(voice, bytes, conversation, intake);
        Some(format)
    }

    fn read(
        &mut self,
        voice: Voice,
        bytes: &mut [u8],
        conversation: &mut Conversation,
        intake: &mut dyn Intake,
    ) {
        match self {
            Self::Reading(reader) => reader.push(bytes, intake),
            Self::Raw(offset) => {
                let provenance = Provenance {
                    // What is in the other capture cannot be read again from this one.
                    offset: (voice == Voice::One).then_some(*offset),
                    packet: 0,
                    time: Timestamp::UNKNOWN,
                };
                *offset += bytes.len() as u64;
                conversation.say(voice, provenance, bytes, intake);
            }
            Self::Text(text) => text.push(voice, bytes, conversation, intake),
            Self::Sniffing(_) | Self::Ignored => {}
        }
    }
}

#[cfg(test)]
mod tests;
