//! Notifications: who may set which, what is pending, and who is told.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test that fails panics"
)]

mod common;

use common::{ABLE, PLAIN, Rig, VM};
use ffa_abi::{
    EndpointId, Features, FunctionId, NotificationBind, NotificationBindFlags,
    NotificationBitmapCreate, NotificationBitmapDestroy, NotificationGet, NotificationGetFlags,
    NotificationInfoGet, NotificationSet, NotificationSetFlags, NotificationUnbind, Notifications,
    Status, Width,
};
use ffa_spmc_model::{Character, Command, Taken};

const CREATE: NotificationBitmapCreate = NotificationBitmapCreate { endpoint: VM, vcpus: 8 };
const DESTROY: NotificationBitmapDestroy = NotificationBitmapDestroy { endpoint: VM };

fn bind(notifications: u64, per_vcpu: bool) -> NotificationBind {
    let flag = NotificationBindFlags::PER_VCPU;
    let flags = if per_vcpu { flag } else { NotificationBindFlags::empty() };
    let notifications = Notifications(notifications);
    NotificationBind { sender: ABLE, receiver: VM, flags, notifications }
}

fn unbind(notifications: u64) -> NotificationUnbind {
    let notifications = Notifications(notifications);
    NotificationUnbind { sender: ABLE, receiver: VM, notifications }
}

fn notify(notifications: u64, vcpu: Option<u16>) -> Command {
    let notifications = Notifications(notifications);
    Command::Notify { receiver: VM, vcpu, delays_interrupt: false, notifications }
}

fn get(vcpu: u16) -> NotificationGet {
    let flags = NotificationGetFlags::SECURE_PARTITIONS | NotificationGetFlags::SPM_FRAMEWORK;
    NotificationGet { receiver: VM, vcpu, flags }
}

/// An endpoint and vCPUs.
type List = (u16, Vec<u16>);

/// The lists that are told, and whether there are more.
fn info(rig: &mut Rig, width: Width) -> Option<(Vec<List>, bool)> {
    let reply = rig.call(&NotificationInfoGet { width }).ok()?;
    assert_eq!(reply.width(), width);
    let lists = reply.lists().map(|list| (list.endpoint.0, list.vcpus.to_vec()));
    Some((lists.collect(), reply.more_pending))
}

/// VM 1 has a bitmap; 0..=3 are bound globally, 4..=7 for a vCPU each.
fn bound(character: Character) -> Rig {
    let mut rig = Rig::new(character);
    rig.succeeds(&CREATE);
    rig.succeeds(&bind(0x0f, false));
    rig.succeeds(&bind(0xf0, true));
    rig
}

#[test]
fn a_partition_notifies_a_vm() {
    let mut rig = bound(Character::HAFNIUM);
    assert_eq!(rig.command(ABLE, &notify(0b101, None)).status, Ok(()));
    assert_eq!(rig.interrupts(), 1);
    assert_eq!(info(&mut rig, Width::Bits64), Some((vec![(1, vec![])], false)));
    rig.fails(&NotificationInfoGet { width: Width::Bits64 }, Status::NO_DATA);
    let taken = rig.succeeds(&get(3));
    assert_eq!((taken.secure_partitions, taken.spm.bits()), (Notifications(0b101), 0));
    assert!(rig.succeeds(&get(3)).secure_partitions.is_empty());
}

#[test]
fn one_vcpu_gets_what_is_for_it() {
    let mut rig = bound(Character::SPECIFIED);
    rig.command(ABLE, &notify(0x10, Some(2)));
    rig.command(ABLE, &notify(0x20, Some(5)));
    rig.command(ABLE, &notify(0x01, None));
    let (lists, _) = info(&mut rig, Width::Bits32).unwrap();
    assert_eq!(lists, [(1, vec![]), (1, vec![2, 5])]);
    // Whoever comes first takes the global ones.
    assert_eq!(rig.succeeds(&get(5)).secure_partitions, Notifications(0x21));
    assert_eq!(rig.succeeds(&get(2)).secure_partitions, Notifications(0x10));
    assert!(rig.succeeds(&get(7)).secure_partitions.is_empty());
}

#[test]
fn what_was_taken_is_not_told_of() {
    let mut rig = bound(Character::SPECIFIED);
    rig.command(ABLE, &notify(0x10, Some(2)));
    rig.command(ABLE, &notify(0x01, None));
    rig.succeeds(&get(2));
    rig.fails(&NotificationInfoGet { width: Width::Bits32 }, Status::NO_DATA);
}

/// One kind is taken, and the other is told of as before.
#[test]
fn what_was_not_taken_is_told_of() {
    let mut rig = bound(Character::SPECIFIED);
    let (vm_tx, vm_rx) = (common::RAM + 4 * common::PAGE, common::RAM + 5 * common::PAGE);
    rig.maps();
    rig.maps_for(VM, vm_tx, vm_rx);
    let send = Command::SendMessage { receiver: VM, delays_interrupt: false, size: 1, first: 0 };
    let only = |flags| NotificationGet { receiver: VM, vcpu: 0, flags };
    let of_partitions = only(NotificationGetFlags::SECURE_PARTITIONS);
    let of_framework = only(NotificationGetFlags::SPM_FRAMEWORK);

    rig.command(ABLE, &notify(1, None));
    rig.succeeds(&of_partitions);
    rig.fails(&NotificationInfoGet { width: Width::Bits64 }, Status::NO_DATA);
    rig.command(ABLE, &send);
    rig.succeeds(&of_partitions);
    assert_eq!(info(&mut rig, Width::Bits64), Some((vec![(1, vec![])], false)));
    rig.command(ABLE, &notify(1, None));
    rig.succeeds(&of_framework);
    assert_eq!(info(&mut rig, Width::Bits64), Some((vec![(1, vec![])], false)));
}

#[test]
fn a_partition_sets_what_is_bound_to_it_and_as_it_is_bound() {
    let mut rig = bound(Character::SPECIFIED);
    for (from, command, status) in [
        (ABLE, notify(0x100, None), Status::DENIED),
        (ABLE, notify(0x101, None), Status::DENIED),
        (PLAIN, notify(0x001, None), Status::DENIED),
        (ABLE, notify(0x010, None), Status::INVALID_PARAMETERS),
        (ABLE, notify(0x001, Some(0)), Status::INVALID_PARAMETERS),
        (ABLE, notify(0x010, Some(8)), Status::INVALID_PARAMETERS),
        (ABLE, notify(0, None), Status::INVALID_PARAMETERS),
    ] {
        assert_eq!(rig.command(from, &command).status, Err(status), "{command:?}");
    }
    assert_eq!(rig.interrupts(), 0);
    rig.fails(&NotificationInfoGet { width: Width::Bits64 }, Status::NO_DATA);
}

/// The interrupt comes once in each case: at once, or when the partition gives the CPU back.
#[test]
fn a_delayed_interrupt_is_not_lost() {
    let mut rig = bound(Character::SPECIFIED);
    rig.cpu = 3;
    for delays_interrupt in [false, true] {
        let notifications = Notifications(1);
        let command = Command::Notify { receiver: VM, vcpu: None, delays_interrupt, notifications };
        rig.command(ABLE, &command);
        assert_eq!(rig.machine.interrupts.take(), [3]);
    }
}

#[test]
fn pending_notifications_keep_their_binding_and_their_bitmap() {
    let mut rig = bound(Character::HAFNIUM);
    rig.command(ABLE, &notify(0x10, Some(7)));
    rig.fails(&unbind(0x30), Status::DENIED);
    rig.fails(&DESTROY, Status::DENIED);
    rig.succeeds(&unbind(0x20));
    rig.succeeds(&get(7));
    rig.succeeds(&unbind(0x10));
    rig.succeeds(&DESTROY);
    assert!(rig.spmc.vm(VM).is_none());
    rig.fails(&DESTROY, Status::DENIED);
}

/// What is unbound can be bound to another, and in another way.
#[test]
fn a_binding_ends() {
    let mut rig = bound(Character::SPECIFIED);
    rig.succeeds(&unbind(0x10));
    rig.succeeds(&NotificationBind { sender: PLAIN, ..bind(0x10, false) });
    let receiver = rig.spmc.vm(VM).unwrap().receiver();
    assert_eq!((receiver.sender(4), receiver.sender(5)), (Some(PLAIN), Some(ABLE)));
    assert_eq!((receiver.bound(), receiver.per_vcpu()), (Notifications(0xff), Notifications(0xe0)));
    assert_eq!(rig.command(ABLE, &notify(0x10, Some(0))).status, Err(Status::DENIED));
    assert_eq!(rig.command(PLAIN, &notify(0x10, None)).status, Ok(()));
}

/// More than one reply can tell, in either form; nothing is lost and nothing told twice.
#[test]
fn lists_that_do_not_fit_are_told_by_the_next_call() {
    for (width, first) in [(Width::Bits32, 2), (Width::Bits64, 5)] {
        let mut rig = Rig::new(Character::SPECIFIED);
        rig.succeeds(&NotificationBitmapCreate { vcpus: 64, ..CREATE });
        rig.succeeds(&bind(1, true));
        (0..64).for_each(|vcpu| {
            assert_eq!(rig.command(ABLE, &notify(1, Some(vcpu))).status, Ok(()));
        });
        let mut told = Vec::new();
        let mut more = true;
        while more {
            let (lists, pending) = info(&mut rig, width).unwrap();
            assert!(told.is_empty() || !lists.is_empty());
            assert!(!told.is_empty() || lists.len() == first, "{} lists", lists.len());
            told.extend(lists.into_iter().flat_map(|(_, vcpus)| vcpus));
            more = pending;
        }
        assert!(told.into_iter().eq(0..64));
    }
}

fn set(notifications: u64, vcpu: Option<u16>) -> NotificationSet {
    let flags = NotificationSetFlags::empty();
    let notifications = Notifications(notifications);
    NotificationSet { sender: VM, receiver: ABLE, vcpu, flags, notifications }
}

#[test]
fn a_vm_notifies_a_partition() {
    let mut rig = Rig::new(Character::HAFNIUM);
    let notifications = Notifications(0b11);
    let let_vm = |per_vcpu, notifications| Command::Bind { sender: VM, per_vcpu, notifications };
    assert_eq!(rig.command(ABLE, &let_vm(false, notifications)).status, Ok(()));
    assert_eq!(rig.command(ABLE, &let_vm(true, Notifications(0b100))).status, Ok(()));
    assert_eq!(rig.command(ABLE, &let_vm(false, notifications)).status, Err(Status::DENIED));
    rig.succeeds(&set(0b01, None));
    rig.succeeds(&set(0b100, Some(3)));
    rig.fails(&set(0b100, Some(4)), Status::INVALID_PARAMETERS);
    assert_eq!(rig.interrupts(), 2);
    let expected = vec![(ABLE.0, vec![]), (ABLE.0, vec![3])];
    assert_eq!(info(&mut rig, Width::Bits64), Some((expected, false)));
    let taken = Taken::from(rig.command(ABLE, &Command::TakeNotifications));
    assert_eq!((taken.vms, taken.framework.bits()), (Notifications(0b01), 0));
    rig.cpu = 3;
    let taken = Taken::from(rig.command(ABLE, &Command::TakeNotifications));
    assert_eq!(taken.vms, Notifications(0b100));
    let unbind = |notifications| Command::Unbind { sender: VM, notifications };
    assert_eq!(rig.command(ABLE, &unbind(Notifications(0b111))).status, Ok(()));
    assert_eq!(rig.command(ABLE, &unbind(notifications)).status, Err(Status::DENIED));
    rig.fails(&set(0b01, None), Status::DENIED);
}

#[test]
fn a_partition_that_gets_no_notifications_binds_none() {
    let mut rig = Rig::new(Character::SPECIFIED);
    let bind = |sender, notifications| Command::Bind {
        sender,
        per_vcpu: false,
        notifications: Notifications(notifications),
    };
    assert_eq!(rig.command(PLAIN, &bind(VM, 1)).status, Err(Status::NOT_SUPPORTED));
    assert_eq!(rig.command(ABLE, &bind(PLAIN, 1)).status, Err(Status::INVALID_PARAMETERS));
    assert_eq!(rig.command(ABLE, &bind(VM, 0)).status, Err(Status::INVALID_PARAMETERS));
}

/// There are three places for VMs.
#[test]
fn a_vm_too_many_finds_no_place() {
    let mut rig = Rig::new(Character::HAFNIUM);
    let create = |id| NotificationBitmapCreate { endpoint: EndpointId(id), vcpus: 1 };
    (1..=3).for_each(|id| {
        rig.succeeds(&create(id));
    });
    rig.fails(&create(4), Status::NO_MEMORY);
    rig.succeeds(&NotificationBitmapDestroy { endpoint: EndpointId(2) });
    rig.succeeds(&create(4));
}

#[test]
fn el3_admits_no_notifications() {
    let mut rig = Rig::new(Character::EL3);
    rig.fails(&Features::of(FunctionId::NOTIFICATION_BITMAP_CREATE), Status::NOT_SUPPORTED);
    rig.fails(&CREATE, Status::NOT_SUPPORTED);
}
