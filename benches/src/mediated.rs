//! The whole mediator as a contender: each answer is the call of a VM, registers to registers.

use std::hint::black_box;

use ffa_abi::{
    EndpointId, GetVersion, IdGet, PartitionInfo, PartitionInfoFlags, PartitionInfoGet,
    PartitionInfoGetRegs, PartitionProperties, Regs, Request, RxRelease, RxtxMap, RxtxUnmap, Uuid,
    Version, VmId, Width,
};
use ffa_core::{
    Caller, Config, Cpu, CreateError, DestroyError, Handled, Mediator, Policy, VmConfig,
};

use crate::host::{PlainHost, RX_PAGES};
use crate::store::{Asker, OpenSection, Reader, Refused, Registers, Store};

/// How often retired memory is freed while VMs are created.
const RECLAIM_EVERY: usize = 64;

/// A mediator that allows all, with its VMs.
pub struct Mediated {
    mediator: Mediator<PlainHost>,
    version: Version,
}

/// A VM that calls, on a CPU of its own.
pub struct Client<'m> {
    mediator: &'m Mediator<PlainHost>,
    cpu: Cpu<'m, PlainHost>,
    caller: Caller,
    calls: Calls,
    /// What the trap has saved of the guest's registers, and what it will load.
    regs: Regs,
}

/// Calls as a VM leaves them in its registers.
struct Calls {
    list: Regs,
    release: Regs,
    count: Regs,
    tag: u16,
    /// `FFA_PARTITION_INFO_GET_REGS` from the index that was asked for last.
    registers: (usize, Regs),
}

/// The CPU of those who join: readers have the ones before.
const JOINING: usize = Mediated::CPUS;

impl Mediated {
    /// VMs that all speak `version`, created and in the directory.
    /// The partitions, all of them joined.
    #[must_use]
    pub fn new(infos: &[PartitionInfo], version: Version) -> Self {
        let config = Config { policy: Policy::allow_all(), ..Config::new(Self::CPUS + 1) };
        let mediator = Mediator::new(PlainHost::default(), config).expect("memory");
        let store = Mediated { mediator, version };
        for (index, info) in infos.iter().enumerate() {
            store.join(*info).expect("a new id");
            if index % RECLAIM_EVERY == 0 {
                store.reclaim(usize::MAX);
            }
        }
        store.reclaim(usize::MAX);
        store
    }

    fn client(&self, cpu: usize, vm: VmId) -> Client<'_> {
        let count = PartitionInfoGet { flags: PartitionInfoFlags::COUNT_ONLY, ..list_call() };
        let calls = Calls {
            list: list_call().encode(),
            release: RxRelease { endpoint: EndpointId::HYPERVISOR }.encode(),
            count: count.encode(),
            tag: 0,
            registers: (0, registers_call(0, 0).encode()),
        };
        let caller = Caller { vm, vcpu: 0, width: Width::Bits64 };
        let cpu = self.mediator.cpu(cpu).expect("the CPU is free");
        Client { mediator: &self.mediator, cpu, caller, calls, regs: Regs::ZERO }
    }
}

/// `FFA_PARTITION_INFO_GET` for all partitions.
fn list_call() -> PartitionInfoGet {
    PartitionInfoGet { uuid: Uuid::NIL, flags: PartitionInfoFlags::empty() }
}

impl Store for Mediated {
    type Reader<'s> = Client<'s>;

    /// The VM's buffers stay mapped when the reader goes: another one of the same VM finds them.
    fn reader(&self, cpu: usize, asker: Asker) -> Client<'_> {
        let mut client = self.client(cpu, asker.caller);
        client.map_buffers();
        if self.version >= Version::V1_2 {
            client.calls.tag = client.call(&registers_call(0, 0)).tag();
        }
        client
    }

    fn join(&self, info: PartitionInfo) -> Result<(), Refused> {
        let id = VmId::new(info.id().0).ok_or(Refused::Other)?;
        let properties = PartitionProperties::empty();
        let (vcpus, uuid) = (info.execution_contexts(), info.uuid());
        self.mediator.create_vm(VmConfig { id, vcpus, properties, uuid })?;
        let mut client = self.client(JOINING, id);
        client.call(&GetVersion::new(self.version));
        if IdGet.reply(client.handle(&IdGet.encode()), self.version).is_ok() {
            return Ok(());
        }
        // No room for another directory: it cannot be listed, and is taken back.
        self.mediator.destroy_vm(id)?;
        Err(Refused::Other)
    }

    fn leave(&self, id: VmId) -> Result<(), Refused> {
        Ok(self.mediator.destroy_vm(id)?)
    }

    fn reclaim(&self, budget: usize) -> usize {
        self.mediator.reclaim(budget).freed
    }

    fn retired_bytes(&self) -> usize {
        self.mediator.retired().bytes
    }
}

impl Client<'_> {
    /// A call, from the registers that the trap has saved to those that it will load: in place, as a
    /// host has them. Copying `regs` stands for the trap.
    #[inline]
    pub fn handle(&mut self, regs: &Regs) -> &Regs {
        self.regs = *regs;
        match self.cpu.handle_in_place(self.caller, black_box(&mut self.regs)) {
            Handled::Reply => &self.regs,
            Handled::NotFfa => panic!("no FF-A call"),
        }
    }

    /// What answers `request`, which must succeed.
    fn call<R: Request>(&mut self, request: &R) -> R::Reply {
        let call = request.encode();
        let reply = request.reply(self.handle(&call), Version::V1_2);
        reply.unwrap_or_else(|error| panic!("{call:?}: {error}"))
    }

    fn map_buffers(&mut self) {
        let (tx, rx) = (0x1000_0000, 0x2000_0000);
        let map = RxtxMap::new(Width::Bits64, tx, rx, RX_PAGES).expect("a call");
        // Refused where an earlier reader has left them.
        let _ = self.handle(&map.encode());
    }
}

impl Reader for Client<'_> {
    /// The list, and the release that must follow.
    fn list(&mut self) -> usize {
        let (list, release) = (self.calls.list, self.calls.release);
        let count = self.handle(&list).w(2);
        self.handle(&release);
        count as usize
    }

    fn count(&mut self) -> usize {
        let count = self.calls.count;
        self.handle(&count).w(2) as usize
    }

    fn registers(&mut self, start: usize) -> Registers {
        if self.calls.registers.0 != start {
            let index = u16::try_from(start).expect("an index has 16 bits");
            self.calls.registers = (start, registers_call(index, self.calls.tag).encode());
        }
        let (_, call) = self.calls.registers;
        let mut registers = Registers::default();
        let words = self.handle(&call).0.iter().skip(3);
        registers.iter_mut().flatten().zip(words).for_each(|(word, register)| *word = *register);
        registers
    }

    /// No call asks for one VM: its own id comes closest, and is found by a lookup.
    fn lookup(&mut self, _: VmId) -> Option<u16> {
        let id = u32::from(self.caller.vm.get());
        (self.handle(&IdGet.encode()).w(2) == id).then_some(1)
    }

    /// A VM's call cannot be stopped half way from outside.
    fn stall(&mut self) -> Box<dyn OpenSection + '_> {
        Box::new(())
    }

    fn rx(&mut self) -> Vec<u8> {
        self.call(&RxtxUnmap { endpoint: EndpointId::HYPERVISOR });
        let pages = self.mediator.host().take_unmapped().expect("RX was mapped");
        self.map_buffers();
        pages.bytes().to_vec()
    }
}

/// `FFA_PARTITION_INFO_GET_REGS` from index `start` on; the tag is 0 where that is 0.
fn registers_call(start: u16, tag: u16) -> PartitionInfoGetRegs {
    let tag = if start == 0 { 0 } else { tag };
    PartitionInfoGetRegs { uuid: Uuid::NIL, start, tag }
}

impl From<CreateError> for Refused {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::IdDraining => Refused::Draining,
            CreateError::TooMuchRetired(backlog) => backlog.into(),
            _ => Refused::Other,
        }
    }
}

impl From<DestroyError> for Refused {
    fn from(error: DestroyError) -> Self {
        match error {
            DestroyError::TooMuchRetired(backlog) => backlog.into(),
            _ => Refused::Other,
        }
    }
}
