//! What one caller sees of a directory.

use core::slice::from_ref;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use ffa_abi::{EndpointId, PartitionInfo, Uuid, Version, VmId};

use zerocopy::{Immutable, IntoBytes};

use super::chunk::{CHUNK, Chunk, LONG, SHORT_CHUNK};
use super::{Directory, Entry, end, parts, position};

/// What one caller sees of a directory: secure partitions, then VMs by id, save in
/// [`copy`](View::copy).
pub struct View<'d> {
    version: Version,
    /// Chunks that are shown whole, but for the caller's own descriptor.
    shown: &'d [Entry],
    own: Own<'d>,
    count: usize,
    state: u64,
}

/// How the caller's own descriptor is shown.
#[derive(Clone, Copy)]
enum Own<'d> {
    /// As any other: among those that are shown, or not at all.
    AsAny,
    /// Left out of those that are shown: this chunk of them, and its place in that.
    LeftOut(usize, usize),
    /// Alone, behind all others: its chunk, and its place in that.
    Last(&'d Entry, usize),
}

/// So many descriptors are copied one by one as fast as in pieces.
const FEW: usize = 8;

/// Where a VM's own descriptor stood when last looked: its chunk, and its place in that.
///
/// A hint, which is checked whenever it is used.
#[derive(Default)]
pub struct Place(AtomicU32);

impl<'d> View<'d> {
    /// What `caller`, who speaks `version`, may see; `place` is where it was found last.
    ///
    /// Its own entry is shown from 1.2 on: older drivers take it for another partition.
    #[must_use]
    pub fn new(directory: &'d Directory, caller: VmId, version: Version, place: &Place) -> Self {
        let head = directory.head();
        let (secure, vms) = parts(directory);
        let shows_vms = head.policy.shows_vms_to_vms();
        let shows_own = version >= Version::V1_2;
        let (shown, state) = if shows_vms {
            (directory.entries(), head.version)
        } else {
            (secure, head.secure_version)
        };
        let all = View { version, shown, own: Own::AsAny, count: end(shown), state };
        if shows_vms == shows_own {
            return all;
        }
        match place.find(vms, caller.into()) {
            Some((chunk, index)) if shows_own => all.with_own(vms.get(chunk), index),
            Some((chunk, index)) => all.without_own(secure.len() + chunk, index),
            // It leaves just now, which is a change to what it sees.
            None => View { state: head.version, ..all },
        }
    }

    fn with_own(self, entry: Option<&'d Entry>, index: usize) -> Self {
        let Some(entry) = entry else { return self };
        View { own: Own::Last(entry, index), count: self.count + 1, ..self }
    }

    fn without_own(self, chunk: usize, index: usize) -> Self {
        View { own: Own::LeftOut(chunk, index), count: self.count.saturating_sub(1), ..self }
    }

    /// The version whose layouts the caller reads.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Names this state of what the caller sees; it moves only when that can have changed.
    #[must_use]
    pub fn state(&self) -> u64 {
        self.state
    }

    /// How many partitions match `uuid`; nil matches all.
    #[inline]
    #[must_use]
    pub fn count(&self, uuid: Uuid) -> usize {
        if uuid.is_nil() { self.count } else { self.matching(uuid).count() }
    }

    /// Hands the list to `write`, in pieces with their offsets, in the form that the caller reads.
    ///
    /// Where the caller's own descriptor is left out, the last one stands in its place. So all others
    /// go to addresses aligned as those that they come from, which saves up to a third of the time;
    /// until partitions have come or gone before them, and their chunk was not made anew since.
    ///
    /// # Errors
    /// Those of `write`, at once.
    pub fn copy<E>(&self, write: impl FnMut(usize, &[u8]) -> Result<(), E>) -> Result<(), E> {
        // Chosen once, not for each chunk.
        match self.version {
            Version::V1_0 => self.copy_form(Chunk::infos_1_0, write),
            Version::V1_1 => self.copy_form(Chunk::infos_1_1, write),
            _ => self.copy_form(Chunk::infos, write),
        }
    }

    fn copy_form<T: IntoBytes + Immutable + 'd, E>(
        &self,
        form: impl Fn(&'d Chunk) -> &'d [T],
        mut write: impl FnMut(usize, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut written = 0;
        let mut append = |infos: &[T]| {
            if infos.is_empty() {
                return Ok(());
            }
            let offset = written * size_of::<T>();
            written += infos.len();
            write(offset, infos.as_bytes())
        };
        let Own::LeftOut(own_chunk, own) = self.own else {
            self.shown.iter().try_for_each(|entry| append(form(entry)))?;
            let Own::Last(entry, own) = self.own else { return Ok(()) };
            return append(form(entry).get(own..own + 1).unwrap_or(&[]));
        };
        let Some((last_entry, others)) = self.shown.split_last() else { return Ok(()) };
        let Some((moved, rest_of_last)) = form(last_entry).split_last() else { return Ok(()) };
        if others.is_empty() && rest_of_last.len() <= FEW {
            let mut infos = rest_of_last.iter().enumerate();
            return infos.try_for_each(|(index, info)| {
                append(from_ref(if index == own { moved } else { info }))
            });
        }
        for (chunk, entry) in self.shown.iter().enumerate() {
            let infos = if chunk == others.len() { rest_of_last } else { form(entry) };
            match infos.split_at_checked(own) {
                Some((before, [_, behind @ ..])) if chunk == own_chunk => {
                    append(before)?;
                    append(from_ref(moved))?;
                    append(behind)?;
                }
                _ => append(infos)?,
            }
        }
        Ok(())
    }

    /// Descriptors from index `start` on, in runs of neighbours, in the form of 1.2: no older caller
    /// asks by index. The caller's own is among those that are shown whole, whatever its version.
    #[inline]
    #[must_use]
    pub fn runs_from(&self, start: usize) -> Runs<'d> {
        let first = if start == 0 { 0 } else { chunk_with(self.shown, start) };
        let (before, chunks) = self.shown.split_at_checked(first).unwrap_or((self.shown, &[]));
        let skip = start - end(before);
        let own = match self.own {
            Own::Last(entry, index) => Some((entry, index)),
            Own::AsAny | Own::LeftOut(..) => None,
        };
        Runs { chunks: chunks.iter(), skip, own }
    }

    /// Descriptors whose UUID is `uuid`, which is not nil, in the form that answers a query by UUID.
    pub fn matching(&self, uuid: Uuid) -> impl Iterator<Item = PartitionInfo> + use<'d> {
        let version = self.version;
        let left_out = match self.own {
            Own::LeftOut(chunk, index) => info_at(self.shown, chunk, index).map(PartitionInfo::id),
            Own::AsAny | Own::Last(..) => None,
        };
        let infos = self.runs_from(0).flatten();
        let infos = infos.filter(move |info| info.uuid() == uuid && Some(info.id()) != left_out);
        infos.map(move |info| info.seen_by(version, uuid))
    }
}

/// The descriptors of a [`View`] from some index on, in runs that are never empty.
pub struct Runs<'d> {
    chunks: core::slice::Iter<'d, Entry>,
    /// How many descriptors to leave out first.
    skip: usize,
    /// The caller's own, to come last.
    own: Option<(&'d Entry, usize)>,
}

impl<'d> Iterator for Runs<'d> {
    type Item = &'d [PartitionInfo];

    #[inline]
    fn next(&mut self) -> Option<&'d [PartitionInfo]> {
        let skip = core::mem::take(&mut self.skip);
        if let Some(entry) = self.chunks.next() {
            return entry.infos().get(skip..);
        }
        let (entry, index) = self.own.take().filter(|_| skip == 0)?;
        entry.infos().get(index..index + 1)
    }
}

/// The chunk that has the descriptor of index `start`, or one beyond the last.
fn chunk_with(entries: &[Entry], start: usize) -> usize {
    // Full chunks, the usual case, need no search.
    let guess = if end(entries) > LONG { start / CHUNK } else { start / SHORT_CHUNK };
    let is_there = |entry: &Entry| entry.summary.start() <= start && start < entry.summary.end();
    if entries.get(guess).is_some_and(is_there) {
        return guess;
    }
    entries.partition_point(|entry| entry.summary.end() <= start)
}

impl Place {
    /// Where `id` stands in `vms`: its chunk, and its place in that.
    fn find(&self, vms: &[Entry], id: EndpointId) -> Option<(usize, usize)> {
        let hint = self.0.load(Relaxed) as usize;
        let (chunk, index) = (hint / CHUNK, hint % CHUNK);
        if info_at(vms, chunk, index).is_some_and(|info| info.id() == id) {
            return Some((chunk, index));
        }
        let (chunk, index) = position(vms, id)?;
        let hint = u32::try_from(chunk * CHUNK + index).unwrap_or(0);
        self.0.store(hint, Relaxed);
        Some((chunk, index))
    }
}

fn info_at(entries: &[Entry], chunk: usize, index: usize) -> Option<&PartitionInfo> {
    entries.get(chunk)?.infos().get(index)
}

#[cfg(test)]
mod tests {
    use std::vec;
    use std::vec::Vec;

    use super::*;
    use crate::directory::{Head, join, set_secure};
    use crate::policy::Policy;
    use ffa_abi::PartitionProperties;
    use ffa_rcu::Registry;

    const SECURE: u16 = 520;
    const VMS: u16 = 600;

    fn info(id: u16) -> PartitionInfo {
        let uuid = Uuid([id.to_le_bytes()[0] % 5 + 1; 16]);
        PartitionInfo::new(EndpointId(id), id, PartitionProperties::AARCH64, uuid)
    }

    fn partitions(policy: Policy, secure: u16, vms: u16) -> Registry<Directory, ()> {
        let partitions = Registry::try_new(1, Directory::new(Head::new(policy))).unwrap();
        let secure: Vec<_> = (0..secure).map(|index| info(0x8000 + index)).collect();
        set_secure(&mut partitions.write(), &secure).unwrap().commit();
        for id in 1..=vms {
            join(&mut partitions.write(), info(2 * id)).unwrap().commit();
            partitions.reclaim(8);
        }
        partitions
    }

    fn expected(policy: Policy, version: Version, caller: u16) -> Vec<u16> {
        let sees = |id: &u16| match version {
            Version::V1_2 => *id == caller || policy == Policy::allow_all(),
            _ => *id != caller && policy == Policy::allow_all(),
        };
        let vms = (1..=VMS).map(|id| 2 * id).filter(sees);
        (0..SECURE).map(|index| 0x8000 + index).chain(vms).collect()
    }

    fn check(policy: Policy, version: Version, caller: u16, place: &Place) {
        let partitions = partitions(policy, SECURE, VMS);
        let writer = partitions.write();
        let vm = VmId::new(caller).unwrap();
        let view = View::new(writer.snapshot(), vm, version, place);
        let ids = expected(policy, version, caller);
        assert_eq!(view.count(Uuid::NIL), ids.len());
        for start in (0..ids.len() + 3).rev().filter(|_| version == Version::V1_2) {
            let seen: Vec<u16> = view.runs_from(start).flatten().map(|info| info.id().0).collect();
            assert_eq!(seen, ids.get(start..).unwrap_or(&[]), "{caller} from {start}");
        }
        assert_eq!(copied(&view, ids.len()), in_order_of_copy(&ids, caller), "{version} {caller}");
        let uuid = Uuid([3; 16]);
        let with_uuid: Vec<u16> = view.matching(uuid).map(|info| info.id().0).collect();
        let expected: Vec<u16> = ids.into_iter().filter(|id| info(*id).uuid() == uuid).collect();
        assert_eq!((view.count(uuid), with_uuid), (expected.len(), expected));
    }

    /// Where `caller` is left out, the last stands in its place.
    fn in_order_of_copy(ids: &[u16], caller: u16) -> Vec<u16> {
        let mut all = ids.to_vec();
        let shows_vms = ids.len() > usize::from(SECURE) + 1;
        if shows_vms && caller.is_multiple_of(2) && caller <= 2 * VMS && !ids.contains(&caller) {
            let place = usize::from(SECURE) + usize::from(caller) / 2 - 1;
            all.insert(place, caller);
            all.swap_remove(place);
        }
        all
    }

    /// The ids in the bytes that a view writes into room for `count`.
    fn copied(view: &View<'_>, count: usize) -> Vec<u16> {
        let size = ffa_abi::partition_descriptor_size(view.version());
        let mut bytes = vec![0xff; count * size];
        view.copy(|offset, piece| {
            bytes.get_mut(offset..offset + piece.len()).ok_or(())?.copy_from_slice(piece);
            Ok::<(), ()>(())
        })
        .unwrap();
        bytes.chunks(size).map(|entry| u16::from_le_bytes([entry[0], entry[1]])).collect()
    }

    #[test]
    fn every_caller_sees_what_it_may() {
        for policy in [Policy::vm_to_sp(), Policy::allow_all()] {
            for version in [Version::V1_0, Version::V1_1, Version::V1_2] {
                // The first, the last, both ends of a chunk, one inside, and two that are not listed.
                for caller in [2, 2 * VMS, 1024, 1026, 100, 101, 2 * VMS + 2] {
                    check(policy, version, caller, &Place::default());
                }
            }
        }
    }

    #[test]
    fn a_caller_that_may_see_nobody_sees_itself_from_1_2_on() {
        let partitions = partitions(Policy::vm_to_sp(), 0, VMS);
        let writer = partitions.write();
        for (version, ids) in
            [(Version::V1_0, &[][..]), (Version::V1_1, &[]), (Version::V1_2, &[8])]
        {
            let place = Place::default();
            let view = View::new(writer.snapshot(), VmId::new(8).unwrap(), version, &place);
            assert_eq!(view.count(Uuid::NIL), ids.len());
            assert_eq!(copied(&view, ids.len()), ids);
        }
    }

    /// A VM that is being destroyed is no longer in its own list: that is another list.
    #[test]
    fn a_caller_that_is_gone_sees_another_state() {
        let partitions = partitions(Policy::vm_to_sp(), 3, 2);
        let state = |partitions: &Registry<Directory, ()>| {
            let writer = partitions.write();
            let vm = VmId::new(2).unwrap();
            View::new(writer.snapshot(), vm, Version::V1_2, &Place::default()).state()
        };
        let before = state(&partitions);
        join(&mut partitions.write(), info(8)).unwrap().commit();
        assert_eq!(state(&partitions), before, "others are not seen");
        crate::directory::leave(&mut partitions.write(), VmId::new(2).unwrap()).unwrap().commit();
        assert_ne!(state(&partitions), before);
    }

    #[test]
    fn a_caller_of_an_old_version_sees_all_others_however_few() {
        for vms in 1..=20 {
            let partitions = partitions(Policy::allow_all(), 0, vms);
            let writer = partitions.write();
            for own in 1..=vms {
                let caller = VmId::new(2 * own).unwrap();
                let view = View::new(writer.snapshot(), caller, Version::V1_1, &Place::default());
                let mut expected: Vec<u16> = (1..=vms).map(|id| 2 * id).collect();
                expected.swap_remove(usize::from(own) - 1);
                assert_eq!(copied(&view, expected.len()), expected);
            }
        }
    }

    #[test]
    fn a_place_is_believed_only_where_it_is_true() {
        for hint in [0, 1, 49, 50, 511, 512, 611, 612, 2000, u32::MAX] {
            let place = Place(AtomicU32::new(hint));
            check(Policy::allow_all(), Version::V1_1, 100, &place);
            assert_eq!(place.0.into_inner(), 49);
        }
    }
}
