//! `FFA_NOTIFICATION_BITMAP_CREATE` and `FFA_NOTIFICATION_BITMAP_DESTROY` (1.1).

use core::fmt;

use crate::call::{DecodeError, Request, call_regs, must_be_zero};
use crate::function::FunctionId;
use crate::id::EndpointId;
use crate::regs::Regs;
use crate::reply::Empty;
use crate::version::Version;

/// `FFA_NOTIFICATION_BITMAP_CREATE`: w1\[15:0\] the VM, w2 its vCPUs.
///
/// From a hypervisor to the SPMC, before a VM can receive notifications.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotificationBitmapCreate {
    /// The VM.
    pub endpoint: EndpointId,
    /// How many vCPUs it has; a limit is for the callee.
    pub vcpus: u32,
}

/// `FFA_NOTIFICATION_BITMAP_DESTROY`: w1\[15:0\] the VM. From a hypervisor to the SPMC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotificationBitmapDestroy {
    /// The VM.
    pub endpoint: EndpointId,
}

impl Request for NotificationBitmapCreate {
    type Reply = Empty;

    fn encode(&self) -> Regs {
        let function = FunctionId::NOTIFICATION_BITMAP_CREATE;
        call_regs(function, [self.endpoint.0.into(), self.vcpus.into()])
    }

    #[inline(always)]
    fn decode(function: FunctionId, regs: &Regs, _: Version) -> Result<Self, DecodeError> {
        must_be_zero(function, "w1[31:16]", regs.upper_half(1))?;
        let endpoint = EndpointId(regs.half(1));
        Ok(NotificationBitmapCreate { endpoint, vcpus: regs.w(2) })
    }
}

impl Request for NotificationBitmapDestroy {
    type Reply = Empty;

    fn encode(&self) -> Regs {
        call_regs(FunctionId::NOTIFICATION_BITMAP_DESTROY, [self.endpoint.0.into()])
    }

    #[inline(always)]
    fn decode(function: FunctionId, regs: &Regs, _: Version) -> Result<Self, DecodeError> {
        must_be_zero(function, "w1[31:16]", regs.upper_half(1))?;
        Ok(NotificationBitmapDestroy { endpoint: EndpointId(regs.half(1)) })
    }
}

impl fmt::Display for NotificationBitmapCreate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NotificationBitmapCreate { endpoint, vcpus } = self;
        write!(f, "FFA_NOTIFICATION_BITMAP_CREATE id={endpoint} vcpus={vcpus}")
    }
}

impl fmt::Display for NotificationBitmapDestroy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FFA_NOTIFICATION_BITMAP_DESTROY id={}", self.endpoint)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::call::Call;
    use std::string::ToString;

    #[test]
    fn both_carry_the_vm_in_the_lower_half() {
        // Linux 6.12, were it offered: 8400007d w1=vm w2=cpus.
        let regs = call_regs(FunctionId::NOTIFICATION_BITMAP_CREATE, [1, 4]);
        let create = NotificationBitmapCreate { endpoint: EndpointId(1), vcpus: 4 };
        let call = Call::NotificationBitmapCreate(create);
        assert_eq!(Call::decode(&regs, Version::V1_1), Ok(call));
        assert_eq!(create.encode().0[..4], [0x8400_007d, 1, 4, 0]);
        assert_eq!(call.to_string(), "FFA_NOTIFICATION_BITMAP_CREATE id=0x0001 vcpus=4");

        let regs = call_regs(FunctionId::NOTIFICATION_BITMAP_DESTROY, [0xffff_0000_0000_7fff]);
        let destroy = NotificationBitmapDestroy { endpoint: EndpointId(0x7fff) };
        let call = Call::NotificationBitmapDestroy(destroy);
        assert_eq!(Call::decode(&regs, Version::V1_1), Ok(call));
        assert_eq!(destroy.encode().0[..4], [0x8400_007e, 0x7fff, 0, 0]);
        assert_eq!(call.to_string(), "FFA_NOTIFICATION_BITMAP_DESTROY id=0x7fff");
    }

    #[test]
    fn the_upper_half_must_be_zero() {
        for function in
            [FunctionId::NOTIFICATION_BITMAP_CREATE, FunctionId::NOTIFICATION_BITMAP_DESTROY]
        {
            for bit in 16..32 {
                let regs = call_regs(function, [1 | 1 << bit, 1]);
                let reserved = DecodeError::Reserved { function, field: "w1[31:16]" };
                assert_eq!(Call::decode(&regs, Version::V1_1), Err(reserved));
            }
        }
    }
}
