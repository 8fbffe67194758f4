//! What dom0 sees by FF-A.

use core::fmt;

use ffa_abi::{EndpointId, VersionReply};

use super::PAUSE;
use crate::argument::{Argument, Conduit};
use crate::client::{Client, Error, Partitions};
use crate::machine::{Verdict, time};
use crate::observer::Observer;
use crate::println;

/// How long the permanent VMs have to show up.
const ASSEMBLY: u64 = 30_000_000;

/// An FF-A VM that lists the others, and checks each list.
pub(super) struct View {
    client: Client<Conduit>,
    observer: Observer,
    own: EndpointId,
    /// The policy hides all other VMs.
    alone: bool,
    lists: u32,
    fewest: usize,
    most: usize,
    errors: u32,
}

impl View {
    /// Sets FF-A up; none where Xen has no FF-A.
    pub(super) fn open(argument: Argument) -> Result<Option<Self>, Error> {
        let client = match Client::negotiate(argument.conduit, argument.version()) {
            Ok(client) => client,
            Err(Error::Version(VersionReply::NotSupported)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let own = client.id()?;
        client.map()?;
        Ok(Some(Self {
            observer: Observer::new(own, client.version(), argument),
            client,
            own,
            alone: argument.alone,
            lists: 0,
            fewest: usize::MAX,
            most: 0,
            errors: 0,
        }))
    }

    /// Waits for the permanent VMs.
    pub(super) fn assemble(&mut self) -> Verdict {
        let end = time::now() + ASSEMBLY;
        while !self.observer.complete() {
            if time::now() > end {
                return Err("permanent VMs are missing");
            }
            time::sleep(PAUSE);
            self.list();
        }
        Ok(())
    }

    /// Whether a list has the VM of this domain.
    pub(super) fn lists(&mut self, domain: u16) -> bool {
        let vm = EndpointId(domain + 1);
        self.list().iter().any(|partition| partition.id() == vm)
    }

    /// Checks that the next list has not.
    pub(super) fn expect_unlisted(&mut self, domain: u16, which: &str) {
        if self.lists(domain) {
            self.complain(format_args!("d{domain}, which {which}, is listed"));
        }
    }

    /// Whether the policy lets other VMs be seen.
    pub(super) fn sees_others(&self) -> bool {
        !self.alone
    }

    /// Lists, and checks the list.
    pub(super) fn list(&mut self) -> Partitions {
        let list = self.client.list().unwrap_or_else(|error| {
            self.complain(format_args!("listing: {error}"));
            Partitions::new()
        });
        if let Err(violation) = self.observer.check(&list) {
            self.complain(format_args!("{violation}"));
        }
        self.lists += 1;
        self.fewest = self.fewest.min(list.len());
        self.most = self.most.max(list.len());
        list
    }

    /// How many errors were found.
    pub(super) fn errors(&self) -> u32 {
        self.errors
    }

    fn complain(&mut self, what: fmt::Arguments<'_>) {
        self.errors += 1;
        println!("ERROR {what}");
    }
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client, own: EndpointId(own), lists, fewest, most, .. } = self;
        let version = client.version();
        write!(f, "vm={own} version={version} lists={lists} listed_min={fewest} listed_max={most}")
    }
}
