//! Scenarios that read like a transcript: who calls what, and gets what.
//!
//! ```
//! use ffa_abi::{EndpointId, EndpointIdReply, IdGet, Status, Uuid, Version};
//! use ffa_harness::Setup;
//!
//! let machine = Setup::default().start();
//! machine.create(1).unwrap();
//! let vm1 = machine.vm(1);
//! vm1.calls(IdGet).fails(Status::NOT_SUPPORTED);
//! vm1.speaks(Version::V1_1);
//! vm1.calls(IdGet).gets(EndpointIdReply { id: EndpointId(1) });
//! vm1.smc([0x8400_0069]).answers([0x8400_0061, 0, 1]);
//! ```

use std::fmt;

use ffa_abi::{CallError, Regs, Request, Status, Uuid, Version, VersionReply, Width};
use ffa_core::{Caller, Outcome};

use crate::machine::{Machine, vm_id};
use crate::vcpu::{Entry, Vcpu};

/// A vCPU of a VM, as a scenario speaks of it. It takes a free CPU for each call.
#[derive(Clone, Copy)]
pub struct Actor<'m> {
    machine: &'m Machine,
    caller: Caller,
}

/// The reply to a typed call.
#[must_use = "say what the call gets"]
pub struct Heard<R> {
    what: String,
    reply: Result<R, CallError>,
}

/// The reply to registers.
#[must_use = "say what the registers are answered with"]
pub struct HeardRegs {
    regs: Regs,
    outcome: Outcome,
}

impl Machine {
    /// vCPU 0 of VM `id`.
    #[must_use]
    pub fn vm(&self, id: u16) -> Actor<'_> {
        Actor { machine: self, caller: Caller { vm: vm_id(id), vcpu: 0, width: Width::Bits64 } }
    }
}

impl Actor<'_> {
    /// The same VM in `AArch32`.
    #[must_use]
    pub fn in_32_bits(mut self) -> Self {
        self.caller.width = Width::Bits32;
        self
    }

    /// Asks for `version`, and is told ours.
    pub fn speaks(&self, version: Version) {
        let reply = self.on_a_cpu(|vcpu| vcpu.version(version));
        assert_eq!(reply, Ok(VersionReply::Supported(Version::V1_2)), "asked for {version}");
    }

    /// Makes a typed call.
    #[expect(clippy::needless_pass_by_value, reason = "so that a scenario reads as it does")]
    pub fn calls<R: Request>(&self, request: R) -> Heard<R::Reply> {
        let reply = self.on_a_cpu(|vcpu| vcpu.call(&request));
        Heard { what: format!("{}: {request}", self.caller.vm), reply }
    }

    /// Makes a call with these registers from x0 on, the rest zero.
    pub fn smc<const N: usize>(&self, registers: [u64; N]) -> HeardRegs {
        self.traps(&with_zeroes(registers))
    }

    /// Makes a call with all registers given.
    pub fn traps(&self, regs: &Regs) -> HeardRegs {
        HeardRegs { regs: *regs, outcome: self.on_a_cpu(|vcpu| vcpu.trap(regs)) }
    }

    /// Maps `pages` pages of TX and RX.
    pub fn maps(&self, pages: u8) {
        let reply = self.on_a_cpu(|vcpu| vcpu.map(pages));
        assert!(reply.is_ok(), "mapping {pages} pages: {reply:?}");
    }

    /// How many partitions match.
    pub fn counts(&self, uuid: Uuid) -> Result<u32, CallError> {
        self.on_a_cpu(|vcpu| vcpu.count(uuid))
    }

    /// The list in RX, read as one of `version`, and RX given back.
    pub fn lists(&self, uuid: Uuid, version: Version) -> Result<Vec<Entry>, CallError> {
        self.on_a_cpu(|vcpu| {
            let entries = vcpu.list(uuid, version)?;
            vcpu.release()?;
            Ok(entries)
        })
    }

    /// The list by registers.
    pub fn registers(&self, uuid: Uuid) -> Result<Vec<Entry>, CallError> {
        self.on_a_cpu(|vcpu| vcpu.registers(uuid))
    }

    /// Ids of the list in RX.
    #[must_use]
    pub fn sees(&self, version: Version) -> Vec<u16> {
        let entries = self.lists(Uuid::NIL, version).expect("a list");
        entries.iter().map(|entry| entry.id).collect()
    }

    fn on_a_cpu<R>(&self, act: impl FnOnce(&mut Vcpu<'_>) -> R) -> R {
        act(&mut self.machine.vcpu_as(self.machine.free_cpu(), self.caller))
    }
}

impl Machine {
    /// A CPU that nobody has at this moment.
    fn free_cpu(&self) -> usize {
        let is_free = |index: &usize| self.mediator().cpu(*index).is_some();
        (0..64).find(is_free).expect("a free CPU")
    }
}

impl<R: PartialEq + fmt::Debug> Heard<R> {
    /// The call succeeded with `reply`.
    pub fn gets(self, reply: R) {
        assert_eq!(self.reply, Ok(reply), "{}", self.what);
    }

    /// The call was refused with `status`.
    pub fn fails(self, status: Status) {
        assert_eq!(self.reply, Err(CallError::Status(status)), "{}", self.what);
    }

    /// The reply.
    #[must_use]
    pub fn reply(self) -> R {
        self.reply.unwrap_or_else(|error| panic!("{}: {error}", self.what))
    }
}

impl HeardRegs {
    /// x0..x7 are these, the rest of them zero.
    pub fn answers<const N: usize>(self, registers: [u64; N]) {
        let expected = with_zeroes(registers);
        let got = self.regs();
        let basic =
            |regs: Regs| Regs(std::array::from_fn(|at| if at < 8 { regs.x(at) } else { 0 }));
        assert_eq!(basic(got), basic(expected), "to {:?}", self.regs);
    }

    /// `FFA_ERROR` with `status`.
    pub fn fails(self, status: Status) {
        self.answers([0x8400_0060, 0, status.bits().into()]);
    }

    /// It is not FF-A's to answer.
    pub fn is_not_ours(self) {
        assert_eq!(self.outcome, Outcome::NotFfa, "to {:?}", self.regs);
    }

    /// The reply.
    #[must_use]
    pub fn regs(&self) -> Regs {
        match self.outcome {
            Outcome::Reply(regs) => regs,
            Outcome::NotFfa => panic!("{:?} is taken for foreign", self.regs),
        }
    }
}

fn with_zeroes<const N: usize>(registers: [u64; N]) -> Regs {
    let mut regs = Regs::ZERO;
    for (index, register) in registers.into_iter().enumerate() {
        regs.set(index, register);
    }
    regs
}
