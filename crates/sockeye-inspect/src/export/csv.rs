//! Comma-separated values.

use core::fmt::Write as _;
use std::io::{self, Write};

use super::source::{Export, rfc3339, severity_name};
use crate::{Frame, OnRecord, ReadAt, decode};

pub(super) fn frame_names(out: &mut impl Write) -> io::Result<()> {
    out.write_all(
        b"file,frame,message,connection,direction,time,seconds,type,fin,rsv1,rsv2,rsv3,masked,header_length,payload_length,inflated_length,\
        compressed,severity,rules,preview\r\n",
    )
}

pub(super) fn message_names(out: &mut impl Write) -> io::Result<()> {
    out.write_all(
        b"file,message,frames,connection,direction,time,seconds,type,compressed,complete,wire_length,length,severity,rules,preview\r\n",
    )
}

pub(super) fn frames<S: ReadAt + ?Sized>(
    export: &Export<'_, S>,
    frames: impl Iterator<Item = u32>,
    out: &mut impl Write,
) -> io::Result<()> {
    let capture = export.capture;
    let mut row = Row::default();
    for frame in frames.filter_map(|number| capture.frame(number)) {
        row.begin(export.file);
        row.cell(frame.number);
        row.cell(export.message_start(frame.number));
        row.origin(export, &frame);
        row.cell(frame.opcode_name());
        let is_wire = frame.on_record == OnRecord::Wire;
        let has_header = frame.on_record != OnRecord::Message;
        for bit in [frame.fin, frame.rsv1, frame.rsv2, frame.rsv3, frame.masked] {
            row.optional(has_header.then_some(u8::from(bit)));
        }
        row.optional(is_wire.then_some(frame.header_len));
        row.cell(frame.payload_len);
        row.optional(frame.inflated_len);
        row.cell(u8::from(frame.compressed));
        row.findings(export, &[frame.number], frame.severity);
        let is_start = frame.compressed && !frame.is_control() && frame.inflated_len.is_some();
        let bytes = if is_start {
            export
                .content(frame.number)?
                .map(|message| message.content().data.clone())
        } else {
            export.payload(frame.number)?.map(|payload| payload.data)
        };
        row.preview(frame.opcode, bytes.as_deref());
        row.write(out)?;
    }
    Ok(())
}

pub(super) fn messages<S: ReadAt + ?Sized>(
    export: &Export<'_, S>,
    frames: impl Iterator<Item = u32>,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut row = Row::default();
    for first in export.messages(frames) {
        let message = export.content(first.number)?;
        row.begin(export.file);
        row.cell(first.number);
        row.cell(message.as_ref().map_or(1, |message| message.frames.len()));
        row.origin(export, &first);
        row.cell(first.opcode_name());
        row.cell(u8::from(first.compressed));
        match &message {
            Some(message) => {
                row.cell(u8::from(message.complete));
                row.cell(message.joined.total);
                row.cell(message.content().total);
                let severity = message
                    .frames
                    .iter()
                    .filter_map(|&frame| export.capture.frame(frame)?.severity)
                    .max();
                row.findings(export, &message.frames, severity);
                let content = &message.content().data;
                let decoded = export.connection(&first).and_then(|connection| {
                    let (direction, opcode) = (first.direction, first.opcode);
                    export
                        .decoding
                        .decode(connection, direction, opcode, content)
                });
                match decoded {
                    Some(decoded) => row.last(&decoded.summary),
                    None => row.preview(first.opcode, Some(content)),
                }
            }
            None => {
                row.cell(0);
                row.cell(first.payload_len);
                row.cell(first.inflated_len.unwrap_or(first.payload_len));
                row.findings(export, &[first.number], first.severity);
                row.preview(first.opcode, None);
            }
        }
        row.write(out)?;
    }
    Ok(())
}

/// A row that is being written.
#[derive(Debug, Default)]
struct Row {
    text: String,
    /// What goes into the cell that may need quotes.
    scratch: String,
}

impl Row {
    fn begin(&mut self, file: Option<&str>) {
        self.text.clear();
        quote(file.unwrap_or_default(), &mut self.text);
    }

    /// A cell that needs no quotes.
    fn cell(&mut self, value: impl core::fmt::Display) {
        // Writing to a string does not fail.
        let _ = write!(self.text, ",{value}");
    }

    fn optional(&mut self, value: Option<impl core::fmt::Display>) {
        match value {
            Some(value) => self.cell(value),
            None => self.text.push(','),
        }
    }

    /// Connection, direction and times.
    fn origin<S: ReadAt + ?Sized>(&mut self, export: &Export<'_, S>, frame: &Frame) {
        self.cell(frame.connection);
        self.cell(frame.direction.name());
        self.optional(rfc3339(frame.time));
        self.optional(export.seconds(frame.time).map(|time| format!("{time:.9}")));
    }

    /// The worst severity, and every rule once.
    fn findings<S: ReadAt + ?Sized>(
        &mut self,
        export: &Export<'_, S>,
        frames: &[u32],
        severity: Option<crate::Severity>,
    ) {
        self.cell(severity_name(severity));
        self.text.push(',');
        let mut rules: Vec<_> = frames
            .iter()
            .flat_map(|&frame| export.findings_of(frame))
            .map(|finding| finding.rule)
            .collect();
        rules.sort_unstable();
        rules.dedup();
        for (index, rule) in rules.into_iter().enumerate() {
            if index > 0 {
                self.text.push(' ');
            }
            self.text.push_str(rule.id());
        }
    }

    fn preview(&mut self, opcode: u8, content: Option<&[u8]>) {
        let mut scratch = core::mem::take(&mut self.scratch);
        scratch.clear();
        if let Some(content) = content {
            decode::preview(content, opcode, &mut scratch, PREVIEW);
        }
        self.last(&scratch);
        self.scratch = scratch;
    }

    /// The last cell: text of a peer.
    fn last(&mut self, text: &str) {
        self.text.push(',');
        // Spreadsheets run formulas, and a peer must not write any.
        if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
            quote(&format!("'{text}"), &mut self.text);
        } else {
            quote(text, &mut self.text);
        }
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(self.text.as_bytes())?;
        out.write_all(b"\r\n")
    }
}

/// Appends a cell, in quotes where it needs them (RFC 4180 §2).
fn quote(text: &str, out: &mut String) {
    if !text.contains([',', '"', '\r', '\n']) {
        out.push_str(text);
        return;
    }
    out.push('"');
    out.push_str(&text.replace('"', "\"\""));
    out.push('"');
}

/// Characters of a message that are shown.
const PREVIEW: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn last(text: &str) -> String {
        let mut row = Row::default();
        row.last(text);
        row.text
    }

    #[test]
    fn cells_are_quoted_where_needed() {
        assert_eq!(last("plain text"), ",plain text");
        assert_eq!(last("a,b"), ",\"a,b\"");
        assert_eq!(last("say \"hi\""), ",\"say \"\"hi\"\"\"");
        assert_eq!(last(""), ",");
    }

    #[test]
    fn formulas_of_a_peer_are_disarmed() {
        assert_eq!(last("=1+1"), ",'=1+1");
        assert_eq!(last("=cmd(\"a\",b)"), ",\"'=cmd(\"\"a\"\",b)\"");
        assert_eq!(last("@x"), ",'@x");
    }
}
