//! The mediator, and the path of one call through it.

use core::fmt;
use core::num::NonZeroU32;

use ffa_abi::{
    Call, Empty, EndpointId, EndpointIdReply, FunctionId, GetVersion, Regs, RxtxMap, Version,
    VersionReply, VmId, Width,
};
use ffa_rcu::{Claim, OutOfMemory, Registry, Retired, Section, State, Writer};

use crate::answer::{self, Answer};
use crate::directory::Directory;
use crate::discovery;
use crate::functions::Audience;
use crate::host::{Access, Host, Taint};
use crate::limits::Limits;
use crate::policy::Policy;
use crate::refusal::Refusal;
use crate::spmc::{self, Spmc};
use crate::vm::{OUR_VERSION, Vm};

pub(crate) type Context<H> = Vm<<H as Host>::Buffer>;
type VmSection<'s, 'm, H> = Section<'s, 'm, Directory, Context<H>>;

type VmWriter<'m, H> = Writer<'m, Directory, Context<H>>;

const PAGE_SIZE: u64 = 4096;

/// An FF-A mediator: everything that VMs share, owned by the hypervisor.
///
/// There are no statics: two can live in one process.
pub struct Mediator<H: Host> {
    host: H,
    limits: Limits,
    spmc: Option<Spmc>,
    pub(crate) registry: Registry<Directory, Context<H>>,
}

/// How a mediator is set up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// How many CPUs handle calls: indices 0..cpus are given to [`Mediator::cpu`].
    pub cpus: usize,
    /// Who may reach whom.
    pub policy: Policy,
    /// What is taken on.
    pub limits: Limits,
}

impl Config {
    /// The default policy and limits.
    #[must_use]
    pub fn new(cpus: usize) -> Config {
        Config { cpus, policy: Policy::default(), limits: Limits::default() }
    }
}

/// Why there is no mediator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum NewError {
    /// No memory.
    NoMemory,
}

/// One CPU's place in the mediator: whoever has it handles calls on that CPU, one at a time.
///
/// A call that comes while another one is handled on the same CPU, from an interrupt handler, say,
/// cannot be made: it would need a second `&mut`.
pub struct Cpu<'m, H: Host> {
    mediator: &'m Mediator<H>,
    reader: ffa_rcu::Cpu<'m, Directory, Context<H>>,
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

impl<H: Host> Mediator<H> {
    /// Looks for an SPMC, reads its partitions, and takes `host` over.
    ///
    /// # Errors
    /// See [`NewError`].
    pub fn new(host: H, config: Config) -> Result<Self, NewError> {
        let Config { cpus, policy, limits } = config;
        if policy.is_insecure() {
            host.taint(Taint::AllowAllPolicy);
        }
        let spmc::Probe { spmc, partitions } = spmc::probe(&host, limits)?;
        let registry = Registry::try_new(cpus, Directory::new(&partitions, policy)?)?;
        Ok(Mediator { host, limits, spmc, registry })
    }

    /// The place of CPU `index`; `None` while somebody has it, or beyond [`Config::cpus`].
    #[must_use]
    pub fn cpu(&self, index: usize) -> Option<Cpu<'_, H>> {
        Some(Cpu { mediator: self, reader: self.registry.cpu(index)? })
    }

    /// The host.
    #[must_use]
    pub fn host(&self) -> &H {
        &self.host
    }

    /// What waits to be freed by [`Mediator::reclaim`].
    #[must_use]
    pub fn retired(&self) -> Retired {
        self.registry.retired()
    }
}

impl<H: Host> Cpu<'_, H> {
    /// Handles a trapped call.
    ///
    /// Takes no lock that VMs share, allocates nothing, waits for nobody, save on the one call by
    /// which a VM joins the directory.
    pub fn handle(&mut self, caller: Caller, regs: &Regs) -> Outcome {
        let Some(function) = FunctionId::from_bits(regs.w(0)) else { return Outcome::NotFfa };
        let section = self.reader.enter();
        let answer = match section.find(caller.vm.get()) {
            Some(vm) => Request { mediator: self.mediator, section: &section, vm, caller }
                .answer(function, regs),
            // Errors of this one call have a form of their own.
            None if function == FunctionId::VERSION => {
                Ok(Answer::Version(VersionReply::NotSupported))
            }
            None => Err(Refusal::UnknownCaller),
        };
        Outcome::Reply(answer::to_regs(answer, regs))
    }
}

/// One call, with all that it may look at.
struct Request<'r, 'm, H: Host> {
    mediator: &'r Mediator<H>,
    section: &'r VmSection<'r, 'm, H>,
    vm: &'r Context<H>,
    caller: Caller,
}

impl<H: Host> Request<'_, '_, H> {
    fn answer(&self, function: FunctionId, regs: &Regs) -> Result<Answer, Refusal> {
        if function == FunctionId::VERSION {
            return Ok(Answer::Version(self.version(GetVersion { w1: regs.w(1) })));
        }
        let version = self.admit(function)?;
        match Call::decode(regs, version)? {
            Call::Version(call) => Ok(Answer::Version(self.version(call))),
            Call::Features(call) => {
                let reply = self.audience(version).features(call, self.mediator.limits)?;
                Ok(Answer::Features(reply))
            }
            Call::IdGet(_) => Ok(self.id(self.vm.id().into())),
            Call::SpmIdGet(_) => self.spm_id(),
            Call::RxtxMap(call) => self.rxtx_map(call),
            Call::RxtxUnmap(call) => self.rxtx_unmap(call.endpoint),
            Call::RxRelease(call) => self.rx_release(call.endpoint),
            Call::PartitionInfoGet(call) => {
                let view = self.section.snapshot().seen_by(self.vm.id(), version);
                let reply = discovery::partition_info_get(call, &view, &self.vm.mailbox)?;
                Ok(Answer::PartitionInfo(reply))
            }
            Call::PartitionInfoGetRegs(call) => {
                let view = self.section.snapshot().seen_by(self.vm.id(), version);
                let reply = discovery::partition_info_get_regs(call, &view)?;
                Ok(Answer::PartitionInfoRegs(reply))
            }
            _ => Err(Refusal::NotServed),
        }
    }

    fn audience(&self, version: Version) -> Audience {
        let has_spmc = self.mediator.spmc.is_some();
        Audience { version, width: self.caller.width, has_spmc }
    }

    fn version(&self, call: GetVersion) -> VersionReply {
        let asked = call.version().filter(|version| version.is_compatible_with(OUR_VERSION));
        match asked.map(|version| self.vm.propose(version)) {
            Some(true) => VersionReply::Supported(OUR_VERSION),
            Some(false) | None => VersionReply::NotSupported,
        }
    }

    /// The version that is fixed from now on, and the VM is in the directory, if the call is served
    /// at that version. A call that is not served fixes nothing.
    fn admit(&self, function: FunctionId) -> Result<Version, Refusal> {
        match self.vm.state() {
            State::Published(version) => self.check_served(function, version),
            State::Proposed(version) | State::Publishing(version) => {
                self.check_served(function, version)?;
                let version = self.publish(&mut self.mediator.registry.write())?;
                // A sibling may have asked for another version in between.
                self.check_served(function, version)
            }
            State::Created => Err(Refusal::NoVersion),
            State::Withdrawn(_) => Err(Refusal::UnknownCaller),
        }
    }

    fn check_served(&self, function: FunctionId, version: NonZeroU32) -> Result<Version, Refusal> {
        let version = Version::from_bits(version.get()).ok_or(Refusal::NoVersion)?;
        if self.audience(version).is_served(function) {
            Ok(version)
        } else {
            Err(Refusal::NotServed)
        }
    }

    /// Adds the VM to the directory, unless a sibling vCPU has done it.
    ///
    /// Only a VM's first calls come here: the one place where a guest waits for the writer's turn.
    fn publish(&self, writer: &mut VmWriter<'_, H>) -> Result<NonZeroU32, Refusal> {
        match self.vm.publication.claim() {
            Claim::Won(publishing) => {
                // On an error `publishing` is dropped, which gives the claim back.
                let directory = writer.snapshot().with_vm(self.vm.info())?;
                writer.replace(directory)?;
                let version = publishing.version();
                publishing.commit();
                Ok(version)
            }
            Claim::Published(version) => Ok(version),
            Claim::Nothing => Err(Refusal::NoVersion),
            Claim::Withdrawn => Err(Refusal::UnknownCaller),
            // Whoever publishes holds the writer, and we do.
            Claim::Taken(_) => Err(Refusal::NoMemory),
        }
    }

    fn id(&self, id: EndpointId) -> Answer {
        Answer::EndpointId(EndpointIdReply { id })
    }

    fn spm_id(&self) -> Result<Answer, Refusal> {
        let spmc = self.mediator.spmc.as_ref().ok_or(Refusal::NotServed)?;
        Ok(self.id(spmc.id))
    }

    fn rxtx_map(&self, call: RxtxMap) -> Result<Answer, Refusal> {
        let RxtxMap { tx, rx, pages, .. } = call;
        check_buffers(tx, rx, pages, self.mediator.limits.rxtx_pages)?;
        let ticket = self.vm.mailbox.begin_map()?;
        let host = &self.mediator.host;
        let tx = host.map_buffer(self.vm.id(), tx, pages.into(), Access::Read)?;
        let rx = host.map_buffer(self.vm.id(), rx, pages.into(), Access::Write)?;
        ticket.finish(tx, rx);
        Ok(Answer::Empty(Empty))
    }

    fn rxtx_unmap(&self, endpoint: EndpointId) -> Result<Answer, Refusal> {
        self.check_own(endpoint)?;
        let (tx, rx) = self.vm.mailbox.unmap()?;
        // Outside the mailbox's lock: the host unpins here.
        drop((tx, rx));
        Ok(Answer::Empty(Empty))
    }

    fn rx_release(&self, endpoint: EndpointId) -> Result<Answer, Refusal> {
        self.check_own(endpoint)?;
        self.vm.mailbox.release()?;
        Ok(Answer::Empty(Empty))
    }

    /// A VM names itself with 0, or with its own id, as some firmware does.
    fn check_own(&self, endpoint: EndpointId) -> Result<(), Refusal> {
        let own = endpoint == EndpointId::HYPERVISOR || endpoint == self.vm.id().into();
        if own { Ok(()) } else { Err(Refusal::WrongEndpoint) }
    }
}

/// Buffers are 1..=`most` pages each, page aligned, inside the address space, and apart.
fn check_buffers(tx: u64, rx: u64, pages: u8, most: u8) -> Result<(), Refusal> {
    let size = u64::from(pages) * PAGE_SIZE;
    let aligned = (tx | rx) % PAGE_SIZE == 0;
    let (Some(tx_end), Some(rx_end)) = (tx.checked_add(size), rx.checked_add(size)) else {
        return Err(Refusal::BadBuffers);
    };
    let apart = tx_end <= rx || rx_end <= tx;
    if pages == 0 || pages > most || !aligned || !apart {
        return Err(Refusal::BadBuffers);
    }
    Ok(())
}

impl From<OutOfMemory> for NewError {
    fn from(_: OutOfMemory) -> Self {
        NewError::NoMemory
    }
}

impl fmt::Display for NewError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NewError::NoMemory => f.write_str("no memory for the mediator"),
        }
    }
}

impl core::error::Error for NewError {}
