//! Composite memory regions: a header, then address ranges (constituents).
//!
//! ```text
//! offset  0             4              8          16
//!         | total pages | range count | reserved | ranges... |
//!
//! range   0         8       12         16
//!         | address | pages | reserved |
//! ```
//! Reserved fields are ignored, and written as zero.

use core::fmt;
use core::slice;

use zerocopy::little_endian::{U32, U64};

use crate::descriptor::{DescriptorError, Fault, check, view, views};
use crate::raw::layout;

/// The page of FF-A, whatever granule the translation tables use: 4 KiB.
pub const PAGE_SIZE: u64 = 0x1000;

layout! {
    /// The header of a composite memory region, 16 bytes, as it lies in a buffer.
    #[derive(Debug)]
    pub struct RawComposite: 16 {
        /// The pages of all ranges.
        0 => pub pages: U32,
        /// How many ranges follow.
        4 => pub ranges: U32,
        /// Ignored, and written as zero.
        8 => pub reserved: U64,
    }
}

layout! {
    /// An address range, 16 bytes, as it lies in a buffer.
    #[derive(Debug)]
    pub struct RawRange: 16 {
        /// The first byte.
        0 => pub address: U64,
        /// Pages of 4 KiB.
        8 => pub pages: U32,
        /// Ignored, and written as zero.
        12 => pub reserved: U32,
    }
}

pub(crate) const RANGE_SIZE: u32 = 16;
pub(crate) const COMPOSITE_SIZE: u32 = 16;

/// What the header of a composite memory region says: how many pages in how many ranges.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Composite {
    /// The pages of all ranges, at least one each.
    pub pages: u32,
    /// The ranges, at least one.
    pub ranges: u32,
}

/// Whole pages, at least one, that end below 2^64: checked when it was made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MemoryRange {
    address: u64,
    pages: u32,
}

/// The ranges that lie in one buffer, in order. Each was checked for itself; that they overlap, or
/// that one is there twice, was not looked for: whoever owns the pages checks.
#[derive(Clone, Debug)]
pub struct Ranges<'b>(slice::Iter<'b, RawRange>);

impl Composite {
    /// The header of these ranges; `None` where there are none, or more pages or ranges than 32 bits
    /// can say.
    #[must_use]
    pub fn of(ranges: impl IntoIterator<Item = MemoryRange>) -> Option<Composite> {
        let mut sum = Composite { pages: 0, ranges: 0 };
        for range in ranges {
            sum.pages = sum.pages.checked_add(range.pages)?;
            sum.ranges = sum.ranges.checked_add(1)?;
        }
        (sum.ranges != 0).then_some(sum)
    }

    /// The header at `offset`.
    pub(crate) fn read(bytes: &[u8], offset: u32) -> Result<Composite, DescriptorError> {
        let raw: &RawComposite = view(bytes, offset, "composite memory region")?;
        let composite = Composite { pages: raw.pages.get(), ranges: raw.ranges.get() };
        check(composite.ranges != 0, "range count", offset.saturating_add(4), Fault::Zero)?;
        check(composite.pages >= composite.ranges, "total page count", offset, Fault::Mismatch)?;
        Ok(composite)
    }

    pub(crate) fn raw(self) -> RawComposite {
        let Composite { pages, ranges } = self;
        RawComposite { pages: U32::new(pages), ranges: U32::new(ranges), reserved: U64::ZERO }
    }
}

impl MemoryRange {
    /// `pages` pages of 4 KiB from `address` on; `None` unless the address is a multiple of 4 KiB,
    /// there is a page, and the last one ends below 2^64.
    #[must_use]
    pub fn new(address: u64, pages: u32) -> Option<MemoryRange> {
        let raw =
            RawRange { address: U64::new(address), pages: U32::new(pages), reserved: U32::ZERO };
        raw.check(0).ok()
    }

    /// The first byte, a multiple of 4 KiB.
    #[must_use]
    pub fn address(self) -> u64 {
        self.address
    }

    /// Pages of 4 KiB, at least one.
    #[must_use]
    pub fn pages(self) -> u32 {
        self.pages
    }

    /// Bytes.
    #[must_use]
    pub fn size(self) -> u64 {
        u64::from(self.pages) * PAGE_SIZE
    }

    /// The byte after the last.
    #[must_use]
    pub fn end(self) -> u64 {
        self.address.saturating_add(self.size())
    }

    #[cold]
    fn fault(self, offset: u32) -> DescriptorError {
        let pages_at = offset.saturating_add(8);
        if self.address % PAGE_SIZE != 0 {
            DescriptorError::new("range address", offset, Fault::Unaligned)
        } else if self.pages == 0 {
            DescriptorError::new("range page count", pages_at, Fault::Zero)
        } else {
            DescriptorError::new("range page count", pages_at, Fault::Overflow)
        }
    }

    pub(crate) fn raw(self) -> RawRange {
        let MemoryRange { address, pages } = self;
        RawRange { address: U64::new(address), pages: U32::new(pages), reserved: U32::ZERO }
    }
}

impl RawRange {
    /// The range, which starts `offset` bytes into its descriptor.
    fn check(&self, offset: u32) -> Result<MemoryRange, DescriptorError> {
        let range = self.unchecked();
        if range.address % PAGE_SIZE == 0
            && range.pages != 0
            && range.address.checked_add(range.size()).is_some()
        {
            return Ok(range);
        }
        Err(range.fault(offset))
    }

    fn unchecked(&self) -> MemoryRange {
        MemoryRange { address: self.address.get(), pages: self.pages.get() }
    }
}

impl Iterator for Ranges<'_> {
    type Item = MemoryRange;

    #[inline]
    fn next(&mut self) -> Option<MemoryRange> {
        self.0.next().map(RawRange::unchecked)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for Ranges<'_> {}

/// The ranges and pages of a region that are still to come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Tally {
    pub(crate) left: Composite,
}

impl Tally {
    pub(crate) fn new(composite: Composite) -> Tally {
        Tally { left: composite }
    }

    /// Counts a range, which starts at `offset`.
    ///
    /// Fails as soon as the total cannot come out: each range that is left has a page at least.
    #[inline]
    pub(crate) fn count(&mut self, range: MemoryRange, offset: u32) -> Result<(), DescriptorError> {
        let pages = self.left.pages.checked_sub(range.pages);
        let ranges = self.left.ranges.checked_sub(1);
        if let (Some(pages), Some(ranges)) = (pages, ranges) {
            if (ranges == 0 && pages == 0) || (ranges != 0 && pages >= ranges) {
                self.left = Composite { pages, ranges };
                return Ok(());
            }
        }
        Err(DescriptorError::new("range page count", offset.saturating_add(8), Fault::Mismatch))
    }

    /// Checks and counts `count` ranges at `at` of `bytes`, which is `offset` of the descriptor.
    /// Where it fails nothing is counted.
    pub(crate) fn read<'b>(
        &mut self,
        bytes: &'b [u8],
        at: u32,
        count: u32,
        offset: u32,
    ) -> Result<Ranges<'b>, DescriptorError> {
        let raw: &[RawRange] = views(bytes, at, count, "address ranges")?;
        let (mut tally, mut offset) = (*self, offset);
        for range in raw {
            tally.count(range.check(offset)?, offset)?;
            offset = offset.saturating_add(RANGE_SIZE);
        }
        *self = tally;
        Ok(Ranges(raw.iter()))
    }
}

/// Checks `count` ranges at `at`, for which no composite header says a total, and sums up their pages.
pub(crate) fn sum_up(
    bytes: &[u8],
    at: u32,
    count: u32,
) -> Result<(u32, Ranges<'_>), DescriptorError> {
    let raw: &[RawRange] = views(bytes, at, count, "address ranges")?;
    let (mut pages, mut offset) = (0_u32, at);
    for range in raw {
        let field = "range page count";
        let overflow = DescriptorError::new(field, offset.saturating_add(8), Fault::Overflow);
        pages = pages.checked_add(range.check(offset)?.pages).ok_or(overflow)?;
        offset = offset.saturating_add(RANGE_SIZE);
    }
    Ok((pages, Ranges(raw.iter())))
}

impl fmt::Display for MemoryRange {
    /// `0x80000000+2`: address and pages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}+{}", self.address, self.pages)
    }
}

impl fmt::Debug for MemoryRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;
    use std::vec::Vec;

    use zerocopy::IntoBytes;

    // By hand: 3 pages in 2 ranges, with reserved fields that are not zero.
    const BYTES: [u8; 48] = [
        3, 0, 0, 0, 2, 0, 0, 0, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, //
        0x00, 0x10, 0x00, 0x40, 1, 0, 0, 0, 2, 0, 0, 0, 0xbb, 0xbb, 0xbb, 0xbb, //
        0x00, 0x00, 0x00, 0x80, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
    ];

    fn read(bytes: &[u8]) -> Result<Vec<MemoryRange>, DescriptorError> {
        let composite = Composite::read(bytes, 0)?;
        let mut tally = Tally::new(composite);
        tally.read(bytes, 16, composite.ranges, 16).map(Iterator::collect)
    }

    fn fault(change: impl Fn(&mut [u8; 48])) -> (&'static str, u32, Fault) {
        let mut bytes = BYTES;
        change(&mut bytes);
        let DescriptorError { field, offset, fault } = read(&bytes).unwrap_err();
        (field, offset, fault)
    }

    #[test]
    fn fields_stand_where_the_document_puts_them() {
        assert_eq!(Composite::read(&BYTES, 0), Ok(Composite { pages: 3, ranges: 2 }));
        let ranges = read(&BYTES).unwrap();
        let wanted = [MemoryRange::new(0x1_4000_1000, 2), MemoryRange::new(0x8000_0000, 1)]
            .map(Option::unwrap);
        assert_eq!(ranges, wanted);
        assert_eq!(Composite::of(ranges), Some(Composite { pages: 3, ranges: 2 }));
        assert_eq!(wanted[0].raw().as_bytes()[..12], BYTES[16..28]);
        assert_eq!(wanted[0].raw().as_bytes()[12..], [0; 4]);
    }

    #[test]
    fn a_range_is_aligned_whole_and_below_the_end() {
        assert_eq!(MemoryRange::new(0x1001, 1), None);
        assert_eq!(MemoryRange::new(0x1000, 0), None);
        assert_eq!(MemoryRange::new(0xffff_ffff_ffff_f000, 1), None);
        let last = MemoryRange::new(0xffff_ffff_ffff_e000, 1).unwrap();
        assert_eq!((last.size(), last.end()), (0x1000, 0xffff_ffff_ffff_f000));
        assert_eq!(MemoryRange::new(0x8000_0000, u32::MAX).unwrap().size(), 0xfff_ffff_f000);
        assert_eq!(last.to_string(), "0xffffffffffffe000+1");
    }

    #[test]
    fn every_fault_is_named_with_its_place() {
        assert_eq!(fault(|b| b[4] = 0), ("range count", 4, Fault::Zero));
        assert_eq!(fault(|b| b[0] = 1), ("total page count", 0, Fault::Mismatch));
        assert_eq!(fault(|b| b[0] = 2), ("range page count", 24, Fault::Mismatch));
        assert_eq!(fault(|b| b[0] = 4), ("range page count", 40, Fault::Mismatch));
        assert_eq!(fault(|b| b[33] = 1), ("range address", 32, Fault::Unaligned));
        assert_eq!(fault(|b| b[40] = 0), ("range page count", 40, Fault::Zero));
        let wraps =
            |b: &mut [u8; 48]| b[17..24].copy_from_slice(&[0xf0, 255, 255, 255, 255, 255, 255]);
        assert_eq!(fault(wraps), ("range page count", 24, Fault::Overflow));
        assert_eq!(fault(|b| b[4] = 3), ("address ranges", 16, Fault::Truncated));
        assert_eq!(read(&BYTES[..15]).unwrap_err().fault, Fault::Truncated);
    }

    #[test]
    fn sums_do_not_wrap() {
        let most = MemoryRange::new(0x1000, u32::MAX).unwrap();
        assert_eq!(Composite::of([most, most]), None);
        assert_eq!(Composite::of([]), None);
        let mut bytes = BYTES;
        bytes[24..28].fill(0xff);
        bytes[40..44].copy_from_slice(&[4, 0, 0, 0]);
        assert_eq!(read(&bytes).unwrap_err().fault, Fault::Mismatch);
    }
}
