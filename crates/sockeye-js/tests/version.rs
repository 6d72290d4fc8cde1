//! The crate in engines of JavaScript. `cargo xtask test --only js` runs it in Node.js and in Chromium.

#![cfg(target_arch = "wasm32")]

use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
fn version_is_that_of_the_package() {
    assert_eq!(sockeye_js::version(), env!("CARGO_PKG_VERSION"));
}
