//! What the registry promises to one thread, for every backend.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails panics")]

#[macro_use]
mod common;

use common::{Census, Probes, drain};
use ffa_rcu::{Backend, Backlog, InsertError, Registry, ReplaceError, Slots};
use std::panic::AssertUnwindSafe;

fn registry<B: Backend>(cpus: usize, census: &Census) -> Probes<B> {
    Registry::try_new(cpus, census.probe(0)).unwrap()
}

fn finds_what_was_inserted<B: Backend>() {
    let census = Census::default();
    let registry = registry::<B>(1, &census);
    let mut cpu = registry.cpu(0).unwrap();
    for id in [0, 1, 127, 128, 0x7FFF] {
        registry.write().insert(id, census.probe(usize::from(id))).unwrap();
        assert_eq!(cpu.enter().find(id).unwrap().read(), usize::from(id));
        assert_eq!(registry.write().find(id).unwrap().read(), usize::from(id));
    }
    let section = cpu.enter();
    for id in [2, 126, 129, 0x4000, 0x7FFE, 0x8000, 0x8001, 0xFFFF] {
        assert!(section.find(id).is_none() && section.hold(id).is_none(), "{id:#x}");
    }
}

fn refuses_ids<B: Backend>() {
    let census = Census::default();
    let registry = registry::<B>(1, &census);
    let mut writer = registry.write();
    writer.insert(5, census.probe(5)).unwrap();
    assert_eq!(writer.insert(5, census.probe(6)), Err(InsertError::Taken));
    for id in [0x8000, 0x8005, 0xFFFF] {
        assert_eq!(writer.insert(id, census.probe(7)), Err(InsertError::IdOutOfRange));
        assert!(!writer.remove(id));
    }
    assert!(!writer.remove(6));
    assert_eq!(writer.find(5).unwrap().read(), 5);
    assert_eq!(census.alive(), 2);
}

fn id_drains_until_freed<B: Backend>() {
    let census = Census::default();
    let registry = registry::<B>(1, &census);
    let mut cpu = registry.cpu(0).unwrap();
    registry.write().insert(9, census.probe(1)).unwrap();
    let section = cpu.enter();
    let context = section.find(9).unwrap();
    assert!(registry.write().remove(9));
    assert!(!registry.write().remove(9));
    assert!(section.find(9).is_none());
    for _ in 0..8 {
        registry.reclaim(8);
        assert_eq!(registry.write().insert(9, census.probe(2)), Err(InsertError::Draining));
    }
    assert_eq!(context.read(), 1);
    drop(section);
    drain(&registry);
    registry.write().insert(9, census.probe(3)).unwrap();
    assert_eq!(cpu.enter().find(9).unwrap().read(), 3);
}

fn hold_outlives_its_section<B: Backend>() {
    let census = Census::default();
    let registry = registry::<B>(1, &census);
    registry.write().insert(1, census.probe(1)).unwrap();
    registry.write().insert(2, census.probe(2)).unwrap();
    let held = registry.cpu(0).unwrap().enter().hold(1).unwrap();
    let again = registry.cpu(0).unwrap().enter().hold(1).unwrap();
    assert!(registry.write().remove(1));
    assert!(registry.write().remove(2));
    for _ in 0..8 {
        registry.reclaim(usize::MAX);
    }
    // The other context was not kept waiting, and the held one keeps its id.
    assert_eq!(registry.retired().objects, 1);
    registry.write().insert(2, census.probe(3)).unwrap();
    assert_eq!(registry.write().insert(1, census.probe(4)), Err(InsertError::Draining));
    assert_eq!(held.read(), 1);
    drop(held);
    assert_eq!(registry.reclaim(8).freed, 0);
    assert_eq!(again.read(), 1);
    drop(again);
    assert_eq!(common::drops_here(), 2, "a hold's end runs no destructor");
    assert_eq!(registry.reclaim(8).freed, 1);
    assert_eq!(census.alive(), 2);
}

/// However much else there is to free, a context whose hold has ended has its turn.
fn ended_hold_is_not_starved<B: Backend>() {
    let census = Census::default();
    let registry = registry::<B>(1, &census);
    registry.write().insert(1, census.probe(1)).unwrap();
    let held = registry.cpu(0).unwrap().enter().hold(1).unwrap();
    assert!(registry.write().remove(1));
    for _ in 0..8 {
        registry.reclaim(usize::MAX);
    }
    drop(held);
    for value in 0..64 {
        registry.write().replace(census.probe(value)).unwrap();
        registry.reclaim(1);
    }
    assert!(registry.is_vacant(1));
}

fn reclaim_stays_in_budget<B: Backend>() {
    let census = Census::default();
    let registry = registry::<B>(1, &census);
    for value in 1..=10 {
        registry.write().replace(census.probe(value)).unwrap();
    }
    let before = common::drops_here();
    assert_eq!(before, 0, "a writer runs no destructor");
    for _ in 0..8 {
        registry.reclaim(0);
    }
    let mut freed = 0;
    while registry.retired().objects > 0 {
        let reclaimed = registry.reclaim(3);
        assert!(reclaimed.freed <= 3);
        freed += reclaimed.freed;
        assert_eq!(common::drops_here() - before, freed);
        assert_eq!(reclaimed.waiting, 10 - freed);
        assert_eq!(reclaimed.bytes == 0, reclaimed.waiting == 0);
    }
    assert_eq!((freed, census.alive()), (10, 1));
}

fn preparation_changes_nothing<B: Backend>() {
    let census = Census::default();
    let registry = registry::<B>(1, &census);
    let mut writer = registry.write();
    drop(writer.prepare(census.probe(1)).unwrap());
    assert_eq!(writer.snapshot().read(), 0);
    assert_eq!((writer.retired().objects, census.alive()), (0, 1));
    writer.prepare(census.probe(2)).unwrap().commit();
    assert_eq!(writer.snapshot().read(), 2);
    assert_eq!(writer.retired().objects, 1);
}

/// Memory that a stalled reader keeps stays under the limit; the writer is told, and all is freed
/// afterwards.
fn stalled_reader<B: Backend>(names_the_cpu: bool) {
    const LIMIT: usize = 10_000;
    let census = Census::default();
    let registry = registry::<B>(2, &census).with_limit(LIMIT);
    registry.write().insert(1, census.heavy(1000)).unwrap();
    let mut stalled = registry.cpu(1).unwrap();
    let section = stalled.enter();
    let first = section.snapshot();
    let backlog = loop {
        registry.reclaim(usize::MAX);
        let replaced = registry.write().replace(census.heavy(1000));
        match replaced {
            Ok(()) => assert!(registry.retired().bytes <= LIMIT),
            Err(ReplaceError::Backlog(backlog)) => break backlog,
            Err(error) => panic!("{error}"),
        }
    };
    let objects = registry.retired().objects;
    assert_eq!(backlog, Backlog { cpu: names_the_cpu.then_some(1), ..backlog });
    assert_eq!((backlog.bytes, backlog.limit), (registry.retired().bytes, LIMIT));
    // The refused snapshot is gone, the ones before are there, and removal still works.
    assert_eq!(census.alive(), objects + 2);
    assert!(matches!(registry.write().insert(2, census.heavy(1000)), Err(InsertError::Backlog(_))));
    assert!(registry.write().remove(1));
    assert_eq!(first.read(), 0);
    drop(section);
    drain(&registry);
    assert_eq!(census.alive(), 1);
    assert!(registry.retired().peak_bytes <= LIMIT + 2000);
    registry.write().replace(census.heavy(1000)).unwrap();
}

/// A limit below the size of one snapshot slows writers down, but stops them only while a reader
/// stalls.
fn tiny_limit_lets_one_through<B: Backend>() {
    let census = Census::default();
    let registry = registry::<B>(1, &census).with_limit(1);
    for _ in 0..3 {
        registry.write().replace(census.heavy(1000)).unwrap();
        assert!(registry.write().replace(census.heavy(1000)).is_err());
        drain(&registry);
    }
}

fn place_is_claimed_once<B: Backend>() {
    let census = Census::default();
    let registry = registry::<B>(2, &census);
    let first = registry.cpu(0).unwrap();
    assert!(registry.cpu(0).is_none() && registry.cpu(2).is_none());
    assert!(registry.cpu(0).is_none(), "a claim that fails gives the place away");
    assert_eq!(registry.cpu(1).unwrap().index(), 1);
    drop(first);
    assert!(registry.cpu(0).is_some());
}

/// A leaked section stalls, and no worse.
fn leaked_section<B: Backend>() {
    let census = Census::default();
    let registry = registry::<B>(1, &census);
    let mut cpu = registry.cpu(0).unwrap();
    core::mem::forget(cpu.enter());
    registry.write().replace(census.probe(1)).unwrap();
    for _ in 0..8 {
        assert_eq!(registry.reclaim(8).freed, 0);
    }
    assert_eq!(cpu.enter().snapshot().read(), 1);
    drop(cpu);
    drop(registry);
    assert_eq!(census.alive(), 0);
}

fn everything_goes_with_the_registry<B: Backend>() {
    let census = Census::default();
    let registry = registry::<B>(1, &census);
    registry.write().insert(1, census.probe(1)).unwrap();
    registry.write().insert(0x7FFF, census.probe(2)).unwrap();
    registry.write().replace(census.probe(3)).unwrap();
    assert!(registry.write().remove(1));
    core::mem::forget(registry.cpu(0).unwrap().enter().hold(0x7FFF));
    assert_eq!(census.alive(), 4);
    drop(registry);
    assert_eq!(census.alive(), 0);
}

for_every_backend! {
    {
        finds_what_was_inserted,
        refuses_ids,
        id_drains_until_freed,
        hold_outlives_its_section,
        reclaim_stays_in_budget,
        preparation_changes_nothing,
        tiny_limit_lets_one_through,
        place_is_claimed_once,
        ended_hold_is_not_starved,
        leaked_section,
        everything_goes_with_the_registry,
    }
    {
        stalled_reader,
    }
}

/// A footprint that panics leaves the context where it is.
#[test]
fn a_footprint_is_asked_before_anything_has_changed() {
    let census = Census::default();
    let registry = registry::<Slots>(1, &census);
    registry.write().insert(3, census.probe(3)).unwrap();
    census.forbid_footprints();
    let removed = std::panic::catch_unwind(AssertUnwindSafe(|| registry.write().remove(3)));
    assert!(removed.is_err());
    assert_eq!(registry.write().find(3).unwrap().read(), 3);
    let prepared = std::panic::catch_unwind(AssertUnwindSafe(|| {
        registry.write().replace(census.probe(1)).unwrap();
    }));
    assert!(prepared.is_err());
    assert_eq!(registry.write().snapshot().read(), 0);
}

/// A context that is held for long takes one look of a call, not every other one.
#[test]
fn a_hold_takes_little_of_the_budget() {
    let census = Census::default();
    let registry = registry::<Slots>(1, &census);
    registry.write().insert(1, census.probe(1)).unwrap();
    let held = registry.cpu(0).unwrap().enter().hold(1).unwrap();
    registry.write().remove(1);
    assert_eq!(registry.reclaim(8).freed, 0);
    for value in 0..21 {
        registry.write().replace(census.probe(value)).unwrap();
    }
    for _ in 0..3 {
        assert_eq!(registry.reclaim(8).freed, 7);
    }
    drop(held);
    assert_eq!(registry.reclaim(8).freed, 1);
}
