//! Accepts for all threads, and gives each connection to the thread with the fewest.

use std::{
    io,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    sync::{mpsc, watch},
    time::sleep,
};

use super::{
    listener::{Accepted, Listener},
    worker::{Order, Slot},
};

/// The listeners, and where connections go.
///
/// One acceptor rather than a listener per thread: the kernel would spread connections by hash, which leaves some threads with
/// twice the work of others when connections are few and live long, and it cannot do so for Unix sockets at all.
pub(super) struct Acceptor {
    listeners: Vec<Listener>,
    workers: Vec<Target>,
    total: Arc<AtomicUsize>,
    max: usize,
}

/// A thread that serves.
pub(super) struct Target {
    sender: mpsc::UnboundedSender<(Accepted, Slot)>,
    connections: Arc<AtomicUsize>,
}

impl Target {
    pub(super) fn new(sender: mpsc::UnboundedSender<(Accepted, Slot)>) -> Self {
        Self {
            sender,
            connections: Arc::default(),
        }
    }
}

impl Acceptor {
    pub(super) fn new(listeners: Vec<Listener>, workers: Vec<Target>, max: usize) -> Self {
        Self {
            listeners,
            workers,
            total: Arc::default(),
            max,
        }
    }

    /// Accepts on this thread's runtime until the server goes away.
    pub(super) fn start(mut self, orders: &watch::Receiver<Order>) -> io::Result<()> {
        let listeners = std::mem::take(&mut self.listeners)
            .into_iter()
            .map(Listener::register)
            .collect::<io::Result<Vec<_>>>()?;
        let shared = Rc::new(self);
        for listener in listeners {
            let acceptor = Rc::clone(&shared);
            let mut orders = orders.clone();
            tokio::task::spawn_local(async move {
                tokio::select! {
                    biased;
                    _ = orders.wait_for(|order| *order > Order::Serve) => {}
                    () = acceptor.accept(&listener) => {}
                }
            });
        }
        Ok(())
    }

    async fn accept(&self, listener: &Listener) {
        let mut refused: Option<Instant> = None;
        loop {
            match listener.accept().await {
                Ok(accepted) => {
                    if self.total.load(Ordering::Relaxed) < self.max {
                        self.hand_over(accepted);
                    } else if refused.is_none_or(|last| last.elapsed() > SAY_AGAIN) {
                        refused = Some(Instant::now());
                        tracing::warn!(
                            max = self.max,
                            "new connections are closed: there are as many as `--max-connections` allows"
                        );
                    }
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    // Out of descriptors or memory: the queue keeps until some are free.
                    tracing::warn!("cannot accept: {error}");
                    sleep(PAUSE).await;
                }
            }
        }
    }

    fn hand_over(&self, accepted: Accepted) {
        let fewest = self
            .workers
            .iter()
            .min_by_key(|worker| worker.connections.load(Ordering::Relaxed));
        if let Some(worker) = fewest {
            let slot = Slot::new(&self.total, &worker.connections);
            // A thread that has ended serves nobody; the server is going away.
            let _ = worker.sender.send((accepted, slot));
        }
    }
}

/// Whether the error is about the connection that was being accepted, and not about accepting.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
            | io::ErrorKind::NotConnected
            | io::ErrorKind::InvalidInput
    )
}

const PAUSE: Duration = Duration::from_millis(50);

const SAY_AGAIN: Duration = Duration::from_secs(10);
