//! Contexts by 15-bit id: two levels of atomic pointers, read without a lock.
//!
//! ```text
//!   id:  14       7 6        0        leaves[id >> 7] -> slots[id & 127] -> context
//!       +----------+----------+
//!       |   leaf   |   slot   |       a leaf is 1 KiB, added with its first id and kept
//!       +----------+----------+
//! ```
//!
//! A slot is vacant (null), draining (its context is removed and not freed yet; the id must not be
//! used again), or points to a context.

use crate::edges::{E2_ACQUIRE, E2_RELEASE, E3_ACQUIRE, E3_RELEASE, E7_ACQUIRE};
use crate::edges::{E8_ACQUIRE, E8_RELEASE};
use crate::memory::{Footprint, OutOfMemory, try_box};
use crate::node::Node;
use crate::sync::{AtomicPtr, AtomicU64};
use alloc::boxed::Box;
use core::ptr::{self, NonNull};
use core::sync::atomic::Ordering::Relaxed;

const LEAF_BITS: u32 = if cfg!(loom) { 1 } else { 7 };
const LEAF_LENGTH: usize = 1 << LEAF_BITS;
const LEAVES: usize = if cfg!(loom) { 2 } else { 256 };

/// A context, the id that finds it, and the holds that keep it.
pub(crate) struct Member<C> {
    pub(crate) id: u16,
    /// Never overflows: one hold a nanosecond fills 64 bits in 584 years.
    pub(crate) holds: AtomicU64,
    pub(crate) context: C,
}

impl<C> Member<C> {
    pub(crate) fn new(id: u16, context: C) -> Self {
        Self { id, holds: AtomicU64::new(0), context }
    }

    /// Whether a hold is left. Once the grace period is over, no new one can come.
    pub(crate) fn is_held(&self) -> bool {
        self.holds.load(E7_ACQUIRE) != 0
    }
}

impl<C: Footprint> Footprint for Member<C> {
    fn heap_bytes(&self) -> usize {
        self.context.heap_bytes()
    }
}

pub(crate) type Context<C> = Node<Member<C>>;

/// What an id stands for at this moment.
pub(crate) enum Slot<C> {
    Vacant,
    Draining,
    Taken(NonNull<Context<C>>),
}

/// The table. Only a holder of the writers' lock may change it, save for [`vacate`](Self::vacate).
///
/// Invariants: a leaf pointer is null or points to a leaf that lives as long as the table; a slot
/// that is neither vacant nor draining points to a context made by `Box::into_raw`.
pub(crate) struct Table<C> {
    leaves: [AtomicPtr<Leaf<C>>; LEAVES],
}

struct Leaf<C> {
    slots: [AtomicPtr<Context<C>>; LEAF_LENGTH],
}

impl<C> Table<C> {
    pub(crate) fn new() -> Self {
        Self { leaves: core::array::from_fn(|_| AtomicPtr::new(ptr::null_mut())) }
    }

    /// The context of an id, if it has one.
    #[inline]
    pub(crate) fn find(&self, id: u16) -> Option<NonNull<Context<C>>> {
        match read(self.slot(id)?.load(E2_ACQUIRE)) {
            Slot::Taken(context) => Some(context),
            Slot::Vacant | Slot::Draining => None,
        }
    }

    /// The state of an id, for the writer. `None`: the id is out of range.
    pub(crate) fn state(&self, id: u16) -> Option<Slot<C>> {
        self.leaf(id)?;
        Some(self.slot(id).map_or(Slot::Vacant, |slot| read(slot.load(E8_ACQUIRE))))
    }

    /// Makes sure that the id has a slot.
    pub(crate) fn try_reserve(&self, id: u16) -> Result<(), OutOfMemory> {
        let Some(leaf) = self.leaf(id) else { return Ok(()) };
        if leaf.load(Relaxed).is_null() {
            leaf.store(Box::into_raw(try_box(Leaf::new())?), E3_RELEASE);
        }
        Ok(())
    }

    /// Shows a context to readers, under its id. The slot is reserved and vacant.
    pub(crate) fn publish(&self, context: Box<Context<C>>) {
        if let Some(slot) = self.slot(context.value.id) {
            slot.store(Box::into_raw(context), E2_RELEASE);
        }
    }

    /// Hides the context of an id from new readers. The id drains until [`vacate`](Self::vacate).
    pub(crate) fn unlink(&self, id: u16) -> Option<NonNull<Context<C>>> {
        let context = self.find(id)?;
        // Relaxed: readers get nothing from the mark, and the ticket that follows orders the
        // unlinking (E4).
        self.slot(id)?.store(draining(), Relaxed);
        Some(context)
    }

    /// Lets a drained id be used again.
    pub(crate) fn vacate(&self, id: u16) {
        if let Some(slot) = self.slot(id) {
            slot.store(ptr::null_mut(), E8_RELEASE);
        }
    }

    /// Frees everything, with the contexts still in it.
    pub(crate) fn clear(&mut self) {
        for leaf in &self.leaves {
            let Some(leaf) = NonNull::new(leaf.load(Relaxed)) else { continue };
            // SAFETY: by the first invariant; nobody reads a table that is borrowed mutably, and
            // the pointer is not used again.
            let leaf = unsafe { Box::from_raw(leaf.as_ptr()) };
            leaf.free_contexts();
        }
    }

    fn leaf(&self, id: u16) -> Option<&AtomicPtr<Leaf<C>>> {
        self.leaves.get(usize::from(id >> LEAF_BITS))
    }

    #[inline]
    fn slot(&self, id: u16) -> Option<&AtomicPtr<Context<C>>> {
        let leaf = NonNull::new(self.leaf(id)?.load(E3_ACQUIRE))?;
        // SAFETY: by the first invariant.
        let leaf = unsafe { leaf.as_ref() };
        leaf.slots.get(usize::from(id) % LEAF_LENGTH)
    }
}

impl<C> Leaf<C> {
    fn new() -> Self {
        Self { slots: core::array::from_fn(|_| AtomicPtr::new(ptr::null_mut())) }
    }

    fn free_contexts(&self) {
        for slot in &self.slots {
            if let Slot::Taken(context) = read(slot.load(Relaxed)) {
                // SAFETY: by the second invariant; the table is going, and the slot is not read
                // again.
                drop(unsafe { Box::from_raw(context.as_ptr()) });
            }
        }
    }
}

/// A mark that is no context's address, since contexts are aligned.
const fn draining<C>() -> *mut Context<C> {
    ptr::without_provenance_mut(1)
}

#[inline]
fn read<C>(pointer: *mut Context<C>) -> Slot<C> {
    match NonNull::new(pointer) {
        None => Slot::Vacant,
        Some(context) if context.as_ptr() == draining() => Slot::Draining,
        Some(context) => Slot::Taken(context),
    }
}
