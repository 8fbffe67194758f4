//! `FFA_RXTX_MAP`, `FFA_RXTX_UNMAP`, `FFA_RX_ACQUIRE` and `FFA_RX_RELEASE`.

use ffa_abi::{
    BufferRegion, Empty, EndpointId, EndpointRxTx, FrameworkNotifications, MemoryRange, RxAcquire,
    RxRelease, RxtxMap, RxtxUnmap, Status, Version,
};

use super::Service;
use crate::character::VmBuffers;
use crate::mailbox::{Buffer, MAX_BUFFER_RANGES, Mailbox, RxOwner};

/// How much of the hypervisor's TX is read for a descriptor: all that the most ranges take in the layout
/// of 1.1 that is as long as can be without gaps.
const DESCRIPTOR: usize = 16 + 2 * (16 + 16 * MAX_BUFFER_RANGES);

impl Service<'_> {
    pub(super) fn map(&mut self, call: RxtxMap) -> Result<Empty, Status> {
        let all_zero = (call.tx(), call.rx(), call.pages()) == (0, 0, 0);
        if all_zero && self.character.buffers.of_vms.exist() {
            return self.map_of_a_vm();
        }
        let buffer = |address| {
            let range = MemoryRange::new(address, call.pages().into());
            range.and_then(|range| Buffer::new([range])).ok_or(Status::INVALID_PARAMETERS)
        };
        let mailbox = Mailbox::new(buffer(call.tx())?, buffer(call.rx())?);
        self.map_for(EndpointId::HYPERVISOR, mailbox)
    }

    fn map_of_a_vm(&mut self) -> Result<Empty, Status> {
        let (version, of_vms) = (self.version(), self.character.buffers.of_vms);
        let hypervisors = self.state.hypervisor.mailbox().ok_or(Status::INVALID_PARAMETERS)?;
        let mut bytes = [0; DESCRIPTOR];
        hypervisors.tx.read(self.world, 0, &mut bytes).map_err(|_| Status::ABORTED)?;
        let (id, mailbox) = parse(&bytes, version, of_vms).ok_or(Status::INVALID_PARAMETERS)?;
        if id.is_secure() || id == EndpointId::HYPERVISOR {
            return Err(Status::INVALID_PARAMETERS);
        }
        self.map_for(id, mailbox)
    }

    fn map_for(&mut self, id: EndpointId, mailbox: Mailbox) -> Result<Empty, Status> {
        if self.vm(id).is_some_and(|vm| vm.mailbox.is_some()) {
            return Err(Status::DENIED);
        }
        let most = u64::from(self.character.buffers.max_pages) * ffa_abi::PAGE_SIZE;
        let (tx, rx) = (&mailbox.tx, &mailbox.rx);
        if tx.size() > most || tx.size() != rx.size() || tx.overlaps(rx) {
            return Err(Status::INVALID_PARAMETERS);
        }
        if !tx.is_memory(self.world) || !rx.is_memory(self.world) {
            return Err(Status::INVALID_PARAMETERS);
        }
        if self.mailboxes().any(|other| other.overlaps(&mailbox)) {
            return Err(Status::DENIED);
        }
        self.vm_or_place(id).ok_or(Status::DENIED)?.mailbox = Some(mailbox);
        Ok(Empty)
    }

    fn mailboxes(&self) -> impl Iterator<Item = &Mailbox> {
        let vms = self.vms.iter().chain([&self.state.hypervisor]);
        vms.filter_map(|vm| vm.mailbox.as_ref())
    }

    pub(super) fn unmap(&mut self, call: RxtxUnmap) -> Result<Empty, Status> {
        let rules = self.character.buffers;
        let id = if rules.of_vms == VmBuffers::Ignored { EndpointId(0) } else { call.endpoint };
        if id != EndpointId::HYPERVISOR && !rules.of_vms.exist() {
            return Err(Status::INVALID_PARAMETERS);
        }
        let vm = self.vm(id).ok_or(Status::INVALID_PARAMETERS)?;
        let mailbox = vm.mailbox.as_ref().ok_or(Status::INVALID_PARAMETERS)?;
        let is_kept = rules.keeps_full && mailbox.rx_owner == RxOwner::Endpoint;
        if rules.keeps_all || is_kept {
            return Err(Status::DENIED);
        }
        vm.mailbox = None;
        vm.forget_if_unused();
        Ok(Empty)
    }

    /// Only of VMs: with the hypervisor's own RX there is nobody to share it with.
    pub(super) fn acquire(&mut self, call: RxAcquire) -> Result<Empty, Status> {
        if call.endpoint.is_secure() || call.endpoint == EndpointId::HYPERVISOR {
            return Err(Status::NOT_SUPPORTED);
        }
        let vm = self.vm(call.endpoint).ok_or(Status::INVALID_PARAMETERS)?;
        let mailbox = vm.mailbox.as_mut().ok_or(Status::INVALID_PARAMETERS)?;
        if mailbox.rx_owner != RxOwner::Spmc {
            return Err(Status::DENIED);
        }
        mailbox.rx_owner = RxOwner::Hypervisor;
        Ok(Empty)
    }

    pub(super) fn release(&mut self, call: RxRelease) -> Result<Empty, Status> {
        let rules = self.character.buffers;
        let id = if rules.of_vms.exist() { call.endpoint } else { EndpointId::HYPERVISOR };
        let vm = self.vm(id).ok_or(Status::INVALID_PARAMETERS)?;
        let is_told = !vm.receiver.framework().contains(FrameworkNotifications::RX_BUFFER_FULL);
        let mailbox = vm.mailbox.as_mut().ok_or(Status::DENIED)?;
        let may = match mailbox.rx_owner {
            RxOwner::Spmc => false,
            RxOwner::Endpoint => is_told || !rules.release_needs_get,
            RxOwner::Hypervisor => true,
        };
        if !may {
            return Err(Status::DENIED);
        }
        mailbox.rx_owner = RxOwner::Spmc;
        Ok(Empty)
    }
}

/// Whose buffers the descriptor tells of, and where they are.
fn parse(bytes: &[u8], version: Version, of_vms: VmBuffers) -> Option<(EndpointId, Mailbox)> {
    let descriptor = EndpointRxTx::parse(bytes, version).ok()?;
    let (tx, rx) = match of_vms {
        VmBuffers::FirstRange => {
            let pages = descriptor.rx().ranges().next()?.pages();
            (first_range(descriptor.tx(), pages)?, first_range(descriptor.rx(), pages)?)
        }
        _ => (Buffer::new(descriptor.tx().ranges())?, Buffer::new(descriptor.rx().ranges())?),
    };
    Some((descriptor.endpoint(), Mailbox::new(tx, rx)))
}

fn first_range(region: &BufferRegion<'_>, pages: u32) -> Option<Buffer> {
    let first = region.ranges().next()?;
    Buffer::new([MemoryRange::new(first.address(), pages)?])
}
