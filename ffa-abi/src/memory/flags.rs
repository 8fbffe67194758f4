//! Flags of memory transactions and of their end.
//!
//! ```text
//! bit  31   11  10      9            8    5  4  3   2         1     0
//!     | zero | bypass | hint valid | hint | type | zero after | slice | zero |
//! ```

use core::fmt;

use bitflags::bitflags;

bitflags! {
    /// Flags of a transaction, the u32 at offset 4. Bits 31:11 are reserved, in FF-A 1.0 bit 10 too.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct TransactionFlags: u32 {
        /// The region is filled with zeros before the receiver gets it. Never in a share.
        const ZERO = 1 << 0;
        /// The operation may be interrupted and resumed.
        const TIME_SLICE = 1 << 1;
        /// The region is filled with zeros when it is relinquished.
        const ZERO_AFTER_RELINQUISH = 1 << 2;
        /// The bits of a [`TransactionType`]: [`TransactionFlags::with_type`] sets them.
        const TYPE = 0b11 << 3;
        /// The bits of an alignment hint: [`TransactionFlags::with_alignment_hint`] sets them.
        const HINT = 0b1111 << 5;
        /// Bits 8:5 hold an alignment hint.
        const HINT_VALID = 1 << 9;
        /// The relayer need not check that all borrowers are named.
        const BYPASS_BORROWER_CHECK = 1 << 10;
    }

    /// Flags of `FFA_MEM_RELINQUISH`. Other bits are ignored, and written as zero.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct RelinquishFlags: u32 {
        /// The region is filled with zeros after the endpoints gave it up.
        const ZERO = 1 << 0;
        /// The operation may be interrupted and resumed.
        const TIME_SLICE = 1 << 1;
    }
}

/// What a region was sent by, bits 4:3 of the flags. A borrower may say what it expects, and the
/// relayer's answer says what it is. An owner has no need: the call says it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum TransactionType {
    /// Not said.
    #[default]
    NotSpecified = 0,
    /// `FFA_MEM_SHARE`.
    Share = 1,
    /// `FFA_MEM_LEND`.
    Lend = 2,
    /// `FFA_MEM_DONATE`.
    Donate = 3,
}

impl TransactionFlags {
    /// Bits 4:3.
    #[must_use]
    pub fn transaction_type(self) -> TransactionType {
        match (self & TransactionFlags::TYPE).bits() >> 3 {
            0 => TransactionType::NotSpecified,
            1 => TransactionType::Share,
            2 => TransactionType::Lend,
            _ => TransactionType::Donate,
        }
    }

    /// The same flags with another type.
    #[must_use]
    pub fn with_type(self, kind: TransactionType) -> TransactionFlags {
        let other = self.bits() & !TransactionFlags::TYPE.bits();
        TransactionFlags::from_bits_retain(other | (kind as u32) << 3)
    }

    /// Bits 8:5, where bit 9 says that they hold a hint: the boundary at which the retriever would like
    /// the region to start, in units of two pages, 8 KiB. 1 to 15 mean 8 KiB to 120 KiB; 0 leaves the
    /// choice to the relayer.
    #[must_use]
    pub fn alignment_hint(self) -> Option<u8> {
        let hint = self.bits() >> 5 & 0xf;
        self.contains(TransactionFlags::HINT_VALID).then_some(hint as u8)
    }

    /// The same flags with a hint in bits 8:5, in units of 8 KiB, of which the lowest four bits count,
    /// or without.
    #[must_use]
    pub fn with_alignment_hint(self, hint: Option<u8>) -> TransactionFlags {
        let field = TransactionFlags::HINT | TransactionFlags::HINT_VALID;
        let other = self.bits() & !field.bits();
        let with =
            hint.map_or(0, |hint| u32::from(hint & 0xf) << 5 | TransactionFlags::HINT_VALID.bits());
        TransactionFlags::from_bits_retain(other | with)
    }
}

impl fmt::Display for TransactionFlags {
    /// `lend zero slice`, or `0` where nothing is set.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.transaction_type() {
            TransactionType::NotSpecified => "",
            TransactionType::Share => "share",
            TransactionType::Lend => "lend",
            TransactionType::Donate => "donate",
        };
        let names = [
            (TransactionFlags::ZERO, "zero"),
            (TransactionFlags::TIME_SLICE, "slice"),
            (TransactionFlags::ZERO_AFTER_RELINQUISH, "zero-after"),
            (TransactionFlags::HINT_VALID, "hint"),
            (TransactionFlags::BYPASS_BORROWER_CHECK, "bypass"),
        ];
        let mut separator = "";
        let set = names.iter().filter(|(flag, _)| self.contains(*flag)).map(|(_, name)| *name);
        for name in Some(kind).filter(|kind| !kind.is_empty()).into_iter().chain(set) {
            write!(f, "{separator}{name}")?;
            separator = " ";
        }
        f.write_str(if separator.is_empty() { "0" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn fields_of_several_bits_stand_where_the_document_puts_them() {
        let flags = TransactionFlags::from_bits_retain(0x2f3);
        assert_eq!(flags.transaction_type(), TransactionType::Lend);
        assert_eq!(flags.alignment_hint(), Some(7));
        assert_eq!(flags.to_string(), "lend zero slice hint");
        assert_eq!(TransactionFlags::from_bits_retain(0xf0).alignment_hint(), None);
        assert_eq!(TransactionFlags::default().to_string(), "0");
    }

    #[test]
    fn fields_of_several_bits_survive_what_is_done_with_flags() {
        let lend = TransactionFlags::TIME_SLICE
            .with_type(TransactionType::Lend)
            .with_alignment_hint(Some(5));
        assert_eq!(TransactionFlags::from_bits_truncate(lend.bits() | 1 << 31), lend);
        assert_eq!(TransactionFlags::from_bits(lend.bits()), Some(lend));
        assert_eq!((lend & !TransactionFlags::ZERO), lend);
        assert_eq!(lend & TransactionFlags::all(), lend);
        let untyped = lend - TransactionFlags::TYPE;
        assert_eq!(untyped.transaction_type(), TransactionType::NotSpecified);
        assert_eq!(untyped.alignment_hint(), Some(5));
        assert_eq!(lend.to_string(), "lend slice hint");
    }

    #[test]
    fn a_field_changes_alone() {
        let flags = TransactionFlags::from_bits_retain(0x7ff);
        assert_eq!(flags.with_type(TransactionType::NotSpecified).bits(), 0x7e7);
        assert_eq!(flags.with_type(TransactionType::Share).bits(), 0x7ef);
        assert_eq!(flags.with_alignment_hint(None).bits(), 0x41f);
        let hinted = TransactionFlags::ZERO.with_alignment_hint(Some(0x15));
        assert_eq!(hinted.bits(), 0x2a1);
    }
}
