//! Bytes that are missing, and bytes that are no frames.

use sockeye::{FrameDecoder, RawFrameHeader};

use super::{MAX_CONTROL, Way};
use crate::{
    Place, Rule,
    analysis::{Provenance, cause::Cause, context::Context},
    capture::{SegmentPlace, Segments, StreamId},
};

impl Way {
    /// What begins with this header is no frame. Returns how much of what follows the header is to be skipped.
    #[cold]
    pub(super) fn lose(
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
    pub(super) fn tear(&mut self) {
        if let Some(message) = &mut self.message {
            message.is_torn = true;
            message.is_judged = true;
        }
        if let Some(inflater) = &mut self.inflater {
            inflater.forget();
        }
    }

    /// `len` bytes are missing.
    pub(in crate::analysis) fn missing(
        &mut self,
        context: &mut Context<'_>,
        provenance: Provenance,
        len: u64,
    ) {
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
}
