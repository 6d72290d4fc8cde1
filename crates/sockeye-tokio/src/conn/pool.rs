//! Buffers that connections of a thread take in turns: an idle connection holds none.

use std::{cell::RefCell, mem};

/// Most buffers of each kind that a thread keeps for later.
const KEPT: usize = 8;

/// Largest buffer that is kept for later, in bytes.
const LARGEST: usize = 256 << 10;

thread_local! {
    static INPUT: RefCell<Vec<Box<[u8]>>> = const { RefCell::new(Vec::new()) };
    static OUTPUT: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// A buffer of `size` bytes to read into.
#[inline]
pub(super) fn take_input(size: usize) -> Box<[u8]> {
    let pooled = INPUT.try_with(|pool| pool.borrow_mut().pop());
    match pooled {
        Ok(Some(buffer)) if buffer.len() == size => buffer,
        _ => vec![0; size].into_boxed_slice(),
    }
}

/// Gives it back.
#[inline]
pub(super) fn give_input(buffer: Box<[u8]>) {
    if buffer.len() <= LARGEST {
        // A thread that ends has no pool any more.
        let _ = INPUT.try_with(|pool| {
            let mut pool = pool.borrow_mut();
            if pool.len() < KEPT {
                pool.push(buffer);
            }
        });
    }
}

/// Gives `output` room from the pool if it has none.
#[inline]
pub(super) fn take_output(output: &mut Vec<u8>) {
    if output.capacity() == 0
        && let Ok(Some(buffer)) = OUTPUT.try_with(|pool| pool.borrow_mut().pop())
    {
        *output = buffer;
    }
}

/// Gives back the room of `output`, which is empty then.
#[inline]
pub(super) fn give_output(output: &mut Vec<u8>) {
    let mut buffer = mem::take(output);
    if buffer.capacity() > 0 && buffer.capacity() <= LARGEST {
        buffer.clear();
        let _ = OUTPUT.try_with(|pool| {
            let mut pool = pool.borrow_mut();
            if pool.len() < KEPT {
                pool.push(buffer);
            }
        });
    }
}
