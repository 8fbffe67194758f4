//! The hazard `alloc_fails_at_every_point`: a process of its own, because its allocator fails.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fmt;

use ffa_abi::{CallError, IdGet, Status, Uuid, Version};
use ffa_core::{CreateError, DestroyError, NewError};
use ffa_harness::{Hypervisor, Machine, Setup, SpmcSetup, in_mediator};

/// Fails one allocation of the mediator's, on the thread that asked for it, and counts what is live.
struct Failing;

thread_local! {
    /// Allocations of the mediator's until the one that fails; never, if negative.
    static UNTIL_FAILURE: Cell<i64> = const { Cell::new(-1) };
    static LIVE: Cell<i64> = const { Cell::new(0) };
    static IN_MEDIATOR: Cell<u64> = const { Cell::new(0) };
}

#[global_allocator]
static ALLOCATOR: Failing = Failing;

// SAFETY: hands everything to the system's allocator, or fails, which is allowed.
unsafe impl GlobalAlloc for Failing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if fails() {
            return std::ptr::null_mut();
        }
        LIVE.set(LIVE.get() + 1);
        // SAFETY: by the caller's contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        LIVE.set(LIVE.get() - 1);
        // SAFETY: by the caller's contract, which is the same.
        unsafe { System.dealloc(place, layout) }
    }
}

/// Whether this allocation is the one that fails.
fn fails() -> bool {
    if !in_mediator() {
        return false;
    }
    IN_MEDIATOR.set(IN_MEDIATOR.get() + 1);
    let until = UNTIL_FAILURE.get();
    UNTIL_FAILURE.set((until - 1).max(-1));
    until == 0
}

fn has_failed() -> bool {
    UNTIL_FAILURE.get() < 0
}

/// What failed for lack of memory, by name.
type Failures = Vec<&'static str>;

/// Does something that may fail for lack of memory, and then works when it is done again.
fn again<R, E: PartialEq + fmt::Debug>(
    failures: &mut Failures,
    name: &'static str,
    documented: &E,
    mut act: impl FnMut() -> Result<R, E>,
) -> R {
    match act() {
        Ok(done) => done,
        Err(error) => {
            assert_eq!(error, *documented, "{name}");
            assert!(has_failed(), "{name} failed without a reason");
            failures.push(name);
            act().unwrap_or_else(|error| panic!("{name} fails for good: {error:?}"))
        }
    }
}

const NO_MEMORY: CallError = CallError::Status(Status::NO_MEMORY);

fn start(failures: &mut Failures, spmc: &SpmcSetup) -> Machine {
    let setup = Setup::default().with_spmc(spmc.clone());
    again(failures, "new", &NewError::NoMemory, || {
        setup.start_on(Hypervisor::new(Some(spmc.clone()), setup.watch))
    })
}

/// A VM's life, with every call there is.
fn live(failures: &mut Failures, machine: &Machine, id: u16, version: Version) {
    again(failures, "create", &CreateError::NoMemory, || machine.create(id));
    let mut vcpu = machine.vcpu(0, id, 0);
    again(failures, "version", &NO_MEMORY, || vcpu.version(version));
    again(failures, "join", &NO_MEMORY, || vcpu.call(&IdGet));
    again(failures, "map", &NO_MEMORY, || vcpu.map(2));
    let listed = again(failures, "list", &NO_MEMORY, || vcpu.list(Uuid::NIL, version));
    again(failures, "release", &NO_MEMORY, || vcpu.release());
    if version >= Version::V1_1 {
        let counted = again(failures, "count", &NO_MEMORY, || vcpu.count(Uuid::NIL));
        assert_eq!(counted as usize, listed.len());
    }
    if version >= Version::V1_2 {
        let by_registers = again(failures, "registers", &NO_MEMORY, || vcpu.registers(Uuid::NIL));
        assert_eq!(by_registers, listed);
    }
    again(failures, "unmap", &NO_MEMORY, || vcpu.unmap());
}

/// Three VMs live and die, on a machine of their own. Ends with what failed, and nothing left behind.
fn run(spmc: &SpmcSetup) -> Failures {
    let mut failures = Failures::new();
    let machine = start(&mut failures, spmc);
    let versions = [Version::V1_0, Version::V1_1, Version::V1_2];
    for (id, version) in (1..).zip(versions) {
        live(&mut failures, &machine, id, version);
    }
    let last = machine.vm(3).counts(Uuid::NIL).unwrap();
    assert_eq!(last, 3 + 12, "each VM is listed once");
    for id in 1..=3 {
        again(&mut failures, "destroy", &DestroyError::NoMemory, || machine.destroy(id));
    }
    machine.drain();
    failures
}

/// The same with allocation `point` of the mediator's failing: what failed, or `None` where there are
/// not so many allocations. Nothing is leaked.
fn run_failing_at(point: i64, spmc: &SpmcSetup) -> Option<&'static str> {
    let before = LIVE.get();
    UNTIL_FAILURE.set(point);
    let failures = run(spmc);
    let reached = UNTIL_FAILURE.replace(-1) < 0;
    assert_eq!(failures.len(), usize::from(reached), "allocation {point} failed unnoticed");
    let failure = failures.first().copied();
    drop(failures);
    assert_eq!(LIVE.get(), before, "something is left of {failure:?}, allocation {point}");
    failure
}

#[test]
fn alloc_fails_at_every_point() {
    let by_registers = SpmcSetup::with_partitions(12);
    let by_buffer = by_registers.clone().without_registers();
    for spmc in [by_registers, by_buffer] {
        // The thread's own lazy allocations are made here.
        run(&spmc);
        let mut failed: Failures = (0..).map_while(|point| run_failing_at(point, &spmc)).collect();
        assert!(failed.len() > 20, "{failed:?}");
        failed.dedup();
        let lives = ["create", "join", "create", "join", "create", "join"];
        assert_eq!((failed[0], &failed[1..7], failed[7]), ("new", &lives[..], "destroy"));
    }
}

/// Guests' calls allocate nothing, but for the one by which a VM joins.
#[test]
fn calls_allocate_nothing() {
    let machine = Setup::default().with_spmc(SpmcSetup::with_partitions(12)).start();
    for id in 1..=100 {
        machine.create(id).unwrap();
        let mut vcpu = machine.vcpu(0, id, 0);
        vcpu.version(Version::V1_2).unwrap();
        let before = IN_MEDIATOR.get();
        vcpu.call(&IdGet).unwrap();
        assert!(IN_MEDIATOR.get() > before, "joining is what needs memory");
        let before = IN_MEDIATOR.get();
        vcpu.map(2).unwrap();
        vcpu.list(Uuid::NIL, Version::V1_2).unwrap();
        vcpu.release().unwrap();
        vcpu.count(Uuid::NIL).unwrap();
        vcpu.registers(Uuid::NIL).unwrap();
        vcpu.unmap().unwrap();
        assert_eq!(vcpu.unmap(), Err(CallError::Status(Status::INVALID_PARAMETERS)));
        assert_eq!(IN_MEDIATOR.get(), before);
        drop(vcpu);
        machine.drain();
    }
}
