//! What each character answers to each call, and with which error: a table.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test that fails panics"
)]

mod common;

use common::{ABLE, MUTE, PAGE, PLAIN, RAM, RX, Rig, TX, VM};
use ffa_abi::{Regs, Status};
use ffa_spmc_model::Character;

/// What is heard: w0 of a success, or a code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Heard {
    Reply(u32),
    Error(Status),
}

use Heard::{Error, Reply};

const SUCCESS: Heard = Reply(0x8400_0061);
const SUCCESS_64: Heard = Reply(0xc400_0061);
const RESPONSE: Heard = Reply(0x8400_0070);
const RESPONSE_64: Heard = Reply(0xc400_0070);
const RESPONSE2: Heard = Reply(0xc400_008e);
const WAIT: Heard = Reply(0x8400_006b);
const UNSUPPORTED: Heard = Error(Status::NOT_SUPPORTED);
const INVALID: Heard = Error(Status::INVALID_PARAMETERS);
const MEMORY: Heard = Error(Status::NO_MEMORY);
const BUSY: Heard = Error(Status::BUSY);
const DENIED: Heard = Error(Status::DENIED);
const RETRY: Heard = Error(Status::RETRY);
const NO_DATA: Heard = Error(Status::NO_DATA);

/// As specified, Hafnium, OP-TEE, OP-TEE without virtualisation, TF-A's at EL3.
type Row = (&'static str, fn(&mut Rig), &'static [u64], [Heard; 5]);

fn nothing(_: &mut Rig) {}

fn mapped(rig: &mut Rig) {
    rig.maps();
}

fn full(rig: &mut Rig) {
    rig.maps();
    rig.raw(&regs(&[0x8400_0068]));
}

/// A VM's buffers are described in TX.
fn described(rig: &mut Rig) {
    rig.maps();
    rig.describe(VM, &[RAM + 4 * PAGE], &[RAM + 5 * PAGE]);
}

/// And they are mapped, where it can be.
fn of_a_vm(rig: &mut Rig) {
    described(rig);
    rig.raw(&regs(&[0xc400_0066]));
}

/// The SPMC knows VM 1, where it wants to, and has its bitmap, where it can.
fn noticed(rig: &mut Rig) {
    rig.raw(&regs(&[0x8400_006f, 0x8000, 0x8000_0004, 0, 0, 1]));
    rig.raw(&regs(&[0x8400_007d, 1, 4]));
}

fn bound(rig: &mut Rig) {
    noticed(rig);
    rig.raw(&regs(&[0x8400_007f, 0x8001_0001, 0, 0b110]));
}

fn regs(registers: &[u64]) -> Regs {
    let mut regs = Regs::ZERO;
    registers.iter().enumerate().for_each(|(index, value)| regs.set(index, *value));
    regs
}

const ABLE_ID: u64 = ABLE.0 as u64;
const PLAIN_ID: u64 = PLAIN.0 as u64;
const MUTE_ID: u64 = MUTE.0 as u64;
/// From VM 1.
const FROM_VM: u64 = 1 << 16;
const OUTSIDE: u64 = 0x10_0000;

fn all(heard: Heard) -> [Heard; 5] {
    [heard; 5]
}

/// An id of FF-A's range that nobody serves, and ones of memory management, to come.
fn strangers() -> Vec<Row> {
    let ids: [&'static [u64]; 6] = [
        &[0x8400_00ef],
        &[0x8400_006b],
        &[0x8400_006c],
        &[0xc400_0073],
        &[0x8400_0077],
        &[0x8400_008a],
    ];
    ids.map(|call| ("nobody serves it", nothing as fn(&mut Rig), call, all(UNSUPPORTED))).to_vec()
}

fn discovery() -> Vec<Row> {
    vec![
        ("ID_GET", nothing, &[0x8400_0069], [SUCCESS, SUCCESS, UNSUPPORTED, UNSUPPORTED, SUCCESS]),
        ("SPM_ID_GET", nothing, &[0x8400_0085], all(SUCCESS)),
        ("count", nothing, &[0x8400_0068, 0, 0, 0, 0, 1], all(SUCCESS)),
        ("count, unknown UUID", nothing, &[0x8400_0068, 7, 0, 0, 0, 1], all(INVALID)),
        ("list, flags", mapped, &[0x8400_0068, 0, 0, 0, 0, 2], all(INVALID)),
        ("list", mapped, &[0x8400_0068], all(SUCCESS)),
        ("list, unknown UUID", mapped, &[0x8400_0068, 7], all(INVALID)),
        ("list, not mapped", nothing, &[0x8400_0068], all(BUSY)),
        ("list, RX full", full, &[0x8400_0068], all(BUSY)),
        ("by registers", nothing, &[0xc400_008b], by_registers(SUCCESS_64)),
        (
            "by registers, beyond",
            nothing,
            &[0xc400_008b, 0, 0, 3],
            [RETRY, INVALID, UNSUPPORTED, UNSUPPORTED, UNSUPPORTED],
        ),
        ("by registers, tag", nothing, &[0xc400_008b, 0, 0, 0x1_0000], by_registers(RETRY)),
        ("by registers, unknown UUID", nothing, &[0xc400_008b, 7], by_registers(INVALID)),
        ("by registers, x3", nothing, &[0xc400_008b, 0, 0, 1 << 32], by_registers(INVALID)),
    ]
}

fn by_registers(heard: Heard) -> [Heard; 5] {
    [heard, heard, UNSUPPORTED, UNSUPPORTED, UNSUPPORTED]
}

fn buffers() -> Vec<Row> {
    let keeps = |heard| [heard, heard, INVALID, INVALID, INVALID];
    vec![
        ("map", nothing, &[0xc400_0066, TX, RX, 1], all(SUCCESS)),
        (
            "map, 32 bits",
            nothing,
            &[0x8400_0066, TX, RX, 1],
            [SUCCESS, UNSUPPORTED, SUCCESS, SUCCESS, SUCCESS],
        ),
        (
            "map, two pages",
            nothing,
            &[0xc400_0066, TX, RX + PAGE, 2],
            [SUCCESS, INVALID, SUCCESS, SUCCESS, SUCCESS],
        ),
        ("map, w3", nothing, &[0xc400_0066, TX, RX, 0x41], all(INVALID)),
        ("map, no pages", nothing, &[0xc400_0066, TX, RX, 0], all(INVALID)),
        ("map, unaligned", nothing, &[0xc400_0066, TX + 8, RX, 1], all(INVALID)),
        ("map, the same", nothing, &[0xc400_0066, TX, TX, 1], all(INVALID)),
        ("map, overlapping", nothing, &[0xc400_0066, TX, RX, 2], all(INVALID)),
        ("map, no memory", nothing, &[0xc400_0066, OUTSIDE, RX, 1], all(INVALID)),
        ("map, RX no memory", nothing, &[0xc400_0066, TX, OUTSIDE, 1], all(INVALID)),
        ("map, wraps", nothing, &[0xc400_0066, TX, !0xfff, 1], all(INVALID)),
        ("map, twice", mapped, &[0xc400_0066, TX + 2 * PAGE, RX + 2 * PAGE, 1], all(DENIED)),
        ("map for a VM", described, &[0xc400_0066], keeps(SUCCESS)),
        ("map for a VM, twice", of_a_vm, &[0xc400_0066], keeps(DENIED)),
        ("map for a VM, no TX", nothing, &[0xc400_0066], keeps(INVALID)),
        ("map for a VM, no descriptor", mapped, &[0xc400_0066], keeps(INVALID)),
    ]
}

fn buffers_in_use() -> Vec<Row> {
    vec![
        ("unmap", mapped, &[0x8400_0067], all(SUCCESS)),
        ("unmap, not mapped", nothing, &[0x8400_0067], all(INVALID)),
        ("unmap, w1", mapped, &[0x8400_0067, 1], all(INVALID)),
        ("unmap, RX full", full, &[0x8400_0067], [DENIED, SUCCESS, SUCCESS, SUCCESS, SUCCESS]),
        (
            "unmap of a VM",
            of_a_vm,
            &[0x8400_0067, FROM_VM],
            [
                // OP-TEE takes it for the hypervisor's.
                SUCCESS, SUCCESS, SUCCESS, SUCCESS, INVALID,
            ],
        ),
        (
            "unmap of an unknown VM",
            of_a_vm,
            &[0x8400_0067, 2 << 16],
            [INVALID, INVALID, SUCCESS, SUCCESS, INVALID],
        ),
        ("release", full, &[0x8400_0065], all(SUCCESS)),
        ("release, empty", mapped, &[0x8400_0065], all(DENIED)),
        ("release, not mapped", nothing, &[0x8400_0065], all(DENIED)),
        ("release of a VM, empty", of_a_vm, &[0x8400_0065, 1], all(DENIED)),
        (
            "release of an unknown VM",
            full,
            &[0x8400_0065, 2],
            [INVALID, INVALID, SUCCESS, SUCCESS, SUCCESS],
        ),
        ("acquire", of_a_vm, &[0x8400_0084, 1], vm_rx(SUCCESS)),
        ("acquire, unknown VM", of_a_vm, &[0x8400_0084, 2], vm_rx(INVALID)),
        ("acquire, not mapped", noticed, &[0x8400_0084, 1], vm_rx(INVALID)),
        ("acquire of the hypervisor", full, &[0x8400_0084, 0], vm_rx(UNSUPPORTED)),
        ("acquire of a partition", full, &[0x8400_0084, ABLE_ID], vm_rx(UNSUPPORTED)),
    ]
}

fn vm_rx(heard: Heard) -> [Heard; 5] {
    [heard, heard, UNSUPPORTED, UNSUPPORTED, UNSUPPORTED]
}

fn messages() -> Vec<Row> {
    vec![
        ("request", noticed, &[0x8400_006f, FROM_VM | ABLE_ID], all(RESPONSE)),
        ("request, 64 bits", noticed, &[0xc400_006f, FROM_VM | ABLE_ID], all(RESPONSE_64)),
        ("request, from the hypervisor", nothing, &[0x8400_006f, ABLE_ID], all(RESPONSE)),
        ("request, unknown", noticed, &[0x8400_006f, FROM_VM | 0x8009], all(INVALID)),
        ("request, to a VM", noticed, &[0x8400_006f, FROM_VM | 2], all(INVALID)),
        ("request, secure sender", nothing, &[0x8400_006f, 0x8002_8001], all(INVALID)),
        ("request, w2", noticed, &[0x8400_006f, FROM_VM | ABLE_ID, 1], all(INVALID)),
        ("request, not received", noticed, &[0x8400_006f, FROM_VM | MUTE_ID], all(DENIED)),
        ("request, busy", yielding, &[0x8400_006f, FROM_VM | ABLE_ID], all(BUSY)),
        ("request to the SPMC", noticed, &[0x8400_006f, FROM_VM | 0x8000], all(INVALID)),
        ("request2", noticed, &[0xc400_008d, FROM_VM | ABLE_ID], all(RESPONSE2)),
        ("request2, UUID", noticed, &[0xc400_008d, FROM_VM | ABLE_ID, 7], all(INVALID)),
        ("request2, not received", noticed, &[0xc400_008d, FROM_VM | PLAIN_ID], all(DENIED)),
        ("run, idle", nothing, &[0x8400_006d, ABLE_ID << 16], all(WAIT)),
        ("run, yielding", yielding, &[0x8400_006d, ABLE_ID << 16], all(RESPONSE)),
        ("run, unknown", nothing, &[0x8400_006d, 0x8009 << 16], all(INVALID)),
        ("run, not here", nothing, &[0x8400_006d, ABLE_ID << 16 | 1], all(INVALID)),
        ("run, no such vCPU", nothing, &[0x8400_006d, PLAIN_ID << 16 | 1], all(INVALID)),
        ("run, w2", nothing, &[0x8400_006d, ABLE_ID << 16, 1], all(INVALID)),
        ("send, nothing in TX", of_a_vm, &[0x8400_0086, FROM_VM], vm_rx(INVALID)),
        ("send, not mapped", noticed, &[0x8400_0086, FROM_VM], vm_rx(DENIED)),
        ("send, unknown VM", noticed, &[0x8400_0086, 2 << 16], vm_rx(DENIED)),
        ("send, w2", of_a_vm, &[0x8400_0086, FROM_VM, 1], vm_rx(INVALID)),
    ]
}

/// The partition that can do all yields once.
fn yielding(rig: &mut Rig) {
    noticed(rig);
    let yields = rig.raw(&regs(&[0x8400_006f, FROM_VM | ABLE_ID, 0, 0x5350_0001, 1]));
    assert_eq!(yields.w(0), 0x8400_006c);
}

fn notifications() -> Vec<Row> {
    let of_vms = |heard| [heard, heard, heard, INVALID, UNSUPPORTED];
    let strict = |heard| [heard, heard, SUCCESS, INVALID, UNSUPPORTED];
    vec![
        (
            "create",
            nothing,
            &[0x8400_007d, 1, 4],
            [SUCCESS, SUCCESS, INVALID, INVALID, UNSUPPORTED],
        ),
        (
            "create, of the hypervisor",
            nothing,
            &[0x8400_007d, 0, 4],
            [SUCCESS, SUCCESS, INVALID, SUCCESS, UNSUPPORTED],
        ),
        ("create, twice", noticed, &[0x8400_007d, 1, 4], of_vms(DENIED)),
        ("create, secure", noticed, &[0x8400_007d, ABLE_ID, 4], of_vms(INVALID)),
        ("create, w1", noticed, &[0x8400_007d, FROM_VM, 4], of_vms(INVALID)),
        (
            "create, many vCPUs",
            nothing,
            &[0x8400_007d, 1, 65],
            [MEMORY, MEMORY, INVALID, INVALID, UNSUPPORTED],
        ),
        ("destroy", noticed, &[0x8400_007e, 1], of_vms(SUCCESS)),
        (
            "destroy, unknown VM",
            noticed,
            &[0x8400_007e, 2],
            [DENIED, DENIED, INVALID, INVALID, UNSUPPORTED],
        ),
        (
            "destroy, bound",
            bound,
            &[0x8400_007e, 1],
            [SUCCESS, SUCCESS, DENIED, INVALID, UNSUPPORTED],
        ),
        ("bind", noticed, &[0x8400_007f, 0x8001_0001, 0, 1], of_vms(SUCCESS)),
        (
            "bind, per vCPU",
            noticed,
            &[0x8400_007f, 0x8001_0001, 1, 1],
            [SUCCESS, SUCCESS, DENIED, DENIED, UNSUPPORTED],
        ),
        ("bind, nothing", noticed, &[0x8400_007f, 0x8001_0001, 0, 0], strict(INVALID)),
        ("bind, unknown partition", noticed, &[0x8400_007f, 0x8009_0001, 0, 1], strict(INVALID)),
        ("bind, unknown VM", noticed, &[0x8400_007f, 0x8001_0002, 0, 1], of_vms(INVALID)),
        ("bind, w2", noticed, &[0x8400_007f, 0x8001_0001, 2, 1], of_vms(INVALID)),
        ("bind, twice", bound, &[0x8400_007f, 0x8001_0001, 0, 0b10], of_vms(DENIED)),
        ("unbind", bound, &[0x8400_0080, 0x8001_0001, 0, 0b10], of_vms(SUCCESS)),
        ("unbind, of another", bound, &[0x8400_0080, 0x8002_0001, 0, 0b10], strict(DENIED)),
        ("unbind, not bound", bound, &[0x8400_0080, 0x8001_0001, 0, 1], strict(DENIED)),
    ]
}

fn pending_notifications() -> Vec<Row> {
    let of_vms = |heard| [heard, heard, heard, INVALID, UNSUPPORTED];
    let strict = |heard| [heard, heard, SUCCESS, INVALID, UNSUPPORTED];
    vec![
        ("set, not bound", noticed, &[0x8400_0081, FROM_VM | ABLE_ID, 0, 1], vm_rx(DENIED)),
        ("set, nothing", noticed, &[0x8400_0081, FROM_VM | ABLE_ID], vm_rx(INVALID)),
        ("set, unknown", noticed, &[0x8400_0081, FROM_VM | 0x8009, 0, 1], vm_rx(INVALID)),
        ("set, secure", noticed, &[0x8400_0081, 0x8002_8001, 0, 1], vm_rx(INVALID)),
        ("set, delayed", noticed, &[0x8400_0081, FROM_VM | ABLE_ID, 2, 1], vm_rx(INVALID)),
        ("get", noticed, &[0x8400_0082, 1, 0b101], of_vms(SUCCESS)),
        ("get, from VMs", noticed, &[0x8400_0082, 1, 0b10], strict(INVALID)),
        ("get, from the hypervisor", noticed, &[0x8400_0082, 1, 0b1000], strict(INVALID)),
        ("get, w2", noticed, &[0x8400_0082, 1, 0x10], of_vms(INVALID)),
        ("get, no such vCPU", noticed, &[0x8400_0082, 4 << 16 | 1, 1], of_vms(INVALID)),
        ("get, unknown VM", noticed, &[0x8400_0082, 2, 1], of_vms(INVALID)),
        (
            "info, 64 bits",
            noticed,
            &[0xc400_0083],
            [NO_DATA, NO_DATA, NO_DATA, NO_DATA, UNSUPPORTED],
        ),
        (
            "info, 32 bits",
            noticed,
            &[0x8400_0083],
            [NO_DATA, UNSUPPORTED, NO_DATA, NO_DATA, UNSUPPORTED],
        ),
    ]
}

fn news_of_vms() -> Vec<Row> {
    vec![
        (
            "created",
            nothing,
            &[0x8400_006f, ABLE_ID, CREATED, 0, 0, 1],
            [RESPONSE, RESPONSE, RESPONSE, UNSUPPORTED, RESPONSE],
        ),
        (
            "created, not subscribed",
            nothing,
            &[0x8400_006f, PLAIN_ID, CREATED, 0, 0, 1],
            [INVALID, INVALID, RESPONSE, UNSUPPORTED, RESPONSE],
        ),
        (
            "created, no requests",
            nothing,
            &[0x8400_006f, MUTE_ID, CREATED, 0, 0, 1],
            [INVALID, INVALID, RESPONSE, UNSUPPORTED, DENIED],
        ),
        (
            "created, to the SPMC",
            nothing,
            &[0x8400_006f, 0x8000, CREATED, 0, 0, 1],
            [INVALID, INVALID, RESPONSE, UNSUPPORTED, INVALID],
        ),
        (
            "created, unknown",
            nothing,
            &[0x8400_006f, 0x8009, CREATED, 0, 0, 1],
            [INVALID, INVALID, INVALID, UNSUPPORTED, INVALID],
        ),
        (
            "created, busy",
            yielding,
            &[0x8400_006f, ABLE_ID, CREATED, 0, 0, 2],
            [BUSY, BUSY, BUSY, UNSUPPORTED, BUSY],
        ),
        (
            "destroyed",
            noticed,
            &[0x8400_006f, ABLE_ID, DESTROYED, 0, 0, 1],
            [RESPONSE, RESPONSE, RESPONSE, UNSUPPORTED, RESPONSE],
        ),
        (
            "a message of another type",
            nothing,
            &[0x8400_006f, ABLE_ID, 0x8000_0000],
            [INVALID, INVALID, UNSUPPORTED, UNSUPPORTED, RESPONSE],
        ),
    ]
}

const CREATED: u64 = 0x8000_0004;
const DESTROYED: u64 = 0x8000_0006;

#[test]
fn each_character_answers_each_call_in_its_own_way() {
    let of_buffers = [buffers(), buffers_in_use()];
    let of_notifications = [notifications(), pending_notifications()];
    let others = [strangers(), discovery(), messages(), news_of_vms()];
    let tables = others.into_iter().chain(of_buffers).chain(of_notifications);
    for (what, prepare, call, expected) in tables.flatten() {
        for (character, expected) in Character::ALL.into_iter().zip(expected) {
            let mut rig = Rig::new(character);
            prepare(&mut rig);
            let reply = rig.raw(&regs(call));
            let heard = match reply.w(0) {
                0x8400_0060 => Error(Status::from_bits(reply.w(2))),
                w0 => Reply(w0),
            };
            assert_eq!(heard, expected, "{}: {what} {call:x?}", character.name);
        }
    }
}
