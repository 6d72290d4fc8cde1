//! The same protocol without the component: `--engine native`.

use std::{cell::RefCell, mem, rc::Rc, time::Duration};

use sockeye::{
    ClientHandshake, Connection, ExtraHeaders, HandshakeError, Options, PerMessageDeflate, Role,
    ServerHandshake, WindowBits,
};

use super::{EngineError, Failed, Protocol, Shard, imports::fill_random};
use crate::{
    bindings::sockeye::websocket::{
        socket::Error,
        types::{
            Agreement, Attention, CloseFrame, Closed, Event, Initiator, Message, MessageKind,
            SendError, Step,
        },
    },
    options::{Deflate, Deliver, DialOptions, OriginPolicy, UpgradeOptions},
    socket::Socket,
};

/// The native connections of one thread.
pub(crate) struct NativeShard {
    upgrade: Option<Rc<(sockeye::UpgradeOptions, Settings)>>,
    /// What a call wants to write: one buffer for all connections, as in the component.
    out: Rc<RefCell<Vec<u8>>>,
}

/// How connections behave once they are open.
struct Settings {
    options: Options,
    deliver: Deliver,
}

impl NativeShard {
    /// Checks the options.
    pub(crate) fn new(options: Option<&UpgradeOptions>) -> Result<Self, EngineError> {
        let upgrade = options
            .map(upgrade)
            .transpose()
            .map_err(|problem| EngineError::Component(problem.into()))?;
        Ok(Self {
            upgrade: upgrade.map(Rc::new),
            out: Rc::default(),
        })
    }

    fn begin(&self, socket: &Rc<Socket>, phase: Phase, due: Option<u64>) -> NativeConnection {
        NativeConnection {
            phase,
            socket: Rc::clone(socket),
            out: Rc::clone(&self.out),
            unsent: Vec::new(),
            held: Vec::new(),
            due,
        }
    }
}

impl Shard for NativeShard {
    type Connection = NativeConnection;

    fn accept(&self, now: u64, socket: &Rc<Socket>) -> Result<(NativeConnection, Step), Failed> {
        let Some(upgrade) = &self.upgrade else {
            return Err(Failed);
        };
        let due = deadline(now, upgrade.0.timeout);
        let phase = Phase::Accepting(ServerHandshake::new(), Rc::clone(upgrade));
        let mut connection = self.begin(socket, phase, due);
        let step = connection.tick(now)?;
        Ok((connection, step))
    }

    fn dial(
        &self,
        now: u64,
        socket: &Rc<Socket>,
        options: &DialOptions,
    ) -> Result<(NativeConnection, Step), String> {
        let (options, settings) = dial(options)?;
        let mut request = Vec::new();
        let handshake = ClientHandshake::new(&options, fill_random, &mut request);
        let due = deadline(now, options.timeout);
        let mut connection = self.begin(socket, Phase::Dialling(handshake, settings), due);
        let ((), step) = connection.run(now, |_, batch| batch.out.extend_from_slice(&request));
        Ok((connection, step))
    }
}

/// A connection in this process.
pub(crate) struct NativeConnection {
    phase: Phase,
    socket: Rc<Socket>,
    out: Rc<RefCell<Vec<u8>>>,
    /// What the socket would not take.
    unsent: Vec<u8>,
    /// Input that waits for room in the output.
    held: Vec<u8>,
    /// When the handshake has taken too long.
    due: Option<u64>,
}

enum Phase {
    Accepting(ServerHandshake, Rc<(sockeye::UpgradeOptions, Settings)>),
    Dialling(ClientHandshake, Settings),
    Open(Box<Connection>, Deliver),
    /// A client has closed, and waits for the server to end the byte stream (RFC 6455 §7.1.1).
    Draining,
    Ended,
}

struct Batch<'a> {
    out: &'a mut Vec<u8>,
    events: Vec<Event>,
    size: usize,
}

impl NativeConnection {
    /// Does `work`, writes what came of it, and reports.
    #[inline]
    fn run<T>(&mut self, now: u64, work: impl FnOnce(&mut Self, &mut Batch<'_>) -> T) -> (T, Step) {
        let shared = Rc::clone(&self.out);
        let mut out = shared.borrow_mut();
        out.clear();
        let mut batch = Batch {
            out: &mut out,
            events: Vec::new(),
            size: 0,
        };
        let value = work(self, &mut batch);
        let mut events = mem::take(&mut batch.events);
        if self.write(&out).is_err() {
            self.fail(None, "the connection was reset".into(), &mut events);
        }
        if out.capacity() > KEEP {
            *out = Vec::new();
        }
        drop(out);
        let mut attention = Attention::empty();
        if !self.unsent.is_empty() {
            attention |= Attention::BLOCKED;
        } else if !self.held.is_empty() {
            attention |= Attention::MORE;
        }
        if matches!(self.phase, Phase::Ended) {
            attention |= Attention::ENDED;
        }
        let deadline = match &self.phase {
            Phase::Open(connection, _) => connection.poll_timeout().map(nanoseconds),
            _ => self.due,
        };
        let _ = now;
        (
            value,
            Step {
                events,
                deadline,
                attention,
            },
        )
    }

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
        Ok(())
    }

    /// Works through `input`. What has to wait stays in `held`.
    fn advance(&mut self, now: u64, mut input: &mut [u8], batch: &mut Batch<'_>) {
        loop {
            match &mut self.phase {
                Phase::Open(..) => return self.advance_open(now, input, batch),
                Phase::Accepting(..) | Phase::Dialling(..) => {
                    if self.due.is_some_and(|due| due <= now) {
                        return self.refuse(&HandshakeError::Timeout, batch);
                    }
                    if input.is_empty() || !self.advance_handshake(now, &mut input, batch) {
                        return;
                    }
                }
                Phase::Draining if self.due.is_some_and(|due| due <= now) => {
                    self.phase = Phase::Ended;
                }
                Phase::Draining | Phase::Ended => return,
            }
        }
    }

    /// Returns whether the connection is open.
    fn advance_handshake(
        &mut self,
        now: u64,
        input: &mut &mut [u8],
        batch: &mut Batch<'_>,
    ) -> bool {
        let mut rest = &**input;
        let outcome = match &mut self.phase {
            Phase::Accepting(handshake, upgrade) => handshake
                .receive(&mut rest, &upgrade.0)
                .and_then(|request| {
                    request
                        .map(|request| {
                            request.accept(&upgrade.0, batch.out).inspect_err(|error| {
                                request.refuse(error, batch.out);
                            })
                        })
                        .transpose()
                }),
            Phase::Dialling(handshake, _) => handshake.receive(&mut rest),
            _ => return false,
        };
        let taken = input.len() - rest.len();
        *input = &mut mem::take(input)[taken..];
        match outcome {
            Ok(Some(agreement)) => {
                let (role, settings) = match &self.phase {
                    Phase::Accepting(_, upgrade) => (Role::Server, &upgrade.1),
                    Phase::Dialling(_, settings) => (Role::Client, settings),
                    _ => return false,
                };
                let mut connection =
                    Connection::new(role, &settings.options, agreement.deflate, fill_random);
                // A new connection only takes note of the time.
                let _ = connection.handle_timeout(Duration::from_nanos(now), batch.out);
                batch.events.push(Event::Opened(Agreement {
                    subprotocol: agreement.subprotocol,
                    extensions: agreement.extensions,
                }));
                self.phase = Phase::Open(Box::new(connection), settings.deliver);
                self.due = None;
                true
            }
            Ok(None) => false,
            Err(error) => {
                self.refuse(&error, batch);
                false
            }
        }
    }

    fn advance_open(&mut self, now: u64, mut input: &mut [u8], batch: &mut Batch<'_>) {
        let Phase::Open(connection, deliver) = &mut self.phase else {
            return;
        };
        if let Err(error) = connection.handle_timeout(Duration::from_nanos(now), batch.out) {
            return self.fail(Some(Initiator::Local), error.to_string(), &mut batch.events);
        }
        loop {
            match connection.receive(&mut input, batch.out) {
                Ok(Some(sockeye::Event::Message(message))) if *deliver == Deliver::Echo => {
                    // Refused only when this side is closing, and then there is nobody to tell.
                    let _ = connection.send(message, batch.out);
                }
                Ok(Some(sockeye::Event::Message(message))) => {
                    let message = Message {
                        kind: match message.kind() {
                            sockeye::MessageKind::Text => MessageKind::Text,
                            sockeye::MessageKind::Binary => MessageKind::Binary,
                        },
                        data: message.into_bytes(),
                    };
                    batch.size += message.data.len() + 64;
                    batch.events.push(Event::Message(message));
                }
                Ok(Some(sockeye::Event::Ping(payload))) => {
                    batch.events.push(Event::Ping(payload.into_owned()));
                }
                Ok(Some(sockeye::Event::Pong(payload))) => {
                    batch.events.push(Event::Pong(payload.into_owned()));
                }
                Ok(Some(sockeye::Event::Close(frame))) => return self.closed(now, frame, batch),
                // Messages are asked for whole.
                Ok(Some(_)) => {}
                Ok(None) => return,
                Err(error) => {
                    return self.fail(Some(Initiator::Local), error.to_string(), &mut batch.events);
                }
            }
            if batch.out.len() + batch.size > BATCH {
                return self.held.extend_from_slice(input);
            }
        }
    }

    /// The closing handshake is complete.
    fn closed(&mut self, now: u64, frame: Option<sockeye::CloseFrame<'_>>, batch: &mut Batch<'_>) {
        let Phase::Open(connection, _) = &self.phase else {
            return;
        };
        let (code, reason) = frame.map_or((1005, String::new()), |frame| {
            (frame.code.get(), frame.reason.into_owned())
        });
        batch.events.push(Event::Closed(Closed {
            code,
            reason,
            initiator: initiator(connection.initiator()),
            clean: connection.is_clean(),
            error: None,
        }));
        if connection.role() == Role::Client {
            self.phase = Phase::Draining;
            self.due = deadline(now, Some(DRAIN));
        } else {
            self.phase = Phase::Ended;
        }
    }

    fn refuse(&mut self, error: &HandshakeError, batch: &mut Batch<'_>) {
        if let Phase::Accepting(handshake, _) = &self.phase
            && batch.out.is_empty()
        {
            handshake.refuse(error, batch.out);
        }
        self.fail(Some(Initiator::Local), error.to_string(), &mut batch.events);
    }

    fn fail(&mut self, initiator: Option<Initiator>, error: String, events: &mut Vec<Event>) {
        if !matches!(self.phase, Phase::Draining | Phase::Ended) {
            events.push(Event::Closed(Closed {
                code: 1006,
                reason: String::new(),
                initiator: initiator.unwrap_or(Initiator::Transport),
                clean: false,
                error: Some(error),
            }));
        }
        self.phase = Phase::Ended;
        self.held = Vec::new();
        self.due = None;
    }

    fn connection(&mut self) -> Result<&mut Connection, SendError> {
        match &mut self.phase {
            Phase::Open(connection, _) => Ok(connection),
            Phase::Draining | Phase::Ended => Err(SendError::CloseSent),
            Phase::Accepting(..) | Phase::Dialling(..) => Err(SendError::NotOpen),
        }
    }
}

impl Protocol for NativeConnection {
    #[inline]
    fn receive(&mut self, now: u64, bytes: &mut [u8]) -> Result<Step, Failed> {
        let ((), step) = self.run(now, |this, batch| {
            if this.held.is_empty() {
                this.advance(now, bytes, batch);
            } else {
                let mut held = mem::take(&mut this.held);
                held.extend_from_slice(bytes);
                this.advance(now, &mut held, batch);
            }
        });
        Ok(step)
    }

    fn end(&mut self, now: u64, error: Option<Error>) -> Result<Step, Failed> {
        let error = match error {
            None => "the connection ended without a close frame".into(),
            Some(Error::Reset) => "the connection was reset".into(),
            Some(Error::Other(error)) => error,
        };
        let ((), step) = self.run(now, |this, batch| {
            this.fail(None, error, &mut batch.events);
        });
        Ok(step)
    }

    fn tick(&mut self, now: u64) -> Result<Step, Failed> {
        self.receive(now, &mut [])
    }

    fn flush(&mut self, now: u64) -> Result<Step, Failed> {
        self.tick(now)
    }

    fn send(&mut self, messages: &[Message]) -> Result<Result<(), SendError>, Failed> {
        let (outcome, _) = self.run(0, |this, batch| {
            let connection = this.connection()?;
            messages.iter().try_for_each(|message| {
                let message = match message.kind {
                    MessageKind::Binary => sockeye::Message::binary(&message.data[..]),
                    MessageKind::Text => sockeye::Message::text(
                        str::from_utf8(&message.data).map_err(|_| SendError::InvalidText)?,
                    ),
                };
                connection.send(message, batch.out).map_err(send_error)
            })
        });
        Ok(outcome)
    }

    fn ping(&mut self, payload: &[u8]) -> Result<Result<(), SendError>, Failed> {
        let (outcome, _) = self.run(0, |this, batch| {
            this.connection()?
                .ping(payload, batch.out)
                .map_err(send_error)
        });
        Ok(outcome)
    }

    fn close(
        &mut self,
        now: u64,
        frame: Option<&CloseFrame>,
    ) -> Result<Result<Step, SendError>, Failed> {
        let frame = frame.map(|frame| {
            sockeye::CloseFrame::new(sockeye::CloseCode::new(frame.code), &*frame.reason)
        });
        let (outcome, step) = self.run(now, |this, batch| {
            let connection = this.connection()?;
            let _ = connection.handle_timeout(Duration::from_nanos(now), batch.out);
            connection.close(frame, batch.out).map_err(send_error)
        });
        Ok(outcome.map(|()| step))
    }
}

fn upgrade(options: &UpgradeOptions) -> Result<(sockeye::UpgradeOptions, Settings), String> {
    let mut upgrade = sockeye::UpgradeOptions::new();
    upgrade
        .set_subprotocols(options.subprotocols.iter().cloned())
        .map_err(sentence)?;
    upgrade.origins = match &options.origins {
        OriginPolicy::SameHost => sockeye::OriginPolicy::SameHost,
        OriginPolicy::Any => sockeye::OriginPolicy::Any,
        OriginPolicy::Allow(patterns) => {
            sockeye::OriginPolicy::allow(patterns).map_err(sentence)?
        }
    };
    upgrade.headers = headers(&options.headers)?;
    upgrade.deflate = compression(Role::Server, options.deflate)?;
    upgrade.timeout = options.handshake_timeout;
    let mut settings = settings(Role::Server, options.message_size, upgrade.deflate);
    settings.timeouts.ping_interval = options.ping_interval;
    let deliver = options.deliver;
    Ok((
        upgrade,
        Settings {
            options: settings,
            deliver,
        },
    ))
}

fn dial(options: &DialOptions) -> Result<(sockeye::DialOptions, Settings), String> {
    let mut dial = sockeye::DialOptions::new(&*options.host, &*options.target).map_err(sentence)?;
    dial.set_subprotocols(options.subprotocols.iter().cloned())
        .map_err(sentence)?;
    dial.headers = headers(&options.headers)?;
    dial.deflate = compression(Role::Client, options.deflate)?;
    dial.timeout = options.handshake_timeout;
    let settings = Settings {
        options: settings(Role::Client, options.message_size, dial.deflate),
        deliver: options.deliver(),
    };
    Ok((dial, settings))
}

fn settings(role: Role, message_size: u64, deflate: Option<PerMessageDeflate>) -> Options {
    let mut options = Options::new(role);
    options.limits.message_size = usize::try_from(message_size).unwrap_or(usize::MAX);
    options.limits.frame_size = message_size;
    if let Some(deflate) = deflate {
        options.deflate = deflate;
    }
    options
}

fn compression(role: Role, deflate: Option<Deflate>) -> Result<Option<PerMessageDeflate>, String> {
    let Some(deflate) = deflate else {
        return Ok(None);
    };
    let bits = |bits| WindowBits::new(bits).ok_or("a window has 8 to 15 bits");
    if deflate.level > 9 {
        return Err("a compression level is 0 to 9".into());
    }
    let mut settings = PerMessageDeflate::new(role);
    settings.level = deflate.level;
    settings.threshold = deflate.threshold as usize;
    settings.server_max_window_bits = bits(deflate.server_max_window_bits)?;
    settings.client_max_window_bits = bits(deflate.client_max_window_bits)?;
    settings.server_no_context_takeover = deflate.server_no_context_takeover;
    settings.client_no_context_takeover = deflate.client_no_context_takeover;
    Ok(Some(settings))
}

fn headers(fields: &[(String, String)]) -> Result<ExtraHeaders, String> {
    let mut headers = ExtraHeaders::new();
    for (name, value) in fields {
        headers.push(name, value).map_err(sentence)?;
    }
    Ok(headers)
}

fn sentence(error: sockeye::InvalidOption) -> String {
    error.to_string()
}

const fn initiator(initiator: Option<sockeye::Initiator>) -> Initiator {
    match initiator {
        Some(sockeye::Initiator::Local) => Initiator::Local,
        Some(sockeye::Initiator::Peer) => Initiator::Peer,
        _ => Initiator::Transport,
    }
}

const fn send_error(error: sockeye::SendError) -> SendError {
    match error {
        sockeye::SendError::ControlTooLong => SendError::ControlTooLong,
        sockeye::SendError::InvalidCloseCode => SendError::InvalidCloseCode,
        sockeye::SendError::MessageUnfinished => SendError::MessageUnfinished,
        _ => SendError::CloseSent,
    }
}

fn deadline(now: u64, timeout: Option<Duration>) -> Option<u64> {
    now.checked_add(nanoseconds(timeout?))
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Bytes of events and output after which one call stops to take input.
const BATCH: usize = 1 << 20;

/// The output buffer keeps this much capacity between calls.
const KEEP: usize = 1 << 18;

/// How long a client waits for the server to end the byte stream.
const DRAIN: Duration = Duration::from_secs(5);
