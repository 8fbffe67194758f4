//! Every limit of the mediator: its name, its default, what happens beyond it.

use ffa_abi::MAX_RXTX_PAGES;
use ffa_rcu::DEFAULT_LIMIT;

/// What the mediator takes on. [`Limits::default`] is what the text gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Most pages of 4 KiB in an RX or TX buffer: 16, told by `FFA_FEATURES`. More is answered with
    /// `INVALID_PARAMETERS`. 1 to 63, which is what the register can say.
    pub rxtx_pages: u8,
    /// Most entries of the SPMC's list that are looked at: 256. Further ones are left out, and the
    /// log says so. At most 32768, so that every partition has an index.
    pub secure_partitions: u16,
    /// Most bytes that may wait to be freed: 8 MiB. Beyond it VMs cannot be created, join or be
    /// destroyed: the host gets [`CreateError::TooMuchRetired`](crate::CreateError::TooMuchRetired)
    /// or [`DestroyError::TooMuchRetired`](crate::DestroyError::TooMuchRetired), and a VM's first
    /// call `NO_MEMORY`. Each VM that joins or leaves retires up to 4 KiB, or 18 KiB in a list that
    /// had more than 1024 VMs, or 30 KiB where a property of some VM is newer than 1.1, until
    /// [`Mediator::reclaim`](crate::Mediator::reclaim) frees them: some 250 at the least.
    pub retired_bytes: usize,
}

impl Limits {
    /// How often a list of secure partitions is begun again when it changes while it is read.
    pub(crate) const SECURE_LIST_ATTEMPTS: usize = 4;

    /// Whether each limit is in the range that its text gives.
    pub(crate) fn are_possible(self) -> bool {
        (1..=MAX_RXTX_PAGES).contains(&self.rxtx_pages) && self.secure_partitions <= 0x8000
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits { rxtx_pages: 16, secure_partitions: 256, retired_bytes: DEFAULT_LIMIT }
    }
}
