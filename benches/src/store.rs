//! What every contender can do: one trait for those that read, one for those that change.

use std::fmt;

use ffa_abi::{DESCRIPTORS_PER_CALL, PartitionInfo, Version, VmId};

/// Who asks, which decides what is shown and in which form.
#[derive(Clone, Copy, Debug)]
pub struct Asker {
    /// The VM that calls.
    pub caller: VmId,
    /// The version it speaks.
    pub version: Version,
}

/// The registers of five descriptors, as `FFA_PARTITION_INFO_GET_REGS` returns them.
pub type Registers = [[u64; 3]; DESCRIPTORS_PER_CALL];

/// Why a change was not made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// The id's old context still has readers, or waits for [`Store::reclaim`].
    Draining,
    /// The limit on retired memory is reached.
    Backlog {
        /// Bytes that wait.
        bytes: usize,
        /// The limit.
        limit: usize,
        /// The CPU that is blamed, if one is.
        cpu: Option<usize>,
    },
    /// No memory, or an id that is taken or unknown: no bench provokes these.
    Other,
}

/// One way to keep partitions.
pub trait Store: Sync {
    /// One CPU that reads, with its RX buffer.
    type Reader<'s>: Reader
    where
        Self: 's;

    /// How many CPUs can read: the indices of [`Store::reader`].
    const CPUS: usize = 3;

    /// Starts reading on a CPU, for one asker. One reader a CPU at a time.
    fn reader(&self, cpu: usize, asker: Asker) -> Self::Reader<'_>;

    /// Adds a partition.
    ///
    /// # Errors
    /// See [`Refused`].
    fn join(&self, info: PartitionInfo) -> Result<(), Refused>;

    /// Takes one out.
    ///
    /// # Errors
    /// See [`Refused`].
    fn leave(&self, id: VmId) -> Result<(), Refused>;

    /// Frees what no reader can have any more, at most `budget` objects, and returns how many.
    fn reclaim(&self, budget: usize) -> usize;

    /// Bytes that are taken out and not freed.
    fn retired_bytes(&self) -> usize;
}

/// A section that stays open until it is dropped, whatever holds it open.
pub trait OpenSection {}
impl<T> OpenSection for T {}

/// One CPU that reads.
pub trait Reader {
    /// Writes all that the asker sees to RX, and returns how many.
    fn list(&mut self) -> usize;

    /// How many the asker sees.
    fn count(&mut self) -> usize;

    /// Up to five from index `start` on, in the form of 1.2.
    fn registers(&mut self, start: usize) -> Registers;

    /// How many vCPUs a VM has, if there is such a VM.
    fn lookup(&mut self, id: VmId) -> Option<u16>;

    /// Opens a section and keeps it open, as a CPU does that is stuck in a call.
    fn stall(&mut self) -> Box<dyn OpenSection + '_>;

    /// What RX holds.
    fn rx(&mut self) -> Vec<u8>;
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Draining => f.write_str("the id drains"),
            Refused::Backlog { bytes, limit, .. } => write!(f, "{bytes} bytes wait of {limit}"),
            Refused::Other => f.write_str("refused"),
        }
    }
}
