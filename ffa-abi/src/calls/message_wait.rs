//! `FFA_MSG_WAIT` and, in 1.0, `FFA_MSG_POLL`: a receiver asks for work.
//!
//! ```text
//! MSG_WAIT  w1 MBZ   w2 [0] keep the RX buffer (1.2) [31:1] MBZ, all MBZ before 1.2   w3..w7 MBZ
//! MSG_POLL
//! ```
//!
//! DEN0077, under these names.

use core::fmt;

use crate::call::{DecodeError, Request, call_regs, must_be_zero};
use crate::calls::message_send::MessageSend;
use crate::completion::{Completion, WaitReply};
use crate::form::by_width;
use crate::function::{FunctionId, Width};
use crate::regs::Regs;
use crate::version::Version;

/// `FFA_MSG_WAIT`: gives the CPU back until there is a message, or other work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MessageWait {
    /// The form of the call; 64-bit from 1.3 on.
    pub width: Width,
    /// w2\[0\]: the caller's RX buffer stays its own. Before 1.2 there is no such bit: the call gives
    /// the buffer back.
    pub keeps_rx: bool,
}

/// `FFA_MSG_POLL`: asks whether there is a message, without waiting (1.0 only).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MessagePoll;

impl MessageWait {
    const fn function(self) -> FunctionId {
        by_width(self.width, FunctionId::MSG_WAIT_32, FunctionId::MSG_WAIT_64)
    }
}

impl Request for MessageWait {
    type Reply = WaitReply;

    fn encode(&self) -> Regs {
        call_regs(self.function(), [0, self.keeps_rx.into()])
    }

    #[inline(always)]
    fn decode(function: FunctionId, regs: &Regs, version: Version) -> Result<Self, DecodeError> {
        let zero = [(1, "w1"), (3, "w3"), (4, "w4"), (5, "w5"), (6, "w6"), (7, "w7")];
        for (index, field) in zero {
            must_be_zero(function, field, regs.w(index))?;
        }
        if version < Version::V1_2 {
            must_be_zero(function, "w2", regs.w(2))?;
        }
        must_be_zero(function, "w2[31:1]", regs.w(2) >> 1)?;
        Ok(MessageWait::parse(function, regs, version))
    }
}

impl Completion for MessageWait {
    fn parse(function: FunctionId, regs: &Regs, version: Version) -> Self {
        let keeps_rx = version >= Version::V1_2 && regs.w(2) & 1 != 0;
        MessageWait { width: function.width(), keeps_rx }
    }
}

impl Request for MessagePoll {
    type Reply = MessageSend;

    fn encode(&self) -> Regs {
        call_regs(FunctionId::MSG_POLL, [])
    }

    #[inline(always)]
    fn decode(_: FunctionId, _: &Regs, _: Version) -> Result<Self, DecodeError> {
        Ok(MessagePoll)
    }
}

impl fmt::Display for MessageWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rx = if self.keeps_rx { " keep RX" } else { "" };
        write!(f, "{}{rx}", self.function())
    }
}

impl fmt::Display for MessagePoll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FFA_MSG_POLL")
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::ToString;

    use super::*;
    use crate::call::Call;
    use crate::id::EndpointId;
    use crate::reply::{CallError, Reply, ReplyError};
    use crate::status::Status;

    #[test]
    fn the_rx_buffer_can_be_kept_from_1_2_on() {
        let mut regs = Regs::ZERO;
        regs.0[..3].copy_from_slice(&[0x8400_006b, 0, 1]);
        let wait = MessageWait { width: Width::Bits32, keeps_rx: true };
        assert_eq!(Call::decode(&regs, Version::V1_2), Ok(Call::MessageWait(wait)));
        assert_eq!(wait.encode(), regs);
        let function = FunctionId::MSG_WAIT_32;
        let reserved = DecodeError::Reserved { function, field: "w2" };
        assert_eq!(Call::decode(&regs, Version::V1_1), Err(reserved));
        regs.set(2, 0_u64);
        let wait = MessageWait { keeps_rx: false, ..wait };
        assert_eq!(Call::decode(&regs, Version::V1_0), Ok(Call::MessageWait(wait)));
    }

    #[test]
    fn what_must_be_zero_is_refused() {
        for width in [Width::Bits32, Width::Bits64] {
            let wait = MessageWait { width, keeps_rx: true };
            let zero = [(1, "w1"), (3, "w3"), (4, "w4"), (5, "w5"), (6, "w6"), (7, "w7")];
            for (index, field) in zero.into_iter().chain([(2, "w2[31:1]")]) {
                let mut regs = wait.encode();
                regs.set(index, 0x8000_0001_u64);
                let reserved = DecodeError::Reserved { function: wait.function(), field };
                assert_eq!(Call::decode(&regs, Version::V1_3), Err(reserved));
                regs.set(index, 1_u64 << 32 | wait.encode().x(index));
                assert_eq!(Call::decode(&regs, Version::V1_3), Ok(Call::MessageWait(wait)));
            }
        }
    }

    #[test]
    fn a_poll_is_answered_with_a_message_or_an_error() {
        assert_eq!(MessagePoll.encode().0[..2], [0x8400_006a, 0]);
        let decoded = Call::decode(&MessagePoll.encode(), Version::V1_0);
        assert_eq!(decoded, Ok(Call::MessagePoll(MessagePoll)));
        let message = MessageSend {
            sender: EndpointId(1),
            receiver: EndpointId(2),
            length: 64,
            attributes: 0,
        };
        let mut regs = Regs([9; 18]);
        message.write(&mut regs);
        assert_eq!(regs.0[..8], [0x8400_006e, 0x1_0002, 0, 64, 0, 0, 0, 0]);
        assert_eq!(regs.0[8..], [9; 10]);
        assert_eq!(MessagePoll.reply(&regs, Version::V1_0), Ok(message));
        crate::reply::write_error(&mut regs, Status::RETRY);
        assert_eq!(MessagePoll.reply(&regs, Version::V1_0), Err(CallError::Status(Status::RETRY)));
        regs.set(0, FunctionId::SUCCESS_32.bits());
        let unexpected = ReplyError::UnexpectedFunction(0x8400_0061);
        assert_eq!(MessagePoll.reply(&regs, Version::V1_0), Err(CallError::Reply(unexpected)));
    }

    #[test]
    fn a_wait_says_whether_it_keeps_the_buffer() {
        let wait = MessageWait { width: Width::Bits32, keeps_rx: true };
        assert_eq!(wait.to_string(), "FFA_MSG_WAIT keep RX");
        let wait = MessageWait { width: Width::Bits64, keeps_rx: false };
        assert_eq!(wait.to_string(), "FFA_MSG_WAIT_64");
    }

    #[test]
    fn a_poll_is_answered_with_a_message_in_1_0_only() {
        let mut regs = Regs::ZERO;
        regs.set(0, FunctionId::MSG_SEND.bits());
        assert!(MessagePoll.reply(&regs, Version::V1_0).is_ok());
        let unexpected = CallError::Reply(ReplyError::UnexpectedFunction(0x8400_006e));
        assert_eq!(MessagePoll.reply(&regs, Version::V1_1), Err(unexpected));
    }
}
