//! The notifications of one receiver: who may set which, and what is pending.
//!
//! A VM's are those that secure partitions set, a partition's those that VMs set: the other kinds are
//! not for the SPMC to keep, or not modelled.

use core::fmt;

use ffa_abi::{EndpointId, FrameworkNotifications, Notifications, Status};

/// The most vCPUs that a receiver can have.
pub const MAX_VCPUS: u16 = 64;

const VCPUS: usize = MAX_VCPUS as usize;
const IDS: usize = Notifications::COUNT as usize;

/// Notifications of a VM or a partition.
#[derive(Clone, PartialEq, Eq)]
pub struct Receiver {
    vcpus: u16,
    /// Whom each notification is bound to.
    senders: [Option<EndpointId>; IDS],
    /// Of those that are bound, the ones for one vCPU each.
    per_vcpu: Notifications,
    global: Notifications,
    /// By vCPU.
    of_vcpus: [Notifications; VCPUS],
    framework: FrameworkNotifications,
    /// Whether global or framework notifications came that `FFA_NOTIFICATION_INFO_GET` did not tell of.
    is_untold: bool,
    /// The vCPUs of which it did not tell.
    untold_vcpus: u64,
}

impl Receiver {
    /// Nothing bound, nothing pending.
    pub(crate) const NEW: Receiver = Receiver {
        vcpus: MAX_VCPUS,
        senders: [None; IDS],
        per_vcpu: Notifications::NONE,
        global: Notifications::NONE,
        of_vcpus: [Notifications::NONE; VCPUS],
        framework: FrameworkNotifications::empty(),
        is_untold: false,
        untold_vcpus: 0,
    };

    /// The same for `vcpus` vCPUs, at most [`MAX_VCPUS`].
    pub(crate) fn with_vcpus(self, vcpus: u16) -> Receiver {
        Receiver { vcpus: vcpus.min(MAX_VCPUS), ..self }
    }

    /// How many vCPUs can have notifications of their own.
    #[must_use]
    pub fn vcpus(&self) -> u16 {
        self.vcpus
    }

    /// Whom notification `id` is bound to.
    #[must_use]
    pub fn sender(&self, id: u8) -> Option<EndpointId> {
        self.senders.get(usize::from(id)).copied().flatten()
    }

    /// Those that are bound to somebody.
    #[must_use]
    pub fn bound(&self) -> Notifications {
        self.bound_where(|sender| sender.is_some())
    }

    /// Those that are bound as per-vCPU ones.
    #[must_use]
    pub fn per_vcpu(&self) -> Notifications {
        self.per_vcpu
    }

    /// The global ones that are pending.
    #[must_use]
    pub fn pending(&self) -> Notifications {
        self.global
    }

    /// Those that are pending for `vcpu` alone.
    #[must_use]
    pub fn pending_of(&self, vcpu: u16) -> Notifications {
        self.of_vcpus.get(usize::from(vcpu)).copied().unwrap_or_default()
    }

    /// Those of the framework that are pending.
    #[must_use]
    pub fn framework(&self) -> FrameworkNotifications {
        self.framework
    }

    fn bound_where(&self, holds: impl Fn(Option<EndpointId>) -> bool) -> Notifications {
        let ids = (0..Notifications::COUNT).filter(|id| holds(self.sender(*id)));
        ids.filter_map(Notifications::of).fold(Notifications::NONE, |all, one| all | one)
    }

    /// All that are pending, for whichever vCPU.
    pub(crate) fn all_pending(&self) -> Notifications {
        self.of_vcpus.iter().fold(self.global, |all, some| all | *some)
    }

    pub(crate) fn is_bound_to(&self, sender: EndpointId, notifications: Notifications) -> bool {
        self.bound_where(|bound| bound == Some(sender)).contains(notifications)
    }

    /// Binds what is bound to nobody.
    pub(crate) fn bind(
        &mut self,
        sender: EndpointId,
        notifications: Notifications,
        per_vcpu: bool,
    ) -> Result<(), Status> {
        if !(self.bound() & notifications).is_empty() {
            return Err(Status::DENIED);
        }
        self.assign(Some(sender), notifications);
        if per_vcpu {
            self.per_vcpu = self.per_vcpu | notifications;
        }
        Ok(())
    }

    /// Unbinds what is not pending.
    pub(crate) fn unbind(&mut self, notifications: Notifications) -> Result<(), Status> {
        if !(self.all_pending() & notifications).is_empty() {
            return Err(Status::DENIED);
        }
        self.assign(None, notifications);
        self.per_vcpu = self.per_vcpu.without(notifications);
        Ok(())
    }

    fn assign(&mut self, sender: Option<EndpointId>, notifications: Notifications) {
        for id in notifications.ids() {
            if let Some(slot) = self.senders.get_mut(usize::from(id)) {
                *slot = sender;
            }
        }
    }

    /// Makes notifications pending that are bound to `sender`, globally or for one vCPU.
    pub(crate) fn set(
        &mut self,
        sender: EndpointId,
        notifications: Notifications,
        vcpu: Option<u16>,
    ) -> Result<(), Status> {
        if !self.is_bound_to(sender, notifications) {
            return Err(Status::DENIED);
        }
        let Some(vcpu) = vcpu else { return self.set_global(notifications) };
        if !self.per_vcpu.contains(notifications) || vcpu >= self.vcpus {
            return Err(Status::INVALID_PARAMETERS);
        }
        let pending = self.of_vcpus.get_mut(usize::from(vcpu)).ok_or(Status::INVALID_PARAMETERS)?;
        *pending = *pending | notifications;
        self.untold_vcpus |= 1 << vcpu;
        Ok(())
    }

    fn set_global(&mut self, notifications: Notifications) -> Result<(), Status> {
        if !(self.per_vcpu & notifications).is_empty() {
            return Err(Status::INVALID_PARAMETERS);
        }
        self.global = self.global | notifications;
        self.is_untold = true;
        Ok(())
    }

    /// Makes notifications of the framework pending.
    pub(crate) fn set_framework(&mut self, notifications: FrameworkNotifications) {
        self.framework |= notifications;
        self.is_untold = true;
    }

    /// Takes the global ones, and those of `vcpu`.
    pub(crate) fn take(&mut self, vcpu: u16) -> Notifications {
        let own = self.of_vcpus.get_mut(usize::from(vcpu)).map(core::mem::take);
        if vcpu < MAX_VCPUS {
            self.untold_vcpus &= !(1 << vcpu);
        }
        let taken = core::mem::take(&mut self.global) | own.unwrap_or_default();
        self.is_untold &= !self.framework.is_empty();
        taken
    }

    /// Takes those of the framework.
    pub(crate) fn take_framework(&mut self) -> FrameworkNotifications {
        let taken = core::mem::take(&mut self.framework);
        self.is_untold &= !self.global.is_empty();
        taken
    }

    /// Whether global or framework notifications came that were not told of.
    pub(crate) fn is_untold(&self) -> bool {
        self.is_untold
    }

    pub(crate) fn tell(&mut self) {
        self.is_untold = false;
    }

    /// The vCPUs that were not told of.
    pub(crate) fn untold_vcpus(&self) -> impl Iterator<Item = u16> + '_ {
        (0..MAX_VCPUS).filter(|vcpu| self.untold_vcpus >> vcpu & 1 == 1)
    }

    pub(crate) fn tell_of(&mut self, vcpus: &[u16]) {
        for vcpu in vcpus.iter().filter(|vcpu| **vcpu < MAX_VCPUS) {
            self.untold_vcpus &= !(1 << vcpu);
        }
    }

    /// What does not hold and should.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        let bound = self.bound();
        let (global, own) = (bound.without(self.per_vcpu), bound & self.per_vcpu);
        let vcpus = || (0..MAX_VCPUS).map(|vcpu| (vcpu, self.pending_of(vcpu)));
        let told = |vcpu| self.untold_vcpus >> vcpu & 1 == 0;
        let rules = [
            (own == self.per_vcpu, "a notification that is not bound is per-vCPU"),
            (global.contains(self.global), "a global notification is pending and not bound"),
            (vcpus().all(|(_, some)| own.contains(some)), "one of a vCPU is pending and not bound"),
            (
                vcpus().all(|(vcpu, some)| some.is_empty() || vcpu < self.vcpus),
                "a vCPU that does not exist has a notification",
            ),
            (
                !self.is_untold || !self.global.is_empty() || !self.framework.is_empty(),
                "nothing is pending, and it is to be told of",
            ),
            (
                vcpus().all(|(vcpu, some)| told(vcpu) || !some.is_empty()),
                "nothing is pending for a vCPU, and it is to be told of",
            ),
        ];
        rules.iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, broken)| Err(*broken))
    }
}

impl fmt::Debug for Receiver {
    /// What is bound, and what is pending; not what is neither.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bound = (0..Notifications::COUNT).filter_map(|id| Some((id, self.sender(id)?)));
        let vcpus = (0..self.vcpus).map(|vcpu| (vcpu, self.pending_of(vcpu)));
        let pending = vcpus.filter(|(_, some)| !some.is_empty());
        f.debug_struct("Receiver")
            .field("vcpus", &self.vcpus)
            .field("bound", &Map(bound))
            .field("per_vcpu", &self.per_vcpu)
            .field("global", &self.global)
            .field("of_vcpus", &Map(pending))
            .field("framework", &self.framework)
            .field("is_untold", &self.is_untold)
            .field("untold_vcpus", &self.untold_vcpus)
            .finish()
    }
}

/// Pairs, shown as a map.
struct Map<I>(I);

impl<K: fmt::Debug, V: fmt::Debug, I: Iterator<Item = (K, V)> + Clone> fmt::Debug for Map<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.clone()).finish()
    }
}
