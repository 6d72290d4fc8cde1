//! Sessions: from the opening handshake to the end of the byte stream, in virtual time.

#[path = "../common/mod.rs"]
mod common;

mod asking;
mod batches;
mod ending;
mod opened;
mod opening;

use core::time::Duration;
use std::sync::Arc;

use common::{ROLES, close_payload, entropy, from, to};
use sockeye::{
    AcceptSettings, Agreement, AnswerError, CloseCode, CloseFrame, Closed, Delivery, DialOptions,
    DialSettings, ExtraHeaders, HandshakeError, Initiator, InvalidOption, Limits, Message,
    MessageKind, OriginPolicy, Part, PreparedMessage, ProtocolError, Role, SendError, Session,
    SessionError, SessionEvent, State, UpgradeOptions,
};

/// The origin of the clock has nothing to do with the beginning of a session.
const ORIGIN: u64 = 1_000_000;

const REQUEST: &[u8] = b"GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://server.example.com\r\n\
    Sec-WebSocket-Protocol: chat, superchat\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// What accepts the key of a client that draws zeros.
const RESPONSE: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n\r\n";

/// A session with its output, as something that drives it holds it.
struct Peer {
    session: Session,
    out: Vec<u8>,
}

impl Peer {
    fn accept(set: impl FnOnce(&mut AcceptSettings)) -> Self {
        let mut settings = AcceptSettings::new(UpgradeOptions::new());
        set(&mut settings);
        Self {
            session: Session::accept(at(0), Arc::new(settings), entropy),
            out: Vec::new(),
        }
    }

    fn dial(set: impl FnOnce(&mut DialSettings)) -> Self {
        let options = DialOptions::new("server.example.com", "/chat").unwrap();
        let mut settings = DialSettings::new(options);
        set(&mut settings);
        let mut out = Vec::new();
        let session = Session::dial(at(0), Arc::new(settings), entropy, &mut out);
        assert!(out.starts_with(b"GET /chat HTTP/1.1\r\nHost: server.example.com\r\n"));
        out.clear();
        Self { session, out }
    }

    /// A peer of this role whose opening handshake is done, at second 0.
    fn open(role: Role) -> Self {
        let mut peer = match role {
            Role::Server => Self::accept(|_| ()),
            Role::Client => Self::dial(|_| ()),
        };
        let events = peer.read(0, opening(role));
        assert!(
            matches!(&events[..], [SessionEvent::Opened(_)]),
            "{events:?}"
        );
        peer.out.clear();
        peer
    }

    /// A server that has reported a request.
    fn asking() -> Self {
        let mut peer = Self::accept(|settings| settings.ask = true);
        let events = peer.read(1, REQUEST);
        let [SessionEvent::Request(request)] = &events[..] else {
            panic!("{events:?}");
        };
        assert_eq!(request.target(), "/chat");
        assert!(request.subprotocols().eq(["chat", "superchat"]));
        assert!(peer.out.is_empty());
        peer
    }

    /// One read at this second, as a batch.
    fn read(&mut self, seconds: u64, bytes: &[u8]) -> Vec<SessionEvent<'static>> {
        let mut events = Vec::new();
        let mut bytes = bytes.to_vec();
        let Self { session, out } = self;
        session.receive_batch(at(seconds), &mut bytes, out, |event| {
            events.push(owned(event));
        });
        events
    }

    /// The end that a read at this second brought, and what was sent.
    #[track_caller]
    fn end(&mut self, seconds: u64, bytes: &[u8]) -> (Closed, Vec<u8>) {
        let mut events = self.read(seconds, bytes);
        match (events.pop(), &events[..]) {
            (Some(SessionEvent::Closed(closed)), []) => (closed, core::mem::take(&mut self.out)),
            last => panic!("{last:?}"),
        }
    }

    /// When something is due, in seconds since the beginning.
    fn due(&self) -> Option<u64> {
        let due = self.session.poll_timeout()?;
        assert_eq!(due.subsec_nanos(), 0);
        Some(due.as_secs() - ORIGIN)
    }

    /// Whether nothing comes of anything that can be done any more.
    fn is_dead(&mut self) -> bool {
        let frame = to(self.session.role(), 0x81, b"late");
        self.session.is_finished()
            && self.due().is_none()
            && self.read(1_000, &frame).is_empty()
            && !self.session.has_more()
            && self.session.receive_end(None).is_none()
            && self.session.send(Message::text("late"), &mut self.out) == Err(SendError::CloseSent)
            && self.session.close(at(1_000), None, &mut self.out) == Err(SendError::CloseSent)
            && self.out.is_empty()
    }
}

const fn at(seconds: u64) -> Duration {
    Duration::from_secs(ORIGIN + seconds)
}

/// What opens a connection of this role.
const fn opening(role: Role) -> &'static [u8] {
    match role {
        Role::Server => REQUEST,
        Role::Client => RESPONSE,
    }
}

fn owned(event: SessionEvent<'_>) -> SessionEvent<'static> {
    match event {
        SessionEvent::Request(request) => SessionEvent::Request(request),
        SessionEvent::Opened(agreement) => SessionEvent::Opened(agreement),
        SessionEvent::Message(message) => SessionEvent::Message(message.into_owned()),
        SessionEvent::Part(part) => {
            SessionEvent::Part(Part::new(part.kind, part.data.into_owned(), part.fin))
        }
        SessionEvent::Ping(payload) => SessionEvent::Ping(payload.into_owned().into()),
        SessionEvent::Pong(payload) => SessionEvent::Pong(payload.into_owned().into()),
        SessionEvent::Closed(closed) => SessionEvent::Closed(closed),
        event => panic!("{event:?} is new"),
    }
}

/// The texts and binaries among events that are nothing else.
fn messages(events: &[SessionEvent<'_>]) -> Vec<Vec<u8>> {
    let message = |event: &SessionEvent<'_>| match event {
        SessionEvent::Message(message) => message.as_bytes().to_vec(),
        event => panic!("{event:?}"),
    };
    events.iter().map(message).collect()
}

/// Asserts that there was no Close frame, only this error.
#[track_caller]
fn assert_failed(closed: &Closed, initiator: Initiator, error: impl Into<SessionError>) {
    assert_eq!(closed.code, CloseCode::ABNORMAL);
    assert_eq!(closed.reason, "");
    assert_eq!(closed.initiator, initiator);
    assert!(!closed.clean);
    assert_eq!(closed.error, Some(error.into()));
}
