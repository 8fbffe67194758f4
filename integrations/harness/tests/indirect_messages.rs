//! `FFA_MSG_SEND2` between VMs: errors by the specification, and hazards under their names.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "a test that fails panics"
)]

mod common;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread;

use common::StopOnDrop;
use ffa_abi::{
    CallError, EndpointId, FrameworkNotifications, IdGet, Message, MessageHeader, MessageSend2,
    NotificationGet, NotificationGetFlags, PartitionProperties, Status, Uuid, Version, VmId,
};
use ffa_core::{Policy, VmConfig};
use ffa_harness::{Machine, PAGE, Point, RAM_BASE, Setup, TX, Vcpu, Watch};

const MINE: Uuid = Uuid(*b"of one protocol.");
const SEND: MessageSend2 =
    MessageSend2 { sender: EndpointId(0), delays_schedule_receiver_interrupt: false };

/// A VM that talks, with buffers of `pages` pages.
fn talker(machine: &Machine, id: u16, version: Version, uuid: Uuid, pages: u8) {
    silent(machine, id, version, uuid, PartitionProperties::INDIRECT_MESSAGES);
    machine.vcpu(0, id, 0).map(pages).unwrap();
}

/// One that has joined, without buffers.
fn silent(
    machine: &Machine,
    id: u16,
    version: Version,
    uuid: Uuid,
    properties: PartitionProperties,
) {
    let id = VmId::new(id).unwrap();
    machine.create_as(VmConfig { id, vcpus: 2, properties, uuid }).unwrap();
    let mut vcpu = machine.vcpu(0, id.get(), 0);
    vcpu.version(version).unwrap();
    vcpu.call(&IdGet).unwrap();
}

fn two(version: Version) -> Machine {
    let machine = Setup::default().start();
    [1, 2].into_iter().for_each(|id| talker(&machine, id, version, Uuid::NIL, 1));
    machine
}

/// For storms: which bytes are touched twice is looked at elsewhere.
fn loose() -> Machine {
    Setup { watch: Watch::Loose, ..Setup::default() }.start()
}

/// Puts bytes at the start of a VM's TX.
fn put(machine: &Machine, vm: u16, bytes: &[u8]) {
    machine.ram(vm).write(usize::try_from(TX - RAM_BASE).unwrap(), bytes);
}

fn message(sender: u16, receiver: u16, uuid: Uuid, payload: &[u8], version: Version) -> Vec<u8> {
    let (sender, receiver) = (EndpointId(sender), EndpointId(receiver));
    let header = MessageHeader { sender, receiver, uuid };
    let mut bytes = vec![0; payload.len() + 40];
    let length = Message { header, payload }.write(&mut bytes, version).unwrap();
    bytes.truncate(length);
    bytes
}

fn send(machine: &Machine, vm: u16, bytes: &[u8]) -> Result<(), Status> {
    put(machine, vm, bytes);
    sent(machine.vcpu(0, vm, 0).call(&SEND))
}

fn sent<T>(result: Result<T, CallError>) -> Result<(), Status> {
    match result {
        Ok(_) => Ok(()),
        Err(CallError::Status(status)) => Err(status),
        Err(CallError::Reply(why)) => panic!("{why}"),
    }
}

/// What lies in a VM's RX, as its version reads it.
fn received(vcpu: &Vcpu<'_>, size: usize, version: Version) -> (MessageHeader, Vec<u8>) {
    let bytes = vcpu.rx_bytes(size);
    let message = Message::parse(&bytes, version).unwrap();
    (message.header, message.payload.to_vec())
}

fn framework(vcpu: &mut Vcpu<'_>, vm: u16) -> FrameworkNotifications {
    let (receiver, flags) = (EndpointId(vm), NotificationGetFlags::HYPERVISOR_FRAMEWORK);
    vcpu.call(&NotificationGet { receiver, vcpu: 0, flags }).unwrap().hypervisor
}

#[test]
fn send2_both_layouts() {
    for (from, to) in [
        (Version::V1_1, Version::V1_1),
        (Version::V1_1, Version::V1_2),
        (Version::V1_2, Version::V1_1),
        (Version::V1_2, Version::V1_2),
    ] {
        let machine = Setup::default().start();
        talker(&machine, 1, from, Uuid::NIL, 1);
        talker(&machine, 2, to, MINE, 1);
        let uuid = if from == Version::V1_2 { MINE } else { Uuid::NIL };
        let payload: Vec<u8> = (0..=255).collect();
        send(&machine, 1, &message(1, 2, uuid, &payload, from)).unwrap();
        let mut receiver = machine.vcpu(1, 2, 0);
        let (header, body) = received(&receiver, PAGE, to);
        assert_eq!((header.sender.0, header.receiver.0), (1, 2));
        assert_eq!(body, payload, "{from} to {to}");
        assert_eq!(header.uuid, if to == Version::V1_2 { uuid } else { Uuid::NIL });
        assert_eq!(framework(&mut receiver, 2), FrameworkNotifications::RX_BUFFER_FULL);
        assert_eq!(framework(&mut receiver, 2), FrameworkNotifications::empty());
        let interrupts = machine.journal().take_interrupts();
        assert_eq!(interrupts.len(), 1, "the receiver was told");
        assert_eq!(interrupts[0].vm.get(), 2);
        receiver.release().unwrap();
        drop(receiver);
        send(&machine, 1, &message(1, 2, uuid, b"again", from)).unwrap();
    }
}

#[test]
fn a_payload_may_lie_anywhere_behind_the_header_and_fill_the_buffers() {
    let machine = two(Version::V1_1);
    let mut bytes = message(1, 2, Uuid::NIL, b"x", Version::V1_1);
    bytes[8..12].copy_from_slice(&4095_u32.to_le_bytes());
    let mut page = vec![0; PAGE];
    page[..20].copy_from_slice(&bytes[..20]);
    page[4095] = b'y';
    send(&machine, 1, &page).unwrap();
    let mut receiver = machine.vcpu(1, 2, 0);
    assert_eq!(received(&receiver, PAGE, Version::V1_1).1, b"y");
    receiver.release().unwrap();
    drop(receiver);
    let whole = message(1, 2, Uuid::NIL, &vec![7; PAGE - 20], Version::V1_1);
    send(&machine, 1, &whole).unwrap();
    assert_eq!(received(&machine.vcpu(1, 2, 0), PAGE, Version::V1_1).1, vec![7; PAGE - 20]);
}

/// Each refusal, with nothing written and nobody told.
#[test]
fn what_may_not_be_is_refused() {
    let machine = Setup::default().start();
    talker(&machine, 1, Version::V1_2, Uuid::NIL, 2);
    talker(&machine, 2, Version::V1_2, MINE, 1);
    silent(&machine, 3, Version::V1_2, Uuid::NIL, PartitionProperties::INDIRECT_MESSAGES);
    silent(&machine, 4, Version::V1_2, Uuid::NIL, PartitionProperties::empty());
    machine.create(5).unwrap();
    let good = message(1, 2, MINE, b"hello", Version::V1_2);
    let with = |at: usize, value: u32| {
        let mut bytes = good.clone();
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        bytes
    };
    let (invalid, denied) = (Status::INVALID_PARAMETERS, Status::DENIED);
    let other = Uuid(*b"of another kind.");
    for (what, bytes, expected) in [
        ("offset in the header", with(8, 39), invalid),
        ("no payload", with(16, 0), invalid),
        ("past the end", with(16, 8192 - 39), invalid),
        ("wraps", with(8, u32::MAX), invalid),
        ("a foreign sender", message(2, 2, MINE, b"x", Version::V1_2), invalid),
        ("to itself", message(1, 1, Uuid::NIL, b"x", Version::V1_2), invalid),
        ("to nobody", message(1, 9, Uuid::NIL, b"x", Version::V1_2), invalid),
        ("to the hypervisor", message(1, 0, Uuid::NIL, b"x", Version::V1_2), invalid),
        ("to one that has not joined", message(1, 5, Uuid::NIL, b"x", Version::V1_2), invalid),
        ("to an SP that is not there", message(1, 0x8001, Uuid::NIL, b"x", Version::V1_2), invalid),
        ("of another protocol", message(1, 2, other, b"x", Version::V1_2), invalid),
        ("to one without RX", message(1, 3, Uuid::NIL, b"x", Version::V1_2), denied),
        ("to one that takes none", message(1, 4, Uuid::NIL, b"x", Version::V1_2), denied),
        ("larger than RX", message(1, 2, MINE, &[1; PAGE - 39], Version::V1_2), Status::NO_MEMORY),
    ] {
        assert_eq!(send(&machine, 1, &bytes), Err(expected), "{what}");
    }
    put(&machine, 1, &good);
    let mut sender = machine.vcpu(0, 1, 0);
    for foreign in [2, 3] {
        let call = MessageSend2 { sender: EndpointId(foreign), ..SEND };
        assert_eq!(sent(sender.call(&call)), Err(invalid));
    }
    drop(sender);
    assert_eq!(sent(machine.vcpu(0, 3, 0).call(&SEND)), Err(denied), "no TX");
    assert!(machine.vcpu(0, 2, 0).rx_bytes(PAGE).iter().all(|byte| *byte == 0));
    assert_eq!(machine.journal().take_interrupts(), []);
    assert_eq!(framework(&mut machine.vcpu(0, 2, 0), 2), FrameworkNotifications::empty());
    send(&machine, 1, &good).unwrap();
    assert_eq!(send(&machine, 1, &good), Err(Status::BUSY), "the receiver owns RX");
}

#[test]
fn where_the_policy_keeps_vms_apart_there_are_no_messages() {
    let machine = Setup::default().with_policy(Policy::vm_to_sp()).start();
    [1, 2].into_iter().for_each(|id| talker(&machine, id, Version::V1_1, Uuid::NIL, 1));
    let hello = message(1, 2, Uuid::NIL, b"hello", Version::V1_1);
    assert_eq!(send(&machine, 1, &hello), Err(Status::NOT_SUPPORTED));
}

/// The header changes after its first fetch: what was checked is what is used.
#[test]
fn single_fetch() {
    let machine = Setup { watch: Watch::Flipping, ..Setup::default() }.start();
    [1, 2].into_iter().for_each(|id| talker(&machine, id, Version::V1_2, Uuid::NIL, 1));
    let hello = message(1, 2, Uuid::NIL, b"hello", Version::V1_2);
    send(&machine, 1, &hello).unwrap();
    let (header, payload) = received(&machine.vcpu(1, 2, 0), PAGE, Version::V1_2);
    assert_eq!((header.sender.0, header.receiver.0, payload.len()), (1, 2, 5));
}

#[test]
fn host_refuses_at_every_point() {
    for (point, passes) in
        [(Point::Read, 0), (Point::Read, 1), (Point::Write, 0), (Point::Write, 1)]
    {
        let machine = two(Version::V1_1);
        let hello = message(1, 2, Uuid::NIL, b"hello", Version::V1_1);
        machine.host().points().fail(point, passes);
        assert_eq!(send(&machine, 1, &hello), Err(Status::ABORTED), "{point:?} {passes}");
        assert_eq!(framework(&mut machine.vcpu(0, 2, 0), 2), FrameworkNotifications::empty());
        assert_eq!(send(&machine, 1, &hello), Ok(()), "RX is empty and TX is there again");
    }
}

#[test]
fn while_a_message_is_sent_tx_cannot_be_sent_from_nor_unmapped() {
    let machine = two(Version::V1_1);
    put(&machine, 1, &message(1, 2, Uuid::NIL, b"hello", Version::V1_1));
    let pause = machine.host().points().pause(Point::Write, 0);
    thread::scope(|scope| {
        let sender = scope.spawn(|| sent(machine.vcpu(1, 1, 0).call(&SEND)));
        assert!(pause.is_reached(std::time::Duration::from_secs(20)));
        let mut sibling = machine.vcpu(2, 1, 1);
        assert_eq!(sent(sibling.call(&SEND)), Err(Status::BUSY));
        assert_eq!(sent(sibling.unmap()), Err(Status::BUSY));
        assert_eq!(sent(machine.vcpu(3, 2, 0).unmap()), Err(Status::DENIED), "RX is being written");
        drop(pause);
        assert_eq!(sender.join().unwrap(), Ok(()));
    });
    assert_eq!(sent(machine.vcpu(0, 1, 0).unmap()), Ok(()));
}

/// All send to one: whoever finds RX owned is told so, and no message is lost, doubled or mixed.
#[test]
fn send2_storm() {
    const SENDERS: u16 = 3;
    const EACH: usize = 400;
    let machine = loose();
    (1..=SENDERS + 1).for_each(|id| talker(&machine, id, Version::V1_2, Uuid::NIL, 1));
    let (receiver_id, busy) = (SENDERS + 1, AtomicUsize::new(0));
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for (cpu, id) in (1..).zip(1..=SENDERS) {
            let (machine, busy, stop) = (&machine, &busy, &stop);
            scope.spawn(move || {
                let mut vcpu = machine.vcpu(cpu, id, 0);
                for number in 0..EACH {
                    let payload =
                        u32::try_from(number).unwrap().to_le_bytes().repeat(1 + number * 2);
                    put(machine, id, &message(id, receiver_id, Uuid::NIL, &payload, Version::V1_2));
                    while let Err(status) = sent(vcpu.call(&SEND)) {
                        assert_eq!(status, Status::BUSY);
                        busy.fetch_add(1, Relaxed);
                        assert!(!stop.load(Relaxed), "the receiver is gone");
                        thread::yield_now();
                    }
                }
            });
        }
        let _done = StopOnDrop(&stop);
        let mut vcpu = machine.vcpu(0, receiver_id, 0);
        let mut next = [0; SENDERS as usize];
        while next != [EACH; SENDERS as usize] {
            if framework(&mut vcpu, receiver_id).is_empty() {
                thread::yield_now();
                continue;
            }
            let (header, payload) = received(&vcpu, PAGE, Version::V1_2);
            let number = &mut next[usize::from(header.sender.0) - 1];
            let expected = u32::try_from(*number).unwrap().to_le_bytes().repeat(1 + *number * 2);
            assert!(payload == expected, "whole, and in order");
            *number += 1;
            vcpu.release().unwrap();
        }
    });
    assert!(busy.load(Relaxed) > 0, "they were never in each other's way");
}

/// Two VMs send to each other while both unmap and map: nobody waits for anybody.
#[test]
fn no_abba() {
    let machine = loose();
    [1, 2].into_iter().for_each(|id| talker(&machine, id, Version::V1_1, Uuid::NIL, 1));
    put(&machine, 1, &message(1, 2, Uuid::NIL, b"one", Version::V1_1));
    put(&machine, 2, &message(2, 1, Uuid::NIL, b"two", Version::V1_1));
    let delivered = AtomicUsize::new(0);
    thread::scope(|scope| {
        for (cpu, vm) in [(0, 1), (1, 2)] {
            let (machine, delivered) = (&machine, &delivered);
            scope.spawn(move || {
                let mut vcpu = machine.vcpu(cpu, vm, 0);
                while delivered.load(Relaxed) < 300 {
                    delivered.fetch_add(usize::from(vcpu.call(&SEND).is_ok()), Relaxed);
                    let _any = vcpu.release();
                }
            });
            scope.spawn(move || {
                let mut vcpu = machine.vcpu(cpu + 2, vm, 1);
                while delivered.load(Relaxed) < 300 {
                    if vcpu.unmap().is_ok() {
                        vcpu.map(1).unwrap();
                    }
                }
            });
        }
    });
}

/// Sender or receiver is destroyed while a message is being written: the call ends, and what it holds
/// is given back before the memory is freed, which the model looks at.
#[test]
fn destroy_during_call() {
    for victim in [1, 2] {
        let machine = two(Version::V1_1);
        put(&machine, 1, &message(1, 2, Uuid::NIL, b"hello", Version::V1_1));
        let pause = machine.host().points().pause(Point::Write, 1);
        thread::scope(|scope| {
            let sender = scope.spawn(|| sent(machine.vcpu(1, 1, 0).call(&SEND)));
            assert!(pause.is_reached(std::time::Duration::from_secs(20)));
            machine.destroy(victim).unwrap();
            assert!(!machine.mediator().is_gone(VmId::new(victim).unwrap()), "in a call");
            drop(pause);
            assert_eq!(sender.join().unwrap(), Ok(()), "it had begun before");
        });
        machine.drain();
        machine.free(victim);
        talker(&machine, victim, Version::V1_1, Uuid::NIL, 1);
        assert!(machine.vcpu(0, victim, 0).rx_bytes(PAGE).iter().all(|byte| *byte == 0));
        assert_eq!(
            framework(&mut machine.vcpu(0, victim, 0), victim),
            FrameworkNotifications::empty(),
            "nothing of the old VM's reaches who has its id"
        );
    }
}
