//! `crossbeam-epoch` as a detector of grace periods, with a collector of our own and a participant
//! for each CPU.
//!
//! A ticket is a deferred call that stores the ticket's number in a counter of ours; when crossbeam
//! runs it, the grace period is over. The objects themselves never enter crossbeam's bags, so
//! whoever runs a bag, even a reader, runs stores and no destructor.
//!
//! What remains, and why this is not the default: each 128th entry of a reader may collect (run
//! bags, free a node of crossbeam's queue, walk the list of participants, retry a CAS), a full bag
//! is allocated, and an allocation that fails aborts. The writer flushes at each ticket, which
//! keeps the bags short.

use super::{Backend, Ticket};
use crate::edges::{E11_ACQUIRE, E11_RELEASE};
use crate::memory::{OutOfMemory, try_collect};
use crate::shared::Shared;
use crate::sync::{AtomicU64, Mutex};
use alloc::vec::Vec;
use crossbeam_epoch::{Collector, Guard, LocalHandle};

/// Epoch-based reclamation by `crossbeam-epoch`.
///
/// Its own allocations abort when they fail, and a reader's entry may now and then allocate, free
/// and retry: see [`Slots`](super::Slots), the default, for a backend that does neither.
pub struct CrossbeamEpoch {
    // Dropped in this order: the calls that crossbeam still holds run when the last participant
    // goes, and need `passed`.
    cpus: Vec<Participant>,
    writer: Mutex<Detector>,
    /// The last ticket whose grace period is over.
    passed: Shared<AtomicU64>,
}

struct Detector {
    participant: Participant,
    tickets: u64,
}

struct Participant(LocalHandle);

// SAFETY: a handle is a pointer to a participant's state. That is used by one thread at a time, and
// in happens-before order: the CPUs' by number 3 of the contract of `enter`, the writer's by its
// lock, and all of them at the end by the `&mut` of the drop.
unsafe impl Send for Participant {}
// SAFETY: as above; the handle is shared only to call `pin`.
unsafe impl Sync for Participant {}

// SAFETY: by number of the contract,
// 1. a participant is pinned from `enter` to the guard's drop.
// 2. The tickets are counted under the lock, from 1; one a nanosecond fills 64 bits in 584 years.
// 3. crossbeam runs a deferred call when all sections that were pinned when it was deferred have
//    ended, and orders their ends before it; E11 orders it before `horizon`. A section pinned later
//    sees the unlinking by crossbeam's fences. A later ticket covers the earlier ones, so the
//    maximum is right whatever the order of the calls.
// 4. Deferred calls only store; collecting never waits.
unsafe impl Backend for CrossbeamEpoch {
    type Guard<'b> = Guard;

    fn try_new(cpus: usize) -> Result<Self, OutOfMemory> {
        let collector = Collector::new();
        let passed = Shared::try_new(AtomicU64::new(0))?;
        let participants = try_collect(cpus, |_| Participant(collector.register()))?;
        let writer = Detector { participant: Participant(collector.register()), tickets: 0 };
        Ok(Self { cpus: participants, writer: Mutex::new(writer), passed })
    }

    #[inline]
    unsafe fn enter(&self, cpu: usize) -> Guard {
        // SAFETY: `cpu` is below the number of participants, by number 1 of the caller's contract.
        unsafe { self.cpus.get_unchecked(cpu) }.0.pin()
    }

    fn ticket(&self) -> Ticket {
        let mut writer = self.writer.lock();
        writer.tickets = writer.tickets.wrapping_add(1);
        let guard = writer.participant.0.pin();
        self.record_when_passed(writer.tickets, &guard);
        guard.flush();
        Ticket::new(writer.tickets)
    }

    fn horizon(&self) -> Ticket {
        self.writer.lock().participant.0.pin().flush();
        Ticket::new(self.passed.load(E11_ACQUIRE))
    }
}

impl CrossbeamEpoch {
    /// Has the ticket recorded when every section that is open now has ended.
    fn record_when_passed(&self, ticket: u64, guard: &Guard) {
        let passed = &raw const *self.passed;
        // Two words, which crossbeam keeps in its bag without a heap allocation.
        let record = move || {
            // SAFETY: the counter is dropped after the last participant, and with that crossbeam
            // runs what it still holds.
            unsafe { &*passed }.fetch_max(ticket, E11_RELEASE);
        };
        // SAFETY: `record` may run on any thread, and what it points to outlives the collector.
        unsafe { guard.defer_unchecked(record) };
    }
}
