//! Direct requests, from their arrival to their answer.

use ffa_abi::{
    DirectMessage, DirectPayload, DirectRequest, DirectRequest2, FunctionId, Interrupt,
    PartitionProperties, Regs, Reply, RunReply, Status, Target, Uuid, Width, Yield,
};

use super::Service;
use crate::behaviour::take_one;
use crate::character::VmNews;
use crate::command::{COMMAND_WORDS, Command, widen};
use crate::partition::{Context, Inbound, Work};

/// What OP-TEE answers to a VM that it does not know: `TEE_ERROR_ITEM_NOT_FOUND`.
const ITEM_NOT_FOUND: u32 = 0xffff_0008;

/// An execution context of a partition.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// Of the partition.
    pub(super) index: usize,
    pub(super) context: usize,
}

impl Service<'_> {
    pub(super) fn accept(
        &mut self,
        request: Inbound,
        regs: &Regs,
        reply: &mut Regs,
    ) -> Result<(), Status> {
        if request.sender().is_secure() {
            return Err(Status::INVALID_PARAMETERS);
        }
        if let Inbound::Request(DirectRequest { message: DirectMessage::Framework(_), .. }) =
            request
        {
            return self.accept_framework(request, reply);
        }
        // From 1.2 on the specification lets w2 be; these SPMCs do not.
        if matches!(request, Inbound::Request(_)) && regs.w(2) != 0 {
            return Err(Status::INVALID_PARAMETERS);
        }
        let place = self.place(&request)?;
        self.check_receives(&request, place)?;
        if self.is_unknown_sender(&request) {
            answer(&request, [ITEM_NOT_FOUND, 0, 0, 0, 0])?.write(reply);
            return Ok(());
        }
        self.start(place, Work::new(request), reply)
    }

    /// Where a request is handled: on this CPU, in a partition that there is.
    pub(super) fn place(&self, request: &Inbound) -> Result<Place, Status> {
        let receiver = request.receiver();
        let mut partitions = self.partitions.iter().enumerate();
        let found = partitions.find(|(_, partition)| partition.info.id() == receiver);
        let (index, partition) = found.ok_or(Status::INVALID_PARAMETERS)?;
        let context = partition.context_on(self.cpu).ok_or(Status::INVALID_PARAMETERS)?;
        Ok(Place { index, context })
    }

    pub(super) fn check_receives(&self, request: &Inbound, place: Place) -> Result<(), Status> {
        let info = self.partitions.get(place.index).ok_or(Status::INVALID_PARAMETERS)?.info;
        let needed = match request {
            Inbound::Request(_) => PartitionProperties::RECEIVES_DIRECT_REQUESTS,
            Inbound::Request2(DirectRequest2 { uuid, .. }) => {
                if *uuid != Uuid::NIL && *uuid != info.uuid() {
                    return Err(Status::INVALID_PARAMETERS);
                }
                PartitionProperties::RECEIVES_DIRECT_REQUESTS2
            }
        };
        if info.properties().contains(needed) { Ok(()) } else { Err(Status::DENIED) }
    }

    /// Whether the SPMC works only for VMs that it was told of, and this is none.
    fn is_unknown_sender(&mut self, request: &Inbound) -> bool {
        let must_know = self.character.vm_news == VmNews::ForSpmc;
        must_know && !self.vm(request.sender()).is_some_and(|vm| vm.is_announced)
    }

    /// Lets a context that waits work.
    pub(super) fn start(
        &mut self,
        place: Place,
        work: Work,
        reply: &mut Regs,
    ) -> Result<(), Status> {
        match self.context(place) {
            Some(Context::Waiting) => self.step(place, with_delays(work), reply),
            _ => Err(Status::BUSY),
        }
    }

    pub(super) fn context(&mut self, place: Place) -> Option<&mut Context> {
        self.partitions.get_mut(place.index)?.contexts.get_mut(place.context)
    }

    /// Lets a context work until it is interrupted, yields, or answers.
    pub(super) fn step(
        &mut self,
        place: Place,
        mut work: Work,
        reply: &mut Regs,
    ) -> Result<(), Status> {
        let target = self.target(place);
        if self.world.is_interrupt_pending(self.cpu) || take_one(&mut work.interrupts) {
            self.pause(place, Context::Interrupted(work));
            interrupt(target).write(reply);
        } else if take_one(&mut work.yields) {
            self.pause(place, Context::Yielded(work));
            yielding(target).write(reply);
        } else {
            self.pause(place, Context::Waiting);
            self.finish(place, &work.request, reply)?;
        }
        Ok(())
    }

    fn pause(&mut self, place: Place, context: Context) {
        if let Some(slot) = self.context(place) {
            *slot = context;
        }
    }

    pub(super) fn target(&self, place: Place) -> Target {
        let partition = self.partitions.get(place.index);
        let endpoint = partition.map(|partition| partition.info.id()).unwrap_or_default();
        Target { endpoint, vcpu: u16::try_from(place.context).unwrap_or(0) }
    }

    fn finish(&mut self, place: Place, request: &Inbound, reply: &mut Regs) -> Result<(), Status> {
        if let Inbound::Request(request) = request {
            if let Some(content) = request.message.framework() {
                return self.finish_framework(request, content, reply);
            }
        }
        let words = command_words(request);
        match Command::decode(words) {
            None | Some(Command::Yield { .. } | Command::Interrupt { .. }) => {
                echo(request)?.write(reply);
            }
            // As the answer of a partition, and not of the SPMC: whatever code it is.
            Some(Command::Fail { status }) => ffa_abi::write_error(reply, status),
            Some(Command::Misbehave(how)) => {
                echo(request)?.write(reply);
                self.distort(how, self.target(place), reply);
            }
            Some(command) => {
                let [head, ..] = words;
                let words = self.perform(place, command).encode(head);
                answer(request, words)?.write(reply);
            }
        }
        Ok(())
    }
}

/// A command to yield or to be interrupted does so before it is answered.
fn with_delays(work: Work) -> Work {
    match Command::decode(command_words(&work.request)) {
        Some(Command::Yield { times }) => Work { yields: times, ..work },
        Some(Command::Interrupt { times }) => Work { interrupts: times, ..work },
        _ => work,
    }
}

/// The first words of a message between partitions; none of a message of the framework.
#[expect(clippy::cast_possible_truncation, reason = "the lower halves are what a command is in")]
fn command_words(request: &Inbound) -> [u32; COMMAND_WORDS] {
    match request {
        Inbound::Request(request) => match request.message {
            DirectMessage::Partition(payload) => core::array::from_fn(|index| payload.word(index)),
            DirectMessage::Framework(_) => [0; COMMAND_WORDS],
        },
        Inbound::Request2(request) => {
            let mut words = [0; COMMAND_WORDS];
            words.iter_mut().zip(request.payload).for_each(|(word, x)| *word = x as u32);
            words
        }
    }
}

/// The answer that is the message itself.
fn echo(request: &Inbound) -> Result<RunReply, Status> {
    match request {
        Inbound::Request(request) => respond(request, request.message),
        Inbound::Request2(request) => {
            Ok(RunReply::DirectResponse2(request.respond(request.payload)))
        }
    }
}

/// The answer of these words.
fn answer(request: &Inbound, words: [u32; COMMAND_WORDS]) -> Result<RunReply, Status> {
    match request {
        Inbound::Request(request) => {
            respond(request, DirectMessage::Partition(DirectPayload::Words(words)))
        }
        Inbound::Request2(request) => Ok(RunReply::DirectResponse2(request.respond(widen(words)))),
    }
}

/// A message of words fits into each form.
pub(super) fn respond(request: &DirectRequest, message: DirectMessage) -> Result<RunReply, Status> {
    request.respond(message).map(RunReply::DirectResponse).ok_or(Status::ABORTED)
}

pub(super) fn interrupt(target: Target) -> RunReply {
    RunReply::Interrupt(Interrupt { width: Width::Bits32, target, interrupt: 0 })
}

pub(super) fn yielding(target: Target) -> RunReply {
    RunReply::Yield(Yield { width: Width::Bits32, target, timeout: 0 })
}

/// The bit that tells the 64-bit form of a call from the 32-bit form.
pub(super) const SMC64: u64 = FunctionId::SMC64 as u64;
