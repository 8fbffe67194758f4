//! The model SPMC: the secure side of discovery, honest or not.

use std::sync::{Arc, Mutex};

use ffa_abi::{
    Call, Empty, EndpointId, EndpointIdReply, FeatureQuery, FeaturesReply, FunctionId, GetVersion,
    PartitionInfo, PartitionInfoGet, PartitionInfoGetRegs, PartitionInfoGetRegsReply,
    PartitionInfoGetReply, PartitionProperties, Regs, Reply, Status, Uuid, Version, VersionReply,
    write_error,
};
use ffa_core::SpmcBuffers;

use crate::buffer::{Observers, Pinned};
use crate::current;
use crate::journal::{Journal, lock};
use crate::memory::{PAGE, Ram};

/// Where the hypervisor's buffers towards the SPMC are.
const BUFFERS: u64 = 0x8_0000;

/// Changes a reply on its way back: what an SPMC that lies would answer to the call.
pub type Tamper = Arc<dyn Fn(&Regs, Regs) -> Regs + Send + Sync>;

/// What an SPMC is like.
#[derive(Clone)]
pub struct SpmcSetup {
    /// The version it speaks.
    pub version: Version,
    /// What it answers to `FFA_SPM_ID_GET`, where it has the call.
    pub id: Option<EndpointId>,
    /// Its partitions.
    pub partitions: Vec<PartitionInfo>,
    /// Whether it has `FFA_PARTITION_INFO_GET_REGS`.
    pub has_registers: bool,
    /// Bytes from one record to the next in `FFA_PARTITION_INFO_GET`: 24, or more.
    pub record_size: usize,
    /// How often its list changes while it is read by registers.
    pub changes: u32,
    /// Whether it refuses to unmap the hypervisor's buffers.
    pub keeps_buffers: bool,
    /// Pages of each of the hypervisor's buffers.
    pub buffer_pages: u8,
    /// What becomes of its replies.
    pub tamper: Option<Tamper>,
}

/// An SPMC that can be called.
pub struct Spmc {
    setup: SpmcSetup,
    /// TX, then RX.
    ram: Arc<Ram>,
    state: Mutex<State>,
    journal: Arc<Journal>,
}

struct State {
    /// Fixed by the first call that is not `FFA_VERSION`.
    version: Version,
    in_use: bool,
    mapped: bool,
    rx_full: bool,
    tag: u16,
    changes: u32,
    partitions: Vec<PartitionInfo>,
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
    /// 1.2, by registers, no partition.
    fn default() -> Self {
        SpmcSetup {
            version: Version::V1_2,
            id: Some(EndpointId(0x8000)),
            partitions: Vec::new(),
            has_registers: true,
            record_size: 24,
            changes: 0,
            keeps_buffers: false,
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

    /// The same, without `FFA_PARTITION_INFO_GET_REGS`.
    #[must_use]
    pub fn without_registers(self) -> SpmcSetup {
        SpmcSetup { has_registers: false, ..self }
    }
}

impl Spmc {
    pub(crate) fn new(setup: SpmcSetup, journal: Arc<Journal>) -> Spmc {
        let state = State {
            version: setup.version,
            in_use: false,
            mapped: false,
            rx_full: false,
            tag: 0x5a,
            changes: setup.changes,
            partitions: setup.partitions.clone(),
            calls: Vec::new(),
        };
        let ram = Ram::new(2 * usize::from(setup.buffer_pages));
        Spmc { setup, ram, state: Mutex::new(state), journal }
    }

    /// The calls that were made, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<Regs> {
        lock(&self.state).calls.clone()
    }

    /// Whether the hypervisor's buffers are mapped.
    #[must_use]
    pub fn has_buffers(&self) -> bool {
        lock(&self.state).mapped
    }

    /// The partitions at this moment.
    #[must_use]
    pub fn partitions(&self) -> Vec<PartitionInfo> {
        lock(&self.state).partitions.clone()
    }

    /// The memory of the hypervisor's buffers.
    #[must_use]
    pub fn ram(&self) -> &Ram {
        &self.ram
    }

    pub(crate) fn buffers(&self, observers: &Observers) -> Option<SpmcBuffers<Pinned>> {
        let pages = usize::from(self.setup.buffer_pages);
        let rx = Pinned::new(Arc::clone(&self.ram), pages..2 * pages, None, observers)?;
        let rx_address = BUFFERS + (pages * PAGE) as u64;
        Some(SpmcBuffers { tx_address: BUFFERS, rx_address, pages: self.setup.buffer_pages, rx })
    }

    pub(crate) fn call(&self, regs: &Regs) -> Regs {
        let mut state = lock(&self.state);
        state.calls.push(*regs);
        let reply = self.answer(&mut state, regs);
        self.setup.tamper.as_ref().map_or(reply, |tamper| tamper(regs, reply))
    }

    fn answer(&self, state: &mut State, regs: &Regs) -> Regs {
        let mut reply = *regs;
        match self.serve(state, regs, &mut reply) {
            Ok(()) => {}
            Err(status) => write_error(&mut reply, status),
        }
        reply
    }

    fn serve(&self, state: &mut State, regs: &Regs, reply: &mut Regs) -> Result<(), Status> {
        let call = Call::decode(regs, state.version).map_err(|_| Status::NOT_SUPPORTED)?;
        state.in_use |= !matches!(call, Call::Version(_));
        match call {
            Call::Version(call) => self.version(state, call).write(reply),
            Call::Features(call) => self.features(call.query)?.write(reply),
            Call::SpmIdGet(_) => {
                let id = self.setup.id.ok_or(Status::NOT_SUPPORTED)?;
                EndpointIdReply { id }.write(reply);
            }
            Call::RxtxMap(call) => {
                self.map(state, call.tx(), call.rx(), call.pages())?.write(reply);
            }
            Call::RxtxUnmap(_) => self.unmap(state)?.write(reply),
            Call::RxRelease(_) => state.release()?.write(reply),
            Call::PartitionInfoGet(call) => self.list(state, call)?.write(reply),
            Call::PartitionInfoGetRegs(call) => self.registers(state, call)?.write(reply),
            _ => return Err(Status::NOT_SUPPORTED),
        }
        Ok(())
    }

    /// Like Hafnium's: another version after use is refused.
    fn version(&self, state: &mut State, call: GetVersion) -> VersionReply {
        let asked = call.version().filter(|asked| asked.is_compatible_with(self.setup.version));
        let Some(asked) = asked else { return VersionReply::NotSupported };
        let lower = asked.min(self.setup.version);
        if state.in_use && lower != state.version {
            self.journal.violation(format_args!("the SPMC is in use and asked for {asked}"));
            return VersionReply::NotSupported;
        }
        state.version = lower;
        VersionReply::Supported(self.setup.version)
    }

    fn features(&self, query: FeatureQuery) -> Result<FeaturesReply, Status> {
        let FeatureQuery::Function(function) = query else { return Err(Status::NOT_SUPPORTED) };
        let has = match function {
            FunctionId::PARTITION_INFO_GET_REGS => self.setup.has_registers,
            FunctionId::RXTX_MAP_64 | FunctionId::PARTITION_INFO_GET => true,
            _ => false,
        };
        if has { Ok(FeaturesReply::default()) } else { Err(Status::NOT_SUPPORTED) }
    }

    fn map(&self, state: &mut State, tx: u64, rx: u64, pages: u8) -> Result<Empty, Status> {
        let wanted = self.setup.buffer_pages;
        let expected = (BUFFERS, BUFFERS + u64::from(wanted) * PAGE as u64, wanted);
        if (tx, rx, pages) != expected {
            return Err(Status::INVALID_PARAMETERS);
        }
        if std::mem::replace(&mut state.mapped, true) { Err(Status::DENIED) } else { Ok(Empty) }
    }

    fn unmap(&self, state: &mut State) -> Result<Empty, Status> {
        if self.setup.keeps_buffers || state.rx_full {
            return Err(Status::DENIED);
        }
        let mapped = std::mem::replace(&mut state.mapped, false);
        if mapped { Ok(Empty) } else { Err(Status::INVALID_PARAMETERS) }
    }

    fn list(
        &self,
        state: &mut State,
        call: PartitionInfoGet,
    ) -> Result<PartitionInfoGetReply, Status> {
        let found = state.matching(call.uuid);
        let count = u32::try_from(found.len()).map_err(|_| Status::NO_MEMORY)?;
        if call.count_only() {
            return Ok(PartitionInfoGetReply::counted(count));
        }
        if !state.mapped || state.rx_full {
            return Err(if state.mapped { Status::BUSY } else { Status::DENIED });
        }
        let (size, pages) = (self.setup.record_size, usize::from(self.setup.buffer_pages));
        if found.len() * size > pages * PAGE {
            return Err(Status::NO_MEMORY);
        }
        current::begin_fetch();
        for (index, info) in found.iter().enumerate() {
            self.ram.write(pages * PAGE + index * size, &bytes(info));
        }
        state.rx_full = true;
        let descriptor_size = u32::try_from(size).map_err(|_| Status::ABORTED)?;
        Ok(PartitionInfoGetReply { count, descriptor_size })
    }

    fn registers(
        &self,
        state: &mut State,
        call: PartitionInfoGetRegs,
    ) -> Result<PartitionInfoGetRegsReply, Status> {
        if !self.setup.has_registers {
            return Err(Status::NOT_SUPPORTED);
        }
        if call.start != 0 {
            state.change();
            if call.tag != state.tag {
                return Err(Status::RETRY);
            }
        }
        let found = state.matching(call.uuid);
        let rest = found.iter().copied().skip(call.start.into());
        let reply = PartitionInfoGetRegsReply::new(call.start, found.len(), state.tag, rest);
        reply.ok_or(Status::INVALID_PARAMETERS)
    }
}

impl State {
    fn release(&mut self) -> Result<Empty, Status> {
        let full = std::mem::replace(&mut self.rx_full, false);
        if full { Ok(Empty) } else { Err(Status::DENIED) }
    }

    fn matching(&self, uuid: Uuid) -> Vec<PartitionInfo> {
        let all = self.partitions.iter();
        all.filter(|info| uuid.is_nil() || info.uuid() == uuid).copied().collect()
    }

    /// The list becomes another one, with another tag: every id moves, so that a mix shows.
    fn change(&mut self) {
        if self.changes == 0 {
            return;
        }
        self.changes -= 1;
        self.tag = self.tag.wrapping_add(1);
        for info in &mut self.partitions {
            let id = EndpointId(info.id().0.wrapping_add(0x100) | 0x8000);
            let (contexts, properties) = (info.execution_contexts(), info.properties());
            *info = PartitionInfo::new(id, contexts, properties, info.uuid());
        }
    }
}

/// The 24 bytes of a descriptor.
fn bytes(info: &PartitionInfo) -> Vec<u8> {
    info.to_registers().into_iter().flat_map(u64::to_le_bytes).collect()
}
