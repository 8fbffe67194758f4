//! Barrages: vCPUs make random calls, and calls that are almost right, while their VMs come and go.

mod calls;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use ffa_core::{Caller, CreateError};

use crate::machine::{Machine, Setup, vm_id};
use crate::spmc::SpmcSetup;

pub use calls::{registers, width};

/// What a barrage is like.
#[derive(Clone, Debug)]
pub struct Barrage {
    /// How long.
    pub duration: Duration,
    /// At most so many calls.
    pub calls: u64,
    /// Where random choices begin.
    pub seed: u64,
}

/// What came of a barrage.
#[derive(Debug)]
pub struct Aftermath {
    /// Calls made.
    pub calls: u64,
    /// VMs destroyed.
    pub destroyed: u64,
    /// Promises that were broken.
    pub violations: Vec<String>,
}

/// Guests: fewer than callers can name, so that some calls come from VMs that do not exist.
const VMS: u16 = 6;
const CALLERS: usize = 3;

impl Default for Barrage {
    fn default() -> Self {
        Barrage { duration: Duration::from_secs(10), calls: u64::MAX, seed: 1 }
    }
}

/// Runs a barrage, and tells `progress` the time and the calls made ten times a second.
pub fn run(barrage: &Barrage, progress: &mut dyn FnMut(Duration, u64)) -> Aftermath {
    let spmc = SpmcSetup::with_partitions(3);
    let machine = Setup { cpus: CALLERS + 1, ..Setup::default() }.with_spmc(spmc).start();
    (1..=VMS).for_each(|id| machine.create(id).expect("a new machine has room"));
    let (stop, calls) = (AtomicBool::new(false), AtomicU64::new(0));
    let start = Instant::now();
    let destroyed = thread::scope(|scope| {
        for cpu in 0..CALLERS {
            let rng = Rng::with_seed(barrage.seed.wrapping_add(cpu as u64));
            let (machine, stop, calls) = (&machine, &stop, &calls);
            scope.spawn(move || call(machine, cpu, rng, stop, calls));
        }
        let rng = Rng::with_seed(!barrage.seed);
        let churn = scope.spawn(|| churn(&machine, rng, &stop));
        while start.elapsed() < barrage.duration && calls.load(Relaxed) < barrage.calls {
            thread::sleep(Duration::from_millis(100).min(barrage.duration));
            progress(start.elapsed(), calls.load(Relaxed));
        }
        stop.store(true, Relaxed);
        churn.join().expect("the churn ends")
    });
    check_end(&machine);
    let violations = machine.journal().take_violations();
    Aftermath { calls: calls.load(Relaxed), destroyed, violations }
}

fn call(machine: &Machine, cpu: usize, mut rng: Rng, stop: &AtomicBool, calls: &AtomicU64) {
    let mut made = 0;
    while !stop.load(Relaxed) {
        let vm = vm_id(rng.u16(1..=VMS + 1));
        let caller = Caller { vm, vcpu: rng.u16(..), width: width(&mut rng) };
        let mut vcpu = machine.vcpu_as(cpu, caller);
        for _ in 0..16 {
            let _checked_by_shape = vcpu.trap(&registers(&mut rng));
            made += 1;
        }
        calls.fetch_add(16, Relaxed);
        thread::yield_now();
    }
    assert!(made > 0, "CPU {cpu} made no call");
}

/// Destroys a VM and creates it again, now and then; reclaims.
fn churn(machine: &Machine, mut rng: Rng, stop: &AtomicBool) -> u64 {
    let mut destroyed = 0;
    while !stop.load(Relaxed) {
        let id = rng.u16(1..=VMS);
        machine.destroy(id).expect("the VM exists, and little is retired");
        destroyed += 1;
        loop {
            machine.mediator().reclaim(rng.usize(0..8));
            match machine.create(id) {
                Ok(()) => break,
                Err(CreateError::IdDraining) => thread::yield_now(),
                Err(error) => panic!("VM {id} was not created: {error}"),
            }
        }
        thread::sleep(Duration::from_micros(rng.u64(0..200)));
    }
    destroyed
}

/// When all VMs are gone, nothing of them is left.
fn check_end(machine: &Machine) {
    for id in 1..=VMS {
        machine.destroy(id).expect("the VM exists");
    }
    machine.drain();
    (1..=VMS).for_each(|id| machine.free(id));
}

impl fmt::Display for Aftermath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:24}{:>12}", "calls", self.calls)?;
        writeln!(f, "{:24}{:>12}", "VMs destroyed", self.destroyed)?;
        writeln!(f, "{:24}{:>12}", "violations", self.violations.len())?;
        self.violations.iter().try_for_each(|what| writeln!(f, "  {what}"))
    }
}
