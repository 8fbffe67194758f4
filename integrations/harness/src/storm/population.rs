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
            properties: PartitionProperties::AARCH64,
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
        let is_sorted = churned.is_sorted_by(|one, two| one.id < two.id);
        if !is_sorted {
            return Err("ids of VMs are not in order, or twice".into());
        }
        let mut generations: Vec<u64> = churned
            .iter()
            .map(|entry| self.generation(version, witness, entry))
            .collect::<Result<_, _>>()?;
        generations.sort_unstable();
        let (Some(&first), Some(&last)) = (generations.first(), generations.last()) else {
            return Err("none of the VMs that come and go".into());
        };
        let length = generations.len() as u64;
        let window = u64::from(self.window);
        if last - first + 1 != length || !(window..=window + 1).contains(&length) {
            return Err(format!("no run of {window} or one more: {generations:?}"));
        }
        Ok((first, last + 1))
    }

    /// Which VM an entry is of. 1.0 shows no UUID: there it is the first that can be alive.
    fn generation(&self, version: Version, witness: Witness, entry: &Entry) -> Result<u64, String> {
        let ids = u64::from(self.ids());
        let index = entry.id.checked_sub(self.permanent + 1).map(u64::from);
        let index = index.filter(|index| *index < ids).ok_or("an id that no VM has")?;
        if version == Version::V1_0 {
            return Ok(witness.left + (index + ids - witness.left % ids) % ids);
        }
        let (mark, number) = entry.uuid.split_at(8);
        let generation = u64::from_le_bytes(number.try_into().map_err(|_| "no number")?);
        if mark != UUID_MARK || generation % ids != index {
            return Err(format!("{entry:?} is torn, or of another VM"));
        }
        Ok(generation)
    }

    /// Ids of all that `caller` always sees, in order.
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
