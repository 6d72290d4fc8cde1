//! One connection from its opening handshake to its end.

mod answer;
mod error;
mod event;
mod open;
mod receive;
mod send;
mod settings;

use alloc::{boxed::Box, sync::Arc, vec::Vec};
use core::time::Duration;

pub use error::{AnswerError, SessionError};
pub use event::{Closed, SessionEvent};
pub use settings::{AcceptSettings, DialSettings};

use crate::{
    Agreement, ClientHandshake, Connection, Entropy, HandshakeError, Initiator, Options,
    ProtocolError, Request, Response, Role, ServerHandshake,
};

/// One connection from its opening handshake to its end, between bytes and events, doing no IO.
///
/// It is a [`ServerHandshake`] or [`ClientHandshake`] and then a [`Connection`], with what goes between and around them: deadlines
/// of the opening handshake, requests that the application answers, bytes that came too early, the echo, one report of the
/// end, and a client's wait for the server to end the byte stream.
///
/// For each read, tell the time with [`Self::handle_timeout`] and take the events out with [`Self::receive`], or do both with
/// [`Self::receive_batch`]. Whatever has to be sent is appended to an output buffer of yours; end the byte stream
/// once that is written and [`Self::is_finished`] says so.
///
/// ```
/// use std::sync::Arc;
/// use core::time::Duration;
/// use sockeye::{AcceptSettings, Session, SessionEvent, UpgradeOptions};
///
/// fn entropy(bytes: &mut [u8]) {
///     bytes.fill(7); // A real one asks the operating system.
/// }
/// let settings = Arc::new(AcceptSettings::new(UpgradeOptions::new()));
/// let mut now = Duration::ZERO; // Since an origin of your choice.
/// let mut session = Session::accept(now, settings, entropy);
///
/// // The request, and behind it a frame: RFC 6455 §5.7, "Hello", masked.
/// let mut read = *b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
///     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n\
///     \x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
/// now += Duration::from_millis(10);
/// let mut out = Vec::new();
/// let mut greeted = false;
/// assert!(session.handle_timeout(now, &mut out).is_none());
/// let mut input = &mut read[..];
/// while let Some(event) = session.receive(&mut input, &mut out) {
///     match event {
///         SessionEvent::Message(message) => session.send(message, &mut out)?,
///         SessionEvent::Opened(_) => greeted = true,
///         _ => {}
///     }
/// }
/// assert!(greeted && out.starts_with(b"HTTP/1.1 101 ") && out.ends_with(b"\x81\x05Hello"));
/// # Ok::<(), sockeye::SendError>(())
/// ```
///
/// Memory: that of the handshake or of the [`Connection`], and with [`Self::receive_batch`] what had to wait: at most one read that
/// filled a batch, or 64 KiB behind a request that waits for its answer.
#[derive(Debug)]
pub struct Session {
    phase: Phase,
    settings: Settings,
    echo: bool,
    entropy: Entropy,
    now: Duration,
    /// When the opening handshake, or a client's wait for the server to end the byte stream, has taken too long.
    due: Option<Duration>,
    /// Input that waits for the next batch, or for the answer to a request.
    held: Vec<u8>,
    /// What the server answered.
    response: Option<Box<Response>>,
    answer_first: bool,
    /// What the peer did wrong behind what was reported last.
    violation: Option<ProtocolError>,
}

#[derive(Debug)]
enum Settings {
    Accept(Arc<AcceptSettings>),
    Dial(Arc<DialSettings>),
}

/// Where a session stands.
#[derive(Debug)]
enum Phase {
    Accepting(Box<ServerHandshake>),
    /// The application has to answer.
    Asking(Arc<Request>),
    Dialling(Box<ClientHandshake>),
    Open(Box<Connection>),
    /// A client has closed cleanly and waits for the server to end the byte stream (RFC 6455 §7.1.1).
    Draining,
    Ended,
}

impl Session {
    /// Serves a client whose request is still to come.
    #[must_use]
    pub fn accept(now: Duration, settings: Arc<AcceptSettings>, entropy: Entropy) -> Self {
        Self {
            phase: Phase::Accepting(Box::default()),
            echo: settings.echo,
            answer_first: settings.answer_first,
            violation: None,
            entropy,
            now,
            due: after(now, settings.handshake.timeout),
            held: Vec::new(),
            response: None,
            settings: Settings::Accept(settings),
        }
    }

    /// Opens a connection: appends the request to `out`.
    #[must_use]
    pub fn dial(
        now: Duration,
        settings: Arc<DialSettings>,
        entropy: Entropy,
        out: &mut Vec<u8>,
    ) -> Self {
        let handshake = ClientHandshake::new(&settings.handshake, entropy, out);
        Self {
            phase: Phase::Dialling(Box::new(handshake)),
            echo: settings.echo,
            answer_first: settings.answer_first,
            violation: None,
            entropy,
            now,
            due: after(now, settings.handshake.timeout),
            held: Vec::new(),
            response: None,
            settings: Settings::Dial(settings),
        }
    }

    /// Goes on, as the server, with a connection whose opening handshake was done elsewhere and ended in this agreement: messages may be
    /// sent at once. What the client sent behind its request is to be given to [`Self::receive`].
    ///
    /// Of [`AcceptSettings::handshake`] only the level and threshold of permessage-deflate count; nobody is asked.
    #[must_use]
    pub fn accepted(
        now: Duration,
        settings: Arc<AcceptSettings>,
        agreement: &Agreement,
        entropy: Entropy,
    ) -> Self {
        let echo = settings.echo;
        Self::opened(now, Settings::Accept(settings), echo, agreement, entropy)
    }

    /// Goes on, as the client, with a connection whose opening handshake was done elsewhere and ended in this agreement: messages may be
    /// sent at once. What the server sent behind its response is to be given to [`Self::receive`].
    ///
    /// Of [`DialSettings::handshake`] only the level and threshold of permessage-deflate count.
    #[must_use]
    pub fn dialled(
        now: Duration,
        settings: Arc<DialSettings>,
        agreement: &Agreement,
        entropy: Entropy,
    ) -> Self {
        let echo = settings.echo;
        Self::opened(now, Settings::Dial(settings), echo, agreement, entropy)
    }

    /// Tells the time and acts on it. Call it before the [`Self::receive`] calls of each read, and at [`Self::poll_timeout`]. Write
    /// `out` afterwards.
    ///
    /// Returns how the connection ended, if that was now.
    #[inline]
    pub fn handle_timeout(&mut self, now: Duration, out: &mut Vec<u8>) -> Option<Closed> {
        self.now = now;
        if let Phase::Open(connection) = &mut self.phase {
            return match connection.handle_timeout(now, out) {
                Ok(()) => None,
                Err(error) => Some(self.fail(error)),
            };
        }
        if self.due.is_none_or(|due| due > now) {
            return None;
        }
        if matches!(self.phase, Phase::Draining) {
            self.end();
            return None;
        }
        Some(self.fail_handshake(HandshakeError::Timeout, out))
    }

    /// When to call [`Self::handle_timeout`] at the latest, since the origin that the caller chose. `None`: nothing is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        match &self.phase {
            Phase::Open(connection) => connection.poll_timeout(),
            _ => self.due,
        }
    }

    /// What the server answered, on a client whose handshake is done and whose settings have it
    /// [kept](DialSettings::keep_response). It can be taken once.
    pub fn take_response(&mut self) -> Option<Response> {
        self.response.take().map(|response| *response)
    }

    /// Which side this is.
    #[must_use]
    pub const fn role(&self) -> Role {
        match self.settings {
            Settings::Accept(_) => Role::Server,
            Settings::Dial(_) => Role::Client,
        }
    }

    /// Whether the byte stream is to be ended once the output has been written.
    ///
    /// A client that has closed cleanly waits for the server to end it first, for as long as
    /// [`Timeouts::close`](crate::Timeouts::close) ([RFC 6455 §7.1.1](https://www.rfc-editor.org/rfc/rfc6455#section-7.1.1)).
    #[must_use]
    pub const fn is_finished(&self) -> bool {
        matches!(self.phase, Phase::Ended)
    }

    fn opened(
        now: Duration,
        settings: Settings,
        echo: bool,
        agreement: &Agreement,
        entropy: Entropy,
    ) -> Self {
        let answer_first = match &settings {
            Settings::Accept(settings) => settings.answer_first,
            Settings::Dial(settings) => settings.answer_first,
        };
        let mut session = Self {
            phase: Phase::Ended,
            settings,
            echo,
            entropy,
            now,
            due: None,
            held: Vec::new(),
            response: None,
            answer_first,
            violation: None,
        };
        session.open(agreement, &mut Vec::new());
        session
    }

    fn open(&mut self, agreement: &Agreement, out: &mut Vec<u8>) {
        let (options, deflate) = match &self.settings {
            Settings::Accept(settings) => (settings.connection, settings.handshake.deflate),
            Settings::Dial(settings) => (settings.connection, settings.handshake.deflate),
        };
        let options = Options {
            deflate: deflate.unwrap_or(options.deflate),
            ..options
        };
        let mut connection =
            Connection::new(self.role(), &options, agreement.deflate, self.entropy);
        // A new connection only takes note of the time.
        let _ = connection.handle_timeout(self.now, out);
        self.phase = Phase::Open(Box::new(connection));
        self.due = None;
    }

    /// The open connection was failed.
    #[cold]
    fn fail(&mut self, error: impl Into<SessionError>) -> Closed {
        let initiator = match &self.phase {
            Phase::Open(connection) => connection.initiator(),
            _ => Some(Initiator::Local),
        };
        self.end();
        Closed::failed(initiator.unwrap_or(Initiator::Transport), error.into())
    }

    /// The opening handshake failed: a client is told.
    #[cold]
    fn fail_handshake(&mut self, error: HandshakeError, out: &mut Vec<u8>) -> Closed {
        match &self.phase {
            Phase::Accepting(handshake) => handshake.refuse(&error, out),
            Phase::Asking(request) => request.refuse(&error, out),
            _ => (),
        }
        self.fail(error)
    }

    fn end(&mut self) {
        self.phase = Phase::Ended;
        self.due = None;
        self.held = Vec::new();
    }
}

fn after(now: Duration, timeout: Option<Duration>) -> Option<Duration> {
    now.checked_add(timeout?)
}
