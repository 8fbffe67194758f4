//! What the mediator asks of the hypervisor: one narrow trait.

use core::fmt;

use ffa_abi::{Regs, VmId};

/// The hypervisor, as the mediator sees it.
///
/// Every method may be called from any CPU, several at once, and must return soon: calls come from a
/// guest's trap, with interrupts as the host has them there, and within a read section, so that
/// nothing is freed until it ends. None of them is called with a lock held. A method that fails leaves
/// things as they were.
///
/// # Where the mediator may be called from
///
/// Its locks spin, in the order of arrival. [`Cpu::handle`](crate::Cpu::handle),
/// [`Mediator::create_vm`](crate::Mediator::create_vm),
/// [`Mediator::destroy_vm`](crate::Mediator::destroy_vm),
/// [`Mediator::reclaim`](crate::Mediator::reclaim) and
/// [`Mediator::retired`](crate::Mediator::retired) therefore must not be called from an interrupt
/// handler that may have interrupted one of them on the same CPU, and what runs them should not be
/// pre-empted for long: others would spin. No method of the host's may call them.
pub trait Host: Send + Sync {
    /// Guest pages that stay where they are and readable or writable by the host until dropped.
    ///
    /// Dropped in the VM's own `FFA_RXTX_UNMAP` or failed `FFA_RXTX_MAP`, else by
    /// [`Mediator::reclaim`](crate::Mediator::reclaim) or with the mediator.
    type Buffer: Buffer;

    /// Pins `pages` pages of 4 KiB of `vm`'s memory from guest physical `address` on.
    ///
    /// The address is page aligned and the range does not wrap; nothing else was checked. Refuse what
    /// is not RAM of this VM with [`MapError::NotMemory`], and pages that serve as a buffer already,
    /// of any VM, with [`MapError::InUse`]. The buffer has just the size asked for, or the guest's call
    /// is `ABORTED`.
    ///
    /// May still come after [`Mediator::destroy_vm`](crate::Mediator::destroy_vm), from a vCPU that is
    /// in a call, until [`Mediator::is_gone`](crate::Mediator::is_gone).
    ///
    /// # Errors
    /// See [`MapError`]; then nothing is pinned.
    fn map_buffer(
        &self,
        vm: VmId,
        address: u64,
        pages: u16,
        access: Access,
    ) -> Result<Self::Buffer, MapError>;

    /// Makes an SMC with x0..x17 to the SPMC and returns x0..x17; `None` where there is no firmware
    /// to call, which makes the mediator serve VM to VM only.
    ///
    /// Called from [`Mediator::new`](crate::Mediator::new) only, so far.
    fn spmc_call(&self, regs: &Regs) -> Option<Regs>;

    /// The hypervisor's own RX/TX pair towards the SPMC, where there is memory for one.
    ///
    /// Only SPMCs without `FFA_PARTITION_INFO_GET_REGS` need it.
    fn spmc_buffers(&self) -> Option<SpmcBuffers<Self::Buffer>>;

    /// The configuration is insecure: mark the system for whoever reads its logs later.
    fn taint(&self, reason: Taint);

    /// Something waits for [`Cpu::poll`](crate::Cpu::poll): a VM has joined the directory,
    /// or was destroyed, or an interrupt is owed.
    ///
    /// A host that calls it again and again anyway need do nothing here, which is the default. Others
    /// have it called soon, from an idle loop or a tasklet: not from here.
    fn poll_is_due(&self) {}

    /// Makes `interrupt`, that of pending notifications, pending: on `vcpu` alone, or, with `None`, on
    /// one that is online, whichever. `false` where none of these is online, or it cannot be done now:
    /// [`Cpu::poll`](crate::Cpu::poll) tries again.
    ///
    /// Called where [`Config::notification_pending_interrupt`](crate::Config) is set only: a host that
    /// does not set it need not have this method.
    fn inject(&self, vm: VmId, vcpu: Option<u16>, interrupt: u32) -> bool {
        let _ = (vm, vcpu, interrupt);
        false
    }

    /// A line for the host's log, without the end of line. No guest can cause one, so far.
    fn log(&self, level: Level, message: fmt::Arguments<'_>);
}

/// Memory that a guest, or the SPMC, reads and writes at the same time.
///
/// Never a slice: bytes are copied in once and then used from the copy, or written once.
pub trait Buffer: Send {
    /// Its size in bytes.
    fn size(&self) -> usize;

    /// Copies `into.len()` bytes from `offset` on, each fetched once.
    ///
    /// # Errors
    /// Where the range does not lie in the buffer; then nothing is read.
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), OutOfBounds>;

    /// Copies `from` to `offset`, each byte written once.
    ///
    /// # Errors
    /// Where the range does not lie in the buffer; then nothing is written.
    fn write(&mut self, offset: usize, from: &[u8]) -> Result<(), OutOfBounds>;

    /// Copies `length` bytes from `from_offset` of `from` to `offset`, each fetched once and written
    /// once.
    ///
    /// By default in pieces over the stack; a host that reaches both buffers at the same time copies
    /// at once.
    ///
    /// # Errors
    /// Where a range does not lie in its buffer; then nothing is written, or what came before.
    fn copy(
        &mut self,
        offset: usize,
        from: &Self,
        from_offset: usize,
        length: usize,
    ) -> Result<(), OutOfBounds>
    where
        Self: Sized,
    {
        let mut piece = [0; 512];
        let mut done = 0;
        while done < length {
            let size = piece.len().min(length - done);
            let bytes = piece.get_mut(..size).ok_or(OutOfBounds)?;
            from.read(from_offset.checked_add(done).ok_or(OutOfBounds)?, bytes)?;
            self.write(offset.checked_add(done).ok_or(OutOfBounds)?, bytes)?;
            done += size;
        }
        Ok(())
    }
}

/// What the mediator will do with a mapped buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// The guest's TX buffer.
    Read,
    /// The guest's RX buffer.
    Write,
}

/// Why a buffer was not mapped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MapError {
    /// Some of it is not RAM of this VM: the guest gets `INVALID_PARAMETERS`.
    NotMemory,
    /// Some of it serves as a buffer already: the guest gets `INVALID_PARAMETERS`.
    InUse,
    /// The host lacks memory or mappings: the guest gets `NO_MEMORY`.
    NoMemory,
}

/// A range that does not lie in a buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutOfBounds;

/// The hypervisor's RX/TX pair towards the SPMC.
pub struct SpmcBuffers<B> {
    /// Physical address of the buffer that the hypervisor writes.
    pub tx_address: u64,
    /// Physical address of the buffer that the SPMC writes.
    pub rx_address: u64,
    /// Pages of 4 KiB in each.
    pub pages: u8,
    /// Access to the buffer that the SPMC writes.
    pub rx: B,
}

/// Why the system is not as secure as it could be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Taint {
    /// The policy lets every VM reach every other one.
    AllowAllPolicy,
}

/// How much a log line matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// Something does not work, and the reader should know.
    Warning,
    /// What was found and decided.
    Info,
}

impl fmt::Display for Taint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Taint::AllowAllPolicy => {
                f.write_str("FF-A policy allow-all is insecure: every VM may reach every other one")
            }
        }
    }
}

impl fmt::Display for OutOfBounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the range does not lie in the buffer")
    }
}

impl core::error::Error for OutOfBounds {}
