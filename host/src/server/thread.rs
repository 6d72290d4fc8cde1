//! How a thread of the server starts.

use std::{
    io,
    sync::{Arc, mpsc as std_mpsc},
};

use tokio::{
    runtime::{Builder, LocalOptions, LocalRuntime},
    sync::{mpsc, watch},
};

use super::{
    ServerBuilder, ServerError, Worker,
    acceptor::Acceptor,
    listener::Accepted,
    worker::{Order, Slot},
};
use crate::engine::{InstancePool, Kind, NativeShard, Shard};

/// What one thread is started with.
pub(super) struct Thread {
    pub(super) settings: Arc<ServerBuilder>,
    /// The first thread accepts for all of them.
    pub(super) acceptor: Option<Acceptor>,
    pub(super) connections: mpsc::UnboundedReceiver<(Accepted, Slot)>,
    pub(super) orders: watch::Receiver<Order>,
    pub(super) ready: std_mpsc::Sender<Result<(), ServerError>>,
}

impl Thread {
    /// Serves until ordered to stop.
    pub(super) fn run(self) {
        let ready = self.ready.clone();
        let settings = Arc::clone(&self.settings);
        let options = settings.options.clone();
        let result = match &settings.engine.0 {
            Kind::Component(engine) => InstancePool::new(Arc::clone(engine), Some(options))
                .map_err(ServerError::Engine)
                .and_then(|pool| self.serve(pool)),
            Kind::Native => NativeShard::new(Some(&options))
                .map_err(ServerError::Engine)
                .and_then(|shard| self.serve(shard)),
        };
        if let Err(error) = result {
            // Nobody listens any more when another thread could not start either.
            let _ = ready.send(Err(error));
        }
    }

    fn serve<S: Shard>(self, shard: S) -> Result<(), ServerError> {
        let runtime = runtime().map_err(ServerError::Thread)?;
        runtime.block_on(async move {
            if let Some(acceptor) = self.acceptor {
                acceptor.start(&self.orders).map_err(ServerError::Thread)?;
            }
            let _ = self.ready.send(Ok(()));
            let worker = Worker::new(
                shard,
                self.settings.on_event.clone(),
                self.settings.pages.clone(),
            );
            let tls = self.settings.tls.clone();
            worker.run(self.connections, tls, self.orders).await;
            Ok(())
        })
    }
}

/// A runtime of one thread, whose tasks need not be `Send`: a connection shares its instance without locks.
pub(crate) fn runtime() -> io::Result<LocalRuntime> {
    Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build_local(LocalOptions::default())
}
