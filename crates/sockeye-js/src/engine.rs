//! One connection.

use core::ops::ControlFlow;

use sockeye::{
    Agreement, CloseCode, CloseFrame, DeflateParameters, Limits, Message, MessageKind, Part,
    Session, SessionEvent, State,
};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::describe;
use crate::entropy::fill;
use crate::io::{self, Io};
use crate::settings::{Finished, RawSettings, milliseconds};

/// Input waits for room: call `receive` with nothing before reading on.
const MORE: u32 = 1;
/// The byte stream is to be ended once everything is written.
const FINISHED: u32 = 2;
/// Messages may be sent.
const OPEN: u32 = 4;
/// The opening handshake is not done.
const OPENING: u32 = 8;

/// What waits is a violation, for the messages before it to be answered.
const VIOLATED: u32 = 16;

/// One connection from its opening handshake to its end.
///
/// Each call that returns a number of events leaves their records, and everything else that JavaScript wants to know, in the report.
#[wasm_bindgen]
#[derive(Debug)]
pub struct RawEngine {
    session: Session,
    out: Vec<u8>,
}

#[wasm_bindgen]
impl RawEngine {
    /// Begins: a client's request is there to be taken. With `is_established` the opening handshake is done already.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(settings: &RawSettings, now: f64, is_established: bool) -> Self {
        let now = milliseconds(now);
        let mut out = Vec::new();
        let agreement = is_established.then(|| agreement(settings));
        let session = match (settings.finished(), agreement) {
            (Finished::Accept(settings), None) => Session::accept(now, settings, fill),
            (Finished::Dial(settings), None) => Session::dial(now, settings, fill, &mut out),
            (Finished::Accept(settings), Some(agreement)) => {
                Session::accepted(now, settings, &agreement, fill)
            }
            (Finished::Dial(settings), Some(agreement)) => {
                Session::dialled(now, settings, &agreement, fill)
            }
        };
        let engine = Self { session, out };
        engine.report();
        engine
    }

    /// Takes what was put into the input, after what had to wait. Returns how many events there are.
    pub fn receive(&mut self, len: u32, now: f64) -> u32 {
        self.receive_for(len, now, None)
    }

    /// Like `receive`, but sends messages, Pings and Pongs on `to`, and reports the rest.
    pub fn forward(&mut self, len: u32, now: f64, to: &mut Self) -> u32 {
        self.receive_for(len, now, Some(to))
    }

    /// Says that the byte stream has ended; with the staged text, that it broke. Returns how many events there are.
    pub fn end(&mut self, is_broken: bool, len: u32) -> u32 {
        io::with(|io| {
            let error = is_broken.then(|| io.staged_text(len).to_owned());
            let closed = self.session.receive_end(error);
            self.tell(io, closed.map(SessionEvent::Closed))
        })
    }

    /// Lets the client in whose request was reported, with the header fields that were staged, and as subprotocol the staged text; none when
    /// that is empty. Returns the length of what is wrong.
    #[must_use]
    pub fn admit(&mut self, now: f64, len: u32) -> u32 {
        io::with(|io| {
            io.lend(&mut self.out);
            let headers = core::mem::take(&mut io.headers);
            let subprotocol = Some(io.staged_text(len)).filter(|text| !text.is_empty());
            let outcome =
                self.session
                    .admit(milliseconds(now), subprotocol, &headers, &mut self.out);
            self.answered(io, outcome.map(SessionEvent::Opened))
        })
    }

    /// Refuses the client, with the header fields that were staged, and the staged text as body. Returns the length of what is wrong.
    #[must_use]
    pub fn refuse(&mut self, status: u16, len: u32) -> u32 {
        io::with(|io| {
            io.lend(&mut self.out);
            let headers = core::mem::take(&mut io.headers);
            let body = io.staged_text(len);
            let outcome = self.session.refuse(status, &headers, body, &mut self.out);
            self.answered(io, outcome.map(SessionEvent::Closed))
        })
    }

    /// Sends the staged bytes as a message. Returns the number of an error.
    pub fn send(&mut self, is_text: bool, len: u32) -> i32 {
        self.write(|session, io, out| {
            let Some(message) = message(is_text, io.staged(len)) else {
                return INVALID_UTF8;
            };
            describe::send(session.send(message, out))
        })
    }

    /// Sends the header of a message of `len` bytes that follows as it is. Returns -1 when it has to be sent whole.
    pub fn send_header(&mut self, is_text: bool, len: f64) -> i32 {
        self.write(|session, _, out| {
            let header = session.send_header(kind(is_text), len as u64, out);
            match header {
                Ok(false) => -1,
                outcome => describe::send(outcome.map(drop)),
            }
        })
    }

    /// Sends the staged bytes as a frame of their own.
    pub fn send_part(&mut self, is_text: bool, len: u32, fin: bool) -> i32 {
        self.write(|session, io, out| {
            let part = Part::new(kind(is_text), io.staged(len), fin);
            describe::send(session.send_part(&part, out))
        })
    }

    /// Sends a prepared message.
    pub fn send_prepared(&mut self, message: &mut RawPrepared) -> i32 {
        self.write(|session, _, out| describe::send(session.send_prepared(&mut message.0, out)))
    }

    /// Sends a Ping with the staged bytes.
    pub fn ping(&mut self, len: u32) -> i32 {
        self.write(|session, io, out| describe::send(session.ping(io.staged(len), out)))
    }

    /// Sends a Pong with the staged bytes.
    pub fn pong(&mut self, len: u32) -> i32 {
        self.write(|session, io, out| describe::send(session.pong(io.staged(len), out)))
    }

    /// Begins to close, with this code, or none when it is zero, and the staged text. What it returns is the number of an error; events
    /// are to be fetched with [`Self::events`].
    pub fn close(&mut self, now: f64, code: u16, len: u32) -> i32 {
        io::with(|io| {
            io.lend(&mut self.out);
            let reason = io.staged_text(len);
            let frame = (code != 0).then(|| CloseFrame::new(CloseCode::new(code), reason));
            let closed = self.session.close(milliseconds(now), frame, &mut self.out);
            match closed {
                Ok(closed) => {
                    self.tell(io, closed.map(SessionEvent::Closed));
                    0
                }
                Err(error) => {
                    self.settle(io);
                    describe::send(Err(error))
                }
            }
        })
    }

    /// How many events the last call of `admit`, `refuse` or `close` left.
    #[must_use]
    pub fn events(&self) -> u32 {
        io::with(|io| io.count())
    }

    /// Takes all that is to be written, and returns how many bytes that is.
    pub fn take(&mut self) -> u32 {
        let len = io::with(|io| io.take(&mut self.out));
        io::report(|report| report.pending.set(0));
        len
    }

    /// Brings the report up to date for this engine.
    pub fn report(&self) {
        io::report(|report| {
            let timeout = self.session.poll_timeout();
            report
                .timeout
                .set(timeout.map_or(f64::INFINITY, |timeout| timeout.as_secs_f64() * 1000.0));
            report.pending.set(self.out.len() as u32);
            let mut flags = 0;
            if self.session.has_more() {
                flags |= MORE;
            }
            if self.session.has_violation() {
                flags |= VIOLATED;
            }
            if self.session.is_finished() {
                flags |= FINISHED;
            }
            match self.session.state() {
                None if !self.session.is_finished() => flags |= OPENING,
                Some(State::Open) => flags |= OPEN,
                _ => {}
            }
            report.flags.set(flags);
            let remaining = self.session.remaining();
            let remaining = u32::try_from(remaining).unwrap_or(u32::MAX);
            report.remaining.set(remaining);
        });
    }

    /// Bounds on size; `parts` is that of messages that are handed over in parts.
    pub fn set_limits(&mut self, message: f64, frame: f64, fragments: u32, parts: f64) {
        let mut limits = Limits::default();
        limits.message_size = message as usize;
        limits.frame_size = frame as u64;
        limits.fragments = fragments;
        limits.parts_size = parts as u64;
        self.session.set_limits(limits);
    }

    /// Whether messages are compressed from now on.
    pub fn set_compression(&mut self, compress: bool) {
        self.session.set_compression(compress);
    }

    /// The level of compression from the next message on.
    pub fn set_compression_level(&mut self, level: u8) {
        self.session.set_compression_level(level);
    }

    /// Says what the server answered, on a client that is open: status and fields. Returns its length; it can be asked for once.
    #[must_use]
    pub fn response(&mut self) -> u32 {
        let response = self.session.take_response();
        io::with(|io| io.say(response.as_ref().map(describe::response)))
    }
}

impl RawEngine {
    /// One function for both, so that there is one copy of what it inlines.
    fn receive_for(&mut self, len: u32, now: f64, mut to: Option<&mut Self>) -> u32 {
        io::with(|io| {
            io.lend(&mut self.out);
            if let Some(to) = &mut to {
                io.lend(&mut to.out);
            }
            let (input, mut events) = io.begin(len);
            let now = milliseconds(now);
            self.session
                .receive_batch(now, input, &mut self.out, |event| match &mut to {
                    None => events.push(event),
                    Some(to) => {
                        if let ControlFlow::Continue(event) = to.take_over(event) {
                            events.push(event);
                        }
                    }
                });
            if let Some(to) = to {
                to.settle(io);
            }
            self.settle(io);
            io.count()
        })
    }

    /// Sends on this side what came on another; returns what cannot be.
    fn take_over<'i>(&mut self, event: SessionEvent<'i>) -> ControlFlow<(), SessionEvent<'i>> {
        let sent = match &event {
            SessionEvent::Part(part) => self.session.send_part(part, &mut self.out),
            SessionEvent::Ping(payload) => self.session.ping(payload, &mut self.out),
            SessionEvent::Pong(payload) => self.session.pong(payload, &mut self.out),
            _ => return ControlFlow::Continue(event),
        };
        match sent {
            Ok(()) => ControlFlow::Break(()),
            Err(_) => ControlFlow::Continue(event),
        }
    }

    fn write(&mut self, work: impl FnOnce(&mut Session, &Io, &mut Vec<u8>) -> i32) -> i32 {
        io::with(|io| {
            io.lend(&mut self.out);
            let outcome = work(&mut self.session, io, &mut self.out);
            let pending = self.out.len() as u32;
            if pending == 0 {
                io.give_back(&mut self.out);
            }
            io::report(|report| report.pending.set(pending));
            outcome
        })
    }

    /// Reports an event that came of no input, if there is one.
    fn tell(&mut self, io: &mut Io, event: Option<SessionEvent<'_>>) -> u32 {
        let (_, mut events) = io.begin(0);
        if let Some(event) = event {
            events.push(event);
        }
        self.settle(io);
        io.count()
    }

    fn answered(
        &mut self,
        io: &mut Io,
        outcome: Result<SessionEvent<'_>, sockeye::AnswerError>,
    ) -> u32 {
        match outcome {
            Ok(event) => {
                self.tell(io, Some(event));
                0
            }
            Err(error) => {
                self.settle(io);
                io.say(Some(describe::answer(&error)))
            }
        }
    }

    /// Gives the buffer back if nothing is in it, and tells JavaScript how things stand.
    fn settle(&mut self, io: &mut Io) {
        if self.out.is_empty() {
            io.give_back(&mut self.out);
        }
        self.report();
    }
}

/// A message to be sent on many connections.
#[wasm_bindgen]
#[derive(Debug)]
pub struct RawPrepared(sockeye::PreparedMessage);

#[wasm_bindgen]
impl RawPrepared {
    /// Prepares the staged bytes. Text that is not UTF-8 has been found before.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(is_text: bool, len: u32) -> Self {
        io::with(|io| {
            let bytes = io.staged(len);
            let message = message(is_text, bytes).unwrap_or_else(|| Message::binary(bytes));
            Self(sockeye::PreparedMessage::new(message))
        })
    }
}

const INVALID_UTF8: i32 = 6;

const fn kind(is_text: bool) -> MessageKind {
    if is_text {
        MessageKind::Text
    } else {
        MessageKind::Binary
    }
}

fn message(is_text: bool, bytes: &[u8]) -> Option<Message<'_>> {
    if is_text {
        core::str::from_utf8(bytes).ok().map(Message::text)
    } else {
        Some(Message::binary(bytes))
    }
}

fn agreement(settings: &RawSettings) -> Agreement {
    let mut agreement = Agreement::default();
    agreement.deflate = settings.deflate().map(|deflate| {
        let mut parameters = DeflateParameters::default();
        parameters.server_no_context_takeover = deflate.server_no_context_takeover;
        parameters.client_no_context_takeover = deflate.client_no_context_takeover;
        parameters.server_max_window_bits = deflate.server_max_window_bits;
        parameters.client_max_window_bits = deflate.client_max_window_bits;
        parameters
    });
    agreement
}
