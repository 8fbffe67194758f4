//! Memory: the hypervisor's heap, the frames for VMs, and a VM's memory.

use alloc::sync::Arc;
use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};

use buddy_system_allocator::FrameAllocator;
use ffa_el2::bundle::PAGE;
use ffa_el2::ram::FreeRam;
use spin::mutex::SpinMutex;
use talc::TalcLock;
use talc::source::Claim;

const HEAP_BYTES: usize = 16 << 20;
static mut HEAP: [u8; HEAP_BYTES] = [0; HEAP_BYTES];

#[global_allocator]
static ALLOCATOR: TalcLock<SpinMutex<()>, Claim> = {
    let heap = &raw mut HEAP;
    // SAFETY: nothing else names HEAP, so the allocator alone hands its bytes out.
    TalcLock::new(unsafe { Claim::array(heap) })
};

static FRAMES: SpinMutex<FrameAllocator> = SpinMutex::new(FrameAllocator::new());
static FRAMES_IN_USE: AtomicU64 = AtomicU64::new(0);

/// Hands the free RAM to the frame allocator.
pub(super) fn init(free: &FreeRam) {
    for Range { start, end } in free.ranges() {
        FRAMES.lock().add_frame(frame(start), frame(end));
    }
}

/// Pages that belong to VMs now.
pub(super) fn pages_in_use() -> u64 {
    FRAMES_IN_USE.load(Ordering::Relaxed)
}

/// The RAM of one VM: guest physical `base` onwards, in one piece of physical memory.
///
/// It lives as long as anybody could reach it: the VM, whose stage 2 maps it, and buffers that the
/// mediator holds.
#[derive(Debug)]
pub(super) struct GuestMemory {
    physical: u64,
    base: u64,
    size: u64,
    /// Offsets of what serves as a buffer now; empty ranges are free places.
    pinned: SpinMutex<[Range<u64>; MAX_PINNED]>,
}

/// Two buffers, and those that were unmapped but may still be in use by another CPU.
const MAX_PINNED: usize = 8;

impl GuestMemory {
    /// Zeroed memory of `size` bytes, a multiple of [`PAGE`], that the guest sees at `base`.
    ///
    /// It is physically aligned to its size, rounded up to a power of two, so that stage 2 can use
    /// large blocks. `None` if there is not so much in one piece.
    pub(super) fn new(base: u64, size: u64) -> Option<Arc<Self>> {
        let first = FRAMES.lock().alloc(frame(size))?;
        let memory =
            Self { physical: first as u64 * PAGE, base, size, pinned: SpinMutex::default() };
        FRAMES_IN_USE.fetch_add(size / PAGE, Ordering::Relaxed);
        // SAFETY: the frames are RAM that is mapped, and nobody else's.
        unsafe { memory.pointer(0).write_bytes(0, as_usize(size)) };
        Some(Arc::new(memory))
    }

    /// Where it is in the machine.
    pub(super) fn physical(&self) -> u64 {
        self.physical
    }

    /// The guest physical addresses.
    pub(super) fn range(&self) -> Range<u64> {
        self.base..self.base + self.size
    }

    /// The offset of `length` bytes at a guest physical address, if all of them are in this memory.
    pub(super) fn offset(&self, address: u64, length: u64) -> Option<u64> {
        let offset = address.checked_sub(self.base)?;
        let end = offset.checked_add(length)?;
        (end <= self.size).then_some(offset)
    }

    /// Copies out of this memory; `false`, and nothing copied, if a part of it would be outside.
    pub(super) fn read(&self, offset: u64, into: &mut [u8]) -> bool {
        if !self.contains(offset, into.len()) {
            return false;
        }
        let from = self.pointer(offset);
        // SAFETY: checked above; `into` is memory of the hypervisor's, which is never a VM's at the
        // same time. The guest may write meanwhile: that is why no reference to its memory
        // is ever made, and bytes are all that comes out.
        unsafe { from.copy_to_nonoverlapping(into.as_mut_ptr(), into.len()) };
        true
    }

    /// Copies into this memory; `false`, and nothing copied, if a part of it would be outside.
    pub(super) fn write(&self, offset: u64, from: &[u8]) -> bool {
        if !self.contains(offset, from.len()) {
            return false;
        }
        let to = self.pointer(offset);
        // SAFETY: as in `read`; no Rust reference exists to what is overwritten.
        unsafe { to.copy_from_nonoverlapping(from.as_ptr(), from.len()) };
        true
    }

    /// Reserves a part of this memory that no other buffer has a page of.
    ///
    /// # Errors
    /// [`PinError`]: then nothing is reserved.
    pub(super) fn pin(self: &Arc<Self>, address: u64, length: u64) -> Result<Pinned, PinError> {
        let offset = self.offset(address, length).ok_or(PinError::Outside)?;
        let end = offset + length;
        let mut pinned = self.pinned.lock();
        if pinned.iter().any(|range| offset < range.end && range.start < end) {
            return Err(PinError::Overlap);
        }
        let free = pinned.iter_mut().find(|range| range.is_empty());
        *free.ok_or(PinError::TooMany)? = offset..end;
        drop(pinned);
        Ok(Pinned { memory: self.clone(), offset, length })
    }

    fn unpin(&self, offset: u64) {
        for range in self.pinned.lock().iter_mut().filter(|range| range.start == offset) {
            *range = 0..0;
        }
    }

    fn contains(&self, offset: u64, length: usize) -> bool {
        offset.checked_add(length as u64).is_some_and(|end| end <= self.size)
    }

    fn pointer(&self, offset: u64) -> *mut u8 {
        core::ptr::with_exposed_provenance_mut(as_usize(self.physical + offset))
    }
}

impl Drop for GuestMemory {
    fn drop(&mut self) {
        FRAMES.lock().dealloc(frame(self.physical), frame(self.size));
        FRAMES_IN_USE.fetch_sub(self.size / PAGE, Ordering::Relaxed);
    }
}

/// A part of a VM's memory that stays where it is, and keeps all of it alive, until it is dropped.
#[derive(Debug)]
pub(super) struct Pinned {
    pub(super) memory: Arc<GuestMemory>,
    pub(super) offset: u64,
    pub(super) length: u64,
}

/// Why memory was not pinned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum PinError {
    /// Not all of it is the VM's memory.
    Outside,
    /// Some of it is pinned.
    Overlap,
    /// There are too many buffers already.
    TooMany,
}

impl Drop for Pinned {
    fn drop(&mut self) {
        self.memory.unpin(self.offset);
    }
}

/// The frame allocator counts in pages.
fn frame(address: u64) -> usize {
    as_usize(address / PAGE)
}

/// A physical address or size as Rust counts memory.
#[expect(clippy::cast_possible_truncation, reason = "AArch64: both have 64 bits")]
pub(super) const fn as_usize(value: u64) -> usize {
    value as usize
}
