//! The secure world: the model SPMC behind a lock, what it was called with, and lies about its answers.

use std::sync::{Arc, Mutex};

use ffa_abi::{
    Call, EndpointId, FunctionId, PartitionInfo, PartitionProperties, Regs, Uuid, Version,
};
use ffa_core::SpmcBuffers;
use ffa_spmc_model::{Behaviour, Calls, Character, Partition, Spmc as Model, Vm as Place};

use crate::buffer::{Observers, Pinned};
use crate::current;
use crate::journal::{Journal, lock};
use crate::memory::{PAGE, Ram};
use crate::physical::{BUFFERS, Guests, Physical};

/// Changes a reply on its way back: what an SPMC that lies would answer to the call.
pub type Tamper = Arc<dyn Fn(&Regs, Regs) -> Regs + Send + Sync>;

/// What an SPMC is like.
#[derive(Clone)]
pub struct SpmcSetup {
    /// Whom it is like.
    pub character: Character,
    /// Its partitions.
    pub partitions: Vec<PartitionInfo>,
    /// How they take the news of VMs, until a message says otherwise.
    pub behaviour: Behaviour,
    /// Of how many VMs it can keep something at a time.
    pub vms: usize,
    /// How often its list changes while it is read by registers.
    pub changes: u32,
    /// Pages of each of the hypervisor's buffers.
    pub buffer_pages: u8,
    /// What becomes of its replies.
    pub tamper: Option<Tamper>,
}

/// An SPMC that can be called.
pub struct Spmc {
    setup: SpmcSetup,
    world: Physical,
    state: Mutex<State>,
    journal: Arc<Journal>,
}

struct State {
    model: Model<Vec<Partition>, Vec<Place>>,
    changes: u32,
    calls: Vec<Regs>,
}

/// A secure partition as most are: id 0x8001 + `index`, a UUID of its own.
#[must_use]
pub fn secure_partition(index: u16) -> PartitionInfo {
    let properties = PartitionProperties::RECEIVES_DIRECT_REQUESTS
        | PartitionProperties::AARCH64
        | PartitionProperties::RECEIVES_DIRECT_REQUESTS2;
    let [low, high] = index.to_le_bytes();
    let mut uuid = *b"secure partition";
    uuid[14..].copy_from_slice(&[low, high]);
    PartitionInfo::new(EndpointId(0x8001 + index), 4, properties, Uuid(uuid))
}

impl Default for SpmcSetup {
    /// As specified, 1.2, no partition.
    fn default() -> Self {
        SpmcSetup {
            character: Character::SPECIFIED,
            partitions: Vec::new(),
            behaviour: Behaviour::default(),
            vms: 64,
            changes: 0,
            buffer_pages: 1,
            tamper: None,
        }
    }
}

impl SpmcSetup {
    /// An SPMC with `count` partitions.
    #[must_use]
    pub fn with_partitions(count: u16) -> SpmcSetup {
        let partitions = (0..count).map(secure_partition).collect();
        SpmcSetup { partitions, ..SpmcSetup::default() }
    }

    /// The same, like somebody else.
    #[must_use]
    pub fn like(self, character: Character) -> SpmcSetup {
        SpmcSetup { character, ..self }
    }

    /// The same, of another version.
    #[must_use]
    pub fn speaking(self, version: Version) -> SpmcSetup {
        let character = Character { version, ..self.character };
        self.like(character)
    }

    /// The same, with another answer to `FFA_SPM_ID_GET`, or without the call.
    #[must_use]
    pub fn with_id(self, id: Option<EndpointId>) -> SpmcSetup {
        let character = Character { id, ..self.character };
        self.like(character)
    }

    /// The same, with records of `record_size` bytes in its list of partitions.
    #[must_use]
    pub fn with_records_of(self, record_size: u16) -> SpmcSetup {
        let character = Character { record_size, ..self.character };
        self.like(character)
    }

    /// The same, without `FFA_PARTITION_INFO_GET_REGS`.
    #[must_use]
    pub fn without_registers(self) -> SpmcSetup {
        let without = |calls: Calls| calls.without(&[FunctionId::PARTITION_INFO_GET_REGS]);
        let Character { calls, admitted, .. } = self.character;
        let (calls, admitted) = (without(calls), without(admitted));
        let character = Character { calls, admitted, ..self.character };
        self.like(character)
    }

    /// The same, which does not unmap the hypervisor's buffers.
    #[must_use]
    pub fn keeping_buffers(mut self) -> SpmcSetup {
        self.character.buffers.keeps_all = true;
        self
    }

    /// Whether it has `FFA_PARTITION_INFO_GET_REGS`.
    #[must_use]
    pub fn has_registers(&self) -> bool {
        self.character.calls.contains(FunctionId::PARTITION_INFO_GET_REGS)
    }
}

impl Spmc {
    pub(crate) fn new(setup: SpmcSetup, guests: Guests, journal: Arc<Journal>) -> Spmc {
        let ram = Ram::new(2 * usize::from(setup.buffer_pages));
        let partitions = setup.partitions.iter();
        let partitions = partitions.map(|info| Partition::new(*info, setup.behaviour)).collect();
        let model = Model::new(setup.character, partitions, vec![Place::VACANT; setup.vms]);
        let state = State { model, changes: setup.changes, calls: Vec::new() };
        Spmc { setup, world: Physical::new(ram, guests), state: Mutex::new(state), journal }
    }

    /// The calls that were made, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<Regs> {
        lock(&self.state).calls.clone()
    }

    /// Looks into the model.
    pub fn inspect<R>(&self, look: impl FnOnce(&Model<Vec<Partition>, Vec<Place>>) -> R) -> R {
        look(&lock(&self.state).model)
    }

    /// Whether the hypervisor's buffers are mapped.
    #[must_use]
    pub fn has_buffers(&self) -> bool {
        self.inspect(|model| model.vm(EndpointId::HYPERVISOR).is_some_and(has_mailbox))
    }

    /// The partitions at this moment.
    #[must_use]
    pub fn partitions(&self) -> Vec<PartitionInfo> {
        self.inspect(|model| model.partitions().iter().map(Partition::info).collect())
    }

    /// The memory of the hypervisor's buffers.
    #[must_use]
    pub fn ram(&self) -> &Ram {
        self.world.buffers()
    }

    /// The machine as it sees it: memory and interrupts.
    #[must_use]
    pub fn world(&self) -> &Physical {
        &self.world
    }

    pub(crate) fn buffers(&self, observers: &Observers) -> Option<SpmcBuffers<Pinned>> {
        let pages = usize::from(self.setup.buffer_pages);
        let ram = Arc::clone(self.world.buffers());
        let rx = Pinned::new(ram, pages..2 * pages, None, observers)?;
        let rx_address = BUFFERS + (pages * PAGE) as u64;
        Some(SpmcBuffers { tx_address: BUFFERS, rx_address, pages: self.setup.buffer_pages, rx })
    }

    pub(crate) fn call(&self, regs: &Regs) -> Regs {
        let mut state = lock(&self.state);
        state.calls.push(*regs);
        state.change_before(regs);
        let reply = state.model.call(&self.world, current::cpu(), regs);
        if state.refuses_change(regs, &reply) {
            self.journal.violation(format_args!("the SPMC is in use and was asked: {regs:?}"));
        }
        if let Err(what) = state.model.check() {
            self.journal.violation(format_args!("the SPMC after {regs:?}: {what}"));
        }
        self.setup.tamper.as_ref().map_or(reply, |tamper| tamper(regs, reply))
    }
}

fn has_mailbox(vm: &Place) -> bool {
    vm.mailbox().is_some()
}

impl State {
    /// The list becomes another one, with another tag, before a later part of it is read: every id
    /// moves, so that a mix shows.
    fn change_before(&mut self, regs: &Regs) {
        let call = Call::decode(regs, Version::V1_2);
        let is_later = matches!(call, Ok(Call::PartitionInfoGetRegs(call)) if call.start != 0);
        if !is_later || self.changes == 0 {
            return;
        }
        self.changes -= 1;
        self.model.change_list(|info| {
            let id = EndpointId(info.id().0.wrapping_add(0x100) | 0x8000);
            let (contexts, properties) = (info.execution_contexts(), info.properties());
            PartitionInfo::new(id, contexts, properties, info.uuid())
        });
    }

    /// Whether the version was to change after another call: a mediator that knows the specification
    /// does not try.
    fn refuses_change(&self, call: &Regs, reply: &Regs) -> bool {
        let own = self.model.character().version;
        let asked = Version::from_bits(call.w(1)).filter(|asked| asked.is_compatible_with(own));
        let is_version = call.w(0) == FunctionId::VERSION.bits();
        is_version && asked.is_some() && self.model.is_in_use() && reply.w(0) == u32::MAX
    }
}
