//! An allocator that counts.

use core::{
    alloc::{GlobalAlloc, Layout},
    cell::Cell,
};
use std::alloc::System;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

struct Counting;

thread_local! {
    /// The tests of the seeds run in parallel: each thread has its own count.
    static COUNT: Cell<Count> = const { Cell::new(Count { live: 0, peak: 0 }) };
}

#[derive(Clone, Copy)]
struct Count {
    live: isize,
    peak: isize,
}

fn count(by: isize) {
    // While a thread ends, there is nothing left to count in.
    let _ = COUNT.try_with(|cell| {
        let mut count = cell.get();
        count.live += by;
        count.peak = count.peak.max(count.live);
        cell.set(count);
    });
}

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller's.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize);
        // SAFETY: the caller's.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// Bytes that this thread holds now. From here on, [`peak`] is counted anew.
pub(crate) fn live() -> isize {
    let count = COUNT.get();
    COUNT.set(Count {
        peak: count.live,
        ..count
    });
    count.live
}

/// Most bytes that this thread held since [`live`] was asked last.
pub(crate) fn peak() -> isize {
    COUNT.get().peak
}
