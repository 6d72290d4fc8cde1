//! What an application sees of a connection: events in, messages out.

use std::{
    fmt, mem,
    net::SocketAddr,
    rc::Rc,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
};

use tokio::sync::Notify;

use crate::socket::Socket;

pub use crate::bindings::sockeye::websocket::types::{
    Agreement, CloseFrame, Closed, Event, Initiator, Message, MessageKind, Request,
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

    /// Lets in the client whose [`Event::Request`] this is, with this subprotocol, which it must have offered, and these header fields in
    /// the response. A client that cannot be let in like that is refused with status 500, and the reason is logged.
    pub fn admit(&mut self, subprotocol: Option<&str>, headers: Vec<(String, String)>) {
        self.commands.push(Command::Admit {
            subprotocol: subprotocol.map(str::to_owned),
            headers,
        });
    }

    /// Refuses the client whose [`Event::Request`] this is, with an HTTP status from 400 to 599 and a body of plain text.
    pub fn refuse(&mut self, status: u16, body: impl Into<String>) {
        self.commands.push(Command::Refuse {
            status,
            body: body.into(),
        });
    }

    /// Sends a message.
    pub fn send(&mut self, message: Message) {
        self.commands.push(Command::Send(message));
    }

    /// Sends a Ping with up to 125 bytes of payload.
    pub fn ping(&mut self, payload: Vec<u8>) {
        self.commands.push(Command::Ping(payload));
    }

    /// Sends a Pong that answers nothing, with up to 125 bytes of payload. Pings are answered without it.
    pub fn pong(&mut self, payload: Vec<u8>) {
        self.commands.push(Command::Pong(payload));
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

    /// Where the client connects from. `None` for a Unix socket, and when it has gone already.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.socket.peer_address()
    }

    /// Sends to this connection later and from any thread.
    #[must_use]
    pub fn sender(&self) -> Sender {
        Sender(Arc::clone(self.socket.outbox()))
    }

    /// Has nothing more read until [`Socket::set_paused`] says otherwise, also while the connection closes.
    pub(crate) fn pause(&self) {
        self.socket.set_paused(true);
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
/// What is sent to a slow peer waits in memory: [`Sender::waiting`] tells how much, and an application decides when it is too much. It
/// then holds back until [`Sender::drained`], or gives the peer up with [`Sender::abandon`].
#[derive(Clone)]
pub struct Sender(pub(crate) Arc<Outbox>);

impl Sender {
    /// Sends a message; `false` when the connection is closing or gone.
    pub fn send(&self, message: Message) -> bool {
        self.0.push(Command::Send(message))
    }

    /// Sends a Ping with up to 125 bytes of payload; `false` when the connection is closing or gone.
    pub fn ping(&self, payload: Vec<u8>) -> bool {
        self.0.push(Command::Ping(payload))
    }

    /// Sends a Pong that answers nothing, with up to 125 bytes of payload; `false` when the connection is closing or gone.
    pub fn pong(&self, payload: Vec<u8>) -> bool {
        self.0.push(Command::Pong(payload))
    }

    /// Begins to close once what waits has been sent; `false` when the connection is closing or gone.
    pub fn close(&self, frame: Option<CloseFrame>) -> bool {
        self.0.push(Command::Close(frame))
    }

    /// Begins to close a peer that is too slow: throws away what waits, and drops the connection if the peer does not take the
    /// Close frame within 5 s. `false` when the connection is closing or gone.
    pub fn abandon(&self, frame: Option<CloseFrame>) -> bool {
        self.0.abandon(frame)
    }

    /// Bytes of memory held by messages that the connection has not taken yet. Once it takes them it holds them itself, as long as the
    /// peer does not read, so that at most twice the largest value that the application allows is held for a connection.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.lock().size
    }

    /// Waits until fewer than `limit` bytes of messages wait; `false` when the connection is closing or gone. A sender that waits for it
    /// before each message never holds more than `limit` and one message.
    pub async fn ready(&self, limit: usize) -> bool {
        loop {
            // Before the look: what happens in between is not missed.
            let taken = self.0.taken.notified();
            {
                let waiting = self.0.lock();
                if waiting.closed {
                    return false;
                }
                if waiting.size < limit {
                    return true;
                }
            }
            taken.await;
        }
    }

    /// Waits until the connection has taken everything that waits, or is gone.
    pub async fn drained(&self) {
        loop {
            // Before the look: what happens in between is not missed.
            let taken = self.0.taken.notified();
            if self.waiting() == 0 {
                return;
            }
            taken.await;
        }
    }

    /// Reads no more from the peer until [`Sender::resume`]: how an application that is slower than its peer makes it wait. Messages
    /// that have been read already are still reported, at most one batch of 1 MiB and one message more.
    ///
    /// Answers to Pings are not read either: a pause that outlasts [`UpgradeOptions::ping_interval`](crate::UpgradeOptions) by 20 s ends
    /// the connection.
    pub fn pause(&self) {
        self.0.set_paused(true);
    }

    /// Reads again.
    pub fn resume(&self) {
        self.0.set_paused(false);
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sender")
    }
}

/// Something that an application wants done with its connection.
pub(crate) enum Command {
    Admit {
        subprotocol: Option<String>,
        headers: Vec<(String, String)>,
    },
    Refuse {
        status: u16,
        body: String,
    },
    Send(Message),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<CloseFrame>),
}

/// Where other threads leave commands for a connection.
pub(crate) struct Outbox {
    waiting: Mutex<Waiting>,
    /// Told when what waits has been taken.
    taken: Notify,
}

struct Waiting {
    commands: Vec<Command>,
    size: usize,
    waker: Option<Waker>,
    paused: bool,
    /// What has been taken before is to be thrown away too.
    abandoned: bool,
    /// Nothing may follow.
    closed: bool,
}

/// What a connection has to know beside its commands.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Notice {
    /// Nothing is to be read.
    pub(crate) paused: bool,
    /// The peer has a last chance to take what is sent to it. Said once.
    pub(crate) abandoned: bool,
}

impl Outbox {
    pub(crate) fn new(waker: Option<Waker>) -> Self {
        Self {
            waiting: Mutex::new(Waiting {
                commands: Vec::new(),
                size: 0,
                waker,
                paused: false,
                abandoned: false,
                closed: false,
            }),
            taken: Notify::new(),
        }
    }

    pub(crate) fn set_waker(&self, waker: &Waker) {
        self.lock().waker = Some(waker.clone());
    }

    /// Moves what has been left to `commands`, in order, unless there are some already.
    pub(crate) fn take(&self, commands: &mut Vec<Command>) -> Notice {
        let mut waiting = self.lock();
        let notice = Notice {
            paused: waiting.paused,
            abandoned: mem::take(&mut waiting.abandoned),
        };
        if notice.abandoned {
            commands.clear();
        }
        if commands.is_empty() && !waiting.commands.is_empty() {
            mem::swap(commands, &mut waiting.commands);
            waiting.size = 0;
            self.taken.notify_waiters();
        }
        notice
    }

    /// The connection is gone.
    pub(crate) fn close(&self) {
        let mut waiting = self.lock();
        waiting.closed = true;
        waiting.commands = Vec::new();
        waiting.size = 0;
        waiting.waker = None;
        self.taken.notify_waiters();
    }

    fn push(&self, command: Command) -> bool {
        let mut waiting = self.lock();
        if waiting.closed {
            return false;
        }
        match &command {
            Command::Send(message) => {
                waiting.size += message.data.len() + size_of::<Command>();
            }
            Command::Close(_) => {
                waiting.closed = true;
                // The answer has to be read.
                waiting.paused = false;
            }
            _ => {}
        }
        waiting.commands.push(command);
        // One wake-up for all that gathers until the connection looks.
        if waiting.commands.len() == 1 {
            waiting.wake();
        }
        true
    }

    fn abandon(&self, frame: Option<CloseFrame>) -> bool {
        let mut waiting = self.lock();
        if waiting.closed {
            return false;
        }
        waiting.commands = vec![Command::Close(frame)];
        waiting.size = 0;
        waiting.paused = false;
        waiting.abandoned = true;
        waiting.closed = true;
        waiting.wake();
        self.taken.notify_waiters();
        true
    }

    fn set_paused(&self, paused: bool) {
        let mut waiting = self.lock();
        if waiting.closed || waiting.paused == paused {
            return;
        }
        waiting.paused = paused;
        if !paused {
            waiting.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing that panics runs under the lock.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn wake(&self) {
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }
}
