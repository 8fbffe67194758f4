//! Random histories of a directory against plain lists: what it holds, and what every caller sees.

use std::collections::BTreeMap;
use std::vec;
use std::vec::Vec;

use ffa_abi::{
    EndpointId, PartitionInfo, PartitionInfoGetRegsReply, PartitionProperties, Uuid, Version, VmId,
    partition_descriptor_size,
};
use ffa_rcu::Registry;
use zerocopy::IntoBytes;

use super::chunk::{CHUNK, SHORT_CHUNK, is_newer};
use super::{Directory, Head, Place, View, join, leave, parts, set_secure};
use crate::policy::Policy;

/// xorshift64*.
pub(super) struct Random(pub(super) u64);

impl Random {
    /// Below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end
    }

    /// Properties of any version or of none, and one of five UUIDs.
    fn info(&mut self, id: u16) -> PartitionInfo {
        let mask = [0x100, 0x1ff, 0x7ff, u32::MAX][self.below(4)];
        let bits = u32::try_from(self.below(1 << 31)).unwrap() & mask;
        let uuid = Uuid([u8::try_from(self.below(5)).unwrap(); 16]);
        PartitionInfo::new(EndpointId(id), id, PartitionProperties::from_bits_retain(bits), uuid)
    }
}

struct Model {
    policy: Policy,
    partitions: Registry<Directory, ()>,
    secure: Vec<PartitionInfo>,
    vms: BTreeMap<u16, PartitionInfo>,
    random: Random,
    /// What callers remember of each other's places too: hints that are mostly wrong.
    places: [Place; 8],
}

impl Model {
    fn new(policy: Policy, seed: u64) -> Model {
        Model {
            policy,
            partitions: Registry::try_new(1, Directory::new(Head::new(policy))).unwrap(),
            secure: Vec::new(),
            vms: BTreeMap::new(),
            random: Random(seed),
            places: Default::default(),
        }
    }

    /// One change, of ids below `ids`; more of them join the larger `joins` in ten is.
    fn step(&mut self, ids: u16, joins: usize) {
        let id = 1 + u16::try_from(self.random.below(ids.into())).unwrap();
        let mut writer = self.partitions.write();
        match self.random.below(200) {
            0 => {
                let count = [0, 1, 3, 511, 512, 513, 1025][self.random.below(7)];
                let ids = (0..count).rev().map(|index| 0x8000 + index);
                self.secure = ids.map(|id| self.random.info(id)).collect();
                set_secure(&mut writer, &self.secure).unwrap().commit();
            }
            1 => drop(join(&mut writer, self.random.info(id)).unwrap()),
            2 => drop(leave(&mut writer, VmId::new(id).unwrap()).unwrap()),
            _ if self.random.below(10) < joins => {
                let info = self.random.info(id);
                self.vms.insert(id, info);
                join(&mut writer, info).unwrap().commit();
            }
            _ => {
                self.vms.remove(&id);
                leave(&mut writer, VmId::new(id).unwrap()).unwrap().commit();
            }
        }
        drop(writer);
        self.partitions.reclaim(16);
    }

    /// The top says of each chunk what is true, and neighbours are not small.
    fn check_chunks(&self) {
        let writer = self.partitions.write();
        let mut start = 0;
        for entry in writer.snapshot().entries() {
            let (infos, summary) = (entry.infos(), entry.summary);
            assert!((1..=CHUNK).contains(&infos.len()));
            assert_eq!((summary.start(), summary.len()), (start, infos.len()));
            assert_eq!(summary.first, infos[0].id());
            assert_eq!(entry.has_newer(), infos.iter().any(is_newer));
            assert_eq!(entry.infos_1_0().len(), infos.len());
            assert_eq!(entry.infos_1_1().len(), infos.len());
            start += infos.len();
        }
        assert_eq!(start, self.secure.len() + self.vms.len());
        let (_, vms) = parts(writer.snapshot());
        let pairs = vms.windows(2).map(|pair| pair[0].summary.len() + pair[1].summary.len());
        assert!(pairs.into_iter().all(|len| len >= SHORT_CHUNK / 2));
    }

    /// The first VM, the last, any, or one that need not be there.
    fn some_caller(&mut self) -> u16 {
        let any = u16::try_from(self.random.below(3000)).unwrap();
        let found = match self.random.below(4) {
            0 => self.vms.keys().next(),
            1 => self.vms.keys().next_back(),
            2 => self.vms.range(any..).next().map(|(id, _)| id),
            _ => None,
        };
        found.copied().unwrap_or(any + 1)
    }

    fn check_views(&mut self) {
        for version in [Version::V1_0, Version::V1_1, Version::V1_2] {
            let caller = self.some_caller();
            let (place, start) = (self.random.below(8), self.random.below(CHUNK));
            let writer = self.partitions.write();
            let vm = VmId::new(caller).unwrap();
            let view = View::new(writer.snapshot(), vm, version, &self.places[place]);
            let shows_all = self.policy == Policy::allow_all();
            let shows = |id: u16| if id == caller { version >= Version::V1_2 } else { shows_all };
            let vms = self.vms.iter().filter(|(id, _)| shows(**id)).map(|(_, info)| info);
            let all: Vec<PartitionInfo> = self.secure.iter().chain(vms).copied().collect();
            assert_eq!(view.count(Uuid::NIL), all.len());
            let lower = self.vms.range(..caller).count();
            let is_left_out = shows_all && self.vms.contains_key(&caller) && !shows(caller);
            let own = is_left_out.then_some(self.secure.len() + lower);
            assert!(copied(&view, all.len()) == in_bytes(version, &all, own), "{version} {caller}");
            let uuid = Uuid([u8::try_from(start % 4 + 1).unwrap(); 16]);
            let expected = all.iter().filter(|info| info.uuid() == uuid);
            let expected: Vec<_> = expected.map(|info| info.seen_by(version, uuid)).collect();
            assert_eq!(view.count(uuid), expected.len());
            assert!(view.matching(uuid).eq(expected));
            if version == Version::V1_2 {
                check_registers(&view, &all, start);
                check_registers(&view, &all, all.len().saturating_sub(start % 7));
            }
        }
    }
}

/// What a view writes, in pieces that follow each other, none of them empty.
fn copied(view: &View<'_>, count: usize) -> Vec<u8> {
    let mut bytes = vec![0xaa; count * partition_descriptor_size(view.version())];
    let mut written = 0;
    let copied = view.copy(|offset, piece| {
        assert_eq!(offset, written, "pieces follow each other");
        assert!(!piece.is_empty());
        written += piece.len();
        bytes.get_mut(offset..written).ok_or(())?.copy_from_slice(piece);
        Ok::<(), ()>(())
    });
    assert_eq!((copied, written), (Ok(()), bytes.len()));
    bytes
}

/// A list as its reader gets it: where index `own` is left out, the last one stands there.
fn in_bytes(version: Version, infos: &[PartitionInfo], own: Option<usize>) -> Vec<u8> {
    let mut infos: Vec<_> = infos.iter().map(|info| info.seen_by(version, Uuid::NIL)).collect();
    if let Some(own) = own.filter(|own| *own < infos.len()) {
        let last = infos.pop().unwrap();
        infos.insert(own, last);
    }
    let bytes = infos.iter().flat_map(|info| match version {
        Version::V1_0 => info.to_1_0().as_bytes().to_vec(),
        _ => info.as_bytes().to_vec(),
    });
    bytes.collect()
}

fn check_registers(view: &View<'_>, all: &[PartitionInfo], start: usize) {
    let expected = all.iter().skip(start).map(|info| info.seen_by(Version::V1_2, Uuid::NIL));
    let expected: Vec<_> = expected.collect();
    assert!(view.runs_from(start).all(|run| !run.is_empty()));
    assert!(view.runs_from(start).flatten().copied().eq(expected.iter().copied()));
    let index = u16::try_from(start).unwrap();
    let runs = view.runs_from(start);
    let reply = PartitionInfoGetRegsReply::from_runs(index, all.len(), 5, runs);
    match reply {
        None => assert!(start >= all.len()),
        Some(reply) => {
            assert!(reply.descriptors() == &expected[..expected.len().min(5)]);
            assert_eq!(usize::from(reply.last()), all.len() - 1);
        }
    }
}

#[test]
fn any_history_shows_every_caller_what_plain_lists_show() {
    for (policy, seed) in [(Policy::allow_all(), 1), (Policy::vm_to_sp(), 2)] {
        let mut model = Model::new(policy, seed);
        // Grow over several chunks, shrink, stay small, grow again.
        for (ids, joins) in [(2500, 9), (2500, 9), (2500, 2), (60, 7), (60, 1), (1500, 6)] {
            for step in 0..1_000 {
                model.step(ids, joins);
                model.check_chunks();
                if step % 20 == 0 || model.vms.len() < 12 {
                    model.check_views();
                }
            }
        }
    }
}
