//! The WebSocket protocol for JavaScript: what the npm package `sockeye` loads.
//!
//! JavaScript and WebAssembly share buffers, and integers cross the boundary. WebAssembly never calls JavaScript, but for entropy.

use wasm_bindgen::prelude::wasm_bindgen;

/// The version of the package.
#[wasm_bindgen]
#[must_use]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}
