//! The default backend: one slot a CPU, and whoever frees looks at all of them.
//!
//! A global epoch counts tickets. On entry a CPU stores the epoch that it knows in its slot, then
//! loads the epoch again; on exit it stores zero. A grace period is over when no slot shows an
//! epoch from before its ticket.
//!
//! ```text
//!   reader                            writer, reclaimer
//!   slot  := epoch      (E4)          unlink the object
//!   epoch?              (E4)          epoch += 2: the ticket       (E4)
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
//!
//! Epochs are odd, so that none is ever mistaken for idle, and wrap around: they are compared by
//! distance.

use super::{Backend, Ticket};
use crate::edges::{E4_SEQ_CST, E5_RELEASE};
use crate::memory::{OutOfMemory, try_collect};
use crate::sync::{AtomicU64, store_load_barrier};
use alloc::vec::Vec;
use core::sync::atomic::Ordering::Relaxed;

const IDLE: u64 = 0;
const FIRST_EPOCH: u64 = 1;
/// From one epoch to the next: odd numbers only.
const STEP: u64 = 2;

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
// 2. `ticket` is an increment of 64 bits, of which half are one call a nanosecond for 146 years.
// 3. ORDERING.md, edges E4 and E5.
// 4. There is nothing here but loads, stores and the increment.
unsafe impl Backend for Slots {
    type Guard<'b> = SlotGuard<'b>;

    fn try_new(cpus: usize) -> Result<Self, OutOfMemory> {
        Self::starting_at(cpus, FIRST_EPOCH)
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

    fn ticket(&self) -> Ticket {
        Ticket::new(self.epoch.0.fetch_add(STEP, E4_SEQ_CST).wrapping_add(STEP))
    }

    fn horizon(&self) -> Ticket {
        let now = Ticket::new(self.epoch.0.load(E4_SEQ_CST));
        store_load_barrier();
        self.sections().map(|(_, entry)| entry).fold(now, Ticket::earlier)
    }

    fn behind(&self, ticket: Ticket) -> Option<usize> {
        let first = |one: (usize, Ticket), other: (usize, Ticket)| {
            if other.1.is_at_least(one.1) { one } else { other }
        };
        let behind = self.sections().filter(|(_, entry)| !entry.is_at_least(ticket));
        behind.reduce(first).map(|(cpu, _)| cpu)
    }

    unsafe fn evict(&self, cpu: usize) -> bool {
        let Some(slot) = self.slots.get(cpu) else { return false };
        // The CPU's reads happened before this call, by number 2 of the caller's contract.
        slot.0.store(IDLE, E5_RELEASE);
        true
    }
}

impl Slots {
    /// `epoch` is odd.
    pub(crate) fn starting_at(cpus: usize, epoch: u64) -> Result<Self, OutOfMemory> {
        let slots = try_collect(cpus, |_| Line(AtomicU64::new(IDLE)))?;
        Ok(Self { epoch: Line(AtomicU64::new(epoch)), slots })
    }

    /// The open sections: CPU and epoch on entry.
    fn sections(&self) -> impl Iterator<Item = (usize, Ticket)> {
        let epochs = self.slots.iter().map(|slot| slot.0.load(E4_SEQ_CST));
        let open = epochs.enumerate().filter(|&(_, epoch)| epoch != IDLE);
        open.map(|(cpu, epoch)| (cpu, Ticket::new(epoch)))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// Sections that begin before, at and after the wrap: none is mistaken for idle or for later
    /// than it is.
    #[test]
    fn epochs_wrap_around() {
        for before in 0..6 {
            let slots = Slots::starting_at(3, u64::MAX - STEP * before).unwrap();
            let [early, middle] = [0, 1].map(|cpu| {
                slots.ticket();
                // SAFETY: each of three CPUs enters once.
                unsafe { slots.enter(cpu) }
            });
            let ticket = slots.ticket();
            slots.ticket();
            // SAFETY: as above.
            let late = unsafe { slots.enter(2) };
            assert!(!slots.horizon().is_at_least(ticket));
            assert_eq!(slots.behind(ticket), Some(0));
            drop(early);
            assert_eq!(slots.behind(ticket), Some(1));
            assert!(!slots.horizon().is_at_least(ticket));
            drop(middle);
            assert_eq!(slots.behind(ticket), None);
            assert!(slots.horizon().is_at_least(ticket), "{before} before the wrap");
            drop(late);
        }
    }

    #[test]
    fn an_evicted_cpu_holds_nothing_up() {
        let slots = Slots::try_new(2).unwrap();
        // SAFETY: the first entry of CPU 1, whose guard is never used again.
        core::mem::forget(unsafe { slots.enter(1) });
        let ticket = slots.ticket();
        assert_eq!((slots.behind(ticket), slots.horizon().is_at_least(ticket)), (Some(1), false));
        // SAFETY: CPU 1 exists, and its section was leaked.
        assert!(unsafe { slots.evict(1) });
        assert_eq!((slots.behind(ticket), slots.horizon().is_at_least(ticket)), (None, true));
        // SAFETY: there is no CPU 2, which is what is asked.
        assert!(!unsafe { slots.evict(2) });
    }
}
