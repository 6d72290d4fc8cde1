//! The protocol in a WebAssembly component: compiled once, instantiated in stores of bounded memory and time.

use std::{
    fs, io,
    path::PathBuf,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use wasmtime::{
    Cache, CacheConfig, Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig,
    component::{Component, Linker, ResourceAny},
};

use super::{
    EngineError, EngineOptions, Protocol, imports,
    instance::{Failed, Instance, Sandbox},
};
use crate::bindings::{
    EndpointPre,
    exports::sockeye::websocket::endpoint::{CloseFrame, Message, SendError, Step},
    sockeye::websocket::socket,
};

/// The compiled component and the bounds of each instance.
pub(crate) struct ComponentEngine {
    pub(super) component: EndpointPre<Sandbox>,
    /// Bytes of memory that an instance may have.
    pub(super) memory: usize,
    /// How long a call may take, in ticks.
    pub(super) deadline: u64,
    /// Connections that share an instance.
    pub(super) connections: usize,
    stop: Arc<AtomicBool>,
}

/// Where the component comes from.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum ComponentSource {
    /// The one that was built into this library.
    #[default]
    Embedded,
    /// A file with a component that implements `world endpoint-component`.
    File(PathBuf),
    /// Its bytes.
    Bytes(Vec<u8>),
}

impl ComponentEngine {
    pub(super) fn new(options: &EngineOptions) -> Result<Self, EngineError> {
        let mut config = Config::new();
        // Host→guest calls cost 140 ns without it and 385 ns with it, and nothing here is asynchronous.
        config.concurrency_support(false);
        config.epoch_interruption(true);
        config.wasm_backtrace_max_frames(std::num::NonZeroUsize::new(32));
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(options)));
        if options.cache {
            match Cache::new(CacheConfig::new()) {
                Ok(cache) => {
                    config.cache(Some(cache));
                }
                // Only the start is slower without it.
                Err(error) => tracing::warn!("compiled components are not cached: {error}"),
            }
        }
        let engine = Engine::new(&config).map_err(EngineError::wasmtime)?;
        let component = match &options.component {
            ComponentSource::Embedded => {
                Component::new(&engine, EMBEDDED.ok_or(EngineError::NoComponent)?)
            }
            ComponentSource::Bytes(bytes) => Component::new(&engine, bytes),
            ComponentSource::File(path) => {
                let bytes =
                    fs::read(path).map_err(|error| EngineError::File(path.clone(), error))?;
                Component::new(&engine, bytes)
            }
        }
        .map_err(EngineError::wasmtime)?;
        let mut linker = Linker::new(&engine);
        imports::define(&mut linker).map_err(EngineError::wasmtime)?;
        let component = linker
            .instantiate_pre(&component)
            .and_then(EndpointPre::new)
            .map_err(EngineError::wasmtime)?;
        let stop = Arc::new(AtomicBool::new(false));
        start_ticking(&engine, &stop).map_err(EngineError::Thread)?;
        Ok(Self {
            component,
            memory: options.memory(),
            // The first tick may come at once.
            deadline: 1 + (options.deadline.as_nanos().div_ceil(TICK.as_nanos())) as u64,
            connections: options.instance_connections.max(1),
            stop,
        })
    }

    pub(super) fn wasmtime(&self) -> &Engine {
        self.component.engine()
    }
}

impl Drop for ComponentEngine {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// A connection in an instance.
pub(crate) struct ComponentConnection {
    pub(super) instance: Rc<Instance>,
    pub(super) handle: ResourceAny,
}

impl Protocol for ComponentConnection {
    #[inline]
    fn receive(&mut self, now: u64, bytes: &mut [u8]) -> Result<Step, Failed> {
        self.instance.call(|store, guest| {
            guest
                .connection()
                .call_receive(store, self.handle, now, bytes)
        })
    }

    fn end(&mut self, now: u64, error: Option<socket::Error>) -> Result<Step, Failed> {
        self.instance.call(|store, guest| {
            guest
                .connection()
                .call_end(store, self.handle, now, error.as_ref())
        })
    }

    fn tick(&mut self, now: u64) -> Result<Step, Failed> {
        self.instance
            .call(|store, guest| guest.connection().call_tick(store, self.handle, now))
    }

    fn flush(&mut self, now: u64) -> Result<Step, Failed> {
        self.instance
            .call(|store, guest| guest.connection().call_flush(store, self.handle, now))
    }

    fn admit(
        &mut self,
        now: u64,
        subprotocol: Option<&str>,
        headers: &[(String, String)],
    ) -> Result<Result<Step, String>, Failed> {
        self.instance.call(|store, guest| {
            guest
                .connection()
                .call_admit(store, self.handle, now, subprotocol, headers)
        })
    }

    fn refuse(
        &mut self,
        now: u64,
        status: u16,
        body: &str,
    ) -> Result<Result<Step, String>, Failed> {
        self.instance.call(|store, guest| {
            guest
                .connection()
                .call_refuse(store, self.handle, now, status, &[], body)
        })
    }

    fn send(&mut self, messages: &[Message]) -> Result<Result<(), SendError>, Failed> {
        self.instance
            .call(|store, guest| guest.connection().call_send(store, self.handle, messages))
    }

    fn ping(&mut self, payload: &[u8]) -> Result<Result<(), SendError>, Failed> {
        self.instance
            .call(|store, guest| guest.connection().call_ping(store, self.handle, payload))
    }

    fn pong(&mut self, payload: &[u8]) -> Result<Result<(), SendError>, Failed> {
        self.instance
            .call(|store, guest| guest.connection().call_pong(store, self.handle, payload))
    }

    fn close(
        &mut self,
        now: u64,
        frame: Option<&CloseFrame>,
    ) -> Result<Result<Step, SendError>, Failed> {
        self.instance.call(|store, guest| {
            guest
                .connection()
                .call_close(store, self.handle, now, frame)
        })
    }
}

impl Drop for ComponentConnection {
    fn drop(&mut self) {
        if !self.instance.is_failed() {
            // A fault in the destructor has been logged and is over.
            let _ = self
                .instance
                .call(|store, _| self.handle.resource_drop(store));
        }
        self.instance
            .connections
            .set(self.instance.connections.get() - 1);
    }
}

/// Address space for all instances at once. It is reserved, not used.
fn pool(options: &EngineOptions) -> PoolingAllocationConfig {
    let instances = u32::try_from(options.instances()).unwrap_or(u32::MAX / 8);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        // wit-component splits a component into four core modules, three of them shims.
        .total_core_instances(instances * 4)
        .total_memories(instances)
        .total_tables(instances * 4)
        .table_elements(TABLE_ELEMENTS)
        .max_memory_size(options.memory());
    pool
}

/// Advances the epoch until the engine is dropped. A thread, because a task would wait for the guest that it has to interrupt.
fn start_ticking(engine: &Engine, stop: &Arc<AtomicBool>) -> io::Result<()> {
    let engine = engine.weak();
    let stop = Arc::clone(stop);
    thread::Builder::new()
        .name("sockeye-epoch".into())
        .spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                thread::sleep(TICK);
                let Some(engine) = engine.upgrade() else {
                    return;
                };
                engine.increment_epoch();
            }
        })?;
    Ok(())
}

/// Function pointers in a table of the component: it has a few hundred.
pub(super) const TABLE_ELEMENTS: usize = 20_000;

const TICK: Duration = Duration::from_millis(10);

#[cfg(embedded_component)]
const EMBEDDED: Option<&[u8]> = Some(include_bytes!(env!("SOCKEYE_COMPONENT_FILE")));
#[cfg(not(embedded_component))]
const EMBEDDED: Option<&[u8]> = None;
