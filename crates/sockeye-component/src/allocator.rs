//! Where large buffers lie.

use core::alloc::{GlobalAlloc, Layout};
use std::alloc::System;

/// The system's allocator, with large allocations aligned to 16 bytes instead of 8.
///
/// Hosts copy into and out of such buffers with `rep movsb`, which on some processors takes thirty times as long when the
/// destination lies 1 to 15 bytes behind the source, modulo 4 KiB: 4.6 µs instead of 0.16 µs for 16 KiB on AMD Zen 4. Between
/// addresses that are multiples of 16 there is no such distance.
pub(crate) struct Aligned;

/// Copies below this do not use `rep movsb`.
const LARGE: usize = 1024;
const ALIGN: usize = 16;

const fn aligned(layout: Layout) -> Layout {
    if layout.size() >= LARGE && layout.align() < ALIGN {
        // SAFETY: 16 is a power of two; a size that overflows when rounded up to it never comes from a `Layout` on a 32-bit machine
        // that could be allocated, and `dealloc` sees the same layout as `alloc`.
        unsafe { Layout::from_size_align_unchecked(layout.size(), ALIGN) }
    } else {
        layout
    }
}

// SAFETY: every call goes to `System`, with a layout of at least the alignment asked for that depends on the layout alone, so that a
// block is released with the layout it was allocated with.
unsafe impl GlobalAlloc for Aligned {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises hold for the aligned layout too.
        unsafe { System.alloc(aligned(layout)) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(aligned(layout)) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: `pointer` came from `alloc` with the same layout, aligned in the same way.
        unsafe { System.dealloc(pointer, aligned(layout)) }
    }
}
