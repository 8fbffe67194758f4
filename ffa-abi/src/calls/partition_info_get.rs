//! `FFA_PARTITION_INFO_GET`.

use core::fmt;

use bitflags::bitflags;

use crate::call::{DecodeError, Request, call_regs, must_be_zero};
use crate::function::FunctionId;
use crate::regs::Regs;
use crate::reply::{CallError, Reply, Success, write_success};
use crate::uuid::Uuid;
use crate::version::Version;

bitflags! {
    /// w5 of the call (1.1; must be zero in 1.0).
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct PartitionInfoFlags: u32 {
        /// Only the count is wanted: the RX buffer is not used.
        const COUNT_ONLY = 1 << 0;
    }
}

/// `FFA_PARTITION_INFO_GET`: w1..w4 UUID, w5 flags.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PartitionInfoGet {
    /// Which partitions; [`Uuid::NIL`] for all.
    pub uuid: Uuid,
    /// Nothing else than what is defined: other bits are refused when decoding.
    pub flags: PartitionInfoFlags,
}

/// w2 the count, w3 the size of a descriptor in the RX buffer: from 1.1 on, and 0 when only counting.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PartitionInfoGetReply {
    /// How many partitions match.
    pub count: u32,
    /// Bytes from one descriptor to the next.
    pub descriptor_size: u32,
}

/// The size in bytes of the descriptors that a caller of `version` reads in its RX buffer.
#[must_use]
pub const fn partition_descriptor_size(version: Version) -> usize {
    if version.bits() < Version::V1_1.bits() { 8 } else { 24 }
}

impl PartitionInfoGet {
    /// Whether only the count is wanted.
    #[must_use]
    pub fn count_only(&self) -> bool {
        self.flags.contains(PartitionInfoFlags::COUNT_ONLY)
    }
}

impl PartitionInfoGetReply {
    /// What a count-only call answers.
    #[must_use]
    pub const fn counted(count: u32) -> Self {
        PartitionInfoGetReply { count, descriptor_size: 0 }
    }

    /// What a call that filled the RX buffer answers to a caller of `version`.
    #[must_use]
    pub const fn listed(count: u32, version: Version) -> Self {
        let descriptor_size = if version.bits() < Version::V1_1.bits() { 0 } else { 24 };
        PartitionInfoGetReply { count, descriptor_size }
    }
}

impl Request for PartitionInfoGet {
    type Reply = PartitionInfoGetReply;

    fn encode(&self) -> Regs {
        let flags = self.flags & PartitionInfoFlags::all();
        let [w1, w2, w3, w4] = self.uuid.words().map(u64::from);
        call_regs(FunctionId::PARTITION_INFO_GET, [w1, w2, w3, w4, flags.bits().into()])
    }

    #[inline(always)]
    fn decode(function: FunctionId, regs: &Regs, version: Version) -> Result<Self, DecodeError> {
        let flags = PartitionInfoFlags::from_bits_retain(regs.w(5));
        if version < Version::V1_1 {
            must_be_zero(function, "w5", flags.bits())?;
        }
        must_be_zero(function, "w5[31:1]", (flags - PartitionInfoFlags::all()).bits())?;
        let uuid = Uuid::from_words([regs.w(1), regs.w(2), regs.w(3), regs.w(4)]);
        Ok(PartitionInfoGet { uuid, flags })
    }
}

impl Reply for PartitionInfoGetReply {
    fn write(&self, regs: &mut Regs) {
        write_success(regs, self.count, self.descriptor_size);
    }

    fn read(regs: &Regs, _: Version) -> Result<Self, CallError> {
        let regs = Success::check(regs)?.regs();
        Ok(PartitionInfoGetReply { count: regs.w(2), descriptor_size: regs.w(3) })
    }
}

impl fmt::Display for PartitionInfoGet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.count_only() { "count" } else { "list" };
        write!(f, "FFA_PARTITION_INFO_GET {what} uuid={}", self.uuid)
    }
}

impl fmt::Display for PartitionInfoGetReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SUCCESS count={} size={}", self.count, self.descriptor_size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Call;

    #[test]
    fn recorded_calls_decode() {
        // Linux 6.12: w5=1 (count), then w5=0.
        let count = PartitionInfoGet { uuid: Uuid::NIL, flags: PartitionInfoFlags::COUNT_ONLY };
        let regs = call_regs(FunctionId::PARTITION_INFO_GET, [0, 0, 0, 0, 1]);
        assert_eq!(Call::decode(&regs, Version::V1_1), Ok(Call::PartitionInfoGet(count)));
        assert_eq!(count.encode(), regs);
    }

    #[test]
    fn uuid_registers_are_those_of_the_linux_driver() {
        let uuid = "11111111-2222-3333-4444-555555555555".parse().unwrap();
        let call = PartitionInfoGet { uuid, flags: PartitionInfoFlags::empty() };
        assert_eq!(
            call.encode().0[..6],
            [0x8400_0068, 0x1111_1111, 0x3333_2222, 0x5555_4444, 0x5555_5555, 0]
        );
        assert_eq!(Call::decode(&call.encode(), Version::V1_0), Ok(Call::PartitionInfoGet(call)));
    }

    #[test]
    fn flags_are_checked_by_version() {
        let function = FunctionId::PARTITION_INFO_GET;
        let count = call_regs(function, [0, 0, 0, 0, 1]);
        let reserved = DecodeError::Reserved { function, field: "w5" };
        assert_eq!(Call::decode(&count, Version::V1_0), Err(reserved));
        let other = call_regs(function, [0, 0, 0, 0, 3]);
        let reserved = DecodeError::Reserved { function, field: "w5[31:1]" };
        assert_eq!(Call::decode(&other, Version::V1_2), Err(reserved));
    }

    #[test]
    fn the_size_is_told_from_1_1_on_and_not_when_counting() {
        let size = |reply: PartitionInfoGetReply| reply.descriptor_size;
        assert_eq!(size(PartitionInfoGetReply::listed(3, Version::V1_0)), 0);
        assert_eq!(size(PartitionInfoGetReply::listed(3, Version::V1_1)), 24);
        assert_eq!(size(PartitionInfoGetReply::counted(3)), 0);
    }
}
