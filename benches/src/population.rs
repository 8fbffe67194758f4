//! Which partitions there are.

use ffa_abi::{PartitionInfo, PartitionProperties, Uuid, Version, VmId};

use crate::store::Asker;

/// Partitions, and one of them that asks.
#[derive(Clone)]
pub struct Population {
    /// All of them, in the order of their ids: VMs 1, 2, 3...
    pub infos: Vec<PartitionInfo>,
    /// The one that asks: in the middle, which is the hardest place to leave out.
    pub asker: Asker,
}

impl Population {
    /// As many as it takes for a caller that speaks `version` to see `seen` of them.
    #[must_use]
    pub fn new(seen: u16, version: Version) -> Self {
        let total = if version >= Version::V1_2 { seen } else { seen + 1 };
        let caller = vm_id(total / 2 + 1);
        Population { infos: (1..=total).map(info).collect(), asker: Asker { caller, version } }
    }

    /// Another VM that asks: the one `further` ids behind the first.
    #[must_use]
    pub fn asker_at(&self, further: u16) -> Asker {
        Asker { caller: vm_id(self.asker.caller.get() + further), ..self.asker }
    }
}

/// The VM with this id: each has a UUID of its own.
fn info(id: u16) -> PartitionInfo {
    let uuid = Uuid::from_words([id.into(), 0x5555_4444, 0x3333_2222, 0x1111_0000]);
    PartitionInfo::new(vm_id(id).into(), 1, PartitionProperties::AARCH64, uuid)
}

fn vm_id(id: u16) -> VmId {
    VmId::new(id).expect("ids from 1 to 32767")
}
