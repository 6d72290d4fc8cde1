//! `--record`: what happened, as lines of JSON.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    time::SystemTime,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use sockeye_host::{Closed, Initiator};

/// A file that is appended to, one line at a time.
#[derive(Debug)]
pub(super) struct Record(File);

/// Which way something went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Sent,
    Received,
}

impl Record {
    /// Opens the file, or makes it so that only this user may read it: messages may be secret.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)
            .map(Self)
    }

    pub(super) fn connecting(&mut self, url: &str) -> io::Result<()> {
        self.write("connecting", json!({ "url": url }))
    }

    pub(super) fn opened(
        &mut self,
        subprotocol: Option<&str>,
        extensions: Option<&str>,
    ) -> io::Result<()> {
        let fields = json!({ "subprotocol": subprotocol, "extensions": extensions });
        self.write("opened", fields)
    }

    /// A message, Ping or Pong.
    pub(super) fn payload(
        &mut self,
        direction: Direction,
        kind: &str,
        payload: &[u8],
    ) -> io::Result<()> {
        let text = str::from_utf8(payload).ok().filter(|_| kind != "binary");
        let fields = match text {
            Some(text) => json!({ "direction": direction.name(), "text": text }),
            None => {
                json!({ "direction": direction.name(), "base64": BASE64_STANDARD.encode(payload) })
            }
        };
        self.write(kind, fields)
    }

    pub(super) fn close(&mut self, frame: Option<&(u16, String)>) -> io::Result<()> {
        let (code, reason) = frame.map(|(code, reason)| (code, reason.as_str())).unzip();
        let fields = json!({ "direction": Direction::Sent.name(), "code": code, "reason": reason });
        self.write("close", fields)
    }

    pub(super) fn closed(&mut self, closed: &Closed) -> io::Result<()> {
        let initiator = match closed.initiator {
            Initiator::Local => "local",
            Initiator::Peer => "peer",
            Initiator::Transport => "transport",
        };
        let fields = json!({
            "code": closed.code,
            "reason": closed.reason,
            "initiator": initiator,
            "clean": closed.clean,
            "error": closed.error,
        });
        self.write("closed", fields)
    }

    pub(super) fn failed(&mut self, error: &str) -> io::Result<()> {
        self.write("failed", json!({ "error": error }))
    }

    fn write(&mut self, kind: &str, fields: Value) -> io::Result<()> {
        let time = humantime::format_rfc3339_micros(SystemTime::now());
        let mut line = format!("{{\"time\":\"{time}\",\"kind\":\"{kind}\"");
        if let Value::Object(fields) = fields {
            for (name, value) in fields {
                line.push_str(&format!(",\"{name}\":{value}"));
            }
        }
        line.push_str("}\n");
        // One write: a reader never sees half a line, and none is lost when we are killed.
        self.0.write_all(line.as_bytes())
    }
}

impl Direction {
    const fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Received => "received",
        }
    }
}
