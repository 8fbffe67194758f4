//! `FFA_MEM_DONATE`, `FFA_MEM_LEND`, `FFA_MEM_SHARE` and `FFA_MEM_RETRIEVE_REQ`: calls that hand over
//! a memory transaction descriptor.
//!
//! ```text
//! w1  bytes of the whole descriptor   w2  bytes of its first fragment, in the buffer now
//! x3  address of the buffer, 0 for the caller's TX buffer
//! w4  pages of 4 KiB of that buffer, must be zero for the TX buffer
//! ```
//!
//! DEN0077 up to 1.1, DEN0140 from 1.2 on, under these names.

use core::fmt;
use core::num::{NonZeroU32, NonZeroU64};

use super::mem_reply::{MemRetrieveReply, MemSendReply};
use crate::call::{DecodeError, Request, call_regs, must_be_zero};
use crate::form::by_width;
use crate::function::{FunctionId, Width};
use crate::regs::Regs;
use crate::version::Version;

/// x3, w4: where a transaction descriptor lies, and with it the form of the call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TransactionBuffer {
    /// In the caller's TX buffer; in a call of this form.
    Tx(Width),
    /// In a buffer of the caller's, in the 32-bit form.
    Own32 {
        /// Its address, as the caller gave it: alignment is for the callee.
        address: NonZeroU32,
        /// Its size in pages of 4 KiB, as the caller gave it.
        pages: u32,
    },
    /// In a buffer of the caller's, in the 64-bit form.
    Own64 {
        /// Its address, as the caller gave it: alignment is for the callee.
        address: NonZeroU64,
        /// Its size in pages of 4 KiB, as the caller gave it.
        pages: u32,
    },
}

impl TransactionBuffer {
    /// The form of the call.
    #[must_use]
    pub const fn width(self) -> Width {
        match self {
            TransactionBuffer::Tx(width) => width,
            TransactionBuffer::Own32 { .. } => Width::Bits32,
            TransactionBuffer::Own64 { .. } => Width::Bits64,
        }
    }

    /// x3: the address, 0 for the TX buffer.
    #[must_use]
    pub fn address(self) -> u64 {
        match self {
            TransactionBuffer::Tx(_) => 0,
            TransactionBuffer::Own32 { address, .. } => address.get().into(),
            TransactionBuffer::Own64 { address, .. } => address.get(),
        }
    }

    /// w4: the size in pages of 4 KiB, 0 for the TX buffer.
    #[must_use]
    pub const fn pages(self) -> u32 {
        match self {
            TransactionBuffer::Tx(_) => 0,
            TransactionBuffer::Own32 { pages, .. } | TransactionBuffer::Own64 { pages, .. } => {
                pages
            }
        }
    }

    #[inline(always)]
    fn decode(function: FunctionId, regs: &Regs) -> Result<TransactionBuffer, DecodeError> {
        let (width, pages) = (function.width(), regs.w(4));
        let own = match width {
            Width::Bits32 => NonZeroU32::new(regs.w(3))
                .map(|address| TransactionBuffer::Own32 { address, pages }),
            Width::Bits64 => NonZeroU64::new(regs.x(3))
                .map(|address| TransactionBuffer::Own64 { address, pages }),
        };
        if let Some(own) = own {
            return Ok(own);
        }
        must_be_zero(function, "w4", pages)?;
        Ok(TransactionBuffer::Tx(width))
    }
}

macro_rules! mem_transaction {
    ($(#[$doc:meta])* $request:ident, $narrow:ident, $wide:ident, $reply:ty) => {
        $(#[$doc])*
        ///
        /// Lengths are as the caller gave them: that the fragment is no longer than the whole, and
        /// no longer than the buffer, is for the callee.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub struct $request {
            /// w1: bytes of the whole descriptor.
            pub total_length: u32,
            /// w2: bytes of its first fragment.
            pub fragment_length: u32,
            /// x3, w4: where that fragment lies.
            pub buffer: TransactionBuffer,
        }

        impl $request {
            const fn function(self) -> FunctionId {
                by_width(self.buffer.width(), FunctionId::$narrow, FunctionId::$wide)
            }
        }

        impl Request for $request {
            type Reply = $reply;

            fn encode(&self) -> Regs {
                let (total, fragment) = (self.total_length.into(), self.fragment_length.into());
                let (address, pages) = (self.buffer.address(), self.buffer.pages().into());
                call_regs(self.function(), [total, fragment, address, pages])
            }

            #[inline(always)]
            fn decode(function: FunctionId, regs: &Regs, _: Version) -> Result<Self, DecodeError> {
                let buffer = TransactionBuffer::decode(function, regs)?;
                let (total_length, fragment_length) = (regs.w(1), regs.w(2));
                Ok($request { total_length, fragment_length, buffer })
            }
        }

        impl fmt::Display for $request {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let $request { total_length, fragment_length, buffer } = self;
                write!(f, "{} total={total_length} ", self.function())?;
                write!(f, "fragment={fragment_length} {buffer}")
            }
        }
    };
}

mem_transaction! {
    /// `FFA_MEM_DONATE`: gives memory away for good.
    MemDonate, MEM_DONATE_32, MEM_DONATE_64, MemSendReply
}

mem_transaction! {
    /// `FFA_MEM_LEND`: gives memory away until it is reclaimed.
    MemLend, MEM_LEND_32, MEM_LEND_64, MemSendReply
}

mem_transaction! {
    /// `FFA_MEM_SHARE`: gives others access to memory that the sender keeps using.
    MemShare, MEM_SHARE_32, MEM_SHARE_64, MemSendReply
}

mem_transaction! {
    /// `FFA_MEM_RETRIEVE_REQ`: asks for access to memory that was sent to the caller.
    MemRetrieveReq, MEM_RETRIEVE_REQ_32, MEM_RETRIEVE_REQ_64, MemRetrieveReply
}

impl fmt::Display for TransactionBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TransactionBuffer::Tx(_) => f.write_str("buffer=TX"),
            own => write!(f, "buffer={:#x} pages={}", own.address(), own.pages()),
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::call::Call;
    use std::string::ToString;

    const TX_64: TransactionBuffer = TransactionBuffer::Tx(Width::Bits64);

    fn share(total_length: u32, fragment_length: u32, buffer: TransactionBuffer) -> Call {
        Call::MemShare(MemShare { total_length, fragment_length, buffer })
    }

    #[test]
    fn a_recorded_call_decodes() {
        // Linux 6.12: c4000073 w1=w2=0x60, the descriptor in TX.
        let regs = call_regs(FunctionId::MEM_SHARE_64, [0x60, 0x60]);
        let call = share(0x60, 0x60, TX_64);
        assert_eq!(Call::decode(&regs, Version::V1_1), Ok(call));
        assert_eq!(call.encode(), regs);
        assert_eq!(call.to_string(), "FFA_MEM_SHARE_64 total=96 fragment=96 buffer=TX");
    }

    #[test]
    fn each_call_has_its_two_ids() {
        let forms = [Width::Bits32, Width::Bits64].map(TransactionBuffer::Tx);
        let [narrow, wide] = forms.map(|buffer| {
            let (total_length, fragment_length) = (0x2000, 0x1000);
            [
                Call::MemDonate(MemDonate { total_length, fragment_length, buffer }),
                Call::MemLend(MemLend { total_length, fragment_length, buffer }),
                Call::MemShare(MemShare { total_length, fragment_length, buffer }),
                Call::MemRetrieveReq(MemRetrieveReq { total_length, fragment_length, buffer }),
            ]
        });
        for (id, call) in (0x8400_0071..).zip(narrow).chain((0xc400_0071..).zip(wide)) {
            let mut regs = Regs::ZERO;
            regs.0[..3].copy_from_slice(&[id, 0x2000, 0x1000]);
            assert_eq!(call.encode(), regs, "{call}");
            assert_eq!(Call::decode(&regs, Version::V1_0), Ok(call));
        }
        assert_eq!(narrow[0].to_string(), "FFA_MEM_DONATE_32 total=8192 fragment=4096 buffer=TX");
        assert_eq!(wide[1].to_string(), "FFA_MEM_LEND_64 total=8192 fragment=4096 buffer=TX");
        let text = "FFA_MEM_RETRIEVE_REQ_64 total=8192 fragment=4096 buffer=TX";
        assert_eq!(wide[3].to_string(), text);
    }

    #[test]
    fn a_buffer_of_the_callers_has_an_address_and_pages() {
        let regs = call_regs(FunctionId::MEM_SHARE_64, [0x60, 0x60, 0x1_4000_1000, 2]);
        let address = NonZeroU64::new(0x1_4000_1000).unwrap();
        let call = share(0x60, 0x60, TransactionBuffer::Own64 { address, pages: 2 });
        assert_eq!(Call::decode(&regs, Version::V1_0), Ok(call));
        assert_eq!(call.encode(), regs);
        let text = "FFA_MEM_SHARE_64 total=96 fragment=96 buffer=0x140001000 pages=2";
        assert_eq!(call.to_string(), text);
    }

    #[test]
    fn the_32_bit_form_ignores_upper_halves() {
        let upper = 0xdead_beef << 32;
        let registers = [upper | 0x60, upper | 0x60, upper | 0x4000_1000, upper | 1];
        let regs = call_regs(FunctionId::MEM_SHARE_32, registers);
        let address = NonZeroU32::new(0x4000_1000).unwrap();
        let call = share(0x60, 0x60, TransactionBuffer::Own32 { address, pages: 1 });
        assert_eq!(Call::decode(&regs, Version::V1_0), Ok(call));
        let regs = call_regs(FunctionId::MEM_SHARE_32, [0x60, 0x60, upper, upper]);
        let call = share(0x60, 0x60, TransactionBuffer::Tx(Width::Bits32));
        assert_eq!(Call::decode(&regs, Version::V1_0), Ok(call));
    }

    #[test]
    fn the_64_bit_form_reads_all_of_the_address() {
        let regs = call_regs(FunctionId::MEM_SHARE_64, [0x60, 0x60, 1 << 32, 0]);
        let address = NonZeroU64::new(1 << 32).unwrap();
        let call = share(0x60, 0x60, TransactionBuffer::Own64 { address, pages: 0 });
        assert_eq!(Call::decode(&regs, Version::V1_0), Ok(call));
    }

    #[test]
    fn the_tx_buffer_has_no_page_count() {
        for number in 0x71..=0x74 {
            for id in [0x8400_0000 | number, 0xc400_0000 | number] {
                let function = FunctionId::from_bits(id).unwrap();
                for bit in 0..32 {
                    let regs = call_regs(function, [0x60, 0x60, 0, 1 << bit]);
                    let reserved = DecodeError::Reserved { function, field: "w4" };
                    assert_eq!(Call::decode(&regs, Version::V1_0), Err(reserved));
                }
            }
        }
    }
}
