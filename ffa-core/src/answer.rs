//! What a handler answers, before it becomes registers.

use ffa_abi::{
    Empty, EndpointIdReply, FeaturesReply, PartitionInfoGetRegsReply, PartitionInfoGetReply, Regs,
    Reply, VersionReply, write_error,
};

use crate::refusal::Refusal;

/// The reply to a call that was served.
pub(crate) enum Answer {
    Version(VersionReply),
    Features(FeaturesReply),
    EndpointId(EndpointIdReply),
    Empty(Empty),
    PartitionInfo(PartitionInfoGetReply),
    PartitionInfoRegs(PartitionInfoGetRegsReply),
}

impl Answer {
    fn write(&self, regs: &mut Regs) {
        match self {
            Answer::Version(reply) => reply.write(regs),
            Answer::Features(reply) => reply.write(regs),
            Answer::EndpointId(reply) => reply.write(regs),
            Answer::Empty(reply) => reply.write(regs),
            Answer::PartitionInfo(reply) => reply.write(regs),
            Answer::PartitionInfoRegs(reply) => reply.write(regs),
        }
    }
}

/// Writes the answer over the registers that the call came with.
pub(crate) fn write(answer: &Result<Answer, Refusal>, regs: &mut Regs) {
    match answer {
        Ok(answer) => answer.write(regs),
        Err(refusal) => write_error(regs, refusal.status()),
    }
}
