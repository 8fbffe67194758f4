//! What every reply must look like, whatever was asked.

use ffa_abi::{FunctionId, Regs, Status};
use ffa_core::Outcome;

const ERROR: u64 = 0x8400_0060;
const SUCCESS_32: u64 = 0x8400_0061;
const SUCCESS_64: u64 = 0xc400_0061;
const VERSION: u32 = 0x8400_0063;
const NOTIFICATION_GET: u32 = 0x8400_0082;
const NOTIFICATION_INFO_GET_32: u32 = 0x8400_0083;
const NOTIFICATION_INFO_GET_64: u32 = 0xc400_0083;
const PARTITION_INFO_GET_REGS: u32 = 0xc400_008b;
const OUR_VERSION: u64 = 0x1_0002;

/// The reply to `regs` keeps the calling convention, or what is wrong with it.
pub(crate) fn check(regs: &Regs, outcome: &Outcome) -> Result<(), &'static str> {
    let is_ffa = FunctionId::from_bits(regs.w(0)).is_some();
    match outcome {
        Outcome::NotFfa if is_ffa => Err("an FF-A id that is not FF-A's"),
        Outcome::NotFfa => Ok(()),
        Outcome::Reply(_) if !is_ffa => Err("a foreign id was answered"),
        Outcome::Reply(reply) if regs.w(0) == VERSION => check_version(regs, reply),
        Outcome::Reply(reply) => check_reply(regs, reply),
    }
}

fn check_version(regs: &Regs, reply: &Regs) -> Result<(), &'static str> {
    if !matches!(reply.x(0), OUR_VERSION | u64::MAX) {
        return Err("neither our version nor a 64-bit -1");
    }
    zero(reply, 1..8)?;
    kept(regs, reply)
}

fn check_reply(regs: &Regs, reply: &Regs) -> Result<(), &'static str> {
    match reply.x(0) {
        ERROR => check_error(regs, reply),
        SUCCESS_32 => check_success(regs, reply),
        SUCCESS_64 if regs.w(0) == PARTITION_INFO_GET_REGS => check_registers(reply),
        SUCCESS_64 if regs.w(0) == NOTIFICATION_INFO_GET_64 => zero(reply, 1..2),
        _ => Err("x0 is neither FFA_SUCCESS nor FFA_ERROR, in 64 bits, or not in the call's form"),
    }
}

fn check_error(regs: &Regs, reply: &Regs) -> Result<(), &'static str> {
    zero(reply, 1..2)?;
    zero(reply, 3..8)?;
    if Status::from_bits(reply.w(2)).name().is_none() || reply.x(2) >> 32 != 0 {
        return Err("no error code in w2");
    }
    kept(regs, reply)
}

fn check_success(regs: &Regs, reply: &Regs) -> Result<(), &'static str> {
    zero(reply, 1..2)?;
    // w4..w7 say something in two replies.
    if !matches!(regs.w(0), NOTIFICATION_GET | NOTIFICATION_INFO_GET_32) {
        zero(reply, 4..8)?;
    }
    if (0..8).any(|index| reply.x(index) >> 32 != 0) {
        return Err("an upper half is set in FFA_SUCCESS_32");
    }
    kept(regs, reply)
}

fn check_registers(reply: &Regs) -> Result<(), &'static str> {
    zero(reply, 1..2)?;
    let (last, current) = (u64::from(reply.half(2)), reply.x(2) >> 16 & 0xffff);
    if current > last || reply.x(2) >> 48 != 24 {
        return Err("indices or descriptor size are wrong");
    }
    Ok(())
}

fn zero(reply: &Regs, mut range: std::ops::Range<usize>) -> Result<(), &'static str> {
    let clean = range.all(|index| reply.x(index) == 0);
    if clean { Ok(()) } else { Err("a register that must be zero is not") }
}

/// x8..x17 belong to the caller.
fn kept(regs: &Regs, reply: &Regs) -> Result<(), &'static str> {
    let kept = regs.0[Regs::BASIC..] == reply.0[Regs::BASIC..];
    if kept { Ok(()) } else { Err("x8..x17 were not kept") }
}
