//! A storm over a snapshot in chunks: spliced, replaced as a whole, and given up on the way.

use ffa_rcu::{Backend, Chunk, Chunked, Footprint, Registry, try_box};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

const READERS: usize = 3;
/// How often a list is read in a long section.
const LONG_READ: usize = 200;
/// Lists grow to about as many chunks.
const LONG: usize = 40;

/// Chunks that are alive, of one storm.
#[derive(Default)]
struct Alive(AtomicUsize);

/// The same number many times over, and in the summary: poisoned by its drop and, freed, by the
/// allocator.
struct Part<'a> {
    words: [u64; 16],
    alive: &'a Alive,
}

impl<'a> Part<'a> {
    fn new(word: u64, alive: &'a Alive) -> Self {
        alive.0.fetch_add(1, Relaxed);
        Self { words: [word; 16], alive }
    }
}

impl Drop for Part<'_> {
    fn drop(&mut self) {
        assert!(self.words.iter().all(|word| *word == self.words[0]), "freed twice");
        self.words[0] = !self.words[0];
        self.alive.0.fetch_sub(1, Relaxed);
    }
}

impl Footprint for Part<'_> {}

impl Chunk for Part<'_> {
    type Summary = u64;
}

type Parts<'a, B> = Registry<Chunked<u64, Part<'a>>, (), B>;

/// xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 20) as usize % end
    }
}

/// Every chunk is what its summary says, and heads never go back.
fn read<B: Backend>(registry: &Parts<'_, B>, index: usize, done: &AtomicBool) -> usize {
    let mut cpu = registry.cpu(index).unwrap();
    let (mut last, mut sections) = (0, 0);
    while !done.load(Relaxed) {
        let section = cpu.enter();
        let snapshot = section.snapshot();
        assert!(*snapshot.head() >= last, "the list went back");
        last = *snapshot.head();
        // Now and then for long enough that the list is replaced and freed meanwhile.
        for _ in 0..if sections % 16 == 0 { LONG_READ } else { 1 } {
            for entry in black_box(snapshot).entries() {
                let words = black_box(&entry.words);
                assert!(words.iter().all(|word| *word == entry.summary), "freed or torn");
            }
        }
        sections += 1;
    }
    sections
}

/// One change, which is given up now and then; `None` where it was, or was refused.
fn change<'a, B: Backend>(
    registry: &Parts<'a, B>,
    alive: &'a Alive,
    random: &mut Random,
) -> Option<()> {
    let mut writer = registry.write();
    let (head, len) = (*writer.snapshot().head() + 1, writer.snapshot().entries().len());
    if random.below(100) == 0 {
        return writer.replace(Chunked::new(head)).ok();
    }
    let start = random.below(len + 1);
    let replaced = start..(start + random.below(3)).min(len);
    let count = if len > LONG { 0 } else { 1 + random.below(2) };
    let mut splice = writer.splice(replaced, count).ok()?;
    for _ in 0..count {
        splice.push(head, try_box(Part::new(head, alive)).ok()?).ok()?;
    }
    if random.below(30) == 0 {
        return None;
    }
    let spliced = splice.finish(head, |_| ()).ok()?;
    if random.below(30) == 0 {
        return None;
    }
    spliced.commit();
    Some(())
}

pub(crate) fn storm<B: Backend>(duration: Duration) {
    let alive = Alive::default();
    let registry: Parts<'_, B> = Registry::try_new(READERS, Chunked::new(0)).unwrap();
    let registry = registry.with_limit(1 << 20);
    let done = AtomicBool::new(false);
    let (registry, done, alive) = (&registry, &done, &alive);
    let [sections, changes, freed] = thread::scope(|scope| {
        let readers: Vec<_> =
            (0..READERS).map(|index| scope.spawn(move || read(registry, index, done))).collect();
        let writers = [1, 2].map(|seed| {
            scope.spawn(move || {
                let mut random = Random(seed * 88_172_645_463_325_252);
                let changes = std::iter::from_fn(|| {
                    (!done.load(Relaxed)).then(|| change(registry, alive, &mut random).is_some())
                });
                changes.filter(|changed| *changed).count()
            })
        });
        let reclaimers = [(); 2].map(|()| {
            scope.spawn(move || {
                let calls =
                    std::iter::from_fn(|| (!done.load(Relaxed)).then(|| registry.reclaim(3).freed));
                calls.sum::<usize>()
            })
        });
        thread::sleep(duration);
        done.store(true, Relaxed);
        [
            readers.into_iter().map(|reader| reader.join().unwrap()).sum::<usize>(),
            writers.into_iter().map(|writer| writer.join().unwrap()).sum(),
            reclaimers.into_iter().map(|reclaimer| reclaimer.join().unwrap()).sum(),
        ]
    });
    println!("in chunks: {sections} sections, {changes} changes, {freed} freed");
    assert!(sections > 10 && changes > 10 && freed > 10, "too little happened");
    // crossbeam collects a part of its backlog each time.
    for _ in 0..100 {
        registry.reclaim(usize::MAX);
    }
    let listed = registry.write().snapshot().entries().len();
    assert_eq!((registry.retired().objects, alive.0.load(Relaxed)), (0, listed));
}
