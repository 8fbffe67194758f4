//! Chunks that successive snapshots share are freed once, behind every reader of the last snapshot
//! that had them.

use super::{Canary, Preemptions, drops, model};
use ffa_rcu::{Backend, Chunk, Chunked, Registry, Slots};
use loom::sync::Arc;
use loom::sync::atomic::AtomicUsize;
use loom::thread;
use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;

impl Chunk for Canary {
    type Summary = usize;
}

type Chunks<B> = Registry<Chunked<(), Canary>, Canary, B>;

fn splice<B: Backend>(
    registry: &Chunks<B>,
    drops: &Arc<AtomicUsize>,
    range: Range<usize>,
    values: &[usize],
) {
    let mut writer = registry.write();
    let mut splice = writer.splice(range, values.len()).unwrap();
    for &value in values {
        splice.push(value, Box::new(Canary::new(value, drops))).unwrap();
    }
    splice.finish((), |_| ()).unwrap().commit();
}

/// A reader that enters once, and finds one of these lists.
fn read_one_of<B: Backend + 'static>(
    registry: &Arc<Chunks<B>>,
    lists: &'static [[usize; 2]],
) -> thread::JoinHandle<()> {
    let registry = registry.clone();
    thread::spawn(move || {
        let mut cpu = registry.cpu(0).unwrap();
        let section = cpu.enter();
        let entries = section.snapshot().entries();
        let values: Vec<usize> = entries.iter().map(|entry| entry.read()).collect();
        assert!(lists.iter().any(|list| values == list), "{values:?}");
    })
}

/// E1, E4, E5: a section reads the whole old list or the whole new one, also the chunk that both
/// have.
fn spliced<B: Backend + 'static>(preemptions: Preemptions) {
    model(preemptions, || {
        let drops = drops();
        let registry: Arc<Chunks<B>> = Arc::new(Registry::try_new(1, Chunked::new(())).unwrap());
        splice(&registry, &drops, 0..0, &[1, 2]);
        let reader = read_one_of(&registry, &[[1, 2], [3, 2]]);
        splice(&registry, &drops, 0..1, &[3]);
        registry.reclaim(8);
        reader.join().unwrap();
        for _ in 0..4 {
            registry.reclaim(8);
        }
        assert_eq!((drops.load(Relaxed), registry.retired().objects), (1, 0));
        drop(registry);
        assert_eq!(drops.load(Relaxed), 3);
    });
}

#[test]
fn slots_spliced() {
    spliced::<Slots>(None);
}

#[cfg(feature = "crossbeam")]
#[test]
fn crossbeam_spliced() {
    spliced::<ffa_rcu::CrossbeamEpoch>(Some(2));
}

/// E1, E4, E5: three lists in a row, a chunk that the first two share and the third has not, and two who
/// reclaim.
#[test]
fn slots_three_in_a_row() {
    model(Some(2), || {
        let drops = drops();
        let registry: Arc<Chunks<Slots>> =
            Arc::new(Registry::try_new(1, Chunked::new(())).unwrap());
        splice(&registry, &drops, 0..0, &[1, 2]);
        let reader = read_one_of(&registry, &[[1, 2], [3, 2], [3, 4]]);
        let reclaimer = thread::spawn({
            let registry = registry.clone();
            move || {
                registry.reclaim(2);
            }
        });
        splice(&registry, &drops, 0..1, &[3]);
        splice(&registry, &drops, 1..2, &[4]);
        registry.reclaim(2);
        reader.join().unwrap();
        reclaimer.join().unwrap();
        for _ in 0..4 {
            registry.reclaim(8);
        }
        assert_eq!((drops.load(Relaxed), registry.retired().objects), (2, 0));
        drop(registry);
        assert_eq!(drops.load(Relaxed), 4);
    });
}
