//! Two readers against one: what a shared cache line costs.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use ffa_abi::Version;
use ffa_benches::{Asker, Data, Experiment, Kind, Population, Reader, Store};

use crate::effort::Effort;
use crate::measure::median;
use crate::threads::pin;

/// How many partitions: few, so that what protects them is most of the cost.
pub(crate) const SIZE: u16 = 8;

/// How often a reader looks at the clock.
const BATCH: u64 = 64;

/// A batch that takes as long was interrupted, as none is in a hypervisor: it does not count. Without
/// this, one busy neighbour makes two readers look three times as fast as one.
const INTERRUPTED: Duration = Duration::from_micros(300);

/// What readers ask.
#[derive(Clone, Copy)]
enum Asked {
    Count,
    List,
}

struct Scaling<'p> {
    population: &'p Population,
    effort: Effort,
    asked: Asked,
}

/// Measures every contender, with one reader on either CPU, and with two.
pub(crate) fn measure(data: &mut Data, effort: Effort) {
    let population = Population::new(SIZE, Version::V1_2);
    for (asked, name) in [(Asked::Count, "count"), (Asked::List, "list")] {
        for kind in Kind::ALL {
            effort.progress("two readers", &format!("{name}, {}", kind.name()));
            let mut scaling = Scaling { population: &population, effort, asked };
            let ratio = kind.run(&population, usize::MAX, &mut scaling);
            data.put("two readers", kind.name(), SIZE.into(), name, ratio);
        }
    }
}

impl Experiment for Scaling<'_> {
    type Output = f64;

    fn run<S: Store>(&mut self, store: &S) -> f64 {
        let rounds = (0..self.effort.slices).map(|_| {
            let alone: f64 = (0..2).map(|cpu| self.answers(store, &[cpu])).sum();
            2.0 * self.answers(store, &[0, 1]) / alone
        });
        median(rounds.collect())
    }
}

impl Scaling<'_> {
    /// Answers a second, all readers together.
    fn answers<S: Store>(&self, store: &S, cpus: &[usize]) -> f64 {
        let barrier = Barrier::new(cpus.len());
        let barrier = &barrier;
        thread::scope(|scope| {
            let spawn = |cpu: &usize| {
                let cpu = *cpu;
                let asker = self.population.asker_at(u16::try_from(cpu).unwrap_or(0));
                scope.spawn(move || self.read(store, cpu, asker, barrier))
            };
            let readers: Vec<_> = cpus.iter().map(spawn).collect();
            readers.into_iter().map(|reader| reader.join().unwrap_or(f64::NAN)).sum()
        })
    }

    fn read<S: Store>(&self, store: &S, cpu: usize, asker: Asker, barrier: &Barrier) -> f64 {
        pin(cpu);
        let mut reader = store.reader(cpu, asker);
        barrier.wait();
        let (mut answers, mut time) = (0, Duration::ZERO);
        let end = Instant::now() + self.effort.slice / 4;
        let mut before = Instant::now();
        while before < end {
            for _ in 0..BATCH {
                match self.asked {
                    Asked::Count => black_box(reader.count()),
                    Asked::List => black_box(reader.list()),
                };
            }
            let now = Instant::now();
            if now - before < INTERRUPTED {
                answers += BATCH;
                time += now - before;
            }
            before = now;
        }
        answers as f64 / time.as_secs_f64()
    }
}
