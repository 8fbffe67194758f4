//! The unit of retirement: a value with the links that its retirement will need, so that retiring
//! never allocates.

use crate::backend::Ticket;
use crate::memory::{Footprint, OutOfMemory, try_box};
use alloc::boxed::Box;
use core::cell::UnsafeCell;
use core::ptr::NonNull;

/// A value that readers may hold references to, and its place in a [`Queue`].
pub(crate) struct Node<V> {
    pub(crate) value: V,
    /// Touched only by the queue that holds the node, never by a reader.
    link: UnsafeCell<Link<V>>,
}

struct Link<V> {
    next: Option<NonNull<Node<V>>>,
    retirement: Retirement,
}

/// What is known of a node since it was unlinked.
#[derive(Clone, Copy)]
pub(crate) struct Retirement {
    /// Taken after the node had been unlinked.
    pub(crate) ticket: Ticket,
    /// Bytes that come free with it.
    pub(crate) bytes: usize,
}

impl Retirement {
    const NONE: Self = Self { ticket: Ticket::new(0), bytes: 0 };
}

impl<V> Node<V> {
    pub(crate) fn try_new(value: V) -> Result<Box<Self>, OutOfMemory> {
        let link = Link { next: None, retirement: Retirement::NONE };
        try_box(Self { value, link: UnsafeCell::new(link) })
    }
}

impl<V: Footprint> Node<V> {
    /// Bytes that come free with this node.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>().saturating_add(self.value.heap_bytes())
    }
}

/// Retired nodes, the longest retired first.
///
/// Invariant of `head` and of every `next`: it points to a live node that this queue alone may
/// link, take and free. Readers may still share the node's value.
pub(crate) struct Queue<V> {
    head: Option<NonNull<Node<V>>>,
    tail: Option<NonNull<Node<V>>>,
}

impl<V> Queue<V> {
    pub(crate) const fn new() -> Self {
        Self { head: None, tail: None }
    }

    /// Appends an unlinked node.
    ///
    /// # Safety
    ///
    /// The caller promises:
    ///
    /// 1. The node came from `Box::into_raw`, or from [`pop`](Self::pop).
    /// 2. It is in no queue, no new reader can reach it, and nobody else will free it.
    /// 3. When the queue is dropped with the node in it, no reader is left.
    pub(crate) unsafe fn push(&mut self, node: NonNull<Node<V>>, retirement: Retirement) {
        // SAFETY: live and in no other queue, by number 2; hence its link is ours.
        unsafe { *link(node) = Link { next: None, retirement } };
        match self.tail.replace(node) {
            // SAFETY: in this queue, by the invariant.
            Some(last) => unsafe { (*link(last)).next = Some(node) },
            None => self.head = Some(node),
        }
    }

    /// The ticket of the longest retired node.
    pub(crate) fn ticket(&self) -> Option<Ticket> {
        // SAFETY: in this queue, by the invariant.
        self.head.map(|node| unsafe { (*link(node)).retirement.ticket })
    }

    /// Takes out the longest retired node. Its readers may not have left yet.
    pub(crate) fn pop(&mut self) -> Option<(NonNull<Node<V>>, Retirement)> {
        let node = self.head?;
        // SAFETY: in this queue, by the invariant.
        let Link { next, retirement } = unsafe { link(node).read() };
        self.head = next;
        if next.is_none() {
            self.tail = None;
        }
        Some((node, retirement))
    }
}

impl<V> Drop for Queue<V> {
    fn drop(&mut self) {
        while let Some((node, _)) = self.pop() {
            // SAFETY: made by `Box::into_raw`, out of the queue, and no reader is left, by `push`'s
            // contract.
            drop(unsafe { Box::from_raw(node.as_ptr()) });
        }
    }
}

/// The node's link, reached without a reference to the node.
fn link<V>(node: NonNull<Node<V>>) -> *mut Link<V> {
    // SAFETY: every node that the queue knows is live; a shared reference is what readers have too.
    unsafe { node.as_ref() }.link.get()
}
