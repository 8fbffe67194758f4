//! How much memory waits for readers while partitions come and go as fast as they can, and one CPU
//! lists all the time.
//!
//! What counts are readers that run. Where the operating system takes the CPU from a reader inside of
//! a section, which no hypervisor does to itself, everything that is retired waits for milliseconds:
//! such windows are told apart by the reader's heartbeat, and counted.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use ffa_abi::Version;
use ffa_benches::{Data, Experiment, Kind, Population, Reader, Store};

use crate::effort::Effort;
use crate::heartbeat::{Beats, Listener};
use crate::measure::quantile;
use crate::retired::churn;
use crate::threads::pin;

/// How many changes share a peak: about a millisecond's.
const WINDOW: usize = 256;

/// Windows after an interruption that still show what it left.
const AFTERMATH: usize = 8;

/// Windows without an interruption that it takes to say something.
const ENOUGH: usize = 10;

/// Statistics of the peaks of windows without an interruption, in hundredths of them.
pub(crate) const PEAKS: [(&str, usize); 4] =
    [("bytes p50", 50), ("bytes p90", 90), ("bytes p99", 99), ("bytes most", 100)];

/// The share of windows with an interruption or its aftermath.
pub(crate) const INTERRUPTED: &str = "interrupted, of 100";

/// Measures those that defer.
pub(crate) fn measure(data: &mut Data, effort: Effort) {
    for seen in [2730, 32767] {
        let population = Population::new(seen, Version::V1_2);
        for kind in Kind::DEFERRED {
            effort.progress("retired memory", &format!("N = {seen}, {}", kind.name()));
            let windows = kind.run(&population, 64 << 20, &mut Steady(&population, effort));
            let clean = without_interruptions(&windows);
            let mut put = |statistic: &str, value| {
                data.put("steady churn", kind.name(), seen.into(), statistic, value);
            };
            for (statistic, hundredths) in PEAKS.into_iter().filter(|_| clean.len() >= ENOUGH) {
                put(statistic, quantile(clean.clone(), hundredths));
            }
            let share = 1.0 - clean.len() as f64 / windows.len().max(1) as f64;
            put(INTERRUPTED, share * 100.0);
        }
    }
}

struct Steady<'p>(&'p Population, Effort);

/// Some changes in a row.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Window {
    peak: f64,
    interrupted: bool,
}

impl Experiment for Steady<'_> {
    type Output = Vec<Window>;

    fn run<S: Store>(&mut self, store: &S) -> Vec<Window> {
        let Steady(population, effort) = *self;
        let (done, heart) = (AtomicBool::new(false), Heart::default());
        let mut samples = Vec::new();
        thread::scope(|scope| {
            let (done, heart, samples) = (&done, &heart, &mut samples);
            scope.spawn(move || beat(store, population, done, heart));
            scope.spawn(move || {
                pin(1);
                let mut listener = Listener::new(&heart.beats);
                churn(store, population, done, |bytes| {
                    samples.push(Window {
                        peak: bytes as f64,
                        interrupted: is_late(heart, &mut listener),
                    });
                });
            });
            thread::sleep(effort.slice * u32::try_from(effort.slices).unwrap_or(1));
            done.store(true, Relaxed);
        });
        samples.chunks(WINDOW).map(Window::of).collect()
    }
}

impl Window {
    fn of(samples: &[Window]) -> Window {
        let peak = samples.iter().map(|sample| sample.peak).fold(0.0, f64::max);
        Window { peak, interrupted: samples.iter().any(|sample| sample.interrupted) }
    }
}

/// The peaks of windows that have no interruption, nor one shortly before.
fn without_interruptions(windows: &[Window]) -> Vec<f64> {
    let mut since = AFTERMATH;
    let mut clean = Vec::new();
    for window in windows {
        since = if window.interrupted { 0 } else { since + 1 };
        if since > AFTERMATH {
            clean.push(window.peak);
        }
    }
    clean
}

/// What a reader shows of itself.
#[derive(Default)]
struct Heart {
    /// The lists that it has made.
    beats: Beats,
    /// How long one takes when all is well.
    nanoseconds: AtomicU64,
}

/// Lists until it is done.
fn beat<S: Store>(store: &S, population: &Population, done: &AtomicBool, heart: &Heart) {
    pin(0);
    let mut reader = store.reader(0, population.asker);
    let fastest = (0..20).map(|_| {
        let start = Instant::now();
        black_box(reader.list());
        start.elapsed()
    });
    let fastest = fastest.min().unwrap_or_default().as_nanos();
    heart.nanoseconds.store(u64::try_from(fastest).unwrap_or(0), Relaxed);
    while !done.load(Relaxed) {
        black_box(reader.list());
        heart.beats.beat();
    }
}

/// Whether the last beat is so long ago that no list takes as long, or none has come yet.
fn is_late(heart: &Heart, listener: &mut Listener<'_>) -> bool {
    let usual = Duration::from_nanos(heart.nanoseconds.load(Relaxed));
    !listener.hears(Instant::now(), 3 * usual + Duration::from_micros(50))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_keep_their_peaks() {
        let sample = |peak, interrupted| Window { peak, interrupted };
        let window = Window::of(&[sample(2.0, false), sample(5.0, true), sample(3.0, false)]);
        assert_eq!(window, sample(5.0, true));
    }

    #[test]
    fn an_interruption_takes_its_aftermath_along() {
        let mut windows = vec![Window { peak: 1.0, interrupted: false }; 3 + AFTERMATH + 1];
        windows[2] = Window { peak: 9.0, interrupted: true };
        assert_eq!(without_interruptions(&windows).len(), 2 + 1);
        assert!(without_interruptions(&windows).iter().all(|peak| *peak < 2.0));
    }
}
