//! Lists of endpoints, in which each is there once.

use crate::id::EndpointId;

/// Ids of which one look remembers which were there: 2^12 of 2^16, in half a KiB of stack.
const BLOCK_BITS: u16 = 12;

/// The index of the first id that was there before.
///
/// A set of all ids would be 8 KiB of stack, and comparing all pairs would let a list of 100,000 ids
/// stop the machine. So the list is walked once for each block of ids that occurs in it: 16 times at
/// most, and once or twice as a rule.
pub(crate) fn first_duplicate(
    ids: &(impl ExactSizeIterator<Item = EndpointId> + Clone),
) -> Option<u32> {
    if ids.len() < 2 {
        return None;
    }
    let occurs = ids.clone().fold(0_u16, |blocks, id| blocks | 1 << (id.0 >> BLOCK_BITS));
    let blocks = (0..16).filter(|block| occurs >> block & 1 != 0);
    blocks.filter_map(|block| repeated(ids.clone(), block)).min()
}

/// The same, of the ids in one block.
fn repeated(ids: impl Iterator<Item = EndpointId>, block: u16) -> Option<u32> {
    let mut seen = [0_u64; 1 << (BLOCK_BITS - 6)];
    for (index, id) in (0..).zip(ids).filter(|(_, id)| id.0 >> BLOCK_BITS == block) {
        let (word, bit) = (usize::from(id.0 >> 6) % seen.len(), 1 << (id.0 & 63));
        let word = seen.get_mut(word)?;
        if *word & bit != 0 {
            return Some(index);
        }
        *word |= bit;
    }
    None
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    #[test]
    fn duplicates_are_found_wherever_they_are() {
        let find = |ids: &[u16]| first_duplicate(&ids.iter().map(|id| EndpointId(*id)));
        assert_eq!(find(&[]), None);
        assert_eq!(find(&[7]), None);
        assert_eq!(find(&[1, 2, 0x8001, 0x1001, 0x41]), None);
        assert_eq!(find(&[1, 1]), Some(1));
        assert_eq!(find(&[1, 2, 1, 2]), Some(2));
        assert_eq!(find(&[0xffff, 3, 0xffff, 3]), Some(2));
        assert_eq!(find(&[3, 0xffff, 3, 0xffff]), Some(2));
        let mut all: Vec<u16> = (0..=u16::MAX).collect();
        assert_eq!(find(&all), None);
        all.push(0x1234);
        assert_eq!(find(&all), Some(0x1_0000));
    }
}
