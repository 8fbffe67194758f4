//! Real threads for two seconds a backend, or `FFA_STRESS_SECONDS`: readers, writers and reclaimers at
//! once, on values that notice when they are freed, over an allocator that poisons what is freed.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails panics")]

mod common;
#[path = "common/parts.rs"]
mod parts;
#[path = "common/poison.rs"]
mod poison;

use common::{Census, Probes, drain};
use ffa_rcu::{Backend, Slots};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

const CPUS: usize = 3;
const IDS: usize = 8;
/// How often a snapshot is read in a long section.
const LONG_READ: usize = 2_000;

#[global_allocator]
static POISONING: poison::Poisoning = poison::Poisoning::new();

fn duration() -> Duration {
    let seconds = std::env::var("FFA_STRESS_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(2))
}

struct Storm<B: Backend> {
    registry: Probes<B>,
    census: Census,
    done: AtomicBool,
}

impl<B: Backend> Storm<B> {
    fn new() -> Self {
        let census = Census::default();
        let registry = Probes::try_new(CPUS, census.probe(0)).unwrap();
        Self { registry, census, done: AtomicBool::new(false) }
    }

    /// Snapshots never go back, and a context has the residue of its id.
    fn read(&self, index: usize) -> usize {
        let (mut last, mut sections) = (0, 0);
        while !self.done.load(Relaxed) {
            // Now and then the place changes hands.
            let Some(mut cpu) = self.registry.cpu(index) else { continue };
            for id in 0..64 {
                let id = id % IDS;
                let section = cpu.enter();
                let value = section.snapshot().read();
                assert!(value >= last, "the snapshot went back");
                last = value;
                // Now and then for long enough that it is replaced and freed meanwhile.
                let snapshot = section.snapshot();
                for _ in 0..if sections % 16 == 0 { LONG_READ } else { 1 } {
                    assert!(black_box(snapshot).read() >= value);
                }
                let context = section.find(id_of(id));
                assert!(context.is_none_or(|context| context.read() % IDS == id));
                let held = section.hold(id_of(id));
                drop(section);
                assert!(held.is_none_or(|held| held.read() % IDS == id));
                sections += 1;
            }
        }
        sections
    }

    fn write(&self) -> usize {
        let mut changes = 0;
        while !self.done.load(Relaxed) {
            let mut writer = self.registry.write();
            let next = writer.snapshot().read() + 1;
            let id = id_of(next % IDS);
            // Refused while too much waits, or the id drains.
            changes += usize::from(writer.replace(self.census.probe(next)).is_ok());
            if !writer.remove(id) {
                let _ = writer.insert(id, self.census.probe(next));
            }
        }
        changes
    }

    fn reclaim(&self) -> usize {
        let mut freed = 0;
        while !self.done.load(Relaxed) {
            freed += self.registry.reclaim(256).freed;
        }
        freed
    }

    fn run(&self) -> [usize; 3] {
        thread::scope(|scope| {
            let readers: Vec<_> =
                (0..CPUS).map(|index| scope.spawn(move || self.read(index))).collect();
            let writers = [(); 2].map(|()| scope.spawn(|| self.write()));
            let reclaimers = [(); 2].map(|()| scope.spawn(|| self.reclaim()));
            let (start, duration) = (Instant::now(), duration());
            while start.elapsed() < duration {
                thread::sleep(duration / 20);
            }
            self.done.store(true, Relaxed);
            [
                readers.into_iter().map(|reader| reader.join().unwrap()).sum(),
                writers.into_iter().map(|writer| writer.join().unwrap()).sum(),
                reclaimers.into_iter().map(|reclaimer| reclaimer.join().unwrap()).sum(),
            ]
        })
    }
}

fn id_of(residue: usize) -> u16 {
    // Ids in several leaves.
    u16::try_from(residue * 0x0FFF).unwrap()
}

fn storm<B: Backend>() {
    whole::<B>();
    parts::storm::<B>(duration());
}

fn whole<B: Backend>() {
    let storm = Storm::<B>::new();
    let [sections, changes, freed] = storm.run();
    println!(
        "{sections} sections, {changes} changes, {freed} freed, {:?}",
        storm.registry.retired()
    );
    assert!(sections > 10 && changes > 10 && freed > 10, "too little happened");
    drain(&storm.registry);
    let live = (0..IDS).filter(|&id| storm.registry.write().find(id_of(id)).is_some()).count();
    assert_eq!(storm.census.alive(), live + 1);
    drop(storm.registry);
    assert_eq!(storm.census.alive(), 0);
}

#[test]
fn slots() {
    storm::<Slots>();
}

#[cfg(feature = "crossbeam")]
#[test]
fn crossbeam() {
    storm::<ffa_rcu::CrossbeamEpoch>();
}

#[cfg(feature = "arc-swap")]
#[test]
fn arc_swap() {
    storm::<ffa_rcu::ArcSwapEpoch>();
}

/// The allocator does what the storms rely on: what is freed is poison for a while.
#[test]
fn what_is_freed_is_poison() {
    let before = POISONING.poisoned();
    drop(vec![7_u8; 1000]);
    assert!(POISONING.poisoned() >= before + 1000);
}

/// A race on purpose: `ThreadSanitizer` must report it, or its silence about the storms says nothing.
#[test]
#[ignore = "a race, for ThreadSanitizer to find"]
fn a_race_that_a_sanitizer_finds() {
    struct Racy(std::cell::UnsafeCell<u64>);
    // SAFETY: none; that is the point.
    unsafe impl Sync for Racy {}
    let racy = Racy(std::cell::UnsafeCell::new(0));
    let racy = &racy;
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(move || {
                for _ in 0..1000 {
                    // SAFETY: none, as above.
                    unsafe { *racy.0.get() += 1 };
                }
            });
        }
    });
}
