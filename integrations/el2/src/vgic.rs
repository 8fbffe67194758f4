//! A virtual GIC, version 3: distributor, redistributors, and what goes into the list registers.
//!
//! A vCPU's interrupts live here while it does not run. Before it is entered, [`Vgic::fill`] moves
//! the most urgent ones into list registers; after it has left, [`Vgic::drain`] takes them back
//! with what the guest did to them. An interrupt is therefore in one place at a time, and one that
//! finds no free list register stays pending here. What other CPUs do in between, such as raising
//! it again, is remembered and merged at the drain.
//!
//! Group 1 only, one security state (`GICD_CTLR.DS`), affinity routing always on, no LPIs, no
//! message-based SPIs; vCPU n has affinity 0.0.0.n. Level-triggered interrupts ask for a
//! maintenance interrupt when the guest is done with them, so that the host leaves the guest,
//! samples the line again ([`Vgic::set_level`]) and no stale level is delivered.
//!
//! Register names are those of the GIC Architecture Specification, versions 3 and 4 (IHI 0069).

mod interrupt;
mod list_register;
mod mmio;
mod sgi;

use interrupt::{Bank, Interrupt};

/// Where a VM finds the distributor.
pub const DISTRIBUTOR_BASE: u64 = 0x0800_0000;
/// Size of the distributor in bytes.
pub const DISTRIBUTOR_SIZE: u64 = 0x1_0000;
/// Where a VM finds the redistributor of vCPU 0; the others follow.
pub const REDISTRIBUTOR_BASE: u64 = 0x080A_0000;
/// Size of one redistributor in bytes.
pub const REDISTRIBUTOR_SIZE: u64 = 0x2_0000;
/// Most vCPUs of a VM.
pub const MAX_VCPUS: usize = 4;
/// The virtual timer's interrupt, a PPI.
pub const VIRTUAL_TIMER: u32 = 27;
/// Interrupts below this number exist: 16 SGIs, 16 PPIs, 64 SPIs.
pub const INTERRUPTS: u32 = 32 + 32 * SHARED_BANKS;

const SHARED_BANKS: u32 = 2;

/// The part of the GIC that an access goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Region {
    /// The distributor, shared by all vCPUs.
    Distributor,
    /// The redistributor of this vCPU.
    Redistributor(usize),
}

impl Region {
    /// Which part of the GIC of a VM with `vcpus` vCPUs is at a guest-physical address, and the
    /// offset within it.
    #[must_use]
    pub fn at(address: u64, vcpus: usize) -> Option<(Self, u64)> {
        if (DISTRIBUTOR_BASE..DISTRIBUTOR_BASE + DISTRIBUTOR_SIZE).contains(&address) {
            return Some((Self::Distributor, address - DISTRIBUTOR_BASE));
        }
        let offset = address.checked_sub(REDISTRIBUTOR_BASE)?;
        let vcpu = usize::try_from(offset / REDISTRIBUTOR_SIZE).ok()?;
        (vcpu < vcpus).then_some((Self::Redistributor(vcpu), offset % REDISTRIBUTOR_SIZE))
    }
}

/// vCPUs that have to look at their interrupts again: those that run must leave the guest, those
/// that wait must be woken.
#[must_use]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kick(u32);

impl Kick {
    /// Nobody.
    pub const NONE: Self = Self(0);

    /// Whether this vCPU is among them.
    #[must_use]
    pub fn contains(self, vcpu: usize) -> bool {
        u32::try_from(vcpu).ok().and_then(|bit| self.0.checked_shr(bit)).unwrap_or(0) & 1 != 0
    }

    /// The vCPUs, ascending.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..MAX_VCPUS).filter(move |&vcpu| self.contains(vcpu))
    }

    fn one(vcpu: usize) -> Self {
        Self(u32::try_from(vcpu).ok().and_then(|bit| 1_u32.checked_shl(bit)).unwrap_or(0))
    }

    fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The GIC of one VM.
#[derive(Debug)]
pub struct Vgic {
    vcpus: usize,
    /// `GICD_CTLR.EnableGrp1`.
    enabled: bool,
    private: [Bank; MAX_VCPUS],
    shared: [Bank; SHARED_BANKS as usize],
}

impl Vgic {
    /// A GIC after reset, for 1 to [`MAX_VCPUS`] vCPUs; other numbers are cut to that.
    #[must_use]
    pub fn new(vcpus: usize) -> Self {
        Self {
            vcpus: vcpus.clamp(1, MAX_VCPUS),
            enabled: false,
            private: core::array::from_fn(Bank::private),
            shared: core::array::from_fn(|_| Bank::shared()),
        }
    }

    /// Makes an interrupt pending once: an edge, or a level that a guest's write would set.
    /// `vcpu` says whose it is for SGIs and PPIs and means nothing for SPIs. Raising what is
    /// pending already changes nothing.
    pub fn raise(&mut self, vcpu: usize, intid: u32) -> Kick {
        self.update(vcpu, intid, Interrupt::raise)
    }

    /// Sets the level of an interrupt's input; a rising edge raises an edge-triggered one.
    pub fn set_level(&mut self, vcpu: usize, intid: u32, level: bool) -> Kick {
        self.update(vcpu, intid, |interrupt| interrupt.set_line(level))
    }

    /// A write of `value` to `ICC_SGI1R_EL1` by a vCPU.
    pub fn sgi(&mut self, from: usize, value: u64) -> Kick {
        let request = sgi::Request::from(value);
        let targets = (0..self.vcpus).filter(|&vcpu| request.reaches(from, vcpu));
        targets.fold(Kick::NONE, |kick, vcpu| kick.and(self.raise(vcpu, request.intid())))
    }

    /// Whether an interrupt waits for this vCPU: WFI falls through, an idle one has to run. After
    /// [`Vgic::fill`]: one found no list register, and the host wants a maintenance interrupt when
    /// they become free (`ICH_HCR_EL2.UIE`).
    #[must_use]
    pub fn pending(&self, vcpu: usize) -> bool {
        self.enabled && self.live(vcpu).any(|(_, interrupt)| interrupt.deliverable())
    }

    /// Moves interrupts into list registers, active ones first, then by priority. Gives how many
    /// of `registers` were written, from the first; the host clears the others.
    pub fn fill(&mut self, vcpu: usize, registers: &mut [u64]) -> usize {
        let mut used = 0;
        for register in registers {
            let Some(intid) = self.most_urgent(vcpu) else { break };
            let _ = self.update(vcpu, intid, |interrupt| {
                let state = interrupt.list(vcpu);
                *register = list_register::encode(intid, interrupt, state);
            });
            used += 1;
        }
        used
    }

    /// Takes back the list registers that [`Vgic::fill`] wrote, as the guest left them.
    pub fn drain(&mut self, vcpu: usize, registers: &[u64]) {
        for &register in registers {
            let (intid, state) = list_register::decode(register);
            let _ = self.update(vcpu, intid, |interrupt| interrupt.unlist(vcpu, state));
        }
    }

    fn most_urgent(&self, vcpu: usize) -> Option<u32> {
        let urgency = |&(intid, interrupt): &(u32, &Interrupt)| interrupt.urgency(intid);
        let wanting = self.live(vcpu).filter(|(_, interrupt)| interrupt.wants_list(self.enabled));
        wanting.min_by_key(urgency).map(|(intid, _)| intid)
    }

    /// The interrupts that are not idle and are this vCPU's to handle.
    fn live(&self, vcpu: usize) -> impl Iterator<Item = (u32, &Interrupt)> {
        let private = self.private.get(vcpu).into_iter();
        let banks = private.chain(&self.shared).zip(0..);
        banks
            .flat_map(|(bank, index)| bank.live().map(move |(bit, irq)| (32 * index + bit, irq)))
            .filter(move |(_, interrupt)| interrupt.handler() == Some(vcpu))
    }

    /// Changes one interrupt, if it exists, and says who has to look at it.
    fn update(&mut self, vcpu: usize, intid: u32, change: impl FnOnce(&mut Interrupt)) -> Kick {
        let enabled = self.enabled;
        let vcpus = self.vcpus;
        let Some(bank) = self.bank_mut(vcpu, intid / 32) else { return Kick::NONE };
        bank.update(intid % 32, change).map_or(Kick::NONE, |interrupt| {
            let interested = interrupt.listed_on().or_else(|| {
                let deliver = enabled && interrupt.deliverable();
                interrupt.handler().filter(|&handler| deliver && handler < vcpus)
            });
            interested.map_or(Kick::NONE, Kick::one)
        })
    }

    fn interrupt(&self, vcpu: usize, intid: u32) -> Option<&Interrupt> {
        self.bank(vcpu, intid / 32)?.get(intid % 32)
    }

    fn bank(&self, vcpu: usize, index: u32) -> Option<&Bank> {
        match index.checked_sub(1) {
            None => self.private.get(vcpu).filter(|_| vcpu < self.vcpus),
            Some(shared) => self.shared.get(usize::try_from(shared).ok()?),
        }
    }

    fn bank_mut(&mut self, vcpu: usize, index: u32) -> Option<&mut Bank> {
        match index.checked_sub(1) {
            None => self.private.get_mut(vcpu).filter(|_| vcpu < self.vcpus),
            Some(shared) => self.shared.get_mut(usize::try_from(shared).ok()?),
        }
    }
}

#[cfg(test)]
mod tests;
