//! `FFA_NOTIFICATION_*`, from the hypervisor, for VMs.

use ffa_abi::{
    Empty, EndpointId, NotificationBind, NotificationBindFlags, NotificationBitmapCreate,
    NotificationBitmapDestroy, NotificationGet, NotificationGetFlags, NotificationGetReply,
    NotificationInfoGet, NotificationInfoGetReply, NotificationListError, NotificationSet,
    NotificationSetFlags, NotificationUnbind, Notifications, Status, VCPUS_PER_LIST,
};

use super::Service;
use crate::character::VmNews;
use crate::receiver::{MAX_VCPUS, Receiver};
use crate::vm::Vm;

impl Service<'_> {
    pub(super) fn create_bitmap(
        &mut self,
        call: NotificationBitmapCreate,
    ) -> Result<Empty, Status> {
        if call.endpoint.is_secure() || !self.may_keep(call.endpoint) {
            return Err(Status::INVALID_PARAMETERS);
        }
        if self.vm(call.endpoint).is_some_and(|vm| vm.has_bitmap) {
            return Err(Status::DENIED);
        }
        let vcpus = u16::try_from(call.vcpus).ok().filter(|vcpus| *vcpus <= MAX_VCPUS);
        let vcpus = vcpus.ok_or(Status::NO_MEMORY)?;
        let vm = self.vm_or_place(call.endpoint).ok_or(Status::NO_MEMORY)?;
        vm.has_bitmap = true;
        vm.receiver = vm.receiver.clone().with_vcpus(vcpus);
        Ok(Empty)
    }

    /// An SPMC that wants to be told of VMs keeps nothing of others; one without VMs only of its one
    /// caller.
    fn may_keep(&mut self, id: EndpointId) -> bool {
        match self.character.vm_news {
            VmNews::ForSubscribers | VmNews::AsData => true,
            VmNews::ForSpmc => self.vm(id).is_some_and(|vm| vm.is_announced),
            VmNews::NotSupported => id == EndpointId::HYPERVISOR,
        }
    }

    pub(super) fn destroy_bitmap(
        &mut self,
        call: NotificationBitmapDestroy,
    ) -> Result<Empty, Status> {
        if call.endpoint.is_secure() || !self.may_keep(call.endpoint) {
            return Err(Status::INVALID_PARAMETERS);
        }
        let is_lenient = self.character.notifications.is_lenient;
        let vm = self.vm(call.endpoint).ok_or(Status::DENIED)?;
        let in_use = if is_lenient {
            !vm.receiver.all_pending().is_empty() || !vm.receiver.bound().is_empty()
        } else {
            !vm.receiver.all_pending().is_empty() || !vm.has_bitmap
        };
        if in_use {
            return Err(Status::DENIED);
        }
        vm.has_bitmap = false;
        vm.receiver = Receiver::NEW;
        vm.forget_if_unused();
        Ok(Empty)
    }

    pub(super) fn bind(&mut self, call: NotificationBind) -> Result<Empty, Status> {
        let per_vcpu = call.flags.contains(NotificationBindFlags::PER_VCPU);
        let refusal = self.character.notifications.per_vcpu_refusal.filter(|_| per_vcpu);
        refusal.map_or(Ok(()), Err)?;
        let vm = self.binding_vm(call.receiver, call.sender, call.notifications)?;
        vm.receiver.bind(call.sender, call.notifications, per_vcpu)?;
        Ok(Empty)
    }

    pub(super) fn unbind(&mut self, call: NotificationUnbind) -> Result<Empty, Status> {
        let is_lenient = self.character.notifications.is_lenient;
        let NotificationUnbind { sender, receiver, notifications } = call;
        let vm = self.binding_vm(receiver, sender, notifications)?;
        if !is_lenient && !vm.receiver.is_bound_to(sender, notifications) {
            return Err(Status::DENIED);
        }
        vm.receiver.unbind(notifications)?;
        Ok(Empty)
    }

    /// The VM whose bindings with a partition are to change.
    fn binding_vm(
        &mut self,
        receiver: EndpointId,
        sender: EndpointId,
        notifications: Notifications,
    ) -> Result<&mut Vm, Status> {
        if self.character.notifications.is_lenient {
            let may = self.may_keep(receiver);
            return self.vm(receiver).filter(|_| may).ok_or(Status::INVALID_PARAMETERS);
        }
        let is_between = !receiver.is_secure() && self.partition(sender).is_some();
        if !is_between || notifications.is_empty() {
            return Err(Status::INVALID_PARAMETERS);
        }
        let vm = self.vm(receiver).ok_or(Status::INVALID_PARAMETERS)?;
        if vm.has_bitmap { Ok(vm) } else { Err(Status::NOT_SUPPORTED) }
    }

    /// From a VM to a partition.
    pub(super) fn set(&mut self, call: NotificationSet) -> Result<Empty, Status> {
        let NotificationSet { sender, receiver, vcpu, flags, notifications } = call;
        let delays = flags.contains(NotificationSetFlags::DELAY_SCHEDULE_RECEIVER_INTERRUPT);
        if sender.is_secure() || notifications.is_empty() || delays {
            return Err(Status::INVALID_PARAMETERS);
        }
        let partition = self.partition(receiver).ok_or(Status::INVALID_PARAMETERS)?;
        partition.receiver.set(sender, notifications, vcpu)?;
        self.interrupt_scheduler(false);
        Ok(Empty)
    }

    /// Tells the receiver's scheduler that somebody has something to look at: at once, or when the
    /// normal world runs again.
    pub(super) fn interrupt_scheduler(&mut self, is_delayed: bool) {
        if is_delayed {
            self.owes_interrupt = true;
        } else {
            self.owes_interrupt = false;
            self.world.raise_schedule_receiver_interrupt(self.cpu);
        }
    }

    pub(super) fn get(&mut self, call: NotificationGet) -> Result<NotificationGetReply, Status> {
        let for_hypervisor = NotificationGetFlags::VMS | NotificationGetFlags::HYPERVISOR_FRAMEWORK;
        let is_lenient = self.character.notifications.is_lenient;
        let is_foreign = !is_lenient && call.flags.intersects(for_hypervisor);
        if call.receiver.is_secure() || is_foreign {
            return Err(Status::INVALID_PARAMETERS);
        }
        let vm = self.vm(call.receiver).ok_or(Status::INVALID_PARAMETERS)?;
        if call.vcpu >= vm.receiver.vcpus() {
            return Err(Status::INVALID_PARAMETERS);
        }
        let mut reply = NotificationGetReply::default();
        if call.flags.contains(NotificationGetFlags::SECURE_PARTITIONS) {
            reply.secure_partitions = vm.receiver.take(call.vcpu);
        }
        if call.flags.contains(NotificationGetFlags::SPM_FRAMEWORK) {
            reply.spm = vm.receiver.take_framework();
        }
        Ok(reply)
    }

    pub(super) fn tell_who_has(
        &mut self,
        call: NotificationInfoGet,
    ) -> Result<NotificationInfoGetReply, Status> {
        let mut reply = NotificationInfoGetReply::new(call.width);
        let hypervisor = core::iter::once(&mut self.state.hypervisor);
        let vms = hypervisor.chain(self.vms.iter_mut());
        let vms = vms.filter_map(|vm| Some((vm.id?, &mut vm.receiver)));
        let partitions = self.partitions.iter_mut();
        let partitions = partitions.map(|partition| (partition.info.id(), &mut partition.receiver));
        for (id, receiver) in vms.chain(partitions) {
            if tell_of(id, receiver, &mut reply).is_err() {
                break;
            }
        }
        if reply.is_empty() { Err(Status::NO_DATA) } else { Ok(reply) }
    }
}

/// Adds what was not told of a receiver, list by list.
fn tell_of(
    id: EndpointId,
    receiver: &mut Receiver,
    reply: &mut NotificationInfoGetReply,
) -> Result<(), NotificationListError> {
    if receiver.is_untold() {
        reply.push(id, &[])?;
        receiver.tell();
    }
    loop {
        let mut vcpus = [0; VCPUS_PER_LIST];
        let untold = vcpus.iter_mut().zip(receiver.untold_vcpus());
        let count = untold.map(|(slot, vcpu)| *slot = vcpu).count();
        let Some(list @ [_, ..]) = vcpus.get(..count) else { return Ok(()) };
        reply.push(id, list)?;
        receiver.tell_of(list);
    }
}
