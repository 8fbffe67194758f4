//! RX/TX: each test is a hazard.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod common;

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use common::{StopOnDrop, join};
use ffa_abi::{
    CallError, EndpointId, PartitionInfoFlags, PartitionInfoGet, RxRelease, RxtxMap, RxtxUnmap,
    Status, Uuid, Version, Width,
};
use ffa_harness::{Machine, PAGE, Point, RX, Setup, SpmcSetup, TX, Watch};

const LIST: PartitionInfoGet =
    PartitionInfoGet { uuid: Uuid::NIL, flags: PartitionInfoFlags::empty() };

/// The pages of RX, in the VM's memory.
const RX_PAGES: std::ops::Range<usize> = 16..17;

const PATTERN: u8 = 0xa5;

fn map(tx: u64, rx: u64, pages: u8) -> RxtxMap {
    RxtxMap::new(Width::Bits64, tx, rx, pages).unwrap()
}

/// VM 1, which lists, and enough others for a list of several writes.
fn crowd() -> Machine {
    let machine = Setup::default().start();
    for id in 1..=130 {
        join(&machine, id, Version::V1_1);
    }
    machine
}

#[test]
fn rx_write_vs_unmap() {
    let machine = crowd();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut lister = machine.vcpu(1, 1, 0);
            while !stop.load(Relaxed) {
                let _any = lister.call(&LIST);
            }
        });
        let _done = StopOnDrop(&stop);
        let mut sibling = machine.vcpu(2, 1, 1);
        let refused = remap_for_a_while(&machine, &mut sibling);
        assert!(refused > 0, "no list was ever being written or read");
    });
}

/// Maps and unmaps; whenever the buffers are unmapped, the pages are the guest's alone. Returns how often
/// unmapping was refused.
fn remap_for_a_while(machine: &Machine, vcpu: &mut ffa_harness::Vcpu<'_>) -> u32 {
    let (ram, end) = (machine.ram(1), Instant::now() + Duration::from_millis(1500));
    let mut refused = 0;
    while Instant::now() < end {
        vcpu.map(1).unwrap();
        thread::yield_now(); // to the lister
        while vcpu.unmap().is_err() {
            refused += 1;
            let _owned_or_not = vcpu.release();
        }
        ram.fill(RX_PAGES, PATTERN);
        thread::yield_now();
        assert!(ram.is_filled(RX_PAGES, PATTERN), "written after it was unmapped");
        assert_eq!(ram.pinned_pages(), 0, "pinned after it was unmapped");
    }
    refused
}

/// The same at the worst moment: a sibling asks for the buffers while a list is being written.
#[test]
fn rx_write_vs_unmap_in_between() {
    let machine = crowd();
    machine.vm(1).maps(1);
    let write = machine.host().points().pause(Point::Write, 1);
    thread::scope(|scope| {
        let list = scope.spawn(|| machine.vcpu(1, 1, 0).list(Uuid::NIL, Version::V1_1));
        assert!(write.is_reached(Duration::from_secs(5)));
        let vm1 = machine.vm(1);
        vm1.calls(RxtxUnmap { endpoint: EndpointId(0) }).fails(Status::DENIED);
        vm1.calls(RxRelease { endpoint: EndpointId(0) }).fails(Status::DENIED);
        vm1.calls(LIST).fails(Status::BUSY);
        vm1.calls(map(TX, RX, 1)).fails(Status::DENIED);
        drop(write);
        assert_eq!(list.join().unwrap().unwrap().len(), 129);
    });
    machine.vm(1).calls(RxRelease { endpoint: EndpointId(0) }).gets(ffa_abi::Empty);
}

/// The same with teardown in place of `FFA_RXTX_UNMAP`: the pages are pinned until the write is done.
#[test]
fn rx_write_vs_teardown() {
    let machine = crowd();
    machine.vm(1).maps(1);
    let ram = machine.ram(1);
    let write = machine.host().points().pause(Point::Write, 1);
    thread::scope(|scope| {
        let list = scope.spawn(|| machine.vcpu(1, 1, 0).list(Uuid::NIL, Version::V1_1));
        assert!(write.is_reached(Duration::from_secs(5)));
        machine.destroy(1).unwrap();
        machine.reclaim_all();
        assert_eq!(ram.pinned_pages(), 2, "unpinned under a write");
        drop(write);
        assert_eq!(list.join().unwrap().unwrap().len(), 129);
    });
    machine.drain();
    assert_eq!(ram.pinned_pages(), 0, "pinned by nobody");
    machine.free(1);
}

#[test]
fn same_page_rx_tx() {
    let machine = Setup::default().start();
    join(&machine, 1, Version::V1_2);
    let vm1 = machine.vm(1);
    let page = PAGE as u64;
    for (tx, rx, pages) in [
        (TX, TX, 1),
        (TX, TX + page, 2), // the end of one is the start of the other
        (TX + page, TX, 2),
        (TX, TX + 15 * page, 16),
        (0, 0, 1),
    ] {
        // The host would take each of them: it is the mediator that compares.
        let host_is_asked = machine.host().points();
        host_is_asked.fail(Point::MapBuffer, 0);
        vm1.calls(map(tx, rx, pages)).fails(Status::INVALID_PARAMETERS);
        assert!(host_is_asked.disarm(), "the host was asked");
    }
    vm1.calls(map(TX, TX + page, 1)).gets(ffa_abi::Empty);
}

#[test]
fn page_registered_twice() {
    let machine = Setup::default().start();
    join(&machine, 1, Version::V1_2);
    join(&machine, 2, Version::V1_2);
    // Both VMs have the same memory.
    let ram = machine.ram(1);
    machine.host().give_ram(ffa_abi::VmId::new(2).unwrap(), ram.clone());
    let page = PAGE as u64;
    machine.vm(1).calls(map(TX, RX, 1)).gets(ffa_abi::Empty);
    machine.vm(1).calls(map(TX + page, RX + page, 1)).fails(Status::DENIED);
    for (tx, rx) in [(TX, RX + page), (TX + page, RX), (RX, TX), (TX + page, TX)] {
        machine.vm(2).calls(map(tx, rx, 1)).fails(Status::INVALID_PARAMETERS);
        assert_eq!(ram.pinned_pages(), 2, "what was pinned before the refusal stays pinned");
    }
    machine.vm(2).calls(map(TX + page, RX + page, 1)).gets(ffa_abi::Empty);
}

/// The SPMC's RX buffer changes as soon as it was read: each record is one value.
#[test]
fn single_fetch() {
    let spmc = SpmcSetup { buffer_pages: 2, ..SpmcSetup::with_partitions(100) };
    for record_size in [24, 0x30] {
        let spmc = spmc.clone().without_registers().with_records_of(record_size);
        let setup = Setup { watch: Watch::Flipping, ..Setup::default() };
        let machine = setup.with_spmc(spmc).start();
        join(&machine, 1, Version::V1_1);
        machine.vm(1).maps(1);
        let seen = machine.vm(1).lists(Uuid::NIL, Version::V1_1).unwrap();
        let partitions = machine.host().spmc().unwrap().partitions();
        let expected: Vec<_> = partitions.iter().map(ffa_harness::Entry::from).collect();
        // 1.1 does not know the properties of 1.2.
        let visible = |entry: ffa_harness::Entry| ffa_harness::Entry {
            properties: entry.properties & 0x1ff,
            ..entry
        };
        assert_eq!(seen, expected.into_iter().map(visible).collect::<Vec<_>>());
    }
}

/// A VM that owns RX keeps it whatever a sibling asks.
#[test]
fn rx_belongs_to_the_vm_until_released() {
    let machine = crowd();
    let vm1 = machine.vm(1);
    let release = RxRelease { endpoint: EndpointId(0) };
    vm1.calls(release).fails(Status::DENIED);
    vm1.calls(LIST).fails(Status::DENIED);
    vm1.maps(1);
    vm1.calls(release).fails(Status::DENIED);
    assert_eq!(vm1.calls(LIST).reply().count, 129);
    let before = machine.ram(1).copy(16 * PAGE, PAGE);
    vm1.calls(LIST).fails(Status::BUSY);
    vm1.calls(RxtxUnmap { endpoint: EndpointId(0) }).fails(Status::DENIED);
    assert_eq!(machine.ram(1).copy(16 * PAGE, PAGE), before);
    assert_eq!(vm1.counts(Uuid::NIL), Ok(129), "counting needs no buffer");
    vm1.calls(release).gets(ffa_abi::Empty);
    vm1.calls(RxtxUnmap { endpoint: EndpointId(0) }).gets(ffa_abi::Empty);
    vm1.calls(RxtxUnmap { endpoint: EndpointId(0) }).fails(Status::INVALID_PARAMETERS);
    assert_eq!(machine.ram(1).pinned_pages(), 0);
}

/// Two siblings map at the same moment: one pair of buffers, and it can be unmapped.
#[test]
fn siblings_map_at_once() {
    let machine = Setup::default().start();
    join(&machine, 1, Version::V1_2);
    let first = machine.host().points().pause(Point::MapBuffer, 1);
    thread::scope(|scope| {
        let map = scope.spawn(|| machine.vcpu(1, 1, 0).map(1));
        assert!(first.is_reached(Duration::from_secs(5)));
        let mut sibling = machine.vcpu(2, 1, 1);
        assert_eq!(sibling.map(1), Err(CallError::Status(Status::DENIED)));
        assert_eq!(sibling.unmap(), Err(CallError::Status(Status::INVALID_PARAMETERS)));
        drop(first);
        map.join().unwrap().unwrap();
        assert_eq!(machine.ram(1).pinned_pages(), 2);
        sibling.unmap().unwrap();
    });
    assert_eq!(machine.ram(1).pinned_pages(), 0);
}
