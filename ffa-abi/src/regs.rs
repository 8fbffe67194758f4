//! The registers of one call.

use core::fmt;

/// x0..x17 at an SMC or HVC, before or after the call.
///
/// SMC32 calls use the low halves only: [`Regs::w`] drops the upper one. Nothing but the 18 registers
/// lies in it: where a host has them one after the other, they can be taken as they are.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
#[repr(transparent)]
pub struct Regs(pub [u64; Regs::COUNT]);

impl Regs {
    /// How many registers a call can carry from FF-A 1.2 on: x0..x17.
    pub const COUNT: usize = 18;

    /// Registers that every FF-A call may use, at any version: x0..x7.
    pub const BASIC: usize = 8;

    /// All zero.
    pub const ZERO: Regs = Regs([0; Regs::COUNT]);

    /// xN, all 64 bits; 0 where N is above 17.
    #[must_use]
    pub fn x(&self, index: usize) -> u64 {
        self.0.get(index).copied().unwrap_or(0)
    }

    /// wN, the low 32 bits of xN.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "the low half is what wN is")]
    pub fn w(&self, index: usize) -> u32 {
        self.x(index) as u32
    }

    /// Bits 15:0 of xN.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "the low 16 bits are what is asked for")]
    pub fn half(&self, index: usize) -> u16 {
        self.x(index) as u16
    }

    /// Bits 31:16 of xN.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "the 16 bits above are what is asked for")]
    pub fn upper_half(&self, index: usize) -> u16 {
        (self.x(index) >> 16) as u16
    }

    /// Writes xN. A register above x17 does not exist: nothing is written.
    pub fn set(&mut self, index: usize, value: impl Into<u64>) {
        if let Some(register) = self.0.get_mut(index) {
            *register = value.into();
        }
    }

    /// Takes over the first `count` registers of `other` and leaves the rest.
    pub(crate) fn take_first(&mut self, count: usize, other: &Regs) {
        for (register, value) in self.0.iter_mut().zip(other.0).take(count) {
            *register = value;
        }
    }

    /// Zeroes x0..x7 and leaves x8..x17, which belong to callers below FF-A 1.2.
    pub fn clear_basic(&mut self) {
        for register in self.0.iter_mut().take(Self::BASIC) {
            *register = 0;
        }
    }
}

impl fmt::Debug for Regs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let used = self.0.iter().rposition(|value| *value != 0).map_or(1, |last| last + 1);
        f.write_str("[")?;
        for (index, value) in self.0.iter().take(used).enumerate() {
            let separator = if index == 0 { "" } else { " " };
            write!(f, "{separator}{value:x}")?;
        }
        f.write_str("]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w_drops_the_upper_half() {
        let mut regs = Regs::ZERO;
        regs.set(3, 0xdead_beef_8400_0063_u64);
        assert_eq!((regs.w(3), regs.half(3), regs.upper_half(3)), (0x8400_0063, 0x0063, 0x8400));
    }

    #[test]
    fn registers_that_do_not_exist_read_zero_and_ignore_writes() {
        let mut regs = Regs::ZERO;
        regs.set(18, 1_u64);
        assert_eq!((regs, regs.x(18)), (Regs::ZERO, 0));
    }

    #[test]
    fn clearing_the_basic_registers_keeps_those_of_old_callers() {
        let mut regs = Regs([7; 18]);
        regs.clear_basic();
        assert_eq!((regs.x(7), regs.x(8), regs.x(17)), (0, 7, 7));
    }
}
