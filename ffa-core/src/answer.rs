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

/// The registers that answer a call which came with `regs`.
pub(crate) fn to_regs(answer: Result<Answer, Refusal>, regs: &Regs) -> Regs {
    let mut reply = *regs;
    match answer {
        Ok(answer) => answer.write(&mut reply),
        Err(refusal) => write_error(&mut reply, refusal.status()),
    }
    reply
}
