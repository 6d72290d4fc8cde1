//! `sockeye serve command`: a process for each connection.

mod environment;
mod group;
mod input;
mod program;
mod session;

use std::{
    collections::HashMap,
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sockeye_host::{Event, Message, MessageKind, Peer, ServerBuilder, UpgradeOptions};
use tokio::{runtime::Handle, sync::Semaphore};

pub(crate) use self::program::Program;
use self::{environment::Environment, input::Input, session::Session};
use super::{close_frame, console, rebinding};

/// Starts processes, and knows those that run.
pub(crate) struct Launcher {
    program: Program,
    options: UpgradeOptions,
    /// Whether data goes in and out as it comes, or line by line.
    binary: bool,
    /// How long a process may take to end by itself, and again after it was asked to.
    grace: Duration,
    max: usize,
    free: Arc<Semaphore>,
    /// Where the processes are looked after.
    runtime: Handle,
    connections: Mutex<HashMap<u64, Place>>,
}

/// How far a connection is.
enum Place {
    /// Let in: this is what its process will know of it.
    Admitted(Environment),
    /// Its process runs.
    Running(Input),
}

impl Launcher {
    /// Will run at most `max` processes at a time, looked after by `runtime`.
    pub(crate) fn new(
        program: Program,
        options: &UpgradeOptions,
        binary: bool,
        grace: Duration,
        max: NonZeroUsize,
        runtime: Handle,
    ) -> Arc<Self> {
        let max = max.get().min(Semaphore::MAX_PERMITS).min(u32::MAX as usize);
        Arc::new(Self {
            program,
            options: options.clone(),
            binary,
            grace,
            max,
            free: Arc::new(Semaphore::new(max)),
            runtime,
            connections: Mutex::default(),
        })
    }

    pub(super) fn attach(
        self: Arc<Self>,
        builder: ServerBuilder,
        mut options: UpgradeOptions,
    ) -> ServerBuilder {
        options.ask = true;
        let builder = if self.has_page() {
            builder.pages(console::pages(console::Kind::Command, &self.program.name()))
        } else {
            builder
        };
        builder
            .options(options)
            .on_event(move |event, peer| self.handle(event, peer))
    }

    /// Whether a browser gets a page: it shows lines, not bytes.
    pub(super) const fn has_page(&self) -> bool {
        !self.binary
    }

    /// Waits until every process has ended and been reaped.
    pub(super) async fn finish(&self) {
        // It fails when the semaphore is closed, which nobody does.
        let _ = self.free.acquire_many(self.max as u32).await;
    }

    fn handle(&self, event: Event, peer: &mut Peer<'_>) {
        match event {
            Event::Request(request) => {
                if let Some(objection) = rebinding::objection(&request, peer, &self.options) {
                    peer.refuse(403, objection);
                    return;
                }
                let environment = Environment::new(&request, peer.address());
                self.lock().insert(peer.id(), Place::Admitted(environment));
                peer.admit(self.options.choose_subprotocol(&request), Vec::new());
            }
            Event::Opened(_) => self.launch(peer),
            Event::Message(message) => self.hear(message, peer),
            Event::Closed(_) => {
                self.lock().remove(&peer.id());
            }
            _ => {}
        }
    }

    fn launch(&self, peer: &mut Peer<'_>) {
        let mut connections = self.lock();
        let Some(Place::Admitted(environment)) = connections.remove(&peer.id()) else {
            return;
        };
        let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() else {
            tracing::info!(
                max = self.max,
                "a connection is closed: there are as many processes as `--max-processes` allows"
            );
            peer.close(Some(close_frame(
                1013,
                "too many processes are running, try again later",
            )));
            return;
        };
        let (input, queue) = Input::new(peer.sender());
        connections.insert(peer.id(), Place::Running(input));
        drop(connections);
        let session = Session {
            id: peer.id(),
            program: self.program.clone(),
            environment,
            sender: peer.sender(),
            binary: self.binary,
            message_size: usize::try_from(self.options.message_size).unwrap_or(usize::MAX),
            grace: self.grace,
        };
        self.runtime.spawn(async move {
            session.run(queue).await;
            drop(permit);
        });
    }

    fn hear(&self, message: Message, peer: &mut Peer<'_>) {
        let connections = self.lock();
        let Some(Place::Running(input)) = connections.get(&peer.id()) else {
            return;
        };
        let mut data = message.data;
        if !self.binary {
            if message.kind == MessageKind::Binary {
                let reason = "the process takes lines: send text, or serve with --binary";
                peer.close(Some(close_frame(1003, reason)));
                return;
            }
            data.push(b'\n');
        }
        input.push(data);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Place>> {
        // Nothing that panics runs under the lock.
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
