//! Findings as SARIF 2.1.0 ([OASIS](https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html)).

use std::io::{self, Write};

use serde_json::{Value, json};

use super::{
    finding::{PlaceLine, file_bytes},
    source::{Export, help_url},
};
use crate::{Capture, Direction, Finding, Place, ReadAt, Rule, Severity};

/// A log that is being written: one run, with an artifact for each capture.
#[derive(Debug)]
pub(super) struct Sarif<W> {
    out: W,
    /// What comes behind the results, for each capture.
    artifacts: Vec<Value>,
    notifications: Vec<Value>,
    is_first: bool,
}

impl<W: Write> Sarif<W> {
    pub(super) fn new(mut out: W) -> io::Result<Self> {
        let driver = json!({
            "name": "sockeye",
            "fullName": "sockeye inspect",
            "version": env!("CARGO_PKG_VERSION"),
            "semanticVersion": env!("CARGO_PKG_VERSION"),
            "rules": Rule::all().map(rule).collect::<Vec<_>>(),
        });
        out.write_all(
            br#"{"$schema":"https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json","version":"2.1.0","runs":[{"tool":{"driver":"#,
        )?;
        serde_json::to_writer(&mut out, &driver)?;
        out.write_all(br#"},"columnKind":"unicodeCodePoints","results":["#)?;
        Ok(Self {
            out,
            artifacts: Vec::new(),
            notifications: Vec::new(),
            is_first: true,
        })
    }

    pub(super) fn add<S: ReadAt + ?Sized>(&mut self, export: &Export<'_, S>) -> io::Result<()> {
        let artifact = export.file.map(|file| {
            let location = json!({ "uri": uri(file) });
            self.artifacts
                .push(json!({ "location": location, "roles": ["analysisTarget"] }));
            json!({ "uri": uri(file), "index": self.artifacts.len() - 1 })
        });
        for problem in export.capture.problems() {
            let mut notification = json!({ "level": "warning", "message": { "text": problem } });
            if let Some(artifact) = &artifact {
                notification["locations"] =
                    json!([{ "physicalLocation": { "artifactLocation": artifact } }]);
            }
            self.notifications.push(notification);
        }
        for finding in export.capture.findings() {
            if !self.is_first {
                self.out.write_all(b",")?;
            }
            self.is_first = false;
            let mut result = result(export.capture, finding, artifact.as_ref());
            if export.allowed.contains(&finding.rule) {
                result["suppressions"] = json!([{ "kind": "external" }]);
            }
            serde_json::to_writer(&mut self.out, &result)?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        let invocation = json!([{
            "executionSuccessful": true,
            "toolExecutionNotifications": self.notifications,
        }]);
        self.out.write_all(b"],\"artifacts\":")?;
        serde_json::to_writer(&mut self.out, &self.artifacts)?;
        self.out.write_all(b",\"invocations\":")?;
        serde_json::to_writer(&mut self.out, &invocation)?;
        self.out.write_all(b"}]}\n")?;
        self.out.flush()
    }
}

fn rule(rule: Rule) -> Value {
    let section = format!("RFC {} §{}", rule.rfc(), rule.section());
    json!({
        "id": rule.id(),
        "name": format!("{rule:?}"),
        "shortDescription": { "text": rule.title() },
        "fullDescription": { "text": rule.explanation() },
        "help": {
            "text": format!("{} A strict peer {}. See {section}.", rule.explanation(), rule.strict_peer()),
            "markdown": format!(
                "{} A strict peer {}. See [{section}]({}).",
                rule.explanation(),
                rule.strict_peer(),
                help_url(rule)
            ),
        },
        "helpUri": help_url(rule),
        "defaultConfiguration": { "level": level(rule.severity()) },
        "properties": {
            "severity": rule.severity().name(),
            "tags": [format!("RFC {}", rule.rfc()), section],
        },
    })
}

fn result(capture: &Capture, finding: &Finding, artifact: Option<&Value>) -> Value {
    let rule = finding.rule;
    let mut text = format!("{}: {}", place_name(finding), rule.title());
    if !finding.detail.is_empty() {
        text.push_str(" (");
        text.push_str(&finding.detail);
        text.push(')');
    }
    let mut place = format!("connection {}", finding.connection);
    if let Some(direction) = finding.direction {
        place.push('/');
        place.push_str(direction.name());
    }
    if let Some(frame) = finding.place.frame() {
        place.push_str(&format!("/frame {frame}"));
    }
    let kind = PlaceLine::from(&finding.place).place;
    let mut location =
        json!({ "logicalLocations": [{ "fullyQualifiedName": place, "kind": kind }] });
    if let Some(artifact) = artifact {
        location["physicalLocation"] = json!({ "artifactLocation": artifact });
        if let Some(bytes) = file_bytes(capture, finding) {
            location["physicalLocation"]["region"] =
                json!({ "byteOffset": bytes.start, "byteLength": bytes.end - bytes.start });
        }
    }
    json!({
        "ruleId": rule.id(),
        "ruleIndex": rule as usize,
        "level": level(rule.severity()),
        "message": { "text": text },
        "locations": [location],
        "properties": PlaceLine::from(&finding.place),
    })
}

/// Who did it, or where.
fn place_name(finding: &Finding) -> String {
    let connection = finding.connection;
    let sender = match finding.direction {
        Some(Direction::ToServer) => " from the client",
        Some(Direction::ToClient) => " from the server",
        None => "",
    };
    match finding.place.frame() {
        Some(frame) => format!("frame {frame}{sender} on connection {connection}"),
        None => match finding.place {
            Place::Request(_) => format!("the request of connection {connection}"),
            Place::Response(_) => format!("the response of connection {connection}"),
            Place::Stream(_) => format!("bytes{sender} on connection {connection}"),
            _ => format!("connection {connection}"),
        },
    }
}

/// The level that tools know.
const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Violation => "error",
        Severity::Advice => "warning",
        Severity::Information => "note",
    }
}

/// A path as a reference to a URI (RFC 3986 §2.1): whatever is not unreserved is written with `%`.
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_without_results_is_whole() {
        let mut out = Vec::new();
        let mut sarif = Sarif::new(&mut out).expect("a vector takes everything");
        let capture = Capture::default();
        let export = Export::new(&capture, &[][..]).with_file("a b.pcap");
        sarif.add(&export).expect("a vector takes everything");
        sarif.finish().expect("a vector takes everything");
        let log: Value = serde_json::from_slice(&out).expect("it is JSON");
        let run = &log["runs"][0];
        assert_eq!(log["version"], "2.1.0");
        assert_eq!(run["results"], json!([]));
        assert_eq!(run["artifacts"][0]["location"]["uri"], "a%20b.pcap");
        let rules = run["tool"]["driver"]["rules"].as_array().expect("a list");
        assert_eq!(rules.len(), Rule::all().count());
        assert_eq!(
            rules[Rule::MaskMissing as usize]["helpUri"],
            "https://www.rfc-editor.org/rfc/rfc6455#section-5.1"
        );
    }

    #[test]
    fn paths_become_references() {
        assert_eq!(uri("dir/a-1.pcap"), "dir/a-1.pcap");
        assert_eq!(uri("ä?#%"), "%C3%A4%3F%23%25");
    }
}
