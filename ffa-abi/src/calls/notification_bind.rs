//! `FFA_NOTIFICATION_BIND` and `FFA_NOTIFICATION_UNBIND` (1.1): who may set a receiver's
//! notifications.
//!
//! ```text
//! w1  [31:16] sender  [15:0] receiver, the caller
//! w2  BIND: [0] per-vCPU, [31:1] must be zero   UNBIND: must be zero
//! w3  bitmap [31:0]   w4  bitmap [63:32]
//! ```

use core::fmt;

use bitflags::bitflags;

use crate::call::{DecodeError, Request, call_regs, must_be_zero};
use crate::function::FunctionId;
use crate::id::EndpointId;
use crate::notifications::Notifications;
use crate::regs::Regs;
use crate::reply::Empty;
use crate::target::halves;
use crate::version::Version;

bitflags! {
    /// w2 of `FFA_NOTIFICATION_BIND`. Bits that are not defined are refused when decoding and not
    /// written when encoding.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct NotificationBindFlags: u32 {
        /// The notifications are for one vCPU each, not for any.
        const PER_VCPU = 1 << 0;
    }
}

/// `FFA_NOTIFICATION_BIND`: from now on, only `sender` may set `notifications` of `receiver`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotificationBind {
    /// w1\[31:16\]: who will set them.
    pub sender: EndpointId,
    /// w1\[15:0\]: who will get them, the caller.
    pub receiver: EndpointId,
    /// w2: whether they are per-vCPU or global.
    pub flags: NotificationBindFlags,
    /// w3, w4: which.
    pub notifications: Notifications,
}

/// `FFA_NOTIFICATION_UNBIND`: `sender` may no more set `notifications` of `receiver`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotificationUnbind {
    /// w1\[31:16\]: whom they are bound to.
    pub sender: EndpointId,
    /// w1\[15:0\]: whose they are, the caller's.
    pub receiver: EndpointId,
    /// w3, w4: which.
    pub notifications: Notifications,
}

impl Request for NotificationBind {
    type Reply = Empty;

    fn encode(&self) -> Regs {
        let flags = self.flags & NotificationBindFlags::all();
        let (low, high) = self.notifications.words();
        let arguments = [halves(self.sender.0, self.receiver.0), flags.bits(), low, high];
        call_regs(FunctionId::NOTIFICATION_BIND, arguments.map(u64::from))
    }

    #[inline(always)]
    fn decode(function: FunctionId, regs: &Regs, _: Version) -> Result<Self, DecodeError> {
        let flags = NotificationBindFlags::from_bits_retain(regs.w(2));
        must_be_zero(function, "w2[31:1]", (flags - NotificationBindFlags::all()).bits())?;
        Ok(NotificationBind {
            sender: EndpointId(regs.upper_half(1)),
            receiver: EndpointId(regs.half(1)),
            flags,
            notifications: Notifications::from_words(regs.w(3), regs.w(4)),
        })
    }
}

impl Request for NotificationUnbind {
    type Reply = Empty;

    fn encode(&self) -> Regs {
        let (low, high) = self.notifications.words();
        let arguments = [halves(self.sender.0, self.receiver.0), 0, low, high];
        call_regs(FunctionId::NOTIFICATION_UNBIND, arguments.map(u64::from))
    }

    #[inline(always)]
    fn decode(function: FunctionId, regs: &Regs, _: Version) -> Result<Self, DecodeError> {
        must_be_zero(function, "w2", regs.w(2))?;
        Ok(NotificationUnbind {
            sender: EndpointId(regs.upper_half(1)),
            receiver: EndpointId(regs.half(1)),
            notifications: Notifications::from_words(regs.w(3), regs.w(4)),
        })
    }
}

impl fmt::Display for NotificationBind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NotificationBind { sender, receiver, flags, notifications } = self;
        let per_vcpu = flags.contains(NotificationBindFlags::PER_VCPU);
        let scope = if per_vcpu { "per-vCPU" } else { "global" };
        write!(f, "FFA_NOTIFICATION_BIND sender={sender} receiver={receiver} {scope} ")?;
        write!(f, "bitmap={notifications}")
    }
}

impl fmt::Display for NotificationUnbind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NotificationUnbind { sender, receiver, notifications } = self;
        write!(f, "FFA_NOTIFICATION_UNBIND sender={sender} receiver={receiver} ")?;
        write!(f, "bitmap={notifications}")
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::call::Call;
    use std::string::ToString;

    const BIND: NotificationBind = NotificationBind {
        sender: EndpointId(0x8001),
        receiver: EndpointId(1),
        flags: NotificationBindFlags::PER_VCPU,
        notifications: Notifications(0x8000_0000_0000_0020),
    };

    const UNBIND: NotificationUnbind = NotificationUnbind {
        sender: EndpointId(0x8001),
        receiver: EndpointId(1),
        notifications: Notifications(0x8000_0000_0000_0020),
    };

    #[test]
    fn the_receiver_is_in_the_lower_half_and_the_low_word_comes_first() {
        let regs = call_regs(FunctionId::NOTIFICATION_BIND, [0x8001_0001, 1, 0x20, 0x8000_0000]);
        assert_eq!(BIND.encode(), regs);
        let call = Call::NotificationBind(BIND);
        assert_eq!(Call::decode(&regs, Version::V1_1), Ok(call));
        let text = "FFA_NOTIFICATION_BIND sender=0x8001 receiver=0x0001 per-vCPU \
                    bitmap=0x8000000000000020";
        assert_eq!(call.to_string(), text);

        let regs = call_regs(FunctionId::NOTIFICATION_UNBIND, [0x8001_0001, 0, 0x20, 0x8000_0000]);
        assert_eq!(UNBIND.encode(), regs);
        let call = Call::NotificationUnbind(UNBIND);
        assert_eq!(Call::decode(&regs, Version::V1_1), Ok(call));
        let text = "FFA_NOTIFICATION_UNBIND sender=0x8001 receiver=0x0001 \
                    bitmap=0x8000000000000020";
        assert_eq!(call.to_string(), text);
    }

    #[test]
    fn upper_halves_are_ignored() {
        let mut regs = BIND.encode();
        for index in 0..8 {
            regs.set(index, regs.x(index) | 0xdead_beef << 32);
        }
        assert_eq!(Call::decode(&regs, Version::V1_1), Ok(Call::NotificationBind(BIND)));
    }

    #[test]
    fn reserved_bits_are_refused() {
        for bit in 0..32 {
            let mut regs = UNBIND.encode();
            regs.set(2, 1_u64 << bit);
            let function = FunctionId::NOTIFICATION_UNBIND;
            let reserved = DecodeError::Reserved { function, field: "w2" };
            assert_eq!(Call::decode(&regs, Version::V1_1), Err(reserved));
        }
        for bit in 1..32 {
            let mut regs = BIND.encode();
            regs.set(2, 1_u64 << bit);
            let function = FunctionId::NOTIFICATION_BIND;
            let reserved = DecodeError::Reserved { function, field: "w2[31:1]" };
            assert_eq!(Call::decode(&regs, Version::V1_1), Err(reserved));
        }
    }

    #[test]
    fn flags_that_are_not_defined_are_not_written() {
        let bind = NotificationBind { flags: NotificationBindFlags::from_bits_retain(6), ..BIND };
        assert_eq!(bind.encode().x(2), 0);
    }
}
