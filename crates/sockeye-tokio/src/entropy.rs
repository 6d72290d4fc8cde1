//! Random bytes.

use std::cell::RefCell;

/// Fills from the operating system's generator, in larger draws than one masking key.
///
/// # Panics
///
/// When that fails, which it does only where it does not exist: predictable masking keys would be worse (RFC 6455 §10.3).
pub(crate) fn entropy(bytes: &mut [u8]) {
    let drawn = POOL.try_with(|pool| pool.borrow_mut().draw(bytes));
    if drawn.is_err() {
        fill(bytes);
    }
}

/// Random bytes of which each is used once.
struct Pool {
    bytes: [u8; SIZE],
    used: usize,
}

impl Pool {
    fn draw(&mut self, bytes: &mut [u8]) {
        if bytes.len() > SIZE {
            return fill(bytes);
        }
        if self.used + bytes.len() > SIZE {
            fill(&mut self.bytes);
            self.used = 0;
        }
        let drawn = &mut self.bytes[self.used..self.used + bytes.len()];
        bytes.copy_from_slice(drawn);
        drawn.fill(0);
        self.used += bytes.len();
    }
}

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool { bytes: [0; SIZE], used: SIZE }) };
}

const SIZE: usize = 512;

fn fill(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the operating system has a random number generator");
}
