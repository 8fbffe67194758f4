//! `FFA_MEM_RETRIEVE_RESP`: what completes `FFA_MEM_RETRIEVE_REQ`.

use core::fmt;

use super::mem_frag::MemFragRx;
use crate::call::{DecodeError, Request, call_regs};
use crate::function::FunctionId;
use crate::regs::Regs;
use crate::version::Version;

/// `FFA_MEM_RETRIEVE_RESP`: w1 bytes of the whole descriptor, w2 bytes of its first fragment, which
/// lies in the RX buffer of the receiver.
///
/// It asks for the rest with [`MemFragRx`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemRetrieveResp {
    /// w1: bytes of the whole descriptor.
    pub total_length: u32,
    /// w2: bytes in the RX buffer.
    pub fragment_length: u32,
}

impl MemRetrieveResp {
    pub(super) fn from_regs(regs: &Regs) -> Self {
        MemRetrieveResp { total_length: regs.w(1), fragment_length: regs.w(2) }
    }
}

impl Request for MemRetrieveResp {
    type Reply = MemFragRx;

    fn encode(&self) -> Regs {
        let arguments = [self.total_length.into(), self.fragment_length.into()];
        call_regs(FunctionId::MEM_RETRIEVE_RESP, arguments)
    }

    #[inline(always)]
    fn decode(_: FunctionId, regs: &Regs, _: Version) -> Result<Self, DecodeError> {
        Ok(MemRetrieveResp::from_regs(regs))
    }
}

impl fmt::Display for MemRetrieveResp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MemRetrieveResp { total_length, fragment_length } = self;
        write!(f, "FFA_MEM_RETRIEVE_RESP total={total_length} fragment={fragment_length}")
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::call::Call;
    use std::string::ToString;

    #[test]
    fn both_lengths_are_words() {
        let upper = 0xdead_beef << 32;
        let regs = call_regs(FunctionId::MEM_RETRIEVE_RESP, [upper | 0x1050, upper | 0x1000]);
        let call = MemRetrieveResp { total_length: 0x1050, fragment_length: 0x1000 };
        assert_eq!(Call::decode(&regs, Version::V1_0), Ok(Call::MemRetrieveResp(call)));
        assert_eq!(call.encode().0[..4], [0x8400_0075, 0x1050, 0x1000, 0]);
        assert_eq!(call.to_string(), "FFA_MEM_RETRIEVE_RESP total=4176 fragment=4096");
    }
}
