//! Partition information: each test is a hazard.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod common;

use std::sync::Arc;

use common::join;
use ffa_abi::{
    CallError, EndpointId, FUNCTIONS, Features, FunctionId, IdGet, PartitionInfo,
    PartitionInfoFlags, PartitionInfoGet, PartitionInfoGetRegs, PartitionProperties, Regs, Request,
    Status, Uuid, Version, VmId, Width,
};
use ffa_core::{Caller, Limits, NewError, Outcome, Policy};
use ffa_harness::{Entry, Machine, Setup, SpmcSetup, secure_partition};

const NIL: Uuid = Uuid::NIL;

#[test]
fn regs_all_shapes() {
    for sps in 0..=8 {
        let machine = Setup::default().with_spmc(SpmcSetup::with_partitions(sps)).start();
        for vms in 1..=40 {
            join(&machine, vms, Version::V1_2);
            machine.reclaim_all();
            if vms == 1 {
                machine.vm(1).maps(1);
            }
            check_shape(&machine, sps, vms);
        }
    }
}

/// VM 1's list is the one that there is, by registers and in RX.
fn check_shape(machine: &Machine, sps: u16, vms: u16) {
    let expected: Vec<u16> = (0..sps).map(|sp| 0x8001 + sp).chain(1..=vms).collect();
    let list = machine.vm(1).lists(NIL, Version::V1_2).unwrap();
    assert_eq!(list.iter().map(|entry| entry.id).collect::<Vec<_>>(), expected);
    assert_eq!(machine.vm(1).registers(NIL), Ok(list));
    let mut request = PartitionInfoGetRegs { uuid: NIL, start: 0, tag: 0 };
    let total = usize::from(sps + vms);
    loop {
        let mut call = request.encode();
        call.0[4..].fill(0xdead_beef); // what a guest left in registers that the call has no use for
        let regs = machine.vm(1).traps(&call).regs();
        let reply = request.reply(&regs, Version::V1_2).unwrap();
        let left = total - usize::from(request.start);
        assert_eq!(reply.descriptors().len(), left.min(5));
        let unused = 3 + 3 * left.min(5);
        assert_eq!(regs.0[unused..], [0; 18][unused..], "stray descriptors");
        if reply.current() == reply.last() {
            assert_eq!(usize::from(reply.last()), total - 1);
            return;
        }
        request.start = reply.current() + 1;
        request.tag = reply.tag();
    }
}

#[test]
fn rx_too_small() {
    let machine = Setup::default().start();
    let room = 4096 / 24;
    for id in 1..=room + 1 {
        join(&machine, id, Version::V1_1);
        machine.reclaim_all();
    }
    let vm1 = machine.vm(1);
    vm1.maps(1);
    // 170 others fill the page but for 16 bytes.
    assert_eq!(vm1.lists(NIL, Version::V1_1).unwrap().len(), usize::from(room));
    join(&machine, room + 2, Version::V1_1);
    let list = PartitionInfoGet { uuid: NIL, flags: PartitionInfoFlags::empty() };
    let before = machine.ram(1).copy(16 * 4096, 4096);
    vm1.calls(list).fails(Status::NO_MEMORY);
    assert_eq!(machine.ram(1).copy(16 * 4096, 4096), before, "nothing was written");
    // RX was given back: releasing it is wrong, the next list that fits works.
    vm1.calls(ffa_abi::RxRelease { endpoint: EndpointId(0) }).fails(Status::DENIED);
    machine.remove(room + 2);
    assert_eq!(vm1.lists(NIL, Version::V1_1).unwrap().len(), usize::from(room));
}

/// The ids that a new VM sees, by the version it speaks and thus without its own.
fn seen_secure(machine: &Machine) -> Vec<u16> {
    join(machine, 1, Version::V1_1);
    machine.vm(1).maps(16);
    machine.vm(1).sees(Version::V1_1)
}

#[test]
fn sp_ids_without_bit15() {
    for setup in both_ways(SpmcSetup::with_partitions(4)) {
        let mut spmc = setup;
        let like = |id| PartitionInfo::new(EndpointId(id), 1, PartitionProperties::AARCH64, NIL);
        spmc.partitions.insert(1, like(2));
        spmc.partitions.insert(4, like(0));
        let machine = Setup::default().with_spmc(spmc).start();
        assert!(machine.journal().warned_of("2 partitions with an id that is not secure"));
        assert_eq!(seen_secure(&machine), [0x8001, 0x8002, 0x8003, 0x8004]);
        // An id that the SPMC gave wrongly is a VM's as before.
        join(&machine, 2, Version::V1_1);
        assert_eq!(machine.vm(1).sees(Version::V1_1), [0x8001, 0x8002, 0x8003, 0x8004, 2]);
    }
}

/// By registers, and by buffer with records of both sizes.
fn both_ways(setup: SpmcSetup) -> [SpmcSetup; 3] {
    let by_buffer = SpmcSetup { buffer_pages: 8, ..setup.clone().without_registers() };
    let hafnium = by_buffer.clone().with_records_of(0x30);
    [setup, by_buffer, hafnium]
}

#[test]
fn sp_count_over_limit() {
    for spmc in both_ways(SpmcSetup::with_partitions(300)) {
        let machine = Setup::default().with_spmc(spmc).start();
        assert!(machine.journal().warned_of("left out partitions beyond 256"));
        let seen = seen_secure(&machine);
        assert_eq!(seen, (0x8001..=0x8100).collect::<Vec<_>>());
        assert_eq!(machine.vm(1).counts(NIL), Ok(256));
    }
}

/// One more than the limit is one too many; the limit itself is taken without a word.
#[test]
fn sp_count_at_the_limit() {
    let limits = Limits { secure_partitions: 3, ..Limits::default() };
    for (count, warned) in [(2, false), (3, false), (4, true)] {
        for spmc in both_ways(SpmcSetup::with_partitions(count)) {
            let machine = Setup { limits, ..Setup::default() }.with_spmc(spmc).start();
            assert_eq!(machine.journal().warned_of("beyond 3"), warned, "{count}");
            assert_eq!(seen_secure(&machine).len(), usize::from(count.min(3)));
        }
    }
}

#[test]
fn spmc_list_changes() {
    // 12 partitions are three replies, and each later one may find another list.
    for changes in 0..4 {
        let spmc = SpmcSetup { changes, ..SpmcSetup::with_partitions(12) };
        let machine = Setup::default().with_spmc(spmc).start();
        let first = 0x8001 + 0x100 * u16::try_from(changes).unwrap();
        assert_eq!(seen_secure(&machine), (first..first + 12).collect::<Vec<_>>());
    }
    // It never comes to rest: no list rather than a mix, a diagnosis, and the rest works.
    let spmc = SpmcSetup { changes: u32::MAX, ..SpmcSetup::with_partitions(12) };
    let machine = Setup::default().with_spmc(spmc).start();
    assert!(machine.journal().warned_of("changes while it is read"));
    assert!(seen_secure(&machine).is_empty());
    join(&machine, 2, Version::V1_2);
    assert_eq!(machine.vm(2).counts(NIL), Ok(2));
}

/// An SPMC that changes its tag without saying RETRY is noticed, too.
#[test]
fn spmc_list_changes_without_retry() {
    let tamper = |call: &Regs, mut reply: Regs| {
        if call.w(0) == 0xc400_008b && call.half(3) != 0 {
            reply.0[2] ^= 1 << 32;
        }
        reply
    };
    // Two replies: nothing after the second one tells.
    let spmc = SpmcSetup { tamper: Some(Arc::new(tamper)), ..SpmcSetup::with_partitions(7) };
    let machine = Setup::default().with_spmc(spmc).start();
    assert!(machine.journal().warned_of("changes while it is read"));
    assert!(seen_secure(&machine).is_empty());
}

/// The VMs' part of the list changes between two calls by registers: RETRY, never a mix.
#[test]
fn a_stale_tag_is_told() {
    let machine = Setup::default().start();
    for id in 1..=9 {
        join(&machine, id, Version::V1_2);
    }
    let first = machine.vm(1).calls(PartitionInfoGetRegs { uuid: NIL, start: 0, tag: 0 }).reply();
    let next = PartitionInfoGetRegs { uuid: NIL, start: first.current() + 1, tag: first.tag() };
    machine.remove(4);
    machine.vm(1).calls(next).fails(Status::RETRY);
    // Also where the list has become too short for the index.
    (5..=9).for_each(|id| machine.remove(id));
    machine.vm(1).calls(next).fails(Status::RETRY);
    assert_eq!(machine.vm(1).registers(NIL).unwrap().len(), 3);
}

#[test]
fn features_tell_the_truth() {
    for spmc in [None, Some(SpmcSetup::with_partitions(1))] {
        for version in [Version::V1_0, Version::V1_1, Version::V1_2] {
            for width in [Width::Bits32, Width::Bits64] {
                check_features(spmc.clone(), version, width);
            }
        }
    }
}

/// Whatever is claimed works, whatever is denied answers `NOT_SUPPORTED`.
fn check_features(spmc: Option<SpmcSetup>, version: Version, width: Width) {
    let has_spmc = spmc.is_some();
    let machine = Setup { spmc, ..Setup::default() }.start();
    join(&machine, 1, version);
    let vm1 = || if width == Width::Bits32 { machine.vm(1).in_32_bits() } else { machine.vm(1) };
    let mut claimed = Vec::new();
    for function in FUNCTIONS {
        let asked = vm1().smc([0x8400_0064, function.id.bits().into()]).regs();
        let told = asked.w(0) == 0x8400_0061;
        let answer = call_once(&machine, function.id, width);
        let works = answer != Status::NOT_SUPPORTED.bits();
        let is_reply = matches!(function.id.bits() & 0xffff, 0x60 | 0x61);
        assert_eq!(told, works || (is_reply && told), "{function:?} for {version} {width:?}");
        if told {
            claimed.push(function.name);
        }
    }
    assert_eq!(claimed, expected_features(version, width, has_spmc), "{version} {width:?}");
}

/// w2 of the reply where it is an error, else 0. The arguments are such that a call succeeds or is
/// refused for another reason than that it does not exist.
fn call_once(machine: &Machine, function: FunctionId, width: Width) -> u32 {
    let mut regs = Regs::ZERO;
    regs.set(0, function.bits());
    if function == FunctionId::VERSION {
        regs.set(1, 0x1_0001_u32);
    } else if function == FunctionId::FEATURES {
        regs.set(1, FunctionId::FEATURES.bits());
    }
    let caller = Caller { vm: ffa_abi::VmId::new(1).unwrap(), vcpu: 0, width };
    match machine.vcpu_as(0, caller).trap(&regs) {
        Outcome::Reply(reply) if reply.w(0) == 0x8400_0060 => reply.w(2),
        Outcome::Reply(_) => 0,
        Outcome::NotFfa => panic!("{function} is ours"),
    }
}

/// By hand, from the table of who has what.
fn expected_features(version: Version, width: Width, has_spmc: bool) -> Vec<&'static str> {
    let wide = width == Width::Bits64;
    let all = [
        ("FFA_ERROR", true),
        ("FFA_SUCCESS_32", true),
        ("FFA_SUCCESS_64", wide),
        ("FFA_VERSION", true),
        ("FFA_FEATURES", true),
        ("FFA_RX_RELEASE", true),
        ("FFA_RXTX_MAP_32", true),
        ("FFA_RXTX_MAP_64", wide),
        ("FFA_RXTX_UNMAP", true),
        ("FFA_PARTITION_INFO_GET", true),
        ("FFA_ID_GET", true),
        ("FFA_NOTIFICATION_BIND", version >= Version::V1_1),
        ("FFA_NOTIFICATION_UNBIND", version >= Version::V1_1),
        ("FFA_NOTIFICATION_SET", version >= Version::V1_1),
        ("FFA_NOTIFICATION_GET", version >= Version::V1_1),
        ("FFA_NOTIFICATION_INFO_GET_32", version >= Version::V1_1),
        ("FFA_NOTIFICATION_INFO_GET_64", wide && version >= Version::V1_1),
        ("FFA_SPM_ID_GET", has_spmc && version >= Version::V1_1),
        ("FFA_MSG_SEND2", version >= Version::V1_1),
        ("FFA_PARTITION_INFO_GET_REGS", wide && version >= Version::V1_2),
    ];
    all.iter().filter(|(_, has)| *has).map(|(name, _)| *name).collect()
}

/// One interrupt has a source, and no id of another owner is ours to know.
#[test]
fn features_by_feature_id_are_denied() {
    let machine = Setup::default().with_spmc(SpmcSetup::with_partitions(1)).start();
    join(&machine, 1, Version::V1_2);
    machine.vm(1).smc([0x8400_0064, 1]).answers([0x8400_0061, 0, 8]);
    for id in [0, 2, 3, 4, 0xff, 0x7fff_ffff, 0x8400_0000, 0xbf00_ff01, 0xffff_ffff] {
        machine.vm(1).smc([0x8400_0064, id]).fails(Status::NOT_SUPPORTED);
    }
    let map = machine.vm(1).calls(Features::of(FunctionId::RXTX_MAP_32)).reply();
    assert_eq!((map.w2, map.w3), (16 << 16, 0), "4 KiB, 16 pages at most");
}

#[test]
fn policy_hides_other_vms() {
    let spmc = SpmcSetup::with_partitions(2);
    let machine = Setup::default().with_policy(Policy::vm_to_sp()).with_spmc(spmc).start();
    let versions = [Version::V1_0, Version::V1_1, Version::V1_2];
    for (id, version) in (1..).zip(versions) {
        join(&machine, id, version);
        machine.vm(id).maps(1);
    }
    assert_eq!(machine.vm(1).sees(Version::V1_0), [0x8001, 0x8002]);
    assert_eq!(machine.vm(2).sees(Version::V1_1), [0x8001, 0x8002]);
    assert_eq!(machine.vm(3).sees(Version::V1_2), [0x8001, 0x8002, 3]);
    assert_eq!(machine.vm(3).counts(NIL), Ok(3));
    // Nor does the tag tell of their comings and goings.
    let before = common::tag(&machine, 3);
    machine.remove(1);
    assert_eq!(common::tag(&machine, 3), before);
}

/// SPMCs of each version, with and without each call; the partitions are the same ones.
#[test]
fn every_spmc_that_works_is_read() {
    for version in [Version::V1_1, Version::V1_2, Version::V1_3] {
        for spmc in both_ways(SpmcSetup::with_partitions(7)) {
            let spmc = spmc.speaking(version);
            let machine = Setup::default().with_spmc(spmc).start();
            let spmc = machine.host().spmc().unwrap();
            assert!(!spmc.has_buffers(), "the hypervisor's buffers were unmapped");
            join(&machine, 1, Version::V1_2);
            machine.vm(1).maps(1);
            let seen = machine.vm(1).lists(NIL, Version::V1_2).unwrap();
            // An SPMC of 1.1 does not tell what 1.2 brought.
            let sps = spmc.partitions().into_iter().map(|info| info.seen_by(version, NIL));
            assert_eq!(seen[..7], sps.map(|info| Entry::from(&info)).collect::<Vec<_>>()[..]);
        }
    }
}

#[test]
fn an_spmc_that_we_cannot_work_with_is_none() {
    let old = SpmcSetup::with_partitions(1).speaking(Version::V1_0);
    let two = Version::from_bits(0x2_0000).unwrap();
    let other = SpmcSetup::with_partitions(1).speaking(two);
    for (spmc, warned) in [(Some(old), true), (Some(other), false), (None, false)] {
        let machine = Setup { spmc, ..Setup::default() }.start();
        assert_eq!(machine.journal().warned_of("not supported"), warned);
        join(&machine, 1, Version::V1_2);
        machine.vm(1).smc([0x8400_0085]).fails(Status::NOT_SUPPORTED);
        assert_eq!(machine.vm(1).counts(NIL), Ok(1));
    }
}

/// What the lie is about, the call that is answered with it, and how.
type Lie = (&'static str, u32, fn(&mut Regs));

/// Lies of an SPMC end in a diagnosis, and the machine starts.
#[test]
fn a_hostile_spmc_is_survived() {
    let lies: [Lie; 7] = [
        ("an index that goes back", 0xc400_008b, |reply| reply.0[2] &= !0xffff_0000),
        ("a size of its own", 0xc400_008b, |reply| reply.0[2] |= 0xff << 48),
        ("the longest list", 0xc400_008b, |reply| reply.0[2] |= 0xffff),
        ("no reply at all", 0xc400_008b, |reply| *reply = Regs([u64::MAX; 18])),
        ("more than fits", 0x8400_0068, |reply| reply.0[2] = 0xffff_ffff),
        ("records of no size", 0x8400_0068, |reply| reply.0[3] = 0),
        ("records of all memory", 0x8400_0068, |reply| reply.0[3] = 0xffff_ffff),
    ];
    for (what, function, lie) in lies {
        let tamper = move |call: &Regs, mut reply: Regs| {
            if call.w(0) == function && (function != 0xc400_008b || call.half(3) != 0) {
                lie(&mut reply);
            }
            reply
        };
        let tamper: Option<ffa_harness::Tamper> = Some(Arc::new(tamper));
        for spmc in both_ways(SpmcSetup::with_partitions(12)) {
            let spmc = SpmcSetup { tamper: tamper.clone(), ..spmc };
            let is_lied_to = spmc.has_registers() == (function == 0xc400_008b);
            let machine = Setup::default().with_spmc(spmc).start();
            let warnings = machine.journal().log().len() > 1;
            assert_eq!(warnings, is_lied_to, "{what}: {:?}", machine.journal().log());
            assert!(seen_secure(&machine).len() <= 256, "{what}");
            assert!(!machine.host().spmc().unwrap().has_buffers(), "{what}");
        }
    }
}

/// Memory that the SPMC may still write is never used again.
#[test]
fn buffers_that_the_spmc_keeps_stay_pinned() {
    let spmc = SpmcSetup::with_partitions(2).keeping_buffers();
    let machine = Setup::default().with_spmc(spmc.without_registers()).start();
    assert!(machine.journal().warned_of("keeps our RX/TX buffers"));
    assert_eq!(machine.host().spmc().unwrap().ram().pinned_pages(), 1);
    assert_eq!(seen_secure(&machine), [0x8001, 0x8002]);
}

/// A machine without CPUs is one that handles no call, and no error.
#[test]
fn a_mediator_needs_no_cpu() {
    let setup = Setup { cpus: 0, ..Setup::default() };
    let host = ffa_harness::Hypervisor::new(None, setup.watch);
    let machine: Result<Machine, NewError> = setup.start_on(host);
    assert!(machine.unwrap().mediator().cpu(0).is_none());
}

#[test]
fn a_cpu_has_one_owner() {
    let machine = Setup { cpus: 2, ..Setup::default() }.start();
    let first = machine.mediator().cpu(0);
    assert!(first.is_some() && machine.mediator().cpu(0).is_none());
    assert!(machine.mediator().cpu(1).is_some() && machine.mediator().cpu(2).is_none());
    drop(first);
    assert!(machine.mediator().cpu(0).is_some());
}

#[test]
fn a_query_by_uuid_shows_those_who_have_it() {
    let machine = Setup::default().with_spmc(SpmcSetup::with_partitions(9)).start();
    join(&machine, 1, Version::V1_2);
    machine.vm(1).maps(1);
    let third = secure_partition(2);
    let seen = machine.vm(1).lists(third.uuid(), Version::V1_2).unwrap();
    assert_eq!(seen, [Entry::from(&third).without_uuid()], "whose UUID the caller knows");
    let nobody = Uuid(*b"nobody has this.");
    let list = PartitionInfoGet { uuid: nobody, flags: PartitionInfoFlags::empty() };
    machine.vm(1).calls(list).fails(Status::INVALID_PARAMETERS);
    let count = PartitionInfoGet { uuid: nobody, flags: PartitionInfoFlags::COUNT_ONLY };
    machine.vm(1).calls(count).fails(Status::INVALID_PARAMETERS);
    let request = PartitionInfoGetRegs { uuid: nobody, start: 0, tag: 0 };
    machine.vm(1).calls(request).fails(Status::INVALID_PARAMETERS);
    assert_eq!(machine.vm(1).lists(NIL, Version::V1_2).unwrap().len(), 10, "RX stayed free");
}

/// A list that fills RX to its last byte, for a caller of 1.0 that stands at its ends, at the edges of
/// chunks and in the middle; one VM more, and it is refused with nothing written.
#[test]
fn a_list_for_1_0_fills_its_page() {
    const FITTING: u16 = 4096 / 8;
    for own in [1, 128, 129, 257, 512, FITTING + 1] {
        let machine = Setup::default().with_policy(Policy::allow_all()).start();
        for id in 1..=FITTING + 1 {
            join(&machine, id, if id == own { Version::V1_0 } else { Version::V1_2 });
            machine.reclaim_all();
        }
        machine.vm(own).maps(1);
        let list = machine.vm(own).lists(NIL, Version::V1_0).unwrap();
        let mut ids: Vec<u16> = list.iter().map(|entry| entry.id).collect();
        ids.sort_unstable();
        assert!(ids.into_iter().eq((1..=FITTING + 1).filter(|id| *id != own)), "VM {own}");
        let before = machine.vcpu(0, own, 0).rx_bytes(4096);
        join(&machine, FITTING + 2, Version::V1_2);
        assert_eq!(
            machine.vm(own).lists(NIL, Version::V1_0),
            Err(CallError::Status(Status::NO_MEMORY))
        );
        assert_eq!(machine.vcpu(0, own, 0).rx_bytes(4096), before, "VM {own}");
    }
}

#[test]
fn the_width_of_the_call_by_which_a_vm_joins_is_shown() {
    let machine = Setup::default().with_policy(Policy::allow_all()).start();
    for (vm, width) in [(1, Width::Bits32), (2, Width::Bits64)] {
        machine.create(vm).unwrap();
        let mut vcpu = machine.vcpu_as(0, Caller { vm: VmId::new(vm).unwrap(), vcpu: 0, width });
        vcpu.version(Version::V1_2).unwrap();
        vcpu.call(&IdGet).unwrap();
    }
    let shown: Vec<u32> =
        machine.vcpu(0, 2, 0).registers(NIL).unwrap().iter().map(|vm| vm.properties).collect();
    assert_eq!(shown, [0, PartitionProperties::AARCH64.bits()]);
}
