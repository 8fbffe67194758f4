//! `FFA_MSG_SEND_DIRECT_REQ2` and `FFA_MSG_SEND_DIRECT_RESP2` (1.2).
//!
//! ```text
//! request   x1 [31:16] sender [15:0] receiver   x2, x3 UUID   x4..x17 payload
//! response  x1 [31:16] sender [15:0] receiver   x2, x3 MBZ    x4..x17 payload
//! ```

use core::fmt;

use crate::call::{DecodeError, Request, call_regs, must_be_zero};
use crate::completion::{Completion, DirectRequest2Reply, WaitReply};
use crate::form::{show_registers, write_from};
use crate::function::FunctionId;
use crate::id::EndpointId;
use crate::regs::Regs;
use crate::reply::{CallError, Reply, ReplyError};
use crate::target::{endpoint_bits, endpoints};
use crate::uuid::Uuid;
use crate::version::Version;

/// How many registers of payload a message has: x4..x17.
pub const DIRECT2_REGISTERS: usize = 14;

const FIRST_REGISTER: usize = 4;

/// `FFA_MSG_SEND_DIRECT_REQ2`: a message to one of the services of a partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DirectRequest2 {
    /// x1\[31:16\].
    pub sender: EndpointId,
    /// x1\[15:0\].
    pub receiver: EndpointId,
    /// x2, x3: the service; [`Uuid::NIL`] for the partition as a whole.
    pub uuid: Uuid,
    /// x4..x17.
    pub payload: [u64; DIRECT2_REGISTERS],
}

/// `FFA_MSG_SEND_DIRECT_RESP2`: the receiver's answer, as a call of its own and as the sender's reply.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DirectResponse2 {
    /// x1\[31:16\]: the receiver of the request.
    pub sender: EndpointId,
    /// x1\[15:0\]: the sender of the request.
    pub receiver: EndpointId,
    /// x4..x17.
    pub payload: [u64; DIRECT2_REGISTERS],
}

impl DirectRequest2 {
    /// The response to this request that carries `payload`.
    #[must_use]
    pub const fn respond(&self, payload: [u64; DIRECT2_REGISTERS]) -> DirectResponse2 {
        DirectResponse2 { sender: self.receiver, receiver: self.sender, payload }
    }
}

impl DirectResponse2 {
    /// Whether it goes from the request's receiver to its sender.
    #[must_use]
    pub fn answers(&self, request: &DirectRequest2) -> bool {
        self.sender == request.receiver && self.receiver == request.sender
    }
}

impl Request for DirectRequest2 {
    type Reply = DirectRequest2Reply;

    fn encode(&self) -> Regs {
        let [x2, x3] = self.uuid.double_words();
        let ids = endpoint_bits(self.sender, self.receiver);
        encode(FunctionId::MSG_SEND_DIRECT_REQ2, [ids, x2, x3], &self.payload)
    }

    #[inline(always)]
    fn decode(function: FunctionId, regs: &Regs, version: Version) -> Result<Self, DecodeError> {
        Ok(DirectRequest2::parse(function, regs, version))
    }

    /// Also checks that a response answers this request: by [`DirectResponse2::answers`].
    fn reply(&self, regs: &Regs, version: Version) -> Result<DirectRequest2Reply, CallError> {
        let reply = DirectRequest2Reply::read(regs, version)?;
        match reply {
            DirectRequest2Reply::Response(response) if !response.answers(self) => {
                Err(CallError::Reply(ReplyError::OutOfRange("sender or receiver")))
            }
            _ => Ok(reply),
        }
    }
}

impl Request for DirectResponse2 {
    type Reply = WaitReply;

    fn encode(&self) -> Regs {
        let ids = endpoint_bits(self.sender, self.receiver);
        encode(FunctionId::MSG_SEND_DIRECT_RESP2, [ids, 0, 0], &self.payload)
    }

    #[inline(always)]
    fn decode(function: FunctionId, regs: &Regs, version: Version) -> Result<Self, DecodeError> {
        must_be_zero(function, "x2", regs.x(2))?;
        must_be_zero(function, "x3", regs.x(3))?;
        Ok(DirectResponse2::parse(function, regs, version))
    }
}

impl Completion for DirectRequest2 {
    #[inline(always)]
    fn parse(_: FunctionId, regs: &Regs, _: Version) -> Self {
        let (sender, receiver) = endpoints(regs);
        let uuid = Uuid::from_double_words([regs.x(2), regs.x(3)]);
        DirectRequest2 { sender, receiver, uuid, payload: payload(regs) }
    }

    fn is_extended(&self) -> bool {
        true
    }
}

impl Completion for DirectResponse2 {
    #[inline(always)]
    fn parse(_: FunctionId, regs: &Regs, _: Version) -> Self {
        let (sender, receiver) = endpoints(regs);
        DirectResponse2 { sender, receiver, payload: payload(regs) }
    }

    fn is_extended(&self) -> bool {
        true
    }
}

fn payload(regs: &Regs) -> [u64; DIRECT2_REGISTERS] {
    core::array::from_fn(|index| regs.x(FIRST_REGISTER + index))
}

fn encode(function: FunctionId, first: [u64; 3], payload: &[u64; DIRECT2_REGISTERS]) -> Regs {
    let mut regs = call_regs(function, first);
    write_from(FIRST_REGISTER, payload, &mut regs);
    regs
}

impl fmt::Display for DirectRequest2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DirectRequest2 { sender, receiver, uuid, payload } = self;
        write!(f, "FFA_MSG_SEND_DIRECT_REQ2 sender={sender} receiver={receiver} uuid={uuid}")?;
        f.write_str(" payload=")?;
        show_registers(f, payload.iter().copied())
    }
}

impl fmt::Display for DirectResponse2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DirectResponse2 { sender, receiver, payload } = self;
        write!(f, "FFA_MSG_SEND_DIRECT_RESP2 sender={sender} receiver={receiver} payload=")?;
        show_registers(f, payload.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::ToString;

    use super::*;
    use crate::call::Call;
    use crate::reply::Reply;

    const PAYLOAD: [u64; 14] = [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, u64::MAX];

    fn request() -> DirectRequest2 {
        DirectRequest2 {
            sender: EndpointId(0x1234),
            receiver: EndpointId(0x8001),
            uuid: "a1a2a3a4-b1b2-c1c2-d1d2-d3d4d5d6d7d8".parse().unwrap(),
            payload: PAYLOAD,
        }
    }

    #[test]
    fn a_request_fills_all_registers() {
        let mut regs = Regs::ZERO;
        let first = [0xc400_008d, 0x1234_8001, 0xc2c1_b2b1_a4a3_a2a1, 0xd8d7_d6d5_d4d3_d2d1];
        regs.0[..4].copy_from_slice(&first);
        regs.0[4..].copy_from_slice(&PAYLOAD);
        assert_eq!(request().encode(), regs);
        assert_eq!(Call::decode(&regs, Version::V1_2), Ok(Call::DirectRequest2(request())));
    }

    #[test]
    fn a_response_has_zeros_where_the_request_has_its_uuid() {
        let response = request().respond(PAYLOAD);
        let mut regs = response.encode();
        assert_eq!(regs.0[..4], [0xc400_008e, 0x8001_1234, 0, 0]);
        assert_eq!(regs.0[4..], PAYLOAD);
        assert_eq!(Call::decode(&regs, Version::V1_2), Ok(Call::DirectResponse2(response)));
        let function = FunctionId::MSG_SEND_DIRECT_RESP2;
        for (index, field) in [(2, "x2"), (3, "x3")] {
            regs.set(index, 1_u64 << 63);
            let reserved = DecodeError::Reserved { function, field };
            assert_eq!(Call::decode(&regs, Version::V1_2), Err(reserved));
            regs.set(index, 0_u64);
        }
    }

    #[test]
    fn a_response_is_the_reply_to_its_request_only() {
        let response = request().respond(PAYLOAD);
        let mut regs = request().encode();
        DirectRequest2Reply::Response(response).write(&mut regs);
        assert_eq!(
            request().reply(&regs, Version::V1_2),
            Ok(DirectRequest2Reply::Response(response))
        );
        regs.set(1, 0x8001_1235_u64);
        let error = CallError::Reply(ReplyError::OutOfRange("sender or receiver"));
        assert_eq!(request().reply(&regs, Version::V1_2), Err(error));
        regs.set(0, FunctionId::MSG_SEND_DIRECT_RESP_64.bits());
        let error = CallError::Reply(ReplyError::UnexpectedFunction(0xc400_0070));
        assert_eq!(request().reply(&regs, Version::V1_2), Err(error));
    }

    #[test]
    fn messages_are_shown_whole() {
        let text = "FFA_MSG_SEND_DIRECT_REQ2 sender=0x1234 receiver=0x8001 \
                    uuid=a1a2a3a4-b1b2-c1c2-d1d2-d3d4d5d6d7d8 payload=[0x1]";
        let mut payload = [0; 14];
        payload[0] = 1;
        assert_eq!(DirectRequest2 { payload, ..request() }.to_string(), text);
        let text = "FFA_MSG_SEND_DIRECT_RESP2 sender=0x8001 receiver=0x1234 payload=[]";
        assert_eq!(request().respond([0; 14]).to_string(), text);
    }
}
