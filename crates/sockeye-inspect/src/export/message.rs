//! Messages as lines of JSON.

use std::io::{self, Write};

use serde::Serialize;

use super::{
    line,
    source::{Content, Export, FindingLine, rfc3339},
};
use crate::{Frame, ReadAt, decode};

/// One message, or a control frame.
#[derive(Serialize)]
struct MessageLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    message: u32,
    frames: usize,
    connection: u32,
    direction: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    #[serde(rename = "type")]
    name: &'static str,
    opcode: u8,
    compressed: bool,
    complete: bool,
    wire_length: u64,
    length: u64,
    #[serde(flatten)]
    content: Option<Content>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inflate_error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decoded: Option<DecodedLine>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    findings: Vec<FindingLine<'a>>,
}

/// What a message was decoded to.
#[derive(Serialize)]
struct DecodedLine {
    decoder: &'static str,
    summary: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl From<decode::Decoded> for DecodedLine {
    fn from(decoded: decode::Decoded) -> Self {
        Self {
            decoder: decoded.decoder.name(),
            summary: decoded.summary,
            error: decoded.error,
        }
    }
}

pub(super) fn write<S: ReadAt + ?Sized>(
    export: &Export<'_, S>,
    frames: impl Iterator<Item = u32>,
    out: &mut impl Write,
) -> io::Result<()> {
    for first in export.messages(frames) {
        line(&message_line(export, &first)?, out)?;
    }
    Ok(())
}

fn message_line<'a, S: ReadAt + ?Sized>(
    export: &Export<'a, S>,
    first: &Frame,
) -> io::Result<MessageLine<'a>> {
    let mut line = MessageLine {
        file: export.file,
        message: first.number,
        frames: 1,
        connection: first.connection,
        direction: first.direction.name(),
        time: rfc3339(first.time),
        seconds: export.seconds(first.time),
        name: first.opcode_name(),
        opcode: first.opcode,
        compressed: first.compressed,
        complete: false,
        wire_length: first.payload_len,
        length: first.inflated_len.unwrap_or(first.payload_len),
        content: None,
        inflate_error: None,
        decoded: None,
        findings: Vec::new(),
    };
    let mut frames = vec![first.number];
    if let Some(message) = export.content(first.number)? {
        line.frames = message.frames.len();
        line.complete = message.complete;
        line.wire_length = message.joined.total;
        line.length = message.content().total;
        line.decoded = export.connection(first).and_then(|connection| {
            let content = &message.content().data;
            let decoded =
                export
                    .decoding
                    .decode(connection, first.direction, first.opcode, content)?;
            Some(decoded.into())
        });
        frames = message.frames;
        line.inflate_error = message.inflate_error;
        let content = message.inflated.unwrap_or(message.joined);
        line.content = Some(Content::new(first.opcode, false, content));
    }
    line.findings = frames
        .into_iter()
        .flat_map(|frame| export.findings_of(frame))
        .map(FindingLine::new)
        .collect();
    Ok(line)
}
