//! `FFA_RUN`, `FFA_YIELD`, `FFA_INTERRUPT` and `FFA_NORMAL_WORLD_RESUME`: who has the CPU next.
//!
//! ```text
//! RUN        w1 target                  w2 MBZ
//! YIELD      w1 target, or 0            w2, w3 timeout, lower and upper half   w4..w7 MBZ
//! INTERRUPT  w1 target, or 0            w2 interrupt id
//! NORMAL_WORLD_RESUME
//! ```
//! Each has a 64-bit form from 1.3 on, with the same arguments in the same registers.

use core::fmt;

use crate::call::{DecodeError, Request, call_regs, must_be_zero};
use crate::completion::{Completion, RunReply, WaitReply, YieldReply};
use crate::form::by_width;
use crate::function::{FunctionId, Width};
use crate::regs::Regs;
use crate::target::Target;
use crate::version::Version;

/// `FFA_RUN`: lets an execution context go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Run {
    /// The form of the call; 64-bit from 1.3 on.
    pub width: Width,
    /// w1: who is to run.
    pub target: Target,
}

/// `FFA_YIELD`: gives the CPU back, wanting it again later.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Yield {
    /// The form of the call; 64-bit from 1.3 on.
    pub width: Width,
    /// w1: who yields, where the call is passed on; [`Target::NONE`] from itself.
    pub target: Target,
    /// w2, w3: after how many nanoseconds it wants to run again; a hint, 0 for none.
    pub timeout: u64,
}

/// `FFA_INTERRUPT`: an interrupt took the CPU from somebody, or is there for the one that gets this.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interrupt {
    /// The form of the call; 64-bit from 1.3 on.
    pub width: Width,
    /// w1: who was interrupted, to be named in `FFA_RUN`; [`Target::NONE`] with an interrupt for the
    /// one that gets this.
    pub target: Target,
    /// w2: the id of the interrupt, where the one that gets this is to handle it.
    pub interrupt: u32,
}

/// `FFA_NORMAL_WORLD_RESUME`: from the SPMC to the SPMD, the normal world goes on where it was
/// interrupted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NormalWorldResume {
    /// The form of the call; 64-bit from 1.3 on.
    pub width: Width,
}

impl Run {
    const fn function(self) -> FunctionId {
        by_width(self.width, FunctionId::RUN_32, FunctionId::RUN_64)
    }
}

impl Yield {
    const fn function(self) -> FunctionId {
        by_width(self.width, FunctionId::YIELD_32, FunctionId::YIELD_64)
    }
}

impl Interrupt {
    const fn function(self) -> FunctionId {
        by_width(self.width, FunctionId::INTERRUPT_32, FunctionId::INTERRUPT_64)
    }
}

impl NormalWorldResume {
    const fn function(self) -> FunctionId {
        let (narrow, wide) =
            (FunctionId::NORMAL_WORLD_RESUME_32, FunctionId::NORMAL_WORLD_RESUME_64);
        by_width(self.width, narrow, wide)
    }
}

impl Request for Run {
    type Reply = RunReply;

    fn encode(&self) -> Regs {
        call_regs(self.function(), [self.target.bits().into()])
    }

    #[inline(always)]
    fn decode(function: FunctionId, regs: &Regs, version: Version) -> Result<Self, DecodeError> {
        must_be_zero(function, "w2", regs.w(2))?;
        Ok(Run::parse(function, regs, version))
    }
}

impl Request for Yield {
    type Reply = YieldReply;

    #[expect(clippy::cast_possible_truncation, reason = "the timeout is cut in halves")]
    fn encode(&self) -> Regs {
        let (lower, upper) = (self.timeout as u32, (self.timeout >> 32) as u32);
        call_regs(self.function(), [self.target.bits().into(), lower.into(), upper.into()])
    }

    #[inline(always)]
    fn decode(function: FunctionId, regs: &Regs, version: Version) -> Result<Self, DecodeError> {
        for (index, field) in [(4, "w4"), (5, "w5"), (6, "w6"), (7, "w7")] {
            must_be_zero(function, field, regs.w(index))?;
        }
        Ok(Yield::parse(function, regs, version))
    }
}

impl Request for Interrupt {
    type Reply = RunReply;

    fn encode(&self) -> Regs {
        call_regs(self.function(), [self.target.bits().into(), self.interrupt.into()])
    }

    #[inline(always)]
    fn decode(function: FunctionId, regs: &Regs, version: Version) -> Result<Self, DecodeError> {
        Ok(Interrupt::parse(function, regs, version))
    }
}

impl Request for NormalWorldResume {
    type Reply = WaitReply;

    fn encode(&self) -> Regs {
        call_regs(self.function(), [])
    }

    #[inline(always)]
    fn decode(function: FunctionId, regs: &Regs, version: Version) -> Result<Self, DecodeError> {
        Ok(NormalWorldResume::parse(function, regs, version))
    }
}

impl Completion for Run {
    fn parse(function: FunctionId, regs: &Regs, _: Version) -> Self {
        Run { width: function.width(), target: Target::read(regs) }
    }
}

impl Completion for Yield {
    fn parse(function: FunctionId, regs: &Regs, _: Version) -> Self {
        let timeout = u64::from(regs.w(3)) << 32 | u64::from(regs.w(2));
        Yield { width: function.width(), target: Target::read(regs), timeout }
    }
}

impl Completion for Interrupt {
    fn parse(function: FunctionId, regs: &Regs, _: Version) -> Self {
        Interrupt { width: function.width(), target: Target::read(regs), interrupt: regs.w(2) }
    }
}

impl Completion for NormalWorldResume {
    fn parse(function: FunctionId, _: &Regs, _: Version) -> Self {
        NormalWorldResume { width: function.width() }
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.function(), self.target)
    }
}

impl fmt::Display for Yield {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.function())?;
        self.target.show(f)?;
        if self.timeout == 0 { Ok(()) } else { write!(f, " timeout={}ns", self.timeout) }
    }
}

impl fmt::Display for Interrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.function())?;
        self.target.show(f)?;
        write!(f, " interrupt={}", self.interrupt)
    }
}

impl fmt::Display for NormalWorldResume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.function())
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::ToString;

    use super::*;
    use crate::call::Call;
    use crate::id::EndpointId;

    const TARGET: Target = Target { endpoint: EndpointId(0x8001), vcpu: 2 };
    const WIDTHS: [Width; 2] = [Width::Bits32, Width::Bits64];

    fn regs(values: &[u64]) -> Regs {
        let mut regs = Regs::ZERO;
        regs.0[..values.len()].copy_from_slice(values);
        regs
    }

    #[test]
    fn both_forms_have_the_same_registers() {
        for (width, bit) in WIDTHS.into_iter().zip([0x8400_0000, 0xc400_0000]) {
            let expect = |call: Call, values: &[u64]| {
                assert_eq!(Call::decode(&regs(values), Version::V1_3), Ok(call));
                assert_eq!(call.encode(), regs(values));
            };
            let run = Run { width, target: TARGET };
            expect(Call::Run(run), &[bit | 0x6d, 0x8001_0002]);
            let yields = Yield { width, target: TARGET, timeout: 0x5_0000_0007 };
            expect(Call::Yield(yields), &[bit | 0x6c, 0x8001_0002, 7, 5]);
            let interrupt = Interrupt { width, target: TARGET, interrupt: 0xdead_beef };
            expect(Call::Interrupt(interrupt), &[bit | 0x62, 0x8001_0002, 0xdead_beef]);
            let resume = NormalWorldResume { width };
            expect(Call::NormalWorldResume(resume), &[bit | 0x7c]);
        }
    }

    #[test]
    fn the_arguments_are_words_in_both_forms() {
        let call = regs(&[0xc400_0062, 0xf_8001_0002, 0xf_0000_0022]);
        let expected = Interrupt { width: Width::Bits64, target: TARGET, interrupt: 0x22 };
        assert_eq!(Call::decode(&call, Version::V1_3), Ok(Call::Interrupt(expected)));
        let call = regs(&[0x8400_006c, 0xf_8001_0002, 0xf_0000_0022, 0xf_0000_0000, 1 << 32]);
        let expected = Yield { width: Width::Bits32, target: TARGET, timeout: 0x22 };
        assert_eq!(Call::decode(&call, Version::V1_0), Ok(Call::Yield(expected)));
    }

    #[test]
    fn what_must_be_zero_is_refused() {
        for width in WIDTHS {
            let run = Run { width, target: TARGET };
            let mut regs = run.encode();
            regs.set(2, 1_u64);
            let reserved = DecodeError::Reserved { function: run.function(), field: "w2" };
            assert_eq!(Call::decode(&regs, Version::V1_3), Err(reserved));
            let yields = Yield { width, target: TARGET, timeout: 0 };
            for (index, field) in [(4, "w4"), (5, "w5"), (6, "w6"), (7, "w7")] {
                let mut regs = yields.encode();
                regs.set(index, 0x8000_0000_u64);
                let reserved = DecodeError::Reserved { function: yields.function(), field };
                assert_eq!(Call::decode(&regs, Version::V1_3), Err(reserved));
            }
        }
    }

    #[test]
    fn linux_runs_whom_an_interrupt_or_yield_names() {
        // Recorded: FFA_INTERRUPT (any w1) -> FFA_RUN w1.
        let request = Run { width: Width::Bits32, target: TARGET };
        let RunReply::Interrupt(interrupt) =
            request.reply(&regs(&[0x8400_0062, 0x8001_0000]), Version::V1_2).unwrap()
        else {
            panic!("no FFA_INTERRUPT");
        };
        let again = Run { width: Width::Bits32, target: interrupt.target };
        assert_eq!(again.encode(), regs(&[0x8400_006d, 0x8001_0000]));
    }

    #[test]
    fn answers_fill_x8_to_x17_from_1_3_on_whatever_the_form_of_the_call() {
        let mut response = Regs([5; 18]);
        response.set(0, FunctionId::MSG_SEND_DIRECT_RESP_64.bits());
        for (version, count) in [(Version::V1_2, 5), (Version::V1_3, 15)] {
            for width in WIDTHS {
                let reply = Run { width, target: TARGET }.reply(&response, version).unwrap();
                let RunReply::DirectResponse(response) = reply else { panic!("{reply}") };
                assert_eq!(response.message.payload().values().count(), count);
            }
        }
    }

    #[test]
    fn calls_are_shown_with_their_target() {
        let width = Width::Bits64;
        let run = Run { width, target: TARGET };
        assert_eq!(run.to_string(), "FFA_RUN_64 target=0x8001 vcpu=2");
        let yields = Yield { width: Width::Bits32, target: TARGET, timeout: 1500 };
        assert_eq!(yields.to_string(), "FFA_YIELD target=0x8001 vcpu=2 timeout=1500ns");
        assert_eq!(NormalWorldResume { width }.to_string(), "FFA_NORMAL_WORLD_RESUME_64");
    }
}
