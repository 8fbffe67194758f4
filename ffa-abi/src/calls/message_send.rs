//! `FFA_MSG_SEND2` and, in 1.0, `FFA_MSG_SEND`: a message from the sender's TX to the receiver's RX buffer.
//!
//! ```text
//! MSG_SEND2  w1 [31:16] sender, 0 from a VM [15:0] SBZ
//!            w2 [1] delay the schedule receiver interrupt, other bits MBZ
//! MSG_SEND   w1 [31:16] sender [15:0] receiver   w3 length in bytes   w4 attributes
//! ```

use core::fmt;

use crate::call::{DecodeError, Request, call_regs, must_be_zero};
use crate::completion::{Completion, write_call};
use crate::function::FunctionId;
use crate::id::EndpointId;
use crate::regs::Regs;
use crate::reply::{CallError, Empty, Reply, ReplyError, Success};
use crate::target::{endpoint_bits, endpoints};
use crate::version::Version;

/// `FFA_MSG_SEND2`: sends what the header in the TX buffer describes (1.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MessageSend2 {
    /// w1\[31:16\]: the sending VM, from a hypervisor to the SPMC; [`EndpointId::HYPERVISOR`], that is
    /// 0, from a VM.
    pub sender: EndpointId,
    /// w2\[1\]: no schedule receiver interrupt now; it comes with a later event.
    pub delays_schedule_receiver_interrupt: bool,
}

/// `FFA_MSG_SEND`: sends the first bytes of the TX buffer; also the answer that tells a receiver of
/// them (1.0 only).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MessageSend {
    /// w1\[31:16\].
    pub sender: EndpointId,
    /// w1\[15:0\].
    pub receiver: EndpointId,
    /// w3: how many bytes, as the sender says.
    pub length: u32,
    /// w4: bit 0 asks to be notified when a receiver that is busy now can receive; as it stands.
    pub attributes: u32,
}

impl MessageSend2 {
    const DELAY_SCHEDULE_RECEIVER_INTERRUPT: u32 = 1 << 1;
}

impl Request for MessageSend2 {
    type Reply = Empty;

    fn encode(&self) -> Regs {
        let delays = self.delays_schedule_receiver_interrupt;
        let flags = if delays { Self::DELAY_SCHEDULE_RECEIVER_INTERRUPT } else { 0 };
        call_regs(FunctionId::MSG_SEND2, [u64::from(self.sender.0) << 16, flags.into()])
    }

    #[inline(always)]
    fn decode(function: FunctionId, regs: &Regs, _: Version) -> Result<Self, DecodeError> {
        must_be_zero(function, "w2[31:2]", regs.w(2) >> 2)?;
        must_be_zero(function, "w2[0]", regs.w(2) & 1)?;
        let (sender, _) = endpoints(regs);
        let delays = regs.w(2) & Self::DELAY_SCHEDULE_RECEIVER_INTERRUPT != 0;
        Ok(MessageSend2 { sender, delays_schedule_receiver_interrupt: delays })
    }
}

impl Request for MessageSend {
    type Reply = Empty;

    fn encode(&self) -> Regs {
        let ids = endpoint_bits(self.sender, self.receiver);
        call_regs(FunctionId::MSG_SEND, [ids, 0, self.length.into(), self.attributes.into()])
    }

    #[inline(always)]
    fn decode(function: FunctionId, regs: &Regs, version: Version) -> Result<Self, DecodeError> {
        Ok(MessageSend::parse(function, regs, version))
    }
}

impl Completion for MessageSend {
    fn parse(_: FunctionId, regs: &Regs, _: Version) -> Self {
        let (sender, receiver) = endpoints(regs);
        MessageSend { sender, receiver, length: regs.w(3), attributes: regs.w(4) }
    }
}

/// As the answer to `FFA_MSG_POLL`.
impl Reply for MessageSend {
    fn write(&self, regs: &mut Regs) {
        write_call(self, regs);
    }

    fn read(regs: &Regs, _: Version) -> Result<Self, CallError> {
        if regs.w(0) == FunctionId::MSG_SEND.bits() {
            return Ok(MessageSend::parse(FunctionId::MSG_SEND, regs, Version::V1_0));
        }
        Success::check(regs)?;
        Err(CallError::Reply(ReplyError::UnexpectedFunction(regs.w(0))))
    }
}

impl fmt::Display for MessageSend2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FFA_MSG_SEND2")?;
        self.sender.show_named(f, "sender")?;
        f.write_str(if self.delays_schedule_receiver_interrupt { " delay-SRI" } else { "" })
    }
}

impl fmt::Display for MessageSend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MessageSend { sender, receiver, length, attributes } = self;
        write!(f, "FFA_MSG_SEND sender={sender} receiver={receiver} length={length}")?;
        write!(f, " attributes={attributes:#x}")
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::ToString;

    use super::*;
    use crate::call::Call;

    #[test]
    fn a_message_is_sent_by_the_registers_of_the_linux_driver() {
        // Linux: a1 = 0, a2 = 0.
        let mut regs = Regs::ZERO;
        regs.set(0, 0x8400_0086_u64);
        let send = MessageSend2 {
            sender: EndpointId::HYPERVISOR,
            delays_schedule_receiver_interrupt: false,
        };
        assert_eq!(Call::decode(&regs, Version::V1_1), Ok(Call::MessageSend2(send)));
        assert_eq!(send.encode(), regs);
    }

    #[test]
    fn sender_and_flag_have_their_bits() {
        let send =
            MessageSend2 { sender: EndpointId(0xfeed), delays_schedule_receiver_interrupt: true };
        assert_eq!(send.encode().0[..4], [0x8400_0086, 0xfeed_0000, 2, 0]);
        let mut regs = send.encode();
        regs.set(1, 0xf_feed_1234_u64);
        assert_eq!(Call::decode(&regs, Version::V1_2), Ok(Call::MessageSend2(send)));
        assert_eq!(send.to_string(), "FFA_MSG_SEND2 sender=0xfeed delay-SRI");
    }

    #[test]
    fn other_flags_are_refused() {
        let function = FunctionId::MSG_SEND2;
        for (w2, field) in [(1_u64, "w2[0]"), (4, "w2[31:2]"), (0x8000_0000, "w2[31:2]")] {
            let regs = call_regs(function, [0, w2]);
            let reserved = DecodeError::Reserved { function, field };
            assert_eq!(Call::decode(&regs, Version::V1_1), Err(reserved));
        }
    }

    #[test]
    fn a_message_of_1_0_carries_its_length() {
        let send = MessageSend {
            sender: EndpointId(1),
            receiver: EndpointId(2),
            length: 0x1000,
            attributes: 1,
        };
        assert_eq!(send.encode().0[..6], [0x8400_006e, 0x1_0002, 0, 0x1000, 1, 0]);
        let decoded = Call::decode(&send.encode(), Version::V1_0);
        assert_eq!(decoded, Ok(Call::MessageSend(send)));
        let text = "FFA_MSG_SEND sender=0x0001 receiver=0x0002 length=4096 attributes=0x1";
        assert_eq!(send.to_string(), text);
    }
}
