//! The contenders by name.

use ffa_abi::PartitionInfo;
use ffa_rcu::{ArcSwapEpoch, CrossbeamEpoch, Slots};

use crate::context::Layout;
use crate::crossbeam_list::CrossbeamList;
use crate::locked_list::{ContextList, LockedList};
use crate::mediated::Mediated;
use crate::population::Population;
use crate::registry::DirectoryRegistry;
use crate::store::Store;

/// One way to keep partitions, with its layout in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The whole call through `ffa-core`.
    Mediator,
    /// The registry that the mediator uses: snapshots over fixed slots.
    Slots,
    /// The registry over `crossbeam-epoch`.
    CrossbeamSnapshot,
    /// The registry over `arc-swap`.
    ArcSwapSnapshot,
    /// A list of contexts under epochs.
    CrossbeamList,
    /// A list of contexts under `spin::RwLock`, as Xen has it.
    RwLock,
    /// The same, with the contexts in the order of the walk.
    RwLockInOrder,
    /// A list of contexts under `spin::Mutex`.
    Mutex,
}

/// Something to do with any contender.
pub trait Experiment {
    /// What comes out.
    type Output;
    /// Does it with one.
    fn run<S: Store>(&mut self, store: &S) -> Self::Output;
}

/// The plain copy, which is no way to keep partitions, but the floor of a list.
pub const MEMCPY: &str = "memcpy";

/// `crossbeam-epoch`'s pin and unpin, around nothing: what nanoseconds of a lookup are held against.
pub const PIN: &str = "crossbeam pin";

/// One `SeqCst` exchange of a word that no other CPU has: what x86-64 cannot enter a section without.
pub const SWAP: &str = "exchange";

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 8] = [
        Kind::Mediator,
        Kind::Slots,
        Kind::CrossbeamSnapshot,
        Kind::ArcSwapSnapshot,
        Kind::CrossbeamList,
        Kind::RwLock,
        Kind::RwLockInOrder,
        Kind::Mutex,
    ];

    /// Those that keep what is retired until its readers have left.
    pub const DEFERRED: [Kind; 4] =
        [Kind::Slots, Kind::CrossbeamSnapshot, Kind::ArcSwapSnapshot, Kind::CrossbeamList];

    /// What tables and plots call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Mediator => "mediator",
            Kind::Slots => "registry",
            Kind::CrossbeamSnapshot => "crossbeam snapshot",
            Kind::ArcSwapSnapshot => "arc-swap snapshot",
            Kind::CrossbeamList => "crossbeam list",
            Kind::RwLock => "rwlock list",
            Kind::RwLockInOrder => "rwlock list in order",
            Kind::Mutex => "mutex list",
        }
    }

    /// Makes the contender, and does `experiment` with it; registries get a limit on retired memory.
    pub fn run<E: Experiment>(
        self,
        population: &Population,
        limit: usize,
        experiment: &mut E,
    ) -> E::Output {
        let infos: &[PartitionInfo] = &population.infos;
        match self {
            Kind::Mediator => experiment.run(&Mediated::new(infos, population.asker.version)),
            Kind::Slots => {
                experiment.run(&DirectoryRegistry::<Slots>::new(infos).with_limit(limit))
            }
            Kind::CrossbeamSnapshot => {
                experiment.run(&DirectoryRegistry::<CrossbeamEpoch>::new(infos).with_limit(limit))
            }
            Kind::ArcSwapSnapshot => {
                experiment.run(&DirectoryRegistry::<ArcSwapEpoch>::new(infos).with_limit(limit))
            }
            Kind::CrossbeamList => experiment.run(&CrossbeamList::new(infos)),
            Kind::RwLock => experiment.run(&rwlock(infos, Layout::Scattered)),
            Kind::RwLockInOrder => experiment.run(&rwlock(infos, Layout::InOrder)),
            Kind::Mutex => experiment
                .run(&LockedList::<spin::Mutex<ContextList>>::new(infos, Layout::Scattered)),
        }
    }
}

fn rwlock(infos: &[PartitionInfo], layout: Layout) -> LockedList<spin::RwLock<ContextList>> {
    LockedList::new(infos, layout)
}
