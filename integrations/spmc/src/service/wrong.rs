//! Answers that no partition may give.

use ffa_abi::{Empty, EndpointId, FunctionId, Regs, Reply, Status, Target, write_error};

use super::Service;
use super::direct::{SMC64, interrupt, yielding};
use crate::command::Misbehaviour;

/// An id of FF-A's range that no document names.
const UNKNOWN_FUNCTION: u32 = 0x8400_00ef;

/// What a register holds that nobody wrote on purpose.
const GARBAGE: u64 = 0xdead_beef_0bad_cafe;

/// A positive code.
const NO_ERROR: Status = Status(1);

impl Service<'_> {
    /// Makes an answer of `target`'s wrong.
    pub(super) fn distort(&self, how: Misbehaviour, target: Target, reply: &mut Regs) {
        let other = Target { endpoint: EndpointId(target.endpoint.0 ^ 1), ..target };
        match how {
            Misbehaviour::ForeignReceiver => reply.set(1, reply.x(1) ^ 1),
            Misbehaviour::ForeignSender => reply.set(1, reply.x(1) ^ 1 << 16),
            Misbehaviour::UnknownFunction => reply.set(0, UNKNOWN_FUNCTION),
            Misbehaviour::OtherWidth => reply.set(0, reply.x(0) ^ SMC64),
            Misbehaviour::PositiveError => write_error(reply, NO_ERROR),
            Misbehaviour::Garbage => garble(reply),
            Misbehaviour::ForeignInterrupt => interrupt(other).write(reply),
            Misbehaviour::ForeignYield => yielding(other).write(reply),
            Misbehaviour::Success => Empty.write(reply),
            Misbehaviour::FrameworkMessage => reply.set(2, reply.x(2) | FRAMEWORK),
        }
    }
}

/// Bit 31 of w2.
const FRAMEWORK: u64 = 1 << 31;

/// Fills what a reply does not use: upper halves of an SMC32 one, and registers above x7.
fn garble(reply: &mut Regs) {
    let is_wide = reply.x(0) & SMC64 != 0;
    let is_long = reply.w(0) == FunctionId::MSG_SEND_DIRECT_RESP2.bits();
    for index in 1..Regs::COUNT {
        if index < Regs::BASIC && !is_wide {
            reply.set(index, GARBAGE << 32 | u64::from(reply.w(index)));
        } else if index >= Regs::BASIC && !is_long {
            reply.set(index, GARBAGE);
        }
    }
}
