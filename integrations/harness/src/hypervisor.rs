//! The model hypervisor: [`Host`] over model memory, a model SPMC, and a journal.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use ffa_abi::{Regs, VmId};
use ffa_core::{Access, Host, Level, MapError, SpmcBuffers, Taint};

use crate::buffer::{Observers, Pinned, Watch};
use crate::current;
use crate::journal::{Interrupt, Journal};
use crate::memory::{PAGE, Ram};
use crate::physical::Guests;
use crate::points::{Point, Points};
use crate::spmc::{Spmc, SpmcSetup};

/// Where a model guest's memory begins.
pub const RAM_BASE: u64 = 0x4000_0000;

/// A hypervisor that a mediator can be tested with.
pub struct Hypervisor {
    guests: Guests,
    spmc: Option<Spmc>,
    observers: Observers,
    /// vCPUs that are turned off.
    offline: RwLock<HashSet<(VmId, u16)>>,
}

/// As many vCPUs as VMs have here.
const VCPUS: u16 = 2;

impl Hypervisor {
    /// No guest yet; an SPMC where `spmc` says so.
    #[must_use]
    pub fn new(spmc: Option<SpmcSetup>, watch: Watch) -> Hypervisor {
        let journal = Arc::new(Journal::default());
        let guests = Guests::default();
        let spmc = spmc.map(|setup| Spmc::new(setup, Arc::clone(&guests), Arc::clone(&journal)));
        let observers = Observers { journal, points: Arc::new(Points::default()), watch };
        Hypervisor { guests, spmc, observers, offline: RwLock::default() }
    }

    /// What was seen.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.observers.journal
    }

    /// Where the mediator calls out, to make things happen there.
    #[must_use]
    pub fn points(&self) -> Arc<Points> {
        Arc::clone(&self.observers.points)
    }

    /// The model SPMC.
    #[must_use]
    pub fn spmc(&self) -> Option<&Spmc> {
        self.spmc.as_ref()
    }

    /// Gives a VM its memory, at [`RAM_BASE`]. Two VMs may be given the same.
    pub fn give_ram(&self, vm: VmId, ram: Arc<Ram>) {
        let old = self.guests.write().unwrap_or_else(PoisonError::into_inner).insert(vm, ram);
        self.check_unused(vm, old);
    }

    /// Takes a VM's memory away: it must not be in use any more.
    pub fn take_ram(&self, vm: VmId) {
        let ram = self.guests.write().unwrap_or_else(PoisonError::into_inner).remove(&vm);
        self.check_unused(vm, ram);
    }

    fn check_unused(&self, vm: VmId, ram: Option<Arc<Ram>>) {
        if ram.is_some_and(|ram| ram.pinned_pages() > 0) {
            self.journal().violation(format_args!("memory of {vm} freed with pages pinned"));
        }
    }

    /// Turns a vCPU off, or on again.
    pub fn set_online(&self, vm: VmId, vcpu: u16, online: bool) {
        let mut offline = self.offline.write().unwrap_or_else(PoisonError::into_inner);
        if online {
            offline.remove(&(vm, vcpu));
        } else {
            offline.insert((vm, vcpu));
        }
    }

    /// This vCPU, or any, if it is online.
    fn online(&self, vm: VmId, vcpu: Option<u16>) -> Option<u16> {
        let offline = self.offline.read().unwrap_or_else(PoisonError::into_inner);
        let vcpus = vcpu.map_or(0..VCPUS, |vcpu| vcpu..vcpu + 1);
        vcpus.into_iter().find(|vcpu| !offline.contains(&(vm, *vcpu)))
    }

    /// A VM's memory.
    #[must_use]
    pub fn ram(&self, vm: VmId) -> Option<Arc<Ram>> {
        self.guests.read().unwrap_or_else(PoisonError::into_inner).get(&vm).cloned()
    }

    fn pin(&self, vm: VmId, address: u64, pages: u16) -> Result<Pinned, MapError> {
        self.check_promises(vm, address, pages);
        let ram = self.ram(vm).ok_or(MapError::NotMemory)?;
        let offset = address.checked_sub(RAM_BASE).ok_or(MapError::NotMemory)?;
        let first = usize::try_from(offset).map_err(|_| MapError::NotMemory)? / PAGE;
        let end = first.checked_add(pages.into()).ok_or(MapError::NotMemory)?;
        if end > ram.pages() {
            return Err(MapError::NotMemory);
        }
        Pinned::new(ram, first..end, Some(vm), &self.observers).ok_or(MapError::InUse)
    }

    /// What [`Host::map_buffer`] says was checked before.
    fn check_promises(&self, vm: VmId, address: u64, pages: u16) {
        let size = u64::from(pages) * PAGE as u64;
        let wraps = address.checked_add(size).is_none();
        if address % PAGE as u64 != 0 || pages == 0 || wraps {
            let journal = self.journal();
            journal.violation(format_args!("{vm}: map_buffer({address:#x}, {pages} pages)"));
        }
    }
}

impl Host for Hypervisor {
    type Buffer = Pinned;

    fn map_buffer(
        &self,
        vm: VmId,
        address: u64,
        pages: u16,
        _: Access,
    ) -> Result<Pinned, MapError> {
        current::as_host(|| {
            self.observers.points.reach(Point::MapBuffer).map_err(|_| MapError::NoMemory)?;
            self.pin(vm, address, pages)
        })
    }

    fn spmc_call(&self, regs: &Regs) -> Option<Regs> {
        current::as_host(|| {
            self.observers.points.reach(Point::SpmcCall).ok()?;
            self.spmc.as_ref().map(|spmc| spmc.call(regs))
        })
    }

    fn spmc_buffers(&self) -> Option<SpmcBuffers<Pinned>> {
        current::as_host(|| {
            self.observers.points.reach(Point::SpmcBuffers).ok()?;
            self.spmc.as_ref()?.buffers(&self.observers)
        })
    }

    fn taint(&self, reason: Taint) {
        current::as_host(|| self.journal().write_taint(reason));
    }

    fn poll_is_due(&self) {
        current::as_host(|| self.journal().count_poll_due());
    }

    fn inject(&self, vm: VmId, vcpu: Option<u16>, interrupt: u32) -> bool {
        current::as_host(|| {
            let is_taken = self.observers.points.reach(Point::Inject).is_ok();
            let target = self.online(vm, vcpu).filter(|_| is_taken);
            if let Some(vcpu) = target {
                self.journal().write_interrupt(Interrupt { vm, vcpu, interrupt });
            }
            target.is_some()
        })
    }

    fn log(&self, level: Level, message: fmt::Arguments<'_>) {
        current::as_host(|| self.journal().write_log(level, message));
    }
}
