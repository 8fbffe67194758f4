//! Neighbouring descriptors, ready in the form of each FF-A version.

use alloc::boxed::Box;
use core::ops::Range;

use ffa_abi::{EndpointId, PartitionInfo, PartitionInfo1_0, Uuid, Version};
use ffa_rcu::{Footprint, OutOfMemory};
use zerocopy::{FromZeros, IntoBytes};

/// Most descriptors in a chunk: one for each bit of a mask.
pub(super) const CHUNK: usize = 64;

/// Up to 64 descriptors, aligned so that no copy straddles more lines than it must.
///
/// The forms of 1.1 and 1.2 are one unless they differ: what a reader does not read should not lie
/// between what it does.
#[derive(FromZeros)]
#[repr(C, align(64))]
pub struct Chunk {
    /// As callers of 1.2 read them, and callers of 1.1 where `v1_1` is `None`.
    wide: [PartitionInfo; CHUNK],
    /// As callers of 1.0 read them.
    narrow: [PartitionInfo1_0; CHUNK],
    /// As callers of 1.1 read them, where some property is newer.
    v1_1: Option<Box<Wide>>,
}

#[derive(FromZeros)]
#[repr(C, align(64))]
struct Wide([PartitionInfo; CHUNK]);

/// What the top says of a chunk.
#[derive(Clone, Copy)]
pub struct Summary {
    /// The id of its first descriptor, which of a VM's chunk is the lowest.
    pub(super) first: EndpointId,
    /// How many descriptors it has.
    pub(super) len: u8,
    /// Whether callers of 1.1 have bytes of their own: told here, so that others need not look.
    pub(super) has_newer: bool,
    /// How many descriptors the chunks before it have.
    pub(super) start: u32,
}

impl Summary {
    /// Of `chunk`, made from `infos`, with `start` descriptors before it.
    pub(super) fn new(chunk: &Chunk, infos: &[PartitionInfo], start: usize) -> Summary {
        let first = infos.first().map_or(EndpointId::HYPERVISOR, PartitionInfo::id);
        let len = u8::try_from(infos.len().min(CHUNK)).unwrap_or(0);
        let has_newer = chunk.v1_1.is_some();
        // Ids have 16 bits, so there are no more partitions than fit.
        Summary { first, len, has_newer, start: u32::try_from(start).unwrap_or(u32::MAX) }
    }

    #[inline]
    pub(super) fn len(self) -> usize {
        self.len.into()
    }

    #[inline]
    pub(super) fn start(self) -> usize {
        self.start as usize
    }

    #[inline]
    pub(super) fn end(self) -> usize {
        self.start() + self.len()
    }

    /// A mask with a bit for each descriptor.
    #[inline]
    pub(super) fn all(self) -> u64 {
        u64::MAX >> (CHUNK - self.len()).min(CHUNK - 1)
    }
}

impl ffa_rcu::Chunk for Chunk {
    type Summary = Summary;
}

impl Footprint for Chunk {
    fn heap_bytes(&self) -> usize {
        self.v1_1.as_ref().map_or(0, |_| size_of::<Wide>())
    }
}

impl Chunk {
    /// A chunk of the first [`CHUNK`] of `infos`.
    pub(super) fn try_new(infos: &[PartitionInfo]) -> Result<Box<Chunk>, OutOfMemory> {
        // Filled where it is: a chunk is too large to stand on the stack of a guest's trap.
        let mut chunk = Chunk::new_box_zeroed().map_err(|_| OutOfMemory)?;
        fill(&mut chunk.wide, infos, |info| info.seen_by(Version::V1_2, Uuid::NIL));
        fill(&mut chunk.narrow, infos, PartitionInfo::to_1_0);
        if infos.iter().any(has_newer_properties) {
            let mut older = Wide::new_box_zeroed().map_err(|_| OutOfMemory)?;
            fill(&mut older.0, infos, |info| info.seen_by(Version::V1_1, Uuid::NIL));
            chunk.v1_1 = Some(older);
        }
        Ok(chunk)
    }

    /// The descriptors of the entries in `range`, as a caller of 1.2 sees them.
    #[inline]
    pub(super) fn infos(&self, range: Range<usize>) -> &[PartitionInfo] {
        self.wide.get(range).unwrap_or(&[])
    }

    /// The bytes of the entries in `range`, as a caller of 1.2 reads them.
    #[inline]
    pub(super) fn bytes_1_2(&self, range: Range<usize>) -> &[u8] {
        self.infos(range).as_bytes()
    }

    /// As a caller of 1.1 reads them.
    #[inline]
    pub(super) fn bytes_1_1(&self, range: Range<usize>) -> &[u8] {
        let wide = self.v1_1.as_ref().map_or(&self.wide, |older| &older.0);
        wide.get(range).unwrap_or(&[]).as_bytes()
    }

    /// As a caller of 1.0 reads them.
    #[inline]
    pub(super) fn bytes_1_0(&self, range: Range<usize>) -> &[u8] {
        self.narrow.get(range).unwrap_or(&[]).as_bytes()
    }
}

/// Whether callers of 1.1 see less of it than callers of 1.2.
fn has_newer_properties(info: &PartitionInfo) -> bool {
    let properties = info.properties();
    properties.visible_in(Version::V1_1) != properties.visible_in(Version::V1_2)
}

fn fill<T>(slots: &mut [T], infos: &[PartitionInfo], form: impl Fn(&PartitionInfo) -> T) {
    for (slot, info) in slots.iter_mut().zip(infos) {
        *slot = form(info);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ffa_abi::PartitionProperties;

    fn info(properties: PartitionProperties) -> PartitionInfo {
        PartitionInfo::new(EndpointId(0x8001), 2, properties, Uuid([1; 16]))
    }

    #[test]
    fn each_version_reads_its_own_bytes() {
        let chunk = Chunk::try_new(&[info(PartitionProperties::all())]).unwrap();
        // all() is 0x7cf: every property, without the two bits that say what the id names.
        assert_eq!(chunk.bytes_1_0(0..1), [0x01, 0x80, 2, 0, 0x07, 0, 0, 0]);
        assert_eq!(chunk.bytes_1_1(0..1)[..8], [0x01, 0x80, 2, 0, 0xcf, 0x01, 0, 0]);
        assert_eq!(chunk.bytes_1_2(0..1)[..8], [0x01, 0x80, 2, 0, 0xcf, 0x07, 0, 0]);
        assert_eq!(chunk.bytes_1_2(0..1)[8..], [0x01; 16]);
        assert_eq!(chunk.heap_bytes(), 24 * CHUNK);
    }

    #[test]
    fn callers_of_1_1_and_1_2_read_the_same_bytes_unless_a_property_is_newer() {
        let chunk = Chunk::try_new(&[info(PartitionProperties::AARCH64)]).unwrap();
        assert_eq!(chunk.bytes_1_1(0..1).as_ptr(), chunk.bytes_1_2(0..1).as_ptr());
        assert_eq!(chunk.heap_bytes(), 0);
    }

    #[test]
    fn forms_are_aligned_and_packed() {
        let chunk = Chunk::try_new(&[]).unwrap();
        for bytes in [chunk.bytes_1_0(0..64), chunk.bytes_1_1(0..64), chunk.bytes_1_2(0..64)] {
            assert_eq!(bytes.as_ptr().addr() % 64, 0);
        }
        assert_eq!(size_of::<ffa_rcu::Entry<Chunk>>(), 16);
    }

    #[test]
    fn a_mask_has_a_bit_for_each_descriptor() {
        let infos = [info(PartitionProperties::AARCH64); CHUNK];
        let chunk = Chunk::try_new(&infos).unwrap();
        for len in 1..=CHUNK {
            let summary = Summary::new(&chunk, &infos[..len], 7);
            assert_eq!(summary.all().count_ones() as usize, len);
            assert_eq!(summary.all().trailing_ones() as usize, len);
            assert_eq!(summary.end(), 7 + len);
        }
    }
}
