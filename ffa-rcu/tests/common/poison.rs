//! An allocator that poisons what is freed, and keeps it back for a while: a read after a free finds
//! poison, and a write after a free is found when the memory is given back in the end.

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::Write as _;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::AcqRel, Ordering::Relaxed};

const POISON: u8 = 0xDE;
/// How many blocks are kept back.
const KEPT: usize = 4096;
/// Larger blocks are given back at once: they are the test harness's own.
const LARGEST: usize = 1 << 16;

pub(crate) struct Poisoning {
    /// Freed blocks, poisoned behind the layout that each begins with.
    kept: [AtomicPtr<u8>; KEPT],
    next: AtomicUsize,
    poisoned: AtomicUsize,
}

impl Poisoning {
    pub(crate) const fn new() -> Self {
        Self {
            kept: [const { AtomicPtr::new(std::ptr::null_mut()) }; KEPT],
            next: AtomicUsize::new(0),
            poisoned: AtomicUsize::new(0),
        }
    }

    /// Bytes that were poisoned so far.
    pub(crate) fn poisoned(&self) -> usize {
        self.poisoned.load(Relaxed)
    }
}

// SAFETY: memory comes from `System`, and goes back there once, with the layout that it came with.
unsafe impl GlobalAlloc for Poisoning {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the size is not zero.
        unsafe { System.alloc(with_room(layout)) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let layout = with_room(layout);
        // SAFETY: the block is ours from here on, and as long as its layout says.
        unsafe { block.write_bytes(POISON, layout.size()) };
        self.poisoned.fetch_add(layout.size(), Relaxed);
        // SAFETY: it has room for a layout, and is aligned for one.
        unsafe { block.cast::<Layout>().write(layout) };
        let place = self.next.fetch_add(1, Relaxed) % KEPT;
        let place = self.kept.get(place).filter(|_| layout.size() <= LARGEST);
        let oldest = place.map_or(block, |place| place.swap(block, AcqRel));
        if !oldest.is_null() {
            // SAFETY: freed before, and taken out by us alone.
            unsafe { give_back(oldest) };
        }
    }
}

/// # Safety
///
/// The block was poisoned behind its layout, and nobody else gives it back.
unsafe fn give_back(block: *mut u8) {
    // SAFETY: it begins with its layout.
    let layout = unsafe { block.cast::<Layout>().read() };
    for offset in size_of::<Layout>()..layout.size() {
        // SAFETY: inside of the block.
        let place = unsafe { block.add(offset) };
        // SAFETY: initialised by the poison.
        if unsafe { place.read() } != POISON {
            let _ = std::io::stderr().write_all(b"written after it was freed\n");
            std::process::abort();
        }
    }
    // SAFETY: allocated by `System` with this layout.
    unsafe { System.dealloc(block, layout) };
}

/// The layout, with room for a description of the block.
fn with_room(layout: Layout) -> Layout {
    let size = layout.size().max(size_of::<Layout>());
    let align = layout.align().max(align_of::<Layout>());
    Layout::from_size_align(size, align).unwrap_or(layout)
}
