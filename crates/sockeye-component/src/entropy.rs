//! Randomness from the host, a kilobyte at a time: every frame of a client needs four bytes of it.

use core::cell::RefCell;

use crate::bindings::sockeye::websocket::entropy::get_random_bytes;

const POOL: u32 = 1024;

thread_local! {
    static FRESH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Fills `bytes`. No random byte is used twice.
pub(crate) fn fill(bytes: &mut [u8]) {
    FRESH.with_borrow_mut(|fresh| {
        for byte in bytes {
            if fresh.is_empty() {
                *fresh = get_random_bytes(POOL);
            }
            // Without randomness nothing may be sent: better to trap than to mask with a key that can be guessed.
            *byte = fresh.pop().expect("the host returns random bytes");
        }
    });
}
