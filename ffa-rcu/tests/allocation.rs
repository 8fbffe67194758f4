//! The allocator under watch: every allocation may fail, and readers make none.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails panics")]

mod common;

use common::{Census, Probes};
use ffa_rcu::{Backend, InsertError, OutOfMemory, Registry, ReplaceError, Shared, Slots, try_box};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

/// Counts by thread, and fails one allocation of a thread when told to.
struct Watched;

thread_local! {
    static ALLOCATIONS: Cell<isize> = const { Cell::new(0) };
    static FREES: Cell<isize> = const { Cell::new(0) };
    /// Allocations until the one that fails; never, if negative.
    static UNTIL_FAILURE: Cell<isize> = const { Cell::new(-1) };
}

#[global_allocator]
static ALLOCATOR: Watched = Watched;

// SAFETY: hands everything to the system's allocator, or fails, which is allowed.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        let until = UNTIL_FAILURE.get();
        UNTIL_FAILURE.set((until - 1).max(-1));
        if until == 0 {
            return std::ptr::null_mut();
        }
        // SAFETY: by the caller's contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        FREES.set(FREES.get() + 1);
        // SAFETY: by the caller's contract, which is the same.
        unsafe { System.dealloc(place, layout) }
    }
}

/// What this thread has allocated and not freed, less what it freed of others'.
fn live() -> isize {
    ALLOCATIONS.get() - FREES.get()
}

/// Runs `body` with allocation number `k` failing, and says whether there was one.
fn failing_at<R>(k: usize, body: impl FnOnce() -> R) -> (R, bool) {
    UNTIL_FAILURE.set(isize::try_from(k).unwrap());
    let result = body();
    (result, UNTIL_FAILURE.replace(-1) < 0)
}

/// Fails each allocation of `body` in turn: an error that `is_out_of_memory`, nothing leaked;
/// returns the result of the run without a failure.
fn at_every_point<R, E: std::fmt::Debug>(
    body: impl Fn() -> Result<R, E>,
    is_out_of_memory: impl Fn(&E) -> bool,
) -> (R, usize) {
    for k in 0.. {
        let live = live();
        let (result, failed) = failing_at(k, &body);
        match result {
            Ok(value) => {
                assert!(!failed, "allocation {k} failed unnoticed");
                return (value, k);
            }
            Err(error) => {
                assert!(failed && is_out_of_memory(&error), "allocation {k}: {error:?}");
                // The failed one was counted and has nothing to free.
                assert_eq!(self::live() - 1, live, "allocation {k} leaks");
            }
        }
    }
    unreachable!()
}

#[test]
fn construction_fails_at_every_point() {
    let census = Census::default();
    let (registry, points) = at_every_point(
        || Probes::<Slots>::try_new(4, census.probe(1)),
        |error| *error == OutOfMemory,
    );
    assert_eq!(points, 3, "slots, places, snapshot");
    assert_eq!(census.alive(), 1);
    drop(registry);
    assert_eq!(census.alive(), 0);
}

#[test]
fn insertion_fails_at_every_point() {
    let census = Census::default();
    let registry = Probes::<Slots>::try_new(1, census.probe(1)).unwrap();
    let insert = |id| {
        let is_out_of_memory = |error: &_| *error == InsertError::OutOfMemory;
        at_every_point(|| registry.write().insert(id, census.probe(2)), is_out_of_memory).1
    };
    // A leaf that was added for a context that failed is kept for the next one, so the order is:
    // context, leaf.
    assert_eq!(insert(1), 2, "context, leaf");
    assert_eq!(insert(2), 1, "context");
    assert_eq!(census.alive(), 3);
}

#[test]
fn replacement_fails_at_every_point() {
    let census = Census::default();
    let registry = Probes::<Slots>::try_new(1, census.probe(1)).unwrap();
    let replace = || registry.write().replace(census.probe(2));
    let ((), points) = at_every_point(replace, |error| *error == ReplaceError::OutOfMemory);
    assert_eq!(points, 1);
    assert_eq!(registry.write().snapshot().read(), 2);
    assert_eq!(census.alive(), 2);
}

#[test]
fn helpers_fail_at_every_point() {
    let is_out_of_memory = |error: &_| *error == OutOfMemory;
    assert_eq!(*at_every_point(|| try_box(7), is_out_of_memory).0, 7);
    assert_eq!(*at_every_point(|| Shared::try_new(8), is_out_of_memory).0, 8);
    try_box(()).unwrap();
}

#[test]
fn what_cannot_fail_allocates_nothing() {
    let census = Census::default();
    let registry = Probes::<Slots>::try_new(1, census.probe(1)).unwrap();
    registry.write().insert(1, census.probe(1)).unwrap();
    let mut writer = registry.write();
    let prepared = writer.prepare(census.probe(2)).unwrap();
    let before = ALLOCATIONS.get();
    prepared.commit();
    assert!(writer.remove(1));
    drop(writer);
    assert_eq!(registry.reclaim(8).freed, 2);
    assert_eq!(ALLOCATIONS.get(), before);
}

/// What a reader's thread did while another one replaced, inserted, removed and reclaimed.
struct Reader {
    sections: usize,
    allocations: isize,
    frees: isize,
    destructors: usize,
}

fn read_under_churn<B: Backend>(changes: usize) -> Reader {
    let census = Census::default();
    let registry = Probes::<B>::try_new(1, census.probe(0)).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| read_until(&registry, &done));
        for value in 0..changes {
            registry.write().replace(census.probe(value)).unwrap();
            registry.write().remove(1);
            registry.reclaim(8);
            // Refused while the old one drains.
            let _ = registry.write().insert(1, census.probe(value));
        }
        done.store(true, Relaxed);
        reader.join().unwrap()
    })
}

fn read_until<B: Backend>(registry: &Probes<B>, done: &AtomicBool) -> Reader {
    let (allocations, frees, destructors) = (ALLOCATIONS.get(), FREES.get(), common::drops_here());
    let mut cpu = registry.cpu(0).unwrap();
    let mut sections = 0;
    while !done.load(Relaxed) {
        let section = cpu.enter();
        section.snapshot().read();
        section.find(1).map(common::Probe::read);
        let held = section.hold(1);
        drop(section);
        held.map(|held| held.read());
        sections += 1;
    }
    Reader {
        sections,
        allocations: ALLOCATIONS.get() - allocations,
        frees: FREES.get() - frees,
        destructors: common::drops_here() - destructors,
    }
}

#[test]
fn readers_allocate_free_and_destroy_nothing() {
    let reader = read_under_churn::<Slots>(50_000);
    assert!(reader.sections > 1000, "{} sections", reader.sections);
    assert_eq!((reader.allocations, reader.frees, reader.destructors), (0, 0, 0));
}

/// crossbeam may free a node of its own in a reader; the registry's objects it never does.
#[cfg(feature = "crossbeam")]
#[test]
fn readers_destroy_nothing_with_crossbeam() {
    let reader = read_under_churn::<ffa_rcu::CrossbeamEpoch>(50_000);
    assert!(reader.sections > 1000, "{} sections", reader.sections);
    assert_eq!(reader.destructors, 0);
    println!("{} allocations, {} frees in a reader", reader.allocations, reader.frees);
}

/// The counters count: a reader that did allocate and destroy would be seen.
#[test]
fn the_watch_works() {
    let census = Census::default();
    let before = (ALLOCATIONS.get(), FREES.get(), common::drops_here());
    drop(Box::new(census.probe(1)));
    let after = (ALLOCATIONS.get(), FREES.get(), common::drops_here());
    assert_eq!(after, (before.0 + 1, before.1 + 1, before.2 + 1));
    let _: Registry<u32, u32> = Registry::try_new(1, 1).unwrap();
}
