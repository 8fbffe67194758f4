//! A counted pointer to an immutable value, allocated fallibly.

use crate::edges::{E10_ACQUIRE, E10_RELEASE};
use crate::memory::{OutOfMemory, try_box};
use crate::sync::AtomicU64;
use alloc::boxed::Box;
use core::fmt;
use core::marker::PhantomData;
use core::ops::Deref;
use core::ptr::NonNull;
use core::sync::atomic::Ordering::Relaxed;

/// Several owners of one immutable value; the last one to let go frees it.
///
/// `Arc` without weak pointers and without an abort: making one reports [`OutOfMemory`], and the
/// count is too wide to overflow. For what several values have in common. A clone
/// that a reader takes out of its section may be the last owner, and then the destructor runs in
/// the reader: leave the clones to the writers.
pub struct Shared<T> {
    /// Points to a live `Counted<T>` as long as `self` exists.
    counted: NonNull<Counted<T>>,
    /// Owns a `T`.
    owns: PhantomData<Counted<T>>,
}

struct Counted<T> {
    /// Never overflows: one clone a nanosecond fills 64 bits in 584 years.
    owners: AtomicU64,
    value: T,
}

// SAFETY: owners on several threads share `&T` (`Sync`), and the last of them drops the `T`
// (`Send`).
unsafe impl<T: Send + Sync> Send for Shared<T> {}
// SAFETY: `&Shared<T>` gives `&T`, and by `clone` an owner.
unsafe impl<T: Send + Sync> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// Moves a value to the heap.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`]; the value is dropped.
    pub fn try_new(value: T) -> Result<Self, OutOfMemory> {
        let counted = try_box(Counted { owners: AtomicU64::new(1), value })?;
        Ok(Self { counted: NonNull::from(Box::leak(counted)), owns: PhantomData })
    }

    /// The value, to be changed, where `this` is its only owner: fills in place what was allocated
    /// first.
    #[must_use]
    pub fn get_mut(this: &mut Self) -> Option<&mut T> {
        if this.counted().owners.load(E10_ACQUIRE) != 1 {
            return None;
        }
        // SAFETY: by the field's invariant; we are the only owner, and `&mut` keeps us from making
        // another.
        let counted = unsafe { this.counted.as_mut() };
        Some(&mut counted.value)
    }

    /// Whether both are owners of the same value.
    #[must_use]
    pub fn ptr_eq(this: &Self, other: &Self) -> bool {
        this.counted == other.counted
    }

    fn counted(&self) -> &Counted<T> {
        // SAFETY: by the field's invariant.
        unsafe { self.counted.as_ref() }
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        // Relaxed: whoever gets the clone gets it from us, by an edge of their own.
        self.counted().owners.fetch_add(1, Relaxed);
        Self { counted: self.counted, owns: PhantomData }
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.counted().value
    }
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        if self.counted().owners.fetch_sub(1, E10_RELEASE) != 1 {
            return;
        }
        // The load stands in for a fence, which ThreadSanitizer would not see.
        self.counted().owners.load(E10_ACQUIRE);
        // SAFETY: made by `Box::leak` in `try_new`; we were the last owner, and nobody can become
        // one again.
        drop(unsafe { Box::from_raw(self.counted.as_ptr()) });
    }
}

impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::fmt(self, f)
    }
}
