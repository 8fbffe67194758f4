//! Fragments of a transaction after the first: address ranges, nothing else.

use crate::descriptor::{BuildError, DescriptorError, Fault, check, length_of, put, room};
use crate::memory::range::{Composite, MemoryRange, RANGE_SIZE, Ranges, RawRange, Tally};

/// What is still to come of a transaction after its first fragment: to be read, after
/// [`crate::FirstFragment`], or to be written, after [`crate::NewTransaction::write_first`].
///
/// It is the state of one transfer; a clone of it is another one. Ranges that overlap, or are there
/// twice, are taken: the earlier ones are gone by then. Whoever owns the pages checks that.
#[derive(Clone, PartialEq, Eq, Debug)]
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

    /// Writes as many of `ranges` as there is room for and as are missing, and returns the length of
    /// the fragment, w3 of `FFA_MEM_FRAG_TX`; 0 where nothing is missing. Where it fails nothing has
    /// changed, except that ranges were taken from `ranges`.
    ///
    /// # Errors
    /// [`BuildError::NoRoom`] for less than a range; [`Fault::Mismatch`] where `ranges` has none
    /// left although some are missing, or where the pages cannot sum up to what the composite header
    /// says.
    pub fn write(
        &mut self,
        buffer: &mut [u8],
        ranges: &mut impl Iterator<Item = MemoryRange>,
    ) -> Result<u32, BuildError> {
        if self.is_complete() {
            return Ok(0);
        }
        room(buffer, RANGE_SIZE)?;
        let mut after = self.clone();
        after.fill(buffer, ranges)?;
        let length = after.offset.saturating_sub(self.offset);
        check(length != 0, "address ranges", self.offset, Fault::Mismatch)?;
        *self = after;
        Ok(length)
    }

    /// Writes ranges into `space` until it is full, or none is missing, or `ranges` ends. Where it
    /// fails this is good for nothing.
    pub(crate) fn fill(
        &mut self,
        space: &mut [u8],
        ranges: &mut impl Iterator<Item = MemoryRange>,
    ) -> Result<(), BuildError> {
        for slot in space.chunks_exact_mut(size_of::<RawRange>()) {
            if self.is_complete() {
                break;
            }
            let Some(range) = ranges.next() else { break };
            self.tally.count(range, self.offset)?;
            put(slot, 0, &range.raw())?;
            self.offset = self.offset.saturating_add(RANGE_SIZE);
        }
        Ok(())
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

    /// Bytes of the whole transaction, all fragments together: w1 of its call.
    #[must_use]
    pub fn total_length(&self) -> u32 {
        self.tally.left.ranges.saturating_mul(RANGE_SIZE).saturating_add(self.offset)
    }

    /// What is missing, in pages and ranges; `None` when all is there.
    #[must_use]
    pub fn missing(&self) -> Option<Composite> {
        (!self.is_complete()).then_some(self.tally.left)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::memory::new_transaction::tests::{RECEIVERS, ranges, share};
    use crate::memory::transaction::FirstFragment;
    use crate::version::Version;
    use std::vec::Vec;

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
        assert_eq!(fragments.missing(), Some(Composite { pages: 4, ranges: 1 }));
        assert_eq!(fragments.total_length(), 0xa0);
        let last = range(0x9000, 4);
        let ranges = fragments.read(&last).unwrap();
        assert_eq!(ranges.map(|range| (range.address(), range.pages())).last(), Some((0x9000, 4)));
        assert_eq!((fragments.offset(), fragments.is_complete()), (0xa0, true));
        assert_eq!((fragments.missing(), fragments.total_length()), (None, 0xa0));
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
    fn ranges_that_end_early_are_an_error_once_there_is_nothing_to_write() {
        let mut ranges = (1..=2).filter_map(|page| MemoryRange::new(page << 12, 1));
        let (mut fragments, mut buffer) = (missing(3, 3), [0; 48]);
        assert_eq!(fragments.write(&mut buffer, &mut ranges), Ok(32));
        let (before, length) = (fragments.clone(), fragments.write(&mut buffer, &mut ranges));
        let error = DescriptorError::new("address ranges", 0x90, Fault::Mismatch);
        assert_eq!((length, &fragments), (Err(error.into()), &before));
    }

    #[test]
    fn a_fragment_that_fails_does_not_advance() {
        let mut ranges = [(0x1000, 1), (0x2000, 9)]
            .into_iter()
            .filter_map(|(address, pages)| MemoryRange::new(address, pages));
        let (mut fragments, mut buffer) = (missing(4, 3), [0; 48]);
        let error = DescriptorError::new("range page count", 0x88, Fault::Mismatch);
        assert_eq!(fragments.write(&mut buffer, &mut ranges), Err(error.into()));
        assert_eq!(fragments, missing(4, 3));
        assert_eq!(ranges.next(), None);
    }

    #[test]
    fn fragments_of_any_size_come_back_whole() {
        let versions = [Version::V1_0, Version::V1_1, Version::V1_2];
        for (version, room) in versions.into_iter().zip([0x50, 0x65, 0x9f]) {
            let mut source = ranges(20);
            let mut buffer = [0; 0xa0];
            let new = share(RECEIVERS, 20);
            let (length, mut rest) =
                new.write_first(&mut buffer[..room], version, &mut source).unwrap();
            let total = new.total_length(version).unwrap();
            let bytes = &buffer[..length as usize];
            let first = FirstFragment::parse(bytes, total, version, new.kind).unwrap();
            let mut seen: Vec<_> = first.ranges().collect();
            let mut reader = first.rest();
            assert_eq!((&reader, rest.total_length()), (&rest, total));
            while !rest.is_complete() {
                let short = rest.write(&mut buffer[..15], &mut source);
                assert_eq!(short, Err(BuildError::NoRoom { needed: 16 }));
                let length = rest.write(&mut buffer[..room], &mut source).unwrap();
                seen.extend(reader.read(&buffer[..length as usize]).unwrap());
            }
            assert!(reader.is_complete() && reader.offset() == total);
            assert_eq!(seen, ranges(20).collect::<Vec<_>>());
            assert_eq!(rest.write(&mut [], &mut source), Ok(0));
        }
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
