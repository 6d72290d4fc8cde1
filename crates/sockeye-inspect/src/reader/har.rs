//! HTTP Archive: WebSockets as entries with `_webSocketMessages`, as Chrome and those who followed it write them.
//!
//! The messages are joined, inflated and unmasked, and there are no control frames. Chrome writes them before the request of their entry, so
//! an entry's messages are held until it ends, and told after its handshake.

mod entry;

use entry::{Entry, Message};

use super::{
    Reader,
    json::{ITEM, Path, Scanner, Value, Visitor},
};
use crate::analysis::{Intake, Problem};

/// Reads an HTTP Archive.
#[derive(Debug)]
pub(crate) struct HarReader {
    scanner: Scanner,
    state: State,
    failed: bool,
    /// How much was read.
    read: u64,
}

/// What was read of it.
#[derive(Debug, Default)]
struct State {
    entry: Entry,
    message: Message,
    /// Name and value of the header that is read.
    header: (Vec<u8>, Vec<u8>),
    /// Whether `log.entries` was there.
    has_entries: bool,
    /// Messages up to now.
    messages: u32,
    /// Messages that lack something.
    incomplete: u32,
    /// Messages whose data is not base64 although it has to be.
    not_base64: u32,
    /// Messages that are too long to be held.
    too_long: u32,
}

const NAMES: &[&str] = &[
    "log",
    "entries",
    "_webSocketMessages",
    "type",
    "time",
    "opcode",
    "data",
    "request",
    "response",
    "headers",
    "name",
    "value",
    "method",
    "url",
    "httpVersion",
    "status",
    "statusText",
    "startedDateTime",
    "serverIPAddress",
    "_resourceType",
    "timings",
    "blocked",
    "dns",
    "connect",
    "send",
    "wait",
];
const LOG: u8 = 0;
const ENTRIES: u8 = 1;
const MESSAGES: u8 = 2;
const TYPE: u8 = 3;
const TIME: u8 = 4;
const OPCODE: u8 = 5;
const DATA: u8 = 6;
const REQUEST: u8 = 7;
const RESPONSE: u8 = 8;
const HEADERS: u8 = 9;
const NAME: u8 = 10;
const VALUE: u8 = 11;
const METHOD: u8 = 12;
const URL: u8 = 13;
const VERSION: u8 = 14;
const STATUS: u8 = 15;
const STATUS_TEXT: u8 = 16;
const STARTED: u8 = 17;
const ADDRESS: u8 = 18;
const RESOURCE: u8 = 19;
const TIMINGS: u8 = 20;
const BLOCKED: u8 = 21;
const WAIT: u8 = 25;

impl HarReader {
    pub(crate) fn new() -> Self {
        Self {
            scanner: Scanner::new(NAMES),
            state: State::default(),
            failed: false,
            read: 0,
        }
    }
}

impl Reader for HarReader {
    fn push(&mut self, chunk: &mut [u8], intake: &mut dyn Intake) {
        self.read += chunk.len() as u64;
        if self.failed {
            return;
        }
        let state = &mut self.state;
        let mut visitor = HarVisitor { state, intake };
        if let Err(fault) = self.scanner.push(chunk, &mut visitor) {
            self.failed = true;
            self.state.entry.tell(intake);
            intake.problem(Problem::Invalid {
                why: fault.why.to_owned(),
                offset: fault.offset,
            });
        }
    }

    fn finish(&mut self, intake: &mut dyn Intake) {
        let state = &mut self.state;
        let began = state.entry.offset;
        state.entry.tell(intake);
        for (count, what) in [
            (
                state.incomplete,
                "messages without type, time, opcode or data",
            ),
            (state.not_base64, "messages whose data is not base64"),
            (state.too_long, "messages of more than 256 MiB"),
        ] {
            if count > 0 {
                let what = format!("{count} {what}");
                intake.problem(Problem::Skipped { what });
            }
        }
        if !self.failed && !self.scanner.is_done() {
            intake.problem(Problem::Truncated {
                what: if self.scanner.depth() > 3 {
                    "entry".to_owned()
                } else {
                    "JSON".to_owned()
                },
                offset: if self.scanner.depth() > 3 {
                    began
                } else {
                    self.read
                },
            });
        } else if !self.failed && !state.has_entries {
            intake.problem(Problem::Invalid {
                why: "the JSON has no log.entries, as a HAR has".to_owned(),
                offset: 0,
            });
        }
    }
}

struct HarVisitor<'a> {
    state: &'a mut State,
    intake: &'a mut dyn Intake,
}

impl Visitor for HarVisitor<'_> {
    fn wants(&self, path: &Path) -> bool {
        let [LOG, ENTRIES, ITEM, path @ ..] = path else {
            return false;
        };
        matches!(
            path,
            [MESSAGES, ITEM, TYPE | TIME | OPCODE | DATA]
                | [REQUEST | RESPONSE, HEADERS, ITEM, NAME | VALUE]
                | [REQUEST, METHOD | URL | VERSION]
                | [RESPONSE, STATUS_TEXT | VERSION]
                | [STARTED | ADDRESS | RESOURCE]
        )
    }

    fn value(&mut self, path: &Path, _: &[u8], value: Value<'_>, offset: u64) {
        let State {
            entry,
            message,
            header,
            ..
        } = &mut *self.state;
        let [LOG, ENTRIES, ITEM, path @ ..] = path else {
            return;
        };
        match (path, value) {
            ([MESSAGES, ITEM, TYPE], value) => message.kind = value.text(),
            ([MESSAGES, ITEM, TIME], value) => message.time = value.number(),
            ([MESSAGES, ITEM, OPCODE], value) => message.opcode = value.number(),
            ([MESSAGES, ITEM, DATA], Value::String { text, verbatim }) => {
                message.data = Some(text.to_vec());
                message.offset = verbatim.then_some(offset + 1);
            }
            ([MESSAGES, ITEM, DATA], Value::TooLong) => message.too_long = true,
            ([_, HEADERS, ITEM, NAME], Value::String { text, .. }) => header.0 = text.to_vec(),
            ([_, HEADERS, ITEM, VALUE], Value::String { text, .. }) => header.1 = text.to_vec(),
            ([REQUEST, METHOD], value) => entry.method = value.text(),
            ([REQUEST, URL], value) => entry.url = value.text(),
            ([REQUEST, VERSION], value) => entry.versions[0] = value.text(),
            ([RESPONSE, VERSION], value) => entry.versions[1] = value.text(),
            ([RESPONSE, STATUS], value) => entry.status = value.unsigned(),
            ([RESPONSE, STATUS_TEXT], value) => entry.status_text = value.text(),
            ([STARTED], value) => entry.started = value.text(),
            ([ADDRESS], value) => entry.address = value.text(),
            ([RESOURCE], Value::String { text, .. }) => entry.is_websocket |= text == b"websocket",
            ([TIMINGS, BLOCKED..=WAIT], value) => {
                // -1 stands for what does not apply.
                entry.waited += value.number().unwrap_or_default().max(0.0);
            }
            _ => {}
        }
    }

    fn begin(&mut self, path: &Path, offset: u64) {
        match path {
            [LOG, ENTRIES] => self.state.has_entries = true,
            [LOG, ENTRIES, ITEM] => {
                self.state.entry = Entry::default();
                self.state.entry.offset = offset;
            }
            [LOG, ENTRIES, ITEM, MESSAGES] => self.state.entry.is_websocket = true,
            [LOG, ENTRIES, ITEM, MESSAGES, ITEM] => self.state.message = Message::default(),
            [LOG, ENTRIES, ITEM, _, HEADERS, ITEM] => {
                self.state.header = (Vec::new(), Vec::new());
            }
            _ => {}
        }
    }

    fn end(&mut self, path: &Path) {
        let state = &mut *self.state;
        match path {
            [LOG, ENTRIES, ITEM] => state.entry.tell(self.intake),
            [LOG, ENTRIES, ITEM, MESSAGES, ITEM] => {
                state.messages = state.messages.saturating_add(1);
                let message = core::mem::take(&mut state.message);
                if message.too_long {
                    state.too_long += 1;
                    return;
                }
                match message.ready(state.messages) {
                    Some((ready, is_base64)) => {
                        state.not_base64 += u32::from(!is_base64);
                        if is_base64 {
                            state.entry.push(ready, self.intake);
                        }
                    }
                    None => state.incomplete += 1,
                }
            }
            [
                LOG,
                ENTRIES,
                ITEM,
                side @ (REQUEST | RESPONSE),
                HEADERS,
                ITEM,
            ] => {
                let (name, value) = core::mem::take(&mut state.header);
                state.entry.fields[usize::from(*side == RESPONSE)].push(name, value);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
