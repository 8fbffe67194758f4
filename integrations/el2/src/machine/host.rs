//! The mediator, and what it needs of this hypervisor: [`ffa_core::Host`].

use alloc::sync::Arc;
use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};

use ffa_abi::{Regs, VmId};
use ffa_core::{Access, Buffer, Level, MapError, Mediator, OutOfBounds, SpmcBuffers, Taint};
use ffa_el2::bundle::PAGE;
use ffa_el2::scheduler::{Power, Task};
use spin::Once;

use super::console;
use super::firmware;
use super::memory::{GuestMemory, PinError, Pinned};
use super::vm::{self, SCHEDULER};

static MEDIATOR: Once<Mediator<Host>> = Once::new();
static CALLS: AtomicU64 = AtomicU64::new(0);

/// A CPU's place in the mediator.
pub(super) type FfaCpu = ffa_core::Cpu<'static, Host>;

/// This hypervisor, as the mediator sees it.
pub(super) struct Host {
    has_spmc: bool,
    /// A page to write for the SPMC, and one that it writes.
    spmc_pages: Option<Arc<GuestMemory>>,
}

impl Host {
    /// Looks what firmware there is.
    pub(super) fn new() -> Self {
        let has_spmc = firmware::can_have_spmc();
        let spmc_pages = if has_spmc { GuestMemory::new(0, 2 * PAGE) } else { None };
        Self { has_spmc, spmc_pages }
    }
}

/// The mediator of this machine.
pub(super) fn mediator() -> &'static Mediator<Host> {
    // CPUs are started, and VMs made, after it was installed.
    MEDIATOR.wait()
}

/// Makes the mediator known; once.
pub(super) fn install(mediator: Mediator<Host>) {
    MEDIATOR.call_once(|| mediator);
}

/// Counts a call that the mediator answered.
pub(super) fn count_call() {
    CALLS.fetch_add(1, Ordering::Relaxed);
}

/// How many calls the mediator answered.
pub(super) fn calls() -> u64 {
    CALLS.load(Ordering::Relaxed)
}

impl ffa_core::Host for Host {
    type Buffer = Pinned;

    fn map_buffer(
        &self,
        vm: VmId,
        address: u64,
        pages: u16,
        _access: Access,
    ) -> Result<Pinned, MapError> {
        let slot = usize::from(vm.get()).wrapping_sub(1);
        let vm = vm::find(slot).ok_or(MapError::NotMemory)?;
        vm.memory.pin(address, u64::from(pages) * PAGE).map_err(|error| match error {
            PinError::Outside => MapError::NotMemory,
            PinError::Overlap => MapError::InUse,
            PinError::TooMany => MapError::NoMemory,
        })
    }

    fn spmc_call(&self, regs: &Regs) -> Option<Regs> {
        self.has_spmc.then(|| firmware::call(regs))
    }

    fn spmc_buffers(&self) -> Option<SpmcBuffers<Pinned>> {
        let memory = self.spmc_pages.as_ref()?;
        let rx = memory.pin(PAGE, PAGE).ok()?;
        let tx_address = memory.physical();
        Some(SpmcBuffers { tx_address, rx_address: tx_address + PAGE, pages: 1, rx })
    }

    fn taint(&self, reason: Taint) {
        console::log!("tainted: {reason}");
    }

    fn inject(&self, vm: VmId, vcpu: Option<u16>, interrupt: u32) -> bool {
        let slot = usize::from(vm.get()).wrapping_sub(1);
        let Some(vm) = vm::find(slot) else { return false };
        let is_on = |vcpu: &u16| {
            let task = Task { slot, vcpu: *vcpu };
            SCHEDULER.lock().power(task) == Power::On
        };
        let vcpus = vcpu.map_or(0..vm.vcpus(), |vcpu| vcpu..vcpu.saturating_add(1));
        let Some(target) = vcpus.into_iter().find(is_on) else { return false };
        let interrupted = vm.gic.lock().raise(target.into(), interrupt);
        vm.notify(interrupted);
        true
    }

    fn log(&self, level: Level, message: fmt::Arguments<'_>) {
        match level {
            Level::Warning => console::log!("warning: {message}"),
            Level::Info => console::log!("{message}"),
        }
    }
}

impl Buffer for Pinned {
    fn size(&self) -> usize {
        usize::try_from(self.length).unwrap_or(0)
    }

    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), OutOfBounds> {
        let at = self.place(offset, into.len())?;
        if self.memory.read(at, into) { Ok(()) } else { Err(OutOfBounds) }
    }

    fn write(&mut self, offset: usize, from: &[u8]) -> Result<(), OutOfBounds> {
        let at = self.place(offset, from.len())?;
        if self.memory.write(at, from) { Ok(()) } else { Err(OutOfBounds) }
    }
}

impl Pinned {
    /// Where `length` bytes at `offset` of the buffer are in the VM's memory.
    fn place(&self, offset: usize, length: usize) -> Result<u64, OutOfBounds> {
        let end = offset.checked_add(length).ok_or(OutOfBounds)?;
        if end <= self.size() { Ok(self.offset + offset as u64) } else { Err(OutOfBounds) }
    }
}
