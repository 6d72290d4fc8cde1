//! An allocator that counts, for the tests about memory.

use core::{
    alloc::{GlobalAlloc, Layout},
    cell::Cell,
};
use std::alloc::System;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

struct Counting;

thread_local! {
    /// Tests run in parallel: each thread has its own count.
    static COUNT: Cell<Count> = const { Cell::new(Count { live: 0, peak: 0, calls: 0 }) };
}

#[derive(Clone, Copy)]
struct Count {
    live: isize,
    peak: isize,
    calls: usize,
}

fn count(by: isize) {
    // While a thread ends, there is nothing left to count in.
    let _ = COUNT.try_with(|cell| {
        let mut count = cell.get();
        count.live += by;
        count.peak = count.peak.max(count.live);
        count.calls += usize::from(by > 0);
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

/// What a piece of code made of the heap.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// Most bytes held at once, beyond those held before.
    pub(crate) peak: usize,
    /// Bytes still held afterwards, beyond those held before.
    pub(crate) kept: isize,
    /// How often memory was asked for.
    pub(crate) calls: usize,
}

/// Measures what `work` makes of the heap in this thread.
pub(crate) fn measure<T>(work: impl FnOnce() -> T) -> (T, Usage) {
    let before = COUNT.get();
    COUNT.set(Count {
        peak: before.live,
        ..before
    });
    let value = work();
    let after = COUNT.get();
    // There may be a measurement around this one.
    COUNT.set(Count {
        peak: after.peak.max(before.peak),
        ..after
    });
    let usage = Usage {
        peak: (after.peak - before.live) as usize,
        kept: after.live - before.live,
        calls: after.calls - before.calls,
    };
    (value, usage)
}
