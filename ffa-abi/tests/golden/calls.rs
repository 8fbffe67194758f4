//! Each call in each form: registers, and how an engineer would write it.

use std::collections::BTreeSet;

use ffa_abi::{Call, DecodeError, FUNCTIONS, FunctionId, Version};

use crate::notations::{name, regs};

const V1_0: Version = Version::V1_0;
const V1_1: Version = Version::V1_1;
const V1_2: Version = Version::V1_2;
const V1_3: Version = Version::V1_3;

/// The caller's version, x0.., the call.
type Row = (Version, &'static str, &'static str);

/// What Linux 6.12 calls against FF-A 1.1, in its order.
const LINUX_6_12: &[Row] = &[
    (V1_1, "84000063 10001", "FFA_VERSION 1.1"),
    (V1_1, "84000069", "FFA_ID_GET"),
    (V1_1, "84000064 c4000066", "FFA_FEATURES FFA_RXTX_MAP_64"),
    (V1_1, "c4000066 41200000 41201000 1", "FFA_RXTX_MAP_64 tx=0x41200000 rx=0x41201000 pages=1"),
    (V1_1, "84000064 c4000072", "FFA_FEATURES FFA_MEM_LEND_64"),
    (V1_1, "84000064 c4000073", "FFA_FEATURES FFA_MEM_SHARE_64"),
    (V1_1, "84000064 c400008d", "FFA_FEATURES FFA_MSG_SEND_DIRECT_REQ2"),
    (V1_1, "84000064 c400008e", "FFA_FEATURES FFA_MSG_SEND_DIRECT_RESP2"),
    (V1_1, "84000064 8400007d", "FFA_FEATURES FFA_NOTIFICATION_BITMAP_CREATE"),
    (V1_1, "84000064 2", "FFA_FEATURES SCHEDULE_RECEIVER_INTERRUPT"),
    (V1_1, "84000064 1", "FFA_FEATURES NOTIFICATION_PENDING_INTERRUPT"),
    (V1_1, "84000064 c400008b", "FFA_FEATURES FFA_PARTITION_INFO_GET_REGS"),
    (
        V1_1,
        "84000068 0 0 0 0 1",
        "FFA_PARTITION_INFO_GET count uuid=00000000-0000-0000-0000-000000000000",
    ),
    (V1_1, "84000068", "FFA_PARTITION_INFO_GET list uuid=00000000-0000-0000-0000-000000000000"),
    (V1_1, "84000065", "FFA_RX_RELEASE"),
    // Its client driver arm_tstee: version, a share of one page, reclaimed.
    (
        V1_1,
        "8400006f 18001 0 ff0000",
        "FFA_MSG_SEND_DIRECT_REQ_32 sender=0x0001 receiver=0x8001 payload=[0xff0000]",
    ),
    (V1_1, "c4000073 60 60", "FFA_MEM_SHARE_64 total=96 fragment=96 buffer=TX"),
    (V1_1, "84000077 4 80000000", "FFA_MEM_RECLAIM handle=0x8000000000000004"),
    // A partition with notifications.
    (
        V1_1,
        "8400007f 80020001 0 20",
        "FFA_NOTIFICATION_BIND sender=0x8002 receiver=0x0001 global bitmap=0x0000000000000020",
    ),
    (
        V1_1,
        "84000081 18002 0 1",
        "FFA_NOTIFICATION_SET sender=0x0001 receiver=0x8002 global bitmap=0x0000000000000001",
    ),
    (V1_1, "84000082 20001 5", "FFA_NOTIFICATION_GET receiver=0x0001 vcpu=2 from=SPs,SPM"),
    (V1_1, "84000067", "FFA_RXTX_UNMAP"),
];

/// What Linux 6.1 calls, which asks for 1.0.
const LINUX_6_1: &[Row] = &[
    (V1_0, "84000063 10000", "FFA_VERSION 1.0"),
    (V1_0, "84000069", "FFA_ID_GET"),
    (V1_0, "c4000066 41200000 41201000 1", "FFA_RXTX_MAP_64 tx=0x41200000 rx=0x41201000 pages=1"),
    (
        V1_0,
        "84000068 d776cdbd 51475e82 d4863b96 ac4349f8",
        "FFA_PARTITION_INFO_GET list uuid=bdcd76d7-825e-4751-963b-86d4f84943ac",
    ),
    (V1_0, "c4000073 50 50", "FFA_MEM_SHARE_64 total=80 fragment=80 buffer=TX"),
];

/// Discovery, buffers, scheduling.
const SETUP: &[Row] = &[
    (V1_1, "84000060 0 fffffffe", "FFA_ERROR INVALID_PARAMETERS"),
    (V1_2, "84000060 0 fffffff9 5", "FFA_ERROR RETRY w3=0x5"),
    (V1_3, "c4000060 80010002 fffffff6", "FFA_ERROR_64 NOT_READY target=0x8001 vcpu=2"),
    (V1_0, "84000061 0 1", "FFA_SUCCESS_32 results=[0x1]"),
    (V1_1, "c4000061 0 1 200000000", "FFA_SUCCESS_64 results=[0x1 0x200000000]"),
    (
        V1_2,
        "c4000061 0 1 2 3 4 5 6 7 8 9 a b c d e f 10",
        "FFA_SUCCESS_64 results=[0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8 0x9 0xa 0xb 0xc 0xd 0xe 0xf 0x10]",
    ),
    (V1_0, "84000062 80010001 20", "FFA_INTERRUPT target=0x8001 vcpu=1 interrupt=32"),
    (V1_3, "c4000062 80010001 20", "FFA_INTERRUPT_64 target=0x8001 vcpu=1 interrupt=32"),
    (V1_3, "84000063 10003 2", "FFA_VERSION 1.3 flags=0x2"),
    (V1_1, "84000063 80010001", "FFA_VERSION w1=0x80010001"),
    (V1_1, "84000064 c4000074 2", "FFA_FEATURES FFA_MEM_RETRIEVE_REQ_64 properties=0x2"),
    (V1_1, "84000064 3", "FFA_FEATURES MANAGED_EXIT_INTERRUPT"),
    (V1_3, "84000064 4", "FFA_FEATURES NOTIFICATIONS"),
    (V1_1, "84000064 bf00ff01", "FFA_FEATURES 0xbf00ff01"),
    (V1_1, "84000065 3", "FFA_RX_RELEASE id=0x0003"),
    (V1_1, "84000084 3", "FFA_RX_ACQUIRE id=0x0003"),
    (V1_0, "84000066 80000000 80004000 4", "FFA_RXTX_MAP_32 tx=0x80000000 rx=0x80004000 pages=4"),
    (
        V1_0,
        "c4000066 880000000 880004000 3f",
        "FFA_RXTX_MAP_64 tx=0x880000000 rx=0x880004000 pages=63",
    ),
    (V1_0, "84000067 30000", "FFA_RXTX_UNMAP id=0x0003"),
    (
        V1_2,
        "c400008b 51475e82d776cdbd ac4349f8d4863b96 70005",
        "FFA_PARTITION_INFO_GET_REGS start=5 tag=0x7 uuid=bdcd76d7-825e-4751-963b-86d4f84943ac",
    ),
    (V1_1, "84000085", "FFA_SPM_ID_GET"),
    (V1_1, "84000087 6100000", "FFA_SECONDARY_EP_REGISTER_32 address=0x6100000"),
    (V1_1, "c4000087 806100000", "FFA_SECONDARY_EP_REGISTER_64 address=0x806100000"),
    (V1_0, "8400006b", "FFA_MSG_WAIT"),
    (V1_2, "8400006b 0 1", "FFA_MSG_WAIT keep RX"),
    (V1_3, "c400006b 0 1", "FFA_MSG_WAIT_64 keep RX"),
    (V1_0, "8400006c", "FFA_YIELD"),
    (V1_1, "8400006c 80010000 3e8 1", "FFA_YIELD target=0x8001 vcpu=0 timeout=4294968296ns"),
    (V1_3, "c400006c 80010000 3e8", "FFA_YIELD_64 target=0x8001 vcpu=0 timeout=1000ns"),
    (V1_0, "8400006d 80010003", "FFA_RUN target=0x8001 vcpu=3"),
    (V1_3, "c400006d 80010003", "FFA_RUN_64 target=0x8001 vcpu=3"),
    (V1_0, "8400007c", "FFA_NORMAL_WORLD_RESUME"),
    (V1_3, "c400007c", "FFA_NORMAL_WORLD_RESUME_64"),
    (V1_2, "8400008c", "FFA_EL3_INTR_HANDLE"),
    (V1_3, "84000090 0 5", "FFA_ABORT_32 information=0x5"),
    (V1_3, "c4000090 0 500000000", "FFA_ABORT_64 information=0x500000000"),
    (V1_3, "c400008f 8002 1", "FFA_NS_RES_INFO_GET start type=0 id=0x8002"),
    (V1_3, "c400008f 0 10", "FFA_NS_RES_INFO_GET go on type=0"),
    (V1_2, "8400008a 5 6c6c6568 6f", "FFA_CONSOLE_LOG_32 \"hello\""),
    (V1_2, "c400008a 9 6f77206f6c6c6568 72", "FFA_CONSOLE_LOG_64 \"hello wor\""),
    (V1_2, "c400008a 1 4100000041", "FFA_CONSOLE_LOG_64 \"A\""),
];

/// Messages.
const MESSAGES: &[Row] = &[
    (V1_0, "8400006a", "FFA_MSG_POLL"),
    (
        V1_0,
        "8400006e 18001 0 40 1",
        "FFA_MSG_SEND sender=0x0001 receiver=0x8001 length=64 attributes=0x1",
    ),
    (V1_1, "84000086", "FFA_MSG_SEND2"),
    (V1_1, "84000086 30000 2", "FFA_MSG_SEND2 sender=0x0003 delay-SRI"),
    (
        V1_1,
        "c400006f 18001 0 100000000 2 3 4 5",
        "FFA_MSG_SEND_DIRECT_REQ_64 sender=0x0001 receiver=0x8001 payload=[0x100000000 0x2 0x3 0x4 0x5]",
    ),
    (
        V1_3,
        "c400006f 18001 0 1 2 3 4 5 6 7 8 9 a b c d e f",
        "FFA_MSG_SEND_DIRECT_REQ_64 sender=0x0001 receiver=0x8001 \
         payload=[0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8 0x9 0xa 0xb 0xc 0xd 0xe 0xf]",
    ),
    (
        V1_0,
        "84000070 80010001 0 0 1",
        "FFA_MSG_SEND_DIRECT_RESP_32 sender=0x8001 receiver=0x0001 payload=[0x0 0x1]",
    ),
    (
        V1_2,
        "c4000070 80010001 0 ffffffffffffffff",
        "FFA_MSG_SEND_DIRECT_RESP_64 sender=0x8001 receiver=0x0001 payload=[0xffffffffffffffff]",
    ),
    (
        V1_3,
        "c4000070 80010001 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 1",
        "FFA_MSG_SEND_DIRECT_RESP_64 sender=0x8001 receiver=0x0001 \
         payload=[0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x1]",
    ),
    (
        V1_2,
        "c400008d 18001 51475e82d776cdbd ac4349f8d4863b96 1 2 3 4 5 6 7 8 9 a b c d e",
        "FFA_MSG_SEND_DIRECT_REQ2 sender=0x0001 receiver=0x8001 \
         uuid=bdcd76d7-825e-4751-963b-86d4f84943ac \
         payload=[0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8 0x9 0xa 0xb 0xc 0xd 0xe]",
    ),
    (
        V1_2,
        "c400008e 80010001 0 0 1 0 0 0 0 0 0 0 0 0 0 0 0 e",
        "FFA_MSG_SEND_DIRECT_RESP2 sender=0x8001 receiver=0x0001 \
         payload=[0x1 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0xe]",
    ),
    // Messages of the framework: PSCI CPU_OFF and CPU_SUSPEND, from the SPMD to the SPMC.
    (
        V1_1,
        "8400006f ffff8000 80000000 84000002",
        "FFA_MSG_SEND_DIRECT_REQ_32 sender=0xffff receiver=0x8000 \
         PSCI_REQUEST function=0x84000002 arguments=[0x0 0x0 0x0]",
    ),
    (
        V1_1,
        "c400006f ffff8000 80000000 c4000001 1 840000000",
        "FFA_MSG_SEND_DIRECT_REQ_64 sender=0xffff receiver=0x8000 \
         PSCI_REQUEST function=0xc4000001 arguments=[0x1 0x840000000 0x0]",
    ),
    (
        V1_1,
        "8400006f ffff8000 80000001 1",
        "FFA_MSG_SEND_DIRECT_REQ_32 sender=0xffff receiver=0x8000 WARM_BOOT from low power",
    ),
    (
        V1_1,
        "84000070 8000ffff 80000002 fffffffd",
        "FFA_MSG_SEND_DIRECT_RESP_32 sender=0x8000 receiver=0xffff PSCI_RESPONSE status=-3",
    ),
    // Xen tells OP-TEE of domain 1.
    (
        V1_1,
        "8400006f 8001 80000004 0 0 2",
        "FFA_MSG_SEND_DIRECT_REQ_32 sender=0x0000 receiver=0x8001 \
         VM_CREATED vm=0x0002 handle=0x0",
    ),
    (
        V1_1,
        "84000070 80010000 80000005",
        "FFA_MSG_SEND_DIRECT_RESP_32 sender=0x8001 receiver=0x0000 VM_CREATED_RESPONSE SUCCESS",
    ),
    (
        V1_1,
        "8400006f 8001 80000006 ffffffff ffffffff 2",
        "FFA_MSG_SEND_DIRECT_REQ_32 sender=0x0000 receiver=0x8001 \
         VM_DESTROYED vm=0x0002 handle=0xffffffffffffffff",
    ),
    (
        V1_1,
        "84000070 80010000 80000007 fffffffb",
        "FFA_MSG_SEND_DIRECT_RESP_32 sender=0x8001 receiver=0x0000 \
         VM_DESTROYED_RESPONSE INTERRUPTED",
    ),
    (
        V1_1,
        "8400006f ffff8000 80000008 10001",
        "FFA_MSG_SEND_DIRECT_REQ_32 sender=0xffff receiver=0x8000 VERSION_REQUEST version=1.1",
    ),
    (
        V1_1,
        "84000070 8000ffff 80000009 ffffffff",
        "FFA_MSG_SEND_DIRECT_RESP_32 sender=0x8000 receiver=0xffff VERSION_RESPONSE NOT_SUPPORTED",
    ),
];

/// Memory management.
const MEMORY: &[Row] = &[
    (V1_0, "84000071 60 60", "FFA_MEM_DONATE_32 total=96 fragment=96 buffer=TX"),
    (
        V1_1,
        "c4000071 60 60 880000000 1",
        "FFA_MEM_DONATE_64 total=96 fragment=96 buffer=0x880000000 pages=1",
    ),
    (
        V1_0,
        "84000072 2000 1000 80000000 1",
        "FFA_MEM_LEND_32 total=8192 fragment=4096 buffer=0x80000000 pages=1",
    ),
    (V1_1, "c4000072 70 70", "FFA_MEM_LEND_64 total=112 fragment=112 buffer=TX"),
    (V1_1, "84000073 60 60", "FFA_MEM_SHARE_32 total=96 fragment=96 buffer=TX"),
    (V1_0, "84000074 40 40", "FFA_MEM_RETRIEVE_REQ_32 total=64 fragment=64 buffer=TX"),
    (V1_2, "c4000074 50 50", "FFA_MEM_RETRIEVE_REQ_64 total=80 fragment=80 buffer=TX"),
    (V1_0, "84000075 2000 1000", "FFA_MEM_RETRIEVE_RESP total=8192 fragment=4096"),
    (V1_0, "84000076", "FFA_MEM_RELINQUISH"),
    (V1_0, "84000077 4 0 3", "FFA_MEM_RECLAIM handle=0x0000000000000004 zero time-slice"),
    (V1_0, "84000078 4 80000000", "FFA_MEM_OP_PAUSE handle=0x8000000000000004"),
    (V1_0, "84000079 4 80000000", "FFA_MEM_OP_RESUME handle=0x8000000000000004"),
    (
        V1_0,
        "8400007a 4 0 1000 10000",
        "FFA_MEM_FRAG_RX handle=0x0000000000000004 offset=4096 id=0x0001",
    ),
    (V1_0, "8400007b 4 0 800", "FFA_MEM_FRAG_TX handle=0x0000000000000004 length=2048"),
    (V1_1, "84000088 7000", "FFA_MEM_PERM_GET_32 address=0x7000 pages=1"),
    (V1_3, "c4000088 807000000 3", "FFA_MEM_PERM_GET_64 address=0x807000000 pages=4"),
    (V1_1, "84000089 7000 2 7", "FFA_MEM_PERM_SET_32 address=0x7000 pages=2 permissions=r--"),
    (
        V1_1,
        "c4000089 807000000 1 3",
        "FFA_MEM_PERM_SET_64 address=0x807000000 pages=1 permissions=r-x",
    ),
];

/// Notifications.
const NOTIFICATIONS: &[Row] = &[
    (V1_1, "8400007d 3 8", "FFA_NOTIFICATION_BITMAP_CREATE id=0x0003 vcpus=8"),
    (V1_1, "8400007e 3", "FFA_NOTIFICATION_BITMAP_DESTROY id=0x0003"),
    (
        V1_1,
        "8400007f 80010003 1 0 80000000",
        "FFA_NOTIFICATION_BIND sender=0x8001 receiver=0x0003 per-vCPU bitmap=0x8000000000000000",
    ),
    (
        V1_1,
        "84000080 80010003 0 1 2",
        "FFA_NOTIFICATION_UNBIND sender=0x8001 receiver=0x0003 bitmap=0x0000000200000001",
    ),
    (
        V1_1,
        "84000081 80010003 50003 1",
        "FFA_NOTIFICATION_SET sender=0x8001 receiver=0x0003 vcpu=5 delay-SRI \
         bitmap=0x0000000000000001",
    ),
    (
        V1_1,
        "84000082 70003 f",
        "FFA_NOTIFICATION_GET receiver=0x0003 vcpu=7 from=SPs,VMs,SPM,hypervisor",
    ),
    (V1_1, "84000083", "FFA_NOTIFICATION_INFO_GET_32"),
    (V1_1, "c4000083", "FFA_NOTIFICATION_INFO_GET_64"),
];

const TABLES: [&[Row]; 6] = [LINUX_6_12, LINUX_6_1, SETUP, MESSAGES, MEMORY, NOTIFICATIONS];

/// Ids of 1.3 that have no type yet, TF-A's names for which are in the table of ids.
const UNTYPED: [(&str, u32); 4] = [
    ("FFA_NOTIFICATION_BIND2", 0xc400_0094),
    ("FFA_NOTIFICATION_UNBIND2", 0xc400_0095),
    ("FFA_NOTIFICATION_SET2", 0xc400_0096),
    ("FFA_NOTIFICATION_GET2", 0xc400_0097),
];

fn rows() -> impl Iterator<Item = Row> {
    TABLES.iter().flat_map(|table| table.iter().copied())
}

#[test]
fn each_vector_decodes_to_its_call_and_the_call_encodes_to_it() {
    for (version, text, shown) in rows() {
        let call =
            Call::decode(&regs(text), version).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(call.to_string(), shown, "{text}");
        assert_eq!(call.encode(), regs(text), "{text}");
    }
}

#[test]
fn each_id_has_a_vector_or_no_type() {
    let mut ids: BTreeSet<&str> = rows().map(|(_, text, _)| name(text)).collect();
    for (name, bits) in UNTYPED {
        let id = FunctionId::from_bits(bits).unwrap();
        assert_eq!(Call::decode(&regs(&format!("{bits:x}")), V1_3), Err(DecodeError::Unknown(id)));
        assert!(ids.insert(name), "{name} has a type now");
    }
    let all: BTreeSet<&str> = FUNCTIONS.iter().map(|function| function.name).collect();
    assert_eq!(ids, all);
}

#[test]
fn no_vector_is_older_than_its_id_or_younger() {
    for (version, text, shown) in rows() {
        let id = FunctionId::from_bits(regs(text).w(0)).unwrap();
        assert!(id.exists_in(version), "{shown} at {version}");
    }
}
