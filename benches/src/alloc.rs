//! An allocator that counts: how often it was asked, how often a block was to grow, and how much is out.

#![allow(unsafe_code, reason = "an allocator cannot be written without")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
static GROWTHS: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);

/// The allocations and the reallocations so far.
pub fn counts() -> (usize, usize) {
    (ALLOCATIONS.load(Relaxed), GROWTHS.load(Relaxed))
}

/// The bytes that were asked for and not yet given back.
pub fn bytes() -> usize {
    BYTES.load(Relaxed)
}

/// There is one thread: a load and a store do, and cost those who allocate next to nothing.
fn count(counter: &AtomicUsize, more: usize, less: usize) {
    counter.store(counter.load(Relaxed).wrapping_add(1), Relaxed);
    BYTES.store(BYTES.load(Relaxed).wrapping_add(more).wrapping_sub(less), Relaxed);
}

// SAFETY: every call is handed on as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(&ALLOCATIONS, layout.size(), 0);
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(&ALLOCATIONS, layout.size(), 0);
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(&GROWTHS, size, layout.size());
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        BYTES.store(BYTES.load(Relaxed).wrapping_sub(layout.size()), Relaxed);
        unsafe { System.dealloc(block, layout) }
    }
}
