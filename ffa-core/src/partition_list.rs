//! An immutable list of partitions, packed as callers read it.
//!
//! Descriptors stand in chunks of at most 64, ready in the form of each FF-A version, so that a list
//! is copied and never composed. The forms of 1.1 and 1.2 are one unless they differ: what a reader
//! does not read should not lie between what it does. A change makes one new chunk and a new top; all other chunks are
//! shared with the list before.

use alloc::vec::Vec;
use core::ops::Range;

use ffa_abi::{EndpointId, PartitionInfo, PartitionInfo1_0, Uuid, Version};
use ffa_rcu::{Footprint, OutOfMemory, Shared};
use zerocopy::{FromZeros, IntoBytes};

/// Most descriptors in a chunk.
const CHUNK: usize = 64;

/// Descriptors, aligned so that no copy straddles more lines than it must.
#[derive(FromZeros)]
#[repr(C, align(64))]
struct Chunk {
    /// As callers of 1.2 read them, and callers of 1.1 unless the chunk's [`Entry`] says otherwise.
    wide: [PartitionInfo; CHUNK],
    /// As callers of 1.0 read them.
    narrow: [PartitionInfo1_0; CHUNK],
}

/// Descriptors as callers of 1.1 read them, where some property is newer.
#[derive(FromZeros)]
#[repr(C, align(64))]
struct Chunk1_1 {
    wide: [PartitionInfo; CHUNK],
}

/// What the top knows of a chunk without reading it.
struct Entry {
    chunk: Shared<Chunk>,
    v1_1: Option<Shared<Chunk1_1>>,
    first: EndpointId,
    /// How many descriptors the chunks before it hold.
    start: usize,
    len: usize,
}

/// An immutable list of partitions.
#[derive(Default)]
pub(crate) struct PartitionList {
    top: Vec<Entry>,
    /// Size of the chunks that were made for this list, and not taken over from another.
    new_bytes: usize,
}

/// Neighbouring descriptors of one chunk.
#[derive(Clone, Copy)]
pub(crate) struct Run<'l> {
    entry: &'l Entry,
    start: usize,
    end: usize,
}

impl PartitionList {
    /// A list in the order given.
    pub(crate) fn from_slice(infos: &[PartitionInfo]) -> Result<Self, OutOfMemory> {
        let mut top = Vec::new();
        top.try_reserve_exact(infos.len().div_ceil(CHUNK)).map_err(|_| OutOfMemory)?;
        for part in infos.chunks(CHUNK) {
            top.push(Entry::new(part, end(&top))?);
        }
        let new_bytes = top.iter().map(Entry::bytes).sum();
        Ok(PartitionList { top, new_bytes })
    }

    pub(crate) fn len(&self) -> usize {
        end(&self.top)
    }

    /// A list ordered by id, with `info` in its place. One of the same id is replaced.
    pub(crate) fn with(&self, info: PartitionInfo) -> Result<Self, OutOfMemory> {
        self.changed(info.id(), Some(info))
    }

    /// The list without `id`.
    pub(crate) fn without(&self, id: EndpointId) -> Result<Self, OutOfMemory> {
        self.changed(id, None)
    }

    /// Where `id` stands in a list ordered by id.
    pub(crate) fn position(&self, id: EndpointId) -> Option<usize> {
        let entry = self.top.get(self.chunk_of(id))?;
        let within = entry.search(id)?;
        Some(entry.start + within)
    }

    /// Descriptors with indices in `range`, chunk by chunk.
    pub(crate) fn runs(&self, range: Range<usize>) -> impl Iterator<Item = Run<'_>> {
        let entries = if range.is_empty() { &[] } else { self.covering(&range) };
        entries.iter().map(move |entry| Run {
            entry,
            start: range.start.saturating_sub(entry.start),
            end: range.end.saturating_sub(entry.start).min(entry.len),
        })
    }

    /// The chunks that hold `range`, which is not empty.
    fn covering(&self, range: &Range<usize>) -> &[Entry] {
        let first = self.top.partition_point(|entry| entry.end() <= range.start);
        let last = self.top.partition_point(|entry| entry.start < range.end);
        self.top.get(first..last).unwrap_or(&[])
    }

    /// Index of the chunk that holds `id`, or would.
    fn chunk_of(&self, id: EndpointId) -> usize {
        self.top.partition_point(|entry| entry.first <= id).saturating_sub(1)
    }

    /// The list with what it says of `id` replaced: the chunk that holds it made anew, together with
    /// a neighbour if both are small, and all others shared.
    fn changed(&self, id: EndpointId, info: Option<PartitionInfo>) -> Result<Self, OutOfMemory> {
        let window = self.window(self.chunk_of(id));
        let before = self.top.get(..window.start).unwrap_or(&[]);
        let old = self.top.get(window.clone()).unwrap_or(&[]);
        let after = self.top.get(window.end..).unwrap_or(&[]);

        let mut held = [PartitionInfo::default(); CHUNK + 1];
        let len = merge(&mut held, old, id, info);
        let infos = held.get(..len).unwrap_or(&[]);
        let new_chunks = len.div_ceil(CHUNK);
        // A list that grows at its end, as ids are handed out, keeps full chunks.
        let appended = after.is_empty() && infos.last().map(PartitionInfo::id) == Some(id);
        let part = if appended { CHUNK } else { len.div_ceil(new_chunks.max(1)) };

        let mut top = Vec::new();
        let entries = before.len() + new_chunks + after.len();
        top.try_reserve_exact(entries).map_err(|_| OutOfMemory)?;
        top.extend(before.iter().map(|entry| entry.share(entry.start)));
        let mut new_bytes = 0;
        for infos in infos.chunks(part.max(1)) {
            let entry = Entry::new(infos, end(&top))?;
            new_bytes += entry.bytes();
            top.push(entry);
        }
        for entry in after {
            top.push(entry.share(end(&top)));
        }
        Ok(PartitionList { top, new_bytes })
    }

    /// The chunks to make anew when `chunk` changes: it and a neighbour, where the two together fill
    /// no more than half a chunk; so neighbours always fill more, and a list has few chunks.
    fn window(&self, chunk: usize) -> Range<usize> {
        let len = |index: usize| self.top.get(index).map_or(CHUNK, |entry| entry.len);
        let previous = chunk.saturating_sub(1);
        let end = (chunk + 1).min(self.top.len());
        if len(chunk) + len(chunk + 1) <= CHUNK / 2 {
            chunk..chunk + 2
        } else if previous < chunk && len(previous) + len(chunk) <= CHUNK / 2 {
            previous..end
        } else {
            chunk.min(end)..end
        }
    }
}

impl Footprint for PartitionList {
    fn heap_bytes(&self) -> usize {
        self.top.capacity() * size_of::<Entry>() + self.new_bytes
    }
}

/// Writes the descriptors of `old` to `held`, with `info` in place of `id`, and returns how many.
///
/// `old` holds no more than a chunk, thus `held` has room for one more.
fn merge(
    held: &mut [PartitionInfo; CHUNK + 1],
    old: &[Entry],
    id: EndpointId,
    info: Option<PartitionInfo>,
) -> usize {
    let kept = || old.iter().flat_map(Entry::infos);
    let lower = kept().filter(|other| other.id() < id);
    let higher = kept().filter(|other| other.id() > id);
    let merged = lower.chain(info.as_ref()).chain(higher);
    held.iter_mut().zip(merged).map(|(slot, info)| *slot = *info).count()
}

/// How many descriptors there are up to the last of `entries`.
fn end(entries: &[Entry]) -> usize {
    entries.last().map_or(0, Entry::end)
}

impl Entry {
    /// A chunk of the first [`CHUNK`] of `infos`, with `start` descriptors before it.
    fn new(infos: &[PartitionInfo], start: usize) -> Result<Entry, OutOfMemory> {
        let first = infos.first().map_or(EndpointId::HYPERVISOR, PartitionInfo::id);
        // Filled where it is: a chunk is too large to stand on the stack of a guest's trap.
        let mut chunk = Shared::try_new(Chunk::new_zeroed())?;
        if let Some(Chunk { wide, narrow }) = Shared::get_mut(&mut chunk) {
            fill(wide, infos, |info| info.seen_by(Version::V1_2, Uuid::NIL));
            fill(narrow, infos, PartitionInfo::to_1_0);
        }
        let v1_1 = if infos.iter().any(has_newer_properties) {
            Some(Chunk1_1::try_new(infos)?)
        } else {
            None
        };
        Ok(Entry { chunk, v1_1, first, start, len: infos.len().min(CHUNK) })
    }

    /// The same chunk, with `start` descriptors before it.
    fn share(&self, start: usize) -> Entry {
        let (chunk, v1_1) = (self.chunk.clone(), self.v1_1.clone());
        Entry { chunk, v1_1, first: self.first, start, len: self.len }
    }

    fn end(&self) -> usize {
        self.start + self.len
    }

    fn infos(&self) -> &[PartitionInfo] {
        self.chunk.wide.get(..self.len).unwrap_or(&[])
    }

    fn search(&self, id: EndpointId) -> Option<usize> {
        self.infos().binary_search_by_key(&id, PartitionInfo::id).ok()
    }

    /// What the chunk takes.
    fn bytes(&self) -> usize {
        let v1_1 = self.v1_1.as_ref().map_or(0, |_| size_of::<Chunk1_1>());
        size_of::<Chunk>() + v1_1
    }
}

impl Chunk1_1 {
    fn try_new(infos: &[PartitionInfo]) -> Result<Shared<Self>, OutOfMemory> {
        let mut chunk = Shared::try_new(Chunk1_1::new_zeroed())?;
        if let Some(Chunk1_1 { wide }) = Shared::get_mut(&mut chunk) {
            fill(wide, infos, |info| info.seen_by(Version::V1_1, Uuid::NIL));
        }
        Ok(chunk)
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

impl<'l> Run<'l> {
    /// The descriptors, as a caller of 1.2 sees them.
    pub(crate) fn infos(self) -> &'l [PartitionInfo] {
        self.entry.chunk.wide.get(self.start..self.end).unwrap_or(&[])
    }

    /// The bytes that a caller of `version` reads.
    pub(crate) fn bytes(self, version: Version) -> &'l [u8] {
        let Run { entry: Entry { chunk, v1_1, .. }, start, end } = self;
        let bytes = match (version, v1_1) {
            (Version::V1_0, _) => chunk.narrow.get(start..end).map(IntoBytes::as_bytes),
            (Version::V1_1, Some(older)) => older.wide.get(start..end).map(IntoBytes::as_bytes),
            _ => chunk.wide.get(start..end).map(IntoBytes::as_bytes),
        };
        bytes.unwrap_or(&[])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use ffa_abi::PartitionProperties;

    fn info(id: u16, contexts: u16) -> PartitionInfo {
        let uuid = Uuid([id.to_le_bytes()[0]; 16]);
        PartitionInfo::new(EndpointId(id), contexts, PartitionProperties::all(), uuid)
    }

    fn listed(list: &PartitionList) -> Vec<PartitionInfo> {
        list.runs(0..list.len()).flat_map(|run| run.infos().iter().copied()).collect()
    }

    /// xorshift64*.
    fn random(state: &mut u64) -> u64 {
        *state ^= *state >> 12;
        *state ^= *state << 25;
        *state ^= *state >> 27;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    #[test]
    fn any_history_of_changes_gives_the_list_that_a_map_gives() {
        let (mut list, mut model, mut seed) = (PartitionList::default(), BTreeMap::new(), 42);
        for step in 0..4_000_u16 {
            let id = 1 + (random(&mut seed) % 400) as u16;
            // Grow for a while, then shrink, so that chunks split and join.
            if random(&mut seed) % 10 < if step / 1_000 % 2 == 0 { 8 } else { 2 } {
                model.insert(id, info(id, step));
                list = list.with(info(id, step)).unwrap();
            } else {
                model.remove(&id);
                list = list.without(EndpointId(id)).unwrap();
            }
            assert_eq!(listed(&list), model.values().copied().collect::<Vec<_>>(), "step {step}");
            assert_eq!(list.len(), model.len());
            let position = model.keys().position(|other| *other == id);
            assert_eq!(list.position(EndpointId(id)), position, "step {step}");
        }
    }

    #[test]
    fn chunks_stay_filled_while_a_list_grows_and_shrinks() {
        let mut list = PartitionList::default();
        for id in 1..=2_000 {
            list = list.with(info(id, 1)).unwrap();
        }
        assert_eq!(list.top.len(), 2_000_usize.div_ceil(CHUNK));
        for id in (1..=2_000).filter(|id| id % 100 != 0) {
            list = list.without(EndpointId(id)).unwrap();
        }
        assert!(list.top.len() <= 2, "{} chunks for {} entries", list.top.len(), list.len());
    }

    #[test]
    fn a_change_shares_all_chunks_but_one() {
        let infos: Vec<_> = (1..=320).map(|id| info(2 * id, 1)).collect();
        let list = PartitionList::from_slice(&infos).unwrap();
        let changed = list.with(info(301, 1)).unwrap();
        let shared = list
            .top
            .iter()
            .filter(|old| changed.top.iter().any(|new| Shared::ptr_eq(&old.chunk, &new.chunk)));
        assert_eq!((list.top.len(), shared.count()), (5, 4));
        assert_eq!(changed.new_bytes, 2 * (size_of::<Chunk>() + size_of::<Chunk1_1>()));
    }

    #[test]
    fn runs_cut_at_both_ends() {
        let infos: Vec<_> = (1..=200).map(|id| info(id, 1)).collect();
        let list = PartitionList::from_slice(&infos).unwrap();
        for (start, end) in [(0, 0), (0, 200), (63, 65), (64, 128), (199, 200), (5, 190)] {
            let ids: Vec<u16> =
                list.runs(start..end).flat_map(Run::infos).map(|info| info.id().0).collect();
            let expected: Vec<u16> = (1..=200).skip(start).take(end - start).collect();
            assert_eq!(ids, expected, "{start}..{end}");
        }
    }

    #[test]
    fn each_version_reads_its_own_bytes() {
        let list = PartitionList::from_slice(&[info(0x8001, 2)]).unwrap();
        let run = list.runs(0..1).next().unwrap();
        // all() is 0x7cf: every property, without the two bits that say what the id names.
        assert_eq!(run.bytes(Version::V1_0), [0x01, 0x80, 2, 0, 0x07, 0, 0, 0]);
        assert_eq!(run.bytes(Version::V1_1)[..8], [0x01, 0x80, 2, 0, 0xcf, 0x01, 0, 0]);
        assert_eq!(run.bytes(Version::V1_2)[..8], [0x01, 0x80, 2, 0, 0xcf, 0x07, 0, 0]);
        assert_eq!(run.bytes(Version::V1_2)[8..], [0x01; 16]);
    }

    #[test]
    fn callers_of_1_1_and_1_2_read_the_same_chunk_unless_a_property_is_newer() {
        let (old, new) = (PartitionProperties::AARCH64, PartitionProperties::all());
        for (properties, shared) in [(old, true), (new, false)] {
            let info = PartitionInfo::new(EndpointId(1), 1, properties, Uuid::NIL);
            let list = PartitionList::from_slice(&[info]).unwrap();
            let run = list.runs(0..1).next().unwrap();
            let [v1_1, v1_2] = [Version::V1_1, Version::V1_2].map(|version| run.bytes(version));
            assert_eq!(v1_1.as_ptr() == v1_2.as_ptr(), shared);
            assert_eq!(v1_1 == v1_2, shared);
        }
    }
}
