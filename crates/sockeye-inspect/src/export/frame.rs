//! Frames as lines of JSON.

use std::io::{self, Write};

use serde::Serialize;

use super::{
    line,
    source::{Content, Export, FindingLine, on_record, rfc3339},
};
use crate::{Frame, OnRecord, ReadAt};

/// One frame.
#[derive(Serialize)]
struct FrameLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    frame: u32,
    message: u32,
    connection: u32,
    direction: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    on_record: &'static str,
    #[serde(rename = "type")]
    name: &'static str,
    opcode: u8,
    #[serde(flatten)]
    header: Option<Header>,
    #[serde(skip_serializing_if = "Option::is_none")]
    masking_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    header_length: Option<u8>,
    payload_length: u64,
    compressed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    inflated_length: Option<u64>,
    #[serde(flatten)]
    content: Option<Content>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    findings: Vec<FindingLine<'a>>,
}

/// The bits of a header that is on record.
#[derive(Serialize)]
struct Header {
    fin: bool,
    rsv1: bool,
    rsv2: bool,
    rsv3: bool,
    masked: bool,
}

pub(super) fn write<S: ReadAt + ?Sized>(
    export: &Export<'_, S>,
    frames: impl Iterator<Item = u32>,
    out: &mut impl Write,
) -> io::Result<()> {
    for number in frames {
        if let Some(frame) = export.capture.frame(number) {
            line(&frame_line(export, &frame)?, out)?;
        }
    }
    Ok(())
}

fn frame_line<'a, S: ReadAt + ?Sized>(
    export: &Export<'a, S>,
    frame: &Frame,
) -> io::Result<FrameLine<'a>> {
    let message = export.message_start(frame.number);
    let opcode = match export.capture.frame(message) {
        Some(first) if !frame.is_control() => first.opcode,
        _ => frame.opcode,
    };
    let content = export.payload(frame.number)?.map(|bytes| {
        let is_compressed = frame.compressed && frame.on_record == OnRecord::Wire;
        Content::new(opcode, is_compressed, bytes)
    });
    let is_wire = frame.on_record == OnRecord::Wire;
    Ok(FrameLine {
        file: export.file,
        frame: frame.number,
        message,
        connection: frame.connection,
        direction: frame.direction.name(),
        time: rfc3339(frame.time),
        seconds: export.seconds(frame.time),
        on_record: on_record_name(frame.on_record),
        name: frame.opcode_name(),
        opcode: frame.opcode,
        header: (frame.on_record != OnRecord::Message).then_some(Header {
            fin: frame.fin,
            rsv1: frame.rsv1,
            rsv2: frame.rsv2,
            rsv3: frame.rsv3,
            masked: frame.masked,
        }),
        masking_key: if is_wire && frame.masked {
            masking_key(export, frame)?
        } else {
            None
        },
        header_length: is_wire.then_some(frame.header_len),
        payload_length: frame.payload_len,
        compressed: frame.compressed,
        inflated_length: frame.inflated_len,
        content,
        findings: export
            .findings_of(frame.number)
            .map(FindingLine::new)
            .collect(),
    })
}

/// The masking key in hex.
fn masking_key<S: ReadAt + ?Sized>(
    export: &Export<'_, S>,
    frame: &Frame,
) -> io::Result<Option<String>> {
    let len = usize::from(frame.header_len);
    let header = on_record(export.capture.wire(frame.number, len, export.source))?;
    Ok(header.and_then(|header| {
        let key: &[u8; 4] = header.data.get(..len)?.last_chunk()?;
        Some(format!("{:08x}", u32::from_be_bytes(*key)))
    }))
}

const fn on_record_name(on_record: OnRecord) -> &'static str {
    match on_record {
        OnRecord::Wire => "wire",
        OnRecord::Header => "header",
        OnRecord::Message => "message",
    }
}
