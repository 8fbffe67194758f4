//! The usual way: a linked list of VM contexts, walked under a lock, each descriptor composed on the
//! way.

use std::ops::{Deref, DerefMut};

use ffa_abi::{PartitionInfo, VmId};

use crate::compose;
use crate::context::{Context, Filling, Layout};
use crate::host::Pages;
use crate::store::{Asker, OpenSection, Reader, Refused, Registers, Store};

struct Link {
    context: Context,
    next: Option<Box<Link>>,
}

/// Contexts in the order of their ids.
pub(crate) struct ContextList {
    head: Option<Box<Link>>,
    _filling: Filling,
}

impl ContextList {
    pub(crate) fn new(infos: &[PartitionInfo], layout: Layout) -> Self {
        let mut links: Vec<Option<Box<Link>>> = infos.iter().map(|_| None).collect();
        let filling = layout.allocate(infos.len(), |index| {
            if let (Some(link), Some(info)) = (links.get_mut(index), infos.get(index)) {
                *link = Some(Link::boxed(*info));
            }
        });
        let head = links.into_iter().rev().flatten().fold(None, |next, mut link| {
            link.next = next;
            Some(link)
        });
        ContextList { head, _filling: filling }
    }

    fn infos(&self) -> impl Iterator<Item = &PartitionInfo> {
        let first = self.head.as_deref();
        std::iter::successors(first, |link| link.next.as_deref()).map(|link| &link.context.info)
    }

    fn find(&self, id: VmId) -> Option<u16> {
        let mut infos = self.infos();
        infos.find(|info| info.id() == id.into()).map(PartitionInfo::execution_contexts)
    }

    /// Where the first context with this id or a higher one is linked.
    fn place(&mut self, id: VmId) -> &mut Option<Box<Link>> {
        let mut place = &mut self.head;
        while place.as_ref().is_some_and(|link| link.context.info.id() < id.into()) {
            match place {
                Some(link) => place = &mut link.next,
                None => unreachable!("checked above"),
            }
        }
        place
    }

    fn insert(&mut self, info: PartitionInfo) {
        let Some(id) = VmId::new(info.id().0) else { return };
        let place = self.place(id);
        let mut link = Link::boxed(info);
        link.next = place.take();
        *place = Some(link);
    }

    /// Unlinks a context; the caller drops it without the lock.
    fn remove(&mut self, id: VmId) -> Option<Box<Link>> {
        let place = self.place(id);
        let mut link = place.take()?;
        *place = link.next.take();
        Some(link)
    }
}

impl Link {
    fn boxed(info: PartitionInfo) -> Box<Self> {
        Box::new(Link { context: Context::new(info), next: None })
    }
}

impl Drop for ContextList {
    /// One by one: dropping the head alone would recurse down the list.
    fn drop(&mut self) {
        let mut next = self.head.take();
        while let Some(mut link) = next {
            next = link.next.take();
        }
    }
}

/// A lock, as readers and writers take it.
pub(crate) trait Lock: Sync {
    /// Puts the list under the lock.
    fn new(list: ContextList) -> Self;
    /// Locks for reading.
    fn read(&self) -> impl Deref<Target = ContextList>;
    /// Locks for writing.
    fn write(&self) -> impl DerefMut<Target = ContextList>;
}

impl Lock for spin::Mutex<ContextList> {
    fn new(list: ContextList) -> Self {
        spin::Mutex::new(list)
    }

    fn read(&self) -> impl Deref<Target = ContextList> {
        self.lock()
    }

    fn write(&self) -> impl DerefMut<Target = ContextList> {
        self.lock()
    }
}

impl Lock for spin::RwLock<ContextList> {
    fn new(list: ContextList) -> Self {
        spin::RwLock::new(list)
    }

    fn read(&self) -> impl Deref<Target = ContextList> {
        spin::RwLock::read(self)
    }

    fn write(&self) -> impl DerefMut<Target = ContextList> {
        spin::RwLock::write(self)
    }
}

/// A list under a lock.
pub(crate) struct LockedList<L>(L);

impl<L: Lock> LockedList<L> {
    pub(crate) fn new(infos: &[PartitionInfo], layout: Layout) -> Self {
        LockedList(L::new(ContextList::new(infos, layout)))
    }
}

/// A CPU that takes the lock for each answer.
pub(crate) struct LockedReader<'s, L> {
    lock: &'s L,
    asker: Asker,
    rx: Pages,
}

impl<L: Lock> Store for LockedList<L> {
    type Reader<'s>
        = LockedReader<'s, L>
    where
        L: 's;

    fn reader(&self, _: usize, asker: Asker) -> LockedReader<'_, L> {
        let rx = Pages::for_descriptors(self.0.read().infos().count());
        LockedReader { lock: &self.0, asker, rx }
    }

    fn join(&self, info: PartitionInfo) -> Result<(), Refused> {
        self.0.write().insert(info);
        Ok(())
    }

    fn leave(&self, id: VmId) -> Result<(), Refused> {
        let removed = self.0.write().remove(id);
        removed.map(drop).ok_or(Refused::Other)
    }

    /// Nothing is left: what is taken out is freed at once.
    fn reclaim(&self, _: usize) -> usize {
        0
    }

    fn retired_bytes(&self) -> usize {
        0
    }
}

impl<L: Lock> Reader for LockedReader<'_, L> {
    fn list(&mut self) -> usize {
        compose::list(self.lock.read().infos(), self.asker, &mut self.rx)
    }

    fn count(&mut self) -> usize {
        compose::count(self.lock.read().infos(), self.asker)
    }

    fn registers(&mut self, start: usize) -> Registers {
        compose::registers(self.lock.read().infos(), self.asker, start)
    }

    fn lookup(&mut self, id: VmId) -> Option<u16> {
        self.lock.read().find(id)
    }

    fn stall(&mut self) -> Box<dyn OpenSection + '_> {
        Box::new(self.lock.read())
    }

    fn rx(&mut self) -> Vec<u8> {
        self.rx.bytes().to_vec()
    }
}
