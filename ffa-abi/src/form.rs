//! The forms of a call: which registers carry its arguments.
//!
//! ```text
//! _32                   w1..w7
//! _64                   x1..x7
//! _64, extended         x1..x17, for the calls and versions that have it
//! ```

use core::fmt;

use crate::function::{FunctionId, Width};
use crate::regs::Regs;

/// Which registers a call or reply may use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// SMC32: w1..w7.
    Words,
    /// SMC64: x1..x7. x8..x17 belong to the caller.
    DoubleWords,
    /// SMC64: x1..x17.
    Extended,
}

/// The last registers of a call, of no fixed meaning: the last `BASIC` of w1..w7 or x1..x7, or, in the
/// extended form, the last `EXTENDED` of x1..x17.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Payload<const BASIC: usize, const EXTENDED: usize> {
    /// SMC32: up to w7.
    Words([u32; BASIC]),
    /// SMC64: up to x7.
    DoubleWords([u64; BASIC]),
    /// SMC64: up to x17.
    Extended([u64; EXTENDED]),
}

/// One register's value, as wide as the call's form has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Argument {
    /// SMC32: wN.
    Bits32(u32),
    /// SMC64: xN.
    Bits64(u64),
}

impl Form {
    pub(crate) const fn new(width: Width, is_extended: bool) -> Form {
        match width {
            Width::Bits32 => Form::Words,
            Width::Bits64 if is_extended => Form::Extended,
            Width::Bits64 => Form::DoubleWords,
        }
    }

    /// The calling convention of this form.
    #[must_use]
    pub const fn width(self) -> Width {
        match self {
            Form::Words => Width::Bits32,
            Form::DoubleWords | Form::Extended => Width::Bits64,
        }
    }
}

impl<const BASIC: usize, const EXTENDED: usize> Payload<BASIC, EXTENDED> {
    /// The number of the first register.
    const FIRST: usize = Regs::BASIC.saturating_sub(BASIC);

    /// Which registers carry it.
    #[must_use]
    pub const fn form(&self) -> Form {
        match self {
            Payload::Words(_) => Form::Words,
            Payload::DoubleWords(_) => Form::DoubleWords,
            Payload::Extended(_) => Form::Extended,
        }
    }

    /// The calling convention of a call that carries it.
    #[must_use]
    pub const fn width(&self) -> Width {
        self.form().width()
    }

    /// The value of each register in order.
    pub fn values(&self) -> impl Iterator<Item = u64> + Clone + '_ {
        let (words, double_words): (&[u32], &[u64]) = match self {
            Payload::Words(words) => (words, &[]),
            Payload::DoubleWords(words) => (&[], words),
            Payload::Extended(words) => (&[], words),
        };
        words.iter().copied().map(u64::from).chain(double_words.iter().copied())
    }

    /// The value of one register, counted from the payload's first; 0 for one that it does not have.
    #[must_use]
    pub fn value(&self, index: usize) -> u64 {
        self.values().nth(index).unwrap_or(0)
    }

    /// The lower 32 bits of one register, counted from the payload's first.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "the low half is what is asked for")]
    pub fn word(&self, index: usize) -> u32 {
        self.value(index) as u32
    }

    /// The same values in the wider of its own form and `form`.
    pub(crate) fn widened(self, form: Form) -> Self {
        match (self, form) {
            (Payload::Words(words), Form::DoubleWords) => {
                Payload::DoubleWords(words.map(u64::from))
            }
            (Payload::Words(_) | Payload::DoubleWords(_), Form::Extended) => {
                let mut wide = [0; EXTENDED];
                wide.iter_mut().zip(self.values()).for_each(|(to, from)| *to = from);
                Payload::Extended(wide)
            }
            _ => self,
        }
    }

    #[inline(always)]
    pub(crate) fn read(form: Form, regs: &Regs) -> Self {
        let double_word = |index| regs.x(Self::FIRST + index);
        match form {
            Form::Words => {
                Payload::Words(core::array::from_fn(|index| regs.w(Self::FIRST + index)))
            }
            Form::DoubleWords => Payload::DoubleWords(core::array::from_fn(double_word)),
            Form::Extended => Payload::Extended(core::array::from_fn(double_word)),
        }
    }

    /// Writes the registers that carry it, and no others.
    pub(crate) fn write(&self, regs: &mut Regs) {
        match self {
            Payload::Words(words) => write_from(Self::FIRST, words, regs),
            Payload::DoubleWords(words) => write_from(Self::FIRST, words, regs),
            Payload::Extended(words) => write_from(Self::FIRST, words, regs),
        }
    }
}

/// Writes registers from `first` on.
pub(crate) fn write_from<T: Copy + Into<u64>>(first: usize, values: &[T], regs: &mut Regs) {
    for (register, value) in regs.0.iter_mut().skip(first).zip(values) {
        *register = (*value).into();
    }
}

impl Argument {
    /// As wide as `width` has it.
    pub(crate) fn read(width: Width, regs: &Regs, index: usize) -> Argument {
        match width {
            Width::Bits32 => Argument::Bits32(regs.w(index)),
            Width::Bits64 => Argument::Bits64(regs.x(index)),
        }
    }

    /// The calling convention of a call that carries it.
    #[must_use]
    pub const fn width(self) -> Width {
        match self {
            Argument::Bits32(_) => Width::Bits32,
            Argument::Bits64(_) => Width::Bits64,
        }
    }

    /// The value, whatever its width.
    #[must_use]
    pub const fn value(self) -> u64 {
        match self {
            Argument::Bits32(value) => value as u64,
            Argument::Bits64(value) => value,
        }
    }
}

/// The id of a call's form.
pub(crate) const fn by_width(width: Width, narrow: FunctionId, wide: FunctionId) -> FunctionId {
    match width {
        Width::Bits32 => narrow,
        Width::Bits64 => wide,
    }
}

impl<const BASIC: usize, const EXTENDED: usize> fmt::Display for Payload<BASIC, EXTENDED> {
    /// The values in brackets, without the zeros at the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show_registers(f, self.values())
    }
}

impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.value())
    }
}

/// Shows registers in brackets, without the zeros at the end.
pub(crate) fn show_registers(
    f: &mut fmt::Formatter<'_>,
    values: impl Iterator<Item = u64> + Clone,
) -> fmt::Result {
    let used = values.clone().enumerate().filter(|(_, value)| *value != 0).last();
    let used = used.map_or(0, |(index, _)| index + 1);
    f.write_str("[")?;
    for (index, value) in values.take(used).enumerate() {
        let separator = if index == 0 { "" } else { " " };
        write!(f, "{separator}{value:#x}")?;
    }
    f.write_str("]")
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::ToString;

    use super::*;

    /// As `FFA_SUCCESS` has it: w2..w7, x2..x7, x2..x17.
    type Results = Payload<6, 16>;

    fn numbered() -> Regs {
        Regs(core::array::from_fn(|index| 0xf_0000_0000 | index as u64))
    }

    #[test]
    fn each_form_takes_its_registers() {
        let words = Results::read(Form::Words, &numbered());
        assert_eq!(words, Payload::Words([2, 3, 4, 5, 6, 7]));
        let double_words = Results::read(Form::DoubleWords, &numbered());
        assert!(double_words.values().eq((2..8).map(|index| 0xf_0000_0000 | index)));
        let extended = Results::read(Form::Extended, &numbered());
        assert!(extended.values().eq((2..18).map(|index| 0xf_0000_0000 | index)));
        assert_eq!((extended.value(15), extended.value(16)), (0xf_0000_0011, 0));
        assert_eq!((double_words.word(0), double_words.word(6)), (2, 0));
    }

    #[test]
    fn each_form_writes_its_registers_and_no_others() {
        for (form, end) in [(Form::Words, 8), (Form::DoubleWords, 8), (Form::Extended, 18)] {
            let payload = Results::read(form, &numbered());
            let mut regs = Regs([u64::MAX; 18]);
            payload.write(&mut regs);
            assert_eq!(Results::read(form, &regs), payload);
            assert_eq!(regs.0[..2], [u64::MAX; 2]);
            assert!(regs.0[end..].iter().all(|value| *value == u64::MAX), "{form:?}");
            assert_eq!(payload.form(), form);
        }
    }

    #[test]
    fn what_is_shown_ends_with_the_last_value() {
        assert_eq!(Results::Words([0; 6]).to_string(), "[]");
        assert_eq!(Results::Words([1, 0, 0x10, 0, 0, 0]).to_string(), "[0x1 0x0 0x10]");
        let mut all = [0; 16];
        all[15] = u64::MAX;
        assert!(Results::Extended(all).to_string().ends_with(" 0xffffffffffffffff]"));
    }

    #[test]
    fn an_argument_is_as_wide_as_its_call() {
        let regs = numbered();
        assert_eq!(Argument::read(Width::Bits32, &regs, 1), Argument::Bits32(1));
        assert_eq!(Argument::read(Width::Bits64, &regs, 1), Argument::Bits64(0xf_0000_0001));
        assert_eq!(Argument::Bits32(u32::MAX).value(), 0xffff_ffff);
    }
}
