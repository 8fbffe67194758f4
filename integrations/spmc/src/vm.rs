//! What the SPMC keeps of a VM.

use ffa_abi::{EndpointId, Status};

use crate::mailbox::{Mailbox, RxOwner};
use crate::receiver::Receiver;

/// A VM as the SPMC knows it, or the hypervisor itself; or a place where nobody is yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Vm {
    pub(crate) id: Option<EndpointId>,
    /// Whether the SPMC was told that it was created, where it wants to know.
    pub(crate) is_announced: bool,
    pub(crate) mailbox: Option<Mailbox>,
    /// Whether its notification bitmap was created.
    pub(crate) has_bitmap: bool,
    pub(crate) receiver: Receiver,
}

impl Vm {
    /// A place where nobody is.
    pub const VACANT: Vm = Vm {
        id: None,
        is_announced: false,
        mailbox: None,
        has_bitmap: false,
        receiver: Receiver::NEW,
    };

    /// The hypervisor, which is always known.
    pub(crate) const HYPERVISOR: Vm = Vm { id: Some(EndpointId::HYPERVISOR), ..Vm::VACANT };

    /// Who it is; `None` for a place where nobody is.
    #[must_use]
    pub fn id(&self) -> Option<EndpointId> {
        self.id
    }

    /// Whether the SPMC was told that it was created.
    #[must_use]
    pub fn is_announced(&self) -> bool {
        self.is_announced
    }

    /// Its buffers, while they are mapped.
    #[must_use]
    pub fn mailbox(&self) -> Option<&Mailbox> {
        self.mailbox.as_ref()
    }

    /// Whether its notification bitmap was created.
    #[must_use]
    pub fn has_bitmap(&self) -> bool {
        self.has_bitmap
    }

    /// Its notifications.
    #[must_use]
    pub fn receiver(&self) -> &Receiver {
        &self.receiver
    }

    /// Its buffers, once the SPMC may write RX.
    pub(crate) fn free_mailbox(&mut self) -> Result<&mut Mailbox, Status> {
        let mailbox = self.mailbox.as_mut().filter(|mailbox| mailbox.rx_owner == RxOwner::Spmc);
        mailbox.ok_or(Status::BUSY)
    }

    /// Forgets a VM of which there is nothing more to be known.
    pub(crate) fn forget_if_unused(&mut self) {
        let is_used = self.is_announced || self.has_bitmap || self.mailbox.is_some();
        if !is_used && self.id != Some(EndpointId::HYPERVISOR) {
            *self = Vm::VACANT;
        }
    }

    /// Whether there can be bindings. An SPMC that wants to be told of VMs keeps a bitmap of each that
    /// it knows, and one of the hypervisor, created or not.
    fn may_bind(&self) -> bool {
        self.has_bitmap || self.is_announced || self.id == Some(EndpointId::HYPERVISOR)
    }

    /// What does not hold and should.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        if self.id.is_none() && *self != Vm::VACANT {
            return Err("something is kept of nobody");
        }
        if self.id.is_some_and(EndpointId::is_secure) {
            return Err("a secure id is kept as a VM's");
        }
        if !self.may_bind() && !self.receiver.bound().is_empty() {
            return Err("a notification is bound, and there is no bitmap");
        }
        let overlaps = |mailbox: &Mailbox| mailbox.tx.overlaps(&mailbox.rx);
        if self.mailbox.as_ref().is_some_and(overlaps) {
            return Err("TX and RX have a page in common");
        }
        self.receiver.check()
    }
}
