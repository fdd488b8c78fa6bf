//! An allocator for a platform that has none: it hands out an array, and takes nothing back.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::{Cell, UnsafeCell};
use core::ptr;

const SIZE: usize = 2 * 1024 * 1024;

#[global_allocator]
static HEAP: Heap = Heap { bytes: UnsafeCell::new([0; SIZE]), used: Cell::new(0) };

struct Heap {
    bytes: UnsafeCell<[u8; SIZE]>,
    used: Cell<usize>,
}

// SAFETY: there is one thread, and no interrupt handler allocates.
unsafe impl Sync for Heap {}

// SAFETY: what is handed out lies within the array, aligned as asked, and is handed out once.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let free = self.bytes.get().cast::<u8>().wrapping_add(self.used.get());
        let start = self.used.get().saturating_add(free.align_offset(layout.align()));
        match start.checked_add(layout.size()) {
            Some(end) if end <= SIZE => {
                self.used.set(end);
                self.bytes.get().cast::<u8>().wrapping_add(start)
            }
            _ => ptr::null_mut(),
        }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}
