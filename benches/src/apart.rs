//! Stores that two CPUs read without sharing anything: what two readers can reach at best.

use ffa_abi::{PartitionInfo, VmId};

use crate::store::{Asker, Refused, Store};

/// The same partitions twice: CPU 0 reads the one store, all others read the other.
pub struct Apart<S> {
    /// Whose readers are on CPU 0.
    pub first: S,
    /// Whose readers are on other CPUs.
    pub second: S,
}

/// What tables and plots call two registries apart.
pub const APART: &str = "registries apart";

impl<S: Store> Store for Apart<S> {
    type Reader<'s>
        = S::Reader<'s>
    where
        S: 's;

    fn reader(&self, cpu: usize, asker: Asker) -> S::Reader<'_> {
        if cpu == 0 { self.first.reader(cpu, asker) } else { self.second.reader(cpu, asker) }
    }

    fn join(&self, info: PartitionInfo) -> Result<(), Refused> {
        self.first.join(info)?;
        self.second.join(info)
    }

    fn leave(&self, id: VmId) -> Result<(), Refused> {
        self.first.leave(id)?;
        self.second.leave(id)
    }

    fn reclaim(&self, budget: usize) -> usize {
        self.first.reclaim(budget) + self.second.reclaim(budget)
    }

    fn retired_bytes(&self) -> usize {
        self.first.retired_bytes() + self.second.retired_bytes()
    }
}
