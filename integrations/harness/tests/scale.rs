//! As many VMs as there are ids.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails panics")]

use ffa_abi::{IdGet, PartitionProperties, Uuid, Version, VmId};
use ffa_core::{Policy, VmConfig};
use ffa_harness::{Machine, Setup};

const VMS: u16 = 0x7fff;

fn create(machine: &Machine, id: u16) {
    let properties = PartitionProperties::empty();
    let id = VmId::new(id).unwrap();
    let uuid = Uuid::from_words([id.get().into(), 1, 2, 3]);
    machine.mediator().create_vm(VmConfig { id, vcpus: 1, properties, uuid }).unwrap();
}

/// Every VM id there is: created, joined, counted and listed by registers from both ends of the ids,
/// then destroyed in another order, with nothing left.
#[test]
fn every_id_is_a_vm() {
    let machine = Setup::default().with_policy(Policy::allow_all()).start();
    let mut vcpu = machine.vcpu(0, 1, 0);
    for id in 1..=VMS {
        create(&machine, id);
        vcpu.run(id, 0);
        vcpu.version(Version::V1_2).unwrap();
        vcpu.call(&IdGet).unwrap();
        machine.mediator().reclaim(8);
    }
    for caller in [1, VMS] {
        vcpu.run(caller, 0);
        assert_eq!(vcpu.count(Uuid::NIL), Ok(VMS.into()));
        let listed = vcpu.registers(Uuid::NIL).unwrap();
        assert!(listed.iter().map(|entry| entry.id).eq(1..=VMS));
    }
    let most = machine.mediator().retired().peak_bytes;
    assert!(most < 64 << 10, "{most} bytes waited at once");
    // Odd ids first, so that every chunk shrinks and joins its neighbours.
    for id in (1..=VMS).step_by(2).chain((2..VMS).step_by(2)) {
        machine.destroy(id).unwrap();
        machine.mediator().reclaim(8);
        if id == VMS {
            vcpu.run(2, 0);
            let listed = vcpu.registers(Uuid::NIL).unwrap();
            assert!(listed.iter().map(|entry| entry.id).eq((2..VMS).step_by(2)));
        }
    }
    drop(vcpu);
    machine.drain();
    assert!(machine.mediator().is_gone(VmId::new(VMS).unwrap()));
}
