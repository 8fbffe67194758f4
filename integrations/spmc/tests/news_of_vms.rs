//! VMs are created and destroyed: who is told, and who takes it badly.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test that fails panics"
)]

mod common;

use common::{ABLE, HYPERVISOR, PLAIN, Rig, VM};
use ffa_abi::{
    DirectMessage, DirectPayload, DirectRequest, DirectRequestReply, EndpointId, FrameworkContent,
    NotificationBitmapCreate, Run, RunReply, Status, Target, VmAvailability, Width,
};
use ffa_spmc_model::{Character, Command, Delay, Reluctance, Vm, VmEvent};

const SPMC: EndpointId = EndpointId(0x8000);

fn news(event: VmEvent, receiver: EndpointId, vm: EndpointId) -> DirectRequest {
    let about = VmAvailability { handle: 0, vm };
    let content = match event {
        VmEvent::Created => FrameworkContent::VmCreated(about),
        VmEvent::Destroyed => FrameworkContent::VmDestroyed(about),
    };
    DirectRequest { sender: HYPERVISOR, receiver, message: DirectMessage::from(content) }
}

fn created(receiver: EndpointId, vm: EndpointId) -> DirectRequest {
    news(VmEvent::Created, receiver, vm)
}

#[track_caller]
fn acknowledgement(message: DirectMessage) -> Result<(), Status> {
    match message.framework() {
        Some(FrameworkContent::VmCreatedResponse(result)) => result,
        Some(FrameworkContent::VmDestroyedResponse(result)) => result,
        _ => panic!("{message}"),
    }
}

/// What a partition answers at once.
#[track_caller]
fn hears(rig: &mut Rig, request: &DirectRequest) -> Result<(), Status> {
    match rig.succeeds(request) {
        DirectRequestReply::Response(response) => acknowledgement(response.message),
        reply => panic!("{reply}"),
    }
}

fn delays(rig: &mut Rig, event: VmEvent, how: Delay, times: u32) {
    // By a VM that a strict SPMC knows.
    hears(rig, &created(PLAIN, VM)).ok();
    let command = Command::Delay { event, reluctance: Reluctance::new(how, times) };
    assert_eq!(rig.command(ABLE, &command).status, Ok(()));
}

#[test]
fn a_subscriber_answers_both() {
    let mut rig = Rig::new(Character::SPECIFIED);
    for event in [VmEvent::Created, VmEvent::Destroyed] {
        assert_eq!(hears(&mut rig, &news(event, ABLE, VM)), Ok(()));
        rig.fails(&news(event, PLAIN, VM), Status::INVALID_PARAMETERS);
    }
}

#[test]
fn a_reluctant_partition_answers_otherwise_as_often_as_it_was_told() {
    for status in [Status::RETRY, Status::INTERRUPTED, Status::DENIED] {
        let mut rig = Rig::new(Character::SPECIFIED);
        let command = Command::Delay {
            event: VmEvent::Destroyed,
            reluctance: Reluctance::new(Delay::Answer(status), 3),
        };
        assert_eq!(rig.command(ABLE, &command).status, Ok(()));
        let request = news(VmEvent::Destroyed, ABLE, VM);
        for _ in 0..3 {
            assert_eq!(hears(&mut rig, &request), Err(status));
        }
        assert_eq!(hears(&mut rig, &request), Ok(()));
        assert_eq!(hears(&mut rig, &created(ABLE, VM)), Ok(()));
    }
}

#[test]
fn a_reluctant_partition_gives_the_cpu_back_as_often_as_it_was_told() {
    for how in [Delay::Interrupt, Delay::Yield] {
        let mut rig = Rig::new(Character::OPTEE);
        delays(&mut rig, VmEvent::Created, how, 2);
        let vm = EndpointId(2);
        let run = Run { width: Width::Bits32, target: Target { endpoint: ABLE, vcpu: 0 } };
        let first = rig.succeeds(&created(ABLE, vm));
        assert_eq!(matches!(first, DirectRequestReply::Yield(_)), how == Delay::Yield);
        assert!(!rig.spmc.vm(vm).is_some_and(Vm::is_announced));
        let second = rig.succeeds(&run);
        assert_eq!(matches!(second, RunReply::Interrupt(_)), how == Delay::Interrupt);
        let RunReply::DirectResponse(response) = rig.succeeds(&run) else { panic!("no answer") };
        assert_eq!(acknowledgement(response.message), Ok(()));
        assert!(rig.spmc.vm(vm).unwrap().is_announced());
        assert_eq!(hears(&mut rig, &created(ABLE, EndpointId(3))), Ok(()), "it was told so once");
    }
}

#[test]
fn for_ever_is_for_ever() {
    let mut rig = Rig::new(Character::SPECIFIED);
    let reluctance = Reluctance::new(Delay::Answer(Status::RETRY), Reluctance::FOREVER);
    rig.command(ABLE, &Command::Delay { event: VmEvent::Destroyed, reluctance });
    let request = news(VmEvent::Destroyed, ABLE, VM);
    (0..1000).for_each(|_| assert_eq!(hears(&mut rig, &request), Err(Status::RETRY)));
    assert_eq!(rig.spmc.partitions()[0].behaviour().destroyed, reluctance);
}

/// OP-TEE takes the news itself, by its own id and by a partition's.
#[test]
fn optee_works_for_vms_that_it_was_told_of() {
    for receiver in [SPMC, ABLE, PLAIN] {
        let mut rig = Rig::new(Character::OPTEE);
        let bitmap = NotificationBitmapCreate { endpoint: VM, vcpus: 1 };
        let words = DirectPayload::Words([1, 2, 3, 4, 5]);
        let message = DirectMessage::Partition(words);
        let request = DirectRequest { sender: VM, receiver: ABLE, message };

        rig.fails(&bitmap, Status::INVALID_PARAMETERS);
        assert_eq!(first_word(&mut rig, &request), 0xffff_0008);
        assert_eq!(hears(&mut rig, &created(receiver, VM)), Ok(()));
        assert_eq!(first_word(&mut rig, &request), 1);
        rig.succeeds(&bitmap);

        let again = Err(Status::INVALID_PARAMETERS);
        assert_eq!(hears(&mut rig, &created(receiver, VM)), again);
        assert_eq!(hears(&mut rig, &created(receiver, HYPERVISOR)), again);
        assert_eq!(hears(&mut rig, &created(receiver, ABLE)), again);

        let destroyed = news(VmEvent::Destroyed, receiver, VM);
        assert_eq!(hears(&mut rig, &destroyed), Ok(()));
        assert!(rig.spmc.vm(VM).is_none(), "its bitmap is gone, too");
        assert_eq!(hears(&mut rig, &destroyed), Ok(()), "one that is not known is no error");
        assert_eq!(first_word(&mut rig, &request), 0xffff_0008);
    }
}

fn first_word(rig: &mut Rig, request: &DirectRequest) -> u32 {
    let reply = rig.succeeds(request);
    let DirectRequestReply::Response(response) = reply else { panic!("{reply}") };
    response.message.payload().word(0)
}

#[test]
fn optee_has_no_place_for_a_vm_too_many() {
    let mut rig = Rig::new(Character::OPTEE);
    (1..=3).for_each(|id| assert_eq!(hears(&mut rig, &created(SPMC, EndpointId(id))), Ok(())));
    assert_eq!(hears(&mut rig, &created(SPMC, EndpointId(4))), Err(Status::DENIED));
}

/// TF-A's has the message sent back: it is no acknowledgement.
#[test]
fn el3_takes_the_news_for_a_message() {
    let mut rig = Rig::new(Character::EL3);
    let request = created(ABLE, VM);
    let reply = rig.raw(&ffa_abi::Request::encode(&request));
    assert_eq!((reply.w(0), reply.w(2), reply.w(5)), (0x8400_0070, 0x8000_0004, 1));
}
