//! What an application sees of a connection: events in, messages out.

use std::{
    fmt,
    rc::Rc,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
};

use crate::socket::Socket;

pub use crate::bindings::sockeye::websocket::types::{
    Agreement, CloseFrame, Closed, Event, Initiator, Message, MessageKind,
};

/// What is called with each event of each connection, on the thread that serves it.
pub(crate) type OnEvent = Arc<dyn Fn(Event, &mut Peer<'_>) + Send + Sync>;

impl Message {
    /// A text message.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            kind: MessageKind::Text,
            data: text.into().into_bytes(),
        }
    }

    /// A binary message.
    pub fn binary(data: impl Into<Vec<u8>>) -> Self {
        Self {
            kind: MessageKind::Binary,
            data: data.into(),
        }
    }
}

/// The connection that an event is about.
///
/// What is sent here leaves when the events of one read have been handled, in one write where possible.
pub struct Peer<'a> {
    id: u64,
    socket: &'a Rc<Socket>,
    commands: &'a mut Vec<Command>,
}

impl<'a> Peer<'a> {
    pub(crate) const fn new(
        id: u64,
        socket: &'a Rc<Socket>,
        commands: &'a mut Vec<Command>,
    ) -> Self {
        Self {
            id,
            socket,
            commands,
        }
    }

    /// Sends a message.
    pub fn send(&mut self, message: Message) {
        self.commands.push(Command::Send(message));
    }

    /// Sends a Ping with up to 125 bytes of payload.
    pub fn ping(&mut self, payload: Vec<u8>) {
        self.commands.push(Command::Ping(payload));
    }

    /// Begins to close. Nothing can be sent afterwards.
    pub fn close(&mut self, frame: Option<CloseFrame>) {
        self.commands.push(Command::Close(frame));
    }

    /// A number that no other connection of this process has or had.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// Sends to this connection later and from any thread.
    #[must_use]
    pub fn sender(&self) -> Sender {
        Sender(Arc::clone(self.socket.outbox()))
    }
}

impl fmt::Debug for Peer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Sends to one connection from anywhere. Cheap to clone.
///
/// What is sent to a slow peer waits in memory: [`Sender::waiting`] tells how much, and an application decides when it is too much.
#[derive(Clone)]
pub struct Sender(Arc<Outbox>);

impl Sender {
    /// Sends a message; `false` when the connection is gone.
    pub fn send(&self, message: Message) -> bool {
        self.0.push(Command::Send(message))
    }

    /// Begins to close; `false` when the connection is gone.
    pub fn close(&self, frame: Option<CloseFrame>) -> bool {
        self.0.push(Command::Close(frame))
    }

    /// Bytes of messages that the connection has not taken yet.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.lock().size
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sender")
    }
}

/// Something that an application wants done with its connection.
pub(crate) enum Command {
    Send(Message),
    Ping(Vec<u8>),
    Close(Option<CloseFrame>),
}

/// Where other threads leave commands for a connection.
pub(crate) struct Outbox(Mutex<Waiting>);

struct Waiting {
    commands: Vec<Command>,
    size: usize,
    waker: Option<Waker>,
    closed: bool,
}

impl Outbox {
    pub(crate) const fn new(waker: Option<Waker>) -> Self {
        Self(Mutex::new(Waiting {
            commands: Vec::new(),
            size: 0,
            waker,
            closed: false,
        }))
    }

    pub(crate) fn set_waker(&self, waker: &Waker) {
        self.lock().waker = Some(waker.clone());
    }

    /// Takes what has been left, in order.
    pub(crate) fn take(&self) -> Vec<Command> {
        let mut waiting = self.lock();
        waiting.size = 0;
        std::mem::take(&mut waiting.commands)
    }

    /// The connection is gone.
    pub(crate) fn close(&self) {
        let mut waiting = self.lock();
        waiting.closed = true;
        waiting.commands = Vec::new();
        waiting.size = 0;
        waiting.waker = None;
    }

    fn push(&self, command: Command) -> bool {
        let mut waiting = self.lock();
        if waiting.closed {
            return false;
        }
        if let Command::Send(message) = &command {
            waiting.size += message.data.len();
        }
        waiting.commands.push(command);
        // One wake-up for all that gathers until the connection looks.
        if waiting.commands.len() == 1
            && let Some(waker) = &waiting.waker
        {
            waker.wake_by_ref();
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing that panics runs under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
