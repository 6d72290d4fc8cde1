//! One direction of a connection: from its bytes to frames and messages.

mod control;
mod loss;
mod message;
mod rules;

use std::collections::VecDeque;

use sockeye::{FrameDecoder, FramePiece, RawFrameHeader};

use super::{Provenance, cause::Cause, context::Context, utf8::Utf8};
use crate::{
    Direction, OnRecord, Rule, Timestamp,
    capture::{NewFrame, SegmentPlace, Segments, StreamId},
    inflate::Inflater,
};

/// How many bytes of a control frame are looked at: lawful ones have no more.
const MAX_CONTROL: usize = 125;

/// How many Pings wait for an answer.
const MAX_PINGS: usize = 64;

/// One direction of a connection.
#[derive(Debug)]
pub(super) struct Way {
    direction: Direction,
    decoder: FrameDecoder,
    /// Whether it is not known where the next frame begins.
    is_lost: bool,
    /// Segment and offset in it of the first byte of the frame under way.
    start: (u32, u16),
    frame: Option<FrameUnderWay>,
    message: Option<MessageUnderWay>,
    control: Vec<u8>,
    last_key: Option<[u8; 4]>,
    has_closed: bool,
    pings: VecDeque<Ping>,
    inflater: Option<Box<Inflater>>,
    /// Where the last checkpoint was taken: bytes inflated, and offset in the capture.
    checkpoint: (u64, u64),
    inflated: u64,
    last_frame: Timestamp,
    /// Offset in the capture of the last bytes.
    file_offset: u64,
    /// When the last bytes came.
    last: Timestamp,
}

/// The frame whose payload is coming.
#[derive(Clone, Copy, Debug)]
struct FrameUnderWay {
    number: u32,
    header_len: u8,
    opcode: u8,
    fin: bool,
    time: Timestamp,
    payload_len: u64,
    /// How much of its payload has come.
    seen: u64,
}

/// The message whose frames are coming.
#[derive(Debug)]
struct MessageUnderWay {
    first: u32,
    opcode: u8,
    compressed: bool,
    utf8: Utf8,
    /// Whether there is nothing more to check of its content.
    is_judged: bool,
    /// Whether bytes of it are missing.
    is_torn: bool,
    payload_bytes: u64,
    frames: u64,
}

/// A Ping without an answer.
#[derive(Debug)]
struct Ping {
    payload: Box<[u8]>,
    frame: u32,
    time: Timestamp,
}

impl Way {
    pub(super) fn new(direction: Direction) -> Self {
        Self {
            direction,
            decoder: FrameDecoder::new(),
            is_lost: false,
            start: (0, 0),
            frame: None,
            message: None,
            control: Vec::new(),
            last_key: None,
            has_closed: false,
            pings: VecDeque::new(),
            inflater: None,
            checkpoint: (0, 0),
            inflated: 0,
            last_frame: Timestamp::UNKNOWN,
            file_offset: 0,
            last: Timestamp::UNKNOWN,
        }
    }

    /// It is not known where the first frame begins.
    pub(super) const fn begin_lost(&mut self) {
        self.is_lost = true;
    }

    /// Takes bytes in the order of the stream.
    #[inline]
    pub(super) fn receive(
        &mut self,
        context: &mut Context<'_>,
        other: &mut Self,
        provenance: Provenance,
        bytes: &mut [u8],
    ) {
        self.last = provenance.time;
        let mut offset = provenance.offset;
        for run in bytes.chunks_mut(Segments::MAX_LEN) {
            let len = run.len();
            let (place, at) = match offset {
                Some(offset) => (SegmentPlace::File, offset),
                None => context.keep(run),
            };
            if place == SegmentPlace::File {
                self.file_offset = at;
            }
            let stream = StreamId::new(context.connection, self.direction);
            let segments = &mut context.capture.segments;
            let Some(segment) = segments.push(stream, place, at, len as u16, &provenance) else {
                return;
            };
            self.run(context, other, provenance.time, segment, run);
            offset = offset.map(|offset| offset + len as u64);
        }
    }

    /// Takes the bytes of one segment.
    #[inline]
    fn run(
        &mut self,
        context: &mut Context<'_>,
        other: &mut Self,
        time: Timestamp,
        segment: u32,
        bytes: &mut [u8],
    ) {
        if self.is_lost {
            let sender = self.direction.sender();
            if !super::cause::is_plausible(bytes, sender) {
                return;
            }
            self.is_lost = false;
        }
        let whole = bytes.len();
        let mut input = bytes;
        loop {
            if self.decoder.remaining().is_none() && self.frame.is_none() {
                if input.is_empty() {
                    return;
                }
                self.start = (segment, (whole - input.len()) as u16);
            } else if self.passes_over() {
                let remaining = self.decoder.remaining().unwrap_or_default();
                let len = usize::try_from(remaining)
                    .unwrap_or(usize::MAX)
                    .min(input.len());
                self.decoder.skip(len as u64);
                if let Some(frame) = &mut self.frame {
                    frame.seen += len as u64;
                }
                input = &mut core::mem::take(&mut input)[len..];
            }
            match self.decoder.decode(&mut input) {
                None => return,
                Some(FramePiece::Header(header)) => {
                    if let Some(skipped) = self.header(context, time, &header, input) {
                        if skipped >= input.len() {
                            return;
                        }
                        input = &mut core::mem::take(&mut input)[skipped..];
                    }
                }
                Some(FramePiece::Payload { data, last }) => {
                    self.payload(context, other, data, last);
                }
                Some(_) => {}
            }
        }
    }

    /// Whether nothing is to be checked in the payload under way, so that it need not be touched.
    #[inline]
    fn passes_over(&self) -> bool {
        let Some(frame) = &self.frame else {
            return false;
        };
        if frame.opcode & 0x8 != 0 {
            return self.control.len() >= MAX_CONTROL;
        }
        match &self.message {
            Some(message) => message.is_judged || message.opcode != 0x1 && !message.compressed,
            None => true,
        }
    }

    /// Takes a header; `rest` is what follows it. Returns how much of `rest` is to be skipped, where this is no frame.
    #[inline]
    fn header(
        &mut self,
        context: &mut Context<'_>,
        time: Timestamp,
        header: &RawFrameHeader,
        rest: &[u8],
    ) -> Option<usize> {
        let sender = self.direction.sender();
        let violations = header.violations(Some(sender));
        if !violations.is_empty()
            && let Some(cause) = Cause::of(header, rest, violations, sender)
        {
            return Some(self.lose(context, header, cause, rest.len()));
        }
        let is_control = header.is_control();
        let is_data_start = !is_control && header.opcode != 0x0;
        if header.rsv1 && is_data_start && context.deflate.is_none() && context.is_guessed {
            // Without a handshake, RSV1 is the only sign of the extension.
            context.deflate = Some(sockeye::DeflateParameters::default());
        }
        let is_compressed = if is_data_start {
            header.rsv1 && context.deflate.is_some()
        } else {
            !is_control
                && self
                    .message
                    .as_ref()
                    .is_some_and(|message| message.compressed)
        };
        let (segment, at) = self.start;
        let number = context.capture.frames.push(&NewFrame {
            segment,
            at,
            fin: header.fin,
            rsv1: header.rsv1,
            rsv2: header.rsv2,
            rsv3: header.rsv3,
            opcode: header.opcode,
            masked: header.mask.is_some(),
            header_len: header.header_len,
            payload_len: header.payload_len,
            compressed: is_compressed,
            on_record: OnRecord::Wire,
        })?;
        self.frame = Some(FrameUnderWay {
            number,
            header_len: header.header_len,
            opcode: header.opcode,
            fin: header.fin,
            time,
            payload_len: header.payload_len,
            seen: 0,
        });
        if !violations.is_empty() {
            self.judge(context, number, header, violations);
        }
        if header.rsv1 && is_data_start && context.deflate.is_none() {
            let detail =
                "RSV1, where no extension was negotiated: deflate in use without the handshake?";
            context.in_header(Rule::ReservedBits, self.direction, number, 0..1, detail);
        }
        self.masking(context, number, header);
        self.count(context, header, time);
        if self.has_closed {
            let bytes = 0..u64::from(header.header_len);
            context.in_header(Rule::DataAfterClose, self.direction, number, bytes, "");
        }
        if is_control {
            self.control.clear();
        } else {
            self.continuity(context, number, header, is_compressed);
        }
        None
    }

    /// Counts a frame.
    #[inline]
    fn count(&mut self, context: &mut Context<'_>, header: &RawFrameHeader, time: Timestamp) {
        let gap = time.since(self.last_frame);
        self.last_frame = time;
        let Some(traffic) = context.traffic(self.direction) else {
            return;
        };
        traffic.frames += 1;
        traffic.control_frames += u64::from(header.is_control());
        traffic.header_bytes += u64::from(header.header_len);
        traffic.mask_bytes += if header.mask.is_some() { 4 } else { 0 };
        traffic.payload_bytes = traffic.payload_bytes.saturating_add(header.payload_len);
        if let Some(gap) = gap
            && gap > traffic.longest_gap
        {
            traffic.longest_gap = gap;
        }
    }

    /// Takes payload.
    #[inline]
    fn payload(&mut self, context: &mut Context<'_>, other: &mut Self, data: &[u8], last: bool) {
        let Some(frame) = self.frame else {
            return;
        };
        let seen = frame.seen;
        if let Some(frame) = &mut self.frame {
            frame.seen += data.len() as u64;
        }
        if frame.opcode & 0x8 != 0 {
            let room = MAX_CONTROL - self.control.len().min(MAX_CONTROL);
            self.control
                .extend_from_slice(&data[..data.len().min(room)]);
            if last {
                self.frame = None;
                self.control_frame(context, other, &frame);
            }
            return;
        }
        if let Some(message) = &mut self.message {
            if !data.is_empty() && !message.is_judged {
                if message.compressed {
                    if let Some(inflater) = &mut self.inflater {
                        message::inflate(context, self.direction, message, inflater, data);
                    }
                } else if message.opcode == 0x1
                    && let Err(at) = message.utf8.push(data)
                {
                    message.is_judged = true;
                    let at = u64::from(frame.header_len) + seen + at as u64;
                    let bytes = at..at + 1;
                    context.in_header(Rule::InvalidUtf8, self.direction, frame.number, bytes, "");
                }
            }
            if last {
                message.payload_bytes += seen + data.len() as u64;
            }
        }
        if last {
            self.frame = None;
            if frame.fin {
                self.end_message(context, &frame);
            }
        }
    }
}
