//! `FFA_RXTX_MAP`, `FFA_RXTX_UNMAP`, `FFA_RX_RELEASE`.

use ffa_abi::{Empty, EndpointId, RxtxMap};

use crate::answer::Answer;
use crate::host::{Access, Host};
use crate::refusal::Refusal;
use crate::request::Request;

const PAGE_SIZE: u64 = 4096;

impl<H: Host> Request<'_, '_, H> {
    pub(crate) fn rxtx_map(&self, call: RxtxMap) -> Result<Answer, Refusal> {
        let RxtxMap { tx, rx, pages, .. } = call;
        check_buffers(tx, rx, pages, self.mediator.limits.rxtx_pages)?;
        let ticket = self.vm.mailbox.begin_map()?;
        let host = &self.mediator.host;
        let tx = host.map_buffer(self.vm.id(), tx, pages.into(), Access::Read)?;
        let rx = host.map_buffer(self.vm.id(), rx, pages.into(), Access::Write)?;
        ticket.finish(tx, rx);
        Ok(Answer::Empty(Empty))
    }

    pub(crate) fn rxtx_unmap(&self, endpoint: EndpointId) -> Result<Answer, Refusal> {
        self.check_own(endpoint)?;
        let (tx, rx) = self.vm.mailbox.unmap()?;
        // Outside the mailbox's lock: the host unpins here.
        drop((tx, rx));
        Ok(Answer::Empty(Empty))
    }

    pub(crate) fn rx_release(&self, endpoint: EndpointId) -> Result<Answer, Refusal> {
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
