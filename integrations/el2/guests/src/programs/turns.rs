//! Waiting for other VMs to come and go, by nothing but lists.

use ffa_abi::{EndpointId, Version};

use crate::argument::{Argument, Conduit};
use crate::client::{Client, Error};
use crate::machine::{Verdict, time};
use crate::observer::Observer;
use crate::println;

/// Microseconds between two looks.
const PAUSE: u64 = 2_000;
/// Microseconds after everybody is there, so that everybody else sees that too.
const GRACE: u64 = 500_000;
/// Microseconds that anything here may take: the machine may be busy with others.
const PATIENCE: u64 = 120_000_000;

/// A VM that looks who is there.
pub(super) struct Turns {
    client: Client<Conduit>,
    observer: Observer,
    own: EndpointId,
}

impl Turns {
    /// Negotiates and hands the buffers over.
    pub(super) fn join(argument: Argument, version: Version) -> Result<Self, Error> {
        let client = Client::negotiate(argument.conduit, version)?;
        let own = client.id()?;
        client.map()?;
        let observer = Observer::new(own, version, argument);
        Ok(Self { client, observer, own })
    }

    /// This VM's id.
    pub(super) fn own(&self) -> EndpointId {
        self.own
    }

    /// Waits until all permanent VMs have been seen.
    pub(super) fn wait_for_all(&mut self) -> Verdict {
        self.wait("permanent VMs are missing", Observer::complete)?;
        time::sleep(GRACE);
        Ok(())
    }

    /// Waits until these permanent VMs, which have all been seen, are gone.
    pub(super) fn wait_until_gone(&mut self, mut ids: impl Iterator<Item = u16>) -> Verdict {
        ids.try_for_each(|id| {
            self.wait("permanent VMs do not leave", |observer| observer.has_left(EndpointId(id)))
        })
    }

    /// Takes the buffers back.
    pub(super) fn leave_buffers(self) -> Result<(), Error> {
        self.client.unmap()
    }

    fn wait(&mut self, otherwise: &'static str, condition: impl Fn(&Observer) -> bool) -> Verdict {
        let end = time::now().saturating_add(PATIENCE);
        while !condition(&self.observer) {
            if time::now() > end {
                return Err(otherwise);
            }
            time::sleep(PAUSE);
            self.look()?;
        }
        Ok(())
    }

    fn look(&mut self) -> Verdict {
        let list = self.client.list().map_err(|error| {
            println!("listing: {error}");
            "cannot list"
        })?;
        self.observer.check(&list).map_err(|violation| {
            println!("ERROR {violation}");
            "a list was wrong"
        })
    }
}
