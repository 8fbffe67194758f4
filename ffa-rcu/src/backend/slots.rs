//! The default backend: one slot a CPU, and whoever frees looks at all of them.
//!
//! A global epoch counts tickets. On entry a CPU stores the epoch that it knows in its slot, then
//! loads the epoch again; on exit it stores zero. A grace period is over when no slot shows an
//! epoch from before its ticket.
//!
//! ```text
//!   reader                            writer, reclaimer
//!   slot  := epoch      (E4)          unlink the object
//!   epoch?              (E4)          epoch += 1: the ticket       (E4)
//!   ... reads ...                     slot?                        (E4, E5)
//!   slot  := idle       (E5)
//! ```
//!
//! Store, then load, on both sides, all `SeqCst`: one of the two sees the other's store. Either the
//! slot is seen, and the object is kept; or the reader's load sees the ticket, and with it the
//! unlinking.
//!
//! Entry and exit are straight-line code: two loads and two stores on the CPU's own cache line and
//! the shared epoch's. No heap, no loop, no retry, and nothing to free.

use super::Backend;
use crate::edges::{E4_SEQ_CST, E5_RELEASE};
use crate::memory::{OutOfMemory, try_collect};
use crate::sync::{AtomicU64, store_load_barrier};
use alloc::vec::Vec;
use core::sync::atomic::Ordering::Relaxed;

const IDLE: u64 = 0;
const FIRST_EPOCH: u64 = 1;

/// Fixed slots, one a CPU: a reader's entry and exit touch no heap, run no destructor and never
/// retry.
pub struct Slots {
    epoch: Line<AtomicU64>,
    slots: Vec<Line<AtomicU64>>,
}

/// A cache line of its own; two, because big cores prefetch them in pairs.
#[repr(align(128))]
struct Line<T>(T);

/// An open section of one CPU.
pub struct SlotGuard<'b> {
    slot: &'b AtomicU64,
}

impl Drop for SlotGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        self.slot.store(IDLE, E5_RELEASE);
    }
}

// SAFETY: by number of the contract,
// 1. a slot shows an epoch from `enter` to the guard's drop; the next `enter` of the CPU overwrites
//    a leaked one.
// 2. `ticket` is an increment of 64 bits, which one call a nanosecond fills in 584 years.
// 3. ORDERING.md, edges E4 and E5.
// 4. There is nothing here but loads, stores and the increment.
unsafe impl Backend for Slots {
    type Guard<'b> = SlotGuard<'b>;

    fn try_new(cpus: usize) -> Result<Self, OutOfMemory> {
        let slots = try_collect(cpus, |_| Line(AtomicU64::new(IDLE)))?;
        Ok(Self { epoch: Line(AtomicU64::new(FIRST_EPOCH)), slots })
    }

    #[inline]
    unsafe fn enter(&self, cpu: usize) -> SlotGuard<'_> {
        // SAFETY: `cpu` is below the number of slots, by number 1 of the caller's contract.
        let slot = &unsafe { self.slots.get_unchecked(cpu) }.0;
        // Relaxed: an old epoch keeps objects for longer than needed, never shorter.
        slot.store(self.epoch.0.load(Relaxed), E4_SEQ_CST);
        store_load_barrier();
        self.epoch.0.load(E4_SEQ_CST);
        SlotGuard { slot }
    }

    fn ticket(&self) -> u64 {
        self.epoch.0.fetch_add(1, E4_SEQ_CST).wrapping_add(1)
    }

    fn horizon(&self) -> u64 {
        let now = self.epoch.0.load(E4_SEQ_CST);
        store_load_barrier();
        self.sections().map(|(_, epoch)| epoch).fold(now, u64::min)
    }

    fn oldest(&self) -> Option<usize> {
        self.sections().min_by_key(|&(_, epoch)| epoch).map(|(cpu, _)| cpu)
    }
}

impl Slots {
    /// The open sections: CPU and epoch on entry.
    fn sections(&self) -> impl Iterator<Item = (usize, u64)> {
        let epochs = self.slots.iter().map(|slot| slot.0.load(E4_SEQ_CST));
        epochs.enumerate().filter(|&(_, epoch)| epoch != IDLE)
    }
}
