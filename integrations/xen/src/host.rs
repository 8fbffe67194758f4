//! [`ffa_core::Host`] in terms of the shim's services.

use core::fmt;

use ffa_abi::{Regs, VmId};
use ffa_core::{Access, Level, MapError, SpmcBuffers, Taint};

use crate::line::Line;
use crate::pages::Pages;
use crate::services::{LogLevel, Page, PageResult, Services};

/// Xen, as the mediator sees it.
#[derive(Clone, Copy)]
pub struct Xen {
    pub(crate) services: &'static Services,
}

impl Xen {
    pub(crate) fn print(&self, level: LogLevel, message: fmt::Arguments<'_>) {
        let line = Line::new(message);
        let text = line.bytes();
        // SAFETY: a service; the text is there until it returns.
        unsafe { (self.services.log)(level, text.as_ptr(), text.len()) };
    }

    fn own_page(&self) -> Option<Page> {
        let nothing = core::ptr::null_mut();
        let mut page = Page { memory: nothing, address: 0, handle: nothing };
        // SAFETY: a service.
        let made = unsafe { (self.services.own_page)(&raw mut page) };
        (made == PageResult::Ok).then_some(page)
    }
}

impl ffa_core::Host for Xen {
    type Buffer = Pages;

    /// A page that serves as a buffer already is not looked for: a page of RAM has one address in
    /// its domain, pages of other domains are not RAM of this one, and the mediator keeps one pair
    /// of buffers a VM, which do not overlap.
    fn map_buffer(
        &self,
        vm: VmId,
        address: u64,
        pages: u16,
        _access: Access,
    ) -> Result<Pages, MapError> {
        Pages::pin(self.services, vm, address, pages)
    }

    fn spmc_call(&self, regs: &Regs) -> Option<Regs> {
        let mut registers = regs.0;
        // SAFETY: a service, with registers to read and write.
        let answered = unsafe { (self.services.smc)(&raw mut registers) };
        answered.then_some(Regs(registers))
    }

    fn spmc_buffers(&self) -> Option<SpmcBuffers<Pages>> {
        let (tx, rx) = (self.own_page()?, self.own_page()?);
        Some(SpmcBuffers {
            tx_address: tx.address,
            rx_address: rx.address,
            pages: 1,
            rx: Pages::own(self.services, rx).ok()?,
        })
    }

    fn taint(&self, reason: Taint) {
        let line = Line::new(format_args!("{reason}"));
        let text = line.bytes();
        // SAFETY: a service; the text is there until it returns.
        unsafe { (self.services.taint)(text.as_ptr(), text.len()) };
    }

    fn poll_is_due(&self) {
        // SAFETY: a service.
        unsafe { (self.services.poll_soon)() };
    }

    fn inject(&self, vm: VmId, vcpu: Option<u16>, interrupt: u32) -> bool {
        let (only, vcpu) = (vcpu.is_some(), vcpu.unwrap_or(0));
        // SAFETY: a service.
        unsafe { (self.services.inject)(vm.get(), vcpu, only, interrupt) }
    }

    fn log(&self, level: Level, message: fmt::Arguments<'_>) {
        let level = match level {
            Level::Warning => LogLevel::Warning,
            Level::Info => LogLevel::Info,
        };
        self.print(level, message);
    }
}
