//! `FFA_EL3_INTR_HANDLE` (1.2).

use core::fmt;

use crate::call::{DecodeError, Request, call_regs};
use crate::function::FunctionId;
use crate::regs::Regs;
use crate::reply::Empty;
use crate::version::Version;

/// `FFA_EL3_INTR_HANDLE`: the SPMC hands the pending EL3 interrupt to the SPMD, which answers when it
/// is handled. Without arguments and results; from the SPMC only.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct El3InterruptHandle;

impl Request for El3InterruptHandle {
    type Reply = Empty;

    fn encode(&self) -> Regs {
        call_regs(FunctionId::EL3_INTR_HANDLE, [])
    }

    #[inline(always)]
    fn decode(_: FunctionId, _: &Regs, _: Version) -> Result<Self, DecodeError> {
        Ok(El3InterruptHandle)
    }
}

impl fmt::Display for El3InterruptHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FFA_EL3_INTR_HANDLE")
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::ToString;

    use super::*;
    use crate::call::Call;
    use crate::reply::Reply;

    #[test]
    fn it_has_no_arguments_and_no_results() {
        let mut regs = Regs::ZERO;
        regs.set(0, 0x8400_008c_u64);
        assert_eq!(El3InterruptHandle.encode(), regs);
        let decoded = Call::decode(&regs, Version::V1_2);
        assert_eq!(decoded, Ok(Call::El3InterruptHandle(El3InterruptHandle)));
        Empty.write(&mut regs);
        assert_eq!(El3InterruptHandle.reply(&regs, Version::V1_2), Ok(Empty));
        assert_eq!(El3InterruptHandle.to_string(), "FFA_EL3_INTR_HANDLE");
    }
}
