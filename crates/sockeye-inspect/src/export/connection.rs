//! Connections as lines of JSON.

use std::io::{self, Write};

use serde::Serialize;
use sockeye::DeflateParameters;

use super::{
    line,
    source::{Export, rfc3339},
};
use crate::{Close, Connection, Direction, ReadAt, Security, Summary, Traffic};

/// One connection.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    connection: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subprotocol: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deflate: Option<DeflateLine>,
    guessed: bool,
    security: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    opened: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    handshake: Option<HandshakeLine<'a>>,
    c2s: TrafficLine,
    s2c: TrafficLine,
    #[serde(skip_serializing_if = "Option::is_none")]
    round_trips: Option<SummaryLine>,
    end: EndLine<'a>,
}

/// permessage-deflate, in the words of RFC 7692.
#[derive(Serialize)]
struct DeflateLine {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: u8,
    client_max_window_bits: u8,
}

/// The opening handshake.
#[derive(Serialize)]
struct HandshakeLine<'a> {
    request: String,
    response: String,
    checks: Vec<CheckLine<'a>>,
}

/// A check of the opening handshake.
#[derive(Serialize)]
struct CheckLine<'a> {
    rule: &'static str,
    passed: bool,
    detail: &'a str,
}

/// What was counted in one direction.
#[derive(Serialize)]
struct TrafficLine {
    frames: u64,
    control_frames: u64,
    messages: u64,
    compressed_messages: u64,
    header_bytes: u64,
    mask_bytes: u64,
    payload_bytes: u64,
    compressed_bytes: u64,
    inflated_bytes: u64,
    missing_bytes: u64,
    longest_message: u64,
    longest_gap_seconds: f64,
}

/// The times between Pings and their Pongs.
#[derive(Serialize)]
struct SummaryLine {
    count: u64,
    least_seconds: f64,
    most_seconds: f64,
    mean_seconds: f64,
}

/// How it ended.
#[derive(Serialize)]
struct EndLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    first_close: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    c2s_close: Option<CloseLine<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    s2c_close: Option<CloseLine<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    c2s_finished: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    s2c_finished: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reset_by: Option<&'static str>,
}

/// A Close frame.
#[derive(Serialize)]
struct CloseLine<'a> {
    frame: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    reason: &'a str,
}

pub(super) fn write<S: ReadAt + ?Sized>(
    export: &Export<'_, S>,
    out: &mut impl Write,
) -> io::Result<()> {
    for connection in export.capture.connections() {
        line(&Line::new(export.file, connection), out)?;
    }
    Ok(())
}

impl<'a> Line<'a> {
    fn new(file: Option<&'a str>, connection: &'a Connection) -> Self {
        let [up, down] = Direction::BOTH;
        let end = &connection.end;
        let close = |direction: Direction| end.close[direction.index()].as_ref().map(Into::into);
        let finished = |direction: Direction| end.finished[direction.index()].and_then(rfc3339);
        Self {
            file,
            connection: connection.number,
            client: connection.client.map(|address| address.to_string()),
            server: connection.server.map(|address| address.to_string()),
            target: connection.target(),
            subprotocol: connection.subprotocol.as_deref(),
            deflate: connection.deflate.map(Into::into),
            guessed: connection.is_guessed,
            security: match &connection.security {
                Security::Plain => "plain",
                Security::Decrypted => "decrypted",
                Security::Tls(description) => description,
            },
            opened: rfc3339(connection.opened),
            last: rfc3339(connection.last),
            handshake: connection
                .handshake
                .as_ref()
                .map(|handshake| HandshakeLine {
                    request: String::from_utf8_lossy(&handshake.request).into_owned(),
                    response: String::from_utf8_lossy(&handshake.response).into_owned(),
                    checks: handshake
                        .checks
                        .iter()
                        .map(|check| CheckLine {
                            rule: check.rule.id(),
                            passed: check.passed,
                            detail: &check.detail,
                        })
                        .collect(),
                }),
            c2s: connection.traffic(up).into(),
            s2c: connection.traffic(down).into(),
            round_trips: (connection.round_trip_summary.count > 0)
                .then(|| (&connection.round_trip_summary).into()),
            end: EndLine {
                first_close: end.first.map(Direction::name),
                c2s_close: close(up),
                s2c_close: close(down),
                c2s_finished: finished(up),
                s2c_finished: finished(down),
                reset_by: end.reset.map(|(direction, _)| direction.name()),
            },
        }
    }
}

impl From<DeflateParameters> for DeflateLine {
    fn from(parameters: DeflateParameters) -> Self {
        Self {
            server_no_context_takeover: parameters.server_no_context_takeover,
            client_no_context_takeover: parameters.client_no_context_takeover,
            server_max_window_bits: parameters.server_max_window_bits.get(),
            client_max_window_bits: parameters.client_max_window_bits.get(),
        }
    }
}

impl From<&Traffic> for TrafficLine {
    fn from(traffic: &Traffic) -> Self {
        Self {
            frames: traffic.frames,
            control_frames: traffic.control_frames,
            messages: traffic.messages,
            compressed_messages: traffic.compressed_messages,
            header_bytes: traffic.header_bytes,
            mask_bytes: traffic.mask_bytes,
            payload_bytes: traffic.payload_bytes,
            compressed_bytes: traffic.compressed_bytes,
            inflated_bytes: traffic.inflated_bytes,
            missing_bytes: traffic.missing_bytes,
            longest_message: traffic.longest_message,
            longest_gap_seconds: traffic.longest_gap.as_secs_f64(),
        }
    }
}

impl From<&Summary> for SummaryLine {
    fn from(summary: &Summary) -> Self {
        Self {
            count: summary.count,
            least_seconds: summary.least.as_secs_f64(),
            most_seconds: summary.most.as_secs_f64(),
            mean_seconds: summary.mean().as_secs_f64(),
        }
    }
}

impl<'a> From<&'a Close> for CloseLine<'a> {
    fn from(close: &'a Close) -> Self {
        Self {
            frame: close.frame,
            code: close.code,
            reason: &close.reason,
        }
    }
}
