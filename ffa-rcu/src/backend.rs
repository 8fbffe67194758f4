//! When has every reader left? The one question that a reclamation scheme answers.

mod slots;
pub use slots::Slots;

#[cfg(all(feature = "arc-swap", not(loom)))]
mod arc_swap;
#[cfg(all(feature = "arc-swap", not(loom)))]
pub use self::arc_swap::ArcSwapEpoch;

#[cfg(feature = "crossbeam")]
mod crossbeam;
#[cfg(feature = "crossbeam")]
pub use crossbeam::CrossbeamEpoch;

use crate::memory::OutOfMemory;

/// The backend that a [`Registry`](crate::Registry) uses unless told otherwise.
pub type DefaultBackend = Slots;

/// A moment in a backend's time, which only moves on.
///
/// 64 bits that wrap around: of two tickets that are less than half the range apart, the later one
/// is told by the distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(u64);

impl Ticket {
    /// The moment that a backend counts as `count`.
    #[must_use]
    pub const fn new(count: u64) -> Self {
        Self(count)
    }

    /// The backend's count.
    #[must_use]
    pub const fn count(self) -> u64 {
        self.0
    }

    /// Whether `self` is `other` or comes after it.
    #[must_use]
    pub const fn is_at_least(self, other: Self) -> bool {
        self.0.wrapping_sub(other.0) <= u64::MAX / 2
    }

    /// The one of the two that comes first.
    #[must_use]
    pub const fn earlier(self, other: Self) -> Self {
        if self.is_at_least(other) { other } else { self }
    }
}

/// Detects grace periods. The registry keeps the retired objects itself and frees them, so a
/// backend never does.
///
/// Time is counted in tickets. A writer takes one after it has unlinked an object; once the
/// [horizon](Backend::horizon) has reached that ticket, no section can still read the object.
///
/// # Safety
///
/// An implementation promises:
///
/// 1. A section is open from the call of [`enter`](Backend::enter) until its guard is dropped. A
///    guard that is leaked leaves its section open for ever, or until the same CPU enters the next
///    one.
/// 2. Tickets never repeat or go back: of two calls of [`ticket`](Backend::ticket) in
///    happens-before order, the second returns the later one. Those that are in use at a time lie
///    within half the range of a [`Ticket`].
/// 3. When `horizon` returns `h`, then for each ticket `t` that `h` is at least, and each section:
///    either the section's end happens before the return of `horizon`, or every load in the section
///    sees what was stored before `t` was taken, or something later.
/// 4. No method calls into the registry, and none waits for a section to end.
pub unsafe trait Backend: Send + Sync + Sized {
    /// An open section; dropping it ends the section.
    type Guard<'b>
    where
        Self: 'b;

    /// A backend for the CPUs `0..cpus`, none of them in a section.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`], where the scheme can tell.
    fn try_new(cpus: usize) -> Result<Self, OutOfMemory>;

    /// Opens a section on one CPU.
    ///
    /// # Safety
    ///
    /// The caller promises:
    ///
    /// 1. `cpu` is below the number given to `try_new`.
    /// 2. This CPU has no open section, except leaked ones whose references are all gone.
    /// 3. Calls for one CPU, and the drops of their guards, are in happens-before order.
    unsafe fn enter(&self, cpu: usize) -> Self::Guard<'_>;

    /// Begins a grace period: every section that may have seen what the caller unlinked before is
    /// to end.
    fn ticket(&self) -> Ticket;

    /// The last ticket whose grace period is known to be over. Polls; never waits.
    fn horizon(&self) -> Ticket;

    /// The CPU in whose section `ticket` stands still, where the scheme can tell; of several, the
    /// one that entered first.
    fn behind(&self, _ticket: Ticket) -> Option<usize> {
        None
    }

    /// Ends the section that a CPU was in when it stopped for good; `false` where the scheme cannot.
    ///
    /// # Safety
    ///
    /// The caller promises:
    ///
    /// 1. `cpu` is below the number given to `try_new`.
    /// 2. The CPU runs no more: its accesses happen before this call, and no guard or reference of
    ///    its section is used again.
    unsafe fn evict(&self, _cpu: usize) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::Ticket;

    #[test]
    fn tickets_are_ordered_across_the_wrap() {
        for start in [0, 1, u64::MAX - 1, u64::MAX, u64::MAX / 2] {
            for distance in [0, 1, 2, 1000, u64::MAX / 2] {
                let (early, late) = (Ticket(start), Ticket(start.wrapping_add(distance)));
                assert!(late.is_at_least(early), "{start} {distance}");
                assert_eq!(early.is_at_least(late), distance == 0, "{start} {distance}");
                assert_eq!((early.earlier(late), late.earlier(early)), (early, early));
            }
        }
    }
}
