//! Calls that only read take no lock of the registry's, wait for nobody and never try again: under
//! `--cfg counted`, each uses as many of the registry's atomics as it has, whatever other VMs do
//! meanwhile.
#![cfg(counted)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails panics")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use common::{StopOnDrop, join};
use ffa_abi::{CallError, Features, FunctionId, IdGet, Uuid, Version};
use ffa_core::{Policy, VmConfig};
use ffa_harness::{Machine, Setup, Vcpu};
use ffa_rcu::counted::{Uses, during};

type Act = fn(&mut Vcpu<'_>) -> Result<(), CallError>;

/// A list is given back at once, so that the next one can be written.
const CALLS: [(&str, Act); 7] = [
    ("id", |vcpu| vcpu.call(&IdGet).map(|_| ())),
    ("features", |vcpu| vcpu.call(&Features::of(FunctionId::RXTX_MAP_64)).map(|_| ())),
    ("count", |vcpu| vcpu.count(Uuid::NIL).map(|_| ())),
    ("list", |vcpu| vcpu.list(Uuid::NIL, Version::V1_1).map(|_| ())),
    ("release", |vcpu| vcpu.release().map(|_| ())),
    ("list by UUID", |vcpu| vcpu.list(common::MINE, Version::V1_1).map(|_| ())),
    ("release again", |vcpu| vcpu.release().map(|_| ())),
];

/// How often another VM comes and goes, without a pause.
const CHANGES: usize = 5_000;

/// What each call used, in all the ways that it ran.
type Seen = BTreeMap<&'static str, BTreeSet<Uses>>;

#[test]
fn no_call_that_reads_waits_or_repeats() {
    let machine = crowd();
    let done = AtomicBool::new(false);
    let seen = thread::scope(|scope| {
        let reader = scope.spawn(|| read(&machine, &done));
        let _done = StopOnDrop(&done);
        for _ in 0..CHANGES {
            machine.destroy(CHURNED).unwrap();
            machine.drain();
            machine.free(CHURNED);
            join(&machine, CHURNED, Version::V1_1);
        }
        done.store(true, Relaxed);
        reader.join().unwrap()
    });
    for (call, ways) in &seen {
        // Entry and exit are 4, the caller's context 2, its state 1, the directory 1; and a hold.
        let [Uses { atomics: 7..=14, locks: 0 }] = ways.iter().collect::<Vec<_>>()[..] else {
            panic!("{call}: {ways:?}")
        };
    }
}

const CHURNED: u16 = 300;

/// VMs for a list in two pieces, one of them with a UUID.
fn crowd() -> Machine {
    let machine = Setup::default().with_policy(Policy::allow_all()).start();
    for id in 1..=600 {
        join(&machine, id, Version::V1_1);
    }
    machine.create_as(VmConfig { uuid: common::MINE, ..common::config(601) }).unwrap();
    machine.vm(601).speaks(Version::V1_1);
    let _id = machine.vm(601).calls(IdGet).reply();
    machine
}

fn read(machine: &Machine, done: &AtomicBool) -> Seen {
    let mut vcpu = machine.vcpu(1, 2, 0);
    vcpu.map(16).unwrap();
    let mut seen = Seen::new();
    while !done.load(Relaxed) {
        for (name, act) in CALLS {
            seen.entry(name).or_default().insert(during(|| act(&mut vcpu).unwrap()).1);
        }
    }
    seen
}
