//! Rows of the list, packed into one buffer: `www/src/worker/rows.ts` reads them.

use std::collections::HashMap;

use sockeye_inspect::decode::preview;
use sockeye_inspect::{Capture, Frame, MessageReader, OnRecord, ReadAt, Severity, Timestamp};

/// Packs rows, and remembers the previews of those that were shown last.
#[derive(Default)]
pub(crate) struct Packer {
    previews: HashMap<u32, Box<str>>,
}

impl Packer {
    /// Forgets the previews: frames have other numbers now, or more is known of them.
    pub(crate) fn forget(&mut self) {
        self.previews.clear();
    }

    /// Appends a row to `out`. `before` is the time of the row before it.
    pub(crate) fn pack<S: ReadAt>(
        &mut self,
        capture: &Capture,
        source: &S,
        reader: &mut MessageReader<'_, S>,
        frame: &Frame,
        before: Timestamp,
        out: &mut Vec<u8>,
    ) {
        let start = out.len();
        let times = [
            seconds(capture, frame.time),
            difference(before, frame.time),
            frame.wire_len() as f64,
            frame.payload_len as f64,
            frame.inflated_len.map_or(f64::NAN, |len| len as f64),
        ];
        for number in times {
            out.extend(number.to_le_bytes());
        }
        out.extend(frame.number.to_le_bytes());
        out.extend(frame.connection.to_le_bytes());
        let preview = self.preview(capture, source, reader, frame);
        // A preview is some hundred bytes long.
        out.extend((preview.len() as u16).to_le_bytes());
        out.extend(flags(frame).to_le_bytes());
        out.push(kind(frame));
        out.resize(start + FIXED, 0);
        out.extend(preview.as_bytes());
    }

    fn preview<S: ReadAt>(
        &mut self,
        capture: &Capture,
        source: &S,
        reader: &mut MessageReader<'_, S>,
        frame: &Frame,
    ) -> &str {
        if self.previews.len() >= MOST_PREVIEWS {
            self.previews.clear();
        }
        self.previews
            .entry(frame.number)
            .or_insert_with(|| make_preview(capture, source, reader, frame).into())
    }
}

/// The beginning of a frame's content in one line: of the message where it is compressed and this its first frame.
fn make_preview<S: ReadAt>(
    capture: &Capture,
    source: &S,
    reader: &mut MessageReader<'_, S>,
    frame: &Frame,
) -> String {
    let mut text = String::new();
    let payload = if frame.compressed && frame.opcode == 0 {
        // What it adds to the message cannot be told from the compressed bytes.
        return text;
    } else if frame.compressed {
        let message = reader.message(frame.number, PREVIEW_BYTES);
        message.map(|message| message.content().data.clone())
    } else {
        let payload = capture.payload(frame.number, PREVIEW_BYTES, source);
        payload.map(|payload| payload.data)
    };
    if let Ok(payload) = payload {
        preview(&payload, frame.opcode, &mut text, PREVIEW_CHARS);
    }
    text.truncate(text.floor_char_boundary(usize::from(u16::MAX)));
    text
}

/// Seconds from the first packet of the capture; NaN: unknown.
pub(crate) fn seconds(capture: &Capture, time: Timestamp) -> f64 {
    capture
        .span()
        .map_or(f64::NAN, |(first, _)| difference(first, time))
}

/// Seconds from one to the other, below zero where packets are out of order; NaN: unknown.
fn difference(from: Timestamp, to: Timestamp) -> f64 {
    if !from.is_known() || !to.is_known() {
        return f64::NAN;
    }
    // A capture is shorter than the 292 years of the signed number.
    to.nanos().wrapping_sub(from.nanos()).cast_signed() as f64 / 1e9
}

fn flags(frame: &Frame) -> u16 {
    let flags = [
        frame.direction == sockeye_inspect::Direction::ToClient,
        frame.fin,
        frame.rsv1,
        frame.rsv2,
        frame.rsv3,
        frame.masked,
        frame.compressed,
    ];
    let flags = flags.into_iter().enumerate();
    flags.fold(u16::from(frame.opcode & 0xf), |all, (bit, flag)| {
        all | u16::from(flag) << (bit + 4)
    })
}

fn kind(frame: &Frame) -> u8 {
    let on_record = match frame.on_record {
        OnRecord::Header => 1,
        OnRecord::Message => 2,
        _ => 0,
    };
    let fragment = match (frame.opcode, frame.fin) {
        _ if frame.on_record == OnRecord::Message => 0,
        (0, true) => 3,
        (0, false) => 2,
        (_, false) => 1,
        _ => 0,
    };
    let severity = match frame.severity {
        None => 0,
        Some(Severity::Information) => 1,
        Some(Severity::Advice) => 2,
        Some(Severity::Violation) => 3,
    };
    on_record | fragment << 2 | severity << 4
}

/// Bytes of a row before its preview.
const FIXED: usize = 56;
const PREVIEW_BYTES: usize = 256;
const PREVIEW_CHARS: usize = 160;
const MOST_PREVIEWS: usize = 4_096;
