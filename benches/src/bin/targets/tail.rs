//! How long the slowest answers take while partitions come and go on another CPU.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use ffa_abi::Version;
use ffa_benches::{Data, Experiment, Kind, Population, Reader, Store, destroyed_here};
use hdrhistogram::Histogram;

use crate::churn::Churn;
use crate::effort::Effort;
use crate::measure::median;
use crate::threads::pin;

/// The points of the curve, in hundredths of a percent.
pub(crate) const PERCENTILES: [u32; 9] = [5000, 7500, 9000, 9500, 9900, 9950, 9990, 9995, 9999];

/// One change in 20 us: 50,000 a second.
const PACE: Duration = Duration::from_micros(20);

/// Lists before those that count: they bring a new buffer's pages in.
const WARM_UP: usize = 10;

/// More than any registry here gets to keep.
const LIMIT: usize = 64 << 20;

/// What the writer does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Writing {
    Nothing,
    Paced,
    TightLoop,
}

/// What one slice gave.
struct Slice {
    times: Histogram<u64>,
    changes_a_second: f64,
    allocations: u64,
    frees: u64,
    destructors: u64,
}

/// One contender, read while one writes.
struct Tail<'p> {
    population: &'p Population,
    effort: Effort,
    writing: &'p [Writing],
    /// What two readings of the clock cost, which is taken off.
    clock: u64,
}

/// Measures contenders with a paced writer at the larger sizes, and with a tight loop at N = 64.
pub(crate) fn measure(data: &mut Data, effort: Effort) {
    pin(0);
    let clock = clock();
    data.put("clock", "two readings", 0, "ns", clock as f64);
    for seen in [512, 2730] {
        let population = Population::new(seen, Version::V1_2);
        for kind in Kind::ALL {
            effort.progress("50,000 changes a second", &format!("N = {seen}, {}", kind.name()));
            let writing = &[Writing::Nothing, Writing::Paced];
            let mut tail = Tail { population: &population, effort, writing, clock };
            let slices = kind.run(&population, LIMIT, &mut tail);
            record_against_idle(data, kind.name(), seen, &slices);
        }
    }
    let population = Population::new(64, Version::V1_2);
    for kind in Kind::ALL {
        effort.progress("a writer in a tight loop", &format!("N = 64, {}", kind.name()));
        let writing = &[Writing::TightLoop];
        let mut tail = Tail { population: &population, effort, writing, clock };
        let slices = kind.run(&population, LIMIT, &mut tail);
        let slices: Vec<&Slice> = slices.iter().flatten().collect();
        record("tight loop", data, kind.name(), 64, &slices);
    }
}

/// The median cost of two readings of the clock.
fn clock() -> u64 {
    let mut times = histogram();
    for _ in 0..100_000 {
        let start = Instant::now();
        let _ = times.record(nanoseconds(start.elapsed()));
    }
    times.value_at_quantile(0.5)
}

/// Fixed in size: it does not allocate while it is filled.
fn histogram() -> Histogram<u64> {
    #[expect(clippy::expect_used, reason = "constants that are in range")]
    Histogram::new_with_bounds(1, 10_000_000_000, 3).expect("bounds")
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl Experiment for Tail<'_> {
    /// For each slice, one for each way of writing, which so have the same neighbours.
    type Output = Vec<Vec<Slice>>;

    fn run<S: Store>(&mut self, store: &S) -> Vec<Vec<Slice>> {
        let mut churn = Churn::new(self.population);
        let slices = 0..self.effort.slices;
        slices
            .map(|_| self.writing.iter().map(|how| self.slice(store, &mut churn, *how)).collect())
            .collect()
    }
}

impl Tail<'_> {
    fn slice<S: Store>(&self, store: &S, churn: &mut Churn<'_>, writing: Writing) -> Slice {
        let done = AtomicBool::new(false);
        let changes = AtomicU64::new(0);
        let (store, done) = (&store, &done);
        let mut slice = thread::scope(|scope| {
            let changes = &changes;
            scope.spawn(move || {
                pin(1);
                changes.store(write(*store, churn, writing, done), Relaxed);
            });
            // Its own thread, so that what a thread leaves behind is not the next slice's.
            let reader = scope.spawn(move || self.read(*store));
            let slice = reader.join();
            done.store(true, Relaxed);
            #[expect(clippy::expect_used, reason = "a reader that panics ends the bench")]
            slice.expect("a reader")
        });
        slice.changes_a_second = changes.load(Relaxed) as f64 / self.effort.slice.as_secs_f64();
        slice
    }

    fn read<S: Store>(&self, store: &S) -> Slice {
        pin(0);
        let mut times = histogram();
        let mut reader = store.reader(0, self.population.asker);
        for _ in 0..WARM_UP {
            black_box(reader.list());
        }
        let destroyed = destroyed_here();
        let counted = allocation_counter::measure(|| {
            let end = Instant::now() + self.effort.slice;
            loop {
                let start = Instant::now();
                black_box(reader.list());
                let elapsed = start.elapsed();
                let _ = times.record(nanoseconds(elapsed).saturating_sub(self.clock).max(1));
                if start >= end {
                    break;
                }
            }
        });
        Slice {
            times,
            changes_a_second: 0.0,
            allocations: counted.count_total,
            frees: counted.count_total.saturating_add_signed(-counted.count_current),
            destructors: destroyed_here() - destroyed,
        }
    }
}

/// Changes until it is done, and says how many there were.
fn write<S: Store>(store: &S, churn: &mut Churn<'_>, writing: Writing, done: &AtomicBool) -> u64 {
    let mut changes = 0;
    let mut next = Instant::now();
    while !done.load(Relaxed) {
        match writing {
            Writing::Nothing => thread::sleep(PACE),
            Writing::TightLoop => {
                churn.change_and_reclaim(store);
                changes += 1;
            }
            Writing::Paced if Instant::now() >= next => {
                churn.change_and_reclaim(store);
                changes += 1;
                // What was missed is not made up for.
                next = (next + PACE).max(Instant::now());
            }
            Writing::Paced => std::hint::spin_loop(),
        }
    }
    churn.settle(store);
    changes
}

fn quantile(slice: &Slice, percentile: u32) -> f64 {
    slice.times.value_at_quantile(f64::from(percentile) / 10_000.0) as f64
}

/// Medians over the slices.
fn record(what: &str, data: &mut Data, who: &str, seen: u16, slices: &[&Slice]) {
    for percentile in PERCENTILES {
        let values = slices.iter().map(|slice| quantile(slice, percentile)).collect();
        data.put(&format!("{what} {seen}"), who, percentile, "ns", median(values));
    }
    let rate = median(slices.iter().map(|slice| slice.changes_a_second).collect());
    data.put(what, who, seen.into(), "changes a second", rate);
    let sum =
        |count: fn(&Slice) -> u64| slices.iter().map(|slice| count(slice)).sum::<u64>() as f64;
    data.put(what, who, seen.into(), "allocations", sum(|slice| slice.allocations));
    data.put(what, who, seen.into(), "frees", sum(|slice| slice.frees));
    data.put(what, who, seen.into(), "destructors", sum(|slice| slice.destructors));
}

fn record_against_idle(data: &mut Data, who: &str, seen: u16, slices: &[Vec<Slice>]) {
    let pairs: Vec<(&Slice, &Slice)> =
        slices.iter().filter_map(|pair| Some((pair.first()?, pair.get(1)?))).collect();
    for (percentile, statistic) in [(5000, "p50 over idle"), (9900, "p99 over idle")] {
        let ratio = |(idle, busy): &(&Slice, &Slice)| {
            quantile(busy, percentile) / quantile(idle, percentile)
        };
        data.put("paced", who, seen.into(), statistic, median(pairs.iter().map(ratio).collect()));
    }
    let (idle, busy): (Vec<&Slice>, Vec<&Slice>) = pairs.into_iter().unzip();
    record("idle", data, who, seen, &idle);
    record("paced", data, who, seen, &busy);
}
