//! Which parts of the machine's RAM are free for VMs: what the device tree describes, minus what is
//! taken.

use core::ops::Range;

use crate::bundle::PAGE;

const MAX_RANGES: usize = 16;

/// Free ranges of physical addresses, page-aligned and disjoint.
#[derive(Clone, Debug)]
pub struct FreeRam {
    ranges: [Range<u64>; MAX_RANGES],
    count: usize,
}

/// There are more ranges than there is room for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooManyRanges;

impl Default for FreeRam {
    fn default() -> Self {
        Self::new()
    }
}

impl FreeRam {
    /// Nothing is free yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { ranges: [const { 0..0 }; MAX_RANGES], count: 0 }
    }

    /// Adds RAM; what is not a whole page is left out.
    ///
    /// # Errors
    /// [`TooManyRanges`]: the range is left out.
    pub fn add(&mut self, ram: &Range<u64>) -> Result<(), TooManyRanges> {
        self.push(round_up(ram.start)..round_down(ram.end))
    }

    /// Takes away what somebody else uses; pages of which a part is used are taken whole.
    ///
    /// # Errors
    /// [`TooManyRanges`]: the part behind `used` is lost, nothing of `used` is free.
    pub fn remove(&mut self, used: &Range<u64>) -> Result<(), TooManyRanges> {
        let used = round_down(used.start)..round_up(used.end);
        let mut result = Ok(());
        for index in 0..self.count {
            let Some(range) = self.ranges.get_mut(index) else { break };
            if used.end <= range.start || range.end <= used.start {
                continue;
            }
            let behind = used.end..range.end;
            range.end = range.start.max(used.start);
            result = result.and(self.push(behind));
        }
        result
    }

    /// The free ranges that are not empty.
    pub fn ranges(&self) -> impl Iterator<Item = Range<u64>> {
        self.ranges.iter().take(self.count).filter(|range| !range.is_empty()).cloned()
    }

    fn push(&mut self, range: Range<u64>) -> Result<(), TooManyRanges> {
        if range.is_empty() {
            return Ok(());
        }
        *self.ranges.get_mut(self.count).ok_or(TooManyRanges)? = range;
        self.count += 1;
        Ok(())
    }
}

const fn round_down(address: u64) -> u64 {
    address & !(PAGE - 1)
}

const fn round_up(address: u64) -> u64 {
    round_down(address.saturating_add(PAGE - 1))
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "lists of ranges, some of them with one")]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn left(ram: Range<u64>, used: &[Range<u64>]) -> Vec<Range<u64>> {
        let mut free = FreeRam::new();
        free.add(&ram).unwrap();
        for range in used {
            free.remove(range).unwrap();
        }
        free.ranges().collect()
    }

    #[test]
    fn a_hole_in_the_middle() {
        assert_eq!(left(0..0x10000, &[0x4000..0x5000]), [0..0x4000, 0x5000..0x10000]);
    }

    #[test]
    fn partly_used_pages_are_used() {
        assert_eq!(left(0x10..0x10000, &[0x4010..0x4020]), [0x1000..0x4000, 0x5000..0x10000]);
    }

    #[test]
    fn used_ranges_may_overlap_and_stick_out() {
        let used = [0..0x2000, 0x1000..0x3000, 0x8000..0x20000];
        assert_eq!(left(0x1000..0x10000, &used), [0x3000..0x8000]);
        assert!(left(0x1000..0x10000, &[0..u64::MAX]).is_empty());
    }

    #[test]
    fn too_many_holes_lose_memory_but_never_give_away_used_pages() {
        let mut free = FreeRam::new();
        free.add(&(0..0x100_0000)).unwrap();
        let holes: Vec<_> = (1..40).map(|n| n * 0x8000..n * 0x8000 + 0x1000).collect();
        assert!(holes.iter().any(|hole| free.remove(hole) == Err(TooManyRanges)));
        for range in free.ranges() {
            assert!(holes.iter().all(|hole| hole.end <= range.start || range.end <= hole.start));
        }
    }
}
