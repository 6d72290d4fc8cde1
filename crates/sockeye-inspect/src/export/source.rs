//! What is exported, and what every format needs of it.

use core::{cell::RefCell, time::Duration};
use std::{collections::HashMap, io, time::UNIX_EPOCH};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Serialize;

use crate::{
    Bytes, Capture, Connection, Direction, Finding, Frame, MessageBytes, MessageReader, OpenError,
    ReadAt, Rule, Severity, Timestamp,
    decode::{self, Decoded, Decoder, Hints},
};

/// Whether messages are decoded, and as what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decoding {
    /// They are not.
    #[default]
    Off,
    /// As what is likely.
    Guess,
    /// All as this.
    As(Decoder),
}

impl Decoding {
    /// Decodes a message that goes over `connection`; `None` where nothing fits, or nothing is to be decoded, as in control frames.
    #[must_use]
    pub fn decode(
        self,
        connection: &Connection,
        direction: Direction,
        opcode: u8,
        content: &[u8],
    ) -> Option<Decoded> {
        if opcode & 0x8 != 0 {
            return None;
        }
        let mut hints = Hints::new(opcode, direction);
        hints.subprotocol = connection.subprotocol.as_deref();
        hints.target = connection.target();
        match self {
            Self::Off => None,
            Self::Guess => decode::decode(content, &hints),
            Self::As(decoder) => Some(decode::decode_as(decoder, content, &hints)),
        }
    }
}

/// A capture that is exported, with the way back to its bytes.
#[derive(Debug)]
pub struct Export<'a, S: ?Sized> {
    pub(super) capture: &'a Capture,
    pub(super) source: &'a S,
    pub(super) file: Option<&'a str>,
    pub(super) limit: usize,
    pub(super) decoding: Decoding,
    pub(super) allowed: &'a [Rule],
    start: Timestamp,
    reader: RefCell<MessageReader<'a, S>>,
    starts: RefCell<Starts>,
    /// Frames and the numbers of their findings, in order.
    findings: Vec<(u32, u32)>,
}

impl<'a, S: ReadAt + ?Sized> Export<'a, S> {
    /// This capture, whose bytes are read again from `source`.
    #[must_use]
    pub fn new(capture: &'a Capture, source: &'a S) -> Self {
        let mut findings: Vec<(u32, u32)> = (0..)
            .zip(capture.findings())
            .filter_map(|(index, finding)| Some((finding.place.frame()?, index)))
            .collect();
        findings.sort_unstable();
        Self {
            capture,
            source,
            file: None,
            limit: 16 << 20,
            decoding: Decoding::Off,
            allowed: &[],
            start: capture
                .span()
                .map_or(Timestamp::UNKNOWN, |(first, _)| first),
            reader: RefCell::new(MessageReader::new(capture, source)),
            starts: RefCell::default(),
            findings,
        }
    }

    /// Has the name of its file written, where there is a place for it.
    #[must_use]
    pub const fn with_file(mut self, file: &'a str) -> Self {
        self.file = Some(file);
        self
    }

    /// Cuts payloads and messages at this many bytes; default 16 MiB. pcapng is cut at 1 GiB only.
    #[must_use]
    pub const fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Decodes messages for [`Kind::JsonMessages`](super::Kind::JsonMessages) and the previews of
    /// [`Kind::CsvMessages`](super::Kind::CsvMessages). Default: they are not decoded.
    #[must_use]
    pub const fn with_decoding(mut self, decoding: Decoding) -> Self {
        self.decoding = decoding;
        self
    }

    /// Has [`Kind::JsonFindings`](super::Kind::JsonFindings) leave out what breaks these rules, and [`Kind::Sarif`](super::Kind::Sarif) mark it
    /// as suppressed. Default: none.
    #[must_use]
    pub const fn with_allowed(mut self, rules: &'a [Rule]) -> Self {
        self.allowed = rules;
        self
    }

    /// The findings that are about this frame, or begin in it, without looking at all there are.
    pub fn findings_of(&self, frame: u32) -> impl Iterator<Item = &'a Finding> {
        let first = self.findings.partition_point(|&(of, _)| of < frame);
        self.findings[first..]
            .iter()
            .take_while(move |&&(of, _)| of == frame)
            .filter_map(|&(_, index)| self.capture.findings().get(index as usize))
    }

    /// The time since the first packet.
    #[must_use]
    pub const fn since_start(&self, time: Timestamp) -> Option<Duration> {
        time.since(self.start)
    }

    /// The messages that these frames belong to, in the order of the first of `frames` in each: the numbers of their first frames.
    pub fn messages(&self, frames: impl Iterator<Item = u32>) -> impl Iterator<Item = Frame> {
        let mut last = HashMap::new();
        frames.filter_map(move |number| {
            let frame = self.capture.frame(number)?;
            if frame.is_control() {
                return Some(frame);
            }
            let start = self.message_start(number);
            // The messages of one direction follow one another.
            let before = last.insert((frame.connection, frame.direction), start);
            if before == Some(start) {
                return None;
            }
            self.capture.frame(start)
        })
    }

    /// As [`Capture::message`], faster where messages are read one after the other.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub fn message(&self, frame: u32, limit: usize) -> Result<MessageBytes, OpenError> {
        self.reader.borrow_mut().message(frame, limit)
    }

    /// As [`Capture::message_start`], faster where frames are looked at one after the other.
    pub fn message_start(&self, frame: u32) -> u32 {
        self.starts.borrow_mut().of(self.capture, frame)
    }

    pub(super) fn seconds(&self, time: Timestamp) -> Option<f64> {
        self.since_start(time).map(|time| time.as_secs_f64())
    }

    /// The payload of a frame; `None`: it is not on record.
    pub(super) fn payload(&self, frame: u32) -> io::Result<Option<Bytes>> {
        on_record(self.capture.payload(frame, self.limit, self.source))
    }

    /// The message that a frame belongs to, as far as it is to be exported; `None`: it is not on record.
    pub(super) fn content(&self, frame: u32) -> io::Result<Option<MessageBytes>> {
        on_record(self.message(frame, self.limit))
    }

    pub(super) fn connection(&self, frame: &Frame) -> Option<&'a Connection> {
        self.capture.connections().get(frame.connection as usize)
    }
}

/// Where messages begin that go on behind the frames that were looked at.
#[derive(Debug, Default)]
struct Starts {
    /// The frame behind the last that was looked at.
    next: u32,
    open: HashMap<(u32, Direction), u32>,
}

impl Starts {
    fn of(&mut self, capture: &Capture, frame: u32) -> u32 {
        if frame < self.next {
            return capture.message_start(frame);
        }
        let mut start = frame;
        for frame in capture.frames(self.next..frame.saturating_add(1)) {
            start = frame.number;
            if frame.is_control() {
                continue;
            }
            let stream = (frame.connection, frame.direction);
            if frame.opcode == 0
                && let Some(open) = self.open.get(&stream)
            {
                start = *open;
            }
            if frame.fin {
                self.open.remove(&stream);
            } else {
                self.open.insert(stream, start);
            }
        }
        self.next = frame.saturating_add(1);
        start
    }
}

/// What could be read; `None` where there is nothing on record.
pub(super) fn on_record<T>(result: Result<T, OpenError>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(OpenError::Read(error)) => Err(error),
        Err(_) => Ok(None),
    }
}

/// RFC 3339 in UTC with nanoseconds.
pub(super) fn rfc3339(time: Timestamp) -> Option<String> {
    time.is_known().then(|| {
        let time = UNIX_EPOCH + Duration::from_nanos(time.nanos());
        humantime::format_rfc3339_nanos(time).to_string()
    })
}

/// A payload in JSON.
#[derive(Debug, Default, Serialize)]
pub(super) struct Content {
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
    #[serde(skip_serializing_if = "is_false")]
    cut: bool,
    #[serde(skip_serializing_if = "is_zero")]
    missing: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    close: Option<CloseLine>,
}

impl Content {
    /// Of a frame or message of this type.
    pub(super) fn new(opcode: u8, is_compressed: bool, bytes: Bytes) -> Self {
        let cut = (bytes.data.len() as u64) < bytes.total;
        let missing = bytes.missing.iter().map(|range| range.len() as u64).sum();
        let close = (opcode == 8).then(|| CloseLine::new(&bytes.data)).flatten();
        let (text, base64) = if opcode == 2 || is_compressed {
            (None, Some(BASE64_STANDARD.encode(&bytes.data)))
        } else {
            match String::from_utf8(bytes.data) {
                Ok(text) if opcode != 8 => (Some(text), None),
                Ok(text) => (None, Some(BASE64_STANDARD.encode(text))),
                Err(error) => (None, Some(BASE64_STANDARD.encode(error.as_bytes()))),
            }
        };
        Self {
            text,
            base64,
            cut,
            missing,
            close,
        }
    }
}

/// The payload of a Close frame in JSON.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct CloseLine {
    pub(super) code: u16,
    pub(super) reason: String,
}

impl CloseLine {
    /// Of a payload; `None`: it has no code.
    pub(super) fn new(payload: &[u8]) -> Option<Self> {
        let (code, reason) = payload.split_first_chunk()?;
        Some(Self {
            code: u16::from_be_bytes(*code),
            reason: String::from_utf8_lossy(reason).into_owned(),
        })
    }
}

/// A finding in JSON, where its place is known from what it stands in.
#[derive(Debug, Serialize)]
pub(super) struct FindingLine<'a> {
    rule: &'static str,
    severity: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    detail: &'a str,
}

impl<'a> FindingLine<'a> {
    pub(super) fn new(finding: &'a Finding) -> Self {
        Self {
            rule: finding.rule.id(),
            severity: finding.rule.severity().name(),
            detail: &finding.detail,
        }
    }
}

/// The section of a rule on the web.
pub(super) fn help_url(rule: Rule) -> String {
    format!(
        "https://www.rfc-editor.org/rfc/rfc{}#section-{}",
        rule.rfc(),
        rule.section()
    )
}

/// Whether to leave out what is seldom true.
pub(super) const fn is_false(value: &bool) -> bool {
    !*value
}

/// Whether to leave out what is mostly 0.
pub(super) const fn is_zero(value: &u64) -> bool {
    *value == 0
}

/// The name of a severity, or nothing.
pub(super) const fn severity_name(severity: Option<Severity>) -> &'static str {
    match severity {
        Some(severity) => severity.name(),
        None => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_to_the_nanosecond() {
        let time = Timestamp::from_nanos(1_763_859_600_000_000_007);
        assert_eq!(
            rfc3339(time).as_deref(),
            Some("2025-11-23T01:00:00.000000007Z")
        );
        assert_eq!(
            rfc3339(Timestamp::from_nanos(u64::MAX)).as_deref(),
            Some("2554-07-21T23:34:33.709551615Z")
        );
        assert_eq!(rfc3339(Timestamp::UNKNOWN), None);
    }

    #[test]
    fn content_is_text_or_base64() {
        let line = |opcode, is_compressed, data: &[u8]| {
            let bytes = Bytes {
                data: data.to_vec(),
                total: data.len() as u64,
                missing: Vec::new(),
            };
            serde_json::to_string(&Content::new(opcode, is_compressed, bytes)).expect("plain data")
        };
        assert_eq!(line(1, false, b"hi\"\n"), r#"{"text":"hi\"\n"}"#);
        assert_eq!(line(1, true, b"hi"), r#"{"base64":"aGk="}"#);
        assert_eq!(line(1, false, b"\xFF"), r#"{"base64":"/w=="}"#);
        assert_eq!(line(2, false, b"hi"), r#"{"base64":"aGk="}"#);
        assert_eq!(line(9, false, b"p1"), r#"{"text":"p1"}"#);
        assert_eq!(
            line(8, false, b"\x03\xE8bye"),
            r#"{"base64":"A+hieWU=","close":{"code":1000,"reason":"bye"}}"#
        );
        assert_eq!(line(8, false, b"\x03"), r#"{"base64":"Aw=="}"#);
    }

    #[test]
    fn what_is_cut_or_missing_is_said() {
        let bytes = Bytes {
            data: b"a\0\0".to_vec(),
            total: 9,
            missing: core::iter::once(1..3).collect(),
        };
        assert_eq!(
            serde_json::to_string(&Content::new(1, false, bytes)).expect("plain data"),
            r#"{"text":"a\u0000\u0000","cut":true,"missing":2}"#
        );
    }
}
