//! What was found in a capture, and the way back to its bytes.

use core::{fmt, ops::Range};
use std::io;

use crate::{Connection, Finding, Frame, ReadAt, Rule, Timestamp};

/// What was found in a capture: its connections, an index of their frames, and the findings.
#[derive(Debug, Default)]
pub struct Capture {
    connections: Vec<Connection>,
    findings: Vec<Finding>,
    pub(crate) problems: Vec<String>,
}

impl Capture {
    /// The connections, in the order in which they began.
    #[must_use]
    pub fn connections(&self) -> &[Connection] {
        &self.connections
    }

    /// How many frames there are.
    #[must_use]
    pub fn frame_count(&self) -> u32 {
        0
    }

    /// One frame; `None` when there are not so many.
    #[must_use]
    pub fn frame(&self, number: u32) -> Option<Frame> {
        let _ = number;
        None
    }

    /// These frames in order, faster than one by one. Numbers behind the last are left out.
    pub fn frames(&self, numbers: Range<u32>) -> impl Iterator<Item = Frame> {
        numbers.filter_map(|number| self.frame(number))
    }

    /// What was found, in the order in which it was: at most
    /// [`Options::findings_per_rule`](crate::Options::findings_per_rule) for each rule.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// How often each rule was found broken, those that are not kept included.
    pub fn finding_counts(&self) -> impl Iterator<Item = (Rule, u64)> {
        core::iter::empty()
    }

    /// The findings that are about this frame, or begin in it.
    pub fn findings_of(&self, frame: u32) -> impl Iterator<Item = &Finding> {
        self.findings
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
        None
    }

    /// Bytes of memory that index, connections and findings take.
    #[must_use]
    pub const fn memory(&self) -> usize {
        0
    }

    /// The first frame of the message that this frame belongs to: itself for a control frame, or where the beginning is not on record.
    #[must_use]
    pub fn message_start(&self, frame: u32) -> u32 {
        frame
    }

    /// Where the bytes of a frame come from, in order.
    #[must_use]
    pub fn pieces(&self, frame: u32) -> Vec<Piece> {
        let _ = frame;
        Vec::new()
    }

    /// Reads a frame as it was on the wire: header, then payload, masked or not.
    ///
    /// At most `limit` bytes are read.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub fn wire<S: ReadAt + ?Sized>(
        &self,
        frame: u32,
        limit: usize,
        source: &S,
    ) -> Result<Bytes, OpenError> {
        let _ = (frame, limit, source);
        Err(OpenError::NoSuchFrame)
    }

    /// Reads the payload of a frame, unmasked, not inflated.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub fn payload<S: ReadAt + ?Sized>(
        &self,
        frame: u32,
        limit: usize,
        source: &S,
    ) -> Result<Bytes, OpenError> {
        let _ = (frame, limit, source);
        Err(OpenError::NoSuchFrame)
    }

    /// Reads the message that a frame belongs to: the payloads of all its frames, unmasked, joined, and inflated.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub fn message<S: ReadAt + ?Sized>(
        &self,
        frame: u32,
        limit: usize,
        source: &S,
    ) -> Result<MessageBytes, OpenError> {
        let _ = (frame, limit, source);
        Err(OpenError::NoSuchFrame)
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
