//! A host without guests: its buffers are plain memory, so that only the mediator is measured.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use ffa_abi::{Regs, VmId};
use ffa_core::{Access, Buffer, Host, Level, MapError, OutOfBounds, SpmcBuffers, Taint};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// A page of 4 KiB, aligned like one: how a copy is aligned decides how fast it is.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C, align(4096))]
struct Page([u8; 4096]);

/// How many pages a RX buffer gets: the most that the mediator takes unless it is told otherwise.
pub(crate) const RX_PAGES: u8 = 16;

/// Neighbouring pages.
pub(crate) struct Pages(Box<[Page]>);

impl Pages {
    pub(crate) fn zeroed(count: usize) -> Self {
        Pages(vec![Page([0; 4096]); count].into_boxed_slice())
    }

    /// Room for `count` descriptors of 24 bytes, and for some that join later.
    pub(crate) fn for_descriptors(count: usize) -> Self {
        Pages::zeroed(((count + 64) * 24).div_ceil(size_of::<Page>()).max(RX_PAGES.into()))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Copies `from` to `offset`.
    pub(crate) fn write(&mut self, offset: usize, from: &[u8]) -> Result<(), OutOfBounds> {
        let end = offset.checked_add(from.len()).ok_or(OutOfBounds)?;
        let to = self.0.as_mut_bytes().get_mut(offset..end).ok_or(OutOfBounds)?;
        to.copy_from_slice(from);
        Ok(())
    }
}

/// Where a guest's pages are found again once they are unmapped.
type Unmapped = Arc<Mutex<Option<Pages>>>;

/// A host with memory and nothing else.
#[derive(Default)]
pub(crate) struct PlainHost {
    unmapped: Unmapped,
}

/// A mapped buffer: plain pages.
pub(crate) struct PlainBuffer {
    pages: Option<Pages>,
    unmapped: Unmapped,
}

impl PlainHost {
    /// The pages of the buffer that was unmapped last.
    pub(crate) fn take_unmapped(&self) -> Option<Pages> {
        self.unmapped.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for PlainBuffer {
    fn drop(&mut self) {
        *self.unmapped.lock().unwrap_or_else(PoisonError::into_inner) = self.pages.take();
    }
}

impl Buffer for PlainBuffer {
    fn size(&self) -> usize {
        self.pages.as_ref().map_or(0, |pages| pages.bytes().len())
    }

    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), OutOfBounds> {
        let end = offset.checked_add(into.len()).ok_or(OutOfBounds)?;
        let pages = self.pages.as_ref().ok_or(OutOfBounds)?;
        into.copy_from_slice(pages.bytes().get(offset..end).ok_or(OutOfBounds)?);
        Ok(())
    }

    fn write(&mut self, offset: usize, from: &[u8]) -> Result<(), OutOfBounds> {
        self.pages.as_mut().ok_or(OutOfBounds)?.write(offset, from)
    }
}

impl Host for PlainHost {
    type Buffer = PlainBuffer;

    fn map_buffer(&self, _: VmId, _: u64, pages: u16, _: Access) -> Result<Self::Buffer, MapError> {
        let pages = Some(Pages::zeroed(pages.into()));
        Ok(PlainBuffer { pages, unmapped: Arc::clone(&self.unmapped) })
    }

    fn spmc_call(&self, _: &Regs) -> Option<Regs> {
        None
    }

    fn spmc_buffers(&self) -> Option<SpmcBuffers<Self::Buffer>> {
        None
    }

    fn taint(&self, _: Taint) {}

    fn log(&self, _: Level, _: fmt::Arguments<'_>) {}
}
