//! How much memory waits while a reader is stuck, and over time.

use std::hint::black_box;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use ffa_abi::Version;
use ffa_benches::{CHANGE_BUDGET, Data, Experiment, Kind, Population, Reader, Refused, Store};

use crate::churn::Churn;
use crate::effort::Effort;
use crate::measure::median;
use crate::threads::pin;

/// A limit that is reached soon.
pub(crate) const LIMIT: usize = 1 << 20;

/// How finely time is divided in the course of things.
pub(crate) const BUCKET: Duration = Duration::from_millis(1);

/// How often the course is run: what is kept is the median, since in some the operating system takes
/// the CPU from the reader that should be running.
const COURSES: usize = 9;

/// The CPU that gets stuck.
const STUCK: usize = 1;

/// What a stuck reader costs, and the course of things.
pub(crate) fn measure(data: &mut Data, effort: Effort) {
    let population = Population::new(2730, Version::V1_2);
    let stuck = Kind::Slots.run(&population, LIMIT, &mut Stuck(&population));
    stuck.record(data);
    for kind in Kind::DEFERRED {
        effort.progress("retired memory over time", kind.name());
        let run = |_| kind.run(&population, LIMIT, &mut Course(&population, effort));
        let courses: Vec<Vec<f64>> = (0..COURSES).map(run).collect();
        let buckets = 3 * phase(effort).as_millis() / BUCKET.as_millis();
        let course = median_course(&courses, usize::try_from(buckets).unwrap_or(0));
        for (bucket, bytes) in (0..).zip(course) {
            data.put("course", kind.name(), bucket, "bytes", bytes);
        }
    }
    let phase = u32::try_from(phase(effort).as_millis()).unwrap_or(0);
    data.put("course", "phase", 0, "ms", phase.into());
}

/// Churns in a tight loop until it is done, and reports after each change, before the freeing.
pub(crate) fn churn<S: Store>(
    store: &S,
    population: &Population,
    done: &AtomicBool,
    mut report: impl FnMut(usize),
) {
    let mut churn = Churn::relentless(population);
    while !done.load(Relaxed) {
        // Refused where the limit is reached: then only freeing helps.
        let _ = churn.change(store);
        report(store.retired_bytes());
        store.reclaim(CHANGE_BUDGET);
    }
    churn.settle(store);
}

/// Lists until it is done.
fn read<S: Store>(store: &S, population: &Population, done: &AtomicBool) {
    pin(0);
    let mut reader = store.reader(0, population.asker);
    while !done.load(Relaxed) {
        black_box(reader.list());
    }
}

/// What a stuck reader costs.
struct Stuck<'p>(&'p Population);

struct Bound {
    peak: usize,
    refused: Option<Refused>,
    reclaims: usize,
    most_freed: usize,
    left: usize,
}

impl Experiment for Stuck<'_> {
    type Output = Bound;

    fn run<S: Store>(&mut self, store: &S) -> Bound {
        let mut reader = store.reader(STUCK, self.0.asker_at(1));
        let section = reader.stall();
        let mut churn = Churn::relentless(self.0);
        let mut bound = Bound { peak: 0, refused: None, reclaims: 0, most_freed: 0, left: 0 };
        for _ in 0..1_000_000 {
            let refused = churn.change(store).err();
            bound.peak = bound.peak.max(store.retired_bytes());
            bound.most_freed = bound.most_freed.max(store.reclaim(CHANGE_BUDGET));
            if matches!(refused, Some(Refused::Backlog { .. })) {
                bound.refused = refused;
                break;
            }
        }
        drop(section);
        while store.retired_bytes() > 0 && bound.reclaims < 1_000_000 {
            bound.most_freed = bound.most_freed.max(store.reclaim(CHANGE_BUDGET));
            bound.reclaims += 1;
        }
        bound.left = store.retired_bytes();
        bound
    }
}

impl Bound {
    fn record(&self, data: &mut Data) {
        let who = Kind::Slots.name();
        let mut put = |statistic: &str, value: f64| data.put("stuck", who, 2730, statistic, value);
        put("peak over the limit", self.peak as f64 / LIMIT as f64);
        put("most frees a write", self.most_freed as f64);
        put("reclaims until all is free", self.reclaims as f64);
        put("bytes left", self.left as f64);
        let named = matches!(self.refused, Some(Refused::Backlog { cpu: Some(STUCK), .. }));
        put("writer told the CPU", f64::from(u8::from(named)));
    }
}

/// Retired memory over time: all well, then a reader stuck, then all well again.
struct Course<'p>(&'p Population, Effort);

/// How long each of the three phases lasts.
fn phase(effort: Effort) -> Duration {
    effort.slice / 2
}

impl Experiment for Course<'_> {
    /// The peak of each bucket.
    type Output = Vec<f64>;

    fn run<S: Store>(&mut self, store: &S) -> Vec<f64> {
        let Course(population, effort) = *self;
        let done = AtomicBool::new(false);
        let peaks = Mutex::new(Vec::<f64>::new());
        let start = Instant::now();
        thread::scope(|scope| {
            let (done, peaks) = (&done, &peaks);
            scope.spawn(move || read(store, population, done));
            scope.spawn(move || {
                pin(1);
                let mut course = Vec::new();
                churn(store, population, done, |bytes| {
                    let bucket = start.elapsed().as_millis() / BUCKET.as_millis();
                    note(&mut course, usize::try_from(bucket).unwrap_or(0), bytes as f64);
                });
                if let Ok(mut peaks) = peaks.lock() {
                    *peaks = course;
                }
            });
            let mut reader = store.reader(STUCK, population.asker_at(1));
            let wait_for = |phases| {
                let end = start + phase(effort) * phases;
                thread::sleep(end.saturating_duration_since(Instant::now()));
            };
            wait_for(1);
            let section = reader.stall();
            wait_for(2);
            drop(section);
            wait_for(3);
            done.store(true, Relaxed);
        });
        peaks.into_inner().unwrap_or_default()
    }
}

/// The median of each of so many buckets. A course that begins late or ends early had nothing else
/// there than next to it.
fn median_course(courses: &[Vec<f64>], buckets: usize) -> Vec<f64> {
    let value = |course: &Vec<f64>, index: usize| {
        let begin = course.iter().position(|bytes| *bytes > 0.0)?;
        course.get(index.max(begin)).or_else(|| course.last()).copied()
    };
    let bucket = |index| courses.iter().filter_map(|course| value(course, index)).collect();
    (0..buckets).map(|index| median(bucket(index))).collect()
}

/// Keeps the peak of each bucket; one without a change has what the one before had.
fn note(course: &mut Vec<f64>, bucket: usize, bytes: f64) {
    if course.len() <= bucket {
        let last = course.last().copied().unwrap_or(0.0);
        course.resize(bucket + 1, last);
        if let Some(peak) = course.last_mut() {
            *peak = bytes;
        }
    }
    if let Some(peak) = course.get_mut(bucket) {
        *peak = peak.max(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn courses_of_different_lengths_have_a_median() {
        let courses = [vec![1.0, 5.0], vec![0.0, 6.0, 7.0], vec![2.0, 4.0, 6.0]];
        assert_eq!(median_course(&courses, 3), [2.0, 5.0, 6.0]);
    }

    #[test]
    fn buckets_keep_their_peaks() {
        let mut course = Vec::new();
        for (bucket, bytes) in [(0, 5.0), (0, 9.0), (0, 2.0), (3, 4.0), (3, 3.0)] {
            note(&mut course, bucket, bytes);
        }
        assert_eq!(course, [9.0, 9.0, 9.0, 4.0]);
    }
}
