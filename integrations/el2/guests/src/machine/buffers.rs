//! The guest's RX and TX buffers, and the machine as the FF-A client sees it.

use core::cell::UnsafeCell;

use ffa_abi::Regs;

use super::call::call;
use crate::argument::Conduit;
use crate::client::{BUFFER_SIZE, Machine};

/// A page that the hypervisor reads or writes as well: never a reference into it.
#[repr(C, align(4096))]
pub struct Shared(UnsafeCell<[u8; BUFFER_SIZE]>);

// SAFETY: its bytes are reached through `read` and `write` only, one volatile access at a time.
unsafe impl Sync for Shared {}

impl Shared {
    /// A page of zeroes.
    #[must_use]
    pub const fn new() -> Self {
        Self(UnsafeCell::new([0; BUFFER_SIZE]))
    }

    /// Guest-physical.
    #[must_use]
    pub fn address(&self) -> u64 {
        self.0.get() as u64
    }

    /// Copies from the start of the page, as much as `into` and the page have.
    pub fn read(&self, into: &mut [u8]) {
        for (offset, byte) in into.iter_mut().take(BUFFER_SIZE).enumerate() {
            let place = self.0.get().cast::<u8>().wrapping_add(offset);
            // SAFETY: within the page, which is always there; a byte has no alignment.
            *byte = unsafe { place.read_volatile() };
        }
    }
}

impl Shared {
    /// Copies to the start of the page, as much as it has room for.
    pub fn write(&self, from: &[u8]) {
        for (offset, byte) in from.iter().take(BUFFER_SIZE).enumerate() {
            let place = self.0.get().cast::<u8>().wrapping_add(offset);
            // SAFETY: as in `read`.
            unsafe { place.write_volatile(*byte) };
        }
    }
}

/// Copies to the start of TX.
pub fn write_tx(from: &[u8]) {
    TX.write(from);
}

/// Copies from the start of RX.
pub fn read_rx(into: &mut [u8]) {
    RX.read(into);
}

impl Default for Shared {
    fn default() -> Self {
        Self::new()
    }
}

static TX: Shared = Shared::new();
static RX: Shared = Shared::new();

impl Machine for Conduit {
    fn call(&self, regs: Regs) -> Regs {
        call(*self, regs)
    }

    fn tx(&self) -> u64 {
        TX.address()
    }

    fn rx(&self) -> u64 {
        RX.address()
    }

    fn read_rx(&self, into: &mut [u8]) {
        RX.read(into);
    }
}
