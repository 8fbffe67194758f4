//! Fragments of a transaction after the first: address ranges, nothing else.

use crate::descriptor::{BuildError, DescriptorError, Fault, check, length_of, put};
use crate::memory::range::{Composite, MemoryRange, RANGE_SIZE, Ranges, RawRange, Tally};

/// What is still to come of a transaction after its first fragment: to be read, after
/// [`crate::FirstFragment`], or to be written, after [`crate::NewTransaction::write_first`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fragments {
    tally: Tally,
    offset: u32,
}

impl Fragments {
    /// `tally` is what is missing of a transaction whose first `offset` bytes were read.
    pub(crate) fn new(tally: Tally, offset: u32) -> Fragments {
        Fragments { tally, offset }
    }

    /// Reads the next fragment, which holds whole ranges, one at least. Where it fails nothing has
    /// changed.
    ///
    /// # Errors
    /// A fragment that is empty, no multiple of 16 bytes, or more than is missing; a range that is
    /// none; ranges whose pages cannot sum up to the total. Offsets are those of the whole
    /// transaction.
    pub fn read<'f>(&mut self, fragment: &'f [u8]) -> Result<Ranges<'f>, DescriptorError> {
        let length = length_of(fragment, "fragment length")?;
        let count = length / RANGE_SIZE;
        let field = "fragment length";
        check(length != 0, field, self.offset, Fault::Zero)?;
        check(length % RANGE_SIZE == 0, field, self.offset, Fault::Unaligned)?;
        check(count <= self.tally.left.ranges, field, self.offset, Fault::Mismatch)?;
        let ranges = self.tally.read(fragment, 0, count, self.offset)?;
        self.offset = self.offset.saturating_add(length);
        Ok(ranges)
    }

    /// Writes ranges into `space` until it is full, or none is missing, or `ranges` ends.
    pub(crate) fn fill(
        &mut self,
        space: &mut [u8],
        ranges: &mut impl Iterator<Item = MemoryRange>,
    ) -> Result<usize, BuildError> {
        let mut length = 0;
        for slot in space.chunks_exact_mut(size_of::<RawRange>()) {
            if self.is_complete() {
                break;
            }
            let Some(range) = ranges.next() else { break };
            self.tally.count(range, self.offset)?;
            put(slot, 0, &range.raw())?;
            self.offset = self.offset.saturating_add(RANGE_SIZE);
            length += size_of::<RawRange>();
        }
        Ok(length)
    }

    /// Whether nothing is missing: every range is there, and the pages sum up.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.tally.left.ranges == 0
    }

    /// Bytes so far: where the next fragment starts, w3 of `FFA_MEM_FRAG_RX`.
    #[must_use]
    pub fn offset(&self) -> u32 {
        self.offset
    }

    /// What is missing, in pages and ranges; none of either when all is there.
    #[must_use]
    pub fn missing(&self) -> Composite {
        self.tally.left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(address: u64, pages: u32) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&address.to_le_bytes());
        bytes[8..12].copy_from_slice(&pages.to_le_bytes());
        bytes
    }

    fn missing(pages: u32, ranges: u32) -> Fragments {
        Fragments::new(Tally::new(Composite { pages, ranges }), 0x70)
    }

    #[test]
    fn fragments_add_up_to_the_whole() {
        let mut fragments = missing(7, 3);
        let two = [range(0x1000, 1), range(0x4000, 2)].concat();
        assert_eq!(fragments.read(&two).unwrap().len(), 2);
        assert_eq!((fragments.offset(), fragments.is_complete()), (0x90, false));
        assert_eq!(fragments.missing(), Composite { pages: 4, ranges: 1 });
        let last = range(0x9000, 4);
        let ranges = fragments.read(&last).unwrap();
        assert_eq!(ranges.map(|range| (range.address(), range.pages())).last(), Some((0x9000, 4)));
        assert_eq!((fragments.offset(), fragments.is_complete()), (0xa0, true));
        assert_eq!(fragments.read(&range(0xa000, 1)).unwrap_err().fault, Fault::Mismatch);
    }

    #[test]
    fn no_more_is_written_than_is_missing_and_no_more_taken_than_written() {
        let mut ranges = (1..).filter_map(|page| MemoryRange::new(page << 12, 1));
        let (mut fragments, mut buffer) = (missing(3, 3), [0xcc; 47]);
        assert_eq!(fragments.write(&mut buffer, &mut ranges), Ok(32));
        assert_eq!(buffer[32..], [0xcc; 15]);
        assert_eq!(fragments.write(&mut buffer, &mut ranges), Ok(16));
        assert_eq!((buffer[..16].to_vec(), fragments.offset()), (range(0x3000, 1).to_vec(), 0xa0));
        assert_eq!(fragments.write(&mut buffer, &mut ranges), Ok(0));
        assert_eq!(ranges.next().map(MemoryRange::address), Some(0x4000));
    }

    #[test]
    fn a_bad_fragment_changes_nothing() {
        let bad: [(&[u8], _); 6] = [
            (&[], (0x70, Fault::Zero)),
            (&range(0x1000, 1)[..15], (0x70, Fault::Unaligned)),
            (&[range(0x1000, 1), range(0x1008, 1)].concat(), (0x80, Fault::Unaligned)),
            (&[range(0x1000, 1), range(0x2000, 0)].concat(), (0x88, Fault::Zero)),
            (&[range(0x1000, 1), range(0x2000, 6)].concat(), (0x88, Fault::Mismatch)),
            (&[range(0x1000, 1); 4].concat(), (0x70, Fault::Mismatch)),
        ];
        for (bytes, wanted) in bad {
            let mut fragments = missing(7, 3);
            let error = fragments.read(bytes).unwrap_err();
            assert_eq!((error.offset, error.fault), wanted);
            assert_eq!(fragments, missing(7, 3));
        }
    }
}
