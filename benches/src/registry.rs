//! The registry of `ffa-rcu` with the directory of `ffa-core` in it, over any backend: what the
//! mediator is built on, without the call around it.
//!
//! Everything that the benches know of the directory's interface is in this file.

use ffa_abi::{PartitionInfo, Uuid, VmId};

use ffa_rcu::{Backend, Backlog, Cpu, InsertError, Registry, ReplaceError};

use crate::compose;
use crate::context::Context;
use crate::directory::{Directory, View};
use crate::host::Pages;
use crate::policy::Policy;
use crate::store::{Asker, OpenSection, Reader, Refused, Registers, Store};

/// How often retired memory is freed while the partitions join.
const RECLAIM_EVERY: usize = 64;

/// A registry of partitions over one backend.
pub struct DirectoryRegistry<B: Backend>(Registry<Directory, Context, B>);

/// A CPU that reads it.
pub struct DirectoryReader<'s, B: Backend> {
    cpu: Cpu<'s, Directory, Context, B>,
    asker: Asker,
    rx: Pages,
}

impl<B: Backend> DirectoryRegistry<B> {
    /// The partitions, all of them joined.
    #[must_use]
    pub fn new(infos: &[PartitionInfo]) -> Self {
        let empty = Directory::new(&[], Policy::allow_all()).expect("memory");
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
        let count = self.0.write().snapshot().seen_by(asker.caller, asker.version).count(Uuid::NIL);
        let cpu = self.0.cpu(cpu).expect("the CPU is free");
        DirectoryReader { cpu, asker, rx: Pages::for_descriptors(count) }
    }

    fn join(&self, info: PartitionInfo) -> Result<(), Refused> {
        let mut writer = self.0.write();
        let id = info.id().0;
        writer.insert(id, Context::new(info))?;
        let listed = writer.snapshot().with_vm(info).map_err(|_| Refused::Other);
        let published = listed.and_then(|directory| Ok(writer.replace(directory)?));
        if published.is_err() {
            writer.remove(id);
        }
        published
    }

    fn leave(&self, id: VmId) -> Result<(), Refused> {
        let mut writer = self.0.write();
        let directory = writer.snapshot().without_vm(id).map_err(|_| Refused::Other)?;
        writer.replace(directory)?;
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
fn view(directory: &Directory, asker: Asker) -> View<'_> {
    directory.seen_by(asker.caller, asker.version)
}

impl<B: Backend> Reader for DirectoryReader<'_, B> {
    fn list(&mut self) -> usize {
        let section = self.cpu.enter();
        let view = view(section.snapshot(), self.asker);
        let count = view.count(Uuid::NIL);
        let mut offset = 0;
        for run in view.runs() {
            let bytes = run.bytes(view.version());
            if self.rx.write(offset, bytes).is_err() {
                return 0;
            }
            offset += bytes.len();
        }
        count
    }

    fn count(&mut self) -> usize {
        view(self.cpu.enter().snapshot(), self.asker).count(Uuid::NIL)
    }

    fn registers(&mut self, start: usize) -> Registers {
        let section = self.cpu.enter();
        compose::to_registers(view(section.snapshot(), self.asker).infos_from(start))
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
