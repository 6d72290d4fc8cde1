//! The server: listeners, threads, and their orderly end.

mod acceptor;
mod connection;
mod listener;
mod thread;
mod worker;

use std::{
    error, fmt, io,
    num::NonZeroUsize,
    sync::{Arc, mpsc as std_mpsc},
    thread::{JoinHandle, available_parallelism, sleep},
    time::{Duration, Instant},
};

use tokio::sync::{mpsc, watch};

pub use listener::Address;
pub(crate) use {thread::runtime, worker::Worker};

use acceptor::{Acceptor, Target};
use listener::Listener;
use thread::Thread;
use worker::Order;

use crate::{
    engine::{Engine, EngineError},
    handler::{Event, OnEvent, Peer},
    options::{Deliver, UpgradeOptions},
    page::{Page, Pages},
    transport::TlsAcceptor,
};

/// A running server. It runs on threads of its own until [`Server::shutdown`], or until it is dropped.
#[derive(Debug)]
pub struct Server {
    addresses: Vec<Address>,
    order: watch::Sender<Order>,
    threads: Vec<JoinHandle<()>>,
}

impl Server {
    /// A server to be configured.
    pub fn builder(engine: Engine) -> ServerBuilder {
        ServerBuilder {
            engine,
            addresses: Vec::new(),
            tls: None,
            options: UpgradeOptions::default(),
            threads: None,
            max_connections: 16_384,
            on_event: None,
            pages: None,
        }
    }

    /// Where it listens, with real port numbers.
    #[must_use]
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// Stops accepting, closes every connection with code 1001, and gives them this long to end. Returns whether all of them did.
    pub fn shutdown(self, drain: Duration) -> bool {
        self.go_away();
        let deadline = Instant::now() + drain;
        let mut clean = true;
        while self.threads.iter().any(|thread| !thread.is_finished()) {
            if Instant::now() >= deadline {
                clean = false;
                break;
            }
            sleep(Duration::from_millis(2));
        }
        drop(self);
        clean
    }

    /// The first part of [`Server::shutdown`]: what follows can be waited for in one's own way, and is cut short by dropping the server.
    pub fn go_away(&self) {
        self.order.send_replace(Order::GoAway);
    }

    /// Whether every connection has ended after [`Server::go_away`].
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.threads.iter().all(JoinHandle::is_finished)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.order.send_replace(Order::Stop);
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so.
            let _ = thread.join();
        }
    }
}

/// Settings of a server. [`ServerBuilder::start`] makes it run.
#[must_use]
pub struct ServerBuilder {
    engine: Engine,
    addresses: Vec<Address>,
    tls: Option<TlsAcceptor>,
    options: UpgradeOptions,
    threads: Option<NonZeroUsize>,
    max_connections: usize,
    on_event: Option<OnEvent>,
    pages: Option<Pages>,
}

impl ServerBuilder {
    /// Listens here too.
    pub fn listen(mut self, address: Address) -> Self {
        self.addresses.push(address);
        self
    }

    /// Speaks TLS on every TCP address.
    pub fn tls(mut self, acceptor: TlsAcceptor) -> Self {
        self.tls = Some(acceptor);
        self
    }

    /// How connections are treated.
    pub fn options(mut self, options: UpgradeOptions) -> Self {
        self.options = options;
        self
    }

    /// Threads that serve. Default: one per core.
    pub fn threads(mut self, threads: NonZeroUsize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Connections at a time. Those beyond are accepted and closed at once, so that clients and load balancers learn of it without
    /// waiting. Default 16,384.
    pub fn max_connections(mut self, max: usize) -> Self {
        self.max_connections = max;
        self
    }

    /// The application: called with every event of every connection. Without one the server echoes messages.
    pub fn on_event(
        mut self,
        handler: impl Fn(Event, &mut Peer<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.on_event = Some(Arc::new(handler));
        self.options.deliver = Deliver::Report;
        self
    }

    /// Answers GET and HEAD requests that are no WebSocket handshakes: called with the path, without the query. `None` is answered with
    /// status 404. Without this such requests are refused with status 426.
    ///
    /// Each is the only one of its connection. Its head has the bounds of an opening handshake on size and time. Pages may load from,
    /// and connect to, this server and no other: a `Content-Security-Policy` says so.
    pub fn pages(mut self, pages: impl Fn(&str) -> Option<Page> + Send + Sync + 'static) -> Self {
        self.pages = Some(Arc::new(pages));
        self
    }

    /// Listens and serves. Clients can connect when this returns.
    ///
    /// # Errors
    ///
    /// An address cannot be listened on, or the component refuses an option.
    pub fn start(mut self) -> Result<Server, ServerError> {
        self.options.deliver = match self.on_event {
            Some(_) => Deliver::Report,
            None => Deliver::Echo,
        };
        // Nobody would answer.
        self.options.ask &= self.on_event.is_some();
        let listeners = self
            .addresses
            .iter()
            .map(|address| {
                Listener::bind(address).map_err(|error| ServerError::Listen(address.clone(), error))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let addresses = listeners
            .iter()
            .map(|listener| listener.address.clone())
            .collect();
        let (order, orders) = watch::channel(Order::Serve);
        let mut server = Server {
            addresses,
            order,
            threads: Vec::new(),
        };
        let count = self
            .threads
            .or_else(|| available_parallelism().ok())
            .map_or(1, NonZeroUsize::get);
        let (ready, started) = std_mpsc::channel();
        let mut workers = Vec::new();
        let mut threads = Vec::new();
        for _ in 0..count {
            let (sender, receiver) = mpsc::unbounded_channel();
            workers.push(Target::new(sender));
            threads.push(receiver);
        }
        let mut acceptor = Some(Acceptor::new(listeners, workers, self.max_connections));
        let shared = Arc::new(self);
        for (index, connections) in threads.into_iter().enumerate() {
            let thread = Thread {
                settings: Arc::clone(&shared),
                acceptor: acceptor.take(),
                connections,
                orders: orders.clone(),
                ready: ready.clone(),
            };
            let handle = std::thread::Builder::new()
                .name(format!("sockeye-{index}"))
                .spawn(move || thread.run())
                .map_err(ServerError::Thread)?;
            server.threads.push(handle);
        }
        for _ in 0..count {
            match started.recv() {
                Ok(result) => result?,
                Err(_) => return Err(ServerError::Thread(io::ErrorKind::Other.into())),
            }
        }
        Ok(server)
    }
}

impl fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerBuilder")
            .field("engine", &self.engine)
            .field("addresses", &self.addresses)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// Why a server does not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServerError {
    /// This address cannot be listened on.
    Listen(Address, io::Error),
    /// A thread or its runtime could not be started.
    Thread(io::Error),
    /// The engine cannot serve.
    Engine(EngineError),
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen(address, error) => match error.kind() {
                io::ErrorKind::AddrInUse => {
                    write!(
                        f,
                        "cannot listen on {address}: another program does already"
                    )
                }
                _ => write!(f, "cannot listen on {address}: {error}"),
            },
            Self::Thread(error) => write!(f, "cannot start a thread: {error}"),
            Self::Engine(error) => error.fmt(f),
        }
    }
}

impl error::Error for ServerError {}
