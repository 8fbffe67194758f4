//! The questions, and who answers them.

use std::hint::black_box;

use ffa_abi::{IdGet, Request, Version, VmId, partition_descriptor_size};
use ffa_rcu::Registry;

use crate::contender::Contender;
use crate::context_list::{ContextList, Layout};
use crate::host::Pages;
use crate::population::{
    Population, RX_PAGES, count_call, list_call, registers_call, release_call,
};

/// The names of the contenders.
pub mod names {
    /// The whole call through `ffa-core`.
    pub const MEDIATOR: &str = "mediator";
    /// What `ffa-core` is built on, without the call around it.
    pub const REGISTRY: &str = "registry";
    /// A list of contexts under `spin::Mutex`, without a call around it.
    pub const MUTEX: &str = "mutex list";
    /// A list of contexts under `spin::RwLock`, without a call around it.
    pub const RWLOCK: &str = "rwlock list";
    /// The same, with the contexts scattered in memory.
    pub const SCATTERED: &str = "scattered rwlock list";
    /// `memcpy` of the bytes that the answer has.
    pub const MEMCPY: &str = "memcpy";
}

/// The same partitions in all forms that are compared.
pub struct Contest {
    seen: u16,
    version: Version,
    caller: VmId,
    population: Population,
    mutex: spin::Mutex<ContextList>,
    rwlock: spin::RwLock<ContextList>,
    scattered: spin::RwLock<ContextList>,
    registry: Registry<(), u32>,
}

impl Contest {
    /// Partitions of which a caller that speaks `version` sees `seen`.
    pub fn new(seen: u16, version: Version) -> Self {
        let population = Population::new(seen, version);
        let infos = population.infos();
        let registry = Registry::try_new(1, ()).expect("memory");
        for info in &infos {
            registry.write().insert(info.id().0, info.id().0.into()).expect("a new id");
        }
        Contest {
            seen,
            version,
            caller: population.caller(),
            mutex: spin::Mutex::new(ContextList::new(&infos, Layout::InOrder)),
            rwlock: spin::RwLock::new(ContextList::new(&infos, Layout::InOrder)),
            scattered: spin::RwLock::new(ContextList::new(&infos, Layout::Scattered)),
            population,
            registry,
        }
    }

    /// `FFA_PARTITION_INFO_GET` into RX, and the `FFA_RX_RELEASE` that must follow.
    pub fn list(&self) -> Vec<Contender<'_>> {
        let Contest { caller, version, .. } = *self;
        let mut client = self.population.client();
        let (list, release) = (list_call().encode(), release_call().encode());
        let mediator = Contender::new(names::MEDIATOR, move || {
            (client.handle(black_box(&list)), client.handle(black_box(&release)))
        });
        let mut rx = Pages::zeroed(RX_PAGES.into());
        let mutex =
            Contender::new(names::MUTEX, move || self.mutex.lock().write(caller, version, &mut rx));
        vec![
            mediator,
            mutex,
            self.list_locked(names::RWLOCK, &self.rwlock),
            self.list_locked(names::SCATTERED, &self.scattered),
            self.memcpy(),
        ]
    }

    fn list_locked<'p>(
        &'p self,
        name: &'static str,
        list: &'p spin::RwLock<ContextList>,
    ) -> Contender<'p> {
        let Contest { caller, version, .. } = *self;
        let mut rx = Pages::zeroed(RX_PAGES.into());
        Contender::new(name, move || list.read().write(caller, version, &mut rx))
    }

    /// The floor of [`Contest::list`]: both ends page aligned, which no copy does better with.
    fn memcpy(&self) -> Contender<'_> {
        let length = usize::from(self.seen) * partition_descriptor_size(self.version);
        let from = Pages::zeroed(RX_PAGES.into());
        let mut to = Pages::zeroed(RX_PAGES.into());
        Contender::new(names::MEMCPY, move || {
            let from = black_box(&from).bytes().get(..length)?;
            to.write(0, black_box(from)).ok()
        })
    }

    /// `FFA_PARTITION_INFO_GET`, the number only.
    pub fn count(&self) -> Vec<Contender<'_>> {
        let Contest { caller, version, .. } = *self;
        let mut client = self.population.client();
        let count = count_call().encode();
        vec![
            Contender::new(names::MEDIATOR, move || client.handle(black_box(&count))),
            Contender::new(names::MUTEX, move || self.mutex.lock().count(caller, version)),
            Contender::new(names::RWLOCK, move || self.rwlock.read().count(caller, version)),
        ]
    }

    /// `FFA_PARTITION_INFO_GET_REGS` from index `start` on. For a caller that speaks 1.2.
    pub fn registers(&self, start: u16) -> Vec<Contender<'_>> {
        let Contest { caller, .. } = *self;
        let index = usize::from(start);
        let mut client = self.population.client();
        let tag = if start == 0 { 0 } else { client.call(&registers_call(0, 0)).tag() };
        let call = registers_call(start, tag).encode();
        vec![
            Contender::new(names::MEDIATOR, move || client.handle(black_box(&call))),
            Contender::new(names::MUTEX, move || self.mutex.lock().registers(caller, index)),
            Contender::new(names::RWLOCK, move || self.rwlock.read().registers(caller, index)),
        ]
    }

    /// A context by its id.
    pub fn lookup(&self) -> Vec<Contender<'_>> {
        let Contest { caller, .. } = *self;
        let mut cpu = self.registry.cpu(0).expect("the CPU is free");
        vec![
            Contender::new(names::REGISTRY, move || {
                cpu.enter().find(black_box(caller).get()).copied()
            }),
            Contender::new(names::MUTEX, move || self.mutex.lock().find(black_box(caller))),
            Contender::new(names::RWLOCK, move || self.rwlock.read().find(black_box(caller))),
        ]
    }

    /// `FFA_ID_GET`: what every call costs before it does anything.
    pub fn id_get(&self) -> Vec<Contender<'_>> {
        let mut client = self.population.client();
        let call = IdGet.encode();
        vec![Contender::new(names::MEDIATOR, move || client.handle(black_box(&call)))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ffa_abi::PartitionInfo;

    const VERSIONS: [Version; 3] = [Version::V1_0, Version::V1_1, Version::V1_2];

    /// Several chunks, and a caller inside of one.
    const SEEN: u16 = 200;

    #[test]
    fn all_list_the_same_bytes() {
        for version in VERSIONS {
            let contest = Contest::new(SEEN, version);
            let mut client = contest.population.client();
            let reply = client.call(&list_call());
            client.call(&release_call());
            let ours = client.unmap_rx();
            assert_eq!(reply.count, SEEN.into());
            for list in [&contest.rwlock, &contest.scattered] {
                let mut theirs = Pages::zeroed(RX_PAGES.into());
                let count = list.read().write(contest.caller, version, &mut theirs);
                assert_eq!(count, SEEN.into());
                assert!(ours.bytes() == theirs.bytes(), "{version}");
            }
            assert!(ours.bytes().iter().any(|byte| *byte != 0));
        }
    }

    #[test]
    fn all_count_the_same() {
        for version in [Version::V1_1, Version::V1_2] {
            let contest = Contest::new(SEEN, version);
            let reply = contest.population.client().call(&count_call());
            assert_eq!(reply.count, SEEN.into());
            assert_eq!(contest.mutex.lock().count(contest.caller, version), SEEN.into());
        }
    }

    #[test]
    fn all_give_the_same_registers() {
        let contest = Contest::new(SEEN, Version::V1_2);
        let mut client = contest.population.client();
        let tag = client.call(&registers_call(0, 0)).tag();
        for (start, tag) in [(0, 0), (100, tag), (SEEN - 5, tag)] {
            let reply = client.call(&registers_call(start, tag));
            let ours: Vec<_> =
                reply.descriptors().iter().map(PartitionInfo::to_registers).collect();
            assert_eq!(ours, contest.mutex.lock().registers(contest.caller, start.into()));
        }
    }

    #[test]
    fn all_find_the_caller() {
        let contest = Contest::new(SEEN, Version::V1_2);
        let mut cpu = contest.registry.cpu(0).unwrap();
        let id = contest.caller;
        assert_eq!(cpu.enter().find(id.get()), Some(&id.get().into()));
        assert_eq!(contest.rwlock.read().find(id), Some(1));
    }
}
