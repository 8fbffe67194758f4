//! Notifications: `FFA_NOTIFICATION_BIND`, `UNBIND`, `SET`, `GET`, `INFO_GET`, between VMs.
//!
//! ```text
//!  sender ── SET ──▶ pending of the receiver ──▶ was nothing pending?
//!                      │                           │ yes
//!  receiver ◀── GET ───┘                           ├──▶ news       until INFO_GET or GET
//!     ▲                                            └──▶ interrupt  of an online vCPU, or owed until
//!     └────────────── notification pending interrupt ──┘            one takes it
//! ```
//! Setting and getting take no lock. An interrupt that the host cannot deliver is owed, and tried again
//! by [`Cpu::poll`](crate::Cpu::poll).

use core::sync::atomic::{AtomicU32, Ordering};

use ffa_abi::{
    Empty, EndpointId, FrameworkNotifications, NotificationBind, NotificationBindFlags,
    NotificationGet, NotificationGetFlags, NotificationGetReply, NotificationInfoGet,
    NotificationInfoGetReply, NotificationSet, NotificationUnbind, Notifications, VCPUS_PER_LIST,
};
use ffa_rcu::{AlreadyBound, Backend, OutOfMemory, SetError, Signals, UnbindError};

use crate::handler::Handler;
use crate::host::Host;
use crate::marks::Marks;
use crate::mediator::{Context, Mediator};
use crate::refusal::Refusal;

/// Who is told of notifications: any vCPU, or one alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Target {
    Any,
    Only(u16),
}

/// What one VM has been notified of.
pub(crate) struct Inbox {
    from_vms: Signals,
    /// Set by the mediator itself.
    framework: AtomicU32,
    /// Targets that got something which `FFA_NOTIFICATION_INFO_GET` has not told.
    news: Marks,
    /// Targets that the host could not interrupt.
    owed: Marks,
}

impl Target {
    /// Its number in [`Marks`].
    fn number(self) -> usize {
        match self {
            Target::Any => 0,
            Target::Only(vcpu) => usize::from(vcpu) + 1,
        }
    }

    fn of_number(number: usize) -> Target {
        match number.checked_sub(1).and_then(|vcpu| u16::try_from(vcpu).ok()) {
            Some(vcpu) => Target::Only(vcpu),
            None => Target::Any,
        }
    }

    /// As [`Host::inject`] takes it.
    fn vcpu(self) -> Option<u16> {
        match self {
            Target::Any => None,
            Target::Only(vcpu) => Some(vcpu),
        }
    }
}

impl Inbox {
    pub(crate) fn try_new(vcpus: u16) -> Result<Inbox, OutOfMemory> {
        let targets = usize::from(vcpus) + 1;
        Ok(Inbox {
            from_vms: Signals::try_new(vcpus.into())?,
            framework: AtomicU32::new(0),
            news: Marks::try_new(targets)?,
            owed: Marks::try_new(targets)?,
        })
    }

    /// Makes a notification of the framework pending; whether the VM has to be told.
    fn set_framework(&self, notification: FrameworkNotifications) -> bool {
        self.framework.fetch_or(notification.bits(), Ordering::Release) == 0
    }

    fn take_framework(&self) -> FrameworkNotifications {
        FrameworkNotifications::from_bits_retain(self.framework.swap(0, Ordering::Acquire))
    }

    /// Whether something is pending that this vCPU could take.
    fn has_some(&self, vcpu: u16) -> bool {
        self.framework.load(Ordering::Relaxed) != 0 || self.from_vms.pending(vcpu.into()) != 0
    }

    /// Lists the targets with news, and forgets those that are told.
    fn tell(&self, own: EndpointId, reply: &mut NotificationInfoGetReply) {
        if self.news.marked().next() == Some(Target::Any.number()) && reply.push(own, &[]).is_ok() {
            self.news.take(Target::Any.number());
        }
        loop {
            let mut vcpus = [0; VCPUS_PER_LIST];
            let marked = self.news.marked().filter_map(|number| Target::of_number(number).vcpu());
            let count = vcpus.iter_mut().zip(marked).map(|(place, vcpu)| *place = vcpu).count();
            let listed = vcpus.get(..count).unwrap_or_default();
            if count == 0 || reply.push(own, listed).is_err() {
                return;
            }
            for vcpu in listed {
                self.news.take(Target::Only(*vcpu).number());
            }
        }
    }
}

impl<H: Host, B: Backend> Mediator<H, B> {
    /// Tells `vm` that something is pending where nothing was.
    pub(crate) fn ring(&self, vm: &Context<H>, target: Target) {
        vm.inbox.news.mark(target.number());
        if !self.interrupt(vm, target) {
            self.host.poll_is_due();
        }
    }

    /// A notification of the framework, for any vCPU.
    pub(crate) fn notify(&self, vm: &Context<H>, notification: FrameworkNotifications) {
        if vm.inbox.set_framework(notification) {
            self.ring(vm, Target::Any);
        }
    }

    /// Whether no interrupt is owed.
    fn interrupt(&self, vm: &Context<H>, target: Target) -> bool {
        let Some(interrupt) = self.notification_pending_interrupt else { return true };
        let delivered = self.host.inject(vm.id(), target.vcpu(), interrupt);
        if !delivered {
            // In this order: whoever takes the VM's mark finds the target's.
            vm.inbox.owed.mark(target.number());
            self.owed.mark(vm.id().get().into());
        }
        delivered
    }

    /// Tries again to deliver the interrupts of a VM that are owed.
    pub(crate) fn interrupt_again(&self, vm: &Context<H>) {
        for number in vm.inbox.owed.marked() {
            if vm.inbox.owed.take(number) {
                self.interrupt(vm, Target::of_number(number));
            }
        }
    }
}

impl<H: Host, B: Backend> Handler<'_, '_, H, B> {
    pub(crate) fn notification_bind(&self, call: NotificationBind) -> Result<Empty, Refusal> {
        self.check_named(call.receiver, call.notifications)?;
        let sender = self.partner(call.sender)?.sender()?;
        let per_vcpu = call.flags.contains(NotificationBindFlags::PER_VCPU);
        self.vm.inbox.from_vms.bind(call.notifications.0, sender, per_vcpu)?;
        Ok(Empty)
    }

    /// Also from a sender that is gone: its bindings stay, of no use to who has its id next.
    pub(crate) fn notification_unbind(&self, call: NotificationUnbind) -> Result<Empty, Refusal> {
        self.check_named(call.receiver, call.notifications)?;
        self.vm.inbox.from_vms.unbind(call.notifications.0, call.sender.0)?;
        Ok(Empty)
    }

    pub(crate) fn notification_set(&self, call: NotificationSet) -> Result<Empty, Refusal> {
        self.check_named(call.sender, call.notifications)?;
        let receiver = self.partner(call.receiver)?;
        let target = call.vcpu.map(usize::from);
        if receiver.inbox.from_vms.set(call.notifications.0, self.vm.sender()?, target)? {
            self.mediator.ring(receiver, call.vcpu.map_or(Target::Any, Target::Only));
        }
        Ok(Empty)
    }

    pub(crate) fn notification_get(
        &self,
        call: NotificationGet,
    ) -> Result<NotificationGetReply, Refusal> {
        if call.receiver != self.vm.id().into() || call.vcpu >= self.vm.vcpus() {
            return Err(Refusal::WrongEndpoint);
        }
        let inbox = &self.vm.inbox;
        // Before anything is taken: what comes meanwhile is news again.
        inbox.news.take(Target::Any.number());
        inbox.news.take(Target::Only(call.vcpu).number());
        let mut reply = NotificationGetReply::default();
        if call.flags.contains(NotificationGetFlags::VMS) {
            reply.vms = Notifications(inbox.from_vms.take(call.vcpu.into()));
        }
        if call.flags.contains(NotificationGetFlags::HYPERVISOR_FRAMEWORK) {
            reply.hypervisor = inbox.take_framework();
        }
        if inbox.has_some(call.vcpu) {
            inbox.news.mark(Target::Any.number());
        }
        Ok(reply)
    }

    pub(crate) fn notification_info_get(
        &self,
        call: NotificationInfoGet,
    ) -> Result<NotificationInfoGetReply, Refusal> {
        let mut reply = NotificationInfoGetReply::new(call.width);
        self.vm.inbox.tell(self.vm.id().into(), &mut reply);
        if reply.is_empty() { Err(Refusal::NoData) } else { Ok(reply) }
    }

    /// A receiver binds, and a sender sets, for itself only, and not nothing.
    fn check_named(&self, caller: EndpointId, notifications: Notifications) -> Result<(), Refusal> {
        let is_own = caller == self.vm.id().into();
        if is_own && !notifications.is_empty() { Ok(()) } else { Err(Refusal::WrongEndpoint) }
    }
}

impl From<AlreadyBound> for Refusal {
    fn from(_: AlreadyBound) -> Self {
        Refusal::NotificationBound
    }
}

impl From<UnbindError> for Refusal {
    fn from(error: UnbindError) -> Self {
        match error {
            UnbindError::NotBound => Refusal::NotificationNotBound,
            UnbindError::Pending => Refusal::NotificationPending,
        }
    }
}

impl From<SetError> for Refusal {
    fn from(error: SetError) -> Self {
        match error {
            SetError::NotBound => Refusal::NotificationNotBound,
            SetError::NoTarget => Refusal::WrongEndpoint,
        }
    }
}
