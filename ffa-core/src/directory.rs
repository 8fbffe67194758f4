//! The directory: every partition there is, at one point in time, packed as callers read it.
//!
//! ```text
//!   Head     version, policy                       chunks of the secure partitions, in the SPMC's
//!   top      [ S | S | V | V | V ]                 order; then those of the VMs, by id
//!              │       │
//!              ▼       ▼
//!            Chunk   Chunk                         at most 128 or 512, ready in the form of each
//!                                                  FF-A version
//! ```
//!
//! A list is copied and never composed. A change makes one chunk anew, two where it splits; all
//! others are shared with the directory before (`ffa_rcu::Chunked`).

mod change;
mod chunk;
#[cfg(test)]
mod model;
mod view;

pub use change::{join, leave, set_secure};
pub use chunk::Chunk;
pub use view::{Place, View};

use ffa_rcu::{Chunked, Footprint};

use crate::policy::Policy;

/// Every partition there is, at one point in time: what a registry publishes.
pub type Directory = Chunked<Head, Chunk>;

type Entry = ffa_rcu::Entry<Chunk>;

/// What is said of a directory as a whole.
#[derive(Clone, Copy)]
pub struct Head {
    policy: Policy,
    /// Counts changes. It fits into 48 bits for 178 years of 50,000 changes a second.
    version: u64,
    /// The `version` at which the secure partitions changed last.
    secure_version: u64,
    /// How many chunks, from the first on, are of secure partitions.
    secure_chunks: usize,
}

impl Head {
    /// Of a directory without partitions.
    #[must_use]
    pub fn new(policy: Policy) -> Head {
        Head { policy, version: 1, secure_version: 1, secure_chunks: 0 }
    }

    /// Of the directory after this one.
    fn next(self) -> Head {
        Head { version: self.version.wrapping_add(1), ..self }
    }
}

impl Footprint for Head {}

/// The chunks of secure partitions, and those of VMs.
fn parts(directory: &Directory) -> (&[Entry], &[Entry]) {
    let (entries, secure) = (directory.entries(), directory.head().secure_chunks);
    entries.split_at_checked(secure).unwrap_or((entries, &[]))
}

/// Index of the chunk of `vms` that holds `id`, or would.
fn chunk_of(vms: &[Entry], id: ffa_abi::EndpointId) -> usize {
    vms.partition_point(|entry| entry.summary.first <= id).saturating_sub(1)
}

/// Where `id` stands in `vms`: its chunk, and its place in that.
fn position(vms: &[Entry], id: ffa_abi::EndpointId) -> Option<(usize, usize)> {
    let chunk = chunk_of(vms, id);
    let infos = vms.get(chunk)?.infos();
    let place = infos.binary_search_by_key(&id, ffa_abi::PartitionInfo::id).ok()?;
    Some((chunk, place))
}

/// How many descriptors there are up to the last of `entries`.
fn end(entries: &[Entry]) -> usize {
    entries.last().map_or(0, |entry| entry.summary.end())
}
