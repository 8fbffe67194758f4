//! `FFA_RUN`.

use ffa_abi::{MessageWait, Regs, Reply, Run, RunReply, Status, Width};

use super::Service;
use super::direct::Place;
use crate::partition::Context;

impl Service<'_> {
    pub(super) fn run(&mut self, call: Run, reply: &mut Regs) -> Result<(), Status> {
        let place = self.place_of(call)?;
        let context = self.context(place).ok_or(Status::INVALID_PARAMETERS)?;
        match *context {
            Context::Yielded(work) | Context::Interrupted(work) => self.step(place, work, reply),
            Context::Waiting => {
                self.wake(place);
                let wait = MessageWait { width: Width::Bits32, keeps_rx: false };
                RunReply::MessageWait(wait).write(reply);
                Ok(())
            }
        }
    }

    /// The context that is named, which must be the one of this CPU.
    fn place_of(&self, call: Run) -> Result<Place, Status> {
        let mut partitions = self.partitions.iter().enumerate();
        let found = partitions.find(|(_, partition)| partition.info.id() == call.target.endpoint);
        let (index, partition) = found.ok_or(Status::INVALID_PARAMETERS)?;
        let context = partition.context_on(self.cpu);
        let named = context.filter(|context| *context == usize::from(call.target.vcpu));
        Ok(Place { index, context: named.ok_or(Status::INVALID_PARAMETERS)? })
    }

    /// A partition that is run for nothing in particular looks at its RX buffer, and gives it back by
    /// waiting again.
    fn wake(&mut self, place: Place) {
        if let Some(partition) = self.partitions.get_mut(place.index) {
            partition.inbox.is_full = false;
        }
    }
}
