//! The life of the VMs of the bundle: started, ended, started again, and the end of it all.
//!
//! Whichever CPU is between two vCPUs does the work, one at a time. A VM leaves in three steps: the
//! mediator forgets it, while its vCPUs may still run and call; its vCPUs leave their CPUs; its
//! memory goes when neither the VM nor a buffer of the mediator's holds it any more. Its id can be
//! used again when the mediator agrees.

use alloc::sync::Arc;
use alloc::vec::Vec;

use ffa_abi::{PartitionProperties, Uuid, VmId};
use ffa_core::{CreateError, VmConfig};
use ffa_el2::bundle;
use ffa_el2::scheduler::Task;
use spin::mutex::SpinMutex;

use super::console::log;
use super::firmware;
use super::gic;
use super::host::{self, FfaCpu};
use super::memory;
use super::timer;
use super::vm::{self, End, SCHEDULER, Vm};

/// Retired objects that are freed at a time, and VMs that are told again, so that the next time slice
/// starts late by little.
const POLL_BUDGET: usize = 16;

static SUPERVISOR: SpinMutex<Option<Supervisor>> = SpinMutex::new(None);

struct Supervisor {
    slots: Vec<Slot>,
    /// Pages that no VM owns, and that will be in use in the end as they are now.
    pages_of_ours: u64,
    created: u64,
    destroyed: u64,
}

struct Slot {
    plan: bundle::Vm<'static>,
    id: VmId,
    restarts_left: u32,
    phase: Phase,
}

enum Phase {
    /// To be made, as soon as the mediator takes its id.
    Due,
    /// Runs, until this count of the physical counter if there is one.
    Alive(Arc<Vm>, Option<u64>),
    /// The mediator has forgotten it; its vCPUs leave.
    Leaving(Arc<Vm>),
    /// Will not run again.
    Over {
        /// It did what it must not, or could not be made.
        failed: bool,
    },
}

/// Takes over the VMs of a bundle; [`poll`] starts them.
pub(super) fn init(vms: impl Iterator<Item = bundle::Vm<'static>>) {
    let slots = vms.zip(1..).filter_map(|(plan, id)| {
        let id = VmId::new(id)?;
        Some(Slot { plan, id, restarts_left: plan.restarts, phase: Phase::Due })
    });
    let supervisor = Supervisor {
        slots: slots.collect(),
        pages_of_ours: memory::pages_in_use(),
        created: 0,
        destroyed: 0,
    };
    *SUPERVISOR.lock() = Some(supervisor);
}

/// Does what is to be done now, if no other CPU does it already: called between two vCPUs and while
/// idle.
///
/// Does not return when all VMs are over.
pub(super) fn poll(ffa: &mut FfaCpu) {
    let Some(mut guard) = SUPERVISOR.try_lock() else { return };
    if let Some(supervisor) = guard.as_mut() {
        ffa.poll(POLL_BUDGET);
        supervisor.poll(timer::now());
    }
}

impl Supervisor {
    fn poll(&mut self, now: u64) {
        for slot in 0..self.slots.len() {
            self.poll_slot(slot, now);
        }
        if self.slots.iter().all(|slot| matches!(slot.phase, Phase::Over { .. })) {
            self.finish();
        }
    }

    fn poll_slot(&mut self, index: usize, now: u64) {
        let Some(slot) = self.slots.get_mut(index) else { return };
        match &slot.phase {
            Phase::Due => {
                if let Some(phase) = slot.start(index, now) {
                    self.created += u64::from(matches!(phase, Phase::Alive(..)));
                    slot.phase = phase;
                }
            }
            Phase::Alive(vm, until) => {
                if slot.is_over(vm, *until, now) && host::mediator().destroy_vm(slot.id).is_ok() {
                    self.destroyed += 1;
                    slot.phase = Phase::Leaving(vm.clone());
                }
            }
            Phase::Leaving(vm) => {
                if SCHEDULER.lock().is_quiet(index) {
                    let end = vm.ended().unwrap_or(End::Off);
                    vm::set(index, None);
                    slot.phase = slot.after(end);
                }
            }
            Phase::Over { .. } => {}
        }
    }

    /// All VMs are over: frees the rest, says how it was, and turns the machine off.
    fn finish(&self) -> ! {
        let deadline = timer::now().saturating_add(timer::microseconds(1_000_000));
        while host::mediator().reclaim(usize::MAX).waiting > 0 && timer::now() < deadline {}
        let leaked = memory::pages_in_use().saturating_sub(self.pages_of_ours);
        self.print_statistics(leaked);
        self.print_verdict(leaked);
        firmware::power_off()
    }

    fn print_statistics(&self, leaked: u64) {
        let retired = host::mediator().retired();
        log!(
            "statistics: calls={} vms_created={} vms_destroyed={} retired_objects={} \
             retired_peak_bytes={} leaked_pages={leaked}",
            host::calls(),
            self.created,
            self.destroyed,
            retired.objects,
            retired.peak_bytes,
        );
    }

    fn print_verdict(&self, leaked: u64) {
        let total = self.slots.len();
        let failed = self
            .slots
            .iter()
            .filter(|slot| matches!(slot.phase, Phase::Over { failed: true }))
            .count();
        if failed > 0 {
            log!("FAILED: {failed} of {total} VMs died");
        } else if leaked > 0 {
            log!("FAILED: {leaked} pages of VMs are still in use");
        } else {
            log!("all {total} VMs are off");
        }
    }
}

impl Slot {
    /// Makes the VM and starts its first vCPU; `None` while its id is not free.
    fn start(&self, index: usize, now: u64) -> Option<Phase> {
        let properties = PartitionProperties::from_bits_retain(self.plan.properties);
        let config = VmConfig {
            id: self.id,
            vcpus: self.plan.vcpus,
            properties,
            uuid: Uuid(self.plan.uuid),
        };
        match host::mediator().create_vm(config) {
            Ok(()) => {}
            Err(CreateError::IdDraining | CreateError::TooMuchRetired(_)) => return None,
            Err(error) => return Some(self.failed(format_args!("{error}"))),
        }
        let vm = match Vm::new(index, self.id, &self.plan) {
            Ok(vm) => Arc::new(vm),
            Err(error) => {
                let _ = host::mediator().destroy_vm(self.id);
                return Some(self.failed(format_args!("{error}")));
            }
        };
        vm::set(index, Some(vm.clone()));
        self.power_on(index);
        let life = timer::microseconds(u64::from(self.plan.life_ms) * 1000);
        Some(Phase::Alive(vm, (life > 0).then(|| now.saturating_add(life))))
    }

    fn power_on(&self, slot: usize) {
        let first = Task { slot, vcpu: 0 };
        let mut scheduler = SCHEDULER.lock();
        scheduler.reopen(slot);
        let _ = scheduler.claim(first);
        let kicks = scheduler.start(first);
        drop(scheduler);
        gic::kick(kicks);
    }

    fn failed(&self, why: core::fmt::Arguments<'_>) -> Phase {
        log!("vm{}: died: not started: {why}", self.id.get());
        Phase::Over { failed: true }
    }

    /// True when this life has ended, for whatever reason.
    fn is_over(&self, vm: &Vm, until: Option<u64>, now: u64) -> bool {
        if until.is_some_and(|until| until <= now) {
            vm.end(End::LifeOver);
        }
        if SCHEDULER.lock().is_quiet(vm.slot) {
            vm.end(End::Off);
        }
        vm.ended().is_some()
    }

    /// What comes after a life that ended so.
    fn after(&mut self, end: End) -> Phase {
        let id = self.id.get();
        let how = match end {
            End::Died => return Phase::Over { failed: true },
            End::Off => "off",
            End::Reset => "reset",
            End::LifeOver => "killed",
        };
        if end == End::Off || self.restarts_left == 0 {
            log!("vm{id}: {how}");
            return Phase::Over { failed: false };
        }
        self.restarts_left -= 1;
        log!("vm{id}: {how}, starts again, restarts_left={}", self.restarts_left);
        Phase::Due
    }
}
