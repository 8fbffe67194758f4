//! `FFA_NOTIFICATION_SET` (1.1): signals notifications.
//!
//! ```text
//! w1  [31:16] sender, the caller  [15:0] receiver
//! w2  [0] per-vCPU  [1] delay the schedule receiver interrupt  [15:2] must be zero
//!     [31:16] vCPU, must be zero unless per-vCPU
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

const PER_VCPU: u32 = 1 << 0;

bitflags! {
    /// Flags in w2, save that for a vCPU, which is [`NotificationSet::vcpu`]. Bits that are not
    /// defined are not written when encoding.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct NotificationSetFlags: u32 {
        /// Raise the schedule receiver interrupt when execution returns to the normal world, not at
        /// once.
        const DELAY_SCHEDULE_RECEIVER_INTERRUPT = 1 << 1;
    }
}

/// `FFA_NOTIFICATION_SET`: makes `notifications` of `receiver` pending.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotificationSet {
    /// w1\[31:16\]: whom they are bound to, the caller.
    pub sender: EndpointId,
    /// w1\[15:0\]: who gets them.
    pub receiver: EndpointId,
    /// w2\[31:16\], with w2\[0\] set: the vCPU that gets them; `None` for global notifications.
    pub vcpu: Option<u16>,
    /// w2\[1\]: how.
    pub flags: NotificationSetFlags,
    /// w3, w4: which.
    pub notifications: Notifications,
}

impl Request for NotificationSet {
    type Reply = Empty;

    fn encode(&self) -> Regs {
        let flags = (self.flags & NotificationSetFlags::all()).bits();
        let vcpu = self.vcpu.map_or(0, |vcpu| u32::from(vcpu) << 16 | PER_VCPU);
        let (low, high) = self.notifications.words();
        let arguments = [halves(self.sender.0, self.receiver.0), vcpu | flags, low, high];
        call_regs(FunctionId::NOTIFICATION_SET, arguments.map(u64::from))
    }

    #[inline(always)]
    fn decode(function: FunctionId, regs: &Regs, _: Version) -> Result<Self, DecodeError> {
        must_be_zero(function, "w2[15:2]", regs.w(2) & 0xfffc)?;
        let vcpu = regs.upper_half(2);
        let per_vcpu = regs.w(2) & PER_VCPU != 0;
        if !per_vcpu {
            must_be_zero(function, "w2[31:16]", vcpu)?;
        }
        Ok(NotificationSet {
            sender: EndpointId(regs.upper_half(1)),
            receiver: EndpointId(regs.half(1)),
            vcpu: per_vcpu.then_some(vcpu),
            flags: NotificationSetFlags::from_bits_truncate(regs.w(2)),
            notifications: Notifications::from_words(regs.w(3), regs.w(4)),
        })
    }
}

impl fmt::Display for NotificationSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NotificationSet { sender, receiver, vcpu, flags, notifications } = self;
        write!(f, "FFA_NOTIFICATION_SET sender={sender} receiver={receiver} ")?;
        match vcpu {
            Some(vcpu) => write!(f, "vcpu={vcpu} ")?,
            None => f.write_str("global ")?,
        }
        if flags.contains(NotificationSetFlags::DELAY_SCHEDULE_RECEIVER_INTERRUPT) {
            f.write_str("delay-SRI ")?;
        }
        write!(f, "bitmap={notifications}")
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::call::Call;
    use std::string::ToString;

    fn regs(w2: u32) -> Regs {
        call_regs(FunctionId::NOTIFICATION_SET, [0x0001_8001, w2.into(), 0x20, 0x8000_0000])
    }

    const GLOBAL: NotificationSet = NotificationSet {
        sender: EndpointId(1),
        receiver: EndpointId(0x8001),
        vcpu: None,
        flags: NotificationSetFlags::empty(),
        notifications: Notifications(0x8000_0000_0000_0020),
    };

    #[test]
    fn flags_and_vcpu_share_w2() {
        let delayed = NotificationSetFlags::DELAY_SCHEDULE_RECEIVER_INTERRUPT;
        let cases = [
            (0, GLOBAL),
            (1, NotificationSet { vcpu: Some(0), ..GLOBAL }),
            (0x0007_0001, NotificationSet { vcpu: Some(7), ..GLOBAL }),
            (0xffff_0003, NotificationSet { vcpu: Some(0xffff), flags: delayed, ..GLOBAL }),
            (2, NotificationSet { flags: delayed, ..GLOBAL }),
        ];
        for (w2, call) in cases {
            assert_eq!(call.encode(), regs(w2), "{w2:#x}");
            let decoded = Call::decode(&regs(w2), Version::V1_1);
            assert_eq!(decoded, Ok(Call::NotificationSet(call)), "{w2:#x}");
        }
    }

    #[test]
    fn reserved_bits_are_refused() {
        let function = FunctionId::NOTIFICATION_SET;
        for bit in 2..16 {
            let reserved = DecodeError::Reserved { function, field: "w2[15:2]" };
            assert_eq!(Call::decode(&regs(1 << bit), Version::V1_1), Err(reserved));
        }
        for bit in 16..32 {
            let reserved = DecodeError::Reserved { function, field: "w2[31:16]" };
            assert_eq!(Call::decode(&regs(1 << bit), Version::V1_1), Err(reserved));
        }
    }

    #[test]
    fn flags_that_are_not_defined_are_not_written() {
        let flags = NotificationSetFlags::from_bits_retain(0xffff_fffd);
        assert_eq!(NotificationSet { flags, ..GLOBAL }.encode(), GLOBAL.encode());
    }

    #[test]
    fn a_call_prints_its_target() {
        let text = "FFA_NOTIFICATION_SET sender=0x0001 receiver=0x8001 global \
                    bitmap=0x8000000000000020";
        assert_eq!(GLOBAL.to_string(), text);
        let flags = NotificationSetFlags::DELAY_SCHEDULE_RECEIVER_INTERRUPT;
        let text = "FFA_NOTIFICATION_SET sender=0x0001 receiver=0x8001 vcpu=3 delay-SRI \
                    bitmap=0x8000000000000020";
        assert_eq!(NotificationSet { vcpu: Some(3), flags, ..GLOBAL }.to_string(), text);
    }
}
