//! The WebSocket protocol for JavaScript: what the npm package `sockeye` loads.
//!
//! The classes here are raw: `npm/src/engine.js` and `npm/src/core.js` make of them what the package exports. JavaScript and WebAssembly share
//! the buffers of `io`, and little more than integers crosses the boundary: a call costs a few nanoseconds, a string or an object a hundred
//! times that. WebAssembly calls JavaScript only for entropy, so that nothing re-enters.

// A third the size of the standard one.
#[cfg(all(feature = "small", target_arch = "wasm32"))]
#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();

mod describe;
mod engine;
mod entropy;
mod frames;
mod io;
mod settings;

pub use engine::{RawEngine, RawPrepared};
pub use frames::RawFrames;
pub use io::{
    clear_headers, input_address, is_utf8, report_address, send_error, stage, stage_header,
};
pub use settings::RawSettings;
