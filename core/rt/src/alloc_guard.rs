//! Proof that warm threads do not allocate: a global allocator that counts while a thread is armed.
//!
//! Install it in the binary (or test) that is to be proved:
//! ```
//! #[global_allocator]
//! static ALLOC: paperwire_rt::alloc_guard::GuardedAlloc = paperwire_rt::alloc_guard::GuardedAlloc;
//! ```

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

static HOT_ALLOCS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// Const-initialised and without a destructor, so reading it never allocates.
    static ARMED: Cell<bool> = const { Cell::new(false) };
}

/// The system allocator, counting allocations and frees of armed threads.
#[derive(Clone, Copy, Debug, Default)]
pub struct GuardedAlloc;

/// Allocations, reallocations and frees on armed threads since the start of the process.
pub fn hot_allocs_total() -> u64 {
    HOT_ALLOCS.load(Ordering::Relaxed)
}

/// Arms or disarms the calling thread; returns what it was.
pub fn arm(armed: bool) -> bool {
    ARMED.replace(armed)
}

/// Runs `work` armed, and returns its value with the number of allocations it made.
pub fn count<R>(work: impl FnOnce() -> R) -> (R, u64) {
    let before = hot_allocs_total();
    let was = arm(true);
    let value = work();
    arm(was);
    (value, hot_allocs_total() - before)
}

#[inline]
fn note() {
    // `try_with`: a thread that is being torn down has no flag any more and is not hot.
    if ARMED.try_with(Cell::get).unwrap_or(false) {
        HOT_ALLOCS.fetch_add(1, Ordering::Relaxed);
    }
}

// SAFETY: every method forwards its arguments unchanged to `System`, which upholds the contract of
// `GlobalAlloc`; the counting before it touches a thread-local flag and atomics only.
// JUSTIFICATION: `GlobalAlloc` is an unsafe trait; counting allocations is possible nowhere else.
unsafe impl GlobalAlloc for GuardedAlloc {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: the caller's promise about `layout` is passed on as it is.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: as above; `System` zeroes lazily where the default method would touch each page.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        note();
        // SAFETY: `ptr` came from `System` with this `layout`, by the caller's promise.
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        note();
        // SAFETY: as for `dealloc`, and `new_size` is passed on as it is.
        unsafe { System.realloc(ptr, layout, new_size) }
    }
}
