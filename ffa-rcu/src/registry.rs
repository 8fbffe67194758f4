//! The registry: one published snapshot, contexts by id, and the memory that their readers are done
//! with.

use crate::backend::{Backend, DefaultBackend};
use crate::edges::{E6_ACQUIRE, E6_RELEASE};
use crate::limbo::{Limbo, Retired, Ripe};
use crate::memory::{Footprint, OutOfMemory, try_collect};
use crate::node::Node;
use crate::section::Section;
use crate::sync::{AtomicBool, AtomicPtr, Mutex};
use crate::table::{Slot, Table};
use crate::writer::Writer;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::Cell;
use core::marker::PhantomData;
use core::sync::atomic::Ordering::Relaxed;

/// The limit on retired memory unless [`Registry::with_limit`] sets another, in bytes.
pub const DEFAULT_LIMIT: usize = 8 << 20;

/// A published snapshot `T` and contexts `C` by id, read without locks.
///
/// Readers work in [sections](Section), which a [`Cpu`] opens. [Writers](Writer) take turns. What
/// they replace and remove is retired, and freed by [`reclaim`](Self::reclaim) alone, when no
/// reader can have it any more.
pub struct Registry<T, C, B: Backend = DefaultBackend> {
    pub(crate) backend: B,
    /// Points to a live snapshot, made by `Box::into_raw`. Only a holder of the lock of `limbo`
    /// changes it.
    pub(crate) root: AtomicPtr<Node<T>>,
    pub(crate) table: Table<C>,
    /// Whether a CPU's place is claimed.
    claimed: Vec<AtomicBool>,
    /// The retired objects; its lock is the writers'.
    pub(crate) limbo: Mutex<Limbo<T, C>>,
    pub(crate) limit: usize,
    /// Shares and drops `T` and `C`.
    owns: PhantomData<(T, C)>,
}

/// What one call of [`Registry::reclaim`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reclaimed {
    /// Objects freed by this call.
    pub freed: usize,
    /// Objects that wait for their readers, their holders, or the next call.
    pub waiting: usize,
    /// Bytes that the waiting objects keep.
    pub bytes: usize,
    /// The CPU whose section the longest retired object waits for, where the backend can tell.
    pub stalled_by: Option<usize>,
}

impl<T: Footprint, C: Footprint, B: Backend> Registry<T, C, B> {
    /// A registry for the CPUs `0..cpus`, with a first snapshot and no context.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`]; the snapshot is dropped.
    pub fn try_new(cpus: usize, snapshot: T) -> Result<Self, OutOfMemory> {
        Self::with_backend(B::try_new(cpus)?, cpus, snapshot)
    }

    /// `backend` is one for `cpus`.
    fn with_backend(backend: B, cpus: usize, snapshot: T) -> Result<Self, OutOfMemory> {
        let claimed = try_collect(cpus, |_| AtomicBool::new(false))?;
        let root = Node::try_new(snapshot)?;
        Ok(Self {
            backend,
            root: AtomicPtr::new(Box::into_raw(root)),
            table: Table::new(),
            claimed,
            limbo: Mutex::new(Limbo::new()),
            limit: DEFAULT_LIMIT,
            owns: PhantomData,
        })
    }
}

impl<T, C, B: Backend> Registry<T, C, B> {
    /// Sets the limit on retired memory, in bytes: see [`Backlog`](crate::Backlog) for what it
    /// means.
    #[must_use]
    pub fn with_limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// Claims a CPU's place, which is given back when the [`Cpu`] is dropped. `None`: no such CPU,
    /// or its place is taken.
    #[must_use]
    pub fn cpu(&self, index: usize) -> Option<Cpu<'_, T, C, B>> {
        // A claim that fails must write nothing, and must not make a `Cpu`, whose drop gives back.
        let claim = self.claimed.get(index)?.compare_exchange(false, true, E6_ACQUIRE, Relaxed);
        claim.ok().map(|_| Cpu { registry: self, index, not_sync: PhantomData })
    }

    /// Waits for the writers' turn, in the order of arrival.
    ///
    /// Not from an interrupt handler, and not by a holder of a [`Writer`]: it would wait for
    /// itself. Inside a section it is allowed. In `match registry.write().replace(..)`, and in `if let`
    /// and `while let`, the writer lives in all arms: bind the result first where one calls
    /// [`reclaim`](Self::reclaim), [`retired`](Self::retired) or `write`.
    pub fn write(&self) -> Writer<'_, T, C, B> {
        Writer::new(self, self.limbo.lock())
    }

    /// Frees retired objects that nobody can use any more, looking at no more than `budget` of
    /// them.
    ///
    /// What waits for nobody is freed at the first call whose budget reaches it: `n` objects are gone
    /// after `n / budget` calls, rounded up (the backend `CrossbeamEpoch` needs up to three more to
    /// see that nobody is waited for, and one for every few hundred objects). Contexts that are [held](crate::Held) are looked at again
    /// in turn, once a call, and take up to half of the budget.
    ///
    /// Destructors of published values run here, with no lock held, and when the registry is
    /// dropped; nowhere else. A snapshot is one object, with all chunks that no later one has. Where
    /// a destructor panics and the panic is caught, the ids of contexts that this call was about to
    /// free stay draining. Any CPU may call it, also several at once, but not while it holds a
    /// [`Writer`].
    pub fn reclaim(&self, budget: usize) -> Reclaimed {
        let horizon = self.backend.horizon();
        let mut limbo = self.limbo.lock();
        // SAFETY: our backend gives the tickets and the horizon.
        let ripe = unsafe { limbo.take_ripe(horizon, budget) };
        let Retired { objects: waiting, bytes, .. } = limbo.retired;
        let next = limbo.ticket().filter(|ticket| !horizon.is_at_least(*ticket));
        drop(limbo);
        let freed = ripe.objects;
        self.free(ripe);
        let stalled_by = next.and_then(|ticket| self.backend.behind(ticket));
        Reclaimed { freed, waiting, bytes, stalled_by }
    }

    pub(crate) fn is_claimed(&self, cpu: usize) -> bool {
        self.claimed.get(cpu).is_some_and(|claimed| claimed.load(E6_ACQUIRE))
    }

    /// Lets a CPU's place be claimed again.
    pub(crate) fn give_back(&self, cpu: usize) {
        if let Some(claimed) = self.claimed.get(cpu) {
            claimed.store(false, E6_RELEASE);
        }
    }

    /// Whether an id has no context, not even a removed one that is not freed yet. Takes no lock.
    #[must_use]
    pub fn is_vacant(&self, id: u16) -> bool {
        matches!(self.table.state(id), Some(Slot::Vacant))
    }

    /// What is retired and not taken by a [`reclaim`](Self::reclaim) yet, whose destructors may
    /// still be running on another CPU; [`is_vacant`](Self::is_vacant) tells when those of a context
    /// have run. Takes the writers' lock for a moment.
    #[must_use]
    pub fn retired(&self) -> Retired {
        self.limbo.lock().retired
    }

    /// Runs the destructors. An id can be used again when that of its context has run.
    fn free(&self, mut ripe: Ripe<T, C>) {
        while let Some((context, _)) = ripe.contexts.pop() {
            // SAFETY: made by `Box::into_raw`, out of its queue, and nobody can use it any more.
            let context = unsafe { Box::from_raw(context.as_ptr()) };
            let id = context.value.id;
            drop(context);
            self.table.vacate(id);
        }
    }
}

impl<T, C, B: Backend> Drop for Registry<T, C, B> {
    /// Frees the snapshot and the contexts; the limbo and the backend follow. Nothing that borrows
    /// the registry is left.
    fn drop(&mut self) {
        self.table.clear();
        // SAFETY: made by `Box::into_raw`, by the field's invariant; no reader is left.
        drop(unsafe { Box::from_raw(self.root.load(Relaxed)) });
    }
}

/// A physical CPU's place in the registry, from which it opens sections.
///
/// It may move to another thread, but is used by one at a time. An interrupt handler that reads
/// needs a place of its own: `enter` borrows the `Cpu` for as long as the section is open, so
/// sections of one place cannot nest.
///
/// ```compile_fail,E0499
/// # let registry: ffa_rcu::Registry<u32, u32> = ffa_rcu::Registry::try_new(1, 1).unwrap();
/// let mut cpu = registry.cpu(0).unwrap();
/// let section = cpu.enter();
/// let nested = cpu.enter(); // one section at a time
/// drop((section, nested));
/// ```
///
/// That holds for sections that are only dropped, too, whatever the order:
///
/// ```compile_fail,E0499
/// # let registry: ffa_rcu::Registry<u32, u32> = ffa_rcu::Registry::try_new(1, 1).unwrap();
/// let mut cpu = registry.cpu(0).unwrap();
/// let mut section = cpu.enter();
/// section = cpu.enter(); // the old one would end after the new one began
/// ```
///
/// ```compile_fail,E0499
/// # let registry: ffa_rcu::Registry<u32, u32> = ffa_rcu::Registry::try_new(1, 1).unwrap();
/// let mut cpu = registry.cpu(0).unwrap();
/// let _outer = cpu.enter();
/// let _inner = cpu.enter();
/// ```
///
/// ```compile_fail,E0597
/// let _section;
/// let registry: ffa_rcu::Registry<u32, u32> = ffa_rcu::Registry::try_new(1, 1).unwrap();
/// let mut cpu = registry.cpu(0).unwrap();
/// _section = cpu.enter(); // would end after the registry
/// ```
pub struct Cpu<'r, T, C, B: Backend = DefaultBackend> {
    registry: &'r Registry<T, C, B>,
    index: usize,
    not_sync: PhantomData<Cell<()>>,
}

impl<'r, T, C, B: Backend> Cpu<'r, T, C, B> {
    /// Opens a section: what it finds stays valid until it is dropped.
    ///
    /// Keep it short: nothing that is retired meanwhile can be freed. A section that is leaked
    /// counts as open until this CPU enters again; with other backends than `Slots` for ever.
    #[inline]
    pub fn enter(&mut self) -> Section<'_, 'r, T, C, B> {
        // SAFETY: by number of the contract,
        // 1. the index was checked when the place was claimed.
        // 2. An open section borrows `self`.
        // 3. `&mut self` orders the calls of one handle, E6 those of successive ones; a section
        //    cannot leave its thread, and outlives no handle.
        let guard = unsafe { self.registry.backend.enter(self.index) };
        Section::new(self.registry, guard)
    }

    pub(crate) fn registry(&self) -> &'r Registry<T, C, B> {
        self.registry
    }

    /// The index that was claimed.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }
}

impl<T, C, B: Backend> Drop for Cpu<'_, T, C, B> {
    fn drop(&mut self) {
        self.registry.give_back(self.index);
    }
}
