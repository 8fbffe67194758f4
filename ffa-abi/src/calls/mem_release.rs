//! `FFA_MEM_RELINQUISH` and `FFA_MEM_RECLAIM`: the way back of memory that was lent or shared.

use core::fmt;

use bitflags::bitflags;

use super::mem_reply::MemReleaseReply;
use crate::call::{DecodeError, Request, call_regs, must_be_zero};
use crate::function::FunctionId;
use crate::memory::handle::MemoryHandle;
use crate::regs::Regs;
use crate::version::Version;

bitflags! {
    /// w3 of `FFA_MEM_RECLAIM`. Bits that are not defined are refused when decoding and not written
    /// when encoding.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct MemReclaimFlags: u32 {
        /// The memory is to be zeroed before its owner gets it back.
        const ZERO_MEMORY = 1 << 0;
        /// The callee may pause ([`MemOpPause`](crate::MemOpPause)).
        const TIME_SLICE = 1 << 1;
    }
}

/// `FFA_MEM_RELINQUISH`: a borrower gives memory back; the relinquish descriptor lies in its TX
/// buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemRelinquish;

/// `FFA_MEM_RECLAIM`: w1, w2 the region, w3 flags. Its owner takes it back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemReclaim {
    /// w1, w2: the region.
    pub handle: MemoryHandle,
    /// w3: how.
    pub flags: MemReclaimFlags,
}

impl Request for MemRelinquish {
    type Reply = MemReleaseReply;

    fn encode(&self) -> Regs {
        call_regs(FunctionId::MEM_RELINQUISH, [])
    }

    #[inline(always)]
    fn decode(_: FunctionId, _: &Regs, _: Version) -> Result<Self, DecodeError> {
        Ok(MemRelinquish)
    }
}

impl Request for MemReclaim {
    type Reply = MemReleaseReply;

    fn encode(&self) -> Regs {
        let (low, high) = self.handle.words();
        let flags = self.flags & MemReclaimFlags::all();
        call_regs(FunctionId::MEM_RECLAIM, [low, high, flags.bits()].map(u64::from))
    }

    #[inline(always)]
    fn decode(function: FunctionId, regs: &Regs, _: Version) -> Result<Self, DecodeError> {
        let flags = MemReclaimFlags::from_bits_retain(regs.w(3));
        must_be_zero(function, "w3[31:2]", (flags - MemReclaimFlags::all()).bits())?;
        Ok(MemReclaim { handle: MemoryHandle::from_words(regs.w(1), regs.w(2)), flags })
    }
}

impl fmt::Display for MemRelinquish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FFA_MEM_RELINQUISH")
    }
}

impl fmt::Display for MemReclaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FFA_MEM_RECLAIM handle={}", self.handle)?;
        if self.flags.contains(MemReclaimFlags::ZERO_MEMORY) {
            f.write_str(" zero")?;
        }
        if self.flags.contains(MemReclaimFlags::TIME_SLICE) {
            f.write_str(" time-slice")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::call::Call;
    use std::string::ToString;

    const HANDLE: MemoryHandle = MemoryHandle(0x8000_0000_0000_0001);

    #[test]
    fn relinquish_is_its_id_alone() {
        assert_eq!(MemRelinquish.encode().0[..2], [0x8400_0076, 0]);
        let regs = call_regs(FunctionId::MEM_RELINQUISH, [u64::MAX; 7]);
        let call = Call::MemRelinquish(MemRelinquish);
        assert_eq!(Call::decode(&regs, Version::V1_0), Ok(call));
        assert_eq!(call.to_string(), "FFA_MEM_RELINQUISH");
    }

    #[test]
    fn reclaim_carries_a_handle_and_flags() {
        let cases = [
            (0, MemReclaimFlags::empty(), ""),
            (1, MemReclaimFlags::ZERO_MEMORY, " zero"),
            (2, MemReclaimFlags::TIME_SLICE, " time-slice"),
            (3, MemReclaimFlags::all(), " zero time-slice"),
        ];
        for (w3, flags, text) in cases {
            let upper = 0xdead_beef << 32;
            let regs = call_regs(FunctionId::MEM_RECLAIM, [upper | 1, 0x8000_0000, upper | w3]);
            let call = MemReclaim { handle: HANDLE, flags };
            assert_eq!(Call::decode(&regs, Version::V1_0), Ok(Call::MemReclaim(call)));
            assert_eq!(call.encode().0[..5], [0x8400_0077, 1, 0x8000_0000, w3, 0]);
            let text = ["FFA_MEM_RECLAIM handle=0x8000000000000001", text].concat();
            assert_eq!(call.to_string(), text);
        }
    }

    #[test]
    fn reserved_bits_are_refused_and_not_written() {
        let function = FunctionId::MEM_RECLAIM;
        for bit in 2..32 {
            let regs = call_regs(function, [1, 0, 1 << bit]);
            let reserved = DecodeError::Reserved { function, field: "w3[31:2]" };
            assert_eq!(Call::decode(&regs, Version::V1_0), Err(reserved));
            let flags = MemReclaimFlags::from_bits_retain(1 << bit);
            assert_eq!(MemReclaim { handle: HANDLE, flags }.encode().x(3), 0);
        }
    }
}
