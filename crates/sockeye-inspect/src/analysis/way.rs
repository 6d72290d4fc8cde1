//! One direction of a connection: from its bytes to frames and messages.

use core::ops::ControlFlow;
use std::collections::VecDeque;

use sockeye::{FrameDecoder, FramePiece, ProtocolError, RawFrameHeader};

use super::{BareHeader, Provenance, cause::Cause, context::Context, utf8::Utf8};
use crate::{
    Direction, OnRecord, Place, Rule, Timestamp,
    capture::{NewFrame, SegmentPlace, Segments, StreamId},
    inflate::Inflater,
};

/// How many bytes of a control frame are looked at: lawful ones have no more.
const MAX_CONTROL: usize = 125;

/// How many Pings wait for an answer.
const MAX_PINGS: usize = 64;

/// How far one message is inflated: more is a bomb, and the rest of it is not looked at.
const MAX_INFLATED: u64 = 256 << 20;

/// How much is inflated, and how much of the capture read, between two checkpoints: what it takes to open any message.
const CHECKPOINT_INFLATED: u64 = 4 << 20;
const CHECKPOINT_BYTES: u64 = 8 << 20;

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
        if !violations.is_empty() {
            let (mut bytes, len) = header.encode();
            bytes[len..].fill(0);
            let mut start = bytes[..len].to_vec();
            start.extend_from_slice(&rest[..rest.len().min(super::head::MAX_HEAD)]);
            if let Some(cause) = Cause::of(&start, header, violations, sender) {
                return Some(self.lose(context, header, cause, rest.len()));
            }
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

    /// The rules of one frame by itself.
    #[cold]
    fn judge(
        &self,
        context: &mut Context<'_>,
        number: u32,
        header: &RawFrameHeader,
        violations: sockeye::Violations,
    ) {
        let direction = self.direction;
        for violation in violations.iter() {
            let (rule, bytes, detail) = match violation {
                ProtocolError::ReservedBits => {
                    if header.rsv1 && context.deflate.is_some() {
                        let rule = if header.is_control() {
                            Rule::Rsv1OnControl
                        } else {
                            Rule::Rsv1OnContinuation
                        };
                        if header.is_control() || header.opcode == 0x0 {
                            context.in_header(rule, direction, number, 0..1, "");
                        }
                        if !header.rsv2 && !header.rsv3 {
                            continue;
                        }
                    }
                    (Rule::ReservedBits, 0..1, reserved_bits(header))
                }
                ProtocolError::ReservedOpcode { .. } => (
                    Rule::ReservedOpcode,
                    0..1,
                    format!("opcode 0x{:X}", header.opcode),
                ),
                ProtocolError::ControlFragmented => (Rule::ControlFragmented, 0..1, String::new()),
                ProtocolError::ControlTooLong => (
                    Rule::ControlTooLong,
                    1..u64::from(header.header_len),
                    format!("{} bytes", header.payload_len),
                ),
                ProtocolError::MaskMissing => (Rule::MaskMissing, 1..2, String::new()),
                ProtocolError::MaskUnexpected => (Rule::MaskUnexpected, 1..2, String::new()),
                ProtocolError::LengthNotMinimal => (
                    Rule::LengthNotMinimal,
                    1..length_end(header),
                    format!(
                        "{} in {} bits",
                        header.payload_len,
                        8 * (length_end(header) - 2)
                    ),
                ),
                ProtocolError::LengthTooBig => {
                    (Rule::LengthTooBig, 2..length_end(header), String::new())
                }
                _ => continue,
            };
            context.in_header(rule, direction, number, bytes, &detail);
        }
    }

    /// The masking key of a frame.
    #[inline]
    fn masking(&mut self, context: &mut Context<'_>, number: u32, header: &RawFrameHeader) {
        let Some(mask) = header.mask else {
            return;
        };
        let key = mask.to_bytes();
        let rule = if key == [0; 4] {
            Some(Rule::MaskingKeyZero)
        } else if self.last_key == Some(key) {
            Some(Rule::MaskingKeyReused)
        } else {
            None
        };
        self.last_key = Some(key);
        if let Some(rule) = rule {
            let end = u64::from(header.header_len);
            let detail = format!("{:08x}", u32::from_be_bytes(key));
            context.in_header(rule, self.direction, number, end - 4..end, &detail);
        }
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

    /// The order of frames, and messages (RFC 6455 §5.4).
    #[inline]
    fn continuity(
        &mut self,
        context: &mut Context<'_>,
        number: u32,
        header: &RawFrameHeader,
        compressed: bool,
    ) {
        let direction = self.direction;
        if header.opcode == 0x0 {
            if let Some(message) = &mut self.message {
                message.frames += 1;
                return;
            }
            context.in_header(Rule::ContinuationUnexpected, direction, number, 0..1, "");
        } else if let Some(message) = self.message.take() {
            let detail = format!("frame {} began the other", message.first);
            context.in_header(Rule::ContinuationExpected, direction, number, 0..1, &detail);
            if message.compressed
                && let Some(inflater) = &mut self.inflater
            {
                inflater.forget();
            }
        }
        if let Some(traffic) = context.traffic(direction) {
            traffic.messages += 1;
            traffic.compressed_messages += u64::from(compressed);
        }
        if compressed {
            self.begin_inflating(context, number);
        }
        self.message = Some(MessageUnderWay {
            first: number,
            opcode: header.opcode,
            compressed,
            utf8: Utf8::default(),
            // What a continuation of nothing continues is not known.
            is_judged: header.opcode == 0x0,
            is_torn: false,
            payload_bytes: 0,
            frames: 1,
        });
    }

    /// Readies the inflater for the message that begins with this frame.
    fn begin_inflating(&mut self, context: &mut Context<'_>, number: u32) {
        let takes_over = context.takes_over(self.direction);
        let stream = StreamId::new(context.connection, self.direction);
        let inflater = self
            .inflater
            .get_or_insert_with(|| Box::new(Inflater::new()));
        let (inflated, read) = (
            self.inflated - self.checkpoint.0,
            self.file_offset.saturating_sub(self.checkpoint.1),
        );
        let checkpoints = &mut context.capture.checkpoints;
        if (takes_over || checkpoints.is_kept(stream))
            && (inflated >= CHECKPOINT_INFLATED || inflated > 0 && read >= CHECKPOINT_BYTES)
        {
            checkpoints.push(stream, number, inflater.checkpoint());
            self.checkpoint = (self.inflated, self.file_offset);
        }
        inflater.begin_message(takes_over);
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
                        inflate(context, self.direction, message, inflater, data);
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

    /// A message is complete.
    #[inline]
    fn end_message(&mut self, context: &mut Context<'_>, frame: &FrameUnderWay) {
        let Some(mut message) = self.message.take() else {
            return;
        };
        let mut len = message.payload_bytes;
        if message.compressed {
            len = self
                .end_inflating(context, &mut message)
                .unwrap_or_default();
        }
        if message.opcode == 0x1
            && !message.is_judged
            && !message.is_torn
            && !message.utf8.is_complete()
        {
            let end = u64::from(frame.header_len) + frame.seen;
            let bytes = end.saturating_sub(1)..end;
            let detail = "the text ends within a character";
            context.in_header(
                Rule::InvalidUtf8,
                self.direction,
                frame.number,
                bytes,
                detail,
            );
        }
        if let Some(traffic) = context.traffic(self.direction)
            && len > traffic.longest_message
        {
            traffic.longest_message = len;
            traffic.longest_message_frame = message.first;
        }
    }

    /// A compressed message is complete. Returns its length, inflated.
    fn end_inflating(
        &mut self,
        context: &mut Context<'_>,
        message: &mut MessageUnderWay,
    ) -> Option<u64> {
        let inflater = self.inflater.as_mut()?;
        if message.is_torn {
            inflater.forget();
            return None;
        }
        let direction = self.direction;
        let facts = match inflater.end_message() {
            Ok(facts) => facts,
            Err(error) => {
                if !message.is_judged {
                    context.in_message(
                        Rule::InflateFailed,
                        direction,
                        message.first,
                        (error.at.byte, error.at.bit),
                        &error.to_string(),
                    );
                }
                message.is_judged = true;
                return None;
            }
        };
        self.inflated += facts.inflated_len;
        let first = message.first;
        context
            .capture
            .frames
            .set_inflated(first, facts.inflated_len);
        if let Some(traffic) = context.traffic(direction) {
            traffic.compressed_bytes += facts.compressed_len;
            traffic.inflated_bytes += facts.inflated_len;
        }
        let window = context.window(direction);
        if facts.farthest > window {
            let detail = format!("distance {}, window {window}", facts.farthest);
            let at = facts.farthest_at;
            context.in_message(
                Rule::WindowExceeded,
                direction,
                first,
                (at.byte, at.bit),
                &detail,
            );
        }
        for (rule, at) in [
            (Rule::ContextKept, facts.kept),
            (Rule::HistoryMissing, facts.unknown),
            (Rule::FinalBlock, facts.final_block),
        ] {
            if let Some(at) = at {
                context.in_message(rule, direction, first, (at.byte, at.bit), "");
            }
        }
        if facts.kept.is_some() {
            let stream = StreamId::new(context.connection, direction);
            context.capture.checkpoints.keep(stream);
        }
        if facts.tail_present {
            let at = facts.compressed_len.saturating_sub(4);
            context.in_message(Rule::TailNotStripped, direction, first, (at, 0), "");
        }
        let (small, large) = (facts.compressed_len, facts.inflated_len);
        if small > large && large > 0 {
            let detail = format!("{small} bytes for {large}");
            context.in_message(Rule::CompressionWaste, direction, first, (0, 0), &detail);
        }
        if large >= 1 << 20 && large / small.max(1) > 100 {
            let detail = format!("{small} bytes stand for {large}");
            context.in_message(Rule::ExpansionHigh, direction, first, (0, 0), &detail);
        }
        Some(large)
    }

    /// A control frame is complete.
    fn control_frame(
        &mut self,
        context: &mut Context<'_>,
        other: &mut Self,
        frame: &FrameUnderWay,
    ) {
        match frame.opcode {
            0x8 => {
                let payload = core::mem::take(&mut self.control);
                context.close(self.direction, frame.number, frame.header_len, &payload);
                self.control = payload;
                self.has_closed = true;
            }
            0x9 => {
                if self.pings.len() == MAX_PINGS {
                    self.pings.pop_front();
                }
                self.pings.push_back(Ping {
                    payload: self.control.as_slice().into(),
                    frame: frame.number,
                    time: frame.time,
                });
            }
            0xA => {
                // RFC 6455 §5.5.3: a Pong may stand for the Pings before the one that it answers.
                let answered = other
                    .pings
                    .iter()
                    .rposition(|ping| *ping.payload == *self.control);
                match answered {
                    Some(at) => {
                        if let Some(ping) = other.pings.drain(..=at).next_back() {
                            context.round_trip(ping.frame, frame.number, ping.time, frame.time);
                        }
                    }
                    None => {
                        let bytes = 0..u64::from(frame.header_len);
                        let rule = Rule::PongUnsolicited;
                        context.in_header(rule, self.direction, frame.number, bytes, "");
                    }
                }
            }
            _ => {}
        }
    }

    /// Takes the header of a frame whose payload is not on record: checks what a header can show.
    pub(super) fn bare_header(
        &mut self,
        context: &mut Context<'_>,
        number: u32,
        bare: &BareHeader,
        time: Timestamp,
    ) {
        let first = u8::from(bare.fin) << 7
            | u8::from(bare.rsv1) << 6
            | u8::from(bare.rsv2) << 5
            | u8::from(bare.rsv3) << 4
            | bare.opcode & 0xF;
        let mut bytes = [0; 14];
        bytes[0] = first;
        bytes[1] = if bare.masked { 0x80 } else { 0 };
        bytes[1] |= match bare.payload_len {
            0..=125 => bare.payload_len as u8,
            126..=0xFFFF => {
                bytes[2..4].copy_from_slice(&(bare.payload_len as u16).to_be_bytes());
                126
            }
            _ => {
                bytes[2..10].copy_from_slice(&bare.payload_len.to_be_bytes());
                127
            }
        };
        let Some(header) = RawFrameHeader::decode(&bytes, 0) else {
            return;
        };
        let violations = header.violations(Some(self.direction.sender()));
        if !violations.is_empty() {
            self.judge(context, number, &header, violations);
        }
        let is_start = !header.is_control() && header.opcode != 0x0;
        if header.rsv1 && is_start && context.deflate.is_none() && !context.is_guessed {
            context.in_header(Rule::ReservedBits, self.direction, number, 0..1, "RSV1");
        }
        self.count(context, &header, time);
        if let Some(traffic) = context.traffic(self.direction) {
            // They are not on record.
            traffic.header_bytes -= u64::from(header.header_len);
            traffic.mask_bytes -= if header.mask.is_some() { 4 } else { 0 };
        }
        if self.has_closed {
            context.in_header(Rule::DataAfterClose, self.direction, number, 0..1, "");
        }
        if header.opcode == 0x8 {
            self.has_closed = true;
        }
        if !header.is_control() {
            self.continuity(context, number, &header, false);
            if header.fin {
                self.message = None;
            }
        }
    }

    /// What begins with this header is no frame. Returns how much of what follows the header is to be skipped.
    #[cold]
    fn lose(
        &mut self,
        context: &mut Context<'_>,
        header: &RawFrameHeader,
        cause: Cause,
        rest: usize,
    ) -> usize {
        let header_len = usize::from(header.header_len);
        let end = header.offset + (header_len + rest) as u64;
        context.report(
            Rule::FramingLost,
            Some(self.direction),
            Place::Stream(header.offset..end),
            cause.words(),
        );
        if let Cause::Response {
            head_len: Some(len),
        } = cause
        {
            self.decoder = FrameDecoder::starting_at(header.offset + len as u64);
            return len.saturating_sub(header_len);
        }
        self.decoder = FrameDecoder::starting_at(end);
        self.is_lost = true;
        self.tear();
        rest
    }

    /// Bytes are missing from the message under way.
    fn tear(&mut self) {
        if let Some(message) = &mut self.message {
            message.is_torn = true;
            message.is_judged = true;
        }
        if let Some(inflater) = &mut self.inflater {
            inflater.forget();
        }
    }

    /// `len` bytes are missing.
    pub(super) fn missing(&mut self, context: &mut Context<'_>, provenance: Provenance, len: u64) {
        if let Some(traffic) = context.traffic(self.direction) {
            traffic.missing_bytes = traffic.missing_bytes.saturating_add(len);
        }
        let begin = self.decoder.offset();
        let place = Place::Stream(begin..begin.saturating_add(len));
        let detail = format!("{len} bytes");
        context.report(Rule::BytesMissing, Some(self.direction), place, &detail);
        let stream = StreamId::new(context.connection, self.direction);
        let mut left = len;
        // More than that is another connection rather than a hole.
        while left > 0 && len <= 1 << 30 {
            let run = left.min(Segments::MAX_LEN as u64) as u16;
            let segments = &mut context.capture.segments;
            segments.push(stream, SegmentPlace::Missing, 0, run, &provenance);
            left -= u64::from(run);
        }
        if self.is_lost {
            return;
        }
        let is_data = self.frame.is_some_and(|frame| frame.opcode & 0x8 == 0);
        if self.frame.is_some() && self.decoder.skip(len) {
            if let Some(frame) = &mut self.frame {
                frame.seen += len;
            }
            if is_data {
                self.tear();
            } else {
                let room = MAX_CONTROL - self.control.len().min(MAX_CONTROL);
                let zeros = usize::try_from(len).unwrap_or(room).min(room);
                self.control.resize(self.control.len() + zeros, 0);
            }
            return;
        }
        self.tear();
        self.message = None;
        self.frame = None;
        self.decoder = FrameDecoder::starting_at(begin.saturating_add(len));
        self.is_lost = true;
    }

    /// Nothing more comes. `ended`: with FIN or RST, and not because the capture ends.
    pub(super) fn finish(&mut self, context: &mut Context<'_>, other: &Self, ended: bool) {
        let direction = self.direction;
        if ended && !self.has_closed {
            if let Some(frame) = self.frame
                && let Some(left) = self.decoder.remaining().filter(|&left| left > 0)
            {
                let end = u64::from(frame.header_len) + frame.seen;
                let detail = format!("{left} bytes of payload did not come");
                context.in_header(
                    Rule::FrameTruncated,
                    direction,
                    frame.number,
                    0..end,
                    &detail,
                );
            } else if let Some(message) = &self.message {
                let detail = format!("{} frames came", message.frames);
                context.in_header(
                    Rule::MessageUnfinished,
                    direction,
                    message.first,
                    0..1,
                    &detail,
                );
            }
        }
        // A peer that had time, and said something else.
        let had_time = |ping: &Ping| {
            other
                .last
                .since(ping.time)
                .is_some_and(|time| time.as_secs() >= 1)
                && !other.has_closed
        };
        for ping in self.pings.drain(..) {
            if had_time(&ping) {
                context.in_header(Rule::PingUnanswered, direction, ping.frame, 0..1, "");
            }
        }
    }
}

/// Inflates a piece of a message, and checks what comes out of it.
fn inflate(
    context: &mut Context<'_>,
    direction: Direction,
    message: &mut MessageUnderWay,
    inflater: &mut Inflater,
    data: &[u8],
) {
    let is_text = message.opcode == 0x1;
    let mut bad = None;
    let before = inflater.facts().inflated_len;
    let mut out = 0;
    let utf8 = &mut message.utf8;
    let result = inflater.inflate(data, &mut |bytes: &[u8]| {
        if is_text
            && bad.is_none()
            && let Err(at) = utf8.push(bytes)
        {
            bad = Some(before + out + at as u64);
        }
        out += bytes.len() as u64;
        if before + out < MAX_INFLATED {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    let first = message.first;
    if let Some(at) = bad {
        let detail = format!("byte {at} of the inflated text");
        context.in_message(Rule::InvalidUtf8, direction, first, (0, 0), &detail);
        // Inflation has to go on: later messages refer to this one.
        message.opcode = 0x2;
    }
    if let Err(error) = result {
        let words = error.to_string();
        let at = error.at;
        context.in_message(
            Rule::InflateFailed,
            direction,
            first,
            (at.byte, at.bit),
            &words,
        );
        message.is_judged = true;
    }
}

/// Offset behind the length.
const fn length_end(header: &RawFrameHeader) -> u64 {
    let mask_len = if header.mask.is_some() { 4 } else { 0 };
    header.header_len as u64 - mask_len
}

/// Which reserved bits are set.
fn reserved_bits(header: &RawFrameHeader) -> String {
    let bits = [
        (header.rsv1, "RSV1"),
        (header.rsv2, "RSV2"),
        (header.rsv3, "RSV3"),
    ];
    let set: Vec<_> = bits
        .into_iter()
        .filter_map(|(is_set, name)| is_set.then_some(name))
        .collect();
    set.join(", ")
}
