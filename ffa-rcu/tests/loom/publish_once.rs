//! The publish-once machine: two vCPUs negotiate and publish, a third CPU tears down.

use super::model;
use ffa_rcu::{Claim, ProposeError, PublishOnce, State};
use loom::cell::UnsafeCell;
use loom::sync::atomic::AtomicUsize;
use loom::sync::{Arc, Mutex};
use loom::thread;
use std::num::NonZeroU32;
use std::sync::atomic::Ordering::Relaxed;

const V1_0: NonZeroU32 = NonZeroU32::new(0x1_0000).unwrap();
const V1_1: NonZeroU32 = NonZeroU32::new(0x1_0001).unwrap();

/// A partition with what its publication makes visible.
struct Partition {
    once: PublishOnce,
    /// The version that was listed; loom checks that one publisher writes it, and that readers come
    /// after.
    listed: UnsafeCell<u32>,
    entries: AtomicUsize,
    lock: Mutex<()>,
}

impl Partition {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            once: PublishOnce::new(),
            listed: UnsafeCell::new(0),
            entries: AtomicUsize::new(0),
            lock: Mutex::new(()),
        })
    }

    fn list(&self, version: NonZeroU32) {
        // SAFETY: one publisher at a time, before its commit; loom checks it.
        self.listed.with_mut(|listed| unsafe { *listed = version.get() });
        self.entries.fetch_add(1, Relaxed);
    }

    fn listed(&self) -> u32 {
        // SAFETY: called after the publication, which is the last write; loom checks it.
        self.listed.with(|listed| unsafe { *listed })
    }

    /// What a guest's call does: publish unless a sibling has. Returns whether it won.
    fn publish(&self) -> bool {
        match self.once.claim() {
            Claim::Won(publishing) => {
                self.list(publishing.version());
                publishing.commit();
                true
            }
            Claim::Published(version) => {
                assert_eq!(self.listed(), version.get());
                false
            }
            Claim::Taken(_) | Claim::Withdrawn | Claim::Nothing => false,
        }
    }

    /// The same under the lock that a teardown takes too.
    fn publish_locked(&self) {
        let _turn = self.lock.lock().unwrap();
        assert!(!matches!(self.once.claim(), Claim::Taken(_)));
        self.publish();
    }
}

fn spawn(
    partition: &Arc<Partition>,
    body: impl FnOnce(&Partition) + Send + 'static,
) -> thread::JoinHandle<()> {
    let partition = partition.clone();
    thread::spawn(move || body(&partition))
}

/// E9: both negotiate, both use it: one entry, of the version that is published.
#[test]
fn published_once() {
    model(None, || {
        let partition = Partition::new();
        let negotiate = |partition: &Partition, version| {
            let proposed = partition.once.propose(version);
            let won = partition.publish();
            // A vCPU that was told that its version is frozen cannot be the one that publishes.
            assert!(!(won && proposed.is_err()));
        };
        let sibling = spawn(&partition, move |partition| negotiate(partition, V1_1));
        negotiate(&partition, V1_0);
        sibling.join().unwrap();
        assert_eq!(partition.entries.load(Relaxed), 1);
        let State::Published(version) = partition.once.state() else { panic!("not published") };
        assert_eq!(partition.listed(), version.get());
    });
}

/// A proposal is told the truth: it is what gets published, or the frozen version is.
#[test]
fn frozen_while_publishing() {
    model(None, || {
        let partition = Partition::new();
        partition.once.propose(V1_0).unwrap();
        let sibling = spawn(&partition, |partition| {
            let expected = match partition.once.propose(V1_1) {
                Ok(()) => V1_1,
                Err(error) => {
                    assert_eq!(error, ProposeError::Frozen(V1_0));
                    V1_0
                }
            };
            partition.publish();
            let (State::Publishing(version) | State::Published(version)) = partition.once.state()
            else {
                panic!("neither of us publishes")
            };
            assert_eq!(version, expected);
        });
        partition.publish();
        sibling.join().unwrap();
        let State::Published(version) = partition.once.state() else { panic!("not published") };
        assert_eq!(partition.listed(), version.get());
    });
}

/// An abandoned publication can be won again, by either, and is listed once.
#[test]
fn abandoned_is_won_again() {
    model(None, || {
        let partition = Partition::new();
        partition.once.propose(V1_0).unwrap();
        let sibling = spawn(&partition, |partition| {
            partition.publish();
        });
        if let Claim::Won(publishing) = partition.once.claim() {
            publishing.abandon();
        }
        sibling.join().unwrap();
        partition.publish();
        assert_eq!(partition.entries.load(Relaxed), 1);
        assert_eq!(partition.once.state(), State::Published(V1_0));
    });
}

/// Two vCPUs publish, a teardown withdraws, under the lock: listed once and then removed, or never
/// listed.
#[test]
fn withdrawn_for_good() {
    model(None, || {
        let partition = Partition::new();
        partition.once.propose(V1_0).unwrap();
        let sibling = spawn(&partition, Partition::publish_locked);
        let teardown = spawn(&partition, |partition| {
            let _turn = partition.lock.lock().unwrap();
            match partition.once.withdraw() {
                State::Published(_) => assert_eq!(partition.entries.fetch_sub(1, Relaxed), 1),
                State::Proposed(_) => assert_eq!(partition.entries.load(Relaxed), 0),
                other => panic!("{other:?}"),
            }
        });
        partition.publish_locked();
        sibling.join().unwrap();
        teardown.join().unwrap();
        assert_eq!(partition.entries.load(Relaxed), 0);
        assert_eq!(partition.once.state(), State::Withdrawn(Some(V1_0)));
        assert_eq!(partition.once.propose(V1_1), Err(ProposeError::Withdrawn));
    });
}

/// Without the lock: still one publisher, and the withdrawal is final.
#[test]
fn withdrawal_races_publication() {
    model(None, || {
        let partition = Partition::new();
        partition.once.propose(V1_0).unwrap();
        let sibling = spawn(&partition, |partition| {
            partition.publish();
        });
        let teardown = spawn(&partition, |partition| {
            partition.once.withdraw();
        });
        let _ = partition.once.propose(V1_1);
        partition.publish();
        sibling.join().unwrap();
        teardown.join().unwrap();
        assert!(partition.entries.load(Relaxed) <= 1);
        assert!(matches!(partition.once.state(), State::Withdrawn(Some(_))));
    });
}
