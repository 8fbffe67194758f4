//! Memory handles (DEN0077, "Memory region handle").

use core::fmt;

/// Names a memory region from the moment it is sent until it is reclaimed.
///
/// Bit 63 says who allocated it: 1 the hypervisor, 0 the SPMC. In registers it is two words, the low
/// one first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemoryHandle(pub u64);

impl MemoryHandle {
    /// All ones: names no region.
    pub const INVALID: MemoryHandle = MemoryHandle(u64::MAX);

    const HYPERVISOR: u64 = 1 << 63;

    /// Whether bit 63 is set: the hypervisor allocated it, not the SPMC.
    #[must_use]
    pub const fn allocated_by_hypervisor(self) -> bool {
        self.0 & Self::HYPERVISOR != 0
    }

    /// From bits 31:0 and bits 63:32.
    #[must_use]
    pub const fn from_words(low: u32, high: u32) -> MemoryHandle {
        MemoryHandle((high as u64) << 32 | low as u64)
    }

    /// Bits 31:0 and bits 63:32.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "each half is cut out")]
    pub const fn words(self) -> (u32, u32) {
        (self.0 as u32, (self.0 >> 32) as u32)
    }
}

impl fmt::Debug for MemoryHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#018x}", self.0)
    }
}

impl fmt::Display for MemoryHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn the_low_word_comes_first() {
        let handle = MemoryHandle::from_words(0x0000_0002, 0x8000_0001);
        assert_eq!(handle, MemoryHandle(0x8000_0001_0000_0002));
        assert_eq!(handle.words(), (0x0000_0002, 0x8000_0001));
    }

    #[test]
    fn bit_63_tells_the_allocator() {
        assert!(MemoryHandle(0x8000_0000_0000_0000).allocated_by_hypervisor());
        assert!(!MemoryHandle(0x7fff_ffff_ffff_ffff).allocated_by_hypervisor());
        assert_eq!(MemoryHandle::INVALID.0, 0xffff_ffff_ffff_ffff);
    }

    #[test]
    fn a_handle_prints_all_its_digits() {
        assert_eq!(MemoryHandle(0x2a).to_string(), "0x000000000000002a");
    }
}
