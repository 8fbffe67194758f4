//! `FFA_SECONDARY_EP_REGISTER` (1.1).
//!
//! ```text
//! w1 or x1 address
//! ```

use core::fmt;

use crate::call::{DecodeError, Request, call_regs};
use crate::form::{Argument, by_width};
use crate::function::FunctionId;
use crate::regs::Regs;
use crate::reply::Empty;
use crate::version::Version;

/// `FFA_SECONDARY_EP_REGISTER`: where the caller's execution contexts other than the first begin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SecondaryEntryPointRegister {
    /// w1 or x1: an address as the caller sees it; its width is that of the call.
    pub address: Argument,
}

impl SecondaryEntryPointRegister {
    const fn function(self) -> FunctionId {
        let (narrow, wide) =
            (FunctionId::SECONDARY_EP_REGISTER_32, FunctionId::SECONDARY_EP_REGISTER_64);
        by_width(self.address.width(), narrow, wide)
    }
}

impl Request for SecondaryEntryPointRegister {
    type Reply = Empty;

    fn encode(&self) -> Regs {
        call_regs(self.function(), [self.address.value()])
    }

    #[inline(always)]
    fn decode(function: FunctionId, regs: &Regs, _: Version) -> Result<Self, DecodeError> {
        let address = Argument::read(function.width(), regs, 1);
        Ok(SecondaryEntryPointRegister { address })
    }
}

impl fmt::Display for SecondaryEntryPointRegister {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} address={}", self.function(), self.address)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::ToString;

    use super::*;
    use crate::call::Call;

    #[test]
    fn an_address_is_as_wide_as_its_call() {
        for (id, address) in [
            (0x8400_0087, Argument::Bits32(0x4000_0000)),
            (0xc400_0087, Argument::Bits64(0xf_4000_0000)),
        ] {
            let mut regs = Regs::ZERO;
            regs.0[..2].copy_from_slice(&[id, 0xf_4000_0000]);
            let call = SecondaryEntryPointRegister { address };
            let expected = Ok(Call::SecondaryEntryPointRegister(call));
            assert_eq!(Call::decode(&regs, Version::V1_1), expected);
            assert_eq!(call.encode().0[..3], [id, address.value(), 0]);
        }
        let address = Argument::Bits64(0x4000_0000);
        let text = SecondaryEntryPointRegister { address }.to_string();
        assert_eq!(text, "FFA_SECONDARY_EP_REGISTER_64 address=0x40000000");
    }
}
