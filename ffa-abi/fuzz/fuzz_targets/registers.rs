//! Calls and replies: `[version] [what answers] [x0..x17]`. Each input is decoded as every call, and
//! read as every reply that the function of its second byte can be.
#![no_main]

use std::fmt::Debug;

use ffa_abi::{
    Call, ConsoleLogReply, DecodeError, DirectRequest2Reply, DirectRequestReply, Empty,
    EndpointIdReply, FUNCTIONS, FeaturesReply, FfaError, FfaSuccess, FunctionId, MemFragRx,
    MemFragTx, MemFragTxReply, MemOpPause, MemOpResume, MemOpResumeReply, MemPermGetReply,
    MemReleaseReply, MemRetrieveReply, MemRetrieveResp, MemSendReply, MemoryHandleReply,
    MessageSend, NoReply, NonSecureResourceInfoGetReply, NotificationGetReply,
    NotificationInfoGetReply, PartitionInfoGetRegsReply, PartitionInfoGetReply, Regs, Reply,
    Request, RunReply, Version, VersionReply, WaitReply, YieldReply,
};
use ffa_abi_fuzz::meaning::meant;
use ffa_abi_fuzz::{Input, said, shown};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let (version, answerer) = (input.version(), usize::from(input.byte()));
    let regs = input.regs();
    let answer = match FUNCTIONS.get(answerer) {
        Some(function) => called(function.id.bits(), regs),
        None => regs,
    };
    for function in FUNCTIONS {
        call(&called(function.id.bits(), regs), &answer, version);
    }
    call(&regs, &answer, version);
    replies(&answer, version);
});

/// Another w0; x0\[63:32\] stays, and is to be ignored.
fn called(w0: u32, mut regs: Regs) -> Regs {
    regs.set(0, regs.x(0) >> 32 << 32 | u64::from(w0));
    regs
}

fn call(regs: &Regs, answer: &Regs, version: Version) {
    let function = FunctionId::from_bits(regs.w(0));
    let call = match Call::decode(regs, version) {
        Ok(call) => call,
        Err(error) => return refused(error, function),
    };
    let encoded = call.encode();
    assert_eq!(Call::decode(&encoded, version), Ok(call));
    assert_eq!(Some(encoded), function.map(|function| meant(function, regs, version)), "{call}");
    shown(&call);
    said(format_args!("{}", call.display_reply(answer, version)));
    reply(&call, answer, version);
}

fn refused(error: DecodeError, called: Option<FunctionId>) {
    said(format_args!("{error}"));
    match error {
        DecodeError::NotFfa => assert_eq!(called, None),
        DecodeError::Unknown(function)
        | DecodeError::NotInVersion { function, .. }
        | DecodeError::Reserved { function, .. } => assert_eq!(called, Some(function)),
    }
}

/// Replies that only their request can read in full.
fn reply(call: &Call, regs: &Regs, version: Version) {
    match call {
        Call::PartitionInfoGetRegs(request) => replies_to(request, regs, version),
        Call::NotificationGet(request) => replies_to(request, regs, version),
        Call::MemPermGet(request) => replies_to(request, regs, version),
        Call::NotificationInfoGet(request) => replies_to(request, regs, version),
        Call::ConsoleLog(request) => replies_to(request, regs, version),
        Call::DirectRequest(request) => replies_to(request, regs, version),
        Call::DirectRequest2(request) => replies_to(request, regs, version),
        Call::Run(request) => replies_to(request, regs, version),
        Call::MessageWait(request) => replies_to(request, regs, version),
        _ => {}
    }
}

fn replies_to<R: Request<Reply: PartialEq + Debug>>(request: &R, regs: &Regs, version: Version) {
    comes_back(regs, version, |regs| request.reply(regs, version).ok());
}

fn replies(regs: &Regs, version: Version) {
    macro_rules! each {
        ($($reply:ty)*) => { $(comes_back(regs, version, |regs| <$reply>::read(regs, version).ok());)* };
    }
    each! {
        VersionReply FeaturesReply EndpointIdReply Empty FfaError FfaSuccess NoReply
        PartitionInfoGetReply PartitionInfoGetRegsReply
        MemoryHandleReply MemSendReply MemRetrieveReply MemRetrieveResp MemReleaseReply
        MemFragRx MemFragTx MemFragTxReply MemOpPause MemOpResume MemOpResumeReply MemPermGetReply
        NotificationGetReply NotificationInfoGetReply ConsoleLogReply NonSecureResourceInfoGetReply
        MessageSend DirectRequestReply DirectRequest2Reply RunReply WaitReply YieldReply
    }
}

/// A reply that `regs` hold is the same after it was written. It writes no bit that was not there,
/// and leaves x8..x17 alone where its function does not use them.
fn comes_back<R: Reply + PartialEq + Debug>(
    regs: &Regs,
    version: Version,
    read: impl Fn(&Regs) -> Option<R>,
) {
    let Some(reply) = read(regs) else { return };
    shown(&reply);
    let (mut over_ones, mut over_zeros) = (Regs([u64::MAX; 18]), Regs::ZERO);
    reply.write(&mut over_ones);
    reply.write(&mut over_zeros);
    assert_eq!(read(&over_ones).as_ref(), Some(&reply));
    assert_eq!(read(&over_zeros), Some(reply));
    let adds = (1..18).any(|index| over_zeros.x(index) & !regs.x(index) != 0);
    assert!(!adds || are_shortened(regs, &over_zeros), "{over_zeros:?}");
    assert_eq!(over_ones.0[..8], over_zeros.0[..8]);
    let function = FunctionId::from_bits(over_ones.w(0)).and_then(FunctionId::function);
    let uses_all = function.is_some_and(|function| function.registers == 18);
    let uses_all = uses_all && version >= Version::V1_2;
    assert!(uses_all || over_ones.0[8..] == [u64::MAX; 10], "{over_ones:?}");
}

/// Whether these are longer partition descriptors of a later version, which are written again as
/// those of 24 bytes and so move to other registers.
fn are_shortened(regs: &Regs, written: &Regs) -> bool {
    let size = |regs: &Regs| regs.x(2) >> 48;
    written.w(0) == FunctionId::SUCCESS_64.bits() && size(written) == 24 && size(regs) > 24
}
