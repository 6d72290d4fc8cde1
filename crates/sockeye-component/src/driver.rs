//! The core's session in the types of the WIT package.

use core::time::Duration;

use sockeye::{
    AcceptSettings, CloseFrame, Closed, DialSettings, ExtraHeaders, Message, Part, PreparedMessage,
    Session, SessionEvent,
};

use crate::{
    bindings::sockeye::websocket::types::{Attention, Event, SendError, Step},
    convert,
    entropy::fill,
    options::Shared,
};

/// One connection from its opening handshake to its end. Every function appends to the caller's output and events.
pub(crate) struct Driver(Session);

/// What a call works on.
pub(crate) struct Batch<'a> {
    pub(crate) out: &'a mut Vec<u8>,
    pub(crate) events: Vec<Event>,
}

impl<'a> Batch<'a> {
    pub(crate) const fn new(out: &'a mut Vec<u8>) -> Self {
        Self {
            out,
            events: Vec::new(),
        }
    }

    fn end(&mut self, closed: Option<Closed>) {
        self.events
            .extend(closed.map(|closed| Event::Closed(convert::closed(closed))));
    }
}

impl Driver {
    pub(crate) fn accept(now: Duration, settings: Shared<AcceptSettings>) -> Self {
        Self(Session::accept(now, settings.session, fill))
    }

    pub(crate) fn dial(now: Duration, settings: Shared<DialSettings>, out: &mut Vec<u8>) -> Self {
        Self(Session::dial(now, settings.session, fill, out))
    }

    pub(crate) fn receive(&mut self, now: Duration, mut bytes: Vec<u8>, batch: &mut Batch<'_>) {
        let Batch { out, events } = batch;
        self.0.receive_batch(now, &mut bytes, out, |event| {
            if let Some(event) = convert::event(event) {
                events.push(event);
            }
        });
    }

    /// Acts on the time, and on input that had to wait.
    pub(crate) fn tick(&mut self, now: Duration, batch: &mut Batch<'_>) {
        self.receive(now, Vec::new(), batch);
    }

    pub(crate) fn receive_end(&mut self, error: Option<String>, batch: &mut Batch<'_>) {
        batch.end(self.0.receive_end(error));
    }

    pub(crate) fn admit(
        &mut self,
        now: Duration,
        subprotocol: Option<&str>,
        fields: &ExtraHeaders,
        batch: &mut Batch<'_>,
    ) -> Result<(), String> {
        let agreement = self
            .0
            .admit(now, subprotocol, fields, batch.out)
            .map_err(|error| error.to_string())?;
        let opened = convert::event(SessionEvent::Opened(agreement));
        batch.events.extend(opened);
        self.tick(now, batch);
        Ok(())
    }

    pub(crate) fn reject(
        &mut self,
        status: u16,
        fields: &ExtraHeaders,
        body: &str,
        batch: &mut Batch<'_>,
    ) -> Result<(), String> {
        let closed = self
            .0
            .refuse(status, fields, body, batch.out)
            .map_err(|error| error.to_string())?;
        batch.end(Some(closed));
        Ok(())
    }

    pub(crate) fn send(
        &mut self,
        message: Message<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.0.send(message, out).map_err(convert::send_error)
    }

    pub(crate) fn send_part(
        &mut self,
        part: &Part<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.0.send_part(part, out).map_err(convert::send_error)
    }

    pub(crate) fn send_prepared(
        &mut self,
        message: &mut PreparedMessage,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.0
            .send_prepared(message, out)
            .map_err(convert::send_error)
    }

    pub(crate) fn ping(&mut self, payload: &[u8], out: &mut Vec<u8>) -> Result<(), SendError> {
        self.0.ping(payload, out).map_err(convert::send_error)
    }

    pub(crate) fn pong(&mut self, payload: &[u8], out: &mut Vec<u8>) -> Result<(), SendError> {
        self.0.pong(payload, out).map_err(convert::send_error)
    }

    pub(crate) fn close(
        &mut self,
        now: Duration,
        frame: Option<CloseFrame<'_>>,
        batch: &mut Batch<'_>,
    ) -> Result<(), SendError> {
        let closed = self.0.close(now, frame, batch.out);
        batch.end(closed.map_err(convert::send_error)?);
        Ok(())
    }

    /// Whether the byte stream is to be ended once the output has been sent.
    pub(crate) const fn is_finished(&self) -> bool {
        self.0.is_finished()
    }

    /// What a call returns to the host.
    pub(crate) fn step(&self, events: Vec<Event>, blocked: bool) -> Step {
        let mut attention = Attention::empty();
        attention.set(Attention::BLOCKED, blocked);
        attention.set(Attention::MORE, !blocked && self.0.has_more());
        attention.set(Attention::ENDED, self.0.is_finished());
        Step {
            events,
            deadline: self.0.poll_timeout().map(convert::instant),
            attention,
        }
    }
}
