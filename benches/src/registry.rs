//! The registry of `ffa-rcu` with the directory of `ffa-core` in it, over any backend: what the
//! mediator is built on, without the call around it.
//!
//! Everything that the benches know of the directory's interface is in this file.

use ffa_abi::{PartitionInfo, Uuid, VmId};
use ffa_core::Policy;
use ffa_core::directory::{self, Directory, Head, Place, View};

use ffa_rcu::{Backend, Backlog, Cpu, InsertError, Registry, ReplaceError, Spliced};

use crate::context::Context;
use crate::host::Pages;
use crate::store::{Asker, OpenSection, Reader, Refused, Registers, Store};

/// How often retired memory is freed while the partitions join.
const RECLAIM_EVERY: usize = 64;

/// A registry of partitions over one backend.
pub struct DirectoryRegistry<B: Backend>(Registry<Directory, Context, B>);

/// A CPU that reads it.
pub struct DirectoryReader<'s, B: Backend> {
    cpu: Cpu<'s, Directory, Context, B>,
    asker: Asker,
    place: Place,
    rx: Pages,
}

impl<B: Backend> DirectoryRegistry<B> {
    /// The partitions, all of them joined.
    #[must_use]
    pub fn new(infos: &[PartitionInfo]) -> Self {
        let empty = Directory::new(Head::new(Policy::allow_all()));
        let store = DirectoryRegistry(Registry::try_new(Self::CPUS, empty).expect("memory"));
        for (index, info) in infos.iter().enumerate() {
            store.join(*info).expect("a new id");
            if index % RECLAIM_EVERY == 0 {
                store.reclaim(usize::MAX);
            }
        }
        while store.reclaim(usize::MAX) > 0 {}
        store
    }

    /// Sets the limit on retired memory, in bytes.
    #[must_use]
    pub fn with_limit(self, bytes: usize) -> Self {
        DirectoryRegistry(self.0.with_limit(bytes))
    }
}

impl<B: Backend> Store for DirectoryRegistry<B> {
    type Reader<'s>
        = DirectoryReader<'s, B>
    where
        B: 's;

    fn reader(&self, cpu: usize, asker: Asker) -> DirectoryReader<'_, B> {
        let place = Place::default();
        let count = view(self.0.write().snapshot(), asker, &place).count(Uuid::NIL);
        let cpu = self.0.cpu(cpu).expect("the CPU is free");
        DirectoryReader { cpu, asker, place, rx: Pages::for_descriptors(count) }
    }

    fn join(&self, info: PartitionInfo) -> Result<(), Refused> {
        let mut writer = self.0.write();
        let id = info.id().0;
        writer.insert(id, Context::new(info))?;
        let published = directory::join(&mut writer, info).map(Spliced::commit);
        if published.is_err() {
            writer.remove(id);
        }
        Ok(published?)
    }

    fn leave(&self, id: VmId) -> Result<(), Refused> {
        let mut writer = self.0.write();
        directory::leave(&mut writer, id)?.commit();
        writer.remove(id.get());
        Ok(())
    }

    fn reclaim(&self, budget: usize) -> usize {
        self.0.reclaim(budget).freed
    }

    fn retired_bytes(&self) -> usize {
        self.0.retired().bytes
    }
}

/// What the asker sees of the snapshot.
fn view<'d>(directory: &'d Directory, asker: Asker, place: &Place) -> View<'d> {
    View::new(directory, asker.caller, asker.version, place)
}

impl<B: Backend> Reader for DirectoryReader<'_, B> {
    fn list(&mut self) -> usize {
        let section = self.cpu.enter();
        let view = view(section.snapshot(), self.asker, &self.place);
        let rx = &mut self.rx;
        match view.copy(|offset, bytes| rx.write(offset, bytes)) {
            Ok(()) => view.count(Uuid::NIL),
            Err(_) => 0,
        }
    }

    fn count(&mut self) -> usize {
        view(self.cpu.enter().snapshot(), self.asker, &self.place).count(Uuid::NIL)
    }

    fn registers(&mut self, start: usize) -> Registers {
        let section = self.cpu.enter();
        let view = view(section.snapshot(), self.asker, &self.place);
        let mut registers = Registers::default();
        for (three, info) in registers.iter_mut().zip(view.runs_from(start).flatten()) {
            *three = info.to_registers();
        }
        registers
    }

    fn lookup(&mut self, id: VmId) -> Option<u16> {
        self.cpu.enter().find(id.get()).map(|context| context.info.execution_contexts())
    }

    fn stall(&mut self) -> Box<dyn OpenSection + '_> {
        Box::new(self.cpu.enter())
    }

    fn rx(&mut self) -> Vec<u8> {
        self.rx.bytes().to_vec()
    }
}

impl From<Backlog> for Refused {
    fn from(Backlog { bytes, limit, cpu }: Backlog) -> Self {
        Refused::Backlog { bytes, limit, cpu }
    }
}

impl From<ReplaceError> for Refused {
    fn from(error: ReplaceError) -> Self {
        match error {
            ReplaceError::Backlog(backlog) => backlog.into(),
            ReplaceError::OutOfMemory => Refused::Other,
        }
    }
}

impl From<InsertError> for Refused {
    fn from(error: InsertError) -> Self {
        match error {
            InsertError::Draining => Refused::Draining,
            InsertError::Backlog(backlog) => backlog.into(),
            _ => Refused::Other,
        }
    }
}
