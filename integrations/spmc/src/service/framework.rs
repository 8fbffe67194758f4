//! Messages of the framework: VMs are created and destroyed.

use ffa_abi::{
    DirectMessage, DirectRequest, EndpointId, FrameworkContent, PartitionProperties, Regs, Reply,
    Status,
};

use super::Service;
use super::direct::respond;
use crate::behaviour::{Delay, Reluctance, take_one};
use crate::character::VmNews;
use crate::command::VmEvent;
use crate::partition::{Context, Inbound, Work};
use crate::vm::Vm;

impl Service<'_> {
    pub(super) fn accept_framework(
        &mut self,
        request: Inbound,
        reply: &mut Regs,
    ) -> Result<(), Status> {
        let Inbound::Request(message) = request else { return Err(Status::INVALID_PARAMETERS) };
        let content = message.message.framework().ok_or(Status::INVALID_PARAMETERS)?;
        let event = event(&content);
        match (self.character.vm_news, event) {
            (VmNews::NotSupported, _) | (VmNews::ForSpmc, None) => Err(Status::NOT_SUPPORTED),
            (VmNews::ForSubscribers, None) => Err(Status::INVALID_PARAMETERS),
            (VmNews::AsData, _) => {
                let place = self.place(&request)?;
                self.check_receives(&request, place)?;
                self.start(place, Work::new(request), reply)
            }
            (VmNews::ForSpmc, Some(_)) if Some(message.receiver) == self.character.id => {
                self.finish_framework(&message, content, reply)
            }
            (VmNews::ForSpmc, Some(event)) => self.tell(request, event, content, reply),
            (VmNews::ForSubscribers, Some(event)) => {
                self.check_subscribed(message.receiver, event)?;
                self.tell(request, event, content, reply)
            }
        }
    }

    fn check_subscribed(&mut self, id: EndpointId, event: VmEvent) -> Result<(), Status> {
        let wanted = match event {
            VmEvent::Created => PartitionProperties::VM_CREATED,
            VmEvent::Destroyed => PartitionProperties::VM_DESTROYED,
        };
        let partition = self.partition(id).ok_or(Status::INVALID_PARAMETERS)?;
        let is_subscribed = partition.info.properties().contains(wanted);
        if is_subscribed { Ok(()) } else { Err(Status::INVALID_PARAMETERS) }
    }

    /// Tells a partition, which may be reluctant.
    fn tell(
        &mut self,
        request: Inbound,
        event: VmEvent,
        content: FrameworkContent,
        reply: &mut Regs,
    ) -> Result<(), Status> {
        let place = self.place(&request)?;
        if self.context(place).is_none_or(|context| *context != Context::Waiting) {
            return Err(Status::BUSY);
        }
        let reluctance = self.reluctance(place.index, event).ok_or(Status::INVALID_PARAMETERS)?;
        let mut work = Work::new(request);
        match reluctance.how {
            Delay::Answer(status) => {
                if take_one(&mut reluctance.times) {
                    return acknowledge(&request, &content, Err(status), reply);
                }
            }
            Delay::Interrupt => work.interrupts = take_all(&mut reluctance.times),
            Delay::Yield => work.yields = take_all(&mut reluctance.times),
        }
        self.start(place, work, reply)
    }

    pub(super) fn reluctance(&mut self, index: usize, event: VmEvent) -> Option<&mut Reluctance> {
        let behaviour = &mut self.partitions.get_mut(index)?.behaviour;
        Some(match event {
            VmEvent::Created => &mut behaviour.created,
            VmEvent::Destroyed => &mut behaviour.destroyed,
        })
    }

    pub(super) fn finish_framework(
        &mut self,
        request: &DirectRequest,
        content: FrameworkContent,
        reply: &mut Regs,
    ) -> Result<(), Status> {
        let result = match (self.character.vm_news, content) {
            // Whoever takes it for data sends it back.
            (VmNews::AsData, _) => {
                respond(request, request.message)?.write(reply);
                return Ok(());
            }
            (VmNews::ForSpmc, FrameworkContent::VmCreated(news)) => self.create_vm(news.vm),
            (VmNews::ForSpmc, FrameworkContent::VmDestroyed(news)) => {
                self.destroy_vm(news.vm);
                Ok(())
            }
            _ => Ok(()),
        };
        acknowledge(&Inbound::Request(*request), &content, result, reply)
    }

    fn create_vm(&mut self, id: EndpointId) -> Result<(), Status> {
        let is_known = self.vm(id).is_some_and(|vm| vm.is_announced);
        if is_known || id.is_secure() || id == EndpointId::HYPERVISOR {
            return Err(Status::INVALID_PARAMETERS);
        }
        self.vm_or_place(id).ok_or(Status::DENIED)?.is_announced = true;
        Ok(())
    }

    /// All that is known of it goes with it; one that is not known is no error.
    fn destroy_vm(&mut self, id: EndpointId) {
        let known = self.vm(id).filter(|vm| vm.id != Some(EndpointId::HYPERVISOR));
        if let Some(vm) = known {
            *vm = Vm::VACANT;
        }
    }
}

fn event(content: &FrameworkContent) -> Option<VmEvent> {
    match content {
        FrameworkContent::VmCreated(_) => Some(VmEvent::Created),
        FrameworkContent::VmDestroyed(_) => Some(VmEvent::Destroyed),
        _ => None,
    }
}

fn acknowledge(
    request: &Inbound,
    content: &FrameworkContent,
    result: Result<(), Status>,
    reply: &mut Regs,
) -> Result<(), Status> {
    let Inbound::Request(request) = request else { return Err(Status::INVALID_PARAMETERS) };
    let answer = match event(content) {
        Some(VmEvent::Created) => FrameworkContent::VmCreatedResponse(result),
        Some(VmEvent::Destroyed) => FrameworkContent::VmDestroyedResponse(result),
        None => return Err(Status::NOT_SUPPORTED),
    };
    respond(request, DirectMessage::from(answer))?.write(reply);
    Ok(())
}

/// All of them, for this message; what is for ever stays for the next one, too.
fn take_all(times: &mut u32) -> u32 {
    let all = *times;
    if all != Reluctance::FOREVER {
        *times = 0;
    }
    all
}
