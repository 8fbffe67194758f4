//! Physical memory and interrupts, as the SPMC sees them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use ffa_abi::VmId;
use ffa_spmc_model::{NotMemory, World};

use crate::current;
use crate::journal::lock;
use crate::memory::{PAGE, Ram};

/// The memory of each guest.
pub(crate) type Guests = Arc<RwLock<HashMap<VmId, Arc<Ram>>>>;

/// Where the hypervisor's buffers towards the SPMC are.
pub(crate) const BUFFERS: u64 = 0x8_0000;

/// The bit of a physical address from which on it says whose memory it is.
const OWNER_SHIFT: u32 = 32;

/// The machine around an SPMC: the hypervisor's buffers, and each VM's memory by [`Physical::address`].
pub struct Physical {
    /// TX, then RX.
    buffers: Arc<Ram>,
    guests: Guests,
    /// The CPUs on which an interrupt of the normal world's is pending: bit by bit.
    pending: AtomicU64,
    /// The CPUs that got a schedule receiver interrupt.
    raised: Mutex<Vec<usize>>,
}

impl Physical {
    pub(crate) fn new(buffers: Arc<Ram>, guests: Guests) -> Physical {
        Physical { buffers, guests, pending: AtomicU64::new(0), raised: Mutex::default() }
    }

    pub(crate) fn buffers(&self) -> &Arc<Ram> {
        &self.buffers
    }

    /// Where `address` of a VM's memory is for everybody else.
    #[must_use]
    pub fn address(vm: VmId, address: u64) -> u64 {
        u64::from(vm.get()) << OWNER_SHIFT | address
    }

    /// Makes an interrupt of the normal world's pending on a CPU below 64, or not any more.
    pub fn set_interrupt_pending(&self, cpu: usize, is_pending: bool) {
        let bit = bit(cpu);
        if is_pending {
            self.pending.fetch_or(bit, Relaxed);
        } else {
            self.pending.fetch_and(!bit, Relaxed);
        }
    }

    /// The CPUs that got a schedule receiver interrupt since the last look, in order.
    #[must_use]
    pub fn take_interrupts(&self) -> Vec<usize> {
        std::mem::take(&mut lock(&self.raised))
    }

    /// Whose memory it is, and where in it.
    fn place(&self, address: u64, length: usize) -> Option<(Arc<Ram>, usize)> {
        let (ram, base) = match u16::try_from(address >> OWNER_SHIFT).ok()? {
            0 => (Arc::clone(&self.buffers), BUFFERS),
            owner => {
                let vm = VmId::new(owner)?;
                let guests = self.guests.read().unwrap_or_else(PoisonError::into_inner);
                (guests.get(&vm).cloned()?, Physical::address(vm, crate::RAM_BASE))
            }
        };
        let offset = usize::try_from(address.checked_sub(base)?).ok()?;
        let end = offset.checked_add(length)?;
        (end <= ram.pages() * PAGE).then_some((ram, offset))
    }
}

/// None where there is no such CPU.
fn bit(cpu: usize) -> u64 {
    u32::try_from(cpu).ok().and_then(|cpu| 1_u64.checked_shl(cpu)).unwrap_or(0)
}

impl World for Physical {
    fn read(&self, address: u64, into: &mut [u8]) -> Result<(), NotMemory> {
        let (ram, offset) = self.place(address, into.len()).ok_or(NotMemory)?;
        ram.read(offset, into);
        Ok(())
    }

    /// What the mediator had read may be read again: it is something else now.
    fn write(&self, address: u64, from: &[u8]) -> Result<(), NotMemory> {
        let (ram, offset) = self.place(address, from.len()).ok_or(NotMemory)?;
        current::begin_fetch();
        ram.write(offset, from);
        Ok(())
    }

    fn is_interrupt_pending(&self, cpu: usize) -> bool {
        self.pending.load(Relaxed) & bit(cpu) != 0
    }

    fn raise_schedule_receiver_interrupt(&self, cpu: usize) {
        lock(&self.raised).push(cpu);
    }
}
