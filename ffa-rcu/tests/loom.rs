//! Model checks: every schedule and every stale read that loom knows, within its bound on
//! preemptions.
//!
//! ```text
//! RUSTFLAGS="--cfg loom --cfg crossbeam_loom" cargo test -p ffa-rcu --release --all-features --test loom
//! ```
//!
//! Each test names the edges of ORDERING.md that it guards.
#![cfg(loom)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use ffa_rcu::{Backend, Footprint, InsertError, Registry, Shared, Slots};
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::AtomicUsize;
use loom::thread;
use std::sync::atomic::Ordering::{Acquire, Relaxed};

#[path = "loom/chunked.rs"]
mod chunked;
#[path = "loom/publish_once.rs"]
mod publish_once;
#[path = "loom/signals.rs"]
mod signals;

/// The most switches away from a thread that could go on. `None` explores every schedule.
type Preemptions = Option<usize>;

fn model(preemptions: Preemptions, body: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = preemptions;
    builder.check(body);
}

/// A value that loom watches: a read that its drop does not follow is reported as a race, and one
/// that comes after it, as poison.
struct Canary {
    value: UnsafeCell<usize>,
    drops: Arc<AtomicUsize>,
}

const POISON: usize = usize::MAX;

impl Canary {
    fn new(value: usize, drops: &Arc<AtomicUsize>) -> Self {
        Self { value: UnsafeCell::new(value), drops: drops.clone() }
    }

    fn read(&self) -> usize {
        // SAFETY: written only by the drop, and loom checks that the drop comes later.
        let value = self.value.with(|value| unsafe { *value });
        assert_ne!(value, POISON, "read after free");
        value
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        // SAFETY: exclusive, and loom checks that it is.
        self.value.with_mut(|value| unsafe { *value = POISON });
        self.drops.fetch_add(1, Relaxed);
    }
}

impl Footprint for Canary {}

type Canaries<B> = Registry<Canary, Canary, B>;

fn drops() -> Arc<AtomicUsize> {
    Arc::new(AtomicUsize::new(0))
}

fn registry<B: Backend>(cpus: usize, drops: &Arc<AtomicUsize>) -> Arc<Canaries<B>> {
    Arc::new(Registry::try_new(cpus, Canary::new(1, drops)).unwrap())
}

/// Polls until nothing is retired; no reader is left, so a few polls must do.
fn drain<B: Backend>(registry: &Canaries<B>) {
    for _ in 0..4 {
        registry.reclaim(8);
    }
    assert_eq!(registry.retired().objects, 0);
}

/// E1, E4, E5: a section reads the whole old snapshot or the whole new one, and the old one is
/// freed once, behind it.
fn publication<B: Backend + 'static>(preemptions: Preemptions) {
    model(preemptions, || {
        let drops = drops();
        let registry = registry::<B>(1, &drops);
        let reader = thread::spawn({
            let registry = registry.clone();
            move || {
                let mut cpu = registry.cpu(0).unwrap();
                let value = cpu.enter().snapshot().read();
                assert!(value == 1 || value == 2);
            }
        });
        registry.write().replace(Canary::new(2, &drops)).unwrap();
        registry.reclaim(8);
        reader.join().unwrap();
        drain(&registry);
        assert_eq!(drops.load(Relaxed), 1);
        drop(registry);
        assert_eq!(drops.load(Relaxed), 2);
    });
}

/// E1, E4, E5: a reader that comes back sees time go forward, and every freed snapshot is behind
/// it.
fn two_sections<B: Backend + 'static>(preemptions: Preemptions) {
    model(preemptions, || {
        let drops = drops();
        let registry = registry::<B>(1, &drops);
        let reader = thread::spawn({
            let registry = registry.clone();
            move || {
                let mut cpu = registry.cpu(0).unwrap();
                let first = cpu.enter().snapshot().read();
                let second = cpu.enter().snapshot().read();
                assert!(first <= second);
            }
        });
        registry.write().replace(Canary::new(2, &drops)).unwrap();
        registry.reclaim(1);
        reader.join().unwrap();
    });
}

/// E2, E3, E4, E5: a lookup finds a whole context or none, while the context is inserted, removed
/// and freed.
fn lookup_against_removal<B: Backend + 'static>(preemptions: Preemptions) {
    model(preemptions, || {
        let drops = drops();
        let registry = registry::<B>(1, &drops);
        registry.write().insert(3, Canary::new(30, &drops)).unwrap();
        let reader = thread::spawn({
            let registry = registry.clone();
            move || {
                let mut cpu = registry.cpu(0).unwrap();
                let section = cpu.enter();
                if let Some(context) = section.find(3) {
                    assert_eq!(context.read(), 30);
                    assert_eq!(context.read(), 30);
                }
            }
        });
        assert!(registry.write().remove(3));
        registry.reclaim(8);
        reader.join().unwrap();
        drain(&registry);
        assert_eq!(drops.load(Relaxed), 1);
    });
}

/// E2: a context found right after its insertion is whole.
fn insertion<B: Backend + 'static>(preemptions: Preemptions) {
    model(preemptions, || {
        let drops = drops();
        let registry = registry::<B>(1, &drops);
        // Ids 2 and 3 share a leaf, so the leaf is there before.
        registry.write().insert(3, Canary::new(30, &drops)).unwrap();
        insert_while_reading(&registry, &drops);
    });
}

/// E3: the first context of a leaf is found whole, or not at all.
fn insertion_into_new_leaf<B: Backend + 'static>(preemptions: Preemptions) {
    model(preemptions, || {
        let drops = drops();
        insert_while_reading(&registry::<B>(1, &drops), &drops);
    });
}

fn insert_while_reading<B: Backend + 'static>(
    registry: &Arc<Canaries<B>>,
    drops: &Arc<AtomicUsize>,
) {
    let reader = thread::spawn({
        let registry = registry.clone();
        move || {
            let mut cpu = registry.cpu(0).unwrap();
            let section = cpu.enter();
            if let Some(context) = section.find(2) {
                assert_eq!(context.read(), 20);
            }
        }
    });
    registry.write().insert(2, Canary::new(20, drops)).unwrap();
    reader.join().unwrap();
}

/// E7: a hold keeps the context over the end of its section, and its end lets `reclaim` free it,
/// once.
fn hold_against_removal<B: Backend + 'static>(preemptions: Preemptions) {
    model(preemptions, || {
        let drops = drops();
        let registry = registry::<B>(1, &drops);
        registry.write().insert(1, Canary::new(10, &drops)).unwrap();
        let reader = thread::spawn({
            let registry = registry.clone();
            move || {
                let held = registry.cpu(0).unwrap().enter().hold(1);
                if let Some(held) = held {
                    assert_eq!(held.read(), 10);
                }
            }
        });
        assert!(registry.write().remove(1));
        registry.reclaim(8);
        registry.reclaim(8);
        reader.join().unwrap();
        drain(&registry);
        assert_eq!(drops.load(Relaxed), 1);
    });
}

/// E8: an id is used again only behind the destructor of its old context.
fn id_reuse<B: Backend + 'static>(preemptions: Preemptions) {
    model(preemptions, || {
        let drops = drops();
        let registry = registry::<B>(1, &drops);
        registry.write().insert(1, Canary::new(10, &drops)).unwrap();
        assert!(registry.write().remove(1));
        let reclaimer = thread::spawn({
            let registry = registry.clone();
            move || {
                registry.reclaim(8);
            }
        });
        match registry.write().insert(1, Canary::new(11, &drops)) {
            // The old context is dropped, and we see it.
            Ok(()) => assert_eq!(drops.load(Relaxed), 1),
            // The refused new one, and perhaps the old one.
            Err(error) => {
                assert_eq!(error, InsertError::Draining);
                assert!(drops.load(Relaxed) >= 1);
            }
        }
        reclaimer.join().unwrap();
    });
}

/// Claims that fail give nothing away: it takes three to see, one that has the place, one that fails,
/// and one that claims after that.
fn place_claimed_by_one_of_three<B: Backend + 'static>(preemptions: Preemptions) {
    model(preemptions, || {
        let drops = drops();
        let registry = registry::<B>(1, &drops);
        let exclusive = Arc::new(UnsafeCell::new(0));
        let claim = |registry: &Canaries<B>, exclusive: &UnsafeCell<usize>| {
            let Some(_cpu) = registry.cpu(0) else { return };
            // SAFETY: the place is ours alone; loom checks it.
            exclusive.with_mut(|count| unsafe { *count += 1 });
            thread::yield_now();
            // SAFETY: as above.
            exclusive.with_mut(|count| unsafe { *count += 1 });
        };
        let others = [(); 2].map(|()| {
            let (registry, exclusive) = (registry.clone(), exclusive.clone());
            thread::spawn(move || claim(&registry, &exclusive))
        });
        claim(&registry, &exclusive);
        for other in others {
            other.join().unwrap();
        }
    });
}

/// E6: one claimer gets the place, and the next one comes behind all of the first one's sections.
fn place_claimed_once<B: Backend + 'static>(preemptions: Preemptions) {
    model(preemptions, || {
        let drops = drops();
        let registry = registry::<B>(1, &drops);
        let exclusive = Arc::new(UnsafeCell::new(0));
        let claim = |registry: Arc<Canaries<B>>, exclusive: Arc<UnsafeCell<usize>>| {
            let Some(mut cpu) = registry.cpu(0) else { return };
            // SAFETY: the place is ours alone; loom checks it.
            exclusive.with_mut(|count| unsafe { *count += 1 });
            cpu.enter().snapshot().read();
            // SAFETY: as above. Twice, since the fence of an entry in between may do half of E6's
            // work.
            exclusive.with_mut(|count| unsafe { *count += 1 });
        };
        let other = thread::spawn({
            let (registry, exclusive) = (registry.clone(), exclusive.clone());
            move || claim(registry, exclusive)
        });
        claim(registry.clone(), exclusive.clone());
        other.join().unwrap();
        assert!(registry.cpu(0).is_some());
        assert!(registry.cpu(1).is_none());
    });
}

/// E4, E5: two CPUs read; both must have left.
fn two_readers<B: Backend + 'static>(preemptions: Preemptions) {
    model(preemptions, || {
        let drops = drops();
        let registry = registry::<B>(2, &drops);
        let readers = [0, 1].map(|index| {
            let registry = registry.clone();
            thread::spawn(move || {
                let mut cpu = registry.cpu(index).unwrap();
                cpu.enter().snapshot().read();
            })
        });
        registry.write().replace(Canary::new(2, &drops)).unwrap();
        registry.reclaim(8);
        for reader in readers {
            reader.join().unwrap();
        }
    });
}

/// A reader's entry may be what finds the end of a grace period (crossbeam collects at a CPU's
/// first entry).
fn found_by_a_reader<B: Backend + 'static>(preemptions: Preemptions) {
    model(preemptions, || {
        let drops = drops();
        let registry = registry::<B>(3, &drops);
        let reader = thread::spawn({
            let registry = registry.clone();
            move || {
                registry.cpu(0).unwrap().enter().snapshot().read();
                // Two steps of crossbeam's epoch, which the writer may have no part in.
                drop(registry.cpu(1).unwrap().enter());
                drop(registry.cpu(2).unwrap().enter());
            }
        });
        registry.write().replace(Canary::new(2, &drops)).unwrap();
        registry.reclaim(8);
        reader.join().unwrap();
    });
}

/// E11: the section ends on one thread, another one finds the end of the grace period, and a third
/// frees. The finder learns of the section's end after its last fence, so its deferred call alone
/// hands that on.
fn found_by_another_cpu<B: Backend + 'static>(preemptions: Preemptions) {
    model(preemptions, || {
        let drops = drops();
        let registry = registry::<B>(2, &drops);
        let mut cpu = registry.cpu(0).unwrap();
        // The first entry of each of crossbeam's participants moves its epoch. These two are done
        // before, so that the section below is in the epoch in which the ticket is taken.
        registry.reclaim(0);
        drop(cpu.enter());
        let section = cpu.enter();
        let snapshot = section.snapshot();
        registry.write().replace(Canary::new(2, &drops)).unwrap();
        let finder = spawn(&registry, |registry| drop(registry.cpu(1).unwrap().enter()));
        let reclaimer = spawn(&registry, |registry| {
            registry.reclaim(8);
        });
        assert_eq!(snapshot.read(), 1);
        drop(section);
        finder.join().unwrap();
        reclaimer.join().unwrap();
    });
}

/// E4, E5: a CPU dies inside a section, while another one replaces and reclaims what it read. The host
/// sees that it is dead and evicts it; then its place reads again.
fn evicted<B: Backend + 'static>(preemptions: Preemptions) {
    model(preemptions, || {
        let drops = drops();
        let registry = registry::<B>(1, &drops);
        let dying = spawn(&registry, |registry| {
            let mut cpu = registry.cpu(0).unwrap();
            let section = cpu.enter();
            section.snapshot().read();
            std::mem::forget(section);
            std::mem::forget(cpu);
        });
        let writer = thread::spawn({
            let (registry, drops) = (registry.clone(), drops.clone());
            move || {
                registry.write().replace(Canary::new(2, &drops)).unwrap();
                registry.reclaim(8);
            }
        });
        dying.join().unwrap();
        // SAFETY: the CPU's thread has ended, which the join orders before this call, and has leaked
        // its handle and its section.
        assert!(unsafe { registry.evict(0) });
        let mut next = registry.cpu(0).unwrap();
        next.enter().snapshot().read();
        writer.join().unwrap();
        drain(&registry);
        assert_eq!(drops.load(Relaxed), 1);
    });
}

fn spawn<B: Backend + 'static>(
    registry: &Arc<Canaries<B>>,
    body: impl FnOnce(&Canaries<B>) + Send + 'static,
) -> thread::JoinHandle<()> {
    let registry = registry.clone();
    thread::spawn(move || body(&registry))
}

/// The reviewer's case: two vCPUs insert the same context at the same moment. Exactly one does.
fn inserted_once<B: Backend + 'static>(preemptions: Preemptions) {
    model(preemptions, || {
        let drops = drops();
        let registry = registry::<B>(1, &drops);
        let insert = |registry: &Canaries<B>, drops: &Arc<AtomicUsize>| {
            registry.write().insert(1, Canary::new(10, drops)).is_ok()
        };
        let other = thread::spawn({
            let (registry, drops) = (registry.clone(), drops.clone());
            move || insert(&registry, &drops)
        });
        let mine = insert(&registry, &drops);
        assert!(mine != other.join().unwrap());
        assert_eq!(drops.load(Relaxed), 1);
    });
}

/// Two reclaimers at once: each object is freed once, and nothing is freed that a section still
/// reads.
fn two_reclaimers<B: Backend + 'static>(preemptions: Preemptions) {
    model(preemptions, || {
        let drops = drops();
        let registry = registry::<B>(1, &drops);
        let mut writer = registry.write();
        writer.replace(Canary::new(2, &drops)).unwrap();
        writer.replace(Canary::new(3, &drops)).unwrap();
        drop(writer);
        let other = thread::spawn({
            let registry = registry.clone();
            move || registry.reclaim(1).freed
        });
        let freed = registry.reclaim(1).freed + other.join().unwrap();
        assert_eq!(freed, drops.load(Relaxed));
        drain(&registry);
        assert_eq!(drops.load(Relaxed), 2);
    });
}

macro_rules! for_backend {
    ($backend:ty: $($test:ident($preemptions:expr),)*) => {
        $(#[test] fn $test() { super::$test::<$backend>($preemptions); })*
    };
}

mod slots {
    use super::Slots;

    for_backend! { Slots:
        publication(None),
        two_sections(None),
        two_readers(Some(3)),
        found_by_a_reader(None),
        found_by_another_cpu(Some(3)),
        insertion(None),
        insertion_into_new_leaf(None),
        lookup_against_removal(None),
        hold_against_removal(None),
        id_reuse(None),
        inserted_once(None),
        place_claimed_once(None),
        place_claimed_by_one_of_three(Some(3)),
        two_reclaimers(None),
        evicted(Some(3)),
    }
}

/// crossbeam's own code multiplies the schedules, hence the bounds.
#[cfg(feature = "crossbeam")]
mod crossbeam {
    use ffa_rcu::CrossbeamEpoch;

    for_backend! { CrossbeamEpoch:
        publication(Some(3)),
        two_sections(Some(3)),
        two_readers(Some(2)),
        found_by_a_reader(Some(3)),
        found_by_another_cpu(Some(2)),
        insertion(Some(3)),
        insertion_into_new_leaf(Some(3)),
        lookup_against_removal(Some(3)),
        hold_against_removal(Some(3)),
        id_reuse(Some(3)),
        inserted_once(Some(3)),
        place_claimed_once(Some(3)),
        two_reclaimers(Some(3)),
    }
}

/// E10: the last of two owners frees, behind the other's uses.
#[test]
fn shared_freed_by_the_last_owner() {
    model(None, || {
        let drops = drops();
        let shared = Shared::try_new(Canary::new(7, &drops)).unwrap();
        let other = thread::spawn({
            let shared = shared.clone();
            move || assert_eq!(shared.read(), 7)
        });
        assert_eq!(shared.read(), 7);
        drop(shared);
        other.join().unwrap();
        assert_eq!(drops.load(Relaxed), 1);
    });
}

/// The test of the tests: loom sees a race where there is one.
#[test]
#[should_panic(expected = "Causality violation")]
fn a_race_is_seen() {
    model(None, || {
        let cell = Arc::new(UnsafeCell::new(1));
        let done = Arc::new(AtomicUsize::new(0));
        let reader = thread::spawn({
            let (cell, done) = (cell.clone(), done.clone());
            move || {
                // SAFETY: loom is to find that this races with the write below.
                cell.with(|value| unsafe { *value });
                // Relaxed where Release belongs.
                done.store(1, Relaxed);
            }
        });
        if done.load(Acquire) == 1 {
            // SAFETY: as above.
            cell.with_mut(|value| unsafe { *value = 2 });
        }
        reader.join().unwrap();
    });
}
