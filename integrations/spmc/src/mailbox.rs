//! The RX and TX buffer of a VM, or of the hypervisor.

use core::fmt;

use ffa_abi::MemoryRange;

use crate::world::{NotMemory, World};

/// The most ranges that a buffer can consist of.
pub const MAX_BUFFER_RANGES: usize = 16;

/// Memory that its owner and the SPMC share, in one piece or in several.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Buffer {
    /// At least one, the used ones first.
    ranges: [Option<MemoryRange>; MAX_BUFFER_RANGES],
}

/// Who may use an RX buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RxOwner {
    /// The SPMC: it is empty.
    Spmc,
    /// Its owner: there is something in it to be read.
    Endpoint,
    /// The hypervisor, which acquired it from the SPMC.
    Hypervisor,
}

/// A pair of buffers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mailbox {
    /// What its owner writes.
    pub tx: Buffer,
    /// What its owner reads.
    pub rx: Buffer,
    /// Who may use RX now.
    pub rx_owner: RxOwner,
}

impl Buffer {
    /// A buffer of these ranges; `None` where there is none, or more than [`MAX_BUFFER_RANGES`].
    pub fn new(ranges: impl IntoIterator<Item = MemoryRange>) -> Option<Buffer> {
        let mut buffer = Buffer { ranges: [None; MAX_BUFFER_RANGES] };
        let mut slots = buffer.ranges.iter_mut();
        for range in ranges {
            *slots.next()? = Some(range);
        }
        buffer.ranges().next().map(|_| buffer)
    }

    /// The ranges, in order.
    pub fn ranges(&self) -> impl Iterator<Item = MemoryRange> + '_ {
        self.ranges.iter().map_while(|range| *range)
    }

    /// Bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.ranges().fold(0, |sum, range| sum.saturating_add(range.size()))
    }

    pub(crate) fn overlaps(&self, other: &Buffer) -> bool {
        let meets = |a: MemoryRange, b: MemoryRange| a.address() < b.end() && b.address() < a.end();
        self.ranges().any(|range| other.ranges().any(|theirs| meets(range, theirs)))
    }

    /// Whether each of its pages is memory of the normal world.
    pub(crate) fn is_memory(&self, world: &dyn World) -> bool {
        self.ranges().all(|range| is_memory(range, world))
    }

    pub(crate) fn read(
        &self,
        world: &dyn World,
        offset: u64,
        into: &mut [u8],
    ) -> Result<(), NotMemory> {
        let (mut offset, mut rest) = (offset, into);
        while !rest.is_empty() {
            let (address, length) = self.piece(offset, rest.len()).ok_or(NotMemory)?;
            let (piece, after) = rest.split_at_mut_checked(length).ok_or(NotMemory)?;
            world.read(address, piece)?;
            offset = offset.saturating_add(length as u64);
            rest = after;
        }
        Ok(())
    }

    pub(crate) fn write(
        &self,
        world: &dyn World,
        offset: u64,
        from: &[u8],
    ) -> Result<(), NotMemory> {
        let (mut offset, mut rest) = (offset, from);
        while !rest.is_empty() {
            let (address, length) = self.piece(offset, rest.len()).ok_or(NotMemory)?;
            let (piece, after) = rest.split_at_checked(length).ok_or(NotMemory)?;
            world.write(address, piece)?;
            offset = offset.saturating_add(length as u64);
            rest = after;
        }
        Ok(())
    }

    /// Where byte `offset` is, and how many of `length` bytes lie there together, one at least; `None`
    /// past the end.
    fn piece(&self, offset: u64, length: usize) -> Option<(u64, usize)> {
        let mut left = offset;
        for range in self.ranges() {
            if let Some(room) = range.size().checked_sub(left).filter(|room| *room > 0) {
                let room = usize::try_from(room).unwrap_or(usize::MAX);
                return Some((range.address() + left, room.min(length)));
            }
            left -= range.size();
        }
        None
    }
}

fn is_memory(range: MemoryRange, world: &dyn World) -> bool {
    let mut pages = (range.address()..range.end()).step_by(PAGE);
    pages.all(|address| world.read(address, &mut [0]).is_ok())
}

const PAGE: usize = 0x1000;

impl Mailbox {
    /// Buffers that nothing is in.
    pub(crate) fn new(tx: Buffer, rx: Buffer) -> Mailbox {
        Mailbox { tx, rx, rx_owner: RxOwner::Spmc }
    }

    pub(crate) fn overlaps(&self, other: &Mailbox) -> bool {
        let buffers = [&self.tx, &self.rx];
        buffers.iter().any(|buffer| buffer.overlaps(&other.tx) || buffer.overlaps(&other.rx))
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ranges()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buffer(ranges: &[(u64, u32)]) -> Buffer {
        let ranges = ranges.iter().map(|(address, pages)| MemoryRange::new(*address, *pages));
        Buffer::new(ranges.map(Option::unwrap)).unwrap()
    }

    #[test]
    fn bytes_are_found_in_the_range_that_has_them() {
        let buffer = buffer(&[(0x5000, 2), (0x1000, 1)]);
        assert_eq!(buffer.size(), 0x3000);
        assert_eq!(buffer.piece(0, 0x4000), Some((0x5000, 0x2000)));
        assert_eq!(buffer.piece(0x1fff, 4), Some((0x6fff, 1)));
        assert_eq!(buffer.piece(0x2000, 4), Some((0x1000, 4)));
        assert_eq!(buffer.piece(0x3000, 1), None);
    }

    #[test]
    fn ranges_meet_where_they_have_a_page_in_common() {
        let middle = buffer(&[(0x9_0000, 1), (0x5000, 2)]);
        for (address, pages, meets) in
            [(0x4000, 1, false), (0x7000, 1, false), (0x6000, 1, true), (0x4000, 9, true)]
        {
            assert_eq!(middle.overlaps(&buffer(&[(address, pages)])), meets, "{address:#x}");
        }
    }

    #[test]
    fn a_buffer_has_a_range_and_not_too_many() {
        let pages = |count| (0..count).map(|page| MemoryRange::new(page << 13, 1).unwrap());
        assert_eq!(Buffer::new(pages(0)), None);
        assert!(Buffer::new(pages(MAX_BUFFER_RANGES as u64)).is_some());
        assert_eq!(Buffer::new(pages(MAX_BUFFER_RANGES as u64 + 1)), None);
    }
}
