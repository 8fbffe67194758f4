//! Who is alive during a storm, and whether a list can have been true at one moment of the call.
//!
//! Besides VMs that stay there is a window of VMs that come and go in a fixed order, numbered by
//! generation: the next one joins, the oldest one leaves. Thus every state that there ever was is a run of
//! generations, one longer than the window between the two steps, and a list that mixes two states, or
//! shows a VM after its end, is no such run or the wrong one.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use ffa_abi::{PartitionProperties, Uuid, Version};
use ffa_core::VmConfig;

use crate::machine::{Machine, vm_id};
use crate::storm::churn::negotiate;
use crate::storm::{Options, reader};
use crate::vcpu::Entry;

/// Who is alive.
pub struct Population {
    secure: u16,
    sees_vms: bool,
    /// VMs 1..=`permanent` stay; the first of them are the readers'.
    permanent: u16,
    readers: u16,
    window: u16,
    joining: AtomicU64,
    joined: AtomicU64,
    leaving: AtomicU64,
    left: AtomicU64,
}

/// What was certain when a call began.
#[derive(Clone, Copy, Debug)]
pub struct Witness {
    joined: u64,
    left: u64,
}

const UUID_MARK: [u8; 8] = *b"comes+go";

impl Population {
    /// VMs that come and go, at least.
    pub const LEAST_WINDOW: u16 = 2;

    /// Ids beyond the window: an id is free again when its last call has ended.
    const SPARE_IDS: u16 = 64;

    /// Nobody is alive yet.
    #[must_use]
    pub fn new(options: &Options) -> Population {
        let others = options.vms - options.readers;
        let window = if options.churn { (others / 2).max(Self::LEAST_WINDOW) } else { 0 };
        Population {
            secure: options.secure_partitions,
            sees_vms: options.allow_all,
            permanent: options.vms - window,
            readers: options.readers,
            window,
            joining: AtomicU64::new(0),
            joined: AtomicU64::new(0),
            leaving: AtomicU64::new(0),
            left: AtomicU64::new(0),
        }
    }

    /// Creates all VMs, and lets them join.
    pub fn create_all(&self, machine: &Machine) {
        let mut vcpu = machine.vcpu(0, 1, 0);
        for id in 1..=self.permanent {
            machine.create(id).expect("a new machine has room");
            vcpu.run(id, 0);
            negotiate(
                &mut vcpu,
                if id <= self.readers { reader::version(id) } else { Version::V1_2 },
            );
            machine.reclaim_all();
        }
        while self.joined.load(SeqCst) < self.window.into() {
            let config = self.next();
            machine.mediator().create_vm(config).expect("a new machine has room");
            vcpu.run(config.id.get(), 0);
            self.join(|| negotiate(&mut vcpu, Version::V1_2));
            machine.reclaim_all();
        }
    }

    /// The VM that joins next.
    #[must_use]
    pub fn next(&self) -> VmConfig {
        let generation = self.joined.load(SeqCst);
        let mut uuid = [0; 16];
        uuid[..8].copy_from_slice(&UUID_MARK);
        uuid[8..].copy_from_slice(&generation.to_le_bytes());
        VmConfig {
            id: vm_id(self.id(generation)),
            vcpus: 1,
            properties: PartitionProperties::empty(),
            uuid: Uuid(uuid),
        }
    }

    /// The id of the VM that leaves next.
    #[must_use]
    pub fn oldest(&self) -> u16 {
        self.id(self.left.load(SeqCst))
    }

    /// The next VM joins by `join`.
    pub fn join(&self, join: impl FnOnce()) {
        self.joining.fetch_add(1, SeqCst);
        join();
        self.joined.fetch_add(1, SeqCst);
    }

    /// The oldest VM leaves by `leave`; `false` where it could not.
    pub fn leave(&self, leave: impl FnOnce() -> bool) -> bool {
        self.leaving.fetch_add(1, SeqCst);
        let gone = leave();
        let counter = if gone { &self.left } else { &self.leaving };
        if gone {
            counter.fetch_add(1, SeqCst)
        } else {
            counter.fetch_sub(1, SeqCst)
        };
        gone
    }

    /// How many have left.
    #[must_use]
    pub fn destroyed(&self) -> u64 {
        self.left.load(SeqCst)
    }

    /// To be taken before a call.
    #[must_use]
    pub fn witness(&self) -> Witness {
        Witness { joined: self.joined.load(SeqCst), left: self.left.load(SeqCst) }
    }

    /// Whether a count that `caller` got since `witness` was true at one moment.
    ///
    /// # Errors
    /// What it should have been.
    pub fn check_count(&self, caller: u16, version: Version, count: u32) -> Result<(), String> {
        let steady = self.steady(caller, version).count();
        let window = if self.sees_vms { self.window.into() } else { 0 };
        let least = steady + window;
        let most = least + usize::from(window > 0);
        let sane = (least..=most).contains(&(count as usize));
        if sane { Ok(()) } else { Err(format!("count {count}, not {least}..={most}")) }
    }

    /// Whether a list that `caller` read since `witness` was true at one moment. Called at once after
    /// the call, and before RX is given back.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check_list(
        &self,
        caller: u16,
        version: Version,
        witness: Witness,
        entries: &[Entry],
    ) -> Result<(), String> {
        let (joining, leaving) = (self.joining.load(SeqCst), self.leaving.load(SeqCst));
        let mut entries = entries.to_vec();
        if let Some(from_own) = entries.get_mut(self.filled(caller, version)..) {
            from_own.rotate_left(1.min(from_own.len()));
        }
        let expected = self.steady(caller, version).count();
        let (steady, churned) = entries.split_at(expected.min(entries.len()));
        if !steady.iter().map(|entry| entry.id).eq(self.steady(caller, version)) {
            let ids: Vec<u16> = steady.iter().map(|entry| entry.id).collect();
            return Err(format!("secure partitions or permanent VMs are not as expected: {ids:?}"));
        }
        if !self.sees_vms || self.window == 0 {
            return if churned.is_empty() { Ok(()) } else { Err("more VMs than there are".into()) };
        }
        let (first, end) = self.run_of(version, witness, churned)?;
        let in_time =
            witness.left <= first && first <= leaving && witness.joined <= end && end <= joining;
        if in_time {
            Ok(())
        } else {
            Err(format!("{first}..{end} is not of this moment: {witness:?}, {joining} {leaving}"))
        }
    }

    /// The generations that a list shows: `first..end`.
    fn run_of(
        &self,
        version: Version,
        witness: Witness,
        churned: &[Entry],
    ) -> Result<(u64, u64), String> {
        if !churned.is_sorted_by(|one, two| one.id < two.id) {
            return Err("ids of VMs are not in order, or twice".into());
        }
        let (length, window) = (churned.len() as u64, u64::from(self.window));
        if !(window..=window + 1).contains(&length) {
            return Err(format!("{length} VMs that come and go, not {window} or one more"));
        }
        let first = if version == Version::V1_0 {
            self.first_by_id(witness, churned)?
        } else {
            self.first_by_uuid(churned)?
        };
        Ok((first, first + length))
    }

    /// The first generation of a run whose UUIDs tell it.
    fn first_by_uuid(&self, churned: &[Entry]) -> Result<u64, String> {
        let generations = churned.iter().map(|entry| self.generation(entry));
        let mut generations: Vec<u64> = generations.collect::<Result<_, _>>()?;
        generations.sort_unstable();
        let is_run = generations.windows(2).all(|pair| pair[0] + 1 == pair[1]);
        match generations.first() {
            Some(&first) if is_run => Ok(first),
            _ => Err(format!("no run: {generations:?}")),
        }
    }

    /// The first generation of a run that shows no UUIDs. Ids come again: it is the first one that can
    /// have been alive since `witness`.
    fn first_by_id(&self, witness: Witness, churned: &[Entry]) -> Result<u64, String> {
        let ids = u64::from(self.ids());
        let indices = churned.iter().map(|entry| self.index(entry));
        let indices: Vec<u64> = indices.collect::<Result<_, _>>()?;
        let begins_run = |index: &&u64| !indices.contains(&((**index + ids - 1) % ids));
        let starts: Vec<&u64> = indices.iter().filter(begins_run).collect();
        let [start] = starts[..] else { return Err(format!("no run of ids: {indices:?}")) };
        let least = witness.left.max(witness.joined.saturating_sub(indices.len() as u64));
        Ok(least + (start + ids - least % ids) % ids)
    }

    /// Which VM an entry is of.
    fn generation(&self, entry: &Entry) -> Result<u64, String> {
        let index = self.index(entry)?;
        let (mark, number) = entry.uuid.split_at(8);
        let generation = u64::from_le_bytes(number.try_into().map_err(|_| "no number")?);
        if mark != UUID_MARK || generation % u64::from(self.ids()) != index {
            return Err(format!("{entry:?} is torn, or of another VM"));
        }
        Ok(generation)
    }

    /// Which of the ids that come and go an entry has.
    fn index(&self, entry: &Entry) -> Result<u64, String> {
        let index = entry.id.checked_sub(self.permanent + 1).filter(|index| *index < self.ids());
        index.map(u64::from).ok_or_else(|| format!("an id that no VM has: {}", entry.id))
    }

    /// Ids of all that `caller` always sees, in order.
    /// The place in a list that the last one fills, since the caller is left out.
    fn filled(&self, caller: u16, version: Version) -> usize {
        let leaves_out = self.sees_vms && version < Version::V1_2;
        if leaves_out { usize::from(self.secure + caller) - 1 } else { usize::MAX }
    }

    fn steady(&self, caller: u16, version: Version) -> impl Iterator<Item = u16> + use<> {
        let shows_own = version >= Version::V1_2;
        let sees_vms = self.sees_vms;
        let secure = (0..self.secure).map(|index| 0x8001 + index);
        let seen = move |id: &u16| if *id == caller { shows_own } else { sees_vms };
        secure.chain((1..=self.permanent).filter(seen))
    }

    fn ids(&self) -> u16 {
        self.window + Self::SPARE_IDS
    }

    fn id(&self, generation: u64) -> u16 {
        let index = u16::try_from(generation % u64::from(self.ids())).expect("a remainder");
        self.permanent + 1 + index
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two permanent VMs, the first of them a reader, and a window of four; generation 1000 is the oldest.
    fn population() -> Population {
        let options = Options { vms: 6, readers: 1, churn: true, ..Options::default() };
        let population = Population { permanent: 2, window: 4, ..Population::new(&options) };
        population.at(1000);
        population
    }

    impl Population {
        /// All counters say that `oldest` is the oldest VM, and nothing is under way.
        fn at(&self, oldest: u64) {
            for counter in [&self.left, &self.leaving] {
                counter.store(oldest, SeqCst);
            }
            for counter in [&self.joined, &self.joining] {
                counter.store(oldest + u64::from(self.window), SeqCst);
            }
        }

        /// What VM 1 reads when these generations are alive.
        fn list(&self, version: Version, generations: impl IntoIterator<Item = u64>) -> Vec<Entry> {
            let steady = Entry { id: 2, contexts: 1, properties: 0, uuid: [0; 16] };
            let churned = generations.into_iter().map(|generation| {
                let mut uuid = [0; 16];
                if version > Version::V1_0 {
                    uuid[..8].copy_from_slice(&UUID_MARK);
                    uuid[8..].copy_from_slice(&generation.to_le_bytes());
                }
                Entry { id: self.id(generation), uuid, ..steady }
            });
            let mut entries: Vec<Entry> = [steady].into_iter().chain(churned).collect();
            entries.sort_unstable();
            entries.rotate_right(1);
            entries
        }
    }

    const VERSIONS: [Version; 2] = [Version::V1_0, Version::V1_1];

    #[test]
    fn a_list_of_any_moment_of_the_call_is_right() {
        for version in VERSIONS {
            let population = population();
            let witness = population.witness();
            // While the caller was not running, more VMs came and went than there are ids.
            population.at(1500);
            for (oldest, length) in (1000..=1500).flat_map(|oldest| [(oldest, 4), (oldest, 5)]) {
                if oldest + length <= 1504 {
                    let list = population.list(version, oldest..oldest + length);
                    let checked = population.check_list(1, version, witness, &list);
                    assert_eq!(checked, Ok(()), "{version} {oldest} {length}");
                }
            }
        }
    }

    #[test]
    fn lists_of_another_moment_and_mixtures_are_wrong() {
        let population = population();
        let witness = population.witness();
        for version in VERSIONS {
            for wrong in [
                vec![999, 1000, 1001, 1002],       // before the call
                vec![1001, 1002, 1003, 1004],      // who leaves, and joins, after it
                vec![1000, 1001, 1003, 1004],      // a hole
                vec![1000, 1001, 1002],            // too short
                vec![999, 1000, 1001, 1002, 1003], // one that has left is still there
                vec![],
            ] {
                let list = population.list(version, wrong.iter().copied());
                let checked = population.check_list(1, version, witness, &list);
                assert!(checked.is_err(), "{version} {wrong:?}");
            }
        }
    }

    #[test]
    fn torn_twice_and_missing_entries_are_wrong() {
        let population = population();
        let witness = population.witness();
        let check = |list: &[Entry]| population.check_list(1, Version::V1_1, witness, list);
        let list = population.list(Version::V1_1, 1000..1004);
        assert_eq!(check(&list), Ok(()));
        let without_vm_2: Vec<Entry> = list.iter().filter(|entry| entry.id != 2).copied().collect();
        assert!(check(&without_vm_2).is_err());
        let mut torn = list.clone();
        torn[2].uuid[8] ^= 1;
        assert!(check(&torn).is_err());
        let mut twice = list.clone();
        twice[2] = twice[1];
        assert!(check(&twice).is_err());
        let mut swapped = list;
        swapped.swap(1, 2);
        assert!(check(&swapped).is_err());
    }
}
