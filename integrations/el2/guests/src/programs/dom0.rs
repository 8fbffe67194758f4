//! The first domain of Xen: does a toolstack's duties, and is an FF-A VM among those that it rules.
//!
//! It destroys the domains that have shut down, and powers the machine off when none is left. As
//! destroyer it first destroys one that runs, and creates, starts and destroys others. All the
//! while it lists by FF-A: a VM must not be listed before it has made a call, nor any more as soon
//! as its domain is destroyed. In a Xen without FF-A it does only a toolstack's duties.

mod destroyer;
mod view;
mod warden;

use view::View;

use crate::argument::Argument;
use crate::machine::xen::Xen;
use crate::machine::{Verdict, time};
use crate::println;
use crate::toolstack::{Domain, Error, Tee, Toolstack};

/// Microseconds between two looks at the domains.
const PAUSE: u64 = 2_000;
/// How long a destroyed domain may be held on to.
const LINGER: u64 = 5_000_000;

/// The program.
///
/// # Errors
/// That something went wrong; the lines before say what.
pub fn main(argument: Argument) -> Verdict {
    let mut dom0 = Dom0::new(argument)?;
    dom0.assemble()?;
    if argument.destroyer {
        dom0.destroy_running()?;
        dom0.create_and_destroy(argument.rounds)?;
        dom0.start_and_destroy(argument.rounds)?;
    }
    dom0.rule()?;
    dom0.summary();
    if dom0.errors() == 0 { Ok(()) } else { Err("errors were found") }
}

struct Dom0 {
    toolstack: Toolstack<Xen>,
    /// What FF-A shows, if Xen has it.
    view: Option<View>,
    destroyed: u32,
    errors: u32,
}

impl Dom0 {
    fn new(argument: Argument) -> Result<Self, &'static str> {
        let view = View::open(argument).map_err(|error| {
            println!("setting up: {error}");
            "cannot set up"
        })?;
        if view.is_none() {
            println!("no FF-A here");
        }
        Ok(Self { toolstack: Toolstack(Xen), view, destroyed: 0, errors: 0 })
    }

    /// Waits until FF-A lists all the VMs that Xen started.
    fn assemble(&mut self) -> Verdict {
        self.view.as_mut().map_or(Ok(()), View::assemble)
    }

    /// Destroys a domain, and waits until nobody holds on to it. Tells how many calls it took.
    fn destroy(&mut self, id: u16) -> Result<u32, &'static str> {
        let calls = self.toolstack.destroy(id).map_err(|error| failed("destroying", id, error))?;
        self.expect_unlisted(id, "is destroyed");
        if !time::wait_until(LINGER, || !self.exists(id)) {
            println!("d{id} is destroyed, and still there");
            return Err("somebody holds on to a destroyed domain");
        }
        self.destroyed += 1;
        Ok(calls)
    }

    fn exists(&self, id: u16) -> bool {
        matches!(self.toolstack.domain_from(id), Ok(Some(domain)) if domain.id == id)
    }

    /// The domain with the lowest id from `id` on.
    fn domain_from(&self, id: u16) -> Result<Option<Domain>, &'static str> {
        self.toolstack.domain_from(id).map_err(|error| failed("looking for", id, error))
    }

    fn expect_unlisted(&mut self, domain: u16, which: &str) {
        if let Some(view) = &mut self.view {
            view.expect_unlisted(domain, which);
        }
    }

    /// The mediator that domains get.
    fn tee(&self) -> Tee {
        if self.view.is_some() { Tee::Ffa } else { Tee::None }
    }

    fn complain(&mut self, what: core::fmt::Arguments<'_>) {
        self.errors += 1;
        println!("ERROR {what}");
    }

    fn errors(&self) -> u32 {
        self.errors + self.view.as_ref().map_or(0, View::errors)
    }

    fn summary(&self) {
        let destroyed = self.destroyed;
        let errors = self.errors();
        match &self.view {
            Some(view) => println!("SUMMARY dom0 {view} destroyed={destroyed} errors={errors}"),
            None => println!("SUMMARY dom0 version=none destroyed={destroyed} errors={errors}"),
        }
    }
}

fn failed(what: &str, id: u16, error: Error) -> &'static str {
    println!("{what} d{id}: {error}");
    "a toolstack's call failed"
}
