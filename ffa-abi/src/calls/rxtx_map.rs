//! `FFA_RXTX_MAP` and `FFA_RXTX_UNMAP`.

use core::fmt;

use crate::call::{DecodeError, Request, call_regs, must_be_zero};
use crate::form::by_width;
use crate::function::{FunctionId, Width};
use crate::id::EndpointId;
use crate::regs::Regs;
use crate::reply::Empty;
use crate::version::Version;

/// The most pages that w3\[5:0\] can say.
pub const MAX_RXTX_PAGES: u8 = 0x3f;

/// `FFA_RXTX_MAP`: x1 TX, x2 RX, w3\[5:0\] the size of each in pages of 4 KiB.
///
/// Addresses and count are as the caller gave them: alignment, zero and limits are for the callee.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RxtxMap {
    width: Width,
    /// Below 4 GiB in the 32-bit form, as `rx`.
    tx: u64,
    rx: u64,
    /// 0..=[`MAX_RXTX_PAGES`].
    pages: u8,
}

/// `FFA_RXTX_UNMAP`: w1\[31:16\] the endpoint whose buffers go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RxtxUnmap {
    /// Zero from a VM, by the specification; some firmware passes its own id.
    pub endpoint: EndpointId,
}

impl RxtxMap {
    /// From a hypervisor to the SPMC, all zero: the buffers are those of a VM that
    /// [`crate::EndpointRxTx`] in the hypervisor's TX buffer describes.
    pub const FOR_A_VM: RxtxMap = RxtxMap { width: Width::Bits64, tx: 0, rx: 0, pages: 0 };

    /// A call for buffers of `pages` pages at `tx` and `rx`; `None` where its registers cannot say
    /// that: more pages than [`MAX_RXTX_PAGES`], or in the 32-bit form an address above 4 GiB.
    #[must_use]
    pub fn new(width: Width, tx: u64, rx: u64, pages: u8) -> Option<RxtxMap> {
        let fits = width == Width::Bits64 || (tx | rx) >> 32 == 0;
        (fits && pages <= MAX_RXTX_PAGES).then_some(RxtxMap { width, tx, rx, pages })
    }

    /// A call for buffers of one page each, in the 64-bit form.
    #[must_use]
    pub const fn one_page(tx: u64, rx: u64) -> RxtxMap {
        RxtxMap { width: Width::Bits64, tx, rx, pages: 1 }
    }

    /// Address of the buffer that the caller writes.
    #[must_use]
    pub const fn tx(self) -> u64 {
        self.tx
    }

    /// Address of the buffer that the caller reads.
    #[must_use]
    pub const fn rx(self) -> u64 {
        self.rx
    }

    /// Pages of 4 KiB in each buffer, 0..=[`MAX_RXTX_PAGES`].
    #[must_use]
    pub const fn pages(self) -> u8 {
        self.pages
    }

    /// The form of the call.
    #[must_use]
    pub const fn width(self) -> Width {
        self.width
    }

    const fn function(self) -> FunctionId {
        by_width(self.width, FunctionId::RXTX_MAP_32, FunctionId::RXTX_MAP_64)
    }
}

impl Request for RxtxMap {
    type Reply = Empty;

    fn encode(&self) -> Regs {
        call_regs(self.function(), [self.tx, self.rx, self.pages.into()])
    }

    #[inline(always)]
    fn decode(function: FunctionId, regs: &Regs, _: Version) -> Result<Self, DecodeError> {
        must_be_zero(function, "w3[31:6]", regs.w(3) >> 6)?;
        let width = function.width();
        let (tx, rx) = match width {
            Width::Bits32 => (regs.w(1).into(), regs.w(2).into()),
            Width::Bits64 => (regs.x(1), regs.x(2)),
        };
        let pages = (regs.w(3) & 0x3f) as u8;
        Ok(RxtxMap { width, tx, rx, pages })
    }
}

impl Request for RxtxUnmap {
    type Reply = Empty;

    fn encode(&self) -> Regs {
        call_regs(FunctionId::RXTX_UNMAP, [u64::from(self.endpoint.0) << 16])
    }

    #[inline(always)]
    fn decode(function: FunctionId, regs: &Regs, _: Version) -> Result<Self, DecodeError> {
        must_be_zero(function, "w1[15:0]", regs.half(1))?;
        let endpoint = EndpointId(regs.upper_half(1));
        Ok(RxtxUnmap { endpoint })
    }
}

impl fmt::Display for RxtxMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RxtxMap { tx, rx, pages, .. } = self;
        write!(f, "{} tx={tx:#x} rx={rx:#x} pages={pages}", self.function())
    }
}

impl fmt::Display for RxtxUnmap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FFA_RXTX_UNMAP")?;
        self.endpoint.show_named(f, "id")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Call;

    #[test]
    fn a_recorded_call_decodes() {
        // Linux 6.12: c4000066 x1=TX x2=RX w3=1.
        let regs = call_regs(FunctionId::RXTX_MAP_64, [0x1_4000_1000, 0x1_4000_2000, 1]);
        let call = RxtxMap::one_page(0x1_4000_1000, 0x1_4000_2000);
        assert_eq!(Call::decode(&regs, Version::V1_1), Ok(Call::RxtxMap(call)));
        assert_eq!(call.encode(), regs);
    }

    #[test]
    fn what_registers_cannot_say_is_no_call() {
        assert_eq!(RxtxMap::new(Width::Bits64, 0x1000, 0x2000, MAX_RXTX_PAGES + 1), None);
        assert!(RxtxMap::new(Width::Bits64, u64::MAX, 0x2000, MAX_RXTX_PAGES).is_some());
        for (tx, rx) in [(0x1_0000_1000, 0x2000), (0x1000, 0x1_0000_2000)] {
            assert_eq!(RxtxMap::new(Width::Bits32, tx, rx, 1), None);
        }
        assert_eq!(RxtxMap::FOR_A_VM.encode(), call_regs(FunctionId::RXTX_MAP_64, []));
    }

    #[test]
    fn the_32_bit_form_ignores_upper_halves() {
        let regs =
            call_regs(FunctionId::RXTX_MAP_32, [0xf_4000_1000, 0xf_4000_2000, 0xf_0000_0001]);
        let call = RxtxMap { width: Width::Bits32, tx: 0x4000_1000, rx: 0x4000_2000, pages: 1 };
        assert_eq!(Call::decode(&regs, Version::V1_0), Ok(Call::RxtxMap(call)));
    }

    #[test]
    fn reserved_bits_are_refused() {
        let map = call_regs(FunctionId::RXTX_MAP_64, [0x1000, 0x2000, 0x41]);
        let function = FunctionId::RXTX_MAP_64;
        let reserved = DecodeError::Reserved { function, field: "w3[31:6]" };
        assert_eq!(Call::decode(&map, Version::V1_1), Err(reserved));
        let unmap = call_regs(FunctionId::RXTX_UNMAP, [1]);
        let function = FunctionId::RXTX_UNMAP;
        let reserved = DecodeError::Reserved { function, field: "w1[15:0]" };
        assert_eq!(Call::decode(&unmap, Version::V1_1), Err(reserved));
    }

    #[test]
    fn unmap_names_its_endpoint_in_the_upper_half() {
        let call = RxtxUnmap { endpoint: EndpointId(2) };
        assert_eq!(call.encode().w(1), 0x2_0000);
        assert_eq!(Call::decode(&call.encode(), Version::V1_0), Ok(Call::RxtxUnmap(call)));
    }
}
