//! When has every reader left? The one question that a reclamation scheme answers.

mod slots;
pub use slots::Slots;

#[cfg(feature = "crossbeam")]
mod crossbeam;
#[cfg(feature = "crossbeam")]
pub use crossbeam::CrossbeamEpoch;

use crate::memory::OutOfMemory;

/// The backend that a [`Registry`](crate::Registry) uses unless told otherwise.
pub type DefaultBackend = Slots;

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
/// 2. Tickets never repeat or decrease: of two calls of [`ticket`](Backend::ticket) in
///    happens-before order, the second returns the greater value.
/// 3. When `horizon` returns `h`, then for each ticket `t <= h` and each section: either the
///    section's end happens before the return of `horizon`, or every load in the section sees what
///    was stored before `t` was taken, or something later.
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
    fn ticket(&self) -> u64;

    /// The last ticket whose grace period is known to be over. Polls; never waits.
    fn horizon(&self) -> u64;

    /// The CPU that has been in one section for the longest, where the scheme can tell: the one to
    /// blame when the horizon stands still.
    fn oldest(&self) -> Option<usize> {
        None
    }
}
