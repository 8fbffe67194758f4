//! Direct requests and indirect messages: what is in registers and buffers.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test that fails panics"
)]

mod common;

use common::{ABLE, HYPERVISOR, PAGE, PLAIN, RAM, Rig, VM};
use ffa_abi::{
    CallError, DIRECT2_REGISTERS, DirectMessage, DirectPayload, DirectRequest, DirectRequest2,
    DirectRequest2Reply, DirectRequestReply, EndpointId, FeatureQuery, Features, GetVersion,
    Message, MessageHeader, MessageSend2, MessageWait, NotificationGet, NotificationGetFlags, Regs,
    ReplyError, Request, Run, RunReply, RxAcquire, RxRelease, Status, Target, Uuid, Version, Width,
};
use ffa_spmc_model::{
    Answer, Character, Command, Context, Misbehaviour, Reluctance, Told, digest, pattern,
};

const WORDS: DirectPayload = DirectPayload::Words([1, 2, 3, 4, u32::MAX]);
const WIDE: DirectPayload = DirectPayload::DoubleWords([1, 2, 3, 4, u64::MAX]);

/// The VM's buffers.
const VM_TX: u64 = RAM + 4 * PAGE;
const VM_RX: u64 = RAM + 6 * PAGE;

fn request(message: DirectMessage) -> DirectRequest {
    DirectRequest { sender: VM, receiver: ABLE, message }
}

fn run(vcpu: u16) -> Run {
    Run { width: Width::Bits32, target: Target { endpoint: ABLE, vcpu } }
}

#[test]
fn a_message_that_is_no_command_comes_back_in_its_form() {
    let mut rig = Rig::new(Character::SPECIFIED);
    for payload in [WORDS, WIDE] {
        let message = DirectMessage::Partition(payload);
        let reply = rig.succeeds(&request(message));
        let DirectRequestReply::Response(response) = reply else { panic!("{reply}") };
        assert_eq!(response.message, message);
    }
    let payload = std::array::from_fn(|index| !(index as u64));
    let request = DirectRequest2 { sender: VM, receiver: ABLE, uuid: Uuid::NIL, payload };
    let reply = rig.succeeds(&request);
    let DirectRequest2Reply::Response(response) = reply else { panic!("{reply}") };
    assert_eq!(response.payload, payload);
}

#[test]
fn registers_above_x7_are_the_callers_unless_the_answer_has_them() {
    let mut rig = Rig::new(Character::SPECIFIED);
    let mut regs = request(DirectMessage::Partition(WIDE)).encode();
    (8..Regs::COUNT).for_each(|index| regs.set(index, 0x100 + index as u64));
    let reply = rig.raw(&regs);
    assert_eq!(reply.0[8..], regs.0[8..]);
}

#[test]
fn a_partition_yields_and_is_interrupted_as_often_as_it_is_told() {
    for (command, function) in
        [(Command::Yield { times: 3 }, 0x8400_006c), (Command::Interrupt { times: 3 }, 0x8400_0062)]
    {
        let mut rig = Rig::new(Character::HAFNIUM);
        rig.cpu = 2;
        let request = request(command.to_message());
        let mut reply = rig.raw(&request.encode());
        for _ in 0..3 {
            // It names the partition and the context of this CPU.
            assert_eq!((reply.w(0), reply.w(1)), (function, 0x8001_0002));
            assert_ne!(rig.spmc.partitions()[0].contexts()[2], Context::Waiting);
            reply = rig.raw(&run(2).encode());
        }
        let reply = request.reply(&reply, Version::V1_2).unwrap();
        let DirectRequestReply::Response(response) = reply else { panic!("{reply}") };
        assert_eq!(response.message, command.to_message());
        assert_eq!(rig.succeeds(&run(2)), waits());
    }
}

fn waits() -> RunReply {
    RunReply::MessageWait(MessageWait { width: Width::Bits32, keeps_rx: false })
}

#[test]
fn a_partition_that_yields_for_ever_never_answers() {
    let mut rig = Rig::new(Character::SPECIFIED);
    let command = Command::Yield { times: Reluctance::FOREVER };
    rig.raw(&request(command.to_message()).encode());
    for _ in 0..1000 {
        assert!(matches!(rig.succeeds(&run(0)), RunReply::Yield(_)));
    }
}

/// An interrupt of the normal world's takes the CPU, at the start and whenever it is run, and nothing
/// of what the partition was to do is lost.
#[test]
fn a_pending_interrupt_comes_first() {
    let mut rig = Rig::new(Character::SPECIFIED);
    rig.machine.is_interrupted.set(true);
    let request = request(Command::Yield { times: 1 }.to_message());
    assert!(matches!(rig.succeeds(&request), DirectRequestReply::Interrupt(_)));
    assert!(matches!(rig.succeeds(&run(0)), RunReply::Interrupt(_)));
    rig.machine.is_interrupted.set(false);
    assert!(matches!(rig.succeeds(&run(0)), RunReply::Yield(_)));
    assert!(matches!(rig.succeeds(&run(0)), RunReply::DirectResponse(_)));
}

/// Contexts belong to CPUs, save the only one.
#[test]
fn each_cpu_has_a_context_of_its_own() {
    let mut rig = Rig::new(Character::SPECIFIED);
    let yields = Command::Yield { times: 1 }.to_message();
    for cpu in 0..4 {
        rig.cpu = cpu;
        assert!(matches!(rig.succeeds(&request(yields)), DirectRequestReply::Yield(_)));
    }
    rig.cpu = 4;
    rig.fails(&request(yields), Status::INVALID_PARAMETERS);
    let plain = DirectRequest { receiver: PLAIN, ..request(yields) };
    assert!(matches!(rig.succeeds(&plain), DirectRequestReply::Yield(_)));
    rig.cpu = 1;
    rig.fails(&plain, Status::BUSY);
    rig.fails(&run(0), Status::INVALID_PARAMETERS);
    assert!(matches!(rig.succeeds(&run(1)), RunReply::DirectResponse(_)));
}

#[test]
fn a_partition_fails_with_whatever_code() {
    let mut rig = Rig::new(Character::SPECIFIED);
    for status in [Status::RETRY, Status::ABORTED, Status(-1000)] {
        rig.fails(&request(Command::Fail { status }.to_message()), status);
    }
}

/// The reader of a reply, and who compares it with the request, find each fault that registers show.
#[test]
fn misbehaviour_is_no_answer() {
    for how in Misbehaviour::ALL {
        let mut rig = Rig::new(Character::SPECIFIED);
        let honest = rig.raw(&request(DirectMessage::Partition(WORDS)).encode());
        let request = request(Command::Misbehave(how).to_message());
        let regs = rig.raw(&request.encode());
        assert_ne!(regs.0[..3], honest.0[..3], "{how:?}");
        let is_noticed = match request.reply(&regs, Version::V1_2) {
            Err(CallError::Reply(
                ReplyError::UnexpectedFunction(_) | ReplyError::OutOfRange(_),
            )) => true,
            Ok(DirectRequestReply::Interrupt(interrupt)) => interrupt.target.endpoint != ABLE,
            Ok(DirectRequestReply::Yield(yields)) => yields.target.endpoint != ABLE,
            Ok(DirectRequestReply::Success) => true,
            // What is beside the reply is nobody's.
            Ok(DirectRequestReply::Response(_)) => {
                how == Misbehaviour::Garbage && regs.x(1) >> 32 != 0 && regs.x(17) != 0
            }
            Err(CallError::Status(_)) => false,
        };
        assert!(is_noticed, "{how:?}: {regs:?}");
        assert_eq!(rig.succeeds(&run(0)), waits(), "it has nothing more to do");
    }
}

/// Commands go through REQ2 as well.
#[test]
fn a_command_goes_by_either_kind_of_request() {
    let mut rig = Rig::new(Character::SPECIFIED);
    let command = Command::ReadMessage;
    let payload = command.to_payload2();
    let request = DirectRequest2 { sender: VM, receiver: ABLE, uuid: common::uuid(ABLE), payload };
    let reply = rig.succeeds(&request);
    let DirectRequest2Reply::Response(response) = reply else { panic!("{reply}") };
    let words = std::array::from_fn(|index| response.payload[index] as u32);
    let expected = Answer { status: Err(Status::NO_DATA), results: [0; 3] };
    assert_eq!(Answer::decode(&command, words), Some(expected));
    assert_eq!(response.payload[5..], [0; DIRECT2_REGISTERS - 5]);
    assert_eq!(rig.command(ABLE, &command), expected);
}

fn with_vm_buffers(character: Character) -> Rig {
    let mut rig = Rig::new(character);
    rig.maps();
    rig.maps_for(VM, VM_TX, VM_RX);
    rig
}

fn put(rig: &Rig, sender: EndpointId, receiver: EndpointId, payload: &[u8], version: Version) {
    let header = MessageHeader { sender, receiver, uuid: Uuid::NIL };
    let mut bytes = [0; 0x1000];
    Message { header, payload }.write(&mut bytes, version).unwrap();
    ffa_spmc_model::World::write(&rig.machine, VM_TX, &bytes).unwrap();
}

const SEND: MessageSend2 = MessageSend2 { sender: VM, delays_schedule_receiver_interrupt: false };

#[test]
fn a_vm_sends_to_a_partition() {
    let mut rig = with_vm_buffers(Character::HAFNIUM);
    let payload: Vec<u8> = pattern(7).take(4056).collect();
    put(&rig, VM, ABLE, &payload, Version::V1_2);
    rig.succeeds(&SEND);
    assert_eq!(rig.interrupts(), 1);
    rig.fails(&SEND, Status::BUSY);
    let told = Told::from(rig.command(ABLE, &Command::ReadMessage));
    assert_eq!(told, Told { sender: VM, size: 4056, digest: digest(&payload) });
    // Who is run for nothing in particular gives its buffer back.
    rig.succeeds(&SEND);
    rig.succeeds(&run(0));
    rig.succeeds(&SEND);
}

#[test]
fn a_message_that_lies_about_itself_is_refused() {
    let mut rig = with_vm_buffers(Character::SPECIFIED);
    for (sender, receiver, status) in [
        (EndpointId(2), ABLE, Status::INVALID_PARAMETERS),
        (VM, VM, Status::INVALID_PARAMETERS),
        (VM, EndpointId(0x8009), Status::INVALID_PARAMETERS),
        (VM, PLAIN, Status::DENIED),
    ] {
        put(&rig, sender, receiver, b"message", Version::V1_2);
        rig.fails(&SEND, status);
    }
    assert_eq!((rig.interrupts(), rig.spmc.partitions()[0].inbox().message), (0, None));
}

/// A delay is for partitions to ask for.
#[test]
fn a_vm_cannot_delay_the_interrupt() {
    let mut rig = with_vm_buffers(Character::SPECIFIED);
    put(&rig, VM, ABLE, b"message", Version::V1_2);
    let delayed = MessageSend2 { delays_schedule_receiver_interrupt: true, ..SEND };
    rig.fails(&delayed, Status::INVALID_PARAMETERS);
    rig.succeeds(&SEND);
}

/// A partition's RX has one page, whatever TX has.
#[test]
fn a_message_that_does_not_fit_is_refused() {
    let mut rig = Rig::new(Character::SPECIFIED);
    rig.maps();
    rig.describe(VM, &[VM_TX, VM_TX + PAGE], &[VM_RX, VM_RX + PAGE]);
    rig.succeeds(&ffa_abi::RxtxMap::FOR_A_VM);
    for (size, fits) in [(4057, false), (4056, true)] {
        let header = MessageHeader { sender: VM, receiver: ABLE, uuid: Uuid::NIL };
        let mut bytes = [0; 0x2000];
        Message { header, payload: &[1; 4057][..size] }.write(&mut bytes, Version::V1_2).unwrap();
        ffa_spmc_model::World::write(&rig.machine, VM_TX, &bytes).unwrap();
        if fits {
            rig.succeeds(&SEND);
        } else {
            rig.fails(&SEND, Status::NO_MEMORY);
        }
    }
}

/// TX and RX are of one size; what is refused or unmapped takes no place.
#[test]
fn buffers_of_a_vm_come_and_go() {
    let mut rig = Rig::new(Character::SPECIFIED);
    rig.maps();
    rig.describe(VM, &[VM_TX, VM_TX + PAGE], &[VM_RX]);
    rig.fails(&ffa_abi::RxtxMap::FOR_A_VM, Status::INVALID_PARAMETERS);
    assert!(rig.spmc.vm(VM).is_none());
    rig.maps_for(VM, VM_TX, VM_RX);
    assert!(rig.spmc.vm(VM).is_some());
    rig.succeeds(&ffa_abi::RxtxUnmap { endpoint: VM });
    assert!(rig.spmc.vm(VM).is_none());
}

#[test]
fn the_header_of_a_message_is_that_of_the_version() {
    for version in [Version::V1_1, Version::V1_2] {
        let mut rig = Rig::silent(Character::HAFNIUM);
        rig.succeeds(&GetVersion::new(version));
        rig.maps();
        rig.maps_for(VM, VM_TX, VM_RX);
        put(&rig, VM, ABLE, b"message", version);
        rig.succeeds(&SEND);
        let told = Told::from(rig.command(ABLE, &Command::ReadMessage));
        assert_eq!((told.size, told.digest), (7, digest(b"message")), "{version}");

        let command =
            Command::SendMessage { receiver: VM, delays_interrupt: false, size: 300, first: 250 };
        assert_eq!(rig.command(ABLE, &command).status, Ok(()));
        let bytes: [u8; 0x1000] = rig.bytes(VM_RX);
        let message = Message::parse(&bytes, version).unwrap();
        assert_eq!((message.header.sender, message.header.receiver), (ABLE, VM));
        assert!(message.payload.iter().copied().eq(pattern(250).take(300)), "{version}");
    }
}

/// RX is full, then told of, then released; only then another message fits.
#[test]
fn a_partition_sends_to_a_vm() {
    let mut rig = with_vm_buffers(Character::HAFNIUM);
    let send =
        |size| Command::SendMessage { receiver: VM, delays_interrupt: false, size, first: 1 };
    assert_eq!(rig.command(ABLE, &send(100)).status, Ok(()));
    assert_eq!(rig.interrupts(), 1);
    assert_eq!(rig.command(ABLE, &send(100)).status, Err(Status::BUSY));
    rig.fails(&RxAcquire { endpoint: VM }, Status::DENIED);
    rig.fails(&RxRelease { endpoint: VM }, Status::DENIED);
    let flags = NotificationGetFlags::SPM_FRAMEWORK;
    let taken = rig.succeeds(&NotificationGet { receiver: VM, vcpu: 0, flags });
    assert_eq!(taken.spm.bits(), 1);
    rig.succeeds(&RxRelease { endpoint: VM });
    // While the hypervisor has it, it is not the SPMC's.
    rig.succeeds(&RxAcquire { endpoint: VM });
    assert_eq!(rig.command(ABLE, &send(100)).status, Err(Status::BUSY));
    rig.succeeds(&RxRelease { endpoint: VM });
    assert_eq!(rig.command(ABLE, &send(4056)).status, Ok(()));
}

#[test]
fn a_partition_that_cannot_send_says_why() {
    let mut rig = with_vm_buffers(Character::SPECIFIED);
    let mut send = |receiver, size| {
        let command = Command::SendMessage { receiver, delays_interrupt: false, size, first: 1 };
        rig.command(ABLE, &command).status
    };
    assert_eq!(send(EndpointId(2), 1), Err(Status::INVALID_PARAMETERS));
    assert_eq!(send(HYPERVISOR, 1), Err(Status::INVALID_PARAMETERS));
    assert_eq!(send(VM, 0), Err(Status::INVALID_PARAMETERS));
    assert_eq!(send(VM, 4057), Err(Status::NO_MEMORY));
    assert_eq!(send(VM, u32::MAX), Err(Status::NO_MEMORY));
    assert_eq!(rig.interrupts(), 0);
}

/// A payload in several pages that do not lie together, both ways.
#[test]
fn buffers_in_pieces_are_one_buffer() {
    let mut rig = Rig::new(Character::SPECIFIED);
    rig.maps();
    let (tx, rx) = ([VM_TX, VM_TX + 0x8000], [VM_RX + 0x9000, VM_RX]);
    rig.describe(VM, &tx, &rx);
    rig.succeeds(&ffa_abi::RxtxMap::FOR_A_VM);
    let command =
        Command::SendMessage { receiver: VM, delays_interrupt: false, size: 8000, first: 0 };
    assert_eq!(rig.command(ABLE, &command).status, Ok(()));
    let pieces: [[u8; 0x1000]; 2] = rx.map(|page| rig.bytes(page));
    let message = Message::parse(pieces.as_flattened(), Version::V1_2).unwrap();
    assert!(message.payload.iter().copied().eq(pattern(0).take(8000)));
}

/// Whoever looks at the first range only has a buffer that is shorter than what it was told.
#[test]
fn hafnium_takes_the_first_range() {
    let mut rig = Rig::new(Character::HAFNIUM);
    rig.maps();
    rig.describe(VM, &[VM_TX, VM_TX + 0x8000], &[VM_RX, VM_RX + 0x8000]);
    rig.succeeds(&ffa_abi::RxtxMap::FOR_A_VM);
    let mailbox = rig.spmc.vm(VM).unwrap().mailbox().unwrap();
    assert_eq!((mailbox.tx.size(), mailbox.rx.size()), (PAGE, PAGE));
}

#[test]
fn a_feature_id_that_is_not_known_is_denied() {
    for character in Character::ALL {
        let mut rig = Rig::new(character);
        let query = FeatureQuery::ForeignFunction(0xbf00_ff01);
        rig.fails(&Features { query, properties: 0 }, Status::NOT_SUPPORTED);
    }
}
