//! One call to the SPMC.

mod buffers;
mod direct;
mod discovery;
mod features;
mod framework;
mod message;
mod negotiation;
mod notifications;
mod perform;
mod run;
mod wrong;

use ffa_abi::{
    Call, DecodeError, Empty, EndpointId, EndpointIdReply, FunctionId, Regs, Reply, Status,
    Version, write_error,
};

use crate::character::Character;
use crate::partition::{Inbound, Partition};
use crate::spmc::State;
use crate::vm::Vm;
use crate::world::World;

/// An SPMC while it serves a call.
pub(crate) struct Service<'s> {
    pub(crate) character: &'s Character,
    pub(crate) world: &'s dyn World,
    pub(crate) cpu: usize,
    pub(crate) state: &'s mut State,
    pub(crate) partitions: &'s mut [Partition],
    pub(crate) vms: &'s mut [Vm],
    /// Whether a schedule receiver interrupt waits until the normal world runs again.
    pub(crate) owes_interrupt: bool,
}

impl Service<'_> {
    pub(crate) fn call(mut self, regs: &Regs) -> Regs {
        let mut reply = *regs;
        match FunctionId::from_bits(regs.w(0)) {
            // As the SMC calling convention answers what nobody serves.
            None => reply.set(0, u64::MAX),
            Some(function) => {
                if let Err(status) = self.serve(function, regs, &mut reply) {
                    write_error(&mut reply, status);
                }
            }
        }
        if self.owes_interrupt {
            self.world.raise_schedule_receiver_interrupt(self.cpu);
        }
        reply
    }

    fn serve(&mut self, function: FunctionId, regs: &Regs, reply: &mut Regs) -> Result<(), Status> {
        self.note_use(function)?;
        if !self.character.calls.contains(function) {
            return Err(Status::NOT_SUPPORTED);
        }
        let call = Call::decode(regs, self.version()).map_err(DecodeError::status)?;
        match call {
            Call::Version(call) => self.negotiate(call).write(reply),
            Call::Features(call) => self.features(call)?.write(reply),
            Call::IdGet(_) => EndpointIdReply { id: EndpointId::HYPERVISOR }.write(reply),
            Call::SpmIdGet(_) => self.spm_id()?.write(reply),
            Call::PartitionInfoGet(call) => self.list(call)?.write(reply),
            Call::PartitionInfoGetRegs(call) => self.list_in_registers(call, reply)?,
            Call::RxtxMap(call) => self.map(call)?.write(reply),
            Call::RxtxUnmap(call) => self.unmap(call)?.write(reply),
            Call::RxAcquire(call) => self.acquire(call)?.write(reply),
            Call::RxRelease(call) => self.release(call)?.write(reply),
            Call::DirectRequest(call) => self.accept(Inbound::Request(call), regs, reply)?,
            Call::DirectRequest2(call) => self.accept(Inbound::Request2(call), regs, reply)?,
            Call::Run(call) => self.run(call, reply)?,
            Call::MessageSend2(call) => self.send(call)?.write(reply),
            Call::NotificationBitmapCreate(call) => self.create_bitmap(call)?.write(reply),
            Call::NotificationBitmapDestroy(call) => self.destroy_bitmap(call)?.write(reply),
            Call::NotificationBind(call) => self.bind(call)?.write(reply),
            Call::NotificationUnbind(call) => self.unbind(call)?.write(reply),
            Call::NotificationSet(call) => self.set(call)?.write(reply),
            Call::NotificationGet(call) => self.get(call)?.write(reply),
            Call::NotificationInfoGet(call) => self.tell_who_has(call)?.write(reply),
            _ => return Err(Status::NOT_SUPPORTED),
        }
        if self.character.leaves_registers && *reply == empty(regs) {
            *reply = *regs;
            reply.set(0, FunctionId::SUCCESS_32.bits());
        }
        Ok(())
    }

    /// The version that the hypervisor and the SPMC speak.
    pub(crate) fn version(&self) -> Version {
        self.state.agreed.unwrap_or(self.character.version)
    }

    fn spm_id(&self) -> Result<EndpointIdReply, Status> {
        self.character.id.map(|id| EndpointIdReply { id }).ok_or(Status::NOT_SUPPORTED)
    }

    pub(crate) fn partition(&mut self, id: EndpointId) -> Option<&mut Partition> {
        self.partitions.iter_mut().find(|partition| partition.info.id() == id)
    }

    /// A VM that is known, or the hypervisor.
    pub(crate) fn vm(&mut self, id: EndpointId) -> Option<&mut Vm> {
        if id == EndpointId::HYPERVISOR {
            return Some(&mut self.state.hypervisor);
        }
        self.vms.iter_mut().find(|vm| vm.id == Some(id))
    }

    /// The same, or a place for it; `None` where there is no place left.
    pub(crate) fn vm_or_place(&mut self, id: EndpointId) -> Option<&mut Vm> {
        if self.vm(id).is_some() {
            return self.vm(id);
        }
        let place = self.vms.iter_mut().find(|vm| vm.id.is_none())?;
        place.id = Some(id);
        Some(place)
    }
}

/// A success without results.
fn empty(regs: &Regs) -> Regs {
    let mut reply = *regs;
    Empty.write(&mut reply);
    reply
}
