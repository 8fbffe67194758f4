//! Each answer to each call: registers, and how an engineer would write it.

use std::collections::BTreeSet;

use ffa_abi::{
    Call, ConsoleLogReply, DirectRequest2Reply, DirectRequestReply, Empty, EndpointIdReply,
    FUNCTIONS, FeaturesReply, FunctionId, MemFragRx, MemFragTx, MemFragTxReply, MemOpResume,
    MemOpResumeReply, MemPermGetReply, MemReleaseReply, MemRetrieveReply, MemSendReply,
    MessageSend, NonSecureResourceInfoGetReply, NotificationGetReply, NotificationInfoGetReply,
    PartitionInfoGetRegsReply, PartitionInfoGetReply, Regs, Reply, RunReply, Version, VersionReply,
    WaitReply, YieldReply,
};

use crate::notations::{name, regs};

/// The call, the registers after it, how the answer reads, and the same written again.
struct Row {
    call: &'static str,
    reply: &'static str,
    shown: &'static str,
    written: Option<fn(&Regs, Version) -> Regs>,
}

/// Registers that the caller had before the answer was written over them.
const BEFORE: u64 = 0x5555_5555_5555_5555;

fn written<R: Reply>(regs: &Regs, version: Version) -> Regs {
    let mut written = Regs([BEFORE; Regs::COUNT]);
    R::read(regs, version).unwrap().write(&mut written);
    written
}

/// An answer that is one of the call's own.
const fn row<R: Reply>(call: &'static str, reply: &'static str, shown: &'static str) -> Row {
    Row { call, reply, shown, written: Some(written::<R>) }
}

/// `FFA_ERROR`, or what is no answer.
const fn error(call: &'static str, reply: &'static str, shown: &'static str) -> Row {
    Row { call, reply, shown, written: None }
}

const OK: &str = "84000061";
const SHARE: &str = "c4000073 60 60";
const REQUEST: &str = "8400006f 18001 0 ff0000";
const RESPONSE: &str =
    "FFA_MSG_SEND_DIRECT_RESP_32 sender=0x8001 receiver=0x0001 payload=[0x0 0x1]";

const ROWS: &[Row] = &[
    // What Linux wants to hear.
    row::<VersionReply>("84000063 10001", "10001", "1.1"),
    row::<VersionReply>("84000063 20000", "ffffffffffffffff", "NOT_SUPPORTED"),
    row::<EndpointIdReply>("84000069", "84000061 0 1", "SUCCESS id=0x0001"),
    row::<FeaturesReply>("84000064 c4000066", "84000061", "SUCCESS w2=0x0 w3=0x0"),
    row::<FeaturesReply>("84000064 2", "84000061 0 8", "SUCCESS w2=0x8 w3=0x0"),
    error("84000064 8400007d", "84000060 0 ffffffff", "ERROR NOT_SUPPORTED"),
    row::<Empty>("c4000066 41200000 41201000 1", OK, "SUCCESS"),
    row::<PartitionInfoGetReply>("84000068 0 0 0 0 1", "84000061 0 3", "SUCCESS count=3 size=0"),
    row::<PartitionInfoGetReply>("84000068", "84000061 0 3 18", "SUCCESS count=3 size=24"),
    row::<Empty>("84000065", OK, "SUCCESS"),
    row::<DirectRequestReply>(REQUEST, "84000070 80010001 0 0 1", RESPONSE),
    row::<DirectRequestReply>(
        REQUEST,
        "84000062 80010001 20",
        "FFA_INTERRUPT target=0x8001 vcpu=1 interrupt=32",
    ),
    row::<DirectRequestReply>(REQUEST, "8400006c 80010001", "FFA_YIELD target=0x8001 vcpu=1"),
    error(REQUEST, "c4000070 80010001", "unexpected reply FFA_MSG_SEND_DIRECT_RESP_64"),
    row::<MemSendReply>(SHARE, "84000061 0 4 80000000", "SUCCESS handle=0x8000000000000004"),
    row::<MemReleaseReply>("84000077 4 80000000", OK, "SUCCESS"),
    row::<Empty>("8400007f 80020001 0 20", OK, "SUCCESS"),
    row::<Empty>("84000081 18002 0 1", OK, "SUCCESS"),
    row::<NotificationGetReply>(
        "84000082 20001 5",
        "84000061 0 20 0 0 0 1",
        "SUCCESS SPs=0x0000000000000020 VMs=0x0000000000000000 SPM=0x1 hypervisor=0x0",
    ),
    row::<Empty>("84000067", OK, "SUCCESS"),
    // Set-up.
    row::<WaitReply>("84000060 0 fffffffe", "8400006d 80010000", "FFA_RUN target=0x8001 vcpu=0"),
    row::<WaitReply>("c4000060 0 fffffffe", "c400006d 80010000", "FFA_RUN_64 target=0x8001 vcpu=0"),
    row::<WaitReply>("84000061", "84000062 0 20", "FFA_INTERRUPT interrupt=32"),
    row::<WaitReply>("c4000061", "8400006d 80010000", "FFA_RUN target=0x8001 vcpu=0"),
    row::<Empty>("84000066 80000000 80004000 4", OK, "SUCCESS"),
    row::<Empty>("84000084 3", OK, "SUCCESS"),
    row::<EndpointIdReply>("84000085", "84000061 0 8000", "SUCCESS id=0x8000"),
    row::<PartitionInfoGetRegsReply>(
        "c400008b",
        "c4000061 0 18000700010001 10700018001 0 0 10700018002 51475e82d776cdbd ac4349f8d4863b96",
        "SUCCESS indices=0..=1 last=1 tag=0x7 ids=0x8001,0x8002",
    ),
    row::<Empty>("84000087 6100000", OK, "SUCCESS"),
    row::<Empty>("c4000087 806100000", OK, "SUCCESS"),
    row::<RunReply>("84000062 80010001 20", "8400006b", "FFA_MSG_WAIT"),
    row::<RunReply>("c4000062 80010001 20", "c400006b", "FFA_MSG_WAIT_64"),
    row::<WaitReply>("8400006b", "8400006d 80010000", "FFA_RUN target=0x8001 vcpu=0"),
    row::<WaitReply>("8400006b", "84000062 0 20", "FFA_INTERRUPT interrupt=32"),
    row::<WaitReply>("c400006b", "c400006d 80010000", "FFA_RUN_64 target=0x8001 vcpu=0"),
    row::<YieldReply>("8400006c", "8400006d 80010000", "FFA_RUN target=0x8001 vcpu=0"),
    row::<YieldReply>("c400006c", "c400006d 80010000", "FFA_RUN_64 target=0x8001 vcpu=0"),
    row::<RunReply>("8400006d 80010000", "8400006b", "FFA_MSG_WAIT"),
    row::<RunReply>("8400006d 80010000", "84000070 80010001 0 0 1", RESPONSE),
    row::<RunReply>(
        "c400006d 80010000",
        "c400006c 80010000 3e8",
        "FFA_YIELD_64 target=0x8001 vcpu=0 timeout=1000ns",
    ),
    row::<WaitReply>("8400007c", "8400006d 80010000", "FFA_RUN target=0x8001 vcpu=0"),
    row::<WaitReply>("c400007c", "c400006d 80010000", "FFA_RUN_64 target=0x8001 vcpu=0"),
    row::<Empty>("8400008c", OK, "SUCCESS"),
    error("84000090 0 5", "84000060 0 ffffffff", "ERROR NOT_SUPPORTED"),
    error("c4000090 0 5", "84000061", "unexpected reply FFA_SUCCESS_32"),
    row::<NonSecureResourceInfoGetReply>(
        "c400008f 8002 1",
        "c4000061 0 100000000230",
        "SUCCESS written=4096 remaining=560",
    ),
    row::<ConsoleLogReply>("8400008a 5 6c6c6568 6f", OK, "SUCCESS"),
    row::<ConsoleLogReply>(
        "c400008a 9 6f77206f6c6c6568 72",
        "84000060 0 fffffff9 5",
        "ERROR RETRY taken=5",
    ),
    // Messages.
    row::<MessageSend>(
        "8400006a",
        "8400006e 18001 0 40",
        "FFA_MSG_SEND sender=0x0001 receiver=0x8001 length=64 attributes=0x0",
    ),
    error("8400006a", "84000060 0 fffffff9", "ERROR RETRY"),
    row::<Empty>("8400006e 18001 0 40", OK, "SUCCESS"),
    error("84000086", "84000060 0 fffffffc", "ERROR BUSY"),
    row::<Empty>("84000086", OK, "SUCCESS"),
    row::<DirectRequestReply>(
        "c400006f 18001 0 1",
        "c4000070 80010001 0 ffffffffffffffff",
        "FFA_MSG_SEND_DIRECT_RESP_64 sender=0x8001 receiver=0x0001 payload=[0xffffffffffffffff]",
    ),
    row::<WaitReply>(
        "84000070 80010001",
        "8400006f 18001 0 7",
        "FFA_MSG_SEND_DIRECT_REQ_32 sender=0x0001 receiver=0x8001 payload=[0x7]",
    ),
    row::<WaitReply>(
        "c4000070 80010001",
        "c400006f 18001 0 7",
        "FFA_MSG_SEND_DIRECT_REQ_64 sender=0x0001 receiver=0x8001 payload=[0x7]",
    ),
    row::<DirectRequest2Reply>(
        "c400008d 18001",
        "c400008e 80010001 0 0 1 0 0 0 0 0 0 0 0 0 0 0 0 e",
        "FFA_MSG_SEND_DIRECT_RESP2 sender=0x8001 receiver=0x0001 \
         payload=[0x1 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0xe]",
    ),
    row::<WaitReply>(
        "c400008e 80010001",
        "c400008d 18001 51475e82d776cdbd ac4349f8d4863b96 1",
        "FFA_MSG_SEND_DIRECT_REQ2 sender=0x0001 receiver=0x8001 \
         uuid=bdcd76d7-825e-4751-963b-86d4f84943ac payload=[0x1]",
    ),
    // Memory management.
    row::<MemSendReply>("84000071 60 60", "84000061 0 4", "SUCCESS handle=0x0000000000000004"),
    row::<MemSendReply>(
        "c4000071 60 60",
        "84000078 4",
        "FFA_MEM_OP_PAUSE handle=0x0000000000000004",
    ),
    row::<MemSendReply>(
        "84000072 2000 1000",
        "8400007a 4 0 1000",
        "FFA_MEM_FRAG_RX handle=0x0000000000000004 offset=4096",
    ),
    row::<MemSendReply>("c4000072 60 60", "84000061", "SUCCESS handle=0x0000000000000000"),
    error("84000073 60 60", "84000060 0 fffffffd", "ERROR NO_MEMORY"),
    row::<MemRetrieveReply>(
        "84000074 40 40",
        "84000075 2000 1000",
        "FFA_MEM_RETRIEVE_RESP total=8192 fragment=4096",
    ),
    row::<MemRetrieveReply>(
        "c4000074 50 50",
        "84000075 60 60",
        "FFA_MEM_RETRIEVE_RESP total=96 fragment=96",
    ),
    row::<MemFragRx>(
        "84000075 2000 1000",
        "8400007a 4 0 1000",
        "FFA_MEM_FRAG_RX handle=0x0000000000000004 offset=4096",
    ),
    row::<MemReleaseReply>("84000076", OK, "SUCCESS"),
    row::<MemOpResume>("84000078 4", "84000079 4", "FFA_MEM_OP_RESUME handle=0x0000000000000004"),
    row::<MemOpResumeReply>("84000079 4", "84000061 0 4", "SUCCESS handle=0x0000000000000004"),
    row::<MemFragTx>(
        "8400007a 4 0 1000",
        "8400007b 4 0 1000",
        "FFA_MEM_FRAG_TX handle=0x0000000000000004 length=4096",
    ),
    row::<MemFragTxReply>("8400007b 4 0 1000", "84000061 0 4", "SUCCESS handle=0x0000000000000004"),
    row::<MemPermGetReply>("84000088 7000", "84000061 0 5", "SUCCESS permissions=rw- pages=1"),
    row::<MemPermGetReply>("c4000088 7000 3", "84000061 0 3 2", "SUCCESS permissions=r-x pages=3"),
    row::<Empty>("84000089 7000 2 7", OK, "SUCCESS"),
    error("c4000089 7000 2 7", "84000060 0 fffffffa", "ERROR DENIED"),
    // Notifications.
    row::<Empty>("8400007d 3 8", OK, "SUCCESS"),
    row::<Empty>("8400007e 3", OK, "SUCCESS"),
    row::<Empty>("84000080 80010003 0 1", OK, "SUCCESS"),
    // VM 3 with vCPUs 0 and 2, VM 4 with global ones, and more to come: two ids a register, then four.
    row::<NotificationInfoGetReply>(
        "84000083",
        "84000061 0 2101 3 40002",
        "SUCCESS pending: 0x0003/0,2 0x0004 and more",
    ),
    row::<NotificationInfoGetReply>(
        "c4000083",
        "c4000061 0 2101 4000200000003",
        "SUCCESS pending: 0x0003/0,2 0x0004 and more",
    ),
    error("c4000083", "84000060 0 fffffff7", "ERROR NO_DATA"),
];

/// Calls of these ids have no type, and so no reply.
const UNTYPED: [&str; 4] = [
    "FFA_NOTIFICATION_BIND2",
    "FFA_NOTIFICATION_UNBIND2",
    "FFA_NOTIFICATION_SET2",
    "FFA_NOTIFICATION_GET2",
];

/// The version that the row is of: the last that has the call, and 1.2 where there are several, save
/// for what is asked about further pages.
fn latest(text: &str) -> Version {
    let id = FunctionId::from_bits(regs(text).w(0)).unwrap();
    if id == FunctionId::MEM_PERM_GET_64 {
        return Version::V1_3;
    }
    let last = id.function().unwrap().last;
    last.unwrap_or(if id.exists_in(Version::V1_2) { Version::V1_2 } else { Version::V1_3 })
}

#[test]
fn each_answer_reads_as_it_should() {
    for Row { call, reply, shown, .. } in ROWS {
        let decoded = Call::decode(&regs(call), latest(call)).unwrap();
        assert_eq!(
            decoded.display_reply(&regs(reply), latest(call)).to_string(),
            *shown,
            "{call} -> {reply}"
        );
    }
}

#[test]
fn each_answer_writes_its_registers_and_leaves_those_that_are_not_its() {
    for Row { call, reply, written, .. } in ROWS {
        let Some(written) = written else { continue };
        let (expected, written) = (regs(reply), written(&regs(reply), latest(call)));
        assert_eq!(written.0[..8], expected.0[..8], "{call} -> {reply}");
        let is_extended = reply.split_whitespace().count() > 8
            || ["c400008b", "c400008d", "c400008e"].iter().any(|id| call.starts_with(id))
                && !reply.starts_with("84");
        let rest = if is_extended { expected } else { Regs([BEFORE; Regs::COUNT]) };
        assert_eq!(written.0[8..], rest.0[8..], "{call} -> {reply}");
    }
}

#[test]
fn each_id_has_an_answer_or_no_type() {
    let mut ids: BTreeSet<&str> = ROWS.iter().map(|row| name(row.call)).collect();
    assert!(UNTYPED.iter().all(|name| ids.insert(name)));
    let all: BTreeSet<&str> = FUNCTIONS.iter().map(|function| function.name).collect();
    assert_eq!(ids, all);
}
