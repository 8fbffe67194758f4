//! Snapshots in chunks: what is shared, what is freed, and when.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails panics")]

#[macro_use]
mod common;

use common::{Census, Probe};
use ffa_rcu::{Backend, Chunk, Chunked, Footprint, Registry, ReplaceError, Slots, try_box};

struct Part {
    probe: Probe,
}

impl Footprint for Part {
    fn heap_bytes(&self) -> usize {
        self.probe.heap_bytes()
    }
}

impl Chunk for Part {
    type Summary = usize;
}

/// A head that weighs.
struct Heavy(usize);

impl Footprint for Heavy {
    fn heap_bytes(&self) -> usize {
        self.0
    }
}

type Parts<B> = Registry<Chunked<u32, Part>, (), B>;

fn parts<B: Backend>(cpus: usize) -> Parts<B> {
    Registry::try_new(cpus, Chunked::new(0)).unwrap()
}

/// Replaces the chunks of `replaced` by new ones with these values, and adds one to every summary
/// behind them.
fn splice<B: Backend>(
    registry: &Parts<B>,
    census: &Census,
    replaced: std::ops::Range<usize>,
    values: &[usize],
) -> Result<(), ReplaceError> {
    let mut writer = registry.write();
    let head = writer.snapshot().head() + 1;
    let mut splice = writer.splice(replaced, values.len())?;
    for &value in values {
        splice.push(value, try_box(Part { probe: census.probe(value) })?)?;
    }
    splice.finish(head, |summary| *summary += 1000)?.commit();
    Ok(())
}

fn values<B: Backend>(registry: &Parts<B>) -> Vec<usize> {
    let writer = registry.write();
    writer.snapshot().entries().iter().map(|entry| entry.probe.read()).collect()
}

fn a_splice_replaces_its_range<B: Backend>() {
    let (census, registry) = (Census::default(), parts::<B>(1));
    splice(&registry, &census, 0..0, &[1, 2, 3, 4]).unwrap();
    assert_eq!(values(&registry), [1, 2, 3, 4]);
    splice(&registry, &census, 1..3, &[5, 6, 7]).unwrap();
    assert_eq!(values(&registry), [1, 5, 6, 7, 4]);
    splice(&registry, &census, 4..100, &[]).unwrap();
    splice(&registry, &census, 50..60, &[8]).unwrap();
    splice(&registry, &census, 0..1, &[]).unwrap();
    assert_eq!(values(&registry), [5, 6, 7, 8]);
    let writer = registry.write();
    let summaries: Vec<usize> = writer.snapshot().entries().iter().map(|e| e.summary).collect();
    assert_eq!((*writer.snapshot().head(), summaries), (5, vec![1005, 1006, 1007, 1008]));
}

/// What a section reads stays whole, whatever is replaced meanwhile; everything is freed once.
fn old_readers_keep_what_was_replaced<B: Backend>() {
    let (census, registry) = (Census::default(), parts::<B>(1));
    splice(&registry, &census, 0..0, &[1, 2, 3]).unwrap();
    let mut cpu = registry.cpu(0).unwrap();
    let section = cpu.enter();
    let seen = section.snapshot();
    splice(&registry, &census, 0..1, &[10]).unwrap();
    splice(&registry, &census, 0..1, &[11]).unwrap();
    splice(&registry, &census, 2..3, &[]).unwrap();
    for _ in 0..8 {
        registry.reclaim(usize::MAX);
    }
    assert_eq!(seen.entries().iter().map(|e| e.probe.read()).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(values(&registry), [11, 2]);
    // 1, 10 and 3 wait, each once; 2 is in all snapshots.
    assert_eq!(census.alive(), 5);
    drop(section);
    for _ in 0..8 {
        registry.reclaim(usize::MAX);
    }
    assert_eq!((census.alive(), values(&registry)), (2, vec![11, 2]));
    drop(cpu);
    drop(registry);
    assert_eq!(census.alive(), 0);
}

fn a_splice_that_is_dropped_changes_nothing<B: Backend>() {
    let (census, registry) = (Census::default(), parts::<B>(1));
    splice(&registry, &census, 0..0, &[1, 2]).unwrap();
    let mut writer = registry.write();
    let mut dropped = writer.splice(0..1, 0).unwrap();
    // More than there was room for.
    for value in 3..20 {
        dropped.push(value, Box::new(Part { probe: census.probe(value) })).unwrap();
        assert_eq!(dropped.last(), Some(&value));
    }
    drop(dropped);
    let mut spliced = writer.splice(1..2, 1).unwrap();
    spliced.push(9, Box::new(Part { probe: census.probe(9) })).unwrap();
    drop(spliced.finish(7, |_| ()).unwrap());
    drop(writer);
    assert_eq!((census.alive(), values(&registry)), (2, vec![1, 2]));
}

/// A whole new snapshot in place of a spliced one, and back.
fn replaced_as_a_whole<B: Backend>() {
    let (census, registry) = (Census::default(), parts::<B>(1));
    splice(&registry, &census, 0..0, &[1, 2]).unwrap();
    splice(&registry, &census, 0..1, &[3]).unwrap();
    registry.write().replace(Chunked::new(7)).unwrap();
    splice(&registry, &census, 0..0, &[4]).unwrap();
    for _ in 0..8 {
        registry.reclaim(usize::MAX);
    }
    assert_eq!((census.alive(), values(&registry)), (1, vec![4]));
}

/// The account says what comes free: the top and the replaced chunk, not what is shared.
fn retired_bytes_are_those_that_come_free<B: Backend>() {
    let (census, registry) = (Census::default(), parts::<B>(1));
    let mut writer = registry.write();
    let mut first = writer.splice(0..0, 100).unwrap();
    for value in 0..100 {
        first.push(value, Box::new(Part { probe: census.heavy(1000) })).unwrap();
    }
    first.finish(0, |_| ()).unwrap().commit();
    drop(writer);
    let before = registry.retired().bytes;
    splice(&registry, &census, 3..4, &[3]).unwrap();
    let bytes = registry.retired().bytes - before;
    // One chunk of 1000 bytes on the heap, a hundred entries of two words.
    assert!((1000 + 1600..1000 + 1600 + 300).contains(&bytes), "{bytes}");
}

/// A stalled reader: splices are refused at the limit, with the CPU to blame, and all is freed after
/// it, in as many steps as the budget says.
fn stalled_reader<B: Backend>(names_the_cpu: bool) {
    const LIMIT: usize = 100_000;
    let census = Census::default();
    let registry = parts::<B>(3).with_limit(LIMIT);
    splice(&registry, &census, 0..0, &[1, 2, 3]).unwrap();
    let [mut idle, mut stalled] = [0, 2].map(|cpu| registry.cpu(cpu).unwrap());
    let section = stalled.enter();
    let backlog = loop {
        drop(idle.enter());
        registry.reclaim(8);
        match splice(&registry, &census, 1..2, &[5]) {
            Ok(()) => assert!(registry.retired().bytes <= LIMIT),
            Err(ReplaceError::Backlog(backlog)) => break backlog,
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(backlog.cpu, names_the_cpu.then_some(2));
    let reclaimed = (0..8).map(|_| registry.reclaim(8)).last().unwrap();
    assert_eq!(reclaimed.stalled_by, names_the_cpu.then_some(2));
    drop(section);
    let waiting = registry.retired().objects;
    // crossbeam sees the end of a grace period at its third poll.
    let polls = if names_the_cpu { 0 } else { 3 };
    for _ in 0..polls + waiting.div_ceil(8) {
        registry.reclaim(8);
    }
    assert_eq!((registry.retired().objects, census.alive()), (0, 3));
    assert_eq!(registry.reclaim(8).stalled_by, None);
}

for_every_backend! {
    {
        a_splice_replaces_its_range,
        old_readers_keep_what_was_replaced,
        a_splice_that_is_dropped_changes_nothing,
        replaced_as_a_whole,
        retired_bytes_are_those_that_come_free,
    }
    {
        stalled_reader,
    }
}

/// A footprint that panics between admission and publication would leave two snapshots that own the same
/// chunks: it is not asked there.
#[test]
fn no_footprint_is_asked_when_nothing_may_fail() {
    let (census, registry) = (Census::default(), parts::<Slots>(1));
    splice(&registry, &census, 0..0, &[1, 2, 3]).unwrap();
    let mut cpu = registry.cpu(0).unwrap();
    let section = cpu.enter();
    let mut writer = registry.write();
    let mut splice = writer.splice(0..1, 1).unwrap();
    splice.push(9, try_box(Part { probe: census.probe(9) }).unwrap()).unwrap();
    let spliced = splice.finish(7, |_| ()).unwrap();
    census.forbid_footprints();
    spliced.commit();
    drop(writer);
    let read: Vec<_> =
        section.snapshot().entries().iter().map(|entry| entry.probe.read()).collect();
    assert_eq!(read, [9, 2, 3]);
}

#[test]
fn a_head_counts() {
    let registry: Registry<Chunked<Heavy, Part>, ()> =
        Registry::try_new(1, Chunked::new(Heavy(1 << 20))).unwrap().with_limit(3 << 20);
    let mut cpu = registry.cpu(0).unwrap();
    let _section = cpu.enter();
    let replace = || {
        let mut writer = registry.write();
        let splice = writer.splice(0..0, 0)?;
        splice.finish(Heavy(1 << 20), |_| ()).map(ffa_rcu::Spliced::commit)
    };
    let accepted = (0..10).take_while(|_| replace().is_ok()).count();
    // Three would be a little more than the limit, with their nodes.
    assert_eq!(accepted, 2);
    assert!(registry.retired().bytes >= 2 << 20);
}

#[test]
fn no_top_is_longer_than_can_be_owned() {
    let (census, registry) = (Census::default(), parts::<Slots>(1));
    splice(&registry, &census, 0..0, &[1, 2]).unwrap();
    for room in [usize::MAX, usize::MAX - 1, u32::MAX as usize - 1] {
        let refused = registry.write().splice(2..2, room).map(drop);
        assert_eq!(refused, Err(ReplaceError::OutOfMemory), "{room}");
    }
    assert_eq!(values(&registry), [1, 2]);
}
