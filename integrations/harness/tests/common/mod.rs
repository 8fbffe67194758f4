//! What several test files use.
#![allow(dead_code, reason = "each test file uses some of it")]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use ffa_abi::{IdGet, PartitionInfoGetRegs, PartitionProperties, Uuid, Version, VmId};
use ffa_core::VmConfig;
use ffa_harness::Machine;

/// Lets VM `id` negotiate and join.
pub(crate) fn join(machine: &Machine, id: u16, version: Version) {
    machine.create(id).unwrap();
    machine.vm(id).speaks(version);
    let _id = machine.vm(id).calls(IdGet).reply();
}

/// The tag of the list that VM `id` sees: one more for each change.
pub(crate) fn tag(machine: &Machine, id: u16) -> u16 {
    let request = PartitionInfoGetRegs { uuid: Uuid::NIL, start: 0, tag: 0 };
    machine.vm(id).calls(request).reply().tag()
}

/// Tells other threads to stop, also where this one panics.
pub(crate) struct StopOnDrop<'a>(pub(crate) &'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// The UUID of VMs that have one.
pub(crate) const MINE: Uuid = Uuid(*b"a VM's own UUID.");

/// A VM with as many vCPUs as its id says, and no UUID.
pub(crate) fn config(id: u16) -> VmConfig {
    let properties = PartitionProperties::empty();
    VmConfig { id: VmId::new(id).unwrap(), vcpus: id, properties, uuid: Uuid::NIL }
}
