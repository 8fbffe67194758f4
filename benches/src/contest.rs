//! The questions, put to all contenders that can answer.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use ffa_abi::{Version, VmId, partition_descriptor_size};
use ffa_rcu::{ArcSwapEpoch, CrossbeamEpoch, Slots};

use crate::contender::Contender;
use crate::context::Layout;
use crate::crossbeam_list::CrossbeamList;
use crate::host::Pages;
use crate::kind::{Kind, MEMCPY, PIN, SWAP};
use crate::locked_list::{ContextList, LockedList};
use crate::mediated::Mediated;
use crate::population::Population;
use crate::registry::DirectoryRegistry;
use crate::store::{Reader, Refused, Store};

/// What is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Question {
    /// All descriptors, in the form of the caller's version, into RX; through the mediator with the
    /// `FFA_RX_RELEASE` that must follow.
    List,
    /// The number only.
    Count,
    /// The registers of five descriptors, from the first on.
    Registers,
    /// The same from the middle of the list on.
    RegistersFromMiddle,
    /// A context by its id; through the mediator `FFA_ID_GET`.
    Lookup,
    /// A partition leaves and joins again, with the freeing of what that retires: two changes.
    Changes,
}

/// The same partitions in all forms that are compared.
pub struct Contest {
    population: Population,
    mediator: Mediated,
    slots: DirectoryRegistry<Slots>,
    crossbeam_snapshot: DirectoryRegistry<CrossbeamEpoch>,
    arc_swap_snapshot: DirectoryRegistry<ArcSwapEpoch>,
    crossbeam_list: CrossbeamList,
    rwlock: LockedList<spin::RwLock<ContextList>>,
    rwlock_in_order: LockedList<spin::RwLock<ContextList>>,
    mutex: LockedList<spin::Mutex<ContextList>>,
}

impl Contest {
    /// Partitions of which a caller that speaks `version` sees `seen`.
    #[must_use]
    pub fn new(seen: u16, version: Version) -> Self {
        let population = Population::new(seen, version);
        let infos = &population.infos;
        Contest {
            mediator: Mediated::new(infos, version),
            slots: DirectoryRegistry::new(infos),
            crossbeam_snapshot: DirectoryRegistry::new(infos),
            arc_swap_snapshot: DirectoryRegistry::new(infos),
            crossbeam_list: CrossbeamList::new(infos),
            rwlock: LockedList::new(infos, Layout::Scattered),
            rwlock_in_order: LockedList::new(infos, Layout::InOrder),
            mutex: LockedList::new(infos, Layout::Scattered),
            population,
        }
    }

    /// Everybody who answers `question`, and the floor of it.
    #[must_use]
    pub fn contenders(&self, question: Question) -> Vec<Contender<'_>> {
        let mut contenders = vec![
            self.ask(Kind::Mediator, &self.mediator, question),
            self.ask(Kind::Slots, &self.slots, question),
            self.ask(Kind::CrossbeamSnapshot, &self.crossbeam_snapshot, question),
            self.ask(Kind::ArcSwapSnapshot, &self.arc_swap_snapshot, question),
            self.ask(Kind::CrossbeamList, &self.crossbeam_list, question),
            self.ask(Kind::RwLock, &self.rwlock, question),
            self.ask(Kind::RwLockInOrder, &self.rwlock_in_order, question),
            self.ask(Kind::Mutex, &self.mutex, question),
        ];
        match question {
            Question::List => contenders.push(self.memcpy()),
            Question::Lookup => contenders.extend([pin(), swap()]),
            _ => {}
        }
        contenders
    }

    fn ask<'p, S: Store>(&self, kind: Kind, store: &'p S, question: Question) -> Contender<'p> {
        let name = kind.name();
        let asker = self.population.asker;
        if question == Question::Changes {
            return self.changes(name, store);
        }
        let mut reader = store.reader(0, asker);
        let middle = self.population.infos.len() / 2;
        match question {
            Question::List => Contender::new(name, move || reader.list()),
            Question::Count => Contender::new(name, move || reader.count()),
            Question::Registers => Contender::new(name, move || reader.registers(0)),
            Question::RegistersFromMiddle => {
                Contender::new(name, move || reader.registers(black_box(middle)))
            }
            _ => Contender::new(name, move || reader.lookup(black_box(asker.caller))),
        }
    }

    /// The partition before the asker's comes and goes, or the asker's own if it is alone.
    fn changes<'p, S: Store>(&self, name: &'static str, store: &'p S) -> Contender<'p> {
        let index = (self.population.infos.len() / 2).saturating_sub(1);
        let info = *self.population.infos.get(index).expect("at least one partition");
        let id = VmId::new(info.id().0).expect("a VM");
        Contender::new(name, move || {
            store.leave(id).expect("it had joined");
            store.reclaim(CHANGE_BUDGET);
            while let Err(refused) = store.join(info) {
                assert_eq!(refused, Refused::Draining);
                store.reclaim(CHANGE_BUDGET);
            }
            store.reclaim(CHANGE_BUDGET)
        })
    }

    /// The floor of a list: both ends page aligned, which no copy does better with.
    fn memcpy(&self) -> Contender<'_> {
        let Population { infos, asker } = &self.population;
        let hidden = usize::from(asker.version < Version::V1_2);
        let length = (infos.len() - hidden) * partition_descriptor_size(asker.version);
        let from = Pages::for_descriptors(infos.len());
        let mut to = Pages::for_descriptors(infos.len());
        Contender::new(MEMCPY, move || {
            let from = black_box(&from).bytes().get(..length)?;
            to.write(0, black_box(from)).ok()
        })
    }
}

/// Entry into a section of `crossbeam-epoch` and exit, with a handle of its own.
fn pin() -> Contender<'static> {
    let handle = crossbeam_epoch::Collector::new().register();
    Contender::new(PIN, move || drop(black_box(handle.pin())))
}

fn swap() -> Contender<'static> {
    let word = AtomicU64::new(0);
    Contender::new(SWAP, move || black_box(&word).swap(1, SeqCst))
}

/// How many objects are freed after a change: more than it retires, so that none pile up.
pub const CHANGE_BUDGET: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::Experiment;
    use crate::store::Registers;

    const VERSIONS: [Version; 3] = [Version::V1_0, Version::V1_1, Version::V1_2];
    const LIMIT: usize = 1 << 20;

    /// Several chunks, and a caller inside of one.
    const SEEN: u16 = 1200;

    /// All answers of one contender; and again after a partition has gone, and has come back.
    struct Answers<'p>(&'p Population);

    #[derive(PartialEq, Debug)]
    struct Answer {
        listed: (usize, Vec<u8>),
        counted: usize,
        registers: Vec<Registers>,
        found: Option<u16>,
    }

    impl Answer {
        /// What was listed, in an order that does not depend on who listed it.
        fn entries(&self, version: Version) -> Vec<&[u8]> {
            let (count, rx) = &self.listed;
            let entries = rx.chunks(partition_descriptor_size(version)).take(*count);
            let mut entries: Vec<_> = entries.collect();
            entries.sort_unstable();
            entries
        }
    }

    impl Experiment for Answers<'_> {
        type Output = Vec<Answer>;

        fn run<S: Store>(&mut self, store: &S) -> Vec<Answer> {
            let info = self.0.infos[70];
            let mut answers = vec![self.answer(store)];
            store.leave(VmId::new(info.id().0).unwrap()).unwrap();
            answers.push(self.answer(store));
            while store.join(info) == Err(Refused::Draining) {
                store.reclaim(CHANGE_BUDGET);
            }
            answers.push(self.answer(store));
            answers
        }
    }

    impl Answers<'_> {
        fn answer<S: Store>(&self, store: &S) -> Answer {
            let asker = self.0.asker;
            let mut reader = store.reader(0, asker);
            let from: &[usize] =
                if asker.version < Version::V1_2 { &[] } else { &[0, 511, 600, 1197] };
            Answer {
                listed: (reader.list(), reader.rx()),
                // Callers of 1.0 have no count without a list.
                counted: if asker.version == Version::V1_0 { 0 } else { reader.count() },
                registers: from.iter().map(|start| reader.registers(*start)).collect(),
                found: reader.lookup(asker.caller),
            }
        }
    }

    #[test]
    fn all_give_the_same_answers() {
        for version in VERSIONS {
            let population = Population::new(SEEN, version);
            let answers = |kind: Kind| kind.run(&population, LIMIT, &mut Answers(&population));
            let expected = answers(Kind::RwLock);
            let counts: Vec<usize> = expected.iter().map(|answer| answer.listed.0).collect();
            assert_eq!(counts, [1200, 1199, 1200]);
            assert!(expected[0].listed.1.iter().any(|byte| *byte != 0));
            for kind in Kind::ALL {
                let given = answers(kind);
                for (given, expected) in given.iter().zip(&expected) {
                    assert_eq!(given.listed.0, expected.listed.0, "{kind:?} {version}");
                    assert!(
                        given.entries(version) == expected.entries(version),
                        "{kind:?} {version}"
                    );
                    assert_eq!(given.counted, expected.counted, "{kind:?} {version}");
                    assert_eq!(given.registers, expected.registers, "{kind:?} {version}");
                    assert_eq!(given.found, expected.found, "{kind:?} {version}");
                }
            }
        }
    }

    #[test]
    fn contenders_can_be_timed() {
        let contest = Contest::new(2, Version::V1_2);
        for question in [Question::List, Question::Lookup, Question::Changes] {
            for mut contender in contest.contenders(question) {
                assert!(!contender.time(3).is_zero(), "{}", contender.name);
            }
        }
    }
}
