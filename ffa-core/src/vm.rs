//! A VM's context: who it is, what it negotiated, its buffers.

use core::num::NonZeroU32;

use ffa_abi::{PartitionInfo, PartitionProperties, Uuid, Version, VmId, Width};
use ffa_rcu::{Footprint, OutOfMemory, ProposeError, PublishOnce, Sender, State};

use crate::directory::Place;
use crate::host::Buffer;
use crate::listing::Listing;
use crate::mailbox::Mailbox;
use crate::notifications::Inbox;
use crate::refusal::Refusal;

/// The version that the mediator speaks, and the highest that a VM gets.
pub const OUR_VERSION: Version = Version::V1_2;

/// The properties that a VM can be given today: what is promised must work.
const WORKING_PROPERTIES: PartitionProperties =
    PartitionProperties::INDIRECT_MESSAGES.union(PartitionProperties::RECEIVES_NOTIFICATIONS);

/// A VM to be created.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VmConfig {
    /// Its id, of which the host keeps count.
    pub id: VmId,
    /// How many vCPUs it has: its execution contexts.
    pub vcpus: u16,
    /// What it would offer. Shown to others only as far as the mediator makes it work: today
    /// [`PartitionProperties::INDIRECT_MESSAGES`] and
    /// [`PartitionProperties::RECEIVES_NOTIFICATIONS`].
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
    /// Tells it from those that have had its id before.
    incarnation: u32,
    /// Version and membership in the directory, decided once.
    pub(crate) publication: PublishOnce,
    pub(crate) mailbox: Mailbox<B>,
    pub(crate) inbox: Inbox,
    /// Where it stands in the directory.
    pub(crate) place: Place,
    /// The list by registers that it began last.
    pub(crate) listing: Listing,
}

impl<B: Buffer> Vm<B> {
    pub(crate) fn try_new(config: VmConfig, incarnation: u32) -> Result<Self, OutOfMemory> {
        Ok(Vm {
            config,
            incarnation,
            publication: PublishOnce::new(),
            mailbox: Mailbox::new(),
            inbox: Inbox::try_new(config.vcpus)?,
            place: Place::default(),
            listing: Listing::default(),
        })
    }

    pub(crate) fn id(&self) -> VmId {
        self.config.id
    }

    pub(crate) fn vcpus(&self) -> u16 {
        self.config.vcpus
    }

    pub(crate) fn uuid(&self) -> Uuid {
        self.config.uuid
    }

    /// Whether it has said that it does this.
    pub(crate) fn offers(&self, property: PartitionProperties) -> bool {
        self.config.properties.contains(property)
    }

    /// The version that it speaks, once it has joined, and until it is destroyed.
    pub(crate) fn version(&self) -> Option<Version> {
        match self.state() {
            State::Published(version) => Version::from_bits(version.get()),
            _ => None,
        }
    }

    /// As a sender of notifications.
    pub(crate) fn sender(&self) -> Result<Sender, Refusal> {
        Sender::new(self.config.id.get(), self.incarnation).ok_or(Refusal::WrongEndpoint)
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
impl<B> Footprint for Vm<B> {
    fn heap_bytes(&self) -> usize {
        // A word of notifications a vCPU, and two sets of marks for all vCPUs and any of them.
        let vcpus = usize::from(self.config.vcpus);
        (vcpus + 2 * (vcpus + 1).div_ceil(64)) * size_of::<u64>()
    }
}
