//! One instance of the component in a store of its own: what a fault can cost.

use std::{
    cell::{Cell, RefCell, RefMut},
    error, fmt,
    rc::Rc,
};

use wasmtime::{
    Error, ResourceLimiter, Result, Store, Trap, bail,
    component::{Resource, ResourceAny},
};

use super::component::ComponentEngine;
use crate::{
    bindings::{Endpoint, exports::sockeye::websocket::endpoint},
    options::{self, DialOptions, UpgradeOptions},
    socket::Socket,
};

/// An instance of the component and the connections that live in it.
///
/// wasmtime poisons the whole store when a guest traps, so the store is the unit that fails: `fail` closes the sockets of
/// all connections in it, and nobody else notices.
pub(crate) struct Instance {
    /// The guest's memory, handles and sockets. `None` once it has failed: all of that is given back at once.
    store: RefCell<Option<Store<Sandbox>>>,
    /// The guest's exports.
    exports: Endpoint,
    /// How the guest treats connections that it accepts.
    upgrade_options: Option<ResourceAny>,
    /// How long a call may take, in ticks of the epoch.
    deadline: u64,
    /// Connections in it now.
    pub(super) connections: Cell<usize>,
    /// Connections that it has ever had.
    pub(super) served: Cell<usize>,
}

/// What a store holds beside the guest.
pub(crate) struct Sandbox {
    sockets: Vec<Option<Rc<Socket>>>,
    free: Vec<u32>,
    memory: MemoryCap,
}

/// The instance failed, and this connection with it. It has been logged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failed;

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the instance of the component failed")
    }
}

impl Instance {
    /// Makes an instance that serves connections with `options`.
    pub(super) fn new(
        engine: &ComponentEngine,
        options: Option<&UpgradeOptions>,
    ) -> Result<Rc<Self>> {
        let sandbox = Sandbox {
            sockets: Vec::new(),
            free: Vec::new(),
            memory: MemoryCap {
                limit: engine.memory,
                size: 0,
            },
        };
        let mut store = Store::new(engine.wasmtime(), sandbox);
        store.limiter(|sandbox| &mut sandbox.memory);
        store.set_epoch_deadline(engine.deadline);
        let exports = engine.component.instantiate(&mut store)?;
        let upgrade_options = options
            .map(|options| options::upgrade(&mut store, &exports, options))
            .transpose()?;
        Ok(Rc::new(Self {
            store: RefCell::new(Some(store)),
            exports,
            upgrade_options,
            deadline: engine.deadline,
            connections: Cell::new(0),
            served: Cell::new(0),
        }))
    }

    /// Serves a client on `socket`.
    pub(super) fn accept(
        &self,
        now: u64,
        socket: &Rc<Socket>,
    ) -> Result<(ResourceAny, endpoint::Step), Failed> {
        self.call(|store, exports| {
            let Some(options) = self.upgrade_options else {
                bail!("the instance was made for dialling");
            };
            let socket = store.data_mut().insert(socket);
            exports.call_accept(store, now, socket, options)
        })
    }

    /// Opens a connection on `socket`. The error says which option the component refused, or that it failed.
    pub(super) fn dial(
        &self,
        now: u64,
        socket: &Rc<Socket>,
        options: &DialOptions,
    ) -> Result<(ResourceAny, endpoint::Step), String> {
        let options = self
            .enter()
            .map_err(|failed| failed.to_string())
            .and_then(|mut store| {
                options::dial(&mut *store, &self.exports, options)
                    .map_err(|error| error.root_cause().to_string())
            })?;
        self.call(|store, guest| {
            let socket = store.data_mut().insert(socket);
            let connection = guest.call_dial(&mut *store, now, socket, options)?;
            options.resource_drop(store)?;
            Ok(connection)
        })
        .map_err(|failed| failed.to_string())
    }

    /// Calls into the guest, which has until the deadline. A fault of any kind fails the instance.
    #[inline]
    pub(super) fn call<T>(
        &self,
        call: impl FnOnce(&mut Store<Sandbox>, &endpoint::Guest) -> Result<T>,
    ) -> Result<T, Failed> {
        let mut store = self.enter()?;
        let result = call(&mut store, self.exports.sockeye_websocket_endpoint());
        drop(store);
        result.map_err(|error| self.fail(&error))
    }

    /// Whether a fault has ended it.
    pub(super) fn is_failed(&self) -> bool {
        self.store.borrow().is_none()
    }

    /// Bytes of linear memory, which never shrinks.
    pub(super) fn memory(&self) -> usize {
        self.store
            .borrow()
            .as_ref()
            .map_or(0, |store| store.data().memory.size)
    }

    #[inline]
    fn enter(&self) -> Result<RefMut<'_, Store<Sandbox>>, Failed> {
        let mut store =
            RefMut::filter_map(self.store.borrow_mut(), Option::as_mut).map_err(|_| Failed)?;
        store.set_epoch_deadline(self.deadline);
        Ok(store)
    }

    /// Logs the fault once and tells every connection in the store.
    #[cold]
    fn fail(&self, error: &Error) -> Failed {
        if let Some(store) = self.store.take() {
            tracing::error!(
                connections = self.connections.get(),
                reason = %Reason(error),
                "an instance failed: its connections are closed, a new one takes its place",
            );
            tracing::debug!("{error:?}");
            for socket in store.data().sockets.iter().flatten() {
                socket.abort();
            }
        }
        Failed
    }
}

impl Sandbox {
    /// The socket that a handle of the guest means.
    #[inline]
    pub(super) fn socket(&self, handle: &Resource<Socket>) -> Result<&Socket> {
        match self.sockets.get(handle.rep() as usize) {
            Some(Some(socket)) => Ok(socket),
            _ => bail!("no such socket"),
        }
    }

    /// The guest has dropped its handle.
    pub(super) fn remove(&mut self, index: u32) {
        if let Some(slot) = self.sockets.get_mut(index as usize)
            && slot.take().is_some()
        {
            self.free.push(index);
        }
    }

    fn insert(&mut self, socket: &Rc<Socket>) -> Resource<Socket> {
        let socket = Some(Rc::clone(socket));
        let index = match self.free.pop() {
            Some(index) => {
                self.sockets[index as usize] = socket;
                index
            }
            None => {
                self.sockets.push(socket);
                u32::try_from(self.sockets.len() - 1).expect("far fewer sockets than 2^32")
            }
        };
        Resource::new_own(index)
    }
}

/// Bounds linear memory. Reaching the bound is a fault: a guest that cannot allocate aborts anyway, with less to say.
struct MemoryCap {
    limit: usize,
    size: usize,
}

impl ResourceLimiter for MemoryCap {
    fn memory_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        if desired > self.limit {
            return Err(Error::new(OutOfMemory { limit: self.limit }));
        }
        self.size = desired;
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        Ok(desired <= super::component::TABLE_ELEMENTS)
    }
}

#[derive(Debug)]
struct OutOfMemory {
    limit: usize,
}

impl fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it wanted more than its {} bytes of memory", self.limit)
    }
}

impl error::Error for OutOfMemory {}

/// Says in a few words what an operator can act on; the whole backtrace goes to the debug log.
struct Reason<'a>(&'a Error);

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(error) = self.0.downcast_ref::<OutOfMemory>() {
            return error.fmt(f);
        }
        match self.0.downcast_ref::<Trap>() {
            Some(Trap::Interrupt) => f.write_str("a call ran past its deadline"),
            Some(trap) => write!(f, "it trapped: {trap}"),
            None => f.write_str(&self.0.root_cause().to_string()),
        }
    }
}
