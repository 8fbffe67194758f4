//! Sets of calls.

use core::fmt;

use ffa_abi::{FUNCTIONS, FunctionId, Width};

/// The function number of the lowest bit.
const FIRST: u32 = 0x60;

/// Some of the calls with function numbers 0x60..=0x9f, which are all that documents name.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Calls {
    narrow: u64,
    wide: u64,
}

impl Calls {
    /// None.
    pub const NONE: Calls = Calls { narrow: 0, wide: 0 };

    /// These, and `functions`.
    #[must_use]
    pub const fn with(self, functions: &[FunctionId]) -> Calls {
        let mut calls = self;
        let mut rest = functions;
        while let [function, others @ ..] = rest {
            let Calls { narrow, wide } = Calls::only(*function);
            calls = Calls { narrow: calls.narrow | narrow, wide: calls.wide | wide };
            rest = others;
        }
        calls
    }

    /// These, but for `functions`.
    #[must_use]
    pub const fn without(self, functions: &[FunctionId]) -> Calls {
        let Calls { narrow, wide } = Calls::NONE.with(functions);
        Calls { narrow: self.narrow & !narrow, wide: self.wide & !wide }
    }

    /// Whether it is one of these.
    #[must_use]
    pub const fn contains(self, function: FunctionId) -> bool {
        let Calls { narrow, wide } = Calls::only(function);
        self.narrow & narrow | self.wide & wide != 0
    }

    /// None where the number is above those that have a bit.
    const fn only(function: FunctionId) -> Calls {
        let number = (function.bits() & 0xffff) - FIRST;
        let bit = if number < u64::BITS { 1 << number } else { 0 };
        match function.width() {
            Width::Bits32 => Calls { narrow: bit, wide: 0 },
            Width::Bits64 => Calls { narrow: 0, wide: bit },
        }
    }
}

impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = FUNCTIONS.iter().filter(|function| self.contains(function.id));
        f.debug_set().entries(known.map(|function| function.id)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_call_has_a_place_of_its_own() {
        for function in FUNCTIONS {
            let only = Calls::NONE.with(&[function.id]);
            let contained = FUNCTIONS.iter().filter(|other| only.contains(other.id));
            assert!(contained.map(|other| other.id).eq([function.id]));
            assert_eq!(only.without(&[function.id]), Calls::NONE);
        }
    }

    #[test]
    fn a_number_that_no_document_names_is_in_no_set() {
        let unnamed = FunctionId::from_bits(0x8400_00ef).unwrap();
        assert!(!Calls::NONE.with(&[unnamed]).contains(unnamed));
    }
}
