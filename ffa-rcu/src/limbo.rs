//! What is out of reach of new readers and perhaps not of old ones: retired, and not freed yet.

use crate::backend::Ticket;
use crate::node::{Node, Queue, Retirement};
use crate::table::{Context, Member};
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

/// Objects that nobody can use any more. Dropping it runs their destructors.
pub(crate) struct Ripe<T, C> {
    pub(crate) snapshots: Queue<T>,
    pub(crate) contexts: Queue<Member<C>>,
    pub(crate) objects: usize,
}

/// The retired objects, kept under the writers' lock.
pub(crate) struct Limbo<T, C> {
    snapshots: Queue<T>,
    contexts: Queue<Member<C>>,
    /// Contexts without readers that had a hold when last looked at.
    held: Queue<Member<C>>,
    /// How many these are.
    held_objects: usize,
    /// Whether the next look is at `held` first, so that neither side starves the other.
    held_first: bool,
    pub(crate) retired: Retired,
}

// SAFETY: the queues own their nodes, and move them to whichever thread reclaims.
unsafe impl<T: Send, C: Send> Send for Limbo<T, C> {}

impl<T, C> Limbo<T, C> {
    pub(crate) const fn new() -> Self {
        let retired = Retired { objects: 0, bytes: 0, peak_bytes: 0 };
        Self {
            snapshots: Queue::new(),
            contexts: Queue::new(),
            held: Queue::new(),
            held_objects: 0,
            held_first: false,
            retired,
        }
    }

    /// Takes over an unlinked snapshot.
    ///
    /// # Safety
    ///
    /// The caller promises:
    ///
    /// 1. The node came from `Box::into_raw`, and nobody else will retire or free it.
    /// 2. It was unlinked before the ticket was taken, and that is later than those of all calls
    ///    before.
    pub(crate) unsafe fn retire_snapshot(
        &mut self,
        node: NonNull<Node<T>>,
        retirement: Retirement,
    ) {
        self.retired.add(retirement.bytes);
        // SAFETY: by numbers 1 and 2.
        unsafe { self.snapshots.push(node, retirement) };
    }

    /// Takes over an unlinked context.
    ///
    /// # Safety
    ///
    /// As for [`retire_snapshot`](Self::retire_snapshot).
    pub(crate) unsafe fn retire_context(
        &mut self,
        node: NonNull<Context<C>>,
        retirement: Retirement,
    ) {
        self.retired.add(retirement.bytes);
        // SAFETY: by numbers 1 and 2.
        unsafe { self.contexts.push(node, retirement) };
    }

    /// The ticket that whoever waits the longest waits for; `None` where all that waits is held.
    pub(crate) fn ticket(&self) -> Option<Ticket> {
        match (self.snapshots.ticket(), self.contexts.ticket()) {
            (Some(snapshot), Some(context)) => Some(snapshot.earlier(context)),
            (snapshot, context) => snapshot.or(context),
        }
    }

    /// Takes out what nobody can use any more, looking at no more than `budget` objects, and at none
    /// that is held twice.
    ///
    /// # Safety
    ///
    /// The caller promises:
    ///
    /// 1. `horizon` was returned by the backend that gave the tickets.
    pub(crate) unsafe fn take_ripe(&mut self, horizon: Ticket, budget: usize) -> Ripe<T, C> {
        let mut ripe = Ripe { snapshots: Queue::new(), contexts: Queue::new(), objects: 0 };
        let before = self.retired.objects;
        let mut held = self.held_objects;
        let mut next_held = |limbo: &mut Self, ripe: &mut _| {
            held = held.checked_sub(1)?;
            limbo.take_held(ripe)
        };
        for _ in 0..budget.min(before) {
            self.held_first = !self.held_first;
            if self.held_first && next_held(self, &mut ripe).is_some() {
                continue;
            }
            let is_over = |ticket: &Ticket| horizon.is_at_least(*ticket);
            let snapshot = self.snapshots.ticket().filter(is_over);
            let context = self.contexts.ticket().filter(is_over);
            // The longest retired first. Contexts that were held come last, and wait for nobody's
            // grace period.
            let found = match (snapshot, context) {
                (Some(snapshot), Some(context)) if snapshot.is_at_least(context) => {
                    self.take_context(&mut ripe)
                }
                (Some(_), _) => self.take_snapshot(&mut ripe),
                (None, Some(_)) => self.take_context(&mut ripe),
                (None, None) => next_held(self, &mut ripe),
            };
            if found.is_none() {
                break;
            }
        }
        ripe.objects = before.saturating_sub(self.retired.objects);
        ripe
    }

    fn take_snapshot(&mut self, ripe: &mut Ripe<T, C>) -> Option<()> {
        let (node, retirement) = self.snapshots.pop()?;
        self.retired.subtract(retirement.bytes);
        // SAFETY: from `pop`; its grace period is over, so no reader is left.
        unsafe { ripe.snapshots.push(node, retirement) };
        Some(())
    }

    fn take_context(&mut self, ripe: &mut Ripe<T, C>) -> Option<()> {
        let (node, retirement) = self.contexts.pop()?;
        self.take_unless_held(node, retirement, ripe);
        Some(())
    }

    fn take_held(&mut self, ripe: &mut Ripe<T, C>) -> Option<()> {
        let (node, retirement) = self.held.pop()?;
        self.held_objects = self.held_objects.saturating_sub(1);
        self.take_unless_held(node, retirement, ripe);
        Some(())
    }

    /// Decides over a context that came from a queue and whose grace period is over.
    fn take_unless_held(
        &mut self,
        node: NonNull<Context<C>>,
        retirement: Retirement,
        ripe: &mut Ripe<T, C>,
    ) {
        // SAFETY: from a queue, hence live.
        let context = unsafe { node.as_ref() };
        if context.value.is_held() {
            // SAFETY: from `pop`. The ticket has passed and does not matter any more; a hold cannot
            // outlive the registry.
            unsafe { self.held.push(node, retirement) };
            self.held_objects = self.held_objects.saturating_add(1);
            return;
        }
        self.retired.subtract(retirement.bytes);
        // SAFETY: from `pop`; no reader is left, and without one there will be no hold.
        unsafe { ripe.contexts.push(node, retirement) };
    }
}
