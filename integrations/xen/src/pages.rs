//! A guest's RX or TX buffer: pages that the shim has pinned and mapped, one by one.

use alloc::vec::Vec;
use core::ops::Range;

use ffa_abi::VmId;
use ffa_core::{Buffer, MapError, OutOfBounds};

use crate::services::{Page, PageResult, Services};

const PAGE_SIZE: usize = 4096;

/// Pages of one buffer, in order. A guest's are given back when it is dropped, Xen's own never.
pub struct Pages {
    services: &'static Services,
    pages: Vec<Page>,
    pinned: bool,
}

// SAFETY: the pages are memory that is mapped on every CPU, and the table of functions is for all.
unsafe impl Send for Pages {}

impl Pages {
    /// Pins `count` pages of `vm`'s memory from guest physical `address` on.
    pub(crate) fn pin(
        services: &'static Services,
        vm: VmId,
        address: u64,
        count: u16,
    ) -> Result<Pages, MapError> {
        let mut pinned = Pages { services, pages: Vec::new(), pinned: true };
        let count = usize::from(count);
        pinned.pages.try_reserve_exact(count).map_err(|_| MapError::NoMemory)?;
        for offset in (0..count).map(|index| (index * PAGE_SIZE) as u64) {
            let address = address.checked_add(offset).ok_or(MapError::NotMemory)?;
            let page = pin_page(services, vm, address)?;
            // It never is: what it saves is the code that would grow the vector, or abort.
            if pinned.pages.len() == pinned.pages.capacity() {
                return Err(MapError::NoMemory);
            }
            pinned.pages.push(page);
        }
        Ok(pinned)
    }

    /// A buffer of a page that was made with [`Services::own_page`].
    pub(crate) fn own(services: &'static Services, page: Page) -> Result<Pages, MapError> {
        let mut pages = Vec::new();
        pages.try_reserve_exact(1).map_err(|_| MapError::NoMemory)?;
        pages.push(page);
        Ok(Pages { services, pages, pinned: false })
    }

    /// Calls `piece` for each page that `offset..offset + length` touches, with the place in it and
    /// the part of the range that is there.
    fn pieces(
        &self,
        offset: usize,
        length: usize,
        mut piece: impl FnMut(*mut u8, Range<usize>),
    ) -> Result<(), OutOfBounds> {
        let end = offset.checked_add(length).ok_or(OutOfBounds)?;
        if end > self.size() {
            return Err(OutOfBounds);
        }
        let mut at = offset;
        while at < end {
            let page = self.pages.get(at / PAGE_SIZE).ok_or(OutOfBounds)?;
            let next = end.min((at / PAGE_SIZE + 1) * PAGE_SIZE);
            let place = page.memory.cast::<u8>().wrapping_add(at % PAGE_SIZE);
            piece(place, at - offset..next - offset);
            at = next;
        }
        Ok(())
    }
}

fn pin_page(services: &Services, vm: VmId, address: u64) -> Result<Page, MapError> {
    let nothing = core::ptr::null_mut();
    let mut page = Page { memory: nothing, address: 0, handle: nothing };
    // SAFETY: a service, called as its documentation asks.
    match unsafe { (services.pin_page)(vm.get(), address, &raw mut page) } {
        PageResult::Ok => Ok(page),
        PageResult::NotMemory => Err(MapError::NotMemory),
        PageResult::NoMemory => Err(MapError::NoMemory),
    }
}

impl Buffer for Pages {
    fn size(&self) -> usize {
        self.pages.len() * PAGE_SIZE
    }

    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), OutOfBounds> {
        self.pieces(offset, into.len(), |place, part| {
            if let Some(into) = into.get_mut(part) {
                // SAFETY: the place is within a page that is mapped as long as this buffer lives, and
                // `into` is memory of Xen's. The guest may write meanwhile: no reference to its
                // memory is ever made, and bytes are all that comes out.
                unsafe { place.copy_to_nonoverlapping(into.as_mut_ptr(), into.len()) };
            }
        })
    }

    fn write(&mut self, offset: usize, from: &[u8]) -> Result<(), OutOfBounds> {
        self.pieces(offset, from.len(), |place, part| {
            if let Some(from) = from.get(part) {
                // SAFETY: as in `read`; nothing in Rust refers to what is overwritten.
                unsafe { place.copy_from_nonoverlapping(from.as_ptr(), from.len()) };
            }
        })
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        if !self.pinned {
            return;
        }
        for page in &self.pages {
            // SAFETY: each of them was made by `pin_page`, and nobody uses it any more.
            unsafe { (self.services.unpin_page)(page) };
        }
    }
}
