//! An immutable list of partitions, packed as callers read it.
//!
//! Descriptors stand in chunks of at most 64, ready in the form of each FF-A version, so that a list
//! is copied and never composed. A change makes one new chunk and a new top; all other chunks are
//! shared with the list before.

use alloc::vec::Vec;
use core::ops::Range;

use ffa_abi::{EndpointId, PartitionInfo, PartitionInfo1_0, Uuid, Version};
use ffa_rcu::{Footprint, OutOfMemory, Shared};
use zerocopy::IntoBytes;

/// Most descriptors in a chunk.
const CHUNK: usize = 64;

/// Descriptors in each version's form, aligned so that no copy straddles more lines than it must.
#[repr(C, align(64))]
struct Chunk {
    v1_2: [PartitionInfo; CHUNK],
    v1_1: [PartitionInfo; CHUNK],
    v1_0: [PartitionInfo1_0; CHUNK],
    len: usize,
}

/// What the top knows of a chunk without reading it.
struct Entry {
    chunk: Shared<Chunk>,
    first: EndpointId,
    len: usize,
}

/// An immutable list of partitions.
#[derive(Default)]
pub(crate) struct PartitionList {
    top: Vec<Entry>,
    count: usize,
    /// Chunks that were made for this list, and are not taken over from another.
    new_chunks: usize,
}

/// Neighbouring descriptors of one chunk.
#[derive(Clone, Copy)]
pub(crate) struct Run<'l> {
    chunk: &'l Chunk,
    start: usize,
    end: usize,
}

impl PartitionList {
    /// A list in the order given.
    pub(crate) fn from_slice(infos: &[PartitionInfo]) -> Result<Self, OutOfMemory> {
        let mut top = Vec::new();
        top.try_reserve_exact(infos.len().div_ceil(CHUNK)).map_err(|_| OutOfMemory)?;
        for part in infos.chunks(CHUNK) {
            top.push(Entry::new(part)?);
        }
        let new_chunks = top.len();
        Ok(PartitionList { top, count: infos.len(), new_chunks })
    }

    pub(crate) fn len(&self) -> usize {
        self.count
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
        let chunk = self.chunk_of(id);
        let entry = self.top.get(chunk)?;
        let within = entry.chunk.search(id).ok()?;
        let before: usize = self.top.iter().take(chunk).map(|entry| entry.len).sum();
        Some(before + within)
    }

    /// Descriptors with indices in `range`, chunk by chunk.
    pub(crate) fn runs(&self, range: Range<usize>) -> impl Iterator<Item = Run<'_>> {
        let mut base = 0;
        self.top.iter().filter_map(move |entry| {
            let start = range.start.saturating_sub(base);
            let end = range.end.saturating_sub(base).min(entry.len);
            base += entry.len;
            (start < end).then(|| Run { chunk: &entry.chunk, start, end })
        })
    }

    /// Index of the chunk that holds `id`, or would.
    fn chunk_of(&self, id: EndpointId) -> usize {
        self.top.partition_point(|entry| entry.first <= id).saturating_sub(1)
    }

    /// The list with what it says of `id` replaced: one chunk, or two where a small one can join its
    /// neighbour, made anew; the others shared.
    fn changed(&self, id: EndpointId, info: Option<PartitionInfo>) -> Result<Self, OutOfMemory> {
        let first = self.chunk_of(id);
        let last = (first + self.joined_chunks(first)).min(self.top.len());
        let (before, rest) = self.top.split_at(first.min(last));
        let (old, after) = rest.split_at(last - before.len());

        let mut held = [PartitionInfo::default(); CHUNK + 1];
        let len = merge(&mut held, old, id, info);
        let infos = held.get(..len).unwrap_or(&[]);
        let chunks = len.div_ceil(CHUNK);

        let mut top = Vec::new();
        let entries = before.len() + chunks + after.len();
        top.try_reserve_exact(entries).map_err(|_| OutOfMemory)?;
        top.extend(before.iter().map(Entry::share));
        if chunks > 0 {
            for part in infos.chunks(len.div_ceil(chunks)) {
                top.push(Entry::new(part)?);
            }
        }
        top.extend(after.iter().map(Entry::share));
        let count = top.iter().map(|entry| entry.len).sum();
        Ok(PartitionList { top, count, new_chunks: chunks })
    }

    /// 2 where the chunk and its neighbour together fill no more than half a chunk, else 1.
    fn joined_chunks(&self, first: usize) -> usize {
        let len = |index: usize| self.top.get(index).map(|entry| entry.len);
        match (len(first), len(first + 1)) {
            (Some(one), Some(two)) if one + two <= CHUNK / 2 => 2,
            _ => 1,
        }
    }
}

impl Footprint for PartitionList {
    fn heap_bytes(&self) -> usize {
        self.top.capacity() * size_of::<Entry>() + self.new_chunks * size_of::<Chunk>()
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
    let kept = || old.iter().flat_map(|entry| entry.chunk.infos());
    let lower = kept().filter(|other| other.id() < id);
    let higher = kept().filter(|other| other.id() > id);
    let merged = lower.chain(info.as_ref()).chain(higher);
    held.iter_mut().zip(merged).map(|(slot, info)| *slot = *info).count()
}

impl Entry {
    fn new(infos: &[PartitionInfo]) -> Result<Entry, OutOfMemory> {
        let first = infos.first().map_or(EndpointId::HYPERVISOR, PartitionInfo::id);
        Ok(Entry { chunk: Shared::try_new(Chunk::new(infos))?, first, len: infos.len().min(CHUNK) })
    }

    fn share(&self) -> Entry {
        Entry { chunk: self.chunk.clone(), first: self.first, len: self.len }
    }
}

impl Chunk {
    /// The first [`CHUNK`] of `infos`, in each form.
    fn new(infos: &[PartitionInfo]) -> Chunk {
        let mut chunk = Chunk {
            v1_2: [PartitionInfo::default(); CHUNK],
            v1_1: [PartitionInfo::default(); CHUNK],
            v1_0: [PartitionInfo1_0::default(); CHUNK],
            len: infos.len().min(CHUNK),
        };
        let Chunk { v1_2, v1_1, v1_0, .. } = &mut chunk;
        for (info, ((new, middle), old)) in infos.iter().zip(v1_2.iter_mut().zip(v1_1).zip(v1_0)) {
            *new = info.seen_by(Version::V1_2, Uuid::NIL);
            *middle = info.seen_by(Version::V1_1, Uuid::NIL);
            *old = info.to_1_0();
        }
        chunk
    }

    fn infos(&self) -> &[PartitionInfo] {
        self.v1_2.get(..self.len).unwrap_or(&[])
    }

    fn search(&self, id: EndpointId) -> Result<usize, usize> {
        self.infos().binary_search_by_key(&id, PartitionInfo::id)
    }
}

impl<'l> Run<'l> {
    /// The descriptors, as a caller of 1.2 sees them.
    pub(crate) fn infos(self) -> &'l [PartitionInfo] {
        self.chunk.v1_2.get(self.start..self.end).unwrap_or(&[])
    }

    /// The bytes that a caller of `version` reads.
    pub(crate) fn bytes(self, version: Version) -> &'l [u8] {
        let range = self.start..self.end;
        let bytes = match version {
            Version::V1_0 => self.chunk.v1_0.get(range).map(IntoBytes::as_bytes),
            Version::V1_1 => self.chunk.v1_1.get(range).map(IntoBytes::as_bytes),
            _ => self.chunk.v1_2.get(range).map(IntoBytes::as_bytes),
        };
        bytes.unwrap_or(&[])
    }
}
