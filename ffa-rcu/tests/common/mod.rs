//! A value that knows when it is read after its drop, and who dropped it.
#![allow(dead_code, reason = "each test file uses its part")]

use ffa_rcu::{Backend, Footprint, Registry};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

const ALIVE: usize = 0x600D_600D_600D_600D;
const POISON: usize = 0xDEAD_DEAD_DEAD_DEAD;

thread_local! {
    static DROPS_HERE: Cell<usize> = const { Cell::new(0) };
}

/// Destructors of [`Probe`] that ran on this thread.
pub(crate) fn drops_here() -> usize {
    DROPS_HERE.get()
}

/// Counts the probes that are alive.
#[derive(Clone, Default)]
pub(crate) struct Census {
    alive: Arc<AtomicUsize>,
    footprints_forbidden: Arc<AtomicBool>,
}

impl Census {
    pub(crate) fn alive(&self) -> usize {
        self.alive.load(Relaxed)
    }

    /// From here on, asking a probe for its footprint panics.
    pub(crate) fn forbid_footprints(&self) {
        self.footprints_forbidden.store(true, Relaxed);
    }

    pub(crate) fn probe(&self, value: usize) -> Probe {
        self.alive.fetch_add(1, Relaxed);
        Probe {
            state: AtomicUsize::new(ALIVE),
            value,
            twin: value,
            heap_bytes: 0,
            census: self.clone(),
        }
    }

    /// A probe that says it keeps `heap_bytes` on the heap.
    pub(crate) fn heavy(&self, heap_bytes: usize) -> Probe {
        let mut probe = self.probe(0);
        probe.heap_bytes = heap_bytes;
        probe
    }
}

/// Two equal numbers, poisoned by the drop.
pub(crate) struct Probe {
    state: AtomicUsize,
    value: usize,
    twin: usize,
    heap_bytes: usize,
    census: Census,
}

impl Probe {
    #[track_caller]
    pub(crate) fn read(&self) -> usize {
        assert_eq!(self.value, self.twin, "torn");
        assert_eq!(self.state.load(Relaxed), ALIVE, "read after free");
        self.value
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        assert_eq!(self.state.swap(POISON, Relaxed), ALIVE, "freed twice");
        DROPS_HERE.set(DROPS_HERE.get() + 1);
        self.census.alive.fetch_sub(1, Relaxed);
    }
}

impl Footprint for Probe {
    fn heap_bytes(&self) -> usize {
        assert!(!self.census.footprints_forbidden.load(Relaxed), "a footprint is asked");
        self.heap_bytes
    }
}

pub(crate) type Probes<B> = Registry<Probe, Probe, B>;

/// Reclaims until nothing waits. Without open sections a few polls must do, whatever the backend; some
/// more behind a storm, since crossbeam collects a part of its backlog each time.
pub(crate) fn drain<B: Backend>(registry: &Probes<B>) {
    for _ in 0..100 {
        registry.reclaim(usize::MAX);
    }
    assert_eq!(registry.retired().objects, 0);
}

/// Makes a module of tests for each backend. The last ones are told whether the backend names the CPU
/// that stalls.
#[allow(unused_macros, reason = "each test file uses its part")]
macro_rules! for_every_backend {
    ({ $($test:ident,)* } { $($told:ident,)* }) => {
        mod slots {
            for_backend! { ffa_rcu::Slots: $($test(),)* $($told(true),)* }
        }
        #[cfg(feature = "crossbeam")]
        mod crossbeam {
            for_backend! { ffa_rcu::CrossbeamEpoch: $($test(),)* $($told(false),)* }
        }
        #[cfg(feature = "arc-swap")]
        mod arc_swap {
            for_backend! { ffa_rcu::ArcSwapEpoch: $($test(),)* $($told(false),)* }
        }
    };
}

#[allow(unused_macros, reason = "as above")]
macro_rules! for_backend {
    ($backend:ty: $($test:ident($($argument:expr)?),)*) => {
        $(#[test] fn $test() { super::$test::<$backend>($($argument)?); })*
    };
}
