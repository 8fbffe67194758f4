//! The SPMC: its state, and one call to it.

use core::fmt;

use ffa_abi::{EndpointId, PartitionInfo, Regs, Version};

use crate::character::Character;
use crate::mailbox::Mailbox;
use crate::partition::Partition;
use crate::service::Service;
use crate::vm::Vm;
use crate::world::World;

/// An SPMC with its partitions.
///
/// Where these and the VMs are kept is its owner's choice: arrays where there is no heap, vectors
/// where there is. There can be no more VMs at a time than places.
#[derive(Clone)]
pub struct Spmc<P, V> {
    character: Character,
    state: State,
    partitions: P,
    vms: V,
}

/// All but partitions and VMs.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) agreed: Option<Version>,
    /// Whether another call than `FFA_VERSION` was made.
    pub(crate) in_use: bool,
    /// Of the list of partitions.
    pub(crate) tag: u16,
    pub(crate) hypervisor: Vm,
}

impl<P, V> Spmc<P, V>
where
    P: AsRef<[Partition]> + AsMut<[Partition]>,
    V: AsRef<[Vm]> + AsMut<[Vm]>,
{
    /// An SPMC that nobody has called yet. `vms` are places for VMs: [`Vm::VACANT`].
    #[must_use]
    pub fn new(character: Character, partitions: P, vms: V) -> Self {
        let (tag, hypervisor) = (character.tag, Vm::HYPERVISOR);
        let state = State { agreed: None, in_use: false, tag, hypervisor };
        Spmc { character, state, partitions, vms }
    }

    /// The registers after an SMC with `regs` on `cpu`: the hypervisor's, for itself or for a VM.
    pub fn call(&mut self, world: &dyn World, cpu: usize, regs: &Regs) -> Regs {
        let service = Service {
            character: &self.character,
            world,
            cpu,
            state: &mut self.state,
            partitions: self.partitions.as_mut(),
            vms: self.vms.as_mut(),
            owes_interrupt: false,
        };
        service.call(regs)
    }

    /// What it is like.
    #[must_use]
    pub fn character(&self) -> &Character {
        &self.character
    }

    /// The version that was agreed on, if one was.
    #[must_use]
    pub fn version(&self) -> Option<Version> {
        self.state.agreed
    }

    /// Whether another call than `FFA_VERSION` was made.
    #[must_use]
    pub fn is_in_use(&self) -> bool {
        self.state.in_use
    }

    /// The partitions, and what they do.
    #[must_use]
    pub fn partitions(&self) -> &[Partition] {
        self.partitions.as_ref()
    }

    /// What is known of a VM, or of the hypervisor.
    #[must_use]
    pub fn vm(&self, id: EndpointId) -> Option<&Vm> {
        self.known().find(|vm| vm.id == Some(id))
    }

    /// The hypervisor, and the VMs that are known.
    fn known(&self) -> impl Iterator<Item = &Vm> {
        let vms = self.vms.as_ref().iter().filter(|vm| vm.id.is_some());
        core::iter::once(&self.state.hypervisor).chain(vms)
    }

    /// Changes what the list of partitions says, and its tag. Whatever partitions worked at is
    /// forgotten.
    pub fn change_list(&mut self, change: impl Fn(PartitionInfo) -> PartitionInfo) {
        self.state.tag = self.state.tag.wrapping_add(1);
        for partition in self.partitions.as_mut() {
            *partition = Partition::new(change(partition.info), partition.behaviour);
        }
    }

    /// Looks for something that must not be, whatever was called: for tests.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(&self) -> Result<(), &'static str> {
        self.state.hypervisor.check()?;
        self.vms.as_ref().iter().try_for_each(Vm::check)?;
        self.partitions().iter().try_for_each(Partition::check)?;
        let known = || self.known().enumerate();
        let pairs = || known().flat_map(|(at, vm)| known().skip(at + 1).map(move |(_, b)| (vm, b)));
        if pairs().any(|(a, b)| a.id == b.id) {
            return Err("a VM is known twice");
        }
        let overlap = |a: &Mailbox, b: &Mailbox| a.overlaps(b);
        if pairs().any(|(a, b)| a.mailbox().zip(b.mailbox()).is_some_and(|(a, b)| overlap(a, b))) {
            return Err("two mailboxes have a page in common");
        }
        Ok(())
    }
}

impl<P: AsRef<[Partition]>, V: AsRef<[Vm]>> fmt::Debug for Spmc<P, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = || self.vms.as_ref().iter().filter(|vm| vm.id.is_some());
        f.debug_struct("Spmc")
            .field("character", &self.character.name)
            .field("state", &self.state)
            .field("partitions", &self.partitions.as_ref())
            .field("vms", &Known(known))
            .finish()
    }
}

/// VMs, shown as a list.
struct Known<F>(F);

impl<'v, I: Iterator<Item = &'v Vm>, F: Fn() -> I> fmt::Debug for Known<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries((self.0)()).finish()
    }
}
