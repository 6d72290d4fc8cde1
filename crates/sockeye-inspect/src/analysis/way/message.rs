//! Messages: the order of their frames, and their content.

use core::ops::ControlFlow;

use sockeye::RawFrameHeader;

use super::{FrameUnderWay, MessageUnderWay, Way};
use crate::{
    Direction, Rule,
    analysis::{context::Context, utf8::Utf8},
    capture::StreamId,
    inflate::Inflater,
};

/// How far one message is inflated: more is a bomb, and the rest of it is not looked at.
const MAX_INFLATED: u64 = 256 << 20;

/// How much is inflated, and how much of the capture read, between two checkpoints: what it takes to open any message.
const CHECKPOINT_INFLATED: u64 = 4 << 20;
const CHECKPOINT_BYTES: u64 = 8 << 20;

impl Way {
    /// The order of frames, and messages (RFC 6455 §5.4).
    #[inline]
    pub(super) fn continuity(
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
    pub(super) fn begin_inflating(&mut self, context: &mut Context<'_>, number: u32) {
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

    /// A message is complete.
    #[inline]
    pub(super) fn end_message(&mut self, context: &mut Context<'_>, frame: &FrameUnderWay) {
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
            let end = u64::from(frame.header_len) + frame.payload_len;
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
    pub(super) fn end_inflating(
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
}

/// Inflates a piece of a message, and checks what comes out of it.
pub(super) fn inflate(
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
