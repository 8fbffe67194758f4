//! `FFA_NOTIFICATION_GET` (1.1): takes the caller's pending notifications.
//!
//! ```text
//! call   w1  [31:16] vCPU  [15:0] receiver, the caller
//!        w2  [0] from SPs  [1] from VMs  [2] from the SPM  [3] from the hypervisor
//!            [31:4] must be zero
//! reply  w2, w3  from SPs   w4, w5  from VMs   w6  from the SPM   w7  from the hypervisor
//! ```

use core::fmt;

use bitflags::bitflags;

use crate::call::{DecodeError, Request, call_regs, must_be_zero};
use crate::function::FunctionId;
use crate::id::EndpointId;
use crate::notifications::{FrameworkNotifications, Notifications};
use crate::regs::Regs;
use crate::reply::{CallError, Reply, ReplyError, Success, write_success};
use crate::target::halves;
use crate::version::Version;

bitflags! {
    /// w2 of the call: which bitmaps are wanted. Bits that are not defined are refused when decoding
    /// and not written when encoding.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct NotificationGetFlags: u32 {
        /// Those that secure partitions set.
        const SECURE_PARTITIONS = 1 << 0;
        /// Those that VMs set.
        const VMS = 1 << 1;
        /// Those of the framework that the SPM sets.
        const SPM_FRAMEWORK = 1 << 2;
        /// Those of the framework that the hypervisor sets.
        const HYPERVISOR_FRAMEWORK = 1 << 3;
    }
}

/// `FFA_NOTIFICATION_GET`: w1 vCPU and receiver, w2 flags.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotificationGet {
    /// w1\[15:0\]: whose notifications, the caller's.
    pub receiver: EndpointId,
    /// w1\[31:16\]: for which of its vCPUs; global notifications go to any.
    pub vcpu: u16,
    /// w2: which bitmaps.
    pub flags: NotificationGetFlags,
}

/// w2..w7: the bitmaps. One that was not asked for is zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct NotificationGetReply {
    /// w2, w3: set by secure partitions.
    pub secure_partitions: Notifications,
    /// w4, w5: set by VMs.
    pub vms: Notifications,
    /// w6: set by the SPM.
    pub spm: FrameworkNotifications,
    /// w7: set by the hypervisor.
    pub hypervisor: FrameworkNotifications,
}

impl Request for NotificationGet {
    type Reply = NotificationGetReply;

    fn encode(&self) -> Regs {
        let flags = self.flags & NotificationGetFlags::all();
        let arguments = [halves(self.vcpu, self.receiver.0), flags.bits()];
        call_regs(FunctionId::NOTIFICATION_GET, arguments.map(u64::from))
    }

    #[inline(always)]
    fn decode(function: FunctionId, regs: &Regs, _: Version) -> Result<Self, DecodeError> {
        let flags = NotificationGetFlags::from_bits_retain(regs.w(2));
        must_be_zero(function, "w2[31:4]", (flags - NotificationGetFlags::all()).bits())?;
        let receiver = EndpointId(regs.half(1));
        Ok(NotificationGet { receiver, vcpu: regs.upper_half(1), flags })
    }

    /// Also checks that nothing is pending that was not asked for: who passes notifications on would
    /// let the callee speak for others.
    fn reply(&self, regs: &Regs, version: Version) -> Result<NotificationGetReply, CallError> {
        let reply = NotificationGetReply::read(regs, version)?;
        if self.flags.contains(reply.senders()) {
            return Ok(reply);
        }
        Err(CallError::Reply(ReplyError::OutOfRange("bitmap that was not asked for")))
    }
}

impl NotificationGetReply {
    /// From whom something is pending.
    #[must_use]
    pub fn senders(&self) -> NotificationGetFlags {
        let flag =
            |is_empty: bool, flag| if is_empty { NotificationGetFlags::empty() } else { flag };
        flag(self.secure_partitions.is_empty(), NotificationGetFlags::SECURE_PARTITIONS)
            | flag(self.vms.is_empty(), NotificationGetFlags::VMS)
            | flag(self.spm.is_empty(), NotificationGetFlags::SPM_FRAMEWORK)
            | flag(self.hypervisor.is_empty(), NotificationGetFlags::HYPERVISOR_FRAMEWORK)
    }
}

impl Reply for NotificationGetReply {
    fn write(&self, regs: &mut Regs) {
        let (low, high) = self.secure_partitions.words();
        write_success(regs, low, high);
        let (low, high) = self.vms.words();
        regs.set(4, low);
        regs.set(5, high);
        regs.set(6, self.spm.bits());
        regs.set(7, self.hypervisor.bits());
    }

    fn read(regs: &Regs, _: Version) -> Result<Self, CallError> {
        let regs = Success::check(regs)?.regs();
        Ok(NotificationGetReply {
            secure_partitions: Notifications::from_words(regs.w(2), regs.w(3)),
            vms: Notifications::from_words(regs.w(4), regs.w(5)),
            spm: FrameworkNotifications::from_bits_retain(regs.w(6)),
            hypervisor: FrameworkNotifications::from_bits_retain(regs.w(7)),
        })
    }
}

impl fmt::Display for NotificationGet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NotificationGet { receiver, vcpu, flags } = self;
        write!(f, "FFA_NOTIFICATION_GET receiver={receiver} vcpu={vcpu} from=")?;
        let names = [
            (NotificationGetFlags::SECURE_PARTITIONS, "SPs"),
            (NotificationGetFlags::VMS, "VMs"),
            (NotificationGetFlags::SPM_FRAMEWORK, "SPM"),
            (NotificationGetFlags::HYPERVISOR_FRAMEWORK, "hypervisor"),
        ];
        let mut separator = "";
        for (flag, name) in names {
            if flags.contains(flag) {
                write!(f, "{separator}{name}")?;
                separator = ",";
            }
        }
        if separator.is_empty() { f.write_str("nobody") } else { Ok(()) }
    }
}

impl fmt::Display for NotificationGetReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NotificationGetReply { secure_partitions, vms, spm, hypervisor } = self;
        write!(f, "SUCCESS SPs={secure_partitions} VMs={vms} ")?;
        write!(f, "SPM={:#x} hypervisor={:#x}", spm.bits(), hypervisor.bits())
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::call::Call;
    use std::string::ToString;

    const CALL: NotificationGet = NotificationGet {
        receiver: EndpointId(1),
        vcpu: 3,
        flags: NotificationGetFlags::SECURE_PARTITIONS.union(NotificationGetFlags::SPM_FRAMEWORK),
    };

    #[test]
    fn a_recorded_call_decodes() {
        // Linux 6.12: 84000082 w1=(vcpu<<16|self) w2=5.
        let regs = call_regs(FunctionId::NOTIFICATION_GET, [0x0003_0001, 5]);
        assert_eq!(CALL.encode(), regs);
        assert_eq!(Call::decode(&regs, Version::V1_1), Ok(Call::NotificationGet(CALL)));
        let text = "FFA_NOTIFICATION_GET receiver=0x0001 vcpu=3 from=SPs,SPM";
        assert_eq!(CALL.to_string(), text);
        let none = NotificationGet { flags: NotificationGetFlags::empty(), ..CALL };
        assert_eq!(none.to_string(), "FFA_NOTIFICATION_GET receiver=0x0001 vcpu=3 from=nobody");
    }

    #[test]
    fn each_flag_has_its_bit() {
        let flags = [
            NotificationGetFlags::SECURE_PARTITIONS,
            NotificationGetFlags::VMS,
            NotificationGetFlags::SPM_FRAMEWORK,
            NotificationGetFlags::HYPERVISOR_FRAMEWORK,
        ];
        for (flags, w2) in flags.into_iter().zip([1, 2, 4, 8]) {
            assert_eq!(NotificationGet { flags, ..CALL }.encode().x(2), w2);
        }
    }

    #[test]
    fn reserved_bits_are_refused_and_not_written() {
        let function = FunctionId::NOTIFICATION_GET;
        for bit in 4..32 {
            let mut regs = CALL.encode();
            regs.set(2, 1_u64 << bit);
            let reserved = DecodeError::Reserved { function, field: "w2[31:4]" };
            assert_eq!(Call::decode(&regs, Version::V1_1), Err(reserved));
            let flags = NotificationGetFlags::from_bits_retain(1 << bit);
            assert_eq!(NotificationGet { flags, ..CALL }.encode().x(2), 0);
        }
    }

    #[test]
    fn a_reply_has_six_words() {
        let reply = NotificationGetReply {
            secure_partitions: Notifications(0x0000_0002_0000_0020),
            vms: Notifications(0x0000_0004_0000_0003),
            spm: FrameworkNotifications::RX_BUFFER_FULL,
            hypervisor: FrameworkNotifications::from_bits_retain(0x8000_0000),
        };
        let mut regs = Regs([u64::MAX; 18]);
        reply.write(&mut regs);
        assert_eq!(regs.0[..8], [0x8400_0061, 0, 0x20, 2, 3, 4, 1, 0x8000_0000]);
        assert_eq!(regs.0[8..], [u64::MAX; 10]);
        assert_eq!(NotificationGetReply::read(&regs, Version::V1_2), Ok(reply));
        let text = "SUCCESS SPs=0x0000000200000020 VMs=0x0000000400000003 SPM=0x1 \
                    hypervisor=0x80000000";
        assert_eq!(reply.to_string(), text);
    }

    #[test]
    fn nothing_is_taken_that_was_not_asked_for() {
        for asked in 0..16 {
            let flags = NotificationGetFlags::from_bits_truncate(asked);
            let call = NotificationGet { flags, ..CALL };
            // w2 to w7: one bit of one of the bitmaps.
            for (word, sender) in [1, 1, 2, 2, 4, 8].into_iter().enumerate() {
                let mut regs = Regs::ZERO;
                regs.set(0, 0x8400_0061_u64);
                regs.set(word + 2, 0x8000_0000_u64);
                let was_asked_for = asked & sender != 0;
                assert_eq!(
                    call.reply(&regs, Version::V1_2).is_ok(),
                    was_asked_for,
                    "{asked} {word}"
                );
            }
        }
    }
}
