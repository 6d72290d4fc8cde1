//! Where the protocol runs: in instances of the component, or natively.

mod component;
mod imports;
mod instance;
mod native;
mod pool;

use std::{error, fmt, fs, io, path::PathBuf, rc::Rc, sync::Arc, thread, time::Duration};

pub use component::ComponentSource;
pub(crate) use instance::Failed;
pub(crate) use native::NativeShard;
pub(crate) use pool::InstancePool;

use component::ComponentEngine;

use crate::{
    bindings::{
        exports::sockeye::websocket::endpoint::{CloseFrame, Message, SendError, Step},
        sockeye::websocket::socket,
    },
    options::DialOptions,
    socket::Socket,
};

/// Where the protocol of connections runs. Cheap to clone; one engine serves any number of servers and clients.
#[derive(Clone)]
pub struct Engine(pub(crate) Kind);

#[derive(Clone)]
pub(crate) enum Kind {
    Component(Arc<ComponentEngine>),
    Native,
}

impl Engine {
    /// Compiles the component, or takes it from the cache of compiled components.
    ///
    /// # Errors
    ///
    /// There is no component, it cannot be read, or it does not implement `world endpoint-component`.
    pub fn component(options: &EngineOptions) -> Result<Self, EngineError> {
        ComponentEngine::new(options).map(|engine| Self(Kind::Component(Arc::new(engine))))
    }

    /// The same protocol compiled into this program, with no sandbox around it.
    #[must_use]
    pub const fn native() -> Self {
        Self(Kind::Native)
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Component(_) => "Engine::Component",
            Kind::Native => "Engine::Native",
        })
    }
}

/// How instances of the component are made and bounded.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EngineOptions {
    /// The component. Default: the one built in.
    pub component: ComponentSource,
    /// Connections that share an instance, and so the fate of it. Default 256. With 1 each connection has an instance of its own, at
    /// the price of about 30 KiB and six memory mappings.
    pub instance_connections: usize,
    /// Connections for which address space is reserved, over all instances. Default 16,384.
    pub connections: usize,
    /// Bytes of memory an instance may use, at most 4 GiB. Default: enough for each of its connections to hold three times
    /// `message_size`.
    pub instance_memory: Option<u64>,
    /// Longest message that connections will take, from which the memory of an instance is derived. Default 1 MiB.
    pub message_size: u64,
    /// How long one call into the component may take before the instance is given up. Default 1 s; a call takes microseconds.
    pub deadline: Duration,
    /// Whether the compiled component is kept on disk, in wasmtime's cache directory. Default true.
    pub cache: bool,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            component: ComponentSource::default(),
            instance_connections: 256,
            connections: 16_384,
            instance_memory: None,
            message_size: 1 << 20,
            deadline: Duration::from_secs(1),
            cache: true,
        }
    }
}

impl EngineOptions {
    /// Bytes of memory that an instance may use.
    #[must_use]
    pub fn memory(&self) -> usize {
        let memory = self.instance_memory.unwrap_or_else(|| {
            // A message under way, the same one doubling as it grows, and the answer to it.
            let connection = self.message_size.saturating_mul(3).saturating_add(1 << 19);
            connection
                .saturating_mul(self.instance_connections.max(1) as u64)
                .saturating_add(BASE_MEMORY)
        });
        usize::try_from(memory.clamp(MIN_MEMORY, MAX_MEMORY)).unwrap_or(usize::MAX)
    }

    /// Instances that may exist at a time.
    fn instances(&self) -> usize {
        let shared = self.instance_connections.max(1);
        let full = self.connections.div_ceil(shared);
        // Instances are not always full, and retired ones live until their last connection leaves.
        let partly = if shared > 1 { full } else { 0 };
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let wanted = full + partly + 4 * threads + 4;
        match mappings() {
            Some(mappings) => wanted.min((mappings.saturating_sub(2048) / MAPPINGS).max(16)),
            None => wanted,
        }
    }
}

/// Why there is no engine.
#[derive(Debug)]
#[non_exhaustive]
pub enum EngineError {
    /// This library was built without a component.
    NoComponent,
    /// The component's file cannot be read.
    File(PathBuf, io::Error),
    /// A thread could not be started.
    Thread(io::Error),
    /// The component does not compile, lacks something, or refused an option.
    Component(Box<dyn error::Error + Send + Sync>),
}

impl EngineError {
    fn wasmtime(error: wasmtime::Error) -> Self {
        Self::Component(error.into())
    }
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoComponent => f.write_str(
                "this build holds no component: run `cargo xtask build`, or pass `--component FILE`",
            ),
            Self::File(path, error) => {
                write!(f, "cannot read the component {}: {error}", path.display())
            }
            Self::Thread(error) => write!(f, "cannot start a thread: {error}"),
            Self::Component(error) => write!(f, "the component cannot be used: {error}"),
        }
    }
}

impl error::Error for EngineError {}

/// What makes connections on one thread.
pub(crate) trait Shard: 'static {
    type Connection: Protocol;

    /// Serves a client on `socket`.
    fn accept(&self, now: u64, socket: &Rc<Socket>) -> Result<(Self::Connection, Step), Failed>;

    /// Opens a connection on `socket`. The error is a sentence.
    fn dial(
        &self,
        now: u64,
        socket: &Rc<Socket>,
        options: &DialOptions,
    ) -> Result<(Self::Connection, Step), String>;

    /// Makes ahead of need what the next connection will take. Called when there is time.
    fn prepare(&self) {}
}

/// One connection as the event loop drives it: `resource connection` of `interface endpoint`, whose documentation holds.
pub(crate) trait Protocol {
    /// The guest gets a copy of `bytes`; the native core unmasks them in place.
    fn receive(&mut self, now: u64, bytes: &mut [u8]) -> Result<Step, Failed>;
    fn end(&mut self, now: u64, error: Option<socket::Error>) -> Result<Step, Failed>;
    fn tick(&mut self, now: u64) -> Result<Step, Failed>;
    fn flush(&mut self, now: u64) -> Result<Step, Failed>;
    /// The error is a sentence.
    fn admit(
        &mut self,
        now: u64,
        subprotocol: Option<&str>,
        headers: &[(String, String)],
    ) -> Result<Result<Step, String>, Failed>;
    /// The error is a sentence.
    fn refuse(&mut self, now: u64, status: u16, body: &str)
    -> Result<Result<Step, String>, Failed>;
    fn send(&mut self, messages: &[Message]) -> Result<Result<(), SendError>, Failed>;
    fn ping(&mut self, payload: &[u8]) -> Result<Result<(), SendError>, Failed>;
    fn pong(&mut self, payload: &[u8]) -> Result<Result<(), SendError>, Failed>;
    fn close(
        &mut self,
        now: u64,
        frame: Option<&CloseFrame>,
    ) -> Result<Result<Step, SendError>, Failed>;
}

/// How many memory mappings the system lets a process have.
fn mappings() -> Option<usize> {
    fs::read_to_string("/proc/sys/vm/max_map_count")
        .ok()?
        .trim()
        .parse()
        .ok()
}

/// Memory mappings of an instance in the pool, measured.
const MAPPINGS: usize = 6;

/// What an instance needs beside its connections.
const BASE_MEMORY: u64 = 32 << 20;

/// An instance starts with a little over 1 MiB.
const MIN_MEMORY: u64 = 4 << 20;

/// What 32 bits can address.
const MAX_MEMORY: u64 = 4 << 30;
