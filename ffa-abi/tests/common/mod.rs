//! What the generated tests share.

use std::fmt::Debug;

use ffa_abi::{FunctionId, Regs, Reply};

/// xorshift64*: small, and repeatable by its seed.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}

/// Whether the registers are this reply; where they are, it comes back as it was written, and what
/// is not its to write stays.
pub(crate) fn reads_back<R: Reply + PartialEq + Debug>(regs: &Regs) -> bool {
    let Ok(reply) = R::read(regs) else { return false };
    let mut written = Regs([0x55; 18]);
    reply.write(&mut written);
    assert_eq!(R::read(&written), Ok(reply), "{regs:?}");
    let function = FunctionId::from_bits(written.w(0)).and_then(FunctionId::function);
    let uses_all = function.is_some_and(|function| function.registers == 18);
    assert!(uses_all || written.0[8..] == [0x55; 10], "{written:?}");
    true
}
