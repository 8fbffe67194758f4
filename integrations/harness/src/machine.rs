//! A machine: the mediator, its model hypervisor, and guests that come and go.

use std::thread;
use std::time::{Duration, Instant};

use ffa_core::abi::{PartitionProperties, Uuid, VmId};
use ffa_core::{Config, CreateError, DestroyError, Limits, Mediator, NewError, Policy, VmConfig};

use crate::buffer::Watch;
use crate::current;
use crate::hypervisor::Hypervisor;
use crate::journal::Journal;
use crate::memory::Ram;
use crate::spmc::SpmcSetup;

/// Pages of memory of a guest: TX and RX of up to 16 pages each, and some to spare.
pub(crate) const GUEST_PAGES: usize = 40;

/// What every machine here has Linux see.
pub const NOTIFICATION_PENDING_INTERRUPT: u32 = 8;

/// How long calls may take to end, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a machine is like.
#[derive(Clone)]
pub struct Setup {
    /// How many physical CPUs it has.
    pub cpus: usize,
    /// Who may reach whom.
    pub policy: Policy,
    /// The mediator's limits.
    pub limits: Limits,
    /// The secure world; `None` where there is no firmware.
    pub spmc: Option<SpmcSetup>,
    /// How closely buffers are watched.
    pub watch: Watch,
}

/// A hypervisor with a mediator.
pub struct Machine {
    mediator: Mediator<Hypervisor>,
}

impl Default for Setup {
    /// Four CPUs, no firmware, every VM sees every other one.
    fn default() -> Self {
        Setup {
            cpus: 4,
            policy: Policy::allow_all(),
            limits: Limits::default(),
            spmc: None,
            watch: Watch::Strict,
        }
    }
}

impl Setup {
    /// With an SPMC.
    #[must_use]
    pub fn with_spmc(self, spmc: SpmcSetup) -> Setup {
        Setup { spmc: Some(spmc), ..self }
    }

    /// With a policy.
    #[must_use]
    pub fn with_policy(self, policy: Policy) -> Setup {
        Setup { policy, ..self }
    }

    /// Starts the machine.
    #[must_use]
    pub fn start(self) -> Machine {
        let host = Hypervisor::new(self.spmc.clone(), self.watch);
        self.start_on(host).expect("there is memory for a mediator")
    }

    /// Starts the machine on a hypervisor of the caller's.
    ///
    /// # Errors
    /// The mediator's.
    pub fn start_on(&self, host: Hypervisor) -> Result<Machine, NewError> {
        let Setup { cpus, policy, limits, .. } = *self;
        let notification_pending_interrupt = Some(NOTIFICATION_PENDING_INTERRUPT);
        let config = Config { cpus, policy, limits, notification_pending_interrupt };
        let mediator = current::as_mediator(|| Mediator::new(host, config))?;
        Ok(Machine { mediator })
    }
}

/// A VM of two vCPUs, as most tests have it.
#[must_use]
pub(crate) fn vm_config(id: u16) -> VmConfig {
    let properties = PartitionProperties::empty();
    VmConfig { id: vm_id(id), vcpus: 2, properties, uuid: Uuid::NIL }
}

pub(crate) fn vm_id(id: u16) -> VmId {
    VmId::new(id).expect("an id of a VM")
}

impl Machine {
    /// The mediator.
    #[must_use]
    pub fn mediator(&self) -> &Mediator<Hypervisor> {
        &self.mediator
    }

    /// The hypervisor.
    #[must_use]
    pub fn host(&self) -> &Hypervisor {
        self.mediator.host()
    }

    /// What was seen.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        self.host().journal()
    }

    /// Creates VM `id` with memory, two vCPUs and no UUID.
    ///
    /// # Errors
    /// The mediator's; then the VM has no memory either.
    pub fn create(&self, id: u16) -> Result<(), CreateError> {
        self.create_as(vm_config(id))
    }

    /// Creates a VM, with memory unless memory of an earlier VM of this id was not freed.
    ///
    /// # Errors
    /// The mediator's; then the VM gets no memory either.
    pub fn create_as(&self, config: VmConfig) -> Result<(), CreateError> {
        let is_new = self.host().ram(config.id).is_none();
        if is_new {
            // Before it exists: once it does, it may call.
            self.host().give_ram(config.id, Ram::new(GUEST_PAGES));
        }
        let created = current::as_mediator(|| self.mediator.create_vm(config));
        if is_new && created.is_err() {
            self.host().take_ram(config.id);
        }
        created
    }

    /// Takes VM `id` out of the mediator. Its memory stays until [`Machine::free`].
    ///
    /// # Errors
    /// The mediator's.
    pub fn destroy(&self, id: u16) -> Result<(), DestroyError> {
        current::as_mediator(|| self.mediator.destroy_vm(vm_id(id)))
    }

    /// Frees a destroyed VM's memory, which must not be in use any more.
    pub fn free(&self, id: u16) {
        self.host().take_ram(vm_id(id));
    }

    /// Destroys VM `id`, waits for the calls that can reach it, and frees its memory.
    pub fn remove(&self, id: u16) {
        self.destroy(id).expect("the VM exists");
        self.drain();
        self.free(id);
    }

    /// Reclaims until nothing more can be freed.
    pub fn reclaim_all(&self) {
        while self.mediator.reclaim(64).freed > 0 {}
    }

    /// Reclaims until nothing is left to be freed, as CPUs leave their calls.
    pub fn drain(&self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.reclaim_all();
            let left = self.mediator.retired().objects;
            if left == 0 {
                return;
            }
            assert!(Instant::now() < deadline, "{left} objects cannot be freed");
            thread::yield_now();
        }
    }

    /// Panics where a promise was broken so far.
    pub fn check(&self) {
        let violations = self.journal().violations();
        assert!(violations.is_empty(), "promises broken: {violations:#?}");
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.check();
        }
    }
}
