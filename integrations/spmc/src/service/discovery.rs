//! `FFA_PARTITION_INFO_GET` and `FFA_PARTITION_INFO_GET_REGS`.

use ffa_abi::{
    FunctionId, PartitionInfo, PartitionInfoGet, PartitionInfoGetRegs, PartitionInfoGetReply, Regs,
    Status, Uuid, Version,
};

use super::Service;
use crate::mailbox::RxOwner;

/// Bytes of a record for callers of 1.0.
const OLD_RECORD: u16 = 8;

/// The first register of a list in registers.
const FIRST_REGISTER: usize = 3;

impl Service<'_> {
    pub(super) fn list(&mut self, call: PartitionInfoGet) -> Result<PartitionInfoGetReply, Status> {
        let count = self.matching(call.uuid).count();
        if count == 0 && !call.uuid.is_nil() {
            return Err(Status::INVALID_PARAMETERS);
        }
        let counted = u32::try_from(count).map_err(|_| Status::NO_MEMORY)?;
        if call.count_only() {
            return Ok(PartitionInfoGetReply::counted(counted));
        }
        self.write_list(call.uuid, count)?;
        let is_old = self.version() < Version::V1_1;
        let descriptor_size = if is_old { 0 } else { self.character.record_size.into() };
        Ok(PartitionInfoGetReply { count: counted, descriptor_size })
    }

    fn write_list(&mut self, uuid: Uuid, count: usize) -> Result<(), Status> {
        let size = if self.version() < Version::V1_1 { OLD_RECORD } else { self.record_size() };
        let rx = self.state.hypervisor.free_mailbox()?.rx;
        if (count as u64).saturating_mul(size.into()) > rx.size() {
            return Err(Status::NO_MEMORY);
        }
        let mut offset = 0;
        for info in self.matching(uuid) {
            let registers = info.to_registers().map(u64::to_le_bytes);
            let bytes = registers.as_flattened();
            let known = bytes.get(..usize::from(size)).unwrap_or(bytes);
            rx.write(self.world, offset, known).map_err(|_| Status::ABORTED)?;
            let more = (known.len() as u64..size.into()).step_by(8);
            for at in more {
                rx.write(self.world, offset + at, &[0; 8]).map_err(|_| Status::ABORTED)?;
            }
            offset += u64::from(size);
        }
        self.state.hypervisor.free_mailbox()?.rx_owner = RxOwner::Endpoint;
        Ok(())
    }

    pub(super) fn list_in_registers(
        &self,
        call: PartitionInfoGetRegs,
        reply: &mut Regs,
    ) -> Result<(), Status> {
        let expected = if call.start == 0 { 0 } else { self.state.tag };
        if call.tag != expected {
            return Err(Status::RETRY);
        }
        let last = self.matching(call.uuid).count().checked_sub(1);
        let last = last.and_then(|last| u16::try_from(last).ok());
        let last = last.filter(|last| call.start <= *last).ok_or(Status::INVALID_PARAMETERS)?;
        let step = usize::from(self.record_size() / 8);
        let per_reply = (Regs::COUNT - FIRST_REGISTER) / step;
        let slots = (FIRST_REGISTER..).step_by(step).take(per_reply);

        let mut current = u64::from(call.start);
        *reply = Regs::ZERO;
        let rest = self.matching(call.uuid).skip(call.start.into());
        for (index, (slot, info)) in slots.zip(rest).enumerate() {
            for (offset, register) in info.to_registers().into_iter().enumerate() {
                reply.set(slot + offset, register);
            }
            current = u64::from(call.start) + index as u64;
        }
        reply.set(0, FunctionId::SUCCESS_64.bits());
        let tag = u64::from(self.state.tag) << 32 | u64::from(self.record_size()) << 48;
        reply.set(2, tag | current << 16 | u64::from(last));
        Ok(())
    }

    /// Bytes of a record: one at least is in a reply by registers.
    fn record_size(&self) -> u16 {
        self.character.record_size.clamp(24, 120)
    }

    /// The partitions that a query for `uuid` finds, as the hypervisor's version shows them.
    fn matching(&self, uuid: Uuid) -> impl Iterator<Item = PartitionInfo> + '_ {
        let version = self.version();
        let infos = self.partitions.iter().map(|partition| partition.info);
        let found = infos.filter(move |info| uuid.is_nil() || info.uuid() == uuid);
        found.map(move |info| info.seen_by(version, uuid))
    }
}
