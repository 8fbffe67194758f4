//! The model SPMC in the harness: it sees the memory and the interrupts of this machine, and the
//! mediator works with each character.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod common;

use common::join;
use ffa_abi::{
    CallError, DirectRequest, DirectRequestReply, EndpointId, GetVersion, MemoryRange, Message,
    NewEndpointRxTx, PartitionInfo, PartitionProperties, Request, RxtxMap, Uuid, Version, VmId,
};
use ffa_core::Host;
use ffa_harness::{
    Hypervisor, PAGE, Physical, RAM_BASE, Ram, Setup, SpmcSetup, Watch, secure_partition,
};
use ffa_spmc_model::{Character, Command, pattern};

const VM: VmId = match VmId::new(1) {
    Some(vm) => vm,
    None => panic!("1 is the id of a VM"),
};
const SP: EndpointId = EndpointId(0x8001);

/// Whatever the SPMC is like, its partitions are found and its quirks are survived.
#[test]
fn each_character_is_worked_with() {
    for character in Character::ALL {
        let machine = Setup::default().with_spmc(SpmcSetup::with_partitions(7).like(character));
        let machine = machine.start();
        join(&machine, 1, Version::V1_2);
        machine.vm(1).maps(1);
        let seen = machine.vm(1).lists(Uuid::NIL, Version::V1_2).unwrap();
        let secure: Vec<u16> =
            seen.iter().map(|entry| entry.id).filter(|id| *id > 0x7fff).collect();
        assert_eq!(secure, (0x8001..0x8008).collect::<Vec<_>>(), "{}", character.name);
        assert!(!machine.host().spmc().unwrap().has_buffers(), "{}", character.name);
        assert!(machine.journal().violations().is_empty(), "{}", character.name);
    }
}

/// A hypervisor with an SPMC that has buffers of the hypervisor's, and one guest.
fn hypervisor() -> Hypervisor {
    let indirect = PartitionProperties::INDIRECT_MESSAGES;
    let info = secure_partition(0);
    let properties = info.properties() | indirect;
    let info = PartitionInfo::new(SP, 4, properties, info.uuid());
    let setup = SpmcSetup { partitions: vec![info], ..SpmcSetup::default() };
    let host = Hypervisor::new(Some(setup), Watch::Strict);
    host.give_ram(VM, Ram::new(4));
    calls(&host, &GetVersion::new(Version::V1_2)).unwrap();
    let buffers = host.spmc_buffers().unwrap();
    let map = RxtxMap::one_page(buffers.tx_address, buffers.rx_address);
    calls(&host, &map).unwrap();
    host
}

fn calls<R: Request>(host: &Hypervisor, request: &R) -> Result<R::Reply, CallError> {
    request.reply(&host.spmc_call(&request.encode()).unwrap(), Version::V1_2)
}

fn asks(host: &Hypervisor, command: &Command) -> DirectRequestReply {
    let request = DirectRequest { sender: VM.into(), receiver: SP, message: command.to_message() };
    calls(host, &request).unwrap()
}

/// A message of a partition arrives in the memory of the VM that it is for.
#[test]
fn the_spmc_writes_into_a_guest() {
    let host = hypervisor();
    let page = |page: u64| {
        let address = Physical::address(VM, RAM_BASE + page * PAGE as u64);
        MemoryRange::new(address, 1).unwrap()
    };
    let mut bytes = [0; 256];
    let buffers = NewEndpointRxTx { endpoint: VM.into(), rx: &[page(2)], tx: &[page(1)] };
    buffers.write(&mut bytes, Version::V1_2).unwrap();
    host.spmc().unwrap().ram().write(0, &bytes);
    calls(&host, &RxtxMap::FOR_A_VM).unwrap();

    let (receiver, delays_interrupt) = (VM.into(), false);
    asks(&host, &Command::SendMessage { receiver, delays_interrupt, size: 99, first: 3 });
    let rx = host.ram(VM).unwrap().copy(2 * PAGE, PAGE);
    let message = Message::parse(&rx, Version::V1_2).unwrap();
    assert_eq!((message.header.sender, message.header.receiver), (SP, VM.into()));
    assert!(message.payload.iter().copied().eq(pattern(3).take(99)));
    assert_eq!(host.spmc().unwrap().world().take_interrupts(), [0]);
}

/// Memory behind a guest's last page, or of a guest that there is not, is none.
#[test]
fn the_spmc_keeps_to_memory_that_there_is() {
    let host = hypervisor();
    let outside = [Physical::address(VM, RAM_BASE + 4 * PAGE as u64), 7 << 32 | RAM_BASE, 0];
    for address in outside {
        let range = MemoryRange::new(address, 1).unwrap();
        let inside = MemoryRange::new(Physical::address(VM, RAM_BASE), 1).unwrap();
        let mut bytes = [0; 256];
        let buffers = NewEndpointRxTx { endpoint: VM.into(), rx: &[range], tx: &[inside] };
        buffers.write(&mut bytes, Version::V1_2).unwrap();
        host.spmc().unwrap().ram().write(0, &bytes);
        let invalid = CallError::Status(ffa_abi::Status::INVALID_PARAMETERS);
        assert_eq!(calls(&host, &RxtxMap::FOR_A_VM), Err(invalid), "{address:#x}");
    }
}

#[test]
fn an_interrupt_of_this_machine_takes_the_cpu_from_a_partition() {
    let host = hypervisor();
    let world = host.spmc().unwrap().world();
    world.set_interrupt_pending(0, true);
    assert!(matches!(asks(&host, &Command::ReadMessage), DirectRequestReply::Interrupt(_)));
    world.set_interrupt_pending(0, false);
    let run = ffa_abi::Target { endpoint: SP, vcpu: 0 };
    let run = ffa_abi::Run { width: ffa_abi::Width::Bits32, target: run };
    assert!(matches!(calls(&host, &run), Ok(ffa_abi::RunReply::DirectResponse(_))));
}
