//! The WebSocket protocol as a WebAssembly component: the worlds `endpoint` and `codec` of `wit/`, over the `sockeye` core.
//!
//! It has no files, no network, no clock and no randomness but what the host hands to it.

mod bindings;
#[cfg(feature = "codec")]
mod codec;
mod convert;
mod driver;
#[cfg(not(feature = "codec"))]
mod endpoint;
mod entropy;
mod options;

/// What implements the exported interfaces.
struct Component;

impl bindings::exports::sockeye::websocket::options::Guest for Component {
    type UpgradeOptions = options::Upgrade;
    type DialOptions = options::Dial;
}

bindings::export!(Component with_types_in bindings);
