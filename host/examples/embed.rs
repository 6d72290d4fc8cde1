//! The component in a wasmtime host of one's own: `embed COMPONENT` echoes to one client at the address it prints.

use std::io::{ErrorKind, Read, Write};
use std::{env::args, net::*, thread::sleep, time::*};
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

/// All that the component can reach: the streams it was handed, and randomness.
struct Host(ResourceTable);

impl socket::HostSocket for Host {
    fn write(
        &mut self,
        socket: Resource<TcpStream>,
        bytes: Vec<u8>,
    ) -> Result<Result<u64, socket::Error>> {
        Ok(match self.0.get_mut(&socket)?.write(&bytes) {
            Ok(count) => Ok(count as u64),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
            Err(_) => Err(socket::Error::Reset),
        })
    }
    fn read(&mut self, socket: Resource<TcpStream>, max: u32) -> Result<Chunk> {
        let mut bytes = vec![0; max as usize];
        Ok(match self.0.get_mut(&socket)?.read(&mut bytes) {
            Ok(0) => Chunk::End,
            Ok(count) => Chunk::Bytes(bytes[..count].to_vec()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Chunk::WouldBlock,
            Err(_) => Chunk::Error(socket::Error::Reset),
        })
    }
    fn finish(&mut self, socket: Resource<TcpStream>) -> Result<()> {
        Ok(self.0.get(&socket)?.shutdown(Shutdown::Write)?)
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

fn main() -> Result<()> {
    let engine = Engine::default();
    let component = Component::from_file(&engine, args().nth(1).expect("a component"))?;
    let mut linker = Linker::new(&engine);
    EndpointComponent::add_to_linker::<_, HasSelf<_>>(&mut linker, |host: &mut Host| host)?;
    let mut store = Store::new(&engine, Host(ResourceTable::new()));
    let world = EndpointComponent::instantiate(&mut store, &component, &linker)?;
    let options = world.sockeye_websocket_options().upgrade_options();
    let echo = options.call_constructor(&mut store)?;
    options.call_set_delivery(&mut store, echo, Delivery::Echo)?;

    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("listening on ws://{}", listener.local_addr()?);
    let (stream, _) = listener.accept()?;
    stream.set_nonblocking(true)?;
    let socket = store.data_mut().0.push(stream)?;
    let start = Instant::now();
    let now = || start.elapsed().as_nanos() as u64;
    let endpoint = world.sockeye_websocket_endpoint();
    let (connection, mut step) = endpoint.call_accept(&mut store, now(), socket, echo)?;
    while !step.attention.contains(Attention::ENDED) {
        sleep(Duration::from_millis(1)); // Yours waits until the socket is ready, or for `step.deadline`.
        step = endpoint
            .connection()
            .call_drive(&mut store, connection, now())?;
        step.events.iter().for_each(|event| println!("{event:?}"));
    }
    Ok(())
}
