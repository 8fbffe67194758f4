//! Grace periods that are polled or waited for, and CPUs that stop for good.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails panics")]

#[macro_use]
mod common;

use common::{Census, Probes};
use ffa_rcu::{Backend, Registry, Slots};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;

fn registry<B: Backend>(cpus: usize) -> Probes<B> {
    Registry::try_new(cpus, Census::default().probe(0)).unwrap()
}

/// Polls as often as the slowest backend needs.
fn is_over<B: Backend>(registry: &Probes<B>, poll: impl Fn() -> bool) -> bool {
    (0..4).any(|_| {
        registry.reclaim(0);
        poll()
    })
}

/// What the backends differ in.
trait Character: Backend {
    /// Whether it may wait for sections that began after the grace period, too.
    const WAITS_FOR_LATER: bool = false;
}

impl Character for ffa_rcu::Slots {}
#[cfg(feature = "arc-swap")]
impl Character for ffa_rcu::ArcSwapEpoch {}
#[cfg(feature = "crossbeam")]
impl Character for ffa_rcu::CrossbeamEpoch {
    const WAITS_FOR_LATER: bool = true;
}

fn a_grace_period_waits_for_those_who_were_there<B: Character>(names_the_cpu: bool) {
    let registry = registry::<B>(3);
    let [mut first, mut second, mut third] = [0, 1, 2].map(|cpu| registry.cpu(cpu).unwrap());
    let early = second.enter();
    let middle = first.enter();
    let grace_period = registry.begin_grace_period();
    let late = third.enter();
    assert!(!is_over(&registry, || grace_period.is_over()));
    if names_the_cpu {
        assert_eq!(grace_period.stalled_by(), Some(0), "both entered at one moment of its time");
    }
    drop(middle);
    assert!(!is_over(&registry, || grace_period.is_over()));
    assert_eq!(grace_period.stalled_by(), names_the_cpu.then_some(1));
    drop(early);
    if B::WAITS_FOR_LATER {
        drop(late);
        assert!(is_over(&registry, || grace_period.is_over()));
        return;
    }
    assert!(is_over(&registry, || grace_period.is_over()));
    assert_eq!(grace_period.stalled_by(), None);
    drop(late);
}

fn synchronize_returns_after_the_readers<B: Backend>() {
    let registry = registry::<B>(2);
    let left = AtomicBool::new(false);
    let entered = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut cpu = registry.cpu(1).unwrap();
            let section = cpu.enter();
            entered.store(true, SeqCst);
            thread::sleep(std::time::Duration::from_millis(20));
            left.store(true, SeqCst);
            drop(section);
        });
        while !entered.load(SeqCst) {
            thread::yield_now();
        }
        let mut pauses = 0;
        registry.cpu(0).unwrap().synchronize(|_| {
            pauses += 1;
            thread::yield_now();
        });
        assert!(left.load(SeqCst));
        assert!(pauses > 0);
    });
}

/// A CPU goes offline between sections and comes back; nothing waits for it meanwhile.
fn offline_and_back<B: Backend>() {
    let registry = registry::<B>(2);
    let mut other = registry.cpu(1).unwrap();
    for round in 1..4 {
        let mut cpu = registry.cpu(0).unwrap();
        drop(cpu.enter());
        drop(cpu);
        registry.write().replace(Census::default().probe(round)).unwrap();
        other.synchronize(|_| {});
        assert!(is_over(&registry, || registry.reclaim(8).waiting == 0));
        assert_eq!(registry.cpu(0).unwrap().enter().snapshot().read(), round);
    }
}

for_every_backend! {
    {
        synchronize_returns_after_the_readers,
        offline_and_back,
    }
    {
        a_grace_period_waits_for_those_who_were_there,
    }
}

/// A CPU that dies inside a section stalls, until the host says that it runs no more; then its place
/// can be claimed by the CPU that is plugged in next.
#[test]
fn a_dead_cpu_is_evicted() {
    let registry = registry::<Slots>(2);
    let mut dead = registry.cpu(1).unwrap();
    core::mem::forget(dead.enter());
    core::mem::forget(dead);
    registry.write().replace(Census::default().probe(1)).unwrap();
    let reclaimed = registry.reclaim(8);
    assert_eq!((reclaimed.freed, reclaimed.stalled_by), (0, Some(1)));
    assert!(registry.cpu(1).is_none());
    // SAFETY: the "CPU" was this thread, whose handle and section are forgotten.
    assert!(unsafe { registry.evict(1) });
    assert_eq!(registry.reclaim(8).freed, 1);
    assert_eq!(registry.cpu(1).unwrap().enter().snapshot().read(), 1);
    for cpu in [0, 2] {
        // SAFETY: CPU 0 never ran, and CPU 2 does not exist.
        assert!(!unsafe { registry.evict(cpu) });
    }
}

/// A section that its own CPU has leaked ends when the CPU waits.
#[test]
fn synchronize_does_not_wait_for_its_own_leak() {
    let registry = registry::<Slots>(1);
    let mut cpu = registry.cpu(0).unwrap();
    core::mem::forget(cpu.enter());
    cpu.synchronize(|waits_for| panic!("waits for {waits_for:?}"));
}

#[cfg(feature = "crossbeam")]
#[test]
fn a_backend_that_cannot_evict_says_so() {
    let registry = registry::<ffa_rcu::CrossbeamEpoch>(1);
    let mut dead = registry.cpu(0).unwrap();
    core::mem::forget(dead.enter());
    core::mem::forget(dead);
    // SAFETY: the handle and the section are forgotten.
    assert!(!unsafe { registry.evict(0) });
    assert!(registry.cpu(0).is_none());
}
