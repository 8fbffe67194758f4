//! `FFA_NS_RES_INFO_GET` (1.3): which memory of the normal world secure partitions can reach.
//!
//! ```text
//! x1     [15:0] secure endpoint, where x2 [0] is set [63:16] MBZ
//! x2     [0] x1 names an endpoint [1] MBZ [3:2] type of resource [4] go on [63:5] MBZ
//! reply  x2 [31:0] bytes that remain [63:32] bytes written to the caller's RX buffer
//! ```

use core::fmt;

use crate::call::{DecodeError, Request, call_regs, must_be_zero};
use crate::function::FunctionId;
use crate::id::EndpointId;
use crate::regs::Regs;
use crate::reply::{CallError, Reply, Success};
use crate::version::Version;

/// `FFA_NS_RES_INFO_GET`: what the normal world shares with secure partitions is described in the
/// caller's RX buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NonSecureResourceInfoGet {
    /// x1\[15:0\], with x2\[0\] set: whose resources; `None` for those of all secure endpoints.
    pub endpoint: Option<EndpointId>,
    /// x2\[3:2\]: which resources.
    pub resource: ResourceType,
    /// x2\[4\]: whether the rest of what an earlier call began is asked for.
    pub continues: bool,
}

/// The type of resource, x2\[3:2\]: 0 to 3. An open type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ResourceType(u8);

/// How much of the description is in the caller's RX buffer, and how much is to come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NonSecureResourceInfoGetReply {
    /// Bytes written to the RX buffer.
    pub written: u32,
    /// Bytes that further calls get.
    pub remaining: u32,
}

impl ResourceType {
    /// Ranges of memory: a header of 16 bytes, and address map descriptors.
    pub const ADDRESS_MAP: ResourceType = ResourceType(0);

    /// `None` for more than two bits.
    #[must_use]
    pub const fn new(bits: u8) -> Option<ResourceType> {
        if bits < 4 { Some(ResourceType(bits)) } else { None }
    }

    /// As x2\[3:2\] hold it.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }
}

impl NonSecureResourceInfoGet {
    const NAMES_ENDPOINT: u64 = 1 << 0;
    const CONTINUES: u64 = 1 << 4;
}

impl Request for NonSecureResourceInfoGet {
    type Reply = NonSecureResourceInfoGetReply;

    fn encode(&self) -> Regs {
        let named = if self.endpoint.is_some() { Self::NAMES_ENDPOINT } else { 0 };
        let continues = if self.continues { Self::CONTINUES } else { 0 };
        let flags = named | u64::from(self.resource.0) << 2 | continues;
        let endpoint = self.endpoint.unwrap_or_default().0;
        call_regs(FunctionId::NS_RES_INFO_GET, [endpoint.into(), flags])
    }

    #[inline(always)]
    fn decode(function: FunctionId, regs: &Regs, _: Version) -> Result<Self, DecodeError> {
        let flags = regs.x(2);
        must_be_zero(function, "x2[1]", flags & 1 << 1)?;
        must_be_zero(function, "x2[63:5]", flags >> 5)?;
        let is_named = flags & Self::NAMES_ENDPOINT != 0;
        if is_named {
            must_be_zero(function, "x1[63:16]", regs.x(1) >> 16)?;
        }
        let endpoint = is_named.then_some(EndpointId(regs.half(1)));
        let resource = ResourceType((flags >> 2 & 3) as u8);
        let continues = flags & Self::CONTINUES != 0;
        Ok(NonSecureResourceInfoGet { endpoint, resource, continues })
    }
}

impl Reply for NonSecureResourceInfoGetReply {
    /// Writes `FFA_SUCCESS_64`; x8..x17 stay.
    fn write(&self, regs: &mut Regs) {
        regs.clear_basic();
        regs.set(0, FunctionId::SUCCESS_64.bits());
        regs.set(2, u64::from(self.written) << 32 | u64::from(self.remaining));
    }

    fn read(regs: &Regs, _: Version) -> Result<Self, CallError> {
        let regs = Success::check_64(regs)?.regs();
        Ok(NonSecureResourceInfoGetReply {
            written: (regs.x(2) >> 32) as u32,
            remaining: regs.w(2),
        })
    }
}

impl fmt::Display for NonSecureResourceInfoGet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.continues { "go on" } else { "start" };
        write!(f, "FFA_NS_RES_INFO_GET {what} type={}", self.resource.0)?;
        match self.endpoint {
            Some(endpoint) => write!(f, " id={endpoint}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for NonSecureResourceInfoGetReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SUCCESS written={} remaining={}", self.written, self.remaining)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::ToString;

    use super::*;
    use crate::call::Call;

    fn call(x1: u64, x2: u64) -> Regs {
        call_regs(FunctionId::NS_RES_INFO_GET, [x1, x2])
    }

    #[test]
    fn what_is_asked_for_is_in_the_flags() {
        let all = NonSecureResourceInfoGet {
            endpoint: None,
            resource: ResourceType::ADDRESS_MAP,
            continues: false,
        };
        let one = NonSecureResourceInfoGet { endpoint: Some(EndpointId(0x8002)), ..all };
        let rest = NonSecureResourceInfoGet { continues: true, ..one };
        let other = ResourceType::new(2).unwrap();
        let other = NonSecureResourceInfoGet { resource: other, ..all };
        let vectors = [(all, 0, 0), (one, 0x8002, 1), (rest, 0x8002, 0x11), (other, 0, 8)];
        for (request, x1, x2) in vectors {
            assert_eq!(request.encode().0[..4], [0xc400_008f, x1, x2, 0]);
            let decoded = Call::decode(&call(x1, x2), Version::V1_3);
            assert_eq!(decoded, Ok(Call::NonSecureResourceInfoGet(request)));
        }
        assert_eq!(rest.to_string(), "FFA_NS_RES_INFO_GET go on type=0 id=0x8002");
        assert_eq!(all.to_string(), "FFA_NS_RES_INFO_GET start type=0");
        assert_eq!(ResourceType::new(4), None);
    }

    #[test]
    fn reserved_bits_are_refused() {
        let function = FunctionId::NS_RES_INFO_GET;
        for (x1, x2, field) in [
            (0, 2, "x2[1]"),
            (0, 0x20, "x2[63:5]"),
            (0, 1 << 63, "x2[63:5]"),
            (0x1_8002, 1, "x1[63:16]"),
            (1 << 63, 1, "x1[63:16]"),
        ] {
            let reserved = DecodeError::Reserved { function, field };
            assert_eq!(Call::decode(&call(x1, x2), Version::V1_3), Err(reserved));
        }
    }

    #[test]
    fn an_endpoint_that_is_not_named_is_ignored() {
        let decoded = Call::decode(&call(u64::MAX, 0), Version::V1_3);
        assert_eq!(decoded, Call::decode(&call(0, 0), Version::V1_3));
    }

    #[test]
    fn a_reply_has_both_sizes_in_x2() {
        let reply = NonSecureResourceInfoGetReply { written: 0x1000, remaining: 0x230 };
        let mut regs = Regs([9; 18]);
        reply.write(&mut regs);
        assert_eq!(regs.0[..4], [0xc400_0061, 0, 0x1000_0000_0230, 0]);
        assert_eq!(regs.0[8..], [9; 10]);
        assert_eq!(NonSecureResourceInfoGetReply::read(&regs, Version::V1_2), Ok(reply));
        assert_eq!(reply.to_string(), "SUCCESS written=4096 remaining=560");
    }

    #[test]
    fn a_32_bit_success_says_nothing_of_resources() {
        let mut regs = Regs::ZERO;
        regs.0[..3].copy_from_slice(&[0x8400_0061, 0, 0x1000_0000_0230]);
        assert!(NonSecureResourceInfoGetReply::read(&regs, Version::V1_2).is_err());
    }
}
