//! Readers take no lock, wait for nobody and never try again: under `--cfg counted`, each of their steps
//! uses as many atomics as it has, whatever writers do meanwhile.
//!
//! ```text
//! RUSTFLAGS="--cfg counted" cargo test --release --package ffa-rcu --all-features --test effort
//! ```
#![cfg(all(counted, not(loom)))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails panics")]

mod common;

use common::{Census, Probes};
use ffa_rcu::counted::{Uses, during};
use ffa_rcu::{Backend, Slots};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

/// Tells the writer to stop, also where the reader panics.
struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// What each step of a reader used, in all the ways that it ran.
type Seen = BTreeMap<&'static str, BTreeSet<Uses>>;

/// Ids of a context that stays, of one that comes and goes, and of none, in one leaf of the table.
const STEADY: u16 = 1;
const CHURNED: u16 = 2;
const NOBODY: u16 = 3;

/// So many sections, while changes go on without a pause: enough for changes to meet every step.
const SECTIONS: usize = 300_000;

fn read_under_churn<B: Backend>() -> Seen {
    let census = Census::default();
    let registry = Probes::<B>::try_new(1, census.probe(0)).unwrap();
    registry.write().insert(STEADY, census.probe(0)).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| read(&registry, &done));
        for value in (0..).take_while(|_| !done.load(Relaxed)) {
            // Refused where the reader does not run for long.
            let _ = registry.write().replace(census.probe(value));
            registry.write().remove(CHURNED);
            registry.reclaim(8);
            // Refused while the old one drains.
            let _ = registry.write().insert(CHURNED, census.probe(value));
        }
        reader.join().unwrap()
    })
}

fn read<B: Backend>(registry: &Probes<B>, done: &AtomicBool) -> Seen {
    let _done = StopOnDrop(done);
    let mut cpu = registry.cpu(0).unwrap();
    let mut seen = Seen::new();
    for _ in 0..SECTIONS {
        let mut note = |step, uses| seen.entry(step).or_default().insert(uses);
        let (section, uses) = during(|| cpu.enter());
        note("enter", uses);
        note("snapshot", during(|| section.snapshot().read()).1);
        let mut held = None;
        for id in [STEADY, CHURNED, NOBODY] {
            let (found, uses) = during(|| section.find(id).is_some());
            note(if found { "find" } else { "find none" }, uses);
            let (hold, uses) = during(|| section.hold(id));
            note(if hold.is_some() { "hold" } else { "hold none" }, uses);
            held = held.or(hold);
        }
        note("leave", during(|| drop(section)).1);
        note("release", during(|| drop(held)).1);
    }
    seen
}

/// Atomics of each step. Those of entering and leaving are `None` where they are the backend's affair.
fn check(seen: &Seen, enter_and_leave: Option<[u64; 2]>) {
    let [enter, leave] = enter_and_leave.map_or([None, None], |steps| steps.map(Some));
    let expected = [
        ("enter", enter),
        ("snapshot", Some(1)),
        ("find", Some(2)),
        ("find none", Some(2)),
        ("hold", Some(3)),
        ("hold none", Some(2)),
        ("leave", leave),
        ("release", Some(1)),
    ];
    for (step, atomics) in expected {
        let ways = seen.get(step).unwrap_or_else(|| panic!("{step} never ran"));
        assert!(ways.iter().all(|uses| uses.locks == 0), "{step}: {ways:?}");
        if let Some(atomics) = atomics {
            assert!(ways.iter().eq([&Uses { atomics, locks: 0 }]), "{step}: {ways:?}");
        }
    }
}

#[test]
fn no_step_of_a_reader_waits_or_repeats() {
    // The epoch, the slot, the epoch again; the slot.
    check(&read_under_churn::<Slots>(), Some([3, 1]));
}

/// Now and then an entry of crossbeam runs what others have deferred: here, notes that a grace period is
/// over. These take no lock either.
#[cfg(feature = "crossbeam")]
#[test]
fn nor_does_any_but_crossbeams_entry() {
    check(&read_under_churn::<ffa_rcu::CrossbeamEpoch>(), None);
}

/// What arc-swap does inside is not counted.
#[cfg(feature = "arc-swap")]
#[test]
fn nor_does_any_but_arc_swaps_own() {
    check(&read_under_churn::<ffa_rcu::ArcSwapEpoch>(), None);
}

/// The counts count: a writer is seen to take the lock, and one that waits to look more than once.
#[test]
fn the_watch_works() {
    let registry = Probes::<Slots>::try_new(2, Census::default().probe(0)).unwrap();
    let census = Census::default();
    let (replaced, uses) = during(|| registry.write().replace(census.probe(1)));
    replaced.unwrap();
    assert_eq!(uses.locks, 1);
    let [mut one, mut other] = [0, 1].map(|cpu| registry.cpu(cpu).unwrap());
    let waits = during(|| one.synchronize(|_| {})).1.atomics;
    let mut section = Some(other.enter());
    let waits_longer = during(|| one.synchronize(|_| drop(section.take()))).1.atomics;
    assert!(waits_longer > waits, "{waits_longer} {waits}");
}
