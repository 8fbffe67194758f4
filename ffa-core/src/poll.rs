//! What a host has the mediator do from time to time: free memory, deliver what is owed.

use ffa_abi::VmId;
use ffa_rcu::{Backend, Reclaimed};

use crate::handler::Cpu;
use crate::host::Host;
#[cfg(doc)]
use crate::mediator::Mediator;

/// What [`Cpu::poll`] did, and what is left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Polled {
    /// What was freed, and what waits.
    pub reclaimed: Reclaimed,
    /// VMs that the interrupt of pending notifications is owed to: none of the vCPUs that could take
    /// it is online.
    pub owed: usize,
}

impl Polled {
    /// Whether there is something left that another poll may do.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.reclaimed.waiting == 0 && self.owed == 0
    }
}

impl<H: Host, B: Backend> Cpu<'_, H, B> {
    /// Frees up to `budget` objects, as [`Mediator::reclaim`] does, and tries once more to deliver the
    /// interrupts that are owed to up to `budget` VMs.
    ///
    /// From an idle loop, a tasklet or a timer, soon after [`Host::poll_is_due`] and then every few
    /// milliseconds until it [is done](Polled::is_done).
    pub fn poll(&mut self, budget: usize) -> Polled {
        let mediator = self.mediator;
        let reclaimed = mediator.reclaim(budget);
        let budget = budget.min(mediator.owed.count());
        for number in mediator.owed.marked().take(budget) {
            if mediator.owed.take(number) {
                self.deliver_owed(number);
            }
        }
        Polled { reclaimed, owed: mediator.owed.count() }
    }

    fn deliver_owed(&mut self, number: usize) {
        let section = self.reader.enter();
        let id = u16::try_from(number).ok().and_then(VmId::new);
        if let Some(vm) = id.and_then(|id| section.find(id.get())) {
            self.mediator.interrupt_again(vm);
        }
    }
}
