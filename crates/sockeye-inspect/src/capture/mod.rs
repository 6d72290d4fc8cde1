//! What was found in a capture, and the way back to its bytes.

mod checkpoints;
mod column;
mod findings;
mod frames;
mod open;
mod segments;
mod store;

use core::{fmt, ops::Range};
use std::io;

pub use self::open::MessageReader;
pub(crate) use self::{
    checkpoints::Checkpoints,
    findings::Findings,
    frames::{Frames, NewFrame},
    segments::{Place as SegmentPlace, Segments, StreamId},
    store::Store,
};
use crate::{Connection, Finding, Frame, Rule, Timestamp};

/// What was found in a capture: its connections, an index of their frames, and the findings.
#[derive(Debug, Default)]
pub struct Capture {
    pub(crate) connections: Vec<Connection>,
    pub(crate) segments: Segments,
    pub(crate) frames: Frames,
    pub(crate) store: Store,
    pub(crate) findings: Findings,
    pub(crate) checkpoints: Checkpoints,
    pub(crate) problems: Vec<String>,
    pub(crate) span: Option<(Timestamp, Timestamp)>,
    /// Whether there was no room for bytes that do not lie in the capture as they are.
    pub(crate) is_full: bool,
}

impl Capture {
    /// The connections, in the order in which they began.
    #[must_use]
    pub fn connections(&self) -> &[Connection] {
        &self.connections
    }

    /// How many frames there are.
    #[must_use]
    pub const fn frame_count(&self) -> u32 {
        self.frames.len()
    }

    /// One frame; `None` when there are not so many.
    #[must_use]
    pub fn frame(&self, number: u32) -> Option<Frame> {
        self.frames.get(number, &self.segments, &mut 0)
    }

    /// These frames in order, faster than one by one. Numbers behind the last are left out.
    pub fn frames(&self, numbers: Range<u32>) -> impl Iterator<Item = Frame> {
        let mut hint = 0;
        numbers.map_while(move |number| self.frames.get(number, &self.segments, &mut hint))
    }

    /// What was found, in the order in which it was: at most
    /// [`Options::findings_per_rule`](crate::Options::findings_per_rule) for each rule.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        self.findings.kept()
    }

    /// How often each rule was found broken, those that are not kept included.
    pub fn finding_counts(&self) -> impl Iterator<Item = (Rule, u64)> {
        self.findings.counts()
    }

    /// The findings that are about this frame, or begin in it.
    pub fn findings_of(&self, frame: u32) -> impl Iterator<Item = &Finding> {
        self.findings()
            .iter()
            .filter(move |finding| finding.place.frame() == Some(frame))
    }

    /// What is wrong with the capture itself: one clear line each.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// The times of the first and the last packet of the connections.
    #[must_use]
    pub const fn span(&self) -> Option<(Timestamp, Timestamp)> {
        self.span
    }

    /// Bytes of memory that index, checkpoints and findings take: not what is kept of bytes that do not lie in the capture as they are.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.segments.memory()
            + self.frames.memory()
            + self.findings.memory()
            + self.checkpoints.memory()
            + self.connections.capacity() * size_of::<Connection>()
    }

    /// The first frame of the message that this frame belongs to: itself for a control frame, or where the beginning is not on record.
    #[must_use]
    pub fn message_start(&self, frame: u32) -> u32 {
        let Some((0x0, _)) = self.frames.shape(frame) else {
            return frame;
        };
        let mut start = frame;
        for earlier in self.earlier_of_stream(frame) {
            match self.frames.shape(earlier) {
                Some((0x0, false)) => start = earlier,
                // Controls lie between fragments; the end of a message does not.
                Some((opcode, _)) if opcode & 0x8 != 0 => {}
                Some((_, false)) => return earlier,
                _ => return start,
            }
        }
        start
    }

    /// The frames of the message that begins with `first`, at most `limit`.
    #[must_use]
    pub fn message_frames(&self, first: u32, limit: usize) -> Vec<u32> {
        let mut frames = vec![first];
        let Some((opcode, false)) = self.frames.shape(first) else {
            return frames;
        };
        if opcode & 0x8 != 0 {
            return frames;
        }
        for later in self.later_of_stream(first) {
            if frames.len() >= limit {
                break;
            }
            match self.frames.shape(later) {
                Some((0x0, fin)) => {
                    frames.push(later);
                    if fin {
                        break;
                    }
                }
                Some((opcode, _)) if opcode & 0x8 != 0 => {}
                _ => break,
            }
        }
        frames
    }

    /// The frames before this one in its stream, the latest first.
    fn earlier_of_stream(&self, frame: u32) -> impl Iterator<Item = u32> {
        let stream = self.stream_of(frame);
        (0..frame)
            .rev()
            .filter(move |&earlier| self.stream_of(earlier) == stream)
    }

    /// The frames behind this one in its stream.
    fn later_of_stream(&self, frame: u32) -> impl Iterator<Item = u32> {
        let stream = self.stream_of(frame);
        (frame.saturating_add(1)..self.frame_count())
            .filter(move |&later| self.stream_of(later) == stream)
    }

    /// Widens the span to this time.
    pub(crate) fn touch(&mut self, time: Timestamp) {
        if !time.is_known() {
            return;
        }
        self.span = Some(match self.span {
            Some((first, last)) => (first.min(time), last.max(time)),
            None => (time, time),
        });
    }

    fn stream_of(&self, frame: u32) -> Option<StreamId> {
        self.segments.stream(self.frames.start(frame)?.0)
    }
}

/// Bytes that were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bytes {
    /// The bytes; zeros where the capture lacks them.
    pub data: Vec<u8>,
    /// How many there would be without a limit, and if all were captured.
    pub total: u64,
    /// Which of `data` the capture lacks.
    pub missing: Vec<Range<usize>>,
}

/// A message that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MessageBytes {
    /// The numbers of its frames, at most 65,536.
    pub frames: Vec<u32>,
    /// The opcode of its first frame.
    pub opcode: u8,
    /// The payloads of its frames, unmasked and joined: the compressed bytes where it is compressed, else the message.
    pub joined: Bytes,
    /// The message after inflation, as far as it could be inflated; `None`: it is not compressed.
    pub inflated: Option<Bytes>,
    /// Why it could not be inflated to its end.
    pub inflate_error: Option<String>,
    /// Whether it ends with FIN, and all its bytes are there.
    pub complete: bool,
}

impl MessageBytes {
    /// The message as an application gets it: inflated where it is compressed.
    #[must_use]
    pub const fn content(&self) -> &Bytes {
        match &self.inflated {
            Some(inflated) => inflated,
            None => &self.joined,
        }
    }
}

/// Where some bytes of a frame come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Piece {
    /// Offset in the frame, in bytes from the first of its header.
    pub offset: u64,
    /// How many bytes.
    pub len: u64,
    /// Where they lie.
    pub origin: Origin,
    /// The number of the packet, event or message, from 1.
    pub packet: u32,
    /// When.
    pub time: Timestamp,
    /// Offset in the stream of the direction, counted from the first byte behind the handshake.
    pub stream_offset: u64,
}

/// Where bytes lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// In the capture, at this offset.
    File(u64),
    /// In memory: they were decoded or decrypted.
    Memory,
    /// Nowhere: the capture lacks them.
    Missing,
}

/// Why a frame cannot be opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// There are not so many frames.
    NoSuchFrame,
    /// Its payload is not on record, or was not kept.
    NotOnRecord,
    /// The capture cannot be read.
    Read(io::Error),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchFrame => f.write_str("there is no such frame"),
            Self::NotOnRecord => f.write_str("the payload is not on record"),
            Self::Read(error) => write!(f, "the capture cannot be read: {error}"),
        }
    }
}

impl core::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Read(error) => Some(error),
            _ => None,
        }
    }
}
