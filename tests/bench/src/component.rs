//! The component in plain wasmtime, set up as the host sets it up, with a stream in memory for its socket.

use std::path::Path;

use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Result, Store,
    StoreContextMut,
    component::{Linker, Resource, ResourceAny, WasmList},
};

use crate::{memory::Stream, payload::Compression};
use bindings::{
    EndpointComponent as Endpoint, EndpointComponentPre as EndpointPre,
    exports::sockeye::websocket::options::{Deflate, Delivery, OriginPolicy},
    sockeye::websocket::socket::{Chunk, Error},
};

pub mod bindings {
    //! The host's side of `world endpoint`.
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "endpoint-component",
        with: { "sockeye:websocket/socket.socket": crate::component::Socket },
    });
}

/// What the handle that the component holds stands for. There is one per store, so it needs to say nothing.
pub struct Socket;

/// How the engine is set up.
#[derive(Clone, Copy)]
pub struct Setup {
    /// Whether the guest checks the epoch at each loop and call, so that it can be stopped.
    pub epochs: bool,
    /// Whether instances come out of a pool.
    pub pooling: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            epochs: true,
            pooling: true,
        }
    }
}

/// The compiled component, linked and ready to be instantiated.
#[derive(Clone)]
pub struct Component {
    engine: Engine,
    pre: EndpointPre<Host>,
}

/// What a store holds.
#[derive(Default)]
pub struct Host {
    /// What the component's socket writes to.
    pub stream: Option<Stream>,
}

impl Component {
    /// Compiles the component at `path`.
    pub fn compile(path: &Path, setup: Setup) -> Self {
        let engine = engine(setup).expect("the settings of the engine go together");
        let component = wasmtime::component::Component::from_file(&engine, path);
        let component = component.unwrap_or_else(|error| panic!("{}: {error:?}", path.display()));
        let pre = linker(&engine)
            .and_then(|linker| linker.instantiate_pre(&component))
            .and_then(EndpointPre::new);
        let pre = pre
            .unwrap_or_else(|error| panic!("{} is not of this version: {error:?}", path.display()));
        Self { engine, pre }
    }

    /// A fresh instance in a store of its own.
    pub fn instantiate(&self, host: Host) -> (Store<Host>, Endpoint) {
        let mut store = Store::new(&self.engine, host);
        // Further away than any measurement lasts; nobody advances the epoch either.
        store.set_epoch_deadline(1 << 40);
        let instance = self
            .pre
            .instantiate(&mut store)
            .expect("an instance can be made");
        (store, instance)
    }
}

/// A server's connection in an instance of its own, after its opening handshake.
pub struct Guest {
    store: Store<Host>,
    endpoint: Endpoint,
    connection: ResourceAny,
}

impl Guest {
    /// Opens a connection that writes to `stream`.
    pub fn open(component: &Component, delivery: Delivery, deflate: bool, stream: Stream) -> Self {
        let (mut store, endpoint) = component.instantiate(Host {
            stream: Some(stream),
        });
        let connection = Self::accept(&mut store, &endpoint, delivery, deflate);
        Self {
            store,
            endpoint,
            connection: connection.expect("the component accepts a connection"),
        }
    }

    fn accept(
        store: &mut Store<Host>,
        endpoint: &Endpoint,
        delivery: Delivery,
        deflate: bool,
    ) -> Result<ResourceAny> {
        let options = endpoint.sockeye_websocket_options().upgrade_options();
        let values = options.call_constructor(&mut *store)?;
        options.call_set_delivery(&mut *store, values, delivery)?;
        options
            .call_set_origins(&mut *store, values, &OriginPolicy::Any)?
            .expect("any origin is allowed");
        if deflate {
            let value = Deflate {
                level: 6,
                server_max_window_bits: 15,
                client_max_window_bits: 15,
                server_no_context_takeover: true,
                client_no_context_takeover: true,
                threshold: 32,
            };
            options
                .call_set_deflate(&mut *store, values, Some(value))?
                .expect("these parameters are valid");
        }
        let exports = endpoint.sockeye_websocket_endpoint();
        let (connection, _) = exports.call_accept(&mut *store, 0, Resource::new_own(0), values)?;
        let compression = if deflate {
            Compression::NoContextTakeover
        } else {
            Compression::None
        };
        let request = crate::load::request("bench", compression);
        exports
            .connection()
            .call_receive(&mut *store, connection, 0, request.as_bytes())?;
        Ok(connection)
    }

    /// The stream that the connection writes to.
    pub fn stream(&mut self) -> &mut Stream {
        self.store
            .data_mut()
            .stream
            .as_mut()
            .expect("every guest was opened with a stream")
    }

    /// Hands over what was read.
    pub fn receive(
        &mut self,
        bytes: &[u8],
    ) -> bindings::exports::sockeye::websocket::endpoint::Step {
        let connection = self.endpoint.sockeye_websocket_endpoint().connection();
        connection
            .call_receive(&mut self.store, self.connection, 0, bytes)
            .expect("the component does not trap")
    }

    /// Sends messages.
    pub fn send(&mut self, messages: &[bindings::sockeye::websocket::types::Message]) {
        let connection = self.endpoint.sockeye_websocket_endpoint().connection();
        let sent = connection.call_send(&mut self.store, self.connection, messages);
        sent.expect("the component does not trap")
            .expect("the connection is open");
    }
}

fn engine(setup: Setup) -> Result<Engine> {
    let mut config = Config::new();
    config.epoch_interruption(setup.epochs);
    // No async components here, and without their support calls are much cheaper.
    config.concurrency_support(false);
    if setup.pooling {
        let mut pool = PoolingAllocationConfig::default();
        pool.total_component_instances(64)
            .total_core_instances(256)
            .total_memories(64)
            .total_tables(256);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    }
    Engine::new(&config)
}

/// Links the imports by hand rather than with the generated functions, so that `write` sees the guest's bytes where they lie.
fn linker(engine: &Engine) -> Result<Linker<Host>> {
    let mut linker = Linker::new(engine);
    linker.instance("sockeye:websocket/types@0.1.0")?;
    let mut socket = linker.instance("sockeye:websocket/socket@0.1.0")?;
    socket.resource(
        "socket",
        wasmtime::component::ResourceType::host::<Socket>(),
        |_, _| Ok(()),
    )?;
    socket.func_wrap("[method]socket.write", write)?;
    socket.func_wrap(
        "[method]socket.finish",
        |_: StoreContextMut<'_, Host>, (_,): (Resource<Socket>,)| Ok(()),
    )?;
    socket.func_wrap(
        "[method]socket.read",
        |_: StoreContextMut<'_, Host>, (_, _): (Resource<Socket>, u32)| Ok((Chunk::WouldBlock,)),
    )?;
    let mut entropy = linker.instance("sockeye:websocket/entropy@0.1.0")?;
    // A server sends no masking keys; what it gets here is of no consequence.
    entropy.func_wrap(
        "get-random-bytes",
        |_: StoreContextMut<'_, Host>, (len,): (u32,)| Ok((vec![0x5A_u8; len as usize],)),
    )?;
    Ok(linker)
}

type Written = (std::result::Result<u64, Error>,);

fn write(
    mut store: StoreContextMut<'_, Host>,
    (_, bytes): (Resource<Socket>, WasmList<u8>),
) -> Result<Written> {
    // Out of the store while the bytes are borrowed from it.
    if let Some(mut stream) = store.data_mut().stream.take() {
        stream.give(bytes.as_le_slice(&store));
        store.data_mut().stream = Some(stream);
    }
    Ok((Ok(bytes.len() as u64),))
}
