//! One connection from its opening handshake to its end, between bytes and events.

use core::{mem, time::Duration};
use std::rc::Rc;

use sockeye::{
    Agreement, ClientHandshake, CloseCode, CloseFrame, Connection, Event as CoreEvent,
    ExtraHeaders, HandshakeError, Initiator, Message, Part, PreparedMessage, ProtocolError,
    Request, Role, ServerHandshake,
};

use crate::{
    bindings::sockeye::websocket::types::{self, Attention, Event, Step},
    convert,
    entropy::fill,
    options::{DialSettings, UpgradeSettings},
};

/// Bytes of events and of output after which one call stops to take input: a compressed read may stand for a thousand times
/// as much.
const BATCH: usize = 1 << 20;

/// Most bytes kept from a client that does not wait for the answer to its request.
const EARLY: usize = 1 << 16;

/// One connection. Every function appends to the caller's output and events.
pub(crate) struct Driver {
    phase: Phase,
    settings: Settings,
    /// Input that must wait: for room in the output, or for the application's answer to a request.
    held: Vec<u8>,
    now: Duration,
    /// When the opening handshake, or a client's wait for the server to end the byte stream, has taken too long.
    due: Option<Duration>,
    /// Whether the byte stream is to be ended once the output has been sent.
    finished: bool,
}

enum Settings {
    Accept(Rc<UpgradeSettings>),
    Dial(Rc<DialSettings>),
}

enum Phase {
    Accepting(Box<ServerHandshake>),
    Asking(Box<Request>),
    Dialling(Box<ClientHandshake>),
    Open(Box<Connection>),
    /// A client has closed cleanly and waits for the server to end the byte stream (RFC 6455 §7.1.1).
    Draining,
    Ended,
}

/// What a call works on.
pub(crate) struct Batch<'a> {
    pub(crate) out: &'a mut Vec<u8>,
    pub(crate) events: Vec<Event>,
    /// Payload bytes in `events`.
    size: usize,
}

impl<'a> Batch<'a> {
    pub(crate) const fn new(out: &'a mut Vec<u8>) -> Self {
        Self {
            out,
            events: Vec::new(),
            size: 0,
        }
    }

    fn is_full(&self) -> bool {
        self.size >= BATCH || self.out.len() >= BATCH
    }

    fn push(&mut self, event: Event) {
        self.events.push(event);
    }
}

impl Driver {
    pub(crate) fn accept(now: Duration, settings: Rc<UpgradeSettings>) -> Self {
        let due = settings
            .handshake
            .timeout
            .and_then(|timeout| now.checked_add(timeout));
        Self {
            phase: Phase::Accepting(Box::new(ServerHandshake::new())),
            settings: Settings::Accept(settings),
            held: Vec::new(),
            now,
            due,
            finished: false,
        }
    }

    pub(crate) fn dial(now: Duration, settings: Rc<DialSettings>, out: &mut Vec<u8>) -> Self {
        let due = settings
            .handshake
            .timeout
            .and_then(|timeout| now.checked_add(timeout));
        let handshake = ClientHandshake::new(&settings.handshake, fill, out);
        Self {
            phase: Phase::Dialling(Box::new(handshake)),
            settings: Settings::Dial(settings),
            held: Vec::new(),
            now,
            due,
            finished: false,
        }
    }

    /// Takes bytes that came from the peer.
    pub(crate) fn receive(&mut self, now: Duration, mut bytes: Vec<u8>, batch: &mut Batch<'_>) {
        if !self.held.is_empty() {
            self.held.append(&mut bytes);
            bytes = mem::take(&mut self.held);
        }
        self.now = now;
        if self.handle_timeout(batch) {
            self.advance(&mut bytes, batch);
        }
    }

    /// Whether input waits for `resume`.
    fn has_more(&self) -> bool {
        !self.held.is_empty() && matches!(self.phase, Phase::Open(_))
    }

    /// Acts on the time. Returns false when that ended the connection.
    fn handle_timeout(&mut self, batch: &mut Batch<'_>) -> bool {
        match &mut self.phase {
            Phase::Open(connection) => {
                if let Err(error) = connection.handle_timeout(self.now, batch.out) {
                    self.fail(error, batch);
                    return false;
                }
            }
            Phase::Ended => return false,
            _ if self.due.is_some_and(|due| due <= self.now) => {
                if matches!(self.phase, Phase::Draining) {
                    self.end();
                } else {
                    self.refuse(&HandshakeError::Timeout, batch);
                }
                return false;
            }
            _ => (),
        }
        true
    }

    /// Acts on the time, and on input that had to wait.
    pub(crate) fn tick(&mut self, now: Duration, batch: &mut Batch<'_>) {
        self.receive(now, Vec::new(), batch);
    }

    /// Works through `bytes`; what has to wait stays in `held`.
    fn advance(&mut self, bytes: &mut [u8], batch: &mut Batch<'_>) {
        let mut input = bytes;
        loop {
            match &mut self.phase {
                Phase::Accepting(_) | Phase::Dialling(_) => {
                    if input.is_empty() || !self.advance_handshake(&mut input, batch) {
                        return;
                    }
                }
                Phase::Asking(_) => {
                    if self.held.len() + input.len() > EARLY {
                        let error = format!(
                            "the client sent {EARLY} bytes before its request was answered"
                        );
                        return self.report_failure(Some(Initiator::Local), error, batch);
                    }
                    return self.held.extend_from_slice(input);
                }
                Phase::Open(_) => return self.advance_open(input, batch),
                Phase::Draining | Phase::Ended => return,
            }
        }
    }

    /// Returns whether to go on.
    fn advance_handshake(&mut self, input: &mut &mut [u8], batch: &mut Batch<'_>) -> bool {
        let mut rest = &**input;
        let outcome = match (&mut self.phase, &self.settings) {
            (Phase::Accepting(handshake), Settings::Accept(settings)) => {
                match handshake.receive(&mut rest, &settings.handshake) {
                    Ok(Some(request)) if settings.ask => {
                        self.due = None;
                        batch.push(Event::Request(convert::request(&request)));
                        self.phase = Phase::Asking(Box::new(request));
                        Ok(None)
                    }
                    Ok(Some(request)) => match request.accept(&settings.handshake, batch.out) {
                        Err(error) => {
                            request.refuse(&error, batch.out);
                            self.report_failure(Some(Initiator::Local), error.to_string(), batch);
                            return false;
                        }
                        agreed => agreed.map(Some),
                    },
                    Ok(None) => Ok(None),
                    Err(error) => Err(error),
                }
            }
            (Phase::Dialling(handshake), _) => handshake.receive(&mut rest),
            _ => Ok(None),
        };
        let taken = input.len() - rest.len();
        *input = &mut mem::take(input)[taken..];
        match outcome {
            Ok(Some(agreement)) => self.open(&agreement, batch),
            Ok(None) => (),
            Err(error) => {
                self.refuse(&error, batch);
                return false;
            }
        }
        true
    }

    fn open(&mut self, agreement: &Agreement, batch: &mut Batch<'_>) {
        let (role, options) = match &self.settings {
            Settings::Accept(settings) => (Role::Server, &settings.connection),
            Settings::Dial(settings) => (Role::Client, &settings.connection),
        };
        let mut connection = Connection::new(role, options, agreement.deflate, fill);
        // A new connection only takes note of the time.
        let _ = connection.handle_timeout(self.now, batch.out);
        batch.push(Event::Opened(convert::agreement(agreement)));
        self.phase = Phase::Open(Box::new(connection));
        self.due = None;
    }

    fn advance_open(&mut self, mut input: &mut [u8], batch: &mut Batch<'_>) {
        let echo = match &self.settings {
            Settings::Accept(settings) => settings.echo,
            Settings::Dial(settings) => settings.echo,
        };
        let Phase::Open(connection) = &mut self.phase else {
            return;
        };
        loop {
            match connection.receive(&mut input, batch.out) {
                Ok(Some(CoreEvent::Message(message))) if echo => {
                    // Refused only when this side is closing, and then there is nobody to tell.
                    let _ = connection.send(message, batch.out);
                }
                Ok(Some(CoreEvent::Close(frame))) => return self.closed(frame, batch),
                Ok(Some(event)) => {
                    if let Some(event) = convert::event(event) {
                        batch.size += convert::size(&event);
                        batch.push(event);
                    }
                }
                Ok(None) => return,
                Err(error) => return self.fail(error, batch),
            }
            if batch.is_full() {
                return self.held.extend_from_slice(input);
            }
        }
    }

    /// The closing handshake is complete.
    fn closed(&mut self, frame: Option<CloseFrame<'_>>, batch: &mut Batch<'_>) {
        let Phase::Open(connection) = &self.phase else {
            return;
        };
        let (code, reason) = frame.map_or((CloseCode::NO_STATUS, String::new()), |frame| {
            (frame.code, frame.reason.into())
        });
        batch.push(Event::Closed(types::Closed {
            code: code.get(),
            reason,
            initiator: convert::initiator(connection.initiator()),
            clean: connection.is_clean(),
            error: None,
        }));
        match &self.settings {
            Settings::Accept(_) => self.end(),
            Settings::Dial(settings) => {
                self.held = Vec::new();
                self.phase = Phase::Draining;
                self.due = settings
                    .connection
                    .timeouts
                    .close
                    .and_then(|timeout| self.now.checked_add(timeout));
            }
        }
    }

    /// The connection broke a rule, a timeout or the byte stream.
    fn fail(&mut self, error: ProtocolError, batch: &mut Batch<'_>) {
        let Phase::Open(connection) = &self.phase else {
            return;
        };
        let initiator = connection.initiator();
        self.report_failure(initiator, error.to_string(), batch);
    }

    /// The opening handshake failed.
    fn refuse(&mut self, error: &HandshakeError, batch: &mut Batch<'_>) {
        match &self.phase {
            Phase::Accepting(handshake) => handshake.refuse(error, batch.out),
            Phase::Asking(request) => request.refuse(error, batch.out),
            _ => (),
        }
        self.report_failure(Some(Initiator::Local), error.to_string(), batch);
    }

    fn report_failure(
        &mut self,
        initiator: Option<Initiator>,
        error: String,
        batch: &mut Batch<'_>,
    ) {
        batch.push(Event::Closed(types::Closed {
            code: CloseCode::ABNORMAL.get(),
            reason: String::new(),
            initiator: convert::initiator(initiator),
            clean: false,
            error: Some(error),
        }));
        self.end();
    }

    fn end(&mut self) {
        self.phase = Phase::Ended;
        self.held = Vec::new();
        self.due = None;
        self.finished = true;
    }
}

impl Driver {
    /// The byte stream has ended.
    pub(crate) fn receive_end(
        &mut self,
        now: Duration,
        error: Option<String>,
        batch: &mut Batch<'_>,
    ) {
        self.now = now;
        match &mut self.phase {
            Phase::Open(connection) => {
                let _ = connection.receive_end();
                let initiator = connection.initiator();
                let error = error.unwrap_or_else(|| ProtocolError::UnexpectedEnd.to_string());
                self.report_failure(initiator, error, batch);
            }
            Phase::Draining => self.end(),
            Phase::Ended => (),
            Phase::Dialling(handshake) => {
                // A refusal whose body was still coming is the better reason.
                let ended = handshake
                    .receive_end()
                    .err()
                    .unwrap_or(HandshakeError::UnexpectedEnd)
                    .to_string();
                self.report_failure(Some(Initiator::Transport), error.unwrap_or(ended), batch);
            }
            Phase::Accepting(_) | Phase::Asking(_) => {
                let error = error.unwrap_or_else(|| HandshakeError::UnexpectedEnd.to_string());
                self.report_failure(Some(Initiator::Transport), error, batch);
            }
        }
    }

    /// Lets in the client whose request was reported.
    pub(crate) fn admit(
        &mut self,
        now: Duration,
        subprotocol: Option<&str>,
        fields: &ExtraHeaders,
        batch: &mut Batch<'_>,
    ) -> Result<(), String> {
        self.now = now;
        let (Phase::Asking(request), Settings::Accept(settings)) = (&self.phase, &self.settings)
        else {
            return Err("no request is waiting for an answer".into());
        };
        let agreement = request
            .accept_with(&settings.handshake, subprotocol, fields, batch.out)
            .map_err(|error| error.to_string())?;
        self.open(&agreement, batch);
        let mut held = mem::take(&mut self.held);
        self.advance(&mut held, batch);
        Ok(())
    }

    /// Refuses the client whose request was reported.
    pub(crate) fn reject(
        &mut self,
        status: u16,
        fields: &ExtraHeaders,
        body: &str,
        batch: &mut Batch<'_>,
    ) -> Result<(), String> {
        let Phase::Asking(request) = &self.phase else {
            return Err("no request is waiting for an answer".into());
        };
        request
            .refuse_with(status, fields, body, batch.out)
            .map_err(|error| error.to_string())?;
        self.report_failure(
            Some(Initiator::Local),
            format!("refused with status {status}"),
            batch,
        );
        Ok(())
    }

    pub(crate) fn send(
        &mut self,
        message: Message<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), types::SendError> {
        self.connection()?
            .send(message, out)
            .map_err(convert::send_error)
    }

    pub(crate) fn send_part(
        &mut self,
        part: &Part<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), types::SendError> {
        self.connection()?
            .send_part(part, out)
            .map_err(convert::send_error)
    }

    pub(crate) fn send_prepared(
        &mut self,
        message: &mut PreparedMessage,
        out: &mut Vec<u8>,
    ) -> Result<(), types::SendError> {
        self.connection()?
            .send_prepared(message, out)
            .map_err(convert::send_error)
    }

    pub(crate) fn ping(
        &mut self,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), types::SendError> {
        self.connection()?
            .ping(payload, out)
            .map_err(convert::send_error)
    }

    pub(crate) fn pong(
        &mut self,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), types::SendError> {
        self.connection()?
            .pong(payload, out)
            .map_err(convert::send_error)
    }

    /// Begins to close. Before the opening handshake is done, that ends the connection at once.
    pub(crate) fn close(
        &mut self,
        now: Duration,
        frame: Option<CloseFrame<'_>>,
        batch: &mut Batch<'_>,
    ) -> Result<(), types::SendError> {
        self.now = now;
        match &mut self.phase {
            Phase::Open(connection) => {
                let _ = connection.handle_timeout(now, batch.out);
                connection
                    .close(frame, batch.out)
                    .map_err(convert::send_error)
            }
            Phase::Draining | Phase::Ended => Err(types::SendError::CloseSent),
            _ => {
                self.report_failure(
                    Some(Initiator::Local),
                    "closed during the opening handshake".into(),
                    batch,
                );
                Ok(())
            }
        }
    }

    fn connection(&mut self) -> Result<&mut Connection, types::SendError> {
        match &mut self.phase {
            Phase::Open(connection) => Ok(connection),
            Phase::Draining | Phase::Ended => Err(types::SendError::CloseSent),
            _ => Err(types::SendError::NotOpen),
        }
    }

    /// Whether the byte stream is to be ended once the output has been sent.
    pub(crate) const fn is_finished(&self) -> bool {
        self.finished
    }

    /// What a call returns to the host.
    pub(crate) fn step(&self, events: Vec<Event>, blocked: bool) -> Step {
        let mut attention = Attention::empty();
        attention.set(Attention::BLOCKED, blocked);
        attention.set(Attention::MORE, !blocked && self.has_more());
        attention.set(Attention::ENDED, self.finished);
        let deadline = match &self.phase {
            Phase::Open(connection) => connection.poll_timeout(),
            _ => self.due,
        };
        Step {
            events,
            deadline: deadline.map(convert::instant),
            attention,
        }
    }
}
