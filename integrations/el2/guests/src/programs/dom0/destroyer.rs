//! A toolstack's worst: domains that are destroyed while they run, created and destroyed at once,
//! or not quite created.

use super::{Dom0, LINGER, failed};
use crate::machine::{Verdict, devices, time};
use crate::println;
use crate::toolstack::{Domain, Error, NewDomain};

/// The id of all the domains that are created.
const DOMAIN: u16 = 100;
/// How many there are where the argument does not say.
const ROUNDS: u16 = 100;
const NO_SUCH_POOL: u32 = 1000;
/// How long a domain has to take part in FF-A.
const START: u64 = 10_000_000;
/// For how many microseconds the number of free pages has to stay the same.
const SETTLED: u64 = 300_000;
/// So many pages more or less are no leak: how Xen's small objects share pages changes by itself.
/// What leaks at each round is seen where there are enough rounds.
const SLACK: u64 = 4;

impl Dom0 {
    /// Destroys the last of the domains, which has to run.
    pub(super) fn destroy_running(&mut self) -> Verdict {
        let before = self.settled_free_pages()?;
        let victim = self.last_domain()?.ok_or("there is no domain to destroy")?;
        if victim.is_dying() || victim.shutdown().is_some() {
            return Err("the domain to destroy does not run");
        }
        let calls = self.destroy(victim.id)?;
        println!("destroyed d{}, which ran, in {calls} calls", victim.id);
        self.expect_free_pages(before + victim.pages)
    }

    fn last_domain(&self) -> Result<Option<Domain>, &'static str> {
        let mut last = None;
        let mut next = 1;
        while let Some(domain) = self.domain_from(next)? {
            next = domain.id + 1;
            last = Some(domain);
        }
        Ok(last)
    }

    /// Creates and destroys a domain of always the same id; nothing may be left of it.
    pub(super) fn create_and_destroy(&mut self, rounds: u16) -> Verdict {
        let rounds = self.repeat(rounds, Self::create_one)?;
        println!("created and destroyed {rounds} domains, and was refused twice as many");
        Ok(())
    }

    /// Starts a domain of always the same id from the RAM disk, and destroys it when it takes part
    /// in FF-A; nothing may be left of it.
    pub(super) fn start_and_destroy(&mut self, rounds: u16) -> Verdict {
        let Some(content) = devices::ramdisk() else { return Ok(()) };
        let rounds = self.repeat(rounds, |dom0| dom0.start_one(content))?;
        println!("started and destroyed {rounds} domains");
        Ok(())
    }

    /// Does something so often; Xen must have as many free pages in the end.
    fn repeat(
        &mut self,
        rounds: u16,
        step: impl Fn(&mut Self) -> Verdict,
    ) -> Result<u16, &'static str> {
        // The first makes Xen build what it keeps for the others.
        step(self)?;
        let before = self.settled_free_pages()?;
        let rounds = if rounds == 0 { ROUNDS } else { rounds };
        for _ in 0..rounds {
            step(self)?;
        }
        self.expect_free_pages(before)?;
        Ok(rounds)
    }

    fn start_one(&mut self, content: &[u8]) -> Verdict {
        let started = self.toolstack.start(DOMAIN, NewDomain::new(self.tee()), content);
        started.map_err(|error| failed("starting", DOMAIN, error))?;
        if let Some(view) = &mut self.view {
            let joined = || !view.sees_others() || view.lists(DOMAIN);
            if !time::wait_until(START, joined) {
                return Err("a domain that was started takes no part in FF-A");
            }
        }
        self.destroy(DOMAIN).map(|_| ())
    }

    fn create_one(&mut self) -> Verdict {
        let domain = NewDomain::new(self.tee());
        // Xen looks at these two after it made the domain known to the mediator.
        self.expect_refusal(NewDomain { grant_version: 0, ..domain }, Error::INVALID)?;
        self.expect_refusal(NewDomain { cpu_pool: NO_SUCH_POOL, ..domain }, Error::NOT_FOUND)?;
        let created = self.toolstack.create(DOMAIN, domain);
        created.map_err(|error| failed("creating", DOMAIN, error))?;
        self.expect_unlisted(DOMAIN, "never ran");
        self.destroy(DOMAIN).map(|_| ())
    }

    fn expect_refusal(&mut self, domain: NewDomain, expected: Error) -> Verdict {
        match self.toolstack.create(DOMAIN, domain) {
            Ok(()) => return Err("a domain was created that cannot be"),
            Err(error) if error != expected => {
                return Err(failed("creating what cannot be", DOMAIN, error));
            }
            Err(_) => self.expect_unlisted(DOMAIN, "could not be created"),
        }
        Ok(())
    }

    /// How many pages are free once that does not change any more.
    fn settled_free_pages(&self) -> Result<u64, &'static str> {
        let end = time::now() + LINGER;
        let mut before = self.free_pages()?;
        while time::now() < end {
            time::sleep(SETTLED);
            let free = self.free_pages()?;
            if free == before {
                return Ok(free);
            }
            before = free;
        }
        Err("the number of free pages does not settle")
    }

    fn free_pages(&self) -> Result<u64, &'static str> {
        self.toolstack.free_pages().map_err(|error| {
            println!("asking for free pages: {error}");
            "a toolstack's call failed"
        })
    }

    /// Waits for so many free pages: Xen takes its time to free what others may still look at.
    fn expect_free_pages(&self, before: u64) -> Verdict {
        let expected = before.saturating_sub(SLACK);
        let freed = time::wait_until(LINGER, || self.free_pages().is_ok_and(|n| n >= expected));
        println!("free pages: {}, at least {expected} expected", self.free_pages()?);
        if freed { Ok(()) } else { Err("pages were lost") }
    }
}
