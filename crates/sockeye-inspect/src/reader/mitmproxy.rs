//! mitmproxy's flows: tnetstrings one after the other, each a flow.
//!
//! Of a WebSocket they have the messages, joined and inflated, and one Close. The bytes of a message lie in the file as they are.

mod flow;
mod tnetstring;

use tnetstring::View;

use super::Reader;
use crate::analysis::{Intake, Problem};

/// Reads flows. One is held until it is complete.
#[derive(Debug, Default)]
pub(crate) struct MitmproxyReader {
    /// The bytes of the flow that is read.
    held: Vec<u8>,
    /// Offset of the flow that is read.
    offset: u64,
    /// How long it is with its length and type, once that is known.
    len: Option<u64>,
    /// How much of a flow is still to be passed over.
    passed_over: u64,
    failed: bool,
    counts: Counts,
}

/// What is said at the end.
#[derive(Debug, Default)]
struct Counts {
    /// Messages up to now.
    messages: u32,
    too_long: u32,
    /// Flows of a format that is too old.
    old: u32,
    other: u32,
    broken: u32,
}

impl MitmproxyReader {
    /// Longest flow that is held.
    const LONGEST: u64 = 256 << 20;

    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Takes what the flow still needs, and returns the rest.
    fn fill<'a>(&mut self, chunk: &'a [u8], len: u64) -> &'a [u8] {
        let missing = len.saturating_sub(self.held.len() as u64);
        let take = usize::try_from(missing)
            .unwrap_or(usize::MAX)
            .min(chunk.len());
        let (now, rest) = chunk.split_at(take);
        self.held.extend_from_slice(now);
        rest
    }

    fn fail(&mut self, why: &str, intake: &mut dyn Intake) {
        self.failed = true;
        self.held = Vec::new();
        intake.problem(Problem::Invalid {
            why: why.to_owned(),
            offset: self.offset,
        });
    }
}

impl Reader for MitmproxyReader {
    fn push(&mut self, chunk: &mut [u8], intake: &mut dyn Intake) {
        let mut rest: &[u8] = chunk;
        while !rest.is_empty() && !self.failed {
            if self.passed_over > 0 {
                let take = self.passed_over.min(rest.len() as u64);
                self.passed_over -= take;
                rest = &rest[take as usize..];
                continue;
            }
            let Some(len) = self.len else {
                // The length is at most twelve digits and a colon.
                rest = self.fill(rest, (self.held.len() as u64 + 1).min(14));
                if self.held.ends_with(b":")
                    && let Some(digits) = tnetstring::digits(&self.held)
                    && let Ok(text) = str::from_utf8(&self.held[..digits])
                    && let Ok(payload) = text.parse::<u64>()
                {
                    let len = payload + digits as u64 + 2;
                    if len > Self::LONGEST {
                        self.counts.too_long += 1;
                        self.passed_over = len - self.held.len() as u64;
                        self.offset += len;
                        self.held.clear();
                    } else {
                        self.len = Some(len);
                    }
                } else if self.held.len() > 13
                    || self.held.last().is_some_and(|byte| !byte.is_ascii_digit())
                {
                    self.fail("the length of a flow is missing", intake);
                }
                continue;
            };
            rest = self.fill(rest, len);
            if self.held.len() as u64 == len {
                match tnetstring::value(&self.held, 0) {
                    Some((value, _)) if value.kind == b'}' => {
                        let bytes = &self.held[..];
                        flow::tell(
                            &View { bytes, value },
                            self.offset,
                            &mut self.counts,
                            intake,
                        );
                    }
                    _ => return self.fail("a flow that is no dictionary", intake),
                }
                self.offset += len;
                self.len = None;
                self.held.clear();
                self.held.shrink_to(1 << 20);
            }
        }
    }

    fn finish(&mut self, intake: &mut dyn Intake) {
        if !self.held.is_empty() || self.passed_over > 0 {
            intake.problem(Problem::Truncated {
                what: "flow".to_owned(),
                offset: self.offset,
            });
        }
        let counts = &self.counts;
        for (count, what) in [
            (
                counts.old,
                "WebSockets as mitmproxy wrote them before version 7 (open them with a newer one, and save them again)",
            ),
            (counts.too_long, "flows of more than 256 MiB"),
            (counts.other, "flows that are not HTTP"),
            (counts.broken, "messages that lack something"),
        ] {
            if count > 0 {
                let what = format!("{count} {what}");
                intake.problem(Problem::Skipped { what });
            }
        }
    }
}

/// Whether a capture that begins so is mitmproxy's: the length of a dictionary, and then that of its first key.
pub(super) fn is_flow(bytes: &[u8]) -> bool {
    tnetstring::digits(bytes).is_some_and(|digits| {
        bytes[0] != b'0' && bytes.get(digits + 1).is_some_and(u8::is_ascii_digit)
    })
}

#[cfg(test)]
mod tests;
