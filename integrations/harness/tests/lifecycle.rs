//! Lifecycle and the host: each test is a hazard.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod common;

use std::thread;
use std::time::Duration;

use common::join;
use ffa_abi::{
    CallError, EndpointId, IdGet, PartitionInfoFlags, PartitionInfoGet, Status, Uuid, Version,
    VersionReply, VmId,
};
use ffa_core::{Backlog, CreateError, DestroyError, Limits, Policy, Taint, VmConfig};
use ffa_harness::random::{self, Barrage};
use ffa_harness::{Machine, Pause, Point, Setup, SpmcSetup, Vcpu};

const NIL: Uuid = Uuid::NIL;

/// VMs enough for a list in more than one piece.
const CROWD: u16 = 514;

/// A call of VM 2, which may be told that it is gone.
type Act = fn(&mut Vcpu<'_>) -> Result<(), CallError>;

/// Calls of VM 2, in an order in which each is possible.
const CALLS: [(&str, Act); 9] = [
    ("join", |vcpu| vcpu.call(&IdGet).map(|_| ())),
    ("map", |vcpu| vcpu.map(4).map(|_| ())),
    ("count", |vcpu| vcpu.count(NIL).map(|_| ())),
    ("list", |vcpu| vcpu.list(NIL, Version::V1_2).map(|_| ())),
    ("release", |vcpu| vcpu.release().map(|_| ())),
    ("list by UUID", |vcpu| vcpu.list(common::MINE, Version::V1_2).map(|_| ())),
    ("release again", |vcpu| vcpu.release().map(|_| ())),
    ("registers", |vcpu| vcpu.registers(NIL).map(|_| ())),
    ("unmap", |vcpu| vcpu.unmap().map(|_| ())),
];

#[test]
fn destroy_during_call() {
    let mut reached = Vec::new();
    for (call, (name, _)) in CALLS.iter().enumerate() {
        for point in [Point::MapBuffer, Point::Write, Point::Unpin] {
            let times = (0..).take_while(|passes| destroy_at(call, point, *passes)).count();
            if times > 0 {
                reached.push((*name, point, times > 1));
            }
        }
    }
    // Which calls reach the host, and whether more than once.
    let expected = [
        ("map", Point::MapBuffer, true),
        ("list", Point::Write, true),
        ("list by UUID", Point::Write, false),
        ("unmap", Point::Unpin, true),
    ];
    assert_eq!(reached, expected);
}

/// Destroys VM 2 where its call has passed a point so often; `false` where it does not so often.
fn destroy_at(call: usize, point: Point, passes: usize) -> bool {
    let machine = machine_before(call);
    let ram = machine.ram(2);
    let pause = machine.host().points().pause(point, passes);
    let was_reached = thread::scope(|scope| {
        let calling = scope.spawn(|| CALLS[call].1(&mut machine.vcpu(2, 2, 0)));
        let reached = wait_for(&pause, || calling.is_finished());
        machine.host().points().disarm();
        let pinned = ram.pinned_pages();
        if reached {
            check_gone(&machine);
            assert_eq!(ram.pinned_pages(), pinned, "freed under the call");
        }
        drop(pause);
        let ended = calling.join().unwrap();
        assert_eq!(ended, Ok(()), "{} at {point:?}", CALLS[call].0);
        reached
    });
    if !was_reached {
        machine.destroy(2).unwrap();
    }
    machine.drain();
    assert_eq!(ram.pinned_pages(), 0);
    machine.free(2);
    was_reached
}

/// A crowd, and VM 2, whose calls up to `call` were made.
fn machine_before(call: usize) -> Machine {
    let machine = Setup::default().start();
    for id in (1..=CROWD).filter(|id| *id != 2) {
        join(&machine, id, Version::V1_2);
    }
    machine.create_as(VmConfig { uuid: common::MINE, ..common::config(2) }).unwrap();
    machine.vm(2).speaks(Version::V1_2);
    for (name, act) in &CALLS[..call] {
        act(&mut machine.vcpu(0, 2, 0)).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    machine
}

fn wait_for(pause: &Pause, is_over: impl Fn() -> bool) -> bool {
    loop {
        let over = is_over();
        if pause.is_reached(Duration::from_millis(1)) {
            return true;
        }
        if over {
            return false;
        }
    }
}

/// VM 2 is destroyed now: nobody sees it, it cannot call, and its id is not free.
fn check_gone(machine: &Machine) {
    machine.destroy(2).unwrap();
    machine.reclaim_all();
    assert_eq!(machine.vm(1).counts(NIL), Ok(u32::from(CROWD) - 1));
    assert_eq!(machine.create(2), Err(CreateError::IdDraining));
    assert!(!machine.mediator().is_gone(VmId::new(2).unwrap()));
    machine.vm(2).calls(IdGet).fails(Status::NOT_SUPPORTED);
    let version = ffa_abi::GetVersion::new(Version::V1_2);
    machine.vm(2).calls(version).gets(VersionReply::NotSupported);
    assert_eq!(machine.destroy(2), Err(DestroyError::UnknownId));
}

/// What a guest is answered when the host fails at a point of its call, and that nothing has changed:
/// the same call works afterwards.
#[test]
fn host_refuses_at_every_point() {
    let mut refusals = Vec::new();
    for point in [Point::MapBuffer, Point::Write] {
        for passes in 0.. {
            let refused = refuse_at(point, passes);
            if refused.is_empty() {
                break;
            }
            refusals.extend(refused);
        }
    }
    // TX and RX, each chunk of the list, and the one that has the UUID.
    assert!(refusals.len() >= 5, "{refusals:?}");
    refusals.dedup();
    let expected =
        [("map", Status::NO_MEMORY), ("list", Status::ABORTED), ("list by UUID", Status::ABORTED)];
    assert_eq!(refusals, expected);
}

fn refuse_at(point: Point, passes: usize) -> Vec<(&'static str, Status)> {
    let machine = machine_before(0);
    machine.host().points().fail(point, passes);
    let mut vcpu = machine.vcpu(0, 2, 0);
    let mut refused = Vec::new();
    for (name, act) in CALLS {
        let pinned = machine.ram(2).pinned_pages();
        if let Err(error) = act(&mut vcpu) {
            let CallError::Status(status) = error else { panic!("{name}: {error}") };
            refused.push((name, status));
            assert_eq!(machine.ram(2).pinned_pages(), pinned, "{name} left something");
            assert_eq!(act(&mut vcpu), Ok(()), "{name} again");
        }
    }
    refused
}

/// The host fails while the SPMC is asked: all partitions or none, a diagnosis, and VMs are served.
#[test]
fn host_refuses_at_every_point_of_the_start() {
    let by_registers = SpmcSetup::with_partitions(12);
    let by_buffer = by_registers.clone().without_registers();
    // Version, id, features, three replies; version, id, features, map, list, release, unmap; the
    // buffers and a read a partition.
    for (spmc, points) in [(by_registers, 6), (by_buffer, 7 + 1 + 12)] {
        let mut failed = 0;
        for point in [Point::SpmcCall, Point::SpmcBuffers, Point::Read] {
            failed += (0..).take_while(|passes| start_failing(&spmc, point, *passes)).count();
        }
        assert_eq!(failed, points, "calls to the host");
    }
}

/// `false` where the point was not passed so often.
fn start_failing(spmc: &SpmcSetup, point: Point, passes: usize) -> bool {
    let setup = Setup::default().with_spmc(spmc.clone());
    let host = ffa_harness::Hypervisor::new(Some(spmc.clone()), setup.watch);
    let points = host.points();
    points.fail(point, passes);
    let machine = setup.start_on(host).unwrap();
    let happened = !points.disarm();
    join(&machine, 1, Version::V1_2);
    let seen = machine.vm(1).counts(NIL).unwrap();
    assert!(seen == 13 || (happened && seen == 1), "{seen} at {point:?} {passes}");
    if seen == 1 && machine.host().spmc().unwrap().calls().len() > 1 {
        let log = machine.journal().log();
        let told = log.iter().any(|(_, line)| line.contains("no list of secure partitions"));
        assert!(told || log.is_empty() || passes < 2, "{point:?} {passes}: {log:?}");
    }
    happened
}

/// A CPU stays inside a call. What is retired meanwhile is bounded, whoever would add to it is told which
/// CPU it is, and all is freed in a stated number of steps afterwards.
#[test]
fn stalled_reader() {
    /// What goes beyond the limit: the VM's own context, which leaves the table without fail.
    const CONTEXT: usize = 1024;
    const BUDGET: usize = 8;
    let limits = Limits { retired_bytes: 256 << 10, ..Limits::default() };
    let machine = Setup { limits, ..Setup::default() }.start();
    join(&machine, 1, Version::V1_2);
    join(&machine, 2, Version::V1_2);
    let stall = machine.host().points().pause(Point::MapBuffer, 0);
    thread::scope(|scope| {
        let stalled = scope.spawn(|| machine.vcpu(2, 2, 0).map(1));
        assert!(stall.is_reached(Duration::from_secs(5)));
        let backlog = churn_until_refused(&machine);
        assert_eq!((backlog.cpu, backlog.limit), (Some(2), limits.retired_bytes));
        assert_eq!(machine.mediator().reclaim(BUDGET).stalled_by, Some(2));
        let peak = machine.mediator().retired().peak_bytes;
        assert!(peak <= limits.retired_bytes + CONTEXT, "{peak} bytes wait");
        // What needs no memory works as before.
        assert!(machine.vm(1).counts(NIL).is_ok());
        drop(stall);
        stalled.join().unwrap().unwrap();
    });
    let waiting = machine.mediator().retired().objects;
    for _ in 0..waiting.div_ceil(BUDGET) {
        machine.mediator().reclaim(BUDGET);
    }
    assert_eq!(machine.mediator().retired().objects, 0, "of {waiting}");
    let count = machine.vm(1).counts(NIL).unwrap();
    machine.create(10_000).expect("there is room again");
    machine.vm(10_000).speaks(Version::V1_2);
    assert_eq!(machine.vm(10_000).counts(NIL), Ok(count + 1));
}

/// VMs join and go until the host is refused. From the moment on that a guest is, they only come and go.
fn churn_until_refused(machine: &Machine) -> Backlog {
    let mut joins = true;
    for id in 100..5000 {
        match machine.create(id) {
            Ok(()) => {}
            Err(CreateError::TooMuchRetired(backlog)) => return backlog,
            Err(error) => panic!("{error}"),
        }
        machine.vm(id).speaks(Version::V1_1);
        if joins && let Err(error) = machine.vcpu(1, id, 0).call(&IdGet) {
            assert_eq!(error, CallError::Status(Status::NO_MEMORY));
            joins = false;
        }
        match machine.destroy(id) {
            Ok(()) => machine.free(id),
            Err(DestroyError::TooMuchRetired(backlog)) => {
                // Nothing has changed: it is there, and may ask for a version.
                machine.vm(id).speaks(Version::V1_1);
                return backlog;
            }
            Err(error) => panic!("{error}"),
        }
        machine.reclaim_all();
    }
    panic!("nothing can be freed, and the host is not told")
}

#[test]
fn insecure_is_said() {
    for spmc in [None, Some(SpmcSetup::with_partitions(1))] {
        for policy in [Policy::allow_all(), Policy::vm_to_sp(), Policy::default()] {
            let setup = Setup { spmc: spmc.clone(), ..Setup::default() };
            let machine = setup.with_policy(policy).start();
            let expected: &[Taint] =
                if policy.is_insecure() { &[Taint::AllowAllPolicy] } else { &[] };
            assert_eq!(machine.journal().taints(), expected);
            // And whoever is not called insecure shows no VM to another.
            join(&machine, 1, Version::V1_1);
            join(&machine, 2, Version::V1_1);
            let others = machine.vm(1).counts(NIL).unwrap() - u32::from(spmc.is_some());
            assert_eq!(others, u32::from(policy.is_insecure()));
        }
    }
}

#[test]
fn random_registers() {
    let duration = Duration::from_secs(240);
    // Without optimisation; `ffa-harness random` makes millions.
    let barrage = Barrage { calls: 400_000, duration, seed: 0x5eed };
    let aftermath = random::run(&barrage, &mut |_, _| {});
    assert_eq!(aftermath.violations, [""; 0]);
    assert!(aftermath.calls >= 400_000 && aftermath.destroyed >= 20, "{aftermath}");
}

/// Every destructor of a VM's buffers has run when `is_gone` says so, and not before.
#[test]
fn is_gone_means_gone() {
    let machine = Setup::default().start();
    let id = VmId::new(1).unwrap();
    assert!(machine.mediator().is_gone(id), "there was none");
    join(&machine, 1, Version::V1_2);
    machine.vm(1).maps(3);
    assert!(!machine.mediator().is_gone(id));
    let ram = machine.ram(1);
    machine.destroy(1).unwrap();
    while !machine.mediator().is_gone(id) {
        assert_eq!(ram.pinned_pages(), 6);
        machine.mediator().reclaim(1);
    }
    assert_eq!(ram.pinned_pages(), 0);
    machine.free(1);
}

/// A mediator that goes with VMs and buffers in it drops them.
#[test]
fn the_mediator_takes_everything_with_it() {
    let machine = Setup::default().start();
    for id in 1..=3 {
        join(&machine, id, Version::V1_2);
        machine.vm(id).maps(1);
    }
    let list = PartitionInfoGet { uuid: NIL, flags: PartitionInfoFlags::empty() };
    assert_eq!(machine.vm(1).calls(list).reply().count, 3);
    machine.destroy(3).unwrap();
    let rams: Vec<_> = (1..=3).map(|id| machine.ram(id)).collect();
    drop(machine);
    assert!(rams.iter().all(|ram| ram.pinned_pages() == 0));
}

/// A call of a VM that never was is answered like one of a VM that is gone.
#[test]
fn a_vm_that_does_not_exist_is_refused() {
    let machine = Setup::default().start();
    machine.vm(9).calls(IdGet).fails(Status::NOT_SUPPORTED);
    machine.vm(9).smc([0x8400_0063, 0x1_0001]).answers([u64::MAX]);
    machine.vm(9).smc([0xbf00_ff01]).is_not_ours();
    machine
        .vm(9)
        .calls(ffa_abi::RxRelease { endpoint: EndpointId(9) })
        .fails(Status::NOT_SUPPORTED);
    assert_eq!(machine.destroy(9), Err(DestroyError::UnknownId));
}

#[test]
fn the_host_is_told_when_something_waits_to_be_reclaimed() {
    let machine = Setup::default().with_policy(Policy::allow_all()).start();
    let mut due = 0;
    let mut told = |more: usize| {
        due += more;
        machine.reclaim_all();
        assert_eq!(machine.journal().polls_due(), due);
    };
    machine.create(1).unwrap();
    told(0);
    machine.vcpu(0, 1, 0).version(Version::V1_2).unwrap();
    told(0);
    machine.vcpu(0, 1, 0).call(&IdGet).unwrap();
    assert!(machine.mediator().retired().objects > 0, "the directory without it");
    told(1);
    machine.vcpu(0, 1, 0).count(NIL).unwrap();
    told(0);
    machine.destroy(1).unwrap();
    assert!(machine.mediator().retired().objects > 0, "the VM, and the directory with it");
    told(1);
}
