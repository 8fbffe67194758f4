//! A VM's context: who it is, what it negotiated, its buffers.

use core::num::NonZeroU32;

use ffa_abi::{PartitionInfo, PartitionProperties, Uuid, Version, VmId, Width};
use ffa_rcu::{Footprint, ProposeError, PublishOnce, State};

use crate::directory::Place;
use crate::host::Buffer;
use crate::listing::Listing;
use crate::mailbox::Mailbox;

/// The version that the mediator speaks, and the highest that a VM gets.
pub const OUR_VERSION: Version = Version::V1_2;

/// The properties that a VM can be given today: what is promised must work.
const WORKING_PROPERTIES: PartitionProperties = PartitionProperties::empty();

/// A VM to be created.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VmConfig {
    /// Its id, of which the host keeps count.
    pub id: VmId,
    /// How many vCPUs it has: its execution contexts.
    pub vcpus: u16,
    /// What it would offer. Shown to others only as far as the mediator makes it work: today
    /// nothing.
    ///
    /// [`PartitionProperties::AARCH64`] is not the host's to tell: the call by which the VM joins
    /// shows its width, which a host need not know when it makes the VM.
    pub properties: PartitionProperties,
    /// Its protocol UUID, or [`Uuid::NIL`].
    pub uuid: Uuid,
}

/// A VM that exists.
pub(crate) struct Vm<B> {
    config: VmConfig,
    /// Version and membership in the directory, decided once.
    pub(crate) publication: PublishOnce,
    pub(crate) mailbox: Mailbox<B>,
    /// Where it stands in the directory.
    pub(crate) place: Place,
    /// The list by registers that it began last.
    pub(crate) listing: Listing,
}

impl<B: Buffer> Vm<B> {
    pub(crate) fn new(config: VmConfig) -> Self {
        Vm {
            config,
            publication: PublishOnce::new(),
            mailbox: Mailbox::new(),
            place: Place::default(),
            listing: Listing::default(),
        }
    }

    pub(crate) fn id(&self) -> VmId {
        self.config.id
    }

    /// What others see of it, where it runs in this `width`.
    pub(crate) fn info(&self, width: Width) -> PartitionInfo {
        let VmConfig { id, vcpus, properties, uuid } = self.config;
        let mut shown = properties & WORKING_PROPERTIES;
        shown.set(PartitionProperties::AARCH64, width == Width::Bits64);
        PartitionInfo::new(id.into(), vcpus, shown, uuid)
    }

    /// Where the negotiation stands: before, under way, or done for good.
    #[inline]
    pub(crate) fn state(&self) -> State {
        self.publication.state()
    }

    /// A vCPU asks for `version`, which has our major. Whether it may speak it.
    ///
    /// Layouts are those of the lower of its version and ours. Once another call was made only what
    /// leads to the agreed version is accepted: the version that was asked for may be asked for again,
    /// as drivers do that are loaded a second time.
    pub(crate) fn propose(&self, version: Version) -> bool {
        let Some(lower) = NonZeroU32::new(version.min(OUR_VERSION).bits()) else { return false };
        match self.publication.propose(lower) {
            Ok(()) => true,
            Err(ProposeError::Frozen(agreed)) => agreed == lower,
            Err(ProposeError::Withdrawn) => false,
        }
    }
}

/// The host's buffers are the host's to count.
impl<B> Footprint for Vm<B> {}
