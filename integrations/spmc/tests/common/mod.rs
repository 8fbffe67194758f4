//! An SPMC with three partitions, and a machine around it.

#![allow(dead_code, reason = "not every test uses all of it")]

use std::cell::{Cell, RefCell};

use ffa_abi::{
    CallError, DirectRequest, DirectRequestReply, EndpointId, GetVersion, MemoryRange,
    NewEndpointRxTx, PartitionInfo, PartitionProperties, Regs, Request, RxtxMap, Status, Uuid,
    Version,
};
use ffa_spmc_model::{
    Answer, Behaviour, Character, Command, NotMemory, Partition, Spmc, Vm, World,
};

/// Where memory is.
pub(crate) const RAM: u64 = 0x8000_0000;
pub(crate) const PAGE: u64 = 0x1000;
const PAGES: u64 = 64;

/// The hypervisor's buffers.
pub(crate) const TX: u64 = RAM;
pub(crate) const RX: u64 = RAM + PAGE;

pub(crate) const HYPERVISOR: EndpointId = EndpointId(0);
pub(crate) const VM: EndpointId = EndpointId(1);
/// Four execution contexts, and all that a partition can do.
pub(crate) const ABLE: EndpointId = EndpointId(0x8001);
/// One execution context, and direct requests.
pub(crate) const PLAIN: EndpointId = EndpointId(0x8002);
/// Nothing.
pub(crate) const MUTE: EndpointId = EndpointId(0x8003);

pub(crate) struct Machine {
    ram: RefCell<Vec<u8>>,
    pub(crate) is_interrupted: Cell<bool>,
    /// The CPUs that got a schedule receiver interrupt, in order.
    pub(crate) interrupts: RefCell<Vec<usize>>,
}

impl Default for Machine {
    fn default() -> Self {
        let ram = RefCell::new(vec![0; (PAGES * PAGE) as usize]);
        Machine { ram, is_interrupted: Cell::new(false), interrupts: RefCell::default() }
    }
}

impl Machine {
    fn range(&self, address: u64, length: usize) -> Result<std::ops::Range<usize>, NotMemory> {
        let start = address.checked_sub(RAM).ok_or(NotMemory)? as usize;
        let end = start.checked_add(length).ok_or(NotMemory)?;
        if end > self.ram.borrow().len() { Err(NotMemory) } else { Ok(start..end) }
    }
}

impl World for Machine {
    fn read(&self, address: u64, into: &mut [u8]) -> Result<(), NotMemory> {
        let range = self.range(address, into.len())?;
        into.copy_from_slice(&self.ram.borrow()[range]);
        Ok(())
    }

    fn write(&self, address: u64, from: &[u8]) -> Result<(), NotMemory> {
        let range = self.range(address, from.len())?;
        self.ram.borrow_mut()[range].copy_from_slice(from);
        Ok(())
    }

    fn is_interrupt_pending(&self, _: usize) -> bool {
        self.is_interrupted.get()
    }

    fn raise_schedule_receiver_interrupt(&self, cpu: usize) {
        self.interrupts.borrow_mut().push(cpu);
    }
}

pub(crate) struct Rig {
    pub(crate) spmc: Spmc<Vec<Partition>, [Vm; 3]>,
    pub(crate) machine: Machine,
    pub(crate) cpu: usize,
}

pub(crate) fn uuid(id: EndpointId) -> Uuid {
    let mut uuid = *b"secure partition";
    uuid[14..].copy_from_slice(&id.0.to_be_bytes());
    Uuid(uuid)
}

pub(crate) fn info(id: EndpointId) -> PartitionInfo {
    let direct = PartitionProperties::RECEIVES_DIRECT_REQUESTS;
    let all = direct
        | PartitionProperties::RECEIVES_DIRECT_REQUESTS2
        | PartitionProperties::INDIRECT_MESSAGES
        | PartitionProperties::RECEIVES_NOTIFICATIONS
        | PartitionProperties::VM_CREATED
        | PartitionProperties::VM_DESTROYED;
    let (contexts, properties) = match id {
        ABLE => (4, all),
        PLAIN => (1, direct),
        _ => (1, PartitionProperties::empty()),
    };
    PartitionInfo::new(id, contexts, properties, uuid(id))
}

impl Rig {
    /// Nobody has called it yet.
    pub(crate) fn silent(character: Character) -> Rig {
        let partitions = [ABLE, PLAIN, MUTE];
        let partition = |id| Partition::new(info(id), Behaviour::default());
        let vms = [Vm::VACANT; 3];
        let spmc = Spmc::new(character, partitions.map(partition).to_vec(), vms);
        Rig { spmc, machine: Machine::default(), cpu: 0 }
    }

    /// 1.2 is agreed on.
    pub(crate) fn new(character: Character) -> Rig {
        let mut rig = Rig::silent(character);
        rig.call(&GetVersion::new(Version::V1_2)).unwrap();
        rig
    }

    pub(crate) fn raw(&mut self, regs: &Regs) -> Regs {
        let reply = self.spmc.call(&self.machine, self.cpu, regs);
        assert_eq!(self.spmc.check(), Ok(()), "{regs:?} -> {reply:?}\n{:#?}", self.spmc);
        reply
    }

    pub(crate) fn call<R: Request>(&mut self, request: &R) -> Result<R::Reply, CallError> {
        let reply = self.raw(&request.encode());
        request.reply(&reply, self.spmc.version().unwrap_or(Version::V1_2))
    }

    #[track_caller]
    pub(crate) fn succeeds<R: Request>(&mut self, request: &R) -> R::Reply {
        match self.call(request) {
            Ok(reply) => reply,
            Err(error) => panic!("{request}: {error}"),
        }
    }

    #[track_caller]
    pub(crate) fn fails<R: Request>(&mut self, request: &R, status: Status) {
        match self.call(request) {
            Ok(reply) => panic!("{request}: {reply}"),
            Err(error) => assert_eq!(error, CallError::Status(status), "{request}"),
        }
    }

    /// Maps the hypervisor's buffers.
    pub(crate) fn maps(&mut self) {
        self.succeeds(&RxtxMap::one_page(TX, RX));
    }

    /// Puts a description of a VM's buffers into TX, of one page at each of these addresses.
    pub(crate) fn describe(&mut self, endpoint: EndpointId, tx: &[u64], rx: &[u64]) {
        let ranges = |addresses: &[u64]| -> Vec<MemoryRange> {
            addresses.iter().map(|address| MemoryRange::new(*address, 1).unwrap()).collect()
        };
        let (tx, rx) = (ranges(tx), ranges(rx));
        let mut bytes = [0; 0x1000];
        let buffers = NewEndpointRxTx { endpoint, rx: &rx, tx: &tx };
        buffers.write(&mut bytes, self.spmc.version().unwrap()).unwrap();
        self.machine.write(TX, &bytes).unwrap();
    }

    /// Maps a VM's buffers; the hypervisor's must be.
    pub(crate) fn maps_for(&mut self, vm: EndpointId, tx: u64, rx: u64) {
        self.describe(vm, &[tx], &[rx]);
        self.succeeds(&RxtxMap::FOR_A_VM);
    }

    pub(crate) fn bytes<const N: usize>(&self, address: u64) -> [u8; N] {
        let mut bytes = [0; N];
        self.machine.read(address, &mut bytes).unwrap();
        bytes
    }

    /// Gives a partition a command for a VM, and returns its answer.
    #[track_caller]
    pub(crate) fn command(&mut self, receiver: EndpointId, command: &Command) -> Answer {
        let request = DirectRequest { sender: VM, receiver, message: command.to_message() };
        let reply = self.succeeds(&request);
        let DirectRequestReply::Response(response) = reply else { panic!("{command:?}: {reply}") };
        let payload = response.message.payload();
        Answer::decode(command, std::array::from_fn(|index| payload.word(index))).unwrap()
    }

    /// How many schedule receiver interrupts there were since the last look.
    pub(crate) fn interrupts(&self) -> usize {
        self.machine.interrupts.take().len()
    }
}

/// A partition that can do all.
pub(crate) fn able() -> Partition {
    Partition::new(info(ABLE), Behaviour::default())
}
