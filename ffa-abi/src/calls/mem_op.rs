//! `FFA_MEM_OP_PAUSE` and `FFA_MEM_OP_RESUME`: memory management in slices of time.

use core::fmt;

use super::mem_reply::MemOpResumeReply;
use crate::call::{DecodeError, Request, call_regs};
use crate::function::FunctionId;
use crate::memory::handle::MemoryHandle;
use crate::regs::Regs;
use crate::version::Version;

/// `FFA_MEM_OP_PAUSE`: w1, w2 the transaction. It completes a call for now whose caller allowed time
/// slicing, and which [`MemOpResume`] continues.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemOpPause {
    /// The transaction.
    pub handle: MemoryHandle,
}

/// `FFA_MEM_OP_RESUME`: w1, w2 the transaction, which was paused. What completes it is what could
/// have completed the call that was paused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemOpResume {
    /// The transaction.
    pub handle: MemoryHandle,
}

impl MemOpPause {
    pub(super) fn from_regs(regs: &Regs) -> Self {
        MemOpPause { handle: MemoryHandle::from_words(regs.w(1), regs.w(2)) }
    }
}

impl MemOpResume {
    pub(super) fn from_regs(regs: &Regs) -> Self {
        MemOpResume { handle: MemoryHandle::from_words(regs.w(1), regs.w(2)) }
    }
}

impl Request for MemOpPause {
    type Reply = MemOpResume;

    fn encode(&self) -> Regs {
        let (low, high) = self.handle.words();
        call_regs(FunctionId::MEM_OP_PAUSE, [low.into(), high.into()])
    }

    #[inline(always)]
    fn decode(_: FunctionId, regs: &Regs, _: Version) -> Result<Self, DecodeError> {
        Ok(MemOpPause::from_regs(regs))
    }
}

impl Request for MemOpResume {
    type Reply = MemOpResumeReply;

    fn encode(&self) -> Regs {
        let (low, high) = self.handle.words();
        call_regs(FunctionId::MEM_OP_RESUME, [low.into(), high.into()])
    }

    #[inline(always)]
    fn decode(_: FunctionId, regs: &Regs, _: Version) -> Result<Self, DecodeError> {
        Ok(MemOpResume::from_regs(regs))
    }
}

impl fmt::Display for MemOpPause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FFA_MEM_OP_PAUSE handle={}", self.handle)
    }
}

impl fmt::Display for MemOpResume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FFA_MEM_OP_RESUME handle={}", self.handle)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::call::Call;
    use std::string::ToString;

    const HANDLE: MemoryHandle = MemoryHandle(0x0000_0001_0000_0002);

    #[test]
    fn both_carry_a_handle_and_ignore_upper_halves() {
        let arguments = [0xdead_beef_0000_0002, 0xdead_beef_0000_0001];
        let pause = MemOpPause { handle: HANDLE };
        let regs = call_regs(FunctionId::MEM_OP_PAUSE, arguments);
        assert_eq!(Call::decode(&regs, Version::V1_0), Ok(Call::MemOpPause(pause)));
        assert_eq!(pause.encode().0[..4], [0x8400_0078, 2, 1, 0]);
        assert_eq!(pause.to_string(), "FFA_MEM_OP_PAUSE handle=0x0000000100000002");

        let resume = MemOpResume { handle: HANDLE };
        let regs = call_regs(FunctionId::MEM_OP_RESUME, arguments);
        assert_eq!(Call::decode(&regs, Version::V1_0), Ok(Call::MemOpResume(resume)));
        assert_eq!(resume.encode().0[..4], [0x8400_0079, 2, 1, 0]);
        assert_eq!(resume.to_string(), "FFA_MEM_OP_RESUME handle=0x0000000100000002");
    }
}
