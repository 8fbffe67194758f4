//! The order of an entry on the processor at hand, which no model decides: the store of the epoch before
//! the loads of the section. A reader fills its store buffer with misses before each entry, so that its
//! slot would become visible late if it could, while a writer replaces and frees without a pause.
//!
//! `cargo xtask verify litmus` runs it, and once more with the ordering of the entry weakened, where it
//! must fail.
#![cfg(not(loom))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

use ffa_rcu::{Footprint, Registry};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

/// As many snapshots have a mark of their own before the first one's is used again.
const MARKS: usize = 1 << 22;
static FREED: [AtomicBool; MARKS] = [const { AtomicBool::new(false) }; MARKS];
static NEXT: AtomicUsize = AtomicUsize::new(0);

/// Marked when it is freed; the mark can be read afterwards.
struct Marked(usize);

impl Marked {
    fn new() -> Self {
        let mark = NEXT.fetch_add(1, Relaxed) % MARKS;
        FREED[mark].store(false, SeqCst);
        Self(mark)
    }
}

impl Drop for Marked {
    fn drop(&mut self) {
        FREED[self.0].store(true, SeqCst);
    }
}

impl Footprint for Marked {}

/// Memory beyond any cache, and how many of its lines are written before an entry.
const WORDS: usize = 1 << 23;
const MISSES: usize = 24;

type Snapshots = Registry<Marked, ()>;

/// Sections, until one of them sees its snapshot freed or time is over; `true`: it did.
fn read(registry: &Snapshots, done: &AtomicBool) -> bool {
    let mut cpu = registry.cpu(0).unwrap();
    let mut memory = vec![0_usize; WORDS];
    let mut random = 88_172_645_463_325_252_usize;
    while !done.load(Relaxed) {
        for _ in 0..MISSES {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            memory[(random >> 20) % WORDS] = random;
        }
        black_box(&mut memory);
        let section = cpu.enter();
        let mark = FREED.get(section.snapshot().0);
        // What has no mark was not only freed, but used again.
        if (0..8).any(|_| mark.is_none_or(|mark| mark.load(Relaxed))) {
            done.store(true, Relaxed);
            return true;
        }
    }
    false
}

#[test]
fn nothing_is_freed_under_a_section_that_just_began() {
    let seconds = std::env::var("FFA_STRESS_SECONDS").ok().and_then(|text| text.parse().ok());
    let duration = Duration::from_secs(seconds.unwrap_or(2));
    let registry = Snapshots::try_new(1, Marked::new()).unwrap();
    let done = AtomicBool::new(false);
    let freed_under_a_section = thread::scope(|scope| {
        let reader = scope.spawn(|| read(&registry, &done));
        let start = Instant::now();
        while start.elapsed() < duration && !done.load(Relaxed) {
            for _ in 0..256 {
                // Refused where the reader does not run for long.
                let _ = registry.write().replace(Marked::new());
                registry.reclaim(8);
            }
        }
        done.store(true, Relaxed);
        reader.join().unwrap()
    });
    assert!(!freed_under_a_section, "a section reads what is freed");
}
