//! Memory handles.

use core::fmt;

/// The number of a memory region that is donated, lent or shared: 64 bits, in two registers or one
/// field of a descriptor. 0 is a valid handle.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemoryHandle(pub u64);

impl MemoryHandle {
    /// No region: all ones.
    pub const INVALID: MemoryHandle = MemoryHandle(u64::MAX);

    /// Whether bit 63 is set: the hypervisor allocated it, not the SPMC.
    #[must_use]
    pub const fn allocated_by_hypervisor(self) -> bool {
        self.0 >> 63 != 0
    }

    /// From two registers: bits 31:0, bits 63:32.
    #[must_use]
    pub fn from_words(low: u32, high: u32) -> MemoryHandle {
        MemoryHandle(u64::from(high) << 32 | u64::from(low))
    }

    /// For two registers: bits 31:0, bits 63:32.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "each word is half of the whole")]
    pub fn words(self) -> (u32, u32) {
        (self.0 as u32, (self.0 >> 32) as u32)
    }
}

impl fmt::Debug for MemoryHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for MemoryHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#018x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn words_are_the_low_half_first() {
        let handle = MemoryHandle(0x8000_0001_0000_0002);
        assert_eq!(handle.words(), (2, 0x8000_0001));
        assert_eq!(MemoryHandle::from_words(2, 0x8000_0001), handle);
        assert!(handle.allocated_by_hypervisor());
        assert!(!MemoryHandle(u64::MAX >> 1).allocated_by_hypervisor());
        assert_eq!(handle.to_string(), "0x8000000100000002");
        assert_eq!(MemoryHandle(2).to_string(), "0x0000000000000002");
    }
}
