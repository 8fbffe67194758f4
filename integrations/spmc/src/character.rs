//! How one SPMC differs from another.

use ffa_abi::{EndpointId, Feature, Status, Version};

use crate::calls::Calls;

/// What an SPMC is like. The constants are starting points: `Character { version, ..Character::HAFNIUM }`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Character {
    /// What it is called.
    pub name: &'static str,
    /// The newest version that it speaks.
    pub version: Version,
    /// How it comes to a version.
    pub negotiation: Negotiation,
    /// What it answers to `FFA_SPM_ID_GET`, where it has the call.
    pub id: Option<EndpointId>,
    /// The calls that it serves.
    pub calls: Calls,
    /// The calls that `FFA_FEATURES` admits. In the wild they are not the same.
    pub admitted: Calls,
    /// The features that `FFA_FEATURES` admits, and w2 of its answer.
    pub features: &'static [(Feature, u32)],
    /// Bytes of a partition's record for callers from 1.1 on: 24 or more, a multiple of 8.
    pub record_size: u16,
    /// The tag of its list of partitions at first.
    pub tag: u16,
    /// RX and TX.
    pub buffers: BufferRules,
    /// Notifications.
    pub notifications: NotificationRules,
    /// Who is told of VMs.
    pub vm_news: VmNews,
    /// Whether a success without results leaves x1..x7 as they were.
    pub leaves_registers: bool,
}

/// How an SPMC comes to a version.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Negotiation {
    /// Any minor of its major, the lower of both, until another call is made.
    Lowest,
    /// The same, but none above its own.
    NoneAbove,
    /// It answers its own to whatever is asked, at any time, and speaks the lower of both.
    Always,
    /// It answers its own to whatever is asked until another call is made, then the agreed one. Other
    /// calls do not exist before a version is agreed.
    Required,
}

/// What an SPMC does with RX and TX buffers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BufferRules {
    /// The most pages of a buffer.
    pub max_pages: u8,
    /// Whether it keeps those of VMs.
    pub of_vms: VmBuffers,
    /// Whether a message in RX must be told of by `FFA_NOTIFICATION_GET` before RX can be released.
    pub release_needs_get: bool,
    /// Whether buffers stay mapped whose owner has not released RX.
    pub keeps_full: bool,
    /// Whether buffers stay mapped whatever is asked.
    pub keeps_all: bool,
}

/// Whether an SPMC keeps the buffers of VMs, which the hypervisor describes in its TX buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VmBuffers {
    /// No, and `FFA_RXTX_UNMAP` of a VM is refused.
    None,
    /// No, and an id of a VM is not even looked at: all calls are about the hypervisor's.
    Ignored,
    /// Yes, but looks at the first range of each only, and takes RX's page count for both.
    FirstRange,
    /// Yes.
    AllRanges,
}

/// What an SPMC does with notifications.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotificationRules {
    /// What answers a binding of per-vCPU notifications; `None` where it has them.
    pub per_vcpu_refusal: Option<Status>,
    /// Whether it binds for whoever is named, and unbinds for anybody.
    pub is_lenient: bool,
}

/// What an SPMC does with the message that a VM was created or destroyed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VmNews {
    /// It goes to a partition that has the property; for another one it is refused.
    ForSubscribers,
    /// It is for the SPMC itself, by whichever id, and nothing works for a VM before.
    ForSpmc,
    /// It does not exist.
    NotSupported,
    /// It goes to any partition, which takes it for a message like others.
    AsData,
}

impl VmBuffers {
    /// Whether there can be buffers of a VM.
    pub(crate) const fn exist(self) -> bool {
        matches!(self, VmBuffers::FirstRange | VmBuffers::AllRanges)
    }
}

impl BufferRules {
    /// As specified, for buffers of up to 63 pages, of VMs too.
    pub const SPECIFIED: BufferRules = BufferRules {
        max_pages: ffa_abi::MAX_RXTX_PAGES,
        of_vms: VmBuffers::AllRanges,
        release_needs_get: false,
        keeps_full: true,
        keeps_all: false,
    };
}

impl NotificationRules {
    /// As specified.
    pub const SPECIFIED: NotificationRules =
        NotificationRules { per_vcpu_refusal: None, is_lenient: false };
}
