//! Constants of the C header, in groups, and how they are got out of what `ffa-abi` encodes.

use bitflags::Flags;
use ffa_abi::{Regs, Reply};

/// Constants that belong together.
pub(super) struct Group {
    pub(super) title: &'static str,
    /// What the reader must know before the constants.
    pub(super) about: &'static str,
    pub(super) constants: Vec<Constant>,
}

/// `#define NAME VALUE /* about */`.
pub(super) struct Constant {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) about: String,
}

impl Group {
    pub(super) fn new(title: &'static str, about: &'static str) -> Group {
        Group { title, about, constants: Vec::new() }
    }

    /// Bits, as they stand in their register or word.
    pub(super) fn bits(self, name: &str, value: impl Into<u64>, about: &str) -> Group {
        let value = value.into();
        let literal = match u32::try_from(value) {
            Ok(value) => format!("0x{value:08x}U"),
            Err(_) => format!("0x{value:016x}ULL"),
        };
        self.define(name, literal, about)
    }

    /// A number to count with.
    pub(super) fn number(self, name: &str, value: impl Into<u64>, about: &str) -> Group {
        self.define(name, format!("{}U", value.into()), about)
    }

    /// A number that may be negative.
    pub(super) fn signed(self, name: &str, value: i32, about: &str) -> Group {
        self.define(name, format!("({value})"), about)
    }

    /// A field that holds a number: its mask in place, and how far from bit 0 it is.
    pub(super) fn field(self, name: &str, mask: impl Into<u64>, about: &str) -> Group {
        let mask = mask.into();
        let group = self.bits(&format!("{name}_MASK"), mask, about);
        group.number(&format!("{name}_SHIFT"), mask.trailing_zeros(), "")
    }

    /// Each flag that the type names, except fields of several bits: their masks and values are
    /// constants of their own.
    pub(super) fn flags<F: Flags<Bits: Into<u64>>>(
        self,
        prefix: &str,
        about: impl Fn(u64) -> String,
    ) -> Group {
        let flags = F::FLAGS.iter().map(|flag| (flag.name(), flag.value().bits().into()));
        flags.filter(|(_, bits)| bits.is_power_of_two()).fold(self, |group, (name, bits)| {
            group.bits(&format!("{prefix}_{name}"), bits, &about(bits))
        })
    }

    fn define(mut self, name: &str, value: String, about: &str) -> Group {
        let (name, about) = (format!("FFA_{name}"), about.into());
        self.constants.push(Constant { name, value, about });
        self
    }
}

/// For flags whose names say it all.
pub(super) fn no_comment(_: u64) -> String {
    String::new()
}

/// The bits which alone in their word mean something: a field, where it can only be asked for.
pub(super) fn single_bits<W: TryFrom<u64>>(means_something: impl Fn(W) -> bool) -> u64 {
    let bits = (0..u64::BITS).map(|bit| 1_u64 << bit);
    bits.filter(|bit| W::try_from(*bit).is_ok_and(&means_something)).sum()
}

/// The registers after a call, as its reply writes them.
pub(super) fn written(reply: &impl Reply) -> Regs {
    let mut regs = Regs::ZERO;
    reply.write(&mut regs);
    regs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_is_as_wide_as_its_value_and_unsigned() {
        let group = Group::new("", "").bits("A", 0x8000_0000_u32, "").bits("B", 1_u64 << 32, "");
        let group = group.field("C", 0x7c0_u32, "").signed("D", -1, "");
        let lines: Vec<_> =
            group.constants.iter().map(|c| format!("{} {}", c.name, c.value)).collect();
        let wanted = [
            "FFA_A 0x80000000U",
            "FFA_B 0x0000000100000000ULL",
            "FFA_C_MASK 0x000007c0U",
            "FFA_C_SHIFT 6U",
            "FFA_D (-1)",
        ];
        assert_eq!(lines, wanted);
    }

    #[test]
    fn a_field_is_found_by_asking_for_each_bit() {
        assert_eq!(single_bits(|word: u32| word >> 28 != 0), 0xf000_0000);
        assert_eq!(single_bits(|word: u16| word & 0xf0 != 0), 0xf0);
    }
}
