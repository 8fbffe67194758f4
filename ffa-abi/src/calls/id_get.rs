//! `FFA_ID_GET` and `FFA_SPM_ID_GET`.

use core::fmt;

use crate::call::{DecodeError, Request, call_regs};
use crate::function::FunctionId;
use crate::id::EndpointId;
use crate::regs::Regs;
use crate::reply::{CallError, Reply, Success, write_success};
use crate::version::Version;

/// `FFA_ID_GET`: asks for the caller's own id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IdGet;

/// `FFA_SPM_ID_GET`: asks for the id of the SPMC (1.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SpmIdGet;

/// w2\[15:0\]: the id asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EndpointIdReply {
    /// The id.
    pub id: EndpointId,
}

impl Request for IdGet {
    type Reply = EndpointIdReply;

    fn encode(&self) -> Regs {
        call_regs(FunctionId::ID_GET, [])
    }

    #[inline(always)]
    fn decode(_: FunctionId, _: &Regs, _: Version) -> Result<Self, DecodeError> {
        Ok(IdGet)
    }
}

impl Request for SpmIdGet {
    type Reply = EndpointIdReply;

    fn encode(&self) -> Regs {
        call_regs(FunctionId::SPM_ID_GET, [])
    }

    #[inline(always)]
    fn decode(_: FunctionId, _: &Regs, _: Version) -> Result<Self, DecodeError> {
        Ok(SpmIdGet)
    }
}

impl Reply for EndpointIdReply {
    fn write(&self, regs: &mut Regs) {
        write_success(regs, self.id.0.into(), 0);
    }

    fn read(regs: &Regs, _: Version) -> Result<Self, CallError> {
        Ok(EndpointIdReply { id: EndpointId(Success::check(regs)?.regs().half(2)) })
    }
}

impl fmt::Display for IdGet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FFA_ID_GET")
    }
}

impl fmt::Display for SpmIdGet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FFA_SPM_ID_GET")
    }
}

impl fmt::Display for EndpointIdReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SUCCESS id={}", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Call;

    #[test]
    fn a_recorded_call_and_its_reply() {
        // Linux 6.12: 84000069 -> w2=1.
        assert_eq!(Call::decode(&IdGet.encode(), Version::V1_1), Ok(Call::IdGet(IdGet)));
        let mut regs = IdGet.encode();
        EndpointIdReply { id: EndpointId(1) }.write(&mut regs);
        assert_eq!(regs.0[..4], [0x8400_0061, 0, 1, 0]);
        assert_eq!(IdGet.reply(&regs, Version::V1_2), Ok(EndpointIdReply { id: EndpointId(1) }));
    }
}
