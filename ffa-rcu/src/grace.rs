//! Waiting for readers without having anything to free: poll a grace period, or wait for it.

use crate::backend::{Backend, DefaultBackend, Ticket};
use crate::registry::{Cpu, Registry};
use core::marker::PhantomData;

/// The time that it takes until every section that is open now has ended.
///
/// ```
/// # let registry: ffa_rcu::Registry<u32, u32> = ffa_rcu::Registry::try_new(2, 1).unwrap();
/// # let mut cpu = registry.cpu(0).unwrap();
/// let section = cpu.enter();
/// let grace_period = registry.begin_grace_period();
/// assert!(!grace_period.is_over());
/// assert_eq!(grace_period.stalled_by(), Some(0));
/// drop(section);
/// assert!(grace_period.is_over());
/// ```
#[must_use = "a grace period is polled"]
pub struct GracePeriod<'r, T, C, B: Backend = DefaultBackend> {
    backend: &'r B,
    ticket: Ticket,
    registry: PhantomData<&'r Registry<T, C, B>>,
}

impl<T, C, B: Backend> Registry<T, C, B> {
    /// Begins a grace period. Takes no lock of the registry's; the backends `CrossbeamEpoch` and
    /// `ArcSwapEpoch` have one of their own.
    pub fn begin_grace_period(&self) -> GracePeriod<'_, T, C, B> {
        let ticket = self.backend.ticket();
        GracePeriod { backend: &self.backend, ticket, registry: PhantomData }
    }

    /// Takes a CPU out that has stopped inside a section and will not come back, as when it is
    /// unplugged or has died: its section ends, and its place can be claimed again.
    ///
    /// A CPU that goes offline between sections just drops its [`Cpu`]. `false`: no such CPU, or a
    /// backend that cannot; then nothing has changed.
    ///
    /// # Safety
    ///
    /// The caller promises:
    ///
    /// 1. The CPU runs no more, and what it did happens before this call.
    /// 2. Its [`Cpu`], its section, and what it found in it are never used nor dropped again.
    /// 3. This is the only eviction for this death: one that comes when the place is claimed again
    ///    would end the section of a CPU that lives.
    ///
    /// # What it cannot mend
    ///
    /// A CPU that died while it was a [`Writer`](crate::Writer), waited to be one, or reclaimed. The
    /// lock is never released, or never passed on, and writers wait for ever; objects that it was
    /// about to free stay. Readers go on.
    pub unsafe fn evict(&self, cpu: usize) -> bool {
        // SAFETY: by number of the contract,
        // 1. a place that was claimed is below the number of CPUs.
        // 2. The same as ours.
        let evicted = self.is_claimed(cpu) && unsafe { self.backend.evict(cpu) };
        if evicted {
            self.give_back(cpu);
        }
        evicted
    }
}

impl<T, C, B: Backend> GracePeriod<'_, T, C, B> {
    /// Whether every section that was open at the beginning has ended. Never waits.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.backend.horizon().is_at_least(self.ticket)
    }

    /// A CPU in a section that was open at the beginning, where the backend can tell; of several,
    /// the one that entered first.
    #[must_use]
    pub fn stalled_by(&self) -> Option<usize> {
        self.backend.behind(self.ticket)
    }
}

impl<'r, T, C, B: Backend> Cpu<'r, T, C, B> {
    /// Waits until every section that is open now has ended. Between two looks it calls `pause`,
    /// which is told the CPU that is waited for, where the backend can tell.
    ///
    /// It waits for as long as the slowest reader takes. Not for itself: `&mut self` says that this
    /// place is in no section, and one that was leaked ends here (with the backend `Slots`; with the
    /// others it stays open for ever). Whoever has two places must not be in a section of the other.
    ///
    /// ```compile_fail,E0499
    /// # let registry: ffa_rcu::Registry<u32, u32> = ffa_rcu::Registry::try_new(1, 1).unwrap();
    /// let mut cpu = registry.cpu(0).unwrap();
    /// let section = cpu.enter();
    /// cpu.synchronize(|_| {}); // would wait for `section` for ever
    /// drop(section);
    /// ```
    pub fn synchronize(&mut self, mut pause: impl FnMut(Option<usize>)) {
        drop(self.enter());
        let grace_period = self.registry().begin_grace_period();
        while !grace_period.is_over() {
            pause(grace_period.stalled_by());
        }
    }
}
