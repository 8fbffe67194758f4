//! Clients in the wild: what each is known to call as far as discovery goes, and what it needs to get.
//!
//! The UUID of secure partition 0x8001 is, in words: 75636573 70206572 69747261 00006974.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod common;

use ffa_core::Policy;
use ffa_harness::{Machine, PAGE, Setup, SpmcSetup};

/// Three secure partitions and VM 1, which sees nobody else, as a careful host has it.
fn machine() -> Machine {
    let spmc = SpmcSetup::with_partitions(3);
    let machine = Setup::default().with_policy(Policy::vm_to_sp()).with_spmc(spmc).start();
    machine.create(1).unwrap();
    machine.create(2).unwrap();
    machine
}

/// What RX holds, `length` bytes of it.
fn rx(machine: &Machine, length: usize) -> Vec<u8> {
    machine.ram(1).copy(16 * PAGE, length)
}

const LINUX_6_12: &str = "
    VERSION 10001                                       -> 10002
    ID_GET                                              -> SUCCESS_32 0 1
    FEATURES RXTX_MAP_64                                -> SUCCESS_32
    RXTX_MAP_64 TX RX 1                                 -> SUCCESS_32
    FEATURES MEM_LEND_64                                -> ERROR 0 NOT_SUPPORTED
    FEATURES MEM_SHARE_64                               -> ERROR 0 NOT_SUPPORTED
    FEATURES MSG_SEND_DIRECT_REQ2                       -> ERROR 0 NOT_SUPPORTED
    FEATURES MSG_SEND_DIRECT_RESP2                      -> ERROR 0 NOT_SUPPORTED
    FEATURES NOTIFICATION_BITMAP_CREATE                 -> ERROR 0 NOT_SUPPORTED
    FEATURES 2                                          -> ERROR 0 NOT_SUPPORTED
    FEATURES 1                                          -> ERROR 0 NOT_SUPPORTED
    FEATURES PARTITION_INFO_GET_REGS                    -> ERROR 0 NOT_SUPPORTED
    PARTITION_INFO_GET 0 0 0 0 1                        -> SUCCESS_32 0 3
    PARTITION_INFO_GET 0 0 0 0 0                        -> SUCCESS_32 0 3 18";

#[test]
fn linux_6_12() {
    let machine = machine();
    machine.vm(1).plays(LINUX_6_12);
    // Its parser steps by w3, and takes an entry of its own id for somebody else's: there is none.
    let mut first = vec![0x01, 0x80, 4, 0, 0x01, 0x01, 0, 0];
    first.extend_from_slice(b"secure partiti\0\0");
    assert_eq!(rx(&machine, 24), first);
    assert_eq!(rx(&machine, 72)[48..50], [0x03, 0x80]);
    machine.vm(1).plays("RX_RELEASE -> SUCCESS_32");
    machine.vm(1).plays("RXTX_UNMAP -> SUCCESS_32");
}

/// What loads the driver tries twice where it fails: from a clean state, also with the version fixed.
#[test]
fn linux_6_12_loads_its_driver_twice() {
    let machine = machine();
    for _ in 0..2 {
        machine.vm(1).plays(LINUX_6_12);
        machine.vm(1).plays("RX_RELEASE -> SUCCESS_32\nRXTX_UNMAP -> SUCCESS_32");
    }
}

#[test]
fn linux_6_1() {
    let machine = machine();
    machine.vm(1).plays(
        "
        VERSION 10000                                   -> 10002
        ID_GET                                          -> SUCCESS_32 0 1
        RXTX_MAP_64 TX RX 1                             -> SUCCESS_32
        # 1.0 has no way to count: the list is asked for twice
        PARTITION_INFO_GET                              -> SUCCESS_32 0 3
        RX_RELEASE                                      -> SUCCESS_32
        PARTITION_INFO_GET                              -> SUCCESS_32 0 3",
    );
    let entries = [[0x01, 0x80, 4, 0, 1, 0, 0, 0], [0x02, 0x80, 4, 0, 1, 0, 0, 0]];
    assert_eq!(rx(&machine, 16), entries.as_flattened());
    machine.vm(1).plays(
        "
        RX_RELEASE                                      -> SUCCESS_32
        FEATURES MEM_LEND_64                            -> ERROR 0 NOT_SUPPORTED
        FEATURES MEM_SHARE_64                           -> ERROR 0 NOT_SUPPORTED
        # a client driver binds, by UUID
        PARTITION_INFO_GET 75636573 70206572 69747261 6974 -> SUCCESS_32 0 1
        RX_RELEASE                                      -> SUCCESS_32
        PARTITION_INFO_GET 75636573 70206572 69747261 16974 -> SUCCESS_32 0 1
        RX_RELEASE                                      -> SUCCESS_32",
    );
}

#[test]
fn u_boot() {
    let machine = machine();
    machine.vm(1).plays(
        "
        VERSION 10000                                   -> 10002
        ID_GET                                          -> SUCCESS_32 0 1
        FEATURES RXTX_MAP_64                            -> SUCCESS_32
        RXTX_MAP_64 TX RX 1                             -> SUCCESS_32
        PARTITION_INFO_GET                              -> SUCCESS_32 0 3
        RX_RELEASE                                      -> SUCCESS_32
        PARTITION_INFO_GET 75636573 70206572 69747261 26974 -> SUCCESS_32 0 1",
    );
    assert_eq!(rx(&machine, 8), [0x03, 0x80, 4, 0, 1, 0, 0, 0]);
    machine.vm(1).plays(
        "
        RX_RELEASE                                      -> SUCCESS_32
        # nobody has this one, and RX is free afterwards
        PARTITION_INFO_GET 1 2 3 4                      -> ERROR 0 INVALID_PARAMETERS
        PARTITION_INFO_GET                              -> SUCCESS_32 0 3
        RX_RELEASE                                      -> SUCCESS_32
        # before it boots an OS: its own id, where the specification wants 0
        RXTX_UNMAP 10000                                -> SUCCESS_32",
    );
    // The OS negotiates again; it cannot have more than the boot loader had.
    machine.vm(1).plays("VERSION 10001 -> -1\nVERSION 10000 -> 10002");
}

#[test]
fn edk2_with_buffers() {
    let machine = machine();
    machine.vm(1).plays(
        "
        VERSION 10001                                   -> 10002
        ID_GET                                          -> SUCCESS_32 0 1
        FEATURES RXTX_MAP_64                            -> SUCCESS_32
        RXTX_MAP_64 TX RX 1                             -> SUCCESS_32
        PARTITION_INFO_GET 75636573 70206572 69747261 6974 -> SUCCESS_32 0 1 18
        # its own id, where the specification wants 0
        RX_RELEASE 1                                    -> SUCCESS_32
        RXTX_UNMAP 10000                                -> SUCCESS_32",
    );
}

#[test]
fn edk2_without_buffers() {
    let machine = machine();
    machine.vm(1).plays(
        "
        VERSION 10002                                   -> 10002
        ID_GET                                          -> SUCCESS_32 0 1
        FEATURES PARTITION_INFO_GET_REGS                -> SUCCESS_32",
    );
    let by_uuid = [0xc400_008b, 0x7020_6572_7563_6573, 0x0000_6974_6974_7261, 0];
    let reply = machine.vm(1).smc(by_uuid).regs();
    // One descriptor; its UUID is the caller's own, hence zero.
    let expected = [0xc400_0061, 0, 24 << 48 | 1 << 32, 0x0000_0301_0004_8001, 0, 0];
    assert_eq!(reply.0[..6], expected);
    assert_eq!(reply.0[6..], [0; 12]);
}

#[test]
fn illumos() {
    let machine = machine();
    machine.vm(1).plays(
        "
        VERSION 10002                                   -> 10002
        ID_GET                                          -> SUCCESS_32 0 1
        FEATURES RXTX_MAP_64                            -> SUCCESS_32 0 100000
        RXTX_MAP_64 TX RX 1                             -> SUCCESS_32
        # from 1.2 on the caller is in its list
        PARTITION_INFO_GET 0 0 0 0 1                    -> SUCCESS_32 0 4
        PARTITION_INFO_GET                              -> SUCCESS_32 0 4 18
        RX_RELEASE                                      -> SUCCESS_32
        RXTX_UNMAP                                      -> SUCCESS_32",
    );
    assert_eq!(rx(&machine, 96)[72..76], [1, 0, 2, 0], "VM 1, two vCPUs");
}

/// Xen, or another hypervisor, as a guest: what it requires is there, the rest is told apart by FEATURES.
#[test]
fn a_nested_hypervisor() {
    let machine = machine();
    machine.vm(1).plays(
        "
        VERSION 10002                                   -> 10002
        FEATURES RXTX_MAP_64                            -> SUCCESS_32 0 100000
        FEATURES PARTITION_INFO_GET                     -> SUCCESS_32
        FEATURES RX_ACQUIRE                             -> ERROR 0 NOT_SUPPORTED
        FEATURES MSG_SEND2                              -> ERROR 0 NOT_SUPPORTED
        FEATURES NOTIFICATION_BITMAP_CREATE             -> ERROR 0 NOT_SUPPORTED
        FEATURES NOTIFICATION_BIND                      -> ERROR 0 NOT_SUPPORTED
        SPM_ID_GET                                      -> SUCCESS_32 0 8000
        RXTX_MAP_64 TX RX 1                             -> SUCCESS_32
        PARTITION_INFO_GET                              -> SUCCESS_32 0 4 18
        RX_RELEASE                                      -> SUCCESS_32",
    );
}

/// An OP-TEE driver finds its partition and learns the SPMC's id.
#[test]
fn an_optee_driver() {
    let machine = machine();
    machine.vm(1).plays(
        "
        VERSION 10001                                   -> 10002
        ID_GET                                          -> SUCCESS_32 0 1
        SPM_ID_GET                                      -> SUCCESS_32 0 8000
        RXTX_MAP_64 TX RX 1                             -> SUCCESS_32
        PARTITION_INFO_GET 75636573 70206572 69747261 16974 -> SUCCESS_32 0 1 18
        RX_RELEASE                                      -> SUCCESS_32",
    );
}

/// A VM whose firmware, boot loader and OS ask in turn, and other VMs in between, disturb nobody.
#[test]
fn clients_side_by_side() {
    let machine = machine();
    for line in LINUX_6_12.lines().filter(|line| !line.trim().is_empty()) {
        machine.vm(1).plays(line);
        machine.vm(2).plays("VERSION 10000 -> 10002");
    }
    machine.vm(2).plays("ID_GET -> SUCCESS_32 0 2");
    machine.vm(1).plays("RX_RELEASE -> SUCCESS_32");
}
