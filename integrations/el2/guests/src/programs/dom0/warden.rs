//! A toolstack's duties: to destroy the domains that have shut down.

use super::{Dom0, PAUSE, View};
use crate::machine::{Verdict, time};
use crate::println;
use crate::toolstack::{Domain, Shutdown};

/// How long the other domains have to shut down.
const PATIENCE: u64 = 300_000_000;

impl Dom0 {
    /// Does its duties until no other domain is left.
    pub(super) fn rule(&mut self) -> Verdict {
        let end = time::now() + PATIENCE;
        while self.attend_to_all()? {
            if time::now() > end {
                return Err("domains do not shut down");
            }
            self.view.as_mut().map(View::list);
            time::sleep(PAUSE);
        }
        Ok(())
    }

    /// Looks at each domain but itself; tells whether there is any.
    fn attend_to_all(&mut self) -> Result<bool, &'static str> {
        let mut next = 1;
        while let Some(domain) = self.domain_from(next)? {
            next = domain.id + 1;
            self.attend_to(domain)?;
        }
        Ok(next > 1)
    }

    fn attend_to(&mut self, domain: Domain) -> Verdict {
        let Some(shutdown) = domain.shutdown() else { return Ok(()) };
        let id = domain.id;
        if shutdown != Shutdown::POWER_OFF {
            self.complain(format_args!("d{id} {shutdown}"));
        }
        let calls = self.destroy(id)?;
        println!("destroyed d{id}, which {shutdown}, in {calls} calls");
        Ok(())
    }
}
