//! The mediator: what all VMs share, and how it is set up.

use core::fmt;
use core::sync::atomic::AtomicU32;

use ffa_rcu::{Backend, DefaultBackend, OutOfMemory, Registry, ReplaceError, Retired};

use crate::directory::{self, Directory, Head};
use crate::handler::Cpu;
use crate::host::{Host, Taint};
use crate::limits::Limits;
use crate::marks::Marks;
use crate::policy::Policy;
use crate::spmc::{self, Spmc};
use crate::vm::Vm;

/// VM ids have 15 bits.
const VM_IDS: usize = 1 << 15;

pub(crate) type Context<H> = Vm<<H as Host>::Buffer>;

/// An FF-A mediator: everything that VMs share, owned by the hypervisor.
///
/// There are no statics: two can live in one process.
///
/// `B` decides how readers are told apart from memory that may be freed: see [`Backend`].
pub struct Mediator<H: Host, B: Backend = DefaultBackend> {
    pub(crate) host: H,
    pub(crate) limits: Limits,
    /// As every directory has it.
    pub(crate) policy: Policy,
    pub(crate) spmc: Option<Spmc>,
    pub(crate) notification_pending_interrupt: Option<u32>,
    /// VMs that an interrupt is owed to.
    pub(crate) owed: Marks,
    /// How many VMs were made.
    pub(crate) incarnations: AtomicU32,
    pub(crate) registry: Registry<Directory, Context<H>, B>,
}

/// How a mediator is set up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// How many CPUs handle calls: indices 0..cpus are given to [`Mediator::cpu`].
    pub cpus: usize,
    /// Who may reach whom.
    pub policy: Policy,
    /// What is taken on.
    pub limits: Limits,
    /// The interrupt that tells a VM of pending notifications, by its number in the VM, which
    /// `FFA_FEATURES` tells. A private one or an SGI: Linux takes SGIs only, and uses 0 to 7 itself.
    /// `None`, the default: VMs have to look by themselves.
    pub notification_pending_interrupt: Option<u32>,
}

impl Config {
    /// The default policy and limits.
    #[must_use]
    pub fn new(cpus: usize) -> Config {
        let (policy, limits) = (Policy::default(), Limits::default());
        Config { cpus, policy, limits, notification_pending_interrupt: None }
    }
}

/// Why there is no mediator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum NewError {
    /// No memory.
    NoMemory,
    /// A limit is outside the range that [`Limits`] gives.
    BadLimits,
}

impl<H: Host> Mediator<H> {
    /// Looks for an SPMC, reads its partitions, and takes `host` over.
    ///
    /// # Errors
    /// See [`NewError`].
    pub fn new(host: H, config: Config) -> Result<Self, NewError> {
        Self::with_backend(host, config)
    }
}

impl<H: Host, B: Backend> Mediator<H, B> {
    /// The same with a backend of the caller's choice, which the type names.
    ///
    /// # Errors
    /// See [`NewError`].
    pub fn with_backend(host: H, config: Config) -> Result<Self, NewError> {
        let Config { cpus, policy, limits, notification_pending_interrupt } = config;
        if !limits.are_possible() {
            return Err(NewError::BadLimits);
        }
        if policy.is_insecure() {
            host.taint(Taint::AllowAllPolicy);
        }
        let spmc::Probe { spmc, partitions } = spmc::probe(&host, limits)?;
        let registry = Registry::try_new(cpus, Directory::new(Head::new(policy)))?
            .with_limit(limits.retired_bytes);
        directory::set_secure(&mut registry.write(), &partitions)?.commit();
        registry.reclaim(1);
        let (owed, incarnations) = (Marks::try_new(VM_IDS)?, AtomicU32::new(0));
        Ok(Mediator {
            host,
            limits,
            policy,
            spmc,
            notification_pending_interrupt,
            owed,
            incarnations,
            registry,
        })
    }

    /// The place of CPU `index`; `None` while somebody has it, or beyond [`Config::cpus`].
    ///
    /// A CPU that goes offline drops it, between calls. One that vanishes inside a call has its read
    /// section open for ever, and perhaps a lock: nothing is freed any more, and beyond
    /// [`Limits::retired_bytes`](crate::Limits::retired_bytes) VMs neither come nor go. The errors name
    /// it.
    #[must_use]
    pub fn cpu(&self, index: usize) -> Option<Cpu<'_, H, B>> {
        Some(Cpu::new(self, self.registry.cpu(index)?))
    }

    /// The host.
    #[must_use]
    pub fn host(&self) -> &H {
        &self.host
    }

    /// Whether there is an SPMC that VMs reach through this mediator. Where there is none, and the
    /// policy keeps VMs apart, there is nothing that a VM could reach.
    #[must_use]
    pub fn has_spmc(&self) -> bool {
        self.spmc.is_some()
    }

    /// What waits to be freed by [`Mediator::reclaim`]. Takes the writer's lock for a moment.
    #[must_use]
    pub fn retired(&self) -> Retired {
        self.registry.retired()
    }
}

impl From<OutOfMemory> for NewError {
    fn from(_: OutOfMemory) -> Self {
        NewError::NoMemory
    }
}

impl From<ReplaceError> for NewError {
    fn from(_: ReplaceError) -> Self {
        NewError::NoMemory
    }
}

impl fmt::Display for NewError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NewError::NoMemory => f.write_str("no memory for the mediator"),
            NewError::BadLimits => f.write_str("a limit is out of range: see Limits"),
        }
    }
}

impl core::error::Error for NewError {}
