//! Storms: readers list partitions as fast as they can while VMs come and go, and each list is checked.

mod churn;
mod population;
mod reader;
mod report;
mod tally;

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use ffa_core::Policy;

use crate::buffer::Watch;
use crate::machine::{Machine, Setup};
use crate::spmc::SpmcSetup;

pub use churn::Churned;
pub use population::{Population, Witness};
pub use report::Report;
pub use tally::{Kind, Tally};

/// What a storm is like.
#[derive(Clone, Debug)]
pub struct Options {
    /// VMs alive at any time, the readers' among them.
    pub vms: u16,
    /// vCPUs that list partitions, one VM and one thread each.
    pub readers: u16,
    /// Whether VMs come and go meanwhile.
    pub churn: bool,
    /// How long.
    pub duration: Duration,
    /// What the readers' choices of calls come from.
    pub seed: u64,
    /// Whether every VM sees every other one; else secure partitions only.
    pub allow_all: bool,
    /// Secure partitions; none is no firmware.
    pub secure_partitions: u16,
}

/// How far a storm is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Since it began.
    pub elapsed: Duration,
    /// VMs destroyed so far.
    pub destroyed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            vms: 512,
            readers: 2,
            churn: false,
            duration: Duration::from_secs(10),
            seed: 1,
            allow_all: true,
            secure_partitions: 0,
        }
    }
}

impl Options {
    /// Most VMs that a list in 16 pages can show to a caller of 1.1.
    pub const MOST_PARTITIONS: u16 = 2730;

    /// What cannot be done.
    ///
    /// # Errors
    /// A sentence for whoever gave the options.
    pub fn check(&self) -> Result<(), String> {
        let most = Self::MOST_PARTITIONS;
        let total = u32::from(self.vms) + u32::from(self.secure_partitions);
        if self.readers == 0 {
            return Err("--readers must be at least 1".into());
        }
        if self.vms < self.readers.saturating_add(Population::LEAST_WINDOW) {
            let least = self.readers.saturating_add(Population::LEAST_WINDOW);
            return Err(format!("--vms must be at least {least} for {} readers", self.readers));
        }
        if self.secure_partitions > 256 {
            return Err("--sps must be at most 256".into());
        }
        // One more VM is alive for a moment at each change.
        if total + 1 > u32::from(most) {
            return Err(format!("--vms and --sps together must stay below {most}, what RX holds"));
        }
        Ok(())
    }

    fn machine(&self) -> Machine {
        let policy = if self.allow_all { Policy::allow_all() } else { Policy::vm_to_sp() };
        let sps = self.secure_partitions;
        let spmc = (sps > 0).then(|| SpmcSetup::with_partitions(sps));
        let cpus = usize::from(self.readers) + 1;
        Setup { cpus, policy, spmc, watch: Watch::Loose, ..Setup::default() }.start()
    }
}

/// Runs a storm, and tells `progress` ten times a second.
///
/// # Panics
/// Where `options` do not pass [`Options::check`].
pub fn run(options: &Options, progress: &mut dyn FnMut(Progress)) -> Report {
    options.check().expect("options that can be done");
    let machine = options.machine();
    let population = Population::new(options);
    population.create_all(&machine);
    let stop = AtomicBool::new(false);
    let start = Instant::now();
    let (tally, churned) = thread::scope(|scope| {
        let readers = spawn_readers(scope, options, &machine, &population, &stop);
        let churn = options.churn.then(|| scope.spawn(|| churn::run(&machine, &population, &stop)));
        wait(options.duration, start, &population, progress);
        stop.store(true, Relaxed);
        let mut tally = Tally::default();
        readers.into_iter().for_each(|reader| tally.add(&reader.join().expect("a reader ends")));
        let churned = churn.map(|churn| churn.join().expect("the churn ends")).unwrap_or_default();
        tally.add(&churned.tally);
        (tally, churned)
    });
    Report::new(options, &machine, start.elapsed(), tally, &churned)
}

fn spawn_readers<'s, 'e>(
    scope: &'s Scope<'s, 'e>,
    options: &Options,
    machine: &'e Machine,
    population: &'e Population,
    stop: &'e AtomicBool,
) -> Vec<ScopedJoinHandle<'s, Tally>> {
    let seed = options.seed;
    let spawn = |index: u16| {
        scope.spawn(move || {
            let rng = fastrand::Rng::with_seed(seed.wrapping_add(index.into()));
            reader::run(machine, population, index, rng, stop)
        })
    };
    (0..options.readers).map(spawn).collect()
}

fn wait(
    duration: Duration,
    start: Instant,
    population: &Population,
    progress: &mut dyn FnMut(Progress),
) {
    const TICK: Duration = Duration::from_millis(100);
    while let Some(left) = duration.checked_sub(start.elapsed()).filter(|left| !left.is_zero()) {
        thread::sleep(left.min(TICK));
        progress(Progress { elapsed: start.elapsed(), destroyed: population.destroyed() });
    }
}
