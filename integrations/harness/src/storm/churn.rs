//! VMs come and go.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Instant;

use ffa_abi::{IdGet, Version};
use ffa_core::CreateError;

use crate::machine::{Machine, vm_id};
use crate::storm::population::Population;
use crate::storm::tally::{Kind, Tally};
use crate::vcpu::Vcpu;

/// What came and went.
#[derive(Default)]
pub struct Churned {
    /// VMs created.
    pub created: u64,
    /// VMs destroyed.
    pub destroyed: u64,
    /// How often a change had to wait for readers: an id still drained, or too much was retired.
    pub waits: u64,
    /// How long it took.
    pub tally: Tally,
}

/// Objects that one step may free.
const BUDGET: usize = 8;

/// One VM joins and the oldest one leaves, until `stop`.
pub(crate) fn run(machine: &Machine, population: &Population, stop: &AtomicBool) -> Churned {
    let mut churned = Churned::default();
    let mut vcpu = machine.vcpu(0, population.next().id.get(), 0);
    while !stop.load(Relaxed) {
        if create(machine, population, &mut churned) {
            join(population, &mut vcpu, &mut churned);
            leave(machine, population, stop, &mut churned);
        }
        churned.time(Kind::Reclaim, || machine.mediator().reclaim(BUDGET));
    }
    churned
}

/// The first calls of a VM: it joins.
pub(crate) fn negotiate(vcpu: &mut Vcpu<'_>, version: Version) {
    vcpu.version(version).expect("a version");
    vcpu.call(&IdGet).expect("memory to join with");
}

/// Whether the next VM was created; else something has to be freed first.
fn create(machine: &Machine, population: &Population, churned: &mut Churned) -> bool {
    let config = population.next();
    let created = churned.time(Kind::Create, || machine.mediator().create_vm(config));
    match created {
        Ok(()) => churned.created += 1,
        Err(CreateError::IdDraining | CreateError::TooMuchRetired(_)) => churned.wait(),
        Err(error) => {
            let journal = machine.journal();
            journal.violation(format_args!("{} was not created: {error}", config.id));
        }
    }
    created.is_ok()
}

fn join(population: &Population, vcpu: &mut Vcpu<'_>, churned: &mut Churned) {
    vcpu.run(population.next().id.get(), 0);
    population.join(|| {
        negotiate(vcpu, Version::V1_2);
        churned.tally.record(Kind::Join, vcpu.elapsed());
    });
}

fn leave(machine: &Machine, population: &Population, stop: &AtomicBool, churned: &mut Churned) {
    let oldest = vm_id(population.oldest());
    let mut destroy =
        || churned.time(Kind::Destroy, || machine.mediator().destroy_vm(oldest).is_ok());
    while !population.leave(&mut destroy) && !stop.load(Relaxed) {
        machine.mediator().reclaim(BUDGET);
        std::thread::yield_now();
    }
    churned.destroyed = population.destroyed();
}

impl Churned {
    fn time<R>(&mut self, kind: Kind, act: impl FnOnce() -> R) -> R {
        let start = Instant::now();
        let result = act();
        self.tally.record(kind, start.elapsed());
        result
    }

    fn wait(&mut self) {
        self.waits += 1;
        std::thread::yield_now();
    }
}
