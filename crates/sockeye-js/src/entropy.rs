//! Randomness from the platform, a kilobyte at a time: every frame of a client needs four bytes of it.

use core::cell::RefCell;
use core::mem::ManuallyDrop;

use wasm_bindgen::prelude::wasm_bindgen;

const POOL: usize = 1024;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues)]
    fn get_random_values(bytes: &mut [u8]);
}

thread_local! {
    static FRESH: RefCell<ManuallyDrop<Vec<u8>>> =
        const { RefCell::new(ManuallyDrop::new(Vec::new())) };
}

/// Fills `bytes`. No random byte is used twice.
pub(crate) fn fill(bytes: &mut [u8]) {
    FRESH.with_borrow_mut(|fresh| {
        for byte in bytes {
            if fresh.is_empty() {
                fresh.resize(POOL, 0);
                get_random_values(fresh);
            }
            *byte = fresh.pop().unwrap_or_default();
        }
    });
}
