//! Nothing that a register can hold panics, and what decodes encodes to what it meant.
#![allow(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "a test")]

mod common;

use common::{Random, reads_back};
use ffa_abi::{
    Call, ConsoleLogReply, DecodeError, DirectRequest2Reply, DirectRequestReply, Empty,
    EndpointIdReply, FUNCTIONS, FeaturesReply, FfaError, FfaSuccess, FunctionId, MessageSend,
    NoReply, NonSecureResourceInfoGetReply, PartitionInfoGetRegsReply, PartitionInfoGetReply, Regs,
    RunReply, Version, VersionReply, WaitReply, YieldReply,
};

impl Random {
    /// Zero, a small number, one bit, all ones, or anything.
    fn register(&mut self) -> u64 {
        let value = self.next();
        match self.next() % 6 {
            0 => 0,
            1 => value % 64,
            2 => 1 << (value % 64),
            3 => u64::MAX,
            4 => value % 0x1_0000_0000,
            _ => value,
        }
    }

    fn regs(&mut self) -> Regs {
        let mut regs = Regs(std::array::from_fn(|_| self.register()));
        if self.next() % 8 != 0 {
            let row = self.next() % FUNCTIONS.len() as u64;
            regs.set(0, FUNCTIONS[row as usize].id.bits());
        }
        regs
    }

    fn version(&mut self) -> Version {
        [Version::V1_0, Version::V1_1, Version::V1_2, Version::V1_3][(self.next() % 4) as usize]
    }
}

#[test]
fn any_registers_decode_or_are_refused_and_calls_survive_a_round_trip() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut calls = 0;
    for _ in 0..400_000 {
        let (regs, version) = (random.regs(), random.version());
        match Call::decode(&regs, version) {
            Ok(call) => {
                calls += 1;
                assert_eq!(Call::decode(&call.encode(), version), Ok(call), "{regs:?}");
                assert!(!format!("{call} {call:?}").is_empty());
            }
            Err(DecodeError::NotFfa) => assert_eq!(FunctionId::from_bits(regs.w(0)), None),
            Err(error) => assert!(format!("{error}").starts_with("FFA_"), "{error}"),
        }
    }
    assert!(calls > 20_000, "only {calls} of the random calls were calls");
}

#[test]
fn any_registers_read_as_a_reply_or_are_refused_and_replies_survive_a_round_trip() {
    let mut random = Random(0x0123_4567_89ab_cdef);
    let mut replies = 0;
    for _ in 0..200_000 {
        let regs = random.regs();
        let read = [
            reads_back::<VersionReply>(&regs),
            reads_back::<FeaturesReply>(&regs),
            reads_back::<EndpointIdReply>(&regs),
            reads_back::<Empty>(&regs),
            reads_back::<PartitionInfoGetReply>(&regs),
            reads_back::<PartitionInfoGetRegsReply>(&regs),
            reads_back::<FfaError>(&regs),
            reads_back::<FfaSuccess>(&regs),
            reads_back::<NoReply>(&regs),
            reads_back::<ConsoleLogReply>(&regs),
            reads_back::<NonSecureResourceInfoGetReply>(&regs),
            reads_back::<MessageSend>(&regs),
            reads_back::<DirectRequestReply>(&regs),
            reads_back::<DirectRequest2Reply>(&regs),
            reads_back::<RunReply>(&regs),
            reads_back::<WaitReply>(&regs),
            reads_back::<YieldReply>(&regs),
        ];
        replies += read.iter().filter(|read| **read).count();
    }
    assert!(replies > 10_000, "only {replies} of the random replies were replies");
}
