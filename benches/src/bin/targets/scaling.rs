//! Two readers against one: what a shared cache line costs.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use ffa_abi::Version;
use ffa_benches::{
    APART, Apart, Data, DirectoryRegistry, Experiment, Kind, Population, Reader, Store,
};
use ffa_rcu::Slots;

use crate::effort::Effort;
use crate::heartbeat::{Beats, Listener};
use crate::measure::median;
use crate::threads::pin;

/// How many partitions: few, so that what protects them is most of the cost.
pub(crate) const SIZE: u16 = 8;

/// How often a reader looks at the clock.
const BATCH: u64 = 64;

/// A batch that takes as long was interrupted, as none is in a hypervisor: it does not count, nor does
/// what the other reader does meanwhile. Without this, one busy neighbour makes two readers look
/// more than twice as fast as one, and a reader of a lock has it for itself.
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

/// How often all contenders have their turn: a neighbour that comes and goes hits some turns of each, and
/// not all turns of one.
const PASSES: usize = 12;

/// Measures every contender, with one reader on either CPU, and with two.
pub(crate) fn measure(data: &mut Data, effort: Effort) {
    let population = Population::new(SIZE, Version::V1_2);
    for (asked, name) in [(Asked::Count, "count"), (Asked::List, "list")] {
        let scaling = Scaling { population: &population, effort, asked };
        let passes = effort.slices.min(PASSES);
        let passes: Vec<_> = (1..=passes).map(|pass| scaling.pass(name, pass, passes)).collect();
        let of = |who: &str| {
            let turns = passes.iter().flatten().filter(|(name, _)| *name == who);
            turns.map(|(_, ratio)| *ratio).collect::<Vec<f64>>()
        };
        for who in Kind::ALL.map(Kind::name).into_iter().chain([APART]) {
            data.put("two readers", who, SIZE.into(), name, median(of(who)));
        }
        let apart = of(APART);
        let over = of(Kind::Slots.name()).into_iter().zip(apart).map(|(ours, apart)| ours / apart);
        let statistic = format!("{name} over {APART}");
        data.put(
            "two readers",
            Kind::Slots.name(),
            SIZE.into(),
            &statistic,
            median(over.collect()),
        );
    }
}

impl Experiment for Scaling<'_> {
    type Output = f64;

    fn run<S: Store>(&mut self, store: &S) -> f64 {
        let slices = (self.effort.slices / PASSES).max(1);
        let rounds = (0..slices).map(|_| {
            let alone: f64 = (0..2).map(|cpu| self.answers(store, &[cpu])).sum();
            2.0 * self.answers(store, &[0, 1]) / alone
        });
        median(rounds.collect())
    }
}

impl Scaling<'_> {
    /// One turn of each contender, ours right before two registries apart.
    fn pass(&self, name: &str, pass: usize, of: usize) -> Vec<(&'static str, f64)> {
        self.effort.progress("two readers", &format!("{name}, pass {pass} of {of}"));
        let turn = || Scaling { ..*self };
        let infos = &self.population.infos;
        let others = Kind::ALL.into_iter().filter(|kind| *kind != Kind::Slots);
        let of_kind =
            |kind: Kind| (kind.name(), kind.run(self.population, usize::MAX, &mut turn()));
        let mut turns: Vec<_> = others.map(of_kind).collect();
        turns.push(of_kind(Kind::Slots));
        let registry = || DirectoryRegistry::<Slots>::new(infos);
        let apart = Apart { first: registry(), second: registry() };
        turns.push((APART, turn().run(&apart)));
        turns
    }
}

impl Scaling<'_> {
    /// Answers a second, all readers together.
    fn answers<S: Store>(&self, store: &S, cpus: &[usize]) -> f64 {
        let barrier = Barrier::new(cpus.len());
        let beats = [Beats::default(), Beats::default()];
        let (barrier, beats) = (&barrier, &beats);
        thread::scope(|scope| {
            let spawn = |cpu: &usize| {
                let cpu = *cpu;
                let [first, second] = beats;
                let (own, other) = if cpu == 0 { (first, second) } else { (second, first) };
                let partner = (cpus.len() > 1).then_some(other);
                scope.spawn(move || {
                    pin(cpu);
                    self.read(store, cpu, (own, partner), barrier)
                })
            };
            let readers: Vec<_> = cpus.iter().map(spawn).collect();
            readers.into_iter().map(|reader| reader.join().unwrap_or(f64::NAN)).sum()
        })
    }

    fn read<S: Store>(
        &self,
        store: &S,
        cpu: usize,
        (own, partner): (&Beats, Option<&Beats>),
        barrier: &Barrier,
    ) -> f64 {
        let asker = self.population.asker_at(u16::try_from(cpu).unwrap_or(0));
        let mut reader = store.reader(cpu, asker);
        let mut partner = partner.map(Listener::new);
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
            own.beat();
            let now = Instant::now();
            let together = partner.as_mut().is_none_or(|partner| partner.hears(now, INTERRUPTED));
            if together && now - before < INTERRUPTED {
                answers += BATCH;
                time += now - before;
            }
            before = now;
        }
        answers as f64 / time.as_secs_f64()
    }
}
