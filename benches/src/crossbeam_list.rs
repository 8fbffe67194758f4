//! Contexts in a linked list that is walked without a lock and freed by `crossbeam-epoch`.
//!
//! What a lock-free list of contexts is without a snapshot: pin, walk, compose each descriptor. It is
//! the lowest level of `crossbeam-skiplist`'s base list, with the contexts in it; the upper levels
//! make lookups and changes cheaper than a plain list has them. Contexts lie scattered, as in the
//! locked lists.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crossbeam_epoch::{Collector, Guard, LocalHandle};
use crossbeam_skiplist::base::SkipList;
use ffa_abi::{PartitionInfo, VmId};

use crate::compose;
use crate::context::{Context, Filling, Layout};
use crate::host::Pages;
use crate::store::{Asker, OpenSection, Reader, Refused, Registers, Store};

/// A list under epochs.
pub(crate) struct CrossbeamList {
    list: SkipList<u16, Context>,
    collector: Collector,
    retired: Arc<AtomicUsize>,
    _filling: Filling,
}

impl CrossbeamList {
    pub(crate) fn new(infos: &[PartitionInfo]) -> Self {
        let collector = Collector::new();
        let list = SkipList::new(collector.clone());
        let retired = Arc::new(AtomicUsize::new(0));
        let handle = collector.register();
        let filling = Layout::Scattered.allocate(infos.len(), |index| {
            if let Some(info) = infos.get(index) {
                let guard = handle.pin();
                list.insert(info.id().0, Context::counted(*info, &retired), &guard).release(&guard);
            }
        });
        CrossbeamList { list, collector, retired, _filling: filling }
    }
}

/// A CPU with a participant of its own.
pub(crate) struct EpochReader<'s> {
    store: &'s CrossbeamList,
    handle: LocalHandle,
    asker: Asker,
    rx: Pages,
}

thread_local! {
    /// Where a thread that writes takes part, by the collector of its list.
    static WRITER: RefCell<Option<(Collector, LocalHandle)>> =
        const { RefCell::new(None) };
}

impl CrossbeamList {
    /// Pins the writer, and flushes what it has retired: the best that a writer can do for readers.
    fn as_writer<R>(&self, change: impl FnOnce(&Guard) -> R) -> R {
        WRITER.with_borrow_mut(|writer| {
            let taken = writer.take().filter(|(collector, _)| *collector == self.collector);
            let (collector, handle) =
                taken.unwrap_or_else(|| (self.collector.clone(), self.collector.register()));
            let guard = handle.pin();
            let result = change(&guard);
            guard.flush();
            drop(guard);
            *writer = Some((collector, handle));
            result
        })
    }
}

impl Store for CrossbeamList {
    type Reader<'s> = EpochReader<'s>;

    fn reader(&self, _: usize, asker: Asker) -> EpochReader<'_> {
        let rx = Pages::for_descriptors(self.list.len());
        EpochReader { store: self, handle: self.collector.register(), asker, rx }
    }

    fn join(&self, info: PartitionInfo) -> Result<(), Refused> {
        let context = Context::counted(info, &self.retired);
        self.as_writer(|guard| self.list.insert(info.id().0, context, guard).release(guard));
        Ok(())
    }

    fn leave(&self, id: VmId) -> Result<(), Refused> {
        self.as_writer(|guard| {
            // Counted first: a reader may free it before we get to count.
            self.retired.fetch_add(size_of::<Context>(), Relaxed);
            let removed = self.list.remove(&id.get(), guard);
            if removed.is_none() {
                self.retired.fetch_sub(size_of::<Context>(), Relaxed);
            }
            removed.map(|entry| entry.release(guard)).ok_or(Refused::Other)
        })
    }

    /// crossbeam frees when somebody pins or flushes.
    fn reclaim(&self, _: usize) -> usize {
        let before = self.retired_bytes();
        self.as_writer(|_| ());
        before.saturating_sub(self.retired_bytes()) / size_of::<Context>()
    }

    fn retired_bytes(&self) -> usize {
        self.retired.load(Relaxed)
    }
}

/// The walk.
fn infos<'g>(list: &'g CrossbeamList, guard: &'g Guard) -> impl Iterator<Item = &'g PartitionInfo> {
    list.list.iter(guard).map(|entry| &entry.value().info)
}

impl Reader for EpochReader<'_> {
    fn list(&mut self) -> usize {
        let guard = self.handle.pin();
        compose::list(infos(self.store, &guard), self.asker, &mut self.rx)
    }

    fn count(&mut self) -> usize {
        let guard = self.handle.pin();
        compose::count(infos(self.store, &guard), self.asker)
    }

    fn registers(&mut self, start: usize) -> Registers {
        let guard = self.handle.pin();
        compose::registers(infos(self.store, &guard), self.asker, start)
    }

    fn lookup(&mut self, id: VmId) -> Option<u16> {
        let guard = self.handle.pin();
        let entry = self.store.list.get(&id.get(), &guard);
        entry.map(|entry| entry.value().info.execution_contexts())
    }

    fn stall(&mut self) -> Box<dyn OpenSection + '_> {
        Box::new(self.handle.pin())
    }

    fn rx(&mut self) -> Vec<u8> {
        self.rx.bytes().to_vec()
    }
}
