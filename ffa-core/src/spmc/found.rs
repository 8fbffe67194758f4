//! The partitions that are taken from the SPMC's list, and what was left out.

use alloc::vec::Vec;

use ffa_abi::PartitionInfo;

use super::partitions::ListError;
use crate::host::{Host, Level};
use crate::limits::Limits;

/// Partitions as they are read, up to [`Limits::secure_partitions`] of them.
pub(super) struct Found {
    pub(super) partitions: Vec<PartitionInfo>,
    limit: usize,
    not_secure: usize,
    is_full: bool,
    beyond_buffer: u32,
}

impl Found {
    pub(super) fn new(limits: Limits) -> Self {
        Found {
            partitions: Vec::new(),
            limit: limits.secure_partitions.into(),
            not_secure: 0,
            is_full: false,
            beyond_buffer: 0,
        }
    }

    pub(super) fn clear(&mut self) {
        self.partitions.clear();
        self.not_secure = 0;
        self.is_full = false;
    }

    /// Whether the list goes on beyond the limit: there is no use in reading further.
    pub(super) fn is_full(&self) -> bool {
        self.is_full
    }

    /// Takes a partition, unless its id is not secure, or the limit is reached.
    ///
    /// What is left out counts too: the SPMC does not decide how long we read.
    pub(super) fn add(&mut self, info: PartitionInfo) -> Result<(), ListError> {
        if self.partitions.len() + self.not_secure >= self.limit {
            self.is_full = true;
        } else if info.id().is_secure() {
            self.partitions.try_reserve(1).map_err(|_| ListError::NoMemory)?;
            self.partitions.push(info);
        } else {
            self.not_secure += 1;
        }
        Ok(())
    }

    /// The SPMC has `count` more than its buffer holds.
    pub(super) fn left_out_by_buffer(&mut self, count: u32) {
        self.beyond_buffer = count;
    }

    pub(super) fn report<H: Host>(&self, host: &H) {
        let Found { limit, not_secure, beyond_buffer, .. } = self;
        if *not_secure > 0 {
            let what = "with an id that is not secure (bit 15 clear)";
            host.log(Level::Warning, format_args!("FF-A: left out {not_secure} partitions {what}"));
        }
        if self.is_full {
            let what = "Limits::secure_partitions";
            host.log(
                Level::Warning,
                format_args!("FF-A: left out partitions beyond {limit}, {what}"),
            );
        }
        if *beyond_buffer > 0 {
            let what = "that the RX buffer cannot hold";
            host.log(
                Level::Warning,
                format_args!("FF-A: left out {beyond_buffer} partitions {what}"),
            );
        }
    }
}
