//! The same protocol without the component: `--engine native`.

mod convert;

use std::{cell::RefCell, rc::Rc, time::Duration};

use sockeye::{AcceptSettings, ExtraHeaders, Session, SessionEvent};

use self::convert::Bounded;
use super::{EngineError, Failed, Protocol, Shard, imports::fill_random};
use crate::{
    bindings::sockeye::websocket::{
        socket::Error,
        types::{Attention, CloseFrame, Event, Message, SendError, Step},
    },
    options::{DialOptions, UpgradeOptions},
    socket::Socket,
};

/// The native connections of one thread.
pub(crate) struct NativeShard {
    upgrade: Option<Bounded<AcceptSettings>>,
    /// What a call wants to write: one buffer for all connections, as in the component.
    out: Rc<RefCell<Vec<u8>>>,
}

impl NativeShard {
    /// Checks the options.
    pub(crate) fn new(options: Option<&UpgradeOptions>) -> Result<Self, EngineError> {
        let upgrade = options
            .map(convert::upgrade)
            .transpose()
            .map_err(|problem| EngineError::Component(problem.into()))?;
        Ok(Self {
            upgrade,
            out: Rc::default(),
        })
    }

    fn begin(
        &self,
        socket: &Rc<Socket>,
        session: Session,
        limit: usize,
        request: &[u8],
    ) -> (NativeConnection, Step) {
        let mut connection = NativeConnection {
            session,
            socket: Rc::clone(socket),
            out: Rc::clone(&self.out),
            unsent: Vec::new(),
            limit,
        };
        let ((), step) = connection.run(|_, out, _| out.extend_from_slice(request));
        (connection, step)
    }
}

impl Shard for NativeShard {
    type Connection = NativeConnection;

    fn accept(&self, now: u64, socket: &Rc<Socket>) -> Result<(NativeConnection, Step), Failed> {
        let Some((settings, limit)) = self.upgrade.clone() else {
            return Err(Failed);
        };
        let session = Session::accept(Duration::from_nanos(now), settings, fill_random);
        Ok(self.begin(socket, session, limit, &[]))
    }

    fn dial(
        &self,
        now: u64,
        socket: &Rc<Socket>,
        options: &DialOptions,
    ) -> Result<(NativeConnection, Step), String> {
        let (settings, limit) = convert::dial(options)?;
        let now = Duration::from_nanos(now);
        let mut request = Vec::new();
        let session = Session::dial(now, settings, fill_random, &mut request);
        Ok(self.begin(socket, session, limit, &request))
    }
}

/// A connection in this process.
pub(crate) struct NativeConnection {
    session: Session,
    socket: Rc<Socket>,
    out: Rc<RefCell<Vec<u8>>>,
    /// What the socket would not take.
    unsent: Vec<u8>,
    /// `unsent` may hold this much before nothing more is sent.
    limit: usize,
}

impl NativeConnection {
    /// Does `work`, writes what came of it, and reports.
    #[inline]
    fn run<T>(
        &mut self,
        work: impl FnOnce(&mut Session, &mut Vec<u8>, &mut Vec<Event>) -> T,
    ) -> (T, Step) {
        let shared = Rc::clone(&self.out);
        let out = &mut *shared.borrow_mut();
        out.clear();
        let mut events = Vec::new();
        let value = work(&mut self.session, out, &mut events);
        if let Err(error) = self.write(out) {
            self.unsent = Vec::new();
            let closed = self.session.receive_end(Some(describe(error)));
            events.extend(closed.map(closed_event));
        }
        if out.capacity() > KEEP {
            *out = Vec::new();
        }
        let mut attention = Attention::empty();
        if !self.unsent.is_empty() {
            attention |= Attention::BLOCKED;
        } else if self.session.has_more() {
            attention |= Attention::MORE;
        }
        if self.session.is_finished() {
            attention |= Attention::ENDED;
        }
        let step = Step {
            events,
            deadline: self.session.poll_timeout().map(nanoseconds),
            attention,
        };
        (value, step)
    }

    /// Gives `out` to the socket, behind what waits already.
    fn write(&mut self, out: &[u8]) -> Result<(), Error> {
        if !self.unsent.is_empty() {
            self.unsent.extend_from_slice(out);
            let taken = self.socket.write(&self.unsent)? as usize;
            self.unsent.drain(..taken);
            if self.unsent.is_empty() {
                self.unsent = Vec::new();
            }
        } else if !out.is_empty() {
            let taken = self.socket.write(out)? as usize;
            self.unsent.extend_from_slice(&out[taken..]);
        }
        if self.unsent.is_empty() && self.session.is_finished() {
            self.socket.finish();
        }
        Ok(())
    }

    /// Sends through `work`, which is told how much it may append, unless too much waits already.
    fn send_with(
        &mut self,
        work: impl FnOnce(&mut Session, &mut Vec<u8>, usize) -> Result<(), SendError>,
    ) -> Result<(), SendError> {
        let Some(room) = self.limit.checked_sub(self.unsent.len()) else {
            return Err(SendError::Blocked);
        };
        let shared = Rc::clone(&self.out);
        let out = &mut *shared.borrow_mut();
        out.clear();
        let outcome = work(&mut self.session, out, room);
        // A broken socket is reported by the next step, whose write fails too.
        if self.write(out).is_err() && self.unsent.is_empty() {
            self.unsent.extend_from_slice(out);
        }
        outcome
    }
}

impl Protocol for NativeConnection {
    #[inline]
    fn receive(&mut self, now: u64, bytes: &mut [u8]) -> Result<Step, Failed> {
        let now = Duration::from_nanos(now);
        let ((), step) = self.run(|session, out, events| {
            session.receive_batch(now, bytes, out, |event| {
                if let Some(event) = convert::event(event) {
                    events.push(event);
                }
            });
        });
        Ok(step)
    }

    fn end(&mut self, _: u64, error: Option<Error>) -> Result<Step, Failed> {
        let ((), step) = self.run(|session, _, events| {
            let closed = session.receive_end(error.map(describe));
            events.extend(closed.map(closed_event));
        });
        Ok(step)
    }

    fn tick(&mut self, now: u64) -> Result<Step, Failed> {
        self.receive(now, &mut [])
    }

    fn flush(&mut self, now: u64) -> Result<Step, Failed> {
        self.tick(now)
    }

    fn admit(
        &mut self,
        now: u64,
        subprotocol: Option<&str>,
        headers: &[(String, String)],
    ) -> Result<Result<Step, String>, Failed> {
        let headers = match convert::headers(headers) {
            Ok(headers) => headers,
            Err(problem) => return Ok(Err(problem)),
        };
        let now = Duration::from_nanos(now);
        let (outcome, step) = self.run(|session, out, events| {
            let agreement = session
                .admit(now, subprotocol, &headers, out)
                .map_err(|error| error.to_string())?;
            let opened = convert::event(SessionEvent::Opened(agreement));
            events.extend(opened);
            // What came behind the request.
            session.receive_batch(now, &mut [], out, |event| {
                events.extend(convert::event(event));
            });
            Ok(())
        });
        Ok(outcome.map(|()| step))
    }

    fn refuse(&mut self, _: u64, status: u16, body: &str) -> Result<Result<Step, String>, Failed> {
        let (outcome, step) = self.run(|session, out, events| {
            let closed = session
                .refuse(status, &ExtraHeaders::new(), body, out)
                .map_err(|error| error.to_string())?;
            events.push(closed_event(closed));
            Ok(())
        });
        Ok(outcome.map(|()| step))
    }

    fn send(&mut self, messages: &[Message]) -> Result<Result<(), SendError>, Failed> {
        Ok(self.send_with(|session, out, room| {
            messages.iter().try_for_each(|message| {
                if out.len() > room {
                    return Err(SendError::Blocked);
                }
                session
                    .send(convert::message(message)?, out)
                    .map_err(convert::send_error)
            })
        }))
    }

    fn ping(&mut self, payload: &[u8]) -> Result<Result<(), SendError>, Failed> {
        Ok(self
            .send_with(|session, out, _| session.ping(payload, out).map_err(convert::send_error)))
    }

    fn pong(&mut self, payload: &[u8]) -> Result<Result<(), SendError>, Failed> {
        Ok(self
            .send_with(|session, out, _| session.pong(payload, out).map_err(convert::send_error)))
    }

    fn close(
        &mut self,
        now: u64,
        frame: Option<&CloseFrame>,
    ) -> Result<Result<Step, SendError>, Failed> {
        let now = Duration::from_nanos(now);
        let frame = frame.map(|frame| {
            sockeye::CloseFrame::new(sockeye::CloseCode::new(frame.code), &*frame.reason)
        });
        let (outcome, step) = self.run(|session, out, events| {
            let closed = session.close(now, frame, out)?;
            events.extend(closed.map(closed_event));
            Ok(())
        });
        Ok(outcome.map(|()| step).map_err(convert::send_error))
    }
}

fn closed_event(closed: sockeye::Closed) -> Event {
    Event::Closed(convert::closed(closed))
}

fn describe(error: Error) -> String {
    match error {
        Error::Reset => "the connection was reset".into(),
        Error::Other(error) => error,
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The output buffer keeps this much capacity between calls.
const KEEP: usize = 1 << 18;
