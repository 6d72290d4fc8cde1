//! Opens frames and messages: reads their bytes again, unmasks and inflates them.

use core::{
    fmt,
    ops::{ControlFlow, Range},
};

use sockeye::MaskingKey;

use super::{
    Bytes, Capture, MessageBytes, OpenError, Origin, Piece, SegmentPlace, StreamId,
    segments::Segment,
};
use crate::{Direction, Frame, OnRecord, ReadAt, inflate::Inflater};

/// How many frames of one message are listed.
const MAX_FRAMES: usize = 65_536;

/// How much is read at once where more is likely to be needed soon.
const READ_AHEAD: usize = 1 << 20;

/// How many inflaters are kept from message to message.
const MAX_KEPT: usize = 64;

/// How many frames back inflation goes on without a look for a checkpoint.
const NEAR: u32 = 4_096;

impl Capture {
    /// Where the bytes of a frame come from, in order: at most 65,536 pieces.
    #[must_use]
    pub fn pieces(&self, frame: u32) -> Vec<Piece> {
        let Some(header) = self.frame(frame) else {
            return Vec::new();
        };
        let Some((first, at)) = self.frames.start(frame) else {
            return Vec::new();
        };
        let mut stream_offset = self.stream_offset(first) + u64::from(at);
        let mut pieces = Vec::new();
        let mut offset = 0;
        for run in self.runs(frame, 0..header.wire_len()).take(MAX_FRAMES) {
            pieces.push(Piece {
                offset,
                len: run.len as u64,
                origin: match run.segment.place {
                    SegmentPlace::File => Origin::File(run.offset),
                    SegmentPlace::Store => Origin::Memory,
                    SegmentPlace::Missing => Origin::Missing,
                },
                packet: run.segment.packet,
                time: run.segment.time,
                stream_offset,
            });
            offset += run.len as u64;
            stream_offset += run.len as u64;
        }
        pieces
    }

    /// Reads a frame as it was on the wire: header, then payload, masked or not.
    ///
    /// At most `limit` bytes are read. What the capture has no longer, because it ends, is left out.
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
        let header = self.frame(frame).ok_or(OpenError::NoSuchFrame)?;
        let mut bytes = Bytes {
            total: header.wire_len(),
            ..Bytes::default()
        };
        if header.on_record == OnRecord::Header {
            return Err(OpenError::NotOnRecord);
        }
        let wanted = 0..header.wire_len().min(limit as u64);
        Opener::new(self, source).append(&header, wanted, &mut bytes)?;
        Ok(bytes)
    }

    /// Reads the payload of a frame, unmasked, not inflated. At most `limit` bytes are read.
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
        let header = self.frame(frame).ok_or(OpenError::NoSuchFrame)?;
        let mut bytes = Bytes::default();
        Opener::new(self, source).append_payload(&header, limit, &mut bytes)?;
        Ok(bytes)
    }

    /// Reads the message that a frame belongs to: the payloads of all its frames, unmasked, joined, and inflated. At most `limit` bytes of the
    /// joined payloads, and as many after inflation, are read.
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
        MessageReader::new(self, source).read(frame, limit, false)
    }

    /// The bytes that inflation of a compressed message can refer to: the end of the messages before it, at most 32 KiB. Empty where the message
    /// is not compressed or begins afresh.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub fn history<S: ReadAt + ?Sized>(
        &self,
        frame: u32,
        source: &S,
    ) -> Result<Vec<u8>, OpenError> {
        let header = self
            .frame(self.message_start(frame))
            .ok_or(OpenError::NoSuchFrame)?;
        if !header.compressed {
            return Ok(Vec::new());
        }
        let inflater = Opener::new(self, source).inflater_before(&header, None)?;
        Ok(inflater.checkpoint().history().to_vec())
    }

    /// Whether inflation goes on from message to message in this direction: as agreed, or as was seen against what was agreed.
    pub(crate) fn takes_over(&self, connection: u32, direction: Direction) -> bool {
        let deflate = self
            .connections
            .get(connection as usize)
            .and_then(|connection| connection.deflate);
        deflate.is_none_or(|agreed| match direction {
            Direction::ToServer => !agreed.client_no_context_takeover,
            Direction::ToClient => !agreed.server_no_context_takeover,
        })
    }

    /// How many bytes of its stream lie before a segment.
    fn stream_offset(&self, segment: u32) -> u64 {
        let stream = self.segments.stream(segment);
        (0..segment)
            .filter_map(|earlier| self.segments.stream_and_len(earlier))
            .filter(|&(of, _)| Some(of) == stream)
            .map(|(_, len)| u64::from(len))
            .sum()
    }

    /// The runs of bytes that hold this range of a frame's bytes.
    fn runs(&self, frame: u32, range: Range<u64>) -> impl Iterator<Item = Run> {
        let start = self.frames.start(frame);
        let mut next = start.map(|(segment, _)| segment);
        let mut skip = range.start + start.map_or(0, |(_, at)| u64::from(at));
        let mut left = range.end - range.start;
        let mut hint = 0;
        core::iter::from_fn(move || {
            while left > 0 {
                let number = next?;
                let segment = self.segments.get_near(number, &mut hint)?;
                let len = u64::from(segment.len);
                if skip >= len {
                    skip -= len;
                    next = self.segments.next(number);
                    continue;
                }
                let taken = (len - skip).min(left);
                let run = Run {
                    segment,
                    offset: segment.offset + skip,
                    len: taken as usize,
                };
                left -= taken;
                skip = 0;
                if left > 0 {
                    next = self.segments.next(number);
                }
                return Some(run);
            }
            None
        })
    }
}

/// Reads messages, best one after the other: a compressed message begins where the one before it in its direction ended, so that nothing is
/// inflated twice. Any order works.
pub struct MessageReader<'c, S: ?Sized> {
    opener: Opener<'c, S>,
    /// Inflaters as they are before this frame of their stream, those used last behind the others.
    kept: Vec<(StreamId, u32, Inflater)>,
}

impl<'c, S: ReadAt + ?Sized> MessageReader<'c, S> {
    /// Reads messages of `capture` again from `source`.
    #[must_use]
    pub const fn new(capture: &'c Capture, source: &'c S) -> Self {
        Self {
            opener: Opener::new(capture, source),
            kept: Vec::new(),
        }
    }

    /// As [`Capture::message`].
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub fn message(&mut self, frame: u32, limit: usize) -> Result<MessageBytes, OpenError> {
        self.read(frame, limit, true)
    }

    /// `keeps`: there may be a next one.
    fn read(&mut self, frame: u32, limit: usize, keeps: bool) -> Result<MessageBytes, OpenError> {
        let capture = self.opener.capture;
        let first = capture.message_start(frame);
        let header = capture.frame(first).ok_or(OpenError::NoSuchFrame)?;
        let frames = capture.message_frames(first, MAX_FRAMES);
        if frames.len() > 1 {
            self.opener.ahead = READ_AHEAD;
        }
        let mut joined = Bytes::default();
        let mut ends = false;
        for &number in &frames {
            let Some(part) = capture.frame(number) else {
                break;
            };
            let left = limit.saturating_sub(joined.data.len());
            self.opener.append_payload(&part, left, &mut joined)?;
            ends = part.fin;
        }
        let end = ends && joined.data.len() as u64 == joined.total;
        let mut message = MessageBytes {
            frames,
            opcode: header.opcode,
            complete: end && joined.missing.is_empty(),
            joined,
            inflated: None,
            inflate_error: None,
        };
        if !header.compressed {
            return Ok(message);
        }
        let stream = StreamId::new(header.connection, header.direction);
        let kept = self.take(stream, first);
        let mut inflater = self.opener.inflater_before(&header, kept)?;
        // Where it is inflated to its end, the next one begins there.
        let is_whole = message.complete
            && header
                .inflated_len
                .is_some_and(|inflated| inflated < limit as u64);
        if keeps && !is_whole {
            self.keep(stream, first, Inflater::restore(&inflater.checkpoint()));
        }
        message.inflate(&mut inflater, header.inflated_len, limit, end);
        if keeps && is_whole && message.inflate_error.is_none() {
            let last = message.frames.last().copied().unwrap_or(first);
            self.keep(stream, last.saturating_add(1), inflater);
        }
        Ok(message)
    }

    /// What is kept of this stream, if that is before the frame.
    fn take(&mut self, stream: StreamId, frame: u32) -> Option<(u32, Inflater)> {
        let index = self.kept.iter().position(|kept| kept.0 == stream)?;
        let (_, before, inflater) = self.kept.remove(index);
        (before <= frame).then_some((before, inflater))
    }

    fn keep(&mut self, stream: StreamId, before: u32, inflater: Inflater) {
        if self.kept.len() == MAX_KEPT {
            self.kept.remove(0);
        }
        self.kept.push((stream, before, inflater));
    }
}

impl<S: ?Sized> fmt::Debug for MessageReader<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageReader").finish_non_exhaustive()
    }
}

/// Bytes of a frame that lie together.
struct Run {
    segment: Segment,
    offset: u64,
    len: usize,
}

impl MessageBytes {
    /// Inflates what was joined. `end`: all of the message is there.
    fn inflate(&mut self, inflater: &mut Inflater, known: Option<u64>, limit: usize, end: bool) {
        let mut data = Vec::new();
        let mut total = 0;
        let mut out = |bytes: &[u8]| {
            total += bytes.len() as u64;
            let room = limit - data.len();
            data.extend_from_slice(&bytes[..bytes.len().min(room)]);
            if data.len() < limit {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        };
        let result = inflater.inflate(&self.joined.data, &mut out);
        let result = match result {
            Ok(()) if end => inflater.end_message().map(drop),
            other => other,
        };
        if let Err(error) = result {
            self.inflate_error = Some(error.to_string());
        }
        self.inflated = Some(Bytes {
            data,
            total: known.unwrap_or(total),
            missing: Vec::new(),
        });
    }
}

/// Reads bytes of frames.
struct Opener<'c, S: ?Sized> {
    capture: &'c Capture,
    source: &'c S,
    /// What was read ahead, and where it begins.
    block: Vec<u8>,
    block_offset: u64,
    /// How much to read ahead.
    ahead: usize,
}

impl<'c, S: ReadAt + ?Sized> Opener<'c, S> {
    const fn new(capture: &'c Capture, source: &'c S) -> Self {
        Self {
            capture,
            source,
            block: Vec::new(),
            block_offset: 0,
            ahead: 0,
        }
    }

    /// Appends bytes of a frame as they are on the wire.
    fn append(
        &mut self,
        frame: &Frame,
        range: Range<u64>,
        bytes: &mut Bytes,
    ) -> Result<(), OpenError> {
        for run in self.capture.runs(frame.number, range) {
            let from = bytes.data.len();
            bytes.data.resize(from + run.len, 0);
            match run.segment.place {
                SegmentPlace::File => self.read(run.offset, &mut bytes.data[from..])?,
                SegmentPlace::Store => {
                    let is_kept = self.capture.store.read(run.offset, &mut bytes.data[from..]);
                    if !is_kept {
                        return Err(OpenError::NotOnRecord);
                    }
                }
                SegmentPlace::Missing => {
                    bytes.missing.push(from..from + run.len);
                }
            }
        }
        Ok(())
    }

    /// Appends at most `limit` bytes of a frame's payload, unmasked.
    fn append_payload(
        &mut self,
        frame: &Frame,
        limit: usize,
        bytes: &mut Bytes,
    ) -> Result<(), OpenError> {
        if frame.on_record == OnRecord::Header {
            return Err(OpenError::NotOnRecord);
        }
        bytes.total = bytes.total.saturating_add(frame.payload_len);
        let from = bytes.data.len();
        let gaps = bytes.missing.len();
        let header_len = u64::from(frame.header_len);
        let end = header_len.saturating_add(frame.payload_len.min(limit as u64));
        self.append(frame, header_len..end, bytes)?;
        if frame.masked && frame.header_len >= 4 {
            let mut key = Bytes::default();
            self.append(frame, header_len - 4..header_len, &mut key)?;
            if let Some(key) = key.data.first_chunk() {
                MaskingKey::new(*key).apply(&mut bytes.data[from..]);
            }
            for gap in &bytes.missing[gaps..] {
                bytes.data[gap.clone()].fill(0);
            }
        }
        Ok(())
    }

    /// The inflater as it is before a compressed message. `kept` is one as it was before an earlier frame of the stream.
    fn inflater_before(
        &mut self,
        first: &Frame,
        kept: Option<(u32, Inflater)>,
    ) -> Result<Inflater, OpenError> {
        let capture = self.capture;
        let stream = StreamId::new(first.connection, first.direction);
        let takes_over = capture.takes_over(first.connection, first.direction);
        if !takes_over && !capture.checkpoints.is_kept(stream) {
            let mut inflater = Inflater::new();
            inflater.begin_message(false);
            return Ok(inflater);
        }
        let (from, mut inflater) = match kept {
            Some((from, inflater)) if first.number - from <= NEAR => (Some(from), inflater),
            kept => {
                let found = capture.checkpoints.before(stream, first.number);
                match kept {
                    Some((from, inflater)) if found.0 <= Some(from) => (Some(from), inflater),
                    _ => found,
                }
            }
        };
        if from == Some(first.number) {
            inflater.begin_message(takes_over);
            return Ok(inflater);
        }
        let mut is_compressed = false;
        for number in from.unwrap_or_default()..first.number {
            if capture.stream_of(number) != Some(stream) {
                continue;
            }
            let Some(frame) = capture.frame(number).filter(|frame| !frame.is_control()) else {
                continue;
            };
            if frame.opcode != 0x0 {
                is_compressed = frame.compressed;
                if is_compressed {
                    inflater.begin_message(takes_over);
                }
            }
            if !is_compressed {
                continue;
            }
            self.ahead = READ_AHEAD;
            let mut payload = Bytes::default();
            self.append_payload(&frame, usize::MAX, &mut payload)?;
            let mut out = |_: &[u8]| ControlFlow::Continue(());
            // What is wrong with earlier messages was found when they were checked.
            if payload.missing.is_empty() {
                let _ = inflater.inflate(&payload.data, &mut out);
            } else {
                inflater.forget();
            }
            if frame.fin {
                let _ = inflater.end_message();
            }
        }
        inflater.begin_message(takes_over);
        Ok(inflater)
    }

    /// Fills the buffer from the capture.
    fn read(&mut self, offset: u64, buffer: &mut [u8]) -> Result<(), OpenError> {
        if self.ahead > buffer.len() {
            if !self.fill_from_block(offset, buffer) {
                self.block.resize(self.ahead, 0);
                self.block_offset = offset;
                // Near the end of the capture there is not so much.
                while self.source.read_at(offset, &mut self.block).is_err() {
                    self.block.truncate(self.block.len() / 2);
                    if self.block.len() <= buffer.len() {
                        self.block.clear();
                        return self.source.read_at(offset, buffer).map_err(OpenError::Read);
                    }
                }
                self.fill_from_block(offset, buffer);
            }
            return Ok(());
        }
        self.source.read_at(offset, buffer).map_err(OpenError::Read)
    }

    /// Fills the buffer from what was read ahead, if all of it is there.
    fn fill_from_block(&self, offset: u64, buffer: &mut [u8]) -> bool {
        let bytes = offset
            .checked_sub(self.block_offset)
            .and_then(|at| usize::try_from(at).ok())
            .and_then(|at| self.block.get(at..)?.get(..buffer.len()));
        if let Some(bytes) = bytes {
            buffer.copy_from_slice(bytes);
        }
        bytes.is_some()
    }
}
