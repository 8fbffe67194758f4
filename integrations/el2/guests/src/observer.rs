//! What must hold in every list that a guest sees, whatever comes and goes meanwhile.

use core::fmt;

use ffa_abi::{EndpointId, PartitionInfo, PartitionProperties, Version};

use crate::argument::Argument;

/// Most VMs that can be [`Argument::permanent`].
const MAX_PERMANENT: usize = 64;

/// A list that cannot be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// The same partition twice.
    Twice(EndpointId),
    /// An id that names no partition.
    NoPartition(EndpointId),
    /// A VM without a vCPU.
    NoVcpus(EndpointId),
    /// A property that the version of the caller does not define.
    Properties(EndpointId, PartitionProperties),
    /// The caller is missing in its list, which has it from 1.2 on.
    SelfMissing,
    /// The caller is in its list before 1.2.
    SelfListed,
    /// The policy hides this VM.
    Hidden(EndpointId),
    /// This VM was there, was not there, and is there again.
    CameBack(EndpointId),
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Twice(id) => write!(f, "{id} is listed twice"),
            Self::NoPartition(id) => write!(f, "{id} names no partition"),
            Self::NoVcpus(id) => write!(f, "{id} has no vCPU"),
            Self::Properties(id, bits) => write!(f, "{id} has properties {:#x}", bits.bits()),
            Self::SelfMissing => write!(f, "the caller is missing"),
            Self::SelfListed => write!(f, "the caller is listed"),
            Self::Hidden(id) => write!(f, "{id} should be hidden"),
            Self::CameBack(id) => write!(f, "{id} left and came back"),
        }
    }
}

/// The life of a VM that runs for the whole test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Expected,
    Present,
    Left,
}

/// Checks list after list of one caller.
#[derive(Debug)]
pub struct Observer {
    own: EndpointId,
    version: Version,
    alone: bool,
    /// VM `index + 1`; the caller itself is not among them.
    permanent: heapless::Vec<(EndpointId, Life), MAX_PERMANENT>,
}

impl Observer {
    /// For the caller `own`, which speaks `version`.
    #[must_use]
    pub fn new(own: EndpointId, version: Version, argument: Argument) -> Self {
        let ids = (1..=u16::from(argument.permanent)).map(EndpointId);
        let others = ids.filter(|id| *id != own).take(MAX_PERMANENT);
        let permanent = others.map(|id| (id, Life::Expected)).collect();
        Self { own, version, alone: argument.alone, permanent }
    }

    /// Whether every permanent VM has shown up.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.permanent.iter().all(|(_, life)| *life != Life::Expected)
    }

    /// Whether this permanent VM has shown up and is gone.
    #[must_use]
    pub fn has_left(&self, id: EndpointId) -> bool {
        self.permanent.contains(&(id, Life::Left))
    }

    /// Checks the next list.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&mut self, list: &[PartitionInfo]) -> Result<(), Violation> {
        for (index, partition) in list.iter().enumerate() {
            self.check_entry(partition)?;
            if list.iter().skip(index + 1).any(|other| other.id() == partition.id()) {
                return Err(Violation::Twice(partition.id()));
            }
        }
        self.check_own(list)?;
        self.follow(list)
    }

    fn check_entry(&self, partition: &PartitionInfo) -> Result<(), Violation> {
        let id = partition.id();
        if id == EndpointId::HYPERVISOR {
            return Err(Violation::NoPartition(id));
        }
        if partition.execution_contexts() == 0 && !id.is_secure() {
            return Err(Violation::NoVcpus(id));
        }
        let properties = partition.properties();
        if properties != properties.visible_in(self.version) {
            return Err(Violation::Properties(id, properties));
        }
        if self.alone && id != self.own && !id.is_secure() {
            return Err(Violation::Hidden(id));
        }
        Ok(())
    }

    fn check_own(&self, list: &[PartitionInfo]) -> Result<(), Violation> {
        match (self.version >= Version::V1_2, listed(list, self.own)) {
            (true, false) => Err(Violation::SelfMissing),
            (false, true) => Err(Violation::SelfListed),
            _ => Ok(()),
        }
    }

    fn follow(&mut self, list: &[PartitionInfo]) -> Result<(), Violation> {
        for (id, life) in &mut self.permanent {
            *life = match (*life, listed(list, *id)) {
                (Life::Left, true) => return Err(Violation::CameBack(*id)),
                (_, true) => Life::Present,
                (Life::Present, false) => Life::Left,
                (unchanged, false) => unchanged,
            };
        }
        Ok(())
    }
}

fn listed(list: &[PartitionInfo], id: EndpointId) -> bool {
    list.iter().any(|partition| partition.id() == id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ffa_abi::Uuid;

    const OWN: EndpointId = EndpointId(2);

    fn partition(id: u16) -> PartitionInfo {
        PartitionInfo::new(EndpointId(id), 1, PartitionProperties::empty(), Uuid::NIL)
    }

    fn observer(version: Version, alone: bool) -> Observer {
        Observer::new(OWN, version, Argument { permanent: 3, alone, ..Argument::default() })
    }

    fn check(observer: &mut Observer, ids: &[u16]) -> Result<(), Violation> {
        let list: Vec<_> = ids.iter().map(|&id| partition(id)).collect();
        observer.check(&list)
    }

    #[test]
    fn a_sane_list_passes_in_any_order() {
        let mut observer = observer(Version::V1_2, false);
        assert_eq!(check(&mut observer, &[0x8001, 9, 2, 1]), Ok(()));
        assert!(!observer.complete(), "VM 3 is not there");
        assert_eq!(check(&mut observer, &[3, 1, 2]), Ok(()));
        assert!(observer.complete());
    }

    #[test]
    fn the_caller_is_listed_from_1_2_on() {
        for version in [Version::V1_0, Version::V1_1] {
            assert_eq!(check(&mut observer(version, false), &[1]), Ok(()));
            assert_eq!(check(&mut observer(version, false), &[2]), Err(Violation::SelfListed));
        }
        assert_eq!(check(&mut observer(Version::V1_2, false), &[1]), Err(Violation::SelfMissing));
    }

    #[test]
    fn duplicates_and_nobodies_are_seen() {
        let mut observer = observer(Version::V1_2, false);
        let twice = Violation::Twice(EndpointId(7));
        assert_eq!(check(&mut observer, &[7, 2, 8, 7]), Err(twice));
        let nobody = Violation::NoPartition(EndpointId(0));
        assert_eq!(check(&mut observer, &[2, 0]), Err(nobody));
        let idle = PartitionInfo::new(EndpointId(5), 0, PartitionProperties::empty(), Uuid::NIL);
        let result = observer.check(&[partition(2), idle]);
        assert_eq!(result, Err(Violation::NoVcpus(EndpointId(5))));
    }

    #[test]
    fn a_permanent_vm_leaves_once_and_a_passing_one_as_often_as_it_likes() {
        let mut observer = observer(Version::V1_2, false);
        for ids in [&[2, 9][..], &[2, 1], &[1, 2, 9], &[2], &[2, 9]] {
            assert_eq!(check(&mut observer, ids), Ok(()));
        }
        let back = Violation::CameBack(EndpointId(1));
        assert_eq!(check(&mut observer, &[2, 1]), Err(back));
    }

    #[test]
    fn a_vm_has_left_only_after_it_was_there() {
        let mut observer = observer(Version::V1_2, false);
        let has_left = |observer: &Observer| observer.has_left(EndpointId(1));
        assert!(!has_left(&observer));
        for (ids, left) in [(&[2][..], false), (&[1, 2], false), (&[2], true)] {
            assert_eq!(check(&mut observer, ids), Ok(()));
            assert_eq!(has_left(&observer), left, "{ids:?}");
        }
        assert!(!observer.has_left(OWN) && !observer.has_left(EndpointId(9)));
    }

    #[test]
    fn hidden_vms_are_seen_and_partitions_are_not_hidden() {
        let mut observer = observer(Version::V1_2, true);
        assert_eq!(check(&mut observer, &[2, 0x8001]), Ok(()));
        assert_eq!(check(&mut observer, &[2, 9]), Err(Violation::Hidden(EndpointId(9))));
    }

    #[test]
    fn properties_of_later_versions_are_seen() {
        let new = PartitionProperties::from_bits_retain(1 << 8);
        let list = [PartitionInfo::new(EndpointId(5), 1, new, Uuid::NIL)];
        let result = observer(Version::V1_0, false).check(&list);
        assert_eq!(result, Err(Violation::Properties(EndpointId(5), new)));
        assert_eq!(observer(Version::V1_1, false).check(&list), Ok(()));
    }
}
