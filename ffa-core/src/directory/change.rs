//! From one directory to the next: a VM joins or leaves, the secure partitions are others.

use core::ops::Range;

use ffa_abi::{EndpointId, PartitionInfo, VmId};
use ffa_rcu::{Backend, Footprint, ReplaceError, Spliced, Writer};

use super::chunk::{CHUNK, Chunk, Summary};
use super::{Directory, Entry, Head, chunk_of, end, parts};

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
    let replaced = 0..secure.len();
    let before = end(secure);
    head.secure_chunks = infos.len().div_ceil(CHUNK);
    head.secure_version = head.version;
    let new = Replacement { replaced, before, infos, part: CHUNK };
    new.splice(writer, head)
}

/// The directory with what it says of a VM replaced: the chunk that holds it made anew, together
/// with a neighbour if both are small, and all others shared.
fn change<'w, 'r, C: Footprint, B: Backend>(
    writer: &'w mut Writer<'r, Directory, C, B>,
    id: EndpointId,
    info: Option<PartitionInfo>,
) -> Result<Next<'w, 'r, C, B>, ReplaceError> {
    let directory = writer.snapshot();
    let head = directory.head().next();
    let (_, vms) = parts(directory);
    let window = window(vms, chunk_of(vms, id));
    let mut held = Held::of(vms.get(window.clone()).unwrap_or(&[]));
    let before = held.len;
    held.put(id, info);
    // A list that grows at its end, as ids are handed out, keeps full chunks.
    let appended =
        window.end == vms.len() && held.infos().last().map(PartitionInfo::id) == Some(id);
    let chunks = held.len.div_ceil(CHUNK).max(1);
    let part = if appended { CHUNK } else { held.len.div_ceil(chunks).max(1) };
    let replaced = head.secure_chunks + window.start..head.secure_chunks + window.end;
    Replacement { replaced, before, infos: held.infos(), part }.splice(writer, head)
}

/// Chunks to be made anew.
struct Replacement<'i> {
    /// In place of which.
    replaced: Range<usize>,
    /// How many descriptors those had.
    before: usize,
    infos: &'i [PartitionInfo],
    /// How many descriptors a new chunk gets.
    part: usize,
}

impl Replacement<'_> {
    fn splice<'w, 'r, C: Footprint, B: Backend>(
        self,
        writer: &'w mut Writer<'r, Directory, C, B>,
        head: Head,
    ) -> Result<Next<'w, 'r, C, B>, ReplaceError> {
        let mut splice = writer.splice(self.replaced, self.infos.len().div_ceil(self.part))?;
        for infos in self.infos.chunks(self.part) {
            let start = splice.last().map_or(0, |last| last.end());
            let chunk = Chunk::try_new(infos)?;
            splice.push(Summary::new(&chunk, infos, start), chunk)?;
        }
        let (less, more) = (self.before, self.infos.len());
        splice.finish(head, |summary| {
            let start = summary.start() + more - less;
            summary.start = u32::try_from(start).unwrap_or(u32::MAX);
        })
    }
}

/// The chunks to make anew when `chunk` changes: it and a neighbour, where the two together fill
/// no more than half a chunk; so neighbours always fill more, and a list has few chunks.
fn window(vms: &[Entry], chunk: usize) -> Range<usize> {
    let len = |index: usize| vms.get(index).map_or(CHUNK, |entry| entry.summary.len());
    let previous = chunk.saturating_sub(1);
    let end = (chunk + 1).min(vms.len());
    if len(chunk) + len(chunk + 1) <= CHUNK / 2 {
        chunk..chunk + 2
    } else if previous < chunk && len(previous) + len(chunk) <= CHUNK / 2 {
        previous..end
    } else {
        chunk.min(end)..end
    }
}

/// The descriptors of the chunks that are made anew: those of one, or half as many, and one more.
struct Held {
    infos: [PartitionInfo; CHUNK + 1],
    len: usize,
}

impl Held {
    fn of(entries: &[Entry]) -> Held {
        let mut held = Held { infos: [PartitionInfo::default(); CHUNK + 1], len: 0 };
        for entry in entries {
            let infos = entry.infos(0..entry.summary.len());
            let end = held.len + infos.len();
            if let Some(slots) = held.infos.get_mut(held.len..end) {
                slots.copy_from_slice(infos);
                held.len = end;
            }
        }
        held
    }

    fn infos(&self) -> &[PartitionInfo] {
        self.infos.get(..self.len).unwrap_or(&[])
    }

    /// Puts `info` in the place of `id`; `None` takes it out.
    fn put(&mut self, id: EndpointId, info: Option<PartitionInfo>) {
        let found = self.infos().binary_search_by_key(&id, PartitionInfo::id);
        let (Ok(place) | Err(place)) = found;
        match (found, info) {
            (Ok(_), Some(_)) | (Err(_), None) => {}
            (Err(_), Some(_)) if self.len == self.infos.len() => return,
            (Err(_), Some(_)) => {
                self.infos.copy_within(place..self.len, place + 1);
                self.len += 1;
            }
            (Ok(_), None) => {
                self.infos.copy_within(place + 1..self.len, place);
                self.len -= 1;
            }
        }
        if let (Some(info), Some(slot)) = (info, self.infos.get_mut(place)) {
            *slot = info;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::vec::Vec;

    use super::*;
    use crate::policy::Policy;
    use ffa_abi::{PartitionProperties, Uuid};
    use ffa_rcu::Registry;

    type Partitions = Registry<Directory, ()>;

    fn partitions() -> Partitions {
        Registry::try_new(1, Directory::new(Head::new(Policy::allow_all()))).unwrap()
    }

    fn info(id: u16, contexts: u16) -> PartitionInfo {
        let uuid = Uuid([id.to_le_bytes()[0]; 16]);
        PartitionInfo::new(EndpointId(id), contexts, PartitionProperties::all(), uuid)
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
            let chunk = entry.infos(0..entry.summary.len());
            assert_eq!(entry.summary.start(), infos.len());
            assert_eq!(chunk.first().map(PartitionInfo::id), Some(entry.summary.first));
            infos.extend_from_slice(chunk);
        }
        infos
    }

    fn chunks(partitions: &Partitions) -> usize {
        partitions.write().snapshot().entries().len()
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
        let (partitions, mut model, mut seed) = (partitions(), BTreeMap::new(), 42);
        for step in 0..4_000_u16 {
            let id = 1 + (random(&mut seed) % 400) as u16;
            // Grow for a while, then shrink, so that chunks split and join.
            if random(&mut seed) % 10 < if step / 1_000 % 2 == 0 { 8 } else { 2 } {
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
        (1..=2_000).for_each(|id| add(&partitions, info(id, 1)));
        assert_eq!(chunks(&partitions), 2_000_usize.div_ceil(CHUNK));
        (1..=2_000).filter(|id| id % 100 != 0).for_each(|id| remove(&partitions, id));
        assert!(chunks(&partitions) <= 2, "{} chunks", chunks(&partitions));
    }

    #[test]
    fn a_change_shares_all_chunks_but_one() {
        let partitions = partitions();
        (1..=320).for_each(|id| add(&partitions, info(2 * id, 1)));
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
        // What waits now is a head, a top of 5, and the chunk that was split, in two forms.
        let bytes = partitions.retired().bytes;
        let least = size_of::<Chunk>() + 24 * CHUNK + 5 * 16;
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

    #[test]
    fn a_full_chunk_takes_no_more_than_it_holds() {
        let mut held = Held { infos: [info(5, 1); CHUNK + 1], len: CHUNK + 1 };
        held.put(EndpointId(6), Some(info(6, 1)));
        assert_eq!(held.len, CHUNK + 1);
        held.put(EndpointId(4), None);
        assert_eq!(held.len, CHUNK + 1);
    }
}
