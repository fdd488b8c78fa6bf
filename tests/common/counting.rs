//! A global allocator that counts what the thread it is asked on holds, and refuses what the test tells it to.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::Cell;
use std::alloc::System;

#[global_allocator]
static COUNTING: Counting = Counting;

struct Counting;

thread_local! {
    static CALLS: Cell<usize> = const { Cell::new(0) };
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// What a piece of work cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cost {
    /// Calls that asked for memory, new or more.
    pub(crate) calls: usize,
    /// Bytes held after it more than before it.
    pub(crate) kept: isize,
    /// The same at the worst moment.
    pub(crate) peak: isize,
}

pub(crate) const NOTHING: Cost = Cost { calls: 0, kept: 0, peak: 0 };

/// Counts what `work` costs this thread.
pub(crate) fn cost<T>(work: impl FnOnce() -> T) -> (T, Cost) {
    let (calls, before) = (CALLS.get(), LIVE.get());
    PEAK.set(before);
    let result = work();
    let kept = LIVE.get() - before;
    (result, Cost { calls: CALLS.get() - calls, kept, peak: PEAK.get() - before })
}

/// Bytes that this thread holds; only differences mean something.
pub(crate) fn live() -> isize {
    LIVE.get()
}

/// Refuses requests for more than `most` bytes on this thread while `work` runs.
pub(crate) fn with_at_most<T>(most: usize, work: impl FnOnce() -> T) -> T {
    MOST.set(most);
    let result = work();
    MOST.set(usize::MAX);
    result
}

fn count(grown: isize) {
    if grown > 0 {
        let _ = CALLS.try_with(|calls| calls.set(calls.get() + 1));
    }
    let _ = LIVE.try_with(|live| {
        live.set(live.get() + grown);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(live.get())));
    });
}

fn is_refused(size: usize) -> bool {
    MOST.try_with(|most| size > most.get()).unwrap_or(false)
}

#[allow(unsafe_code, reason = "it hands all on to the system's allocator as it came")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_refused(layout.size()) {
            return core::ptr::null_mut();
        }
        count(layout.size() as isize);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if is_refused(size) {
            return core::ptr::null_mut();
        }
        count(size as isize - layout.size() as isize);
        unsafe { System.realloc(block, layout, size) }
    }
}
