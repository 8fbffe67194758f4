//! Publication, version, registry: each test is a hazard.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod common;

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use common::{MINE, StopOnDrop, config, join, tag};
use ffa_abi::{
    CallError, EndpointId, EndpointIdReply, IdGet, PartitionInfoFlags, PartitionInfoGet, Regs,
    Status, Uuid, Version, VersionReply,
};
use ffa_core::{CreateError, Policy, VmConfig};
use ffa_harness::storm::{self, Options};
use ffa_harness::{Machine, Point, Setup, SpmcSetup};

#[test]
fn publish_once() {
    let machine = Setup::default().start();
    join(&machine, 1, Version::V1_2);
    for _ in 0..200 {
        machine.create(2).unwrap();
        machine.vm(2).speaks(Version::V1_1);
        let before = tag(&machine, 1);
        both_call(&machine);
        assert_eq!(tag(&machine, 1), before + 1, "one change of the list");
        assert_eq!(machine.vm(1).counts(Uuid::NIL), Ok(2));
        machine.remove(2);
        assert_eq!(machine.vm(1).counts(Uuid::NIL), Ok(1));
    }
}

/// Two vCPUs of VM 2 make its first call at the same moment.
fn both_call(machine: &Machine) {
    let together = Barrier::new(2);
    thread::scope(|scope| {
        for vcpu in 0..2 {
            let together = &together;
            scope.spawn(move || {
                let mut vcpu = machine.vcpu(1 + usize::from(vcpu), 2, vcpu);
                together.wait();
                vcpu.call(&IdGet).expect("a sibling's publication is no obstacle");
            });
        }
    });
}

#[test]
fn walk_vs_teardown() {
    let duration = Duration::from_millis(1500);
    let options = Options { vms: 600, readers: 3, churn: true, duration, ..Options::default() };
    let report = storm::run(&options, &mut |_| {});
    assert_eq!(report.violations(), [""; 0]);
    assert!(report.destroyed() > 100 && report.tally().checked > 1000, "{report}");
}

#[test]
fn count_never_underflows() {
    let machine = Setup::default().start();
    join(&machine, 1, Version::V1_1);
    for _ in 0..300 {
        machine.create(2).unwrap();
        machine.vm(2).speaks(Version::V1_1);
        let together = Barrier::new(2);
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut vcpu = machine.vcpu(1, 2, 0);
                together.wait();
                vcpu.call(&IdGet).unwrap();
            });
            let mut sibling = machine.vcpu(2, 2, 1);
            together.wait();
            // A caller of 1.1 does not see itself, whether it is in the list by now or not.
            assert_eq!(sibling.count(Uuid::NIL), Ok(1));
        });
        assert_eq!(machine.vm(1).counts(Uuid::NIL), Ok(1));
        machine.remove(2);
        assert_eq!(machine.vm(1).counts(Uuid::NIL), Ok(0));
    }
}

#[test]
fn count_matches_list() {
    let machine = Setup::default().with_spmc(SpmcSetup::with_partitions(3)).start();
    for (id, version) in [(1, Version::V1_0), (2, Version::V1_1), (3, Version::V1_2)] {
        let config = VmConfig { uuid: MINE, ..config(id) };
        machine.create_as(config).unwrap();
        machine.vm(id).speaks(version);
        machine.vm(id).maps(1);
    }
    let second = ffa_harness::secure_partition(1).uuid();
    // Callers below 1.2 do not see themselves.
    for (uuid, seen) in [(Uuid::NIL, [5, 5, 6]), (MINE, [2, 2, 3]), (second, [1, 1, 1])] {
        for (id, version) in [(1, Version::V1_0), (2, Version::V1_1), (3, Version::V1_2)] {
            let vm = machine.vm(id);
            let list = vm.lists(uuid, version).unwrap();
            assert_eq!(list.len(), seen[usize::from(id) - 1], "{version} {uuid}");
            if version >= Version::V1_1 {
                assert_eq!(vm.counts(uuid), Ok(u32::try_from(list.len()).unwrap()));
            }
            if version >= Version::V1_2 {
                assert_eq!(vm.registers(uuid), Ok(list));
            }
        }
    }
}

#[test]
fn version_frozen() {
    let machine = Setup::default().start();
    join(&machine, 1, Version::V1_1);
    join(&machine, 2, Version::V1_1);
    machine.vm(1).maps(1);
    let write = machine.host().points().pause(Point::Write, 0);
    thread::scope(|scope| {
        let list = scope.spawn(|| machine.vcpu(1, 1, 0).list(Uuid::NIL, Version::V1_1));
        assert!(write.is_reached(Duration::from_secs(5)));
        // While the list is written, a sibling asks for the layout of 1.0, and does not get it.
        let mut sibling = machine.vcpu(2, 1, 1);
        assert_eq!(sibling.version(Version::V1_0), Ok(VersionReply::NotSupported));
        assert_eq!(sibling.version(Version::V1_1), Ok(VersionReply::Supported(Version::V1_2)));
        drop(write);
        let entries = list.join().unwrap().unwrap();
        assert_eq!(entries.iter().map(|entry| entry.id).collect::<Vec<_>>(), [2]);
    });
    let list = PartitionInfoGet { uuid: Uuid::NIL, flags: PartitionInfoFlags::empty() };
    assert_eq!(
        machine.vm(1).calls(ffa_abi::RxRelease { endpoint: EndpointId(0) }).reply(),
        ffa_abi::Empty
    );
    assert_eq!(machine.vm(1).calls(list).reply().descriptor_size, 24);
}

/// A proposal and a first call race: the call is taken as one of the version that is fixed then. Only
/// from 1.1 on is there a flag to count.
#[test]
fn version_frozen_by_whoever_comes_first() {
    let machine = Setup::default().start();
    join(&machine, 1, Version::V1_2);
    let together = Barrier::new(2);
    for _ in 0..300 {
        machine.create(2).unwrap();
        machine.vm(2).speaks(Version::V1_0);
        let counted = thread::scope(|scope| {
            scope.spawn(|| {
                let mut vcpu = machine.vcpu(2, 2, 1);
                together.wait();
                let _either = vcpu.version(Version::V1_1);
            });
            let mut vcpu = machine.vcpu(1, 2, 0);
            together.wait();
            vcpu.count(Uuid::NIL)
        });
        let frozen = machine.vm(2).calls(ffa_abi::GetVersion::new(Version::V1_0)).reply();
        let is_1_0 = frozen == VersionReply::Supported(Version::V1_2);
        let refused = Err(CallError::Status(Status::INVALID_PARAMETERS));
        assert_eq!(counted, if is_1_0 { refused } else { Ok(1) });
        machine.remove(2);
    }
}

#[test]
fn version_bit31() {
    let machine = Setup::default().start();
    machine.create(1).unwrap();
    let vm1 = machine.vm(1);
    for asked in [0x8001_0000, 0x8001_0001, 0x8001_0002, 0xffff_ffff, 0x8000_0000] {
        vm1.smc([0x8400_0063, asked]).answers([u64::MAX]);
        vm1.smc([0x8400_0069]).fails(Status::NOT_SUPPORTED);
    }
    // Nor do they change what was negotiated.
    vm1.speaks(Version::V1_0);
    vm1.smc([0x8400_0063, 0x8001_0002]).answers([u64::MAX]);
    vm1.smc([0x8400_0085]).fails(Status::NOT_SUPPORTED);
    vm1.smc([0x8400_0068, 0, 0, 0, 0, 1]).fails(Status::INVALID_PARAMETERS);
}

#[test]
fn foreign_ids_do_not_negotiate() {
    let machine = Setup::default().start();
    join(&machine, 1, Version::V1_2);
    machine.create(2).unwrap();
    let vm2 = machine.vm(2);
    vm2.speaks(Version::V1_1);
    let foreign = [
        0xbf00_ff01, // a trusted OS
        0x8300_0063, // owners beside FF-A's
        0x8500_0063,
        0x8401_0063, // SVE hint
        0x0400_0063, // yielding
        0x8420_0063, // a bit that must be zero
        0x8400_005f, // beside the range
        0x8400_00f0,
        0x8400_0000, // PSCI
        0xc400_0003,
        0x8000_0000, // SMCCC
    ];
    for id in foreign {
        vm2.smc([id, 0x1_0000]).is_not_ours();
    }
    // Nor do ids of the range that nobody serves.
    for id in [0x8400_00ef, 0xc400_0069, 0x8400_006a, 0x8400_0060, 0x8400_0073] {
        vm2.smc([id]).fails(Status::NOT_SUPPORTED);
    }
    assert_eq!(machine.vm(1).counts(Uuid::NIL), Ok(1), "VM 2 is not listed");
    vm2.speaks(Version::V1_0);
    vm2.smc([0x8400_0069]).answers([0x8400_0061, 0, 2]);
    assert_eq!(machine.vm(1).counts(Uuid::NIL), Ok(2));
}

#[test]
fn upper_half_of_x0() {
    let machine = Setup::default().with_spmc(SpmcSetup::with_partitions(1)).start();
    for id in [1, 2] {
        machine.create(id).unwrap();
    }
    let calls: [&[u64]; 8] = [
        &[0x8400_0063, 0x1_0002],
        &[0x8400_0064, 0xc400_0066],
        &[0xc400_0066, ffa_harness::TX, ffa_harness::RX, 1],
        &[0x8400_0068],
        &[0x8400_0065],
        &[0xc400_008b],
        &[0x8400_0067],
        &[0xbf00_ff01],
    ];
    for call in calls {
        let mut regs = Regs::ZERO;
        regs.0[..call.len()].copy_from_slice(call);
        let clean = machine.vcpu(0, 1, 0).trap(&regs);
        regs.0[0] |= 0xdead_beef_0000_0000;
        let dirty = machine.vcpu(0, 2, 0).trap(&regs);
        assert_eq!(clean, dirty, "{call:x?}");
    }
}

#[test]
fn id_reuse() {
    let machine = Setup::default().start();
    join(&machine, 1, Version::V1_2);
    join(&machine, 2, Version::V1_1);
    let unpin = machine.host().points().pause(Point::MapBuffer, 1);
    thread::scope(|scope| {
        // VM 2 is destroyed while its own call is under way on another CPU.
        let map = scope.spawn(|| machine.vcpu(1, 2, 0).map(1));
        assert!(unpin.is_reached(Duration::from_secs(5)));
        machine.destroy(2).unwrap();
        machine.reclaim_all();
        assert_eq!(machine.create(2), Err(CreateError::IdDraining));
        assert_eq!(machine.vm(1).counts(Uuid::NIL), Ok(1), "nobody is told of a new VM");
        machine.vm(2).smc([0x8400_0069]).fails(Status::NOT_SUPPORTED);
        drop(unpin);
        map.join().unwrap().expect("a call that had begun ends as usual");
    });
    assert_eq!(machine.create(2), Err(CreateError::IdDraining), "not before it is reclaimed");
    machine.reclaim_all();
    machine.free(2);
    // The new one has nothing of the old one: no version, no buffers.
    machine.create(2).unwrap();
    machine.vm(2).calls(IdGet).fails(Status::NOT_SUPPORTED);
    machine.vm(2).speaks(Version::V1_0);
    machine.vm(2).maps(1);
}

#[test]
fn failed_create() {
    let machine = Setup::default().start();
    join(&machine, 1, Version::V1_2);
    let config = VmConfig { vcpus: 0, ..config(2) };
    assert_eq!(machine.create_as(config), Err(CreateError::NoVcpus));
    machine.vm(2).smc([0x8400_0069]).fails(Status::NOT_SUPPORTED);
    assert_eq!(machine.create(1), Err(CreateError::IdTaken));
    // VM 1 is as it was.
    machine.vm(1).calls(IdGet).gets(EndpointIdReply { id: EndpointId(1) });
    assert_eq!(machine.mediator().retired().objects, 1, "the list before VM 1 joined");
    machine.create(2).expect("the id is usable");
    machine.vm(2).speaks(Version::V1_2);
    assert_eq!(machine.vm(2).counts(Uuid::NIL), Ok(2));
}

/// Policy and firmware do not matter: a VM that never called is in nobody's list.
#[test]
fn a_vm_that_only_negotiated_is_not_listed() {
    for policy in [Policy::allow_all(), Policy::vm_to_sp()] {
        let machine = Setup::default().with_policy(policy).start();
        join(&machine, 1, Version::V1_2);
        machine.create(2).unwrap();
        machine.vm(2).speaks(Version::V1_2);
        assert_eq!(machine.vm(1).counts(Uuid::NIL), Ok(1));
    }
}

/// A sibling that waits for the writer's turn is not starved by a VM that comes and goes.
#[test]
fn joining_is_bounded() {
    let machine = Setup::default().start();
    join(&machine, 1, Version::V1_1);
    machine.create(2).unwrap();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Relaxed) {
                join(&machine, 3, Version::V1_1);
                machine.remove(3);
            }
        });
        let _done = StopOnDrop(&stop);
        let mut vcpu = machine.vcpu(3, 2, 0);
        let start = Instant::now();
        let joined = vcpu.version(Version::V1_1).and_then(|_| vcpu.call(&IdGet));
        assert!(matches!(joined, Ok(_) | Err(CallError::Status(Status::NO_MEMORY))));
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    });
}
