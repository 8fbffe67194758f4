//! The documented answer to every wrong call, and that it changes nothing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod common;

use common::{MINE, config, join};
use ffa_abi::{FUNCTIONS, Status, Uuid, Version, Width};
use ffa_core::{Caller, Limits, NewError, Outcome, Policy, VmConfig};
use ffa_harness::{Hypervisor, Machine, PAGE, RAM_BASE, RX, Setup, SpmcSetup, TX};

const NOT_SUPPORTED: Status = Status::NOT_SUPPORTED;
const INVALID: Status = Status::INVALID_PARAMETERS;
const DENIED: Status = Status::DENIED;

/// VM 1 speaks `version`; VM 2 has joined. There are two secure partitions.
fn machine(version: Version) -> Machine {
    let machine = Setup::default().with_spmc(SpmcSetup::with_partitions(2)).start();
    join(&machine, 1, version);
    join(&machine, 2, Version::V1_2);
    machine
}

#[test]
fn version_before_it_is_fixed() {
    let machine = Setup::default().start();
    machine.create(1).unwrap();
    machine.vm(1).plays(
        "
        VERSION 20000                       -> -1
        VERSION 0                           -> -1
        VERSION ffff                        -> -1
        VERSION 7fffffff                    -> -1
        # a refusal is no negotiation
        ID_GET                              -> ERROR 0 NOT_SUPPORTED
        # any minor of ours, higher or lower, as often as wanted: our version
        VERSION 10003                       -> 10002
        VERSION 1ffff                       -> 10002
        VERSION 10000                       -> 10002
        VERSION 10001                       -> 10002
        VERSION 20000                       -> -1
        # what is not served fixes nothing
        PARTITION_INFO_GET_REGS             -> ERROR 0 NOT_SUPPORTED
        VERSION 10002                       -> 10002
        MEM_SHARE_64                        -> ERROR 0 NOT_SUPPORTED
        VERSION 10001                       -> 10002
        ID_GET                              -> SUCCESS_32 0 1",
    );
}

#[test]
fn version_after_it_is_fixed() {
    for (version, agreed) in [(0, "10000"), (1, "10001"), (2, "10002")] {
        let machine = machine(Version::from_bits(0x1_0000 + version).unwrap());
        for asked in ["10000", "10001", "10002", "20000", "80010001"] {
            let answer = if asked == agreed { "10002" } else { "-1" };
            machine.vm(1).plays(&format!("VERSION {asked} -> {answer}"));
        }
        machine.vm(1).plays("ID_GET -> SUCCESS_32 0 1");
    }
}

#[test]
fn nothing_is_served_before_a_version() {
    let machine = Setup::default().with_spmc(SpmcSetup::with_partitions(1)).start();
    machine.create(1).unwrap();
    for function in FUNCTIONS.iter().filter(|function| function.name != "FFA_VERSION") {
        machine.vm(1).smc([function.id.bits().into(), TX, RX, 1]).fails(NOT_SUPPORTED);
    }
    assert_eq!(machine.ram(1).pinned_pages(), 0);
}

/// Calls that are the hypervisor's or the SPMC's, calls of later issues, and calls of another version.
#[test]
fn calls_that_a_vm_has_not() {
    for version in [Version::V1_0, Version::V1_1, Version::V1_2] {
        let machine = machine(version);
        let served = [
            "FFA_VERSION",
            "FFA_FEATURES",
            "FFA_ID_GET",
            "FFA_SPM_ID_GET",
            "FFA_RXTX_MAP_32",
            "FFA_RXTX_MAP_64",
            "FFA_RXTX_UNMAP",
            "FFA_RX_RELEASE",
            "FFA_PARTITION_INFO_GET",
            "FFA_PARTITION_INFO_GET_REGS",
            "FFA_MSG_SEND2",
            "FFA_NOTIFICATION_BIND",
            "FFA_NOTIFICATION_UNBIND",
            "FFA_NOTIFICATION_SET",
            "FFA_NOTIFICATION_GET",
            "FFA_NOTIFICATION_INFO_GET_32",
            "FFA_NOTIFICATION_INFO_GET_64",
        ];
        for function in FUNCTIONS {
            if !served.contains(&function.name) || !function.exists_in(version) {
                machine.vm(1).smc([function.id.bits().into()]).fails(NOT_SUPPORTED);
            }
        }
    }
}

#[test]
fn a_32_bit_guest_has_smc32_only() {
    let machine = machine(Version::V1_2);
    let vm1 = machine.vm(1).in_32_bits();
    vm1.smc([0xc400_0066, TX, RX, 1]).fails(NOT_SUPPORTED);
    vm1.smc([0xc400_008b]).fails(NOT_SUPPORTED);
    vm1.smc([0x8400_0066, TX, RX, 1]).answers([0x8400_0061]);
    vm1.smc([0x8400_0068]).answers([0x8400_0061, 0, 4, 24]);
    vm1.smc([0x8400_0065]).answers([0x8400_0061]);
}

/// SMC32 arguments are the low halves, whatever the upper ones hold.
#[test]
fn smc32_ignores_upper_halves() {
    let machine = machine(Version::V1_1);
    let dirt = 0xdead_beef_0000_0000;
    let vm1 = machine.vm(1);
    vm1.smc([0x8400_0066, dirt | TX, dirt | RX, dirt | 1]).answers([0x8400_0061]);
    vm1.smc([0x8400_0068, dirt, dirt, dirt, dirt, dirt | 1]).answers([0x8400_0061, 0, 3]);
    vm1.smc([0x8400_0064, dirt | 0x8400_0069]).answers([0x8400_0061]);
    vm1.smc([0x8400_0067, dirt | 1 << 16]).answers([0x8400_0061]);
    // The 64-bit form means all of its addresses.
    vm1.smc([0xc400_0066, dirt | TX, RX, 1]).fails(INVALID);
}

#[test]
fn ids_and_the_spmcs_id() {
    let with = machine(Version::V1_1);
    with.vm(1).plays("ID_GET -> SUCCESS_32 0 1\nSPM_ID_GET -> SUCCESS_32 0 8000");
    with.vm(2).plays("ID_GET -> SUCCESS_32 0 2\nSPM_ID_GET -> SUCCESS_32 0 8000");
    let own_id = SpmcSetup::default().with_id(Some(ffa_abi::EndpointId(0x8123)));
    let silent = SpmcSetup::default().with_id(None);
    let wrong = SpmcSetup::default().with_id(Some(ffa_abi::EndpointId(5)));
    for (spmc, id) in [(own_id, 0x8123), (silent, 0x8000), (wrong, 0x8000)] {
        let machine = Setup::default().with_spmc(spmc).start();
        join(&machine, 1, Version::V1_1);
        machine.vm(1).smc([0x8400_0085]).answers([0x8400_0061, 0, id]);
    }
    let without = Setup::default().start();
    join(&without, 1, Version::V1_2);
    without.vm(1).smc([0x8400_0085]).fails(NOT_SUPPORTED);
}

#[test]
fn rxtx_map() {
    let machine = machine(Version::V1_2);
    let vm1 = machine.vm(1);
    let page = PAGE as u64;
    let end = RAM_BASE + 40 * page;
    let last = u64::MAX - page + 1;
    for [tx, rx, w3] in [
        [TX, RX, 0],
        [TX, RX, 17],
        [TX, RX, 0x3f],
        [TX, RX, 0x41], // beside the field
        [TX, RX, 0x8000_0001],
        [TX + 8, RX, 1],
        [TX, RX + 0x800, 1],
        [TX, TX, 1],
        [0, RX, 1], // no RAM
        [TX, end, 1],
        [TX, end - page, 2],
        [last, RX, 1], // the end of the address space
        [TX, last, 2],
    ] {
        vm1.smc([0xc400_0066, tx, rx, w3]).fails(INVALID);
        assert_eq!(machine.ram(1).pinned_pages(), 0, "{tx:#x} {rx:#x} {w3:#x}");
    }
    vm1.smc([0xc400_0066, TX, RX, 16]).answers([0x8400_0061]);
    vm1.smc([0xc400_0066, TX, RX, 16]).fails(DENIED);
    vm1.smc([0x8400_0066, TX, RX, 1]).fails(DENIED);
    assert_eq!(machine.ram(1).pinned_pages(), 32);
}

/// 0 and its own id name the caller, nothing else does.
#[test]
fn rxtx_unmap_and_rx_release_by_id() {
    let machine = machine(Version::V1_1);
    let vm1 = machine.vm(1);
    vm1.smc([0x8400_0067]).fails(INVALID);
    vm1.smc([0x8400_0065]).fails(DENIED);
    for own in [0, 1] {
        vm1.maps(1);
        for other in [2, 3, 0x7fff, 0x8000, 0x8001, 0xffff] {
            vm1.smc([0x8400_0067, other << 16]).fails(INVALID);
            vm1.smc([0x8400_0065, other]).fails(INVALID);
        }
        vm1.smc([0x8400_0067, 1]).fails(INVALID); // the wrong half
        vm1.smc([0x8400_0065, 1 << 16]).fails(INVALID);
        vm1.smc([0x8400_0068]).answers([0x8400_0061, 0, 3, 24]);
        vm1.smc([0x8400_0065, own]).answers([0x8400_0061]);
        vm1.smc([0x8400_0067, own << 16]).answers([0x8400_0061]);
    }
}

#[test]
fn partition_info_get() {
    let machine = machine(Version::V1_1);
    let vm1 = machine.vm(1);
    // What is wrong with the call comes before what is wrong with the buffers.
    vm1.smc([0x8400_0068, 0, 0, 0, 0, 2]).fails(INVALID);
    vm1.smc([0x8400_0068, 0, 0, 0, 0, 0x8000_0001]).fails(INVALID);
    vm1.smc([0x8400_0068, 1, 2, 3, 4, 0]).fails(INVALID);
    vm1.smc([0x8400_0068, 1, 2, 3, 4, 1]).fails(INVALID);
    vm1.smc([0x8400_0068]).fails(DENIED);
    vm1.smc([0x8400_0068, 0, 0, 0, 0, 1]).answers([0x8400_0061, 0, 3]);
    vm1.maps(1);
    vm1.smc([0x8400_0068, 1, 2, 3, 4]).fails(INVALID);
    vm1.smc([0x8400_0068]).answers([0x8400_0061, 0, 3, 24]);
    vm1.smc([0x8400_0068]).fails(Status::BUSY);
    // 1.0 has no flags, and answers no size.
    let machine = self::machine(Version::V1_0);
    machine.vm(1).maps(1);
    machine.vm(1).smc([0x8400_0068, 0, 0, 0, 0, 1]).fails(INVALID);
    machine.vm(1).smc([0x8400_0068]).answers([0x8400_0061, 0, 3]);
}

/// Without firmware, too: nobody has the UUID, and RX stays free.
#[test]
fn an_unknown_uuid_without_firmware() {
    for policy in [Policy::vm_to_sp(), Policy::allow_all()] {
        let machine = Setup::default().with_policy(policy).start();
        join(&machine, 1, Version::V1_1);
        machine.vm(1).maps(1);
        machine.vm(1).smc([0x8400_0068, 1, 2, 3, 4]).fails(INVALID);
        machine.vm(1).smc([0x8400_0067]).answers([0x8400_0061]);
    }
}

#[test]
fn partition_info_get_regs() {
    let machine = machine(Version::V1_2);
    for id in 3..=9 {
        join(&machine, id, Version::V1_2);
    }
    let vm1 = machine.vm(1);
    let tag = u64::from(common::tag(&machine, 1));
    let get = |x3: u64| vm1.smc([0xc400_008b, 0, 0, x3]);
    get(tag << 16).fails(INVALID); // start 0 takes no tag
    get(1 << 32).fails(INVALID); // beside the fields
    get(tag << 16 | 0xfffc).fails(INVALID); // no five indices are left
    get(tag << 16 | 11).fails(INVALID); // the list has 11
    get((tag ^ 1) << 16 | 5).fails(Status::RETRY);
    get(5).fails(Status::RETRY); // tag 0 is a tag like others
    let last = get(tag << 16 | 10).regs();
    assert_eq!(last.x(2), 24 << 48 | tag << 32 | 10 << 16 | 10);
    assert_eq!(last.x(3), 0x100_0002_0009, "VM 9: AArch64, two vCPUs");
    vm1.smc([0xc400_008b, 1, 2, 0]).fails(INVALID); // nobody's UUID
}

/// VMs are found by their UUID; a caller below 1.2 does not find itself.
#[test]
fn vms_have_uuids() {
    let machine = Setup::default().start();
    for id in 1..=3 {
        let uuid = if id == 3 { Uuid::NIL } else { MINE };
        machine.create_as(VmConfig { uuid, ..config(id) }).unwrap();
        machine.vm(id).speaks(if id == 1 { Version::V1_1 } else { Version::V1_2 });
        machine.vm(id).maps(1);
    }
    let ids = |vm: u16, version| -> Vec<u16> {
        let entries = machine.vm(vm).lists(MINE, version).unwrap();
        assert!(entries.iter().all(|entry| entry.uuid == [0; 16]));
        entries.iter().map(|entry| entry.id).collect()
    };
    assert_eq!(ids(1, Version::V1_1), [2]);
    assert_eq!(ids(2, Version::V1_2), [1, 2]);
    assert_eq!(ids(3, Version::V1_2), [1, 2]);
    let all = machine.vm(3).lists(Uuid::NIL, Version::V1_2).unwrap();
    assert_eq!(all.iter().map(|entry| entry.uuid).collect::<Vec<_>>(), [MINE.0, MINE.0, [0; 16]]);
    assert_eq!(all.iter().map(|entry| entry.contexts).collect::<Vec<_>>(), [1, 2, 3]);
}

/// Properties are what works today: no promise of direct messages, which nobody serves.
#[test]
fn vms_promise_what_works() {
    let machine = Setup::default().start();
    let properties = ffa_abi::PartitionProperties::from_bits_retain(u32::MAX);
    machine.create_as(VmConfig { properties, ..config(1) }).unwrap();
    machine.vm(1).speaks(Version::V1_2);
    let own = machine.vm(1).registers(Uuid::NIL).unwrap()[0];
    assert_eq!(own.properties, 0x10c, "AArch64, indirect messages, notifications");
}

#[test]
fn limits_of_rxtx_pages() {
    for pages in [1, 2, 16] {
        let limits = Limits { rxtx_pages: pages, ..Limits::default() };
        let machine = Setup { limits, ..Setup::default() }.start();
        join(&machine, 1, Version::V1_2);
        let told = u64::from(pages) << 16;
        machine.vm(1).smc([0x8400_0064, 0xc400_0066]).answers([0x8400_0061, 0, told]);
        machine.vm(1).smc([0xc400_0066, TX, RX, u64::from(pages) + 1]).fails(INVALID);
        for fits in 1..=pages {
            machine.vm(1).maps(fits);
            assert_eq!(machine.ram(1).pinned_pages(), 2 * usize::from(fits));
            machine.vm(1).smc([0x8400_0067]).answers([0x8400_0061]);
        }
    }
}

#[test]
fn limits_that_are_none() {
    let usual = Limits::default();
    for limits in [
        Limits { rxtx_pages: 0, ..usual },
        Limits { rxtx_pages: 64, ..usual },
        Limits { secure_partitions: 0x8001, ..usual },
    ] {
        let setup = Setup { limits, ..Setup::default() };
        let machine = setup.start_on(Hypervisor::new(None, setup.watch));
        assert_eq!(machine.err(), Some(NewError::BadLimits), "{limits:?}");
    }
}

/// A list of the whole RX buffer, to the last descriptor, and the one that does not fit any more.
#[test]
fn rx_of_every_size_is_used_whole() {
    let machine = Setup::default().start();
    let mut joined = 0;
    for pages in [1, 2, 3] {
        let room = u16::try_from(usize::from(pages) * PAGE / 24).unwrap();
        while joined < room {
            joined += 1;
            join(&machine, joined, Version::V1_2);
            machine.reclaim_all();
        }
        machine.vm(1).maps(pages);
        assert_eq!(machine.vm(1).sees(Version::V1_2), (1..=room).collect::<Vec<_>>());
        join(&machine, room + 1, Version::V1_2);
        joined += 1;
        machine.vm(1).smc([0x8400_0068]).fails(Status::NO_MEMORY);
        machine.vm(1).smc([0x8400_0067]).answers([0x8400_0061]);
    }
}

/// vCPUs are told apart by nothing: any of them may make any call.
#[test]
fn every_vcpu_may_call() {
    let machine = machine(Version::V1_2);
    for vcpu in [0, 1, 7, 0xffff] {
        let caller = Caller { vm: ffa_abi::VmId::new(1).unwrap(), vcpu, width: Width::Bits64 };
        let mut regs = ffa_abi::Regs::ZERO;
        regs.set(0, 0x8400_0069_u32);
        let outcome = machine.vcpu_as(0, caller).trap(&regs);
        assert!(matches!(outcome, Outcome::Reply(reply) if reply.x(2) == 1));
    }
}
