//! One thread: a runtime, the instances of its connections, one read buffer for all of them.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::{Notify, mpsc, watch};

use super::{connection::Task, listener::Accepted};
use crate::{
    engine::Shard,
    handler::OnEvent,
    page::{Front, Pages, Verdict},
    socket::Socket,
    transport::{TlsAcceptor, Transport},
};

/// What the connections of one thread share.
pub(crate) struct Worker<S: Shard> {
    shard: S,
    /// The zero of the protocol's clock.
    origin: Instant,
    /// Each read goes here, and from here straight to the protocol: connections have no buffer of their own.
    pub(super) buffer: RefCell<Box<[u8]>>,
    pub(super) on_event: Option<OnEvent>,
    /// What requests that are no handshakes get.
    pages: Option<Pages>,
    going_away: Cell<bool>,
    sockets: RefCell<HashMap<u64, Rc<Socket>>>,
    /// Told when the last connection leaves.
    empty: Notify,
}

/// What a worker is to do. It goes down the list, never up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Order {
    /// Serve.
    Serve,
    /// Close every connection and wait for them to end.
    GoAway,
    /// End at once.
    Stop,
}

impl<S: Shard> Worker<S> {
    pub(crate) fn new(shard: S, on_event: Option<OnEvent>, pages: Option<Pages>) -> Rc<Self> {
        Rc::new(Self {
            shard,
            origin: Instant::now(),
            buffer: RefCell::new(vec![0; READ_BUFFER].into_boxed_slice()),
            on_event,
            pages,
            going_away: Cell::new(false),
            sockets: RefCell::default(),
            empty: Notify::new(),
        })
    }

    /// Serves what comes until told otherwise.
    pub(crate) async fn run(
        self: Rc<Self>,
        mut connections: mpsc::UnboundedReceiver<(Accepted, Slot)>,
        tls: Option<TlsAcceptor>,
        mut order: watch::Receiver<Order>,
    ) {
        loop {
            tokio::select! {
                biased;
                changed = order.wait_for(|order| *order > Order::Serve) => {
                    if changed.is_ok_and(|order| *order == Order::Stop) {
                        return;
                    }
                    break;
                }
                accepted = connections.recv() => {
                    let Some((accepted, slot)) = accepted else { break };
                    self.serve(accepted, tls.as_ref(), slot);
                    if connections.is_empty() {
                        self.shard.prepare();
                    }
                }
            }
        }
        self.going_away.set(true);
        for socket in self.sockets.borrow().values() {
            socket.wake();
        }
        while !self.sockets.borrow().is_empty() {
            tokio::select! {
                () = self.empty.notified() => {}
                _ = order.wait_for(|order| *order == Order::Stop) => return,
            }
        }
    }

    /// Serves a client in a task of its own.
    fn serve(self: &Rc<Self>, accepted: Accepted, tls: Option<&TlsAcceptor>, slot: Slot) {
        let transport = match accepted.into_transport(tls) {
            Ok(transport) => transport,
            Err(error) => {
                tracing::warn!("an accepted socket cannot be used: {error}");
                return;
            }
        };
        let socket = Rc::new(Socket::new(transport));
        // A failure has been logged.
        if let Ok(opened) = self.shard.accept(self.now(), &socket) {
            self.spawn(socket, opened, slot);
        }
    }

    pub(crate) fn spawn(
        self: &Rc<Self>,
        socket: Rc<Socket>,
        opened: (
            S::Connection,
            crate::bindings::sockeye::websocket::types::Step,
        ),
        slot: Slot,
    ) -> tokio::task::JoinHandle<()> {
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        self.sockets.borrow_mut().insert(id, Rc::clone(&socket));
        let front = self.pages.as_ref().map(|_| Box::<Front>::default());
        tokio::task::spawn_local(Task::new(Rc::clone(self), socket, id, front, slot, opened))
    }

    /// Opens a connection on a connected stream. The error is a sentence.
    pub(crate) fn dial(
        self: &Rc<Self>,
        transport: Transport,
        options: &crate::DialOptions,
    ) -> Result<(Rc<Socket>, tokio::task::JoinHandle<()>), String> {
        let socket = Rc::new(Socket::new(transport));
        let opened = self.shard.dial(self.now(), &socket, options)?;
        let task = self.spawn(Rc::clone(&socket), opened, Slot::default());
        Ok((socket, task))
    }

    /// A connection has ended.
    pub(super) fn forget(&self, id: u64) {
        let mut sockets = self.sockets.borrow_mut();
        sockets.remove(&id);
        if sockets.is_empty() {
            self.empty.notify_one();
        }
    }

    /// Gives `front` what has been read.
    pub(super) fn receive_head(&self, front: &mut Front, bytes: &[u8]) -> Verdict {
        match &self.pages {
            Some(pages) => front.receive(bytes, pages),
            None => Verdict::Protocol(bytes.to_vec()),
        }
    }

    pub(super) fn is_going_away(&self) -> bool {
        self.going_away.get()
    }

    /// Nanoseconds since the origin: the protocol's clock.
    #[inline]
    pub(super) fn now(&self) -> u64 {
        self.origin.elapsed().as_nanos() as u64
    }

    pub(super) fn instant(&self, nanoseconds: u64) -> tokio::time::Instant {
        (self.origin + Duration::from_nanos(nanoseconds)).into()
    }
}

/// The place of a connection under the limits; given back when dropped.
#[derive(Debug, Default)]
pub(crate) struct Slot(Option<Arc<AtomicUsize>>, Option<Arc<AtomicUsize>>);

impl Slot {
    /// Counts a connection in the server and in one of its workers.
    pub(crate) fn new(server: &Arc<AtomicUsize>, worker: &Arc<AtomicUsize>) -> Self {
        for count in [server, worker] {
            count.fetch_add(1, Ordering::Relaxed);
        }
        Self(Some(Arc::clone(server)), Some(Arc::clone(worker)))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        for count in [&self.0, &self.1].into_iter().flatten() {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// Bytes taken in one read, by one connection at a time.
const READ_BUFFER: usize = 128 << 10;
