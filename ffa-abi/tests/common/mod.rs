//! What the generated tests share.

use std::fmt::Debug;

use ffa_abi::{FunctionId, Regs, Reply, Version};

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

/// Whether the registers are this reply, at any version; where they are, it comes back as it was
/// written, and what is not its to write stays.
pub(crate) fn reads_back<R: Reply + PartialEq + Debug>(regs: &Regs) -> bool {
    let versions = [Version::V1_0, Version::V1_1, Version::V1_2, Version::V1_3];
    versions.into_iter().filter(|version| reads_back_in::<R>(regs, *version)).count() > 0
}

fn reads_back_in<R: Reply + PartialEq + Debug>(regs: &Regs, version: Version) -> bool {
    let Ok(reply) = R::read(regs, version) else { return false };
    let mut written = Regs([0x55; 18]);
    reply.write(&mut written);
    assert_eq!(R::read(&written, version), Ok(reply), "{regs:?}");
    let function = FunctionId::from_bits(written.w(0)).and_then(FunctionId::function);
    let uses_all = function.is_some_and(|function| function.registers == 18);
    let keeps = !uses_all || version < Version::V1_2;
    assert!(!keeps || written.0[8..] == [0x55; 10], "{written:?} for {version}");
    true
}
