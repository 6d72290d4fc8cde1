//! Chrome's net-export: events, one in a line, with the bytes of every socket where they were included, and the headers of WebSocket frames
//! where not.
//!
//! Numbers of events and sources change with every version of the browser; the constants at the beginning say what they are. A browser that
//! is killed leaves the file unterminated, which is no fault.

mod event;
mod requests;
mod sockets;

use event::{Constants, Event, Kind};
use requests::Requests;
use sockets::Sockets;

use super::{
    Reader,
    json::{ITEM, Path, Scanner, Value, Visitor},
};
use crate::analysis::{Intake, Problem};

/// Reads a net-export.
#[derive(Debug)]
pub(crate) struct NetLogReader {
    scanner: Scanner,
    state: State,
    failed: bool,
}

#[derive(Debug, Default)]
struct State {
    constants: Constants,
    event: Event,
    /// Where the event begins.
    began: u64,
    in_event: bool,
    /// Events up to now.
    events: u32,
    sockets: Sockets,
    requests: Requests,
    /// What the browser said of connections.
    reports: u32,
    too_long: u32,
}

const NAMES: &[&str] = &[
    "constants",
    "logEventTypes",
    "logSourceType",
    "logEventPhase",
    "timeTickOffset",
    "logCaptureMode",
    "events",
    "params",
    "phase",
    "source",
    "time",
    "type",
    "id",
    "source_dependency",
    "bytes",
    "hex_encoded_bytes",
    "byte_count",
    "headers",
    "line",
    "url",
    "local_address",
    "remote_address",
    "source_address",
    "message",
    "final",
    "reserved1",
    "reserved2",
    "reserved3",
    "masked",
    "opcode",
    "payload_length",
    "address",
];
const CONSTANTS: u8 = 0;
const EVENT_TYPES: u8 = 1;
const SOURCE_TYPES: u8 = 2;
const PHASES: u8 = 3;
const TICK_OFFSET: u8 = 4;
const CAPTURE_MODE: u8 = 5;
const EVENTS: u8 = 6;
const PARAMS: u8 = 7;
const PHASE: u8 = 8;
const SOURCE: u8 = 9;
const TIME: u8 = 10;
const TYPE: u8 = 11;
const ID: u8 = 12;
const DEPENDENCY: u8 = 13;
const BYTES: u8 = 14;
const HEX_BYTES: u8 = 15;
const BYTE_COUNT: u8 = 16;
const HEADERS: u8 = 17;
const LINE: u8 = 18;
const URL: u8 = 19;
const LOCAL: u8 = 20;
const REMOTE: u8 = 21;
const SOURCE_ADDRESS: u8 = 22;
const MESSAGE: u8 = 23;
const FINAL: u8 = 24;
const MASKED: u8 = 28;
const OPCODE: u8 = 29;
const PAYLOAD: u8 = 30;
const ADDRESS: u8 = 31;

impl NetLogReader {
    pub(crate) fn new() -> Self {
        Self {
            scanner: Scanner::new(NAMES),
            state: State::default(),
            failed: false,
        }
    }
}

impl Reader for NetLogReader {
    fn push(&mut self, chunk: &mut [u8], intake: &mut dyn Intake) {
        if self.failed {
            return;
        }
        let state = &mut self.state;
        let mut visitor = NetLogVisitor { state, intake };
        if let Err(fault) = self.scanner.push(chunk, &mut visitor) {
            self.failed = true;
            intake.problem(Problem::Invalid {
                why: fault.why.to_owned(),
                offset: fault.offset,
            });
        }
    }

    fn finish(&mut self, intake: &mut dyn Intake) {
        let state = &mut self.state;
        state.requests.finish(&state.sockets, intake);
        if state.too_long > 0 {
            intake.problem(Problem::Skipped {
                what: format!("{} events with more than 256 MiB of bytes", state.too_long),
            });
        }
        if self.failed {
        } else if state.in_event && !self.scanner.is_done() {
            intake.problem(Problem::Truncated {
                what: format!("event {}", state.events.saturating_add(1)),
                offset: state.began,
            });
        } else if !state.constants.are_known() {
            intake.problem(Problem::Invalid {
                why:
                    "the JSON has no constants.logEventTypes before its events, as a net-export has"
                        .to_owned(),
                offset: 0,
            });
        }
    }
}

struct NetLogVisitor<'a> {
    state: &'a mut State,
    intake: &'a mut dyn Intake,
}

impl Visitor for NetLogVisitor<'_> {
    fn wants(&self, path: &Path) -> bool {
        matches!(
            path,
            [CONSTANTS, CAPTURE_MODE | TICK_OFFSET]
                | [EVENTS, ITEM, TIME | PHASE | TYPE]
                | [EVENTS, ITEM, PARAMS, HEADERS, ITEM]
                | [
                    EVENTS,
                    ITEM,
                    PARAMS,
                    BYTES
                        | HEX_BYTES
                        | LINE
                        | URL
                        | LOCAL
                        | REMOTE
                        | SOURCE_ADDRESS
                        | MESSAGE
                        | ADDRESS
                        | PAYLOAD
                ]
        )
    }

    fn value(&mut self, path: &Path, key: &[u8], value: Value<'_>, _: u64) {
        let State {
            constants, event, ..
        } = &mut *self.state;
        match (path, value) {
            ([CONSTANTS, path @ ..], value) => match path {
                [EVENT_TYPES, _] => constants.event_type(key, value.unsigned()),
                [SOURCE_TYPES, _] => constants.source_type(key, value.unsigned()),
                [PHASES, _] => constants.phase(key, value.unsigned()),
                [TICK_OFFSET] => constants.tick_offset = value.number().unwrap_or_default(),
                [CAPTURE_MODE] => {
                    constants.everything = matches!(
                        value,
                        Value::String {
                            text: b"Everything",
                            ..
                        }
                    );
                }
                _ => {}
            },
            ([EVENTS, ITEM, path @ ..], value) => match (path, value) {
                ([TIME], value) => event.time = value.number().unwrap_or_default(),
                ([TYPE], value) => event.kind = value.unsigned(),
                ([PHASE], value) => event.phase = value.unsigned(),
                ([SOURCE, ID], value) => event.source = value.unsigned().unwrap_or_default(),
                ([SOURCE, TYPE], value) => event.source_type = value.unsigned(),
                ([PARAMS, DEPENDENCY, ID], value) => event.dependency = value.unsigned(),
                ([PARAMS, path @ ..], value) => match (path, value) {
                    (_, Value::TooLong) => event.too_long = true,
                    ([BYTES], Value::String { text, .. }) => event.base64(text),
                    ([HEX_BYTES], Value::String { text, .. }) => event.hex(text),
                    ([BYTE_COUNT], value) => event.byte_count = value.unsigned(),
                    ([HEADERS, ITEM], Value::String { text, .. }) => event.header(text),
                    ([LINE], Value::String { text, .. }) => event.line = text.to_vec(),
                    ([URL], value) => event.url = value.text(),
                    ([LOCAL | SOURCE_ADDRESS], value) => event.addresses[0] = value.text(),
                    ([REMOTE | ADDRESS], value) => event.addresses[1] = value.text(),
                    ([MESSAGE], value) => event.message = value.text(),
                    ([flag @ FINAL..=MASKED], Value::Boolean(set)) => {
                        event.flags[usize::from(flag - FINAL)] = set;
                    }
                    ([OPCODE], value) => event.opcode = value.unsigned(),
                    ([PAYLOAD], value) => event.payload_len = value.unsigned(),
                    _ => {}
                },
                _ => {}
            },
            _ => {}
        }
    }

    fn begin(&mut self, path: &Path, offset: u64) {
        if let [EVENTS, ITEM] = path {
            self.state.event.clear();
            self.state.began = offset;
            self.state.in_event = true;
        }
    }

    fn end(&mut self, path: &Path) {
        if let [EVENTS, ITEM] = path {
            self.state.in_event = false;
            self.state.end_event(self.intake);
        }
    }
}

impl State {
    /// How often what the browser says is handed on.
    const REPORTS: u32 = 100;

    fn end_event(&mut self, intake: &mut dyn Intake) {
        self.events = self.events.saturating_add(1);
        let Some(kind) = self.constants.kind(&self.event) else {
            return;
        };
        self.too_long += u32::from(self.event.too_long);
        self.event.number = self.events;
        self.event.at = self.constants.time(&self.event);
        self.event.ends = self.constants.ends(&self.event);
        match kind {
            Kind::UpgradeFailure | Kind::InvalidFrame | Kind::CloseTimeout => {
                self.report(kind, intake)
            }
            Kind::RequestAlive
            | Kind::StartJob
            | Kind::BoundToJob
            | Kind::BoundToSocket
            | Kind::SendHeaders
            | Kind::ReadHeaders
            | Kind::Http2
            | Kind::SentHeader
            | Kind::ReceivedHeader => {
                let everything = self.constants.everything || self.sockets.have_bytes();
                self.requests
                    .event(kind, &self.event, &self.sockets, everything, intake);
            }
            _ => self.sockets.event(kind, &mut self.event, intake),
        }
    }

    fn report(&mut self, kind: Kind, intake: &mut dyn Intake) {
        self.reports += 1;
        let what = match (kind, self.event.message.take()) {
            (_, Some(message)) => message,
            (Kind::CloseTimeout, None) => {
                "the server did not answer Close or end the connection in time".to_owned()
            }
            (Kind::UpgradeFailure, None) => "an opening handshake failed".to_owned(),
            _ => "a connection was failed for an invalid frame".to_owned(),
        };
        if self.reports <= Self::REPORTS {
            intake.problem(Problem::Reported {
                by: "the browser",
                what: format!("{what} (event {})", self.event.number),
            });
        }
    }
}

#[cfg(test)]
mod tests;
