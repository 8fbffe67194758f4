//! What partitions do when a command asks for it.

use ffa_abi::{EndpointId, Notifications, PartitionProperties, Status};

use super::Service;
use super::direct::Place;
use crate::behaviour::Reluctance;
use crate::command::{Answer, Command, Taken, Told, VmEvent};
use crate::partition::Partition;

impl Service<'_> {
    pub(super) fn perform(&mut self, place: Place, command: Command) -> Answer {
        let own = self.target(place).endpoint;
        let result = match command {
            Command::Notify { receiver, vcpu, delays_interrupt, notifications } => self
                .notify(own, receiver, vcpu, notifications)
                .map(|()| self.interrupt_scheduler(delays_interrupt)),
            Command::SendMessage { receiver, delays_interrupt, size, first } => self
                .send_to_vm(own, receiver, size, first)
                .map(|()| self.interrupt_scheduler(delays_interrupt)),
            Command::Bind { sender, per_vcpu, notifications } => {
                self.bind_to_vm(place, sender, per_vcpu, notifications)
            }
            Command::Unbind { sender, notifications } => {
                self.unbind_from_vm(place, sender, notifications)
            }
            Command::Delay { event, reluctance } => self.delay(place, event, reluctance),
            Command::TakeNotifications => return self.take_notifications(place),
            Command::ReadMessage => return self.read_message(place),
            // These have no results, and are answered elsewhere.
            Command::Yield { .. }
            | Command::Interrupt { .. }
            | Command::Fail { .. }
            | Command::Misbehave(_) => Ok(()),
        };
        Answer { status: result, results: [0; 3] }
    }

    fn notify(
        &mut self,
        own: EndpointId,
        receiver: EndpointId,
        vcpu: Option<u16>,
        notifications: Notifications,
    ) -> Result<(), Status> {
        if receiver.is_secure() || notifications.is_empty() {
            return Err(Status::INVALID_PARAMETERS);
        }
        let vm = self.vm(receiver).ok_or(Status::INVALID_PARAMETERS)?;
        vm.receiver.set(own, notifications, vcpu)
    }

    fn own(&mut self, place: Place) -> Result<&mut Partition, Status> {
        self.partitions.get_mut(place.index).ok_or(Status::ABORTED)
    }

    fn bind_to_vm(
        &mut self,
        place: Place,
        sender: EndpointId,
        per_vcpu: bool,
        notifications: Notifications,
    ) -> Result<(), Status> {
        let refusal = self.character.notifications.per_vcpu_refusal.filter(|_| per_vcpu);
        refusal.map_or(Ok(()), Err)?;
        if sender.is_secure() || notifications.is_empty() {
            return Err(Status::INVALID_PARAMETERS);
        }
        let own = self.own(place)?;
        if !own.info.properties().contains(PartitionProperties::RECEIVES_NOTIFICATIONS) {
            return Err(Status::NOT_SUPPORTED);
        }
        own.receiver.bind(sender, notifications, per_vcpu)
    }

    fn unbind_from_vm(
        &mut self,
        place: Place,
        sender: EndpointId,
        notifications: Notifications,
    ) -> Result<(), Status> {
        let receiver = &mut self.own(place)?.receiver;
        if notifications.is_empty() {
            return Err(Status::INVALID_PARAMETERS);
        }
        if !receiver.is_bound_to(sender, notifications) {
            return Err(Status::DENIED);
        }
        receiver.unbind(notifications)
    }

    fn delay(
        &mut self,
        place: Place,
        event: VmEvent,
        reluctance: Reluctance,
    ) -> Result<(), Status> {
        *self.reluctance(place.index, event).ok_or(Status::ABORTED)? = reluctance;
        Ok(())
    }

    fn take_notifications(&mut self, place: Place) -> Answer {
        let vcpu = u16::try_from(place.context).unwrap_or(0);
        match self.own(place) {
            Err(status) => Answer { status: Err(status), results: [0; 3] },
            Ok(Partition { receiver, .. }) => {
                let (vms, framework) = (receiver.take(vcpu), receiver.take_framework());
                Taken { vms, framework }.into()
            }
        }
    }

    fn read_message(&mut self, place: Place) -> Answer {
        let message = self.own(place).ok().and_then(|own| core::mem::take(&mut own.inbox).message);
        match message {
            None => Answer { status: Err(Status::NO_DATA), results: [0; 3] },
            Some(message) => {
                let sender = message.header.sender;
                Told { sender, size: message.size, digest: message.digest }.into()
            }
        }
    }
}
