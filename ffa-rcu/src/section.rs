//! Reading: a section in which nothing that it finds is freed, and a hold that outlives it.

use crate::backend::{Backend, DefaultBackend};
use crate::edges::{E1_ACQUIRE, E7_RELEASE};
use crate::registry::Registry;
use crate::table::Context;
use core::marker::PhantomData;
use core::ops::Deref;
use core::ptr::NonNull;
use core::sync::atomic::Ordering::Relaxed;

/// An open read section of one CPU; dropping it ends the section.
///
/// Reading takes no lock, waits for nobody and frees nothing. References last as long as the
/// section; see [`hold`](Self::hold) for a context that is needed longer.
///
/// ```compile_fail,E0505
/// # let registry: ffa_rcu::Registry<u32, u32> = ffa_rcu::Registry::try_new(1, 1).unwrap();
/// # let mut cpu = registry.cpu(0).unwrap();
/// let section = cpu.enter();
/// let snapshot = section.snapshot();
/// drop(section); // still borrowed
/// assert_eq!(*snapshot, 1);
/// ```
pub struct Section<'s, 'r, T, C, B: Backend = DefaultBackend> {
    registry: &'r Registry<T, C, B>,
    #[expect(dead_code, reason = "its drop ends the section")]
    guard: B::Guard<'r>,
    /// Borrows the CPU's place, and stays on its thread.
    place: PhantomData<(&'s mut (), *mut ())>,
}

impl<'r, T, C, B: Backend> Section<'_, 'r, T, C, B> {
    pub(crate) fn new(registry: &'r Registry<T, C, B>, guard: B::Guard<'r>) -> Self {
        Self { registry, guard, place: PhantomData }
    }

    /// The snapshot at this moment. A second call may return a later one: read it once where it
    /// must not change.
    #[inline]
    #[must_use]
    pub fn snapshot(&self) -> &T {
        let root = self.registry.root.load(E1_ACQUIRE);
        // SAFETY: the root is a live snapshot, and is not freed while this section is open (E4,
        // E5).
        unsafe { &(*root).value }
    }

    /// The context of an id: O(1), two loads. `None`: no such context, or it is removed.
    #[inline]
    #[must_use]
    pub fn find(&self, id: u16) -> Option<&C> {
        let context = self.registry.table.find(id)?;
        // SAFETY: found in the table, hence live, and not freed while this section is open (E4,
        // E5).
        Some(unsafe { &(*context.as_ptr()).value.context })
    }

    /// Holds the context of an id beyond the section: over a call into the secure world or into a
    /// guest.
    #[must_use]
    pub fn hold(&self, id: u16) -> Option<Held<'r, C>> {
        let context = self.registry.table.find(id)?;
        // SAFETY: found in the table, hence live, and not freed while this section is open (E4,
        // E5).
        let holds = unsafe { &(*context.as_ptr()).value.holds };
        // Relaxed: the end of this section orders the count before the end of its grace period.
        holds.fetch_add(1, Relaxed);
        Some(Held { context, registry: PhantomData })
    }
}

impl<T, C, B: Backend> Drop for Section<'_, '_, T, C, B> {
    /// The guard ends the section. That this exists makes the end a use of the place's and the
    /// registry's borrow; the fields alone would let a section be dropped after them.
    #[inline]
    fn drop(&mut self) {}
}

/// A context that is kept from being freed, though it may be removed meanwhile.
///
/// Dropping it counts down and nothing else; the context's destructor runs in
/// [`Registry::reclaim`].
///
/// ```
/// # let registry: ffa_rcu::Registry<u32, u32> = ffa_rcu::Registry::try_new(1, 1).unwrap();
/// # registry.write().insert(7, 70).unwrap();
/// # let mut cpu = registry.cpu(0).unwrap();
/// let held = cpu.enter().hold(7).expect("inserted before");
/// registry.write().remove(7);
/// assert_eq!((*held, registry.reclaim(8).freed), (70, 0));
/// drop(held);
/// assert_eq!(registry.reclaim(8).freed, 1);
/// ```
pub struct Held<'r, C> {
    /// Points to a live context that counts this hold.
    context: NonNull<Context<C>>,
    /// The registry frees every context at its end, held or not.
    registry: PhantomData<&'r C>,
}

// SAFETY: a hold is a `&C` and a counter that any thread may count down.
unsafe impl<C: Sync> Send for Held<'_, C> {}
// SAFETY: a shared hold gives `&C` only.
unsafe impl<C: Sync> Sync for Held<'_, C> {}

impl<C> Deref for Held<'_, C> {
    type Target = C;

    fn deref(&self) -> &C {
        // SAFETY: by the field's invariant.
        unsafe { &(*self.context.as_ptr()).value.context }
    }
}

impl<C> Drop for Held<'_, C> {
    fn drop(&mut self) {
        // SAFETY: by the field's invariant. Only the counter is borrowed: when it has fallen, the
        // context may be gone.
        let holds = unsafe { &(*self.context.as_ptr()).value.holds };
        holds.fetch_sub(1, E7_RELEASE);
    }
}
