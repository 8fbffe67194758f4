//! The directory: every partition there is, at one point in time, and what one caller may see of it.

use ffa_abi::{EndpointId, PartitionInfo, Uuid, Version, VmId};
use ffa_rcu::{Footprint, OutOfMemory, Shared};

use crate::partition_list::{PartitionList, Run};
use crate::policy::Policy;

/// One published state: secure partitions, VMs, and the number of the state.
///
/// Immutable: a change makes another one, which shares with this what did not change.
pub(crate) struct Directory {
    secure: Shared<PartitionList>,
    vms: PartitionList,
    policy: Policy,
    /// Counts changes of `vms`. Its low 16 bits are the tag of those who see VMs.
    generation: u64,
}

/// What one caller sees of a directory.
pub(crate) struct View<'d> {
    directory: &'d Directory,
    version: Version,
    /// The ranges of `directory.vms` that are shown, in order: what precedes a hidden entry, and
    /// what follows it.
    vms: [core::ops::Range<usize>; 2],
}

impl Directory {
    /// The first state: secure partitions in the SPMC's order, no VM.
    pub(crate) fn new(secure: &[PartitionInfo], policy: Policy) -> Result<Self, OutOfMemory> {
        let secure = Shared::try_new(PartitionList::from_slice(secure)?)?;
        Ok(Directory { secure, vms: PartitionList::default(), policy, generation: 1 })
    }

    pub(crate) fn with_vm(&self, info: PartitionInfo) -> Result<Self, OutOfMemory> {
        Ok(self.successor(self.vms.with(info)?))
    }

    pub(crate) fn without_vm(&self, id: VmId) -> Result<Self, OutOfMemory> {
        Ok(self.successor(self.vms.without(id.into())?))
    }

    fn successor(&self, vms: PartitionList) -> Self {
        let generation = self.generation.wrapping_add(1);
        Directory { secure: self.secure.clone(), vms, policy: self.policy, generation }
    }

    /// What `caller`, who speaks `version`, may see.
    ///
    /// Its own entry is shown from 1.2 on: older drivers take it for another partition.
    pub(crate) fn seen_by(&self, caller: VmId, version: Version) -> View<'_> {
        let shows_vms = self.policy.shows_vms_to_vms();
        let shows_own = version >= Version::V1_2;
        let all = self.vms.len();
        let vms = if shows_vms == shows_own {
            [0..if shows_vms { all } else { 0 }, all..all]
        } else {
            match self.vms.position(EndpointId::from(caller)) {
                Some(own) if shows_own => [own..own + 1, all..all],
                Some(own) => [0..own, own + 1..all],
                None if shows_own => [all..all, all..all],
                None => [0..all, all..all],
            }
        };
        View { directory: self, version, vms }
    }
}

impl Footprint for Directory {
    /// What its VMs' part added; the secure part is shared by all.
    fn heap_bytes(&self) -> usize {
        self.vms.heap_bytes()
    }
}

impl<'d> View<'d> {
    /// How many partitions match `uuid`; nil matches all.
    pub(crate) fn count(&self, uuid: Uuid) -> usize {
        if uuid.is_nil() {
            let vms: usize = self.vms.iter().map(ExactSizeIterator::len).sum();
            self.directory.secure.len() + vms
        } else {
            self.matching(uuid).count()
        }
    }

    /// Everything that is seen: secure partitions, then VMs by id.
    pub(crate) fn runs(&self) -> impl Iterator<Item = Run<'d>> + use<'d> {
        self.runs_from(0)
    }

    /// The same from index `start` on, whole chunks skipped unread.
    fn runs_from(&self, start: usize) -> impl Iterator<Item = Run<'d>> + use<'d> {
        let Directory { secure, vms, .. } = self.directory;
        let [first, second] = self.vms.clone();
        let skip_first = start.saturating_sub(secure.len());
        let skip_second = skip_first.saturating_sub(first.len());
        secure
            .runs(start..secure.len())
            .chain(vms.runs(first.start + skip_first..first.end))
            .chain(vms.runs(second.start + skip_second..second.end))
    }

    /// Descriptors from index `start` on, in the form of 1.2: no older caller asks by index.
    pub(crate) fn infos_from(&self, start: usize) -> impl Iterator<Item = PartitionInfo> + use<'d> {
        self.runs_from(start).flat_map(|run| run.infos().iter().copied())
    }

    /// Descriptors whose UUID is `uuid`, which is not nil, in the form that answers a query by UUID.
    pub(crate) fn matching(&self, uuid: Uuid) -> impl Iterator<Item = PartitionInfo> + use<'d> {
        let version = self.version;
        let infos = self.runs().flat_map(|run| run.infos().iter());
        infos.filter(move |info| info.uuid() == uuid).map(move |info| info.seen_by(version, uuid))
    }

    /// The version whose layouts the caller reads.
    pub(crate) fn version(&self) -> Version {
        self.version
    }

    /// Names this state of what the caller sees; it moves only when that can have changed.
    pub(crate) fn tag(&self) -> u16 {
        if self.directory.policy.shows_vms_to_vms() {
            #[expect(clippy::cast_possible_truncation, reason = "a tag is the low 16 bits")]
            let tag = self.directory.generation as u16;
            tag
        } else {
            // Secure partitions do not change, and the caller's own entry is there once it calls.
            1
        }
    }
}
