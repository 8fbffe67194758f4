//! `FFA_ABORT` (1.3).
//!
//! ```text
//! w1 MBZ   w2 or x2 information of no fixed meaning   w3..w7 or x3..x7 MBZ
//! ```

use core::fmt;

use crate::call::{DecodeError, Request, call_regs, must_be_zero};
use crate::form::{Argument, by_width};
use crate::function::{FunctionId, Width};
use crate::regs::Regs;
use crate::reply::{CallError, Reply, ReplyError, Success};
use crate::version::Version;

/// `FFA_ABORT`: the caller met an error that it cannot go on from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Abort {
    /// w2 or x2: what the caller tells of it; its width is that of the call.
    pub information: Argument,
}

/// The reply to a call that does not return unless it is refused: there is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoReply {}

impl Abort {
    const fn function(self) -> FunctionId {
        by_width(self.information.width(), FunctionId::ABORT_32, FunctionId::ABORT_64)
    }
}

impl Request for Abort {
    type Reply = NoReply;

    fn encode(&self) -> Regs {
        call_regs(self.function(), [0, self.information.value()])
    }

    #[inline(always)]
    fn decode(function: FunctionId, regs: &Regs, _: Version) -> Result<Self, DecodeError> {
        let zero = match function.width() {
            Width::Bits32 => [(1, "w1"), (3, "w3"), (4, "w4"), (5, "w5"), (6, "w6"), (7, "w7")],
            Width::Bits64 => [(1, "x1"), (3, "x3"), (4, "x4"), (5, "x5"), (6, "x6"), (7, "x7")],
        };
        for (index, field) in zero {
            let value = Argument::read(function.width(), regs, index).value();
            must_be_zero(function, field, value)?;
        }
        Ok(Abort { information: Argument::read(function.width(), regs, 2) })
    }
}

impl Reply for NoReply {
    fn write(&self, _: &mut Regs) {
        match *self {}
    }

    /// Always an error: the callee's, or that of registers that are none.
    fn read(regs: &Regs, _: Version) -> Result<Self, CallError> {
        Success::check(regs)?;
        Err(CallError::Reply(ReplyError::UnexpectedFunction(regs.w(0))))
    }
}

impl fmt::Display for Abort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} information={}", self.function(), self.information)
    }
}

impl fmt::Display for NoReply {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::ToString;

    use super::*;
    use crate::call::Call;
    use crate::reply::write_error;
    use crate::status::Status;

    fn regs(values: &[u64]) -> Regs {
        let mut regs = Regs::ZERO;
        regs.0[..values.len()].copy_from_slice(values);
        regs
    }

    #[test]
    fn an_abort_carries_one_register() {
        for (id, information) in [
            (0x8400_0090, Argument::Bits32(0x1234_5678)),
            (0xc400_0090, Argument::Bits64(0x9abc_1234_5678)),
        ] {
            let call = Abort { information };
            let encoded = regs(&[id, 0, information.value()]);
            assert_eq!(call.encode(), encoded);
            let decoded = Call::decode(&regs(&[id, 0, 0x9abc_1234_5678]), Version::V1_3);
            assert_eq!(decoded, Ok(Call::Abort(call)));
        }
        let text = Abort { information: Argument::Bits32(7) }.to_string();
        assert_eq!(text, "FFA_ABORT_32 information=0x7");
    }

    #[test]
    fn all_other_registers_must_be_zero() {
        for (id, letter) in [(0x8400_0090_u64, 'w'), (0xc400_0090, 'x')] {
            for index in [1, 3, 4, 5, 6, 7] {
                let mut call = regs(&[id, 0, 5]);
                call.set(index, 0x8000_0000_u64);
                let refused = Call::decode(&call, Version::V1_3).unwrap_err();
                let name = FunctionId::from_bits(call.w(0)).unwrap();
                let text = std::format!("{name}: {letter}{index} must be zero");
                assert_eq!(refused.to_string(), text);
                call.set(index, 1_u64 << 32);
                assert_eq!(Call::decode(&call, Version::V1_3).is_ok(), letter == 'w');
            }
        }
    }

    #[test]
    fn it_returns_only_when_it_is_refused() {
        let call = Abort { information: Argument::Bits32(0) };
        let mut registers = call.encode();
        write_error(&mut registers, Status::NOT_SUPPORTED);
        assert_eq!(
            call.reply(&registers, Version::V1_2),
            Err(CallError::Status(Status::NOT_SUPPORTED))
        );
        for id in [0x8400_0061_u32, 0x8400_0090] {
            let error = CallError::Reply(ReplyError::UnexpectedFunction(id));
            assert_eq!(call.reply(&regs(&[id.into()]), Version::V1_3), Err(error));
        }
    }
}
