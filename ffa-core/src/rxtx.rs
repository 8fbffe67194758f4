//! `FFA_RXTX_MAP`, `FFA_RXTX_UNMAP`, `FFA_RX_RELEASE`.

use ffa_abi::{Empty, EndpointId, RxRelease, RxtxMap, RxtxUnmap};
use ffa_rcu::Backend;

use crate::handler::Handler;
use crate::host::{Access, Buffer, Host};
use crate::refusal::Refusal;

const PAGE_SIZE: usize = 4096;

impl<H: Host, B: Backend> Handler<'_, '_, H, B> {
    pub(crate) fn rxtx_map(&self, call: RxtxMap) -> Result<Empty, Refusal> {
        let (tx, rx, pages) = (call.tx(), call.rx(), call.pages());
        check_buffers(tx, rx, pages, self.mediator.limits.rxtx_pages)?;
        let change = self.vm.mailbox.begin_map()?;
        let tx = self.map_buffer(tx, pages, Access::Read)?;
        let rx = self.map_buffer(rx, pages, Access::Write)?;
        change.finish(tx, rx);
        Ok(Empty)
    }

    /// A buffer of just the size asked for: a larger one would let us write beyond what the guest
    /// has registered.
    fn map_buffer(&self, address: u64, pages: u8, access: Access) -> Result<H::Buffer, Refusal> {
        let host = &self.mediator.host;
        let buffer = host.map_buffer(self.vm.id(), address, pages.into(), access)?;
        if buffer.size() == usize::from(pages) * PAGE_SIZE {
            Ok(buffer)
        } else {
            Err(Refusal::HostFault)
        }
    }

    pub(crate) fn rxtx_unmap(&self, call: RxtxUnmap) -> Result<Empty, Refusal> {
        self.check_own(call.endpoint)?;
        let (tx, rx, change) = self.vm.mailbox.begin_unmap()?;
        // The host unpins here, without the mailbox's lock; then the pages can be mapped again.
        drop((tx, rx));
        drop(change);
        Ok(Empty)
    }

    pub(crate) fn rx_release(&self, call: RxRelease) -> Result<Empty, Refusal> {
        self.check_own(call.endpoint)?;
        self.vm.mailbox.release()?;
        Ok(Empty)
    }

    /// A VM names itself with 0, or with its own id, as some firmware does.
    pub(crate) fn check_own(&self, endpoint: EndpointId) -> Result<(), Refusal> {
        const UNNAMED: EndpointId = EndpointId(0);
        let own = endpoint == UNNAMED || endpoint == self.vm.id().into();
        if own { Ok(()) } else { Err(Refusal::WrongEndpoint) }
    }
}

/// Buffers are 1..=`most` pages each, page aligned, inside the address space, and apart.
fn check_buffers(tx: u64, rx: u64, pages: u8, most: u8) -> Result<(), Refusal> {
    let page = PAGE_SIZE as u64;
    let size = u64::from(pages) * page;
    let aligned = (tx | rx) % page == 0;
    let (Some(tx_end), Some(rx_end)) = (tx.checked_add(size), rx.checked_add(size)) else {
        return Err(Refusal::BadBuffers);
    };
    let apart = tx_end <= rx || rx_end <= tx;
    if pages == 0 || pages > most || !aligned || !apart {
        return Err(Refusal::BadBuffers);
    }
    Ok(())
}
