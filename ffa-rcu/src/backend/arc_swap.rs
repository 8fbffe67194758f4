//! `arc-swap` as a detector of grace periods, for hosted processes.
//!
//! The current epoch is a counted number that `arc-swap` publishes. A section borrows the number
//! that was current on its entry; a ticket swaps in the next number, and keeps the one before. That
//! one's sections are over when nobody but the detector owns it.
//!
//! ```text
//!   reader                          writer, reclaimer
//!   epoch := current.load()         unlink the object
//!   ... reads ...                   old := current.swap(ticket)   pays the readers' debts: whoever
//!   drop(epoch)                                                   borrows `old` now counts
//!                                   is `old` ours alone?          then its sections have ended
//! ```
//!
//! Readers use a thread-local of `arc-swap`'s, allocated at a thread's first entry, hence "hosted":
//! at EL2 there are no threads. A ticket allocates, and aborts where that fails.

use super::{Backend, Ticket};
use crate::memory::OutOfMemory;
use crate::sync::Mutex;
use ::arc_swap::{ArcSwap, Guard};
use alloc::collections::VecDeque;
use alloc::sync::Arc;

/// Epochs counted by `arc-swap`, for processes with `std`: any number of threads may share a place
/// one after the other, and none needs a CPU number that means anything.
pub struct ArcSwapEpoch {
    current: ArcSwap<u64>,
    /// Epochs before the current one whose sections may be open, the earliest first.
    past: Mutex<VecDeque<Arc<u64>>>,
}

// SAFETY: by number of the contract,
// 1. the guard owns or borrows the epoch's number until it is dropped; a leaked one does for ever.
// 2. Tickets are counted under the lock of `past`.
// 3. A section that got an epoch from before `t` keeps its number from being unique: `swap` returns
//    when every borrower is counted, and nobody borrows it afterwards. `get_mut` acquires what the
//    last of them released. A section that got `t` or a later epoch acquired it from the `swap`
//    that published it, which came after the unlinking.
// 4. Nothing here waits for a guard: `swap` pays debts and does not wait for them.
unsafe impl Backend for ArcSwapEpoch {
    type Guard<'b> = Guard<Arc<u64>>;

    fn try_new(_: usize) -> Result<Self, OutOfMemory> {
        let past = Mutex::new(VecDeque::new());
        Ok(Self { current: ArcSwap::from_pointee(1), past })
    }

    #[inline]
    unsafe fn enter(&self, _: usize) -> Guard<Arc<u64>> {
        self.current.load()
    }

    fn ticket(&self) -> Ticket {
        let mut past = self.past.lock();
        let next = self.current.load().wrapping_add(1);
        past.push_back(self.current.swap(Arc::new(next)));
        Ticket::new(next)
    }

    fn horizon(&self) -> Ticket {
        let mut past = self.past.lock();
        while let Some(mut earliest) = past.pop_front() {
            if Arc::get_mut(&mut earliest).is_none() {
                let epoch = *earliest;
                past.push_front(earliest);
                return Ticket::new(epoch);
            }
        }
        Ticket::new(**self.current.load())
    }
}
