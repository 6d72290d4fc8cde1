//! The WebSocket protocol as a WebAssembly component: the worlds `endpoint` and `codec` of `wit/`, over the `sockeye` core.
//!
//! It has no files, no network, no clock and no randomness but what the host hands to it.

#[cfg(target_arch = "wasm32")]
mod allocator;
mod bindings;
#[cfg(feature = "codec")]
mod codec;
mod convert;
mod driver;
#[cfg(not(feature = "codec"))]
mod endpoint;
mod entropy;
mod options;

#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: allocator::Aligned = allocator::Aligned;

/// What implements the exported interfaces.
struct Component;

impl bindings::exports::sockeye::websocket::options::Guest for Component {
    type UpgradeOptions = options::Upgrade;
    type DialOptions = options::Dial;
}

bindings::export!(Component with_types_in bindings);
