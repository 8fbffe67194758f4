//! A mediator with VMs, and the calls of one of them.

use ffa_abi::{
    EndpointId, GetVersion, IdGet, PartitionInfo, PartitionInfoFlags, PartitionInfoGet,
    PartitionInfoGetRegs, PartitionProperties, Regs, Request, RxRelease, RxtxMap, Uuid, Version,
    VmId, Width,
};
use ffa_core::{Caller, Config, Cpu, Mediator, Outcome, Policy, VmConfig};

use crate::host::PlainHost;

/// How many pages a RX buffer gets: the most that the mediator takes.
pub(crate) const RX_PAGES: u8 = 16;

/// How often retired memory is freed while VMs are created.
const RECLAIM_EVERY: u16 = 64;

/// VMs 1..=total, all of them in the directory, in a mediator that allows all.
pub(crate) struct Population {
    mediator: Mediator<PlainHost>,
    version: Version,
    /// The VM that calls: in the middle of the list, which is the hardest place to leave out.
    caller: VmId,
    total: u16,
}

/// The VM that calls, on a CPU of its own.
pub(crate) struct Client<'p> {
    cpu: Cpu<'p, PlainHost>,
    #[cfg(test)]
    mediator: &'p Mediator<PlainHost>,
    caller: Caller,
}

impl Population {
    /// As many VMs as it takes for a caller that speaks `version` to see `seen` partitions.
    pub(crate) fn new(seen: u16, version: Version) -> Self {
        let total = if version >= Version::V1_2 { seen } else { seen + 1 };
        let config = Config { policy: Policy::allow_all(), ..Config::new(1) };
        let mediator = Mediator::new(PlainHost::default(), config).expect("memory");
        let caller = vm_id(total / 2 + 1);
        let population = Population { mediator, version, caller, total };
        for id in 1..=total {
            population.add(vm_id(id));
            if id % RECLAIM_EVERY == 0 {
                population.mediator.reclaim(usize::MAX);
            }
        }
        population.mediator.reclaim(usize::MAX);
        population.client().map_buffers();
        population
    }

    /// Creates a VM, and has it join by its first calls.
    fn add(&self, id: VmId) {
        let (vcpus, properties, uuid) = (1, PartitionProperties::AARCH64, uuid(id));
        self.mediator.create_vm(VmConfig { id, vcpus, properties, uuid }).expect("a new id");
        let mut client = self.client_as(id);
        client.call(&GetVersion::new(self.version));
        client.call(&IdGet);
    }

    fn client_as(&self, vm: VmId) -> Client<'_> {
        let cpu = self.mediator.cpu(0).expect("the CPU is free");
        let caller = Caller { vm, vcpu: 0, width: Width::Bits64 };
        Client {
            cpu,
            #[cfg(test)]
            mediator: &self.mediator,
            caller,
        }
    }

    /// The calling VM, whose buffers are mapped. One at a time.
    pub(crate) fn client(&self) -> Client<'_> {
        self.client_as(self.caller)
    }

    pub(crate) fn caller(&self) -> VmId {
        self.caller
    }

    /// What the VMs are.
    pub(crate) fn infos(&self) -> Vec<PartitionInfo> {
        let properties = PartitionProperties::AARCH64;
        (1..=self.total)
            .map(vm_id)
            .map(|id| PartitionInfo::new(id.into(), 1, properties, uuid(id)))
            .collect()
    }
}

impl Client<'_> {
    /// A call, as the host gets it: the outcome is not copied again, for a host need not either.
    pub(crate) fn handle(&mut self, regs: &Regs) -> Outcome {
        self.cpu.handle(self.caller, regs)
    }

    /// What answers `request`, which must succeed.
    pub(crate) fn call<R: Request>(&mut self, request: &R) -> R::Reply {
        let call = request.encode();
        let Outcome::Reply(regs) = self.handle(&call) else { panic!("no FF-A call: {call:?}") };
        request.reply(&regs).unwrap_or_else(|error| panic!("{call:?}: {error}"))
    }

    fn map_buffers(&mut self) {
        let (tx, rx) = (0x1000_0000, 0x2000_0000);
        self.call(&RxtxMap { width: Width::Bits64, tx, rx, pages: RX_PAGES });
    }

    /// The RX buffer's pages, taken by unmapping.
    #[cfg(test)]
    pub(crate) fn unmap_rx(&mut self) -> crate::host::Pages {
        self.call(&ffa_abi::RxtxUnmap { endpoint: EndpointId::HYPERVISOR });
        self.mediator.host().take_unmapped().expect("RX was mapped")
    }
}

/// `FFA_PARTITION_INFO_GET` for all partitions.
pub(crate) fn list_call() -> PartitionInfoGet {
    PartitionInfoGet { uuid: Uuid::NIL, flags: PartitionInfoFlags::empty() }
}

/// The same, for their number only.
pub(crate) fn count_call() -> PartitionInfoGet {
    PartitionInfoGet { uuid: Uuid::NIL, flags: PartitionInfoFlags::COUNT_ONLY }
}

/// `FFA_PARTITION_INFO_GET_REGS` from index `start` on; the tag is 0 where that is 0.
pub(crate) fn registers_call(start: u16, tag: u16) -> PartitionInfoGetRegs {
    PartitionInfoGetRegs { uuid: Uuid::NIL, start, tag }
}

pub(crate) fn release_call() -> RxRelease {
    RxRelease { endpoint: EndpointId::HYPERVISOR }
}

fn vm_id(id: u16) -> VmId {
    VmId::new(id).expect("ids from 1 to 32767")
}

/// A UUID of its own for each VM.
fn uuid(id: VmId) -> Uuid {
    Uuid::from_words([id.get().into(), 0x5555_4444, 0x3333_2222, 0x1111_0000])
}
