//! Replies: `FFA_SUCCESS`, `FFA_ERROR`, and what each call puts into them.

use core::fmt;

use crate::function::FunctionId;
use crate::regs::Regs;
use crate::status::Status;
use crate::version::Version;

/// What answers a call when it succeeds.
pub trait Reply: Sized + fmt::Display {
    /// Writes the reply over the call's registers.
    ///
    /// x0..x7 are written whole. x8..x17 keep what they held unless the reply uses them: they belong
    /// to callers below FF-A 1.2.
    fn write(&self, regs: &mut Regs);

    /// The reply that the registers hold after a call, between sides that speak `version`: it decides
    /// whether there is more in x8..x17.
    ///
    /// # Errors
    /// [`CallError::Status`] for `FFA_ERROR`, [`CallError::Reply`] for anything else that is not
    /// this reply.
    fn read(regs: &Regs, version: Version) -> Result<Self, CallError>;
}

/// A call that did not succeed, as its caller sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CallError {
    /// `FFA_ERROR` with this code.
    Status(Status),
    /// Registers that are no reply to the call.
    Reply(ReplyError),
}

/// Registers that are no reply to the call that was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReplyError {
    /// w0 is neither `FFA_SUCCESS` nor `FFA_ERROR`.
    UnexpectedFunction(u32),
    /// A field holds what no callee may answer.
    OutOfRange(&'static str),
}

/// Registers of an `FFA_SUCCESS`, of either width.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Success<'a>(&'a Regs);

/// `FFA_SUCCESS_32` without results.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Empty;

impl<'a> Success<'a> {
    /// The registers, once w0 is known to say success.
    ///
    /// # Errors
    /// As [`Reply::read`]. An `FFA_ERROR` whose code is not negative is no error that could be passed
    /// on, as its caller would take it for success.
    pub fn check(regs: &'a Regs) -> Result<Success<'a>, CallError> {
        match FunctionId::from_bits(regs.w(0)) {
            Some(FunctionId::SUCCESS_32 | FunctionId::SUCCESS_64) => Ok(Success(regs)),
            Some(FunctionId::ERROR_32 | FunctionId::ERROR_64) => {
                let status = Status::from_bits(regs.w(2));
                let nonsense = CallError::Reply(ReplyError::OutOfRange("error code"));
                Err(if status.0 < 0 { CallError::Status(status) } else { nonsense })
            }
            _ => Err(CallError::Reply(ReplyError::UnexpectedFunction(regs.w(0)))),
        }
    }

    /// The same for results that fill 64-bit registers: only `FFA_SUCCESS_64` has such.
    ///
    /// # Errors
    /// As [`Reply::read`].
    pub(crate) fn check_64(regs: &'a Regs) -> Result<Success<'a>, CallError> {
        let success = Success::check(regs)?;
        if regs.w(0) == FunctionId::SUCCESS_64.bits() {
            return Ok(success);
        }
        Err(CallError::Reply(ReplyError::UnexpectedFunction(regs.w(0))))
    }

    /// The registers.
    #[must_use]
    pub fn regs(self) -> &'a Regs {
        self.0
    }
}

/// Writes `FFA_ERROR`: w0 the id, w1 0, w2 the code, x3..x7 zero; x8..x17 stay.
pub fn write_error(regs: &mut Regs, status: Status) {
    regs.clear_basic();
    regs.set(0, FunctionId::ERROR_32.bits());
    regs.set(2, status.bits());
}

/// Writes `FFA_SUCCESS_32` with w2 and w3, and zeroes the rest of x1..x7.
pub(crate) fn write_success(regs: &mut Regs, w2: u32, w3: u32) {
    regs.clear_basic();
    regs.set(0, FunctionId::SUCCESS_32.bits());
    regs.set(2, w2);
    regs.set(3, w3);
}

impl Reply for Empty {
    fn write(&self, regs: &mut Regs) {
        write_success(regs, 0, 0);
    }

    fn read(regs: &Regs, _: Version) -> Result<Self, CallError> {
        Success::check(regs).map(|_| Empty)
    }
}

impl fmt::Display for Empty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SUCCESS")
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallError::Status(status) => fmt::Display::fmt(status, f),
            CallError::Reply(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl fmt::Display for ReplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReplyError::UnexpectedFunction(w0) => match FunctionId::from_bits(*w0) {
                Some(function) => write!(f, "unexpected reply {function}"),
                None => write!(f, "unexpected reply {w0:#010x}"),
            },
            ReplyError::OutOfRange(field) => write!(f, "reply with an impossible {field}"),
        }
    }
}

impl core::error::Error for CallError {}
impl core::error::Error for ReplyError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_what_linux_compares_as_64_bits() {
        let mut regs = Regs([u64::MAX; 18]);
        write_error(&mut regs, Status::DENIED);
        assert_eq!(regs.0[..8], [0x8400_0060, 0, 0xffff_fffa, 0, 0, 0, 0, 0]);
        assert_eq!(regs.0[8..], [u64::MAX; 10]);
        assert_eq!(Empty::read(&regs, Version::V1_2), Err(CallError::Status(Status::DENIED)));
    }

    #[test]
    fn both_widths_of_success_are_success() {
        for id in [0x8400_0061_u32, 0xc400_0061] {
            let mut regs = Regs::ZERO;
            regs.set(0, id);
            assert_eq!(Empty::read(&regs, Version::V1_2), Ok(Empty));
        }
    }

    #[test]
    fn anything_else_is_no_reply() {
        let mut regs = Regs::ZERO;
        regs.set(0, u64::MAX);
        let error = ReplyError::UnexpectedFunction(0xffff_ffff);
        assert_eq!(Empty::read(&regs, Version::V1_2), Err(CallError::Reply(error)));
    }

    #[test]
    fn an_error_without_an_error_code_is_no_reply() {
        for code in [0_u32, 1, i32::MAX as u32] {
            let mut regs = Regs::ZERO;
            regs.set(0, FunctionId::ERROR_32.bits());
            regs.set(2, code);
            let error = ReplyError::OutOfRange("error code");
            assert_eq!(Empty::read(&regs, Version::V1_2), Err(CallError::Reply(error)));
        }
    }

    #[test]
    fn results_of_64_bits_come_with_the_64_bit_form_alone() {
        let mut regs = Regs::ZERO;
        regs.set(0, FunctionId::SUCCESS_32.bits());
        let error = ReplyError::UnexpectedFunction(FunctionId::SUCCESS_32.bits());
        assert_eq!(Success::check_64(&regs), Err(CallError::Reply(error)));
        regs.set(0, FunctionId::SUCCESS_64.bits());
        assert!(Success::check_64(&regs).is_ok());
        write_error(&mut regs, Status::DENIED);
        assert_eq!(Success::check_64(&regs), Err(CallError::Status(Status::DENIED)));
    }
}
