//! Neighbouring descriptors, ready in the form of each FF-A version.

use alloc::boxed::Box;

use ffa_abi::{EndpointId, PartitionInfo, PartitionInfo1_0, Uuid, Version};
use ffa_rcu::{Footprint, OutOfMemory};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout};

/// Most descriptors in a chunk of a long list, and of a short one.
///
/// The pieces of a long list must be long, to be copied at memcpy's speed. Those of a short one must not
/// be all of it, or whoever lists right after a change finds nothing in its cache: docs/decisions/0002.
pub(super) const CHUNK: usize = 512;
pub(super) const SHORT_CHUNK: usize = 128;

/// Most VMs in a list that is short for sure.
pub(super) const LONG: usize = 2 * CHUNK;

/// So many descriptors of either form fill lines to the end.
const BLOCK: usize = 8;
const NARROW_LINES: usize = BLOCK * size_of::<PartitionInfo1_0>() / size_of::<Line>();
const WIDE_LINES: usize = BLOCK * size_of::<PartitionInfo>() / size_of::<Line>();

/// Up to 512 descriptors in each form, packed, every form in lines of its own.
///
/// ```text
/// line 0        3b       4b       7b
///      |  wide  | narrow |  1.1   |           b blocks of 8 descriptors
/// ```
/// Callers of 1.2 read `wide`, callers of 1.0 `narrow`. Callers of 1.1 read `wide` too, unless some
/// descriptor has a property that 1.1 does not define: only then is there a form of their own.
///
/// Each form begins as far into its first line as the chunk begins into one of the list's, so that a copy
/// of it goes to an address aligned as its source.
#[derive(FromZeros, Immutable, KnownLayout)]
#[repr(C)]
pub struct Chunk {
    /// How many descriptors.
    len: u16,
    /// At which bytes of the lines the forms begin. That of 1.1 may be that of 1.2.
    wide: u16,
    narrow: u16,
    v1_1: u16,
    /// In one piece with the above: whoever reads right after a change has one cache miss less.
    lines: [Line],
}

const _: () = assert!((CHUNK + BLOCK) * (24 + 8 + 24) <= u16::MAX as usize);

/// A cache line. Of bytes, since forms of two sizes lie in one piece of memory.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C, align(64))]
pub struct Line([u8; 64]);

/// What the top says of a chunk.
#[derive(Clone, Copy)]
pub struct Summary {
    /// The id of its first descriptor, which of a VM's chunk is the lowest.
    pub(super) first: EndpointId,
    /// How many descriptors it has.
    pub(super) len: u16,
    /// How many descriptors the chunks before it have.
    pub(super) start: u32,
}

impl Summary {
    /// Of `chunk`, with `start` descriptors before it.
    pub(super) fn new(chunk: &Chunk, start: usize) -> Summary {
        let first = chunk.infos().first().map_or(EndpointId::HYPERVISOR, PartitionInfo::id);
        // Ids have 16 bits, so there are no more partitions than fit.
        Summary { first, len: chunk.len, start: u32::try_from(start).unwrap_or(u32::MAX) }
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
}

impl ffa_rcu::Chunk for Chunk {
    type Summary = Summary;
}

impl Footprint for Chunk {}

impl Chunk {
    /// A chunk of all descriptors in `runs`, at most [`CHUNK`], one run after the other, where `start`
    /// descriptors come before it.
    ///
    /// `has_newer` where some of them may have properties that 1.1 does not define, or no version does.
    pub(super) fn try_new<'i>(
        runs: impl Iterator<Item = &'i [PartitionInfo]> + Clone,
        start: usize,
        has_newer: bool,
    ) -> Result<Box<Chunk>, OutOfMemory> {
        let len = runs.clone().map(<[_]>::len).sum::<usize>();
        debug_assert!(len <= CHUNK, "{len} descriptors in a chunk");
        let differs = has_newer && runs.clone().flatten().any(is_newer);
        let lead = start % BLOCK;
        let blocks = (lead + len).div_ceil(BLOCK);
        let (narrow, v1_1) = (blocks * WIDE_LINES, blocks * (WIDE_LINES + NARROW_LINES));
        let lines = if differs { v1_1 + narrow } else { v1_1 };
        let mut chunk = Chunk::new_box_zeroed_with_elems(lines).map_err(|_| OutOfMemory)?;
        // There are just as many lines; what is said without a panic is said without its code.
        let parts = chunk.lines.split_at_mut_checked(narrow).and_then(|(wide, others)| {
            let (narrow, v1_1) = others.split_at_mut_checked(v1_1 - narrow)?;
            Some((wide, narrow, v1_1))
        });
        let (wide_lines, narrow_lines, v1_1_lines) = parts.ok_or(OutOfMemory)?;
        let seen_by = |version| move |info: &PartitionInfo| info.seen_by(version, Uuid::NIL);
        if has_newer {
            fill(wide_lines, lead, runs.clone(), convert(seen_by(Version::V1_2)));
        } else {
            fill(wide_lines, lead, runs.clone(), <[PartitionInfo]>::copy_from_slice);
        }
        fill(narrow_lines, lead, runs.clone(), convert(PartitionInfo::to_1_0));
        fill(v1_1_lines, lead, runs, convert(seen_by(Version::V1_1)));
        let wide = lead * size_of::<PartitionInfo>();
        let narrow = narrow * size_of::<Line>() + lead * size_of::<PartitionInfo1_0>();
        let v1_1 = if differs { v1_1 * size_of::<Line>() + wide } else { wide };
        // None of these is out of range: see the assertion above.
        [chunk.len, chunk.wide, chunk.narrow, chunk.v1_1] =
            [len, wide, narrow, v1_1].map(|number| u16::try_from(number).unwrap_or(0));
        Ok(chunk)
    }

    /// Whether callers of 1.1 have a form of their own.
    #[inline]
    pub(super) fn has_newer(&self) -> bool {
        self.v1_1 != self.wide
    }

    /// The descriptors as a caller of 1.2 reads them.
    #[inline]
    pub(super) fn infos(&self) -> &[PartitionInfo] {
        self.form(self.wide)
    }

    /// As a caller of 1.1 reads them.
    #[inline]
    pub(super) fn infos_1_1(&self) -> &[PartitionInfo] {
        self.form(self.v1_1)
    }

    /// As a caller of 1.0 reads them.
    #[inline]
    pub(super) fn infos_1_0(&self) -> &[PartitionInfo1_0] {
        self.form(self.narrow)
    }

    /// The form that begins at byte `start` of the lines.
    #[inline]
    fn form<T: FromBytes + Immutable + KnownLayout>(&self, start: u16) -> &[T] {
        let bytes = self.lines.as_bytes().get(start.into()..).unwrap_or(&[]);
        <[T]>::ref_from_prefix_with_elems(bytes, self.len.into()).map_or(&[], |(form, _)| form)
    }
}

/// Whether callers of 1.1 see less of it than callers of 1.2.
pub(super) fn is_newer(info: &PartitionInfo) -> bool {
    let properties = info.properties();
    properties.visible_in(Version::V1_1) != properties.visible_in(Version::V1_2)
}

/// Fills lines, but for the first `lead` slots, with runs, by `put` which has as many slots as
/// descriptors.
fn fill<'i, T: FromBytes + IntoBytes + KnownLayout>(
    lines: &mut [Line],
    lead: usize,
    runs: impl Iterator<Item = &'i [PartitionInfo]>,
    put: impl Fn(&mut [T], &[PartitionInfo]),
) {
    let slots = <[T]>::mut_from_bytes(lines.as_mut_bytes()).ok();
    let mut rest = slots.and_then(|slots| slots.get_mut(lead..)).unwrap_or(&mut []);
    for run in runs {
        let Some((slots, after)) = rest.split_at_mut_checked(run.len()) else { return };
        put(slots, run);
        rest = after;
    }
}

/// Writes each descriptor as `form` has it.
fn convert<T>(form: impl Fn(&PartitionInfo) -> T) -> impl Fn(&mut [T], &[PartitionInfo]) {
    move |slots, infos| {
        for (slot, info) in slots.iter_mut().zip(infos) {
            *slot = form(info);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;
    use ffa_abi::PartitionProperties;

    fn info(id: u16, properties: PartitionProperties) -> PartitionInfo {
        PartitionInfo::new(EndpointId(id), 2, properties, Uuid([1; 16]))
    }

    /// Of 1.2, the latest that the mediator shows.
    fn every_property() -> PartitionProperties {
        PartitionProperties::all().visible_in(Version::V1_2)
    }

    fn chunk(infos: &[PartitionInfo]) -> Box<Chunk> {
        Chunk::try_new([infos].into_iter(), 0, true).unwrap()
    }

    #[test]
    fn each_version_reads_its_own_bytes() {
        let chunk = chunk(&[info(0x8001, every_property())]);
        // That is 0x7ff: every property, and the kind whose two bits are set.
        assert_eq!(chunk.infos_1_0().as_bytes(), [0x01, 0x80, 2, 0, 0x07, 0, 0, 0]);
        assert_eq!(chunk.infos_1_1().as_bytes()[..8], [0x01, 0x80, 2, 0, 0xff, 0x01, 0, 0]);
        assert_eq!(chunk.infos().as_bytes()[..8], [0x01, 0x80, 2, 0, 0xff, 0x07, 0, 0]);
        assert_eq!(chunk.infos().as_bytes()[8..], [0x01; 16]);
        assert_eq!(size_of_val(&*chunk), 64 + (24 + 8 + 24) * BLOCK);
    }

    #[test]
    fn callers_of_1_1_and_1_2_read_the_same_bytes_unless_a_property_is_newer() {
        let chunk = chunk(&[info(1, PartitionProperties::AARCH64)]);
        assert_eq!(chunk.infos_1_1().as_ptr(), chunk.infos().as_ptr());
        assert_eq!(size_of_val(&*chunk), 64 + (24 + 8) * BLOCK);
    }

    #[test]
    fn forms_are_aligned_and_packed_at_every_length() {
        for len in 1..=CHUNK {
            let infos: Vec<_> = (1..).map(|id| info(id, every_property())).take(len).collect();
            let chunk = chunk(&infos);
            assert!(chunk.infos() == infos);
            let older = infos.iter().map(|info| info.seen_by(Version::V1_1, Uuid::NIL));
            assert!(chunk.infos_1_1().iter().copied().eq(older));
            assert!(chunk.infos_1_0().iter().copied().eq(infos.iter().map(PartitionInfo::to_1_0)));
            let forms = [
                chunk.infos_1_0().as_bytes(),
                chunk.infos_1_1().as_bytes(),
                chunk.infos().as_bytes(),
            ];
            assert!(forms.iter().all(|form| form.as_ptr().addr() % 64 == 0), "{len}");
            let elsewhere = Chunk::try_new([&*infos].into_iter(), len, true).unwrap();
            assert!(elsewhere.infos() == infos && elsewhere.infos_1_1() == chunk.infos_1_1());
            assert_eq!(elsewhere.infos().as_ptr().addr() % 64, 24 * len % 64);
            assert_eq!(elsewhere.infos_1_0().as_ptr().addr() % 64, 8 * len % 64);
        }
        assert_eq!(size_of::<ffa_rcu::Entry<Chunk>>(), 24);
    }

    #[test]
    fn what_no_version_defines_is_shown_to_nobody() {
        let odd = PartitionProperties::from_bits_retain(0xffff_f800);
        let chunk = chunk(&[info(1, odd | PartitionProperties::AARCH64)]);
        assert_eq!(chunk.infos()[0].properties(), PartitionProperties::AARCH64);
        assert_eq!(chunk.infos_1_1()[0].properties(), PartitionProperties::AARCH64);
        assert!(!chunk.has_newer());
    }

    #[test]
    fn runs_make_one_chunk() {
        let infos = [1, 2, 3, 4, 5, 6].map(|id| info(id, every_property()));
        let runs = [&infos[..1], &[], &infos[1..4], &infos[4..]];
        let in_parts = Chunk::try_new(runs.into_iter(), 0, true).unwrap();
        let whole = chunk(&infos);
        assert!(in_parts.infos_1_0() == whole.infos_1_0());
        assert!(in_parts.infos_1_1() == whole.infos_1_1());
        assert!(in_parts.infos() == whole.infos());
    }
}
