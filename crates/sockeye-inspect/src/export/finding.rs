//! Findings as lines of JSON.

use core::ops::Range;
use std::io::{self, Write};

use serde::Serialize;

use super::{
    line,
    source::{Export, help_url, rfc3339},
};
use crate::{Capture, Finding, Origin, Place, ReadAt};

/// One finding.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    rule: &'static str,
    severity: &'static str,
    rfc: u16,
    section: &'static str,
    title: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    detail: &'a str,
    explanation: &'static str,
    strict_peer: &'static str,
    help: String,
    connection: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    direction: Option<&'static str>,
    #[serde(flatten)]
    place: PlaceLine,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_offset: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
}

/// Where it was found.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct PlaceLine {
    pub(super) place: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) frame: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bit: Option<u8>,
}

impl From<&Place> for PlaceLine {
    fn from(place: &Place) -> Self {
        let (name, bytes, bit) = match place {
            Place::Connection => ("connection", None, None),
            Place::Request(bytes) => ("request", Some(widened(bytes)), None),
            Place::Response(bytes) => ("response", Some(widened(bytes)), None),
            Place::Frame { bytes, .. } => ("frame", Some(bytes.clone()), None),
            Place::Inflated {
                compressed, bit, ..
            } => ("inflated", Some(compressed.clone()), Some(*bit)),
            Place::Stream(bytes) => ("stream", Some(bytes.clone()), None),
        };
        Self {
            place: name,
            frame: place.frame(),
            start: bytes.as_ref().map(|bytes| bytes.start),
            end: bytes.map(|bytes| bytes.end),
            bit,
        }
    }
}

fn widened(range: &Range<u32>) -> Range<u64> {
    u64::from(range.start)..u64::from(range.end)
}

pub(super) fn write<S: ReadAt + ?Sized>(
    export: &Export<'_, S>,
    out: &mut impl Write,
) -> io::Result<()> {
    for finding in export.capture.findings() {
        let rule = finding.rule;
        if export.allowed.contains(&rule) {
            continue;
        }
        let frame = finding
            .place
            .frame()
            .and_then(|frame| export.capture.frame(frame));
        let time = frame.map_or(crate::Timestamp::UNKNOWN, |frame| frame.time);
        line(
            &Line {
                file: export.file,
                rule: rule.id(),
                severity: rule.severity().name(),
                rfc: rule.rfc(),
                section: rule.section(),
                title: rule.title(),
                detail: &finding.detail,
                explanation: rule.explanation(),
                strict_peer: rule.strict_peer(),
                help: help_url(rule),
                connection: finding.connection,
                direction: finding.direction.map(|direction| direction.name()),
                place: (&finding.place).into(),
                file_offset: file_bytes(export.capture, finding).map(|bytes| bytes.start),
                time: rfc3339(time),
                seconds: export.seconds(time),
            },
            out,
        )?;
    }
    Ok(())
}

/// Which bytes of the capture are at fault, as far as they lie there in one piece.
pub(super) fn file_bytes(capture: &Capture, finding: &Finding) -> Option<Range<u64>> {
    let Place::Frame { number, bytes } = &finding.place else {
        return None;
    };
    let pieces = capture.pieces(*number);
    let piece = pieces.iter().find(|piece| {
        (piece.offset..piece.offset.saturating_add(piece.len)).contains(&bytes.start)
    })?;
    let Origin::File(offset) = piece.origin else {
        return None;
    };
    let skipped = bytes.start - piece.offset;
    let len = (bytes.end.saturating_sub(bytes.start)).min(piece.len - skipped);
    let start = offset.checked_add(skipped)?;
    Some(start..start.checked_add(len)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(place: &Place) -> String {
        serde_json::to_string(&PlaceLine::from(place)).expect("plain data")
    }

    #[test]
    fn every_place_says_what_its_bytes_are_counted_from() {
        assert_eq!(place(&Place::Connection), r#"{"place":"connection"}"#);
        assert_eq!(
            place(&Place::Request(3..9)),
            r#"{"place":"request","start":3,"end":9}"#
        );
        assert_eq!(
            place(&Place::Response(0..1)),
            r#"{"place":"response","start":0,"end":1}"#
        );
        assert_eq!(
            place(&Place::Frame {
                number: 7,
                bytes: 1..2
            }),
            r#"{"place":"frame","frame":7,"start":1,"end":2}"#
        );
        assert_eq!(
            place(&Place::Inflated {
                number: 7,
                compressed: 5..6,
                bit: 3
            }),
            r#"{"place":"inflated","frame":7,"start":5,"end":6,"bit":3}"#
        );
        assert_eq!(
            place(&Place::Stream(1..4)),
            r#"{"place":"stream","start":1,"end":4}"#
        );
    }
}
