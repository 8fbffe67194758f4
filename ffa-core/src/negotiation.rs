//! Negotiation: `FFA_VERSION`, and the one moment at which a VM joins the directory.

use core::num::NonZeroU32;

use ffa_abi::{FunctionId, GetVersion, Version, VersionReply};
use ffa_rcu::{Backend, Claim, State, Writer};

use crate::directory::{self, Directory};
use crate::handler::Handler;
use crate::host::Host;
use crate::mediator::Context;
use crate::refusal::Refusal;
use crate::vm::OUR_VERSION;

type VmWriter<'m, H, B> = Writer<'m, Directory, Context<H>, B>;

impl<H: Host, B: Backend> Handler<'_, '_, H, B> {
    /// Answers `FFA_VERSION`.
    pub(crate) fn version(&self, call: GetVersion) -> VersionReply {
        let asked = call.version().filter(|version| version.is_compatible_with(OUR_VERSION));
        match asked.map(|version| self.vm.propose(version)) {
            Some(true) => VersionReply::Supported(OUR_VERSION),
            Some(false) | None => VersionReply::NotSupported,
        }
    }

    /// The version that is fixed from now on, and the VM is in the directory, if the call is served
    /// at that version. A call that is not served fixes nothing.
    pub(crate) fn admit(&self, function: FunctionId) -> Result<Version, Refusal> {
        match self.vm.state() {
            State::Published(version) => self.check_served(function, version),
            State::Proposed(version) | State::Publishing(version) => {
                self.check_served(function, version)?;
                let admitted = self.publish(function, &mut self.mediator.registry.write());
                self.mediator.host.poll_is_due();
                admitted
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
    fn publish(
        &self,
        function: FunctionId,
        writer: &mut VmWriter<'_, H, B>,
    ) -> Result<Version, Refusal> {
        match self.vm.publication.claim() {
            Claim::Won(publishing) => {
                // On an error `publishing` is dropped, which gives the claim back. The check is
                // made again: a sibling may have asked for another version meanwhile.
                let version = self.check_served(function, publishing.version())?;
                directory::join(writer, self.vm.info(self.caller.width))?.commit();
                publishing.commit();
                Ok(version)
            }
            Claim::Published(version) => self.check_served(function, version),
            Claim::Nothing => Err(Refusal::NoVersion),
            Claim::Withdrawn => Err(Refusal::UnknownCaller),
            // Cannot be: whoever publishes holds the writer, and we do.
            Claim::Taken(_) => Err(Refusal::NoMemory),
        }
    }
}
