//! The component in a wasmtime host of one's own: `embed COMPONENT` echoes to one client at the address it prints.

use std::io::{ErrorKind, Read, Write};
use std::{env::args, net::*, time::*};
use wasmtime::component::{Component, HasSelf, Linker, Resource, ResourceTable};
use wasmtime::{Engine, Result, Store};

mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "endpoint-component",
        with: { "sockeye:websocket/socket.socket": std::net::TcpStream },
        imports: { default: trappable },
    });
}
use bindings::EndpointComponent;
use bindings::exports::sockeye::websocket::options::Delivery;
use bindings::sockeye::websocket::{entropy, socket, socket::Chunk, types, types::Attention};

fn main() -> Result<()> {
    let engine = Engine::default();
    let component = Component::from_file(&engine, args().nth(1).expect("a component"))?;
    let mut linker = Linker::new(&engine);
    EndpointComponent::add_to_linker::<_, HasSelf<_>>(&mut linker, |host: &mut Host| host)?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("listening on ws://{}", listener.local_addr()?);
    let (stream, _) = listener.accept()?;
    serve(stream, &component, &linker)
}

/// Echoes to the client at the other end of `stream`, until the connection has ended.
fn serve(mut stream: TcpStream, component: &Component, linker: &Linker<Host>) -> Result<()> {
    let mut store = Store::new(linker.engine(), Host(ResourceTable::new()));
    let world = EndpointComponent::instantiate(&mut store, component, linker)?;
    let options = world.sockeye_websocket_options().upgrade_options();
    let echo = options.call_constructor(&mut store)?;
    options.call_set_delivery(&mut store, echo, Delivery::Echo)?;

    let socket = store.data_mut().0.push(stream.try_clone()?)?;
    let start = Instant::now();
    let now = || start.elapsed().as_nanos() as u64;
    let endpoint = world.sockeye_websocket_endpoint();
    let (this, mut step) = endpoint.call_accept(&mut store, now(), socket, echo)?;
    let connection = endpoint.connection();
    let mut buffer = vec![0; 65_536];
    while !step.attention.contains(Attention::ENDED) {
        let wait = |deadline: u64| Duration::from_nanos(deadline.saturating_sub(now()).max(1));
        stream.set_read_timeout(step.deadline.map(wait))?;
        step = match stream.read(&mut buffer) {
            Ok(0) => connection.call_end(&mut store, this, now(), None)?,
            Ok(count) => connection.call_receive(&mut store, this, now(), &buffer[..count])?,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                connection.call_tick(&mut store, this, now())?
            }
            Err(_) => connection.call_end(&mut store, this, now(), Some(&socket::Error::Reset))?,
        };
        step.events.iter().for_each(|event| println!("{event:?}"));
    }
    Ok(())
}

/// All that the component can reach: the streams it was handed, and randomness.
struct Host(ResourceTable);

impl socket::HostSocket for Host {
    fn write(
        &mut self,
        socket: Resource<TcpStream>,
        bytes: Vec<u8>,
    ) -> Result<Result<u64, socket::Error>> {
        let written = self.0.get_mut(&socket)?.write_all(&bytes);
        Ok(written
            .map(|()| bytes.len() as u64)
            .map_err(|_| socket::Error::Reset))
    }
    fn read(&mut self, _: Resource<TcpStream>, _: u32) -> Result<Chunk> {
        Ok(Chunk::WouldBlock) // It is `serve` that reads.
    }
    fn finish(&mut self, socket: Resource<TcpStream>) -> Result<()> {
        self.0.get(&socket)?.shutdown(Shutdown::Write).ok(); // Fails where the peer is gone.
        Ok(())
    }
    fn drop(&mut self, socket: Resource<TcpStream>) -> Result<()> {
        self.0.delete(socket)?;
        Ok(())
    }
}
impl entropy::Host for Host {
    fn get_random_bytes(&mut self, len: u32) -> Result<Vec<u8>> {
        let mut bytes = vec![0; len as usize];
        getrandom::fill(&mut bytes).expect("there is randomness");
        Ok(bytes)
    }
}
impl socket::Host for Host {}
impl types::Host for Host {}
