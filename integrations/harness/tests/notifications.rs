//! Notifications between VMs: errors by the specification, and hazards under their names.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "a test that fails panics"
)]

mod common;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;

use common::{StopOnDrop, join};
use ffa_abi::{
    CallError, EndpointId, Feature, Features, NotificationBind, NotificationBindFlags,
    NotificationGet, NotificationGetFlags, NotificationGetReply, NotificationInfoGet,
    NotificationSet, NotificationSetFlags, NotificationUnbind, Notifications, Request, Status,
    Version, VmId, Width,
};
use ffa_core::Policy;
use ffa_harness::{Interrupt, Machine, NOTIFICATION_PENDING_INTERRUPT, Point, Setup, Vcpu};

/// VM 1 binds and gets, VM 2 sets, VM 3 looks on.
fn three() -> Machine {
    let machine = Setup::default().start();
    (1..=3).for_each(|id| join(&machine, id, Version::V1_1));
    machine
}

fn bind(receiver: u16, sender: u16, bits: u64, per_vcpu: bool) -> NotificationBind {
    let flags =
        if per_vcpu { NotificationBindFlags::PER_VCPU } else { NotificationBindFlags::empty() };
    let (sender, receiver) = (EndpointId(sender), EndpointId(receiver));
    NotificationBind { sender, receiver, flags, notifications: Notifications(bits) }
}

fn unbind(receiver: u16, sender: u16, bits: u64) -> NotificationUnbind {
    let (sender, receiver) = (EndpointId(sender), EndpointId(receiver));
    NotificationUnbind { sender, receiver, notifications: Notifications(bits) }
}

fn set(sender: u16, receiver: u16, bits: u64, vcpu: Option<u16>) -> NotificationSet {
    let (sender, receiver) = (EndpointId(sender), EndpointId(receiver));
    let flags = NotificationSetFlags::empty();
    NotificationSet { sender, receiver, vcpu, flags, notifications: Notifications(bits) }
}

fn get(receiver: u16, vcpu: u16) -> NotificationGet {
    NotificationGet { receiver: EndpointId(receiver), vcpu, flags: NotificationGetFlags::all() }
}

fn status<T>(result: Result<T, CallError>) -> Status {
    match result {
        Err(CallError::Status(status)) => status,
        Ok(_) => panic!("it was answered with success"),
        Err(CallError::Reply(why)) => panic!("{why}"),
    }
}

fn taken(machine: &Machine, vm: u16, vcpu: u16) -> u64 {
    machine.vcpu(0, vm, vcpu).call(&get(vm, vcpu)).unwrap().vms.0
}

fn interrupts(machine: &Machine) -> Vec<(u16, u16)> {
    let taken = machine.journal().take_interrupts();
    let number = |interrupt: &Interrupt| interrupt.interrupt == NOTIFICATION_PENDING_INTERRUPT;
    assert!(taken.iter().all(number));
    taken.iter().map(|interrupt| (interrupt.vm.get(), interrupt.vcpu)).collect()
}

#[test]
fn a_notification_reaches_its_receiver_and_nobody_else() {
    let machine = three();
    machine.vcpu(0, 1, 0).call(&bind(1, 2, 1 << 63 | 1, false)).unwrap();
    machine.vcpu(1, 2, 0).call(&set(2, 1, 1 << 63, None)).unwrap();
    assert_eq!(interrupts(&machine), [(1, 0)]);
    machine.vcpu(1, 2, 1).call(&set(2, 1, 1, None)).unwrap();
    assert_eq!(interrupts(&machine), [], "coalesced");
    assert_eq!(taken(&machine, 2, 0) | taken(&machine, 3, 0), 0);
    assert_eq!(taken(&machine, 1, 1), 1 << 63 | 1);
    assert_eq!(taken(&machine, 1, 0), 0, "taken once");
    machine.vcpu(1, 2, 0).call(&set(2, 1, 1, None)).unwrap();
    assert_eq!(interrupts(&machine), [(1, 0)], "and told again");
}

/// Each refusal, by call: what is asked, and the answer.
#[test]
fn what_may_not_be_is_refused() {
    let machine = three();
    let mut receiver = machine.vcpu(0, 1, 0);
    receiver.call(&bind(1, 2, 0b1, false)).unwrap();
    receiver.call(&bind(1, 2, 0b10, true)).unwrap();
    let invalid = Status::INVALID_PARAMETERS;
    for (call, expected) in [
        (bind(1, 2, 0, false), invalid),
        (bind(2, 3, 4, false), invalid),
        (bind(1, 1, 4, false), invalid),
        (bind(1, 9, 4, false), invalid),
        (bind(1, 0, 4, false), invalid),
        (bind(1, 0x8001, 4, false), invalid),
        (bind(1, 2, 0b101, false), Status::DENIED),
        (bind(1, 3, 0b1, false), Status::DENIED),
    ] {
        assert_eq!(status(receiver.call(&call)), expected, "{call}");
    }
    for (call, expected) in [
        (unbind(1, 2, 0), invalid),
        (unbind(2, 2, 1), invalid),
        (unbind(1, 3, 0b1), Status::DENIED),
        (unbind(1, 2, 0b100), Status::DENIED),
        (unbind(1, 2, 0b101), Status::DENIED),
    ] {
        assert_eq!(status(receiver.call(&call)), expected, "{call}");
    }
    drop(receiver);
    let mut sender = machine.vcpu(0, 2, 0);
    for (call, expected) in [
        (set(2, 1, 0, None), invalid),
        (set(3, 1, 1, None), invalid),
        (set(2, 2, 1, None), invalid),
        (set(2, 9, 1, None), invalid),
        (set(2, 1, 0b100, None), Status::DENIED),
        (set(2, 1, 0b10, None), Status::DENIED),
        (set(2, 1, 0b1, Some(0)), Status::DENIED),
        (set(2, 1, 0b10, Some(2)), invalid),
        (set(2, 3, 0b1, None), Status::DENIED),
    ] {
        assert_eq!(status(sender.call(&call)), expected, "{call}");
    }
    assert_eq!(status(sender.call(&get(1, 0))), invalid, "another VM's");
    assert_eq!(status(sender.call(&get(2, 2))), invalid, "no such vCPU");
    drop(sender);
    assert_eq!(taken(&machine, 1, 0) | taken(&machine, 1, 1), 0, "none of these set anything");
    assert_eq!(interrupts(&machine), []);
}

#[test]
fn what_is_pending_stays_bound() {
    let machine = three();
    machine.vcpu(0, 1, 0).call(&bind(1, 2, 0b11, false)).unwrap();
    machine.vcpu(0, 2, 0).call(&set(2, 1, 0b10, None)).unwrap();
    assert_eq!(status(machine.vcpu(0, 1, 0).call(&unbind(1, 2, 0b11))), Status::DENIED);
    assert_eq!(taken(&machine, 1, 0), 0b10);
    machine.vcpu(0, 1, 0).call(&unbind(1, 2, 0b11)).unwrap();
    assert_eq!(status(machine.vcpu(0, 2, 0).call(&set(2, 1, 0b10, None))), Status::DENIED);
}

#[test]
fn notifications_for_one_vcpu_interrupt_that_one() {
    let machine = three();
    machine.vcpu(0, 1, 0).call(&bind(1, 2, 0b100, true)).unwrap();
    for vcpu in [1, 0] {
        machine.vcpu(0, 2, 0).call(&set(2, 1, 0b100, Some(vcpu))).unwrap();
        assert_eq!(interrupts(&machine), [(1, vcpu)]);
    }
    assert_eq!((taken(&machine, 1, 0), taken(&machine, 1, 0)), (0b100, 0));
    assert_eq!((taken(&machine, 1, 1), taken(&machine, 1, 1)), (0b100, 0));
}

#[test]
fn get_takes_what_its_flags_name() {
    let machine = three();
    machine.vcpu(0, 1, 0).call(&bind(1, 2, 1, false)).unwrap();
    machine.vcpu(0, 2, 0).call(&set(2, 1, 1, None)).unwrap();
    let secure = NotificationGetFlags::SECURE_PARTITIONS | NotificationGetFlags::SPM_FRAMEWORK;
    let only = NotificationGet { flags: secure, ..get(1, 0) };
    assert_eq!(machine.vcpu(0, 1, 0).call(&only), Ok(NotificationGetReply::default()));
    assert_eq!(taken(&machine, 1, 0), 1);
}

#[test]
fn npi_offline_vcpu0() {
    let machine = three();
    let receiver = VmId::new(1).unwrap();
    machine.vcpu(0, 1, 0).call(&bind(1, 2, 0b11, false)).unwrap();
    machine.host().set_online(receiver, 0, false);
    machine.vcpu(0, 2, 0).call(&set(2, 1, 0b1, None)).unwrap();
    assert_eq!(interrupts(&machine), [(1, 1)], "the one that is online");
    assert_eq!(taken(&machine, 1, 1), 0b1);
    machine.host().set_online(receiver, 1, false);
    let polls = machine.journal().polls_due();
    machine.vcpu(0, 2, 0).call(&set(2, 1, 0b10, None)).unwrap();
    assert_eq!(interrupts(&machine), []);
    assert_eq!(machine.journal().polls_due(), polls + 1, "a poll was asked for");
    let mut cpu = machine.mediator().cpu(3).unwrap();
    assert_eq!((cpu.poll(8).owed, interrupts(&machine)), (1, vec![]), "owed still");
    machine.host().set_online(receiver, 1, true);
    assert_eq!((cpu.poll(8).owed, interrupts(&machine)), (0, vec![(1, 1)]), "never lost");
    assert_eq!((cpu.poll(8).owed, interrupts(&machine)), (0, vec![]), "and delivered once");
    assert_eq!(taken(&machine, 1, 1), 0b10);
}

#[test]
fn an_interrupt_for_one_vcpu_waits_for_it() {
    let machine = three();
    let receiver = VmId::new(1).unwrap();
    machine.vcpu(0, 1, 0).call(&bind(1, 2, 1, true)).unwrap();
    machine.host().set_online(receiver, 1, false);
    machine.vcpu(0, 2, 0).call(&set(2, 1, 1, Some(1))).unwrap();
    let mut cpu = machine.mediator().cpu(3).unwrap();
    assert_eq!((cpu.poll(8).owed, interrupts(&machine)), (1, vec![]), "vCPU 0 is not meant");
    machine.host().set_online(receiver, 1, true);
    assert_eq!((cpu.poll(8).owed, interrupts(&machine)), (0, vec![(1, 1)]));
}

#[test]
fn an_interrupt_that_is_owed_to_a_vm_that_is_gone_is_forgotten() {
    let machine = three();
    machine.vcpu(0, 1, 0).call(&bind(1, 2, 1, false)).unwrap();
    machine.host().points().fail(Point::Inject, 0);
    machine.vcpu(0, 2, 0).call(&set(2, 1, 1, None)).unwrap();
    machine.remove(1);
    join(&machine, 1, Version::V1_1);
    let mut cpu = machine.mediator().cpu(3).unwrap();
    assert_eq!((cpu.poll(8).owed, interrupts(&machine)), (0, vec![]));
}

/// An id that is used again is not its old owner: what was bound to that one stays bound to nobody.
#[test]
fn id_reuse() {
    let machine = three();
    machine.vcpu(0, 1, 0).call(&bind(1, 2, 1, false)).unwrap();
    machine.remove(2);
    assert_eq!(
        status(machine.vcpu(0, 1, 0).call(&bind(1, 2, 2, false))),
        Status::INVALID_PARAMETERS
    );
    join(&machine, 2, Version::V1_1);
    assert_eq!(status(machine.vcpu(0, 2, 0).call(&set(2, 1, 1, None))), Status::DENIED);
    machine.vcpu(0, 1, 0).call(&unbind(1, 2, 1)).unwrap();
    machine.vcpu(0, 1, 0).call(&bind(1, 2, 1, false)).unwrap();
    machine.vcpu(0, 2, 0).call(&set(2, 1, 1, None)).unwrap();
    assert_eq!(taken(&machine, 1, 0), 1);
}

#[test]
fn info_get_widths() {
    let machine = three();
    let info = |width| {
        let reply = machine.vcpu(0, 1, 0).call(&NotificationInfoGet { width })?;
        let lists = reply.lists().map(|list| (list.endpoint.0, list.vcpus.to_vec()));
        Ok((lists.collect::<Vec<_>>(), reply.more_pending))
    };
    for width in [Width::Bits32, Width::Bits64] {
        assert_eq!(
            info(width).map_err(|error: CallError| status::<()>(Err(error))),
            Err(Status::NO_DATA)
        );
    }
    machine.vcpu(0, 1, 0).call(&bind(1, 2, 0b1, false)).unwrap();
    machine.vcpu(0, 1, 0).call(&bind(1, 2, 0b10, true)).unwrap();
    for width in [Width::Bits32, Width::Bits64] {
        machine.vcpu(0, 2, 0).call(&set(2, 1, 0b1, None)).unwrap();
        machine.vcpu(0, 2, 0).call(&set(2, 1, 0b10, Some(1))).unwrap();
        assert_eq!(info(width), Ok((vec![(1, vec![]), (1, vec![1])], false)));
        assert!(info(width).is_err(), "told once");
        assert_eq!(taken(&machine, 1, 1), 0b11);
        // What is taken before it is told is no news.
        machine.vcpu(0, 2, 0).call(&set(2, 1, 0b1, None)).unwrap();
        assert_eq!(taken(&machine, 1, 0), 0b1);
        assert!(info(width).is_err());
    }
}

#[test]
fn features_tell_the_truth() {
    for (policy, reaches) in [(Policy::allow_all(), true), (Policy::vm_to_sp(), false)] {
        let machine = Setup::default().with_policy(policy).start();
        for (id, version) in [(1, Version::V1_0), (2, Version::V1_1), (3, Version::V1_2)] {
            join(&machine, id, version);
            let mut vcpu = machine.vcpu(0, id, 0);
            let served = reaches && version >= Version::V1_1;
            let info = NotificationInfoGet { width: Width::Bits64 };
            let answer = status(vcpu.call(&info));
            assert_eq!(answer, if served { Status::NO_DATA } else { Status::NOT_SUPPORTED });
            let id = ffa_abi::FunctionId::from_bits(info.encode().w(0)).unwrap();
            assert_eq!(vcpu.call(&Features::of(id)).is_ok(), served);
            let interrupt =
                vcpu.call(&Features::of_feature(Feature::NOTIFICATION_PENDING_INTERRUPT));
            assert_eq!(
                interrupt.map(|reply| reply.w2).ok(),
                served.then_some(NOTIFICATION_PENDING_INTERRUPT)
            );
            let other = vcpu.call(&Features::of_feature(Feature::SCHEDULE_RECEIVER_INTERRUPT));
            assert_eq!(status(other), Status::NOT_SUPPORTED);
        }
    }
}

/// Two senders set, the receiver takes when it is told and only then: every number that a sender has
/// written before it set arrives.
#[test]
fn a_receiver_that_waits_for_interrupts_misses_nothing() {
    const LAST: u64 = 20_000;
    let machine = three();
    machine.vcpu(0, 1, 0).call(&bind(1, 2, 0b01, false)).unwrap();
    machine.vcpu(0, 1, 0).call(&bind(1, 3, 0b10, true)).unwrap();
    let written = [AtomicU64::new(0), AtomicU64::new(0)];
    let send = |vcpu: &mut Vcpu<'_>, written: &AtomicU64, call: NotificationSet| {
        for number in 1..=LAST {
            written.store(number, Relaxed);
            vcpu.call(&call).unwrap();
        }
    };
    thread::scope(|scope| {
        let stop = AtomicBool::new(false);
        let _done = StopOnDrop(&stop);
        scope.spawn(|| send(&mut machine.vcpu(1, 2, 0), &written[0], set(2, 1, 0b01, None)));
        scope.spawn(|| send(&mut machine.vcpu(2, 3, 0), &written[1], set(3, 1, 0b10, Some(0))));
        let mut receiver = machine.vcpu(0, 1, 0);
        let mut seen = [0, 0];
        while seen != [LAST; 2] {
            if machine.journal().take_interrupts().is_empty() {
                thread::yield_now();
                continue;
            }
            let taken = receiver.call(&get(1, 0)).unwrap().vms.0;
            for (index, seen) in seen.iter_mut().enumerate() {
                if taken >> index & 1 != 0 {
                    *seen = written[index].load(Relaxed);
                }
            }
        }
    });
}

/// What a vCPU leaves pending is news still.
#[test]
fn a_get_that_takes_nothing_leaves_the_news() {
    let machine = three();
    machine.vcpu(0, 1, 0).call(&bind(1, 2, 1, false)).unwrap();
    machine.vcpu(0, 2, 0).call(&set(2, 1, 1, None)).unwrap();
    let flags = NotificationGetFlags::HYPERVISOR_FRAMEWORK;
    machine.vcpu(0, 1, 0).call(&NotificationGet { flags, ..get(1, 0) }).unwrap();
    let info = NotificationInfoGet { width: Width::Bits64 };
    let told = machine.vcpu(0, 1, 0).call(&info).unwrap();
    assert_eq!(told.lists().map(|list| list.endpoint.0).collect::<Vec<_>>(), [1]);
    assert_eq!(taken(&machine, 1, 0), 1);
}
