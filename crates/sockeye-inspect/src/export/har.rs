//! HTTP Archive 1.2, with messages as Chrome writes them.

use std::io::{self, Write};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Serialize;
use serde_json::{Value, json};

use super::source::{Export, rfc3339};
use crate::{Connection, Direction, Handshake, ReadAt, Security, Timestamp};

/// An archive that is being written: an entry for each connection.
#[derive(Debug)]
pub(super) struct Har<W> {
    out: W,
    is_first: bool,
}

/// What Chrome knows of a message.
#[derive(Serialize)]
struct MessageLine<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    /// Seconds since 1970.
    time: f64,
    opcode: u8,
    data: &'a str,
}

impl<W: Write> Har<W> {
    pub(super) fn new(mut out: W) -> io::Result<Self> {
        let creator = json!({ "name": "sockeye", "version": env!("CARGO_PKG_VERSION") });
        write!(
            out,
            r#"{{"log":{{"version":"1.2","creator":{creator},"pages":[],"entries":["#
        )?;
        Ok(Self {
            out,
            is_first: true,
        })
    }

    pub(super) fn add<S: ReadAt + ?Sized>(
        &mut self,
        export: &Export<'_, S>,
        frames: impl Iterator<Item = u32>,
    ) -> io::Result<()> {
        let mut messages: Vec<(u32, u32)> = export
            .messages(frames)
            .filter(|first| matches!(first.opcode, 1 | 2))
            .map(|first| (first.connection, first.number))
            .collect();
        // Stable: they stay in order within a connection.
        messages.sort_by_key(|&(connection, _)| connection);
        for connection in export.capture.connections() {
            let start = messages.partition_point(|&(of, _)| of < connection.number);
            let len = messages[start..].partition_point(|&(of, _)| of == connection.number);
            self.entry(export, connection, &messages[start..start + len])?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        self.out.write_all(b"]}}\n")?;
        self.out.flush()
    }

    fn entry<S: ReadAt + ?Sized>(
        &mut self,
        export: &Export<'_, S>,
        connection: &Connection,
        messages: &[(u32, u32)],
    ) -> io::Result<()> {
        if !self.is_first {
            self.out.write_all(b",")?;
        }
        self.is_first = false;
        let head = entry(connection).to_string();
        // The messages come as its last member, one by one.
        let open = head.strip_suffix('}').unwrap_or(&head);
        write!(self.out, r#"{open},"_webSocketMessages":["#)?;
        let mut is_first = true;
        for &(_, number) in messages {
            let (Some(first), Some(message)) =
                (export.capture.frame(number), export.content(number)?)
            else {
                continue;
            };
            let content = &message.content().data;
            let data = if first.opcode == 1 {
                String::from_utf8_lossy(content)
            } else {
                BASE64_STANDARD.encode(content).into()
            };
            let last = message
                .frames
                .last()
                .and_then(|&last| export.capture.frame(last));
            let time = last.map_or(first.time, |last| last.time);
            if !is_first {
                self.out.write_all(b",")?;
            }
            is_first = false;
            serde_json::to_writer(
                &mut self.out,
                &MessageLine {
                    kind: match first.direction {
                        Direction::ToServer => "send",
                        Direction::ToClient => "receive",
                    },
                    time: seconds(time),
                    opcode: first.opcode,
                    data: &data,
                },
            )?;
        }
        self.out.write_all(b"]}")
    }
}

/// An entry without its messages.
fn entry(connection: &Connection) -> Value {
    let handshake = connection.handshake.as_ref();
    let request = handshake.map(|handshake| Head::read(&handshake.request));
    let response = handshake.map(|handshake| Head::read(&handshake.response));
    let fields = |head: &Option<Head>| head.as_ref().map_or_else(|| json!([]), Head::fields);
    let part = |head: &Option<Head>, index: usize, otherwise: &str| {
        head.as_ref()
            .and_then(|head| head.line.splitn(3, ' ').nth(index))
            .unwrap_or(otherwise)
            .to_owned()
    };
    let status: u16 = part(&response, 1, "101").parse().unwrap_or(0);
    let (wait, receive) = times(connection, handshake);
    json!({
        "_resourceType": "websocket",
        "startedDateTime": rfc3339(started(connection)).unwrap_or_else(|| "1970-01-01T00:00:00.000Z".into()),
        "time": wait + receive,
        "request": {
            "method": part(&request, 0, "GET"),
            "url": url(connection, request.as_ref()),
            "httpVersion": part(&request, 2, "HTTP/1.1"),
            "headers": fields(&request),
            "queryString": query(connection.target().unwrap_or_default()),
            "cookies": [],
            "headersSize": handshake.map_or(-1, |handshake| handshake.request.len() as i64),
            "bodySize": 0,
        },
        "response": {
            "status": status,
            "statusText": part(&response, 2, "Switching Protocols"),
            "httpVersion": part(&response, 0, "HTTP/1.1"),
            "headers": fields(&response),
            "cookies": [],
            "content": { "size": 0, "mimeType": "x-unknown" },
            "redirectURL": "",
            "headersSize": handshake.map_or(-1, |handshake| handshake.response.len() as i64),
            "bodySize": -1,
        },
        "cache": {},
        "timings": { "blocked": -1, "dns": -1, "connect": -1, "ssl": -1, "send": 0, "wait": wait, "receive": receive },
        "serverIPAddress": connection.server.map_or_else(String::new, |server| server.ip().to_string()),
        "connection": connection.number.to_string(),
    })
}

/// The head of a request or a response.
struct Head {
    line: String,
    fields: Vec<(String, String)>,
}

impl Head {
    fn read(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut lines = text.split("\r\n");
        let line = lines.next().unwrap_or_default().to_owned();
        let fields = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect();
        Self { line, fields }
    }

    fn field(&self, wanted: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.as_str())
    }

    fn fields(&self) -> Value {
        let field = |(name, value): &(String, String)| json!({ "name": name, "value": value });
        self.fields.iter().map(field).collect()
    }
}

fn url(connection: &Connection, request: Option<&Head>) -> String {
    let scheme = match connection.security {
        Security::Plain => "ws",
        _ => "wss",
    };
    let host = match (
        request.and_then(|head| head.field("Host")),
        connection.server,
    ) {
        (Some(host), _) => host.to_owned(),
        (None, Some(server)) => server.to_string(),
        (None, None) => "unknown.invalid".into(),
    };
    let target = connection.target().unwrap_or("/");
    if target.contains("://") {
        return target.to_owned();
    }
    format!("{scheme}://{host}{target}")
}

/// The parameters of the target, as they were written.
fn query(target: &str) -> Value {
    let (_, query) = target.split_once('?').unwrap_or_default();
    query
        .split('&')
        .filter(|parameter| !parameter.is_empty())
        .map(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            json!({ "name": name, "value": value })
        })
        .collect()
}

/// Seconds since 1970. Nanoseconds as a whole have more digits than a float.
fn seconds(time: Timestamp) -> f64 {
    let nanos = time.nanos();
    (nanos / 1_000_000_000) as f64 + (nanos % 1_000_000_000) as f64 / 1e9
}

fn started(connection: &Connection) -> Timestamp {
    match &connection.handshake {
        Some(handshake) if handshake.requested.is_known() => handshake.requested,
        _ => connection.opened,
    }
}

/// Milliseconds until the response, and from there to the end.
fn times(connection: &Connection, handshake: Option<&Handshake>) -> (f64, f64) {
    let between = |from: Timestamp, to: Timestamp| {
        to.since(from)
            .map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
    };
    let started = started(connection);
    match handshake {
        Some(handshake) if handshake.answered.is_known() => (
            between(started, handshake.answered),
            between(handshake.answered, connection.last),
        ),
        _ => (0.0, between(started, connection.last)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_is_read_into_line_and_fields() {
        let head = Head::read(b"GET /a?b HTTP/1.1\r\nHost: example.com\r\nX:  y:z \r\n\r\n");
        assert_eq!(head.line, "GET /a?b HTTP/1.1");
        assert_eq!(head.field("host"), Some("example.com"));
        assert_eq!(
            head.fields(),
            json!([{ "name": "Host", "value": "example.com" }, { "name": "X", "value": "y:z" }])
        );
    }

    #[test]
    fn query_is_cut_at_its_separators() {
        assert_eq!(
            query("/chat?room=1&&x"),
            json!([{ "name": "room", "value": "1" }, { "name": "x", "value": "" }])
        );
        assert_eq!(query("/chat"), json!([]));
    }

    #[test]
    fn archive_without_entries_is_whole() {
        let mut out = Vec::new();
        let har = Har::new(&mut out).expect("a vector takes everything");
        har.finish().expect("a vector takes everything");
        let value: Value = serde_json::from_slice(&out).expect("it is JSON");
        assert_eq!(value["log"]["version"], "1.2");
        assert_eq!(value["log"]["entries"], json!([]));
    }
}
