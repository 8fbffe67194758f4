//! Lists of endpoints, in which each is there once.

use crate::id::EndpointId;

/// Ids of which one look remembers which were there: 2^12 of 2^16, in half a KiB of stack.
const BLOCK_BITS: u16 = 12;

/// How many ids there are.
const IDS: usize = 1 << 16;

/// The index of an id that was there before; not always of the first one.
///
/// A set of all ids would be 8 KiB of stack, and comparing all pairs would let a long list stop the
/// machine. So the list is walked once for each block of ids that occurs in it: 16 times at most, and
/// once or twice as a rule. A list longer than there are ids is not walked at all: up to that index one
/// is there twice.
pub(crate) fn duplicate(ids: &(impl ExactSizeIterator<Item = EndpointId> + Clone)) -> Option<u32> {
    if ids.len() < 2 {
        return None;
    }
    if ids.len() > IDS {
        return u32::try_from(IDS).ok();
    }
    let occurs = ids.clone().fold(0_u16, |blocks, id| blocks | 1 << (id.0 >> BLOCK_BITS));
    let mut blocks = (0..16).filter(|block| occurs >> block & 1 != 0);
    blocks.find_map(|block| repeated(ids.clone(), block))
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
        let find = |ids: &[u16]| duplicate(&ids.iter().map(|id| EndpointId(*id)));
        assert_eq!(find(&[]), None);
        assert_eq!(find(&[7]), None);
        assert_eq!(find(&[1, 2, 0x8001, 0x1001, 0x41]), None);
        assert_eq!(find(&[1, 1]), Some(1));
        assert_eq!(find(&[1, 2, 1, 2]), Some(2));
        // The first block that has one says which.
        assert_eq!(find(&[0xffff, 3, 0xffff, 3]), Some(3));
        assert_eq!(find(&[3, 0xffff, 3, 0xffff]), Some(2));
        let mut all: Vec<u16> = (0..=u16::MAX).collect();
        assert_eq!(find(&all), None);
        all.push(0x1234);
        assert_eq!(find(&all), Some(0x1_0000));
    }

    #[test]
    fn more_ids_than_there_are_is_not_walked() {
        struct Many;
        impl Clone for Many {
            fn clone(&self) -> Many {
                panic!("it is walked")
            }
        }
        impl Iterator for Many {
            type Item = EndpointId;

            fn next(&mut self) -> Option<EndpointId> {
                panic!("it is walked")
            }

            fn size_hint(&self) -> (usize, Option<usize>) {
                (0x1_0001, Some(0x1_0001))
            }
        }
        impl ExactSizeIterator for Many {}
        assert_eq!(duplicate(&Many), Some(0x1_0000));
    }
}
