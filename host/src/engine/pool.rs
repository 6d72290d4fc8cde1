//! The instances of one thread.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
};

use wasmtime::component::ResourceAny;

use super::{
    EngineError, Shard,
    component::{ComponentConnection, ComponentEngine},
    instance::{Failed, Instance},
};
use crate::{
    bindings::exports::sockeye::websocket::endpoint::Step,
    options::{DialOptions, UpgradeOptions},
    socket::Socket,
};

/// Instances with connections, and one in reserve.
///
/// An instance takes connections until it is full, then again as they leave, and is retired when it has served many or its
/// memory has grown: linear memory never shrinks, only dropping the store gives it back.
pub(crate) struct InstancePool {
    engine: Arc<ComponentEngine>,
    options: Option<UpgradeOptions>,
    /// Those that take connections, the fullest ones among them first to be chosen.
    open: RefCell<Vec<Rc<Instance>>>,
    /// Made ahead of need: a connection that comes does not wait for it.
    spare: RefCell<Option<Rc<Instance>>>,
    /// The pool was exhausted, and that has been said.
    warned: Cell<bool>,
}

impl InstancePool {
    /// Makes the first instance, so that options that the component refuses are refused here.
    pub(crate) fn new(
        engine: Arc<ComponentEngine>,
        options: Option<UpgradeOptions>,
    ) -> Result<Self, EngineError> {
        let first = Instance::new(&engine, options.as_ref()).map_err(EngineError::wasmtime)?;
        Ok(Self {
            engine,
            options,
            open: RefCell::new(Vec::new()),
            spare: RefCell::new(Some(first)),
            warned: Cell::new(false),
        })
    }

    fn take(&self) -> Result<Rc<Instance>, Failed> {
        let mut open = self.open.borrow_mut();
        open.retain(|instance| !self.is_retired(instance));
        // The fullest first, so that the others empty and can be retired.
        let fullest = open
            .iter()
            .filter(|instance| instance.connections.get() < self.engine.connections)
            .max_by_key(|instance| instance.connections.get());
        if let Some(instance) = fullest {
            return Ok(Rc::clone(instance));
        }
        let spare = self.spare.borrow_mut().take();
        let instance = match spare {
            Some(instance) => instance,
            None => self.make()?,
        };
        if self.engine.connections > 1 {
            open.push(Rc::clone(&instance));
        }
        Ok(instance)
    }

    fn make(&self) -> Result<Rc<Instance>, Failed> {
        Instance::new(&self.engine, self.options.as_ref()).map_err(|error| {
            if !self.warned.replace(true) {
                tracing::error!("no instance for a new connection, which is closed: {error:#}");
            }
            Failed
        })
    }

    /// Whether it takes no more connections. What is left of them keeps it alive.
    fn is_retired(&self, instance: &Instance) -> bool {
        instance.is_failed()
            || instance.served.get() >= self.engine.connections * LIFETIMES
            || (instance.connections.get() == 0 && instance.memory() > GROWN)
            // A few peers with large messages must not drive everybody who comes later against the cap.
            || instance.memory() > self.engine.memory / 2
    }
}

impl Shard for InstancePool {
    type Connection = ComponentConnection;

    fn accept(&self, now: u64, socket: &Rc<Socket>) -> Result<(ComponentConnection, Step), Failed> {
        join(self.take()?, |instance| instance.accept(now, socket))
    }

    fn dial(
        &self,
        now: u64,
        socket: &Rc<Socket>,
        options: &DialOptions,
    ) -> Result<(ComponentConnection, Step), String> {
        let instance = self.take().map_err(|failed| failed.to_string())?;
        join(instance, |instance| instance.dial(now, socket, options))
    }

    fn prepare(&self) {
        let mut spare = self.spare.borrow_mut();
        if spare.is_none() {
            *spare = self.make().ok();
        }
    }
}

/// Opens a connection in `instance` and counts it.
fn join<E>(
    instance: Rc<Instance>,
    open: impl FnOnce(&Instance) -> Result<(ResourceAny, Step), E>,
) -> Result<(ComponentConnection, Step), E> {
    let (handle, step) = open(&instance)?;
    instance.connections.set(instance.connections.get() + 1);
    instance.served.set(instance.served.get() + 1);
    Ok((ComponentConnection { instance, handle }, step))
}

/// Connections that an instance serves in its life, as a multiple of those that it holds at a time.
const LIFETIMES: usize = 64;

/// Linear memory in bytes above which an empty instance is not used again.
const GROWN: usize = 32 << 20;
