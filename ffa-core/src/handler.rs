//! The path of one call: from trapped registers to an outcome.

use ffa_abi::{
    DecodeError, EndpointId, EndpointIdReply, FunctionId, GetVersion, Regs, Reply, Request,
    Version, VersionReply, VmId, Width, write_error,
};
use ffa_rcu::{Backend, DefaultBackend, Section};

use crate::directory::{Directory, View};
use crate::discovery;
use crate::functions::Audience;
use crate::host::Host;
use crate::mediator::{Context, Mediator};
use crate::refusal::Refusal;

/// One CPU's place in the mediator: whoever has it handles calls on that CPU, one at a time.
///
/// A call that comes while another one is handled on the same CPU, from an interrupt handler, say,
/// cannot be made: it would need a second `&mut`.
pub struct Cpu<'m, H: Host, B: Backend = DefaultBackend> {
    pub(crate) mediator: &'m Mediator<H, B>,
    pub(crate) reader: ffa_rcu::Cpu<'m, Directory, Context<H>, B>,
}

/// Who calls: told by the host, never by a register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Caller {
    /// The VM.
    pub vm: VmId,
    /// Its vCPU, from 0.
    pub vcpu: u16,
    /// Whether it runs in `AArch64` now: a 32-bit guest has the SMC32 calls only.
    pub width: Width,
}

/// What the host does next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Outcome {
    /// Put x0..x17 into the caller's registers, and let it go on.
    Reply(Regs),
    /// Not an FF-A call: answer it as the host answers what it does not know, -1 in x0.
    NotFfa,
}

/// An [`Outcome`] whose registers are in place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Handled {
    /// The registers are the reply: let the caller go on.
    Reply,
    /// Not an FF-A call; the registers are as they were. Answer it as the host answers what it does
    /// not know, -1 in x0.
    NotFfa,
}

impl<'m, H: Host, B: Backend> Cpu<'m, H, B> {
    pub(crate) fn new(
        mediator: &'m Mediator<H, B>,
        reader: ffa_rcu::Cpu<'m, Directory, Context<H>, B>,
    ) -> Self {
        Cpu { mediator, reader }
    }

    /// Handles a trapped call.
    ///
    /// Takes no lock that VMs share, allocates nothing, waits for nobody, save in the call by which a
    /// VM joins the directory, and in its repetitions while that is answered `NO_MEMORY`.
    #[inline]
    pub fn handle(&mut self, caller: Caller, regs: &Regs) -> Outcome {
        let mut reply = *regs;
        match self.handle_in_place(caller, &mut reply) {
            Handled::Reply => Outcome::Reply(reply),
            Handled::NotFfa => Outcome::NotFfa,
        }
    }

    /// The same for a host that has the registers where the reply goes: they are not copied.
    pub fn handle_in_place(&mut self, caller: Caller, regs: &mut Regs) -> Handled {
        let Some(function) = FunctionId::from_bits(regs.w(0)) else { return Handled::NotFfa };
        let section = self.reader.enter();
        let answered = match section.find(caller.vm.get()) {
            Some(vm) => Handler { mediator: self.mediator, section: &section, vm, caller }
                .answer(function, regs),
            None => unknown_caller(function, regs),
        };
        if let Err(refusal) = answered {
            write_error(regs, refusal.status());
        }
        Handled::Reply
    }
}

/// A call of a VM that does not exist, or not any more.
fn unknown_caller(function: FunctionId, regs: &mut Regs) -> Result<(), Refusal> {
    if function != FunctionId::VERSION {
        return Err(Refusal::UnknownCaller);
    }
    // Errors of this one call have a form of their own.
    VersionReply::NotSupported.write(regs);
    Ok(())
}

/// What handles one call: the caller, and all that may be looked at for it.
pub(crate) struct Handler<'r, 'm, H: Host, B: Backend> {
    pub(crate) mediator: &'r Mediator<H, B>,
    section: &'r Section<'r, 'm, Directory, Context<H>, B>,
    pub(crate) vm: &'r Context<H>,
    pub(crate) caller: Caller,
}

impl<H: Host, B: Backend> Handler<'_, '_, H, B> {
    /// Answers the call in `regs`, and writes what answers it over them.
    fn answer(&self, function: FunctionId, regs: &mut Regs) -> Result<(), Refusal> {
        if function == FunctionId::VERSION {
            self.version(GetVersion { w1: regs.w(1), flags: 0 }).write(regs);
            return Ok(());
        }
        let version = self.admit(function)?;
        // By its id, so that each arm decodes its own call, and no value is as large as any call.
        match function {
            FunctionId::FEATURES => {
                let call = decode(function, regs, version)?;
                let (limits, interrupt) =
                    (self.mediator.limits, self.mediator.notification_pending_interrupt);
                self.audience(version).features(call, limits, interrupt)?.write(regs);
            }
            FunctionId::ID_GET => EndpointIdReply { id: self.vm.id().into() }.write(regs),
            FunctionId::SPM_ID_GET => self.spm_id()?.write(regs),
            FunctionId::RXTX_MAP_32 | FunctionId::RXTX_MAP_64 => {
                self.rxtx_map(decode(function, regs, version)?)?.write(regs);
            }
            FunctionId::RXTX_UNMAP => {
                self.rxtx_unmap(decode(function, regs, version)?)?.write(regs);
            }
            FunctionId::RX_RELEASE => {
                self.rx_release(decode(function, regs, version)?)?.write(regs);
            }
            FunctionId::PARTITION_INFO_GET => {
                let (call, view) = (decode(function, regs, version)?, self.view(version));
                discovery::partition_info_get(call, &view, &self.vm.mailbox)?.write(regs);
            }
            FunctionId::PARTITION_INFO_GET_REGS => {
                let (call, view) = (decode(function, regs, version)?, self.view(version));
                discovery::partition_info_get_regs(call, &view, &self.vm.listing)?.write(regs);
            }
            _ => return self.answer_message(function, regs, version),
        }
        Ok(())
    }

    /// Messages and notifications: a function of its own, so that calls of discovery do not pay for its
    /// registers and stack.
    #[inline(never)]
    fn answer_message(
        &self,
        function: FunctionId,
        regs: &mut Regs,
        version: Version,
    ) -> Result<(), Refusal> {
        match function {
            FunctionId::MSG_SEND2 => {
                let call = decode(function, regs, version)?;
                self.message_send2(call, version)?.write(regs);
            }
            FunctionId::NOTIFICATION_BIND => {
                self.notification_bind(decode(function, regs, version)?)?.write(regs);
            }
            FunctionId::NOTIFICATION_UNBIND => {
                self.notification_unbind(decode(function, regs, version)?)?.write(regs);
            }
            FunctionId::NOTIFICATION_SET => {
                self.notification_set(decode(function, regs, version)?)?.write(regs);
            }
            FunctionId::NOTIFICATION_GET => {
                self.notification_get(decode(function, regs, version)?)?.write(regs);
            }
            FunctionId::NOTIFICATION_INFO_GET_32 | FunctionId::NOTIFICATION_INFO_GET_64 => {
                self.notification_info_get(decode(function, regs, version)?)?.write(regs);
            }
            _ => return Err(Refusal::NotServed),
        }
        Ok(())
    }

    /// Another VM that the caller may reach, and that has joined. One that it may not is like one that
    /// is not there.
    pub(crate) fn partner(&self, id: EndpointId) -> Result<&Context<H>, Refusal> {
        let absent = Refusal::WrongEndpoint;
        if id == self.vm.id().into() || !self.mediator.policy.shows_vms_to_vms() {
            return Err(absent);
        }
        let vm = self.section.find(id.0).ok_or(absent)?;
        vm.version().map(|_| vm).ok_or(absent)
    }

    /// What the caller sees at this moment.
    fn view(&self, version: Version) -> View<'_> {
        View::new(self.section.snapshot(), self.vm.id(), version, &self.vm.place)
    }

    pub(crate) fn audience(&self, version: Version) -> Audience {
        Audience {
            version,
            width: self.caller.width,
            has_spmc: self.mediator.spmc.is_some(),
            reaches_vms: self.mediator.policy.shows_vms_to_vms(),
        }
    }

    fn spm_id(&self) -> Result<EndpointIdReply, Refusal> {
        let spmc = self.mediator.spmc.as_ref().ok_or(Refusal::NotServed)?;
        Ok(EndpointIdReply { id: spmc.id })
    }
}

/// The call of the type that its handler takes.
fn decode<R: Request>(
    function: FunctionId,
    regs: &Regs,
    version: Version,
) -> Result<R, DecodeError> {
    R::decode(function, regs, version)
}
