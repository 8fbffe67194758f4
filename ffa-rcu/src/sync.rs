//! Chooses real atomics and the writers' lock, or loom's under `--cfg loom`, or counted ones under
//! `--cfg counted`.

#[cfg(counted)]
pub mod counted;

#[cfg(not(any(loom, counted)))]
pub(crate) use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64};
#[cfg(counted)]
pub(crate) use counted::{AtomicBool, AtomicPtr, AtomicU64, Mutex};
#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64};

/// Fair: writers get their turn in the order of arrival.
#[cfg(not(loom))]
pub(crate) type TicketMutex<T> = spin::mutex::TicketMutex<T, Relax>;
#[cfg(not(loom))]
pub(crate) type TicketMutexGuard<'a, T> = spin::mutex::TicketMutexGuard<'a, T, Relax>;
#[cfg(not(any(loom, counted)))]
pub(crate) use TicketMutex as Mutex;
#[cfg(not(loom))]
pub(crate) use TicketMutexGuard as MutexGuard;

#[cfg(all(not(loom), not(feature = "std")))]
type Relax = spin::Spin;
/// More threads than CPUs: the next in turn may not be running.
#[cfg(all(not(loom), feature = "std"))]
type Relax = spin::Yield;

#[cfg(loom)]
pub(crate) use loom::sync::MutexGuard;

/// Loom's lock under the interface of `spin`'s.
#[cfg(loom)]
pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

#[cfg(loom)]
impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(loom::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Keeps a `SeqCst` store before a later `SeqCst` load of another place, under loom only.
///
/// The language gives that order already (on AArch64: STLR, then LDAR); loom knows `SeqCst` from
/// fences alone.
#[inline(always)]
pub(crate) fn store_load_barrier() {
    #[cfg(loom)]
    if crate::edges::E4_SEQ_CST == core::sync::atomic::Ordering::SeqCst {
        loom::sync::atomic::fence(core::sync::atomic::Ordering::SeqCst);
    }
}
