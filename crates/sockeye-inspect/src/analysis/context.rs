//! What a connection's directions share while bytes are taken.

use core::ops::Range;

use sockeye::{CloseCode, DeflateParameters};

use super::BareHeader;
use crate::{
    Capture, Close, Direction, Finding, OnRecord, Place, RoundTrip, Rule, Timestamp,
    capture::{NewFrame, SegmentPlace},
    connection::{Connection, Traffic},
};

/// The capture as one connection adds to it.
pub(super) struct Context<'c> {
    pub(super) capture: &'c mut Capture,
    pub(super) connection: u32,
    pub(super) deflate: Option<DeflateParameters>,
    /// Whether there is no handshake.
    pub(super) is_guessed: bool,
    /// How many bytes may be kept.
    pub(super) kept_bytes: u64,
    /// How many findings of each rule are kept.
    pub(super) findings_per_rule: usize,
}

impl Context<'_> {
    /// Keeps bytes that do not lie in the capture as they are. Returns where.
    pub(super) fn keep(&mut self, bytes: &[u8]) -> (SegmentPlace, u64) {
        if self.capture.store.len() + bytes.len() as u64 > self.kept_bytes {
            self.capture.is_full = true;
            return (SegmentPlace::Missing, 0);
        }
        (SegmentPlace::Store, self.capture.store.push(bytes))
    }

    /// Reports a finding.
    #[cold]
    pub(super) fn report(
        &mut self,
        rule: Rule,
        direction: Option<Direction>,
        place: Place,
        detail: &str,
    ) {
        if let Some(frame) = place.frame() {
            self.capture.frames.mark(frame, rule.severity());
        }
        if self.capture.findings.count(rule, self.findings_per_rule) {
            self.capture.findings.push(Finding {
                rule,
                connection: self.connection,
                direction,
                place,
                detail: detail.into(),
            });
        }
    }

    /// Reports a finding about bytes of a frame.
    pub(super) fn in_header(
        &mut self,
        rule: Rule,
        direction: Direction,
        number: u32,
        bytes: Range<u64>,
        detail: &str,
    ) {
        self.report(
            rule,
            Some(direction),
            Place::Frame { number, bytes },
            detail,
        );
    }

    /// Reports a finding about a compressed message.
    pub(super) fn in_message(
        &mut self,
        rule: Rule,
        direction: Direction,
        number: u32,
        (byte, bit): (u64, u8),
        detail: &str,
    ) {
        let place = Place::Inflated {
            number,
            compressed: byte..byte + 1,
            bit,
        };
        self.report(rule, Some(direction), place, detail);
    }

    /// What is counted in this direction.
    #[inline]
    pub(super) fn traffic(&mut self, direction: Direction) -> Option<&mut Traffic> {
        Some(&mut self.here()?.traffic[direction.index()])
    }

    /// Whether this direction's compressor keeps its window, as agreed.
    pub(super) fn takes_over(&self, direction: Direction) -> bool {
        self.deflate.is_none_or(|agreed| match direction {
            Direction::ToServer => !agreed.client_no_context_takeover,
            Direction::ToClient => !agreed.server_no_context_takeover,
        })
    }

    /// The window of this direction's compressor in bytes, as agreed.
    pub(super) fn window(&self, direction: Direction) -> u32 {
        self.deflate.map_or(32_768, |agreed| {
            let bits = match direction {
                Direction::ToServer => agreed.client_max_window_bits,
                Direction::ToClient => agreed.server_max_window_bits,
            };
            bits.size() as u32
        })
    }

    /// Takes a Close frame (RFC 6455 §5.5.1).
    pub(super) fn close(
        &mut self,
        direction: Direction,
        frame: u32,
        header_len: u8,
        payload: &[u8],
    ) {
        let begin = u64::from(header_len);
        let code = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
        if payload.len() == 1 {
            self.in_header(Rule::CloseTruncated, direction, frame, begin..begin + 1, "");
        }
        if let Some(code) = code.filter(|&code| !CloseCode::new(code).is_sendable()) {
            let rule = match code {
                1004..=1006 | 1015 => Rule::CloseCodeReserved,
                _ => Rule::CloseCodeInvalid,
            };
            let detail = format!("code {code}");
            self.in_header(rule, direction, frame, begin..begin + 2, &detail);
        }
        let reason = payload.get(2..).unwrap_or_default();
        if let Err(error) = str::from_utf8(reason) {
            let at = begin + 2 + error.valid_up_to() as u64;
            let detail = "in the reason";
            self.in_header(Rule::InvalidUtf8, direction, frame, at..at + 1, detail);
        }
        let Some(connection) = self.here() else {
            return;
        };
        let end = &mut connection.end;
        if end.close[direction.index()].is_some() {
            return;
        }
        let answered = end.close[direction.reversed().index()]
            .as_ref()
            .map(|close| close.code);
        end.first.get_or_insert(direction);
        end.close[direction.index()] = Some(Close {
            frame,
            code,
            reason: String::from_utf8_lossy(reason).into(),
        });
        if let Some(asked) = answered
            && asked != code
        {
            let number =
                |code: Option<u16>| code.map_or_else(|| "none".to_owned(), |code| code.to_string());
            let detail = format!("code {} answers {}", number(code), number(asked));
            let bytes = begin..begin + payload.len() as u64;
            self.in_header(Rule::CloseNotEchoed, direction, frame, bytes, &detail);
        }
    }

    /// A Pong answers a Ping.
    pub(super) fn round_trip(
        &mut self,
        ping: u32,
        pong: u32,
        asked: Timestamp,
        answered: Timestamp,
    ) {
        let Some(time) = answered.since(asked) else {
            return;
        };
        let Some(connection) = self.here() else {
            return;
        };
        connection.round_trip_summary.add(time);
        if connection.round_trips.len() < Connection::MAX_ROUND_TRIPS {
            connection.round_trips.push(RoundTrip { ping, pong, time });
        }
    }

    /// Puts a frame into the index of which there is no header on the wire.
    pub(super) fn bare_frame(
        &mut self,
        segment: u32,
        header: &BareHeader,
        on_record: OnRecord,
    ) -> Option<u32> {
        self.capture.frames.push(&NewFrame {
            segment,
            at: 0,
            fin: header.fin,
            rsv1: header.rsv1,
            rsv2: header.rsv2,
            rsv3: header.rsv3,
            opcode: header.opcode,
            masked: header.masked,
            header_len: 0,
            payload_len: header.payload_len,
            compressed: false,
            on_record,
        })
    }

    /// The connection.
    #[inline]
    pub(super) fn here(&mut self) -> Option<&mut Connection> {
        self.capture.connections.get_mut(self.connection as usize)
    }
}
