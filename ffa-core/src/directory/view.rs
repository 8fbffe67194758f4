//! What one caller sees of a directory.

use core::ops::Range;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use ffa_abi::{EndpointId, PartitionInfo, Uuid, Version, VmId};

use super::chunk::CHUNK;
use super::{Directory, Entry, chunk_of, end, parts};

/// What one caller sees of a directory: secure partitions, then VMs by id.
///
/// Each chunk is shown under a mask with a bit for each descriptor: one test where all of it is
/// shown.
pub struct View<'d> {
    version: Version,
    shown: &'d [Entry],
    /// The chunk of `shown` that is not shown whole, and its mask.
    masked: Option<(usize, u64)>,
    /// The caller's own descriptor, where its chunk is not in `shown`: chunk and place in it.
    own: Option<(&'d Entry, usize)>,
    count: usize,
    state: u64,
}

/// Where a VM's own descriptor stood when last looked: its chunk, and its place in that.
///
/// A hint, which is checked whenever it is used.
#[derive(Default)]
pub struct Place(AtomicU32);

const ALL: u64 = u64::MAX;

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
        let shown = if shows_vms { directory.entries() } else { secure };
        let state = if shows_vms { head.version } else { head.secure_version };
        let all = View { version, shown, masked: None, own: None, count: end(shown), state };
        if shows_vms == shows_own {
            return all;
        }
        match place.find(vms, caller.into()) {
            Some((chunk, index)) if shows_own => all.with_own(vms.get(chunk), index),
            Some((chunk, index)) => all.without_own(secure.len() + chunk, index),
            None => all,
        }
    }

    fn with_own(self, entry: Option<&'d Entry>, index: usize) -> Self {
        let own = entry.map(|entry| (entry, index));
        View { own, count: self.count + usize::from(own.is_some()), ..self }
    }

    fn without_own(self, chunk: usize, index: usize) -> Self {
        View { masked: Some((chunk, !(1 << index))), count: self.count.saturating_sub(1), ..self }
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

    /// Hands the list to `write`, piece by piece from offset 0 on, in the form that the caller reads.
    ///
    /// # Errors
    /// Those of `write`, at once.
    pub fn copy<E>(&self, write: impl FnMut(usize, &[u8]) -> Result<(), E>) -> Result<(), E> {
        // Chosen once, not for each chunk.
        match self.version {
            Version::V1_0 => self.copy_form(|entry, run| entry.bytes_1_0(run), write),
            Version::V1_1 => self.copy_form(bytes_1_1, write),
            _ => self.copy_form(|entry, run| entry.bytes_1_2(run), write),
        }
    }

    fn copy_form<E>(
        &self,
        form: impl Fn(&Entry, Range<usize>) -> &[u8],
        mut write: impl FnMut(usize, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut offset = 0;
        let mut piece = |bytes: &[u8]| {
            let at = offset;
            offset += bytes.len();
            write(at, bytes)
        };
        for (index, entry) in self.shown.iter().enumerate() {
            let mask = self.mask(index);
            if mask == ALL {
                piece(form(entry, 0..entry.summary.len()))?;
            } else {
                runs(mask & entry.summary.all()).try_for_each(|run| piece(form(entry, run)))?;
            }
        }
        self.own.map_or(Ok(()), |(entry, index)| piece(form(entry, index..index + 1)))
    }

    #[inline]
    fn mask(&self, chunk: usize) -> u64 {
        match self.masked {
            Some((masked, mask)) if masked == chunk => mask,
            _ => ALL,
        }
    }

    /// Descriptors from index `start` on, in runs of neighbours, in the form of 1.2: no older caller
    /// asks by index.
    #[must_use]
    pub fn runs_from(&self, start: usize) -> Runs<'_, 'd> {
        let mut runs = Runs { view: self, chunk: 0, entry: None, left: 0, skip: 0 };
        if start > 0 {
            runs.seek(start);
        }
        runs
    }

    /// Descriptors whose UUID is `uuid`, which is not nil, in the form that answers a query by UUID.
    pub fn matching(&self, uuid: Uuid) -> impl Iterator<Item = PartitionInfo> + use<'_, 'd> {
        let version = self.version;
        let infos = self.runs_from(0).flatten().filter(move |info| info.uuid() == uuid);
        infos.map(move |info| info.seen_by(version, uuid))
    }
}

/// The descriptors of a [`View`] from some index on, in runs that are never empty.
pub struct Runs<'v, 'd> {
    view: &'v View<'d>,
    /// The chunk to come next: an index of `shown`, then one more for the caller's own.
    chunk: usize,
    /// The chunk that is read, and what is to come of it.
    entry: Option<&'d Entry>,
    left: u64,
    /// How many descriptors to leave out first.
    skip: usize,
}

impl Runs<'_, '_> {
    /// Goes to index `start`, from the beginning.
    fn seek(&mut self, start: usize) {
        let View { shown, masked, .. } = self.view;
        // Before a chunk that is not shown whole, indices are those of the directory.
        let whole = masked.map_or(*shown, |(masked, _)| shown.get(..masked).unwrap_or(shown));
        self.chunk = chunk_with(whole, start);
        self.skip = start - end(whole.get(..self.chunk).unwrap_or(&[]));
    }

    fn next_chunk(&mut self) -> Option<()> {
        let View { shown, own, .. } = self.view;
        let chunk = self.chunk;
        self.chunk += 1;
        if let Some(entry) = shown.get(chunk) {
            self.entry = Some(entry);
            self.left = entry.summary.all() & self.view.mask(chunk);
            return Some(());
        }
        let (entry, index) = own.filter(|_| chunk == shown.len())?;
        self.entry = Some(entry);
        self.left = 1 << index;
        Some(())
    }
}

impl<'d> Iterator for Runs<'_, 'd> {
    type Item = &'d [PartitionInfo];

    #[inline]
    fn next(&mut self) -> Option<&'d [PartitionInfo]> {
        loop {
            while self.left == 0 {
                self.next_chunk()?;
            }
            let run = self.entry?.infos(take_run(&mut self.left));
            let (skipped, rest) = run.split_at_checked(self.skip).unwrap_or((run, &[]));
            self.skip -= skipped.len();
            if !rest.is_empty() {
                return Some(rest);
            }
        }
    }
}

/// Takes the first run of ones out of a mask, which has some: from this bit up to that one.
#[inline]
fn take_run(mask: &mut u64) -> Range<usize> {
    let start = mask.trailing_zeros();
    let end = start + (*mask >> start).trailing_ones();
    *mask &= ALL.checked_shl(end).unwrap_or(0);
    start as usize..end as usize
}

/// The chunk that has the descriptor of index `start`, or one beyond the last.
fn chunk_with(entries: &[Entry], start: usize) -> usize {
    // Full chunks, the usual case, need no search.
    let guess = start / CHUNK;
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
        let chunk = chunk_of(vms, id);
        let entry = vms.get(chunk)?;
        let infos = entry.infos(0..entry.summary.len());
        let index = infos.binary_search_by_key(&id, PartitionInfo::id).ok()?;
        let hint = u32::try_from(chunk * CHUNK + index).unwrap_or(0);
        self.0.store(hint, Relaxed);
        Some((chunk, index))
    }
}

fn info_at(vms: &[Entry], chunk: usize, index: usize) -> Option<&PartitionInfo> {
    let entry = vms.get(chunk)?;
    entry.infos(0..entry.summary.len()).get(index)
}

/// As a caller of 1.1 reads them.
#[inline]
fn bytes_1_1(entry: &Entry, range: Range<usize>) -> &[u8] {
    if entry.summary.has_newer { entry.bytes_1_1(range) } else { entry.bytes_1_2(range) }
}

/// The runs of ones in a mask, from bit 0 on.
fn runs(mut mask: u64) -> impl Iterator<Item = Range<usize>> {
    core::iter::from_fn(move || (mask != 0).then(|| take_run(&mut mask)))
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;
    use crate::directory::{Head, join, set_secure};
    use crate::policy::Policy;
    use ffa_abi::PartitionProperties;
    use ffa_rcu::Registry;

    const SECURE: u16 = 70;
    const VMS: u16 = 200;

    fn info(id: u16) -> PartitionInfo {
        let uuid = Uuid([id.to_le_bytes()[0] % 5 + 1; 16]);
        PartitionInfo::new(EndpointId(id), id, PartitionProperties::AARCH64, uuid)
    }

    fn partitions(policy: Policy) -> Registry<Directory, ()> {
        let partitions = Registry::try_new(1, Directory::new(Head::new(policy))).unwrap();
        let secure: Vec<_> = (0..SECURE).map(|index| info(0x8000 + index)).collect();
        set_secure(&mut partitions.write(), &secure).unwrap().commit();
        for id in 1..=VMS {
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
        let partitions = partitions(policy);
        let writer = partitions.write();
        let vm = VmId::new(caller).unwrap();
        let view = View::new(writer.snapshot(), vm, version, place);
        let ids = expected(policy, version, caller);
        assert_eq!(view.count(Uuid::NIL), ids.len());
        for start in (0..ids.len() + 3).rev() {
            let seen: Vec<u16> = view.runs_from(start).flatten().map(|info| info.id().0).collect();
            assert_eq!(seen, ids.get(start..).unwrap_or(&[]), "{version} {caller} from {start}");
        }
        let size = if version == Version::V1_0 { 8 } else { 24 };
        let mut bytes = Vec::new();
        view.copy(|offset, piece| {
            assert_eq!(offset, bytes.len());
            bytes.extend_from_slice(piece);
            Ok::<(), ()>(())
        })
        .unwrap();
        let copied = bytes.chunks(size).map(|entry| u16::from_le_bytes([entry[0], entry[1]]));
        assert_eq!(copied.collect::<Vec<_>>(), ids, "{version} {caller}");
        let uuid = Uuid([3; 16]);
        let with_uuid: Vec<u16> = view.matching(uuid).map(|info| info.id().0).collect();
        let expected: Vec<u16> = ids.into_iter().filter(|id| info(*id).uuid() == uuid).collect();
        assert_eq!((view.count(uuid), with_uuid), (expected.len(), expected));
    }

    #[test]
    fn every_caller_sees_what_it_may() {
        for policy in [Policy::vm_to_sp(), Policy::allow_all()] {
            for version in [Version::V1_0, Version::V1_1, Version::V1_2] {
                // The first, the last, both ends of a chunk, one inside, and two that are not listed.
                for caller in [2, 400, 128, 130, 100, 101, 500] {
                    check(policy, version, caller, &Place::default());
                }
            }
        }
    }

    #[test]
    fn a_place_is_believed_only_where_it_is_true() {
        for hint in [0, 1, 49, 50, 63, 64, 300, u32::MAX] {
            let place = Place(AtomicU32::new(hint));
            check(Policy::allow_all(), Version::V1_1, 100, &place);
            assert_eq!(place.0.into_inner(), 49);
        }
    }

    #[test]
    fn a_mask_is_cut_into_its_runs() {
        // From here up to there.
        let cases: [(u64, &[(usize, usize)]); 7] = [
            (0, &[]),
            (ALL, &[(0, 64)]),
            (1, &[(0, 1)]),
            (1 << 63, &[(63, 64)]),
            (0b1011_0111, &[(0, 3), (4, 6), (7, 8)]),
            (!(1 << 63), &[(0, 63)]),
            (!1, &[(1, 64)]),
        ];
        for (mask, expected) in cases {
            let cut: Vec<_> = runs(mask).map(|run| (run.start, run.end)).collect();
            assert_eq!(cut, expected, "{mask:#b}");
        }
    }
}
