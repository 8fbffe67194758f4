//! Writing: replace the snapshot, insert and remove contexts, one writer at a time.

use crate::backend::{Backend, DefaultBackend};
use crate::edges::E1_RELEASE;
use crate::limbo::{Limbo, Retired};
use crate::memory::{Footprint, OutOfMemory};
use crate::node::{Node, Retirement};
use crate::registry::Registry;
use crate::sync::MutexGuard;
use crate::table::{Context, Member, Slot};
use alloc::boxed::Box;
use core::fmt;
use core::ptr::NonNull;
use core::sync::atomic::Ordering::Relaxed;

/// The one writer of this moment; dropping it lets the next one in.
///
/// What a writer replaces or removes stays readable for those who read it already, and is freed by
/// [`Registry::reclaim`], which waits for the writer to be dropped: a writer that lives on retires
/// without end. A value that is refused is dropped while the writer still has its turn, so its
/// destructor must not ask the registry for one.
pub struct Writer<'r, T, C, B: Backend = DefaultBackend> {
    registry: &'r Registry<T, C, B>,
    limbo: MutexGuard<'r, Limbo<T, C>>,
}

/// A snapshot that has its memory and its admission. [`commit`](Self::commit) cannot fail; dropping
/// it changes nothing.
#[must_use = "a prepared snapshot is published by commit"]
pub struct Prepared<'w, 'r, T, C, B: Backend = DefaultBackend> {
    writer: &'w mut Writer<'r, T, C, B>,
    snapshot: Box<Node<T>>,
    /// What will be retired: as admitted.
    bytes: usize,
}

/// Too much retired memory waits for its readers: nothing has changed. Reclaim, and try again.
///
/// The limit bounds what a stalled reader can cost. It refuses what adds memory, never what
/// removes: the retired bytes stay below the limit, plus the contexts that were in the table when
/// it was reached. One object may wait alone, whatever its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// Bytes retired and not freed.
    pub bytes: usize,
    /// The limit that the change would have exceeded.
    pub limit: usize,
    /// The CPU whose section the longest retired object waits for, where the backend can tell.
    /// `None` with a backend that can: nothing stalls, [`Registry::reclaim`] was not called often
    /// enough, or what waits is [held](crate::Held).
    pub cpu: Option<usize>,
}

/// Why a snapshot was not published. The old one stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplaceError {
    /// No memory for the new snapshot.
    OutOfMemory,
    /// Too much retired memory.
    Backlog(Backlog),
}

/// Why a context was not inserted. The table is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InsertError {
    /// The id has more than 15 bits.
    IdOutOfRange,
    /// The id has a context.
    Taken,
    /// The id had a context that is removed and not freed yet. Reclaim, and try again.
    Draining,
    /// No memory for the context or its place in the table.
    OutOfMemory,
    /// Too much retired memory.
    Backlog(Backlog),
}

impl<'r, T, C, B: Backend> Writer<'r, T, C, B> {
    pub(crate) fn new(registry: &'r Registry<T, C, B>, limbo: MutexGuard<'r, Limbo<T, C>>) -> Self {
        Self { registry, limbo }
    }

    /// The snapshot that readers get now.
    #[must_use]
    pub fn snapshot(&self) -> &T {
        &self.root().value
    }

    /// The context of an id.
    #[must_use]
    pub fn find(&self, id: u16) -> Option<&C> {
        let context = self.registry.table.find(id)?;
        // SAFETY: found in the table, hence live; removing and freeing take the lock that we hold.
        Some(unsafe { &(*context.as_ptr()).value.context })
    }

    /// What is retired and not freed yet.
    #[must_use]
    pub fn retired(&self) -> Retired {
        self.limbo.retired
    }

    pub(crate) fn root(&self) -> &Node<T> {
        // Relaxed: the lock that we hold orders us after the last writer.
        let root = self.registry.root.load(Relaxed);
        // SAFETY: the root is a live snapshot; replacing and freeing take the lock that we hold.
        unsafe { &*root }
    }

    /// Whether a change may add `bytes` of retired memory.
    pub(crate) fn admit(&self, bytes: usize) -> Result<(), Backlog> {
        let Retired { objects, bytes: waiting, .. } = self.limbo.retired;
        let limit = self.registry.limit;
        if objects == 0 || waiting.saturating_add(bytes) <= limit {
            return Ok(());
        }
        let cpu = self.limbo.ticket().and_then(|ticket| self.registry.backend.behind(ticket));
        Err(Backlog { bytes: waiting, limit, cpu })
    }
}

impl<T: Footprint, C, B: Backend> Writer<'_, T, C, B> {
    /// Publishes a snapshot and retires the one before, which weighs `bytes`. Calls nothing of the
    /// caller's.
    pub(crate) fn swap(&mut self, snapshot: Box<Node<T>>, bytes: usize) {
        let old = self.registry.root.swap(Box::into_raw(snapshot), E1_RELEASE);
        let ticket = self.registry.backend.ticket();
        if let Some(old) = NonNull::new(old) {
            // SAFETY: made by `Box::into_raw`, and unlinked just now, under the lock, hence once and
            // in the order of tickets.
            unsafe { self.limbo.retire_snapshot(old, Retirement { ticket, bytes }) };
        }
    }
}

impl<T, C: Footprint, B: Backend> Writer<'_, T, C, B> {
    /// Removes the context of an id, and says whether there was one.
    ///
    /// Cannot fail: it allocates nothing. The id drains, refused by [`insert`](Self::insert), until
    /// `reclaim` has freed the context.
    pub fn remove(&mut self, id: u16) -> bool {
        let Some(context) = self.registry.table.find(id) else { return false };
        // SAFETY: live, since only we will free it.
        let bytes = unsafe { context.as_ref() }.bytes();
        let Some(context) = self.registry.table.unlink(id) else { return false };
        let ticket = self.registry.backend.ticket();
        // SAFETY: made by `Box::into_raw` in `insert`, and unlinked just now, under the lock, hence
        // once and in the order of tickets.
        unsafe { self.limbo.retire_context(context, Retirement { ticket, bytes }) };
        true
    }
}

impl<'r, T: Footprint, C: Footprint, B: Backend> Writer<'r, T, C, B> {
    /// Does all of a replacement that can fail, before anything else of a larger change is done.
    ///
    /// # Errors
    ///
    /// [`ReplaceError`]; the snapshot is dropped.
    pub fn prepare(&mut self, snapshot: T) -> Result<Prepared<'_, 'r, T, C, B>, ReplaceError> {
        let bytes = self.root().bytes();
        self.admit(bytes)?;
        let snapshot = Node::try_new(snapshot)?;
        Ok(Prepared { writer: self, snapshot, bytes })
    }

    /// Publishes a snapshot in place of the current one, which is retired.
    ///
    /// # Errors
    ///
    /// [`ReplaceError`]; the snapshot is dropped.
    pub fn replace(&mut self, snapshot: T) -> Result<(), ReplaceError> {
        self.prepare(snapshot).map(Prepared::commit)
    }

    /// Makes a context findable by an id.
    ///
    /// # Errors
    ///
    /// [`InsertError`]; the context is dropped.
    pub fn insert(&mut self, id: u16, context: C) -> Result<(), InsertError> {
        match self.registry.table.state(id) {
            Some(Slot::Vacant) => {}
            Some(Slot::Draining) => return Err(InsertError::Draining),
            Some(Slot::Taken(_)) => return Err(InsertError::Taken),
            None => return Err(InsertError::IdOutOfRange),
        }
        self.admit(size_of::<Context<C>>().saturating_add(context.heap_bytes()))?;
        let context = Node::try_new(Member::new(id, context))?;
        self.registry.table.try_reserve(id)?;
        self.registry.table.publish(context);
        Ok(())
    }
}

impl<T: Footprint, C, B: Backend> Prepared<'_, '_, T, C, B> {
    /// Publishes the snapshot and retires the one before.
    pub fn commit(self) {
        self.writer.swap(self.snapshot, self.bytes);
    }
}

impl fmt::Display for Backlog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes, limit, .. } = self;
        write!(f, "{bytes} bytes of retired memory wait for readers, the limit is {limit}")?;
        self.cpu.map_or(Ok(()), |cpu| write!(f, "; CPU {cpu} does not end its section"))
    }
}

impl fmt::Display for ReplaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfMemory => OutOfMemory.fmt(f),
            Self::Backlog(backlog) => backlog.fmt(f),
        }
    }
}

impl fmt::Display for InsertError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IdOutOfRange => f.write_str("the id has more than 15 bits"),
            Self::Taken => f.write_str("the id has a context"),
            Self::Draining => f.write_str("the id's old context is not freed yet"),
            Self::OutOfMemory => OutOfMemory.fmt(f),
            Self::Backlog(backlog) => backlog.fmt(f),
        }
    }
}

impl core::error::Error for Backlog {}
impl core::error::Error for ReplaceError {}
impl core::error::Error for InsertError {}

impl From<OutOfMemory> for ReplaceError {
    fn from(_: OutOfMemory) -> Self {
        Self::OutOfMemory
    }
}

impl From<Backlog> for ReplaceError {
    fn from(backlog: Backlog) -> Self {
        Self::Backlog(backlog)
    }
}

impl From<OutOfMemory> for InsertError {
    fn from(_: OutOfMemory) -> Self {
        Self::OutOfMemory
    }
}

impl From<Backlog> for InsertError {
    fn from(backlog: Backlog) -> Self {
        Self::Backlog(backlog)
    }
}
