//! What the SPMC needs of the machine that it runs on.

use core::error::Error;
use core::fmt;

/// The machine, as an SPMC sees it.
pub trait World {
    /// Copies bytes out of the normal world's memory, from physical `address` on.
    ///
    /// # Errors
    /// There is no such memory, or it is not the normal world's.
    fn read(&self, address: u64, into: &mut [u8]) -> Result<(), NotMemory>;

    /// Copies bytes into the normal world's memory, from physical `address` on.
    ///
    /// # Errors
    /// As [`World::read`].
    fn write(&self, address: u64, from: &[u8]) -> Result<(), NotMemory>;

    /// Whether an interrupt of the normal world's is pending on `cpu`: it takes the CPU from a
    /// partition that runs there.
    fn is_interrupt_pending(&self, cpu: usize) -> bool;

    /// Makes the schedule receiver interrupt pending on `cpu`.
    fn raise_schedule_receiver_interrupt(&self, cpu: usize);
}

/// An address that is not the normal world's memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotMemory;

impl fmt::Display for NotMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not memory of the normal world")
    }
}

impl Error for NotMemory {}
