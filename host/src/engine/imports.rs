//! What the component imports: the socket that the host hands to it, and entropy.

use wasmtime::{
    Result,
    component::{Linker, Resource, ResourceType, WasmList},
};

use super::instance::Sandbox;
use crate::{
    bindings::sockeye::websocket::socket::{Chunk, Error},
    socket::Socket,
};

/// Defines every import of `world endpoint-component`.
pub(super) fn define(linker: &mut Linker<Sandbox>) -> Result<()> {
    let mut socket = linker.instance("sockeye:websocket/socket@0.1.0")?;
    socket.resource(
        "socket",
        ResourceType::host::<Socket>(),
        |mut store, index| {
            store.data_mut().remove(index);
            Ok(())
        },
    )?;
    socket.func_wrap(
        "[method]socket.write",
        |store,
         (socket, bytes): (Resource<Socket>, WasmList<u8>)|
         -> Result<(Result<u64, Error>,)> {
            // A view: the kernel copies straight out of guest memory. It costs 67 ns at any size, a copy grows with it.
            let bytes = bytes.as_le_slice(&store);
            Ok((store.data().socket(&socket)?.write(bytes),))
        },
    )?;
    socket.func_wrap(
        "[method]socket.finish",
        |store, (socket,): (Resource<Socket>,)| {
            store.data().socket(&socket)?.finish();
            Ok(())
        },
    )?;
    socket.func_wrap(
        "[method]socket.read",
        |store, (socket, _max): (Resource<Socket>, u32)| -> Result<(Chunk,)> {
            // This host pushes what it reads.
            store.data().socket(&socket)?;
            Ok((Chunk::WouldBlock,))
        },
    )?;
    linker
        .instance("sockeye:websocket/entropy@0.1.0")?
        .func_wrap(
            "get-random-bytes",
            |_, (len,): (u32,)| -> Result<(Vec<u8>,)> {
                let mut bytes = vec![0; len.min(MAX_RANDOM) as usize];
                fill_random(&mut bytes);
                Ok((bytes,))
            },
        )?;
    Ok(())
}

/// Fills `bytes` from the operating system's secure source.
pub(super) fn fill_random(bytes: &mut [u8]) {
    // Without randomness a client's masking keys would be predictable: better to stop than to go on.
    getrandom::fill(bytes).expect("the operating system provides randomness");
}

/// Most random bytes in one call: the component asks for a few at a time, and a faulty one must not make the host allocate at will.
const MAX_RANDOM: u32 = 65_536;
