//! A vCPU that lists partitions, in all ways that its version has, and checks each answer.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use fastrand::Rng;
use ffa_abi::{CallError, PartitionInfoGetRegs, Status, Uuid, Version};

use crate::machine::Machine;
use crate::storm::population::Population;
use crate::storm::tally::{Kind, Tally};
use crate::vcpu::{Entry, Vcpu};

const VERSIONS: [Version; 3] = [Version::V1_2, Version::V1_1, Version::V1_0];

struct Reader<'m> {
    vcpu: Vcpu<'m>,
    population: &'m Population,
    id: u16,
    version: Version,
    tally: Tally,
}

/// What the reader in VM `id` speaks.
pub(crate) fn version(id: u16) -> Version {
    VERSIONS[usize::from(id - 1) % VERSIONS.len()]
}

/// Reader `index`, whose VM has joined, works until `stop`.
pub(crate) fn run(
    machine: &Machine,
    population: &Population,
    index: u16,
    mut rng: Rng,
    stop: &AtomicBool,
) -> Tally {
    let id = index + 1;
    let version = version(id);
    // CPU 0 is the churn's.
    let vcpu = machine.vcpu(usize::from(id), id, 0);
    let mut reader = Reader { vcpu, population, id, version, tally: Tally::default() };
    reader.vcpu.map(16).expect("buffers");
    while !stop.load(Relaxed) {
        match rng.u8(0..3) {
            0 => reader.count(),
            1 if version >= Version::V1_2 => reader.registers(),
            _ => reader.list(),
        }
    }
    reader.tally
}

impl Reader<'_> {
    fn count(&mut self) {
        if self.version == Version::V1_0 {
            return; // cannot count without a list
        }
        let count = self.vcpu.count(Uuid::NIL);
        self.tally.record(Kind::Count, self.vcpu.elapsed());
        let count = count.map_err(|error| error.to_string());
        let checked =
            count.and_then(|count| self.population.check_count(self.id, self.version, count));
        self.tally.check(checked);
    }

    fn list(&mut self) {
        let witness = self.population.witness();
        let entries = self.vcpu.list(Uuid::NIL, self.version);
        self.tally.record(Kind::List, self.vcpu.elapsed());
        let entries = entries.map_err(|error| error.to_string());
        let checked = entries.and_then(|entries| {
            self.population.check_list(self.id, self.version, witness, &entries)
        });
        self.tally.check(checked);
        let released = self.vcpu.release();
        self.tally.record(Kind::Release, self.vcpu.elapsed());
        self.tally.check(released.map(|_| ()).map_err(|error| error.to_string()));
    }

    /// A list by registers is checked where it did not change on the way.
    fn registers(&mut self) {
        let witness = self.population.witness();
        match self.registers_once() {
            Ok(entries) => {
                let (id, version) = (self.id, self.version);
                let checked = self.population.check_list(id, version, witness, &entries);
                self.tally.check(checked);
            }
            Err(CallError::Status(Status::RETRY)) => self.tally.retries += 1,
            Err(error) => self.tally.check(Err(error.to_string())),
        }
    }

    fn registers_once(&mut self) -> Result<Vec<Entry>, CallError> {
        let mut request = PartitionInfoGetRegs { uuid: Uuid::NIL, start: 0, tag: 0 };
        let mut entries = Vec::new();
        loop {
            let reply = self.vcpu.call(&request);
            self.tally.record(Kind::Registers, self.vcpu.elapsed());
            let reply = reply?;
            entries.extend(reply.descriptors().iter().map(Entry::from));
            if reply.current() == reply.last() {
                return Ok(entries);
            }
            request.start = reply.current() + 1;
            request.tag = reply.tag();
        }
    }
}
