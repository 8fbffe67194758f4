//! What a Rust program needs to run inside Xen: an allocator and an end for panics. C symbols, since
//! there is one of each whatever the mediator is given.

use core::alloc::{GlobalAlloc, Layout};
use core::ffi::c_void;
use core::panic::PanicInfo;

use crate::line::Line;

unsafe extern "C" {
    /// `size` bytes at a multiple of `alignment`, a power of two, or null.
    fn ffa_xen_alloc(size: usize, alignment: usize) -> *mut c_void;
    /// Frees what `ffa_xen_alloc` gave.
    fn ffa_xen_release(memory: *mut c_void);
    /// Ends the system with `length` bytes of text.
    fn ffa_xen_panic(text: *const u8, length: usize) -> !;
}

struct Heap;

#[global_allocator]
static HEAP: Heap = Heap;

// SAFETY: Xen's allocator gives memory that nobody else has until it is freed, or null.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: any size and alignment that a layout can have.
        unsafe { ffa_xen_alloc(layout.size(), layout.align()) }.cast()
    }

    unsafe fn dealloc(&self, memory: *mut u8, _: Layout) {
        // SAFETY: it was allocated above, as the caller promises.
        unsafe { ffa_xen_release(memory.cast()) };
    }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let line = Line::new(format_args!("FF-A: {info}"));
    let text = line.bytes();
    // SAFETY: the text is there for good, as this does not return.
    unsafe { ffa_xen_panic(text.as_ptr(), text.len()) }
}
