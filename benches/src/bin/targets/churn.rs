//! Partitions that come and go for ever.

use std::collections::VecDeque;

use ffa_abi::{PartitionInfo, VmId};
use ffa_benches::{CHANGE_BUDGET, Population, Refused, Store};

/// How many are away at once: what has left has a few changes' time until its id is wanted again.
const AWAY: usize = 4;

/// Who comes and goes: everybody but those who ask.
pub(crate) struct Churn<'p> {
    population: &'p Population,
    away: VecDeque<PartitionInfo>,
    most_away: usize,
    random: u64,
}

impl<'p> Churn<'p> {
    pub(crate) fn new(population: &'p Population) -> Self {
        Churn { population, away: VecDeque::new(), most_away: AWAY, random: 42 }
    }

    /// Churn that goes on while nobody may come back: others leave instead, up to a half of all.
    pub(crate) fn relentless(population: &'p Population) -> Self {
        Churn { most_away: population.infos.len() / 2, ..Churn::new(population) }
    }

    /// One partition leaves, or one comes back.
    pub(crate) fn change<S: Store>(&mut self, store: &S) -> Result<(), Refused> {
        if self.away.len() < AWAY {
            return self.leave(store);
        }
        match self.come_back(store) {
            Err(Refused::Draining) if self.away.len() < self.most_away => self.leave(store),
            result => result,
        }
    }

    fn leave<S: Store>(&mut self, store: &S) -> Result<(), Refused> {
        let info = self.someone();
        store.leave(id(info))?;
        self.away.push_back(info);
        Ok(())
    }

    /// Whoever has been away for the longest.
    fn come_back<S: Store>(&mut self, store: &S) -> Result<(), Refused> {
        let Some(info) = self.away.front() else { return Ok(()) };
        store.join(*info)?;
        self.away.pop_front();
        Ok(())
    }

    /// A change, however often it takes, and the freeing that belongs to it.
    pub(crate) fn change_and_reclaim<S: Store>(&mut self, store: &S) {
        while self.change(store).is_err() {
            store.reclaim(CHANGE_BUDGET);
        }
        store.reclaim(CHANGE_BUDGET);
    }

    /// Brings all back.
    pub(crate) fn settle<S: Store>(&mut self, store: &S) {
        while !self.away.is_empty() {
            // Refused: then it is the next time.
            let _ = self.come_back(store);
            store.reclaim(CHANGE_BUDGET);
        }
    }

    /// Somebody who is there, and does not ask.
    fn someone(&mut self) -> PartitionInfo {
        let infos = &self.population.infos;
        let asking = self.population.asker.caller.get();
        loop {
            self.random = self.random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            let index = (self.random >> 33) as usize % infos.len();
            let Some(info) = infos.get(index) else { continue };
            let asks = (asking..asking + 3).contains(&info.id().0);
            if !asks && !self.away.contains(info) {
                return *info;
            }
        }
    }
}

fn id(info: PartitionInfo) -> VmId {
    VmId::new(info.id().0).unwrap_or(VmId::MAX)
}
