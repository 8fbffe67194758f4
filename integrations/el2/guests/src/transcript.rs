//! Calls of every kind that discovery has, each printed with its reply: what one hypervisor
//! answers can be compared with what another does, line by line.
//!
//! ```text
//! T # heading
//! T call -> reply
//! T+ more of the same
//! T rx bytes
//! ```
//! Calls and replies are x0 and the next registers in hexadecimal. Of a call the last registers
//! are left out if they are zero; of a reply, if they are as the call had them. A tag of
//! `FFA_PARTITION_INFO_GET_REGS` is a word between dots, as its number depends on how often lists
//! were asked for: `tag` is the last one that was given, `tag+1` the number after it. `rx` is one
//! descriptor of the RX buffer, byte by byte.
//!
//! The order is [`Transcript::open`], then at some time [`Transcript::go_on`], when no partition
//! comes or goes.

mod buffers;
mod features;
mod format;
mod lists;
mod opening;
mod refused;
mod walk;

use ffa_abi::{FunctionId, Regs, Version};

use crate::client::Machine;
use format::Exchange;

/// x8 to x17 of a call that shows whether they are kept.
const MARK: u64 = 0x1111_1111_1111_1111;

/// Makes calls on a machine and hands each line to `print`.
#[derive(Debug)]
pub struct Transcript<M, P> {
    machine: M,
    version: Version,
    print: P,
    tag: Option<u16>,
}

impl<M: Machine, P: FnMut(&str)> Transcript<M, P> {
    /// For a VM that has not called anything, and will speak `version`.
    pub fn new(machine: M, version: Version, print: P) -> Self {
        Self { machine, version, print, tag: None }
    }

    /// What can be called without a version, the negotiation, and the first call after it.
    pub fn open(&mut self) {
        self.without_version();
        self.negotiation();
    }

    /// All the rest. The VM's buffers are not mapped, before and afterwards.
    pub fn go_on(&mut self) {
        self.fixed_version();
        self.features();
        self.functions_without_arguments();
        self.refused();
        self.buffers();
        self.lists();
        self.walk();
    }

    fn heading(&mut self, text: &str) {
        format::heading(text, &mut self.print);
    }

    /// Calls with these registers, the rest zero.
    fn call<const N: usize>(&mut self, function: FunctionId, arguments: [u64; N]) -> Regs {
        self.call_any(registers(function.bits().into(), arguments))
    }

    /// The same with marks in x8 to x17.
    fn call_marked<const N: usize>(&mut self, function: FunctionId, arguments: [u64; N]) -> Regs {
        let mut regs = registers(function.bits().into(), arguments);
        for (index, register) in (0..).zip(&mut regs.0).skip(Regs::BASIC) {
            *register = MARK.wrapping_mul(index);
        }
        self.call_any(regs)
    }

    fn call_any(&mut self, call: Regs) -> Regs {
        let reply = self.machine.call(call);
        let exchange = Exchange { call, reply };
        self.tag = exchange.tag_given().or(self.tag);
        exchange.print(self.tag, &mut self.print);
        reply
    }
}

/// x0 and the arguments after it, the rest zero.
fn registers<const N: usize>(x0: u64, arguments: [u64; N]) -> Regs {
    let mut regs = Regs::ZERO;
    for (register, value) in regs.0.iter_mut().zip(core::iter::once(x0).chain(arguments)) {
        *register = value;
    }
    regs
}

fn is_success(reply: &Regs) -> bool {
    [FunctionId::SUCCESS_32.bits(), FunctionId::SUCCESS_64.bits()].contains(&reply.w(0))
}

#[cfg(test)]
mod tests;
