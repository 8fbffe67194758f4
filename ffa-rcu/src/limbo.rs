//! What is out of reach of new readers and perhaps not of old ones: retired, and not freed yet.

use crate::node::{Node, Queue};
use crate::table::{Context, Member};
use alloc::boxed::Box;
use core::ptr::NonNull;

/// How much retired memory is waiting to be freed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retired {
    /// Objects waiting now: snapshots and contexts.
    pub objects: usize,
    /// Bytes that they keep, by their [`Footprint`](crate::Footprint).
    pub bytes: usize,
    /// The most bytes that ever waited at once.
    pub peak_bytes: usize,
}

impl Retired {
    fn add(&mut self, bytes: usize) {
        self.objects = self.objects.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
        self.peak_bytes = self.peak_bytes.max(self.bytes);
    }

    fn subtract(&mut self, bytes: usize) {
        self.objects = self.objects.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

/// One step of reclamation.
pub(crate) enum Step<T, C> {
    /// This snapshot is nobody's any more.
    Snapshot(Box<Node<T>>),
    /// This context is nobody's any more.
    Context(Box<Context<C>>),
    /// The oldest context that has no reader has a hold; another may be free.
    Held,
    /// Nothing has passed its grace period.
    Nothing,
}

/// The retired objects, kept under the writers' lock.
pub(crate) struct Limbo<T, C> {
    snapshots: Queue<T>,
    contexts: Queue<Member<C>>,
    /// Contexts without readers that had a hold when last looked at.
    held: Queue<Member<C>>,
    pub(crate) retired: Retired,
}

// SAFETY: the queues own their nodes, and move them to whichever thread reclaims.
unsafe impl<T: Send, C: Send> Send for Limbo<T, C> {}

impl<T, C> Limbo<T, C> {
    pub(crate) const fn new() -> Self {
        let retired = Retired { objects: 0, bytes: 0, peak_bytes: 0 };
        Self { snapshots: Queue::new(), contexts: Queue::new(), held: Queue::new(), retired }
    }

    /// Takes over an unlinked snapshot.
    ///
    /// # Safety
    ///
    /// The caller promises:
    ///
    /// 1. The node came from `Box::into_raw`, and nobody else will retire or free it.
    /// 2. It was unlinked before the ticket was taken.
    pub(crate) unsafe fn retire_snapshot(&mut self, node: NonNull<Node<T>>, ticket: u64) {
        // SAFETY: live, since only we will free it.
        self.retired.add(unsafe { node.as_ref() }.bytes);
        // SAFETY: by numbers 1 and 2.
        unsafe { self.snapshots.push(node, ticket) };
    }

    /// Takes over an unlinked context.
    ///
    /// # Safety
    ///
    /// As for [`retire_snapshot`](Self::retire_snapshot).
    pub(crate) unsafe fn retire_context(&mut self, node: NonNull<Context<C>>, ticket: u64) {
        // SAFETY: live, since only we will free it.
        self.retired.add(unsafe { node.as_ref() }.bytes);
        // SAFETY: by numbers 1 and 2.
        unsafe { self.contexts.push(node, ticket) };
    }

    /// Looks at the longest retired object and hands it out if nobody can use it any more.
    ///
    /// # Safety
    ///
    /// The caller promises:
    ///
    /// 1. `horizon` was returned by the backend that gave the tickets.
    pub(crate) unsafe fn step(&mut self, horizon: u64) -> Step<T, C> {
        let snapshot = self.snapshots.ticket().filter(|&ticket| ticket <= horizon);
        let context = self.contexts.ticket().filter(|&ticket| ticket <= horizon);
        match (snapshot, context) {
            (Some(snapshot), Some(context)) if context < snapshot => self.step_context(),
            (Some(_), _) => self.step_snapshot(),
            (None, Some(_)) => self.step_context(),
            (None, None) => self.step_held(),
        }
    }

    fn step_snapshot(&mut self) -> Step<T, C> {
        let Some(node) = self.snapshots.pop() else { return Step::Nothing };
        // SAFETY: made by `Box::into_raw`, and its grace period is over: no reader is left.
        let node = unsafe { Box::from_raw(node.as_ptr()) };
        self.retired.subtract(node.bytes);
        Step::Snapshot(node)
    }

    fn step_context(&mut self) -> Step<T, C> {
        let node = self.contexts.pop();
        node.map_or(Step::Nothing, |node| self.free_unless_held(node))
    }

    fn step_held(&mut self) -> Step<T, C> {
        let node = self.held.pop();
        node.map_or(Step::Nothing, |node| self.free_unless_held(node))
    }

    /// Decides over a context whose grace period is over.
    fn free_unless_held(&mut self, node: NonNull<Context<C>>) -> Step<T, C> {
        // SAFETY: just taken from a queue, and live.
        if unsafe { node.as_ref() }.value.is_held() {
            // SAFETY: just taken from a queue. Its grace period is over, so the ticket does not matter any more.
            unsafe { self.held.push(node, 0) };
            return Step::Held;
        }
        // SAFETY: made by `Box::into_raw`; its grace period is over, so no reader is left, and none can hold it any more.
        let node = unsafe { Box::from_raw(node.as_ptr()) };
        self.retired.subtract(node.bytes);
        Step::Context(node)
    }
}

impl<T, C> Drop for Limbo<T, C> {
    /// Frees everything: sections and holds borrow the registry, so none is left.
    fn drop(&mut self) {
        while let Some(node) = self.snapshots.pop() {
            // SAFETY: made by `Box::into_raw`, and out of the queue.
            drop(unsafe { Box::from_raw(node.as_ptr()) });
        }
        while let Some(node) = self.contexts.pop().or_else(|| self.held.pop()) {
            // SAFETY: made by `Box::into_raw`, and out of the queue.
            drop(unsafe { Box::from_raw(node.as_ptr()) });
        }
    }
}
