//! From one directory to the next: a VM joins or leaves, the secure partitions are others.

use core::ops::Range;

use ffa_abi::{EndpointId, PartitionInfo, Uuid, Version, VmId};
use ffa_rcu::{Backend, Footprint, ReplaceError, Splice, Spliced, Writer};

use super::chunk::{CHUNK, Chunk, LONG, SHORT_CHUNK, Summary, is_newer};
use super::{Directory, Entry, Head, chunk_of, end, parts, position};

/// A directory that is ready to be published.
type Next<'w, 'r, C, B> = Spliced<'w, 'r, Head, Chunk, C, B>;

/// The directory with a VM in it; one of the same id is replaced.
///
/// # Errors
/// See [`ReplaceError`].
pub fn join<'w, 'r, C: Footprint, B: Backend>(
    writer: &'w mut Writer<'r, Directory, C, B>,
    info: PartitionInfo,
) -> Result<Next<'w, 'r, C, B>, ReplaceError> {
    change(writer, info.id(), Some(info))
}

/// The directory without a VM.
///
/// # Errors
/// See [`ReplaceError`].
pub fn leave<'w, 'r, C: Footprint, B: Backend>(
    writer: &'w mut Writer<'r, Directory, C, B>,
    id: VmId,
) -> Result<Next<'w, 'r, C, B>, ReplaceError> {
    change(writer, id.into(), None)
}

/// The directory with these secure partitions, in this order, in place of the ones that it has.
///
/// # Errors
/// See [`ReplaceError`].
pub fn set_secure<'w, 'r, C: Footprint, B: Backend>(
    writer: &'w mut Writer<'r, Directory, C, B>,
    infos: &[PartitionInfo],
) -> Result<Next<'w, 'r, C, B>, ReplaceError> {
    let directory = writer.snapshot();
    let mut head = directory.head().next();
    let (secure, _) = parts(directory);
    let (replaced, before) = (0..secure.len(), end(secure));
    head.secure_chunks = infos.len().div_ceil(CHUNK);
    head.secure_version = head.version;
    let mut splice = writer.splice(replaced, head.secure_chunks)?;
    for infos in infos.chunks(CHUNK) {
        let start = end_of(&splice);
        let chunk = Chunk::try_new([infos].into_iter(), start, true)?;
        splice.push(Summary::new(&chunk, start), chunk)?;
    }
    finish(splice, head, before, infos.len())
}

/// The directory with what it says of a VM replaced: the chunk that holds it made anew, together
/// with a neighbour if both are small, and all others shared. All are made anew when a list becomes
/// a long one.
fn change<'w, 'r, C: Footprint, B: Backend>(
    writer: &'w mut Writer<'r, Directory, C, B>,
    id: EndpointId,
    info: Option<PartitionInfo>,
) -> Result<Next<'w, 'r, C, B>, ReplaceError> {
    let info = info.map(|info| info.seen_by(Version::V1_2, Uuid::NIL));
    let directory = writer.snapshot();
    let head = directory.head().next();
    let (secure, vms) = parts(directory);
    let count = end(directory.entries()).saturating_sub(end(secure));
    let grows = info.is_some() && position(vms, id).is_none();
    let was_long = is_long(count, vms);
    let becomes_long = grows && !was_long && is_long(count + 1, vms);
    let most = if was_long || becomes_long { CHUNK } else { SHORT_CHUNK };
    let window = if becomes_long { 0..vms.len() } else { window(vms, chunk_of(vms, id), most) };
    let old = vms.get(window.clone()).unwrap_or(&[]);
    let before = old.iter().map(|entry| entry.summary.len()).sum();
    let changed = Changed::new(old, id, info.as_slice());
    let len = changed.len();
    // A list that grows at its end, as ids are handed out, keeps full chunks.
    let is_appended = window.end == vms.len() && changed.last().map(PartitionInfo::id) == Some(id);
    let chunks = len.div_ceil(most).max(1);
    let part = if is_appended || becomes_long { most } else { len.div_ceil(chunks).max(1) };
    let replaced = head.secure_chunks + window.start..head.secure_chunks + window.end;
    let mut splice = writer.splice(replaced, chunks)?;
    for first in (0..len).step_by(part) {
        let start = end_of(&splice);
        let changed = Changed::new(splice.replaced(), id, info.as_slice());
        let chunk = Chunk::try_new(changed.cut(first..first + part), start, changed.has_newer)?;
        splice.push(Summary::new(&chunk, start), chunk)?;
    }
    finish(splice, head, before, len)
}

/// Whether a list of so many has long chunks: from some length on; and once it has, until it is half as
/// long, so that no VM that comes and goes has it made anew each time.
fn is_long(count: usize, vms: &[Entry]) -> bool {
    let mut lens = vms.iter().map(|entry| entry.summary.len());
    count > LONG || (count > LONG / 2 && lens.any(|len| len > SHORT_CHUNK))
}

/// How many descriptors the chunks have that the splice has so far.
fn end_of<C: Footprint, B: Backend>(splice: &Splice<'_, '_, Head, Chunk, C, B>) -> usize {
    splice.last().map_or(0, |last| last.end())
}

/// Ends a splice that has `more` descriptors in place of `less`.
fn finish<'w, 'r, C: Footprint, B: Backend>(
    splice: Splice<'w, 'r, Head, Chunk, C, B>,
    head: Head,
    less: usize,
    more: usize,
) -> Result<Next<'w, 'r, C, B>, ReplaceError> {
    splice.finish(head, |summary| {
        let start = summary.start() + more - less;
        summary.start = u32::try_from(start).unwrap_or(u32::MAX);
    })
}

/// The chunks to make anew when `chunk` changes: it and a neighbour, where the two together fill no more
/// than half a chunk of `most`. So neighbours never fill less, and a list has few chunks.
fn window(vms: &[Entry], chunk: usize, most: usize) -> Range<usize> {
    let are_small = |first: usize| {
        vms.get(first..first + 2).is_some_and(|pair| {
            pair.iter().map(|entry| entry.summary.len()).sum::<usize>() <= most / 2
        })
    };
    if are_small(chunk) {
        chunk..chunk + 2
    } else if chunk > 0 && are_small(chunk - 1) {
        chunk - 1..chunk + 1
    } else {
        chunk..vms.len().min(chunk + 1)
    }
}

/// The descriptors of some chunks with one of them put in, replaced or taken out, in runs that lie where
/// they lay.
struct Changed<'e> {
    /// The chunks before the one that changes, and those behind it.
    before: &'e [Entry],
    behind: &'e [Entry],
    /// Of that one: what is before the change, the change, what is behind it.
    middle: [&'e [PartitionInfo]; 3],
    /// Whether there can be properties that 1.1 does not define.
    has_newer: bool,
}

impl<'e> Changed<'e> {
    /// `info`, one or none, stands in place of `id`.
    fn new(entries: &'e [Entry], id: EndpointId, info: &'e [PartitionInfo]) -> Self {
        let (before, rest) = entries.split_at_checked(chunk_of(entries, id)).unwrap_or_default();
        let (infos, behind) = match rest {
            [entry, behind @ ..] => (entry.infos(), behind),
            [] => (&[][..], rest),
        };
        let (left, right) = match infos.binary_search_by_key(&id, PartitionInfo::id) {
            Ok(place) => (infos.get(..place), infos.get(place + 1..)),
            Err(place) => (infos.get(..place), infos.get(place..)),
        };
        let middle = [left.unwrap_or(&[]), info, right.unwrap_or(&[])];
        let has_newer = info.iter().any(is_newer) || entries.iter().any(|entry| entry.has_newer());
        Changed { before, behind, middle, has_newer }
    }

    fn runs(&self) -> impl Iterator<Item = &'e [PartitionInfo]> + Clone + use<'e> {
        let before = self.before.iter().map(|entry| entry.infos());
        let behind = self.behind.iter().map(|entry| entry.infos());
        before.chain(self.middle).chain(behind)
    }

    fn len(&self) -> usize {
        self.runs().map(<[_]>::len).sum()
    }

    fn last(&self) -> Option<&'e PartitionInfo> {
        self.runs().filter_map(<[_]>::last).last()
    }

    /// Those of the indices in `range`.
    fn cut(
        &self,
        range: Range<usize>,
    ) -> impl Iterator<Item = &'e [PartitionInfo]> + Clone + use<'e> {
        let mut before = 0;
        self.runs().map(move |run| {
            let [start, end] =
                [range.start, range.end].map(|at| at.saturating_sub(before).min(run.len()));
            before += run.len();
            run.get(start..end).unwrap_or(&[])
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::vec::Vec;

    use super::*;
    use crate::directory::model::Random;
    use crate::policy::Policy;
    use ffa_abi::{PartitionProperties, Uuid};
    use ffa_rcu::Registry;

    type Partitions = Registry<Directory, ()>;

    fn partitions() -> Partitions {
        Registry::try_new(1, Directory::new(Head::new(Policy::allow_all()))).unwrap()
    }

    fn info(id: u16, contexts: u16) -> PartitionInfo {
        let uuid = Uuid([id.to_le_bytes()[0]; 16]);
        let properties = PartitionProperties::all().visible_in(Version::V1_2);
        PartitionInfo::new(EndpointId(id), contexts, properties, uuid)
    }

    fn add(partitions: &Partitions, info: PartitionInfo) {
        join(&mut partitions.write(), info).unwrap().commit();
        partitions.reclaim(8);
    }

    fn remove(partitions: &Partitions, id: u16) {
        leave(&mut partitions.write(), VmId::new(id).unwrap()).unwrap().commit();
        partitions.reclaim(8);
    }

    /// All descriptors; and the top says of each chunk what is true.
    fn listed(partitions: &Partitions) -> Vec<PartitionInfo> {
        let writer = partitions.write();
        let mut infos = Vec::new();
        for entry in writer.snapshot().entries() {
            let chunk = entry.infos();
            assert_eq!(entry.summary.start(), infos.len());
            assert_eq!(chunk.first().map(PartitionInfo::id), Some(entry.summary.first));
            infos.extend_from_slice(chunk);
        }
        infos
    }

    fn chunks(partitions: &Partitions) -> usize {
        partitions.write().snapshot().entries().len()
    }

    #[test]
    fn any_history_of_changes_gives_the_list_that_a_map_gives() {
        let (partitions, mut model, mut random) = (partitions(), BTreeMap::new(), Random(42));
        for step in 0..16_000_u16 {
            let id = 1 + u16::try_from(random.below(1_600)).unwrap();
            // Grow for a while, then shrink, so that chunks split and join.
            if random.below(10) < if step / 4_000 % 2 == 0 { 8 } else { 2 } {
                model.insert(id, info(id, step));
                add(&partitions, info(id, step));
            } else {
                model.remove(&id);
                remove(&partitions, id);
            }
            let expected: Vec<_> = model.values().copied().collect();
            assert_eq!(listed(&partitions), expected, "step {step}");
        }
    }

    #[test]
    fn chunks_stay_filled_while_a_list_grows_and_shrinks() {
        let partitions = partitions();
        for id in 1..=4_000 {
            add(&partitions, info(id, 1));
            let expected = match usize::from(id) {
                len @ ..=LONG => len.div_ceil(SHORT_CHUNK),
                len => len.div_ceil(CHUNK),
            };
            assert_eq!(chunks(&partitions), expected, "{id}");
        }
        assert_eq!(chunks(&partitions), 4_000_usize.div_ceil(CHUNK));
        for id in (1..=4_000_u32).filter(|id| id % 100 != 0) {
            // From all chunks in turn, so that neighbours become small together.
            remove(&partitions, u16::try_from(id * 37 % 4_001).unwrap());
            let writer = partitions.write();
            let entries = writer.snapshot().entries();
            let pairs =
                entries.windows(2).map(|pair| pair[0].summary.len() + pair[1].summary.len());
            let total: usize = entries.iter().map(|entry| entry.summary.len()).sum();
            // Those that were made anew while the list was long are not looked at again.
            let least = if total > LONG { CHUNK / 2 } else { SHORT_CHUNK / 2 };
            assert!(pairs.min().is_none_or(|len| len >= least), "{id} removed");
        }
        assert!(chunks(&partitions) <= 2, "{} chunks", chunks(&partitions));
    }

    /// Joins and leaves at the length at which a list becomes long make it anew once.
    #[test]
    fn a_list_becomes_long_once() {
        let partitions = partitions();
        let long = u16::try_from(LONG).unwrap();
        (1..=long).for_each(|id| add(&partitions, info(id, 1)));
        add(&partitions, info(5, 2));
        assert_eq!(chunks(&partitions), LONG / SHORT_CHUNK, "one that is there makes none longer");
        let first = || -> *const Chunk { &raw const *partitions.write().snapshot().entries()[0] };
        add(&partitions, info(long + 1, 1));
        let made_anew = first();
        for _ in 0..3 {
            assert_eq!(chunks(&partitions), 3);
            remove(&partitions, long + 1);
            assert_eq!(chunks(&partitions), 2);
            add(&partitions, info(long + 1, 1));
            assert!(std::ptr::addr_eq(first(), made_anew), "once");
        }
        remove(&partitions, long + 1);
        (long / 2 + 1..=long).for_each(|id| remove(&partitions, id));
        remove(&partitions, 7);
        assert_eq!(chunks(&partitions), CHUNK / SHORT_CHUNK, "short again");
    }

    /// Behind secure partitions too, what is copied goes where it came from, as to alignment.
    #[test]
    fn chunks_lie_as_they_are_listed() {
        let partitions = partitions();
        let secure: Vec<_> = (0x8001..0x8004).map(|id| info(id, 1)).collect();
        set_secure(&mut partitions.write(), &secure).unwrap().commit();
        (1..=1_500).for_each(|id| add(&partitions, info(id, 1)));
        let writer = partitions.write();
        let entries = writer.snapshot().entries();
        assert_eq!(entries.len(), 4);
        for entry in entries {
            let start = entry.summary.start();
            assert_eq!(entry.infos().as_ptr().addr() % 64, 24 * start % 64);
            assert_eq!(entry.infos_1_0().as_ptr().addr() % 64, 8 * start % 64);
        }
    }

    #[test]
    fn a_change_shares_all_chunks_but_one() {
        let partitions = partitions();
        let vms = u16::try_from(5 * CHUNK).unwrap();
        (1..=vms).for_each(|id| add(&partitions, info(2 * id, 1)));
        let mut cpu = partitions.cpu(0).unwrap();
        let section = cpu.enter();
        let addresses = |directory: &Directory| -> Vec<*const Chunk> {
            directory.entries().iter().map(|entry| &raw const **entry).collect()
        };
        let before = addresses(section.snapshot());
        join(&mut partitions.write(), info(301, 1)).unwrap().commit();
        let after = addresses(section.snapshot());
        assert_eq!((before.len(), after.len()), (5, 6));
        assert_eq!(before.iter().filter(|chunk| after.contains(chunk)).count(), 4);
        // What waits now is a head, a top of 5, and the chunk that was split, in its forms.
        let bytes = partitions.retired().bytes;
        let least = (24 + 8 + 24) * CHUNK + 5 * size_of::<Entry>();
        assert!((least..least + 300).contains(&bytes), "{bytes}");
    }

    #[test]
    fn secure_partitions_come_first_in_their_order_and_can_be_replaced() {
        let partitions = partitions();
        (1..=100).for_each(|id| add(&partitions, info(id, 1)));
        for secure in [0_u16, 1, 64, 65, 200, 3, 0] {
            // In descending order, which is not that of ids.
            let infos: Vec<_> = (0..secure).rev().map(|index| info(0x8000 + index, 2)).collect();
            set_secure(&mut partitions.write(), &infos).unwrap().commit();
            add(&partitions, info(50, secure));
            let expected = (1..=100).map(|id| info(id, if id == 50 { secure } else { 1 }));
            let expected: Vec<_> = infos.iter().copied().chain(expected).collect();
            assert_eq!(listed(&partitions), expected, "{secure}");
        }
    }
}
