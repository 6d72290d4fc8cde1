//! A client that its owner drives: events out, messages in.

use std::{
    fmt,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use sockeye_tokio::Transport as Stream;
use tokio::{sync::mpsc, task::JoinHandle};

use super::DialError;
use crate::{
    engine::{Engine, InstancePool, Kind, NativeShard, Shard},
    handler::{Event, OnEvent, Sender},
    options::DialOptions,
    server::Worker,
    socket::Socket,
    transport::{DialedStream, Heads, SharedHeads, Transport},
};

/// A client's connection on any byte stream, driven by a task of the current thread. Dropping it drops the connection.
///
/// Call [`next`](Self::next) until it returns `None`; send through [`sender`](Self::sender). While a few events wait to be taken,
/// nothing more is read from the stream, so that memory stays bounded and the peer feels it.
///
/// # Examples
///
/// ```no_run
/// use sockeye_host::{Client, DialOptions, Engine, Event, Message};
/// use tokio::{net::TcpStream, runtime::{Builder, LocalOptions}};
///
/// let engine = Engine::native();
/// let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
/// runtime.block_on(async {
///     let stream = TcpStream::connect("127.0.0.1:8080").await?;
///     let mut client = Client::open(&engine, stream.into(), &DialOptions::new("127.0.0.1:8080", "/"))?;
///     while let Some(event) = client.next().await {
///         match event {
///             Event::Opened(_) => _ = client.sender().send(Message::text("Hello")),
///             Event::Message(message) => {
///                 println!("{}", String::from_utf8_lossy(&message.data));
///                 client.sender().close(None);
///             }
///             _ => {}
///         }
///     }
///     Ok::<(), Box<dyn std::error::Error>>(())
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Client {
    events: mpsc::UnboundedReceiver<Event>,
    /// Bytes of events that wait to be taken.
    size: Arc<AtomicUsize>,
    socket: Rc<Socket>,
    sender: Sender,
    heads: SharedHeads,
    task: JoinHandle<()>,
}

impl Client {
    /// Begins a connection on a connected `stream`, to be called on a tokio runtime whose tasks stay on their thread (`LocalRuntime` or
    /// `LocalSet`). [`Event::Opened`] or [`Event::Closed`] tells what came of the handshake.
    ///
    /// # Errors
    ///
    /// The connection could not be begun: a bad option, or no instance. What the peer does wrong is reported by an event.
    pub fn open(engine: &Engine, stream: Stream, options: &DialOptions) -> Result<Self, DialError> {
        match &engine.0 {
            Kind::Component(engine) => {
                let pool = InstancePool::new(Arc::clone(engine), None);
                Self::on(pool.map_err(DialError::Engine)?, stream, options)
            }
            Kind::Native => {
                let shard = NativeShard::new(None).map_err(DialError::Engine)?;
                Self::on(shard, stream, options)
            }
        }
    }

    /// Waits for what happens next. The last event is [`Event::Closed`], and `None` follows; `None` without it: the instance of the
    /// component failed, which has been logged.
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Event> {
        let event = self.events.recv().await?;
        let size = size(&event);
        let left = self.size.fetch_sub(size, Ordering::Relaxed) - size;
        if left <= QUEUE / 2 {
            self.socket.set_paused(false);
        }
        Some(event)
    }

    /// Waits until what was written has been delivered and the stream is closed, a few seconds at most. To be called after the last event.
    pub async fn finish(&mut self) {
        // A task that panicked has nothing more to deliver.
        let _ = (&mut self.task).await;
    }

    /// Sends on this connection, from anywhere.
    #[must_use]
    pub const fn sender(&self) -> &Sender {
        &self.sender
    }

    /// The opening handshake as far as it has gone.
    #[must_use]
    pub fn heads(&self) -> Heads {
        self.heads.borrow().clone()
    }

    fn on<S: Shard>(shard: S, stream: Stream, options: &DialOptions) -> Result<Self, DialError> {
        let heads = SharedHeads::default();
        let stream = DialedStream::new(stream, Rc::clone(&heads));
        let waiting = Arc::new(AtomicUsize::new(0));
        let (sender, events) = mpsc::unbounded_channel();
        let counted = Arc::clone(&waiting);
        // Unbounded, because a step's events cannot wait; the pause bounds it to `QUEUE` and what one read brings.
        let on_event: OnEvent = Arc::new(move |event, peer| {
            let size = size(&event);
            if counted.fetch_add(size, Ordering::Relaxed) + size > QUEUE {
                peer.pause();
            }
            // An owner that is gone drops the task too.
            let _ = sender.send(event);
        });
        let worker = Worker::new(shard, Some(on_event), None);
        let (socket, task) = worker
            .dial(Transport::Dialed(Box::new(stream)), options)
            .map_err(DialError::Options)?;
        let sender = Sender(Arc::clone(socket.outbox()));
        Ok(Self {
            events,
            size: waiting,
            socket,
            sender,
            heads,
            task,
        })
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

/// What an event takes while it waits.
fn size(event: &Event) -> usize {
    let payload = match event {
        Event::Message(message) => message.data.len(),
        Event::Ping(payload) | Event::Pong(payload) => payload.len(),
        _ => 0,
    };
    payload + size_of::<Event>()
}

/// Bytes of events that may wait before nothing more is read.
const QUEUE: usize = 1 << 20;
