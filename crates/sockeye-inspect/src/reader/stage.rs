//! What becomes of a capture's bytes: held until they say what they are, and then read.

use core::fmt;

use super::{
    Format, Reader,
    har::HarReader,
    mitmproxy::MitmproxyReader,
    netlog::NetLogReader,
    pcap::PcapReader,
    pcapng::PcapNgReader,
    raw::{Conversation, Voice},
    sniff::{self, Verdict},
    text::TextReader,
};
use crate::{
    Timestamp,
    analysis::{Intake, Problem, Provenance},
};

/// What is done with the bytes of a capture.
pub(super) enum Stage {
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

/// What a stage has to do with.
pub(super) struct Around<'a> {
    pub(super) voice: Voice,
    /// The format, where it is given.
    pub(super) given: Option<Format>,
    pub(super) held_bytes: usize,
    pub(super) conversation: &'a mut Conversation,
    pub(super) intake: &'a mut dyn Intake,
}

impl Around<'_> {
    /// What `bytes` begin.
    fn sniff(&self, bytes: &[u8], ended: bool) -> Verdict {
        self.given
            .map_or_else(|| sniff::sniff(bytes, ended), Verdict::Known)
    }
}

impl Stage {
    /// Whether there was nothing up to now.
    pub(super) const fn is_empty(&self) -> bool {
        matches!(self, Self::Sniffing(held) if held.is_empty())
    }

    /// Takes the next bytes, and says the format when it comes out.
    pub(super) fn push(&mut self, chunk: &mut [u8], around: &mut Around<'_>) -> Option<Format> {
        let Self::Sniffing(held) = self else {
            self.read(chunk, around);
            return None;
        };
        if chunk.is_empty() {
            return None;
        }
        if held.is_empty() {
            // Most often the first chunk is enough, and nothing is copied.
            let verdict = around.sniff(chunk, false);
            if verdict == Verdict::Unknown {
                held.extend_from_slice(chunk);
                return None;
            }
            return self.begin(&verdict, chunk, around);
        }
        held.extend_from_slice(chunk);
        let verdict = around.sniff(held, false);
        if verdict == Verdict::Unknown {
            return None;
        }
        let mut held = core::mem::take(held);
        self.begin(&verdict, &mut held, around)
    }

    /// The capture ends here.
    pub(super) fn finish(&mut self, around: &mut Around<'_>) -> Option<Format> {
        let mut format = None;
        if let Self::Sniffing(held) = self
            && !held.is_empty()
        {
            let mut held = core::mem::take(held);
            let verdict = around.sniff(&held, true);
            format = self.begin(&verdict, &mut held, around);
        }
        match self {
            Self::Reading(reader) => reader.finish(around.intake),
            Self::Text(text) => text.finish(around.voice, around.conversation, around.intake),
            Self::Sniffing(_) | Self::Raw(_) | Self::Ignored => {}
        }
        format
    }

    /// It came out what the capture is: `bytes` are its first.
    fn begin(
        &mut self,
        verdict: &Verdict,
        bytes: &mut [u8],
        around: &mut Around<'_>,
    ) -> Option<Format> {
        *self = Self::Ignored;
        let format = match verdict {
            Verdict::Known(format) => *format,
            Verdict::Compressed(with) => {
                around.intake.problem(Problem::Compressed { with });
                return None;
            }
            Verdict::Unreadable(why) => {
                around.intake.problem(Problem::Invalid {
                    why: (*why).to_owned(),
                    offset: 0,
                });
                return None;
            }
            Verdict::Unknown | Verdict::None => {
                around.intake.problem(Problem::UnknownFormat);
                return None;
            }
        };
        if around.voice == Voice::Other && !matches!(format, Format::Raw | Format::Text) {
            around.intake.problem(Problem::Invalid {
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
            Format::Pcap => Self::Reading(Box::new(PcapReader::new(around.held_bytes))),
            Format::PcapNg => Self::Reading(Box::new(PcapNgReader::new(around.held_bytes))),
        };
        self.read(bytes, around);
        Some(format)
    }

    fn read(&mut self, bytes: &mut [u8], around: &mut Around<'_>) {
        let Around {
            voice,
            conversation,
            intake,
            ..
        } = around;
        let voice = *voice;
        match self {
            Self::Reading(reader) => reader.push(bytes, *intake),
            Self::Raw(offset) => {
                let provenance = Provenance {
                    // What is in the other capture cannot be read again from this one.
                    offset: (voice == Voice::One).then_some(*offset),
                    packet: 0,
                    time: Timestamp::UNKNOWN,
                };
                *offset += bytes.len() as u64;
                conversation.say(voice, provenance, bytes, *intake);
            }
            Self::Text(text) => text.push(voice, bytes, conversation, *intake),
            Self::Sniffing(_) | Self::Ignored => {}
        }
    }
}
