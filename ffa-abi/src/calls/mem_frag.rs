//! `FFA_MEM_FRAG_RX` and `FFA_MEM_FRAG_TX`: descriptors longer than a buffer.
//!
//! Who sends a descriptor hands over the first fragment in the call that begins the transaction. The
//! other side asks for each further one with `FFA_MEM_FRAG_RX` and gets it with `FFA_MEM_FRAG_TX`;
//! so each of the two is a call or what completes the other, depending on who calls whom.
//!
//! ```text
//! w1, w2  handle   w3  FRAG_RX: offset   FRAG_TX: length
//! w4  [31:16] endpoint, at the physical instance
//! ```

use core::fmt;

use super::mem_reply::MemFragTxReply;
use crate::call::{DecodeError, Request, call_regs};
use crate::function::FunctionId;
use crate::id::EndpointId;
use crate::memory::handle::MemoryHandle;
use crate::regs::Regs;
use crate::target::halves;
use crate::version::Version;

/// `FFA_MEM_FRAG_RX`: asks for the fragment at `offset`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemFragRx {
    /// w1, w2: the transaction.
    pub handle: MemoryHandle,
    /// w3: where the fragment begins in the descriptor, in bytes.
    pub offset: u32,
    /// w4\[31:16\]: the endpoint that sent the memory, at the physical instance; otherwise 0, which
    /// is for the callee to check.
    pub endpoint: EndpointId,
}

/// `FFA_MEM_FRAG_TX`: the next fragment lies in the buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemFragTx {
    /// w1, w2: the transaction.
    pub handle: MemoryHandle,
    /// w3: bytes of the fragment.
    pub length: u32,
    /// w4\[31:16\]: the endpoint that sent the memory, at the physical instance; otherwise 0, which
    /// is for the callee to check.
    pub endpoint: EndpointId,
}

impl MemFragRx {
    pub(super) fn from_regs(regs: &Regs) -> Self {
        let (handle, offset, endpoint) = fields(regs);
        MemFragRx { handle, offset, endpoint }
    }
}

impl MemFragTx {
    pub(super) fn from_regs(regs: &Regs) -> Self {
        let (handle, length, endpoint) = fields(regs);
        MemFragTx { handle, length, endpoint }
    }
}

impl Request for MemFragRx {
    type Reply = MemFragTx;

    fn encode(&self) -> Regs {
        registers(FunctionId::MEM_FRAG_RX, self.handle, self.offset, self.endpoint)
    }

    #[inline(always)]
    fn decode(_: FunctionId, regs: &Regs, _: Version) -> Result<Self, DecodeError> {
        Ok(MemFragRx::from_regs(regs))
    }
}

impl Request for MemFragTx {
    type Reply = MemFragTxReply;

    fn encode(&self) -> Regs {
        registers(FunctionId::MEM_FRAG_TX, self.handle, self.length, self.endpoint)
    }

    #[inline(always)]
    fn decode(_: FunctionId, regs: &Regs, _: Version) -> Result<Self, DecodeError> {
        Ok(MemFragTx::from_regs(regs))
    }
}

fn fields(regs: &Regs) -> (MemoryHandle, u32, EndpointId) {
    let handle = MemoryHandle::from_words(regs.w(1), regs.w(2));
    (handle, regs.w(3), EndpointId(regs.upper_half(4)))
}

fn registers(function: FunctionId, handle: MemoryHandle, w3: u32, endpoint: EndpointId) -> Regs {
    let (low, high) = handle.words();
    call_regs(function, [low, high, w3, halves(endpoint.0, 0)].map(u64::from))
}

impl fmt::Display for MemFragRx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MemFragRx { handle, offset, endpoint } = self;
        write!(f, "FFA_MEM_FRAG_RX handle={handle} offset={offset}")?;
        endpoint.show_named(f, "id")
    }
}

impl fmt::Display for MemFragTx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MemFragTx { handle, length, endpoint } = self;
        write!(f, "FFA_MEM_FRAG_TX handle={handle} length={length}")?;
        endpoint.show_named(f, "id")
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::call::Call;
    use std::string::ToString;

    const HANDLE: MemoryHandle = MemoryHandle(0x8000_0000_0000_0005);

    #[test]
    fn the_offset_follows_the_handle() {
        let registers = [5, 0x8000_0000, 0x1000, 0x0001_0000];
        let regs = call_regs(FunctionId::MEM_FRAG_RX, registers);
        let call = MemFragRx { handle: HANDLE, offset: 0x1000, endpoint: EndpointId(1) };
        assert_eq!(Call::decode(&regs, Version::V1_0), Ok(Call::MemFragRx(call)));
        assert_eq!(call.encode().0[..5], [0x8400_007a, 5, 0x8000_0000, 0x1000, 0x0001_0000]);
        let text = "FFA_MEM_FRAG_RX handle=0x8000000000000005 offset=4096 id=0x0001";
        assert_eq!(call.to_string(), text);
    }

    #[test]
    fn the_length_follows_the_handle() {
        let regs = call_regs(FunctionId::MEM_FRAG_TX, [5, 0x8000_0000, 0x50, 0]);
        let call = MemFragTx { handle: HANDLE, length: 0x50, endpoint: EndpointId(0) };
        assert_eq!(Call::decode(&regs, Version::V1_0), Ok(Call::MemFragTx(call)));
        assert_eq!(call.encode().0[..5], [0x8400_007b, 5, 0x8000_0000, 0x50, 0]);
        let text = "FFA_MEM_FRAG_TX handle=0x8000000000000005 length=80";
        assert_eq!(call.to_string(), text);
    }

    #[test]
    fn upper_halves_and_what_stands_beside_the_endpoint_are_ignored() {
        let upper = 0xdead_beef << 32;
        let registers = [upper | 5, upper | 0x8000_0000, upper | 7, upper | 0x0002_ffff];
        let regs = call_regs(FunctionId::MEM_FRAG_TX, registers);
        let call = MemFragTx { handle: HANDLE, length: 7, endpoint: EndpointId(2) };
        assert_eq!(Call::decode(&regs, Version::V1_0), Ok(Call::MemFragTx(call)));
        assert_eq!(call.encode().x(4), 0x0002_0000);
    }
}
