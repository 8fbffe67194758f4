//! Lists the partitions round after round, while others come and go, and checks what it sees.
//!
//! Each round asks in every way that the version has: by list, by count (1.1), by registers (1.2).
//! Every list must hold on its own ([`Observer`]); and as soon as nothing changes between two equal
//! lists, what was asked between them must agree with them.

use ffa_abi::{CallError, PartitionInfoGetRegs, Status, Uuid, Version};

use crate::argument::{Argument, Conduit};
use crate::client::{Client, Error, Partitions};
use crate::machine::{Verdict, time};
use crate::observer::Observer;
use crate::println;

const ROUNDS: u16 = 200;
/// How often lists may change under a round before that is an error of its own.
const ATTEMPTS: u32 = 100;
/// Microseconds between two rounds.
const PAUSE: u64 = 2_000;
/// How long the permanent VMs have to show up.
const ASSEMBLY: u64 = 30_000_000;

/// The program.
///
/// # Errors
/// That lists were wrong; the lines before say how.
pub fn main(argument: Argument) -> Verdict {
    let version = argument.version();
    let client = Client::negotiate(argument.conduit, version).map_err(|error| {
        println!("FFA_VERSION {version}: {error}");
        "no common version"
    })?;
    let mut lister = Lister::new(client, argument).map_err(|error| {
        println!("setting up: {error}");
        "cannot set up"
    })?;
    lister.assemble()?;
    let rounds = if argument.rounds == 0 { ROUNDS } else { argument.rounds };
    for _ in 0..rounds {
        lister.round();
        time::sleep(PAUSE);
    }
    lister.summary(argument.conduit, rounds);
    if lister.errors == 0 { Ok(()) } else { Err("lists were wrong") }
}

struct Lister {
    client: Client<Conduit>,
    observer: Observer,
    own: u16,
    fewest: usize,
    most: usize,
    retries: u32,
    errors: u32,
}

/// One look at the list in every way: whether nothing changed while it was taken.
enum Look {
    /// On a list so long.
    Agreed(usize),
    Changed,
    Differs(&'static str),
}

impl Lister {
    fn new(client: Client<Conduit>, argument: Argument) -> Result<Self, Error> {
        let id = client.id()?;
        client.map()?;
        let observer = Observer::new(id, client.version(), argument);
        let own = id.0;
        Ok(Self { client, observer, own, fewest: usize::MAX, most: 0, retries: 0, errors: 0 })
    }

    /// Waits for the permanent VMs.
    fn assemble(&mut self) -> Verdict {
        let end = time::now() + ASSEMBLY;
        let mut list = Partitions::new();
        while !self.observer.complete() {
            if time::now() > end {
                print_partitions(&list);
                return Err("permanent VMs are missing");
            }
            time::sleep(PAUSE);
            list = self.list().map_err(|_| "cannot list")?;
        }
        print_partitions(&list);
        Ok(())
    }

    fn round(&mut self) {
        for _ in 0..ATTEMPTS {
            match self.look() {
                Ok(Look::Agreed(length)) => return self.record(length),
                Ok(Look::Changed) => {}
                Ok(Look::Differs(how)) => return self.complain(format_args!("{how}")),
                Err(error) if error.is_retry() => self.retries += 1,
                Err(error) => return self.complain(format_args!("listing: {error}")),
            }
        }
        self.complain(format_args!("no agreement in {ATTEMPTS} attempts"));
    }

    /// Compares everything between two equal lists, and equal tags. A VM that came and went in
    /// between is a rare change that the lists do not show; asking again tells it from an error.
    fn look(&mut self) -> Result<Look, Error> {
        let before = self.list()?;
        let counted = self.count()?;
        let registers = self.registers()?;
        let after = self.list()?;
        if before != after || counted.is_some_and(|count| count != before.len()) {
            return Ok(Look::Changed);
        }
        let Some((walked, tag)) = registers else { return Ok(Look::Agreed(after.len())) };
        if walked != before {
            return Ok(Look::Changed);
        }
        let tags = self.check_tags(tag, walked.len())?;
        Ok(tags.map_or(Look::Agreed(after.len()), Look::Differs))
    }

    fn list(&mut self) -> Result<Partitions, Error> {
        let list = self.client.list()?;
        self.observe(&list);
        Ok(list)
    }

    fn count(&self) -> Result<Option<usize>, Error> {
        let can = self.client.version() >= Version::V1_1;
        can.then(|| self.client.count()).transpose()
    }

    fn registers(&mut self) -> Result<Option<(Partitions, u16)>, Error> {
        if self.client.version() < Version::V1_2 {
            return Ok(None);
        }
        let (list, tag) = self.client.registers()?;
        self.observe(&list);
        Ok(Some((list, tag)))
    }

    /// A walk continues with its own tag only, and starts without one.
    fn check_tags(&self, tag: u16, count: usize) -> Result<Option<&'static str>, Error> {
        let status = |start, tag| {
            let call = PartitionInfoGetRegs { uuid: Uuid::NIL, start, tag };
            match self.client.request(&call) {
                Err(Error::Call(CallError::Status(status))) => Ok(Some(status)),
                Err(error) => Err(error),
                Ok(_) => Ok(None),
            }
        };
        // The tag before the current one is never the next.
        let stale = tag.wrapping_sub(1);
        if count > 1 && status(1, stale)? != Some(Status::RETRY) {
            return Ok(Some("a stale tag was accepted"));
        }
        if status(0, tag | 1)? != Some(Status::INVALID_PARAMETERS) {
            return Ok(Some("a walk may start with a tag"));
        }
        Ok(None)
    }

    fn observe(&mut self, list: &Partitions) {
        if let Err(violation) = self.observer.check(list) {
            self.complain(format_args!("{violation}"));
            print_partitions(list);
        }
    }

    fn record(&mut self, length: usize) {
        self.fewest = self.fewest.min(length);
        self.most = self.most.max(length);
    }

    fn complain(&mut self, what: core::fmt::Arguments<'_>) {
        self.errors += 1;
        println!("ERROR {what}");
    }

    fn summary(&self, conduit: Conduit, rounds: u16) {
        let Self { own, fewest, most, retries, errors, .. } = self;
        println!(
            "SUMMARY vm={own} version={} conduit={conduit} rounds={rounds} listed_min={fewest} \
             listed_max={most} retries={retries} errors={errors}",
            self.client.version()
        );
    }
}

fn print_partitions(list: &Partitions) {
    for partition in list {
        println!(
            "partition {} vcpus={} properties={:#x} uuid={}",
            partition.id(),
            partition.execution_contexts(),
            partition.properties().bits(),
            partition.uuid()
        );
    }
}
