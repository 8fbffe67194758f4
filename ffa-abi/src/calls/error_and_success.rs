//! `FFA_ERROR` and `FFA_SUCCESS` by themselves: for who sees them go by and does not know what they
//! answer, and for partitions that call them.
//!
//! ```text
//! ERROR    w1 target, or 0   w2 status   w3 more, for calls that say so
//! SUCCESS  w1 target, or 0   w2..w7, x2..x7, or from 1.2 on in the 64-bit form x2..x17 results
//! ```

use core::fmt;

use crate::call::{DecodeError, Request, call_regs};
use crate::completion::WaitReply;
use crate::form::{Form, Payload, by_width};
use crate::function::{FunctionId, Width};
use crate::regs::Regs;
use crate::reply::{CallError, Reply, ReplyError, Success};
use crate::status::Status;
use crate::target::Target;
use crate::version::Version;

/// `FFA_ERROR`, whatever it answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FfaError {
    /// Its form; 64-bit from 1.3 on.
    pub width: Width,
    /// w1: whom it concerns, where the call says so.
    pub target: Target,
    /// w2.
    pub status: Status,
    /// w3: as `FFA_CONSOLE_LOG` has it, how many characters were taken; else 0.
    pub argument: u32,
}

/// What `FFA_SUCCESS` carries: w2..w7, x2..x7, or x2..x17.
///
/// The 64-bit form is always [`Payload::Extended`] between sides that speak 1.2 or more, and never before.
pub type SuccessResults = Payload<6, 16>;

/// `FFA_SUCCESS`, whatever it answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FfaSuccess {
    /// w1: whom it concerns, where the call says so.
    pub target: Target,
    /// The registers after w1; their form is that of the reply.
    pub results: SuccessResults,
}

impl FfaError {
    /// `FFA_ERROR_32` with this status and nothing else.
    #[must_use]
    pub const fn new(status: Status) -> FfaError {
        FfaError { width: Width::Bits32, target: Target::NONE, status, argument: 0 }
    }

    const fn function(&self) -> FunctionId {
        by_width(self.width, FunctionId::ERROR_32, FunctionId::ERROR_64)
    }

    #[inline(always)]
    fn parse(function: FunctionId, regs: &Regs) -> FfaError {
        FfaError {
            width: function.width(),
            target: Target::read(regs),
            status: Status::from_bits(regs.w(2)),
            argument: regs.w(3),
        }
    }
}

impl FfaSuccess {
    const fn function(&self) -> FunctionId {
        by_width(self.results.width(), FunctionId::SUCCESS_32, FunctionId::SUCCESS_64)
    }

    #[inline(always)]
    fn parse(function: FunctionId, regs: &Regs, version: Version) -> FfaSuccess {
        let form = Form::new(function.width(), version >= Version::V1_2);
        FfaSuccess { target: Target::read(regs), results: Payload::read(form, regs) }
    }
}

/// As the call of a partition that could not do what it was asked for.
impl Request for FfaError {
    type Reply = WaitReply;

    fn encode(&self) -> Regs {
        let (target, status) = (self.target.bits(), self.status.bits());
        call_regs(self.function(), [target.into(), status.into(), self.argument.into()])
    }

    #[inline(always)]
    fn decode(function: FunctionId, regs: &Regs, _: Version) -> Result<Self, DecodeError> {
        Ok(FfaError::parse(function, regs))
    }
}

/// As the call of a partition that did what it was asked for.
impl Request for FfaSuccess {
    type Reply = WaitReply;

    fn encode(&self) -> Regs {
        let mut regs = call_regs(self.function(), [self.target.bits().into()]);
        self.results.write(&mut regs);
        regs
    }

    #[inline(always)]
    fn decode(function: FunctionId, regs: &Regs, version: Version) -> Result<Self, DecodeError> {
        Ok(FfaSuccess::parse(function, regs, version))
    }
}

impl Reply for FfaError {
    fn write(&self, regs: &mut Regs) {
        regs.clear_basic();
        regs.set(0, self.function().bits());
        regs.set(1, self.target.bits());
        regs.set(2, self.status.bits());
        regs.set(3, self.argument);
    }

    /// Only `FFA_ERROR` is read, and is no [`CallError`] here.
    fn read(regs: &Regs, _: Version) -> Result<Self, CallError> {
        match FunctionId::from_bits(regs.w(0)) {
            Some(function @ (FunctionId::ERROR_32 | FunctionId::ERROR_64)) => {
                Ok(FfaError::parse(function, regs))
            }
            _ => Err(CallError::Reply(ReplyError::UnexpectedFunction(regs.w(0)))),
        }
    }
}

impl Reply for FfaSuccess {
    fn write(&self, regs: &mut Regs) {
        regs.clear_basic();
        regs.set(0, self.function().bits());
        regs.set(1, self.target.bits());
        self.results.write(regs);
    }

    fn read(regs: &Regs, version: Version) -> Result<Self, CallError> {
        Success::check(regs)?;
        let is_wide = regs.w(0) == FunctionId::SUCCESS_64.bits();
        let function = if is_wide { FunctionId::SUCCESS_64 } else { FunctionId::SUCCESS_32 };
        Ok(FfaSuccess::parse(function, regs, version))
    }
}

impl fmt::Display for FfaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.function(), self.status)?;
        self.target.show(f)?;
        if self.argument == 0 { Ok(()) } else { write!(f, " w3={:#x}", self.argument) }
    }
}

impl fmt::Display for FfaSuccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.function())?;
        self.target.show(f)?;
        write!(f, " results={}", self.results)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::ToString;

    use super::*;
    use crate::call::Call;
    use crate::id::EndpointId;
    use crate::reply::write_error;

    const TARGET: Target = Target { endpoint: EndpointId(0x1234), vcpu: 0xabcd };

    fn regs(values: &[u64]) -> Regs {
        let mut regs = Regs::ZERO;
        regs.0[..values.len()].copy_from_slice(values);
        regs
    }

    #[test]
    fn an_error_has_a_target_a_status_and_more() {
        for (id, width) in [(0x8400_0060, Width::Bits32), (0xc400_0060, Width::Bits64)] {
            let registers = regs(&[id, 0x1234_abcd, 0xffff_fff8, 0xdead_beef]);
            let error =
                FfaError { width, target: TARGET, status: Status::ABORTED, argument: 0xdead_beef };
            assert_eq!(Call::decode(&registers, Version::V1_3), Ok(Call::Error(error)));
            assert_eq!(FfaError::read(&registers, Version::V1_2), Ok(error));
            assert_eq!(error.encode(), registers);
            let mut written = Regs([5; 18]);
            error.write(&mut written);
            assert_eq!(written.0[..8], registers.0[..8]);
            assert_eq!(written.0[8..], [5; 10]);
        }
    }

    #[test]
    fn the_plain_error_is_what_the_writer_of_errors_writes() {
        let mut expected = Regs([u64::MAX; 18]);
        write_error(&mut expected, Status::NOT_READY);
        let mut regs = Regs([u64::MAX; 18]);
        FfaError::new(Status::NOT_READY).write(&mut regs);
        assert_eq!(regs, expected);
        assert_eq!(regs.0[..4], [0x8400_0060, 0, 0xffff_fff6, 0]);
    }

    #[test]
    fn an_unknown_status_is_kept() {
        for bits in [0, 1, 0xffff_ff00_u64, 0x8000_0000] {
            let registers = regs(&[0x8400_0060, 0, bits]);
            let error = FfaError::read(&registers, Version::V1_2).unwrap();
            assert_eq!(u64::from(error.status.bits()), bits);
            assert_eq!(error.encode(), registers);
        }
    }

    #[test]
    fn success_carries_what_its_form_and_version_have() {
        let all = Regs(core::array::from_fn(|index| 0xf_0000_0000 | index as u64));
        let decode = |id: u64, version| {
            let mut regs = all;
            regs.set(0, id);
            match Call::decode(&regs, version) {
                Ok(Call::Success(success)) => success,
                other => panic!("{other:?}"),
            }
        };
        let words = FfaSuccess {
            target: Target::from_bits(1),
            results: Payload::Words([2, 3, 4, 5, 6, 7]),
        };
        let wide = |first: u64| 0xf_0000_0000 | first;
        for version in [Version::V1_0, Version::V1_1, Version::V1_2, Version::V1_3] {
            assert_eq!(decode(0x8400_0061, version), words);
            let results = decode(0xc400_0061, version).results;
            let last = if version < Version::V1_2 { 7 } else { 17 };
            assert!(results.values().eq((2..=last).map(wide)), "{version}");
        }
    }

    #[test]
    fn success_leaves_what_it_does_not_use_to_old_callers() {
        for (results, id, kept) in [
            (Payload::Words([1; 6]), 0x8400_0061, 8),
            (Payload::DoubleWords([1; 6]), 0xc400_0061, 8),
            (Payload::Extended([1; 16]), 0xc400_0061, 18),
        ] {
            let success = FfaSuccess { target: TARGET, results };
            let mut regs = Regs([7; 18]);
            success.write(&mut regs);
            assert_eq!(regs.0[..3], [id, 0x1234_abcd, 1]);
            assert_eq!(regs.0[kept..], [7; 18][kept..]);
            assert_eq!(regs.0[..kept], success.encode().0[..kept]);
        }
    }

    #[test]
    fn each_reads_only_itself() {
        let error = regs(&[0x8400_0060, 0, 0xffff_ffff]);
        let status = CallError::Status(Status::NOT_SUPPORTED);
        assert_eq!(FfaSuccess::read(&error, Version::V1_2), Err(status));
        let success = regs(&[0x8400_0061]);
        let unexpected = CallError::Reply(ReplyError::UnexpectedFunction(0x8400_0061));
        assert_eq!(FfaError::read(&success, Version::V1_2), Err(unexpected));
        let words = FfaSuccess { target: Target::NONE, results: Payload::Words([0; 6]) };
        assert_eq!(FfaSuccess::read(&success, Version::V1_2), Ok(words));
        let wide = FfaSuccess { results: Payload::Extended([0; 16]), ..words };
        let success = regs(&[0xc400_0061]);
        assert_eq!(FfaSuccess::read(&success, Version::V1_2), Ok(wide));
        // Below 1.2, x8..x17 are the caller's.
        let short = FfaSuccess { results: Payload::DoubleWords([0; 6]), ..words };
        assert_eq!(FfaSuccess::read(&success, Version::V1_1), Ok(short));
    }

    #[test]
    fn both_are_shown_by_what_they_carry() {
        assert_eq!(FfaError::new(Status::DENIED).to_string(), "FFA_ERROR DENIED");
        let error =
            FfaError { width: Width::Bits64, target: TARGET, status: Status::RETRY, argument: 3 };
        assert_eq!(error.to_string(), "FFA_ERROR_64 RETRY target=0x1234 vcpu=43981 w3=0x3");
        let results = Payload::Words([3, 24, 0, 0, 0, 0]);
        let success = FfaSuccess { target: Target::NONE, results };
        assert_eq!(success.to_string(), "FFA_SUCCESS_32 results=[0x3 0x18]");
    }
}
