//! The receiving half: bytes in, events out.

use alloc::{boxed::Box, string::String, sync::Arc, vec::Vec};
use core::{mem, time::Duration};

use super::{Closed, Phase, Session, SessionError, SessionEvent, Settings, after};
use crate::{CloseCode, CloseFrame, Event, HandshakeError, Initiator, ProtocolError};

impl Session {
    /// Takes bytes off the front of `input` until one event is complete, and returns it. Call it until it returns `None`, then write
    /// `out`.
    ///
    /// Input that is left after `None` has to wait, and is to be given again with what comes after it: behind a request that waits for
    /// [`Self::admit`], or in an echo when `out` has grown to 1 MiB.
    ///
    /// `input` is unmasked where it lies, and a message that lies in it whole and uncompressed is borrowed from there.
    pub fn receive<'i>(
        &mut self,
        input: &mut &'i mut [u8],
        out: &mut Vec<u8>,
    ) -> Option<SessionEvent<'i>> {
        let mut found = None;
        self.receive_each(input, out, |event| {
            found = Some(event);
            false
        });
        found
    }

    /// Tells the time, takes `bytes`, and gives `report` what happened in order, until the batch is full: until events or `out` hold 1
    /// MiB. What has to wait is kept; while [`Self::has_more`], write `out`, then call this again with no bytes before reading.
    ///
    /// Not to be mixed with [`Self::receive`], whose caller keeps the input.
    #[inline]
    pub fn receive_batch(
        &mut self,
        now: Duration,
        bytes: &mut [u8],
        out: &mut Vec<u8>,
        mut report: impl FnMut(SessionEvent<'_>),
    ) {
        if let Some(closed) = self.handle_timeout(now, out) {
            return report(SessionEvent::Closed(closed));
        }
        let mut held = mem::take(&mut self.held);
        let fresh = held.is_empty();
        let mut input = if fresh {
            bytes
        } else {
            held.extend_from_slice(bytes);
            &mut held[..]
        };
        let mut size = 0;
        self.receive_each(&mut input, out, |event| {
            size += event.size();
            report(event);
            // A compressed read may stand for a thousand times as much.
            size < BATCH
        });
        let left = input.len();
        if fresh {
            self.held.extend_from_slice(input);
        } else if left > 0 {
            held.drain(..held.len() - left);
            self.held = held;
        }
    }

    /// Whether input waits for room in a batch, or a violation for messages before it to be answered.
    #[must_use]
    pub const fn has_more(&self) -> bool {
        (!self.held.is_empty() || self.violation.is_some()) && matches!(self.phase, Phase::Open(_))
    }

    /// Whether what waits is a violation: see [`AcceptSettings::answer_first`](crate::AcceptSettings::answer_first).
    #[must_use]
    pub const fn has_violation(&self) -> bool {
        self.violation.is_some() && matches!(self.phase, Phase::Open(_))
    }

    /// Says that the byte stream has ended: the peer closed its side, or with `error`, the stream broke.
    ///
    /// Returns how the connection ended, unless that has been reported.
    pub fn receive_end(&mut self, error: Option<String>) -> Option<Closed> {
        let (initiator, ended) = match &mut self.phase {
            Phase::Open(connection) => {
                if let Some(error) = self.violation.take() {
                    return Some(self.fail(error));
                }
                let _ = connection.receive_end();
                (connection.initiator(), ProtocolError::UnexpectedEnd.into())
            }
            // A refusal whose body was still coming is the better reason.
            Phase::Dialling(handshake) => {
                let ended = handshake.receive_end().err();
                let ended = ended.unwrap_or(HandshakeError::UnexpectedEnd);
                (None, ended.into())
            }
            Phase::Accepting(_) | Phase::Asking(_) => (None, HandshakeError::UnexpectedEnd.into()),
            Phase::Draining | Phase::Ended => {
                self.end();
                return None;
            }
        };
        let error = error.map_or(ended, SessionError::Transport);
        self.end();
        Some(Closed::failed(
            initiator.unwrap_or(Initiator::Transport),
            error,
        ))
    }

    /// Gives `report` each event until it returns false, or `out` is full.
    #[inline]
    fn receive_each<'i>(
        &mut self,
        input: &mut &'i mut [u8],
        out: &mut Vec<u8>,
        mut report: impl FnMut(SessionEvent<'i>) -> bool,
    ) {
        while !matches!(self.phase, Phase::Open(_)) {
            let Some(event) = self.receive_handshake(input, out) else {
                return;
            };
            if !report(event) {
                return;
            }
        }
        let Phase::Open(connection) = &mut self.phase else {
            return;
        };
        let echo = self.echo;
        let mut has_reported = false;
        let closed = loop {
            let received = match self.violation.take() {
                Some(error) => Err(error),
                None => connection.receive_unjudged(input, out),
            };
            let go_on = match received {
                Ok(Some(Event::Message(message))) if echo => {
                    // Refused only when this side is closing, and then there is nobody to tell.
                    let _ = connection.send(message, out);
                    true
                }
                Ok(Some(Event::Message(message))) => report(SessionEvent::Message(message)),
                Ok(Some(Event::Part(part))) => report(SessionEvent::Part(part)),
                Ok(Some(Event::Ping(payload))) => report(SessionEvent::Ping(payload)),
                Ok(Some(Event::Pong(payload))) => report(SessionEvent::Pong(payload)),
                Ok(Some(Event::Close(frame))) => break self.close_handshake_done(frame),
                Ok(None) => return,
                Err(error) if has_reported && self.answer_first => {
                    self.violation = Some(error);
                    return;
                }
                Err(error) => {
                    let error = connection.fail(error, out);
                    break self.fail(error);
                }
            };
            has_reported = true;
            if !go_on || out.len() >= BATCH {
                return;
            }
        };
        // Nothing follows a Close frame.
        *input = &mut [];
        report(SessionEvent::Closed(closed));
    }

    /// Takes input while the connection is not open.
    #[cold]
    fn receive_handshake(
        &mut self,
        input: &mut &mut [u8],
        out: &mut Vec<u8>,
    ) -> Option<SessionEvent<'static>> {
        if input.is_empty() {
            return None;
        }
        let mut rest = &**input;
        let outcome = match (&mut self.phase, &self.settings) {
            (Phase::Accepting(handshake), Settings::Accept(settings)) => {
                match handshake.receive(&mut rest, &settings.handshake) {
                    Ok(Some(request)) if settings.ask => {
                        if let Err(error) = request.check_origin(&settings.handshake.origins) {
                            request.refuse(&error, out);
                            return Some(SessionEvent::Closed(self.fail(error)));
                        }
                        let request = Arc::new(request);
                        take(input, rest.len());
                        self.due = None;
                        self.phase = Phase::Asking(Arc::clone(&request));
                        return Some(SessionEvent::Request(request));
                    }
                    Ok(Some(request)) => match request.accept(&settings.handshake, out) {
                        Ok(agreement) => Ok(Some(agreement)),
                        Err(error) => {
                            request.refuse(&error, out);
                            return Some(SessionEvent::Closed(self.fail(error)));
                        }
                    },
                    Ok(None) => Ok(None),
                    Err(error) => Err(error),
                }
            }
            (Phase::Dialling(handshake), Settings::Dial(settings)) => {
                let outcome = handshake.receive(&mut rest);
                if settings.keep_response && matches!(outcome, Ok(Some(_))) {
                    self.response = handshake.response().cloned().map(Box::new);
                }
                outcome
            }
            (Phase::Asking(_), _) => {
                return (input.len() > EARLY).then(|| {
                    SessionEvent::Closed(self.fail(SessionError::EarlyData { limit: EARLY }))
                });
            }
            _ => {
                *input = &mut [];
                return None;
            }
        };
        take(input, rest.len());
        match outcome {
            Ok(agreement) => agreement.map(|agreement| {
                self.open(&agreement, out);
                SessionEvent::Opened(agreement)
            }),
            Err(error) => Some(SessionEvent::Closed(self.fail_handshake(error, out))),
        }
    }

    /// The closing handshake is complete.
    #[cold]
    fn close_handshake_done(&mut self, frame: Option<CloseFrame<'_>>) -> Closed {
        let (initiator, clean) = match &self.phase {
            Phase::Open(connection) => (connection.initiator(), connection.is_clean()),
            _ => (None, false),
        };
        let (code, reason) = frame.map_or((CloseCode::NO_STATUS, String::new()), |frame| {
            (frame.code, frame.reason.into_owned())
        });
        self.end();
        if let Settings::Dial(settings) = &self.settings {
            self.phase = Phase::Draining;
            self.due = after(self.now, settings.connection.timeouts.close);
        }
        Closed {
            code,
            reason,
            initiator: initiator.unwrap_or(Initiator::Transport),
            clean,
            error: None,
        }
    }
}

/// Takes bytes off the front until `rest` are left.
fn take(input: &mut &mut [u8], rest: usize) {
    let taken = input.len() - rest;
    *input = &mut mem::take(input)[taken..];
}

/// Bytes of events, and of output, after which no more input is taken.
const BATCH: usize = 1 << 20;

/// Most bytes kept from a client that does not wait for the answer to its request.
const EARLY: usize = 1 << 16;
