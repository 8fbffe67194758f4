//! Transcripts of the mediator itself, on a model hypervisor: what comes of them is known here, and
//! they hold every answer that one vCPU can get.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that fails panics"
)]

use std::cell::RefCell;

use ffa_abi::{Regs, Status, Version};
use ffa_core::Outcome;
use ffa_el2_guests::client::{self, Client};
use ffa_el2_guests::transcript::Transcript;
use ffa_harness::{RX, Setup, TX, Vcpu};

const VERSIONS: [Version; 3] = [Version::V1_0, Version::V1_1, Version::V1_2];
const FIRST: u16 = 2;

/// A VM's vCPU as the client sees it.
struct Guest<'m>(RefCell<Vcpu<'m>>);

impl client::Machine for &Guest<'_> {
    fn call(&self, regs: Regs) -> Regs {
        match self.0.borrow_mut().trap(&regs) {
            Outcome::Reply(reply) => reply,
            Outcome::NotFfa => {
                let mut reply = regs;
                reply.set(0, u64::MAX);
                reply
            }
        }
    }
    fn tx(&self) -> u64 {
        TX
    }
    fn rx(&self) -> u64 {
        RX
    }
    fn read_rx(&self, into: &mut [u8]) {
        into.copy_from_slice(&self.0.borrow().rx_bytes(into.len()));
    }
}

/// The transcripts of VMs 2, 3 and 4, made as the guests make them: all of them begin, then one
/// after the other goes on and leaves. VM 1 stays.
fn transcripts() -> [Vec<String>; 3] {
    let machine = Setup::default().start();
    (1..=4).for_each(|id| machine.create(id).unwrap());
    let guest = |id: u16| Guest(RefCell::new(machine.vcpu(usize::from(id) - 1, id, 0)));
    let keeper = guest(1);
    Client::negotiate(&keeper, Version::V1_2).unwrap().id().unwrap();
    let guests = [2, 3, 4].map(guest);
    let lines: RefCell<[Vec<String>; 3]> = RefCell::default();
    let mut begun = Vec::new();
    for (index, guest) in guests.iter().enumerate() {
        let lines = &lines;
        let print = move |line: &str| lines.borrow_mut()[index].push(line.to_owned());
        let mut transcript = Transcript::new(guest, VERSIONS[index], print);
        transcript.open();
        begun.push(transcript);
    }
    for (id, transcript) in (FIRST..).zip(&mut begun) {
        transcript.go_on();
        assert_eq!(machine.ram(id).pinned_pages(), 0, "VM {id} left its buffers mapped");
        machine.remove(id);
    }
    drop(begun);
    lines.into_inner()
}

/// Who is in the lists of a transcript, three of them and all the same: descriptors, sorted.
fn listed(lines: &[String]) -> Vec<&str> {
    let all: Vec<_> = lines.iter().filter_map(|line| line.strip_prefix("T rx ")).collect();
    let lists: Vec<_> = all.chunks(all.len() / 3).collect();
    assert!(lists.iter().all(|list| *list == lists[0]), "{lists:?}");
    let mut list = lists[0].to_vec();
    list.sort_unstable();
    list
}

#[test]
fn the_same_comes_out_each_time() {
    assert_eq!(transcripts(), transcripts());
}

/// Two vCPUs each. A caller is in its own list from 1.2 on.
#[test]
fn who_is_there_is_listed_at_every_version() {
    let [old, middle, new] = transcripts();
    assert_eq!(listed(&old), ["0100020000000000", "0300020000000000", "0400020000000000"]);
    let both = ["0100020000010000", "0400020000010000"];
    let both = both.map(|start| format!("{start} 0000000000000000 0000000000000000"));
    assert_eq!(listed(&middle), both);
    assert_eq!(listed(&new), both);
}

#[test]
fn every_answer_is_there_that_one_vcpu_can_get() {
    let [.., new] = transcripts();
    for status in [
        Status::NOT_SUPPORTED,
        Status::INVALID_PARAMETERS,
        Status::DENIED,
        Status::BUSY,
        Status::RETRY,
    ] {
        let reply = format!("-> 84000060 0 {:x}", status.bits());
        assert!(new.iter().any(|line| line.contains(&reply)), "{status:?}");
    }
}
