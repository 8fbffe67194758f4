//! Under `--cfg counted`: the atomics and the writers' lock as they are, and a count, by thread, of
//! how often each is used.
//!
//! Whoever waits or tries again uses an atomic once more. So where a reader's count is the same
//! whatever writers do meanwhile, it neither waited nor tried again.

extern crate std;

use core::ops::Deref;
use std::cell::Cell;
use std::thread_local;

/// What a thread has used so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Uses {
    /// Loads, stores and read-modify-writes of atomics.
    pub atomics: u64,
    /// Acquisitions of the writers' lock.
    pub locks: u64,
}

thread_local! {
    static USES: Cell<Uses> = const { Cell::new(Uses { atomics: 0, locks: 0 }) };
}

/// What this thread used during `work`.
pub fn during<R>(work: impl FnOnce() -> R) -> (R, Uses) {
    let before = USES.get();
    let result = work();
    let after = USES.get();
    let (atomics, locks) = (after.atomics - before.atomics, after.locks - before.locks);
    (result, Uses { atomics, locks })
}

pub(crate) type AtomicBool = Counted<core::sync::atomic::AtomicBool>;
pub(crate) type AtomicPtr<T> = Counted<core::sync::atomic::AtomicPtr<T>>;
pub(crate) type AtomicU64 = Counted<core::sync::atomic::AtomicU64>;

/// An atomic, each look at which counts.
#[derive(Default)]
pub(crate) struct Counted<A>(A);

impl<A> Deref for Counted<A> {
    type Target = A;

    fn deref(&self) -> &A {
        let Uses { atomics, locks } = USES.get();
        USES.set(Uses { atomics: atomics + 1, locks });
        &self.0
    }
}

impl AtomicBool {
    pub(crate) fn new(value: bool) -> Self {
        Counted(core::sync::atomic::AtomicBool::new(value))
    }
}

impl<T> AtomicPtr<T> {
    pub(crate) fn new(value: *mut T) -> Self {
        Counted(core::sync::atomic::AtomicPtr::new(value))
    }
}

impl AtomicU64 {
    pub(crate) fn new(value: u64) -> Self {
        Counted(core::sync::atomic::AtomicU64::new(value))
    }
}

/// The writers' lock.
pub(crate) struct Mutex<T>(super::TicketMutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(super::TicketMutex::new(value))
    }

    pub(crate) fn lock(&self) -> super::TicketMutexGuard<'_, T> {
        let Uses { atomics, locks } = USES.get();
        USES.set(Uses { atomics, locks: locks + 1 });
        self.0.lock()
    }
}
