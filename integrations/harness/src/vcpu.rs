//! A vCPU: a thread on a physical CPU that makes calls, and reads the VM's RX buffer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ffa_abi::{
    CallError, Empty, EndpointId, PartitionInfo, PartitionInfoFlags, PartitionInfoGet,
    PartitionInfoGetRegs, PartitionProperties, Regs, Request, RxRelease, RxtxMap, RxtxUnmap,
    Status, Uuid, Version, VersionReply, Width,
};
use ffa_core::{Caller, Cpu, Outcome};

use crate::current;
use crate::hypervisor::{Hypervisor, RAM_BASE};
use crate::machine::{Machine, vm_id};
use crate::memory::{PAGE, Ram};
use crate::shape;

/// Where guests put their TX buffer.
pub const TX: u64 = RAM_BASE;
/// Where guests put their RX buffer.
pub const RX: u64 = RAM_BASE + (RX_PAGE * PAGE) as u64;

pub(crate) const RX_PAGE: usize = 16;

/// A vCPU that runs on a physical CPU.
pub struct Vcpu<'m> {
    machine: &'m Machine,
    cpu: Cpu<'m, Hypervisor>,
    /// Which one that is.
    index: usize,
    caller: Caller,
    elapsed: Duration,
}

/// A partition as a list shows it: parsed from bytes or registers by hand, as a guest would.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Entry {
    /// The partition's id.
    pub id: u16,
    /// How many execution contexts it has.
    pub contexts: u16,
    /// Its properties.
    pub properties: u32,
    /// Its UUID; nil for callers of 1.0.
    pub uuid: [u8; 16],
}

impl Machine {
    /// VM `vm`'s vCPU `vcpu`, running in `AArch64` on physical CPU `cpu`, which must be free.
    #[must_use]
    pub fn vcpu(&self, cpu: usize, vm: u16, vcpu: u16) -> Vcpu<'_> {
        let caller = Caller { vm: vm_id(vm), vcpu, width: Width::Bits64 };
        self.vcpu_as(cpu, caller)
    }

    /// `caller`, running on physical CPU `cpu`, which must be free.
    #[must_use]
    pub fn vcpu_as(&self, cpu: usize, caller: Caller) -> Vcpu<'_> {
        let (index, cpu) = (cpu, self.mediator().cpu(cpu).expect("a free CPU"));
        Vcpu { machine: self, cpu, index, caller, elapsed: Duration::ZERO }
    }

    /// The memory of VM `vm`.
    #[must_use]
    pub fn ram(&self, vm: u16) -> Arc<Ram> {
        self.host().ram(vm_id(vm)).expect("the VM has memory")
    }
}

impl Vcpu<'_> {
    /// Becomes another VM's vCPU on the same physical CPU.
    pub fn run(&mut self, vm: u16, vcpu: u16) {
        self.caller = Caller { vm: vm_id(vm), vcpu, width: Width::Bits64 };
    }

    /// Traps with these registers; the shape of the reply is checked.
    pub fn trap(&mut self, regs: &Regs) -> Outcome {
        let call = current::Call { vm: self.caller.vm, function: regs.w(0), cpu: self.index };
        let start = Instant::now();
        let outcome = current::during_call(call, || self.cpu.handle(self.caller, regs));
        self.elapsed = start.elapsed();
        if let Err(what) = shape::check(regs, &outcome) {
            let journal = self.machine.journal();
            journal.violation(format_args!("{:?}: {regs:?} -> {outcome:?}: {what}", self.caller));
        }
        outcome
    }

    /// How long the mediator took for the last call.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// Makes a call and reads its reply.
    ///
    /// # Errors
    /// The status that the mediator answers.
    pub fn call<R: Request>(&mut self, request: &R) -> Result<R::Reply, CallError> {
        match self.trap(&request.encode()) {
            Outcome::Reply(regs) => request.reply(&regs, Version::V1_2),
            Outcome::NotFfa => Err(CallError::Status(Status::NOT_SUPPORTED)),
        }
    }

    /// Asks for a version.
    pub fn version(&mut self, version: Version) -> Result<VersionReply, CallError> {
        self.call(&ffa_abi::GetVersion::new(version))
    }

    /// Maps `pages` pages at [`TX`] and [`RX`].
    pub fn map(&mut self, pages: u8) -> Result<Empty, CallError> {
        self.call(&RxtxMap::new(Width::Bits64, TX, RX, pages).expect("at most 63 pages"))
    }

    /// Unmaps.
    pub fn unmap(&mut self) -> Result<Empty, CallError> {
        self.call(&RxtxUnmap { endpoint: EndpointId::HYPERVISOR })
    }

    /// Gives RX back.
    pub fn release(&mut self) -> Result<Empty, CallError> {
        self.call(&RxRelease { endpoint: EndpointId::HYPERVISOR })
    }

    /// Counts partitions.
    pub fn count(&mut self, uuid: Uuid) -> Result<u32, CallError> {
        let flags = PartitionInfoFlags::COUNT_ONLY;
        self.call(&PartitionInfoGet { uuid, flags }).map(|reply| reply.count)
    }

    /// Lists partitions into RX and reads them there; RX stays with the VM.
    ///
    /// `version` is the one that the VM negotiated.
    pub fn list(&mut self, uuid: Uuid, version: Version) -> Result<Vec<Entry>, CallError> {
        let flags = PartitionInfoFlags::empty();
        let reply = self.call(&PartitionInfoGet { uuid, flags })?;
        let size = if version == Version::V1_0 { 8 } else { 24 };
        let bytes = self.rx_bytes(reply.count as usize * size);
        Ok(bytes.chunks_exact(size).map(Entry::from_bytes).collect())
    }

    /// Reads the whole list by registers; the first reply that is no success ends it.
    pub fn registers(&mut self, uuid: Uuid) -> Result<Vec<Entry>, CallError> {
        let mut request = PartitionInfoGetRegs { uuid, start: 0, tag: 0 };
        let mut entries = Vec::new();
        loop {
            let reply = self.call(&request)?;
            entries.extend(reply.descriptors().iter().map(Entry::from));
            if reply.current() == reply.last() {
                return Ok(entries);
            }
            request.start = reply.current() + 1;
            request.tag = reply.tag();
        }
    }

    /// The first bytes of the RX that [`Vcpu::map`] maps, as the guest finds them.
    #[must_use]
    pub fn rx_bytes(&self, length: usize) -> Vec<u8> {
        let ram = self.machine.host().ram(self.caller.vm);
        ram.map_or_else(Vec::new, |ram| ram.copy(RX_PAGE * PAGE, length))
    }
}

impl Entry {
    /// From 8 or 24 bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Entry {
        let half = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let mut uuid = [0; 16];
        if bytes.len() == 24 {
            uuid.copy_from_slice(&bytes[8..]);
        }
        let properties = u32::from(half(6)) << 16 | u32::from(half(4));
        Entry { id: half(0), contexts: half(2), properties, uuid }
    }

    /// The same partition in the eyes of a caller of 1.0.
    #[must_use]
    pub fn in_1_0(self) -> Entry {
        Entry { properties: self.properties & 7, uuid: [0; 16], ..self }
    }

    /// The same partition in answer to a query by UUID.
    #[must_use]
    pub fn without_uuid(self) -> Entry {
        Entry { uuid: [0; 16], ..self }
    }

    /// Whether it is a virtual machine's.
    #[must_use]
    pub fn is_vm(&self) -> bool {
        self.id & 0x8000 == 0
    }
}

impl From<&PartitionInfo> for Entry {
    fn from(info: &PartitionInfo) -> Entry {
        let properties: PartitionProperties = info.properties();
        Entry {
            id: info.id().0,
            contexts: info.execution_contexts(),
            properties: properties.bits(),
            uuid: info.uuid().0,
        }
    }
}
