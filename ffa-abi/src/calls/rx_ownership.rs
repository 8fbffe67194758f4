//! `FFA_RX_ACQUIRE` and `FFA_RX_RELEASE`: who owns an RX buffer.

use core::fmt;

use crate::call::{DecodeError, Request, call_regs, must_be_zero};
use crate::function::FunctionId;
use crate::id::EndpointId;
use crate::regs::Regs;
use crate::reply::Empty;
use crate::version::Version;

macro_rules! rx_ownership {
    ($(#[$doc:meta])* $request:ident, $function:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub struct $request {
            /// The VM whose RX buffer is meant, at the physical instance. Zero from a VM, by the
            /// specification; some firmware passes its own id.
            pub endpoint: EndpointId,
        }

        impl Request for $request {
            type Reply = Empty;

            fn encode(&self) -> Regs {
                call_regs(FunctionId::$function, [self.endpoint.0.into()])
            }

            #[inline(always)]
            fn decode(function: FunctionId, regs: &Regs, _: Version) -> Result<Self, DecodeError> {
                must_be_zero(function, "w1[31:16]", regs.upper_half(1))?;
                Ok($request { endpoint: EndpointId(regs.half(1)) })
            }
        }

        impl fmt::Display for $request {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", FunctionId::$function)?;
                self.endpoint.show_named(f, "id")
            }
        }
    };
}

rx_ownership! {
    /// `FFA_RX_ACQUIRE`: w1\[15:0\] the VM. From a hypervisor to the SPMC only (1.1).
    RxAcquire, RX_ACQUIRE
}

rx_ownership! {
    /// `FFA_RX_RELEASE`: w1\[15:0\] the VM. The caller has read its RX buffer.
    RxRelease, RX_RELEASE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Call;

    #[test]
    fn both_carry_an_id_in_the_lower_half() {
        let release = RxRelease { endpoint: EndpointId(3) };
        assert_eq!(release.encode().0[..2], [0x8400_0065, 3]);
        assert_eq!(Call::decode(&release.encode(), Version::V1_0), Ok(Call::RxRelease(release)));
        let acquire = RxAcquire { endpoint: EndpointId(3) };
        assert_eq!(acquire.encode().0[..2], [0x8400_0084, 3]);
        assert_eq!(Call::decode(&acquire.encode(), Version::V1_1), Ok(Call::RxAcquire(acquire)));
    }

    #[test]
    fn the_upper_half_must_be_zero() {
        let regs = call_regs(FunctionId::RX_RELEASE, [0x1_0000]);
        let function = FunctionId::RX_RELEASE;
        let reserved = DecodeError::Reserved { function, field: "w1[31:16]" };
        assert_eq!(Call::decode(&regs, Version::V1_0), Err(reserved));
    }
}
