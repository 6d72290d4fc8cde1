//! What clients send, on its way to a process that may be slower.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use sockeye_host::Sender;
use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    sync::mpsc,
};

/// Where the connection leaves what its client sends. The client is gone when this is dropped.
pub(super) struct Input {
    queue: mpsc::UnboundedSender<Vec<u8>>,
    backlog: Arc<Backlog>,
}

/// Where its process takes it from.
pub(super) struct Queue {
    queue: mpsc::UnboundedReceiver<Vec<u8>>,
    backlog: Arc<Backlog>,
}

/// The bytes in between, by which the connection is told to wait.
struct Backlog {
    size: AtomicUsize,
    connection: Sender,
}

impl Input {
    pub(super) fn new(connection: Sender) -> (Self, Queue) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let backlog = Arc::new(Backlog {
            size: AtomicUsize::new(0),
            connection,
        });
        let input = Self {
            queue: sender,
            backlog: Arc::clone(&backlog),
        };
        let queue = Queue {
            queue: receiver,
            backlog,
        };
        (input, queue)
    }

    /// Takes what is to be written. The connection reads no more while much waits.
    pub(super) fn push(&self, data: Vec<u8>) {
        let added = data.len() + OVERHEAD;
        let before = self.backlog.size.fetch_add(added, Ordering::SeqCst);
        // The process has ended, and the connection is about to.
        let _ = self.queue.send(data);
        if before + added > HIGH {
            self.backlog.connection.pause();
            // It may have been taken meanwhile, by somebody who saw no need to resume.
            if self.backlog.size.load(Ordering::SeqCst) < LOW {
                self.backlog.connection.resume();
            }
        }
    }
}

impl Queue {
    /// Writes what comes until the client is gone, and ends `stdin` then. A process that has closed its side is spared the rest.
    pub(super) async fn feed(mut self, stdin: impl AsyncWrite + Unpin) {
        let mut stdin = Some(stdin);
        while let Some(data) = self.queue.recv().await {
            if let Some(open) = &mut stdin
                && open.write_all(&data).await.is_err()
            {
                stdin = None;
            }
            let taken = data.len() + OVERHEAD;
            let before = self.backlog.size.fetch_sub(taken, Ordering::SeqCst);
            if before - taken < LOW {
                self.backlog.connection.resume();
            }
        }
    }
}

/// Bytes of backlog above which the connection waits, and below which it goes on.
const HIGH: usize = 1 << 20;
const LOW: usize = 1 << 19;

/// What an empty message takes.
const OVERHEAD: usize = 64;
